/* Emptying the trash: what lies there longest, what refers to it, and the end of a record. */
#include "server/store/file.h"
#include "server/store/internal.h"

#define ENTRIES 64
#define REFERRERS 256 /* at once */

enum status store_trash_next(struct txn *t, const struct entity *entity, int64_t *deleted_ms,
	uint64_t *id, struct error *e)
{
	const struct field *f = entity_field_by_tag(entity, TAG_DELETED_AT);
	struct key prefix = key_index(entity->number, TAG_DELETED_AT);
	struct buf wire = BUF_INIT, row = BUF_INIT;
	struct posting_walk *w = NULL;
	struct bytes run, fields;
	struct wire_field value;
	uint64_t version;
	enum status s;

	record_add_signed(&wire, TAG_DELETED_AT, *deleted_ms);
	run = buf_bytes(&wire);
	record_next(&run, &value, NULL);
	struct key from = key_index_value(t->store, entity, f, &value);
	s = posting_open_all(t, SPACE_IDX, key_bytes(&prefix), &w, e);
	if (!s) {
		posting_seek(w, key_bytes(&from), *id + 1);
		s = posting_next(w, id) ? STATUS_OK : t->broken ? t->broken : STATUS_NOT_FOUND;
		posting_close(&w);
	}
	if (!s)
		s = record_read(t, entity->number, *id, &row, &version, &fields, e);
	if (!s)
		*deleted_ms = record_signed(fields, TAG_DELETED_AT);
	buf_free(&wire);
	buf_free(&row);
	return s;
}

/* Those that name it by one field. */
static size_t referrers_by(struct txn *t, const struct shape *from, const struct shape_field *sf,
	uint64_t ref, bool trash, uint64_t after_id, uint64_t *ids, size_t max)
{
	struct key list = key_refers(from->entity->number, trash, sf->field->tag, ref);
	struct wire_field w = {
		.tag = sf->field->tag, .wire = WIRE_VARINT, .number = sf->to ? any_ref_id(ref) : ref
	};

	if (!trash && !shape_refers_apart(sf))
		list = key_index_value(t->store, from->entity, sf->field, &w);
	return posting_ids(t, SPACE_IDX, key_bytes(&list), after_id, ids, max);
}

/* The first of both ascending lists, each once, at most max; in out. */
static size_t merge_ids(
	const uint64_t *x, size_t nx, const uint64_t *y, size_t ny, uint64_t *out, size_t max)
{
	size_t n = 0, i = 0, k = 0;

	while (n < max && (i < nx || k < ny)) {
		uint64_t id = k == ny || (i < nx && x[i] < y[k]) ? x[i] : y[k];
		i += i < nx && x[i] == id;
		k += k < ny && y[k] == id;
		out[n++] = id;
	}
	return n;
}

size_t store_referrers(struct txn *t, const struct entity *to, uint64_t id,
	const struct entity *from, bool trash, uint64_t after_id, uint64_t *ids, size_t max)
{
	const struct shape *sh = txn_shape(t, from->number);
	uint64_t ref = any_ref(to->number, id);
	uint64_t by[REFERRERS], sum[REFERRERS];
	size_t n = 0;

	max = max < REFERRERS ? max : REFERRERS;
	for (size_t i = 0; sh && i < sh->nfields; i++) {
		const struct shape_field *sf = &sh->fields[i];
		size_t nby;
		if (!sf->refers || (sf->to && sf->to != to->number))
			continue;
		nby = referrers_by(t, sh, sf, ref, trash, after_id, by, max);
		n = merge_ids(ids, n, by, nby, sum, max);
		memcpy(ids, sum, n * sizeof(*ids));
	}
	return n;
}

/* The files that these fields name. */
static enum status drop_files(
	struct txn *t, const struct shape *sh, struct bytes fields, struct error *e)
{
	enum status s = STATUS_OK;
	struct wire_field w;
	size_t at = 0;

