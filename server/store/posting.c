/* Walking and counting postings. */
#include "server/store/internal.h"

struct posting_walk {
	struct txn *txn;
	struct engine_cursor *cursor;
	enum space space;
	bool one;          /* a single list */
	struct buf prefix; /* the list, or what all lists start with */
	/* The block at hand. */
	bool loaded;
	bool standing; /* the cursor is on it */
	size_t stamp;  /* the transaction's when it was read */
	struct buf list;
	struct posting_runs runs;
	uint64_t last;
	/* The place: on an entry of the block (at), or before (place, place_id). */
	bool at, fresh;
	size_t run;
	uint64_t nth; /* of the run */
	struct buf place;
	uint64_t place_id;
};

struct key posting_key(struct bytes list, uint64_t id)
{
	struct key k = { .len = list.len < KEY_BYTES - 8 ? list.len : KEY_BYTES - 8 };
	uint8_t number[8];

	if (k.len)
		memcpy(k.data, list.data, k.len);
	put_be64(number, id);
	if (id >> (8 * POSTING_ID)) { /* behind all of the list */
		memset(k.data + k.len, 0xff, POSTING_ID + 1);
		k.len += POSTING_ID + 1;
	} else {
		memcpy(k.data + k.len, number + 8 - POSTING_ID, POSTING_ID);
		k.len += POSTING_ID;
	}
	return k;
}

bool posting_key_split(struct bytes key, struct bytes *list, uint64_t *id)
{
	uint8_t number[8] = { 0 };

	if (key.len < POSTING_ID)
		return false;
	*list = bytes_of(key.data, key.len - POSTING_ID);
	memcpy(number + 8 - POSTING_ID, key.data + list->len, POSTING_ID);
	*id = get_be64(number);
	return true;
}

static enum status open_walk(struct txn *t, enum space s, struct bytes prefix, bool one,
	struct posting_walk **out, struct error *e)
{
	struct posting_walk *p = calloc(1, sizeof(*p));

	if (!p)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	enum status status = t->store->ops->cursor(t->engine, s, &p->cursor, e);
	if (status) {
		t->broken = status;
		free(p);
		return status;
	}
	if (one)
		reads_note(t, s, prefix);
	else
		reads_note_walk(t, s, prefix);
	p->txn = t;
	p->space = s;
	p->one = one;
	p->fresh = true;
	buf_add_bytes(&p->prefix, prefix);
	*out = p;
	return STATUS_OK;
}

enum status posting_open(
	struct txn *t, enum space s, struct bytes list, struct posting_walk **out, struct error *e)
{
	return open_walk(t, s, list, true, out, e);
}

enum status posting_open_all(struct txn *t, enum space s, struct bytes prefix,
	struct posting_walk **out, struct error *e)
{
	return open_walk(t, s, prefix, false, out, e);
}

void posting_close(struct posting_walk **p)
{
	if (!p || !*p)
		return;
	(*p)->txn->store->ops->cursor_close(&(*p)->cursor);
	buf_free(&(*p)->prefix);
	buf_free(&(*p)->list);
	buf_free(&(*p)->place);
	posting_runs_free(&(*p)->runs);
	free(*p);
	*p = NULL;
}

/* ---- Blocks ---- */

static bool fail(struct posting_walk *p, enum status s)
{
	p->txn->broken = s;
	return false;
}

/* Takes the block that the cursor has found; false past the end. */
static bool load(struct posting_walk *p, enum status s, struct bytes key, struct bytes value)
{
	struct bytes list;
	uint64_t first, count;

	p->loaded = p->standing = false;
	if (s && s != STATUS_NOT_FOUND)
		return fail(p, s);
	if (s || !bytes_starts(key, buf_bytes(&p->prefix)))
		return false;
	if (!posting_key_split(key, &list, &first))
		return fail(p, STATUS_INTERNAL);
	if (p->one && list.len != p->prefix.len)
		return false;
	p->runs.n = 0;
	if (!posting_block_head(value, first, &p->last, &count) ||
		!posting_block_read(first, value, &p->runs))
		return fail(p, STATUS_INTERNAL);
	buf_clear(&p->list);
	buf_add_bytes(&p->list, list);
	p->loaded = p->standing = true;
	p->stamp = p->txn->stamp;
	return true;
}

static bool is_of(struct bytes key, const struct buf *list)
{
	return key.len == list->len + POSTING_ID && bytes_starts(key, buf_bytes(list));
}

