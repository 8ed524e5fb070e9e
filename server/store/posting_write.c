/* Changing postings: what waits in a transaction, found by its list, and the writing of blocks. */
#include "server/store/internal.h"
#include "server/store/posting_block.h"

#include <glib.h>

#define TABLE_START 64u
#define SMALL_BLOCK (POSTING_BYTES / 4)
#define NONE UINT32_MAX

struct waiting_change {
	struct posting_change change;
	uint32_t next; /* of the same list, older ones first */
};

struct waiting_list {
	size_t at, len; /* of the list's key */
	uint32_t hash, first, last;
	enum space space;
};

struct waiting {
	struct buf keys;
	struct waiting_list *lists;
	size_t nlists, cap_lists;
	struct waiting_change *changes;
	size_t nchanges, cap_changes;
	uint32_t *table; /* of numbers of lists; a power of two */
	size_t size;
	size_t open; /* changes not written yet */
	/* scratch of the writing */
	struct posting_change *sorted;
	size_t cap_sorted;
	struct posting_runs old, new;
	struct buf value;
};

/* ---- What waits ---- */

static uint32_t hash_of(enum space s, struct bytes list)
{
	uint64_t h = 1469598103934665603u + (uint64_t)s;

	for (size_t i = 0; i < list.len; i++)
		h = (h ^ list.data[i]) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32);
}

static struct bytes list_key(const struct waiting *w, const struct waiting_list *l)
{
	return bytes_of(w->keys.data + l->at, l->len);
}

/* The slot of a list in the table: its own, or the free one where it belongs. */
static uint32_t *slot_of(const struct waiting *w, enum space s, struct bytes list, uint32_t hash)
{
	for (size_t i = hash;; i++) {
		uint32_t *slot = &w->table[i & (w->size - 1)];
		const struct waiting_list *l = *slot == NONE ? NULL : &w->lists[*slot];
		if (!l || (l->hash == hash && l->space == s && bytes_equal(list_key(w, l), list)))
			return slot;
	}
}

static void grow_table(struct waiting *w)
{
	free(w->table);
	w->size = w->size ? w->size * 2 : TABLE_START;
	w->table = items_new(w->size, sizeof(*w->table));
	memset(w->table, 0xff, w->size * sizeof(*w->table));
	for (size_t i = 0; i < w->nlists; i++) {
		const struct waiting_list *l = &w->lists[i];
		*slot_of(w, l->space, list_key(w, l), l->hash) = (uint32_t)i;
	}
}

static struct waiting_list *find_list(const struct waiting *w, enum space s, struct bytes list)
{
	uint32_t number = w && w->size ? *slot_of(w, s, list, hash_of(s, list)) : NONE;

	return number == NONE ? NULL : &w->lists[number];
}

static struct waiting_list *make_list(struct waiting *w, enum space s, struct bytes list)
{
	uint32_t hash = hash_of(s, list);

	if (w->nlists * 2 >= w->size)
		grow_table(w);
	uint32_t *slot = slot_of(w, s, list, hash);
	if (*slot == NONE) {
		*slot = (uint32_t)w->nlists;
		w->lists = items_grow(w->lists, w->nlists, &w->cap_lists, sizeof(*w->lists));
		w->lists[w->nlists++] =
			(struct waiting_list){ w->keys.len, list.len, hash, NONE, NONE, s };
		buf_add_bytes(&w->keys, list);
	}
	return &w->lists[*slot];
}

static enum status change(
	struct txn *t, enum space s, struct bytes list, uint64_t id, bool add, struct error *e)
{
	if (!t->write)
		return error_set(e, STATUS_INTERNAL, "write in a read transaction");
	if (!t->waiting)
		t->waiting = items_new(1, sizeof(*t->waiting));
	struct waiting *w = t->waiting;
	struct waiting_list *l = make_list(w, s, list);
	uint32_t number = (uint32_t)w->nchanges;

