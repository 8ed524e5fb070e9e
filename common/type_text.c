#include "common/birthday.h"
#include "common/pinyin.h"
#include "common/text.h"
#include "common/type_row.h"
#include <glib.h>

#define PERSON_NAME_MAX 4 /* characters; longer names are those of companies */

/* Checks and appends; longer than max is told with the limit. */
static enum status add_text(const struct field *f, struct bytes text, enum text_rule rule,
	struct buf *out, struct error *e)
{
	char why[96];

	if (!text_valid(text, rule, type_max(f), why))
		return error_field(e, f->name, "%s", why);
	record_add_text(out, f->tag, text);
	return STATUS_OK;
}

enum status type_line_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	return add_text(f, text, TEXT_LINE, out, e);
}

static enum status long_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	return add_text(f, text, TEXT_LONG, out, e);
}

bool type_line_valid(const struct field *f, const struct wire_field *w)
{
	char why[96];

	return w->bytes.len > 0 && text_valid(w->bytes, TEXT_LINE, type_max(f), why);
}

static bool long_valid(const struct field *f, const struct wire_field *w)
{
	char why[96];

	return w->bytes.len > 0 && text_valid(w->bytes, TEXT_LONG, type_max(f), why);
}

void type_text_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	buf_add_bytes(out, w->bytes);
}

static void fold(struct bytes text, struct buf *out)
{
	text_fold(out, text);
}

static void text_key(
	const struct field *f, struct bytes text, struct bytes reading, size_t max, struct buf *out)
{
	struct buf folded = BUF_INIT;

	if (!(f->flags & F_NAME)) {
		text_fold(out, text);
		return;
	}
	text_fold(&folded, text);
	pinyin_sort_key(
		buf_bytes(&folded), reading, text_length(text) <= PERSON_NAME_MAX, max, out);
	buf_free(&folded);
}

/* Phones. */

struct phone {
	char digits[48];
	size_t n;
	size_t main; /* digits before the extension */
	bool plus;
};

static bool phone_add_digit(struct phone *p, uint32_t c)
{
	if (p->n + 1 >= sizeof(p->digits))
		return false;
	p->digits[p->n++] = (char)c;
	return true;
}

/* Reads folded text; false on a character that a phone number has not. */
static bool phone_read(struct bytes folded, struct phone *p)
{
	bool extension = false;
	uint32_t c;

	*p = (struct phone){ 0 };
	while ((c = text_next(&folded)) != 0) {
		if (c >= '0' && c <= '9') {
			if (!phone_add_digit(p, c))
				return false;
		} else if (c == '+') {
			if (p->n > 0 || p->plus)
				return false;
			p->plus = true;
		} else if (c == 0x8f6c || c == 'x' || c == ',') {
			if (extension || p->n == 0)
				return false;
			extension = true;
			p->main = p->n;
		} else if (c != ' ' && c != '-' && c != '(' && c != ')' && c != '.') {
			return false;
		}
	}
	if (!extension)
		p->main = p->n;
	return p->main >= 3 && p->n <= 20 && (!extension || p->n > p->main);
}

static bool phone_of(struct bytes text, struct phone *p)
{
	struct buf folded = BUF_INIT;
	bool good;

	text_fold(&folded, text);
	good = phone_read(buf_bytes(&folded), p);
	buf_free(&folded);
	return good;
}

static enum status phone_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct phone p;

	if (!phone_of(text, &p))
		return error_field(e, f->name, "is not a phone number");
	return add_text(f, text, TEXT_LINE, out, e);
}

static bool phone_valid(const struct field *f, const struct wire_field *w)
{
	struct phone p;

	return type_line_valid(f, w) && phone_of(w->bytes, &p);
}

/* Length of the country code in front of a mainland mobile number. */
static size_t phone_prefix(const struct phone *p)
{
	static const char *const codes[] = { "86", "0086" };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(codes[i]);
		if (p->main == n + 11 && strncmp(p->digits, codes[i], n) == 0 &&
			p->digits[n] == '1' && p->digits[n + 1] >= '3')
			return n;
	}
	return 0;
}

