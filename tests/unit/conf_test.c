/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "tests/unit/conf_sayings.h"

/* The contract's example, without the sections that belong to later versions. */
static const char contract[] =
	"state_dir: /var/lib/certd\n"
	"user: certd\n"
	"include: [conf.d/*.yaml]\n"
	"control:\n"
	"  socket: /run/certd/control.sock\n"
	"  observe: [\"@root\"]\n"
	"  operate: [\"@root\"]\n"
	"  admin: [root]\n"
	"defaults:\n"
	"  key: ec:secp384r1\n"
	"  renew:\n"
	"    curve: {1d: 12h, 2d: 1d, 5d: 2d, 10d: 5d, 45d: 10d, 60d: 20d, 90d: 30d, 120d: "
	"45d, 300d: 60d}\n"
	"    spread: 0s\n"
	"    ari: true\n"
	"  roll:\n"
	"    min_age: 90m\n"
	"    window: [\"Tue..Thu 02:00-05:00\"]\n"
	"  reuse_key: false\n"
	"  key_max_age: 1y\n"
	"  keep: 10\n"
	"  warn_before: 30d\n"
	"  auto: true\n"
	"  active: true\n"
	"cas:\n"
	"  my-root: {type: local, issuer: ca/my-root, lifetime: 3650d, digest: sha384}\n"
	"  my-int:  {type: local, issuer: ca/my-int, lifetime: 90d, digest: sha384}\n"
	"groups:\n"
	"  ca:\n"
	"    my-root: {ca: self, subject: {CN: Example Root, O: Example, C: US}, lifetime: "
	"3650d}\n"
	"    my-int:  {ca: my-root, subject: {CN: Example Issuing, O: Example, C: US}, "
	"path_length: 0}\n"
	"  example.com:\n"
	"    web-ec:\n"
	"      ca: my-int\n"
	"      names: [example.com, \"*.example.com\", 192.0.2.10, \"2001:db8::10\"]\n"
	"      deploy: [web, smtp]\n"
	"targets:\n"
	"  smtp: {dir: smtp}\n"
	"  web:\n"
	"    hosts: [local]\n"
	"    dir: /etc/certd/live\n"
	"    owner: root:root\n"
	"    key_mode: \"0640\"\n"
	"    include_next: false\n"
	"    layout: exchange\n"
	"    formats: [pem]\n"
	"    check: [nginx, -t]\n"
	"    after_copy: [/usr/local/bin/perms, \"%{host}\"]\n"
	"    reload: {unit: nginx.service}\n"
	"    after: [smtp]\n"
	"hooks: {before_issue: [], after_issue: [], before_roll: [], after_roll: []}\n";

