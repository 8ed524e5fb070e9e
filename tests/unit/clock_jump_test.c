/* Reminders over changes of clocks: gaps and overlaps of daylight saving, and a clock that jumps. Each occurrence fires once, none is lost. */
#include "tests/unit/remind_bench.h"

#define SEEN_MAX 512

struct heard {
	struct remind_bench *r;
	uint64_t user, last;
	size_t n;
	struct {
		civil_date occurrence;
		int64_t due_ms, fired_ms;
		bool late;
	} row[SEEN_MAX];
};

/* The clock as an instant: the text of set_now is Shanghai's. */
static void clock_to(struct heard *h, int64_t ms)
{
	struct buf text = BUF_INIT;
	struct due_row row;

	zone_format(zone_find("Asia/Shanghai"), ms, &text);
	set_now(h->r, buf_str(&text));
	buf_free(&text);
	while (due_read(h->r->b->txn, ms, NULL, &row, 1) == 1)
		assert_int_equal(fire_batch(h->r), STATUS_OK);
}

static void hear(struct heard *h)
{
	struct inbox_row rows[32];
	size_t n;

	while ((n = inbox_read(h->r->b->txn, h->user, h->last, false, rows, 32)) > 0) {
		for (size_t i = 0; i < n; i++) {
			assert_true(h->n < SEEN_MAX);
			h->row[h->n].occurrence = rows[i].occurrence;
			h->row[h->n].due_ms = rows[i].due_ms;
			h->row[h->n].fired_ms = rows[i].fired_ms;
			h->row[h->n++].late = rows[i].late;
		}
		h->last = rows[n - 1].seq;
	}
}

/* A user in a zone, and a clock at noon of a day there. */
static struct heard *heard_open(const char *zone, civil_date day)
{
	struct heard *h = calloc(1, sizeof *h);
	char values[120];

	assert_non_null(h);
	h->r = remind_open("2026-01-01 00:00");
	snprintf(values, sizeof values, "code=zone|name=远方|time_zone=%s", zone);
	bench_add(h->r->b, "branch", values);
	h->user = bench_add(
		h->r->b, "user", "username=li|name=李|roles=sales|branch=zone|state=active");
	clock_to(h, zone_instant(zone_find(zone), day, 720));
	return h;
}

static void heard_close(struct heard **h)
{
	remind_close(&(*h)->r);
	free(*h);
	*h = NULL;
}

static uint64_t daily(struct heard *h, civil_date start, const char *time)
{
	struct buf day = BUF_INIT;
	char values[120];
	uint64_t id;

	date_format(start, &day);
	snprintf(values, sizeof values,
		"title=每日|repeat=daily|user=li|start_on=%s|time_of_day=%s", buf_str(&day), time);
	id = bench_add(h->r->b, "reminder", values);
	buf_free(&day);
	return id;
}

struct change {
	const char *zone;
	civil_date day;
	const char *time,
		*due; /* when the reminder of that day is due: by the tables of the zone */
};

/* Half an hour at a time over three days: once a day, and on the day of the change at the instant that is written down. */
static void over(const struct change *c)
{
	struct heard *h = heard_open(c->zone, date_add_days(c->day, -2));
	int64_t now = h->r->b->author.now_ms, due = 0;

	assert_true(instant_parse(bytes_str(c->due), NULL, &due));
	daily(h, date_add_days(c->day, -1), c->time);
	for (int i = 0; i < 2 * 24 * 4; i++)
		clock_to(h, now += 30 * 60 * 1000);
	hear(h);
	if (h->n < 3)
		fail_msg("%s %d %s: %zu fired", c->zone, c->day, c->time, h->n);
	for (size_t i = 0; i < h->n; i++)
		assert_int_equal(h->row[i].occurrence, date_add_days(c->day, (int)i - 1));
	if (h->row[1].due_ms != due)
		fail_msg("%s %d %s: due %lld, not %lld", c->zone, c->day, c->time,
			(long long)h->row[1].due_ms, (long long)due);
	heard_close(&h);
}

static void test_changes(void **state)
{
	static const struct change changes[] = {
		/* the gap: the first instant behind it; the overlap: the first of the two */
		{ "America/New_York", 20270314, "02:30", "2027-03-14T07:00:00Z" },
		{ "America/New_York", 20271107, "01:30", "2027-11-07T05:30:00Z" },
		{ "America/New_York", 20271107, "02:30", "2027-11-07T07:30:00Z" },
		{ "Europe/London", 20270328, "01:30", "2027-03-28T01:00:00Z" },
		{ "Europe/London", 20271031, "01:30", "2027-10-31T00:30:00Z" },
		/* summer time in China: 1986-05-04 and 1991-04-14 at 2:00 forward, 1991-09-15 at 2:00 back */
		{ "Asia/Shanghai", 19860504, "02:30", "1986-05-03T18:00:00Z" },
		{ "Asia/Shanghai", 19910414, "02:30", "1991-04-13T18:00:00Z" },
		{ "Asia/Shanghai", 19910915, "01:30", "1991-09-14T16:30:00Z" },
		{ "Asia/Kathmandu", 20270314, "09:00", "2027-03-14T03:15:00Z" },
		/* at midnight: a day that begins at one o'clock */
		{ "America/Santiago", 20260906, "00:30", "2026-09-06T04:00:00Z" },
	};

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		over(&changes[i]);
}

