#include "common/filter.h"
#include "common/text.h"
#include <glib.h>

#define DEPTH_MAX 64
#define SHOWN_COLUMNS 60
#define END 0

struct parser {
	struct filter *filter;
	struct arena *arena;
	struct error *e;
	struct bytes rest;
	size_t column; /* of the front of rest, in characters, from 1 */
	size_t depth;
	struct buf word; /* what take_word and take_quoted found */
};

static uint32_t peek(const struct parser *p)
{
	struct bytes in = p->rest;

	return text_next(&in);
}

static uint32_t advance(struct parser *p)
{
	uint32_t c = text_next(&p->rest);

	p->column += c != END;
	return c;
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == 0x3000 || c == 0xa0;
}

static void skip_blanks(struct parser *p)
{
	while (is_blank(peek(p)))
		advance(p);
}

static bool is_open(uint32_t c)
{
	return c == '(' || c == 0xff08;
}

static bool is_close(uint32_t c)
{
	return c == ')' || c == 0xff09;
}

static bool is_comma(uint32_t c)
{
	return c == ',' || c == 0xff0c || c == 0x3001;
}

static bool is_quote(uint32_t c)
{
	return c == '"' || c == '\'' || c == 0x201c || c == 0x201d || c == 0x2018 || c == 0x2019 ||
	       c == 0xff02;
}

/* Chinese keyboards give either of a pair at either end. */
static bool closes(uint32_t open, uint32_t c)
{
	if (open == 0x201c || open == 0x201d)
		return c == 0x201c || c == 0x201d;
	if (open == 0x2018 || open == 0x2019)
		return c == 0x2018 || c == 0x2019;
	return c == open;
}

static const struct symbol {
	const char *text;
	enum filter_op op;
} symbols[] = {
	{ "!=", FILTER_NE },
	{ "<>", FILTER_NE },
	{ "<=", FILTER_LE },
	{ ">=", FILTER_GE },
	{ "==", FILTER_EQ },
	{ "=", FILTER_EQ },
	{ "<", FILTER_LT },
	{ ">", FILTER_GT },
	{ "~", FILTER_CONTAINS },
	{ "！=", FILTER_NE },
	{ "！＝", FILTER_NE },
	{ "≠", FILTER_NE },
	{ "＜＝", FILTER_LE },
	{ "＜=", FILTER_LE },
	{ "≤", FILTER_LE },
	{ "＞＝", FILTER_GE },
	{ "＞=", FILTER_GE },
	{ "≥", FILTER_GE },
	{ "＝", FILTER_EQ },
	{ "＜", FILTER_LT },
	{ "＞", FILTER_GT },
	{ "～", FILTER_CONTAINS },
};

static bool take_symbol(struct parser *p, enum filter_op *op)
{
	for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
		struct bytes s = bytes_str(symbols[i].text);
		if (bytes_starts(p->rest, s)) {
			p->column += text_length(s);
			p->rest = bytes_of(p->rest.data + s.len, p->rest.len - s.len);
			*op = symbols[i].op;
			return true;
		}
	}
	return false;
}

static bool starts_symbol(const struct parser *p)
{
	struct parser copy = *p;
	enum filter_op op;

	return take_symbol(&copy, &op) || peek(p) == '!';
}

static enum status mistake(struct parser *p, size_t column, const char *what)
{
	return filter_error(p->filter, column, p->e, "%s", what);
}

/* Whether the next word is this one; takes it. */
static bool take_keyword(struct parser *p, const char *word)
{
	size_t len = strlen(word);
	struct parser after = *p;
	uint32_t c;

	skip_blanks(&after);
	if (after.rest.len < len ||
		g_ascii_strncasecmp((const char *)after.rest.data, word, len) != 0)
		return false;
	after.rest = bytes_of(after.rest.data + len, after.rest.len - len);
	after.column += len;
	c = peek(&after);
	if (c != END && !is_blank(c) && !is_open(c) && !is_close(c) && !is_quote(c))
		return false;
	*p = after;
	return true;
}

/* After the opening quote was seen. \ takes the next character as it is. */
static enum status take_quoted(struct parser *p)
{
	size_t start = p->column;
	uint32_t open = advance(p), c;

	buf_clear(&p->word);
	while (!closes(open, c = advance(p)) && c != END) {
		if (c == '\\')
			c = advance(p);
		if (c == END)
			break;
		text_add(&p->word, c);
	}
	return c == END ? mistake(p, start, "quote is not closed") : STATUS_OK;
}

static enum status take_copy(struct parser *p, struct bytes *out)
{
	*out = arena_copy(p->arena, buf_bytes(&p->word));
	if (!out->data)
		return error_set(p->e, STATUS_USAGE, "filter needs too much memory");
	return STATUS_OK;
}

/* A bare word up to a blank or a parenthesis; in a list also up to a comma. */
static enum status take_value(struct parser *p, bool list, struct bytes *out)
{
	uint32_t c;
	enum status s;

