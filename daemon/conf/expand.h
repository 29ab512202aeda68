/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_EXPAND_H
#define CERTD_DAEMON_CONF_EXPAND_H

#include <stddef.h>

struct buf;
struct err;
struct words;

/*
 * The words of configured commands: "%{group}" and its kin are replaced by facts, "%%" is a percent
 * sign, everything else stands for itself.  There is no shell, so nothing in a fact can become a
 * second word or a second command.  The same facts are in the environment as CERTD_GROUP and so
 * on.  The vocabulary is the one table below: checked when the configuration is read, used when a
 * command runs.
 */

/* EXPAND(member, variable in the environment) */
#define EXPAND_FACTS(EXPAND)                                                                   \
	EXPAND(group, "CERTD_GROUP")                                                           \
	EXPAND(service, "CERTD_SERVICE")                                                       \
	EXPAND(cert, "CERTD_CERT")                                                             \
	EXPAND(zone, "CERTD_ZONE")                                                             \
	EXPAND(host, "CERTD_HOST")                                                             \
	EXPAND(dir, "CERTD_DIR")                                                               \
	EXPAND(version, "CERTD_VERSION")                                                       \
	EXPAND(event, "CERTD_EVENT")

/* NULL: this fact does not exist here; it expands to nothing and is not in the environment. */
struct expand_facts {
#define EXPAND_MEMBER(member, variable) const char *member;
	EXPAND_FACTS(EXPAND_MEMBER)
#undef EXPAND_MEMBER
};

/* The longest word and the longest list of words after expansion. */
#define EXPAND_WORD_MAX ((size_t)32 * 1024)

/* Is every %{...} of this word known?  -1 with ERR_BAD_VALUE and the near miss, if any. */
int expand_check(const char *word, struct err *err);

/* Appends the expanded word.  It passed expand_check(); what did not is an error here too. */
int expand_word(
	const char *word, const struct expand_facts *facts, struct buf *out, struct err *err);

/*
 * All words as one vector for execve(2), NULL at its end: one block that the caller frees.
 * -1 when a word is wrong or there is none.
 */
int expand_words(const struct words *words, const struct expand_facts *facts, char ***out,
	struct err *err);

/*
 * The environment of a command, the same way: PATH, LANG and the facts that exist.  A caller
 * that knows more adds `extra` ("NAME=VALUE", NULL at its end; or NULL).
 */
char **expand_environment(const struct expand_facts *facts, const char *const *extra);

/* Where programs are looked for, whatever the daemon's own environment says. */
#define EXPAND_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

#endif
