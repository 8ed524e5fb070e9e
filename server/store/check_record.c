/* Verifying one record: its form, its references, and every row that must follow from it. */
#include "server/store/check.h"

/* What a field's value refers to, choices too; NULL: it cannot be checked. */
static const struct entity *target_of(
	const struct check *c, const struct field *f, uint64_t value, uint64_t *id)
{
	const struct schema *schema = txn_schema(c->t);

	*id = value;
	if (f->flags & F_UNAVAILABLE)
		return NULL;
	if (f->type == T_CHOICE || f->type == T_CHOICES)
		return schema_entity(schema, bytes_str("dictionary_entry"));
	return reference_target(schema, f, value, id);
}

static void check_reference(struct check *c, const struct shape *sh, uint64_t id,
	const struct field *f, const struct wire_field *w)
{
	uint64_t other = 0;
	const struct entity *to =
		w->wire == WIRE_VARINT ? target_of(c, f, w->number, &other) : NULL;
	struct key k = key_record(to ? to->number : 0, other);

	if (to && other && !txn_has(c->t, SPACE_REC, key_bytes(&k)))
		check_damage(c, "%s \"%llu\": %s refers to %llu, which is not there",
			sh->entity->name, (unsigned long long)id, f->name,
			(unsigned long long)other);
}

static void check_fields(
	struct check *c, const struct shape *sh, uint64_t id, struct bytes fields, bool computed)
{
	struct wire_field w;
	size_t at = 0;

	if (!record_well_formed(fields)) {
		check_damage(
			c, "%s \"%llu\" is malformed", sh->entity->name, (unsigned long long)id);
		return;
	}
	while (record_next(&fields, &w, NULL)) {
		const struct shape_field *sf = shape_field(sh, w.tag, &at);
		bool belongs = sf && (computed ? (sf->field->flags & F_COMPUTED) : sf->kept);
		if (!belongs || !type_wire_valid(sf->field, &w))
			check_damage(c, "%s \"%llu\": field %u is not valid", sh->entity->name,
				(unsigned long long)id, w.tag);
		else if (sf->field->type == T_FILE)
			check_file_value(c, sh, id, sf->field, w.bytes);
		else
			check_reference(c, sh, id, sf->field, &w);
	}
}

/* All idx keys of a record; false when its scope cannot be read. */
static bool expected_keys(struct check *c, const struct shape *sh, uint64_t id, struct bytes fields)
{
	const struct store *s = c->t->store;
	bool deleted = record_has(fields, TAG_DELETED_AT);
	struct effective scope;

	key_set_clear(&c->keys);
	index_keys(s, sh, id, fields, deleted, &c->keys);
	if (!deleted)
		index_keys(s, sh, id, buf_bytes(&c->calc), false, &c->keys);
	if (scope_effective(c->t, sh, fields, NULL, &scope, NULL))
		return false;
	scope_keys(sh, id, fields, deleted, &scope, &c->keys);
	key_set_sort(&c->keys);
	return true;
}

static void check_index(struct check *c, const struct shape *sh, uint64_t id, struct bytes fields)
{
	if (!expected_keys(c, sh, id, fields)) {
		check_damage(c, "%s \"%llu\": its scope cannot be read", sh->entity->name,
			(unsigned long long)id);
		return;
	}
	for (size_t i = 0; i < c->keys.n; i++) {
		struct bytes key = key_set_at(&c->keys, i);
		if (posting_has(c->t, SPACE_IDX, key_list(key), key_index_id(key)))
			c->expected[SPACE_IDX]++;
		else
			check_damage(c, "%s \"%llu\": index entry of field %u is missing",
				sh->entity->name, (unsigned long long)id, get_be16(key.data + 2));
	}
}

/* Whether the record waits for a value that another one has. One in the trash may wait; it goes before nobody. */
static bool waits(struct check *c, const struct shape *sh, const struct field *f,
	const struct key *k, uint64_t claim, uint64_t holder)
{
	struct key waiting = uniq_waiting(k, claim);

	if (uniq_rank(claim) < uniq_rank(holder) || !check_has(c, SPACE_UNIQ, &waiting))
		return false;
	if (!uniq_rank(claim))
		check_note(c, "note: %s \"%llu\": %s is taken by %s \"%llu\" as well",
			sh->entity->name, (unsigned long long)uniq_claimer(claim), f->name,
			sh->entity->name, (unsigned long long)uniq_claimer(holder));
	return true;
}

static void check_unique(struct check *c, const struct shape *sh, uint64_t id, struct bytes fields)
{
	uint64_t claim = uniq_claim(sh, id, fields);
	struct key k;

	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field;
		if (!sh->fields[i].unique || !uniq_key(c->t->store, sh, f, fields, &k))
			continue;
		bool there = txn_get(c->t, SPACE_UNIQ, key_bytes(&k), &c->scratch, NULL) == 0 &&
			     c->scratch.len == 8;
		uint64_t holder = there ? get_be64(c->scratch.data) : 0;
		if (there && holder == claim)
			c->expected[SPACE_UNIQ]++;
		else if (!there || !waits(c, sh, f, &k, claim, holder))
			check_damage(c, "%s \"%llu\": unique value of %s is missing",
				sh->entity->name, (unsigned long long)id, f->name);
	}
}