#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)

/* Forward, back by an hour and a day, forward again: every day once, in order, and nothing again for a day that was. */
static void test_back_and_forward(void **state)
{
	static const int64_t steps[] = { DAY_MS, -HOUR_MS, HOUR_MS, DAY_MS, -DAY_MS, HOUR_MS,
		DAY_MS, DAY_MS, -3 * DAY_MS, 2 * DAY_MS, DAY_MS, DAY_MS };
	struct heard *h = heard_open("Asia/Shanghai", 20261123);
	int64_t now = h->r->b->author.now_ms;

	daily(h, 20261124, "09:00");
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		clock_to(h, now += steps[i]);
	hear(h);
	assert_int_equal(h->n, 4);
	for (size_t i = 0; i < h->n; i++)
		assert_int_equal(h->row[i].occurrence, date_add_days(20261124, (int)i));
	heard_close(&h);
}

/* Ten years ahead, and back to where it was: one late reminder, then none until the clock has come there again. */
static void test_ten_years(void **state)
{
	struct heard *h = heard_open("Asia/Shanghai", 20261123);
	int64_t now = h->r->b->author.now_ms;
	uint64_t id = daily(h, 20261124, "09:00");
	const char *next;

	clock_to(h, now + 3653 * DAY_MS);
	hear(h);
	assert_int_equal(h->n, 1);
	assert_true(h->row[0].late);
	assert_int_equal(h->row[0].occurrence, 20361123);
	next = planned_text(h->r, "reminder", id, "start_on");
	assert_string_equal(next, "2036-11-24T01:00:00Z 0");
	clock_to(h, now);
	for (int i = 1; i < 10; i++)
		clock_to(h, now + i * DAY_MS);
	hear(h);
	assert_int_equal(h->n, 1);
	clock_to(h, now + 3654 * DAY_MS);
	hear(h);
	assert_int_equal(h->n, 2);
	assert_int_equal(h->row[1].occurrence, 20361124);
	heard_close(&h);
}

/* A week down: each series tells once, marked late; what happens but once is not lost. */
static void test_week_down(void **state)
{
	struct heard *h = heard_open("Asia/Shanghai", 20261123);
	int64_t now = h->r->b->author.now_ms;
	struct buf room = BUF_INIT;
	struct stored s;

	daily(h, 20261124, "09:00");
	bench_add(h->r->b, "reminder", "title=一次|start_on=2026-11-26|user=li");
	bench_add(h->r->b, "reminder", "title=每周|start_on=2026-11-24|user=li|repeat=weekly");
	clock_to(h, now + 7 * DAY_MS);
	hear(h);
	assert_int_equal(h->n, 3);
	for (size_t i = 0; i < h->n; i++)
		assert_true(h->row[i].late);
	assert_int_equal(bench_get(h->r->b, "reminder", 1, &room, &s), STATUS_OK);
	assert_int_equal(
		unzigzag(model_number(bench_entity(h->r->b, "reminder"), s.fields, "missed")), 6);
	buf_free(&room);
	heard_close(&h);
}

/* The 31st of every month for three hundred years, against days counted one by one. */
static void test_month_ends(void **state)
{
	struct series s = {
		.start = { 1900, 1, 31, false, false }, .repeat = REPEAT_MONTHLY, .every = 1
	};
	struct series last = s;
	char why[96];
	civil_date day = 19000101, next;

	last.repeat = REPEAT_NONE;
	assert_true(rrule_parse(bytes_str("FREQ=MONTHLY;BYMONTHDAY=-1"), &last.rrule, why));
	for (; day; day = next) {
		civil_date wanted = day;
		while (wanted && date_day(date_add_days(wanted, 1)) != 1 && wanted != 21991231)
			wanted = date_add_days(wanted, 1);
		assert_int_equal(series_next(&s, day), wanted);
		if (day >= 19000131)
			assert_int_equal(series_next(&last, day), wanted);
		next = date_add_days(wanted, 1);
	}
	assert_int_equal(series_next(&s, 21000201), 21000228);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_back_and_forward),
		cmocka_unit_test(test_ten_years),
		cmocka_unit_test(test_week_down),
		cmocka_unit_test(test_month_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
