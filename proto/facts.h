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
 * The certificate facts hold what is on disk about one certificate, and when it was done.
 *
 * The keeper gathers them from the store and sends them to the engine as one line; the index
 * beside the store is a file of such lines. They hold no state of a job: the plan
 * (daemon/cert/plan.h) decides from them, again at every start. Two members are exceptions, the
 * engine's memory, which no line has and a restart clears: `held` and `revocation.failure`.
 *
 * A struct cert_facts that was parsed owns its variable parts in one block; facts_done() frees
 * it. It takes a few hundred bytes, because a hundred thousand idle certificates keep theirs in
 * memory.
 */

/* One version, from its `info` file. */
struct version_facts {
	struct version_id id;
	struct instant created; /* when it was stored */
	struct instant not_before, not_after;
	struct instant rolled;      /* when it became current; INSTANT_NONE: never */
	struct instant revoked;     /* when its CA revoked it; INSTANT_NONE: never */
	struct instant key_created; /* older than `created` when a key was reused */
	uint64_t digest;            /* cert_conf.digest at its creation; 0: unknown (adopted) */
	uint32_t generation;        /* counts the versions of this certificate, from 1 */
	uint8_t spki[32];           /* SHA-256 of the SubjectPublicKeyInfo */
	/* of its local issuer; zero: unknown; equal to `spki`: self-signed */
	uint8_t issuer_spki[32];
	uint64_t ca; /* facts_ca() of the configured CA that issued it; 0: unknown */
};

/* The last error and its number in a row. */
struct failure {
	enum err_code code; /* ERR_NONE: no failure */
	uint32_t tries;     /* in a row */
	struct instant first, last, not_before;
	char *text; /* NULL when there is none */
	/*
	 * Digest of the failed configuration: cert_conf.issue_digest or
	 * target_conf.deploy_digest; 0: unknown.
	 */
	uint64_t digest;
};

/*
 * The CA's renewal information for one version (RFC 9773), and the moment chosen in its window.
 * It counts only while that version is current.
 */
struct ari_facts {
	struct version_id of;      /* INSTANT_NONE: no information */
	struct instant start, end; /* the window; INSTANT_NONE: the CA gave none */
	struct instant moment;     /* chosen in it, once */
	struct instant again;      /* the time of the next request to the CA */
	char *url;                 /* the CA's explanation, or NULL */
};

/*
 * The order at an ACME CA that may still lead to a certificate: stored before the order is
 * used, dropped when its certificate is stored or when the order can no longer lead to one.
 */
struct order_facts {
	char *url;                  /* NULL: none */
	char *ca;                   /* the configured name of its CA */
	struct instant at, expires; /* when it was placed; INSTANT_NONE: not known */
};

/*
 * A version that an operator wants revoked: stored before any action, dropped when its CA has
 * revoked it, or refused. While it is the current version it is replaced first, on a new key.
 */
struct revocation_facts {
	struct version_id of; /* INSTANT_NONE: none */
	uint32_t reason;      /* enum reason */
	struct instant asked;
	/* The failed request to its CA. Engine memory, as `held`, and without a text. */
	struct failure failure;
};

/* The state of one deploy target. */
struct target_facts {
	char *name;
	struct version_id copied; /* written ahead: the files may be there, whole or in part */
	struct version_id
		/* the files are there, the check passed and the server was reloaded */
		confirmed;
	struct version_id
		/* the version that a restore brings back; unset once `copied` is confirmed */
		before;
	/*
	 * The versions copied since the last confirmation, which may be served
	 * (proto/facts_target.c).
	 */
	struct version_id oldest, newest;
	/*
	 * DIR/GROUP/SERVICE of the last deploy that passed its check; read by
	 * target_facts_dir().
	 */
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
	 * The end of a pause after an operator cancelled the certificate's job. Engine memory:
	 * no line has it, and a restart clears it.
	 */
	struct instant held;
	/* An operator looked anew then (failure_holds()).  The engine's memory, too. */
	struct instant looked;
};

