/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_FACTS_H
#define CERTD_PROTO_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"
#include "proto/version_id.h"

struct arena;
struct buf;

/*
 * The facts of one certificate: what one could see on disk, and when it was done.
 *
 * The keeper gathers them from the store and tells them to the engine as one line; the index beside
 * the store is a file of such lines.  There is no state here, only facts: the plan
 * (daemon/cert/plan.h) decides from them, again at every start.  A struct cert_facts that was parsed
 * owns its variable parts in one block; facts_done() frees it.  Everything fits a few hundred bytes,
 * because a hundred thousand idle certificates keep theirs in memory.
 */

/* One version, as its `info` file tells. */
struct version_facts {
	struct version_id id;
	struct instant created; /* when we stored it */
	struct instant not_before, not_after;
	struct instant rolled;      /* when it became current; INSTANT_NONE: never */
	struct instant revoked;     /* when its CA was told to revoke it; INSTANT_NONE: never */
	struct instant key_created; /* older than `created` when a key was reused */
	uint64_t digest;            /* cert_conf.digest it was made for; 0: unknown (adopted) */
	uint32_t generation;        /* counts the versions of this certificate, from 1 */
	uint8_t spki[32];           /* SHA-256 of the SubjectPublicKeyInfo */
	uint8_t issuer_spki[32]; /* that of its local issuer; zero: unknown; own: self-signed */
	uint64_t ca; /* facts_ca() of the configured CA that issued it; 0: unknown */
};

/* The last error and how often it came in a row: the failure ledger. */
struct failure {
	enum err_code code; /* ERR_NONE: no failure */
	uint32_t tries;     /* in a row */
	struct instant first, last, not_before;
	char *text; /* NULL when there is none */
	/* Of what failed: cert_conf.issue_digest or target_conf.deploy_digest; 0: unknown. */
	uint64_t digest;
};

/*
 * What the CA said about the renewal of one version (RFC 9773), and the moment that was chosen in its
 * window.  It counts only while that version is the current one.
 */
struct ari_facts {
	struct version_id of;      /* INSTANT_NONE: nothing is known */
	struct instant start, end; /* the window; INSTANT_NONE: the CA gave none */
	struct instant moment;     /* chosen in it, once */
	struct instant again;      /* when to ask the CA again */
	char *url;                 /* its explanation, or NULL */
};

/*
 * The order that was placed at an ACME CA and may still give a certificate: noted before anything is
 * done with it, forgotten when its certificate is stored or nothing can come of it any more.
 */
struct order_facts {
	char *url;                  /* NULL: none */
	char *ca;                   /* the configured name of its CA */
	struct instant at, expires; /* when it was placed; INSTANT_NONE: the CA did not say */
};

/*
 * A version that an operator wants revoked: noted before anything is done for it, forgotten when its CA
 * was told, or refused.  While it is the current version it is replaced first, on a new key.
 */
struct revocation_facts {
	struct version_id of; /* INSTANT_NONE: none */
	uint32_t reason;      /* enum reason */
	struct instant asked;
	/* Why its CA could not be told; the engine's memory, as `held`, and without a text. */
	struct failure failure;
};

/* How far one deploy target is. */
struct target_facts {
	char *name;
	struct version_id copied; /* written ahead: it may lie there, whole or in part */
	struct version_id
		confirmed; /* it lies there, the check passed and the server was reloaded */
	struct version_id
		before; /* a restore brings it back; unset once `copied` is confirmed */
	/* What was copied since the last confirmation, and may be served (proto/facts_target.c). */
	struct version_id oldest, newest;
	/* DIR/GROUP/SERVICE of the last deploy that passed its check; read by target_facts_dir(). */
	char *dir;
	/* Directories that hold a copy and are configured no longer, one a line; NULL: none. */
	char *left;
	char *untidy; /* why replaced files could not be removed; NULL: all are gone */
	struct failure failure;
};

