/* What has to be remembered reaches the right person: planning, firing, and inboxes that follow the records. */
#include "tests/unit/remind_bench.h"

#define NOON "2026-11-23 12:00"

struct people {
	struct remind_bench *r;
	struct bench *b;
	uint64_t li, wang, customer;
};

static struct people people_open(void)
{
	struct people p = { .r = remind_open(NOON) };
	char values[96];

	p.b = p.r->b;
	bench_add(p.b, "branch", "code=ld|name=伦敦|time_zone=Europe/London");
	p.li = bench_add(p.b, "user", "username=li|name=李|roles=sales|branch=main|state=active");
	p.wang = bench_add(p.b, "user", "username=wang|name=王|roles=sales|branch=ld|state=active");
	snprintf(values, sizeof values, "name=杭州长河|phone=0571-1|owner=li");
	p.customer = bench_add(p.b, "customer", values);
	return p;
}

static uint64_t contact(struct people *p, const char *birthday)
{
	char values[96];

	snprintf(values, sizeof values, "customer=%llu|name=张三|birthday=%s",
		(unsigned long long)p->customer, birthday);
	return bench_add(p->b, "contact", values);
}

static void set_owner(struct people *p, const char *owner)
{
	char values[64];

	snprintf(values, sizeof values, "owner=%s", owner);
	bench_set(p->b, "customer", p->customer, values);
}

static void days_before(struct people *p, const char *days)
{
	set_setting(p->b, "birthday.days_before", days);
}

static void is_planned(
	struct people *p, const char *entity, uint64_t id, const char *field, const char *want)
{
	assert_string_equal(planned_text(p->r, entity, id, field), want);
}

/* A signed number of a record. */
static int64_t number_of(struct people *p, const char *entity, uint64_t id, const char *field)
{
	struct buf room = BUF_INIT;
	struct stored s;
	int64_t v;

	assert_int_equal(bench_get(p->b, entity, id, &room, &s), STATUS_OK);
	v = unzigzag(model_number(bench_entity(p->b, entity), s.fields, field));
	buf_free(&room);
	return v;
}

static void test_edits_plan_anew(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(
		p.b, "reminder", "title=x|start_on=2026-12-24|days_before=7,1,0|time_of_day=10:30");

	is_planned(&p, "reminder", id, "start_on",
		"2026-12-17T02:30:00Z 7, 2026-12-23T02:30:00Z 1, 2026-12-24T02:30:00Z 0");
	bench_set(p.b, "reminder", id, "start_on=2026-12-25");
	bench_set(p.b, "reminder", id, "days_before=2");
	bench_set(p.b, "reminder", id, "time_of_day=08:00");
	is_planned(&p, "reminder", id, "start_on", "2026-12-23T00:00:00Z 2");
	bench_set(p.b, "reminder", id, "user=wang");
	is_planned(&p, "reminder", id, "start_on", "2026-12-23T08:00:00Z 2");
	assert_int_equal(bench_move(p.b, "reminder", id, false, &(uint64_t){ 0 }), STATUS_OK);
	is_planned(&p, "reminder", id, "start_on", "");
	assert_int_equal(bench_move(p.b, "reminder", id, true, &(uint64_t){ 0 }), STATUS_OK);
	is_planned(&p, "reminder", id, "start_on", "2026-12-23T08:00:00Z 2");
	remind_close(&p.r);
}

static void test_over_is_over(void **state)
{
	struct people p = people_open();
	uint64_t c = contact(&p, "12-24");
	uint64_t task = bench_add(p.b, "task", "subject=x|customer=1|due_on=2026-12-24");

	assert_string_not_equal(planned_text(p.r, "task", task, "due_on"), "");
	bench_set(p.b, "task", task, "state=done");
	is_planned(&p, "task", task, "due_on", "");
	is_planned(&p, "contact", c, "birthday", "2026-12-21T01:00:00Z 3, 2026-12-24T01:00:00Z 0");
	bench_set(p.b, "customer", p.customer, "archived=yes");
	is_planned(&p, "contact", c, "birthday", "");
	bench_set(p.b, "customer", p.customer, "archived=no");
	is_planned(&p, "contact", c, "birthday", "2026-12-21T01:00:00Z 3, 2026-12-24T01:00:00Z 0");
	bench_set(p.b, "contact", c, "left_on=2026-11-01");
	is_planned(&p, "contact", c, "birthday", "");
	remind_close(&p.r);
}