/* Whether the block of the place's list that was found ends before the place. */
static bool ends_before(const struct posting_walk *p, struct bytes key, struct bytes value)
{
	uint64_t first, last, count;
	struct bytes list;

	return !posting_key_split(key, &list, &first) ||
	       (posting_block_head(value, first, &last, &count) && last < p->place_id);
}

/* The first block with an entry at or after the place. */
static bool find_from(struct posting_walk *p)
{
	const struct engine_ops *ops = p->txn->store->ops;
	struct bytes k = { 0 }, v = { 0 };
	struct key from = posting_key(buf_bytes(&p->place), p->place_id);
	enum status s = STATUS_NOT_FOUND;

	if (p->place_id == 0) {
		s = ops->seek(p->cursor, buf_bytes(&p->place), &k, &v);
		return load(p, s, k, v);
	}
	if (p->place_id != UINT64_MAX) {
		struct key behind = posting_key(buf_bytes(&p->place), p->place_id + 1);
		s = ops->seek_before(p->cursor, key_bytes(&behind), &k, &v);
		if (!s && is_of(k, &p->place) && !ends_before(p, k, v))
			return load(p, s, k, v);
	}
	if (!s)
		s = ops->next(p->cursor, &k, &v);
	else if (s == STATUS_NOT_FOUND)
		s = ops->seek(p->cursor, key_bytes(&from), &k, &v);
	return load(p, s, k, v);
}

/* The last block with an entry before the place; of all when there is no place yet. */
static bool find_before(struct posting_walk *p)
{
	const struct engine_ops *ops = p->txn->store->ops;
	struct key before = posting_key(buf_bytes(&p->place), p->place_id);
	struct bytes k = { 0 }, v = { 0 };
	struct buf end = BUF_INIT;
	enum status s;

	if (p->fresh) {
		prefix_end(buf_bytes(&p->prefix), &end);
		s = ops->seek_before(p->cursor, buf_bytes(&end), &k, &v);
		buf_free(&end);
	} else {
		s = ops->seek_before(p->cursor, key_bytes(&before), &k, &v);
	}
	return load(p, s, k, v);
}

/* ---- Places ---- */

static uint64_t id_at(const struct posting_walk *p)
{
	return p->runs.items[p->run].first + p->nth;
}

static bool valid(const struct posting_walk *p)
{
	return p->loaded && p->stamp == p->txn->stamp;
}

static bool in_place_list(const struct posting_walk *p)
{
	return bytes_equal(buf_bytes(&p->list), buf_bytes(&p->place));
}

