/* Rules that make, cancel and escalate reminders by themselves. */
#include "server/model/computed.h"
#include "server/remind/cadence.h"
#include "tests/unit/remind_bench.h"

/* The server's observer, with rules. */
static enum status observe(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	enum status s = remind_observe(NULL, t, author, entity, before, after, e);

	return s ? s : cadence_follow(arg, t, author, entity, before, after, e);
}

struct firm {
	struct remind_bench *r;
	struct bench *b;
	struct cadence_rules *rules;
	uint64_t boss, li, wang;
};

static uint64_t rule_id(struct firm *f, const char *code)
{
	const struct entity *en = bench_entity(f->b, "cadence_rule");
	uint64_t id = 0;

	assert_int_equal(store_find_unique(f->b->txn, en, entity_field_named(en, "code"),
				 bytes_str(code), &id, NULL),
		STATUS_OK);
	return id;
}

static void work_off(struct firm *f)
{
	for (int i = 0; cadence_asked(f->b->txn); i++) {
		assert_true(i < 1000);
		assert_int_equal(fire_batch(f->r), STATUS_OK);
	}
}

static void set_rule(struct firm *f, const char *code, const char *values)
{
	bench_set(f->b, "cadence_rule", rule_id(f, code), values);
	work_off(f);
}

/* Only the rules that a test is about. */
static struct firm *firm_open(const char *now, const char *code)
{
	struct firm *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->r = remind_open(now);
	f->b = f->r->b;
	store_observe(f->b->store, observe, &f->rules);
	f->r->server.cadence = &f->rules;
	f->boss = bench_add(
		f->b, "user", "username=boss|name=主管|roles=sales_mgr|branch=main|state=active");
	f->li = bench_add(f->b, "user",
		"username=li|name=李|roles=sales|branch=main|state=active|superior=boss");
	f->wang = bench_add(f->b, "user",
		"username=wang|name=王|roles=sales|branch=main|state=active|superior=boss");
	for (const struct cadence_row *row = cadence_rows; row->code; row++)
		if (code && strcmp(row->code, code) != 0)
			set_rule(f, row->code, "active=no");
	return f;
}

static void no_damage(void *arg, const char *damage)
{
	fail_msg("%s", damage);
}

static void firm_close(struct firm **f)
{
	cadence_check((*f)->b->txn, no_damage, NULL);
	cadence_rules_free(&(*f)->rules);
	remind_close(&(*f)->r);
	free(*f);
	*f = NULL;
}

static uint64_t customer(struct firm *f, const char *grade)
{
	char values[96];

	snprintf(values, sizeof values, "name=杭州长河|phone=0571-1|owner=li|grade=%s", grade);
	return bench_add(f->b, "customer", values);
}

static void act(
	struct firm *f, const char *reference, uint64_t id, const char *type, const char *date)
{
	char values[160];

	snprintf(values, sizeof values, "%s=%llu|activity_type=%s|subject=x|activity_date=%s",
		reference, (unsigned long long)id, type, date);
	bench_add(f->b, "activity", values);
}

/* "2026-12-10T01:00:00Z 21 2026-12-31", "" when nothing is planned */
static const char *planned(struct firm *f, const char *entity, uint64_t id, const char *code)
{
	struct due_row row;
	struct buf out = BUF_INIT;
	const char *text = "";

	if (plan_read(f->b->txn, bench_entity(f->b, entity)->number, id,
		    (uint16_t)(CADENCE_TAG + rule_id(f, code)), &row, 1) == 1) {
		instant_format(row.instant, &out);
		if (row.nth == CADENCE_ESCALATE)
			buf_add_str(&out, " up ");
		else
			buf_printf(&out, " %u ", row.nth);
		date_format(row.occurrence, &out);
		text = arena_str(f->b->arena, buf_bytes(&out));
	}
	buf_free(&out);
	return text;
}

static const char *newest(struct firm *f, uint64_t user, const char *field)
{
	struct inbox_row rows[64];
	size_t n = inbox_read(f->b->txn, user, 0, true, rows, 64);

	assert_true(n > 0);
	return bench_text(f->b, "reminder", rows[n - 1].reminder, field);
}

