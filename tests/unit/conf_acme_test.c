/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/unit/conf_sayings.h"
#include "daemon/conf/index.h"

/* What the contract says about ACME CAs, challenges and zones. */
static const char contract[] =
	"cas:\n"
	"  letsencrypt:\n"
	"    type: acme\n"
	"    directory: https://ca.example/directory\n"
	"    staging: https://staging.ca.example/directory\n"
	"    contact: [hostmaster@example.com]\n"
	"    terms_agreed: true\n"
	"    challenge: dns-01\n"
	"    profile: tlsserver\n"
	"    chain: \"ISRG Root YE\"\n"
	"    eab: {kid: abc, hmac_file: eab.key}\n"
	"    in_flight: 16\n"
	"http:\n"
	"  listen: [\"[::]:80\", \"192.0.2.1:8080\"]\n"
	"  hold: always\n"
	"  webroot: /srv/http/%{group}\n"
	"tls_alpn: {listen: [\"[::]:443\"]}\n"
	"dns:\n"
	"  resolver: [127.0.0.1]\n"
	"  extra_nameservers: [1.1.1.1, ns.example.net, \"[2001:DB8::1]:54\", "
	"\"2001:db8::2\"]\n"
	"  extra: require\n"
	"  check_delay: 0s\n"
	"  deadline: 30m\n"
	"  challenge_ttl: 60s\n"
	"  zones:\n"
	"    default: {primary: \"10.1.2.3:11153\"}\n"
	"    example.com:\n"
	"      nameservers: [\"192.0.2.53:53\"]\n"
	"      anycast: []\n"
	"      publish:\n"
	"        type: include\n"
	"        acme_dir: /etc/dns/include-acme\n"
	"        tlsa_dirs: [/etc/dns/internal, external]\n"
	"        refresh: [/etc/dns/resign.sh, --serial_bump, \"%{zone}\"]\n"
	"    dyn.example.net:\n"
	"      publish: {type: update, server: \"10.1.2.4:53\", tsig: {name: Certd-Key., "
	"algorithm: hmac-sha256, secret_file: /etc/certd/tsig.key}}\n"
	"    example.org:\n"
	"      primary: ns.example.org\n"
	"      publish: {type: command, add: [/usr/local/bin/dns-add], remove: "
	"[/usr/local/bin/dns-del]}\n"
	"groups:\n"
	"  example.com:\n"
	"    mail-ec:\n"
	"      ca: letsencrypt\n"
	"      names: [example.com, \"*.smtp.example.com\", a.example.org]\n"
	"      key: ec:secp256r1\n";

static void check_acme(const struct conf *conf)
{
	const struct ca_conf *ca = conf_ca(conf, "letsencrypt");
	const struct acme_conf *acme;

	REQUIRE(ca && ca->type == CA_ACME && ca->acme && ca->issuer == CA_NO_ISSUER);
	acme = ca->acme;
	CHECK_STR(acme->directory, "https://ca.example/directory");
	CHECK_STR(acme->staging, "https://staging.ca.example/directory");
	CHECK(!acme->trust && acme->terms_agreed && !acme->profile_required);
	CHECK_INT(acme->n_contact, 1);
	CHECK_STR(acme->contact[0], "hostmaster@example.com");
	CHECK_INT(acme->challenge, CHALLENGE_DNS);
	CHECK_STR(acme->profile, "tlsserver");
	CHECK_STR(acme->chain, "ISRG Root YE");
	CHECK_STR(acme->eab_kid, "abc");
	CHECK_STR(acme->eab_hmac_file, "/t/eab.key");
	CHECK_STR(acme->eab_algorithm, "HS256");
	CHECK_INT(acme->in_flight, 16);
	CHECK_INT(acme->limits, LIMITS_NONE);
	CHECK_INT(conf_life(conf, &conf->certs[0], 0).s, 0);
}

