#include "common/csv.h"
#include "common/source.h"
#include "common/text.h"
#include <errno.h>
#include <glib.h>
#include <unistd.h>

/*
 * An own splitter, not libcsv: a row that is wrong must be given back as it stands, with its line and the column
 * of the fault, and the next row must still be read; libcsv gives neither text nor position and stops.
 */
#define ROW_MAX (1024u * 1024)
#define CELLS_MAX 4096

struct csv_reader {
	struct source source;
	char separator, quote;
	const char *line_end; /* of the first row */
	size_t max_cell;
	bool stops[256]; /* bytes that end a run inside an unquoted cell */
	uint64_t line;
	struct buf unquoted; /* cells that had doubled quotes */
	struct buf raw;      /* of a row with undecodable bytes */
	struct bytes *cells;
	size_t ncells;
	bool overlong; /* passing over the rest of a line */
	char bad[160];
};

enum scan { SCAN_MORE, SCAN_ROW };

/* One row that is being split. */
struct cursor {
	struct bytes in; /* from the start of the row to the end of what is decoded */
	size_t at;
	bool eof;
};

static bool cr_ends_rows(const struct csv_reader *r)
{
	return !strcmp(r->line_end, "\r");
}

static const uint8_t *find_line_end(const struct csv_reader *r, struct bytes in)
{
	bool alone = cr_ends_rows(r);

	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '\n')
			return in.data + i;
		if (in.data[i] == '\r' && (alone || (i + 1 < in.len && in.data[i + 1] == '\n')))
			return in.data + i;
	}
	return NULL;
}

/* Line ends in text: LF, CR LF, or CR where that ends rows. */
static uint64_t count_line_ends(const struct csv_reader *r, struct bytes text)
{
	bool alone = cr_ends_rows(r);
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' && !(alone && i && text.data[i - 1] == '\r'))
			n++;
		else if (text.data[i] == '\r' && alone)
			n++;
	}
	return n;
}

/* The first row, as far as it is there. */
static struct bytes first_row(const struct csv_reader *r)
{
	struct bytes text = bytes_of(r->source.text.data, r->source.text.len);
	bool quoted = false;
	size_t i;

	while (text.len && (text.data[0] == '\n' || text.data[0] == '\r'))
		text = bytes_of(text.data + 1, text.len - 1);
	for (i = 0; i < text.len; i++) {
		if (text.data[i] == (uint8_t)r->quote)
			quoted = !quoted;
		if (!quoted && (text.data[i] == '\n' || text.data[i] == '\r'))
			break;
	}
	return bytes_of(text.data, i);
}

/* A ' quotes where no " stands and the row begins and ends with one. */
static void find_quote(struct csv_reader *r)
{
	struct bytes row;

	r->quote = '"';
	row = first_row(r);
	if (row.len > 1 && row.data[0] == '\'' && row.data[row.len - 1] == '\'' &&
		!memchr(row.data, '"', row.len))
		r->quote = '\'';
}

static void find_separator(struct csv_reader *r)
{
	static const char candidates[] = ",;\t|";
	struct bytes row = first_row(r);
	size_t counts[4] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < row.len; i++) {
		const char *found = row.data[i] ? strchr(candidates, row.data[i]) : NULL;

		if (row.data[i] == (uint8_t)r->quote)
			quoted = !quoted;
		if (!quoted && found)
			counts[found - candidates]++;
	}
	for (size_t i = 1; i < 4; i++) {
		if (counts[i] > counts[best])
			best = i;
	}
	r->separator = candidates[best];
}

/* Carriage returns end the rows only where the first one ends with one alone. */
static void find_line_ends(struct csv_reader *r)
{
	struct bytes row = first_row(r), text = buf_bytes(&r->source.text);
	size_t end = row.data ? (size_t)(row.data - text.data) + row.len : 0;

	r->line_end = "\n";
	if (end < text.len && text.data[end] == '\r')
		r->line_end = end + 1 < text.len && text.data[end + 1] == '\n' ? "\r\n" : "\r";
}

enum status csv_open(int fd, struct csv_options o, struct csv_reader **out, struct error *e)
{
	struct csv_reader *r = g_new0(struct csv_reader, 1);
	enum status status;

