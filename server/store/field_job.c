#include "server/store/field_job.h"
#include "server/store/reindex.h"
#include "server/store/search.h"

#define SLICE_PUTS 4000u
#define SLICE_RECORDS 1000u
#define STATE_BYTES 14

enum phase { PHASE_INDEX, PHASE_UNIQUE, PHASE_DERIVE };

/* A row "fieldjob": the description before, as far as rows were derived from it, and how far the work is. */
struct field_job {
	uint16_t entity, tag;
	uint32_t flags;
	uint8_t class;
	uint8_t phase;
	uint64_t next; /* id of the record at which PHASE_DERIVE goes on */
};

static const char job_prefix[] = "fieldjob";
static const char used_prefix[] = "fieldused";

static struct key job_key(uint16_t entity, uint16_t tag)
{
	struct key k = { 0 };

	memcpy(k.data, job_prefix, sizeof(job_prefix) - 1);
	k.len = sizeof(job_prefix) - 1;
	key_add_u16(&k, entity);
	key_add_u16(&k, tag);
	return k;
}

static struct key used_key(uint32_t tag)
{
	struct key k = { 0 };

	memcpy(k.data, used_prefix, sizeof(used_prefix) - 1);
	k.len = sizeof(used_prefix) - 1;
	key_add_u16(&k, (uint16_t)tag);
	return k;
}

bool store_field_used(struct txn *t, uint16_t tag)
{
	struct key k = used_key(tag);

	return txn_has(t, SPACE_META, key_bytes(&k));
}

enum status field_mark_used(
	struct txn *t, const struct shape *sh, const uint32_t *tags, size_t n, struct error *e)
{
	enum status s = STATUS_OK;

	for (size_t i = n; !s && i-- > 0 && tags[i] >= TAG_CUSTOM;) {
		struct key k = used_key(tags[i]);
		if (!txn_has(t, SPACE_META, key_bytes(&k)))
			s = txn_put(t, SPACE_META, key_bytes(&k), bytes_str("1"), e);
	}
	return s;
}

/* ---- Rows ---- */

static enum status job_write(struct txn *t, const struct field_job *job, struct error *e)
{
	struct key k = job_key(job->entity, job->tag);
	struct buf row = BUF_INIT;

	buf_add_u32(&row, job->flags);
	buf_add_u8(&row, job->class);
	buf_add_u8(&row, job->phase);
	buf_add_u64(&row, job->next);
	enum status s = txn_put(t, SPACE_META, key_bytes(&k), buf_bytes(&row), e);
	buf_free(&row);
	return s;
}

static enum status job_read(struct txn *t, struct bytes key, struct field_job *job, struct error *e)
{
	size_t at = sizeof(job_prefix) - 1;
	struct buf row = BUF_INIT;
	enum status s = txn_get(t, SPACE_META, key, &row, e);

	if (!s && (row.len != STATE_BYTES || key.len != at + 4))
		s = txn_damaged(SPACE_META, key, e);
	if (!s)
		*job = (struct field_job){ .entity = get_be16(key.data + at),
			.tag = get_be16(key.data + at + 2),
			.flags = get_be32(row.data),
			.class = row.data[4],
			.phase = row.data[5],
			.next = get_be64(row.data + 6) };
	buf_free(&row);
	return s;
}

bool field_job_open(struct txn *t, uint16_t entity, uint16_t tag)
{
	struct key k = job_key(entity, tag);

	return txn_has(t, SPACE_META, key_bytes(&k));
}

/* Calls fn for every job until it fails. */
static enum status each_job(struct txn *t,
	enum status (*fn)(void *arg, const struct field_job *job, struct error *e), void *arg,
	struct error *e)
{
	struct field_job job;
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(t, SPACE_META, bytes_str(job_prefix), &w, e);

	if (s)
		return s;
	while (!s && walk_next(w, &key)) {
		s = job_read(t, key, &job, e);
		if (!s)
			s = fn(arg, &job, e);
	}
	walk_close(&w);
	return s;
}

static enum status drop_job(void *arg, const struct field_job *job, struct error *e)
{
	struct key k = job_key(job->entity, job->tag);

	return txn_del(arg, SPACE_META, key_bytes(&k), e);
}

