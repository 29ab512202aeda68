/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "lib/base/mem.h"
#include "tests/sim/town.h"

/*
 * Directories of targets in memory, with the promises of the real ones: one exchange, what was
 * there waits until it is settled or restored, everything may be repeated.
 */

enum { FULLCHAIN, PRIVKEY, N_FILES };

static int load(struct copy *copy, size_t i, const char *name, copy_read *read, void *data,
	struct err *err)
{
	struct buf text AUTO_BUF = BUF_INIT;

	if (read(data, name, &text, err) < 0)
		return -1;
	copy->files[i].name = name;
	secret_add(&copy->files[i].data, text.data, text.len);
	return 0;
}

int copy_init(struct copy *copy, const struct target_conf *target, const struct cert_conf *cert,
	const struct version_id *version, copy_read *read, void *data, struct err *err)
{
	copy_init_place(copy, target, cert);
	copy->version = *version;
	copy->n_files = N_FILES;
	if (load(copy, FULLCHAIN, "fullchain.pem", read, data, err) < 0)
		return -1;
	return load(copy, PRIVKEY, "privkey.pem", read, data, err);
}

void copy_init_place(
	struct copy *copy, const struct target_conf *target, const struct cert_conf *cert)
{
	char group[256];

	copy->dir = mem_strdup(target->dir);
	copy->group = mem_strdup(cert_conf_group(cert, group));
	copy->service = mem_strdup(cert->service);
}

void copy_done(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_files; i++)
		secret_done(&copy->files[i].data);
	free(copy->dir);
	free(copy->group);
	free(copy->service);
}

char *copy_path(const struct copy *copy)
{
	return mem_printf("%s/%s/%s/curr", copy->dir, copy->group, copy->service);
}

static struct town_place *place_of(const struct copy *copy)
{
	char *cert AUTO_FREE = mem_printf("%s/%s", copy->group, copy->service);

	return town_place(town_here(), copy->dir, cert);
}

static void put(const struct copy *copy, struct town_files *to)
{
	const struct secret *chain = &copy->files[FULLCHAIN].data,
			    *key = &copy->files[PRIVKEY].data;

	town_files_done(to);
	to->version = copy->version;
	buf_add(&to->fullchain, chain->data, chain->len);
	buf_add(&to->privkey, key->data, key->len);
}

int copy_switch(struct copy *copy, bool *changed, struct err *err)
{
	struct town_place *place = place_of(copy);

	(void)err;
	*changed = !version_id_equal(&place->curr.version, &copy->version);
	if (!*changed)
		return 0;
	town_here()->n_copies++;
	/* What waits already has passed a check; what lies here has not. */
	if (!place->has_old)
		town_files_copy(&place->curr, &place->old);
	place->has_old = true;
	put(copy, &place->curr);
	return 0;
}

int copy_settle(struct copy *copy, struct err *err)
{
	struct town_place *place = place_of(copy);

	(void)err;
	place->has_old = false;
	town_files_done(&place->old);
	return 0;
}

int copy_tidy(struct copy *copy, struct err *err)
{
	(void)copy;
	(void)err;
	return 0;
}

int copy_restore(struct copy *copy, struct err *err)
{
	struct town_place *place = place_of(copy);

	if (!place->has_old)
		return err_set(err, ERR_NOT_FOUND, "nothing waits to be restored");
	town_here()->n_restores++;
	town_files_copy(&place->old, &place->curr);
	return copy_settle(copy, err);
}

int copy_put_next(struct copy *copy, struct err *err)
{
	(void)err;
	put(copy, &place_of(copy)->next);
	return 0;
}

int copy_drop_next(struct copy *copy, struct err *err)
{
	(void)err;
	town_files_done(&place_of(copy)->next);
	return 0;
}

int copy_is_there(struct copy *copy, bool *out, struct err *err)
{
	(void)err;
	*out = version_id_equal(&place_of(copy)->curr.version, &copy->version);
	return 0;
}
