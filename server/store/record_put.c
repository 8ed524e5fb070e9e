/* Writing a record with everything that follows from it. All that can be refused is found before the first put. */
#include "server/store/field_job.h"

/* One store_put on its way. */
struct put {
	struct txn *t;
	const struct author *author;
	const struct shape *sh;
	uint64_t id;
	enum log_kind kind;
	bool was, was_deleted, deleted; /* it stood before; in the trash before; after */
	uint64_t version;               /* before; 0: new */
	struct buf old_row;             /* version and fields */
	struct bytes old;               /* entered fields before */
	struct buf calc;                /* computed fields */
	struct buf new_row;             /* version and fields */
	struct bytes new;               /* entered fields after */
	uint32_t *tags;                 /* of all fields that change */
	size_t ntags;
};

static void put_free(struct put *p)
{
	buf_free(&p->old_row);
	buf_free(&p->calc);
	buf_free(&p->new_row);
	free(p->tags);
}

static void add_time(struct buf *out, uint32_t tag, int64_t ms)
{
	if (type_is_signed(T_DATETIME))
		record_add_signed(out, tag, ms);
	else
		record_add_number(out, tag, (uint64_t)ms);
}

static enum status load_old(struct put *p, const char *kind, struct error *e)
{
	uint16_t entity = p->sh->entity->number;
	enum status s;

	if (!log_kind_from_name(kind, &p->kind))
		return error_set(e, STATUS_INTERNAL, "unknown kind of change \"%s\"", kind);
	if (!p->id)
		return STATUS_OK;
	s = record_read(p->t, entity, p->id, &p->old_row, &p->version, &p->old, e);
	if (s == STATUS_NOT_FOUND && p->kind == LOG_ADD)
		return STATUS_OK;
	if (s == STATUS_NOT_FOUND)
		return error_set(e, s, "there is no %s \"%llu\"", p->sh->entity->name,
			(unsigned long long)p->id);
	p->was = s == STATUS_OK;
	return s ? s : calc_read(p->t, entity, p->id, &p->calc, e);
}

static bool parses(struct bytes fields)
{
	struct wire_field w;
	bool bad = false;

	while (record_next(&fields, &w, &bad))
		;
	return !bad;
}

static bool is_update_stamp(uint32_t tag)
{
	return tag == TAG_UPDATED_AT || tag == TAG_UPDATED_BY;
}

/* Of an import's new record, which brings them along. */
static bool keeps_stamps(const struct put *p)
{
	return p->author->original && !p->was;
}

/* Takes over the entered fields, ascending; updated_* are set later, computed and virtual ones are dropped. */
static enum status take_fields(struct put *p, struct bytes fields, struct buf *out, struct error *e)
{
	struct buf sorted = BUF_INIT;
	struct wire_field w;
	enum status s = STATUS_OK;
	uint32_t last = 0;
	size_t at = 0;

	if (!parses(fields))
		return error_set(e, STATUS_INVALID, "record is malformed");
	record_sort(fields, &sorted);
	struct bytes rest = buf_bytes(&sorted);
	while (record_next(&rest, &w, NULL)) {
		const struct shape_field *sf = shape_field(p->sh, w.tag, &at);
		if (!sf) {
			s = error_set(e, STATUS_INVALID, "%s has no field %u", p->sh->entity->name,
				w.tag);
			break;
		}
		if (!sf->kept || (is_update_stamp(w.tag) && !keeps_stamps(p)))
			continue;
		if (!type_wire_valid(sf->field, &w))
			s = error_field(e, sf->field->name, "is not a valid value");
		else if (w.tag == last && !type_is_list(sf->field->type))
			s = error_field(e, sf->field->name, "has more than one value");
		last = w.tag;
		buf_add_bytes(out, w.whole);
	}
	buf_free(&sorted);
	return s;
}