	skip_blanks(p);
	if (is_quote(peek(p))) {
		s = take_quoted(p);
		return s ? s : take_copy(p, out);
	}
	buf_clear(&p->word);
	if (starts_symbol(p))
		return mistake(p, p->column, "value is missing");
	while ((c = peek(p)) != END && !is_blank(c) && !is_open(c) && !is_close(c) &&
		!(list && is_comma(c)))
		text_add(&p->word, advance(p));
	if (p->word.len == 0)
		return mistake(p, p->column, "value is missing");
	return take_copy(p, out);
}

static enum status take_path_part(struct parser *p, struct bytes *out)
{
	uint32_t c;
	enum status s;

	if (is_quote(peek(p))) {
		s = take_quoted(p);
		return s ? s : take_copy(p, out);
	}
	buf_clear(&p->word);
	while ((c = peek(p)) != END && c != '.' && !is_blank(c) && !is_open(c) && !is_close(c) &&
		!is_comma(c) && !is_quote(c) && !starts_symbol(p))
		text_add(&p->word, advance(p));
	if (p->word.len == 0)
		return mistake(p, p->column, "field is missing");
	return take_copy(p, out);
}

static enum status take_path(struct parser *p, struct filter_node *n)
{
	enum status s;

	skip_blanks(p);
	n->column = p->column;
	for (;;) {
		if (n->npath == 3)
			return mistake(p, p->column, "path is longer than three fields");
		s = take_path_part(p, &n->path[n->npath]);
		if (s)
			return s;
		n->npath++;
		if (peek(p) != '.')
			return STATUS_OK;
		advance(p);
	}
}

static enum status add_node(struct parser *p, const struct filter_node *n, int *out)
{
	if (p->filter->n == FILTER_MAX_NODES)
		return error_set(
			p->e, STATUS_USAGE, "filter has more than %d parts", FILTER_MAX_NODES);
	*out = (int)p->filter->n;
	p->filter->nodes[p->filter->n] = *n;
	p->filter->nodes[p->filter->n++].text = p->filter->text;
	return STATUS_OK;
}

static enum status join(struct parser *p, enum filter_op op, int left, int right, int *out)
{
	struct filter_node n = { .op = op, .left = left, .right = right };

	return add_node(p, &n, out);
}

static enum status take_list(struct parser *p, struct filter_node *n)
{
	struct bytes values[FILTER_MAX_NODES];
	enum status s;

	skip_blanks(p);
	if (!is_open(peek(p)))
		return mistake(p, p->column, "opening parenthesis is missing after in");
	do {
		advance(p);
		if (n->nvalues == FILTER_MAX_NODES)
			return mistake(p, p->column, "list is too long");
		s = take_value(p, true, &values[n->nvalues]);
		if (s)
			return s;
		n->nvalues++;
		skip_blanks(p);
	} while (is_comma(peek(p)));
	if (!is_close(advance(p)))
		return mistake(p, p->column - 1, "list is not closed");
	n->values = arena_alloc(p->arena, n->nvalues * sizeof(*values));
	if (!n->values)
		return error_set(p->e, STATUS_USAGE, "filter needs too much memory");
	memcpy(n->values, values, n->nvalues * sizeof(*values));
	return STATUS_OK;
}

static enum status take_one(struct parser *p, struct filter_node *n)
{
	n->values = arena_calloc(p->arena, 1, sizeof(*n->values));
	n->nvalues = 1;
	if (!n->values)
		return error_set(p->e, STATUS_USAGE, "filter needs too much memory");
	return take_value(p, false, &n->values[0]);
}

static enum status take_empty(struct parser *p, struct filter_node *n)
{
	n->op = take_keyword(p, "not") ? FILTER_NOT_EMPTY : FILTER_EMPTY;
	skip_blanks(p);
	if (!take_keyword(p, "empty"))
		return mistake(p, p->column, "empty is missing after is");
	return STATUS_OK;
}

static enum status take_comparison(struct parser *p, int *out)
{
	struct filter_node n = { .left = -1, .right = -1 };
	enum status s = take_path(p, &n);
	bool negated;

	if (s)
		return s;
	if (take_keyword(p, "is")) {
		s = take_empty(p, &n);
		return s ? s : add_node(p, &n, out);
	}
	negated = take_keyword(p, "not");
	skip_blanks(p);
	if (take_keyword(p, "in")) {
		n.op = FILTER_IN;
		s = take_list(p, &n);
	} else if (!negated && take_symbol(p, &n.op)) {
		s = take_one(p, &n);
	} else {
		s = mistake(p, p->column, "operator is missing (= != < <= > >= ~ in is)");
	}
	if (!s)
		s = add_node(p, &n, out);
	return s || !negated ? s : join(p, FILTER_NOT, *out, -1, out);
}

