/* Filters compiled against the fields: names found, values in wire form, periods as stretches of days. */
#include "server/store/condition.h"
#include "common/han.h"
#include "common/text.h"

#define DAY_MS 86400000LL

struct compiler {
	const struct parse_context *ctx;
	struct arena *arena;
	struct condition *out;
	struct error *e;
};

static enum status mistake(struct compiler *c, const struct filter_node *n, const char *format,
	const char *a, const char *b)
{
	struct buf what = BUF_INIT;
	const char *at;

	for (at = format; *at; at++) {
		if (*at == '1' || *at == '2')
			buf_add_str(&what, *at == '1' ? a : b);
		else
			buf_add_u8(&what, (uint8_t)*at);
	}
	struct filter where = { .text = n->text };
	if (n->saved.len > 0)
		buf_printf(&what, " in saved filter \"%.*s\"", (int)text_cut(n->saved, 40).len,
			(const char *)n->saved.data);
	filter_error(&where, n->column, c->e, "%s", buf_str(&what));
	buf_free(&what);
	return STATUS_USAGE;
}

static enum status no_memory(struct compiler *c)
{
	return error_set(c->e, STATUS_USAGE, "filter needs too much memory");
}

/* Paths. */

static enum status unknown_field(
	struct compiler *c, const struct filter_node *n, const struct entity *en, struct bytes name)
{
	const char *near = entity_field_suggest(en, name);
	char *shown = bytes_dup(text_cut(name, 40));
	enum status s;

	if (near)
		s = mistake(c, n, "unknown field \"1\", did you mean \"2\"", shown, near);
	else
		s = mistake(c, n, "unknown field \"1\" of 2", shown, en->name);
	free(shown);
	return s;
}

/* A reference compared by ~ means the name of what it refers to. */
static void add_name_step(struct compiler *c, struct condition_node *to)
{
	const struct field *f = condition_field(to);
	const struct entity *en = type_is_reference(f->type) && c->ctx->schema
					  ? schema_entity(c->ctx->schema, bytes_str(f->refers_to))
					  : NULL;
	const struct field *name =
		en && en->name_field ? entity_field_named(en, en->name_field) : NULL;

	if (to->op != FILTER_CONTAINS || !name)
		return;
	to->entity[to->npath] = en;
	to->field[to->npath++] = name;
	c->out->classes |= 1u << field_strictest(name);
}

static enum status find_path(struct compiler *c, const struct filter_node *from,
	const struct entity *en, struct condition_node *to)
{
	for (int i = 0; i < from->npath; i++) {
		const struct field *f = entity_field(en, from->path[i]);

		if (!f)
			return unknown_field(c, from, en, from->path[i]);
		to->entity[i] = en;
		to->field[i] = f;
		to->npath = i + 1;
		c->out->classes |= 1u << field_strictest(f);
		if (i + 1 == from->npath)
			break;
		en = type_is_reference(f->type) && c->ctx->schema
			     ? schema_entity(c->ctx->schema, bytes_str(f->refers_to))
			     : NULL;
		if (!en)
			return mistake(
				c, from, "field \"1\" refers to no other record", f->name, NULL);
	}
	add_name_step(c, to);
	return STATUS_OK;
}

/* Values. */

/* The type of one item of a list. */
static struct field item_field(const struct field *f)
{
	struct field item = *f;

	switch (f->type) {
	case T_CHOICES:
		item.type = T_CHOICE;
		break;
	case T_REFS:
		item.type = T_REF;
		break;
	case T_TAGS:
	case T_TEXTS:
		item.type = T_TEXT;
		break;
	case T_INTEGERS:
		item.type = T_INTEGER;
		break;
	default:
		break;
	}
	return item;
}

static struct wire_field number_value(const struct field *f, uint64_t v)
{
	return (struct wire_field){ .tag = f->tag, .wire = WIRE_VARINT, .number = v };
}

static bool find_days(struct compiler *c, struct bytes text, civil_date *from, civil_date *to)
{
	struct buf folded = BUF_INIT;
	bool found;

	text_fold(&folded, text);
	found = date_parse(buf_bytes(&folded), from);
	if (found)
		*to = *from;
	else if (c->ctx->today)
		found = date_relative(buf_bytes(&folded), c->ctx->today, from, to);
	buf_free(&folded);
	return found;
}

