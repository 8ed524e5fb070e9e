/* Occurrences of repeating dates: anchors, month ends, every N, lunar years. */
#include "server/remind/series.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct series series_of(const char *start, enum repeat repeat, int every)
{
	struct series s = { .repeat = repeat, .every = every };
	char why[96];

	assert_true(birthday_parse(bytes_str(start), &s.start, why));
	return s;
}

/* Walks the series from a day on and compares with the days given, 0 at the end. */
static void walk(const struct series *s, civil_date from, const civil_date *days)
{
	for (; *days; days++) {
		civil_date d = series_next(s, from);
		assert_int_equal(d, *days);
		from = date_add_days(d, 1);
	}
}

static void test_once(void **state)
{
	struct series s = series_of("2026-11-23", REPEAT_NONE, 1);

	assert_int_equal(series_next(&s, 20261101), 20261123);
	assert_int_equal(series_next(&s, 20261123), 20261123);
	assert_int_equal(series_next(&s, 20261124), 0);
}

static void test_month_end(void **state)
{
	struct series s = series_of("2027-01-31", REPEAT_MONTHLY, 1);
	const civil_date days[] = { 20270131, 20270228, 20270331, 20270430, 20270531, 20270630, 0 };

	walk(&s, 20261201, days);
	assert_int_equal(series_next(&s, 20280201), 20280229);
}

static void test_every(void **state)
{
	struct series two_weeks = series_of("2027-06-01", REPEAT_WEEKLY, 2);
	struct series quarter = series_of("2026-11-30", REPEAT_MONTHLY, 3);
	struct series ten_days = series_of("2026-12-25", REPEAT_DAILY, 10);
	struct series two_years = series_of("2025-05-05", REPEAT_YEARLY, 2);
	const civil_date weeks[] = { 20270601, 20270615, 20270629, 0 };
	const civil_date quarters[] = { 20261130, 20270228, 20270530, 20270830, 0 };
	const civil_date tens[] = { 20261225, 20270104, 20270114, 0 };
	const civil_date years[] = { 20270505, 20290505, 0 };

	walk(&two_weeks, 20270601, weeks);
	walk(&quarter, 20261101, quarters);
	walk(&ten_days, 20261226 - 1, tens);
	walk(&two_years, 20260101, years);
}

static void test_leap_day(void **state)
{
	struct series s = series_of("02-29", REPEAT_YEARLY, 1);
	const civil_date feb[] = { 20270228, 20280229, 20290228, 0 };
	const civil_date mar[] = { 20270301, 20280229, 20290301, 0 };

	walk(&s, 20270101, feb);
	s.rule.leap_day = LEAP_DAY_MAR01;
	walk(&s, 20270101, mar);
}

static void test_lunar(void **state)
{
	struct series s = series_of("lunar:11-13", REPEAT_NONE, 1);
	const civil_date twice[] = { 20260101, 20261221, 0 };
	struct series twelfth = series_of("lunar:12-01", REPEAT_YEARLY, 1);

	walk(&s, 20260101, twice);
	assert_int_equal(series_next(&twelfth, 20271201), 20271228);
	assert_true(series_next(&twelfth, 20280101) > 20281231);
}

static void test_until(void **state)
{
	struct series s = series_of("2026-11-01", REPEAT_DAILY, 1);

	s.until = 20261103;
	assert_int_equal(series_next(&s, 20261103), 20261103);
	assert_int_equal(series_next(&s, 20261104), 0);
}

static void test_start_ahead(void **state)
{
	struct series s = series_of("2030-05-05", REPEAT_YEARLY, 1);

	assert_int_equal(series_next(&s, 20260101), 20300505);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_month_end),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_leap_day),
		cmocka_unit_test(test_lunar),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_start_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
