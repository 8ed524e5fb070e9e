/* Building what is derived from the records anew, after the rules or the fields have changed. */
#include "server/store/reindex.h"
#include "server/store/field_job.h"
#include "server/store/search.h"

#include <sodium.h>

#define SIGNATURE 32
#define BATCH_PUTS 20000u
#define BATCH_BYTES (32u << 20)
#define BATCH_POSTINGS 500000u
#define FORM_FLAGS                                                                                 \
	(F_UNIQUE | F_INDEXED | F_SEARCH | F_COMPUTED | F_VIRTUAL | F_RETIRED | F_NAME |           \
		F_PERSONAL_IF_PERSON)

static const char row_key[] = "indexes";
static const char rebuilding[] = "rebuilding";

/* ---- The signature ---- */

static uint16_t tag_of(const struct field *f)
{
	return f ? f->tag : 0;
}

/* Fields that no row is derived from do not count: they come and go without a rebuild. */
void reindex_describe(const struct entity *en, const struct shape_field *sf, struct buf *out)
{
	const struct field *f = sf->field;
	bool searched = search_is_searched(en, f);

	if (!sf->indexed && !sf->unique && !searched)
		return;
	buf_add_u16(out, f->tag);
	buf_add_u8(out, (uint8_t)f->type);
	buf_add_u8(out, (uint8_t)f->class);
	buf_add_u8(out, (uint8_t)f->match);
	buf_add_u32(out, f->flags & FORM_FLAGS);
	buf_add_u8(out, (uint8_t)(sf->indexed | sf->unique << 1 | searched << 2));
	buf_add_u16(out, tag_of(entity_field_reading(en, f)));
}

static void describe_shape(const struct shape *sh, struct buf *out)
{
	buf_add_u16(out, sh->entity->number);
	buf_add_u16(out, sh->entity->flags & (E_SHARED | E_PRIVATE));
	buf_add_u16(out, tag_of(sh->owner));
	buf_add_u16(out, tag_of(sh->branch));
	buf_add_u16(out, tag_of(sh->seen_by));
	if (sh->shared)
		buf_add_u16(out, tag_of(sh->shared));
	for (size_t i = 0; i < sh->nparents; i++) {
		buf_add_u16(out, sh->parents[i].field->tag);
		buf_add_u16(out, sh->parents[i].entity);
	}
	buf_add_u16(out, 0);
	for (size_t i = 0; i < sh->nfields; i++)
		reindex_describe(sh->entity, &sh->fields[i], out);
	buf_add_u16(out, 0);
}

static void signature_of(const struct generation *g, uint8_t out[SIGNATURE])
{
	struct buf all = BUF_INIT;

	buf_add_u16(&all, KEY_FORM_VERSION);
	buf_add_u16(&all, PINYIN_TABLE_VERSION);
	buf_add_u16(&all, SEARCH_TERMS_VERSION);
	for (size_t i = 0; i < g->nshapes; i++)
		describe_shape(&g->shapes[i], &all);
	crypto_generichash(out, SIGNATURE, all.data, all.len, NULL, 0);
	buf_free(&all);
}

enum status reindex_sign_as(struct txn *t, const struct generation *g, struct error *e)
{
	uint8_t signature[SIGNATURE];

	signature_of(g, signature);
	return txn_put(
		t, SPACE_META, bytes_str(row_key), bytes_of(signature, sizeof(signature)), e);
}

enum status reindex_sign(struct txn *t, struct error *e)
{
	enum status s = field_jobs_clear(t, e);

	return s ? s : reindex_sign_as(t, t->generation, e);
}

enum status reindex_wanted(struct txn *t, bool *wanted, struct error *e)
{
	uint8_t signature[SIGNATURE];
	struct buf row = BUF_INIT;
	enum status s = txn_get(t, SPACE_META, bytes_str(row_key), &row, e);

	signature_of(t->generation, signature);
	*wanted = !bytes_equal(buf_bytes(&row), bytes_of(signature, sizeof(signature)));
	buf_free(&row);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

/* ---- Batches ---- */

struct reindex {
	struct store *store;
	struct txn *t; /* the batch at hand */
	struct store_reindexed *done;
	struct key_set keys, none;
	struct buf row, calc;
};

static bool batch_full(const struct txn *t)
{
	return t->puts >= BATCH_PUTS || t->put_bytes >= BATCH_BYTES ||
	       t->postings.n >= BATCH_POSTINGS;
}

static enum status batch_end(struct reindex *r, enum status s, struct error *e)
{
	size_t doubles = r->t->doubles;

	if (s) {
		txn_abort(&r->t);
		return s;
	}
	s = txn_commit(&r->t, e);
	if (!s)
		r->done->doubles += doubles;
	return s;
}

static enum status mark(
	struct reindex *r, enum status (*put)(struct txn *t, struct error *e), struct error *e)
{
	enum status s = txn_begin(r->store, true, &r->t, e);