static void test_instants_remind_at_their_minute(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(p.b, "feedback",
		"customer=1|title=x|content=x|reported_at=2026-12-24T02:30:00Z|priority=urgent");

	is_planned(&p, "feedback", id, "response_due_at", "2026-12-24T06:30:00Z 0");
	is_planned(&p, "feedback", id, "resolve_due_at", "2026-12-25T02:30:00Z 0");
	bench_set(p.b, "feedback", id, "state=answered");
	is_planned(&p, "feedback", id, "response_due_at", "");
	is_planned(&p, "feedback", id, "resolve_due_at", "");
	bench_set(p.b, "feedback", id, "state=reopened");
	is_planned(&p, "feedback", id, "response_due_at", "");
	is_planned(&p, "feedback", id, "resolve_due_at", "2026-12-25T02:30:00Z 0");
	remind_close(&p.r);
}

static void test_owner_above(void **state)
{
	struct people p = people_open();
	uint64_t c = contact(&p, "12-24");

	set_owner(&p, "wang");
	is_planned(&p, "contact", c, "birthday", "2026-12-21T09:00:00Z 3, 2026-12-24T09:00:00Z 0");
	fire_at(p.r, "2026-12-21 17:00");
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_int_equal(waiting(p.r, p.wang), 1);
	remind_close(&p.r);
}

/* Fired in Shanghai, handed to London where it is not nine yet: it moves, it does not fire again. */
static void test_transfer_after_firing(void **state)
{
	struct people p = people_open();
	struct inbox_row rows[8];
	uint64_t c = contact(&p, "12-24"), first;

	fire_at(p.r, "2026-12-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 2);
	first = inbox_last(p.b->txn, p.li);
	set_owner(&p, "wang");
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_int_equal(waiting(p.r, p.wang), 2);
	assert_true(inbox_read(p.b->txn, p.li, first, false, rows, 8) == 2);
	assert_int_equal(rows[0].kind, INBOX_CLEARED);
	assert_true(inbox_read(p.b->txn, p.wang, 0, true, rows, 8) == 2 && rows[0].seq > first);
	is_planned(&p, "contact", c, "birthday", "2027-12-21T09:00:00Z 3, 2027-12-24T09:00:00Z 0");
	fire_at(p.r, "2026-12-24 18:00");
	assert_int_equal(waiting(p.r, p.wang), 2);
	remind_close(&p.r);
}

static void test_source_changes(void **state)
{
	struct people p = people_open();
	uint64_t c = contact(&p, "11-24"), count = 0;

	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 1);
	assert_int_equal(bench_move(p.b, "contact", c, false, &count), STATUS_OK);
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_int_equal(bench_move(p.b, "contact", c, true, &count), STATUS_OK);
	assert_int_equal(waiting(p.r, p.li), 1);
	fire_at(p.r, "2026-11-24 10:00");
	assert_int_equal(waiting(p.r, p.li), 1); /* not made a second time */
	bench_set(p.b, "contact", c, "birthday=12-30");
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_string_equal(bench_text(p.b, "reminder", 1, "state"), "finished");
	remind_close(&p.r);
}

static void test_reminder_itself(void **state)
{
	struct people p = people_open();
	uint64_t count = 0, id = bench_add(p.b, "reminder", "title=x|start_on=2026-11-24|user=li");

	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 1);
	bench_move(p.b, "reminder", id, false, &count);
	assert_int_equal(waiting(p.r, p.li), 0);
	bench_move(p.b, "reminder", id, true, &count);
	assert_int_equal(waiting(p.r, p.li), 1);
	bench_set(p.b, "reminder", id, "user=wang");
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_int_equal(waiting(p.r, p.wang), 1);
	fire_at(p.r, "2026-11-25 09:00");
	assert_int_equal(waiting(p.r, p.wang), 1);
	assert_int_equal(inbox_count_unacknowledged(p.b->txn), 1);
	remind_close(&p.r);
}

/* One who left is not reminded: the next candidate is, and acknowledges. */
static void test_inactive_user(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(p.b, "reminder", "title=x|start_on=2026-11-24|user=li");

	contact(&p, "11-24");
	bench_set(p.b, "user", p.li, "state=left");
	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 0);
	assert_int_equal(waiting(p.r, p.b->admin), 2);
	assert_string_equal(bench_text(p.b, "reminder", id, "user"), "1");
	remind_close(&p.r);
}

