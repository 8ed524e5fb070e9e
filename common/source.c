#include "common/source.h"
#include "common/text.h"
#include <errno.h>
#include <glib.h>
#include <unistd.h>

#define DETECT_BYTES (1024u * 1024)
#define PIECE (64u * 1024)

static void read_piece(struct source *s, size_t want)
{
	while (!s->eof && s->file.len - s->file_at < want) {
		ssize_t n;

		buf_reserve(&s->file, PIECE);
		n = read(s->fd, s->file.data + s->file.len, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			s->error = errno;
		if (n <= 0)
			s->eof = true;
		else
			s->file.len += (size_t)n;
	}
}

bool source_ended(const struct source *s)
{
	return s->eof && s->file_at == s->file.len;
}

void source_more(struct source *s)
{
	struct bytes piece;

	buf_drop(&s->text, s->at);
	s->at = 0;
	read_piece(s, PIECE);
	piece = buf_bytes(&s->file);
	if (s->file_at)
		piece = bytes_of(piece.data + s->file_at, piece.len - s->file_at);
	if (piece.len > PIECE)
		piece.len = PIECE;
	s->file_at += piece.len;
	s->decoded += piece.len;
	decoder_feed(s->decoder, piece, source_ended(s), &s->text);
	if (s->file_at * 2 >= s->file.len) {
		buf_drop(&s->file, s->file_at);
		s->file_at = 0;
	}
}

enum status source_open(struct source *s, int fd, enum encoding encoding, struct error *e)
{
	enum status st;

	*s = (struct source){ .fd = fd };
	read_piece(s, DETECT_BYTES);
	if (s->error)
		st = error_set(
			e, STATUS_INTERNAL, "cannot read the file: %s", g_strerror(s->error));
	else
		st = decoder_new(encoding, buf_bytes(&s->file), s->eof, &s->decoder, e);
	if (st)
		source_release(s);
	else
		source_more(s);
	return st;
}

void source_release(struct source *s)
{
	decoder_free(&s->decoder);
	buf_free(&s->file);
	buf_free(&s->text);
}

enum status line_reader_open(
	struct line_reader *r, int fd, enum encoding encoding, size_t max, struct error *e)
{
	*r = (struct line_reader){ .max = max };
	return source_open(&r->source, fd, encoding, e);
}

void line_reader_release(struct line_reader *r)
{
	source_release(&r->source);
}

static void check_line(struct line_reader *r, struct line *line)
{
	const uint8_t *bad =
		line->text.len ? memchr(line->text.data, UNDECODABLE, line->text.len) : NULL;
	char why[96];

	if (!bad)
		return;
	undecodable_text(bad[1], why);
	snprintf(r->bad, sizeof r->bad, "%s at column %zu", why,
		text_length(bytes_of(line->text.data, (size_t)(bad - line->text.data))) + 1);
	line->bad = r->bad;
}

/* The end of the line at the start of rest, SIZE_MAX when more must be decoded; *cut: it is too long. */
static size_t line_len(const struct line_reader *r, struct bytes rest, bool *cut)
{
	const uint8_t *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
	size_t len = end ? (size_t)(end - rest.data) : rest.len;

	*cut = len > r->max;
	return end || *cut || source_ended(&r->source) ? len : SIZE_MAX;
}

/* To behind the next line end. */
static void pass_line(struct line_reader *r)
{
	for (;;) {
		struct bytes rest = source_rest(&r->source);
		const uint8_t *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;

		r->source.at += end ? (size_t)(end - rest.data) + 1 : rest.len;
		if (end || source_ended(&r->source))
			return;
		source_more(&r->source);
	}
}

bool line_reader_next(struct line_reader *r, struct line *out)
{
	struct source *s = &r->source;
	bool cut = false;
	size_t len;

	while ((len = line_len(r, source_rest(s), &cut)) == SIZE_MAX)
		source_more(s);
	*out = (struct line){ .text = bytes_of(source_rest(s).data, len), .number = ++r->number };
	if (s->error) {
		snprintf(r->bad, sizeof r->bad, "cannot read the file: %s", g_strerror(s->error));
		s->error = 0;
		out->bad = r->bad;
		s->at = s->text.len;
		return true;
	}
	if (!len && source_ended(s) && s->at == s->text.len)
		return false;
	if (cut) {
		snprintf(r->bad, sizeof r->bad, "line of more than %zu bytes", r->max);
		out->bad = r->bad;
		out->text.len = 0;
		pass_line(r);
		return true;
	}
	s->at += len + (s->at + len < s->text.len);
	if (len && out->text.data[len - 1] == '\r')
		out->text.len--;
	check_line(r, out);
	return true;
}
