/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"

#include <string.h>

#include "daemon/conf/index.h"
#include "lib/base/str.h"

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && str_is(a, b));
}

static bool renew_equal(const struct renew_conf *a, const struct renew_conf *b)
{
	if (a->spread.s != b->spread.s || a->ari != b->ari || a->n_curve != b->n_curve)
		return false;
	for (size_t i = 0; i < a->n_curve; i++)
		if (a->curve[i].life.s != b->curve[i].life.s ||
			a->curve[i].left.s != b->curve[i].left.s)
			return false;
	return true;
}

static bool roll_equal(const struct roll_conf *a, const struct roll_conf *b)
{
	if (a->min_age.s != b->min_age.s || a->n_windows != b->n_windows)
		return false;
	for (size_t i = 0; i < a->n_windows; i++)
		if (a->windows[i].days != b->windows[i].days ||
			a->windows[i].from != b->windows[i].from ||
			a->windows[i].to != b->windows[i].to)
			return false;
	return true;
}

static bool targets_equal(const struct conf *old, const struct cert_conf *a,
	const struct conf *new, const struct cert_conf *b)
{
	if (a->n_targets != b->n_targets)
		return false;
	for (uint16_t i = 0; i < b->n_targets; i++) {
		const struct target_conf *was = cert_conf_nth_target(old, a, i);
		const struct target_conf *now = cert_conf_nth_target(new, b, i);

		if (was->deploy_digest != now->deploy_digest || !str_is(was->name, now->name))
			return false;
	}
	return true;
}

/* The digests speak for all but what is compared here (digests.c). */
static bool cert_equal(const struct conf *old, const struct cert_conf *a,
	const struct conf *new, const struct cert_conf *b)
{
	return a->issue_digest == b->issue_digest && text_equal(a->was, b->was) &&
	       a->key_max_age.s == b->key_max_age.s && a->warn_before.s == b->warn_before.s &&
	       a->keep == b->keep && a->is_auto == b->is_auto && a->is_active == b->is_active &&
	       renew_equal(a->renew, b->renew) && roll_equal(a->roll, b->roll) &&
	       targets_equal(old, a, new, b);
}

void conf_differ(const struct conf *old, const struct conf *new,
	void (*tell)(const struct cert_conf *old, const struct cert_conf *new, void *data),
	void *data)
{
	/* Both are sorted by name. */
	for (size_t i = 0, j = 0; i < old->n_certs || j < new->n_certs;) {
		const struct cert_conf *a = i < old->n_certs ? &old->certs[i] : NULL;
		const struct cert_conf *b = j < new->n_certs ? &new->certs[j] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

		if (order < 0)
			tell(a, NULL, data);
		else if (order > 0)
			tell(NULL, b, data);
		else if (!cert_equal(old, a, new, b))
			tell(a, b, data);
		i += order <= 0;
		j += order >= 0;
	}
}