static enum status take_or(struct parser *p, int *out);

static enum status take_group(struct parser *p, int *out)
{
	size_t start = p->column;
	enum status s;

	advance(p);
	s = take_or(p, out);
	if (s)
		return s;
	skip_blanks(p);
	if (!is_close(peek(p)))
		return peek(p) == END ? mistake(p, start, "parenthesis is not closed")
				      : mistake(p, p->column, "and or or is missing");
	advance(p);
	return STATUS_OK;
}

/* @NAME */
static enum status take_saved(struct parser *p, int *out)
{
	struct filter_node n = { .op = FILTER_SAVED, .left = -1, .right = -1 };
	enum status s;

	n.column = p->column;
	advance(p);
	if (is_blank(peek(p)) || is_close(peek(p)) || peek(p) == END)
		return mistake(p, p->column, "name of a saved filter is missing");
	s = take_one(p, &n);
	return s ? s : add_node(p, &n, out);
}

static bool is_at(uint32_t c)
{
	return c == '@' || c == 0xff20;
}

static enum status take_operand(struct parser *p, int *out)
{
	enum status s;

	skip_blanks(p);
	if (++p->depth > DEPTH_MAX)
		return mistake(p, p->column, "filter is nested too deeply");
	if (take_keyword(p, "not")) {
		s = take_operand(p, out);
		if (!s)
			s = join(p, FILTER_NOT, *out, -1, out);
	} else if (is_open(peek(p))) {
		s = take_group(p, out);
	} else if (is_at(peek(p))) {
		s = take_saved(p, out);
	} else {
		s = take_comparison(p, out);
	}
	p->depth--;
	return s;
}

static enum status take_and(struct parser *p, int *out)
{
	enum status s = take_operand(p, out);
	int right;

	while (!s && take_keyword(p, "and")) {
		s = take_operand(p, &right);
		if (!s)
			s = join(p, FILTER_AND, *out, right, out);
	}
	return s;
}

static enum status take_or(struct parser *p, int *out)
{
	enum status s = take_and(p, out);
	int right;

	while (!s && take_keyword(p, "or")) {
		s = take_and(p, &right);
		if (!s)
			s = join(p, FILTER_OR, *out, right, out);
	}
	return s;
}

static enum status take_all(struct parser *p)
{
	enum status s = take_or(p, &p->filter->root);

	if (s)
		return s;
	skip_blanks(p);
	if (p->rest.len == 0)
		return STATUS_OK;
	return mistake(p, p->column,
		is_close(peek(p)) ? "parenthesis was not opened" : "and or or is missing");
}

enum status filter_parse(
	struct bytes text, struct arena *arena, struct filter *out, struct error *e)
{
	struct parser p = { .filter = out, .arena = arena, .e = e, .rest = text, .column = 1 };
	char why[96];
	enum status s;

	*out = (struct filter){ .root = -1, .text = text };
	if (text_trim(text).len == 0)
		return STATUS_OK;
	if (text.len > FILTER_MAX_BYTES)
		return error_set(
			e, STATUS_USAGE, "filter is longer than %d bytes", FILTER_MAX_BYTES);
	if (!text_valid(text, TEXT_LINE, FILTER_MAX_BYTES, why))
		return error_set(e, STATUS_USAGE, "filter %s", why);
	out->nodes = arena_calloc(arena, FILTER_MAX_NODES, sizeof(*out->nodes));
	if (!out->nodes)
		return error_set(e, STATUS_USAGE, "filter needs too much memory");
	s = take_all(&p);
	buf_free(&p.word);
	if (s)
		out->root = -1;
	return s;
}

/* The part of the text around the column, and how many terminal columns stand before it. */
static void add_shown(struct bytes text, size_t column, struct buf *out)
{
	struct bytes before = { text.data, 0 }, rest = text;
	size_t left;

	for (size_t i = 1; i < column && rest.len > 0; i++)
		text_next(&rest);
	before.len = text.len - rest.len;
	for (left = 0; text_width(before) > SHOWN_COLUMNS; left++)
		text_next(&before);
	buf_add_str(out, "\n  ");
	if (left > 0)
		buf_add_str(out, "...");
	text_add_safe(out, before);
	text_add_safe(out, text_cut(rest, SHOWN_COLUMNS / 2));
	buf_add_str(out, "\n  ");
	for (size_t i = text_width(before) + (left > 0 ? 3 : 0); i > 0; i--)
		buf_add_u8(out, ' ');
	buf_add_u8(out, '^');
}

enum status filter_error(
	const struct filter *f, size_t column, struct error *e, const char *format, ...)
{
	struct buf shown = BUF_INIT;
	char what[200];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	add_shown(f->text, column, &shown);
	error_set(
		e, STATUS_USAGE, "%s (column %zu of the filter)%s", what, column, buf_str(&shown));
	buf_free(&shown);
	return STATUS_USAGE;
}
