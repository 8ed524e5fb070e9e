#include "common/lunar.h"
#include <stdio.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static civil_date civil(int year, int month, int day)
{
	return lunar_to_civil((struct lunar_date){ year, month, day, false });
}

static civil_date civil_leap(int year, int month, int day)
{
	return lunar_to_civil((struct lunar_date){ year, month, day, true });
}

/* The value of a year as the published table has it, rebuilt from what the module answers. */
static uint32_t value_of(int year)
{
	int leap = lunar_leap_month(year);
	uint32_t value = (uint32_t)leap;

	for (int m = 1; m <= 12; m++)
		value |= (uint32_t)(lunar_month_days(year, m, false) == 30) << (16 - m);
	if (leap && lunar_month_days(year, leap, true) == 30)
		value |= 1u << 16;
	return value;
}

static uint32_t crc32_of(const char *text)
{
	uint32_t crc = ~0u;

	for (; *text; text++) {
		crc ^= (uint8_t)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void test_table_checksum(void **state)
{
	struct buf text = BUF_INIT;

	for (int year = 1900; year <= 2100; year++)
		buf_printf(&text, "%05x", value_of(year));
	assert_int_equal(text.len, 201 * 5);
	assert_int_equal(crc32_of(buf_str(&text)), 0xa811f28au);
	buf_free(&text);
}

static void test_counts(void **state)
{
	static const int by_leap_month[13] = { 127, 0, 8, 8, 14, 14, 12, 8, 7, 1, 1, 1, 0 };
	int months = 0, of_30 = 0, days = 0, found[13] = { 0 };

	for (int year = 1900; year <= 2100; year++) {
		found[lunar_leap_month(year)]++;
		for (int m = 1; m <= 24; m++) {
			int n = lunar_month_days(year, (m + 1) / 2, m % 2 == 0);

			months += n > 0;
			of_30 += n == 30;
			days += n;
		}
	}
	assert_int_equal(months, 2486);
	assert_int_equal(of_30, 1318);
	assert_int_equal(days, 73412);
	assert_memory_equal(found, by_leap_month, sizeof(found));
}

/* Every day of the range, each the successor of the one before, there and back. */
static void test_every_day(void **state)
{
	struct lunar_date before = { 0 }, l;
	int days = 0;

	for (civil_date d = 19000131; d <= 21010128; d = date_add_days(d, 1), days++) {
		assert_true(lunar_from_civil(d, &l));
		assert_true(lunar_valid(l));
		assert_int_equal(lunar_to_civil(l), d);
		if (l.day != before.day + 1)
			assert_true(l.day == 1 && (days == 0 || before.day >= 29));
		before = l;
	}
	assert_int_equal(days, 73412);
	assert_int_equal(before.year, 2100);
	assert_int_equal(before.month, 12);
}

static void test_outside(void **state)
{
	struct lunar_date l;

	assert_false(lunar_from_civil(19000130, &l));
	assert_false(lunar_from_civil(21010129, &l));
	assert_int_equal(civil(1899, 1, 1), 0);
	assert_int_equal(civil(2101, 1, 1), 0);
	assert_int_equal(civil(2026, 0, 1), 0);
	assert_int_equal(civil(2026, 13, 1), 0);
	assert_int_equal(civil(2026, 1, 0), 0);
	assert_int_equal(civil(2026, 1, 31), 0);
	assert_int_equal(civil_leap(2026, 1, 1), 0);
	assert_int_equal(lunar_leap_month(1899), 0);
	assert_int_equal(lunar_month_days(2101, 1, false), 0);
}

static void test_new_years_and_feasts(void **state)
{
	static const civil_date new_year[] = { 20260217, 20270206, 20280126, 20290213, 20300203 };
	static const civil_date autumn[] = { 20260925, 20270915, 20281003, 20290922, 20300912 };
	static const civil_date dragon[] = { 20260619, 20270609, 20280528 };

	for (int i = 0; i < 5; i++) {
		assert_int_equal(civil(2026 + i, 1, 1), new_year[i]);
		assert_int_equal(civil(2026 + i, 8, 15), autumn[i]);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(civil(2026 + i, 5, 5), dragon[i]);
}

static void test_leap_months(void **state)
{
	static const struct {
		int year, month;
		civil_date first;
	} leaps[] = {
		{ 2020, 4, 20200523 },
		{ 2023, 2, 20230322 },
		{ 2025, 6, 20250725 },
		{ 2028, 5, 20280623 },
		{ 2031, 3, 20310422 },
		{ 2033, 11, 20331222 },
		{ 2036, 6, 20360723 },
		{ 2039, 5, 20390622 },
	};
	struct lunar_date l;

	for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
		assert_int_equal(lunar_leap_month(leaps[i].year), leaps[i].month);
		assert_int_equal(civil_leap(leaps[i].year, leaps[i].month, 1), leaps[i].first);
	}
	assert_int_equal(civil(2025, 6, 1), 20250625);
	assert_int_equal(civil(2026, 6, 1), 20260714);
	assert_int_equal(civil_leap(2025, 6, 30), 0);
	assert_int_equal(civil_leap(2025, 6, 29), 20250822);
	assert_true(lunar_from_civil(19870726, &l));
	assert_true(l.year == 1987 && l.month == 6 && l.day == 1 && l.leap);
	assert_int_equal(civil(1987, 8, 15), 19871007);
}

static void test_last_day_of_the_year(void **state)
{
	static const civil_date last[] = { 20250128, 20260216, 20270205, 20280125, 20290212 };

	for (int i = 0; i < 5; i++) {
		assert_int_equal(civil(2024 + i, 12, 30), 0);
		assert_int_equal(civil(2024 + i, 12, 29), last[i]);
	}
	assert_int_equal(civil(2029, 12, 30), 20300202);
}

/* The first days of the runs in which a common library is wrong. */
static void test_where_libraries_err(void **state)
{
	static const struct {
		civil_date d;
		struct lunar_date l;
	} right[] = {
		{ 19170323, { 1917, 2, 1, true } },
		{ 19220625, { 1922, 5, 1, true } },
		{ 19540203, { 1954, 1, 1, false } },
		{ 19550222, { 1955, 2, 1, false } },
		{ 19870726, { 1987, 6, 1, true } },
		{ 19990117, { 1998, 12, 1, false } },
		{ 20120817, { 2012, 7, 1, false } },
		{ 20181107, { 2018, 9, 30, false } },
		{ 20270206, { 2027, 1, 1, false } },
		{ 20300202, { 2029, 12, 30, false } },
		{ 20700312, { 2070, 2, 1, false } },
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_int_equal(lunar_to_civil(right[i].l), right[i].d);
}

/* One line of tests/data/lunar-1900-2100.tsv against the module. */
static void check_line(const char *line)
{
	char lengths[32] = "", expected[32] = "";
	int year, y, m, d, leap, n = 0;

	assert_int_equal(
		sscanf(line, "%d %d-%d-%d %d %31[01]", &year, &y, &m, &d, &leap, lengths), 6);
	assert_int_equal(civil(year, 1, 1), date_make(y, m, d));
	assert_int_equal(lunar_leap_month(year), leap);
	for (int month = 1; month <= 12; month++) {
		expected[n++] = lunar_month_days(year, month, false) == 30 ? '1' : '0';
		if (month == leap)
			expected[n++] = lunar_month_days(year, month, true) == 30 ? '1' : '0';
	}
	assert_string_equal(lengths, expected);
}

static void test_against_reference(void **state)
{
	FILE *f = fopen("tests/data/lunar-1900-2100.tsv", "r");
	char line[128];
	int lines = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] < '0' || line[0] > '9')
			continue;
		check_line(line);
		lines++;
	}
	fclose(f);
	assert_int_equal(lines, 201);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_checksum),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_new_years_and_feasts),
		cmocka_unit_test(test_leap_months),
		cmocka_unit_test(test_last_day_of_the_year),
		cmocka_unit_test(test_where_libraries_err),
		cmocka_unit_test(test_against_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
