/* Saved filters in the places where a filter names them. */
#include "server/store/condition.h"
#include <glib.h>

#define NODES_MAX 1024

struct expander {
	const struct entity *entity;
	const struct parse_context *ctx;
	struct arena *arena;
	struct filter *out;
	struct bytes names[FILTER_MAX_SAVED]; /* those that are being put in */
	size_t depth;
	struct error *e;
};

static enum status fault(struct expander *x, const struct filter_node *n, const char *what)
{
	struct filter where = { .text = n->text };

	return filter_error(&where, n->column, x->e, "%s", what);
}

static enum status no_memory(struct expander *x)
{
	return error_set(x->e, STATUS_USAGE, "filter needs too much memory");
}

/* id OP VALUE */
static struct filter_node of_ids(const struct filter_node *from, enum filter_op op)
{
	struct filter_node n = *from;

	n.op = op;
	n.path[0] = bytes_str("id");
	n.npath = 1;
	return n;
}

static enum status members(struct expander *x, const struct filter_node *from,
	const struct saved_filter *saved, struct filter_node *out)
{
	struct bytes run = saved->members;
	struct wire_field w;
	size_t cap = saved->members.len / 2 + 1; /* a number takes two bytes at least */

	*out = of_ids(from, FILTER_IN);
	out->nvalues = 0;
	out->values = arena_calloc(x->arena, cap, sizeof(*out->values));
	while (out->values && out->nvalues < cap && record_next(&run, &w, NULL)) {
		char text[24];
		g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT, unzigzag(w.number));
		out->values[out->nvalues++] = arena_copy(x->arena, bytes_str(text));
	}
	return out->values ? STATUS_OK : no_memory(x);
}

static enum status find(struct expander *x, const struct filter_node *n, struct saved_filter *saved)
{
	struct error local;
	enum status s;

	for (size_t i = 0; i < x->depth; i++)
		if (bytes_equal(x->names[i], n->values[0]))
			return fault(x, n, "saved filter contains itself");
	if (x->depth == FILTER_MAX_SAVED)
		return fault(x, n, "saved filters stand too deep in one another");
	if (!x->ctx->saved)
		return fault(x, n, "there are no saved filters here");
	error_init(&local);
	s = x->ctx->saved(x->ctx->arg, x->entity, n->values[0], saved, &local);
	if (s)
		s = fault(x, n, local.message);
	error_clear(&local);
	return s;
}

static enum status add_all(
	struct expander *x, const struct filter *f, struct bytes saved, int *root);

static enum status add_node(struct expander *x, const struct filter_node *n, int *at)
{
	if (x->out->n == NODES_MAX)
		return error_set(x->e, STATUS_USAGE, "filter has more than %d parts", NODES_MAX);
	*at = (int)x->out->n;
	x->out->nodes[x->out->n++] = *n;
	return STATUS_OK;
}

static enum status add_saved(struct expander *x, const struct filter_node *n, int *at)
{
	struct saved_filter saved = { 0 };
	struct filter_node ids;
	struct filter inner;
	enum status s = find(x, n, &saved);

	if (!s && saved.fixed) {
		s = members(x, n, &saved, &ids);
		return s ? s : add_node(x, &ids, at);
	}
	if (!s)
		s = filter_parse(saved.text, x->arena, &inner, x->e);
	if (s)
		return s;
	if (inner.root < 0) {
		ids = of_ids(n, FILTER_GE);
		ids.values = arena_calloc(x->arena, 1, sizeof(*ids.values));
		if (!ids.values)
			return no_memory(x);
		*ids.values = bytes_str("0");
		return add_node(x, &ids, at);
	}
	x->names[x->depth++] = n->values[0];
	s = add_all(x, &inner, n->values[0], at);
	x->depth--;
	return s;
}

static enum status add_tree(
	struct expander *x, const struct filter *f, int from, struct bytes saved, int *at)
{
	struct filter_node n = f->nodes[from];
	enum status s = STATUS_OK;

	if (n.op == FILTER_SAVED)
		return add_saved(x, &n, at);
	n.saved = saved;
	if (n.op == FILTER_AND || n.op == FILTER_OR || n.op == FILTER_NOT)
		s = add_tree(x, f, f->nodes[from].left, saved, &n.left);
	if (!s && (n.op == FILTER_AND || n.op == FILTER_OR))
		s = add_tree(x, f, f->nodes[from].right, saved, &n.right);
	return s ? s : add_node(x, &n, at);
}

static enum status add_all(
	struct expander *x, const struct filter *f, struct bytes saved, int *root)
{
	return add_tree(x, f, f->root, saved, root);
}

static bool names_saved(const struct filter *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->nodes[i].op == FILTER_SAVED)
			return true;
	return false;
}

enum status condition_expand(const struct filter *f, const struct entity *entity,
	const struct parse_context *ctx, struct arena *arena, struct filter *out, struct error *e)
{
	struct expander x = { .entity = entity, .ctx = ctx, .arena = arena, .out = out, .e = e };

	*out = *f;
	if (!names_saved(f))
		return STATUS_OK;
	out->n = 0;
	out->nodes = arena_calloc(arena, NODES_MAX, sizeof(*out->nodes));
	if (!out->nodes)
		return no_memory(&x);
	return add_all(&x, f, (struct bytes){ 0 }, &out->root);
}
