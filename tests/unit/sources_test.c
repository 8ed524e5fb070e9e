/*
 * Every field that reminds, of every entity, by the schema itself: planned when it is set, moved with its date, handed over with its owner,
 * gone with the record, back with it, fired once, and withdrawn when the date changes after that. A new field joins by itself.
 */
#include "tests/unit/remind_bench.h"

#define NOON "2026-11-23 12:00"

struct sources {
	struct remind_bench *r;
	struct bench *b;
	uint64_t li, wang, customer;
};

static struct sources sources_open(void)
{
	struct sources s = { .r = remind_open(NOON) };

	s.b = s.r->b;
	s.li = bench_add(s.b, "user", "username=li|name=李|roles=sales|branch=main|state=active");
	s.wang = bench_add(
		s.b, "user", "username=wang|name=王|roles=sales|branch=main|state=active");
	s.customer = bench_add(s.b, "customer", "name=杭州长河|phone=0571-1|owner=li");
	return s;
}

/* The value of a reminding field for the day at noon, in wire form. */
static void add_day(struct buf *out, const struct field *f, civil_date day)
{
	struct buf text = BUF_INIT;

	if (f->type == T_DATETIME) {
		record_add_signed(out, f->tag, zone_instant(zone_find("Asia/Shanghai"), day, 720));
	} else if (f->type == T_BIRTHDAY) {
		date_format(day, &text);
		record_add_text(out, f->tag, buf_bytes(&text));
	} else {
		record_add_number(out, f->tag, (uint64_t)day);
	}
	buf_free(&text);
}

/* Fields that say whose the record is. */
static bool names_owner(const struct entity *en, const struct field *f)
{
	bool rows = en->owner_field && !strcmp(en->owner_field, f->name);

	for (size_t i = 0; i < en->nfields && !rows; i++)
		rows = en->fields[i].remind_user && !strcmp(en->fields[i].remind_user, f->name);
	return rows && f->type == T_REF && !strcmp(f->refers_to, "user");
}

/* Writes the record with the field on this day and this owner, over what stands; id 0: a new one. */
static void write_day(struct sources *s, const struct entity *en, const struct field *f,
	uint64_t *id, civil_date day, uint64_t owner)
{
	struct buf patch = BUF_INIT, sorted = BUF_INIT, whole = BUF_INIT, room = BUF_INIT;
	const struct field *title = en->name_field ? entity_field_named(en, en->name_field) : NULL;
	struct stored before = { .fields = bytes_of("", 0) };

	bench_call(s->b);
	if (*id)
		assert_int_equal(bench_get(s->b, en->name, *id, &room, &before), STATUS_OK);
	add_day(&patch, f, day);
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *other = &en->fields[i];
		if (names_owner(en, other))
			record_add_number(&patch, other->tag, owner);
		else if (!strcmp(other->name, "customer") && other->type == T_REF)
			record_add_number(&patch, other->tag, s->customer);
	}
	if (title && title->type == T_TEXT)
		record_add_text(&patch, title->tag, bytes_str("到期"));
	record_sort(buf_bytes(&patch), &sorted);
	record_merge(before.fields, buf_bytes(&sorted), NULL, 0, &whole);
	if (store_put(s->b->txn, &s->b->author, en, id, *id ? "set" : "add", buf_bytes(&whole),
		    NULL, &s->b->e))
		fail_msg("%s.%s: %s", en->name, f->name, s->b->e.message);
	buf_free(&patch);
	buf_free(&sorted);
	buf_free(&whole);
	buf_free(&room);
}

/* How many rows are planned; all are of this day and this user. */
static size_t rows_of(struct sources *s, const struct entity *en, const struct field *f,
	uint64_t id, civil_date day, uint64_t user)
{
	struct due_row rows[PLAN_MAX];
	size_t n = plan_read(s->b->txn, en->number, id, f->tag, rows, PLAN_MAX);

	for (size_t i = 0; i < n; i++)
		if (rows[i].occurrence != day || rows[i].user != user)
			fail_msg("%s.%s: planned for %d and user %d, not %d and %d", en->name,
				f->name, rows[i].occurrence, (int)rows[i].user, day, (int)user);
	return n;
}

static void planned_and_moved(
	struct sources *s, const struct entity *en, const struct field *f, uint64_t *id)
{
	uint64_t count;
	size_t n;

	write_day(s, en, f, id, 20270310, s->li);
	n = rows_of(s, en, f, *id, 20270310, s->li);
	if (!n)
		fail_msg("%s.%s: nothing planned", en->name, f->name);
	write_day(s, en, f, id, 20270412, s->li);
	assert_int_equal(rows_of(s, en, f, *id, 20270412, s->li), n);
	write_day(s, en, f, id, 20270412, s->wang);
	assert_int_equal(rows_of(s, en, f, *id, 20270412, s->wang), n);
	/* a sale that is no draft, a contract in force: what stays goes on reminding */
	if (en->flags & E_NO_DELETE || bench_move(s->b, en->name, *id, false, &count)) {
		assert_int_equal(rows_of(s, en, f, *id, 20270412, s->wang), n);
		return;
	}
	assert_int_equal(rows_of(s, en, f, *id, 0, 0), 0);
	if (bench_move(s->b, en->name, *id, true, &count))
		fail_msg("%s is not restored: %s", en->name, s->b->e.message);
	assert_int_equal(rows_of(s, en, f, *id, 20270412, s->wang), n);
}

static void fired_and_withdrawn(
	struct sources *s, const struct entity *en, const struct field *f, uint64_t id)
{
	set_now(s->r, NOON);
	write_day(s, en, f, &id, 20270413, s->li);
	fire_at(s->r, "2027-04-13 12:00");
	if (waiting(s->r, s->li) == 0)
		fail_msg("%s.%s: nothing fired", en->name, f->name);
	assert_int_equal(rows_of(s, en, f, id, 20280413, s->li),
		f->remind == REMIND_BIRTHDAY ? 2 : 0); /* three and no days ahead */
	write_day(s, en, f, &id, 20270520, s->li);
	assert_int_not_equal(rows_of(s, en, f, id, 20270520, s->li), 0);
	if (f->remind != REMIND_SERIES)
		assert_int_equal(waiting(s->r, s->li), 0);
}

static void one_source(const struct entity *en, const struct field *f)
{
	struct sources s = sources_open();
	uint64_t id = 0;

	planned_and_moved(&s, en, f, &id);
	fired_and_withdrawn(&s, en, f, id);
	remind_close(&s.r);
}

static void test_sources(void **state)
{
	struct schema *schema;
	struct error e;
	size_t n = 0;

	error_init(&e);
	assert_int_equal(model_schema(&schema, &e), STATUS_OK);
	for (size_t i = 0; i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; k < en->nfields; k++)
			if (en->fields[k].remind != REMIND_NONE) {
				one_source(en, &en->fields[k]);
				n++;
			}
	}
	assert_true(n >= 20);
	schema_free(&schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sources) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
