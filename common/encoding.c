#include "common/encoding.h"
#include "common/text.h"
#include <errno.h>
#include <glib.h>
#include <iconv.h>
#include <unistd.h>

#define NO_ICONV ((iconv_t)-1)

static const struct encoding_row {
	const char *name;
	const char *iconv; /* NULL: UTF-8 */
	const char *mark;
	const char *aliases[5];
} encodings[] = {
	[ENCODING_AUTO] = { "auto", NULL, "", { NULL } },
	[ENCODING_UTF8] = { "utf-8", NULL, "", { "utf8", NULL } },
	[ENCODING_UTF8_BOM] = { "utf-8-bom", NULL, "\xef\xbb\xbf", { "utf8-bom", NULL } },
	[ENCODING_UTF16] = { "utf-16", "UTF-16LE", "\xff\xfe", { "utf16", "utf-16le", NULL } },
	[ENCODING_UTF16_BE] = { "utf-16be", "UTF-16BE", "\xfe\xff", { "utf16be", NULL } },
	/* GBK and GB2312 are parts of GB18030, and files that call themselves so often hold more. */
	[ENCODING_GB18030] = { "gb18030", "GB18030", "",
		{ "gbk", "gb2312", "cp936", "gb-18030", NULL } },
};

struct decoder {
	enum encoding encoding;
	iconv_t iconv;      /* NO_ICONV: UTF-8 */
	size_t unit;        /* bytes passed over at an undecodable place */
	bool high;          /* the second byte of a unit is the high one */
	bool mark_passed;   /* the start of the file has been looked at */
	struct buf waiting; /* of a character that was cut */
};

bool encoding_from_name(const char *name, enum encoding *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(encodings); i++) {
		bool found = g_ascii_strcasecmp(name, encodings[i].name) == 0;

		for (const char *const *a = encodings[i].aliases; *a && !found; a++)
			found = g_ascii_strcasecmp(name, *a) == 0;
		if (found) {
			*out = (enum encoding)i;
			return true;
		}
	}
	return false;
}

const char *encoding_name(enum encoding e)
{
	return encodings[e].name;
}

void undecodable_text(uint8_t byte, char why[96])
{
	snprintf(why, 96, "undecodable byte 0x%02x%s", byte,
		byte == 0x80 ? " (the euro sign of code page 936)" : "");
}

/* Copies what is UTF-8; returns how much of in was taken: all but a character cut by the end. */
static size_t feed_utf8(struct bytes in, bool last, struct buf *out)
{
	const char *p = (const char *)in.data, *end = p + in.len, *stop;

	while (p < end) {
		g_utf8_validate_len(p, (gsize)(end - p), &stop);
		buf_add(out, p, (size_t)(stop - p));
		p = stop;
		if (p == end)
			break;
		if (*p == '\0') {
			buf_add_u8(out, 0);
		} else if (!last && g_utf8_get_char_validated(p, end - p) == (gunichar)-2) {
			break;
		} else {
			buf_add_u8(out, UNDECODABLE);
			buf_add_u8(out, (uint8_t)*p);
		}
		p++;
	}
	return (size_t)(p - (const char *)in.data);
}

/* What stands at an undecodable place, as one byte from 0x80 up. */
static uint8_t undecodable_at(const struct decoder *d, const char *p, size_t left)
{
	uint8_t byte = (uint8_t)(d->high && left > 1 ? p[1] : p[0]);

	return byte | 0x80;
}

static size_t feed_iconv(struct decoder *d, struct bytes in, bool last, struct buf *out)
{
	char *p = (char *)in.data;
	size_t left = in.len;

	while (left) {
		char *to;
		size_t room, done;

		buf_reserve(out, left * 2 + 16);
		to = (char *)out->data + out->len;
		room = out->cap - out->len;
		done = iconv(d->iconv, &p, &left, &to, &room);
		out->len = (size_t)((uint8_t *)to - out->data);
		if (done != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL && !last)
			break;
		buf_add_u8(out, UNDECODABLE);
		buf_add_u8(out, undecodable_at(d, p, left));
		done = left < d->unit ? left : d->unit;
		p += done;
		left -= done;
	}
	return in.len - left;
}