static void acknowledge(struct firm *f, uint64_t user)
{
	const struct entity *en = bench_entity(f->b, "reminder");
	struct inbox_row rows[64];
	size_t n = inbox_read(f->b->txn, user, 0, true, rows, 64);
	struct buf room = BUF_INIT;
	struct stored s;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(
			store_get(f->b->txn, &scope_all, en, rows[i].reminder, &room, &s, NULL),
			STATUS_OK);
		assert_int_equal(
			put_number(f->b->txn, &f->b->author, en, &s, "state",
				entry_id(f->b->txn, "reminder_state.acknowledged"), false, NULL),
			STATUS_OK);
	}
	buf_free(&room);
}

/* A normal customer without a visit: told before the limit, the superior after it. */
static void test_quarter(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-10T01:00:00Z 21 2026-12-31");
	fire_at(f->r, "2026-12-10 08:59");
	assert_int_equal(waiting(f->r, f->li), 0);
	fire_at(f->r, "2026-12-10 09:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	assert_string_equal(newest(f, f->li, "reminder_kind"), "cadence");
	assert_string_equal(newest(f, f->li, "source_rule"), "cadence:visit");
	assert_string_equal(newest(f, f->li, "occurrence"), "2026-12-31");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-28T01:00:00Z 3 2026-12-31");
	acknowledge(f, f->li);
	fire_at(f->r, "2026-12-28 09:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	acknowledge(f, f->li);
	fire_at(f->r, "2026-12-31 23:59");
	assert_int_equal(waiting(f->r, f->boss), 0);
	fire_at(f->r, "2027-01-01 09:00");
	assert_int_equal(waiting(f->r, f->boss), 1);
	assert_string_equal(newest(f, f->boss, "source_rule"), "escalation:visit");
	assert_non_null(strstr(newest(f, f->boss, "title"), "杭州长河"));
	assert_non_null(strstr(newest(f, f->boss, "title"), "逾期 1 天"));
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-03-10T01:00:00Z 21 2027-03-31");
	firm_close(&f);
}

/* What is not acknowledged for three days goes up too; one that a person made only when it says so. */
static void test_unacknowledged(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");

	customer(f, "normal");
	fire_at(f->r, "2026-12-10 09:00");
	fire_at(f->r, "2026-12-13 08:59");
	assert_int_equal(waiting(f->r, f->boss), 0);
	fire_at(f->r, "2026-12-13 09:00");
	assert_int_equal(waiting(f->r, f->boss), 1);
	assert_string_equal(newest(f, f->boss, "source_rule"), "escalation:visit");
	assert_non_null(strstr(newest(f, f->boss, "title"), "3 天未确认"));
	fire_at(f->r, "2026-12-20 09:00"); /* the superior's own goes no higher */
	assert_int_equal(waiting(f->r, f->boss), 1);
	acknowledge(f, f->boss);
	acknowledge(f, f->li);
	bench_add(f->b, "reminder",
		"title=合同|start_on=2026-12-21|user=li|escalate_to=wang|escalate_after_days=1");
	bench_add(f->b, "reminder", "title=记事|start_on=2026-12-21|user=li");
	fire_at(f->r, "2026-12-21 09:00");
	assert_int_equal(waiting(f->r, f->wang), 0);
	fire_at(f->r, "2026-12-22 09:00");
	assert_int_equal(waiting(f->r, f->wang), 1);
	assert_string_equal(newest(f, f->wang, "title"), "合同(1 天未确认)");
	acknowledge(f, f->li);
	assert_int_equal(waiting(f->r, f->wang), 0);
	fire_at(f->r, "2026-12-27 09:00");
	assert_int_equal(waiting(f->r, f->boss), 0);
	firm_close(&f);
}

/* A visit takes back what was told, to both, and the next quarter is planned; a call does not. */
static void test_visit_cancels(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	fire_at(f->r, "2026-12-10 09:00");
	set_now(f->r, "2026-12-15 10:00");
	act(f, "customer", id, "call", "2026-12-15");
	assert_int_equal(waiting(f->r, f->li), 1);
	act(f, "customer", id, "visit", "2026-12-15");
	assert_int_equal(waiting(f->r, f->li), 0);
	assert_string_equal(bench_text(f->b, "reminder", 1, "state"), "finished");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-03-10T01:00:00Z 21 2027-03-31");
	fire_at(f->r, "2027-01-01 09:00");
	assert_int_equal(waiting(f->r, f->boss), 0);
	bench_set(f->b, "customer", id, "grade=key");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-01-24T01:00:00Z 7 2027-01-31");
	firm_close(&f);
}

static void test_late_visit_clears_escalation(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal"), activity;
	char values[160];

	fire_at(f->r, "2027-01-01 09:00");
	assert_int_equal(waiting(f->r, f->boss), 1);
	snprintf(values, sizeof values,
		"customer=%llu|activity_type=visit|subject=x|activity_date=2027-01-02",
		(unsigned long long)id);
	set_now(f->r, "2027-01-02 10:00");
	activity = bench_add(f->b, "activity", values);
	assert_int_equal(waiting(f->r, f->boss), 0);
	assert_int_equal(waiting(f->r, f->li), 0);
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-06-09T01:00:00Z 21 2027-06-30");
	/* logged by mistake */
	assert_int_equal(
		bench_move(f->b, "activity", activity, false, &(uint64_t){ 0 }), STATUS_OK);
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-03-10T01:00:00Z 21 2027-03-31");
	firm_close(&f);
}

static void test_no_longer_owed(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	bench_set(f->b, "customer", id, "grade=prospect");
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	bench_set(f->b, "customer", id, "grade=small");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-01T01:00:00Z 30 2026-12-31");
	bench_set(f->b, "customer", id, "archived=yes");
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	bench_set(f->b, "customer", id, "archived=no");
	fire_at(f->r, "2026-12-01 09:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	bench_set(f->b, "customer", id, "owner=wang");
	assert_int_equal(waiting(f->r, f->li), 0);
	assert_int_equal(waiting(f->r, f->wang), 1);
	bench_set(f->b, "customer", id, "owner=");
	assert_int_equal(waiting(f->r, f->wang), 0);
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	bench_set(f->b, "customer", id, "owner=li");
	assert_int_equal(bench_move(f->b, "customer", id, false, &(uint64_t){ 0 }), STATUS_OK);
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	assert_int_equal(bench_move(f->b, "customer", id, true, &(uint64_t){ 0 }), STATUS_OK);
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-24T01:00:00Z 7 2026-12-31");
	firm_close(&f);
}

/* Switched off and on, its figures and the grade's changed: all records are planned anew. */
static void test_rule_changes(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	fire_at(f->r, "2026-12-10 09:00");
	set_rule(f, "visit", "active=no");
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	assert_int_equal(waiting(f->r, f->li), 0);
	set_rule(f, "visit", "active=yes");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-28T01:00:00Z 3 2026-12-31");
	set_rule(f, "visit", "days_before=10,1|time_of_day=10:30");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-21T02:30:00Z 10 2026-12-31");
	set_rule(f, "visit", "filter=grade = vip");
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	set_rule(f, "visit", "filter=|days_before=|time_of_day=09:00");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2026-12-28T01:00:00Z 3 2026-12-31");
	assert_int_equal(
		bench_move(f->b, "cadence_rule", rule_id(f, "visit"), false, &(uint64_t){ 0 }),
		STATUS_OK);
	work_off(f);
	assert_string_equal(planned(f, "customer", id, "visit"), "");
	firm_close(&f);
}

static void test_down_for_weeks(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	fire_at(f->r, "2026-12-30 08:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	assert_string_equal(newest(f, f->li, "late"), "true");
	assert_string_equal(
		planned(f, "customer", id, "visit"), "2027-01-01T01:00:00Z up 2026-12-31");
	firm_close(&f);
}

/* A change between the due instant and the firing loses nothing. */
static void test_change_before_firing(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "visit");
	uint64_t id = customer(f, "normal");

	set_now(f->r, "2026-12-10 09:05");
	bench_set(f->b, "customer", id, "status=active");
	fire_at(f->r, "2026-12-10 09:06");
	assert_int_equal(waiting(f->r, f->li), 1);
	firm_close(&f);
}

static void test_leads(void **state)
{
	struct firm *f = firm_open("2026-11-22 12:00", "lead_contact");
	uint64_t lead = bench_add(f->b, "lead", "name=张三|owner=li");

	assert_string_equal(
		planned(f, "lead", lead, "lead_contact"), "2026-11-23T01:00:00Z 7 2026-11-30");
	fire_at(f->r, "2026-12-01 09:00");
	assert_int_equal(waiting(f->r, f->boss), 1);
	act(f, "lead", lead, "call", "2026-12-01");
	assert_int_equal(waiting(f->r, f->boss), 0);
	assert_string_equal(
		planned(f, "lead", lead, "lead_contact"), "2027-01-24T01:00:00Z 7 2027-01-31");
	bench_set(f->b, "lead", lead, "status=invalid|status_reason=x");
	assert_string_equal(planned(f, "lead", lead, "lead_contact"), "");
	firm_close(&f);
}

/* Day 3 remind, day 5 copy, day 7 back to the pool. */
static void test_new_lead(void **state)
{
	struct firm *f = firm_open("2026-11-22 12:00", "lead_first");
	uint64_t lead = bench_add(f->b, "lead", "name=张三|owner=li");
	uint64_t other = bench_add(f->b, "lead", "name=李四|owner=li");

	assert_string_equal(
		planned(f, "lead", lead, "lead_first"), "2026-11-25T01:00:00Z 0 2026-11-29");
	act(f, "lead", other, "call", "2026-11-23");
	assert_string_equal(planned(f, "lead", other, "lead_first"), "");
	fire_at(f->r, "2026-11-25 09:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	assert_int_equal(waiting(f->r, f->boss), 0);
	fire_at(f->r, "2026-11-27 09:00");
	assert_int_equal(waiting(f->r, f->boss), 1);
	fire_at(f->r, "2026-11-29 09:00");
	assert_string_equal(bench_text(f->b, "lead", lead, "owner"), "");
	assert_string_equal(bench_text(f->b, "lead", other, "owner"), "3");
	assert_int_equal(waiting(f->r, f->boss), 0);
	assert_int_equal(waiting(f->r, f->li), 1);
	assert_string_equal(newest(f, f->li, "reminder_kind"), "pool");
	assert_string_equal(planned(f, "lead", lead, "lead_first"), "");
	bench_set(f->b, "lead", lead, "owner=wang");
	assert_string_equal(
		planned(f, "lead", lead, "lead_first"), "2026-12-02T01:00:00Z 0 2026-12-06");
	firm_close(&f);
}

static void sell(struct firm *f, uint64_t id, const char *date)
{
	char values[160];

	snprintf(values, sizeof values, "customer=%llu|product_name=x|unit_price=1|sale_date=%s",
		(unsigned long long)id, date);
	bench_add(f->b, "sale", values);
}

/* Twice the median of the days between three orders. */
static void test_silence(void **state)
{
	struct firm *f = firm_open("2026-11-23 12:00", "churn");
	uint64_t id = customer(f, "normal");

	sell(f, id, "2026-09-01");
	sell(f, id, "2026-10-01");
	assert_string_equal(planned(f, "customer", id, "churn"), "");
	sell(f, id, "2026-10-31");
	assert_string_equal(
		planned(f, "customer", id, "churn"), "2026-12-30T01:00:00Z 0 2026-12-30");
	fire_at(f->r, "2026-12-30 09:00");
	assert_int_equal(waiting(f->r, f->li), 1);
	assert_int_equal(waiting(f->r, f->boss), 0);
	assert_string_equal(newest(f, f->li, "reminder_kind"), "churn");
	assert_string_equal(planned(f, "customer", id, "churn"), "");
	sell(f, id, "2026-12-30");
	assert_int_equal(waiting(f->r, f->li), 0);
	assert_string_equal(
		planned(f, "customer", id, "churn"), "2027-02-28T01:00:00Z 0 2027-02-28");
	firm_close(&f);
}

#define CUSTOMERS 6
#define EDITS 150

/* What stands after any edits is what would be planned if nothing stood. */
static void as_from_scratch(struct firm *f, uint64_t id)
{
	const struct cadence_rules *rules = cadence_rules_of(&f->rules, f->b->txn);

	for (size_t i = 0; i < rules->n; i++) {
		const struct cadence_rule *rule = &rules->rules[i];
		uint16_t entity = rule->entity->number, tag = cadence_tag(rule);
		struct due_row was = { 0 }, is = { 0 };
		if (strcmp(rule->entity->name, "customer") != 0)
			continue;
		plan_read(f->b->txn, entity, id, tag, &was, 1);
		assert_int_equal(
			plan_replace(f->b->txn, entity, id, tag, NULL, 0, NULL), STATUS_OK);
		assert_int_equal(
			cadence_plan(f->b->txn, &f->b->author, rule, id, true, NULL), STATUS_OK);
		plan_read(f->b->txn, entity, id, tag, &is, 1);
		assert_true(was.instant == is.instant && was.nth == is.nth &&
			    was.occurrence == is.occurrence && was.user == is.user);
	}
}

static void edit(struct firm *f, GRand *rand, uint64_t id, civil_date today)
{
	static const char *const sets[] = { "grade=vip", "grade=normal", "grade=prospect",
		"owner=wang", "owner=li", "owner=", "grade=small", "grade=key" };
	struct buf date = BUF_INIT;

	date_format(date_add_days(today, -g_rand_int_range(rand, 0, 40)), &date);
	switch (g_rand_int_range(rand, 0, 4)) {
	case 0:
		act(f, "customer", id, "visit", buf_str(&date));
		break;
	case 1:
		sell(f, id, buf_str(&date));
		break;
	default:
		bench_set(f->b, "customer", id, sets[g_rand_int_range(rand, 0, 8)]);
	}
	buf_free(&date);
}

static void test_random_edits(void **state)
{
	struct firm *f = firm_open("2026-01-05 12:00", NULL);
	GRand *rand = g_rand_new_with_seed(20261122);
	civil_date today = 20260105;
	struct buf now = BUF_INIT;
	uint64_t ids[CUSTOMERS];

	for (size_t i = 0; i < CUSTOMERS; i++)
		ids[i] = customer(f, "normal");
	for (int i = 0; i < EDITS; i++) {
		today = date_add_days(today, g_rand_int_range(rand, 0, 6));
		buf_clear(&now);
		date_format(today, &now);
		buf_add_str(&now, " 12:00");
		fire_at(f->r, buf_str(&now));
		edit(f, rand, ids[g_rand_int_range(rand, 0, CUSTOMERS)], today);
		for (size_t k = 0; k < CUSTOMERS; k++)
			as_from_scratch(f, ids[k]);
	}
	buf_free(&now);
	g_rand_free(rand);
	firm_close(&f);
}

/* A store of an older program: what is missing comes at its start, rules not in use, and only once. */
static void test_older_store(void **state)
{
	struct bench *b = bench_open();
	const struct entity *en = bench_entity(b, "cadence_rule");
	const struct field *active = entity_field_named(en, "active");
	struct author author = { .now_ms = NOW_MS };
	char path[] = "/tmp/cadence_test.XXXXXX";
	struct store_options o = { .map_size = 256u << 20, .create = true, .schema = b->schema };
	struct buf off = BUF_INIT;
	struct store *store;
	struct txn *t;
	size_t puts, rules = 0;

	while (cadence_rows[rules].code)
		rules++;
	puts = txn_puts(b->txn);
	assert_int_equal(model_fill_missing(b->txn, &author, &b->e), STATUS_OK);
	assert_int_equal(txn_puts(b->txn), puts);

	assert_non_null(mkdtemp(path));
	o.path = path;
	assert_int_equal(store_open(&o, &store, &b->e), STATUS_OK);
	assert_int_equal(txn_begin(store, true, &t, &b->e), STATUS_OK);
	assert_int_equal(model_fill_missing(t, &author, &b->e), STATUS_OK);
	record_add_number(&off, active->tag, 0);
	assert_int_equal(store_count_equal(t, en, active, buf_bytes(&off)), rules);
	puts = txn_puts(t);
	assert_int_equal(model_fill_missing(t, &author, &b->e), STATUS_OK);
	assert_int_equal(txn_puts(t), puts);
	buf_free(&off);
	txn_abort(&t);
	store_close(&store);
	store_remove(path);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quarter),
		cmocka_unit_test(test_unacknowledged),
		cmocka_unit_test(test_visit_cancels),
		cmocka_unit_test(test_late_visit_clears_escalation),
		cmocka_unit_test(test_no_longer_owed),
		cmocka_unit_test(test_rule_changes),
		cmocka_unit_test(test_down_for_weeks),
		cmocka_unit_test(test_change_before_firing),
		cmocka_unit_test(test_leads),
		cmocka_unit_test(test_new_lead),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_older_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