	r->line = 1;
	r->line_end = "\n";
	r->max_cell = o.max_cell ? o.max_cell : SIZE_MAX;
	r->separator = o.separator;
	r->quote = o.quote;
	r->cells = g_new(struct bytes, CELLS_MAX);
	status = source_open(&r->source, fd, o.encoding, e);
	if (status) {
		csv_free(&r);
		return status;
	}
	if (!r->quote)
		find_quote(r);
	if (!r->separator)
		find_separator(r);
	find_line_ends(r);
	r->stops[(uint8_t)r->separator] = true;
	r->stops[(uint8_t)r->quote] = r->quote != CSV_NO_QUOTE;
	r->stops['\n'] = r->stops['\r'] = true;
	*out = r;
	return STATUS_OK;
}

void csv_free(struct csv_reader **r)
{
	if (!r || !*r)
		return;
	source_release(&(*r)->source);
	buf_free(&(*r)->unquoted);
	buf_free(&(*r)->raw);
	g_free((*r)->cells);
	g_free(*r);
	*r = NULL;
}

enum encoding csv_encoding(const struct csv_reader *r)
{
	return decoder_encoding(r->source.decoder);
}

struct csv_dialect csv_dialect(const struct csv_reader *r)
{
	return (struct csv_dialect){ r->separator, r->quote, r->line_end };
}

uint64_t csv_bytes_read(const struct csv_reader *r)
{
	return r->source.decoded;
}

/* Notes the first fault of a row, which is at an offset of the row's text. */
static void fault(struct csv_reader *r, struct bytes row, size_t at, const char *what)
{
	size_t start = at;
	uint64_t lines;
	size_t column;

	if (r->bad[0])
		return;
	lines = count_line_ends(r, bytes_of(row.data, at));
	while (start > 0 && row.data[start - 1] != '\n' && row.data[start - 1] != '\r')
		start--;
	column = text_length(bytes_of(row.data + start, at - start)) + 1;
	if (lines)
		snprintf(r->bad, sizeof(r->bad), "%s at line %llu, column %zu", what,
			(unsigned long long)(r->line + lines), column);
	else
		snprintf(r->bad, sizeof(r->bad), "%s at column %zu", what, column);
}

/* Goes to the end of the line from an offset on; SCAN_MORE when it is not there yet. */
static enum scan to_line_end(const struct csv_reader *r, struct cursor *c, size_t from)
{
	const uint8_t *end = find_line_end(r, bytes_of(c->in.data + from, c->in.len - from));

	if (!end && !c->eof)
		return SCAN_MORE;
	c->at = end ? (size_t)(end - c->in.data) : c->in.len;
	return SCAN_ROW;
}

/* An empty place is kept in unquoted for each cell that needs one, so that it does not move while the row is split. */
static struct bytes unquote(struct csv_reader *r, struct bytes cell)
{
	uint8_t *to = r->unquoted.data + r->unquoted.len;
	size_t n = 0;

	for (size_t i = 0; i < cell.len; i++) {
		to[n++] = cell.data[i];
		if (cell.data[i] == (uint8_t)r->quote)
			i++;
	}
	r->unquoted.len += n;
	return bytes_of(to, n);
}

/* The cell after an opening quote at c->at. Afterwards c->at is behind the closing quote. */
static enum scan quoted_cell(struct csv_reader *r, struct cursor *c, struct bytes *cell)
{
	size_t open = c->at, at = open + 1;
	bool doubled = false;

	for (;;) {
		const uint8_t *quote = memchr(c->in.data + at, r->quote, c->in.len - at);

		if (!quote && !c->eof && c->in.len < ROW_MAX)
			return SCAN_MORE;
		if (!quote) {
			/* Only its first line is lost; the lines after it are rows again. */
			fault(r, c->in, open, "quote that is not closed");
			return to_line_end(r, c, 0);
		}
		at = (size_t)(quote - c->in.data) + 1;
		if (at == c->in.len && !c->eof)
			return SCAN_MORE;
		if (at == c->in.len || c->in.data[at] != (uint8_t)r->quote)
			break;
		doubled = true;
		at++;
	}
	*cell = bytes_of(c->in.data + open + 1, at - open - 2);
	if (doubled)
		*cell = unquote(r, *cell);
	c->at = at;
	return SCAN_ROW;
}

static void plain_cell(struct csv_reader *r, struct cursor *c, struct bytes *cell)
{
	size_t start = c->at;

	while (c->at < c->in.len && !r->stops[c->in.data[c->at]])
		c->at++;
	*cell = bytes_of(c->in.data + start, c->at - start);
}

