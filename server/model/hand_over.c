/* What somebody who leaves is in charge of goes to another user: by the owner fields of the rows, entity after entity. */
#include "server/model/computed.h"
#include <glib.h>

#define PAGE 64
#define PLACE_ID_BITS 48

/* The field by which records of the entity are handed over; NULL: none. */
static const struct field *owner_of(const struct entity *en)
{
	return en->handed_over ? entity_field_named(en, en->owner_field) : NULL;
}

/* What is done stays with who did it. */
static bool is_over(struct txn *t, const struct entity *en, struct bytes fields)
{
	uint64_t state = *en->handed_over ? model_number(en, fields, en->handed_over) : 0;

	return state && entry_says(t, state, "closed", "yes");
}

static enum status give(const struct model_handover *h, const struct entity *en,
	const struct stored *record, struct error *e)
{
	struct model_write w = h->write;
	struct buf patch = BUF_INIT, fields = BUF_INIT, checked = BUF_INIT;
	uint64_t id = record->id;
	enum status s;

	w.entity = en;
	w.before = record;
	w.id = id;
	record_add_number(&patch, owner_of(en)->tag, h->to);
	record_merge(record->fields, buf_bytes(&patch), NULL, 0, &fields);
	s = model_check(&w, buf_bytes(&fields), &checked, e);
	if (s == STATUS_INVALID)
		error_prefix(e, "%s \"%llu\"", en->name, (unsigned long long)id);
	if (!s)
		s = store_put(w.txn, w.author, en, &id, "set", buf_bytes(&checked), NULL, e);
	buf_free(&patch);
	buf_free(&fields);
	buf_free(&checked);
	return s;
}

/* At most most records of one entity after *after; *n: looked at, fewer means that none is left. */
static enum status give_some(const struct model_handover *h, const struct entity *en,
	uint64_t *after, size_t most, size_t *n, uint64_t *count, struct error *e)
{
	struct txn *t = h->write.txn;
	const struct field *f = owner_of(en);
	struct buf wire = BUF_INIT, room = BUF_INIT;
	enum status s = STATUS_OK;
	struct stored record;
	uint64_t ids[PAGE];

	record_add_number(&wire, f->tag, h->from);
	*n = store_find_equal(t, en, f, buf_bytes(&wire), *after, ids, MIN(most, PAGE));
	for (size_t i = 0; !s && i < *n; i++) {
		*after = ids[i];
		/* a record that came over with the one before it, as contacts do, is counted by that */
		if (!read_live(t, en, ids[i], &room, &record) ||
			model_number(en, record.fields, en->owner_field) != h->from ||
			is_over(t, en, record.fields))
			continue;
		(*count)++;
		if (!h->only_count)
			s = give(h, en, &record, e);
	}
	buf_free(&wire);
	buf_free(&room);
	return s;
}

enum status model_hand_over(const struct model_handover *h, uint64_t *place, size_t most,
	uint64_t *count, bool *end, struct error *e)
{
	const struct schema *schema = txn_schema(h->write.txn);
	enum status s = STATUS_OK;

	while (!s && most && *place >> PLACE_ID_BITS < schema_count(schema)) {
		const struct entity *en = schema_at(schema, *place >> PLACE_ID_BITS);
		uint64_t after = *place & ((UINT64_C(1) << PLACE_ID_BITS) - 1);
		size_t part = MIN(most, PAGE), n = 0;
		if (owner_of(en))
			s = give_some(h, en, &after, part, &n, count, e);
		most -= n;
		*place = n < part ? ((*place >> PLACE_ID_BITS) + 1) << PLACE_ID_BITS
				  : (*place >> PLACE_ID_BITS) << PLACE_ID_BITS | after;
	}
	*end = *place >> PLACE_ID_BITS >= schema_count(schema);
	return s;
}

size_t model_hand_over_entity(uint64_t place)
{
	return (size_t)(place >> PLACE_ID_BITS);
}
