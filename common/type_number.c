#include "common/text.h"
#include "common/type_row.h"
#include <inttypes.h>

/* Digits with an optional comma between groups of three. */
static bool take_whole(struct bytes *in, bool commas, char *digits, size_t *n, size_t max)
{
	size_t group = 0;
	bool grouped = false;

	while (in->len > 0) {
		uint8_t c = in->data[0];
		if (c == ',' && commas) {
			if (group == 0 || group > 3 || (grouped && group != 3))
				return false;
			grouped = true;
			group = 0;
		} else if (c >= '0' && c <= '9') {
			if (*n >= max)
				return false;
			digits[(*n)++] = (char)c;
			group++;
		} else {
			break;
		}
		in->data++;
		in->len--;
	}
	return !grouped || group == 3;
}

/* Decimals, filled up with zeros to places; further ones must be zeros. */
static bool take_places(struct bytes *in, unsigned places, char *digits, size_t *n, bool *too_fine)
{
	size_t seen = 0;

	if (in->len > 0 && in->data[0] == '.') {
		in->data++;
		in->len--;
		for (; in->len > 0 && in->data[0] >= '0' && in->data[0] <= '9'; seen++) {
			if (seen < places)
				digits[(*n)++] = (char)in->data[0];
			else if (in->data[0] != '0')
				*too_fine = true;
			in->data++;
			in->len--;
		}
		if (seen == 0)
			return false;
	}
	for (; seen < places; seen++)
		digits[(*n)++] = '0';
	return true;
}

static bool to_signed(uint64_t magnitude, bool negative, int64_t *out)
{
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*out = (int64_t)(negative ? 0 - magnitude : magnitude);
	return true;
}

/*
 * A decimal number times ten to the power of places, exactly. NULL, or why it is none.
 */
static const char *scaled(struct bytes text, unsigned places, bool commas, int64_t *out)
{
	char digits[64];
	size_t n = 0;
	bool negative = text.len > 0 && text.data[0] == '-', too_fine = false;
	uint64_t magnitude;

	if (negative || (text.len > 0 && text.data[0] == '+'))
		text = bytes_of(text.data + 1, text.len - 1);
	if (!take_whole(&text, commas, digits, &n, sizeof(digits) - 8) || n == 0 ||
		!take_places(&text, places, digits, &n, &too_fine) || text.len > 0)
		return "is not a number";
	if (too_fine)
		return "has too many decimal places";
	if (!text_number(bytes_of(digits, n), &magnitude) || !to_signed(magnitude, negative, out))
		return "is too large";
	return NULL;
}

/* v / 10^places; at least min_places decimals, no trailing zeros beyond them. */
static void add_scaled(
	int64_t v, unsigned places, unsigned min_places, bool commas, struct buf *out)
{
	char digits[32];
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	int n = snprintf(digits, sizeof(digits), "%0*" PRIu64, (int)places + 1, magnitude);
	size_t whole = (size_t)n - places, end = (size_t)n;

	if (v < 0)
		buf_add_u8(out, '-');
	for (size_t i = 0; i < whole; i++) {
		if (commas && i > 0 && (whole - i) % 3 == 0)
			buf_add_u8(out, ',');
		buf_add_u8(out, (uint8_t)digits[i]);
	}
	while (end > whole + min_places && digits[end - 1] == '0')
		end--;
	if (end > whole) {
		buf_add_u8(out, '.');
		buf_add(out, digits + whole, end - whole);
	}
}

/* Full-width digits and signs count as the plain ones. */
static const char *scaled_folded(
	struct bytes text, unsigned places, bool commas, struct bytes prefix, int64_t *out)
{
	struct buf folded = BUF_INIT;
	struct bytes t;
	const char *why;

	text_fold(&folded, text);
	t = buf_bytes(&folded);
	if (prefix.len > 0 && bytes_starts(t, prefix))
		t = text_trim(bytes_of(t.data + prefix.len, t.len - prefix.len));
	why = scaled(t, places, commas, out);
	buf_free(&folded);
	return why;
}