/* Who and when, as far as the fields do not say it themselves. */
static void add_stamp(const struct put *p, struct bytes fields, bool created, struct buf *patch)
{
	uint32_t time = created ? TAG_CREATED_AT : TAG_UPDATED_AT;
	uint32_t user = created ? TAG_CREATED_BY : TAG_UPDATED_BY;
	bool given = created || keeps_stamps(p);

	if (created && p->was) {
		if (!record_has(fields, time))
			buf_add_bytes(patch, record_run(p->old, time));
		if (!record_has(fields, user))
			buf_add_bytes(patch, record_run(p->old, user));
		return;
	}
	if (!given || !record_has(fields, time))
		add_time(patch, time, p->author->now_ms);
	if (p->author->user && (!given || !record_has(fields, user)))
		record_add_number(patch, user, p->author->user);
}

/* Puts the stamps among the fields: those of the creation, of the change, or for a new record both at once. */
static void stamp(
	const struct put *p, struct bytes fields, bool created, bool updated, struct buf *out)
{
	struct buf patch = BUF_INIT, sorted = BUF_INIT;

	if (created)
		add_stamp(p, fields, true, &patch);
	if (updated)
		add_stamp(p, fields, false, &patch);
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(fields, buf_bytes(&sorted), NULL, 0, out);
	buf_free(&patch);
	buf_free(&sorted);
}

/* Whether an entered field differs; updated_* stand in one of the two only. */
static bool differs(struct put *p, struct bytes candidate)
{
	size_t n = record_diff(p->old, candidate, p->tags, p->sh->nfields);

	for (size_t i = 0; i < n; i++)
		if (!is_update_stamp(p->tags[i]))
			return true;
	return false;
}

/* Makes the new record. *unchanged: the entered fields are as before. */
static enum status build_new(struct put *p, struct bytes fields, bool *unchanged, struct error *e)
{
	struct buf entered = BUF_INIT, candidate = BUF_INIT;
	enum status s = take_fields(p, fields, &entered, e);

	p->tags = calloc(p->sh->nfields + 1, sizeof(*p->tags));
	if (!s && !p->tags)
		s = error_set(e, STATUS_INTERNAL, "out of memory");
	if (!s && p->was) {
		stamp(p, buf_bytes(&entered), true, false, &candidate);
		*unchanged = !differs(p, buf_bytes(&candidate));
	}
	if (!s && !*unchanged) {
		struct bytes from = p->was ? buf_bytes(&candidate) : buf_bytes(&entered);
		buf_reserve(&p->new_row, from.len + 128);
		buf_add_u64(&p->new_row, p->version + 1);
		stamp(p, from, !p->was, true, &p->new_row);
		p->new = bytes_of(p->new_row.data + 8, p->new_row.len - 8);
		p->ntags = record_diff(p->old, p->new, p->tags, p->sh->nfields);
		p->deleted = record_has(p->new, TAG_DELETED_AT);
		p->was_deleted = p->was && record_has(p->old, TAG_DELETED_AT);
		if (p->new.len > RECORD_MAX)
			s = error_set(e, STATUS_INVALID,
				"record of %zu bytes is longer than %u bytes", p->new.len,
				RECORD_MAX);
	}
	buf_free(&entered);
	buf_free(&candidate);
	return s;
}

static enum status take_id(struct put *p, struct error *e)
{
	uint16_t entity = p->sh->entity->number;
	uint64_t next;
	enum status s;

	if (p->was)
		return STATUS_OK;
	s = next_id_peek(p->t, entity, &next, e);
	if (s)
		return s;
	if (!p->id)
		p->id = next;
	if (p->id >= UINT64_C(1) << 48)
		return error_set(e, STATUS_INVALID, "id is out of range");
	return p->id < next ? STATUS_OK : next_id_set(p->t, entity, p->id + 1, e);
}

static enum status put_row(struct put *p, struct error *e)
{
	struct key k = key_record(p->sh->entity->number, p->id);

	return txn_put(p->t, SPACE_REC, key_bytes(&k), buf_bytes(&p->new_row), e);
}

/* Where a merged record is found now: as its field says, so that taking the merge back takes this back. */
static enum status put_moved(struct put *p, struct error *e)
{
	struct key k = key_record(p->sh->entity->number, p->id);
	uint32_t tag = p->sh->merged ? p->sh->merged->tag : 0;
	uint64_t before = tag ? record_number(p->old, tag) : 0;
	uint64_t after = tag ? record_number(p->new, tag) : 0;
	uint8_t value[8];

