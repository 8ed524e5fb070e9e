/* Reading records, within a scope. */
#include "server/store/internal.h"

enum status record_read(struct txn *t, uint16_t entity, uint64_t id, struct buf *row,
	uint64_t *version, struct bytes *fields, struct error *e)
{
	struct key k = key_record(entity, id);
	enum status s = txn_get(t, SPACE_REC, key_bytes(&k), row, e);

	if (s)
		return s;
	*fields = buf_bytes(row);
	if (!take_u64(fields, version))
		return txn_damaged(SPACE_REC, key_bytes(&k), e);
	return STATUS_OK;
}

enum status calc_read(struct txn *t, uint16_t entity, uint64_t id, struct buf *buf, struct error *e)
{
	struct key k = key_record(entity, id);
	enum status s = txn_get(t, SPACE_CALC, key_bytes(&k), buf, e);

	if (s == STATUS_NOT_FOUND)
		buf_clear(buf);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

struct entry_of {
	struct txn *t;
	uint64_t id;
	unsigned trash;
};

static bool has_entry(void *arg, const struct entity *entity, unsigned tag, uint64_t value)
{
	const struct entry_of *x = arg;
	struct key list = key_scope_value(entity->number, (uint16_t)(tag | x->trash), value);

	return value && posting_has(x->t, SPACE_IDX, key_bytes(&list), x->id);
}

static bool in_scope(struct txn *t, const struct scope *scope, const struct entity *entity,
	uint64_t id, unsigned trash)
{
	struct entry_of x = { t, id, trash };

	return scope_lists(scope, entity, has_entry, &x);
}

bool store_visible(
	struct txn *t, const struct scope *scope, const struct entity *entity, uint64_t id)
{
	struct buf row = BUF_INIT;
	struct bytes fields;
	uint64_t version;

	if (!scope_sees_all(scope, entity))
		return in_scope(t, scope, entity, id, 0) ||
		       (scope->trash_too && in_scope(t, scope, entity, id, KEY_TRASHED));
	bool there =
		record_read(t, entity->number, id, &row, &version, &fields, NULL) == STATUS_OK &&
		(scope->trash_too || !record_has(fields, TAG_DELETED_AT));
	buf_free(&row);
	return there;
}

static enum status not_found(const struct entity *entity, uint64_t id, struct error *e)
{
	return error_set(e, STATUS_NOT_FOUND, "there is no %s \"%llu\"", entity->name,
		(unsigned long long)id);
}

/* Puts the computed fields among the entered ones; buf becomes version and fields. */
static enum status add_computed(
	struct txn *t, const struct entity *entity, uint64_t id, struct buf *buf, struct error *e)
{
	struct buf whole = BUF_INIT;
	enum status s = calc_read(t, entity->number, id, &t->calc, e);

	if (s || !t->calc.len)
		return s;
	buf_reserve(&whole, buf->len + t->calc.len);
	buf_add(&whole, buf->data, 8);
	record_merge(bytes_of(buf->data + 8, buf->len - 8), buf_bytes(&t->calc), NULL, 0, &whole);
	buf_free(buf);
	*buf = whole;
	return STATUS_OK;
}

enum status store_get_entered(struct txn *t, const struct scope *scope, const struct entity *entity,
	uint64_t id, struct buf *buf, struct stored *out, struct error *e)
{
	*out = (struct stored){ .id = id };
	if (!scope_sees_all(scope, entity) && !store_visible(t, scope, entity, id))
		return not_found(entity, id, e);
	enum status s = record_read(t, entity->number, id, buf, &out->version, &out->fields, e);
	if (s == STATUS_NOT_FOUND)
		return not_found(entity, id, e);
	if (s)
		return s;
	out->deleted = record_has(out->fields, TAG_DELETED_AT);
	return out->deleted && !scope->trash_too ? not_found(entity, id, e) : STATUS_OK;
}

enum status store_get(struct txn *t, const struct scope *scope, const struct entity *entity,
	uint64_t id, struct buf *buf, struct stored *out, struct error *e)
{
	enum status s = store_get_entered(t, scope, entity, id, buf, out, e);

	if (s)
		return s;
	s = add_computed(t, entity, id, buf, e);
	out->fields = bytes_of(buf->data + 8, buf->len - 8);
	return s;
}

uint64_t store_survivor(struct txn *t, const struct entity *entity, uint64_t id)
{
	struct buf value = BUF_INIT;

	for (int hops = 0; hops < 64; hops++) {
		struct key k = key_record(entity->number, id);
		if (txn_get(t, SPACE_MOVED, key_bytes(&k), &value, NULL) || value.len != 8)
			break;
		id = get_be64(value.data);
	}
	buf_free(&value);
	return id;
}
