/*
 * Unique values: one record has the value, any others wait for it. A live record goes before one that lies in the trash, whose value is
 * free for others; among those, a merged one, whose value goes on naming the survivor, before others, and the one that came last. Two live
 * records with one value there are only where a field became unique that was not.
 */
#include "server/store/internal.h"

#define ID_BITS 48

enum rank { RANK_LIVE, RANK_MERGED, RANK_TRASH };

bool uniq_key(const struct store *s, const struct shape *sh, const struct field *f,
	struct bytes fields, struct key *out)
{
	struct wire_field w;

	if (!record_find(fields, f->tag, &w))
		return false;
	*out = key_unique(s, sh->entity, f, &w);
	return true;
}

uint64_t uniq_claim(const struct shape *sh, uint64_t id, struct bytes fields)
{
	enum rank rank = RANK_LIVE;

	if (record_has(fields, TAG_DELETED_AT))
		rank = sh->merged && record_number(fields, sh->merged->tag) ? RANK_MERGED
									    : RANK_TRASH;
	return (uint64_t)rank << ID_BITS | id;
}

uint64_t uniq_claimer(uint64_t claim)
{
	return claim & ((UINT64_C(1) << ID_BITS) - 1);
}

unsigned uniq_rank(uint64_t claim)
{
	return (unsigned)(claim >> ID_BITS);
}

/* Whether the first one has the value when both ask for it. */
static bool goes_before(uint64_t claim, uint64_t holder)
{
	unsigned mine = uniq_rank(claim), other = uniq_rank(holder);

	return mine < other || (mine == other && mine != RANK_LIVE);
}

bool store_value_hash(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes fields, uint8_t out[KEY_HASH])
{
	struct wire_field w;

	if (!record_find(fields, f->tag, &w))
		return false;
	key_value_hash(t->store, entity, f, &w, out);
	return true;
}

/* What the record asks for that has the value. */
static enum status read_claim(struct txn *t, const struct key *k, uint64_t *claim, struct error *e)
{
	struct buf value = BUF_INIT;
	enum status s = txn_get(t, SPACE_UNIQ, key_bytes(k), &value, e);

	if (!s && value.len != 8)
		s = txn_damaged(SPACE_UNIQ, key_bytes(k), e);
	if (!s)
		*claim = get_be64(value.data);
	buf_free(&value);
	return s;
}

static bool same_run(const struct field *f, struct bytes before, struct bytes after)
{
	return bytes_equal(record_run(before, f->tag), record_run(after, f->tag));
}

/* A live record other than id with the value of f in these fields; 0: none. */
static enum status live_holder(struct txn *t, const struct shape *sh, const struct field *f,
	uint64_t id, struct bytes fields, uint64_t *other, struct error *e)
{
	uint64_t claim = 0;
	struct key k;
	enum status s;

	*other = 0;
	if (!uniq_key(t->store, sh, f, fields, &k))
		return STATUS_OK;
	s = read_claim(t, &k, &claim, e);
	if (!s && uniq_rank(claim) == RANK_LIVE && uniq_claimer(claim) != id)
		*other = uniq_claimer(claim);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

uint64_t store_unique_holder(struct txn *t, const struct entity *entity, const struct field *f,
	uint64_t id, struct bytes fields)
{
	const struct shape *sh = txn_shape(t, entity->number);
	size_t at = 0;
	const struct shape_field *sf = sh ? shape_field(sh, f->tag, &at) : NULL;
	uint64_t other = 0;

	if (sf && sf->unique)
		live_holder(t, sh, f, id, fields, &other, NULL);
	return other;
}

static enum status check_field(struct txn *t, const struct shape *sh, const struct field *f,
	uint64_t id, struct bytes after, struct error *e)
{
	uint64_t other;
	enum status s = live_holder(t, sh, f, id, after, &other, e);

	if (s || !other)
		return s;
	error_set(e, STATUS_DUPLICATE, "%s is taken by another %s", f->name, sh->entity->name);
	error_field(e, f->name, "is taken by another %s", sh->entity->name);
	return STATUS_DUPLICATE;
}

enum status uniq_check(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e)
{
	bool was_live = before.len && uniq_rank(uniq_claim(sh, id, before)) == RANK_LIVE;
	enum status worst = STATUS_OK;

	if (uniq_rank(uniq_claim(sh, id, after)) != RANK_LIVE)
		return STATUS_OK;
	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field;
		if (!sh->fields[i].unique || (was_live && same_run(f, before, after)))
			continue;
		enum status s = check_field(t, sh, f, id, after, e);
		if (s && s != STATUS_DUPLICATE)
			return s;
		if (s)
			worst = s;
	}
	return worst;
}

