/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "daemon/conf/conf.h"
#include "lib/base/err.h"
#include "lib/wire/url.h"
#include "lib/yaml/diag.h"

static void check_acme(const struct acme_conf *acme)
{
	assert(acme && url_check(acme->directory, &(struct err)ERR_INIT) == 0);
	assert(acme->terms_agreed && acme->challenge < CHALLENGE_COUNT && acme->in_flight);
	assert(acme->profile || !acme->profile_required);
	assert(!acme->eab_kid == !acme->eab_hmac_file);
}

/*
 * Any text gives a configuration or at least one error, never both; every certificate is in its
 * index, sorted, with references inside their bounds.
 */
static void check(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_conf *cert = &conf->certs[i];

		assert(conf_cert(conf, cert->name) == cert && cert->place == i && cert->digest);
		assert(cert->n_cas && cert->key && cert->renew && cert->roll);
		for (size_t k = 0; k < cert->n_cas; k++)
			assert(cert->cas[k] == CA_SELF || cert->cas[k] < conf->n_cas);
		for (size_t k = 0; k < cert->n_targets; k++)
			assert(cert->targets[k] < conf->n_targets);
		assert(cert->is_ca || cert->n_names);
	}
	for (size_t i = 0; i < conf->n_cas; i++)
		if (conf->cas[i].type == CA_LOCAL)
			assert(conf->cas[i].issuer < conf->n_certs && conf->cas[i].digest);
		else
			check_acme(conf->cas[i].acme);
	for (size_t i = 0; i < conf->dns.n_zones; i++)
		assert(conf_zone(conf, conf->dns.zones[i].name) == &conf->dns.zones[i]);
	for (size_t i = 0; i < conf->n_targets; i++)
		assert(conf->targets[i].dir && conf->targets[i].formats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_file file = { mem_strdup("/f/c"), mem_zalloc(len + 1), len };
	struct conf_files files = { .is_unpacked = true };
	struct yaml_diags diags = { 0 };
	struct buf out AUTO_BUF = BUF_INIT;
	struct conf *conf;

	for (size_t i = 0; i < len; i++)
		file.data[i] = (char)data[i];
	files.at = mem_grow(NULL, 1, sizeof(file));
	files.at[files.n++] = file;
	buf_add_text(&files.notes, "user root 0\ngroup adm 4\ngroup ssl-cert 110\n"
				   "trust /f/ca.pem\tX|\n");
	conf = conf_load(&files, &diags);
	assert((conf != NULL) == (diags.n_errors == 0));
	if (conf)
		check(conf);
	yaml_diags_print(&diags, &out);
	conf_unref(conf);
	yaml_diags_done(&diags);
	conf_files_done(&files);
	return 0;
}