enum status field_jobs_clear(struct txn *t, struct error *e)
{
	return each_job(t, drop_job, t, e);
}

/* ---- Beginning ---- */

static const struct shape *shape_of(const struct generation *g, uint16_t entity)
{
	for (size_t i = 0; i < g->nshapes; i++)
		if (g->shapes[i].entity->number == entity)
			return &g->shapes[i];
	return NULL;
}

static const struct shape_field *field_of(const struct shape *sh, uint32_t tag)
{
	size_t at = 0;

	return sh ? shape_field(sh, tag, &at) : NULL;
}

static bool derives_the_same(const struct entity *before, const struct shape_field *a,
	const struct entity *now, const struct shape_field *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;

	reindex_describe(before, a, &x);
	reindex_describe(now, b, &y);
	bool same = bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

static enum status begin_field(struct txn *t, const struct shape *before, const struct shape *now,
	const struct shape_field *f, struct error *e)
{
	const struct shape_field *old = field_of(before, f->field->tag);
	uint16_t entity = now->entity->number, tag = f->field->tag;

	if (!old || !store_field_used(t, tag) ||
		derives_the_same(before->entity, old, now->entity, f))
		return STATUS_OK;
	if (field_job_open(t, entity, tag))
		return error_set(e, STATUS_BUSY,
			"the index of \"%s\" is being built: try again later", f->field->name);
	struct field_job job = { .entity = entity,
		.tag = tag,
		.flags = old->field->flags,
		.class = (uint8_t)old->field->class,
		.phase = old->indexed ? PHASE_INDEX : PHASE_UNIQUE };
	return job_write(t, &job, e);
}

enum status field_jobs_begin(struct txn *t, const struct generation *before,
	const struct generation *now, struct error *e)
{
	enum status s = reindex_sign_as(t, now, e);

	for (size_t i = 0; !s && i < now->nshapes; i++) {
		const struct shape *sh = &now->shapes[i];
		const struct shape *old = shape_of(before, sh->entity->number);
		for (size_t k = sh->nfields; !s && k-- > 0;) {
			if (sh->fields[k].field->tag < TAG_CUSTOM)
				break;
			s = begin_field(t, old, sh, &sh->fields[k], e);
		}
	}
	return s;
}

/* ---- Slices ---- */

struct slice {
	struct txn *t;
	struct field_job job;
	const struct shape *sh;
	struct entity before; /* the entity as it was described; fields owned */
	bool found;
	struct key_set keys;
	struct buf row;
};

static enum status take_first(void *arg, const struct field_job *job, struct error *e)
{
	struct slice *sl = arg;

	if (!sl->found)
		sl->job = *job;
	sl->found = true;
	return STATUS_OK;
}

/* As the field was described before: flags and class alone decide its terms. */
static bool describe_before(
	const struct entity *now, const struct field_job *job, struct entity *out)
{
	struct field *fields = calloc(now->nfields, sizeof(*fields));

	if (!fields)
		return false;
	memcpy(fields, now->fields, now->nfields * sizeof(*fields));
	for (size_t i = 0; i < now->nfields; i++)
		if (fields[i].tag == job->tag) {
			fields[i].flags = job->flags;
			fields[i].class = (enum field_class)job->class;
		}
	*out = *now;
	out->fields = fields;
	return true;
}

static bool slice_full(const struct txn *t)
{
	return t->puts >= SLICE_PUTS || t->postings.n >= SLICE_PUTS * 8;
}

static enum status clear_field(struct slice *sl, enum space space, bool *done, struct error *e)
{
	struct key prefix = key_index(sl->job.entity, sl->job.tag);
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(sl->t, space, key_bytes(&prefix), &w, e);

	if (s)
		return s;
	*done = false;
	while (!s && !slice_full(sl->t) && !*done) {
		*done = !walk_next(w, &key);
		if (!*done)
			s = txn_del(sl->t, space, key, e);
	}
	walk_close(&w);
	return s ? s : sl->t->broken;
}

static enum status derive_record(struct slice *sl, uint64_t id, struct error *e)
{
	uint32_t tag = sl->job.tag;
	const struct shape_field *f = field_of(sl->sh, tag);
	struct key_set none = { 0 };
	struct bytes fields;
	uint64_t version;
	enum status s = record_read(sl->t, sl->job.entity, id, &sl->row, &version, &fields, e);

	if (s || !record_has(fields, tag))
		return s;
	if (f->unique && !(sl->job.flags & F_UNIQUE))
		s = uniq_write(sl->t, sl->sh, id, (struct bytes){ 0 }, fields, e);
	if (s || record_has(fields, TAG_DELETED_AT))
		return s;
	key_set_clear(&sl->keys);
	index_keys_of(sl->t->store, sl->sh, id, fields, &tag, 1, &sl->keys);
	key_set_sort(&sl->keys);
	search_terms_change(
		sl->t->store, id, &sl->before, fields, sl->sh->entity, fields, &sl->t->postings);
	return key_set_apply(sl->t, &none, &sl->keys, e);
}

static enum status derive_records(struct slice *sl, bool *done, struct error *e)
{
	struct key prefix = key_entity(sl->job.entity);
	struct key from = key_record(sl->job.entity, sl->job.next);
	unsigned records = 0;
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(sl->t, SPACE_REC, key_bytes(&prefix), &w, e);

	if (s)
		return s;
	s = walk_seek(w, key_bytes(&from));
	*done = false;
	while (!s && !*done && !slice_full(sl->t) && records++ < SLICE_RECORDS) {
		*done = !walk_next(w, &key);
		if (*done || key.len != 10)
			continue;
		uint64_t id = get_be64(key.data + 2);
		s = derive_record(sl, id, e);
		sl->job.next = id + 1;
	}
	walk_close(&w);
	return s ? s : sl->t->broken;
}

static enum status go_on(struct slice *sl, struct error *e)
{
	bool done = false;
	enum status s;

	if (sl->job.phase == PHASE_INDEX)
		s = clear_field(sl, SPACE_IDX, &done, e);
	else if (sl->job.phase == PHASE_UNIQUE && sl->job.flags & F_UNIQUE &&
		 !field_of(sl->sh, sl->job.tag)->unique)
		s = clear_field(sl, SPACE_UNIQ, &done, e);
	else if (sl->job.phase == PHASE_UNIQUE)
		done = true, s = STATUS_OK;
	else
		s = derive_records(sl, &done, e);
	if (s)
		return s;
	if (!done || sl->job.phase != PHASE_DERIVE) {
		sl->job.phase = (uint8_t)(sl->job.phase + done);
		return job_write(sl->t, &sl->job, e);
	}
	txn_change_fields(sl->t);
	return drop_job(sl->t, &sl->job, e);
}

enum status store_build_fields(struct txn *t, struct error *e)
{
	struct slice sl = { .t = t };
	enum status s = each_job(t, take_first, &sl, e);

	if (s || !sl.found)
		return s;
	sl.sh = shape_of(t->generation, sl.job.entity);
	if (!field_of(sl.sh, sl.job.tag)) {
		txn_change_fields(t);
		return drop_job(t, &sl.job, e);
	}
	if (!describe_before(sl.sh->entity, &sl.job, &sl.before))
		return error_set(e, STATUS_INTERNAL, "out of memory");
	s = go_on(&sl, e);
	free((void *)sl.before.fields);
	key_set_free(&sl.keys);
	buf_free(&sl.row);
	return s;
}

size_t store_field_jobs(const struct store *s)
{
	return atomic_load(&s->field_jobs);
}

/* ---- Puts meanwhile ---- */

struct leftover {
	struct txn *t;
	const struct shape *sh;
	uint64_t id;
	struct bytes before, after;
	struct postings *out;
};

static enum status take_away(void *arg, const struct field_job *job, struct error *e)
{
	const struct leftover *l = arg;
	struct entity before;

	if (job->entity != l->sh->entity->number)
		return STATUS_OK;
	if (!describe_before(l->sh->entity, job, &before))
		return error_set(e, STATUS_INTERNAL, "out of memory");
	search_terms_change(
		l->t->store, l->id, &before, l->before, l->sh->entity, l->after, l->out);
	free((void *)before.fields);
	return STATUS_OK;
}

void field_jobs_terms(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct postings *out)
{
	struct leftover l = { t, sh, id, before, after, out };

	if (t->generation->jobs)
		each_job(t, take_away, &l, NULL);
}
