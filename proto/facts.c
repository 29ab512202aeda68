/* SPDX-License-Identifier: MIT */
#include "proto/facts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"

/*
 * State: none between calls. facts_parse() fills a draft whose texts are those of the line, and
 * copies it into one block at the end; an error leaves *out untouched. facts_done() frees the
 * block.
 *
 * The words of a line are OBJECT=VALUE and OBJECT.FIELD=VALUE. Times are seconds since 1970,
 * which are fast to parse: an index of a hundred thousand lines is read at every start. Fields
 * that are zero are left out.
 */

enum type { TYPE_ID, TYPE_TIME, TYPE_COUNT, TYPE_DIGEST, TYPE_HASH, TYPE_CODE, TYPE_TEXT };

struct field {
	const char *name; /* "": the word of the object itself */
	enum type type;
	size_t at;
};

static const struct field version_fields[] = {
	{ "", TYPE_ID, offsetof(struct version_facts, id) },
	{ "created", TYPE_TIME, offsetof(struct version_facts, created) },
	{ "from", TYPE_TIME, offsetof(struct version_facts, not_before) },
	{ "until", TYPE_TIME, offsetof(struct version_facts, not_after) },
	{ "rolled", TYPE_TIME, offsetof(struct version_facts, rolled) },
	{ "revoked", TYPE_TIME, offsetof(struct version_facts, revoked) },
	{ "key", TYPE_TIME, offsetof(struct version_facts, key_created) },
	{ "digest", TYPE_DIGEST, offsetof(struct version_facts, digest) },
	{ "generation", TYPE_COUNT, offsetof(struct version_facts, generation) },
	{ "spki", TYPE_HASH, offsetof(struct version_facts, spki) },
	{ "issuer", TYPE_HASH, offsetof(struct version_facts, issuer_spki) },
	{ "ca", TYPE_DIGEST, offsetof(struct version_facts, ca) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field failure_fields[] = {
	{ "", TYPE_CODE, offsetof(struct failure, code) },
	{ "tries", TYPE_COUNT, offsetof(struct failure, tries) },
	{ "first", TYPE_TIME, offsetof(struct failure, first) },
	{ "last", TYPE_TIME, offsetof(struct failure, last) },
	{ "until", TYPE_TIME, offsetof(struct failure, not_before) },
	{ "text", TYPE_TEXT, offsetof(struct failure, text) },
	{ "conf", TYPE_DIGEST, offsetof(struct failure, digest) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field order_fields[] = {
	{ "", TYPE_TEXT, offsetof(struct order_facts, url) },
	{ "ca", TYPE_TEXT, offsetof(struct order_facts, ca) },
	{ "at", TYPE_TIME, offsetof(struct order_facts, at) },
	{ "expires", TYPE_TIME, offsetof(struct order_facts, expires) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field revocation_fields[] = {
	{ "", TYPE_ID, offsetof(struct revocation_facts, of) },
	{ "reason", TYPE_COUNT, offsetof(struct revocation_facts, reason) },
	{ "asked", TYPE_TIME, offsetof(struct revocation_facts, asked) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field ari_fields[] = {
	{ "", TYPE_ID, offsetof(struct ari_facts, of) },
	{ "start", TYPE_TIME, offsetof(struct ari_facts, start) },
	{ "end", TYPE_TIME, offsetof(struct ari_facts, end) },
	{ "moment", TYPE_TIME, offsetof(struct ari_facts, moment) },
	{ "again", TYPE_TIME, offsetof(struct ari_facts, again) },
	{ "url", TYPE_TEXT, offsetof(struct ari_facts, url) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field target_fields[] = {
	{ "", TYPE_TEXT, offsetof(struct target_facts, name) },
	{ "copied", TYPE_ID, offsetof(struct target_facts, copied) },
	{ "confirmed", TYPE_ID, offsetof(struct target_facts, confirmed) },
	{ "before", TYPE_ID, offsetof(struct target_facts, before) },
	{ "oldest", TYPE_ID, offsetof(struct target_facts, oldest) },
	{ "newest", TYPE_ID, offsetof(struct target_facts, newest) },
	{ "dir", TYPE_TEXT, offsetof(struct target_facts, dir) },
	{ "left", TYPE_TEXT, offsetof(struct target_facts, left) },
	{ "untidy", TYPE_TEXT, offsetof(struct target_facts, untidy) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field cert_fields[] = {
	{ "", TYPE_TEXT, offsetof(struct cert_facts, cert) },
	{ NULL, TYPE_ID, 0 },
};

static const struct field prev_fields[] = {
	{ "", TYPE_ID, offsetof(struct cert_facts, prev) },
	{ NULL, TYPE_ID, 0 },
};

/* The earliest accepted time; a certificate may begin before 1970. */
#define TIME_MIN (-(INT64_C(1) << 40))

static void add_digest(struct buf *out, const char *key, uint64_t digest)
{
	if (digest)
		line_addf(out, key, "%016" PRIx64, digest);
}

static void add_hash(struct buf *out, const char *key, const uint8_t hash[32])
{
	static const uint8_t zero[32];

	if (memcmp(hash, zero, sizeof(zero)) != 0)
		line_add_hex(out, key, hash, sizeof(zero));
}

uint64_t facts_ca(const char *name)
{
	return str_hash(name, strlen(name));
}

static void add_id(struct buf *out, const char *key, const struct version_id *id)
{
	char text[VERSION_ID_TEXT_LEN];

	if (version_is_set(id))
		line_add(out, key, version_id_text(id, text));
}

static void add_number(struct buf *out, const char *key, int64_t number)
{
	if (number)
		line_add_int(out, key, number);
}

static void add_field(struct buf *out, const char *key, enum type type, const void *at)
{
	const char *text;

	switch (type) {
	case TYPE_ID:
		add_id(out, key, at);
		break;
	case TYPE_TIME:
		add_number(out, key, ((const struct instant *)at)->s);
		break;
	case TYPE_COUNT:
		add_number(out, key, *(const uint32_t *)at);
		break;
	case TYPE_DIGEST:
		add_digest(out, key, *(const uint64_t *)at);
		break;
	case TYPE_HASH:
		add_hash(out, key, at);
		break;
	case TYPE_CODE:
		line_add(out, key, err_code_text(*(const enum err_code *)at));
		break;
	case TYPE_TEXT:
		text = *(char *const *)at;
		if (text)
			line_add(out, key, text);
		break;
	}
}

static void add_object(
	struct buf *out, const char *name, const struct field *fields, const void *object)
{
	char key[64];

	for (const struct field *f = fields; f->name; f++) {
		snprintf(key, sizeof(key), "%s%s%s", name, *f->name ? "." : "", f->name);
		add_field(out, key, f->type, (const char *)object + f->at);
	}
}

static void add_version(struct buf *out, const char *name, const struct version_facts *version)
{
	if (version_is_set(&version->id))
		add_object(out, name, version_fields, version);
}

static void add_failure(struct buf *out, const char *name, const struct failure *failure)
{
	if (failure->code != ERR_NONE)
		add_object(out, name, failure_fields, failure);
}

void facts_write(const struct cert_facts *facts, struct buf *out)
{
	assert(facts->cert);
	add_object(out, "cert", cert_fields, facts);
	add_version(out, "curr", &facts->curr);
	add_version(out, "next", &facts->next);
	add_object(out, "prev", prev_fields, facts);
	add_failure(out, "failure", &facts->failure);
	if (version_is_set(&facts->ari.of))
		add_object(out, "ari", ari_fields, &facts->ari);
	if (facts->order.url)
		add_object(out, "order", order_fields, &facts->order);
	if (version_is_set(&facts->revocation.of))
		add_object(out, "revocation", revocation_fields, &facts->revocation);
	for (size_t i = 0; i < facts->n_targets; i++) {
		add_object(out, "target", target_fields, &facts->targets[i]);
		add_failure(out, "target_failure", &facts->targets[i].failure);
	}
}

static int bad_field(const struct word *word, struct err *err)
{
	return err_set(err, ERR_BAD_VALUE, "%s=%.60s is malformed", word->key, word->value);
}

bool facts_parse_digest(const char *text, uint64_t *out)
{
	uint8_t bytes[8];

	if (!str_unhex(text, bytes, sizeof(bytes)))
		return false;
	*out = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*out = *out << 8 | bytes[i];
	return true;
}

static int parse_field(const struct word *word, enum type type, void *at, struct err *err)
{
	int64_t number = 0;
	bool good = true;

	switch (type) {
	case TYPE_ID:
		return version_id_parse(word->value, at, err);
	case TYPE_TIME:
		good = str_to_int(word->value, TIME_MIN, INT64_MAX, &((struct instant *)at)->s);
		break;
	case TYPE_COUNT:
		good = str_to_int(word->value, 0, UINT32_MAX, &number);
		*(uint32_t *)at = (uint32_t)number;
		break;
	case TYPE_DIGEST:
		good = facts_parse_digest(word->value, at);
		break;
	case TYPE_HASH:
		good = str_unhex(word->value, at, 32);
		break;
	case TYPE_CODE:
		*(enum err_code *)at = err_code_parse(word->value);
		/* An unknown code is one of a later version, and still a failure. */
		if (*(enum err_code *)at == ERR_COUNT)
			*(enum err_code *)at = ERR_INTERNAL;
		break;
	case TYPE_TEXT:
		*(char **)at = word->value;
		break;
	}
	return good ? 0 : bad_field(word, err);
}

/* The facts under construction; texts point into the line. */
struct draft {
	struct cert_facts facts;
	struct target_facts *targets; /* room for one per word `target` */
	/* The object and field of the last word, and the object's name as in its key. */
	const char *name;
	size_t name_len;
	const struct field *field;
	void *object;
};

/*
 * Returns the object of a key whose field follows the last one in the same table, or NULL.
 * Words come in the order of the tables, so this shortcut nearly always succeeds.
 */
static void *later_field(struct draft *draft, const char *key)
{
	const struct field *f = draft->field;

	if (!f || strncmp(key, draft->name, draft->name_len) != 0 ||
		key[draft->name_len] != '.')
		return NULL;
	while ((++f)->name)
		if (str_is(key + draft->name_len + 1, f->name)) {
			draft->field = f;
			return draft->object;
		}
	return NULL;
}

/* The object of a key, its fields, and the key's own part; NULL when unknown. */
static void *find_object(
	struct draft *draft, const char *key, const struct field **fields, const char **rest)
{
	struct cert_facts *facts = &draft->facts;
	struct target_facts *target =
		facts->n_targets ? &draft->targets[facts->n_targets - 1] : NULL;
	const struct {
		const char *name;
		const struct field *fields;
		void *at;
	} objects[] = {
		{ "cert", cert_fields, facts },
		{ "curr", version_fields, &facts->curr },
		{ "next", version_fields, &facts->next },
		{ "prev", prev_fields, facts },
		{ "failure", failure_fields, &facts->failure },
		{ "ari", ari_fields, &facts->ari },
		{ "order", order_fields, &facts->order },
		{ "revocation", revocation_fields, &facts->revocation },
		{ "target", target_fields, target },
		{ "target_failure", failure_fields, target ? &target->failure : NULL },
	};
	size_t len = strcspn(key, ".");

	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		if (strncmp(objects[i].name, key, len) != 0 || objects[i].name[len])
			continue;
		*fields = objects[i].fields;
		*rest = key[len] ? key + len + 1 : "";
		return objects[i].at;
	}
	return NULL;
}

static int parse_word(struct draft *draft, const struct word *word, struct err *err)
{
	const struct field *f;
	const char *rest;
	void *object;

	/* Unknown keys are those of a later version, and ignored. */
	if (!word->key)
		return 0;
	object = later_field(draft, word->key);
	if (object)
		return parse_field(
			word, draft->field->type, (char *)object + draft->field->at, err);
	if (str_is(word->key, "target"))
		draft->facts.n_targets++;
	object = find_object(draft, word->key, &f, &rest);
	if (!object)
		return 0;
	for (; f->name; f++)
		if (str_is(f->name, rest)) {
			draft->name = word->key;
			draft->name_len = strcspn(word->key, ".");
			draft->field = f;
			draft->object = object;
			return parse_field(word, f->type, (char *)object + f->at, err);
		}
	return 0;
}

/* Clears the parts of an object whose own word is missing. */
static void tidy_failure(struct failure *failure)
{
	if (failure->code == ERR_NONE)
		*failure = (struct failure){ .code = ERR_NONE };
}

static void tidy(struct cert_facts *facts)
{
	if (!version_is_set(&facts->curr.id))
		facts->curr = (struct version_facts){ 0 };
	if (!version_is_set(&facts->next.id))
		facts->next = (struct version_facts){ 0 };
	tidy_failure(&facts->failure);
	if (!version_is_set(&facts->ari.of))
		facts->ari = (struct ari_facts){ 0 };
	if (!facts->order.url || !*facts->order.url || !facts->order.ca)
		facts->order = (struct order_facts){ 0 };
	if (!version_is_set(&facts->revocation.of))
		facts->revocation = (struct revocation_facts){ 0 };
	for (size_t i = 0; i < facts->n_targets; i++)
		tidy_failure(&facts->targets[i].failure);
}

static int parse_words(const struct line *line, struct draft *draft, struct err *err)
{
	for (size_t i = 0; i < line->n; i++)
		if (parse_word(draft, &line->words[i], err))
			return -1;
	if (!draft->facts.cert || !*draft->facts.cert)
		return err_set(err, ERR_BAD_VALUE, "the facts do not say of which certificate");
	return 0;
}

static size_t count_targets(const struct line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < line->n; i++)
		n += line->words[i].key && str_is(line->words[i].key, "target");
	return n;
}

static int parse_line(const struct line *line, struct cert_facts *out, struct err *err)
{
	AUTO_FREE struct target_facts *targets = NULL;
	struct draft draft = { 0 };
	size_t n = count_targets(line);

	if (n > UINT16_MAX)
		return err_set(err, ERR_TOO_LARGE, "the facts name %zu targets", n);
	if (n)
		targets = mem_zalloc(n * sizeof(*targets));
	draft.targets = draft.facts.targets = targets;
	if (parse_words(line, &draft, err))
		return -1;
	tidy(&draft.facts);
	facts_copy(&draft.facts, out);
	return 0;
}

int facts_parse(const char *text, struct cert_facts *out, struct err *err)
{
	struct line line = { 0 };
	size_t len = strlen(text);
	int result = line_parse_copy(&line, text, len, len, err);

	if (result == 0)
		result = parse_line(&line, out, err);
	if (result)
		err_add(err, "facts");
	line_done(&line);
	return result;
}

/* Copies a text to *at and moves *at behind it. */
static char *place(char **at, const char *text)
{
	char *to = *at;

	if (!text)
		return NULL;
	*at = stpcpy(to, text) + 1;
	return to;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* The block holds first the targets, even when there are none, then the texts. */
void facts_copy(const struct cert_facts *facts, struct cert_facts *out)
{
	struct cert_facts copy = *facts;
	size_t size = copy.n_targets * sizeof(copy.targets[0]);
	size_t texts = text_size(facts->cert) + text_size(facts->failure.text) +
		       text_size(facts->ari.url) + text_size(facts->order.url) +
		       text_size(facts->order.ca);
	char *at;

	for (size_t i = 0; i < facts->n_targets; i++)
		texts += text_size(facts->targets[i].name) + text_size(facts->targets[i].dir) +
			 text_size(facts->targets[i].left) +
			 text_size(facts->targets[i].untidy) +
			 text_size(facts->targets[i].failure.text);
	copy.targets = mem_zalloc(size + texts + 1);
	at = (char *)copy.targets + size;
	copy.cert = place(&at, facts->cert);
	copy.failure.text = place(&at, facts->failure.text);
	copy.ari.url = place(&at, facts->ari.url);
	copy.order.url = place(&at, facts->order.url);
	copy.order.ca = place(&at, facts->order.ca);
	for (size_t i = 0; i < facts->n_targets; i++) {
		copy.targets[i] = facts->targets[i];
		copy.targets[i].name = place(&at, facts->targets[i].name);
		copy.targets[i].dir = place(&at, facts->targets[i].dir);
		copy.targets[i].left = place(&at, facts->targets[i].left);
		copy.targets[i].untidy = place(&at, facts->targets[i].untidy);
		copy.targets[i].failure.text = place(&at, facts->targets[i].failure.text);
	}
	*out = copy;
}

void facts_done(struct cert_facts *facts)
{
	free(facts->targets);
	*facts = (struct cert_facts){ 0 };
}

const struct target_facts *facts_target(const struct cert_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n_targets; i++)
		if (str_is(facts->targets[i].name, name))
			return &facts->targets[i];
	return NULL;
}