TEST(contract_example)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf = load_text(contract, &out);
	const struct cert_conf *web, *root, *issuing;
	char group[256];

	CHECK_STR(buf_text(&out), "");
	REQUIRE(conf && conf->n_certs == 3 && conf->n_cas == 2 && conf->n_targets == 2);
	CHECK_STR(conf->state_dir, "/var/lib/certd");
	CHECK_STR(conf->certs[0].name, "ca/my-int");
	CHECK_STR(conf->certs[2].name, "example.com/web-ec");
	web = conf_cert(conf, "example.com/web-ec");
	root = conf_cert(conf, "ca/my-root");
	issuing = conf_cert(conf, "ca/my-int");
	REQUIRE(web == &conf->certs[2] && root && issuing);
	CHECK_INT(web->place, 2);
	CHECK_STR(web->service, "web-ec");
	CHECK_STR(cert_conf_group(web, group), "example.com");
	CHECK_INT(web->n_names, 4);
	CHECK_STR(web->names[1], "*.example.com");
	CHECK_STR(web->names[3], "2001:db8::10");
	CHECK_STR(conf->cas[web->cas[0]].name, "my-int");
	CHECK_STR(conf->certs[conf->cas[web->cas[0]].issuer].name, "ca/my-int");
	CHECK_INT(web->purposes, PURPOSE_SERVER_AUTH);
	CHECK_INT(web->path_length, -1);
	CHECK_INT(web->n_targets, 2);
	/* smtp comes first because web says so. */
	CHECK_STR(conf->targets[web->targets[0]].name, "smtp");
	CHECK_STR(conf->targets[web->targets[1]].name, "web");
	CHECK_STR(conf_target(conf, "smtp")->dir, "/t/smtp");
	CHECK_INT(conf_target(conf, "web")->key_mode, 0640);
	CHECK_INT(conf_target(conf, "web")->uid, 0);
	CHECK_INT(conf_target(conf, "smtp")->uid, (uid_t)-1);
	CHECK_STR(conf_target(conf, "web")->reload[0].unit, "nginx.service");
	CHECK_INT(web->renew->n_curve, 9);
	CHECK_INT(web->renew->curve[8].life.s, 300 * 86400);
	CHECK(web->renew->ari && web->is_auto && web->is_active && !web->reuse_key);
	CHECK_INT(web->roll->min_age.s, 5400);
	CHECK_INT(web->roll->n_windows, 1);
	CHECK_INT(web->roll->windows[0].days, 1 << 2 | 1 << 3 | 1 << 4);
	CHECK_INT(web->roll->windows[0].from, 120);
	CHECK_INT(web->roll->windows[0].to, 300);
	CHECK(web->renew == root->renew && web->roll == root->roll && web->key == root->key);
	CHECK(root->is_ca && root->cas[0] == CA_SELF && root->purposes == 0);
	/* `auto` stands in defaults, so it holds for the root too. */
	CHECK(root->is_auto);
	CHECK_INT(issuing->path_length, 0);
	CHECK_INT(root->path_length, -1);
	CHECK_STR(root->subject[0].key, "CN");
	CHECK_STR(root->subject[0].value, "Example Root");
	CHECK_INT(root->n_subject, 3);
	CHECK(web->digest && root->digest && web->digest != root->digest);
	conf_unref(conf);
}

TEST(nothing_given)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf = load_text("", NULL);

	REQUIRE(conf);
	CHECK_STR(conf->state_dir, "/var/lib/certd");
	CHECK_STR(conf->user, "certd");
	CHECK_STR(conf->socket, "/run/certd/control.sock");
	CHECK_INT(conf->n_certs, 0);
	CHECK_INT(conf->observe.n, 1);
	CHECK_STR(conf->observe.at[0].name, "adm");
	CHECK(conf->observe.at[0].is_group);
	CHECK_STR(conf->admin.at[0].name, "root");
	CHECK(conf->admin.at[0].is_known && conf->admin.at[0].id == 0);
	CHECK(conf_ref(conf) == conf);
	conf_unref(conf);
	conf_unref(conf);
	conf_unref(NULL);
}

TEST(root_is_not_automatic)
{
	struct conf *conf =
		load_text("groups: {ca: {r: {ca: self}, s: {ca: self, auto: true}}}\n", NULL);

	REQUIRE(conf);
	CHECK(!conf_cert(conf, "ca/r")->is_auto);
	CHECK(conf_cert(conf, "ca/s")->is_auto);
	/* Without a subject, a CA is called by its own name. */
	CHECK_INT(conf_cert(conf, "ca/r")->n_subject, 1);
	CHECK_STR(conf_cert(conf, "ca/r")->subject[0].value, "r");
	conf_unref(conf);
}

#define LOCAL "cas: {l: {type: local, issuer: ca/r}}\n"
#define ROOT "groups: {ca: {r: {ca: self}}"

