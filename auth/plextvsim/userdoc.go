// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"time"
)

// userDoc is an account on the wire, in the order of a captured answer. What an
// account's owner has no part in is constant.
type userDoc struct {
	XMLName                 xml.Name        `json:"-" xml:"user"`
	ID                      int64           `json:"id" xml:"id,attr"`
	UUID                    string          `json:"uuid" xml:"uuid,attr"`
	Username                string          `json:"username" xml:"username,attr"`
	Title                   string          `json:"title" xml:"title,attr"`
	Email                   string          `json:"email" xml:"email,attr"`
	FriendlyName            string          `json:"friendlyName" xml:"friendlyName,attr"`
	Locale                  nullable        `json:"locale" xml:"locale,attr"`
	Confirmed               flag            `json:"confirmed" xml:"confirmed,attr"`
	JoinedAt                int64           `json:"joinedAt" xml:"joinedAt,attr"`
	EmailOnlyAuth           flag            `json:"emailOnlyAuth" xml:"emailOnlyAuth,attr"`
	HasPassword             flag            `json:"hasPassword" xml:"hasPassword,attr"`
	Protected               flag            `json:"protected" xml:"protected,attr"`
	Thumb                   string          `json:"thumb" xml:"thumb,attr"`
	AuthToken               string          `json:"authToken" xml:"authToken,attr"`
	MailingListStatus       string          `json:"mailingListStatus" xml:"mailingListStatus,attr"`
	MailingListActive       flag            `json:"mailingListActive" xml:"mailingListActive,attr"`
	ScrobbleTypes           string          `json:"scrobbleTypes" xml:"scrobbleTypes,attr"`
	Country                 string          `json:"country" xml:"country,attr"`
	SubscriptionDescription nullable        `json:"subscriptionDescription" xml:"subscriptionDescription,attr"`
	Restricted              flag            `json:"restricted" xml:"restricted,attr"`
	Anonymous               nullable        `json:"anonymous" xml:"anonymous,attr"`
	Home                    flag            `json:"home" xml:"home,attr"`
	Guest                   flag            `json:"guest" xml:"guest,attr"`
	HomeSize                int             `json:"homeSize" xml:"homeSize,attr"`
	HomeAdmin               flag            `json:"homeAdmin" xml:"homeAdmin,attr"`
	MaxHomeSize             int             `json:"maxHomeSize" xml:"maxHomeSize,attr"`
	RememberExpiresAt       int64           `json:"rememberExpiresAt" xml:"rememberExpiresAt,attr"`
	AdsConsent              nullable        `json:"adsConsent" xml:"adsConsent,attr"`
	AdsConsentSetAt         nullable        `json:"adsConsentSetAt" xml:"adsConsentSetAt,attr"`
	AdsConsentReminderAt    nullable        `json:"adsConsentReminderAt" xml:"adsConsentReminderAt,attr"`
	ExperimentalFeatures    flag            `json:"experimentalFeatures" xml:"experimentalFeatures,attr"`
	TwoFactorEnabled        flag            `json:"twoFactorEnabled" xml:"twoFactorEnabled,attr"`
	BackupCodesCreated      flag            `json:"backupCodesCreated" xml:"backupCodesCreated,attr"`
	AttributionPartner      nullable        `json:"attributionPartner" xml:"attributionPartner,attr"`
	Subscription            subscriptionDoc `json:"subscription" xml:"subscription"`
	Profile                 profileDoc      `json:"profile" xml:"profile"`
	Entitlements            names           `json:"entitlements" xml:"entitlements"`
	Roles                   names           `json:"roles" xml:"roles"`
	Subscriptions           names           `json:"subscriptions" xml:"subscriptions"`
	PastSubscriptions       names           `json:"pastSubscriptions" xml:"pastSubscriptions"`
	Trials                  names           `json:"trials" xml:"trials"`
	Services                []serviceDoc    `json:"services" xml:"services>service"`
}

type subscriptionDoc struct {
	Active         flag     `json:"active" xml:"active,attr"`
	SubscribedAt   nullable `json:"subscribedAt" xml:"subscribedAt,attr"`
	Status         string   `json:"status" xml:"status,attr"`
	PaymentService nullable `json:"paymentService" xml:"paymentService,attr"`
	Plan           nullable `json:"plan" xml:"plan,attr"`
	Features       names    `json:"features" xml:"features"`
}

type profileDoc struct {
	AutoSelectAudio              flag     `json:"autoSelectAudio" xml:"autoSelectAudio,attr"`
	DefaultAudioLanguage         nullable `json:"defaultAudioLanguage" xml:"defaultAudioLanguage,attr"`
	DefaultSubtitleLanguage      nullable `json:"defaultSubtitleLanguage" xml:"defaultSubtitleLanguage,attr"`
	AutoSelectSubtitle           int      `json:"autoSelectSubtitle" xml:"autoSelectSubtitle,attr"`
	DefaultSubtitleAccessibility int      `json:"defaultSubtitleAccessibility" xml:"defaultSubtitleAccessibility,attr"`
	DefaultSubtitleForced        int      `json:"defaultSubtitleForced" xml:"defaultSubtitleForced,attr"`
	WatchedIndicator             int      `json:"watchedIndicator" xml:"watchedIndicator,attr"`
	MediaReviewsVisibility       int      `json:"mediaReviewsVisibility" xml:"mediaReviewsVisibility,attr"`
}

// serviceDoc is one of plex.tv's services with the credentials that the answer
// carries for it: more in the body to keep out of logs than the token.
type serviceDoc struct {
	Identifier string `json:"identifier" xml:"identifier,attr"`
	Endpoint   string `json:"endpoint" xml:"endpoint,attr"`
	Token      string `json:"token" xml:"token,attr"`
	Secret     string `json:"secret" xml:"secret,attr"`
	Status     string `json:"status" xml:"status,attr"`
}

// rememberFor is how far ahead rememberExpiresAt was in a captured answer.
const rememberFor = 14 * 24 * time.Hour

// newUserDoc shows the account to the user of the token.
func newUserDoc(user *User, token string, x *exchange) userDoc {
	return userDoc{
		ID: user.ID, UUID: user.UUID, Username: user.Username, Title: user.Title, Email: user.Email,
		FriendlyName: user.Title, Confirmed: true, JoinedAt: 1500000000, HasPassword: flag(user.hasPassword()),
		Protected: user.PIN != "", Thumb: user.Thumb,
		AuthToken:         token,
		MailingListStatus: "unsubscribed", Country: "PT",
		Restricted: flag(user.Restricted), HomeAdmin: flag(user.HomeAdmin), Guest: flag(user.Guest),
		Home: flag(user.home != nil || user.HomeAdmin || user.Restricted), HomeSize: len(user.homeMembers()), MaxHomeSize: 15,
		RememberExpiresAt: x.now.Add(rememberFor).Add(x.skew).Unix(),
		Subscription:      subscriptionDoc{Status: "Inactive", Features: names{"companions_sonos", "home"}},
		Profile:           profileDoc{AutoSelectAudio: true, DefaultAudioLanguage: "en", WatchedIndicator: 1},
		Entitlements:      names{}, Roles: names{}, Subscriptions: names{}, PastSubscriptions: names{}, Trials: names{},
		Services: []serviceDoc{{
			Identifier: "metadata", Endpoint: "https://metadata.provider.plex.tv",
			Token: "sim-service-token", Secret: "sim-service-secret", Status: "online",
		}},
	}
}
