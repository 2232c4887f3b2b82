// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func TestHomeUsersAreRead(t *testing.T) {
	ann := `{"id":42,"uuid":"ab12","title":"Ann É.","username":"ann","email":"a@example.org","thumb":"https://plex.tv/a",
	 "hasPassword":true,"restricted":false,"restrictionProfile":null,"admin":true,"guest":false,"protected":false}`
	kid := func(fields string) string { return `{"id":7,"uuid":"kid-1","title":"Kid",` + fields + `}` }
	admin := plextv.HomeUser{ID: "42", UUID: "ab12", Title: "Ann É.", Thumb: "https://plex.tv/a", Admin: true}
	locked := plextv.HomeUser{ID: "7", UUID: "kid-1", Title: "Kid", Protected: true}
	open, managed, guest := locked, locked, locked
	open.Protected, managed.Restricted, guest.Guest = false, true, true
	named := plextv.HomeUser{ID: "9", UUID: "u", Title: "bob"}
	for name, test := range map[string]struct {
		users string
		want  []plextv.HomeUser
	}{
		"all fields":      {ann + "," + kid(`"restricted":true,"protected":true`), []plextv.HomeUser{admin, managed}},
		"none":            {"", []plextv.HomeUser{}},
		"open":            {kid(`"protected":0`), []plextv.HomeUser{open}},
		"locked":          {kid(`"protected":"1","restricted":"0"`), []plextv.HomeUser{locked}},
		"guest":           {kid(`"guest":1,"protected":true`), []plextv.HomeUser{guest}},
		"not said":        {kid(`"hasPassword":false`), []plextv.HomeUser{locked}},
		"null":            {kid(`"protected":null`), []plextv.HomeUser{locked}},
		"a username":      {`{"id":9,"uuid":"u","title":"","username":"bob","protected":false}`, []plextv.HomeUser{named}},
		"odd ones":        {`7,null,{},{"id":1,"title":"x"},{"id":1,"title":"x","uuid":"../y"},{"uuid":"z","title":"x"},` + ann, []plextv.HomeUser{{UUID: "z", Title: "x", Protected: true}, admin}},
		"listed twice":    {kid(`"protected":false`) + "," + ann + "," + kid(`"protected":true`), []plextv.HomeUser{locked, admin}},
		"floats":          {`{"id":7.0,"uuid":" kid-1 ","title":"Kid","protected":0.0}`, []plextv.HomeUser{open}},
		"control in name": {`{"id":1,"uuid":"u","title":"a\u0007","protected":false},` + ann, []plextv.HomeUser{{ID: "1", UUID: "u", Title: "a"}, admin}},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"id":1,"name":"Home","guestUserID":null,"subscription":true,"users":[` + test.users + `]}`
			got, err := serve(t, reply(200, jsonType, body)).client(t).HomeUsers(context.Background(), me, secret.New(token))
			if err != nil || !slices.Equal(got.Users, test.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestHomesAreBounded(t *testing.T) {
	var users []string
	for i := range 101 {
		users = append(users, fmt.Sprintf(`{"id":%d,"uuid":"u%d","title":"x"}`, i, i))
	}
	c := serve(t, reply(200, jsonType, `{"users":[`+strings.Join(users, ",")+`]}`)).client(t)
	if got, err := c.HomeUsers(context.Background(), me, secret.New(token)); err != nil || len(got.Users) != 100 || got.Unread != 1 {
		t.Errorf("%d users, %d unread, %v", len(got.Users), got.Unread, err)
	}
}

func TestSwitchGivesTheUsersToken(t *testing.T) {
	for name, body := range map[string]string{
		"all fields": switched,
		"no uuid":    strings.Replace(switched, `"uuid":"`+homeUUID+`",`, "", 1),
	} {
		own, user, err := serve(t, reply(201, jsonType, body)).client(t).
			SwitchHomeUser(context.Background(), me, secret.New("admin"), homeUUID, secret.New(homePin))
		if err != nil || !own.Equal(secret.New(token)) || user.ID != "7" || user.Title != "Kid" || !user.Restricted {
			t.Errorf("%s: %q, %+v, %v", name, own.Reveal(), user, err)
		}
	}
}
