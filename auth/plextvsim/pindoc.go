// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"math"
)

// pinDoc is a PIN on the wire.
type pinDoc struct {
	XMLName          xml.Name    `json:"-" xml:"pin"`
	ID               int64       `json:"id" xml:"id,attr"`
	Code             string      `json:"code" xml:"code,attr"`
	Product          string      `json:"product" xml:"product,attr"`
	Trusted          flag        `json:"trusted" xml:"trusted,attr"`
	QR               string      `json:"qr" xml:"qr,attr"`
	ClientIdentifier string      `json:"clientIdentifier" xml:"clientIdentifier,attr"`
	Location         locationDoc `json:"location" xml:"location"`
	ExpiresIn        int64       `json:"expiresIn" xml:"expiresIn,attr"`
	CreatedAt        stamp       `json:"createdAt" xml:"createdAt,attr"`
	ExpiresAt        stamp       `json:"expiresAt" xml:"expiresAt,attr"`
	AuthToken        nullable    `json:"authToken" xml:"authToken,attr"`
	NewRegistration  nullable    `json:"newRegistration" xml:"newRegistration,attr"`
}

// locationDoc is where plex.tv believes the household to be.
type locationDoc struct {
	Code              string `json:"code" xml:"code,attr"`
	EuropeanUnion     flag   `json:"european_union_member" xml:"european_union_member,attr"`
	Continent         string `json:"continent_code" xml:"continent_code,attr"`
	Country           string `json:"country" xml:"country,attr"`
	City              string `json:"city" xml:"city,attr"`
	TimeZone          string `json:"time_zone" xml:"time_zone,attr"`
	PostalCode        string `json:"postal_code" xml:"postal_code,attr"`
	RestrictedCountry flag   `json:"in_privacy_restricted_country" xml:"in_privacy_restricted_country,attr"`
	RestrictedRegion  flag   `json:"in_privacy_restricted_region" xml:"in_privacy_restricted_region,attr"`
	Subdivisions      string `json:"subdivisions" xml:"subdivisions,attr"`
	Coordinates       string `json:"coordinates" xml:"coordinates,attr"`
}

// document shows the PIN with the token, "" for none.
func (p *pin) document(token string, x *exchange) pinDoc {
	remaining := p.ExpiresAt.Sub(x.now)
	return pinDoc{
		ID: p.id, Code: p.Code, Product: p.Product,
		QR:               "https://plex.tv/api/v2/pins/qr/" + p.Code,
		ClientIdentifier: p.ClientIdentifier,
		Location: locationDoc{
			Code: "PT", EuropeanUnion: true, Continent: "EU", Country: "Portugal", City: "Porto",
			TimeZone: "Europe/Lisbon", PostalCode: "4000", RestrictedCountry: true, RestrictedRegion: true,
			Subdivisions: "Porto", Coordinates: "41.1496, -8.611",
		},
		ExpiresIn: int64(math.Ceil(remaining.Seconds())),
		CreatedAt: stamp(p.CreatedAt.Add(x.skew)),
		ExpiresAt: stamp(p.ExpiresAt.Add(x.skew)),
		AuthToken: nullable(token),
	}
}