static void check_endpoint(const struct endpoint *e, const char *host, int port, int family)
{
	char text[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *in = (const struct sockaddr_in *)&e->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->addr;

	CHECK_STR(e->host, host);
	CHECK_INT(e->port, port);
	CHECK_INT(e->len, family == AF_INET    ? sizeof(*in)
			  : family == AF_INET6 ? sizeof(*in6)
					       : 0);
	if (!family)
		return;
	CHECK_INT(e->addr.ss_family, family);
	CHECK_INT(ntohs(family == AF_INET ? in->sin_port : in6->sin6_port), port);
	if (family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	CHECK_STR(text, host);
}

static void check_net(const struct conf *conf)
{
	const struct dns_conf *dns = &conf->dns;

	REQUIRE(conf->http.n_listen == 2 && conf->tls_alpn.n_listen == 1);
	check_endpoint(&conf->http.listen[0], "::", 80, AF_INET6);
	CHECK_STR(conf->http.listen[0].text, "[::]:80");
	check_endpoint(&conf->http.listen[1], "192.0.2.1", 8080, AF_INET);
	check_endpoint(&conf->tls_alpn.listen[0], "::", 443, AF_INET6);
	CHECK_STR(conf->http.webroot, "/srv/http/%{group}");
	CHECK(conf->http.hold_always);
	CHECK_INT(conf->http.webroot_place.line, 16);
	REQUIRE(dns->resolver.n == 1 && dns->extra.n == 4);
	check_endpoint(&dns->resolver.at[0], "127.0.0.1", 53, AF_INET);
	check_endpoint(&dns->extra.at[1], "ns.example.net", 53, 0);
	check_endpoint(&dns->extra.at[2], "2001:db8::1", 54, AF_INET6);
	check_endpoint(&dns->extra.at[3], "2001:db8::2", 53, AF_INET6);
	CHECK(dns->extra_required && dns->check_delay.s == 0);
	CHECK_INT(dns->deadline.s, 1800);
	CHECK_INT(dns->challenge_ttl.s, 60);
}

static void check_zones(const struct conf *conf)
{
	static const struct {
		const char *owner, *zone;
	} owners[] = {
		{ "example.com", "example.com" },
		{ "*.smtp.example.com", "example.com" },
		{ "_acme-challenge.a.dyn.example.net", "dyn.example.net" },
		{ "dyn.example.net", "dyn.example.net" },
		{ "xdyn.example.net", NULL },
		{ "example.net", NULL },
		{ "com", NULL },
	};
	const struct zone_conf *zone;

	CHECK_INT(conf->dns.n_zones, 3);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		zone = conf_zone(conf, owners[i].owner);
		REQUIRE(zone);
		if (owners[i].zone)
			CHECK_STR(zone->name, owners[i].zone);
		else
			CHECK(zone == conf->dns.fallback && !zone->name);
	}
	zone = conf_zone(conf, "example.com");
	check_endpoint(&zone->primary, "10.1.2.3", 11153, AF_INET);
	CHECK_INT(zone->nameservers.n, 1);
	CHECK(zone->has_nameservers);
	CHECK_INT(zone->anycast.n, 0);
	CHECK_INT(zone->publish.type, PUBLISH_INCLUDE);
	CHECK_STR(zone->publish.acme_dir, "/etc/dns/include-acme");
	CHECK_INT(zone->publish.tlsa_dirs.n, 2);
	CHECK_STR(zone->publish.tlsa_dirs.at[1], "/t/external");
	CHECK_INT(zone->publish.refresh.n, 3);
	zone = conf_zone(conf, "dyn.example.net");
	CHECK_INT(zone->publish.type, PUBLISH_UPDATE);
	check_endpoint(&zone->publish.server, "10.1.2.4", 53, AF_INET);
	CHECK_STR(zone->publish.tsig_name, "certd-key");
	CHECK_STR(zone->publish.tsig_algorithm, "hmac-sha256");
	CHECK_STR(zone->publish.tsig_secret_file, "/etc/certd/tsig.key");
	zone = conf_zone(conf, "example.org");
	CHECK_INT(zone->publish.type, PUBLISH_COMMAND);
	CHECK_STR(zone->publish.remove.at[0], "/usr/local/bin/dns-del");
	CHECK(!zone->has_nameservers);
	check_endpoint(&zone->primary, "ns.example.org", 53, 0);
	CHECK(!zone->publish.tsig_algorithm && !zone->publish.server.text);
}

TEST(contract_example)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf = load_text(contract, &out);

	CHECK_STR(buf_text(&out), "");
	REQUIRE(conf);
	check_acme(conf);
	check_net(conf);
	check_zones(conf);
	conf_unref(conf);
}

