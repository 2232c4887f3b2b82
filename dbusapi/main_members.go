// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/pinqr"
)

// mainMembers are the methods of tv.retune.PlexAuth1.
func (s *Service) mainMembers() members {
	id := arg{"id", "t"}
	return members{
		"RequestPin":            {action: pair, asksPlex: true, run: s.requestPin},
		"RequestPinWithOptions": {action: pair, asksPlex: true, in: []arg{{"options", "a{sv}"}}, run: s.requestPinWithOptions},
		"CheckPinStatus":        {action: pair, asksPlex: true, in: []arg{id}, run: s.checkPinStatus},
		"CancelPin":             {action: pair, in: []arg{id}, run: s.cancelPin},
		"GetPinQR":              {action: pair, in: []arg{{"format", "s"}, {"scale", "u"}}, atOnce: getPinQR, long: true},
		"GetPlexEndpoint":       {action: pair, atOnce: s.getPlexEndpoint, fresh: true},
		"Validate":              {action: pair, asksPlex: true, run: s.validate},
	}
}

func (s *Service) requestPin(ctx context.Context, _ job) ([]any, error) {
	return pairingReply(s.account.RequestPin(ctx, auth.PinOptions{}))
}

func (s *Service) requestPinWithOptions(ctx context.Context, j job) ([]any, error) {
	var o auth.PinOptions
	options := reader{values: j.args[0].(map[string]dbus.Variant), name: "options"}
	options.read("strong", &o.Strong)
	options.read("force", &o.Force)
	if err := options.refuseOthers(); err != nil {
		return nil, err
	}
	return pairingReply(s.account.RequestPin(ctx, o))
}

func pairingReply(p auth.Pairing, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{p.ID, p.Code, p.LinkURI, p.AuthURI, unix(p.ExpiresAt)}, nil
}

func (s *Service) checkPinStatus(ctx context.Context, j job) ([]any, error) {
	claimed, expiresAt, err := s.account.CheckPin(ctx, j.args[0].(uint64))
	if err != nil {
		return nil, err
	}
	return []any{claimed, unix(expiresAt)}, nil
}

func (s *Service) cancelPin(ctx context.Context, j job) ([]any, error) {
	return nil, s.account.CancelPin(ctx, j.args[0].(uint64))
}

func getPinQR(now *auth.Snapshot, j job) ([]any, error) {
	var draw func(text string, scale int) ([]byte, error)
	switch format := j.args[0].(string); format {
	case "png":
		draw = pinqr.PNG
	case "svg":
		draw = pinqr.SVG
	default:
		return nil, invalidArg("format", fmt.Sprintf("%.40q is not one of png, svg", format))
	}
	scale := j.args[1].(uint32)
	if scale == 0 {
		scale = pinqr.DefaultScale
	}
	if scale > pinqr.MaxScale {
		return nil, invalidArg("scale", fmt.Sprintf("%d is more than %d", scale, pinqr.MaxScale))
	}
	if now.Pairing.ID == 0 {
		return nil, &auth.Error{Code: auth.NotFound, Text: "no pairing is under way"}
	}
	return single(draw(now.Pairing.AuthURI, int(scale)))
}

func (s *Service) validate(ctx context.Context, _ job) ([]any, error) {
	return single(s.account.Validate(ctx))
}

func (s *Service) getPlexEndpoint(account *auth.Snapshot, _ job) ([]any, error) {
	e := s.endpoint()
	told := map[string]dbus.Variant{
		"url":        dbus.MakeVariant(e.URL),
		"proxy":      dbus.MakeVariant(e.Proxy),
		"proxy_user": dbus.MakeVariant(e.ProxyUser),
	}
	if account.AwayURL != "" {
		told["sign_in_url"] = dbus.MakeVariant(account.AwayURL)
	}
	return []any{told}, nil
}

func single[T any](value T, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{value}, nil
}
