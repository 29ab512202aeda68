/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/check/unit.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/yaml/diag.h"

static char root[] = "/tmp/certd-unit-XXXXXX";

static void put(const char *path, const char *text)
{
	char copy[256];
	struct err err;
	int fd = file_open_dir(AT_FDCWD, root, &err);

	REQUIRE(fd >= 0);
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		REQUIRE(file_make_dir(fd, copy, 0755, &err) == 0);
		*slash = '/';
	}
	REQUIRE(file_replace(fd, path, text, strlen(text), FILE_PUBLIC, &err) == 0);
	close(fd);
}

/*
 * The warnings about three targets (in the live directory, elsewhere, below a home), a webroot and
 * include files.
 */
static size_t warnings(struct buf *text)
{
	struct target_conf targets[] = {
		{ .name = "live", .dir = "/etc/certd/live", .place = { 1, 1, 0 } },
		{ .name = "srv", .dir = "/srv/tls", .place = { 2, 1, 0 } },
		{ .name = "home", .dir = "/run/user/5/tls", .place = { 3, 1, 0 } },
	};
	char *tlsa[] = { "/etc/certd/live/dns", "/etc/dns/tlsa" };
	struct zone_conf fallback = { .place = { 5, 1, 0 },
		.publish = { .acme_dir = "/etc/dns/default" } };
	struct zone_conf zones[] = {
		{ .name = "a.de",
			.place = { 6, 1, 0 },
			.publish = { .acme_dir = "/etc/dns/acme", .tlsa_dirs = { tlsa, 2 } } },
		/* Has what the default has, which is told once. */
		{ .name = "b.de", .place = { 7, 1, 0 }, .publish = fallback.publish },
	};
	struct conf conf = { .targets = targets,
		.n_targets = 3,
		.socket = "/run/certd/control.sock",
		.socket_place = { 9, 3, 0 },
		.http = { .webroot = "/var/www/x%{group}/y", .webroot_place = { 4, 1, 0 } },
		.dns = { .zones = zones, .n_zones = 2, .fallback = &fallback } };
	struct yaml_diags diags = { 0 };
	size_t n;

	yaml_diags_file(&diags, "certd.yaml");
	unit_check(&conf, root, &diags);
	n = diags.n_warnings;
	buf_clear(text);
	yaml_diags_print(&diags, text);
	yaml_diags_done(&diags);
	return n;
}

TEST(what_the_units_do_not_fit_is_told_with_the_lines_to_add)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	REQUIRE(mkdtemp(root));
	CHECK_INT(warnings(&text), 0); /* no unit, nothing to say */
	put("usr/lib/systemd/system/certd.service",
		"[Service]\nProtectSystem=strict\nProtectHome=yes\nStateDirectory=certd\n"
		"ReadWritePaths=/etc/certd/live/\n");
	CHECK_INT(warnings(&text), 6);
	CHECK(strstr(buf_text(&text), "certd.yaml:4:1: warning: http.webroot: the installed "
				      "certd.service may not write /var/www; "));
	CHECK(strstr(buf_text(&text), "certd.yaml:5:1: warning: "
				      "dns.zones.default.publish.acme_dir: the installed "));
	CHECK(strstr(buf_text(&text), "certd.yaml:6:1: warning: "
				      "dns.zones.a.de.publish.acme_dir: the installed "));
	CHECK(strstr(buf_text(&text), "certd.yaml:6:1: warning: "
				      "dns.zones.a.de.publish.tlsa_dirs[1]: the installed "
				      "certd.service may not write /etc/dns/tlsa; "));
	CHECK(strstr(buf_text(&text), "certd.yaml:2:1: warning: targets.srv: the installed "
				      "certd.service may not write "
				      "/srv/tls"));
	CHECK(strstr(buf_text(&text), "ReadWritePaths=/run/user/5/tls ProtectHome=no"));
	put("etc/systemd/system/certd.service.d/tls.conf",
		"[Service]\nReadWritePaths=-/srv /run/user/5 /etc/dns /var/www\n");
	CHECK_INT(warnings(&text), 1); /* the home is still hidden */
	put("etc/systemd/system/certd.service.d/zz.conf", "[Service]\nProtectHome=no\n");
	CHECK_INT(warnings(&text), 0);
	put("etc/systemd/system/certd.service", "[Service]\nProtectSystem=full\n");
	CHECK_INT(warnings(&text), 0);

	put("usr/lib/systemd/system/certd.socket",
		"[Socket]\nListenStream=/run/certd/control.sock\nSocketMode=0666\n");
	CHECK_INT(warnings(&text), 0);
	/* A second one does no harm; an empty one clears the list. */
	put("etc/systemd/system/certd.socket.d/more.conf",
		"[Socket]\nListenStream=/run/other.sock\n");
	CHECK_INT(warnings(&text), 0);
	put("etc/systemd/system/certd.socket.d/zz.conf",
		"[Socket]\nListenStream=\nListenStream=/run/other.sock\n");
	CHECK_INT(warnings(&text), 1);
	CHECK(strstr(buf_text(&text), "certd.yaml:9:3: warning: control.socket: the installed "
				      "certd.socket listens at /run/other.sock and not at "
				      "/run/certd/control.sock; "));
	CHECK(strstr(buf_text(&text), "ListenStream=/run/certd/control.sock\n"));
	CHECK_INT(file_remove_tree(AT_FDCWD, root, &err), 0);
}
