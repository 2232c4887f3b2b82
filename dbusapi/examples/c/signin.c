/* SPDX-License-Identifier: Apache-2.0 */
/* Signs this box in to Plex: shows a code, waits, says who it is.
 *
 *     cc -o signin signin.c $(pkg-config --cflags --libs libsystemd)
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "plexauth.h"

static const char locked[] = "Who is watching? plexauthctl switch asks for the PIN.";

/* What to tell a person; other failures speak for themselves. */
static const char *say(const sd_bus_error *error) {
    static const char *const texts[][2] = {
        {"Unreachable", "Plex cannot be reached. Is the network up?"},
        {"InvalidResponse", "Plex cannot be reached. Does the network want you to log in first?"},
        {"ServerError", "Plex has a problem. Trying again."},
        {"RateLimited", "Plex is busy. Trying again."},
        {"UserLocked", locked},
        {"Forbidden", "Plex does not allow this user to do that."},
        {"AccessDenied", "You may not sign this box in. Join the group plexauth."},
        {"NotRunning", "Waiting for plexauthd."},
        {"NoReply", "Waiting for plexauthd."},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(plexauth_code(error), texts[i][0]) == 0) return texts[i][1];
    return error->message ? error->message : "The call failed.";
}

static void show(const char *text) {
    static char shown[1024];
    if (strcmp(text, shown) == 0) return;
    puts(text);
    fflush(stdout);
    snprintf(shown, sizeof shown, "%s", text);
}

/* Says who is signed in. Returns whether that worked. */
static int greet(sd_bus *bus, int with_token) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *user = NULL, *secret = NULL;
    const char *title, *token = "";
    char text[1024];
    int r = plexauth_user_text(bus, &error, "title", &title, &user);
    if (r >= 0 && with_token) r = plexauth_token(bus, &error, &token, &secret);
    if (r >= 0) {
        if (!*title) title = "somebody";
        snprintf(text, sizeof text, with_token ? "Signed in as %s, token %s" : "Signed in as %s", title, token);
    }
    show(r < 0 ? say(&error) : text);
    sd_bus_error_free(&error);
    sd_bus_message_unref(user);
    sd_bus_message_unref(secret);
    return r >= 0;
}

/* Shows the code of the pairing under way. If there is none it starts one:
 * somebody started this program to sign in. In a player it is a button. */
static void pair(sd_bus *bus, struct plexauth_pin pin) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    char text[1024];
    int r = pin.id ? 0 : plexauth_request_pin(bus, &error, &pin, &reply);
    if (r >= 0) snprintf(text, sizeof text, "Go to %s and enter %s", pin.link_uri, pin.code);
    show(r < 0 ? say(&error) : text);
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
}

static int open_bus(const char *name, sd_bus **bus) {
    if (strcmp(name, "system") == 0) return sd_bus_open_system(bus);
    if (strcmp(name, "session") == 0) return sd_bus_open_user(bus);
    int r = sd_bus_new(bus);
    if (r >= 0) r = sd_bus_set_address(*bus, name);
    if (r >= 0) r = sd_bus_set_bus_client(*bus, 1);
    return r < 0 ? r : sd_bus_start(*bus);
}

static int sign_in(sd_bus *bus, uint64_t again_after, int watch, int with_token) {
    struct plexauth_status status;
    int heard = 0, first = 1, r = plexauth_subscribe(bus, &heard);
    while (r >= 0 && (r = plexauth_read(bus, first, &status)) >= 0) {
        int done = first = 0;
        if (!status.present) show("Waiting for plexauthd.");
        else if (status.authenticated) done = greet(bus, with_token);
        else if (strcmp(status.state, "locked") == 0) show(locked); /* in a player, the list of users */
        else pair(bus, status.pin);
        plexauth_status_clear(&status);
        if (done && !watch) return 0;
        r = plexauth_wait(bus, &heard, again_after);
    }
    return r;
}

int main(int argc, char **argv) {
    static const struct option known[] = {
        {"bus", required_argument, NULL, 'b'}, {"again", required_argument, NULL, 'a'}, {"watch", no_argument, NULL, 'w'},
        {"with-token", no_argument, NULL, 't'}, {0},
    };
    const char *name = "system";
    uint64_t again_after = 5; /* seconds; then what failed is tried again */
    int watch = 0, with_token = 0;
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (o) {
        case 'b': name = optarg; break;
        case 'a': again_after = strtoull(optarg, NULL, 10); break;
        case 'w': watch = 1; break;
        case 't': with_token = 1; break; /* the token gives access to the account */
        default: return 2;
        }
    sd_bus *bus = NULL;
    int r = open_bus(name, &bus);
    if (r >= 0) r = sign_in(bus, again_after * 1000000, watch, with_token);
    sd_bus_flush_close_unref(bus);
    if (r < 0) fprintf(stderr, "signin: no connection to the bus: %s\n", strerror(-r));
    return r < 0;
}
