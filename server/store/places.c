#include "server/store/places.h"
#include "server/store/entries.h"
#include "server/store/internal.h"
#include <glib.h>

#define SLOTS 24
#define MARKS_MIN 1000u
#define MARKS_OF 256u /* or so many ids to one mark */
#define LOG_MAX 4000u /* entries that are read to bring places up to a snapshot */
#define TABLE_BYTES (UINT64_C(64) << 20) /* of all */
#define BUSY (-1)                        /* users of one that is being made or freed */

struct mark {
	uint32_t id, place; /* that it had */
};

struct places {
	struct places_table *table;
	atomic_int users;
	/* Stand while there are users. */
	uint16_t entity, tag;
	bool refs;
	uint64_t generation;
	uint64_t made; /* number of the log of the snapshot from which they were made */
	size_t room;   /* ids below this */
	size_t marks_max;
	uint32_t count; /* places */
	_Atomic uint32_t *at;
	struct mark *marks;
	/* Grow; written by one thread at a time, which holds growing. */
	atomic_bool growing, worn;
	atomic_size_t nmarks;
	_Atomic uint64_t seq;  /* the log has been read so far */
	_Atomic uint64_t used; /* when, in the table's time */
};

struct places_table {
	atomic_bool making;
	_Atomic uint64_t time;
	struct places slots[SLOTS];
};

struct places_table *places_table_new(void)
{
	struct places_table *p = g_new0(struct places_table, 1);

	for (size_t i = 0; i < SLOTS; i++)
		p->slots[i].table = p;
	return p;
}

static void clear(struct places *p)
{
	g_free((void *)p->at);
	g_free(p->marks);
	p->at = NULL;
	p->marks = NULL;
	p->room = p->marks_max = 0;
	atomic_store(&p->nmarks, 0);
}

void places_table_free(struct places_table **p)
{
	if (!*p)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		clear(&(*p)->slots[i]);
	g_free(*p);
	*p = NULL;
}

bool places_fit(const struct field *f)
{
	return (f->flags & F_INDEXED) && !(f->flags & (F_VIRTUAL | F_COMPUTED)) &&
	       f->tag != TAG_DELETED_AT && !key_is_hashed(f) && !type_is_list(f->type);
}

/* ---- Taking ---- */

static bool hold(struct places *p)
{
	int users = atomic_load(&p->users);

	while (users != BUSY)
		if (atomic_compare_exchange_weak(&p->users, &users, users + 1))
			return true;
	return false;
}

void places_give(struct places **p)
{
	if (*p)
		atomic_fetch_sub(&(*p)->users, 1);
	*p = NULL;
}

/* Number of the last entry of the log that the snapshot has. */
static uint64_t snapshot(struct txn *t)
{
	struct bytes none = { 0 }, key;
	struct walk *w;
	uint64_t seq = 0;

	if (walk_open(t, SPACE_LOG, none, &w, NULL))
		return 0;
	if (walk_prev(w, &key) && key.len == 8)
		seq = get_be64(key.data);
	walk_close(&w);
	return seq;
}

static bool mark(struct places *p, uint64_t id)
{
	size_t n = atomic_load(&p->nmarks);
	uint32_t was;

	if (id >= p->room)
		return false;
	was = atomic_load(&p->at[id]);
	if (was == PLACE_ASK)
		return true;
	if (n == p->marks_max)
		return false;
	p->marks[n] = (struct mark){ (uint32_t)id, was };
	atomic_store(&p->nmarks, n + 1);
	atomic_store(&p->at[id], PLACE_ASK);
	return true;
}

static bool read_log(struct places *p, struct txn *t, uint64_t to)
{
	struct bytes none = { 0 }, key;
	struct key from = key_number(atomic_load(&p->seq) + 1);
	struct buf row = BUF_INIT;
	struct log_entry entry;
	struct walk *w;
	bool good = true;

	if (walk_open(t, SPACE_LOG, none, &w, NULL))
		return false;
	walk_seek(w, key_bytes(&from));
	while (good && walk_next(w, &key) && key.len == 8 && get_be64(key.data) <= to) {
		good = walk_value(w, &row, NULL) == STATUS_OK &&
		       log_entry_parse(get_be64(key.data), buf_bytes(&row), &entry);
		if (good && entry.entity == p->entity && entry.id)
			good = mark(p, entry.id);
	}
	walk_close(&w);
	buf_free(&row);
	return good;
}

