/* Saved filters by name: the caller's own before those of others that he sees. */
#include "server/model/lookup.h"

#define NAMESAKES 64

struct search {
	struct lookup *lookup;
	const struct entity *entity; /* saved_filter */
	const struct entity *of;     /* whose records it filters */
	uint64_t user;
	bool own;
};

static uint64_t number(const struct entity *en, struct bytes fields, const char *name)
{
	const struct field *f = entity_field_named(en, name);

	return f ? record_number(fields, f->tag) : 0;
}

static struct bytes text(const struct entity *en, struct bytes fields, const char *name)
{
	const struct field *f = entity_field_named(en, name);

	return f ? record_text(fields, f->tag) : (struct bytes){ 0 };
}

/* The members as they are found now: one that was merged is the record that stayed. */
static struct bytes members_now(const struct search *s, uint32_t tag, struct bytes run)
{
	struct buf now = BUF_INIT;
	struct wire_field w;
	struct bytes copy;

	while (record_next(&run, &w, NULL)) {
		uint64_t id = (uint64_t)unzigzag(w.number);
		id = store_survivor(lookup_txn(s->lookup), s->of, id);
		record_add_number(&now, tag, zigzag((int64_t)id));
	}
	copy = arena_copy(lookup_arena(s->lookup), buf_bytes(&now));
	buf_free(&now);
	return copy;
}

static enum status take(
	const struct search *s, struct bytes fields, struct saved_filter *out, struct error *e)
{
	const struct field *members = entity_field_named(s->entity, "members");
	const char *kind = lookup_code(s->lookup, number(s->entity, fields, "group_kind"));
	struct bytes copy = arena_copy(lookup_arena(s->lookup), fields);

	if (!copy.data)
		return error_set(e, STATUS_INVALID, "reply too large");
	out->fixed = !strcmp(kind, "static");
	out->text = text(s->entity, copy, "filter");
	out->members = members_now(s, members->tag, record_run(copy, members->tag));
	return STATUS_OK;
}

/* STATUS_NOT_FOUND: this one is not meant. */
static enum status consider(
	const struct search *s, uint64_t id, struct saved_filter *out, struct error *e)
{
	struct buf row = BUF_INIT;
	struct stored record;
	enum status st = store_get(
		lookup_txn(s->lookup), lookup_scope(s->lookup), s->entity, id, &row, &record, NULL);

	if (!st) {
		uint64_t owner = number(s->entity, record.fields, "owner");
		bool mine = s->user && owner == s->user;
		if (!bytes_equal_str(text(s->entity, record.fields, "entity"), s->of->name) ||
			mine != s->own)
			st = STATUS_NOT_FOUND;
	}
	if (!st)
		st = take(s, record.fields, out, e);
	buf_free(&row);
	return st;
}

enum status saved_find(void *arg, const struct entity *entity, struct bytes name,
	struct saved_filter *out, struct error *e)
{
	struct search s = { .lookup = arg, .of = entity, .user = lookup_scope(arg)->user };
	const struct field *field;
	struct buf wire = BUF_INIT;
	uint64_t ids[NAMESAKES];
	size_t n;
	enum status st = STATUS_NOT_FOUND;

	s.entity = schema_entity_by_number(lookup_schema(s.lookup), ENTITY_SAVED_FILTER);
	field = entity_field_named(s.entity, "name");
	record_add_text(&wire, field->tag, name);
	n = store_find_equal(
		lookup_txn(s.lookup), s.entity, field, buf_bytes(&wire), 0, ids, NAMESAKES);
	buf_free(&wire);
	for (int round = 0; round < 2; round++) {
		s.own = round == 0;
		for (size_t i = 0; i < n && st == STATUS_NOT_FOUND; i++)
			st = consider(&s, ids[i], out, e);
	}
	if (st == STATUS_NOT_FOUND)
		error_set(e, st, "there is no saved filter \"%.*s\" of %s", (int)name.len,
			(const char *)name.data, entity->name);
	return st;
}
