// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
)

// refusal is a file and what the error about it says.
type refusal struct {
	name, text   string
	line         int
	key, problem string
}

func runRefusals(t *testing.T, refusals []refusal) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			refused(t, write(t, r.text), r.line, r.key, r.problem)
		})
	}
}

func TestLoadRefusesUnknownKeys(t *testing.T) {
	runRefusals(t, []refusal{
		{"key", "[identity]\n# bogus = 1\nproduct = \"x\"\nbogus = 1\n", 4, "identity.bogus", "accepted in [identity] are product, version, platform, platform_version, device, device_name"},
		{"key of another table", "[log]\nlevel = \"info\"\n\n[auth]\nlevel = \"info\"\n", 5, "auth.level", "accepted in [auth] are mode"},
		{"key spelled in upper case", "[log]\nLevel = \"info\"\n", 2, "log.Level", "is unknown"},
		{"top-level key", "\nproduct = \"x\"\n[identity]\nproduct = \"y\"\n", 2, "product", "want [identity], [auth], [plex], [pairing] or [log]"},
		{"quoted key with a dot", "\"log.level\" = \"info\"", 1, `"log.level"`, "is unknown"},
		{"empty key", "\"\" = \"info\"", 1, `""`, "is unknown"},
		{"table", "[log]\n\n[logs]\nlevel = \"info\"\n", 3, "logs", "is unknown"},
		{"nested table", "[log]\n[log.file]\npath = \"x\"\n", 2, "log.file", "accepted in [log] are level"},
		{"nested table of an unknown one", "# [a.b]\n[a.b.c]\n", 2, "a.b.c", "is unknown"},
		{"nested key", "[log]\n\nfile.path = \"x\"\n", 3, "log.file.path", "is unknown"},
		{"below a setting", "[log]\nlevel.file = \"x\"\n", 2, "log.level.file", "is unknown"},
		{"inline", "log = { level = \"info\", file = \"x\" }", 1, "log.file", "is unknown"},
		{"inline over lines", "[plex]\n[log]\nfile = [\n{ a = 1 },\n]\n", 3, "log.file", "is unknown"},
		{"tables in an array", "[log]\n[[x]]\na = 1\n", 2, "x", "is unknown"},
		{"after a string over lines", "[identity]\nproduct = \"\"\"\nA\\\n\nB\"\"\"\nbogus = 1", 6, "identity.bogus", "is unknown"},
		{"that looks set before, in a string", "[identity]\nproduct = '''x bogus = 1'''\n\nbogus = 2", 4, "identity.bogus", "is unknown"},
		{"after a mark and CRLF", "\ufeff[log]\r\n\r\nfile = 1\r\n", 3, "log.file", "is unknown"},
		{"right after a mark", "\ufeff[log]\nb=2", 2, "log.b", "is unknown"},
	})
}

func TestLoadRefusesWrongTypes(t *testing.T) {
	runRefusals(t, []refusal{
		{"number", "[pairing]\ntimeout = 300\n", 2, "pairing.timeout", "want a string in quotes"},
		{"boolean", "[log]\n\nlevel = true", 3, "log.level", "wrong type"},
		{"array", "[auth]\nmode = [\n\"legacy\",\n]\n", 2, "auth.mode", "wrong type"},
		{"time", "[identity]\nversion = 2026-01-15\n", 2, "identity.version", "wrong type"},
		{"table for a setting", "[identity]\n[identity.product]\n", 2, "identity.product", "wrong type"},
		{"text for a table", "\nlog = \"info\"", 2, "log", "want a table with level"},
		{"array for a table", "\n[[log]]\nlevel = \"info\"", 2, "log", "wrong type"},
	})
}

func TestLoadRefusesDurations(t *testing.T) {
	runRefusals(t, []refusal{
		{"no duration", "[pairing]\n#timeout = \"1s\"\ntimeout = \"abc\"\n", 3, "pairing.timeout", `is not a duration; want a number with a unit from "10s" to "30m0s"`},
		{"over lines", "[pairing]\ntimeout = \"\"\"\n\nabc\"\"\"\n", 2, "pairing.timeout", "is not a duration"},
		{"no unit", "pairing.timeout = \"300\"", 1, "pairing.timeout", "is not a duration"},
		{"empty", "pairing.timeout = \"\"", 1, "pairing.timeout", "is not a duration"},
		{"overflow", "pairing.timeout = \"99999999999h\"", 1, "pairing.timeout", "is not a duration"},
		{"negative", "[plex]\nrequest_timeout = \"-5s\"", 2, "plex.request_timeout", "is out of range"},
		{"zero", "[plex]\nrequest_timeout = \"0\"", 2, "plex.request_timeout", `want a duration from "1s" to "1m0s"`},
		{"request too short", "[plex]\nrequest_timeout = \"999ms\"", 2, "plex.request_timeout", "is out of range"},
		{"request too long", "[plex]\nrequest_timeout = \"61s\"", 2, "plex.request_timeout", "is out of range"},
		{"poll too short", "[pairing]\npoll_interval = \"99ms\"", 2, "pairing.poll_interval", `want a duration from "100ms" to "1m0s"`},
		{"poll too long", "[pairing]\npoll_interval = \"61s\"", 2, "pairing.poll_interval", "is out of range"},
		{"timeout too short", "[pairing]\ntimeout = \"9s\"", 2, "pairing.timeout", "is out of range"},
		{"timeout too long", "[pairing]\ntimeout = \"30m1s\"", 2, "pairing.timeout", "is out of range"},
		{"poll as long as the timeout", "[pairing]\ntimeout = \"20s\"\n\npoll_interval = \"20s\"", 4, "pairing.poll_interval", "shorter than the timeout (20s)"},
	})
}

