/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_LEDGER_H
#define CERTD_DAEMON_ACME_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/acme/identity.h"
#include "lib/base/err.h"
#include "lib/base/map.h"
#include "proto/facts.h"

struct buf;
struct cert_conf;

/*
 * The ledger of one CA holds what was asked of it lately, and decides what may be asked now.
 *
 * Pure: no I/O, no clock.  It is fed with entries, at a start by ledger_read() from the text
 * that the keeper kept, afterwards by ledger_note(), whose entry the caller has the keeper
 * `record`.  It knows sets of names (identity.h), never certificates, so neither a restart nor
 * a certificate that is removed and made again makes it forget.
 *
 * It has three uses.  Limits of a known kind (limits.def) are mirrored, so that no order is
 * placed that the CA would refuse.  For every CA there is a ceiling against loops: a set of
 * names on one key type is issued at most LEDGER_CEILING times a day, or within 5/16 of its
 * lifetime when that is shorter, because no renewal is planned in the first sixteenth of a
 * life; only this one yields to an operator.  And failures in a row are counted for each set,
 * for back-off where the facts were lost.
 *
 * As at Let's Encrypt an order that replaces a certificate within its renewal window is free of
 * all limits, and a renewal for the same names free of those of the account and of the domain.
 *
 * Orders under way count from the moment at which they are let through (struct reservation), so
 * that a burst does not pass a limit before its first order is noted.
 *
 * Orders refused for the limit of the account get times of their own: they come one by one, as
 * the limit fills, instead of all at once.
 */

enum limit {
#define LIMIT(id, word, burst, period, help) LIMIT_##id,
#include "daemon/acme/limits.def"
#undef LIMIT
	LIMIT_COUNT
};

/* The word of a limit, "domain"; LIMIT_COUNT is the ceiling, "ceiling". */
const char *limit_text(enum limit limit);

enum { LEDGER_CEILING = 5 };

/* How long what happened is of interest; the keeper may forget what is older. */
#define LEDGER_MEMORY DAYS(8)

/* Why an order is placed: what the CA's limits make of it. */
enum ledger_kind { LEDGER_NEW, LEDGER_RENEWAL, LEDGER_ARI };

enum ledger_what {
	LEDGER_ORDER,  /* an order was placed; only noted, what became of it is kept */
	LEDGER_ISSUED, /* it led to a certificate */
	LEDGER_FAILED, /* it did not, for a reason of these names */
};

struct ledger_entry {
	enum ledger_what what;
	enum ledger_kind kind;
	struct instant at;
	char id[IDENTITY_LEN];
	bool has_order;       /* an order was placed, and LEDGER_ORDER did not tell */
	const char *key;      /* ISSUED: the key type */
	struct duration life; /* ISSUED: of the certificate */
	enum err_code code;   /* FAILED */
	uint64_t digest;      /* FAILED: cert_conf.issue_digest; 0: unknown */
	/*
	 * ISSUED: registered domains; FAILED: names that the CA looked at in vain; between
	 * spaces.
	 */
	const char *names;
};

/* Appends the entry as words of REQUEST_record: what= kind= id= ..., without the time. */
void ledger_entry_write(const struct ledger_entry *entry, struct buf *out);

struct ledger {
	bool has_limits; /* the limits of limits.def apply */
	struct map sets;
	struct map buckets;
	struct map ceilings;
	struct instant
		booked; /* up to then the account's limit is promised to those who wait */
	size_t n_kept;  /* sets, buckets and ceilings after the last sweep */
};

void ledger_init(struct ledger *ledger, bool has_limits);
void ledger_done(struct ledger *ledger);

/*
 * Feeds the text that the keeper kept: lines `<time> what=...`, the time as RFC 3339.  Lines
 * that are not understood, half a last line among them, are passed over; so are entries older
 * than LEDGER_MEMORY.
 */
void ledger_read(struct ledger *ledger, const char *text, size_t len, struct instant now);
void ledger_note(struct ledger *ledger, const struct ledger_entry *entry);

/* The subject of an order; the names are the configuration's. */
struct ledger_ask {
	const struct cert_conf *cert;
	enum ledger_kind kind;
	bool is_forced;  /* by an operator: the ceiling yields */
	bool wants_turn; /* when refused for the account's limit: a time of its own */
};

/*
 * May the order be placed now?  0, or -1 with ERR_RATE_LIMITED: which limit, and in not_before
 * until when; of several the one that opens last.
 */
int ledger_check(struct ledger *ledger, const struct ledger_ask *ask, struct instant now,
	struct err *err);

/*
 * A reservation is what an order that was let through may use up, promised to it from the check
 * on: an order that is checked meanwhile finds it used.  ledger_reserve() never fails; an order
 * that was found in flight reserves without a check.  The caller ends a reservation when its
 * order ended (and was noted), or when the order's own entry was noted for that limit alone.  A
 * zeroed one reserves nothing; it must end before its ledger does.
 */
struct reservation {
	struct reservation_item *items;
	size_t n, size;
};

void ledger_reserve(
	struct ledger *ledger, const struct ledger_ask *ask, struct reservation *out);
void reservation_drop(struct reservation *reservation, enum limit limit);
void reservation_done(struct reservation *reservation);

/*
 * How orders for this set fail in a row, met with one configuration (digest); code ERR_NONE:
 * they do not. Without a text.
 */
struct failure ledger_failure(const struct ledger *ledger, const struct cert_conf *cert);

/* One limit as it stands for an order: so many used of so many, open from then on. */
struct ledger_use {
	enum limit limit;
	const char *subject; /* the domain or name; "" where there is none */
	unsigned used, of;
	struct instant opens; /* <= now: it is open */
};

/* Calls `tell` for every limit that an order for this certificate meets, the ceiling last. */
void ledger_uses(struct ledger *ledger, const struct ledger_ask *ask, struct instant now,
	void (*tell)(const struct ledger_use *use, void *data), void *data);

/* The limit of the account; false when none is known. */
bool ledger_account_use(
	const struct ledger *ledger, struct instant now, struct ledger_use *out);

/* For callers that make entries: the set's identity and, for ISSUED, its domains into *names. */
void ledger_entry_about(
	struct ledger_entry *entry, const struct cert_conf *cert, struct buf *names);

#endif