/* Brings them up to the snapshot; false: they cannot be, or somebody else is at it. */
static bool catch_up(struct places *p, struct txn *t, uint64_t to)
{
	bool good;

	if (atomic_load(&p->seq) >= to)
		return true;
	if (to - atomic_load(&p->seq) > LOG_MAX) {
		atomic_store(&p->worn, true);
		return false;
	}
	if (atomic_exchange(&p->growing, true))
		return false;
	good = atomic_load(&p->seq) >= to || read_log(p, t, to);
	if (!good)
		atomic_store(&p->worn, true);
	else if (atomic_load(&p->seq) < to)
		atomic_store(&p->seq, to);
	atomic_store(&p->growing, false);
	return good;
}

struct wish {
	const struct entity *entity;
	const struct field *field;
	bool refs;
	uint64_t seq, generation;
};

static bool fulfils(struct places *p, struct txn *t, const struct wish *w)
{
	return p->at && p->entity == w->entity->number && p->tag == w->field->tag &&
	       p->refs == w->refs && p->generation == w->generation && p->made <= w->seq &&
	       !atomic_load(&p->worn) && catch_up(p, t, w->seq);
}

static struct places *find(struct places_table *table, struct txn *t, const struct wish *w)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct places *p = &table->slots[i];
		if (!hold(p))
			continue;
		if (fulfils(p, t, w)) {
			atomic_store(&p->used, atomic_fetch_add(&table->time, 1));
			return p;
		}
		places_give(&p);
	}
	return NULL;
}

/* ---- Making ---- */

static uint64_t bytes_of_places(size_t room, size_t marks)
{
	return room * sizeof(uint32_t) + marks * sizeof(struct mark);
}

/* Frees what is of no use any more, or was not used for the longest time; false: there is nothing. */
static bool free_one(struct places_table *table)
{
	struct places *oldest = NULL;
	int none = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		struct places *p = &table->slots[i];
		if (!p->at || atomic_load(&p->users) != 0)
			continue;
		if (!oldest || (atomic_load(&p->worn) && !atomic_load(&oldest->worn)) ||
			(atomic_load(&p->worn) == atomic_load(&oldest->worn) &&
				atomic_load(&p->used) < atomic_load(&oldest->used)))
			oldest = p;
	}
	if (!oldest || !atomic_compare_exchange_strong(&oldest->users, &none, BUSY))
		return false;
	clear(oldest);
	atomic_store(&oldest->users, 0);
	return true;
}

/* A slot for so many bytes more, held as BUSY; NULL: there is none. */
static struct places *find_slot(struct places_table *table, uint64_t bytes)
{
	for (size_t tries = 0; tries <= 2 * SLOTS; tries++) {
		struct places *empty = NULL;
		uint64_t all = bytes;
		int none = 0;

		for (size_t i = 0; i < SLOTS; i++) {
			struct places *p = &table->slots[i];
			all += bytes_of_places(p->room, p->marks_max);
			if (!p->at)
				empty = p;
		}
		if (empty && all <= TABLE_BYTES &&
			atomic_compare_exchange_strong(&empty->users, &none, BUSY))
			return empty;
		if ((all > TABLE_BYTES || !empty) && !free_one(table))
			return NULL;
	}
	return NULL;
}

static void note_entry(struct places *p, const struct index_entry *en, uint32_t place)
{
	uint32_t now = p->refs ? PLACE_ASK : place;

	if (en->id >= p->room)
		return;
	if (p->refs && en->value.len == 8 && get_be64(en->value.data) < PLACE_ASK)
		now = (uint32_t)get_be64(en->value.data);
	/* two entries, of a name with a corrected reading: neither is its place */
	if (atomic_load(&p->at[en->id]) != PLACE_NONE)
		now = PLACE_ASK;
	atomic_store_explicit(&p->at[en->id], now, memory_order_relaxed);
}

