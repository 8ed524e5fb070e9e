/* Working days: Monday to Friday, holidays, moved working days, and branches of their own. */
#include "server/model/workdays.h"
#include "tests/unit/model_bench.h"

static struct bench *bench;

static bool is(uint64_t branch, civil_date day)
{
	return workday_is(bench->txn, branch, day);
}

static civil_date add(uint64_t branch, civil_date day, int n)
{
	return workday_add(bench->txn, branch, day, n);
}

static int open_bench(void **state)
{
	bench = bench_open();
	return 0;
}

static int close_bench(void **state)
{
	bench_close(bench);
	return 0;
}

static void test_plain_weeks(void **state)
{
	assert_true(is(0, 20261120));  /* Friday */
	assert_false(is(0, 20261121)); /* Saturday */
	assert_false(is(0, 20261122));
	assert_true(is(0, 20261123));
	assert_int_equal(add(0, 20261120, 5), 20261127);
	assert_int_equal(add(0, 20261120, 1), 20261123);
	assert_int_equal(add(0, 20261122, 1), 20261123);
	assert_int_equal(add(0, 20261123, -1), 20261120);
	assert_int_equal(add(0, 20261122, -1), 20261120);
	assert_int_equal(add(0, 20261127, -5), 20261120);
	assert_int_equal(add(0, 20261120, 0), 20261120);
	assert_int_equal(add(0, 20261121, 0), 20261123);
	assert_int_equal(add(0, 20261231, 1), 20270101);
}

/* A request filed on Friday 2026-11-20 with five working days: the cases of the requirements. */
static void test_holidays_and_moved_days(void **state)
{
	uint64_t sunday, holiday;

	sunday = bench_add(bench, "calendar_day", "day=2026-11-22|working=yes|label=调休");
	assert_true(is(0, 20261122));
	assert_int_equal(add(0, 20261120, 5), 20261126);
	bench_set(bench, "calendar_day", sunday, "working=no");
	assert_int_equal(add(0, 20261120, 5), 20261127);
	holiday = bench_add(bench, "calendar_day", "day=2026-11-25|working=no|label=假日");
	assert_false(is(0, 20261125));
	assert_int_equal(add(0, 20261120, 5), 20261130);
	assert_int_equal(add(0, 20261126, -1), 20261124);
	assert_int_equal(add(0, 20261125, 0), 20261126);
	bench_set(bench, "calendar_day", holiday, "day=2026-11-24");
	assert_true(is(0, 20261125));
	assert_false(is(0, 20261124));
}

static void test_branches(void **state)
{
	uint64_t other =
		bench_add(bench, "branch", "code=berlin|name=柏林|time_zone=Europe/Berlin");
	char values[120];

	bench_add(bench, "calendar_day", "day=2026-10-01|working=no|label=国庆节");
	snprintf(values, sizeof(values), "day=2026-10-01|working=yes|branch=%u", (unsigned)other);
	bench_add(bench, "calendar_day", values);
	snprintf(values, sizeof(values), "day=2026-10-02|working=no|branch=%u", (unsigned)other);
	bench_add(bench, "calendar_day", values);
	assert_false(is(0, 20261001));
	assert_false(is(bench->branch, 20261001));
	assert_true(is(other, 20261001));
	assert_true(is(0, 20261002));
	assert_true(is(bench->branch, 20261002));
	assert_false(is(other, 20261002));
}

static void test_one_row_a_day_and_branch(void **state)
{
	uint64_t id = 0;

	bench_add(bench, "calendar_day", "day=2026-10-01|working=no");
	assert_int_equal(bench_put(bench, "calendar_day", &id, "day=2026-10-01|working=yes"),
		STATUS_DUPLICATE);
	bench_add(bench, "calendar_day", "day=2026-10-01|working=yes|branch=1");
	assert_int_equal(
		bench_put(bench, "calendar_day", &id, "day=2026-10-01|working=no|branch=1"),
		STATUS_DUPLICATE);
}

/* Nothing but holidays, and the ends of the dates: the search ends. */
static void test_ends(void **state)
{
	char values[80];
	civil_date day = 20270101;
	struct buf text = BUF_INIT;

	for (int i = 0; i < WORKDAY_LOOK + 20; i++, day = date_add_days(day, 1)) {
		buf_clear(&text);
		date_format(day, &text);
		snprintf(values, sizeof(values), "day=%.*s|working=no", (int)text.len, text.data);
		bench_add(bench, "calendar_day", values);
	}
	buf_free(&text);
	assert_int_equal(add(0, 20261231, 3), date_add_days(20261231, WORKDAY_LOOK));
	assert_int_equal(add(0, 20270105, -1), 20261231);
	assert_int_equal(add(0, 21991230, 5), 21991231);
	assert_int_equal(add(0, 19000103, -9), 19000101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain_weeks, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(
			test_holidays_and_moved_days, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_branches, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(
			test_one_row_a_day_and_branch, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_ends, open_bench, close_bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