	w->changes = items_grow(w->changes, w->nchanges, &w->cap_changes, sizeof(*w->changes));
	w->changes[w->nchanges++] = (struct waiting_change){ { id, add }, NONE };
	if (l->first == NONE)
		l->first = number;
	else
		w->changes[l->last].next = number;
	l->last = number;
	w->open++;
	t->puts++;
	t->stamp++;
	t->put_bytes += list.len + POSTING_ID;
	changed_note(t, s, list);
	return STATUS_OK;
}

enum status posting_add(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e)
{
	return change(t, s, list, id, true, e);
}

enum status posting_remove(
	struct txn *t, enum space s, struct bytes list, uint64_t id, struct error *e)
{
	return change(t, s, list, id, false, e);
}

bool waiting_has(struct txn *t, enum space s, struct bytes list, uint64_t id, bool *there)
{
	const struct waiting *w = t->waiting;
	const struct waiting_list *l = find_list(w, s, list);
	bool found = false;

	for (uint32_t i = l ? l->first : NONE; i != NONE; i = w->changes[i].next) {
		if (w->changes[i].change.id != id)
			continue;
		*there = w->changes[i].change.add;
		found = true;
	}
	return found;
}

void waiting_free(struct waiting **wp)
{
	struct waiting *w = *wp;

	if (!w)
		return;
	buf_free(&w->keys);
	free(w->lists);
	free(w->changes);
	free(w->table);
	free(w->sorted);
	posting_runs_free(&w->old);
	posting_runs_free(&w->new);
	buf_free(&w->value);
	free(w);
	*wp = NULL;
}

/* ---- Writing one list ---- */

/* The block that an id belongs into, and where the next one begins. */
struct place {
	bool found;         /* else the list has none */
	struct key key;     /* of the block */
	struct bytes value; /* valid until the next write */
	uint64_t first, last;
	uint64_t limit;      /* first id of the next block; UINT64_MAX: the last block */
	struct bytes behind; /* value of the next block */
};

static bool take_block(struct bytes list, enum status s, struct bytes k, uint64_t *first)
{
	struct bytes of;

	return !s && posting_key_split(k, &of, first) && bytes_equal(of, list);
}

static void set_block(struct place *p, struct bytes list, uint64_t first, struct bytes value)
{
	p->found = true;
	p->first = first;
	p->key = posting_key(list, first);
	p->value = value;
}

static bool is_fault(enum status s)
{
	return s && s != STATUS_NOT_FOUND;
}

/* The block before the gap behind id, else the first of the list. */
static enum status find_place(
	struct txn *t, struct engine_cursor *c, struct bytes list, uint64_t id, struct place *p)
{
	const struct engine_ops *ops = t->store->ops;
	struct key behind = posting_key(list, id + 1);
	struct bytes k = { 0 }, v = { 0 };
	uint64_t first;
	enum status s = ops->seek(c, key_bytes(&behind), &k, &v), back;

	*p = (struct place){ .limit = UINT64_MAX };
	if (is_fault(s))
		return s;
	if (take_block(list, s, k, &first)) {
		p->limit = first;
		p->behind = v;
	}
	back = s ? ops->seek_before(c, key_bytes(&behind), &k, &v) : ops->prev(c, &k, &v);
	if (is_fault(back))
		return back;
	if (take_block(list, back, k, &first)) {
		set_block(p, list, first, v);
	} else if (p->limit != UINT64_MAX) {
		set_block(p, list, p->limit, p->behind);
		p->limit = UINT64_MAX;
		behind = posting_key(list, p->first + 1);
		s = ops->seek(c, key_bytes(&behind), &k, &v);
		if (take_block(list, s, k, &first)) {
			p->limit = first;
			p->behind = v;
		}
	}
	return is_fault(s) ? s : STATUS_OK;
}

/* At most as many bytes a block as shares all evenly; the end of a list, where more will come, is filled to the brim. */
static size_t room_of(const struct posting_runs *runs, bool end)
{
	size_t size = posting_block_size(runs), blocks = size / (POSTING_BYTES - 32) + 1;

	return end || blocks == 1 ? POSTING_BYTES : size / blocks + 64;
}

