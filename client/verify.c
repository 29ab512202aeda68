/* SPDX-License-Identifier: MIT */
#include "client/verify.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/check.h"
#include "client/material.h"
#include "client/term.h"
#include "client/view.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* The files of a version (contract, section 2), the server's certificate before its issuers. */
static const char *const files[] = { "privkey.pem", "csr.pem", "cert.pem", "chain.pem",
	"fullchain.pem", "bundle.pem" };

/*
 * State: a verify lives for one run. Each set of files appends its result to `out`; n_sets counts
 * them for the JSON array, and `status` becomes 1 with the first problem. verify_main() prints
 * `out` at the end and frees it.
 */
struct verify {
	struct buf out;
	struct instant now;
	bool is_json;
	size_t n_sets;
	int status;
};

/* A missing issuer is no error: the root may be in a system's store. */
static bool is_issuer_missing(const struct check *check)
{
	return check->top && !cert_is_self_signed(check->top);
}

static void show_set_json(struct verify *verify, const char *name, const struct check *check)
{
	char text[INSTANT_TEXT_LEN];

	buf_add_text(&verify->out, verify->n_sets ? ",\n {\"file\": " : "[{\"file\": ");
	buf_add_json(&verify->out, name);
	buf_printf(&verify->out,
		", \"ok\": %s, \"not_after\": ", check->n_problems ? "false" : "true");
	show_json_text(check->leaf ? instant_text(cert_not_after(check->leaf), text) : NULL,
		&verify->out);
	buf_add_text(&verify->out, ", \"problems\": [");
	for (size_t i = 0; i < check->n_problems; i++) {
		buf_add_text(&verify->out, i ? ", " : "");
		buf_add_json(&verify->out, check->problems[i]);
	}
	buf_printf(&verify->out, "], \"issuer_missing\": %s}",
		is_issuer_missing(check) ? "true" : "false");
}

static void add_whose(struct buf *out, const struct cert *leaf)
{
	struct buf subject AUTO_BUF = BUF_INIT;

	if (cert_n_names(leaf) == 0)
		cert_subject_name(leaf, &subject);
	term_add(out, cert_n_names(leaf) ? cert_name(leaf, 0) : buf_text(&subject));
	if (cert_n_names(leaf) > 1)
		buf_printf(out, " and %zu more name%s", cert_n_names(leaf) - 1,
			cert_n_names(leaf) > 2 ? "s" : "");
}

static void show_good(struct verify *verify, const struct check *check)
{
	struct buf top AUTO_BUF = BUF_INIT;
	char end[INSTANT_TEXT_LEN], left[DURATION_TEXT_LEN];

	add_whose(&verify->out, check->leaf);
	instant_text(cert_not_after(check->leaf), end);
	duration_brief(instant_since(cert_not_after(check->leaf), verify->now), left);
	buf_printf(&verify->out, ", valid until %s (%s left), ", end, left);
	cert_subject_name(check->top, &top);
	if (check->chain_len == 1) {
		buf_add_text(&verify->out, cert_is_self_signed(check->leaf)
						   ? "self-signed\n"
						   : "the chain ends without an issuer\n");
		return;
	}
	buf_printf(&verify->out, "chain of %zu up to ", check->chain_len);
	term_add(&verify->out, buf_text(&top));
	if (is_issuer_missing(check))
		buf_add_text(&verify->out, ", whose issuer is not here");
	buf_add_char(&verify->out, '\n');
}

static void show_set(struct verify *verify, const char *name, const struct check *check)
{
	for (size_t i = 0; i < check->n_problems; i++) {
		term_add(&verify->out, name);
		buf_add_text(&verify->out, ": ");
		term_add(&verify->out, check->problems[i]);
		buf_add_char(&verify->out, '\n');
	}
	if (check->n_problems)
		return;
	term_add(&verify->out, name);
	buf_add_text(&verify->out, ": ok: ");
	show_good(verify, check);
}

static void finish(struct verify *verify, const char *name, struct check *check,
	const struct material *material)
{
	check_run(check, material, verify->now);
	if (verify->is_json)
		show_set_json(verify, name, check);
	else
		show_set(verify, name, check);
	verify->n_sets++;
	if (check->n_problems)
		verify->status = 1;
}

