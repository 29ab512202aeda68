#include "daemon/keeper/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/conf/conf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/secret.h"
#include "lib/yaml/diag.h"

#define SECRET_FILE_MAX ((size_t)4096)

static void check_file(const char *file, struct yaml_place place, const struct yaml_path *path,
	struct yaml_diags *diags)
{
	struct stat st;

	/* Who checks as somebody else cannot know. */
	if (stat(file, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			yaml_warn(diags, place, path, "%s is not there", file);
	} else if (!S_ISREG(st.st_mode)) {
		yaml_warn(diags, place, path, "%s is no file", file);
	} else if (st.st_mode & (S_IROTH | S_IWOTH)) {
		yaml_warn(diags, place, path,
			"%s is a secret that everybody can %s; run \"chmod o= %s\"", file,
			st.st_mode & S_IWOTH ? "change" : "read", file);
	}
}

static void check_zone(const struct zone_conf *zone, struct yaml_diags *diags)
{
	const struct yaml_path dns = { NULL, "dns", 0 }, zones = { &dns, "zones", 0 };
	const struct yaml_path name = { &zones, zone->name ? zone->name : "default", 0 };
	const struct yaml_path publish = { &name, "publish", 0 };
	const struct yaml_path tsig = { &publish, "tsig", 0 };
	const struct yaml_path file = { &tsig, "secret_file", 0 };

	if (zone->publish.type == PUBLISH_UPDATE && zone->publish.tsig_secret_file)
		check_file(zone->publish.tsig_secret_file, zone->place, &file, diags);
}

void secrets_check(const struct conf *conf, struct yaml_diags *diags)
{
	const struct dns_conf *dns = &conf->dns;
	const struct yaml_path top = { NULL, "targets", 0 };

	if (dns->fallback)
		check_zone(dns->fallback, diags);
	for (size_t i = 0; i < dns->n_zones; i++)
		if (!dns->fallback || dns->fallback->publish.tsig_secret_file !=
					      dns->zones[i].publish.tsig_secret_file)
			check_zone(&dns->zones[i], diags);
	for (size_t i = 0; i < conf->n_targets; i++) {
		const struct target_conf *target = &conf->targets[i];
		const struct yaml_path name = { &top, target->name, 0 };
		const struct yaml_path file = { &name, "password_file", 0 };

		if (target->password_file)
			check_file(target->password_file, target->place, &file, diags);
	}
}

int secrets_read_base64(const char *path, struct secret *out, struct err *err)
{
	struct secret text AUTO_SECRET = SECRET_INIT;
	struct buf raw = BUF_INIT;
	size_t len = 0;
	int result;

	if (secret_read(AT_FDCWD, path, SECRET_FILE_MAX, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.data[i]))
			text.data[len++] = text.data[i];
	result = jws_base64_read(text.data ? text.data : "", len, &raw, err);
	secret_add(out, raw.data, raw.len);
	if (raw.data)
		explicit_bzero(raw.data, raw.size);
	buf_done(&raw);
	if (result == 0 && out->len == 0)
		result = err_set(err, ERR_BAD_VALUE, "it is empty");
	return result < 0 ? err_add(err, "%s", path) : 0;
}
