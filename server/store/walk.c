/*
 * Walks. The place is kept as a key of our own, so that a walk goes on rightly after writes in the same transaction,
 * whatever the engine's cursors do.
 */
#include "server/store/internal.h"

struct walk {
	struct txn *txn;
	struct engine_cursor *cursor;
	enum space space;
	struct buf prefix;
	struct buf key;     /* the current key, or the gap before which the walk stands */
	struct bytes value; /* sealed, of the current key */
	bool fresh;         /* not moved yet */
	bool at;            /* key is a key that was given, not a gap */
	size_t stamp;       /* the transaction's when the cursor was placed */
};

enum status walk_open(
	struct txn *t, enum space s, struct bytes prefix, struct walk **out, struct error *e)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	enum status status = t->store->ops->cursor(t->engine, s, &w->cursor, e);
	if (status) {
		t->broken = status;
		free(w);
		return status;
	}
	reads_note_walk(t, s, prefix);
	w->txn = t;
	w->space = s;
	w->fresh = true;
	buf_add_bytes(&w->prefix, prefix);
	*out = w;
	return STATUS_OK;
}

void walk_close(struct walk **w)
{
	if (!w || !*w)
		return;
	(*w)->txn->store->ops->cursor_close(&(*w)->cursor);
	buf_free(&(*w)->prefix);
	buf_free(&(*w)->key);
	free(*w);
	*w = NULL;
}

static void stand_before(struct walk *w, struct bytes key)
{
	buf_clear(&w->key);
	buf_add_bytes(&w->key, key);
	w->at = w->fresh = false;
}

enum status walk_seek(struct walk *w, struct bytes key)
{
	if (bytes_compare(key, buf_bytes(&w->prefix)) < 0)
		key = buf_bytes(&w->prefix);
	stand_before(w, key);
	return STATUS_OK;
}

void prefix_end(struct bytes prefix, struct buf *out)
{
	buf_clear(out);
	buf_add_bytes(out, prefix);
	while (out->len && out->data[out->len - 1] == 0xFF)
		out->len--;
	if (out->len)
		out->data[out->len - 1]++;
}

enum status walk_seek_back(struct walk *w, struct bytes key)
{
	struct buf end = BUF_INIT;

	prefix_end(buf_bytes(&w->prefix), &end);
	if (end.len && bytes_compare(buf_bytes(&end), key) < 0)
		key = buf_bytes(&end);
	stand_before(w, key);
	buf_free(&end);
	return STATUS_OK;
}

/* Takes the place that the cursor found; past the end the walk stays where it is. */
static bool arrive(
	struct walk *w, enum status s, struct bytes key, struct bytes value, struct bytes *out)
{
	if (s && s != STATUS_NOT_FOUND)
		w->txn->broken = s;
	if (s || !bytes_starts(key, buf_bytes(&w->prefix))) {
		w->stamp = w->txn->stamp - 1;
		return false;
	}
	buf_clear(&w->key);
	buf_add_bytes(&w->key, key);
	w->value = value;
	w->at = true;
	w->fresh = false;
	w->stamp = w->txn->stamp;
	*out = buf_bytes(&w->key);
	return true;
}

static bool untouched(const struct walk *w)
{
	return w->at && w->stamp == w->txn->stamp;
}

bool walk_next(struct walk *w, struct bytes *key)
{
	const struct engine_ops *ops = w->txn->store->ops;
	struct bytes k = { 0 }, v = { 0 };
	enum status s;

	if (w->fresh) {
		s = ops->seek(w->cursor, buf_bytes(&w->prefix), &k, &v);
	} else if (untouched(w)) {
		s = ops->next(w->cursor, &k, &v);
	} else {
		s = ops->seek(w->cursor, buf_bytes(&w->key), &k, &v);
		if (!s && w->at && bytes_equal(k, buf_bytes(&w->key)))
			s = ops->next(w->cursor, &k, &v);
	}
	return arrive(w, s, k, v, key);
}

bool walk_prev(struct walk *w, struct bytes *key)
{
	const struct engine_ops *ops = w->txn->store->ops;
	struct bytes k = { 0 }, v = { 0 };
	enum status s;

	if (w->fresh) {
		struct buf end = BUF_INIT;
		prefix_end(buf_bytes(&w->prefix), &end);
		s = ops->seek_before(w->cursor, buf_bytes(&end), &k, &v);
		buf_free(&end);
	} else if (untouched(w)) {
		s = ops->prev(w->cursor, &k, &v);
	} else {
		s = ops->seek_before(w->cursor, buf_bytes(&w->key), &k, &v);
	}
	return arrive(w, s, k, v, key);
}

enum status walk_value(struct walk *w, struct buf *value, struct error *e)
{
	struct txn *t = w->txn;

	if (!w->at)
		return error_set(e, STATUS_INTERNAL, "walk stands on no key");
	if (!untouched(w))
		return txn_get(t, w->space, buf_bytes(&w->key), value, e);
	return txn_open_value(t, w->space, buf_bytes(&w->key), w->value, value, e);
}