/* Days and periods for dates and points in time; false when the text is neither. */
static bool days_operand(
	struct compiler *c, const struct field *f, struct bytes text, struct operand *o)
{
	civil_date from, to;

	if ((f->type != T_DATE && f->type != T_DATETIME) || !find_days(c, text, &from, &to))
		return false;
	if (f->type == T_DATE) {
		o->low = number_value(f, (uint64_t)from);
		o->high = number_value(f, (uint64_t)to);
		return true;
	}
	int64_t start = (int64_t)date_to_days(from) * DAY_MS;
	int64_t end = ((int64_t)date_to_days(to) + 1) * DAY_MS;
	if (c->ctx->zone) {
		start = zone_instant(c->ctx->zone, from, 0);
		end = zone_instant(c->ctx->zone, date_add_days(to, 1), 0);
	}
	o->low = number_value(f, zigzag(start));
	o->high = number_value(f, zigzag(end - 1));
	return true;
}

static enum status bad_value(
	struct compiler *c, const struct filter_node *n, const struct field *f, struct error *from)
{
	enum status s = STATUS_USAGE;

	if (from->nfields > 0)
		mistake(c, n, "value of \"1\" 2", f->name, from->fields[0].message);
	else {
		s = from->status;
		error_move(c->e, from);
	}
	error_clear(from);
	return s;
}

/* Takes the copies that a value needs to live as long as the condition. */
static enum status keep_value(
	struct compiler *c, const struct field *f, struct bytes wire, struct operand *o)
{
	struct bytes copy = arena_copy(c->arena, wire);
	struct buf normal = BUF_INIT;

	if (!copy.data || !record_next(&copy, &o->low, NULL))
		return no_memory(c);
	o->high = o->low;
	if (type_is_number(f->type))
		return STATUS_OK;
	type_normal(f, o->low.bytes, &normal);
	o->normal = arena_copy(c->arena, buf_bytes(&normal));
	buf_free(&normal);
	return o->normal.data ? STATUS_OK : no_memory(c);
}

static enum status value_operand(struct compiler *c, const struct filter_node *n,
	const struct field *f, struct bytes text, struct operand *o)
{
	struct field item = item_field(f);
	struct buf wire = BUF_INIT;
	struct error local;
	enum status s;

	if (days_operand(c, f, text, o))
		return STATUS_OK;
	error_init(&local);
	s = type_parse(&item, text, c->ctx, &wire, &local);
	if (s)
		s = bad_value(c, n, f, &local);
	else if (wire.len == 0)
		s = mistake(c, n, "value of \"1\" is blank (write: is empty)", f->name, NULL);
	else
		s = keep_value(c, f, buf_bytes(&wire), o);
	buf_free(&wire);
	return s;
}

static bool is_text(enum field_type type)
{
	return !type_is_number(type);
}

static enum status contains_operand(struct compiler *c, const struct filter_node *n,
	const struct field *f, struct bytes text, struct operand *o)
{
	struct buf folded = BUF_INIT;

	if (!is_text(f->type))
		return mistake(
			c, n, "~ cannot be used with \"1\", which is no text", f->name, NULL);
	text = text_trim(text);
	text_fold(&folded, text);
	han_fold(&folded);
	o->typed = arena_copy(c->arena, text);
	o->normal = arena_copy(c->arena, buf_bytes(&folded));
	buf_free(&folded);
	if (!o->typed.data || !o->normal.data)
		return no_memory(c);
	if (o->normal.len == 0)
		return mistake(c, n, "value of \"1\" is blank (write: is empty)", f->name, NULL);
	return STATUS_OK;
}

static bool has_order(const struct field *f)
{
	switch (f->type) {
	case T_BOOL:
	case T_CHOICE:
	case T_CHOICES:
	case T_REF:
	case T_REFS:
	case T_REF_ANY:
		return false;
	default:
		return true;
	}
}

static bool is_ordering(enum filter_op op)
{
	return op == FILTER_LT || op == FILTER_LE || op == FILTER_GT || op == FILTER_GE;
}