TEST(nothing_given)
{
	struct conf *conf = load_text("", NULL);

	REQUIRE(conf);
	CHECK(!conf->http.n_listen && !conf->http.webroot && !conf->http.hold_always &&
		!conf->tls_alpn.n_listen);
	CHECK_INT(conf->dns.resolver.n, 0);
	CHECK_INT(conf->dns.extra.n, 4);
	CHECK_STR(conf->dns.extra.at[3].host, "208.67.222.222");
	CHECK(conf->dns.extra_required && !conf_zone(conf, "example.com"));
	conf_unref(conf);
}

/* Known by the directory's host, unless something is said. */
TEST(whose_limits)
{
	static const struct {
		const char *keys;
		enum limits want;
	} table[] = {
		{ "directory: https://ca.example/directory", LIMITS_NONE },
		{ "directory: https://acme-v02.api.letsencrypt.org/directory",
			LIMITS_LETSENCRYPT },
		{ "directory: https://ACME-v02.api.letsencrypt.org:443/directory",
			LIMITS_LETSENCRYPT },
		{ "directory: https://acme-staging-v02.api.letsencrypt.org/directory",
			LIMITS_NONE },
		{ "directory: https://acme-v02.api.letsencrypt.org/directory, limits: none",
			LIMITS_NONE },
		{ "directory: https://ca.example/directory, limits: letsencrypt",
			LIMITS_LETSENCRYPT },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct buf text AUTO_BUF = BUF_INIT;
		struct conf *conf;

		buf_printf(&text, "cas: {a: {type: acme, terms_agreed: true, %s}}\n",
			table[i].keys);
		conf = load_text(buf_text(&text), NULL);
		REQUIRE(conf);
		CHECK_INT(conf_ca(conf, "a")->acme->limits, table[i].want);
		conf_unref(conf);
	}
}

TEST(challenge_words)
{
	for (unsigned i = 0; i < CHALLENGE_COUNT; i++)
		CHECK_INT(challenge_parse(challenge_text((enum challenge)i)), i);
	CHECK_INT(challenge_parse("dns"), CHALLENGE_COUNT);
	CHECK(challenge_is_dns(CHALLENGE_DNS_PERSIST) && !challenge_is_dns(CHALLENGE_HTTP));
}

#define HTTP "http: {webroot: /srv}\n"
#define ACME "type: acme, directory: https://ca.example/d, terms_agreed: true"
#define CERT(keys) "groups: {a.de: {x: {ca: le, names: [a.de]" keys "}}}\n"