	return s ? s : batch_end(r, put(r->t, e), e);
}

static enum status put_rebuilding(struct txn *t, struct error *e)
{
	return txn_put(t, SPACE_META, bytes_str(row_key), bytes_str(rebuilding), e);
}

static enum status clear_some(struct txn *t, enum space space, bool *more, struct error *e)
{
	struct bytes none = { 0 }, key;
	struct walk *w;
	enum status s = walk_open(t, space, none, &w, e);

	if (s)
		return s;
	while (!s && !batch_full(t) && walk_next(w, &key))
		s = txn_del(t, space, key, e);
	*more = batch_full(t);
	walk_close(&w);
	return s ? s : t->broken;
}

static enum status clear(struct reindex *r, enum space space, struct error *e)
{
	enum status s = STATUS_OK;

	for (bool more = true; !s && more;) {
		s = txn_begin(r->store, true, &r->t, e);
		if (!s)
			s = batch_end(r, clear_some(r->t, space, &more, e), e);
	}
	return s;
}

/* What the store knows of pending rows is of those that are gone. */
static enum status count_pending(struct reindex *r, struct error *e)
{
	enum status s = txn_begin(r->store, false, &r->t, e);

	if (s)
		return s;
	s = pending_count(r->t, e);
	txn_abort(&r->t);
	return s;
}

/* ---- Records ---- */

static enum status put_index(struct reindex *r, const struct shape *sh, uint64_t id,
	struct bytes fields, struct error *e)
{
	bool deleted = record_has(fields, TAG_DELETED_AT);
	struct effective scope;
	enum status s = scope_effective(r->t, sh, fields, NULL, &scope, e);

	if (s)
		return s;
	key_set_clear(&r->keys);
	index_keys(r->store, sh, id, fields, deleted, &r->keys);
	if (!deleted)
		index_keys(r->store, sh, id, buf_bytes(&r->calc), false, &r->keys);
	scope_keys(sh, id, fields, deleted, &scope, &r->keys);
	key_set_sort(&r->keys);
	return key_set_apply(r->t, &r->none, &r->keys, e);
}

static enum status derive(struct reindex *r, const struct shape *sh, uint64_t id, struct error *e)
{
	uint16_t entity = sh->entity->number;
	struct bytes none = { 0 }, fields;
	uint64_t version;
	enum status s = record_read(r->t, entity, id, &r->row, &version, &fields, e);

	if (!s)
		s = calc_read(r->t, entity, id, &r->calc, e);
	if (!s)
		s = put_index(r, sh, id, fields, e);
	if (!s)
		s = uniq_write(r->t, sh, id, none, fields, e);
	if (!s && !record_has(fields, TAG_DELETED_AT))
		search_terms_diff(r->store, sh->entity, id, none, fields, &r->t->postings);
	r->done->records += !s;
	return s;
}

/* Records from *next on; what follows the last one is left there. */
static enum status derive_some(
	struct reindex *r, const struct shape *sh, uint64_t *next, bool *more, struct error *e)
{
	struct key prefix = key_entity(sh->entity->number);
	struct key from = key_record(sh->entity->number, *next);
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(r->t, SPACE_REC, key_bytes(&prefix), &w, e);

	if (s)
		return s;
	s = walk_seek(w, key_bytes(&from));
	while (!s && !batch_full(r->t) && walk_next(w, &key)) {
		if (key.len != 10)
			continue;
		uint64_t id = get_be64(key.data + 2);
		s = derive(r, sh, id, e);
		*next = id + 1;
	}
	*more = batch_full(r->t);
	walk_close(&w);
	return s ? s : r->t->broken;
}

static enum status derive_all(struct reindex *r, const struct shape *sh, struct error *e)
{
	enum status s = STATUS_OK;
	uint64_t next = 0;

	for (bool more = true; !s && more;) {
		s = txn_begin(r->store, true, &r->t, e);
		if (!s)
			s = batch_end(r, derive_some(r, sh, &next, &more, e), e);
	}
	return s;
}

/* Searches of a server that starts should not have to read all postings as pending ones. */
static enum status merge(struct reindex *r, struct error *e)
{
	enum status s = STATUS_OK;

	for (bool more = true; !s && more;) {
		s = txn_begin(r->store, true, &r->t, e);
		if (!s)
			s = batch_end(r, store_merge_terms(r->t, &more, e), e);
	}
	return s;
}

enum status reindex_run(struct store *s, struct store_reindexed *done, struct error *e)
{
	static const enum space derived[] = { SPACE_IDX, SPACE_UNIQ, SPACE_TERM, SPACE_PEND };
	struct reindex r = { .store = s, .done = done };
	enum status status = mark(&r, put_rebuilding, e);

	for (size_t i = 0; !status && i < sizeof(derived) / sizeof(derived[0]); i++)
		status = clear(&r, derived[i], e);
	if (!status)
		status = count_pending(&r, e);
	struct generation *g = generation_take(s->generations);
	for (size_t i = 0; !status && i < g->nshapes; i++)
		status = derive_all(&r, &g->shapes[i], e);
	generation_give(&g);
	if (!status)
		status = merge(&r, e);
	if (!status)
		status = mark(&r, reindex_sign, e);
	key_set_free(&r.keys);
	buf_free(&r.row);
	buf_free(&r.calc);
	return status;
}
