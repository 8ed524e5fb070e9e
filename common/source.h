/*
 * Text of a file in any encoding, decoded piece by piece: what the readers of CSV, of lines and of vCards stand on.
 * Knows nothing of rows. An undecodable byte stands as UNDECODABLE and itself.
 */
#ifndef COMMON_SOURCE_H
#define COMMON_SOURCE_H

#include "common/encoding.h"

/* Its members but text and at are its own business. Zeroed: nothing to free. */
struct source {
	int fd;
	int error; /* errno of a failed read; 0 none */
	bool eof;
	struct decoder *decoder;
	struct buf file; /* read, not decoded */
	size_t file_at;
	uint64_t decoded; /* bytes of the file that were decoded */
	struct buf text;  /* decoded */
	size_t at;        /* where what has not been used yet begins in text */
};

/* fd may be a pipe and is not closed. AUTO is decided over the first 1 MiB (decoder_new). One piece is decoded. */
enum status source_open(struct source *s, int fd, enum encoding encoding, struct error *e);
void source_release(struct source *s);
/* Decodes one piece more behind what has not been used; what has is dropped. */
void source_more(struct source *s);
/* True when nothing comes any more. */
bool source_ended(const struct source *s);
static inline struct bytes source_rest(const struct source *s)
{
	return s->text.len ? bytes_of(s->text.data + s->at, s->text.len - s->at) : bytes_of("", 0);
}

/* Lines of a source: LF and CR LF end them. */
struct line_reader {
	struct source source;
	size_t max; /* bytes of a line */
	uint64_t number;
	char bad[160];
};

struct line {
	struct bytes text; /* without its end; valid until the next one */
	uint64_t number;   /* from 1 */
	const char *bad;   /* not NULL: why it cannot be used */
};

enum status line_reader_open(
	struct line_reader *r, int fd, enum encoding encoding, size_t max, struct error *e);
void line_reader_release(struct line_reader *r);
/* False at the end. A line longer than max is bad and cut. */
bool line_reader_next(struct line_reader *r, struct line *out);

#endif
