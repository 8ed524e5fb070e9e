#include "server/store/ids.h"
#include "server/store/internal.h"
#include <glib.h>

#define OR_PARTS_MAX 16 /* more are gathered: each step looks at all */
#define LIST_MAX                                                                                   \
	200000u /* entries of a value that are counted for a size: a block tells how many it has */
#define STRETCH_MAX 4000u /* the same of a stretch, which may have a block for each entry */
#define MANY_OF 3.0       /* what is not counted to its end is taken for this part of all */
#define LEAPS_PAY 40.0    /* so much smaller is a set that is rather looked up in the other one */

struct ids *ids_new(enum ids_kind kind, const struct entity *entity, const char *told)
{
	struct ids *x = g_new0(struct ids, 1);

	x->kind = kind;
	x->entity = entity;
	x->told = told;
	x->last = UINT64_MAX;
	return x;
}

struct ids *ids_all(const struct entity *entity, bool trash)
{
	struct ids *x = ids_new(IDS_ALL, entity, "records in the order of their ids");

	x->low = key_index(entity->number, KEY_ALL | (trash ? KEY_TRASHED : 0));
	return x;
}

struct ids *ids_list(const struct entity *entity, const struct field *f, const struct key *value)
{
	struct ids *x = ids_new(IDS_LIST, entity, "index");

	x->field = f;
	x->low = *value;
	return x;
}

void ids_add(struct ids *to, struct ids *part)
{
	to->parts = g_renew(struct ids *, to->parts, to->nparts + 1);
	to->parts[to->nparts++] = part;
}

void ids_free(struct ids **x)
{
	struct ids *s = *x;

	if (!s)
		return;
	for (size_t i = 0; i < s->nparts; i++)
		ids_free(&s->parts[i]);
	g_free(s->parts);
	bits_release(&s->bits);
	places_give(&s->places);
	entries_close(&s->entries);
	g_free(s);
	*x = NULL;
}

/* Places. */

static bool within(const struct ids *x, const struct wire_field *w, uint64_t id)
{
	struct key k = key_index_value(txn_store(x->txn), x->entity, x->field, w);

	key_add_u64(&k, id);
	return bytes_compare(key_bytes(&k), key_bytes(&x->low)) >= 0 &&
	       bytes_compare(key_bytes(&k), key_bytes(&x->high)) <= 0;
}

/* What the places do not tell, from the record. */
static bool asked(struct ids *x, uint64_t id)
{
	struct buf row = BUF_INIT;
	struct bytes fields;
	struct wire_field w;
	uint64_t version;
	bool has = record_read(x->txn, x->entity->number, id, &row, &version, &fields, NULL) ==
			   STATUS_OK &&
		   !record_has(fields, TAG_DELETED_AT) && record_find(fields, x->field->tag, &w);

	if (has)
		has = x->kind == IDS_VIA ? ids_has(x->parts[0], w.number) : within(x, &w, id);
	buf_free(&row);
	return has;
}

static bool placed(struct ids *x, uint64_t id)
{
	uint32_t at = places_at(x->places, id);

	if (at == PLACE_ASK)
		return asked(x, id);
	if (x->kind == IDS_VIA)
		return at != PLACE_NONE && ids_has(x->parts[0], at);
	return at >= x->from && at < x->before;
}

static uint64_t seek_placed(struct ids *x, uint64_t id)
{
	if (x->down && id > x->last)
		id = x->last;
	while (id && id <= x->last && !placed(x, id))
		id += x->down ? UINT64_MAX : 1;
	return id <= x->last ? id : 0;
}

bool ids_equip(struct ids *x, struct txn *t, bool make)
{
	x->txn = t;
	if (!x->places)
		x->places = places_take(t, x->entity, x->field, false, make);
	if (!x->places)
		return false;
	x->from = places_from(x->places, t, &x->low);
	x->before = places_from(x->places, t, &x->high);
	x->size = x->before > x->from ? x->before - x->from : 0;
	return true;
}

uint64_t ids_count_places(struct ids *x, struct txn *t)
{
	size_t marked = places_marked(x->places);
	uint64_t n = places_count(x->places, x->from, x->before, marked);

	x->txn = t;
	for (size_t i = 0; i < marked; i++)
		n += asked(x, places_marked_id(x->places, i));
	return n;
}

/* Sizes. */

