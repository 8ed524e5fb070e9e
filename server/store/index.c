/* Index keys of a record, and the writing of differences between two sets of keys. */
#include "server/store/internal.h"

#define SMALL_SET 64

void key_set_add(struct key_set *ks, const struct key *k)
{
	ks->items = items_grow(ks->items, ks->n, &ks->cap, sizeof(*ks->items));
	ks->items[ks->n].at = (uint32_t)ks->data.len;
	ks->items[ks->n++].len = (uint32_t)k->len;
	buf_add(&ks->data, k->data, k->len);
}

static int compare_at(const void *a, const void *b, void *arg)
{
	const struct key_at *x = a, *y = b;
	const uint8_t *data = arg;

	return bytes_compare(bytes_of(data + x->at, x->len), bytes_of(data + y->at, y->len));
}

/* The keys of a record come almost in order. */
static void insertion_sort(struct key_set *ks)
{
	for (size_t i = 1; i < ks->n; i++) {
		struct key_at moving = ks->items[i];
		size_t j = i;
		while (j > 0 && compare_at(&ks->items[j - 1], &moving, ks->data.data) > 0) {
			ks->items[j] = ks->items[j - 1];
			j--;
		}
		ks->items[j] = moving;
	}
}

void key_set_sort(struct key_set *ks)
{
	size_t n = 0;

	if (ks->n <= SMALL_SET)
		insertion_sort(ks);
	else
		qsort_r(ks->items, ks->n, sizeof(*ks->items), compare_at, ks->data.data);
	for (size_t i = 0; i < ks->n; i++)
		if (!n || compare_at(&ks->items[n - 1], &ks->items[i], ks->data.data) != 0)
			ks->items[n++] = ks->items[i];
	ks->n = n;
}

void key_set_clear(struct key_set *ks)
{
	buf_clear(&ks->data);
	ks->n = 0;
}

void key_set_free(struct key_set *ks)
{
	buf_free(&ks->data);
	free(ks->items);
	*ks = (struct key_set){ 0 };
}

enum status key_set_apply(
	struct txn *t, const struct key_set *before, const struct key_set *after, struct error *e)
{
	enum status s = STATUS_OK;
	size_t b = 0, a = 0;

	while (!s && (b < before->n || a < after->n)) {
		int order = b == before->n ? 1
			    : a == after->n
				    ? -1
				    : bytes_compare(key_set_at(before, b), key_set_at(after, a));
		if (order < 0)
			s = posting_remove(t, SPACE_IDX, key_list(key_set_at(before, b)),
				key_index_id(key_set_at(before, b)), e);
		else if (order > 0)
			s = posting_add(t, SPACE_IDX, key_list(key_set_at(after, a)),
				key_index_id(key_set_at(after, a)), e);
		b += order <= 0;
		a += order >= 0;
	}
	return s;
}

static void add_value(const struct store *s, const struct shape *sh, const struct field *f,
	const struct wire_field *w, uint64_t id, struct key_set *out)
{
	struct key k = key_index_value(s, sh->entity, f, w);

	key_add_u64(&k, id);
	key_set_add(out, &k);
}

/* A name with a corrected reading stands a second time where its reading puts it. */
static void add_readings(
	const struct shape *sh, uint64_t id, struct bytes fields, struct key_set *out)
{
	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field, *reading = sh->fields[i].reading;
		struct key k = key_index(sh->entity->number, f->tag);
		struct wire_field w, r;

		if (!reading || !record_find(fields, reading->tag, &r) ||
			!record_find(fields, f->tag, &w))
			continue;
		k.len += type_key_reading(f, &w, r.bytes, k.data + k.len);
		k.data[k.len++] = 0;
		key_add_u64(&k, id);
		key_set_add(out, &k);
	}
}

/* A reading may put a name where it stands anyway: that entry must outlive the reading, though the name does not change. */
static void add_read_names(const struct store *s, const struct shape *sh, uint64_t id,
	struct bytes fields, struct key_set *out)
{
	struct wire_field w;

	for (size_t i = 0; i < sh->nfields; i++) {
		const struct shape_field *sf = &sh->fields[i];
		if (sf->reading && sf->indexed && record_find(fields, sf->field->tag, &w))
			add_value(s, sh, sf->field, &w, id, out);
	}
}

static void add_reference(const struct shape *sh, const struct shape_field *sf, bool deleted,
	const struct wire_field *w, uint64_t id, struct key_set *out)
{
	uint64_t ref = sf->to ? any_ref(sf->to, w->number) : w->number;
	struct key k = key_refers(sh->entity->number, deleted, sf->field->tag, ref);

	if (!w->number || (!deleted && !shape_refers_apart(sf)))
		return;
	key_add_u64(&k, id);
	key_set_add(out, &k);
}

void index_keys(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	bool deleted, struct key_set *out)
{
	struct key all = key_index(sh->entity->number, KEY_ALL | (deleted ? KEY_TRASHED : 0));
	struct bytes whole = fields;
	struct wire_field w;
	size_t at = 0;

	key_add_u64(&all, id);
	key_set_add(out, &all);
	while (record_next(&fields, &w, NULL)) {
		const struct shape_field *sf = shape_field(sh, w.tag, &at);
		if (sf && sf->indexed && (!deleted || w.tag == TAG_DELETED_AT))
			add_value(s, sh, sf->field, &w, id, out);
		if (sf && sf->refers)
			add_reference(sh, sf, deleted, &w, id, out);
	}
	if (!deleted) {
		add_readings(sh, id, whole, out);
		match_keys(s, sh, id, whole, out);
	}
}

void index_keys_of(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	const uint32_t *tags, size_t ntags, struct key_set *out)
{
	struct bytes whole = fields;
	struct wire_field w;
	size_t at = 0, i = 0;

	while (i < ntags && record_next(&fields, &w, NULL)) {
		while (i < ntags && tags[i] < w.tag)
			i++;
		if (i == ntags || tags[i] != w.tag)
			continue;
		const struct shape_field *sf = shape_field(sh, w.tag, &at);
		if (sf && sf->indexed)
			add_value(s, sh, sf->field, &w, id, out);
		if (sf && sf->refers)
			add_reference(sh, sf, false, &w, id, out);
	}
	add_read_names(s, sh, id, whole, out);
	add_readings(sh, id, whole, out);
	match_keys(s, sh, id, whole, out);
}

size_t store_find_equal(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes wire, uint64_t after_id, uint64_t *ids, size_t max)
{
	struct wire_field w;

	if (!record_next(&wire, &w, NULL))
		return 0;
	struct key list = key_index_value(t->store, entity, f, &w);
	return posting_ids(t, SPACE_IDX, key_bytes(&list), after_id, ids, max);
}

uint64_t store_count_equal(
	struct txn *t, const struct entity *entity, const struct field *f, struct bytes wire)
{
	struct wire_field w;

	if (!record_next(&wire, &w, NULL))
		return 0;
	struct key list = key_index_value(t->store, entity, f, &w);
	return posting_count(t, SPACE_IDX, key_bytes(&list));
}