struct key uniq_waiting(const struct key *value, uint64_t claim)
{
	struct key k = *value;

	key_add_u64(&k, claim);
	return k;
}

static enum status put_holder(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	uint8_t value[8];

	put_be64(value, claim);
	return txn_put(t, SPACE_UNIQ, key_bytes(k), bytes_of(value, sizeof(value)), e);
}

static enum status queue(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	struct key waiting = uniq_waiting(k, claim);

	t->doubles += uniq_rank(claim) == RANK_LIVE;
	return put_holder(t, &waiting, claim, e);
}

static enum status stop_waiting(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	struct key waiting = uniq_waiting(k, claim);

	return txn_del(t, SPACE_UNIQ, key_bytes(&waiting), e);
}

/* The first of those that wait for the value; 0: none does. */
static enum status first_waiting(
	struct txn *t, const struct key *k, uint64_t *claim, struct error *e)
{
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(t, SPACE_UNIQ, key_bytes(k), &w, e);

	*claim = 0;
	if (s)
		return s;
	while (!*claim && walk_next(w, &key))
		if (key.len == k->len + 8)
			*claim = get_be64(key.data + k->len);
	walk_close(&w);
	return t->broken;
}

/* The one that has it asks anew, perhaps for less than before. */
static enum status keep_or_give(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	uint64_t first = 0;
	enum status s = first_waiting(t, k, &first, e);
	bool gives = first && uniq_rank(first) < uniq_rank(claim);

	if (s || !gives)
		return s ? s : put_holder(t, k, claim, e);
	s = stop_waiting(t, k, first, e);
	if (!s)
		s = put_holder(t, k, first, e);
	return s ? s : queue(t, k, claim, e);
}

static enum status claim_value(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	uint64_t holder = 0;
	enum status s = read_claim(t, k, &holder, e);

	if (s == STATUS_NOT_FOUND)
		return put_holder(t, k, claim, e);
	if (s)
		return s;
	if (uniq_claimer(holder) == uniq_claimer(claim))
		return keep_or_give(t, k, claim, e);
	if (!goes_before(claim, holder))
		return queue(t, k, claim, e);
	s = queue(t, k, holder, e);
	return s ? s : put_holder(t, k, claim, e);
}

/* Gives a value that is free to the first record that waits for it. */
static enum status hand_on(struct txn *t, const struct key *k, struct error *e)
{
	uint64_t first = 0;
	enum status s = first_waiting(t, k, &first, e);

	if (s || !first)
		return s;
	s = stop_waiting(t, k, first, e);
	return s ? s : put_holder(t, k, first, e);
}

static enum status release(struct txn *t, const struct key *k, uint64_t claim, struct error *e)
{
	uint64_t holder = 0;
	enum status s = read_claim(t, k, &holder, e);

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (s || uniq_claimer(holder) != uniq_claimer(claim))
		return stop_waiting(t, k, claim, e);
	s = txn_del(t, SPACE_UNIQ, key_bytes(k), e);
	return s ? s : hand_on(t, k, e);
}

static enum status write_field(struct txn *t, const struct shape *sh, const struct field *f,
	uint64_t id, struct bytes before, struct bytes after, struct error *e)
{
	uint64_t was = uniq_claim(sh, id, before), is = uniq_claim(sh, id, after);
	struct key old, new;
	bool had = uniq_key(t->store, sh, f, before, &old);
	bool has = uniq_key(t->store, sh, f, after, &new);
	bool same = had && has && bytes_equal(key_bytes(&old), key_bytes(&new));
	enum status s = STATUS_OK;

	if (same && was == is)
		return STATUS_OK;
	if (same)
		s = stop_waiting(t, &old, was, e);
	else if (had)
		s = release(t, &old, was, e);
	if (!s && has)
		s = claim_value(t, &new, is, e);
	return s;
}

enum status uniq_write(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e)
{
	bool moves = uniq_claim(sh, id, before) != uniq_claim(sh, id, after);

	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field;
		if (!sh->fields[i].unique || (!moves && same_run(f, before, after)))
			continue;
		enum status s = write_field(t, sh, f, id, before, after, e);
		if (s)
			return s;
	}
	return STATUS_OK;
}

enum status store_find_unique(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes text, uint64_t *id, struct error *e)
{
	struct wire_field w = { .tag = f->tag, .wire = WIRE_BYTES, .bytes = text };
	struct key k = key_unique(t->store, entity, f, &w);
	uint64_t claim = 0;
	enum status s = read_claim(t, &k, &claim, e);

	if (!s)
		*id = uniq_claimer(claim);
	return s;
}
