/* Whether a record meets a compiled filter. */
#include "common/han.h"
#include "common/pinyin.h"
#include "common/text.h"
#include "server/store/condition.h"

struct matcher {
	const struct condition *condition;
	struct txn *txn;
	const struct scope *scope;
};

static bool contains(struct bytes text, struct bytes part)
{
	return part.len <= text.len && memmem(text.data, text.len, part.data, part.len) != NULL;
}

/* The text folded, in simplified characters, a phone or address also in its normal form, a name also by pinyin. */
static bool contains_value(const struct field *f, const struct operand *o,
	const struct wire_field *w, struct bytes reading)
{
	struct buf text = BUF_INIT;
	bool found;

	text_fold(&text, w->bytes);
	han_fold(&text);
	found = contains(buf_bytes(&text), o->normal);
	if (!found && f->type != T_TEXT && f->type != T_LONG_TEXT) {
		buf_clear(&text);
		type_normal(f, w->bytes, &text);
		found = contains(buf_bytes(&text), o->normal);
	}
	if (!found && (f->flags & F_NAME))
		found = pinyin_match(w->bytes, reading, o->typed) > 0;
	buf_free(&text);
	return found;
}

static bool equals_text(const struct field *f, const struct operand *o, const struct wire_field *w)
{
	struct buf normal = BUF_INIT;
	bool same;

	if (bytes_equal(o->low.bytes, w->bytes))
		return true;
	type_normal(f, w->bytes, &normal);
	same = bytes_equal(buf_bytes(&normal), o->normal);
	buf_free(&normal);
	return same;
}

static bool equals(const struct field *f, const struct operand *o, const struct wire_field *w)
{
	if (!type_is_number(f->type))
		return equals_text(f, o, w);
	return type_compare(f, w, &o->low) >= 0 && type_compare(f, w, &o->high) <= 0;
}

static bool in_list(
	const struct field *f, const struct condition_node *n, const struct wire_field *w)
{
	for (size_t i = 0; i < n->noperands; i++) {
		if (equals(f, &n->operands[i], w))
			return true;
	}
	return false;
}

static bool value_meets(const struct field *f, const struct condition_node *n,
	const struct wire_field *w, struct bytes reading)
{
	const struct operand *o = n->operands;

	switch (n->op) {
	case FILTER_EQ:
	case FILTER_NE:
		return equals(f, o, w);
	case FILTER_IN:
		return in_list(f, n, w);
	case FILTER_LT:
		return type_compare(f, w, &o->low) < 0;
	case FILTER_LE:
		return type_compare(f, w, &o->high) <= 0;
	case FILTER_GT:
		return type_compare(f, w, &o->high) > 0;
	case FILTER_GE:
		return type_compare(f, w, &o->low) >= 0;
	case FILTER_CONTAINS:
		return contains_value(f, o, w, reading);
	default:
		return true; /* EMPTY, NOT_EMPTY: there is a value */
	}
}

static struct bytes reading_of(
	const struct entity *en, const struct field *f, const struct stored *record)
{
	const struct field *reading = entity_field_reading(en, f);

	return reading ? record_text(record->fields, reading->tag) : (struct bytes){ 0 };
}

static bool virtual_value(const struct field *f, const struct stored *record, struct wire_field *w)
{
	*w = (struct wire_field){ .tag = f->tag, .wire = WIRE_VARINT };
	w->number = zigzag((int64_t)(f->tag == TAG_ID ? record->id : record->version));
	return true;
}

bool condition_leaf_meets(const struct condition_node *n, const struct stored *record)
{
	const struct field *f = condition_field(n);
	const struct entity *en = n->entity[n->npath - 1];
	struct bytes fields = record->fields, reading;
	struct wire_field w;

	if (f->flags & F_VIRTUAL)
		return virtual_value(f, record, &w) && value_meets(f, n, &w, (struct bytes){ 0 });
	reading = n->op == FILTER_CONTAINS ? reading_of(en, f, record) : (struct bytes){ 0 };
	while (record_next(&fields, &w, NULL)) {
		if (w.tag == f->tag && value_meets(f, n, &w, reading))
			return true;
	}
	return false;
}

/* True when some record at the end of the path has a value that meets the node. */
static bool path_meets(const struct matcher *m, const struct condition_node *n, int step,
	const struct stored *record)
{
	struct bytes fields = record->fields;
	struct wire_field w;
	bool met = false;

	if (step == n->npath - 1)
		return condition_leaf_meets(n, record);
	while (!met && record_next(&fields, &w, NULL)) {
		struct buf row = BUF_INIT;
		struct stored next;

		if (w.tag != n->field[step]->tag)
			continue;
		if (store_get(m->txn, m->scope, n->entity[step + 1], w.number, &row, &next, NULL) ==
			STATUS_OK)
			met = path_meets(m, n, step + 1, &next);
		buf_free(&row);
	}
	return met;
}

static bool node_meets(const struct matcher *m, int i, const struct stored *record)
{
	const struct condition_node *n = &m->condition->nodes[i];

	switch (n->op) {
	case FILTER_AND:
		return node_meets(m, n->left, record) && node_meets(m, n->right, record);
	case FILTER_OR:
		return node_meets(m, n->left, record) || node_meets(m, n->right, record);
	case FILTER_NOT:
		return !node_meets(m, n->left, record);
	case FILTER_NE:
	case FILTER_EMPTY:
		return !path_meets(m, n, 0, record);
	default:
		return path_meets(m, n, 0, record);
	}
}

bool condition_match(const struct condition *c, struct txn *t, const struct scope *scope,
	const struct stored *record)
{
	struct scope seen = *scope;
	struct matcher m = { .condition = c, .txn = t, .scope = &seen };

	seen.trash_too = false; /* what a record refers to counts only while it is there */
	return !c || c->root < 0 || node_meets(&m, c->root, record);
}
