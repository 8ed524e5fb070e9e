/*
 * UTF-8 text: validity, width on a terminal, folding for comparison and search.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/buf.h"
#include "common/error.h"

enum text_rule {
	TEXT_LINE, /* one line: no line ends, no tabs */
	TEXT_LONG, /* line ends and tabs allowed */
};

/*
 * Checks UTF-8, length in characters, NUL, C0/C1 controls, bidirectional overrides and
 * noncharacters. On failure returns false and *why is a constant sentence without subject
 * ("has a control character at character 3" is not constant: written to why, at most 96 bytes).
 */
bool text_valid(struct bytes text, enum text_rule rule, size_t max_chars, char why[96]);

/* Reads one character; 0 at the end, UINT32_MAX (one byte taken) for a bad byte. */
uint32_t text_next(struct bytes *in);
void text_add(struct buf *out, uint32_t code_point); /* appends as UTF-8 */
size_t text_length(struct bytes text);               /* in characters */
struct bytes text_trim(struct bytes text);           /* outer blanks, ideographic space too */

/* Columns on a terminal: Chinese 2, combining 0. Controls count 0. */
size_t text_width(struct bytes text);
/* The longest start of text at most columns wide. */
struct bytes text_cut(struct bytes text, size_t columns);
/* Appends text with controls (line ends and tabs too), escapes, bidi overrides and bad bytes replaced by U+FFFD: safe for a terminal. */
void text_add_safe(struct buf *out, struct bytes text);

/* NFKC, case folded, blanks runs made one: the form in which text is compared and searched. Appends. */
void text_fold(struct buf *out, struct bytes text);

/* Decimal digits only, without sign; false when empty, not digits or above 2^64-1. */
bool text_number(struct bytes text, uint64_t *out);

bool text_is_han(uint32_t code_point); /* CJK ideographs of all planes */

/* The candidate nearest to word (edit distance at most 2 and below half its length), or NULL: for suggestions. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

#endif