/* The number of runs that start before id. */
static size_t runs_before(const struct posting_walk *p, uint64_t id)
{
	size_t low = 0, high = p->runs.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (p->runs.items[middle].first < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Onto the first entry of the block at or after the place, which is there. */
static bool enter(struct posting_walk *p, uint64_t *id)
{
	uint64_t from = in_place_list(p) ? p->place_id : 0;
	size_t n = runs_before(p, from);

	p->run = n;
	p->nth = 0;
	if (n > 0 && p->runs.items[n - 1].first + p->runs.items[n - 1].n > from) {
		p->run = n - 1;
		p->nth = from - p->runs.items[n - 1].first;
	}
	p->at = true;
	p->fresh = false;
	*id = id_at(p);
	return true;
}

/* Onto the last entry of the block before the place, which is there. */
static bool enter_back(struct posting_walk *p, uint64_t *id)
{
	uint64_t before = !p->fresh && in_place_list(p) ? p->place_id : UINT64_MAX;

	p->run = runs_before(p, before) - 1;
	p->nth = before - p->runs.items[p->run].first;
	if (p->nth > p->runs.items[p->run].n)
		p->nth = p->runs.items[p->run].n;
	p->nth--;
	p->at = true;
	p->fresh = false;
	*id = id_at(p);
	return true;
}

static void stand(struct posting_walk *p, struct bytes list, uint64_t id)
{
	buf_clear(&p->place);
	buf_add_bytes(&p->place, list);
	p->place_id = id;
	p->at = p->fresh = false;
}

void posting_seek(struct posting_walk *p, struct bytes list, uint64_t id)
{
	if (bytes_compare(list, buf_bytes(&p->prefix)) < 0)
		stand(p, buf_bytes(&p->prefix), 0);
	else
		stand(p, list, id);
}

/* Writes what waits for the lists of this walk. */
static bool settle(struct posting_walk *p)
{
	if (!p->txn->waiting || p->stamp == p->txn->stamp)
		return true;
	return waiting_settle(p->txn, p->space, buf_bytes(&p->prefix), p->one) == STATUS_OK;
}

static bool within(const struct posting_walk *p, uint64_t id)
{
	return valid(p) && in_place_list(p) && id >= p->runs.items[0].first && id <= p->last;
}

bool posting_next(struct posting_walk *p, uint64_t *id)
{
	const struct engine_ops *ops = p->txn->store->ops;
	struct bytes k = { 0 }, v = { 0 };
	bool follow = false, found;

	if (!settle(p))
		return false;
	if (p->at && valid(p)) {
		if (++p->nth < p->runs.items[p->run].n || (p->nth = 0, ++p->run < p->runs.n)) {
			*id = id_at(p);
			return true;
		}
		follow = p->standing;
		stand(p, buf_bytes(&p->list), p->last + 1);
	} else if (p->at) {
		stand(p, buf_bytes(&p->list), id_at(p) + 1);
	} else if (p->fresh) {
		stand(p, buf_bytes(&p->prefix), 0);
	}
	if (follow) {
		enum status s = ops->next(p->cursor, &k, &v);
		found = load(p, s, k, v);
	} else {
		found = within(p, p->place_id) || find_from(p);
	}
	return found && enter(p, id);
}

bool posting_prev(struct posting_walk *p, uint64_t *id)
{
	const struct engine_ops *ops = p->txn->store->ops;
	struct bytes k = { 0 }, v = { 0 };
	bool follow = false, found;

	if (!settle(p))
		return false;
	if (p->at && valid(p)) {
		if (p->nth-- > 0 ||
			(p->run-- > 0 && (p->nth = p->runs.items[p->run].n - 1, true))) {
			*id = id_at(p);
			return true;
		}
		follow = p->standing;
		stand(p, buf_bytes(&p->list), p->runs.items[0].first);
	} else if (p->at) {
		stand(p, buf_bytes(&p->list), id_at(p));
	}
	if (follow) {
		enum status s = ops->prev(p->cursor, &k, &v);
		found = load(p, s, k, v);
	} else {
		found = (!p->fresh && p->place_id && within(p, p->place_id - 1)) || find_before(p);
	}
	return found && enter_back(p, id);
}

struct bytes posting_list(const struct posting_walk *p)
{
	return buf_bytes(&p->list);
}

/* ---- Looking up and counting ---- */

bool posting_has(struct txn *t, enum space s, struct bytes list, uint64_t id)
{
	const struct engine_ops *ops = t->store->ops;
	struct engine_cursor *c;
	struct bytes k = { 0 }, v = { 0 }, found;
	uint64_t first;
	bool there;

	reads_note(t, s, list);
	if (waiting_has(t, s, list, id, &there))
		return there;
	if (t->broken || ops->cursor(t->engine, s, &c, NULL))
		return false;
	struct key behind = posting_key(list, id + 1);
	enum status status = ops->seek_before(c, key_bytes(&behind), &k, &v);
	if (status && status != STATUS_NOT_FOUND)
		t->broken = status;
	there = !status && posting_key_split(k, &found, &first) && bytes_equal(found, list) &&
		posting_block_has(first, v, id);
	ops->cursor_close(&c);
	return there;
}

size_t posting_ids(struct txn *t, enum space s, struct bytes list, uint64_t after_id, uint64_t *ids,
	size_t max)
{
	struct posting_walk *w;
	size_t n = 0;

	if (after_id == UINT64_MAX || posting_open(t, s, list, &w, NULL))
		return 0;
	posting_seek(w, list, after_id + 1);
	while (n < max && posting_next(w, &ids[n]))
		n++;
	posting_close(&w);
	return n;
}

/* The block on which the walk's cursor stands, or the next one: its list, first id and head alone. */
struct head {
	struct bytes list;
	uint64_t first, last, count;
};

static bool read_head(
	struct posting_walk *p, enum status s, struct bytes k, struct bytes v, struct head *h)
{
	if (s && s != STATUS_NOT_FOUND)
		return fail(p, s);
	if (s || !bytes_starts(k, buf_bytes(&p->prefix)))
		return false;
	if (!posting_key_split(k, &h->list, &h->first) ||
		!posting_block_head(v, h->first, &h->last, &h->count))
		return fail(p, STATUS_INTERNAL);
	return !p->one || h->list.len == p->prefix.len;
}

static bool first_head(struct posting_walk *p, struct bytes key, struct head *h)
{
	struct bytes k = { 0 }, v = { 0 };
	enum status s;

	p->loaded = false;
	if (!settle(p))
		return false;
	s = p->txn->store->ops->seek(p->cursor, key, &k, &v);
	return read_head(p, s, k, v, h);
}

static bool next_head(struct posting_walk *p, struct head *h)
{
	struct bytes k = { 0 }, v = { 0 };
	enum status s = p->txn->store->ops->next(p->cursor, &k, &v);

	return read_head(p, s, k, v, h);
}

uint64_t posting_count(struct txn *t, enum space s, struct bytes list)
{
	struct posting_walk *p;
	struct head h;
	uint64_t n = 0;

	if (posting_open(t, s, list, &p, NULL))
		return 0;
	for (bool more = first_head(p, list, &h); more; more = next_head(p, &h))
		n += h.count;
	posting_close(&p);
	return n;
}

/* Ids of a block from the entry at hand on. */
static uint64_t count_left(const struct posting_walk *p)
{
	uint64_t n = p->runs.items[p->run].n - p->nth;

	for (size_t i = p->run + 1; i < p->runs.n; i++)
		n += p->runs.items[i].n;
	return n;
}

bool posting_next_block(struct posting_walk *p, const struct posting_run **runs, size_t *n)
{
	struct posting_run *first;
	uint64_t id;

	if (!posting_next(p, &id))
		return false;
	first = &p->runs.items[p->run];
	first->first += p->nth;
	first->n -= p->nth;
	*runs = first;
	*n = p->runs.n - p->run;
	p->run = p->runs.n - 1;
	p->nth = p->runs.items[p->run].n - 1;
	return true;
}

bool posting_next_list(struct posting_walk *p, uint64_t *id, uint64_t *count)
{
	struct head h;

	if (!posting_next(p, id))
		return false;
	*count = count_left(p);
	if (p->standing)
		while (next_head(p, &h) && bytes_equal(h.list, buf_bytes(&p->list)))
			*count += h.count;
	p->standing = false; /* the cursor is on the next list */
	stand(p, buf_bytes(&p->list), UINT64_MAX);
	return true;
}

static int compare_place(struct bytes list, uint64_t id, struct bytes other, uint64_t other_id)
{
	int order = bytes_compare(list, other);

	return order ? order : id < other_id ? -1 : id > other_id;
}

/* Ids of a block that stand before id. */
static uint64_t count_before(const struct posting_walk *p, uint64_t id)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->runs.n && p->runs.items[i].first < id; i++) {
		uint64_t room = id - p->runs.items[i].first;
		n += room < p->runs.items[i].n ? room : p->runs.items[i].n;
	}
	return n;
}

