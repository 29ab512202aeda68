#include "daemon/conf/schema.h"

/* a * b / c without overflow for any durations the configuration allows. */
static int64_t scale(int64_t a, int64_t b, int64_t c)
{
	return (int64_t)((long double)a * (long double)b / (long double)c);
}

struct duration renew_conf_left(const struct renew_conf *renew, struct duration life)
{
	const struct curve_point *p = renew->curve;
	size_t n = renew->n_curve, i = 0;

	if (n == 0)
		return SECONDS(life.s / 2);
	if (life.s <= p[0].life.s)
		return SECONDS(scale(life.s, p[0].left.s, p[0].life.s));
	while (i < n && p[i].life.s < life.s)
		i++;
	if (i == n)
		return SECONDS(scale(life.s, p[n - 1].left.s, p[n - 1].life.s));
	return SECONDS(
		p[i - 1].left.s + scale(life.s - p[i - 1].life.s, p[i].left.s - p[i - 1].left.s,
					  p[i].life.s - p[i - 1].life.s));
}
