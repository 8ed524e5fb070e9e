#include "common/text.h"
#include <glib.h>

#define BAD_BYTE UINT32_MAX
#define REPLACEMENT 0xfffdu
#define NEAREST_MAX 63

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Decodes two to four bytes; 0 for a form that is not the shortest, a surrogate or beyond U+10FFFF. */
static size_t decode(struct bytes in, uint32_t *out)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = in.data[0];
	size_t n = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	uint32_t c = lead & (0x7fu >> n);

	if (n == 0 || in.len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(in.data[i]))
			return 0;
		c = c << 6 | (in.data[i] & 0x3fu);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

uint32_t text_next(struct bytes *in)
{
	uint32_t c = 0;
	size_t n = 1;

	if (in->len == 0)
		return 0;
	if (in->data[0] < 0x80) {
		c = in->data[0];
	} else {
		n = decode(*in, &c);
		if (n == 0) {
			c = BAD_BYTE;
			n = 1;
		}
	}
	in->data += n;
	in->len -= n;
	return c;
}

void text_add(struct buf *out, uint32_t c)
{
	buf_reserve(out, 6);
	out->len += (size_t)g_unichar_to_utf8(c, (char *)out->data + out->len);
}

size_t text_length(struct bytes text)
{
	size_t n = 0;

	for (; text.len; n++)
		text_next(&text);
	return n;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_bidi_override(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_noncharacter(uint32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static bool is_line_end(uint32_t c)
{
	return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
}

static const char *fault_of(uint32_t c, enum text_rule rule)
{
	if (c == BAD_BYTE)
		return "is not UTF-8";
	if (c == 0)
		return "has a NUL";
	if (rule == TEXT_LINE && is_line_end(c))
		return "has a line end";
	if (rule == TEXT_LONG && (c == '\t' || c == '\n' || c == '\r'))
		return NULL;
	if (c == '\t')
		return "has a tab";
	if (is_control(c))
		return "has a control character";
	if (is_bidi_override(c))
		return "has a bidirectional override";
	if (is_noncharacter(c))
		return "has a noncharacter";
	return NULL;
}

bool text_valid(struct bytes text, enum text_rule rule, size_t max_chars, char why[96])
{
	for (size_t n = 1; text.len; n++) {
		const char *fault = fault_of(text_next(&text), rule);

		if (fault) {
			snprintf(why, 96, "%s at character %zu", fault, n);
			return false;
		}
		if (n > max_chars) {
			snprintf(why, 96, "is longer than %zu characters", max_chars);
			return false;
		}
	}
	return true;
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x80 && g_unichar_isspace(c));
}

struct bytes text_trim(struct bytes text)
{
	struct bytes rest = text;

	while (rest.len && is_blank(text_next(&rest)))
		text = rest;
	while (text.len) {
		size_t start = text.len - 1;
		struct bytes last;

		while (start > 0 && is_continuation(text.data[start]))
			start--;
		last = bytes_of(text.data + start, text.len - start);
		if (!is_blank(text_next(&last)) || last.len)
			break;
		text.len = start;
	}
	return text;
}

static size_t char_width(uint32_t c)
{
	if (c < 0x300)
		return !is_control(c);
	if (c == BAD_BYTE)
		return 1;
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

size_t text_width(struct bytes text)
{
	size_t width = 0;

	while (text.len)
		width += char_width(text_next(&text));
	return width;
}

struct bytes text_cut(struct bytes text, size_t columns)
{
	struct bytes rest = text;
	size_t taken = 0;

	while (rest.len) {
		size_t width = char_width(text_next(&rest));

		if (width > columns)
			break;
		columns -= width;
		taken = text.len - rest.len;
	}
	return bytes_of(text.data, taken);
}

void text_add_safe(struct buf *out, struct bytes text)
{
	while (text.len) {
		uint32_t c = text_next(&text);
		bool unsafe = c == BAD_BYTE || is_control(c) || is_bidi_override(c);

		text_add(out, unsafe ? REPLACEMENT : c);
	}
}

/*
 * The folded form of a character that folds by itself, whatever stands beside it; 0 if that is not known. Covers the
 * names of companies and people, for which normalisation would cost twenty times as much.
 */
static uint32_t fold_alone(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xfee0;
	if (c >= 'A' && c <= 'Z')
		return c + ('a' - 'A');
	if (c < 0x80)
		return c;
	if (c == 0x3000)
		return ' ';
	if ((c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf))
		return c;
	if ((c >= 0x3001 && c <= 0x3029) || c == 0xb7)
		return c;
	return 0;
}

static void add_folded(struct buf *out, uint32_t c, bool *blank)
{
	bool is = is_blank(c);

	if (is && *blank)
		return;
	*blank = is;
	if (is)
		c = ' ';
	if (c < 0x80)
		buf_add_u8(out, (uint8_t)c);
	else
		text_add(out, c);
}

static void fold_slowly(struct buf *out, struct bytes text)
{
	g_autofree char *valid = g_utf8_make_valid((const char *)text.data, (gssize)text.len);
	g_autofree char *plain = g_utf8_normalize(valid, -1, G_NORMALIZE_ALL_COMPOSE);
	g_autofree char *folded = g_utf8_casefold(plain, -1);
	g_autofree char *whole = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL_COMPOSE);
	struct bytes rest = bytes_str(whole);
	bool blank = false;

	while (rest.len)
		add_folded(out, text_next(&rest), &blank);
}

void text_fold(struct buf *out, struct bytes text)
{
	size_t start = out->len;
	struct bytes rest = text;
	bool blank = false;

	buf_reserve(out, text.len);
	while (rest.len) {
		uint32_t c = fold_alone(text_next(&rest));

		if (c == 0) {
			out->len = start;
			fold_slowly(out, text);
			return;
		}
		add_folded(out, c, &blank);
	}
}

bool text_is_han(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0x3005, 0x3005 },
		{ 0x3007, 0x3007 },
		{ 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff },
		{ 0xf900, 0xfaff },
		{ 0x20000, 0x2ebe0 },
		{ 0x2f800, 0x2fa1f },
		{ 0x30000, 0x323af },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	}
	return false;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Insertions, deletions, replacements and swaps of neighbours; both at most NEAREST_MAX bytes. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1, row[j]);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[nb];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *nearest = NULL;
	size_t len = strlen(word), best = 3;

	if (len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]), distance;

		if (other > NEAREST_MAX)
			continue;
		distance = edit_distance(word, len, candidates[i], other);
		if (distance < best && distance * 2 < len) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

bool text_number(struct bytes text, uint64_t *out)
{
	uint64_t v = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, digit, &v))
			return false;
	}
	*out = v;
	return true;
}