static const struct shape *shape_of(const struct check *c, uint16_t entity)
{
	return txn_shape(c->t, entity);
}

void check_record(struct check *c, uint16_t entity, uint64_t id)
{
	const struct shape *sh = shape_of(c, entity);
	struct bytes fields;
	uint64_t version;
	struct error e;

	error_init(&e);
	c->counts.records++;
	if (!sh) {
		check_damage(c, "record %llu belongs to no known entity (%u)",
			(unsigned long long)id, entity);
	} else if (record_read(c->t, entity, id, &c->row, &version, &fields, &e) ||
		   calc_read(c->t, entity, id, &c->calc, &e)) {
		check_damage(c, "%s \"%llu\" cannot be read: %s", sh->entity->name,
			(unsigned long long)id, e.status ? e.message : "it is not there");
	} else {
		check_fields(c, sh, id, fields, false);
		check_fields(c, sh, id, buf_bytes(&c->calc), true);
		if (!c->stale) {
			check_index(c, sh, id, fields);
			check_unique(c, sh, id, fields);
		}
		check_record_log(c, sh, id, version, fields);
		if (c->terms)
			check_terms_record(c, sh, id, fields);
	}
	error_clear(&e);
}

void check_records(struct check *c)
{
	struct bytes none = { 0 }, key;
	struct walk *w;

	if (walk_open(c->t, SPACE_REC, none, &w, NULL))
		return;
	while (walk_next(w, &key)) {
		if (key.len == 10)
			check_record(c, get_be16(key.data), get_be64(key.data + 2));
		else
			check_damage(c, "rec has a key of %zu bytes", key.len);
	}
	walk_close(&w);
}

/* Whether the record that an index entry names asks for it. */
static bool asked_for(struct check *c, struct bytes list, uint64_t id)
{
	const struct shape *sh = list.len < 4 ? NULL : shape_of(c, get_be16(list.data));
	uint64_t version;
	struct bytes fields;

	if (!sh || record_read(c->t, sh->entity->number, id, &c->row, &version, &fields, NULL) ||
		calc_read(c->t, sh->entity->number, id, &c->calc, NULL) ||
		!expected_keys(c, sh, id, fields))
		return false;
	for (size_t i = 0; i < c->keys.n; i++)
		if (key_index_id(key_set_at(&c->keys, i)) == id &&
			bytes_equal(key_list(key_set_at(&c->keys, i)), list))
			return true;
	return false;
}

void check_index_extras(struct check *c)
{
	struct bytes none = { 0 };
	struct posting_walk *w;
	uint64_t id;

	if (posting_open_all(c->t, SPACE_IDX, none, &w, NULL))
		return;
	while (posting_next(w, &id)) {
		struct bytes list = posting_list(w);
		if (!asked_for(c, list, id))
			check_damage(c,
				"index entry of entity %u field %u names %llu without reason",
				list.len < 4 ? 0 : get_be16(list.data),
				list.len < 4 ? 0 : get_be16(list.data + 2), (unsigned long long)id);
	}
	posting_close(&w);
}

static bool owns_unique(struct check *c, struct bytes key, uint64_t claim)
{
	uint64_t id = uniq_claimer(claim);
	const struct shape *sh = key.len < 4 ? NULL : shape_of(c, get_be16(key.data));
	const struct field *f = sh ? entity_field_by_tag(sh->entity, get_be16(key.data + 2)) : NULL;
	struct bytes fields;
	uint64_t version;
	struct key k;

	return f && !record_read(c->t, sh->entity->number, id, &c->row, &version, &fields, NULL) &&
	       uniq_claim(sh, id, fields) == claim && uniq_key(c->t->store, sh, f, fields, &k) &&
	       k.len <= key.len && bytes_equal(key_bytes(&k), bytes_of(key.data, k.len)) &&
	       (key.len == k.len || key.len == k.len + 8);
}

void check_unique_extras(struct check *c)
{
	struct bytes none = { 0 }, key;
	struct walk *w;

	if (walk_open(c->t, SPACE_UNIQ, none, &w, NULL))
		return;
	while (walk_next(w, &key)) {
		if (walk_value(w, &c->scratch, NULL) || c->scratch.len != 8)
			continue;
		uint64_t claim = get_be64(c->scratch.data);
		if (!owns_unique(c, key, claim))
			check_damage(c, "unique value of entity %u names %llu without reason",
				key.len < 4 ? 0 : get_be16(key.data),
				(unsigned long long)uniq_claimer(claim));
	}
	walk_close(&w);
}
