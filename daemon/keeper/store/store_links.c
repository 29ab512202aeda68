/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/store_private.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_CURR] = "curr",
	[ROLE_NEXT] = "next",
	[ROLE_PREV] = "prev",
};

const char *link_role_text(enum role role)
{
	assert(role < ROLE_COUNT);
	return role_names[role];
}

/* A link, as it was found. */
/*
 * States: each link names a version, or a version that is missing or damaged, or nothing.  A
 * roll moves curr to prev, next to curr, and drops next, in this order; the repair completes a
 * roll that was interrupted and drops links to versions that are gone.  No state outlives a
 * call; the links on disk are all there is.
 */
struct link {
	bool is_there;              /* something has the name */
	struct version_id id;       /* the version it names, if that can be read */
	struct version_facts facts; /* id.made set when the version is whole */
	struct instant changed;
};

int link_set(const struct cert_dir *dir, enum role role, const struct version_id *id,
	struct err *err)
{
	char target[VERSION_PATH_LEN];

	dir->store->is_dirty = true;
	return file_replace_link(dir->fd, link_role_text(role), version_path(id, target), err);
}

int link_drop(const struct cert_dir *dir, enum role role, struct err *err)
{
	dir->store->is_dirty = true;
	if (unlinkat(dir->fd, link_role_text(role), 0) < 0 && errno != ENOENT)
		return err_sys(err, err_code_of_errno(errno), errno,
			"cannot remove the link %s", link_role_text(role));
	return file_sync_dir(dir->fd, ".", err);
}

/* Reads a link; what is no link at all is moved away. */
static int link_read(
	const struct cert_dir *dir, enum role role, struct link *out, struct err *err)
{
	char target[VERSION_PATH_LEN];
	struct err why;
	struct stat st;

	*out = (struct link){ 0 };
	if (fstatat(dir->fd, link_role_text(role), &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, err_code_of_errno(errno), errno, "cannot stat %s",
			link_role_text(role));
	}
	out->is_there = true;
	out->changed = (struct instant){ st.st_mtim.tv_sec };
	if (!S_ISLNK(st.st_mode)) {
		err_set(&why, ERR_BROKEN_STORE, "it is not a link");
		return store_quarantine(
			dir, dir->fd, link_role_text(role), link_role_text(role), &why, err);
	}
	if (file_read_link(dir->fd, link_role_text(role), target, sizeof(target), &why) < 0 ||
		!str_starts(target, "versions/") ||
		version_id_parse(target + strlen("versions/"), &out->id, &why) < 0)
		out->id = (struct version_id){ 0 };
	return 0;
}

int link_target(
	const struct cert_dir *dir, enum role role, struct version_id *out, struct err *err)
{
	struct link link;

	if (link_read(dir, role, &link, err) < 0)
		return -1;
	*out = link.id;
	return 0;
}

/* Reads a link and judges its version, which is moved away when it is damaged. */
static int link_load(const struct cert_dir *dir, enum role role, enum depth depth,
	struct link *out, struct err *err)
{
	struct err why;

	if (link_read(dir, role, out, err) < 0)
		return -1;
	if (!version_is_set(&out->id))
		return 0;
	switch (version_load(dir, &out->id, depth, &out->facts, &why)) {
	case VERSION_WHOLE:
		return 0;
	case VERSION_UNUSABLE:
		*err = why;
		return -1;
	case VERSION_DAMAGED:
		out->facts = (struct version_facts){ 0 };
		return version_quarantine(dir, &out->id, &why, err);
	case VERSION_MISSING:
	default:
		out->facts = (struct version_facts){ 0 };
		return 0;
	}
}

static bool is_valid(const struct version_facts *version, struct instant now)
{
	return !instant_before(now, version->not_before) &&
	       instant_before(now, version->not_after);
}

/* Is `a` the better one to serve: not revoked, valid now, rolled later, newer? */
static bool is_better(
	const struct version_facts *a, const struct version_facts *b, struct instant now)
{
	bool a_valid = is_valid(a, now), b_valid = is_valid(b, now);

	if (instant_is_set(a->revoked) != instant_is_set(b->revoked))
		return instant_is_set(b->revoked);
	if (a_valid != b_valid)
		return a_valid;
	if (a->rolled.s != b->rolled.s)
		return a->rolled.s > b->rolled.s;
	return version_id_compare(&a->id, &b->id) > 0;
}