/* The deputy of one who was suspended, else who stands above; somebody in any case. */
static void test_inactive_user_stood_for(void **state)
{
	struct people p = people_open();
	uint64_t zhao = bench_add(
		p.b, "user", "username=zhao|name=赵|roles=sales|branch=main|state=active");

	bench_set(p.b, "user", p.li, "superior=zhao|state=suspended");
	bench_add(p.b, "reminder", "title=x|start_on=2026-11-24|user=li");
	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, zhao), 1);
	bench_set(p.b, "user", p.li, "deputy=wang");
	bench_add(p.b, "reminder", "title=y|start_on=2026-11-25|user=li");
	fire_at(p.r, "2026-11-25 18:00");
	assert_int_equal(waiting(p.r, p.wang), 1);
	bench_set(p.b, "user", p.wang, "state=left");
	bench_set(p.b, "user", zhao, "state=left");
	bench_add(p.b, "reminder", "title=z|start_on=2026-11-26|user=li");
	fire_at(p.r, "2026-11-26 18:00");
	assert_int_equal(waiting(p.r, p.b->admin), 1);
	remind_close(&p.r);
}

/* Whoever is away gets it, and so does the deputy; either of them can handle it for both. */
static void test_stand_in(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(
		p.b, "reminder", "title=x|start_on=2026-11-24|repeat=daily|user=li|days_before=0");
	struct inbox_row rows[8];

	bench_set(p.b, "user", p.li, "deputy=wang|deputy_until=2026-11-24");
	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 1);
	assert_int_equal(waiting(p.r, p.wang), 1);
	assert_int_equal(inbox_lent(p.b->txn, id, &(uint64_t){ 0 }, 1), 1);
	bench_move(p.b, "reminder", id, false, &(uint64_t){ 0 });
	assert_int_equal(waiting(p.r, p.li) + waiting(p.r, p.wang), 0);
	assert_int_equal(inbox_read(p.b->txn, p.wang, 0, false, rows, 8), 2);
	assert_int_equal(rows[1].kind, INBOX_CLEARED);
	bench_move(p.b, "reminder", id, true, &(uint64_t){ 0 });
	fire_at(p.r, "2026-11-25 09:00"); /* back from the holiday */
	assert_int_equal(waiting(p.r, p.li), 2);
	assert_int_equal(waiting(p.r, p.wang), 1);
	remind_close(&p.r);
}

