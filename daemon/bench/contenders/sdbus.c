/* SPDX-License-Identifier: Apache-2.0 */
// A D-Bus service in C on sd-bus. It takes a name, says READY=1 and answers
// GetAuthHeaders with the names and values that follow on its command line.
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

static int get_auth_headers(sd_bus_message *call, void *headers, sd_bus_error *error) {
	(void)error;
	sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "{ss}");
	for (char **header = headers; r >= 0 && *header; header += 2)
		r = sd_bus_message_append(reply, "{ss}", header[0], header[1]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r;
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetAuthHeaders", "", "a{ss}", get_auth_headers, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int main(int argc, char **argv) {
	(void)argc;
	sd_bus *bus = NULL;
	int r = sd_bus_open_user(&bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/tv/retune/PlexAuth1",
			"tv.retune.PlexAuth1.Credentials", vtable, argv + 2);
	if (r >= 0)
		r = sd_bus_request_name(bus, argv[1], 0);
	if (r >= 0)
		r = sd_notify(0, "READY=1");
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	return EXIT_FAILURE;
}
