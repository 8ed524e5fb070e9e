/* Numbers of records: from index entries alone where they tell all, else from the records that the indexes leave. */
#include "server/store/query_count.h"

enum status count_open(struct count *c, struct txn *t, const struct query *q, struct error *e)
{
	static const struct order none = { .id_descending = true };

	*c = (struct count){ .txn = t, .query = q, .scope = *q->scope, .e = e };
	c->scope.trash_too = q->trash;
	return plan_make(t, q, &none, true, &c->plan, e);
}

void count_close(struct count *c)
{
	plan_free(&c->plan);
	buf_free(&c->row);
}

/* STATUS_NOT_FOUND: does not count. */
static enum status read_one(struct count *c, uint64_t id, struct stored *out)
{
	enum status s = store_get(c->txn, &c->scope, c->query->entity, id, &c->row, out, c->e);

	if (s == STATUS_NOT_FOUND && c->e)
		error_clear(c->e);
	if (!s && (out->deleted != c->query->trash ||
			  !condition_match(c->query->condition, c->txn, c->query->scope, out)))
		return STATUS_NOT_FOUND;
	return s;
}

enum status count_each(struct count *c, count_row *row, void *arg)
{
	uint64_t id = UINT64_MAX;
	enum status s = plan_rest(&c->plan, c->txn, c->query, c->e);

	while (!s && id && (id = ids_seek(c->plan.ids, id)) != 0) {
		struct stored record;
		s = read_one(c, id, &record);
		if (!s)
			s = row(arg, &record, c->e);
		else if (s == STATUS_NOT_FOUND)
			s = STATUS_OK;
		query_pause(c->query, &c->read);
		id--;
	}
	return s;
}

static enum status count_one(void *arg, const struct stored *record, struct error *e)
{
	++*(uint64_t *)arg;
	return STATUS_OK;
}

static uint64_t stretch_count(struct txn *t, const struct ids *x)
{
	return entries_count(t, &x->low, &x->high, SIZE_MAX);
}

/* Entries of a set that is one list or one stretch with an entry a record. */
static bool count_plainly(struct txn *t, struct ids *x, uint64_t *count)
{
	while ((x->kind == IDS_AND || x->kind == IDS_OR) && x->nparts == 1)
		x = x->parts[0];
	if (x->kind == IDS_LIST) {
		struct ids *stretch = plan_stretch_of(x);
		*count = stretch_count(t, stretch);
		ids_free(&stretch);
		return true;
	}
	if (x->kind != IDS_RANGE || type_is_list(x->field->type) ||
		entity_field_reading(x->entity, x->field))
		return false;
	*count = x->places ? ids_count_places(x, t) : stretch_count(t, x);
	return true;
}

enum status count_there(struct count *c, uint64_t *count)
{
	struct key all = key_index(c->query->entity->number, KEY_ALL);
	struct key low = all, high = all;

	key_add_u64(&low, 0);
	key_add_u64(&high, UINT64_MAX);
	*count = entries_count(c->txn, &low, &high, SIZE_MAX);
	return STATUS_OK;
}

/* What cannot name its members (not A): all but those that it leaves out. */
static enum status count_left(struct count *c, const struct bits *have, uint64_t *count)
{
	enum status s = count_there(c, count);

	*count -= have->n * 64 - bits_count(have);
	return s;
}

static enum status count_set(struct count *c, uint64_t *count)
{
	struct ids *x = c->plan.ids;
	struct bits bits;
	uint64_t next = 0;
	enum status s;

	if (count_plainly(c->txn, x, count))
		return STATUS_OK;
	s = store_next_id(c->txn, x->entity, &next, c->e);
	if (s)
		return s;
	bits_init(&bits, next);
	s = ids_fill(x, c->txn, &bits, c->e);
	if (!s && ids_names(x))
		*count = bits_count(&bits);
	else if (!s)
		s = count_left(c, &bits, count);
	bits_release(&bits);
	return s;
}

enum status query_count(struct txn *t, const struct query *q, uint64_t *count, struct error *e)
{
	struct count c;
	enum status s = count_open(&c, t, q, e);

	*count = 0;
	if (!s && c.plan.exact && c.plan.ids->nparts == 0)
		s = count_there(&c, count);
	else if (!s && c.plan.exact)
		s = count_set(&c, count);
	else if (!s)
		s = count_each(&c, count_one, count);
	count_close(&c);
	return s;
}

enum status query_explain_count(
	struct txn *t, const struct query *q, struct buf *out, struct error *e)
{
	static const struct order none = { .id_descending = true };
	struct count c;
	enum status s = count_open(&c, t, q, e);

	if (!s)
		plan_explain(&c.plan, q, &none, out);
	count_close(&c);
	return s;
}