static size_t feed(struct decoder *d, struct bytes in, bool last, struct buf *out)
{
	if (in.len == 0)
		return 0;
	return d->iconv == NO_ICONV ? feed_utf8(in, last, out) : feed_iconv(d, in, last, out);
}

/* Takes the byte-order mark, U+FEFF in any encoding, off the start of the decoded text. */
static void pass_mark(struct decoder *d, struct buf *out, size_t start)
{
	struct bytes text;

	if (d->mark_passed || out->len == start)
		return;
	text = bytes_of(out->data + start, out->len - start);
	d->mark_passed = true;
	if (bytes_starts(text, bytes_str("\xef\xbb\xbf"))) {
		memmove(out->data + start, out->data + start + 3, text.len - 3);
		out->len -= 3;
	}
}

void decoder_feed(struct decoder *d, struct bytes in, bool last, struct buf *out)
{
	struct bytes rest = in;
	size_t start = out->len, taken;

	/* The few bytes that wait are completed by a few of the new ones. */
	while (d->waiting.len && rest.len) {
		buf_add_u8(&d->waiting, rest.data[0]);
		rest = bytes_of(rest.data + 1, rest.len - 1);
		buf_drop(&d->waiting, feed(d, buf_bytes(&d->waiting), last && rest.len == 0, out));
	}
	if (rest.len == 0 && last)
		buf_drop(&d->waiting, feed(d, buf_bytes(&d->waiting), true, out));
	taken = feed(d, rest, last, out);
	if (taken < rest.len)
		buf_add(&d->waiting, rest.data + taken, rest.len - taken);
	pass_mark(d, out, start);
}

static struct decoder *decoder_make(enum encoding encoding, const char *iconv_name)
{
	struct decoder *d = g_new0(struct decoder, 1);

	d->encoding = encoding;
	d->iconv = iconv_name ? iconv_open("UTF-8", iconv_name) : NO_ICONV;
	d->unit = encoding == ENCODING_UTF16 || encoding == ENCODING_UTF16_BE ? 2 : 1;
	d->high = encoding == ENCODING_UTF16;
	return d;
}

void decoder_free(struct decoder **d)
{
	if (!d || !*d)
		return;
	if ((*d)->iconv != NO_ICONV)
		iconv_close((*d)->iconv);
	buf_free(&(*d)->waiting);
	g_free(*d);
	*d = NULL;
}

enum encoding decoder_encoding(const struct decoder *d)
{
	return d->encoding;
}

/* 0 when start decodes; else the line of the first fault, which e tells. */
static size_t first_fault(struct decoder *d, struct bytes start, bool whole, struct error *e)
{
	struct buf text = BUF_INIT;
	const uint8_t *bad, *p;
	size_t line = 1, column;
	char why[96];

	decoder_feed(d, start, whole, &text);
	bad = text.len ? memchr(text.data, UNDECODABLE, text.len) : NULL;
	if (bad) {
		const uint8_t *line_start = text.data;

		for (p = text.data; (p = memchr(p, '\n', (size_t)(bad - p))); line++)
			line_start = ++p;
		column = text_length(bytes_of(line_start, (size_t)(bad - line_start))) + 1;
		undecodable_text(bad[1], why);
		error_reason(e, STATUS_INVALID, "encoding",
			"neither UTF-8 nor GB18030: %s at line %zu, column %zu; name the encoding "
			"of the file with --encoding",
			why, line, column);
	}
	buf_free(&text);
	return bad ? line : 0;
}

static size_t try(enum encoding encoding, struct bytes start, bool whole, struct error *e)
{
	struct decoder *d = decoder_make(encoding, encodings[encoding].iconv);
	size_t line = first_fault(d, start, whole, e);

	decoder_free(&d);
	return line;
}

/* ENCODING_AUTO when it is neither: the one that came further is probably meant, so its fault is told. */
static enum encoding detect(struct bytes start, bool whole, struct error *e)
{
	struct error other;
	size_t utf8, gb18030;

	error_init(&other);
	utf8 = try(ENCODING_UTF8, start, whole, &other);
	gb18030 = utf8 ? try(ENCODING_GB18030, start, whole, e) : 0;
	if (utf8 > gb18030 && gb18030)
		error_move(e, &other);
	error_clear(&other);
	return !utf8 ? ENCODING_UTF8 : !gb18030 ? ENCODING_GB18030 : ENCODING_AUTO;
}