/* The last Friday of the month; edits of the rule plan anew, and none that never comes is taken. */
static void test_rrule(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(
		p.b, "reminder", "title=x|start_on=2026-11-23|rrule=FREQ=MONTHLY;BYDAY=-1FR");

	is_planned(&p, "reminder", id, "start_on", "2026-11-27T01:00:00Z 0");
	fire_at(p.r, "2026-11-27 09:00");
	is_planned(&p, "reminder", id, "start_on", "2026-12-25T01:00:00Z 0");
	bench_set(p.b, "reminder", id,
		"rrule=FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20270201|days_before=7,0");
	is_planned(
		&p, "reminder", id, "start_on", "2026-12-24T01:00:00Z 7, 2026-12-31T01:00:00Z 0");
	fire_at(p.r, "2027-01-31 09:00");
	is_planned(&p, "reminder", id, "start_on", "");
	bench_refused(p.b, "reminder", 0, "title=x|start_on=2026-11-23|rrule=FREQ=HOURLY", "rrule");
	bench_refused(p.b, "reminder", 0,
		"title=x|start_on=2026-11-23|rrule=FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "rrule");
	bench_refused(p.b, "reminder", 0,
		"title=x|start_on=2026-11-23|rrule=FREQ=DAILY|repeat=weekly", "repeat");
	bench_refused(
		p.b, "reminder", 0, "title=x|start_on=lunar:08-15|rrule=FREQ=DAILY", "start_on");
	/* all in the past */
	id = 0;
	assert_int_equal(bench_put(p.b, "reminder", &id,
				 "title=x|start_on=2026-11-01|rrule=FREQ=DAILY;COUNT=3"),
		STATUS_INVALID);
	assert_string_equal(p.b->e.fields[0].field, "start_on");
	remind_close(&p.r);
}

/* 2026-11-28 is a Saturday, 2026-11-30 a Monday; Friday the 27th becomes a holiday. */
static void test_off_holidays(void **state)
{
	struct people p = people_open();
	uint64_t before = bench_add(
		p.b, "reminder", "title=b|start_on=2026-11-28|workday=before|days_before=1,0");
	uint64_t after = bench_add(p.b, "reminder", "title=a|start_on=2026-11-28|workday=after");
	uint64_t stays = bench_add(p.b, "reminder", "title=n|start_on=2026-11-28|workday=none");

	is_planned(&p, "reminder", before, "start_on",
		"2026-11-27T01:00:00Z 1, 2026-11-27T01:00:00Z 0");
	is_planned(&p, "reminder", after, "start_on", "2026-11-30T01:00:00Z 0");
	is_planned(&p, "reminder", stays, "start_on", "2026-11-28T01:00:00Z 0");
	bench_add(p.b, "calendar_day", "day=2026-11-27|working=no|label=假日");
	fire_batch(p.r);
	is_planned(&p, "reminder", before, "start_on",
		"2026-11-26T01:00:00Z 1, 2026-11-26T01:00:00Z 0");
	/* on the Sunday what was moved to Monday is planned still, though its date has passed */
	fire_at(p.r, "2026-11-29 12:00");
	bench_set(p.b, "reminder", after, "time_of_day=10:00");
	is_planned(&p, "reminder", after, "start_on", "2026-11-30T02:00:00Z 0");
	fire_at(p.r, "2026-11-30 10:00");
	is_planned(&p, "reminder", after, "start_on", "");
	assert_int_equal(waiting(p.r, p.b->admin), 3); /* one of each */
	remind_close(&p.r);
}

/* Every weekend day of a daily series moves to Monday: one reminder, not three. */
static void test_off_holidays_daily(void **state)
{
	struct people p = people_open();
	uint64_t id = bench_add(
		p.b, "reminder", "title=d|start_on=2026-11-27|repeat=daily|workday=after");

	fire_at(p.r, "2026-11-27 09:00");
	is_planned(&p, "reminder", id, "start_on", "2026-11-30T01:00:00Z 0");
	fire_at(p.r, "2026-11-30 09:00");
	is_planned(&p, "reminder", id, "start_on", "2026-12-01T01:00:00Z 0");
	assert_int_equal(waiting(p.r, p.b->admin), 2);
	remind_close(&p.r);
}

/* Several days ahead and a time of day for every source: its own, or those of the settings. */
static void test_days_and_time(void **state)
{
	struct people p = people_open();
	uint64_t task = bench_add(p.b, "task",
		"subject=x|customer=杭州长河|due_on=2026-12-24|due_time=15:00|reminder_days_before="
		"7,1,0");
	uint64_t activity = bench_add(p.b, "activity",
		"subject=x|customer=杭州长河|activity_type=call|reminder_date=2026-12-24|"
		"reminder_time=08:30|reminder_days_before=2,0");
	uint64_t birthday = contact(&p, "12-24");

	is_planned(&p, "task", task, "due_on",
		"2026-12-17T07:00:00Z 7, 2026-12-23T07:00:00Z 1, 2026-12-24T07:00:00Z 0");
	is_planned(&p, "activity", activity, "reminder_date",
		"2026-12-22T00:30:00Z 2, 2026-12-24T00:30:00Z 0");
	set_setting(p.b, "reminder.time", "07:30");
	set_setting(p.b, "birthday.days_before", "7,1,0");
	fire_batch(p.r);
	is_planned(&p, "contact", birthday, "birthday",
		"2026-12-16T23:30:00Z 7, 2026-12-22T23:30:00Z 1, 2026-12-23T23:30:00Z 0");
	is_planned(&p, "task", task, "due_on",
		"2026-12-17T07:00:00Z 7, 2026-12-23T07:00:00Z 1, 2026-12-24T07:00:00Z 0");
	remind_close(&p.r);
}

/* A setting moves the birthdays of all; what has fired before its day does not fire again when the plan is made anew. */
static void test_birthdays_off_holidays(void **state)
{
	struct people p = people_open();
	uint64_t id = contact(&p, "11-29"); /* a Sunday */

	days_before(&p, "0");
	set_setting(p.b, "birthday.workday", "before");
	fire_batch(p.r);
	is_planned(&p, "contact", id, "birthday", "2026-11-27T01:00:00Z 0");
	fire_at(p.r, "2026-11-27 09:00");
	assert_int_equal(waiting(p.r, p.li), 1);
	set_owner(&p, "wang");
	fire_at(p.r, "2026-11-30 12:00");
	assert_int_equal(waiting(p.r, p.wang), 1);
	is_planned(&p, "contact", id, "birthday", "2027-11-29T09:00:00Z 0");
	remind_close(&p.r);
}

static void test_down_for_months(void **state)
{
	struct people p = people_open();
	struct inbox_row row;

	bench_add(p.b, "reminder", "title=d|start_on=2026-11-24|repeat=daily|user=li");
	fire_at(p.r, "2027-02-24 08:00");
	assert_int_equal(inbox_read(p.b->txn, p.li, 0, true, &row, 1), 1);
	assert_int_equal(waiting(p.r, p.li), 1);
	assert_int_equal(row.occurrence, 20270223);
	assert_true(row.late);
	assert_int_equal(number_of(&p, "reminder", 1, "missed"), 91);
	is_planned(&p, "reminder", 1, "start_on", "2027-02-24T01:00:00Z 0");
	remind_close(&p.r);
}

static void test_clock_goes_back(void **state)
{
	struct people p = people_open();

	bench_add(p.b, "reminder", "title=d|start_on=2026-11-24|repeat=daily|user=li");
	bench_add(p.b, "reminder", "title=o|start_on=2026-11-24|user=li");
	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 2);
	assert_int_equal(fire_at(p.r, "2026-11-23 09:00"), 0);
	assert_int_equal(fire_at(p.r, "2026-11-24 09:00"), 0);
	fire_at(p.r, "2026-11-25 09:00");
	assert_int_equal(waiting(p.r, p.li), 3);
	remind_close(&p.r);
}

