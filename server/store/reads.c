/*
 * A write transaction keeps a set of marks of what it changes: each key, and the field (idx, uniq) and the entity that the key begins with, for
 * those who walk over them. The sets of the last commits stay with the store; they are the writer's alone, as the question is asked there.
 */
#include "server/store/reads.h"
#include "server/store/internal.h"
#include <glib.h>

#define TABLE_START 256u
#define SET_MAX                                                                                    \
	(256u * 1024) /* marks of one transaction; with more it counts as a change of everything */
#define KEPT_MAX (384u * 1024) /* marks of all commits that are kept */
#define FIELD_PREFIX 4
#define ENTITY_PREFIX 2

/* ---- Marks ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Never 0. */
static uint64_t mark_of(enum space s, struct bytes key)
{
	uint64_t h = mix(0x243f6a8885a308d3u, (uint64_t)s << 32 | key.len), v = 0;
	size_t at = 0;

	for (; at + sizeof(v) <= key.len; at += sizeof(v)) {
		memcpy(&v, key.data + at, sizeof(v));
		h = mix(h, v);
	}
	v = 0;
	if (at < key.len)
		memcpy(&v, key.data + at, key.len - at);
	h = mix(h, v);
	return h ? h : 1;
}

/* Spaces of which changes are noted. */
static bool is_tracked(enum space s)
{
	switch (s) {
	case SPACE_TERM:
	case SPACE_PEND:
	case SPACE_LOG:
	case SPACE_BODY:
	case SPACE_HIST:
	case SPACE_OPER:
	case SPACE_IDEM:
		return false;
	default:
		return true;
	}
}

static size_t prefix_of(enum space s, size_t len)
{
	bool fields = s == SPACE_IDX || s == SPACE_UNIQ;

	return fields && len >= FIELD_PREFIX ? FIELD_PREFIX
	       : len >= ENTITY_PREFIX        ? ENTITY_PREFIX
					     : 0;
}

static uint64_t kind_of(enum space s, struct bytes key)
{
	unsigned entity = key.len >= ENTITY_PREFIX ? get_be16(key.data) : 0;

	return UINT64_C(1) << ((unsigned)s * 23 + entity) % 64;
}

/* ---- What was read ---- */

void reads_clear(struct reads *r)
{
	r->n = 0;
	r->kinds = 0;
	r->unknown = false;
}

void reads_free(struct reads *r)
{
	free(r->marks);
	*r = (struct reads){ 0 };
}

static void add(struct reads *r, uint64_t mark)
{
	r->marks = items_grow(r->marks, r->n, &r->cap, sizeof(*r->marks));
	r->marks[r->n++] = mark;
}

void reads_add(struct reads *r, const struct reads *more)
{
	for (size_t i = 0; i < more->n; i++)
		add(r, more->marks[i]);
	r->kinds |= more->kinds;
	r->unknown = r->unknown || more->unknown;
}

struct reads *txn_note_reads(struct txn *t, struct reads *r)
{
	struct reads *before = t->reads;

	t->reads = t->write ? NULL : r;
	return before;
}

void txn_read_again(struct txn *t, const struct reads *r)
{
	if (t->reads)
		reads_add(t->reads, r);
}

uint64_t txn_snapshot(const struct txn *t)
{
	return t->snapshot;
}

void reads_note(struct txn *t, enum space s, struct bytes key)
{
	if (!t->reads)
		return;
	if (!is_tracked(s))
		t->reads->unknown = true;
	else
		add(t->reads, mark_of(s, key));
	t->reads->kinds |= kind_of(s, key);
}

void reads_note_walk(struct txn *t, enum space s, struct bytes prefix)
{
	size_t len = prefix_of(s, prefix.len);

	if (!t->reads)
		return;
	if (!len || !is_tracked(s))
		t->reads->unknown = true;
	else
		add(t->reads, mark_of(s, bytes_of(prefix.data, len)));
	t->reads->kinds |= kind_of(s, prefix);
}

/* ---- What was changed ---- */

void changed_free(struct changed *c)
{
	free(c->table);
	*c = (struct changed){ 0 };
}

