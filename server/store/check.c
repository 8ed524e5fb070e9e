/*
 * Verifying a store. Derived rows are compared both ways without keeping them: each row that a record asks for is looked up and
 * counted; when more rows stand than were found, the odd ones are sought one by one.
 */
#include "server/store/check.h"
#include "server/store/posting_block.h"
#include "server/store/reindex.h"

#include <stdarg.h>

#define MOST_DAMAGES 1000

__attribute__((format(printf, 2, 0))) static void say(
	struct check *c, const char *format, va_list args)
{
	char text[320];

	vsnprintf(text, sizeof(text), format, args);
	c->report(c->arg, text);
}

void check_damage(struct check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->damages++ < MOST_DAMAGES)
		say(c, format, args);
	va_end(args);
}

void check_note(struct check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!c->tail && c->notes++ < MOST_DAMAGES)
		say(c, format, args);
	va_end(args);
}

static void check_release(struct check *c)
{
	key_set_free(&c->keys);
	buf_free(&c->row);
	buf_free(&c->calc);
	buf_free(&c->scratch);
	check_terms_free(&c->terms);
}

bool check_has(struct check *c, enum space s, const struct key *k)
{
	if (!txn_has(c->t, s, key_bytes(k)))
		return false;
	c->expected[s]++;
	return true;
}

/* The block that was read last. */
struct block_now {
	struct buf list;
	uint64_t end;
};

struct key_now {
	size_t len;
	uint8_t data[511]; /* the longest key of an engine */
};

/* A block of postings: well-formed, and not reaching into the next one. */
static bool check_block(struct check *c, enum space s, struct bytes key, struct block_now *last)
{
	struct posting_runs runs = { 0 };
	struct bytes list;
	uint64_t first, end, count = 0;
	bool sound = posting_key_split(key, &list, &first) &&
		     posting_block_head(buf_bytes(&c->scratch), first, &end, &count) &&
		     posting_block_read(first, buf_bytes(&c->scratch), &runs);

	posting_runs_free(&runs);
	if (sound && last->list.len == list.len && bytes_equal(buf_bytes(&last->list), list))
		sound = last->end < first;
	if (!sound) {
		check_damage(c, "%s has a damaged block", space_names[s]);
		return false;
	}
	c->stored[s] += count - 1;
	buf_clear(&last->list);
	buf_add_bytes(&last->list, list);
	last->end = end;
	return true;
}

/*
 * Keys rise. Pages that changed places hide rows from look-ups but not from a walk, or make a walk go in circles: where the order is
 * broken nothing more is asked.
 */
static bool in_order(struct check *c, enum space s, struct bytes key, struct key_now *last)
{
	if (last->len && bytes_compare(bytes_of(last->data, last->len), key) >= 0) {
		check_damage(c, "keys of %s are out of order", space_names[s]);
		return false;
	}
	last->len = key.len < sizeof(last->data) ? key.len : sizeof(last->data);
	memcpy(last->data, key.data, last->len);
	return true;
}

/* Every value of a space opens. false when its tree is broken. */
static bool check_values(struct check *c, enum space s)
{
	struct bytes none = { 0 }, key;
	struct key_now last = { 0 };
	struct block_now block = { 0 };
	struct error e;
	struct walk *w;

	error_init(&e);
	if (walk_open(c->t, s, none, &w, &e)) {
		check_damage(c, "%s cannot be read: %s", space_names[s], e.message);
		return false;
	}
	bool sound = true;
	while (sound && walk_next(w, &key)) {
		c->stored[s]++;
		sound = in_order(c, s, key, &last);
		if (walk_value(w, &c->scratch, &e))
			check_damage(c, "%s", e.message);
		else if (c->scratch.len)
			c->counts.values++;
		if (s == SPACE_HIST && c->scratch.len)
			check_damage(c, "%s holds a value where none belongs", space_names[s]);
		if (s == SPACE_IDX || s == SPACE_OPER)
			sound = check_block(c, s, key, &block) && sound;
	}
	buf_free(&block.list);
	walk_close(&w);
	error_clear(&e);
	return sound;
}

static void check_next(struct check *c, const struct shape *sh)
{
	uint16_t entity = sh->entity->number;
	struct key prefix = key_entity(entity);
	uint64_t next = 0, last = 0;
	struct bytes key;
	struct walk *w;

	if (next_id_peek(c->t, entity, &next, NULL) ||
		walk_open(c->t, SPACE_REC, key_bytes(&prefix), &w, NULL))
		return;
	if (walk_prev(w, &key) && key.len == 10)
		last = get_be64(key.data + 2);
	walk_close(&w);
	if (last >= next)
		check_damage(c, "next id of %s is %llu, but record %llu stands", sh->entity->name,
			(unsigned long long)next, (unsigned long long)last);
}

static void check_calc(struct check *c)
{
	struct bytes none = { 0 }, key;
	struct walk *w;

	if (walk_open(c->t, SPACE_CALC, none, &w, NULL))
		return;
	while (walk_next(w, &key))
		if (!txn_has(c->t, SPACE_REC, key))
			check_damage(c, "computed fields stand without their record");
	walk_close(&w);
}