static void test_until(void **state)
{
	struct people p = people_open();

	bench_add(p.b, "reminder",
		"title=d|start_on=2026-11-24|repeat=daily|repeat_until=2026-11-25|user=li");
	fire_at(p.r, "2026-11-24 09:00");
	fire_at(p.r, "2026-11-25 09:00");
	is_planned(&p, "reminder", 1, "start_on", "");
	assert_int_equal(fire_at(p.r, "2026-11-26 09:00"), 0);
	assert_int_equal(waiting(p.r, p.li), 2);
	remind_close(&p.r);
}

/* In London 01:30 of 2027-03-28 does not exist: the first instant after it. */
static void test_gap(void **state)
{
	struct people p = people_open();

	bench_add(p.b, "reminder", "title=g|start_on=2027-03-28|time_of_day=01:30|user=wang");
	is_planned(&p, "reminder", 1, "start_on", "2027-03-28T01:00:00Z 0");
	remind_close(&p.r);
}

static void test_dates(void **state)
{
	struct people p = people_open();
	static const struct {
		const char *birthday, *now, *want;
	} rows[] = {
		{ "02-29", "2027-01-10 12:00", "2027-02-28T01:00:00Z 0" },
		{ "02-29", "2028-01-10 12:00", "2028-02-29T01:00:00Z 0" },
		{ "lunar:12-30", "2027-01-10 12:00", "2027-02-05T01:00:00Z 0" },
		{ "lunar:1987-L06-01", "2028-06-01 12:00", "2028-07-22T01:00:00Z 0" },
		{ "lunar:1987-L06-01", "2036-07-01 12:00", "2036-07-23T01:00:00Z 0" },
	};

	days_before(&p, "0");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		set_now(p.r, rows[i].now);
		is_planned(&p, "contact", contact(&p, rows[i].birthday), "birthday", rows[i].want);
	}
	remind_close(&p.r);
}

#define MANY 2000

/* A morning of birthdays: batches, each once, memory bounded by the batch. */
static void test_many_at_once(void **state)
{
	struct people p = people_open();
	uint64_t seen[MANY] = { 0 }, after = 0;
	struct inbox_row rows[64];
	size_t n, all = 0;

	for (int i = 0; i < MANY; i++)
		bench_add(p.b, "reminder", "title=m|start_on=2026-11-24|user=li");
	assert_int_equal(fire_at(p.r, "2026-11-24 09:00"), MANY / FIRE_BATCH);
	while ((n = inbox_read(p.b->txn, p.li, after, true, rows, 64)) > 0) {
		for (size_t i = 0; i < n; i++) {
			assert_true(rows[i].reminder <= MANY && rows[i].seq > after);
			assert_int_equal(seen[rows[i].reminder - 1]++, 0);
			after = rows[i].seq;
		}
		all += n;
	}
	assert_int_equal(all, MANY);
	assert_int_equal(inbox_count_unacknowledged(p.b->txn), MANY);
	remind_close(&p.r);
}

