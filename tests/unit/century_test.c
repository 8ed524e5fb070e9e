/*
 * 500 birthdays, day by day from 1980 to 2100, against a table that was made without the product (tests/tools/birthday_table.py).
 * All of them through the series; every tenth, or all with CENTURY=all in the environment, through the scheduler itself: planned rows,
 * firing, inbox, the next row.
 */
#include "tests/unit/remind_bench.h"

#define MOST 512
#define FIRST 19800101
#define LAST 21001231

struct kept {
	uint16_t entity;
	uint64_t id;
	char *days, *at; /* gaps still to come stand at at */
	civil_date next; /* 0: no more */
};

struct century {
	struct remind_bench *r;
	uint64_t li, firm, seen; /* the inbox up to there */
	struct kept kept[MOST];
	size_t n, fired, lines;
};

static void take_next(struct kept *k)
{
	char *end;
	long gap = strtol(k->at, &end, 10);

	k->next = end == k->at ? 0 : date_add_days(k->next, (int)gap);
	k->at = end;
}

/* Every fifth is a customer who is a person, the others contacts. */
static void add_birthday(struct century *c, const char *birthday, const char *calendar)
{
	struct kept *k = &c->kept[c->n];
	bool person = c->n % 5 == 4;
	char values[200];

	snprintf(values, sizeof values, "name=人%zu|birthday=%s|birthday_calendar=%s|%s=%llu", c->n,
		birthday, calendar, person ? "kind=person|owner=li|phone" : "customer",
		person ? 13800000000ull + c->n : (unsigned long long)c->firm);
	k->entity = person ? ENTITY_CUSTOMER : ENTITY_CONTACT;
	k->id = bench_add(c->r->b, person ? "customer" : "contact", values);
	c->n++;
}

static void add_line(struct century *c, char *line)
{
	char birthday[32], calendar[16];
	struct kept *k = &c->kept[c->n];
	int days, day;

	assert_true(c->n < MOST);
	assert_int_equal(sscanf(line, "%31s %15s %n%d", birthday, calendar, &days, &day), 3);
	k->days = strdup(line + days);
	assert_non_null(k->days);
	k->at = k->days + 8;
	k->next = (civil_date)day;
	add_birthday(c, birthday, calendar);
}

static void read_table(struct century *c, size_t every)
{
	FILE *f = fopen("tests/data/birthdays-1980-2100.tsv", "r");
	char line[2048];

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (line[0] != '#' && c->lines++ % every == 0)
			add_line(c, line);
	fclose(f);
	assert_int_equal(c->lines, 500);
}

static struct kept *kept_of(struct century *c, const struct inbox_row *row)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->kept[i].id == row->subject_id && c->kept[i].entity == row->subject_entity)
			return &c->kept[i];
	fail_msg("a reminder about something else: %d:%d", row->subject_entity,
		(int)row->subject_id);
	return NULL;
}

/* What has come into the inbox, on the day: each is one that the table has for this day. */
static void look(struct century *c, civil_date day)
{
	struct inbox_row rows[32];
	size_t n;

	while ((n = inbox_read(c->r->b->txn, c->li, c->seen, false, rows, 32)) > 0) {
		for (size_t i = 0; i < n && day >= FIRST; i++) {
			struct kept *k = kept_of(c, &rows[i]);
			if (k->next != day || rows[i].occurrence != day)
				fail_msg("birthday %d told of on %d, not on %d", (int)(k - c->kept),
					day, k->next);
			assert_false(rows[i].late);
			take_next(k);
			c->fired++;
		}
		c->seen = rows[n - 1].seq;
	}
	for (size_t i = 0; i < c->n; i++)
		if (c->kept[i].next && c->kept[i].next <= day)
			fail_msg("birthday %d not told of on %d", (int)i, day);
}

static void commit(struct bench *b)
{
	lookup_free(&b->lookup);
	assert_int_equal(txn_commit(&b->txn, &b->e), STATUS_OK);
	assert_int_equal(txn_begin(b->store, true, &b->txn, &b->e), STATUS_OK);
	b->lookup = lookup_new(b->txn, &b->scope, b->schema, false, b->arena);
}

static void one_day(struct century *c, civil_date day)
{
	struct due_row row;
	int64_t now = zone_instant(zone_find("Asia/Shanghai"), day, 9 * 60);
	char text[32];

	if (due_read(c->r->b->txn, now, NULL, &row, 1) == 1) {
		snprintf(text, sizeof text, "%04d-%02d-%02d 09:00", date_year(day), date_month(day),
			date_day(day));
		fire_at(c->r, text);
	}
	look(c, day);
}

/* The days of one line by the series alone. */
static void walk_line(char *line)
{
	char birthday[32], calendar[16], why[96];
	struct series s = { .repeat = REPEAT_YEARLY, .every = 1 };
	struct kept k = { 0 };
	civil_date from = FIRST;
	int days, day;

	assert_int_equal(sscanf(line, "%31s %15s %n%d", birthday, calendar, &days, &day), 3);
	assert_true(birthday_parse(bytes_str(birthday), &s.start, why));
	assert_true(birthday_keep_from_code(calendar, &s.rule.keep));
	k.at = line + days + 8;
	for (k.next = day; k.next; take_next(&k)) {
		if (series_next(&s, from) != k.next)
			fail_msg("%s from %d: %d, not %d", birthday, from, series_next(&s, from),
				k.next);
		from = date_add_days(k.next, 1);
	}
	day = series_next(&s, from);
	assert_true(day == 0 || day > LAST); /* the lunar table ends in 2101 */
}

static void test_series(void **state)
{
	FILE *f = fopen("tests/data/birthdays-1980-2100.tsv", "r");
	char line[2048];

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (line[0] != '#')
			walk_line(line);
	fclose(f);
}

static void test_century(void **state)
{
	struct century *c = calloc(1, sizeof *c);
	const char *all = getenv("CENTURY");
	size_t wanted = 0;

	assert_non_null(c);
	c->r = remind_open("1979-12-31 12:00");
	c->li = bench_add(
		c->r->b, "user", "username=li|name=李|roles=sales|branch=main|state=active");
	c->firm = bench_add(c->r->b, "customer", "name=杭州长河|phone=0571-1|owner=li");
	set_setting(c->r->b, "birthday.days_before", "0");
	read_table(c, all && !strcmp(all, "all") ? 1 : 10);
	fire_at(c->r, "1979-12-31 12:00");
	look(c, 19791231);
	for (civil_date day = FIRST; day <= LAST; day = date_add_days(day, 1)) {
		one_day(c, day);
		if (day % 10000 == 1231)
			commit(c->r->b);
	}
	for (size_t i = 0; i < c->n; i++) {
		wanted += c->kept[i].next != 0;
		free(c->kept[i].days);
	}
	assert_int_equal(wanted, 0);
	assert_true(c->fired > c->n * 119);
	remind_close(&c->r);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_series),
		cmocka_unit_test(test_century) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