func TestLoadRefusesValues(t *testing.T) {
	runRefusals(t, []refusal{
		{"JWT", "[auth]\nmode = \"JWT\"", 2, "auth.mode", `is not a mode; want "legacy" or "jwt"`},
		{"mode", "[auth]\nmode = \"Legacy\"", 2, "auth.mode", `want "legacy" or "jwt"`},
		{"level", "[log]\nlevel = \"trace\"", 2, "log.level", `want "debug", "info", "warning" or "error"`},
		// URLs
		{"http", "[plex]\nurl = \"http://plex.tv\"", 2, "plex.url", "want https, or http to this machine itself"},
		{"http to a near address", "plex.url = \"http://192.168.1.2\"", 1, "plex.url", "is not safe"},
		{"http to a false localhost", "plex.url = \"http://localhost.example\"", 1, "plex.url", "is not safe"},
		{"scheme", "plex.url = \"ftp://plex.tv\"", 1, "plex.url", "is not safe"},
		{"no scheme", "plex.url = \"plex.tv\"", 1, "plex.url", "want one like https://plex.tv"},
		{"no host", "plex.url = \"https:///x\"", 1, "plex.url", "is not a URL with a host"},
		{"no URL", "plex.url = \"https://[\"", 1, "plex.url", "is not a URL with a host"},
		{"port", "plex.url = \"https://plex.tv:65536\"", 1, "plex.url", "is not a URL with a host"},
		{"query", "plex.url = \"https://plex.tv?a=1\"", 1, "plex.url", "has more than scheme, host and port; want one like https://plex.tv"},
		{"fragment", "plex.url = \"https://plex.tv#\"", 1, "plex.url", "has more"},
		{"user", "plex.url = \"https://me@plex.tv\"", 1, "plex.url", "has more"},
		{"path", "plex.url = \"https://plex.tv/api\"", 1, "plex.url", "has more"},
		// identity
		{"empty product", "[identity]\nproduct = \"\"", 2, "identity.product", "is empty; want a text"},
		{"blank device name", "[identity]\n\n\ndevice_name = \" \"", 4, "identity.device_name", "is empty"},
		{"line break", "[identity]\ndevice = \"a\\nb\"", 2, "identity.device", "has a control character"},
		{"NUL", "[identity]\nplatform = \"a\\u0000\"", 2, "identity.platform", "has a control character"},
		{"DEL", "[identity]\nplatform_version = \"a\\u007f\"", 2, "identity.platform_version", "has a control character"},
	})
}

func TestLoadRefusesWhatIsNotTOML(t *testing.T) {
	runRefusals(t, []refusal{
		{"key twice", "[log]\nlevel = \"info\"\n\nlevel = \"info\"", 4, "log.level", "already been defined"},
		{"table twice", "[log]\n[plex]\n\n[log]\n", 4, "", "Key 'log' has already been defined"},
		{"no quotes", "[auth]\n# x\nmode = legacy\n", 3, "auth.mode", "is not valid TOML: expected value"},
		{"open string", "[auth]\nmode = \"legacy\n\n", 2, "auth.mode", "cannot contain newlines"},
		{"open table", "\n[auth\n\n", 2, "", "is not valid TOML"},
		{"escape", "[auth]\nmode = \"\\q\"\n", 2, "auth.mode", "invalid escape"},
		{"NUL byte", "[log]\n\x00", 2, "", "control character"},
		{"DEL in a comment", "[log]\n# \x7f\n", 2, "", "control character"},
		{"return in a line", "[log]\n\r#\n", 2, "", "control character"},
		{"return at the end", "[log]\n\r", 2, "", "control character"},
		{"Latin-1", "[identity]\n\nproduct = \"f\xfcr\"\n", 3, "", "not UTF-8"},
		{"Latin-1 in a comment", "\ufffd\n# \xfc\n", 2, "", "not UTF-8"},
		{"mark of UTF-16", "\xff\xfe[log]\n", 1, "", "not UTF-8"},
		{"two marks", "\ufeff\ufeff[log]\n", 1, "", "is not valid TOML"},
	})
}

// TestLoadRefusesTangles has what is just beyond the limits.
func TestLoadRefusesTangles(t *testing.T) {
	const problem = "is too long or nested too deep"
	runRefusals(t, []refusal{
		{"key", "[log]\n" + strings.Repeat("a.", 512) + "b = 1", 2, "", problem},
		{"table", "[" + strings.Repeat("a.", 512) + "b]", 1, "", problem},
		{"tables in a line", "a = " + strings.Repeat("{a=", 65), 1, "", problem},
		{"tables over lines", "a = [\n" + strings.Repeat("{a = [\n", 40), 33, "", problem},
	})
}

func TestLoadNamesTheFirstProblem(t *testing.T) {
	runRefusals(t, []refusal{
		{"order", "[plex]\nbogus = 1\n[auth]\nmode = \"x\"\n", 2, "plex.bogus", "is unknown"},
		{"order, the other way", "[auth]\nmode = \"x\"\n[plex]\nbogus = 1\n", 2, "auth.mode", "is not a mode"},
	})
}
