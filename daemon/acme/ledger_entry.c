/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/acme/ledger.h"
#include "daemon/conf/conf.h"
#include "lib/base/buf.h"

/* The words of an entry about its certificate. */

static void add_word(struct buf *out, const char *word)
{
	if (out->len)
		buf_add_char(out, ' ');
	buf_add_text(out, word);
}

/* Is `word` one of the words between spaces? */
static bool has_word(const struct buf *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = buf_text(words); *at;) {
		size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

void ledger_entry_about(
	struct ledger_entry *entry, const struct cert_conf *cert, struct buf *names)
{
	char apex[256], domain[IDENTITY_DOMAIN_LEN];

	identity_of(cert->names, cert->n_names, entry->id);
	entry->key = cert->key;
	entry->digest = cert->issue_digest;
	if (entry->what != LEDGER_ISSUED)
		return;
	cert_conf_group(cert, apex);
	for (size_t i = 0; i < cert->n_names; i++) {
		identity_domain(cert->names[i], apex, domain);
		if (!has_word(names, domain))
			add_word(names, domain);
	}
	entry->names = buf_text(names);
}