/* Bad texts and everything that is to be said about them. */
static const struct saying bad[] = {
	{ "colour: red\nstatedir: /x\n",
		"/t/c:1:1: error: colour: is an unknown key\n"
		"/t/c:2:1: error: statedir: is an unknown key; did you mean "
		"state_dir?\n" },
	{ "- a\n", "/t/c:1:1: error: top: the file is a list, not a map\n" },
	{ "cas: []\n", "/t/c:1:6: error: cas: is a list, not a map\n" },
	{ "cas: {a: {type: step, url: https://x}}\n",
		"/t/c:1:17: error: cas.a.type: CAs of type step are not supported by this "
		"version; it has local and acme (step-ca speaks ACME too)\n" },
	{ "cas: {a: {type: locl}}\n",
		"/t/c:1:17: error: cas.a.type: \"locl\" is unknown; did you mean local?\n" },
	{ "cas: {a: {}}\n", "/t/c:1:10: error: cas.a: needs the key type\n" },
	{ "cas: {self: {type: local, issuer: ca/r}}\n" ROOT "}\n",
		"/t/c:1:7: error: cas.self: self is taken: it means that a certificate signs "
		"itself\n" },
	{ "cas: {\".a\": {type: local, issuer: ca/r}}\n" ROOT "}\n",
		"/t/c:1:7: error: cas..a: a name has letters, digits, dots, hyphens and "
		"underscores, at "
		"most 200, and no leading dot\n" },
	{ "cas: {a: {type: local, issuer: ca/rot, lifetime: 1s, digest: md5}}\n" ROOT "}\n",
		"/t/c:1:32: error: cas.a.issuer: there is no certificate called ca/rot; did "
		"you mean "
		"ca/r?\n"
		"/t/c:1:50: error: cas.a.lifetime: 1s is too short; the least is 10s\n"
		"/t/c:1:62: error: cas.a.digest: \"md5\" is unknown; write sha256, sha384, "
		"sha512, "
		"sha3-256, sha3-384 or sha3-512\n" },
	{ "cas: {a: {type: local, issuer: example.com/x}}\n"
	  "groups: {example.com: {x: {ca: self, names: [x.example.com]}}}\n",
		"/t/c:1:32: error: cas.a.issuer: example.com/x cannot sign, as it is not in "
		"group ca\n" },
	{ "cas: {my-int: {type: local, issuer: ca/r}}\n" ROOT
	  ", a.de: {x: {ca: my-in, names: [a.de]}, y: {ca: [my-int, zzz], names: [a.de]}}}\n",
		"/t/c:2:46: error: groups.a.de.x.ca: there is no CA called my-in; did you mean "
		"my-int?\n"
		"/t/c:2:86: error: groups.a.de.y.ca[1]: there is no CA called zzz\n" },
	{ "groups: {a.de: {x: {}}}\n",
		"/t/c:1:17: error: groups.a.de.x: needs the key ca\n"
		"/t/c:1:17: error: groups.a.de.x: needs the key names\n" },
	{ LOCAL ROOT ", a.de: {x: {ca: [self, l], names: [a.de]}}}\n",
		"/t/c:2:47: error: groups.a.de.x.ca[0]: self must stand alone\n" },
	{ LOCAL ROOT ", a.de: {x: {ca: l, names: [a.de, bad name, A.DE, 1.2.3]}}}\n",
		"/t/c:2:63: error: groups.a.de.x.names[1]: \"bad name\" is not a DNS name or "
		"an IP "
		"address\n"
		"/t/c:2:73: error: groups.a.de.x.names[2]: a.de is named twice\n"
		"/t/c:2:79: error: groups.a.de.x.names[3]: \"1.2.3\" is not a DNS name or an "
		"IP "
		"address\n" },
	{ LOCAL ROOT ", a.de: {x: {ca: l, names: []}}}\n",
		"/t/c:2:56: error: groups.a.de.x.names: is empty; write at least one name\n" },
	{ LOCAL ROOT ", \"*.de\": {}, 192.0.2.1: {}, \"a b\": {}, A.de: {}, dd: []}\n",
		"/t/c:2:31: error: groups.*.de: a group is called ca or by a domain\n"
		"/t/c:2:43: error: groups.192.0.2.1: a group is called ca or by a domain\n"
		"/t/c:2:58: error: groups.a b: a group is called ca or by a domain: \"a b\" is "
		"not a "
		"DNS name or an IP address\n"
		"/t/c:2:83: error: groups.dd: is a list, not a map\n" },
	{ "groups: {A.de: {x: {ca: self, names: [a.de]}}, a.de: {x: {ca: self, names: "
	  "[a.de]}}}\n",
		"/t/c:1:55: error: groups.a.de/x: is given twice, in two spellings of its "
		"group\n" },
	{ "groups: {a.de: {dhparam: {}, \"a/b\": {}}}\n",
		"/t/c:1:17: error: groups.a.de.dhparam: is not supported by this version\n"
		"/t/c:1:30: error: groups.a.de.a/b: a name has letters, digits, dots, hyphens "
		"and "
		"underscores, at most 200, and no leading dot\n" },
	{ "groups: {a.de: {x: {ca: self, names: [a.de], path_length: 1, keyy: x, tlsa: [], "
	  "keep: -1}}}\n",
		"/t/c:1:17: error: groups.a.de.x: has a path_length, which is for group ca "
		"only\n"
		"/t/c:1:62: error: groups.a.de.x.keyy: is an unknown key; did you mean key?\n"
		"/t/c:1:71: error: groups.a.de.x.tlsa: is an unknown key\n"
		"/t/c:1:87: error: groups.a.de.x.keep: -1 is not between 0 and 10000\n" },
	{ "groups: {ca: {r: {ca: self, subject: {cn: x, C: usa, O: []}, eku: [server, "
	  "email]}}}\n",
		"/t/c:1:39: error: groups.ca.r.subject.cn: is an unknown attribute; did you "
		"mean CN?\n"
		"/t/c:1:49: error: groups.ca.r.subject.C: \"usa\" is not a country; write its "
		"two "
		"capital letters\n"
		"/t/c:1:57: error: groups.ca.r.subject.O: is a list; write a text\n"
		"/t/c:1:68: error: groups.ca.r.eku[0]: \"server\" is unknown; write "
		"server_auth, "
		"client_auth, email, code_signing, time_stamping or ocsp_signing\n" },
	{ "defaults: {renew: {curve: {1d: 2d, x: 1h, 10d: }, spread: soon}, roll: {window: "
	  "[\"Tue 25:00-26:00\", \"Foo\", \"Mon..Wed 1:00-2:00\"]}}\n",
		"/t/c:1:32: error: defaults.renew.curve.1d: the time left must lie between 0 "
		"and the "
		"lifetime 1d\n"
		"/t/c:1:36: error: defaults.renew.curve.x: \"x\" is not a duration; write a "
		"number and "
		"one of s m h d w y\n"
		"/t/c:1:48: error: defaults.renew.curve.10d: is nothing; write the time left, "
		"a "
		"duration\n"
		"/t/c:1:59: error: defaults.renew.spread: \"soon\" is not a duration; write a "
		"number "
		"and one of s m h d w y\n"
		"/t/c:1:82: error: defaults.roll.window[0]: \"Tue 25:00-26:00\" is not a "
		"window; write "
		"days and times such as \"Tue..Thu 02:00-05:00\"\n"
		"/t/c:1:101: error: defaults.roll.window[1]: \"Foo\" is not a window; write "
		"days and "
		"times such as \"Tue..Thu 02:00-05:00\"\n" },
	{ "defaults: {ca: nobody, deploy: [webb]}\ntargets: {web: {dir: /x}}\n",
		"/t/c:1:16: error: defaults.ca: there is no CA called nobody\n"
		"/t/c:1:33: error: defaults.deploy[0]: there is no target called webb; did you "
		"mean "
		"web?\n" },
	{ "defaults: {ca: self, deploy: [wbe]}\ntargets: {web: {dir: /x}}\n",
		"/t/c:1:31: error: defaults.deploy[0]: there is no target called wbe; did you "
		"mean "
		"web?\n" },
	{ "cas: {a: {type: local, issuer: ca/a}, b: {type: local, issuer: ca/b}}\n"
	  "groups: {ca: {a: {ca: b}, b: {ca: a}}}\n",
		"/t/c:2:23: error: groups.ca.a.ca: ca/a would be signed by itself in the end; "
		"a root "
		"has ca: self\n"
		"/t/c:2:35: error: groups.ca.b.ca: ca/b would be signed by itself in the end; "
		"a root "
		"has ca: self\n" },
	{ "cas: {a: {type: local, issuer: ca/a}, b: {type: local, issuer: ca/b}}\n"
	  "groups: {ca: {a: {ca: self, path_length: 0}, b: {ca: a}}}\n",
		"/t/c:2:54: error: groups.ca.b.ca: ca/a has path_length 0, so ca/b cannot "
		"stand below "
		"it\n" },
	{ "groups: {ca: {a: {ca: self, deploy: t}}}\ntargets: {t: {dir: /x}}\n",
		"/t/c:1:37: error: groups.ca.a.deploy: target t would copy the private key of "
		"a CA; a "
		"target for group ca has formats: [anchor]\n" },
	{ "targets: {a: {dir: /x, after: b}, b: {dir: /y, after: [a, c]}, d: {dir: /z, after: "
	  "b}}\n",
		"/t/c:1:31: error: targets.a.after: a comes after itself\n"
		"/t/c:1:55: error: targets.b.after: b comes after itself\n"
		"/t/c:1:59: error: targets.b.after[1]: there is no target called c\n" },
	{ "targets:\n  t:\n    hosts: [\"ssh://root@h\", remote]\n    owner: "
	  "nobody-such:no-such\n"
	  "    key_mode: \"0644\"\n    formats: [pem, pfx]\n    check: nginx -t\n"
	  "    after_copy: [x, \"%{hots}\"]\n    reload: {unit: nginx}\n    probe: [x]\n",
		"/t/c:3:5: error: targets.t: needs the key dir\n"
		"/t/c:3:13: error: targets.t.hosts[0]: hosts over ssh are not supported by "
		"this "
		"version; it has local\n"
		"/t/c:3:29: error: targets.t.hosts[1]: \"remote\" is not a host; write local\n"
		"/t/c:4:12: error: targets.t.owner: there is no group no-such\n"
		"/t/c:4:12: error: targets.t.owner: there is no user nobody-such\n"
		"/t/c:5:15: error: targets.t.key_mode: 0644 gives all users of this machine "
		"the private "
		"key\n"
		"/t/c:6:20: error: targets.t.formats[1]: \"pfx\" is unknown; write pem, "
		"pkcs12, "
		"combined, der or anchor\n"
		"/t/c:7:12: error: targets.t.check: is a text; write a list of words: "
		"[PROGRAM, "
		"ARGUMENT]; there is no shell\n"
		"/t/c:8:21: error: targets.t.after_copy[1]: %{hots} is unknown; did you mean "
		"%{host}?\n"
		"/t/c:9:13: error: targets.t.reload: \"nginx\" is not the name of a unit; "
		"write "
		"NAME.service\n"
		"/t/c:10:5: error: targets.t.probe: is an unknown key\n" },
	{ "targets: {t: {dir: /x, formats: [pkcs12], reload: [{unit: a.service, command: [x]}, "
	  "{}, "
	  "{command: [x], action: reload}]}}\n",
		"/t/c:1:11: error: targets.t: needs a password_file for format pkcs12\n"
		"/t/c:1:52: error: targets.t.reload[0]: needs either a unit or a command\n"
		"/t/c:1:85: error: targets.t.reload[1]: needs either a unit or a command\n"
		"/t/c:1:89: error: targets.t.reload[2]: has an action, which only a unit can "
		"have\n" },
	{ "targets: {t: {dir: /x, formats: [pkcs12], password_file: \"credential:p12\"}}\n",
		"/t/c:1:58: error: targets.t.password_file: names the credential p12, but "
		"$CREDENTIALS_DIRECTORY is not set; the unit needs LoadCredential=p12:PATH\n" },
	{ "groups: {a.de: {x: {ca: self, names: [a.de], deploy: [s, t]}}}\n"
	  "targets: {s: {dir: /x}, t: {dir: /x}}\n",
		"/t/c:1:54: error: groups.a.de.x.deploy: targets s and t have the same dir, so "
		"both "
		"would write the same files\n" },
	{ "groups: {a.de: {x: {ca: self, names: [a.de], was: a.de/y}, y: {ca: self, names: "
	  "[a.de], "
	  "was: z}, v: {ca: self, names: [a.de], was: b.de/o}, w: {ca: self, names: [a.de], "
	  "was: "
	  "b.de/o}}}\n",
		"/t/c:1:51: error: groups.a.de.x.was: a.de/y is still a certificate of its "
		"own\n"
		"/t/c:1:94: error: groups.a.de.y.was: \"z\" is not the name of a certificate; "
		"write "
		"GROUP/SERVICE\n"
		"/t/c:1:175: error: groups.a.de.w.was: the history of b.de/o is claimed by "
		"a.de/v "
		"already\n" },
	{ "control: {socket: [], observe: root, opperate: []}\nhooks: {before_isue: []}\n",
		"/t/c:1:19: error: control.socket: is a list; write a path\n"
		"/t/c:1:32: error: control.observe: is a text; write a list of users and "
		"@groups\n"
		"/t/c:1:38: error: control.opperate: is an unknown key; did you mean operate?\n"
		"/t/c:2:9: error: hooks.before_isue: is an unknown key; did you mean "
		"before_issue?\n" },
	/* A file that ends in the middle hides what it defines, so nothing dangling is told. */
	{ "groups: {a.de: {x: {ca: l, names: [a.de]}}}\ncas: {\n",
		"/t/c:3:1: error: syntax: while parsing a flow node, did not find expected "
		"node "
		"content\n" },
};