/* As posting_count_range from the entry on which the walk stands. */
static uint64_t count_on(struct posting_walk *p, struct bytes high, uint64_t high_id, uint64_t most)
{
	uint64_t before = count_before(p, id_at(p)), n = 0, id;
	struct key from = posting_key(buf_bytes(&p->list), p->runs.items[0].first);
	struct head h;
	bool more = first_head(p, key_bytes(&from), &h);

	if (most < UINT64_MAX - before)
		most += before;
	while (more && compare_place(h.list, h.last, high, high_id) < 0) {
		n += h.count;
		more = n <= most && next_head(p, &h);
	}
	if (more && n <= most && compare_place(h.list, h.first, high, high_id) < 0) {
		posting_seek(p, h.list, h.first);
		if (posting_next(p, &id))
			n += count_before(p, high_id);
	}
	return n > before ? n - before : 0;
}

uint64_t posting_count_range(struct txn *t, enum space s, struct bytes low, uint64_t low_id,
	struct bytes high, uint64_t high_id, uint64_t most)
{
	struct bytes none = { 0 };
	struct posting_walk *p;
	uint64_t id, n = 0;

	if (posting_open_all(t, s, none, &p, NULL))
		return 0;
	posting_seek(p, low, low_id);
	if (posting_next(p, &id) && compare_place(posting_list(p), id, high, high_id) < 0)
		n = count_on(p, high, high_id, most);
	posting_close(&p);
	return n;
}