static enum status fill(struct places *p, struct txn *t)
{
	struct key prefix = key_index(p->entity, p->tag);
	struct entries *x;
	struct index_entry en;
	enum status s = entries_open(t, &prefix, &x, NULL);

	p->count = 0;
	if (s)
		return s;
	while (entries_step(x, false, &en))
		note_entry(p, &en, ++p->count);
	entries_close(&x);
	return t->broken;
}

static bool make_in(struct places *p, struct txn *t, const struct wish *w, uint64_t next)
{
	p->entity = w->entity->number;
	p->tag = (uint16_t)w->field->tag;
	p->refs = w->refs;
	p->generation = w->generation;
	p->made = w->seq;
	p->marks_max = MAX(MARKS_MIN, next / MARKS_OF);
	p->room = next + p->marks_max;
	p->at = (_Atomic uint32_t *)g_try_malloc0(p->room * sizeof(uint32_t));
	p->marks = g_try_new(struct mark, p->marks_max);
	atomic_store(&p->nmarks, 0);
	atomic_store(&p->worn, false);
	atomic_store(&p->seq, w->seq);
	atomic_store(&p->used, atomic_fetch_add(&p->table->time, 1));
	if (p->at && p->marks && !fill(p, t))
		return true;
	clear(p);
	return false;
}

static struct places *make_new(struct places_table *table, struct txn *t, const struct wish *w)
{
	uint64_t next = 0;
	struct places *p;
	bool made;

	if (store_next_id(t, w->entity, &next, NULL) || next > PLACE_ASK / 2 ||
		atomic_exchange(&table->making, true))
		return NULL;
	p = find_slot(table, bytes_of_places(next + next / MARKS_OF, next / MARKS_OF));
	made = p && make_in(p, t, w, next);
	if (p)
		atomic_store(&p->users, made ? 1 : 0);
	atomic_store(&table->making, false);
	return made ? p : NULL;
}

struct places *places_take(
	struct txn *t, const struct entity *entity, const struct field *f, bool refs, bool make)
{
	struct wish w = { .entity = entity, .field = f, .refs = refs };
	struct places *p;

	if (t->write || !places_fit(f) || (refs && f->type != T_REF))
		return NULL;
	w.seq = snapshot(t);
	w.generation = generation_number(txn_generation(t));
	p = find(t->store->places, t, &w);
	return p || !make ? p : make_new(t->store->places, t, &w);
}

/* ---- Asking ---- */

uint32_t places_at(const struct places *p, uint64_t id)
{
	return id < p->room ? atomic_load_explicit(&p->at[id], memory_order_relaxed) : PLACE_ASK;
}

uint32_t places_from(const struct places *p, struct txn *t, const struct key *entry)
{
	struct key prefix = key_index(p->entity, p->tag);
	uint32_t place = PLACE_ASK;
	struct entries *x;
	struct index_entry en;

	if (entries_open(t, &prefix, &x, NULL))
		return p->count + 1;
	entries_seek_key(x, entry, false);
	while (place == PLACE_ASK && entries_step(x, false, &en)) {
		place = places_at(p, en.id);
		if (place == PLACE_NONE)
			place = PLACE_ASK;
	}
	entries_close(&x);
	return place == PLACE_ASK ? p->count + 1 : place;
}

uint64_t places_count(const struct places *p, uint32_t from, uint32_t before, size_t marked)
{
	uint64_t count = from < before ? before - from : 0;

	for (size_t i = 0; i < marked; i++)
		count -= p->marks[i].place >= from && p->marks[i].place < before;
	return count;
}

size_t places_marked(const struct places *p)
{
	return atomic_load(&p->nmarks);
}

uint64_t places_marked_id(const struct places *p, size_t i)
{
	return p->marks[i].id;
}