static enum status write_runs(struct txn *t, enum space s, struct bytes list,
	const struct posting_runs *runs, bool end, struct error *e)
{
	size_t at = 0, room = room_of(runs, end);
	uint64_t skip = 0, first;
	enum status status = STATUS_OK;

	while (!status && at < runs->n) {
		posting_block_write(runs, &at, &skip, room, &first, &t->waiting->value);
		struct key k = posting_key(list, first);
		status = txn_put(t, s, key_bytes(&k), buf_bytes(&t->waiting->value), e);
	}
	return status;
}

static enum status damaged(enum space s, const struct place *p, struct error *e)
{
	return txn_damaged(s, key_bytes(&p->key), e);
}

/* Changes that all belong into one block. */
static enum status change_block(struct txn *t, enum space s, struct bytes list,
	const struct place *p, const struct posting_change *changes, size_t n, struct error *e)
{
	struct waiting *w = t->waiting;
	bool merged = false;
	enum status status = STATUS_OK;

	w->old.n = w->new.n = 0;
	if (p->found && !posting_block_read(p->first, p->value, &w->old))
		return damaged(s, p, e);
	posting_runs_change(&w->old, changes, n, &w->new);
	size_t size = posting_block_size(&w->new);
	if (p->limit != UINT64_MAX && size < SMALL_BLOCK && p->behind.len < POSTING_BYTES / 2) {
		merged = true;
		if (!posting_block_read(p->limit, p->behind, &w->new))
			return damaged(s, p, e);
	}
	bool moved = p->found && (!w->new.n || w->new.items[0].first != p->first);
	if (moved)
		status = txn_del(t, s, key_bytes(&p->key), e);
	if (!status && merged) {
		struct key next = posting_key(list, p->limit);
		status = txn_del(t, s, key_bytes(&next), e);
	}
	return status ? status : write_runs(t, s, list, &w->new, p->limit == UINT64_MAX, e);
}

static bool all_behind(const struct place *p, const struct posting_change *changes, size_t n)
{
	uint64_t last, count;

	if (!p->found || p->limit != UINT64_MAX ||
		!posting_block_head(p->value, p->first, &last, &count) || changes[0].id <= last)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!changes[i].add)
			return false;
	return true;
}

static enum status write_list(struct txn *t, struct engine_cursor *c, enum space s,
	struct bytes list, const struct posting_change *changes, size_t n, struct error *e)
{
	struct buf *value = &t->waiting->value;
	enum status status = STATUS_OK;

	while (!status && n > 0) {
		struct place p;
		size_t m = 0;

		status = find_place(t, c, list, changes[0].id, &p);
		while (m < n && changes[m].id < p.limit)
			m++;
		if (status)
			error_set(e, status, "index cannot be read");
		else if (all_behind(&p, changes, m) &&
			 posting_block_append(p.first, p.value, changes, m, POSTING_BYTES, value))
			status = txn_put(t, s, key_bytes(&p.key), buf_bytes(value), e);
		else
			status = change_block(t, s, list, &p, changes, m, e);
		changes += m;
		n -= m;
	}
	return status;
}

/* ---- Writing what waits ---- */

static int by_id(const void *a, const void *b)
{
	const struct posting_change *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The changes of a list by id, of several of one id the last. */
static size_t sort_changes(struct waiting *w, const struct waiting_list *l)
{
	size_t n = 0, kept = 0;
	bool sorted = true;

	for (uint32_t i = l->first; i != NONE; i = w->changes[i].next) {
		w->sorted = items_grow(w->sorted, n, &w->cap_sorted, sizeof(*w->sorted));
		sorted = sorted && (!n || w->sorted[n - 1].id <= w->changes[i].change.id);
		w->sorted[n++] = w->changes[i].change;
	}
	if (!sorted) /* glib's sort is stable */
		g_qsort_with_data(w->sorted, (gint)n, sizeof(*w->sorted),
			(GCompareDataFunc)(void (*)(void))by_id, NULL);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && w->sorted[kept - 1].id == w->sorted[i].id)
			kept--;
		w->sorted[kept++] = w->sorted[i];
	}
	return kept;
}

