#include "common/csv.h"
#include "common/encoding.h"
#include "common/text.h"
#include <errno.h>
#include <glib.h>
#include <unistd.h>

/*
 * An own splitter, not libcsv: a row that is wrong must be given back as it stands, with its line and the column
 * of the fault, and the next row must still be read; libcsv gives neither text nor position and stops.
 */
#define DETECT_BYTES (1024u * 1024)
#define PIECE (64u * 1024)
#define ROW_MAX (1024u * 1024)
#define CELLS_MAX 4096

struct csv_reader {
	int fd;
	int error; /* errno of a failed read */
	bool eof;
	struct decoder *decoder;
	char separator;
	size_t max_cell;
	bool stops[256]; /* bytes that end a run inside an unquoted cell */
	struct buf file; /* read, not decoded */
	size_t file_at;
	uint64_t decoded; /* bytes of the file that were decoded */
	struct buf text;  /* decoded */
	size_t at;        /* start of the next row in text */
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

static enum status read_piece(struct csv_reader *r, size_t want)
{
	while (!r->eof && r->file.len - r->file_at < want) {
		ssize_t n;

		buf_reserve(&r->file, PIECE);
		n = read(r->fd, r->file.data + r->file.len, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r->error = errno;
		if (n <= 0)
			r->eof = true;
		else
			r->file.len += (size_t)n;
	}
	return r->error ? STATUS_INTERNAL : STATUS_OK;
}

static bool all_decoded(const struct csv_reader *r)
{
	return r->eof && r->file_at == r->file.len;
}

/* Decodes one piece more behind what is there; the rows before are dropped. */
static void decode_piece(struct csv_reader *r)
{
	struct bytes piece;

	buf_drop(&r->text, r->at);
	r->at = 0;
	read_piece(r, PIECE);
	piece = buf_bytes(&r->file);
	if (r->file_at)
		piece = bytes_of(piece.data + r->file_at, piece.len - r->file_at);
	if (piece.len > PIECE)
		piece.len = PIECE;
	r->file_at += piece.len;
	r->decoded += piece.len;
	decoder_feed(r->decoder, piece, all_decoded(r), &r->text);
	if (r->file_at * 2 >= r->file.len) {
		buf_drop(&r->file, r->file_at);
		r->file_at = 0;
	}
}

static const uint8_t *find_line_end(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '\n' || in.data[i] == '\r')
			return in.data + i;
	}
	return NULL;
}

/* Line ends in text: LF, CR LF or CR. */
static uint64_t count_line_ends(struct bytes text)
{
	uint64_t n = 0;

	if (text.len == 0 ||
		(!memchr(text.data, '\n', text.len) && !memchr(text.data, '\r', text.len)))
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
			n++;
		else if (text.data[i] == '\r')
			n++;
	}
	return n;
}