static enum status compile_operands(
	struct compiler *c, const struct filter_node *from, struct condition_node *to)
{
	const struct field *f = condition_field(to);
	enum status s = STATUS_OK;

	if (is_ordering(to->op) && !has_order(f))
		return mistake(c, from, "\"1\" has no order (use = != in)", f->name, NULL);
	to->operands = arena_calloc(c->arena, from->nvalues + 1, sizeof(*to->operands));
	if (!to->operands)
		return no_memory(c);
	for (; to->noperands < from->nvalues && !s; to->noperands++) {
		struct operand *o = &to->operands[to->noperands];
		struct bytes text = from->values[to->noperands];

		s = to->op == FILTER_CONTAINS ? contains_operand(c, from, f, text, o)
					      : value_operand(c, from, f, text, o);
	}
	return s;
}

/* field = "" asks whether it is set. */
static void rewrite_blank(const struct filter_node *from, struct condition_node *to)
{
	if (from->nvalues != 1 || text_trim(from->values[0]).len > 0)
		return;
	if (to->op == FILTER_EQ)
		to->op = FILTER_EMPTY;
	else if (to->op == FILTER_NE)
		to->op = FILTER_NOT_EMPTY;
}

static enum status compile_node(
	struct compiler *c, const struct entity *entity, const struct filter_node *from, int i)
{
	struct condition_node *to = &c->out->nodes[i];
	enum status s;

	*to = (struct condition_node){ .op = from->op, .left = from->left, .right = from->right };
	if (from->op == FILTER_AND || from->op == FILTER_OR || from->op == FILTER_NOT)
		return STATUS_OK;
	s = find_path(c, from, entity, to);
	if (s)
		return s;
	rewrite_blank(from, to);
	if (to->op == FILTER_EMPTY || to->op == FILTER_NOT_EMPTY)
		return STATUS_OK;
	return compile_operands(c, from, to);
}

enum status condition_compile(const struct filter *f, const struct entity *entity,
	const struct parse_context *ctx, struct arena *arena, struct condition **out,
	struct error *e)
{
	static const struct parse_context nothing = { 0 };
	struct compiler c = { .ctx = ctx ? ctx : &nothing, .arena = arena, .e = e };
	struct filter whole;
	enum status s = condition_expand(f, entity, c.ctx, arena, &whole, e);

	if (s)
		return s;
	c.out = arena_calloc(arena, 1, sizeof(*c.out));
	if (!c.out)
		return no_memory(&c);
	c.out->root = whole.root;
	c.out->n = whole.n;
	c.out->nodes = arena_calloc(arena, whole.n + 1, sizeof(*c.out->nodes));
	if (!c.out->nodes)
		return no_memory(&c);
	for (size_t i = 0; i < whole.n && !s; i++)
		s = compile_node(&c, entity, &whole.nodes[i], (int)i);
	if (!s)
		*out = c.out;
	return s;
}

unsigned condition_classes(const struct condition *c)
{
	return c ? c->classes : 0;
}

static bool names_one(const struct condition_node *n, const struct entity *entity)
{
	const struct field *f = n->field[0];
	bool own_name = (entity->name_field && !strcmp(f->name, entity->name_field)) ||
			(entity->number_field && !strcmp(f->name, entity->number_field));

	return own_name || (f->flags & (F_UNIQUE | F_LOOKUP)) || f->type == T_PHONE ||
	       f->type == T_EMAIL;
}

/* Counts the comparisons that name one record; false when there is anything but = joined by and. */
static bool all_equal(
	const struct condition *c, int at, const struct entity *entity, size_t *naming)
{
	const struct condition_node *n = &c->nodes[at];

	if (n->op == FILTER_AND)
		return all_equal(c, n->left, entity, naming) &&
		       all_equal(c, n->right, entity, naming);
	if (n->op != FILTER_EQ || n->npath != 1)
		return false;
	*naming += names_one(n, entity);
	return true;
}

bool condition_names_exactly(const struct condition *c, const struct entity *entity)
{
	size_t naming = 0;

	return c && c->root >= 0 && all_equal(c, c->root, entity, &naming) && naming > 0;
}