static void add_cell(struct csv_reader *r, struct cursor *c, struct bytes cell, size_t start)
{
	char what[96];

	if (cell.len > r->max_cell) {
		snprintf(what, sizeof(what), "cell of more than %zu bytes", r->max_cell);
		fault(r, c->in, start, what);
	}
	if (r->ncells < CELLS_MAX)
		r->cells[r->ncells++] = cell;
	else
		fault(r, c->in, start, "row of more than 4096 cells");
}

static bool at_line_end(const struct csv_reader *r, const struct cursor *c)
{
	size_t next = c->at + 1;

	if (c->at == c->in.len || c->in.data[c->at] == '\n')
		return true;
	return c->in.data[c->at] == '\r' &&
	       (next == c->in.len || c->in.data[next] == '\n' || cr_ends_rows(r));
}

/* Splits one row. Afterwards c->at is its end, before the line end. */
static enum scan split(struct csv_reader *r, struct cursor *c)
{
	for (;;) {
		struct bytes cell = { 0 };
		size_t start = c->at;
		bool quoted = c->at < c->in.len && r->quote != CSV_NO_QUOTE &&
			      c->in.data[c->at] == (uint8_t)r->quote;

		if (quoted && quoted_cell(r, c, &cell) == SCAN_MORE)
			return SCAN_MORE;
		if (!quoted)
			plain_cell(r, c, &cell);
		if (r->bad[0] && cell.data == NULL)
			return SCAN_ROW;
		add_cell(r, c, cell, start);
		if (c->at == c->in.len && !c->eof)
			return SCAN_MORE;
		if (at_line_end(r, c))
			return SCAN_ROW;
		if (c->in.data[c->at] != (uint8_t)r->separator) {
			fault(r, c->in, c->at,
				quoted                      ? "text after a closing quote"
				: c->in.data[c->at] == '\r' ? "carriage return inside a row"
							    : "quote inside an unquoted cell");
			return to_line_end(r, c, c->at);
		}
		c->at++;
	}
}

/* The bytes of the line end at an offset; 0 at the end of the file. */
static size_t line_end_len(struct bytes in, size_t at)
{
	if (at == in.len)
		return 0;
	return in.data[at] == '\r' && at + 1 < in.len && in.data[at + 1] == '\n' ? 2 : 1;
}

/* A row without end: its start is given as a bad row, the rest of the line is passed over. */
static void cut_overlong(struct csv_reader *r, struct cursor *c)
{
	r->bad[0] = '\0';
	fault(r, c->in, 0, "row of more than 1 MiB");
	c->at = c->in.len;
	r->overlong = true;
}

static void pass_overlong(struct csv_reader *r)
{
	while (r->overlong) {
		struct bytes rest = source_rest(&r->source);
		const uint8_t *end = find_line_end(r, rest);

		r->source.at = end ? r->source.at + (size_t)(end - rest.data) : r->source.text.len;
		r->overlong = !end && !source_ended(&r->source);
		if (r->overlong)
			source_more(&r->source);
	}
}

/* Undecodable bytes and NULs: found once for the whole row. The bytes of UTF-16 are no characters: they are lost in raw. */
static void check_row(struct csv_reader *r, struct csv_row *row)
{
	const uint8_t *bad = memchr(row->raw.data, UNDECODABLE, row->raw.len);
	const uint8_t *nul = memchr(row->raw.data, 0, row->raw.len);
	char why[96];

	if (bad) {
		r->bad[0] = '\0';
		undecodable_text(bad[1], why);
		fault(r, row->raw, (size_t)(bad - row->raw.data), why);
		if (csv_encoding(r) != ENCODING_UTF16 && csv_encoding(r) != ENCODING_UTF16_BE)
			return;
		buf_clear(&r->raw);
		for (size_t i = 0; i < row->raw.len; i++) {
			if (row->raw.data[i] != UNDECODABLE)
				buf_add_u8(&r->raw, row->raw.data[i]);
			else if (++i)
				buf_add_str(&r->raw, "\xef\xbf\xbd");
		}
		row->raw = buf_bytes(&r->raw);
	} else if (nul) {
		fault(r, row->raw, (size_t)(nul - row->raw.data),
			"NUL (a UTF-16 file needs its encoding named)");
	}
}

