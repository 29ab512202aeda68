/* SPDX-License-Identifier: MIT */
#include "tests/unit/conf_sayings.h"

/* What the section dns may not say, each with its complaint. */
static const struct saying bad[] = {
	{ "dns: {resolver: [ns.a.de], extra: maybe, check_delay: 1h, deadline: 30m, "
	  "extra_nameservers: [\"*.a.de\"], zoness: {}}\n",
		"/t/c:1:18: error: dns.resolver[0]: \"ns.a.de\" is not an address; write IP or "
		"IP:PORT\n"
		"/t/c:1:35: error: dns.extra: \"maybe\" is unknown; write advise or require\n"
		"/t/c:1:55: error: dns.check_delay: does not end before the deadline (30m)\n"
		"/t/c:1:94: error: dns.extra_nameservers[0]: \"*.a.de\" is not a name server; "
		"write HOST, IP or IP:PORT\n"
		"/t/c:1:105: error: dns.zoness: is an unknown key; did you mean zones?\n" },
	{ "dns: {resolver: [\"127.0.0.1:5353\", \"::1\", \"[::1]:53\", \"[::1]\"], deadline: "
	  "0s}\n",
		"/t/c:1:43: error: dns.resolver[2]: [::1]:53 is named twice\n"
		"/t/c:1:55: error: dns.resolver[3]: [::1] is named twice\n"
		"/t/c:1:75: error: dns.deadline: 0s is too short; the least is 1s\n" },
	{ "dns: {resolver: []}\n",
		"/t/c:1:17: error: dns.resolver: is empty; leave the key out to ask the "
		"system's resolvers\n" },
	{ "dns: {zones: {a.de: {publish: {type: include, acme_dir: \"inc/%{zone}\", tlsa_dirs: "
	  "[/x, \"/%{zon\"], refresh: [x]}}}}\n",
		"/t/c:1:57: error: dns.zones.a.de.publish.acme_dir: %{zone} means nothing in "
		"this path\n"
		"/t/c:1:88: error: dns.zones.a.de.publish.tlsa_dirs[1]: %{zon means nothing in "
		"this path\n" },
	{ "dns:\n  zones:\n"
	  "    a.de: {publish: {type: update, tsig: {name: a, secret_file: x, algorithm: "
	  "hmac-sha1}}}\n"
	  "    b.de: {publish: {type: update, tsig: {name: a, secret_file: x, algorithm: "
	  "HMAC-MD5.SIG-ALG.REG.INT.}}}\n"
	  "    c.de: {publish: {type: update, tsig: {name: a, secret_file: x, algorithm: "
	  "hmac-sha255}}}\n",
		"/t/c:3:79: error: dns.zones.a.de.publish.tsig.algorithm: \"hmac-sha1\" is not "
		"supported, as SHA-1 and MD5 are outdated; make a key for hmac-sha256\n"
		"/t/c:4:79: error: dns.zones.b.de.publish.tsig.algorithm: "
		"\"HMAC-MD5.SIG-ALG.REG.INT.\" is not supported, as SHA-1 and MD5 are "
		"outdated; make a key for hmac-sha256\n"
		"/t/c:5:79: error: dns.zones.c.de.publish.tsig.algorithm: \"hmac-sha255\" is "
		"unknown; did you mean hmac-sha256?\n" },
	{ "dns: {zones: {\"*.de\": {}, 1.2.3.4: {}, A.de: {}, a.de: {}, b.de: {primry: x}}}\n",
		"/t/c:1:15: error: dns.zones.*.de: a zone is called by its domain\n"
		"/t/c:1:27: error: dns.zones.1.2.3.4: a zone is called by its domain\n"
		"/t/c:1:50: error: dns.zones.a.de: is given twice, in two spellings\n"
		"/t/c:1:67: error: dns.zones.b.de.primry: is an unknown key; did you mean "
		"primary?\n" },
	{ "dns:\n  zones:\n"
	  "    a.de: {publish: {type: incude}}\n"
	  "    b.de: {publish: {type: include}}\n"
	  "    c.de: {publish: {type: command, add: [x], acme_dir: /x}}\n"
	  "    d.de: {publish: {type: command, add: [], remove: [x]}}\n"
	  "    e.de: {publish: {type: update, refresh: [x], tsig: {name: \"a b\", algorithm: "
	  "sha1}}}\n"
	  "    f.de: {publish: {acme_dir: /x}}\n",
		"/t/c:3:28: error: dns.zones.a.de.publish.type: \"incude\" is unknown; did you "
		"mean include?\n"
		"/t/c:4:21: error: dns.zones.b.de.publish: needs acme_dir, tlsa_dirs or both\n"
		"/t/c:5:21: error: dns.zones.c.de.publish: needs the key remove\n"
		"/t/c:5:47: error: dns.zones.c.de.publish.acme_dir: belongs to type include, "
		"but this is of type command\n"
		"/t/c:6:21: error: dns.zones.d.de.publish: needs a program in both add and "
		"remove\n"
		"/t/c:7:36: error: dns.zones.e.de.publish.refresh: belongs to type include, "
		"but this is of type update\n"
		"/t/c:7:56: error: dns.zones.e.de.publish.tsig: needs the key secret_file\n"
		"/t/c:7:63: error: dns.zones.e.de.publish.tsig.name: \"a b\" is not the name "
		"of a key\n"
		"/t/c:7:81: error: dns.zones.e.de.publish.tsig.algorithm: \"sha1\" is "
		"unknown; write hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512\n"
		"/t/c:8:21: error: dns.zones.f.de.publish: needs the key type\n" },
};

