/*
 * CSV in and out, and the encodings around it. Decoding comes before parsing: second bytes of GBK contain separators.
 */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include "common/buf.h"
#include "common/error.h"

enum encoding {
	ENCODING_AUTO,
	ENCODING_UTF8,
	ENCODING_UTF8_BOM,
	ENCODING_UTF16, /* little endian unless a mark says otherwise */
	ENCODING_UTF16_BE,
	ENCODING_GB18030,
	ENCODING_COUNT,
};

bool encoding_from_name(const char *name, enum encoding *out);
const char *encoding_name(enum encoding e);

/* Reads an open file piece by piece and gives rows. Memory does not grow with the file. */
struct csv_reader;

struct csv_row {
	const struct bytes *cells; /* UTF-8, owned by the reader, valid until the next row */
	size_t n;
	uint64_t line; /* line of the file where the row starts, from 1 */
	struct bytes
		raw; /* the row as it stands in the file, decoded; what cannot be stands after 0xff, for encode_write */
	const char *
		bad; /* not NULL: why this row cannot be used ("undecodable byte 0x80 at column 12", ...) */
};

#define CSV_NO_QUOTE '\x01' /* nothing quotes: every such character is part of its cell */

struct csv_options {
	enum encoding encoding;
	char separator;  /* 0: found out from the first row (comma, semicolon, tab, |) */
	char quote;      /* 0: found out from the first row (" or ') */
	size_t max_cell; /* bytes; longer: the row is bad */
};

/* How rows are written. */
struct csv_dialect {
	char separator;
	char quote; /* or CSV_NO_QUOTE */
	const char *line_end;
};
extern const struct csv_dialect csv_standard; /* comma, ", CR LF */

/*
 * fd is read to its end (it may be a pipe), not closed. AUTO: mark, else strict UTF-8, else strict GB18030, else STATUS_INVALID that asks for an encoding;
 * decided over the first 1 MiB and kept to afterwards.
 */
enum status csv_open(int fd, struct csv_options o, struct csv_reader **out, struct error *e);
/* True with a row, false at the end. Blank lines are passed over. A bad row does not end the file. */
bool csv_next(struct csv_reader *r, struct csv_row *row);
enum encoding csv_encoding(const struct csv_reader *r);
/* What the file was found to be; its line end is that of its first row. */
struct csv_dialect csv_dialect(const struct csv_reader *r);
uint64_t csv_bytes_read(const struct csv_reader *r); /* of the file, for a progress bar */
void csv_free(struct csv_reader **r);

/*
 * Appends a cell quoted as RFC 4180 needs it. harmless: a cell that a spreadsheet would take for a formula gets a ' in
 * front, one that looks so guarded already a further one, so that csv_plain_cell gives each back as it was.
 */
void csv_add_cell(struct buf *out, struct bytes cell, bool first, bool harmless);
void csv_add_cell_as(struct buf *out, struct bytes cell, bool first, const struct csv_dialect *d);
/* The cell without the ' that made it harmless. */
struct bytes csv_plain_cell(struct bytes cell);
/* Writes UTF-8 text to fd in an encoding. STATUS_INVALID if it cannot hold a character. Writes the mark first when *started is false. */
enum status encode_write(
	int fd, enum encoding encoding, struct bytes text, bool *started, struct error *e);

#endif