/* Bad texts and everything that is to be said about them. */
static const struct saying bad[] = {
	{ "cas: {le: {type: acme}}\n",
		"/t/c:1:11: error: cas.le: needs terms_agreed: true; read the CA's terms of "
		"service first\n"
		"/t/c:1:11: error: cas.le: needs the key directory\n" },
	{ "cas: {le: {" ACME ", issuer: ca/r, digest: sha256}}\n",
		"/t/c:1:77: error: cas.le.issuer: belongs to type local, but this is of type "
		"acme\n"
		"/t/c:1:91: error: cas.le.digest: belongs to type local, but this is of type "
		"acme\n" },
	{ "cas: {l: {type: local, issuer: ca/r, directory: x, eab: {}}}\n"
	  "groups: {ca: {r: {ca: self}}}\n",
		"/t/c:1:38: error: cas.l.directory: belongs to type acme, but this is of type "
		"local\n"
		"/t/c:1:52: error: cas.l.eab: belongs to type acme, but this is of type "
		"local\n" },
	{ "cas: {le: {type: acme, directory: http://ca, staging: \"https://a b\", "
	  "terms_agreed: false, profile_required: true, in_flight: 0, chalenge: dns-01}}\n",
		"/t/c:1:35: error: cas.le.directory: \"http://ca\" does not begin with "
		"https://\n"
		"/t/c:1:55: error: cas.le.staging: \"https://a b\" has a character that a URL "
		"cannot have\n"
		"/t/c:1:84: error: cas.le.terms_agreed: is false; read the CA's terms of "
		"service and write true, as it gives no account otherwise\n"
		"/t/c:1:109: error: cas.le.profile_required: is true, but there is no "
		"profile\n"
		"/t/c:1:126: error: cas.le.in_flight: 0 is not between 1 and 1000\n"
		"/t/c:1:129: error: cas.le.chalenge: is an unknown key; did you mean "
		"challenge?\n" },
	{ "cas: {le: {" ACME
	  ", challenge: http01, eab: {kid: x, algorithm: HS265}, contact: [\"mailto:a@b.de\", "
	  "a, a@, \"a@b@c.de\", \"a?b@c.de\", \"a@*.de\"]}}\n",
		"/t/c:1:88: error: cas.le.challenge: \"http01\" is unknown; did you mean "
		"http-01?\n"
		"/t/c:1:101: error: cas.le.eab: needs the key hmac_file\n"
		"/t/c:1:121: error: cas.le.eab.algorithm: \"HS265\" is unknown; did you mean "
		"HS256?\n"
		"/t/c:1:139: error: cas.le.contact[0]: \"mailto:a@b.de\" is a URL; write the "
		"address without mailto:\n"
		"/t/c:1:156: error: cas.le.contact[1]: \"a\" is not a mail address; write "
		"NAME@DOMAIN\n"
		"/t/c:1:159: error: cas.le.contact[2]: \"a@\" has no domain behind its @\n"
		"/t/c:1:163: error: cas.le.contact[3]: \"a@b@c.de\" is not a mail address; "
		"write NAME@DOMAIN\n"
		"/t/c:1:175: error: cas.le.contact[4]: \"a?b@c.de\" has a character that the "
		"mail address of an account cannot have\n"
		"/t/c:1:187: error: cas.le.contact[5]: \"a@*.de\" has no domain behind its "
		"@\n" },
	{ "cas: {le: {" ACME ", trust_file: /nonexistent/ca.pem}}\n",
		"/t/c:1:89: error: cas.le.trust_file: cannot use /nonexistent/ca.pem: cannot "
		"open it: No such file or directory\n" },
	{ "cas: {le: {" ACME "}}\n" CERT(""),
		"/t/c:1:7: error: cas.le.challenge: http-01 needs somebody who answers: give "
		"http.listen (the built-in responder) or http.webroot (a web server's "
		"folder)\n" },
	{ "cas: {le: {" ACME ", challenge: tls-alpn-01}}\n" HTTP CERT(""),
		"/t/c:1:88: error: cas.le.challenge: tls-alpn-01 needs somebody who answers: "
		"give tls_alpn.listen\n" },
	{ "cas: {le: {" ACME "}}\n" HTTP
	  "groups: {a.de: {x: {ca: le, names: [a.de, \"*.a.de\", 192.0.2.1]}}}\n",
		"/t/c:3:43: error: groups.a.de.x.names[1]: *.a.de is a wildcard, which is "
		"proved in DNS only (dns-01); the CA le has challenge: http-01\n" },
	{ "cas: {le: {" ACME ", challenge: dns-01}}\n"
	  "dns: {zones: {b.de: {}, c.de: {publish: {type: include, tlsa_dirs: [/x], "
	  "refresh: [x]}}}}\n"
	  "groups: {a.de: {x: {ca: le, names: [a.de, www.b.de, c.de, \"::1\"]}}}\n",
		"/t/c:3:37: error: groups.a.de.x.names[0]: a.de lies in no zone of dns.zones, "
		"so nobody can publish its challenge; the CA le has challenge: dns-01\n"
		"/t/c:3:43: error: groups.a.de.x.names[1]: www.b.de lies in a zone without "
		"publish, so nobody can publish its challenge; the CA le has challenge: "
		"dns-01\n"
		"/t/c:3:53: error: groups.a.de.x.names[2]: c.de lies in a zone without "
		"publish.acme_dir, so nobody can publish its challenge; the CA le has "
		"challenge: dns-01\n"
		"/t/c:3:59: error: groups.a.de.x.names[3]: ::1 is an address, which is proved "
		"by http-01 or tls-alpn-01 only; the CA le has challenge: dns-01\n" },
	{ "cas: {le: {" ACME ", challenge: dns-persist-01}}\n"
	  "groups: {a.de: {x: {ca: le, names: [a.de, \"*.a.de\", 192.0.2.1]}}}\n",
		"/t/c:2:53: error: groups.a.de.x.names[2]: 192.0.2.1 is an address, which is "
		"proved by http-01 or tls-alpn-01 only; the CA le has challenge: "
		"dns-persist-01\n" },
	{ "cas: {le: {" ACME "}}\n" HTTP "groups: {ca: {r: {ca: le, path_length: 0}}}\n",
		"/t/c:3:23: error: groups.ca.r.ca: le is an ACME CA, which signs no CA "
		"certificate; in group ca use self or a local CA\n" },
	{ "http: {listen: [80, \"[::]\", \"a.de:80\", \"1.2.3.4:0\", \"[1.2.3.4]:80\", "
	  "\"[::1]:80\", \"[::1]:80\"], webroot: \"ssh://h/srv\"}\n"
	  "tls_alpn: {lisen: []}\n",
		"/t/c:1:17: error: http.listen[0]: \"80\" is not an address with a port; write "
		"ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"\n"
		"/t/c:1:21: error: http.listen[1]: \"[::]\" is not an address with a port; "
		"write ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"\n"
		"/t/c:1:29: error: http.listen[2]: \"a.de:80\" is not an address with a port; "
		"write ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"\n"
		"/t/c:1:40: error: http.listen[3]: \"1.2.3.4:0\" is not an address with a "
		"port; write ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"\n"
		"/t/c:1:53: error: http.listen[4]: \"[1.2.3.4]:80\" is not an address with a "
		"port; write ADDRESS:PORT, such as 192.0.2.1:80 or \"[::]:80\"\n"
		"/t/c:1:81: error: http.listen[6]: [::1]:80 is named twice\n"
		"/t/c:1:103: error: http.webroot: a webroot on another host (ssh://) is not "
		"supported by this version; write a path\n"
		"/t/c:2:12: error: tls_alpn.lisen: is an unknown key; did you mean listen?\n" },
	{ "http: {hold: ever}\n", "/t/c:1:14: error: http.hold: \"ever\" is unknown; write "
				  "always or challenge\n" },
	{ "http: {webroot: \"/srv/%{gruop}\"}\n", "/t/c:1:17: error: http.webroot: %{gruop} is "
						  "unknown; did you mean %{group}?\n" },
	{ "http: {webroot: \"/srv/%{zone}\"}\n",
		"/t/c:1:17: error: http.webroot: %{zone} means nothing here; there are "
		"%{group}, %{service} and %{cert}\n" },
};