	while (!s && record_next(&fields, &w, NULL)) {
		const struct shape_field *sf = shape_field(sh, w.tag, &at);
		struct file_value v;
		struct buf room = BUF_INIT;
		struct file_info info;

		if (!sf || sf->field->type != T_FILE || !file_value_read(w.bytes, &v))
			continue;
		if (!file_info_read(t, v.id, &room, &info, NULL))
			s = file_drop(t, v.id, e);
		buf_free(&room);
	}
	return s;
}

/* Those that stood in a field before, too. */
static enum status drop_old_files(
	struct txn *t, const struct shape *sh, uint64_t id, struct error *e)
{
	uint64_t seqs[ENTRIES], before = 0;
	struct buf room = BUF_INIT;
	struct log_entry entry;
	struct log_body body;
	enum status s = STATUS_OK;
	size_t n;

	while (!s && (n = log_of_record(t, sh->entity, id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !s && i < n; i++) {
			s = log_read(t, seqs[i], &entry, &room, &body, e);
			if (!s)
				s = drop_files(t, sh, body.before, e);
		}
		before = seqs[n - 1];
	}
	buf_free(&room);
	return s;
}

static bool has_files(const struct shape *sh)
{
	for (size_t i = 0; i < sh->nfields; i++)
		if (sh->fields[i].field->type == T_FILE)
			return true;
	return false;
}

static enum status read_trashed(struct txn *t, const struct store_ref *r, struct buf *row,
	uint64_t *version, struct bytes *fields, struct error *e)
{
	enum status s = record_read(t, r->entity->number, r->id, row, version, fields, e);

	if (s == STATUS_NOT_FOUND || (!s && !record_has(*fields, TAG_DELETED_AT)))
		s = error_set(e, STATUS_CONFLICT, "%s \"%llu\" is not in the trash",
			r->entity->name, (unsigned long long)r->id);
	return s;
}

/* While what the record follows still stands: its scope is known by that. */
static enum status drop_derived(struct txn *t, const struct store_ref *r, struct error *e)
{
	const struct shape *sh = txn_shape(t, r->entity->number);
	struct key_set keys = { 0 }, none = { 0 };
	struct effective scope;
	struct buf row = BUF_INIT;
	struct bytes fields;
	uint64_t version;
	enum status s = read_trashed(t, r, &row, &version, &fields, e);

	if (!s)
		s = scope_effective(t, sh, fields, NULL, &scope, e);
	if (!s) {
		index_keys(t->store, sh, r->id, fields, true, &keys);
		scope_keys(sh, r->id, fields, true, &scope, &keys);
		key_set_sort(&keys);
		s = key_set_apply(t, &keys, &none, e);
	}
	if (!s)
		s = uniq_write(t, sh, r->id, fields, (struct bytes){ 0 }, e);
	key_set_free(&keys);
	buf_free(&row);
	return s;
}

static enum status drop_record(
	struct txn *t, const struct author *author, const struct store_ref *r, struct error *e)
{
	const struct shape *sh = txn_shape(t, r->entity->number);
	struct key k = key_record(r->entity->number, r->id);
	struct buf row = BUF_INIT;
	struct bytes fields;
	uint64_t version;
	enum status s = read_trashed(t, r, &row, &version, &fields, e);

	if (!s && has_files(sh))
		s = drop_files(t, sh, fields, e);
	if (!s && has_files(sh))
		s = drop_old_files(t, sh, r->id, e);
	if (!s)
		s = txn_del(t, SPACE_CALC, key_bytes(&k), e);
	if (!s)
		s = txn_del(t, SPACE_REC, key_bytes(&k), e);
	if (!s)
		s = log_append(t, author, LOG_PURGE, r->entity, r->id, version, NULL, NULL, e);
	buf_free(&row);
	return s;
}

enum status store_purge(struct txn *t, const struct author *author, const struct store_ref *records,
	size_t n, struct error *e)
{
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < n; i++)
		s = drop_derived(t, &records[i], e);
	for (size_t i = 0; !s && i < n; i++)
		s = drop_record(t, author, &records[i], e);
	if (s)
		t->broken = s;
	return s;
}