static double counted(struct txn *t, struct key low, struct key high, size_t max, double all)
{
	size_t n = entries_count(t, &low, &high, max);

	return n < max ? (double)n : MAX(all / MANY_OF, (double)n);
}

static void measure_list(struct ids *x, struct txn *t, double all)
{
	struct key low = x->low, high = x->low;

	key_add_u64(&low, 0);
	key_add_u64(&high, UINT64_MAX);
	x->size = counted(t, low, high, LIST_MAX, all);
}

static void measure_parts(struct ids *x, struct txn *t, double all)
{
	double size = x->kind == IDS_AND ? all : 0;

	for (size_t i = 0; i < x->nparts; i++) {
		ids_measure(x->parts[i], t, all);
		if (x->kind == IDS_AND)
			size *= all > 0 ? MIN(x->parts[i]->size / all, 1) : 0;
		else
			size += x->parts[i]->size;
	}
	x->size = MIN(size, all);
	if (x->kind == IDS_NOT)
		x->size = all - x->size;
}

void ids_measure(struct ids *x, struct txn *t, double all)
{
	switch (x->kind) {
	case IDS_ALL:
		x->size = all;
		if (x->last < UINT64_MAX || x->first > 0)
			x->size = MAX(0, MIN((double)x->last, all) - (double)x->first + 1);
		break;
	case IDS_LIST:
		measure_list(x, t, all);
		break;
	case IDS_VIA:
		break;
	case IDS_RANGE:
		if (x->places)
			break;
		x->size = counted(t, x->low, x->high, STRETCH_MAX, all);
		break;
	case IDS_BITS:
		x->size = (double)bits_count(&x->bits);
		break;
	default:
		measure_parts(x, t, all);
	}
}

bool ids_names(const struct ids *x)
{
	bool any = false, all = true;

	if (x->kind == IDS_NOT)
		return false;
	if (x->kind != IDS_AND && x->kind != IDS_OR)
		return true;
	for (size_t i = 0; i < x->nparts; i++) {
		bool names = ids_names(x->parts[i]);
		any = any || names;
		all = all && names;
	}
	return x->kind == IDS_AND ? any : all;
}

double ids_unread(const struct ids *x)
{
	double n = 0;

	if (x->kind == IDS_RANGE)
		return x->places ? 0 : x->size;
	if (x->kind == IDS_OR && x->nparts > OR_PARTS_MAX && ids_names(x))
		return x->size;
	for (size_t i = 0; i < x->nparts; i++)
		n += ids_unread(x->parts[i]);
	return n;
}

/* Gathering. */

/* The ids of a run from the first to the last of the set. */
static void set_between(const struct ids *x, struct posting_run run, struct bits *out)
{
	uint64_t end = run.first + run.n;

	if (x->kind == IDS_ALL) {
		run.first = MAX(run.first, x->first);
		end = x->last < end ? x->last + 1 : end;
	}
	if (run.first < end)
		bits_set_run(out, run.first, end - run.first);
}

static enum status fill_list(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	const struct posting_run *runs;
	struct entries *entries;
	struct bytes value;
	size_t n;
	enum status s = entries_open(t, &x->low, &entries, e);

	while (!s && entries_block(entries, &value, &runs, &n)) {
		for (size_t i = 0; i < n; i++)
			set_between(x, runs[i], out);
	}
	entries_close(&entries);
	return s;
}

static enum status fill_entries(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	struct key prefix = x->low;
	struct entries *entries;
	struct index_entry en;

	prefix.len = 4;
	enum status s = entries_open(t, &prefix, &entries, e);
	if (s)
		return s;
	entries_seek_key(entries, &x->low, false);
	while (entries_step(entries, false, &en) && entry_compare(&en, &x->high) <= 0)
		bits_set(out, en.id);
	entries_close(&entries);
	return STATUS_OK;
}

/* Each id is looked at. */
static enum status fill_placed(struct ids *x, struct txn *t, struct bits *out)
{
	x->txn = t;
	for (uint64_t id = 1; id < out->n * 64; id++) {
		if (placed(x, id))
			bits_set(out, id);
	}
	return STATUS_OK;
}

static enum status fill_seeking(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	enum status s = ids_start(x, t, false, e);

	for (uint64_t id = 1; !s && (id = ids_seek(x, id)) != 0; id++)
		bits_set(out, id);
	return s;
}