/*
 * UTF-16 without its mark: separators, digits and line ends make zero bytes, all of them at even places or all at odd
 * ones. Text in another encoding has none.
 */
static enum encoding unmarked_utf16(struct bytes start)
{
	size_t len = start.len < 1024 ? start.len & ~(size_t)1 : 1024, zeros[2] = { 0, 0 };

	for (size_t i = 0; i < len; i++)
		zeros[i & 1] += start.data[i] == 0;
	if (zeros[0] + zeros[1] < 2 || (zeros[0] + zeros[1]) * 16 < len / 2 ||
		(zeros[0] && zeros[1]))
		return ENCODING_AUTO;
	return zeros[0] ? ENCODING_UTF16_BE : ENCODING_UTF16;
}

enum status decoder_new(
	enum encoding asked, struct bytes start, bool whole, struct decoder **out, struct error *e)
{
	bool big_endian = bytes_starts(start, bytes_str("\xfe\xff"));
	bool little_endian = bytes_starts(start, bytes_str("\xff\xfe"));
	enum encoding encoding = asked;

	if (asked == ENCODING_AUTO)
		encoding = big_endian      ? ENCODING_UTF16_BE
			   : little_endian ? ENCODING_UTF16
					   : unmarked_utf16(start);
	if (asked == ENCODING_UTF16 && big_endian)
		encoding = ENCODING_UTF16_BE;
	if (encoding == ENCODING_AUTO)
		encoding = detect(start, whole, e);
	if (encoding == ENCODING_AUTO)
		return STATUS_INVALID;
	*out = decoder_make(encoding, encodings[encoding].iconv);
	return STATUS_OK;
}

static enum status write_all(int fd, struct bytes text, struct error *e)
{
	while (text.len) {
		ssize_t n = write(fd, text.data, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, STATUS_INTERNAL, "cannot write: %s", g_strerror(errno));
		text = bytes_of(text.data + n, text.len - (size_t)n);
	}
	return STATUS_OK;
}

static enum status encode(
	enum encoding encoding, struct bytes text, struct buf *out, struct error *e)
{
	char *p = (char *)text.data, *to;
	size_t left = text.len, room, done = 0;
	iconv_t cd;

	if (!encodings[encoding].iconv) {
		buf_add_bytes(out, text);
		return STATUS_OK;
	}
	cd = iconv_open(encodings[encoding].iconv, "UTF-8");
	if (cd == NO_ICONV)
		return error_set(e, STATUS_INTERNAL, "cannot write \"%s\" on this system",
			encoding_name(encoding));
	buf_reserve(out, left * 4 + 16);
	to = (char *)out->data + out->len;
	room = out->cap - out->len;
	done = iconv(cd, &p, &left, &to, &room);
	out->len = (size_t)((uint8_t *)to - out->data);
	iconv_close(cd);
	if (done == (size_t)-1) {
		struct bytes rest = bytes_of(p, left);

		return error_set(e, STATUS_INVALID, "character U+%04X has no place in \"%s\"",
			text_next(&rest), encoding_name(encoding));
	}
	return STATUS_OK;
}

enum status encode_write(
	int fd, enum encoding encoding, struct bytes text, bool *started, struct error *e)
{
	struct buf out = BUF_INIT;
	enum status status = STATUS_OK;

	if (!*started)
		buf_add_str(&out, encodings[encoding].mark);
	while (text.len && status == STATUS_OK) {
		const uint8_t *mark = memchr(text.data, UNDECODABLE, text.len);
		size_t len = mark ? (size_t)(mark - text.data) : text.len;

		status = encode(encoding, bytes_of(text.data, len), &out, e);
		if (len + 1 < text.len)
			buf_add_u8(&out, text.data[len + 1]);
		len = len + 2 < text.len ? len + 2 : text.len;
		text = bytes_of(text.data + len, text.len - len);
	}
	if (status == STATUS_OK)
		status = write_all(fd, buf_bytes(&out), e);
	if (status == STATUS_OK)
		*started = true;
	buf_free(&out);
	return status;
}
