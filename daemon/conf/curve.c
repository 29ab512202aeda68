/* SPDX-License-Identifier: MIT */
#include "daemon/conf/curve.h"

#include "daemon/conf/conf.h"

/* a * b / c without overflow; exact to the second for anything below ten thousand years. */
static struct duration scale(struct duration a, int64_t b, int64_t c)
{
	return SECONDS(c ? (int64_t)((double)a.s * (double)b / (double)c) : 0);
}

struct duration renew_conf_left(const struct renew_conf *renew, struct duration life)
{
	const struct curve_point *at = renew->curve, *low, *high;
	size_t n = renew->n_curve, i = 0;

	if (n == 0)
		return SECONDS(life.s / 2);
	if (life.s <= at[0].life.s)
		return scale(life, at[0].left.s, at[0].life.s);
	if (life.s >= at[n - 1].life.s)
		return scale(life, at[n - 1].left.s, at[n - 1].life.s);
	while (at[i + 1].life.s < life.s)
		i++;
	low = &at[i];
	high = &at[i + 1];
	return SECONDS(
		low->left.s + scale(SECONDS(life.s - low->life.s), high->left.s - low->left.s,
				      high->life.s - low->life.s)
				      .s);
}
