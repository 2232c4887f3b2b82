// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// PinOptions choose what [Client.RequestPin] asks for.
type PinOptions struct {
	Strong bool // a long code for the QR route instead of four characters that a person types
	Force  bool // end a pairing under way and start a new one
}

// RequestPin starts a pairing, or returns the one under way unless o.Force.
// From then on the daemon itself asks plex.tv until the PIN is claimed, expires
// or is cancelled; [PinEnded] tells.
func (c *Client) RequestPin(ctx context.Context, o PinOptions) (Pairing, error) {
	member, args := "RequestPin", []any(nil)
	if o != (PinOptions{}) {
		member, args = "RequestPinWithOptions", []any{map[string]dbus.Variant{
			"strong": dbus.MakeVariant(o.Strong), "force": dbus.MakeVariant(o.Force),
		}}
	}
	var p pinValue
	err := c.call(ctx, names.Main, member, args, &p.ID, &p.Code, &p.LinkURI, &p.AuthURI, &p.ExpiresAt)
	return p.pairing(), err
}

// CheckPin asks plex.tv about a pairing now. Claimed means that the credentials
// are stored. The errors are [NotFound], [PinExpired] and those of asking
// plex.tv. A frontend that watches does not need it.
func (c *Client) CheckPin(ctx context.Context, id uint64) (claimed bool, expiresAt time.Time, err error) {
	var seconds int64
	err = c.call(ctx, names.Main, "CheckPinStatus", []any{id}, &claimed, &seconds)
	return claimed, fromUnix(seconds), err
}

// CancelPin ends a pairing. The error is [NotFound] if it is not under way.
func (c *Client) CancelPin(ctx context.Context, id uint64) error {
	return c.call(ctx, names.Main, "CancelPin", []any{id})
}

// The formats of [Client.PinQR].
const (
	PNG = "png"
	SVG = "svg"
)

// PinQR draws the AuthURI of the pairing under way as a QR code, with its
// margin. format is [PNG] or [SVG], scale the size of a module in pixels, 1 to
// 32, or 0 for the daemon's choice. The error is [NotFound] when no pairing is
// under way.
func (c *Client) PinQR(ctx context.Context, format string, scale int) (image []byte, err error) {
	err = c.call(ctx, names.Main, "GetPinQR", []any{format, uint32(scale)}, &image)
	return image, err
}

// PlexEndpoint is how the daemon reaches plex.tv.
type PlexEndpoint struct {
	URL string
	// Proxy is the proxy in between, without user name and password: "" if there is
	// none, "invalid" if the daemon's setting is not a URL.
	Proxy     string
	ProxyUser bool // the proxy is given a user name or password
	// SignInURL is the address of plex.tv that the sign-in belongs to, if another one
	// is in use, where nobody is signed in.
	SignInURL string
}

// PlexEndpoint tells how the daemon reaches plex.tv, for programs that look for what is
// wrong. Nobody is asked.
func (c *Client) PlexEndpoint(ctx context.Context) (e PlexEndpoint, err error) {
	var found map[string]dbus.Variant
	err = c.call(ctx, names.Main, "GetPlexEndpoint", nil, &found)
	e.URL, _ = found["url"].Value().(string)
	e.Proxy, _ = found["proxy"].Value().(string)
	e.ProxyUser, _ = found["proxy_user"].Value().(bool)
	e.SignInURL, _ = found["sign_in_url"].Value().(string)
	return e, err
}

// Validate asks plex.tv now whether the stored token is good. An error other
// than [AuthRequired] says nothing about the token.
func (c *Client) Validate(ctx context.Context) (valid bool, err error) {
	err = c.call(ctx, names.Main, "Validate", nil, &valid)
	return valid, err
}
