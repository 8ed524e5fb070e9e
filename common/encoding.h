/*
 * Bytes of a file in some encoding, made UTF-8 piece by piece. Knows nothing of rows and cells.
 */
#ifndef COMMON_ENCODING_H
#define COMMON_ENCODING_H

#include "common/csv.h"

/* In decoded text a byte that cannot be decoded stands as this byte, which UTF-8 never has, and itself. */
#define UNDECODABLE 0xffu

struct decoder;

/*
 * Finds the encoding out from the start of a file (whole: nothing follows it) when asked for
 * is ENCODING_AUTO. STATUS_INVALID, naming line and column, when it is neither UTF-8 nor GB18030.
 */
enum status decoder_new(
	enum encoding asked, struct bytes start, bool whole, struct decoder **out, struct error *e);
void decoder_free(struct decoder **d);
enum encoding decoder_encoding(const struct decoder *d);

/* Appends the UTF-8 of in. A character cut by its end waits for the next piece; with last nothing waits. */
void decoder_feed(struct decoder *d, struct bytes in, bool last, struct buf *out);

/* "undecodable byte 0x80", with a hint where there is one. */
void undecodable_text(uint8_t byte, char why[96]);

#endif