/* Is the certificate list of `whole` that of `first` followed by `rest`, without repeats? */
static bool is_sum(
	const struct material *whole, const struct material *first, const struct material *rest)
{
	const struct material *parts[] = { first, rest };
	const struct cert *wanted[2 * MATERIAL_MAX], *leaf = NULL;
	size_t n = 0, at = 0;

	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; i < parts[p]->n; i++) {
			const struct cert *cert = parts[p]->items[i].cert;

			/* A self-signed certificate is its own chain, and served once. */
			if (cert && !(p == 1 && leaf && cert_equal(leaf, cert)))
				wanted[n++] = cert;
			if (cert && !leaf)
				leaf = cert;
		}
	for (size_t i = 0; i < whole->n; i++) {
		const struct cert *cert = whole->items[i].cert;

		if (cert && (at == n || !cert_equal(wanted[at++], cert)))
			return false;
	}
	return at == n;
}

static void move_items(struct material *to, struct material *from, struct check *check)
{
	for (size_t i = 0; i < from->n; i++) {
		if (to->n == MATERIAL_MAX) {
			check_add(check, "there are more than %d blocks", MATERIAL_MAX);
			return;
		}
		to->items[to->n++] = from->items[i];
		from->items[i] = (struct material_item){ .kind = MATERIAL_OTHER };
	}
}

enum { FILE_PRIVKEY, FILE_CSR, FILE_CERT, FILE_CHAIN, FILE_FULLCHAIN, FILE_BUNDLE };

static void compare_files(const struct material *read, struct check *check)
{
	bool has_parts = read[FILE_CERT].n && read[FILE_CHAIN].n;

	if (read[FILE_CERT].n > 1)
		check_add(check, "cert.pem holds more than one certificate");
	if (has_parts && read[FILE_FULLCHAIN].n &&
		!is_sum(&read[FILE_FULLCHAIN], &read[FILE_CERT], &read[FILE_CHAIN]))
		check_add(check, "fullchain.pem is not cert.pem and chain.pem");
	if (has_parts && read[FILE_BUNDLE].n &&
		!is_sum(&read[FILE_BUNDLE], &read[FILE_CERT], &read[FILE_CHAIN]))
		check_add(check, "bundle.pem does not hold cert.pem and chain.pem");
	if (read[FILE_BUNDLE].n && read[FILE_BUNDLE].items[0].kind != MATERIAL_KEY)
		check_add(check, "bundle.pem does not begin with the private key");
}

static void verify_dir(struct verify *verify, const char *dir)
{
	struct material *read = mem_zalloc(ARRAY_LEN(files) * sizeof(*read));
	struct material *all = mem_new(struct material);
	struct check check CLEANUP(check_done) = { .n_problems = 0 };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path AUTO_FREE = mem_printf("%s/%s", dir, files[i]);
		struct err err;

		if (access(path, F_OK) == 0 && material_read(path, &read[i], &err) < 0)
			check_add(&check, "%s", err.text);
	}
	compare_files(read, &check);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		move_items(all, &read[i], &check);
	finish(verify, dir, &check, all);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		material_done(&read[i]);
	material_done(all);
	free(read);
	free(all);
}

static void verify_files(struct verify *verify, char **paths, size_t n)
{
	struct material *all = mem_new(struct material);
	struct check check CLEANUP(check_done) = { .is_picked = true };
	struct buf name AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		struct err err;

		buf_printf(&name, "%s%s", i ? " " : "", paths[i]);
		if (material_read(paths[i], all, &err) < 0)
			check_add(&check, "%s", err.text);
	}
	finish(verify, buf_text(&name), &check, all);
	material_done(all);
	free(all);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void verify_paths(struct verify *verify, char **paths, size_t n)
{
	size_t n_files = 0;

	for (size_t i = 0; i < n; i++)
		if (is_dir(paths[i]))
			verify_dir(verify, paths[i]);
		else
			paths[n_files++] = paths[i];
	if (n_files > 0)
		verify_files(verify, paths, n_files);
}

int verify_main(int argc, char **argv, bool is_json)
{
	struct verify verify = { .is_json = is_json, .now = clock_now() };
	bool is_ended = false;
	size_t n = 0;

	for (int i = 1; i < argc; i++) {
		if (!is_ended && str_is(argv[i], "--")) {
			is_ended = true;
		} else if (!is_ended && str_is(argv[i], "--json")) {
			verify.is_json = true;
		} else if (!is_ended && argv[i][0] == '-') {
			fprintf(stderr, "certctl: verify has no option %s\n", argv[i]);
			return 2;
		} else {
			argv[1 + n++] = argv[i];
		}
	}
	if (n == 0) {
		fputs("certctl: verify needs a directory or files\n", stderr);
		return 2;
	}
	verify_paths(&verify, argv + 1, n);
	if (verify.is_json)
		buf_add_text(&verify.out, "]\n");
	fputs(buf_text(&verify.out), stdout);
	buf_done(&verify.out);
	return verify.status;
}