	if (before == after)
		return STATUS_OK;
	put_be64(value, after);
	return after ? txn_put(p->t, SPACE_MOVED, key_bytes(&k), bytes_of(value, sizeof(value)), e)
		     : txn_del(p->t, SPACE_MOVED, key_bytes(&k), e);
}

/* The index keys before or after: all when the record comes, goes to the trash or back, else those of changed fields. */
static void collect(struct put *p, struct bytes fields, bool deleted, const struct effective *scope,
	struct key_set *out)
{
	const struct store *s = p->t->store;

	if (!p->was || p->deleted != p->was_deleted) {
		index_keys(s, p->sh, p->id, fields, deleted, out);
		if (p->was && !deleted)
			index_keys(s, p->sh, p->id, buf_bytes(&p->calc), false, out);
	} else if (!deleted) {
		index_keys_of(s, p->sh, p->id, fields, p->tags, p->ntags, out);
	} else {
		index_keys(s, p->sh, p->id, fields, true, out);
	}
	scope_keys(p->sh, p->id, fields, deleted, scope, out);
	key_set_sort(out);
}

static enum status put_index(struct put *p, const struct effective *before,
	const struct effective *after, struct error *e)
{
	struct key_set old = { 0 }, new = { 0 };

	if (p->was)
		collect(p, p->old, p->was_deleted, before, &old);
	collect(p, p->new, p->deleted, after, &new);
	enum status s = key_set_apply(p->t, &old, &new, e);
	key_set_free(&old);
	key_set_free(&new);
	return s;
}

static void put_terms(struct put *p)
{
	struct bytes none = { 0 };
	struct bytes before = p->was_deleted ? none : p->old, after = p->deleted ? none : p->new;

	field_jobs_terms(p->t, p->sh, p->id, before, after, &p->t->postings);
	if (!search_terms_ready(p->t, p->sh->entity, p->id, before, after))
		search_terms_diff(
			p->t->store, p->sh->entity, p->id, before, after, &p->t->postings);
}

static enum status put_log(struct put *p, struct error *e)
{
	uint8_t hash[LOG_HASH];
	struct buf before = BUF_INIT;
	size_t n = 0;

	for (size_t i = 0; p->was && i < p->ntags; i++) {
		if (is_update_stamp(p->tags[i]))
			continue;
		p->tags[n++] = p->tags[i];
		buf_add_bytes(&before, record_run(p->old, p->tags[i]));
	}
	log_hash(p->new, hash);
	struct log_body body = { .tags = p->tags,
		.ntags = n,
		.before = buf_bytes(&before),
		.after_hash = bytes_of(hash, LOG_HASH) };
	enum status s = log_append(
		p->t, p->author, p->kind, p->sh->entity, p->id, p->version + 1, &body, NULL, e);
	buf_free(&before);
	return s;
}

static enum status call_observer(struct put *p, struct error *e)
{
	struct store *s = p->t->store;
	struct buf old = BUF_INIT, new = BUF_INIT;
	struct stored before = { p->id, p->version, p->was_deleted, p->old };
	struct stored after = { p->id, p->version + 1, p->deleted, p->new };

	if (!s->observer)
		return STATUS_OK;
	if (p->calc.len) {
		record_merge(p->old, buf_bytes(&p->calc), NULL, 0, &old);
		record_merge(p->new, buf_bytes(&p->calc), NULL, 0, &new);
		before.fields = buf_bytes(&old);
		after.fields = buf_bytes(&new);
	}
	enum status status = s->observer(s->observer_arg, p->t, p->author, p->sh->entity,
		p->was ? &before : NULL, &after, e);
	buf_free(&old);
	buf_free(&new);
	return status;
}

/* From here on only the disk can fail. */
static enum status apply(struct put *p, struct error *e)
{
	struct effective before = { 0 }, after = { 0 };
	enum status s = STATUS_OK;