/* One plan row: n x (instant u64, nth u16), each of which stands in due. */
static void check_plan_row(struct check *c, struct bytes key, struct bytes value)
{
	uint64_t instant;
	uint16_t nth;

	if (key.len != 12) {
		check_damage(c, "plan has a key of %zu bytes", key.len);
		return;
	}
	while (take_u64(&value, &instant) && take_u16(&value, &nth)) {
		struct key due = key_number(instant);
		memcpy(due.data + due.len, key.data, key.len);
		due.len += key.len;
		key_add_u16(&due, nth);
		if (!check_has(c, SPACE_DUE, &due))
			check_damage(c, "plan of record %llu names a due row that is not there",
				(unsigned long long)get_be64(key.data + 2));
	}
	if (value.len)
		check_damage(c, "plan of record %llu is malformed",
			(unsigned long long)get_be64(key.data + 2));
}

static void check_plan(struct check *c)
{
	struct bytes none = { 0 }, key;
	struct walk *w;

	if (walk_open(c->t, SPACE_PLAN, none, &w, NULL))
		return;
	while (walk_next(w, &key))
		if (walk_value(w, &c->scratch, NULL) == STATUS_OK)
			check_plan_row(c, key, buf_bytes(&c->scratch));
	walk_close(&w);
	if (c->stored[SPACE_DUE] > c->expected[SPACE_DUE])
		check_damage(c, "due has %llu rows that no plan names",
			(unsigned long long)(c->stored[SPACE_DUE] - c->expected[SPACE_DUE]));
}

static void check_format_row(struct check *c)
{
	struct error e;

	error_init(&e);
	c->building = c->t->generation->jobs > 0;
	if (store_check_format(c->t, &e) || reindex_wanted(c->t, &c->stale, &e))
		check_damage(c, "%s", e.message);
	c->stale |= c->building;
	error_clear(&e);
}

static void start(
	struct check *c, struct txn *t, void (*report)(void *arg, const char *damage), void *arg)
{
	*c = (struct check){ .t = t, .report = report, .arg = arg };
	check_format_row(c);
}

/* What rows say of each other. */
static void check_relations(struct check *c)
{
	const struct generation *g = c->t->generation;

	check_log(c, 1);
	check_records(c);
	for (size_t i = 0; i < g->nshapes; i++)
		check_next(c, &g->shapes[i]);
	check_calc(c);
	check_plan(c);
	check_log_extras(c);
	check_files(c);
	if (c->stale)
		return;
	if (c->stored[SPACE_IDX] > c->expected[SPACE_IDX])
		check_index_extras(c);
	if (c->stored[SPACE_UNIQ] > c->expected[SPACE_UNIQ])
		check_unique_extras(c);
	check_terms_compare(c);
}

size_t store_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg,
	struct check_counts *counts)
{
	struct check c;

	start(&c, t, report, arg);
	if (c.stale)
		check_note(&c,
			c.building ? "note: indexes of custom fields are being built"
				   : "note: indexes are of another version: start the server once");
	else
		c.terms = check_terms_new();
	bool sound = true;
	for (int space = 0; space < SPACE_COUNT; space++)
		sound = check_values(&c, (enum space)space) && sound;
	if (sound)
		check_relations(&c);
	if (t->broken)
		check_damage(&c, "store could not be read to its end");
	c.counts.index_entries = c.stored[SPACE_IDX];
	if (counts)
		*counts = c.counts;
	check_release(&c);
	return c.damages;
}

/* The records that the last entries have touched, each once in a while: neighbours are often the same. */
static void check_touched(struct check *c, uint64_t from)
{
	struct key start_key = key_number(from);
	struct bytes none = { 0 }, key;
	struct log_entry l = { 0 };
	uint64_t last_id = 0;
	uint16_t last_entity = 0;
	struct walk *w;

	if (walk_open(c->t, SPACE_LOG, none, &w, NULL))
		return;
	walk_seek(w, key_bytes(&start_key));
	while (walk_next(w, &key)) {
		if (key.len != 8 || walk_value(w, &c->scratch, NULL) ||
			!log_entry_parse(get_be64(key.data), buf_bytes(&c->scratch), &l))
			continue;
		if (l.kind > LOG_MERGE || !l.id || (l.id == last_id && l.entity == last_entity))
			continue;
		last_id = l.id;
		last_entity = l.entity;
		if (!log_purged(c->t, l.entity, l.id))
			check_record(c, l.entity, l.id);
	}
	walk_close(&w);
}

size_t store_check_tail(
	struct txn *t, size_t n, void (*report)(void *arg, const char *damage), void *arg)
{
	struct check c;
	struct error e;

	start(&c, t, report, arg);
	c.tail = true;
	error_init(&e);
	if (log_open_tail(t, &e)) {
		check_damage(&c, "%s", e.message);
	} else {
		uint64_t from = t->log_seq > n ? t->log_seq - n + 1 : 1;
		check_log(&c, from);
		check_touched(&c, from);
	}
	error_clear(&e);
	check_release(&c);
	return c.damages;
}
