/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

/* The words of actions and reasons, from their tables. */

static const char *const actions[] = {
#define ACTION(id, word) word,
#include "proto/actions.def"
#undef ACTION
};

static const struct {
	const char *word, *sentence;
} whys[] = {
#define WHY(id, word, sentence) { word, sentence },
#include "proto/whys.def"
#undef WHY
};

const char *action_text(enum action action)
{
	return actions[action];
}

const char *why_text(enum why why)
{
	return whys[why].word;
}

const char *why_sentence(enum why why)
{
	return whys[why].sentence;
}
