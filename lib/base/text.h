/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_TEXT_H
#define CERTD_LIB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * A displayable text has no character that a terminal executes: it is fit for the log, the
 * journal, STATUS= and certctl.
 *
 * Sentences carry parts that come from CAs, name servers, certificates, commands and files. A
 * terminal executes control characters and reorders text after bidi controls, so neither may
 * reach one. Only this file decides which characters those are; a lint checks it.
 */

/* The character U+FFFD, which stands for what is no UTF-8. */
#define TEXT_REPLACEMENT 0xfffdU

/*
 * Returns the length of the character at `text`, which has `len` > 0 bytes left, and stores it
 * in *c; U+FFFD and 1 for malformed bytes.
 */
size_t text_decode(const char *text, size_t len, uint32_t *c);

/*
 * Is it C0, DEL, C1, a line or paragraph separator, or a character that changes the direction
 * of writing?
 */
bool text_is_control(uint32_t c);

/* Is it well-formed UTF-8 without any of these? */
bool text_is_fit(const char *text);

/* Is it visible ASCII without blanks? */
bool text_is_visible(const char *text, size_t len);

/* So many bytes at the beginning are visible ASCII or blanks. */
size_t text_n_plain(const char *text, size_t len);

/* The length without a character that was cut off in its middle at the end. */
size_t text_whole(const char *text, size_t len);

/*
 * Appends the text on one line: blanks for tab, carriage return and line feed, \x9b and \u202e
 * for other control characters, U+FFFD for bytes that are not UTF-8.
 */
void text_show(struct buf *out, const char *text, size_t len);

/* Cuts the text to at most `most` bytes, between two characters. */
void text_cut(struct buf *text, size_t most);

/* Like text_show(), in place; a text longer than `size` is cut between two characters. */
void text_show_here(char *text, size_t size);

#endif