static void find_separator(struct csv_reader *r)
{
	static const char candidates[] = ",;\t|";
	struct bytes text = bytes_of(r->text.data, r->text.len);
	size_t counts[4] = { 0 }, best = 0;
	bool quoted = false;

	while (text.len && (text.data[0] == '\n' || text.data[0] == '\r'))
		text = bytes_of(text.data + 1, text.len - 1);
	for (size_t i = 0; i < text.len; i++) {
		const char *found = strchr(candidates, text.data[i]);

		if (text.data[i] == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (text.data[i] == '\n' || text.data[i] == '\r')
			break;
		if (found && *found)
			counts[found - candidates]++;
	}
	for (size_t i = 1; i < 4; i++) {
		if (counts[i] > counts[best])
			best = i;
	}
	r->separator = candidates[best];
}

enum status csv_open(int fd, struct csv_options o, struct csv_reader **out, struct error *e)
{
	struct csv_reader *r = g_new0(struct csv_reader, 1);
	enum status status;

	r->fd = fd;
	r->line = 1;
	r->max_cell = o.max_cell ? o.max_cell : SIZE_MAX;
	r->separator = o.separator;
	r->cells = g_new(struct bytes, CELLS_MAX);
	status = read_piece(r, DETECT_BYTES);
	if (status)
		error_set(e, status, "cannot read the file: %s", g_strerror(r->error));
	else
		status = decoder_new(o.encoding, buf_bytes(&r->file), r->eof, &r->decoder, e);
	if (status) {
		csv_free(&r);
		return status;
	}
	decode_piece(r);
	if (!r->separator)
		find_separator(r);
	r->stops[(uint8_t)r->separator] = r->stops['"'] = true;
	r->stops['\n'] = r->stops['\r'] = true;
	*out = r;
	return STATUS_OK;
}

void csv_free(struct csv_reader **r)
{
	if (!r || !*r)
		return;
	decoder_free(&(*r)->decoder);
	buf_free(&(*r)->file);
	buf_free(&(*r)->text);
	buf_free(&(*r)->unquoted);
	buf_free(&(*r)->raw);
	g_free((*r)->cells);
	g_free(*r);
	*r = NULL;
}

enum encoding csv_encoding(const struct csv_reader *r)
{
	return decoder_encoding(r->decoder);
}

char csv_separator(const struct csv_reader *r)
{
	return r->separator;
}

uint64_t csv_bytes_read(const struct csv_reader *r)
{
	return r->decoded;
}

/* Notes the first fault of a row, which is at an offset of the row's text. */
static void fault(struct csv_reader *r, struct bytes row, size_t at, const char *what)
{
	struct bytes before = bytes_of(row.data, at);
	uint64_t lines = count_line_ends(before);
	size_t start = at;
	size_t column;

	if (r->bad[0])
		return;
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
static enum scan to_line_end(struct cursor *c, size_t from)
{
	const uint8_t *end = find_line_end(bytes_of(c->in.data + from, c->in.len - from));

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
		if (cell.data[i] == '"')
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
		const uint8_t *quote = memchr(c->in.data + at, '"', c->in.len - at);

		if (!quote && !c->eof && c->in.len < ROW_MAX)
			return SCAN_MORE;
		if (!quote) {
			/* Only its first line is lost; the lines after it are rows again. */
			fault(r, c->in, open, "quote that is not closed");
			return to_line_end(c, 0);
		}
		at = (size_t)(quote - c->in.data) + 1;
		if (at == c->in.len && !c->eof)
			return SCAN_MORE;
		if (at == c->in.len || c->in.data[at] != '"')
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

static bool at_line_end(const struct cursor *c)
{
	return c->at == c->in.len || c->in.data[c->at] == '\n' || c->in.data[c->at] == '\r';
}

/* Splits one row. Afterwards c->at is its end, before the line end. */
static enum scan split(struct csv_reader *r, struct cursor *c)
{
	for (;;) {
		struct bytes cell = { 0 };
		size_t start = c->at;
		bool quoted = c->at < c->in.len && c->in.data[c->at] == '"';

		if (quoted && quoted_cell(r, c, &cell) == SCAN_MORE)
			return SCAN_MORE;
		if (!quoted)
			plain_cell(r, c, &cell);
		if (r->bad[0] && cell.data == NULL)
			return SCAN_ROW;
		add_cell(r, c, cell, start);
		if (c->at == c->in.len && !c->eof)
			return SCAN_MORE;
		if (at_line_end(c))
			return SCAN_ROW;
		if (c->in.data[c->at] != (uint8_t)r->separator) {
			fault(r, c->in, c->at,
				quoted ? "text after a closing quote"
				       : "quote inside an unquoted cell");
			return to_line_end(c, c->at);
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
		struct bytes rest = bytes_of(r->text.data + r->at, r->text.len - r->at);
		const uint8_t *end = find_line_end(rest);

		r->at = end ? r->at + (size_t)(end - rest.data) : r->text.len;
		r->overlong = !end && !all_decoded(r);
		if (r->overlong)
			decode_piece(r);
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
		if (decoder_encoding(r->decoder) != ENCODING_UTF16)
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

/* Splits the row at r->at, decoding as much as it takes. */
static struct cursor split_row(struct csv_reader *r)
{
	for (;;) {
		struct cursor c = { .eof = all_decoded(r) };
		enum scan scan;

		c.in = bytes_of(r->text.data + r->at, r->text.len - r->at);
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
		decode_piece(r);
	}
}

static bool report_read_error(struct csv_reader *r, struct csv_row *row)
{
	if (!r->error)
		return false;
	snprintf(r->bad, sizeof(r->bad), "cannot read the file: %s", g_strerror(r->error));
	r->error = 0;
	*row = (struct csv_row){ .line = r->line, .bad = r->bad };
	return true;
}

static bool at_end(struct csv_reader *r)
{
	while (r->at == r->text.len && !all_decoded(r))
		decode_piece(r);
	return r->at == r->text.len;
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
		r->at += c.at;
		if (row->raw.len)
			check_row(r, row);
		r->line += count_line_ends(bytes_of(c.in.data, c.at));
		if (r->bad[0]) {
			row->bad = r->bad;
			row->n = 0;
			return true;
		}
		if (row->raw.len)
			return true;
	}
}

/* What a spreadsheet would take for a formula; a negative number is none. */
static bool is_formula(struct bytes cell)
{
	if (cell.len == 0 || !memchr("=+-@\t\r", cell.data[0], 6))
		return false;
	if (cell.data[0] != '-')
		return true;
	for (size_t i = 1; i < cell.len; i++) {
		if (!g_ascii_isdigit(cell.data[i]) && cell.data[i] != '.')
			return true;
	}
	return cell.len == 1;
}

struct bytes csv_plain_cell(struct bytes cell)
{
	struct bytes rest = cell;

	if (cell.len < 2 || cell.data[0] != '\'')
		return cell;
	rest.data++;
	rest.len--;
	return is_formula(rest) ? rest : cell;
}

void csv_add_cell(struct buf *out, struct bytes cell, bool first, bool harmless)
{
	bool formula = harmless && is_formula(cell), quoted = false;

	for (size_t i = 0; i < cell.len && !quoted; i++)
		quoted = memchr(",\"\r\n", cell.data[i], 4) != NULL;
	if (!first)
		buf_add_u8(out, ',');
	if (quoted)
		buf_add_u8(out, '"');
	if (formula)
		buf_add_u8(out, '\'');
	for (size_t i = 0; quoted && i < cell.len; i++) {
		if (cell.data[i] == '"')
			buf_add_u8(out, '"');
		buf_add_u8(out, cell.data[i]);
	}
	if (quoted)
		buf_add_u8(out, '"');
	else
		buf_add_bytes(out, cell);
}