/* Further hosts of a CA, and how it is reached. */
TEST(origins_and_proxy)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf = load_text("cas: {a: {" ACME ", origins: [https://b.example, "
				      "'https://c.example:444/'], proxy: "
				      "'http://proxy.example:3128'}, b: {" ACME
				      ", proxy: none}, c: {" ACME "}}\n",
			    &out),
		    *other;
	const struct acme_conf *acme;

	CHECK_STR(buf_text(&out), "");
	REQUIRE(conf);
	acme = conf_ca(conf, "a")->acme;
	REQUIRE(acme->n_origins == 2);
	CHECK_STR(acme->origins[1], "https://c.example:444/");
	CHECK_STR(acme->proxy, "http://proxy.example:3128");
	CHECK_STR(conf_ca(conf, "b")->acme->proxy, "");
	CHECK(!conf_ca(conf, "c")->acme->proxy && !conf_ca(conf, "c")->acme->n_origins);
	other = load_text("cas: {a: {" ACME
			  ", origins: [https://b.example], proxy: none}, b: {" ACME
			  "}, c: {" ACME "}}\n",
		NULL);
	REQUIRE(other);
	CHECK(acme->digest != conf_ca(other, "a")->acme->digest);
	CHECK(conf_ca(conf, "b")->acme->digest != conf_ca(other, "b")->acme->digest);
	CHECK(conf_ca(conf, "c")->acme->digest == conf_ca(other, "c")->acme->digest);
	conf_unref(other);
	conf_unref(conf);
}

