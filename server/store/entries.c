#include "server/store/entries.h"
#include "server/store/internal.h"

#define FIELD_BYTES 4 /* entity and tag, with which the keys of a field begin */

struct entries {
	struct walk *walk;
	struct key prefix;
	bool of_value;
	/* of entries_value: the value given last, and the first entry of the next one, read already */
	struct key value, pending;
	uint64_t pending_id;
	bool pending_set;
};

enum status entries_open(
	struct txn *t, const struct key *prefix, struct entries **out, struct error *e)
{
	struct entries *x = calloc(1, sizeof(*x));

	if (!x)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	x->prefix = *prefix;
	x->of_value = prefix->len > FIELD_BYTES;
	enum status s = walk_open(t, SPACE_IDX, key_bytes(prefix), &x->walk, e);
	if (s)
		entries_close(&x);
	*out = x;
	return s;
}

void entries_close(struct entries **x)
{
	if (!*x)
		return;
	walk_close(&(*x)->walk);
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
	if (!down) {
		key_add_u64(&k, id);
		walk_seek(x->walk, key_bytes(&k));
		return;
	}
	key_add_u64(&k, id == UINT64_MAX ? id : id + 1);
	walk_seek_back(x->walk, key_bytes(&k));
}

static bool split(const struct key *key, struct bytes *value, uint64_t *id)
{
	if (key->len < FIELD_BYTES + 8)
		return false;
	*value = bytes_of(key->data + FIELD_BYTES, key->len - FIELD_BYTES - 8);
	*id = get_be64(key->data + key->len - 8);
	return true;
}

void entries_seek_key(struct entries *x, const struct key *key, bool down)
{
	struct bytes value = { 0 };
	uint64_t id = 0;

	split(key, &value, &id);
	entries_seek(x, value, id, down);
}

int entry_compare(const struct index_entry *en, const struct key *key)
{
	struct bytes value;
	uint64_t id;

	if (!split(key, &value, &id))
		return 1;
	int order = bytes_compare(en->value, value);
	return order ? order : en->id < id ? -1 : en->id > id;
}

bool entries_step(struct entries *x, bool down, struct index_entry *out)
{
	struct bytes key;

	do {
		if (!(down ? walk_prev(x->walk, &key) : walk_next(x->walk, &key)))
			return false;
		/* a longer value may begin like this one */
	} while (key.len < FIELD_BYTES + 8 || (x->of_value && key.len != x->prefix.len + 8));
	out->value = bytes_of(key.data + FIELD_BYTES, key.len - FIELD_BYTES - 8);
	out->id = key_index_id(key);
	return true;
}

bool entries_value(struct entries *x, struct index_entry *first, uint64_t *count)
{
	struct index_entry en;
	bool more = x->pending_set || entries_step(x, false, &en);

	if (!more)
		return false;
	if (x->pending_set)
		en = (struct index_entry){ key_bytes(&x->pending), x->pending_id };
	x->value.len = 0;
	add_value(&x->value, en.value);
	*first = (struct index_entry){ key_bytes(&x->value), en.id };
	*count = 1;
	while ((more = entries_step(x, false, &en)) && bytes_equal(en.value, first->value))
		++*count;
	x->pending_set = more;
	x->pending.len = 0;
	if (more)
		add_value(&x->pending, en.value);
	x->pending_id = en.id;
	return true;
}

bool entries_has(struct txn *t, const struct key *value, uint64_t id)
{
	struct key k = *value;

	key_add_u64(&k, id);
	return txn_has(t, SPACE_IDX, key_bytes(&k));
}

size_t entries_count(struct txn *t, const struct key *low, const struct key *high, size_t max)
{
	struct key field = *low;
	struct walk *w;
	struct bytes key;
	size_t n = 0;

	field.len = FIELD_BYTES;
	if (walk_open(t, SPACE_IDX, key_bytes(&field), &w, NULL))
		return max;
	walk_seek(w, key_bytes(low));
	while (n < max && walk_next(w, &key) && bytes_compare(key, key_bytes(high)) <= 0)
		n++;
	walk_close(&w);
	return n;
}