static enum status add_number(
	const struct field *f, const char *why, int64_t v, struct buf *out, struct error *e)
{
	if (why)
		return error_field(e, f->name, "%s", why);
	record_add_signed(out, f->tag, v);
	return STATUS_OK;
}

enum status type_integer_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	int64_t v = 0;
	const char *why = scaled_folded(text, 0, false, (struct bytes){ 0 }, &v);

	if (why && strcmp(why, "is not a number") == 0)
		why = "is not a whole number";
	return add_number(f, why, v, out, e);
}

static enum status decimal_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	int64_t v = 0;
	const char *why = scaled_folded(text, 4, false, (struct bytes){ 0 }, &v);

	return add_number(f, why, v, out, e);
}

static enum status money_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	int64_t v = 0;
	const char *why = scaled_folded(text, 2, true, bytes_str("\u00a5"), &v);

	if (why && strcmp(why, "is not a number") == 0)
		why = "is not an amount of money";
	return add_number(f, why, v, out, e);
}

/* Folds and takes the sign of percent off. */
static bool percent_sign(struct bytes text, struct buf *folded, struct bytes *number)
{
	text_fold(folded, text);
	*number = buf_bytes(folded);
	if (number->len == 0 || number->data[number->len - 1] != '%')
		return false;
	*number = text_trim(bytes_of(number->data, number->len - 1));
	return true;
}

static enum status percent_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct buf folded = BUF_INIT;
	struct bytes number;
	int64_t v = 0;
	bool sign = percent_sign(text, &folded, &number);
	const char *why = scaled(number, sign ? 2 : 4, false, &v);

	buf_free(&folded);
	if (!why && !sign && (v > 10000 || v < -10000))
		why = "is above 1 without a percent sign: write 90% or 0.9";
	return add_number(f, why, v, out, e);
}

void type_integer_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	buf_printf(out, "%" PRId64, unzigzag(w->number));
}

static void decimal_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	add_scaled(unzigzag(w->number), 4, 0, false, out);
}

static void money_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	add_scaled(unzigzag(w->number), 2, 2, form == FORM_DISPLAY, out);
}

static void percent_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	if (form != FORM_DISPLAY) {
		add_scaled(unzigzag(w->number), 4, 0, false, out);
		return;
	}
	add_scaled(unzigzag(w->number), 2, 0, false, out);
	buf_add_u8(out, '%');
}

static enum status bool_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	static const char *const words[] = { "no", "yes", "false", "true", "\u5426", "\u662f" };
	struct buf folded = BUF_INIT;
	size_t i;

	text_fold(&folded, text);
	for (i = 0; i < 6 && !bytes_equal_str(buf_bytes(&folded), words[i]); i++)
		;
	buf_free(&folded);
	if (i == 6)
		return error_field(e, f->name, "is neither yes nor no");
	record_add_number(out, f->tag, i & 1);
	return STATUS_OK;
}

static void bool_format(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	bool v = w->number != 0;

	if (form != FORM_DISPLAY)
		buf_add_str(out, v ? "true" : "false");
	else if (ctx->chinese)
		buf_add_str(out, v ? "\u662f" : "\u5426");
	else
		buf_add_str(out, v ? "yes" : "no");
}

static bool bool_valid(const struct field *f, const struct wire_field *w)
{
	return w->number <= 1;
}

const struct type_row type_integer = {
	.name = "integer",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.right = true,
	.parse = type_integer_parse,
	.format = type_integer_format,
};
const struct type_row type_decimal = {
	.name = "decimal",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.right = true,
	.parse = decimal_parse,
	.format = decimal_format,
};
const struct type_row type_money = {
	.name = "money",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.right = true,
	.parse = money_parse,
	.format = money_format,
};
const struct type_row type_percent = {
	.name = "percent",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.right = true,
	.parse = percent_parse,
	.format = percent_format,
};
const struct type_row type_bool = {
	.name = "bool",
	.wire = WIRE_VARINT,
	.parse = bool_parse,
	.format = bool_format,
	.valid = bool_valid,
};