/*
 * The version that a lost link should name, or one with id.made INSTANT_NONE.  Versions that were
 * never current are candidates only where `unrolled`, and never the ones in `not`.
 */
static int choose(const struct cert_dir *dir, bool unrolled, const struct version_id *not_this,
	const struct version_id *nor_this, struct version_facts *out, struct err *err)
{
	struct version_facts *list AUTO_FREE = NULL;
	struct instant now = clock_now();
	size_t n = 0;

	*out = (struct version_facts){ 0 };
	if (version_list(dir, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct version_facts *v = &list[i];

		if (version_id_equal(&v->id, not_this) || version_id_equal(&v->id, nor_this) ||
			(!instant_is_set(v->rolled) && !unrolled))
			continue;
		if (!version_is_set(&out->id) || is_better(v, out, now))
			*out = *v;
	}
	return 0;
}

static void tell_repair(const struct cert_dir *dir, enum role role, const struct version_id *id)
{
	char text[VERSION_ID_TEXT_LEN];

	if (version_is_set(id))
		log_event(&dir->log, EVENT_STORE_REPAIRED, NULL,
			"the link %s of %s was lost or broken and names %s now",
			link_role_text(role), dir->cert, version_id_text(id, text));
	else
		log_event(&dir->log, EVENT_STORE_REPAIRED, NULL,
			"the link %s of %s was broken and was removed", link_role_text(role),
			dir->cert);
}

/*
 * Without a usable curr: what was current last.  A link that never was there says that nothing was
 * current yet, unless a version knows better; a broken one says that something was.
 */
static int repair_curr(
	const struct cert_dir *dir, struct link links[ROLE_COUNT], struct err *err)
{
	struct link *curr = &links[ROLE_CURR];
	const struct version_id *next = &links[ROLE_NEXT].id, none = { 0 };

	for (;;) {
		struct version_facts best;
		enum verdict verdict;
		struct err why;

		if (choose(dir, false, &none, &none, &best, err) < 0)
			return -1;
		if (!version_is_set(&best.id) && curr->is_there &&
			choose(dir, true, next, &none, &best, err) < 0)
			return -1;
		if (!version_is_set(&best.id))
			break;
		verdict = version_load(dir, &best.id, DEPTH_COMPARE, &best, &why);
		if (verdict == VERSION_DAMAGED) {
			if (version_quarantine(dir, &best.id, &why, err) < 0)
				return -1;
			continue;
		}
		if (verdict != VERSION_WHOLE) {
			*err = why;
			return -1;
		}
		if (link_set(dir, ROLE_CURR, &best.id, err) < 0)
			return -1;
		tell_repair(dir, ROLE_CURR, &best.id);
		curr->facts = best;
		curr->changed = clock_now();
		return 0;
	}
	if (!curr->is_there)
		return 0;
	tell_repair(dir, ROLE_CURR, &none);
	return link_drop(dir, ROLE_CURR, err);
}

/*
 * prev is what was current before curr; a roll that stopped after its first step left curr
 * there.
 */
static int repair_prev(
	const struct cert_dir *dir, struct link links[ROLE_COUNT], struct err *err)
{
	struct version_facts best;

	if (choose(dir, false, &links[ROLE_CURR].facts.id, &links[ROLE_NEXT].facts.id, &best,
		    err) < 0)
		return -1;
	links[ROLE_PREV].facts = best;
	tell_repair(dir, ROLE_PREV, &best.id);
	if (!version_is_set(&best.id))
		return link_drop(dir, ROLE_PREV, err);
	return link_set(dir, ROLE_PREV, &best.id, err);
}

static int settle(const struct cert_dir *dir, enum depth depth, struct link links[ROLE_COUNT],
	bool *completed, struct err *err)
{
	struct link *curr = &links[ROLE_CURR], *next = &links[ROLE_NEXT],
		    *prev = &links[ROLE_PREV];
	struct err ignored;

	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (link_load(dir, role, role == ROLE_PREV ? DEPTH_FACTS : depth, &links[role],
			    err) < 0)
			return -1;
	if (!version_is_set(&curr->facts.id) && repair_curr(dir, links, err) < 0)
		return -1;
	if (next->is_there && !version_is_set(&next->facts.id)) {
		tell_repair(dir, ROLE_NEXT, &(struct version_id){ 0 });
		if (link_drop(dir, ROLE_NEXT, err) < 0)
			return -1;
	}
	if (version_is_set(&next->facts.id) &&
		version_id_equal(&curr->facts.id, &next->facts.id)) {
		log_event(&dir->log, EVENT_STORE_REPAIRED, NULL,
			"a roll of %s that was cut short is complete", dir->cert);
		if (link_drop(dir, ROLE_NEXT, err) < 0)
			return -1;
		next->facts = (struct version_facts){ 0 };
		*completed = true;
	}
	if (instant_is_set(next->facts.revoked)) {
		if (link_drop(dir, ROLE_NEXT, err) < 0)
			return -1;
		next->facts = (struct version_facts){ 0 };
	}
	if (prev->is_there &&
		(!version_is_set(&prev->facts.id) ||
			version_id_equal(&prev->facts.id, &curr->facts.id)) &&
		repair_prev(dir, links, err) < 0)
		return -1;
	/*
	 * A roll that was completed here has an older note when its version had been current
	 * before.
	 */
	if (version_is_set(&curr->facts.id) &&
		(!instant_is_set(curr->facts.rolled) || *completed)) {
		curr->facts.rolled = curr->changed;
		/* The link tells it again as long as this cannot be written. */
		if (version_set_time(dir, &curr->facts.id, "rolled", curr->changed, &ignored) <
			0)
			log_debug(&dir->log, "%s", ignored.text);
	}
	return 0;
}

int links_settle(const struct cert_dir *dir, enum depth depth, struct cert_facts *facts,
	bool *completed, struct err *err)
{
	struct link links[ROLE_COUNT] = { 0 };
	bool is_completed = false;

	if (settle(dir, depth, links, &is_completed, err) < 0)
		return -1;
	facts->curr = links[ROLE_CURR].facts;
	facts->next = links[ROLE_NEXT].facts;
	facts->prev = links[ROLE_PREV].facts.id;
	if (completed)
		*completed = is_completed;
	return 0;
}

static int roll(const struct cert_dir *dir, struct instant now, struct err *err)
{
	struct cert_facts facts = { 0 };
	struct err ignored;
	bool completed;

	if (links_settle(dir, DEPTH_COMPARE, &facts, &completed, err) < 0)
		return -1;
	if (!version_is_set(&facts.next.id)) {
		if (completed)
			return 0;
		return err_set(err, ERR_NO_NEXT, "there is no next version to roll");
	}
	if (version_is_set(&facts.curr.id) && link_set(dir, ROLE_PREV, &facts.curr.id, err) < 0)
		return -1;
	if (link_set(dir, ROLE_CURR, &facts.next.id, err) < 0) {
		struct version_id at = { 0 };

		/* Put prev back, unless curr moved all the same and only its sync failed. */
		if (link_target(dir, ROLE_CURR, &at, &ignored) == 0 &&
			!version_id_equal(&at, &facts.next.id)) {
			if (version_is_set(&facts.prev))
				link_set(dir, ROLE_PREV, &facts.prev, &ignored);
			else
				link_drop(dir, ROLE_PREV, &ignored);
		}
		return -1;
	}
	if (version_set_time(dir, &facts.next.id, "rolled", now, err) < 0)
		return -1;
	return link_drop(dir, ROLE_NEXT, err);
}

int store_roll(struct store *store, const char *cert, struct instant now, struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (dir.fd < 0)
		return err_set(err, ERR_NO_NEXT, "%s has no version to roll", cert);
	store->is_dirty = true;
	if (roll(&dir, now, err) < 0)
		return err_add(err, "cannot roll %s", cert);
	return 0;
}

int store_drop_next(struct store *store, const char *cert, struct err *err)
{
	struct cert_dir dir AUTO_CERT_DIR;

	if (cert_dir_open(store, cert, false, &dir, err) < 0)
		return -1;
	if (dir.fd < 0)
		return 0;
	store->is_dirty = true;
	if (link_drop(&dir, ROLE_NEXT, err) < 0)
		return err_add(err, "cannot drop the next version of %s", cert);
	return 0;
}
