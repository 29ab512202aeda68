/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_TEXT_H
#define CERTD_LIB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Text fit to be shown: in the log, in the journal, in STATUS= and by certctl.
 *
 * Sentences carry parts that come from CAs, name servers, certificates, commands and files.  A terminal
 * obeys control characters and writes backwards after bidi controls, so neither reaches one.  This is the
 * only place that decides which characters those are; a lint sees to it.
 */

/* The character at `text`, of which `len` > 0 bytes are left, and its length; U+FFFD and 1 for a broken one. */
size_t text_decode(const char *text, size_t len, uint32_t *c);

/* C0, DEL, C1, the line and paragraph separators, and all that changes the direction of writing. */
bool text_is_control(uint32_t c);

/* Well-formed UTF-8 without any of these? */
bool text_is_fit(const char *text);

/* Only visible ASCII, without blanks? */
bool text_is_visible(const char *text, size_t len);

/*
 * Appends the text on one line: blanks for tab, carriage return and line feed, \x9b and \u202e for other
 * control characters, U+FFFD for bytes that are no UTF-8.
 */
void text_show(struct buf *out, const char *text, size_t len);

/* Cuts the text down to at most `most` bytes, between two characters. */
void text_cut(struct buf *text, size_t most);

/* text_show() in place; what has no room in `size` is cut between two characters. */
void text_show_here(char *text, size_t size);

#endif