struct cert_facts {
	char *cert;                      /* "GROUP/SERVICE" */
	struct version_facts curr, next; /* id.made == INSTANT_NONE: none */
	struct version_id prev;
	struct failure failure; /* of issuing or rolling */
	struct ari_facts ari;
	struct order_facts order;
	struct revocation_facts revocation;
	struct target_facts *targets;
	uint16_t n_targets;
	/*
	 * An operator cancelled its job: the plan waits so long.  The engine's memory, not the
	 * store's: it is in no line, and a restart forgets it.
	 */
	struct instant held;
	/* An operator looked anew then (failure_holds()).  The engine's memory, too. */
	struct instant looked;
};

/* A name as a number: a hundred thousand certificates need not spell their CA. */
uint64_t facts_ca(const char *name);

/* Is the current version to be revoked, so that another one on another key must take its place? */
static inline bool facts_are_doomed(const struct cert_facts *facts)
{
	return version_is_set(&facts->revocation.of) &&
	       version_id_equal(&facts->revocation.of, &facts->curr.id);
}

/* Appends the facts as one line of key=value words without LF; facts_parse() reads it back. */
void facts_write(const struct cert_facts *facts, struct buf *out);

/* Parses a line.  *out owns its memory: facts_done().  Bounded by the line's own length. */
int facts_parse(const char *line, struct cert_facts *out, struct err *err);

/* Sixteen hexadecimal digits, as a digest is written. */
bool facts_parse_digest(const char *text, uint64_t *out);

/* A deep copy. */
void facts_copy(const struct cert_facts *facts, struct cert_facts *out);
void facts_done(struct cert_facts *facts); /* zeroed is fine */

/*
 * The entry of a target, added when it is new.  Pointers into *facts that were taken before are
 * invalid afterwards; the new one is until the next change.
 */
struct target_facts *facts_want_target(struct cert_facts *facts, const char *name);

/*
 * Puts a failure (code ERR_NONE: none) into the facts, of the certificate when `target` is NULL.  Its
 * text is copied.  Pointers as above.
 */
void facts_set_failure(
	struct cert_facts *facts, const char *target, const struct failure *failure);

/* Notes the order in flight, whose texts are copied; a NULL url forgets it.  Pointers as above. */
void facts_set_order(struct cert_facts *facts, const struct order_facts *order);

/* What the CA said about the renewal of a version; its text is copied.  Pointers as above. */
void facts_set_ari(struct cert_facts *facts, const struct ari_facts *ari);

const struct target_facts *facts_target(const struct cert_facts *facts, const char *name);

/* Does any target have the version, as far as is known: copied is written ahead. */
bool facts_is_deployed(const struct cert_facts *facts, const struct version_id *id);

/* May a server of any target still serve it?  Wider than the truth; refusals depend on this one. */
bool facts_may_be_served(const struct cert_facts *facts, const struct version_id *id);

/* A version is about to be copied; `is_settled`: what lies there has passed its check. */
void target_facts_copy(
	struct target_facts *target, const struct version_id *id, bool is_settled);
/* The files from before were put back. */
void target_facts_restore(struct target_facts *target);
/*
 * Directories of targets.  facts_owns_dir(): is what lies in curr there the keeper's own?  Only a deploy that
 * passed its check makes it so.  facts_next_left() walks over the lines of `left`: false at the end.
 */
const char *target_facts_dir(const struct target_facts *target); /* NULL: none */
bool facts_owns_dir(const struct cert_facts *facts, const char *target, const char *dir);
bool facts_has_left(const struct cert_facts *facts, const char *dir);
bool facts_next_left(const char **at, char **out); /* *out: the caller frees it */

/*
 * Changes of them; each is false when nothing had to be changed.  Pointers into *facts are invalid
 * afterwards.  facts_set_dir() with NULL forgets it, facts_leave_dir() adds to `left`, facts_forget_dir()
 * removes every mention of a directory that is empty or in use again.
 */
bool facts_set_dir(struct cert_facts *facts, const char *target, const char *dir);
bool facts_leave_dir(struct cert_facts *facts, const char *target, const char *dir);
bool facts_forget_dir(struct cert_facts *facts, const char *dir);
bool facts_set_untidy(struct cert_facts *facts, const char *target, const char *text);

/* The server has read what was copied last, and nothing else any more. */
void target_facts_confirm(struct target_facts *target);

#endif