TEST(diagnostics)
{
	check_sayings(bad, ARRAY_LEN(bad), false);
}

/* These load, and say something. */
static const struct saying warned[] = {
	{ "control: {observe: [\"@no-such-group\", no-such-user, root]}\n",
		"/t/c:1:21: warning: control.observe[0]: there is no group no-such-group; it "
		"matches "
		"nobody\n"
		"/t/c:1:39: warning: control.observe[1]: there is no user no-such-user; it "
		"matches "
		"nobody\n" },
	{ "groups: {ca: {r: {ca: self, lifetime: 11y}}}\n",
		"/t/c:1:39: warning: groups.ca.r.lifetime: is above 10 years; what was lost or "
		"broken "
		"stays valid that long\n" },
	{ LOCAL "groups: {ca: {r: {ca: self, active: false}}}\n",
		"/t/c:1:32: warning: cas.l.issuer: ca/r is not active, so nobody renews it\n" },
	{ "groups: {a.de: {x: {ca: self, names: [a.de], lifetime: 1h}, y: {ca: self, names: "
	  "[a.de], "
	  "lifetime: 1h}}}\n",
		"/t/c:1:17: warning: groups.a.de.x.roll: min_age (1h 30m) exceeds the time "
		"left at "
		"renewal (30m), so versions will roll younger\n" },
	{ "defaults: {roll: {window: [\"Sat\"]}}\n"
	  "groups: {a.de: {x: {ca: self, names: [a.de], lifetime: 10d}}}\n",
		"/t/c:1:18: warning: groups.a.de.x.roll: min_age (1h 30m) and the longest gap "
		"between "
		"windows (6d) exceed the time left at renewal (5d), so versions will roll "
		"outside the "
		"windows or younger\n" },
	{ "targets: {t: {dir: /x, password_file: /y}}\n",
		"/t/c:1:11: warning: targets.t: has a password_file, but not the format "
		"pkcs12\n" },
};