/* A hash of a CA's name, so that a hundred thousand certificates need not store it. */
uint64_t facts_ca(const char *name);

/* Is the current version to be revoked, so that a version on another key must replace it? */
static inline bool facts_are_doomed(const struct cert_facts *facts)
{
	return version_is_set(&facts->revocation.of) &&
	       version_id_equal(&facts->revocation.of, &facts->curr.id);
}

/* Appends the facts as one line of key=value words without LF, for facts_parse(). */
void facts_write(const struct cert_facts *facts, struct buf *out);

/* Parses a line. *out owns its memory: facts_done(). Bounded by the line's length. */
int facts_parse(const char *line, struct cert_facts *out, struct err *err);

/* Reads sixteen hexadecimal digits, the form of a digest. */
bool facts_parse_digest(const char *text, uint64_t *out);

/* A deep copy. */
void facts_copy(const struct cert_facts *facts, struct cert_facts *out);
void facts_done(struct cert_facts *facts); /* zeroed is fine */

/*
 * The entry of a target, added when it is missing. Earlier pointers into *facts are invalid
 * afterwards; the result is valid until the next change.
 */
struct target_facts *facts_want_target(struct cert_facts *facts, const char *name);

/*
 * Stores a failure (code ERR_NONE: none) of a target, or of the certificate when `target` is
 * NULL. Its text is copied. Invalidates pointers as above.
 */
void facts_set_failure(
	struct cert_facts *facts, const char *target, const struct failure *failure);

/*
 * Stores the order in flight and copies its texts; a NULL url drops it. Invalidates pointers as
 * above.
 */
void facts_set_order(struct cert_facts *facts, const struct order_facts *order);

/* Stores the CA's renewal information and copies its text. Invalidates pointers as above. */
void facts_set_ari(struct cert_facts *facts, const struct ari_facts *ari);

const struct target_facts *facts_target(const struct cert_facts *facts, const char *name);

/* Does any target have the version, as far as is known? `copied` is written ahead. */
bool facts_is_deployed(const struct cert_facts *facts, const struct version_id *id);

/*
 * May a server of any target still serve it? Errs on the safe side; revocation depends on it.
 */
bool facts_may_be_served(const struct cert_facts *facts, const struct version_id *id);

/*
 * Records that a version is about to be copied; `is_settled`: the present files have passed
 * their check.
 */
void target_facts_copy(
	struct target_facts *target, const struct version_id *id, bool is_settled);
/* Records that the files from before were restored. */
void target_facts_restore(struct target_facts *target);
/*
 * The directories of targets. facts_owns_dir(): does the content of curr there belong to the
 * keeper? Only a deploy that passed its check makes it so. facts_next_left() walks over the lines
 * of `left`: false at the end.
 */
const char *target_facts_dir(const struct target_facts *target); /* NULL: none */
bool facts_owns_dir(const struct cert_facts *facts, const char *target, const char *dir);
bool facts_has_left(const struct cert_facts *facts, const char *dir);
bool facts_next_left(const char **at, char **out); /* *out: the caller frees it */

/*
 * Change them; each is false when nothing had to be changed. Pointers into *facts are invalid
 * afterwards. facts_set_dir() with NULL clears it, facts_leave_dir() adds to `left`,
 * facts_forget_dir() removes every entry of a directory that is empty or in use again.
 */
bool facts_set_dir(struct cert_facts *facts, const char *target, const char *dir);
bool facts_leave_dir(struct cert_facts *facts, const char *target, const char *dir);
bool facts_forget_dir(struct cert_facts *facts, const char *dir);
bool facts_set_untidy(struct cert_facts *facts, const char *target, const char *text);

/* Records that the server has read the last copy, and serves no other. */
void target_facts_confirm(struct target_facts *target);

#endif