/* A record that cannot be read is put off, not dropped, and what comes after it fires. */
static void test_damaged(void **state)
{
	struct people p = people_open();
	uint8_t key[10];
	struct buf whole = BUF_INIT;
	uint64_t id = bench_add(p.b, "reminder", "title=d|start_on=2026-11-24|user=li");

	bench_add(p.b, "reminder", "title=o|start_on=2026-11-24|user=li");
	put_be16(key, ENTITY_REMINDER);
	put_be64(key + 2, id);
	assert_int_equal(
		txn_get(p.b->txn, SPACE_REC, bytes_of(key, sizeof key), &whole, NULL), STATUS_OK);
	txn_put(p.b->txn, SPACE_REC, bytes_of(key, sizeof key), bytes_str("x"), NULL);
	set_now(p.r, "2026-11-24 09:00");
	assert_int_not_equal(fire_how(p.r, &(struct fire_how){ 1, false }), STATUS_OK);
	assert_int_equal(fire_how(p.r, &(struct fire_how){ 1, true }), STATUS_OK);
	fire_at(p.r, "2026-11-24 09:00");
	assert_int_equal(waiting(p.r, p.li), 1);
	txn_put(p.b->txn, SPACE_REC, bytes_of(key, sizeof key), buf_bytes(&whole), NULL);
	fire_at(p.r, "2026-11-24 09:10");
	assert_int_equal(waiting(p.r, p.li), 2);
	buf_free(&whole);
	remind_close(&p.r);
}

static void put(struct people *p, uint64_t reminder, uint64_t seq, int64_t at)
{
	struct inbox_row row = {
		.seq = seq, .kind = INBOX_REMINDER, .reminder = reminder, .fired_ms = at
	};

	assert_int_equal(inbox_put(p->b->txn, p->li, &row, &p->b->e), STATUS_OK);
}

/* Acknowledging costs the same however full the inbox is, and what is done goes after thirty days. */
static void test_inbox(void **state)
{
	struct people p = people_open();
	struct inbox_row rows[64];
	int64_t day = INT64_C(86400000);
	size_t puts;

	for (uint64_t i = 1; i <= 500; i++)
		put(&p, i % 2 ? i : 2, i, 0);
	puts = txn_puts(p.b->txn);
	assert_int_equal(inbox_acknowledge(p.b->txn, p.li, 499, 1000, day, &p.b->e), STATUS_OK);
	assert_true(txn_puts(p.b->txn) - puts < 10);
	assert_int_equal(inbox_newest(p.b->txn, p.li, 2), 500);
	assert_int_equal(inbox_acknowledge(p.b->txn, p.li, 2, 1001, day, &p.b->e), STATUS_OK);
	assert_int_equal(inbox_newest(p.b->txn, p.li, 2), 0);
	assert_int_equal(inbox_count_unacknowledged(p.b->txn), 249);
	for (uint64_t i = 2001; i <= 2200; i++)
		put(&p, i, i, 40 * day);
	assert_true(inbox_swept(p.b->txn, p.li) >= 500);
	assert_int_equal(inbox_read(p.b->txn, p.li, 0, false, rows, 4), 4);
	assert_int_equal(rows[3].seq, 7); /* 2, 4, 6 were done */
	assert_int_equal(inbox_acknowledge(p.b->txn, p.li, 1, 3000, 41 * day, &p.b->e), STATUS_OK);
	assert_int_equal(inbox_read(p.b->txn, p.li, 0, false, rows, 1), 1);
	assert_int_equal(rows[0].seq, 3);
	remind_close(&p.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits_plan_anew),
		cmocka_unit_test(test_over_is_over),
		cmocka_unit_test(test_instants_remind_at_their_minute),
		cmocka_unit_test(test_owner_above),
		cmocka_unit_test(test_transfer_after_firing),
		cmocka_unit_test(test_source_changes),
		cmocka_unit_test(test_reminder_itself),
		cmocka_unit_test(test_inactive_user),
		cmocka_unit_test(test_inactive_user_stood_for),
		cmocka_unit_test(test_stand_in),
		cmocka_unit_test(test_rrule),
		cmocka_unit_test(test_off_holidays),
		cmocka_unit_test(test_off_holidays_daily),
		cmocka_unit_test(test_birthdays_off_holidays),
		cmocka_unit_test(test_days_and_time),
		cmocka_unit_test(test_down_for_months),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_inbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
