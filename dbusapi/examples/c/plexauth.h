/* SPDX-License-Identifier: Apache-2.0 */
/* plexauthd for frontends in C, on sd-bus (libsystemd). Include and use; there is
 * nothing to link but libsystemd.
 *
 * Subscribe, then read, then act, and read again whenever something was heard:
 *
 *     int heard = 0;
 *     plexauth_subscribe(bus, &heard);
 *     for (int first = 1;; first = 0) {
 *         struct plexauth_status status;
 *         plexauth_read(bus, first, &status);
 *         ...                               // show it, act
 *         plexauth_status_clear(&status);
 *         plexauth_wait(bus, &heard, UINT64_MAX);
 *     }
 *
 * Functions return 0 or more, or a negative errno. Where they take an
 * sd_bus_error, plexauth_code tells from it which failure it was. A bus that
 * gives an error otherwise has gone.
 */
#ifndef PLEXAUTH_H
#define PLEXAUTH_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define PLEXAUTH_NAME "tv.retune.PlexAuth1"
#define PLEXAUTH_PATH "/tv/retune/PlexAuth1"
#define PLEXAUTH_MAIN PLEXAUTH_NAME, PLEXAUTH_PATH, "tv.retune.PlexAuth1"
#define PLEXAUTH_CREDENTIALS PLEXAUTH_NAME, PLEXAUTH_PATH, "tv.retune.PlexAuth1.Credentials"
#define PLEXAUTH_HOME PLEXAUTH_NAME, PLEXAUTH_PATH, "tv.retune.PlexAuth1.Home"

/* A PIN that waits to be claimed; id is 0 when none does. */
struct plexauth_pin {
    uint64_t id;
    const char *code;      /* to be shown to a person */
    const char *link_uri;  /* where a person types it */
    const char *auth_uri;  /* for a QR code */
    int64_t expires_at;    /* seconds since the epoch */
};

/* plexauthd's properties. The texts live until plexauth_status_clear. */
struct plexauth_status {
    int present;           /* whether plexauthd is on the bus; if not, the rest is 0 */
    int authenticated;     /* a token is held that plex.tv has not refused */
    const char *state;     /* signed-out, pairing, signed-in, unverified, expired, locked; more one day */
    struct plexauth_pin pin;
    sd_bus_message *reply; /* holds the texts */
};

static inline void plexauth_status_clear(struct plexauth_status *status) {
    sd_bus_message_unref(status->reply);
    memset(status, 0, sizeof *status);
}

static inline int plexauth_heard_(sd_bus_message *m, void *heard, sd_bus_error *e) {
    (void)m; (void)e;
    *(int *)heard = 1;
    return 0;
}

/* Has *heard set to 1 by whatever plexauthd announces, its coming and going included. */
static inline int plexauth_subscribe(sd_bus *bus, int *heard) {
    int r = sd_bus_add_match(bus, NULL,
        "type='signal',sender='" PLEXAUTH_NAME "',path='" PLEXAUTH_PATH "'", plexauth_heard_, heard);
    if (r < 0) return r;
    return sd_bus_add_match(bus, NULL,
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" PLEXAUTH_NAME "'",
        plexauth_heard_, heard);
}

/* Waits until *heard is set, and sets it back. Returns 0 if microseconds passed in silence. */
static inline int plexauth_wait(sd_bus *bus, int *heard, uint64_t microseconds) {
    while (!*heard) {
        int r = sd_bus_process(bus, NULL);
        if (r < 0) return r;
        if (r > 0) continue;
        r = sd_bus_wait(bus, microseconds);
        if (r < 0 && r != -EINTR) return r;
        if (r == 0) return 0;
    }
    *heard = 0;
    return 1;
}

/* Which failure it was: the last part of the error's name, such as "Unreachable",
 * "AccessDenied" or "NoReply"; "NotRunning" if there is no plexauthd. */
static inline const char *plexauth_code(const sd_bus_error *error) {
    const char *name = error->name ? error->name : "", *dot = strrchr(name, '.');
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
        strstr(name, ".Spawn.")) return "NotRunning";
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT)) return "NoReply"; /* of sd-bus itself */
    return dot ? dot + 1 : name;
}

static inline int plexauth_read_pin_(sd_bus_message *m, struct plexauth_pin *pin) {
    return sd_bus_message_read(m, "(tsssx)", &pin->id, &pin->code, &pin->link_uri, &pin->auth_uri, &pin->expires_at);
}