TEST(warnings)
{
	check_sayings(warned, ARRAY_LEN(warned), true);
}

/* Twenty CAs that all name each other have more ways up than anybody can walk. */
TEST(tangled_cas_end)
{
	struct buf text AUTO_BUF = BUF_INIT, out AUTO_BUF = BUF_INIT;

	buf_add_text(&text, "cas:\n");
	for (int i = 0; i < 20; i++)
		buf_printf(&text, "  c%d: {type: local, issuer: ca/c%d}\n", i, i);
	buf_add_text(&text, "groups:\n  ca:\n    c0: {ca: self}\n");
	for (int i = 1; i < 20; i++) {
		buf_printf(&text, "    c%d: {ca: [", i);
		for (int j = 0; j < i; j++)
			buf_printf(&text, "%sc%d", j ? ", " : "", j);
		buf_add_text(&text, "]}\n");
	}
	conf_unref(load_text(buf_text(&text), &out));
	CHECK_STR(buf_text(&out), "");
}

TEST(hook_words)
{
	CHECK_STR(hook_text(HOOK_BEFORE_ISSUE), "before_issue");
	CHECK_STR(hook_text(HOOK_AFTER_ROLL), "after_roll");
	CHECK_INT(hook_parse("before_roll"), HOOK_BEFORE_ROLL);
	CHECK_INT(hook_parse("never"), HOOK_COUNT);
}
