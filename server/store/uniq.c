/* Unique values. A record in the trash keeps its own, so that it can always come back. */
#include "server/store/internal.h"

bool uniq_key(const struct store *s, const struct shape *sh, const struct field *f,
	struct bytes fields, struct key *out)
{
	struct wire_field w;

	if (!record_find(fields, f->tag, &w))
		return false;
	*out = key_unique(s, sh->entity, f, &w);
	return true;
}

bool store_value_hash(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes fields, uint8_t out[KEY_HASH])
{
	const struct shape *sh = txn_shape(t, entity->number);
	struct key k;

	if (!sh || !uniq_key(t->store, sh, f, fields, &k))
		return false;
	memcpy(out, k.data + k.len - KEY_HASH, KEY_HASH);
	return true;
}

static enum status read_id(struct txn *t, const struct key *k, uint64_t *id, struct error *e)
{
	struct buf value = BUF_INIT;
	enum status s = txn_get(t, SPACE_UNIQ, key_bytes(k), &value, e);

	if (!s && value.len != 8)
		s = txn_damaged(SPACE_UNIQ, key_bytes(k), e);
	if (!s)
		*id = get_be64(value.data);
	buf_free(&value);
	return s;
}

static bool same_run(const struct field *f, struct bytes before, struct bytes after)
{
	return bytes_equal(record_run(before, f->tag), record_run(after, f->tag));
}

static enum status check_field(struct txn *t, const struct shape *sh, const struct field *f,
	uint64_t id, struct bytes after, struct error *e)
{
	uint64_t other = 0;
	struct key k;

	if (!uniq_key(t->store, sh, f, after, &k))
		return STATUS_OK;
	enum status s = read_id(t, &k, &other, e);
	if (s == STATUS_NOT_FOUND || (!s && other == id))
		return STATUS_OK;
	if (s)
		return s;
	error_set(e, STATUS_DUPLICATE, "%s is taken by another %s", f->name, sh->entity->name);
	error_field(e, f->name, "is taken by another %s", sh->entity->name);
	return STATUS_DUPLICATE;
}

enum status uniq_check(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e)
{
	enum status worst = STATUS_OK;

	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field;
		if (!sh->fields[i].unique || same_run(f, before, after))
			continue;
		enum status s = check_field(t, sh, f, id, after, e);
		if (s && s != STATUS_DUPLICATE)
			return s;
		if (s)
			worst = s;
	}
	return worst;
}

struct key uniq_waiting(const struct key *value, uint64_t id)
{
	struct key k = *value;

	key_add_u64(&k, id);
	return k;
}

static enum status put_id(struct txn *t, const struct key *k, uint64_t id, struct error *e)
{
	uint8_t value[8];

	put_be64(value, id);
	return txn_put(t, SPACE_UNIQ, key_bytes(k), bytes_of(value, sizeof(value)), e);
}

/* A value that is taken, although uniq_check goes before every write, stood twice before its field became unique. */
static enum status claim(struct txn *t, const struct key *k, uint64_t id, struct error *e)
{
	uint64_t other = id;
	enum status s = read_id(t, k, &other, e);

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (other == id)
		return put_id(t, k, id, e);
	struct key waiting = uniq_waiting(k, id);
	t->doubles++;
	return put_id(t, &waiting, id, e);
}

/* Gives a value that is free to the first record that waits for it. */
static enum status hand_on(struct txn *t, const struct key *k, struct error *e)
{
	struct key waiting = { 0 };
	struct bytes key;
	struct walk *w;
	enum status s = walk_open(t, SPACE_UNIQ, key_bytes(k), &w, e);

	if (s)
		return s;
	if (walk_next(w, &key) && key.len == k->len + 8)
		waiting = uniq_waiting(k, get_be64(key.data + k->len));
	walk_close(&w);
	if (!waiting.len)
		return t->broken;
	s = txn_del(t, SPACE_UNIQ, key_bytes(&waiting), e);
	return s ? s : put_id(t, k, get_be64(waiting.data + k->len), e);
}

static enum status release(struct txn *t, const struct key *k, uint64_t id, struct error *e)
{
	struct key waiting = uniq_waiting(k, id);
	uint64_t other = id;
	enum status s = read_id(t, k, &other, e);

	if (s && s != STATUS_NOT_FOUND)
		return s;
	if (other != id)
		return txn_del(t, SPACE_UNIQ, key_bytes(&waiting), e);
	s = txn_del(t, SPACE_UNIQ, key_bytes(k), e);
	return s ? s : hand_on(t, k, e);
}

static enum status write_field(struct txn *t, const struct shape *sh, const struct field *f,
	uint64_t id, struct bytes before, struct bytes after, struct error *e)
{
	struct key old, new;
	bool had = uniq_key(t->store, sh, f, before, &old);
	bool has = uniq_key(t->store, sh, f, after, &new);
	enum status s = STATUS_OK;

	if (had && has && bytes_equal(key_bytes(&old), key_bytes(&new)))
		return STATUS_OK;
	if (had)
		s = release(t, &old, id, e);
	if (!s && has)
		s = claim(t, &new, id, e);
	return s;
}

enum status uniq_write(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e)
{
	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = sh->fields[i].field;
		if (!sh->fields[i].unique || same_run(f, before, after))
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

	return read_id(t, &k, id, e);
}