TEST(origins_and_proxies_that_are_none)
{
	static const struct saying sayings[] = {
		{ "cas: {a: {" ACME ", origins: [https://b.example/dir]}}\n",
			"has a path; write the host alone" },
		{ "cas: {a: {" ACME ", origins: [http://b.example]}}\n",
			"does not begin with https://" },
		{ "cas: {a: {" ACME ", proxy: 'proxy.example:3128'}}\n",
			"does not begin with http://" },
		{ "cas: {a: {" ACME ", proxy: 'http://u:p@proxy.example:3128'}}\n",
			"set https_proxy in the environment of the daemon instead" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct conf *conf = load_text(sayings[i].text, &out);

		CHECK(!conf);
		if (!strstr(buf_text(&out), sayings[i].want) ||
			!strstr(buf_text(&out), i < 2 ? "cas.a.origins[0]: " : "cas.a.proxy: "))
			TEST_FAIL("%s", buf_text(&out));
		conf_unref(conf);
	}
}

TEST(diagnostics)
{
	check_sayings(bad, ARRAY_LEN(bad), false);
}

/* These load, and say something. */
static const struct saying warned[] = {
	{ "cas: {le: {" ACME ", staging: https://ca.example/d}}\n" HTTP CERT(
		  ", key: ed25519, lifetime: 10d, eku: [client_auth]"),
		"/t/c:1:86: warning: cas.le.staging: is the directory itself, so tests cost "
		"what real orders cost\n"
		"/t/c:3:49: warning: groups.a.de.x.key: ed25519 is a type that many ACME CAs "
		"refuse; ec:secp256r1 and ec:secp384r1 are taken by all (CA le)\n"
		"/t/c:3:68: warning: groups.a.de.x.lifetime: has no effect: an ACME CA gives "
		"what its profile says\n"
		"/t/c:3:78: warning: groups.a.de.x.eku: has no effect: an ACME CA gives what "
		"its profile says\n" },
	{ "cas: {le: {" ACME "}}\n" HTTP "defaults: {key: rsa:8192}\n"
	  "groups: {a.de: {x: {ca: le, names: [a.de]}, y: {ca: le, names: [a.de]}}}\n",
		"/t/c:3:17: warning: defaults.key: rsa:8192 is a size that many ACME CAs "
		"refuse; rsa:2048, rsa:3072 and rsa:4096 are taken by all (CA le)\n" },
	{ "cas: {le: {" ACME ", challenge: dns-01}}\n"
	  "dns: {zones: {_acme-challenge.A.de: {publish: {type: command, add: [x], remove: "
	  "[y]}}, b.de: {publish: {type: update}}}}\n"
	  "groups: {a.de: {x: {ca: le, names: [a.de, \"*.a.de\", b.de, www.a.de]}}}\n",
		"/t/c:2:88: warning: dns.zones.b.de.publish: has no tsig, so whoever forges an "
		"answer of the name server is believed; give tsig\n"
		"/t/c:3:59: warning: groups.a.de.x.names[3]: www.a.de lies in no zone of "
		"dns.zones, so _acme-challenge.www.a.de has to be an alias (CNAME) into one "
		"that has publish; the CA le has challenge: dns-01\n" },
	/* An ACME CA that nobody uses needs nobody who answers. */
	{ "cas: {le: {" ACME "}}\n", "" },
	{ "cas: {le: {" ACME "}, l: {type: local, issuer: ca/r}}\n" HTTP
	  "groups: {ca: {r: {ca: self}}, a.de: {x: {ca: [le, l], names: [a.de, 192.0.2.1, "
	  "\"::1\"], lifetime: 10d}}}\n",
		"" },
};

TEST(warnings)
{
	check_sayings(warned, ARRAY_LEN(warned), true);
}

/* A folder of files, one for each zone, is how zones are usually told. */
TEST(zones_of_several_files)
{
	static const char *const want =
		"/t/b:2:15: error: dns.zones.b.de: is given twice, first in /t/a:1\n"
		"/t/b:2:26: error: dns.deadline: is given twice, first in /t/a:1\n"
		"/t/b:3:8: error: http.webroot: is given twice, first in /t/a:2\n";
	struct conf_files files = { 0 };
	struct yaml_diags diags = { 0 };
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf;

	add_file(&files, "/t/a",
		"dns: {deadline: 5m, zones: {a.de: {primary: 1.2.3.4}, b.de: {}}}\n"
		"http: {webroot: /x}\n");
	add_file(&files, "/t/b", "dns: {zones: {c.de: {}, default: {primary: 5.6.7.8}}}\n");
	conf = conf_load(&files, &diags);
	REQUIRE(conf && conf->dns.n_zones == 3);
	CHECK_STR(conf_zone(conf, "x.a.de")->primary.host, "1.2.3.4");
	CHECK_STR(conf_zone(conf, "x.c.de")->primary.host, "5.6.7.8");
	CHECK_STR(conf_zone(conf, "d.de")->primary.host, "5.6.7.8");
	conf_unref(conf);
	free(files.at[1].path);
	free(files.at[1].data);
	files.n--;
	add_file(&files, "/t/b",
		"# the same again\ndns: {zones: {b.de: {}}, deadline: 6m}\n"
		"http: {webroot: /y}\n");
	CHECK(!conf_load(&files, &diags));
	yaml_diags_print(&diags, &out);
	CHECK_STR(buf_text(&out), want);
	yaml_diags_done(&diags);
	conf_files_done(&files);
}
