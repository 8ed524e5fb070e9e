#include "common/text.h"
#include "common/type_row.h"
#include <glib.h>

#define ITEMS_MAX 200

/* One pass over the items of a text; item holds the one that next found. */
struct items {
	struct bytes rest;
	struct buf item;
	bool json;
	bool first;
	const char *bad;
};

static void skip_blanks(struct bytes *in)
{
	while (in->len > 0 && in->data[0] <= ' ') {
		in->data++;
		in->len--;
	}
}

static bool take_char(struct bytes *in, char c)
{
	if (in->len == 0 || in->data[0] != (uint8_t)c)
		return false;
	in->data++;
	in->len--;
	return true;
}

static bool take_hex(struct bytes *in, uint32_t *out)
{
	struct bytes digits;

	*out = 0;
	if (!take_bytes(in, 4, &digits))
		return false;
	for (size_t i = 0; i < 4; i++) {
		int v = g_ascii_xdigit_value((char)digits.data[i]);
		if (v < 0)
			return false;
		*out = *out << 4 | (uint32_t)v;
	}
	return true;
}

/* After \u: four digits, twice for a pair of surrogates. */
static bool take_escape_u(struct bytes *in, struct buf *out)
{
	uint32_t c, low;

	if (!take_hex(in, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take_char(in, '\\') || !take_char(in, 'u') || !take_hex(in, &low) ||
			low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
		return false;
	text_add(out, c);
	return true;
}

static bool take_escape(struct bytes *in, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint8_t c;

	if (!take_u8(in, &c))
		return false;
	if (c == 'u')
		return take_escape_u(in, out);
	at = c ? strchr(from, c) : NULL;
	if (!at)
		return false;
	buf_add_u8(out, (uint8_t)to[at - from]);
	return true;
}

static bool take_string(struct bytes *in, struct buf *out)
{
	uint8_t c;

	while (take_u8(in, &c)) {
		if (c == '"')
			return true;
		if (c < ' ')
			return false;
		if (c == '\\') {
			if (!take_escape(in, out))
				return false;
		} else {
			buf_add_u8(out, c);
		}
	}
	return false;
}

/* A number or word stands as it is up to the next comma or bracket. */
static bool take_bare(struct bytes *in, struct buf *out)
{
	while (in->len > 0 && in->data[0] > ' ' && !strchr(",]\"[{}", in->data[0])) {
		buf_add_u8(out, in->data[0]);
		in->data++;
		in->len--;
	}
	return out->len > 0;
}

static bool next_json(struct items *it)
{
	skip_blanks(&it->rest);
	if (take_char(&it->rest, ']')) {
		skip_blanks(&it->rest);
		if (it->rest.len > 0)
			it->bad = "is not a JSON array of texts or numbers";
		return false;
	}
	it->bad = "is not a JSON array of texts or numbers";
	if (!it->first && !take_char(&it->rest, ','))
		return false;
	it->first = false;
	skip_blanks(&it->rest);
	if (take_char(&it->rest, '"')) {
		if (!take_string(&it->rest, &it->item))
			return false;
	} else if (!take_bare(&it->rest, &it->item)) {
		return false;
	}
	it->bad = NULL;
	return true;
}

static bool is_separator(uint32_t c)
{
	return c == ',' || c == ';' || c == 0xff0c || c == 0xff1b || c == 0x3001;
}

static bool next_plain(struct items *it)
{
	struct bytes item = { it->rest.data, 0 }, before;

	if (it->rest.len == 0)
		return false;
	for (;;) {
		before = it->rest;
		uint32_t c = text_next(&it->rest);
		if (before.len == 0 || is_separator(c))
			break;
	}
	item.len = (size_t)(before.data - item.data);
	buf_add_bytes(&it->item, item);
	return true;
}

static bool next_item(struct items *it)
{
	buf_clear(&it->item);
	return it->json ? next_json(it) : next_plain(it);
}

/* Whether the run that starts at start already has a value equal to the one that ends out. */
static bool repeated(const struct field *f, const struct buf *out, size_t start, size_t last)
{
	struct bytes in = bytes_of(out->data + start, last - start);
	struct bytes end = bytes_of(out->data + last, out->len - last);
	struct wire_field a, b;

	if (!record_next(&end, &b, NULL))
		return false;
	while (record_next(&in, &a, NULL)) {
		if (type_compare(f, &a, &b) == 0)
			return true;
	}
	return false;
}

static enum status parse_items(const struct field *f, struct items *it,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	const struct type_row *row = type_row_of(f->type);
	size_t start = out->len, n = 0;

	while (next_item(it)) {
		struct bytes item = text_trim(buf_bytes(&it->item));
		size_t last = out->len;
		enum status s;

		if (item.len == 0)
			continue;
		if (++n > ITEMS_MAX)
			return error_field(e, f->name, "has more than %d items", ITEMS_MAX);
		s = row->parse(f, item, ctx, out, e);
		if (s)
			return s;
		if (row->set && repeated(f, out, start, last))
			out->len = last;
	}
	return it->bad ? error_field(e, f->name, "%s", it->bad) : STATUS_OK;
}

enum status type_list_parse(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct items it = { .rest = text, .first = true };
	size_t start = out->len;
	enum status s;

	it.json = take_char(&it.rest, '[');
	s = parse_items(f, &it, ctx, out, e);
	buf_free(&it.item);
	if (s)
		out->len = start;
	return s;
}

static void fold(struct bytes text, struct buf *out)
{
	text_fold(out, text);
}

const struct type_row type_tags = {
	.name = "tags",
	.wire = WIRE_BYTES,
	.list = true,
	.set = true,
	.max = 64,
	.parse = type_line_parse,
	.format = type_text_format,
	.valid = type_line_valid,
	.normal = fold,
};
const struct type_row type_texts = {
	.name = "texts",
	.wire = WIRE_BYTES,
	.list = true,
	.max = 255,
	.parse = type_line_parse,
	.format = type_text_format,
	.valid = type_line_valid,
	.normal = fold,
};
const struct type_row type_integers = {
	.name = "integers",
	.wire = WIRE_VARINT,
	.zigzag = true,
	.list = true,
	.parse = type_integer_parse,
	.format = type_integer_format,
};