static bool has(const struct changed *c, uint64_t mark)
{
	if (c->all)
		return true;
	for (size_t i = mark; c->size; i++) {
		uint64_t there = c->table[i & (c->size - 1)];
		if (!there || there == mark)
			return there == mark;
	}
	return false;
}

static void put(struct changed *c, uint64_t mark)
{
	size_t i = mark;

	while (c->table[i & (c->size - 1)] && c->table[i & (c->size - 1)] != mark)
		i++;
	c->n += !c->table[i & (c->size - 1)];
	c->table[i & (c->size - 1)] = mark;
}

static void grow(struct changed *c)
{
	struct changed old = *c;

	c->size = old.size ? old.size * 2 : TABLE_START;
	c->table = items_new(c->size, sizeof(*c->table));
	memset(c->table, 0, c->size * sizeof(*c->table));
	c->n = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.table[i])
			put(c, old.table[i]);
	free(old.table);
}

static void change(struct changed *c, uint64_t mark)
{
	if (c->all)
		return;
	if (c->n >= SET_MAX) {
		changed_free(c);
		c->all = true;
		c->kinds = UINT64_MAX;
		return;
	}
	if (c->n * 2 >= c->size)
		grow(c);
	put(c, mark);
}

void changed_note(struct txn *t, enum space s, struct bytes key)
{
	struct changed *c = &t->changed;

	if (!is_tracked(s))
		return;
	c->kinds |= kind_of(s, key);
	change(c, mark_of(s, key));
	if (key.len < ENTITY_PREFIX)
		return;
	/* a row has each field once, and the next row has the same */
	size_t len = prefix_of(s, key.len);
	uint64_t field = mark_of(s, bytes_of(key.data, len));
	uint64_t *known = &c->fields[field % CHANGED_FIELDS];
	if (*known == field)
		return;
	*known = field;
	change(c, field);
	if (len != ENTITY_PREFIX)
		change(c, mark_of(s, bytes_of(key.data, ENTITY_PREFIX)));
}

/* ---- The last commits ---- */

struct kept {
	uint64_t commit;
	struct changed changed;
};

struct commits {
	GArray *kept;    /* struct kept, oldest first */
	uint64_t oldest; /* commits after this one are known */
	size_t marks;
};

static void drop_oldest(struct commits *c)
{
	struct kept *k = &g_array_index(c->kept, struct kept, 0);

	c->oldest = k->commit;
	c->marks -= k->changed.n;
	changed_free(&k->changed);
	g_array_remove_index(c->kept, 0);
}

void commits_add(struct store *s, struct changed *changed)
{
	struct commits *c = s->commits;
	struct kept k = { atomic_load(&s->commit) + 1, *changed };

	*changed = (struct changed){ 0 };
	if (!c) {
		c = s->commits = items_new(1, sizeof(*c));
		*c = (struct commits){ .kept = g_array_new(FALSE, FALSE, sizeof(k)) };
	}
	if (k.changed.n || k.changed.all) {
		c->marks += k.changed.n;
		g_array_append_val(c->kept, k);
	}
	while (c->marks > KEPT_MAX && c->kept->len > 1)
		drop_oldest(c);
	atomic_store(&s->commit, k.commit);
}

void commits_free(struct commits **c)
{
	if (!*c)
		return;
	while ((*c)->kept->len)
		drop_oldest(*c);
	g_array_free((*c)->kept, TRUE);
	free(*c);
	*c = NULL;
}

static bool meets(const struct changed *c, const struct reads *r)
{
	if (!(c->kinds & r->kinds))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (has(c, r->marks[i]))
			return true;
	return false;
}

bool reads_hold(struct txn *t, uint64_t snapshot, const struct reads *r)
{
	const struct commits *c = t->store->commits;

	if (r->unknown || !t->write || (c && snapshot < c->oldest) || meets(&t->changed, r))
		return false;
	for (guint i = c ? c->kept->len : 0; i > 0; i--) {
		const struct kept *k = &g_array_index(c->kept, struct kept, i - 1);
		if (k->commit <= snapshot)
			break;
		if (meets(&k->changed, r))
			return false;
	}
	return true;
}