static inline int plexauth_read_property_(sd_bus_message *m, struct plexauth_status *status) {
    const char *name;
    int r = sd_bus_message_read(m, "s", &name);
    if (r < 0) return r;
    if (strcmp(name, "Authenticated") == 0) return sd_bus_message_read(m, "v", "b", &status->authenticated);
    if (strcmp(name, "State") == 0) return sd_bus_message_read(m, "v", "s", &status->state);
    if (strcmp(name, "Pin") != 0) return sd_bus_message_skip(m, "v");
    if ((r = sd_bus_message_enter_container(m, 'v', "(tsssx)")) < 0) return r;
    if ((r = plexauth_read_pin_(m, &status->pin)) < 0) return r;
    return sd_bus_message_exit_container(m);
}

/* Reads all properties at once. That no plexauthd is there is no error. With
 * may_start the bus starts it where it can; without, one that was stopped on
 * purpose stays so. */
static inline int plexauth_read(sd_bus *bus, int may_start, struct plexauth_status *status) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *call = NULL;
    memset(status, 0, sizeof *status);
    int r = sd_bus_message_new_method_call(bus, &call, PLEXAUTH_NAME, PLEXAUTH_PATH,
                                           "org.freedesktop.DBus.Properties", "GetAll");
    if (r >= 0) r = sd_bus_message_append(call, "s", PLEXAUTH_NAME);
    if (r >= 0) r = sd_bus_message_set_auto_start(call, may_start);
    if (r >= 0) r = sd_bus_call(bus, call, 0, &error, &status->reply);
    sd_bus_message_unref(call);
    /* NoReply: it has just ended, and the bus tells when it is back. Or it answers nothing. */
    int absent = strcmp(plexauth_code(&error), "NotRunning") == 0 || strcmp(plexauth_code(&error), "NoReply") == 0;
    sd_bus_error_free(&error);
    if (absent) return 0;
    if (r >= 0) r = sd_bus_message_enter_container(status->reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(status->reply, 'e', "sv")) > 0) {
        r = plexauth_read_property_(status->reply, status);
        if (r >= 0) r = sd_bus_message_exit_container(status->reply);
    }
    status->present = r >= 0;
    return r;
}

/* Starts pairing, or gives the pairing under way. The texts live as long as *reply;
 * sd_bus_message_unref it. */
static inline int plexauth_request_pin(sd_bus *bus, sd_bus_error *error, struct plexauth_pin *pin, sd_bus_message **reply) {
    int r = sd_bus_call_method(bus, PLEXAUTH_MAIN, "RequestPin", error, reply, "");
    if (r < 0) return r;
    return sd_bus_message_read(*reply, "tsssx", &pin->id, &pin->code, &pin->link_uri, &pin->auth_uri, &pin->expires_at);
}

/* Gives one text of who uses the box: "title", "username", "email", "thumb", ...
 * Empty for a moment after a sign-in, and when nobody is signed in. It lives as
 * long as *reply. */
static inline int plexauth_user_text(sd_bus *bus, sd_bus_error *error, const char *key, const char **text, sd_bus_message **reply) {
    const char *name, *type;
    *text = "";
    int r = sd_bus_call_method(bus, PLEXAUTH_CREDENTIALS, "GetCurrentUser", error, reply, "");
    if (r >= 0) r = sd_bus_message_enter_container(*reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(*reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(*reply, "s", &name);
        if (r >= 0) r = sd_bus_message_peek_type(*reply, NULL, &type);
        if (r >= 0) r = strcmp(name, key) == 0 && strcmp(type, "s") == 0
            ? sd_bus_message_read(*reply, "v", "s", text) : sd_bus_message_skip(*reply, "v");
        if (r >= 0) r = sd_bus_message_exit_container(*reply);
    }
    return r;
}

/* Gives the token. It lives as long as *reply. Ask each time instead of keeping it. */
static inline int plexauth_token(sd_bus *bus, sd_bus_error *error, const char **token, sd_bus_message **reply) {
    int r = sd_bus_call_method(bus, PLEXAUTH_CREDENTIALS, "GetToken", error, reply, "");
    return r < 0 ? r : sd_bus_message_read(*reply, "s", token);
}

#endif