static enum status fill_not(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	struct bits part;

	bits_init(&part, out->n * 64 - 1);
	enum status s = ids_fill(x->parts[0], t, &part, e);
	for (size_t i = 0; i < out->n; i++)
		out->words[i] |= ~part.words[i];
	bits_release(&part);
	return s;
}

static struct ids *smallest(const struct ids *x, double *rest)
{
	struct ids *best = NULL;

	*rest = 0;
	for (size_t i = 0; i < x->nparts; i++) {
		struct ids *part = x->parts[i];
		*rest += part->kind == IDS_NOT ? part->parts[0]->size : part->size;
		if (ids_names(part) && (!best || part->size < best->size))
			best = part;
	}
	return best;
}

/* Takes out what is not in the parts with places. */
static void keep_placed(struct ids *x, struct txn *t, struct bits *whole)
{
	for (size_t i = 0; i < x->nparts; i++) {
		struct ids *part = x->parts[i];
		part->txn = t;
		for (size_t k = 0; part->places && k < whole->n; k++) {
			for (uint64_t word = whole->words[k]; word; word &= word - 1) {
				uint64_t bit = word & -word;
				if (!placed(part, k * 64 + (uint64_t)__builtin_ctzll(word)))
					whole->words[k] &= ~bit;
			}
		}
	}
}

static enum status fill_and(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	double rest;
	struct ids *first = smallest(x, &rest);
	struct bits whole, part;
	enum status s = STATUS_OK;

	if (first && first->size * LEAPS_PAY < rest)
		return fill_seeking(x, t, out, e);
	bits_init(&whole, out->n * 64 - 1);
	memset(whole.words, 0xff, whole.n * sizeof(*whole.words));
	for (size_t i = 0; i < x->nparts && !s; i++) {
		if (x->parts[i]->places && first != x->parts[i])
			continue;
		bool not = x->parts[i]->kind == IDS_NOT;
		bits_init(&part, out->n * 64 - 1);
		s = ids_fill(not ? x->parts[i]->parts[0] : x->parts[i], t, &part, e);
		if (not )
			bits_and_not(&whole, &part);
		else
			bits_and(&whole, &part);
		bits_release(&part);
	}
	if (!s)
		keep_placed(x, t, &whole);
	bits_or(out, &whole);
	bits_release(&whole);
	return s;
}

enum status ids_fill(struct ids *x, struct txn *t, struct bits *out, struct error *e)
{
	enum status s = STATUS_OK;

	switch (x->kind) {
	case IDS_VIA:
		return fill_placed(x, t, out);
	case IDS_ALL:
	case IDS_LIST:
		return fill_list(x, t, out, e);
	case IDS_RANGE:
		return x->places ? fill_placed(x, t, out) : fill_entries(x, t, out, e);
	case IDS_BITS:
		bits_or(out, &x->bits);
		return s;
	case IDS_AND:
		return fill_and(x, t, out, e);
	case IDS_NOT:
		return fill_not(x, t, out, e);
	case IDS_OR:
		for (size_t i = 0; i < x->nparts && !s; i++)
			s = ids_fill(x->parts[i], t, out, e);
	}
	return s;
}

enum status ids_gather(struct ids *x, struct txn *t, struct error *e)
{
	struct bits bits;
	uint64_t next = 0;
	enum status s = store_next_id(t, x->entity, &next, e);

	if (s || x->kind == IDS_BITS)
		return s;
	bits_init(&bits, next);
	s = ids_fill(x, t, &bits, e);
	bits_release(&x->bits);
	x->bits = bits;
	x->kind = IDS_BITS;
	return s;
}

/* Seeking. */

static enum status open_walks(struct ids *x, struct error *e)
{
	uint64_t next = 1;
	enum status s = x->places ? store_next_id(x->txn, x->entity, &next, e) : STATUS_OK;

	if (x->places)
		x->last = next - 1;
	if (x->kind == IDS_LIST || x->kind == IDS_ALL)
		return entries_open(x->txn, &x->low, &x->entries, e);
	return s;
}

enum status ids_start(struct ids *x, struct txn *t, bool down, struct error *e)
{
	bool gather = (x->kind == IDS_RANGE && !x->places) ||
		      (x->kind == IDS_OR && x->nparts > OR_PARTS_MAX && ids_names(x));
	enum status s = gather ? ids_gather(x, t, e) : STATUS_OK;

