#include "server/notify/letter.h"
#include <glib.h>
#include <stdio.h>

#define WORD_BYTES 39 /* of UTF-8 in one encoded word: 52 characters of base64 */
#define LINE_BYTES 57 /* 76 characters of base64 */

static void add_base64(struct buf *out, struct bytes in)
{
	char *text = g_base64_encode(in.data, in.len);

	buf_add_str(out, text);
	g_free(text);
}

/* As many whole characters as fit. */
static size_t piece(struct bytes in, size_t most)
{
	size_t n = in.len < most ? in.len : most;

	while (n && n < in.len && (in.data[n] & 0xC0) == 0x80)
		n--;
	return n;
}

static bool is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7E)
			return false;
	return text.len < 60 && !(text.len > 1 && text.data[0] == '=' && text.data[1] == '?');
}

/* Encoded words, each on a line of its own (RFC 2047). */
static void add_subject(struct buf *out, struct bytes text)
{
	buf_add_str(out, "Subject:");
	if (is_plain(text)) {
		buf_add_str(out, " ");
		buf_add_bytes(out, text);
		buf_add_str(out, "\r\n");
		return;
	}
	while (text.len) {
		size_t n = piece(text, WORD_BYTES);

		n = n ? n : text.len < WORD_BYTES ? text.len : WORD_BYTES;
		buf_add_str(out, " =?UTF-8?B?");
		add_base64(out, bytes_of(text.data, n));
		buf_add_str(out, "?=\r\n");
		text = bytes_of(text.data + n, text.len - n);
	}
}

static void add_body(struct buf *out, struct bytes body)
{
	struct buf text = BUF_INIT;
	struct bytes rest;

	for (size_t i = 0; i < body.len; i++) {
		if (body.data[i] == '\n')
			buf_add_u8(&text, '\r');
		buf_add_u8(&text, body.data[i]);
	}
	rest = buf_bytes(&text);
	while (rest.len) {
		size_t n = rest.len < LINE_BYTES ? rest.len : LINE_BYTES;

		add_base64(out, bytes_of(rest.data, n));
		buf_add_str(out, "\r\n");
		rest = bytes_of(rest.data + n, rest.len - n);
	}
	buf_free(&text);
}

static void add_date(struct buf *out, int64_t ms)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	GDateTime *t = g_date_time_new_from_unix_utc(ms / 1000);

	if (!t)
		return;
	buf_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d +0000\r\n",
		days + 3 * (g_date_time_get_day_of_week(t) - 1), g_date_time_get_day_of_month(t),
		months + 3 * (g_date_time_get_month(t) - 1), g_date_time_get_year(t),
		g_date_time_get_hour(t), g_date_time_get_minute(t), g_date_time_get_second(t));
	g_date_time_unref(t);
}

static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("<>,;:\\\"()", *p))
			return false;
	return at && at > text && at[1];
}

bool letter_write(const struct letter *l, struct buf *out)
{
	if (!is_address(l->from) || !is_address(l->recipient))
		return false;
	add_date(out, l->created_ms);
	buf_printf(out, "From: <%s>\r\nTo: <%s>\r\n", l->from, l->recipient);
	add_subject(out, l->subject);
	buf_printf(out, "Message-ID: <guanxi.%s.%lld%s>\r\n", l->number, (long long)l->created_ms,
		strchr(l->from, '@'));
	buf_add_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=UTF-8\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n");
	add_body(out, l->body);
	return true;
}