/* Splits the row at r->source.at, decoding as much as it takes. */
static struct cursor split_row(struct csv_reader *r)
{
	for (;;) {
		struct cursor c = { .eof = source_ended(&r->source) };
		enum scan scan;

		c.in = source_rest(&r->source);
		r->ncells = 0;
		r->bad[0] = '\0';
		buf_clear(&r->unquoted);
		buf_reserve(&r->unquoted, c.in.len);
		scan = split(r, &c);
		/* CR may be followed by LF in the next piece. */
		if (scan == SCAN_ROW && (c.eof || c.at + 1 < c.in.len || c.in.data[c.at] == '\n'))
			return c;
		if (scan == SCAN_MORE && c.in.len >= ROW_MAX) {
			cut_overlong(r, &c);
			return c;
		}
		source_more(&r->source);
	}
}

static bool report_read_error(struct csv_reader *r, struct csv_row *row)
{
	if (!r->source.error)
		return false;
	snprintf(r->bad, sizeof(r->bad), "cannot read the file: %s", g_strerror(r->source.error));
	r->source.error = 0;
	*row = (struct csv_row){ .line = r->line, .bad = r->bad };
	return true;
}

static bool at_end(struct csv_reader *r)
{
	while (r->source.at == r->source.text.len && !source_ended(&r->source))
		source_more(&r->source);
	return r->source.at == r->source.text.len;
}

bool csv_next(struct csv_reader *r, struct csv_row *row)
{
	for (;;) {
		struct cursor c;

		pass_overlong(r);
		if (at_end(r))
			return report_read_error(r, row);
		c = split_row(r);
		*row = (struct csv_row){ .cells = r->cells, .n = r->ncells, .line = r->line };
		row->raw = bytes_of(c.in.data, c.at);
		c.at += line_end_len(c.in, c.at);
		r->source.at += c.at;
		if (row->raw.len)
			check_row(r, row);
		r->line += count_line_ends(r, bytes_of(c.in.data, c.at));
		if (r->bad[0]) {
			row->bad = r->bad;
			row->n = 0;
			return true;
		}
		if (row->raw.len)
			return true;
	}
}

/* What a spreadsheet would take for a formula; a number with its sign is none. */
static bool is_formula(struct bytes cell)
{
	if (cell.len == 0 || !memchr("=+-@\t\r", cell.data[0], 6))
		return false;
	if (cell.data[0] != '-' && cell.data[0] != '+')
		return true;
	for (size_t i = 1; i < cell.len; i++) {
		if (!g_ascii_isdigit(cell.data[i]) && cell.data[i] != '.')
			return true;
	}
	return cell.len == 1;
}

/* A formula, or one behind any number of ' */
static bool is_guarded(struct bytes cell)
{
	while (cell.len && cell.data[0] == '\'')
		cell = bytes_of(cell.data + 1, cell.len - 1);
	return is_formula(cell);
}

struct bytes csv_plain_cell(struct bytes cell)
{
	if (cell.len < 2 || cell.data[0] != '\'' || !is_guarded(cell))
		return cell;
	return bytes_of(cell.data + 1, cell.len - 1);
}

const struct csv_dialect csv_standard = { ',', '"', "\r\n" };

static void add_cell_text(
	struct buf *out, struct bytes cell, const char *before, const struct csv_dialect *d)
{
	bool quoted = false;

	for (size_t i = 0; i < cell.len && d->quote != CSV_NO_QUOTE && !quoted; i++)
		quoted = cell.data[i] == (uint8_t)d->separator ||
			 cell.data[i] == (uint8_t)d->quote || cell.data[i] == '\r' ||
			 cell.data[i] == '\n';
	if (quoted)
		buf_add_u8(out, (uint8_t)d->quote);
	buf_add_str(out, before);
	for (size_t i = 0; quoted && i < cell.len; i++) {
		if (cell.data[i] == (uint8_t)d->quote)
			buf_add_u8(out, (uint8_t)d->quote);
		buf_add_u8(out, cell.data[i]);
	}
	if (quoted)
		buf_add_u8(out, (uint8_t)d->quote);
	else
		buf_add_bytes(out, cell);
}

void csv_add_cell_as(struct buf *out, struct bytes cell, bool first, const struct csv_dialect *d)
{
	if (!first)
		buf_add_u8(out, (uint8_t)d->separator);
	add_cell_text(out, cell, "", d);
}

void csv_add_cell(struct buf *out, struct bytes cell, bool first, bool harmless)
{
	if (!first)
		buf_add_u8(out, ',');
	add_cell_text(out, cell, harmless && is_guarded(cell) ? "'" : "", &csv_standard);
}
