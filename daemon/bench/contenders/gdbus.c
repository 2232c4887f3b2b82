/* SPDX-License-Identifier: Apache-2.0 */
// A D-Bus service in C on GDBus. It takes a name, says READY=1 and answers
// GetAuthHeaders with the names and values that follow on its command line.
#include <gio/gio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

static const char xml[] =
	"<node><interface name='tv.retune.PlexAuth1.Credentials'>"
	"<method name='GetAuthHeaders'><arg name='headers' type='a{ss}' direction='out'/></method>"
	"</interface></node>";

static void called(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer headers) {
	(void)bus, (void)sender, (void)path, (void)interface, (void)method, (void)arguments;
	GVariantBuilder reply;
	g_variant_builder_init(&reply, G_VARIANT_TYPE("a{ss}"));
	for (char **header = headers; *header; header += 2)
		g_variant_builder_add(&reply, "{ss}", header[0], header[1]);
	g_dbus_method_invocation_return_value(invocation, g_variant_new("(a{ss})", &reply));
}

static const GDBusInterfaceVTable vtable = {.method_call = called};

static void connected(GDBusConnection *bus, const char *name, gpointer headers) {
	(void)name;
	GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, NULL);
	if (!g_dbus_connection_register_object(bus, "/tv/retune/PlexAuth1", node->interfaces[0],
			&vtable, headers, NULL, NULL))
		exit(EXIT_FAILURE);
}

static void named(GDBusConnection *bus, const char *name, gpointer headers) {
	(void)bus, (void)name, (void)headers;
	sd_notify(0, "READY=1");
}

static void lost(GDBusConnection *bus, const char *name, gpointer headers) {
	(void)bus, (void)name, (void)headers;
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
	(void)argc;
	g_bus_own_name(G_BUS_TYPE_SESSION, argv[1], G_BUS_NAME_OWNER_FLAGS_NONE, connected, named, lost, argv + 2, NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