	x->txn = t;
	x->down = down;
	x->at = 0;
	x->ended = false;
	entries_close(&x->entries);
	if (x->kind == IDS_AND || x->kind == IDS_OR || x->kind == IDS_NOT) {
		for (size_t i = 0; i < x->nparts && !s; i++)
			s = ids_start(x->parts[i], t, down, e);
		return s;
	}
	return s ? s : open_walks(x, e);
}

static bool before(const struct ids *x, uint64_t a, uint64_t b)
{
	return x->down ? a > b : a < b;
}

static uint64_t beyond(const struct ids *x, uint64_t id)
{
	return x->down ? id - 1 : id + 1;
}

static bool step(struct ids *x, uint64_t *id)
{
	struct index_entry en;

	if (!entries_step(x->entries, x->down, &en))
		return false;
	*id = en.id;
	return true;
}

static void place(struct ids *x, uint64_t id)
{
	entries_seek(x->entries, bytes_of(x->low.data + 4, x->low.len - 4), id, x->down);
}

/* The next entry is tried before the tree is searched anew: lists are often read one by one. */
static uint64_t seek_entries(struct ids *x, uint64_t id)
{
	uint64_t found = 0;

	if (x->at && !before(x, x->at, id))
		return x->at;
	if (x->ended && x->at == 0)
		return 0;
	if (!x->at || beyond(x, x->at) != id) {
		place(x, id);
	}
	x->ended = !step(x, &found);
	x->at = x->ended ? 0 : found;
	return x->at;
}

static uint64_t seek_all(struct ids *x, uint64_t id)
{
	if (!x->down && id < x->first)
		id = x->first;
	if (x->down && id > x->last)
		id = x->last;
	id = seek_entries(x, id);
	return id && (x->down ? id < x->first : id > x->last) ? 0 : id;
}

static uint64_t seek_or(struct ids *x, uint64_t id)
{
	uint64_t best = 0;

	for (size_t i = 0; i < x->nparts; i++) {
		uint64_t at = ids_seek(x->parts[i], id);
		if (at && (!best || before(x, at, best)))
			best = at;
	}
	return best;
}

/* The part that names the fewest leads. */
static uint64_t seek_and(struct ids *x, uint64_t id)
{
	double rest;
	struct ids *lead = smallest(x, &rest);
	size_t agreed = 0;

	while (id && (id = ids_seek(lead, id)) != 0) {
		uint64_t found = id;
		for (agreed = 0; agreed < x->nparts && found == id; agreed++) {
			struct ids *part = x->parts[agreed];
			if (part != lead && ids_names(part))
				found = ids_seek(part, id);
			else if (part != lead && !ids_has(part, id))
				found = beyond(x, id);
		}
		if (found == id)
			return id;
		id = found;
	}
	return 0;
}

uint64_t ids_seek(struct ids *x, uint64_t id)
{
	switch (x->kind) {
	case IDS_ALL:
		return seek_all(x, id);
	case IDS_LIST:
		return seek_entries(x, id);
	case IDS_RANGE:
	case IDS_VIA:
		return x->places ? seek_placed(x, id) : 0;
	case IDS_BITS:
		return bits_seek(&x->bits, id, x->down);
	case IDS_OR:
		return seek_or(x, id);
	case IDS_AND:
		return seek_and(x, id);
	default:
		return 0;
	}
}

static bool parts_have(struct ids *x, uint64_t id)
{
	for (size_t i = 0; i < x->nparts; i++) {
		if (ids_has(x->parts[i], id) != (x->kind == IDS_AND))
			return x->kind == IDS_OR;
	}
	return x->kind == IDS_AND;
}

bool ids_has(struct ids *x, uint64_t id)
{
	switch (x->kind) {
	case IDS_ALL:
		return id >= x->first && id <= x->last;
	case IDS_LIST:
		return entries_has(x->txn, &x->low, id);
	case IDS_BITS:
		return bits_has(&x->bits, id);
	case IDS_RANGE:
	case IDS_VIA:
		return !x->places || placed(x, id);
	case IDS_NOT:
		return !ids_has(x->parts[0], id);
	case IDS_AND:
	case IDS_OR:
		return parts_have(x, id);
	default:
		return true;
	}
}