TEST(diagnostics)
{
	check_sayings(bad, ARRAY_LEN(bad), false);
}

/* These load, and some say something. */
static const struct saying warned[] = {
	/* What reloads a web server, by a unit or a command, and what does not. */
	{ "http: {listen: [\"[::]:80\"], hold: always}\n"
	  "targets: {a: {dir: /t, reload: {unit: nginx.service}}, b: {dir: /t, reload: "
	  "{command: [/usr/sbin/apachectl, graceful]}}, c: {dir: /t, reload: {unit: "
	  "dovecot.service}}}\n",
		"/t/c:1:35: warning: http.hold: is always, so /usr/sbin/apachectl, which "
		"target b reloads, cannot have the ports of http.listen; write hold: "
		"challenge, or "
		"http.webroot instead of http.listen\n"
		"/t/c:1:35: warning: http.hold: is always, so nginx.service, which target a "
		"reloads, cannot have the ports of http.listen; write hold: challenge, or "
		"http.webroot instead of http.listen\n" },
	{ "http: {listen: [\"[::]:80\"], hold: challenge}\n"
	  "targets: {a: {dir: /t, reload: {unit: nginx.service}}}\n",
		"" },
	{ "dns:\n"
	  "  extra_nameservers: []\n"
	  "  zones:\n"
	  "    default: {nameservers: [], publish: {type: command, add: [x], remove: [y]}}\n"
	  "    a.de: {primary: 192.0.2.1}\n"
	  "    b.de: {nameservers: [192.0.2.1]}\n",
		"/t/c:4:5: warning: dns.zones.default.nameservers: is empty like "
		"dns.extra_nameservers, so no name server is asked whether a challenge is "
		"seen\n" },
	{ "dns: {check_delay: 29m59s, deadline: 30m}\n",
		"/t/c:1:20: warning: dns.check_delay: leaves only 1s of the deadline (30m) to "
		"look\n" },
	{ "dns: {check_delay: 2s, deadline: 5s}\n", "" },
	{ "dns: {check_delay: 29m, deadline: 30m}\n", "" },
};

TEST(warnings)
{
	check_sayings(warned, ARRAY_LEN(warned), true);
}

TEST(algorithms_are_names)
{
	static const char *const texts[] = { "hmac-sha512", "HMAC-SHA512", "Hmac-Sha512." };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text AUTO_FREE =
			mem_printf("dns: {zones: {a.de: {publish: {type: update, tsig: {name: "
				   "a, secret_file: x, algorithm: %s}}}}}\n",
				texts[i]);
		struct conf *conf = load_text(text, NULL);

		REQUIRE(conf);
		CHECK_STR(conf->dns.zones[0].publish.tsig_algorithm, "hmac-sha512");
		conf_unref(conf);
	}
}
