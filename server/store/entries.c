#include "server/store/entries.h"
#include "server/store/internal.h"

#define FIELD_BYTES 4 /* entity and tag, with which the keys of a field begin */

struct entries {
	struct posting_walk *walk;
	struct key prefix;
	struct key value; /* of entries_value: the one given last */
};

enum status entries_open(
	struct txn *t, const struct key *prefix, struct entries **out, struct error *e)
{
	struct entries *x = calloc(1, sizeof(*x));

	if (!x)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	x->prefix = *prefix;
	enum status s = prefix->len > FIELD_BYTES
				? posting_open(t, SPACE_IDX, key_bytes(prefix), &x->walk, e)
				: posting_open_all(t, SPACE_IDX, key_bytes(prefix), &x->walk, e);
	if (s)
		entries_close(&x);
	*out = x;
	return s;
}

void entries_close(struct entries **x)
{
	if (!*x)
		return;
	posting_close(&(*x)->walk);
	free(*x);
	*x = NULL;
}

static void add_value(struct key *k, struct bytes value)
{
	if (value.len > 0)
		memcpy(k->data + k->len, value.data, value.len);
	k->len += value.len;
}

void entries_seek(struct entries *x, struct bytes value, uint64_t id, bool down)
{
	struct key k = x->prefix;

	k.len = FIELD_BYTES;
	add_value(&k, value);
	posting_seek(x->walk, key_bytes(&k), id + (down && id < UINT64_MAX));
}

/* A key of a field alone stands before its first entry. */
static void split(const struct key *key, struct bytes *list, uint64_t *id)
{
	bool whole = key->len < FIELD_BYTES + 8;

	*list = whole ? key_bytes(key) : key_list(key_bytes(key));
	*id = whole ? 0 : key_index_id(key_bytes(key));
}

void entries_seek_key(struct entries *x, const struct key *key, bool down)
{
	struct bytes list;
	uint64_t id;

	split(key, &list, &id);
	posting_seek(x->walk, list, id + (down && id < UINT64_MAX));
}

int entry_compare(const struct index_entry *en, const struct key *key)
{
	struct bytes list;
	uint64_t id;

	split(key, &list, &id);
	int order =
		bytes_compare(en->value, bytes_of(list.data + FIELD_BYTES, list.len - FIELD_BYTES));
	return order ? order : en->id < id ? -1 : en->id > id;
}

static struct bytes value_of(const struct entries *x)
{
	struct bytes list = posting_list(x->walk);

	return bytes_of(list.data + FIELD_BYTES, list.len - FIELD_BYTES);
}

bool entries_step(struct entries *x, bool down, struct index_entry *out)
{
	if (!(down ? posting_prev(x->walk, &out->id) : posting_next(x->walk, &out->id)))
		return false;
	out->value = value_of(x);
	return true;
}

bool entries_block(
	struct entries *x, struct bytes *value, const struct posting_run **runs, size_t *n)
{
	if (!posting_next_block(x->walk, runs, n))
		return false;
	*value = value_of(x);
	return true;
}

bool entries_value(struct entries *x, struct index_entry *first, uint64_t *count)
{
	if (!posting_next_list(x->walk, &first->id, count))
		return false;
	x->value.len = 0;
	add_value(&x->value, value_of(x));
	first->value = key_bytes(&x->value);
	return true;
}

bool entries_has(struct txn *t, const struct key *value, uint64_t id)
{
	return posting_has(t, SPACE_IDX, key_bytes(value), id);
}

size_t entries_count(struct txn *t, const struct key *low, const struct key *high, size_t max)
{
	struct bytes first, last;
	uint64_t from, to, n;

	split(low, &first, &from);
	split(high, &last, &to);
	n = posting_count_range(t, SPACE_IDX, first, from, last, to + (to < UINT64_MAX), max);
	return n < max ? n : max;
}