	if (p->was)
		s = scope_effective(p->t, p->sh, p->old, NULL, &before, e);
	if (!s)
		s = scope_effective(p->t, p->sh, p->new, NULL, &after, e);
	if (!s)
		s = take_id(p, e);
	if (!s)
		s = put_row(p, e);
	if (!s)
		s = put_moved(p, e);
	if (!s)
		s = put_index(p, &before, &after, e);
	if (!s)
		s = uniq_write(p->t, p->sh, p->id, p->old, p->new, e);
	if (!s)
		s = field_mark_used(p->t, p->sh, p->tags, p->ntags, e);
	if (!s)
		put_terms(p);
	if (!s)
		s = put_log(p, e);
	if (!s && p->was && !effective_equal(&before, &after))
		s = scope_move_followers(p->t, p->sh, p->id, &before, 0, e);
	return s ? s : call_observer(p, e);
}

enum status store_put(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t *id, const char *kind, struct bytes fields, bool *unchanged, struct error *e)
{
	struct put p = { .t = t, .author = author, .sh = txn_shape(t, entity->number), .id = *id };
	bool same = false;
	enum status s;

	if (!p.sh)
		return error_set(e, STATUS_INTERNAL, "store has no entity \"%s\"", entity->name);
	s = load_old(&p, kind, e);
	if (!s)
		s = build_new(&p, fields, &same, e);
	if (!s && !same && t->store->guard)
		s = t->store->guard(t->store->guard_arg, t, author, entity, p.id, p.old, p.new, e);
	if (!s && !same)
		s = uniq_check(t, p.sh, p.id, p.old, p.new, e);
	if (!s && !same) {
		s = apply(&p, e);
		if (s)
			t->broken = s;
	}
	if (!s)
		*id = p.id;
	if (unchanged)
		*unchanged = same;
	t->ready = NULL;
	put_free(&p);
	return s;
}

enum status store_operation(struct txn *t, uint64_t *operation, struct error *e)
{
	enum status s = next_id_peek(t, t->generation->operation_entity, operation, e);

	return s ? s : next_id_set(t, t->generation->operation_entity, *operation + 1, e);
}

static void take_computed(const struct shape *sh, struct bytes computed, struct buf *out)
{
	struct buf sorted = BUF_INIT;
	struct wire_field w;
	size_t at = 0;

	record_sort(computed, &sorted);
	struct bytes rest = buf_bytes(&sorted);
	while (record_next(&rest, &w, NULL)) {
		const struct shape_field *sf = shape_field(sh, w.tag, &at);
		if (sf && (sf->field->flags & F_COMPUTED))
			buf_add_bytes(out, w.whole);
	}
	buf_free(&sorted);
}

static enum status replace_computed(struct txn *t, const struct shape *sh, uint64_t id, bool live,
	struct bytes old, struct bytes new, struct error *e)
{
	struct key k = key_record(sh->entity->number, id);
	struct key_set before = { 0 }, after = { 0 };
	enum status s = STATUS_OK;

	if (live) {
		index_keys(t->store, sh, id, old, false, &before);
		index_keys(t->store, sh, id, new, false, &after);
		key_set_sort(&before);
		key_set_sort(&after);
		s = key_set_apply(t, &before, &after, e);
	}
	if (!s)
		s = new.len ? txn_put(t, SPACE_CALC, key_bytes(&k), new, e)
			    : txn_del(t, SPACE_CALC, key_bytes(&k), e);
	key_set_free(&before);
	key_set_free(&after);
	return s;
}

enum status store_put_computed(struct txn *t, const struct entity *entity, uint64_t id,
	struct bytes computed, struct error *e)
{
	const struct shape *sh = txn_shape(t, entity->number);
	struct buf row = BUF_INIT, old = BUF_INIT, new = BUF_INIT;
	struct bytes fields = { 0 };
	uint64_t version;
	enum status s = record_read(t, entity->number, id, &row, &version, &fields, e);

	if (s == STATUS_NOT_FOUND)
		error_set(e, s, "there is no %s \"%llu\"", entity->name, (unsigned long long)id);
	if (!s)
		s = calc_read(t, entity->number, id, &old, e);
	if (!s) {
		take_computed(sh, computed, &new);
		if (!bytes_equal(buf_bytes(&old), buf_bytes(&new)))
			s = replace_computed(t, sh, id, !record_has(fields, TAG_DELETED_AT),
				buf_bytes(&old), buf_bytes(&new), e);
	}
	buf_free(&row);
	buf_free(&old);
	buf_free(&new);
	return s;
}