static enum status write_waiting(
	struct txn *t, struct engine_cursor *c, struct waiting_list *l, struct error *e)
{
	struct waiting *w = t->waiting;
	size_t n = sort_changes(w, l);

	for (uint32_t i = l->first; i != NONE; i = w->changes[i].next)
		w->open--;
	l->first = l->last = NONE;
	return write_list(t, c, l->space, list_key(w, l), w->sorted, n, e);
}

/* A list that is to be written, and how its key starts: by that most are told apart. */
struct place_in_order {
	uint64_t start;
	uint32_t space, number;
};

static struct place_in_order in_order(const struct waiting *w, uint32_t number)
{
	const struct waiting_list *l = &w->lists[number];
	struct bytes key = list_key(w, l);
	uint8_t start[8] = { 0 };

	memcpy(start, key.data, key.len < sizeof(start) ? key.len : sizeof(start));
	return (struct place_in_order){ get_be64(start), (uint32_t)l->space, number };
}

static int by_key(const void *a, const void *b, void *arg)
{
	const struct waiting *w = arg;
	const struct place_in_order *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return bytes_compare(list_key(w, &w->lists[x->number]), list_key(w, &w->lists[y->number]));
}

static enum status write_some(
	struct txn *t, struct place_in_order *order, size_t n, struct error *e)
{
	const struct engine_ops *ops = t->store->ops;
	struct waiting *w = t->waiting;
	struct engine_cursor *c = NULL;
	size_t puts = t->puts;
	enum status s = STATUS_OK;

	qsort_r(order, n, sizeof(*order), by_key, w);
	for (size_t i = 0; i < n && !s; i++) {
		struct waiting_list *l = &w->lists[order[i].number];
		if (i == 0 || order[i].space != order[i - 1].space) {
			ops->cursor_close(&c);
			s = ops->cursor(t->engine, l->space, &c, e);
		}
		if (!s)
			s = write_waiting(t, c, l, e);
	}
	ops->cursor_close(&c);
	t->puts =
		puts; /* the changes counted when they came: a read that has them written has put nothing */
	if (s)
		t->broken = s;
	return s;
}

/* Those of the lists that start with a prefix, in the space or (SPACE_COUNT) in all. */
static enum status write_matching(struct txn *t, enum space s, struct bytes prefix, struct error *e)
{
	struct waiting *w = t->waiting;
	struct place_in_order *order = items_new(w->nlists + 1, sizeof(*order));
	size_t n = 0;

	for (size_t i = 0; i < w->nlists; i++) {
		const struct waiting_list *l = &w->lists[i];
		if (l->first != NONE &&
			(s == SPACE_COUNT ||
				(l->space == s && bytes_starts(list_key(w, l), prefix))))
			order[n++] = in_order(w, (uint32_t)i);
	}
	enum status status = write_some(t, order, n, e);
	free(order);
	return status;
}

enum status waiting_write(struct txn *t, struct error *e)
{
	struct bytes none = { 0 };

	return t->waiting->open ? write_matching(t, SPACE_COUNT, none, e) : STATUS_OK;
}

enum status waiting_settle(struct txn *t, enum space s, struct bytes prefix, bool one)
{
	struct waiting *w = t->waiting;
	const struct waiting_list *l;
	struct place_in_order order;

	if (!w->open)
		return STATUS_OK;
	if (!one)
		return write_matching(t, s, prefix, NULL);
	l = find_list(w, s, prefix);
	if (!l || l->first == NONE)
		return STATUS_OK;
	order = in_order(w, (uint32_t)(l - w->lists));
	return write_some(t, &order, 1, NULL);
}