static void phone_normal(struct bytes text, struct buf *out)
{
	struct phone p;
	size_t skip;

	if (!phone_of(text, &p)) {
		text_fold(out, text);
		return;
	}
	skip = phone_prefix(&p);
	buf_add(out, p.digits + skip, p.n - skip);
}

/* Mail and web addresses. */

static bool is_host_character(uint8_t c)
{
	return g_ascii_isalnum((char)c) || c == '-' || c >= 0x80;
}

/* Labels joined by dots, none empty, none with an outer hyphen. */
static bool host_good(struct bytes host, size_t labels_min)
{
	size_t labels = 0, len = 0;

	for (size_t i = 0; i <= host.len; i++) {
		if (i < host.len && host.data[i] != '.') {
			if (!is_host_character(host.data[i]) || (len == 0 && host.data[i] == '-'))
				return false;
			len++;
			continue;
		}
		if (len == 0 || len > 63 || host.data[i - 1] == '-')
			return false;
		labels++;
		len = 0;
	}
	return labels >= labels_min && host.len <= 253;
}

static bool local_good(struct bytes local)
{
	if (local.len == 0 || local.len > 64 || local.data[0] == '.' ||
		local.data[local.len - 1] == '.')
		return false;
	for (size_t i = 0; i < local.len; i++) {
		uint8_t c = local.data[i];
		if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>@[\\]", c) ||
			(c == '.' && local.data[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool email_split(struct bytes text, struct bytes *local, struct bytes *host)
{
	const uint8_t *at = text.len > 0 ? memchr(text.data, '@', text.len) : NULL;

	if (!at)
		return false;
	*local = bytes_of(text.data, (size_t)(at - text.data));
	*host = bytes_of(at + 1, text.len - local->len - 1);
	return true;
}

static bool email_good(struct bytes text)
{
	struct bytes local, host;

	return email_split(text, &local, &host) && local_good(local) && host_good(host, 2);
}

static enum status email_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	if (!email_good(text))
		return error_field(e, f->name, "is not an e-mail address");
	return add_text(f, text, TEXT_LINE, out, e);
}

static bool email_valid(const struct field *f, const struct wire_field *w)
{
	return type_line_valid(f, w) && email_good(w->bytes);
}

static void email_normal(struct bytes text, struct buf *out)
{
	struct bytes local, host;

	if (!email_split(text, &local, &host)) {
		text_fold(out, text);
		return;
	}
	buf_add_bytes(out, local);
	buf_add_u8(out, '@');
	text_fold(out, host);
}

struct url {
	struct bytes scheme; /* may be empty */
	struct bytes host;   /* without user and port */
	struct bytes rest;   /* from the port or path on */
};

static bool scheme_good(struct bytes scheme)
{
	static const char *const known[] = { "http", "https", "ftp" };

	for (size_t i = 0; i < 3; i++) {
		if (scheme.len == strlen(known[i]) &&
			g_ascii_strncasecmp((const char *)scheme.data, known[i], scheme.len) == 0)
			return true;
	}
	return false;
}

static bool url_split(struct bytes text, struct url *u)
{
	const uint8_t *sep = memmem(text.data, text.len, "://", 3);
	size_t n = 0;

	*u = (struct url){ 0 };
	if (sep) {
		u->scheme = bytes_of(text.data, (size_t)(sep - text.data));
		if (!scheme_good(u->scheme))
			return false;
		text = bytes_of(sep + 3, text.len - u->scheme.len - 3);
	}
	while (n < text.len && !strchr(":/?#", text.data[n]))
		n++;
	u->host = bytes_of(text.data, n);
	u->rest = bytes_of(text.data + n, text.len - n);
	return host_good(u->host, sep ? 1 : 2) && !memchr(text.data, ' ', text.len);
}

/* A port is up to five digits. */
static bool url_good(struct bytes text)
{
	struct url u;
	size_t n = 1;

	if (!url_split(text, &u))
		return false;
	if (u.rest.len == 0 || u.rest.data[0] != ':')
		return true;
	while (n < u.rest.len && g_ascii_isdigit((char)u.rest.data[n]))
		n++;
	return n > 1 && n <= 6 && (n == u.rest.len || strchr("/?#", u.rest.data[n]));
}

static enum status url_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	if (!url_good(text))
		return error_field(e, f->name, "is not a web address");
	return add_text(f, text, TEXT_LINE, out, e);
}

static bool url_valid(const struct field *f, const struct wire_field *w)
{
	return type_line_valid(f, w) && url_good(w->bytes);
}

static void url_normal(struct bytes text, struct buf *out)
{
	struct url u;

	if (!url_split(text, &u)) {
		text_fold(out, text);
		return;
	}
	if (u.scheme.len > 0) {
		text_fold(out, u.scheme);
		buf_add_str(out, "://");
	}
	text_fold(out, u.host);
	buf_add_bytes(out, u.rest);
}

/* Birthdays: kept as entered. */

/* today, tomorrow, today+30d: the day that it is now, since a birthday is kept as it was entered. */
static bool relative_day(struct bytes text, const struct parse_context *ctx, struct buf *out)
{
	civil_date from, to;

	if (!ctx->today || !date_relative(text, ctx->today, &from, &to) || from != to)
		return false;
	date_format(from, out);
	return true;
}

static enum status birthday_field_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct buf day = BUF_INIT;
	struct birthday b;
	char why[96];
	enum status s;

	if (relative_day(text, ctx, &day))
		text = buf_bytes(&day);
	if (birthday_parse(text, &b, why))
		s = add_text(f, text, TEXT_LINE, out, e);
	else
		s = error_field(e, f->name, "%s", why);
	buf_free(&day);
	return s;
}

static bool birthday_valid(const struct field *f, const struct wire_field *w)
{
	struct birthday b;
	char why[96];

	return type_line_valid(f, w) && birthday_parse(w->bytes, &b, why);
}

static void birthday_normal(struct bytes text, struct buf *out)
{
	struct birthday b;
	char why[96];

	if (birthday_parse(text, &b, why))
		birthday_format(&b, out);
	else
		text_fold(out, text);
}

/* By year (unknown first), calendar, month, leap month, day. */
static void birthday_key(
	const struct field *f, struct bytes text, struct bytes reading, size_t max, struct buf *out)
{
	struct birthday b;
	char why[96];

	if (birthday_parse(text, &b, why))
		buf_printf(out, "%04d%c%02d%c%02d", b.year, b.lunar ? '1' : '0', b.month,
			b.leap ? '1' : '0', b.day);
	else
		text_fold(out, text);
}

const struct type_row type_text = {
	.name = "text",
	.wire = WIRE_BYTES,
	.max = 255,
	.parse = type_line_parse,
	.format = type_text_format,
	.valid = type_line_valid,
	.normal = fold,
	.key = text_key,
};
const struct type_row type_long_text = {
	.name = "long_text",
	.wire = WIRE_BYTES,
	.max = 65536,
	.parse = long_parse,
	.format = type_text_format,
	.valid = long_valid,
	.normal = fold,
};
const struct type_row type_phone = {
	.name = "phone",
	.wire = WIRE_BYTES,
	.max = 64,
	.parse = phone_parse,
	.format = type_text_format,
	.valid = phone_valid,
	.normal = phone_normal,
};
const struct type_row type_email = {
	.name = "email",
	.wire = WIRE_BYTES,
	.max = 255,
	.parse = email_parse,
	.format = type_text_format,
	.valid = email_valid,
	.normal = email_normal,
};
const struct type_row type_url = {
	.name = "url",
	.wire = WIRE_BYTES,
	.max = 1000,
	.parse = url_parse,
	.format = type_text_format,
	.valid = url_valid,
	.normal = url_normal,
};
const struct type_row type_birthday = {
	.name = "birthday",
	.wire = WIRE_BYTES,
	.max = 32,
	.parse = birthday_field_parse,
	.format = type_text_format,
	.valid = birthday_valid,
	.normal = birthday_normal,
	.key = birthday_key,
};
