/* SPDX-License-Identifier: MIT */
#include "daemon/conf/expand.h"

#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define NAME_MAX_LEN 32

static const struct {
	const char *name, *variable;
	size_t offset;
} facts_table[] = {
#define EXPAND_ROW(member, variable)                                                           \
	{ #member, variable, offsetof(struct expand_facts, member) },
	EXPAND_FACTS(EXPAND_ROW)
#undef EXPAND_ROW
};

static const char *const fact_names[] = {
#define EXPAND_NAME(member, variable) #member,
	EXPAND_FACTS(EXPAND_NAME)
#undef EXPAND_NAME
		NULL,
};

static const char *fact(const struct expand_facts *facts, size_t i)
{
	return *(
		const char *const *)(const void *)((const char *)facts + facts_table[i].offset);
}

static int unknown(const char *name, struct err *err)
{
	const char *near = str_near_miss(name, fact_names);

	if (near)
		return err_set(err, ERR_BAD_VALUE, "%%{%s} is unknown; did you mean %%{%s}?",
			name, near);
	return err_set(err, ERR_BAD_VALUE, "%%{%s} is unknown", name);
}

/* Reads "%{NAME}" at `p` and finds its row.  Returns what follows it, or NULL. */
static const char *parse_fact(const char *p, size_t *row, struct err *err)
{
	const char *end = strchr(p, '}');
	char name[NAME_MAX_LEN];

	if (!end || end - (p + 2) >= NAME_MAX_LEN) {
		err_set(err, ERR_BAD_VALUE, "\"%%{\" begins a name that \"}\" does not end");
		return NULL;
	}
	memcpy(name, p + 2, (size_t)(end - (p + 2)));
	name[end - (p + 2)] = 0;
	for (*row = 0; *row < ARRAY_LEN(facts_table); (*row)++)
		if (str_is(facts_table[*row].name, name))
			return end + 1;
	unknown(name, err);
	return NULL;
}

int expand_word(
	const char *word, const struct expand_facts *facts, struct buf *out, struct err *err)
{
	size_t start = out->len;

	for (const char *p = word; *p;) {
		size_t plain = strcspn(p, "%");
		size_t row;

		buf_add(out, p, plain);
		p += plain;
		if (p[0] == '%' && p[1] == '%') {
			buf_add_char(out, '%');
			p += 2;
		} else if (p[0] == '%' && p[1] == '{') {
			p = parse_fact(p, &row, err);
			if (!p)
				return -1;
			if (fact(facts, row))
				buf_add_text(out, fact(facts, row));
		} else if (p[0] == '%') {
			return err_set(err, ERR_BAD_VALUE,
				"\"%%\" stands alone; write %%%% for a percent sign");
		}
		if (out->len - start > EXPAND_WORD_MAX)
			return err_set(err, ERR_TOO_LARGE, "a word of a command is too long");
	}
	return 0;
}

int expand_check(const char *word, struct err *err)
{
	static const struct expand_facts nothing;
	struct buf out AUTO_BUF = BUF_INIT;

	return expand_word(word, &nothing, &out, err);
}

/* NUL-separated texts as one block: the vector of `n` pointers and NULL, then the texts. */
static char **vector(const struct buf *texts, size_t n)
{
	size_t head = (n + 1) * sizeof(char *);
	char **out = mem_zalloc(head + texts->len + 1);
	char *text = (char *)out + head;

	if (texts->len)
		memcpy(text, texts->data, texts->len);
	for (size_t i = 0; i < n; i++) {
		out[i] = text;
		text += strlen(text) + 1;
	}
	return out;
}

int expand_words(const struct words *words, const struct expand_facts *facts, char ***out,
	struct err *err)
{
	struct buf texts AUTO_BUF = BUF_INIT;

	if (words->n == 0)
		return err_set(err, ERR_BAD_VALUE, "a command has no words");
	for (size_t i = 0; i < words->n; i++) {
		if (expand_word(words->at[i], facts, &texts, err) < 0)
			return -1;
		buf_add(&texts, "", 1);
	}
	*out = vector(&texts, words->n);
	return 0;
}

char **expand_environment(const struct expand_facts *facts, const char *const *extra)
{
	struct buf texts AUTO_BUF = BUF_INIT;
	size_t n = 2;

	buf_add(&texts, "PATH=" EXPAND_PATH, sizeof("PATH=" EXPAND_PATH));
	buf_add(&texts, "LANG=C.UTF-8", sizeof("LANG=C.UTF-8"));
	for (size_t i = 0; i < ARRAY_LEN(facts_table); i++)
		if (fact(facts, i)) {
			buf_printf(&texts, "%s=%s", facts_table[i].variable, fact(facts, i));
			buf_add(&texts, "", 1);
			n++;
		}
	for (; extra && *extra; extra++, n++)
		buf_add(&texts, *extra, strlen(*extra) + 1);
	return vector(&texts, n);
}
