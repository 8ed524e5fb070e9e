#include "common/clock.h"
#include "common/date.h"
#include <unistd.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void test_every_day(void **state)
{
	int32_t days = date_to_days(19000101);
	int weekday = 1; /* 1900-01-01 was a Monday */

	assert_int_equal(date_to_days(19700101), 0);
	for (int y = 1900; y <= 2199; y++) {
		for (int m = 1; m <= 12; m++) {
			for (int d = 1; d <= date_month_days(y, m); d++, days++) {
				civil_date date = date_make(y, m, d);

				assert_int_equal(date_to_days(date), days);
				assert_int_equal(date_from_days(days), date);
				assert_int_equal(date_weekday(date), weekday);
				weekday = weekday % 7 + 1;
			}
		}
	}
	assert_int_equal(date_from_days(days), 0);
	assert_int_equal(date_from_days(date_to_days(19000101) - 1), 0);
	assert_int_equal(date_add_days(21991231, 1), 0);
}

static void test_no_such_date(void **state)
{
	assert_int_equal(date_make(2026, 2, 29), 0);
	assert_int_equal(date_make(2100, 2, 29), 0);
	assert_int_equal(date_make(2000, 2, 29), 20000229);
	assert_int_equal(date_make(2026, 13, 1), 0);
	assert_int_equal(date_make(2026, 0, 1), 0);
	assert_int_equal(date_make(1899, 12, 31), 0);
	assert_int_equal(date_make(2200, 1, 1), 0);
}

static void test_months_keep_their_anchor(void **state)
{
	static const civil_date days[] = { 20270131, 20270228, 20270331, 20270430, 20270531 };

	for (int i = 0; i < 5; i++)
		assert_int_equal(date_add_months(20270131, i, 31), days[i]);
	assert_int_equal(date_add_months(20270228, 1, 31), 20270331);
	assert_int_equal(date_add_months(20280229, 12, 29), 20290228);
	assert_int_equal(date_add_months(20260115, -13, 15), 20241215);
	assert_int_equal(date_add_months(21991201, 1, 1), 0);
	assert_int_equal(date_add_months(19000101, -1, 1), 0);
}

static void test_parse(void **state)
{
	static const char *const good[] = { "2026-01-05", "2026/1/5", "2026/01/05", "2026年1月5日",
		"2026年01月05日" };
	static const char *const bad[] = { "", "01/05/2026", "2026-1-5", "2026-01-05 ", "26-01-05",
		"2026-02-30", "2026/1-5", "2026年1月5", "20260105", "2026-01-0x", "1899-12-31",
		"2026.01.05", "2026-01", "2026/1/5/" };
	civil_date d = 0;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(date_parse(bytes_str(good[i]), &d));
		assert_int_equal(d, 20260105);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (date_parse(bytes_str(bad[i]), &d))
			fail_msg("%s was taken", bad[i]);
	}
}

static int64_t instant(const char *text)
{
	int64_t ms;

	if (!instant_parse(bytes_str(text), NULL, &ms))
		fail_msg("%s was refused", text);
	return ms;
}

static void test_instants(void **state)
{
	static const char *const bad[] = { "2026-11-21", "2026-11-21T09:00Z",
		"2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z", "2026-11-21T09:00:60Z",
		"2026-11-21T09:00:00", "2026-11-21 09:00", "2026-11-21T09:00:00+0800",
		"2026-11-21T09:00:00.Z", "2026-11-21T09:00:00Zx", "1900-01-01T00:00:00+01:00",
		"2026-11-21x09:00:00Z", "" };
	int64_t ms;

	assert_true(instant("1970-01-01T00:00:00Z") == 0);
	assert_true(instant("2026-11-21T17:00:00+08:00") == instant("2026-11-21T09:00:00Z"));
	assert_true(instant("2026-11-21T09:00:00.25Z") == instant("2026-11-21T09:00:00Z") + 250);
	assert_true(instant("1969-12-31t23:59:59.9999z") == -1);
	assert_true(instant("2026-11-21 00:30:00-03:30") == instant("2026-11-21T04:00:00Z"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (instant_parse(bytes_str(bad[i]), NULL, &ms))
			fail_msg("%s was taken", bad[i]);
	}
	assert_false(instant_parse(bytes_of("2026-11-21\0"
					    "09:00:00Z",
					   20),
		NULL, &ms));
}

static void test_instant_format(void **state)
{
	static const char *const texts[] = { "2026-11-21T09:00:00Z", "1969-12-31T23:59:59.999Z",
		"1900-01-01T00:00:00Z", "2199-12-31T23:59:59.001Z" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT;

		instant_format(instant(texts[i]), &out);
		assert_string_equal(buf_str(&out), texts[i]);
		buf_free(&out);
	}
}

static void local_is(const char *name, civil_date d, int hour, int minute, const char *utc)
{
	const struct zone *zone = zone_find(name);

	assert_non_null(zone);
	assert_true(zone_instant(zone, d, hour * 60 + minute) == instant(utc));
}

static void test_zones(void **state)
{
	const struct zone *shanghai = zone_find("Asia/Shanghai");
	struct buf out = BUF_INIT;
	int64_t ms;

	local_is("Asia/Shanghai", 20261121, 9, 0, "2026-11-21T01:00:00Z");
	local_is("UTC", 20261121, 9, 0, "2026-11-21T09:00:00Z");
	local_is("Pacific/Auckland", 20261121, 0, 0, "2026-11-20T11:00:00Z");
	assert_ptr_equal(zone_find("Asia/Shanghai"), shanghai);
	assert_string_equal(zone_name(shanghai), "Asia/Shanghai");
	assert_int_equal(zone_date(shanghai, instant("2026-11-20T16:00:00Z")), 20261121);
	assert_int_equal(zone_date(shanghai, instant("2026-11-20T15:59:59Z")), 20261120);
	assert_int_equal(zone_minute(shanghai, instant("2026-11-20T15:59:59Z")), 1439);
	assert_int_equal(zone_date(shanghai, instant("1969-12-31T15:59:59.999Z")), 19691231);
	zone_format(shanghai, instant("2026-11-21T09:00:00Z"), &out);
	assert_string_equal(buf_str(&out), "2026-11-21 17:00");
	buf_free(&out);
	assert_true(instant_parse(bytes_str("2026-11-21 17:00"), shanghai, &ms));
	assert_true(ms == instant("2026-11-21T09:00:00Z"));
	assert_true(instant_parse(bytes_str("2026-11-21 17:00:30"), shanghai, &ms));
	assert_true(ms == instant("2026-11-21T09:00:30Z"));
}

static void test_unknown_zones(void **state)
{
	static const char *const names[] = { "", "Asia/Hangzhou", "Foo", "+08:00",
		"../../etc/passwd", "/usr/share/zoneinfo/UTC", "Asia/Shanghai ", ":UTC", "Asia" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (zone_find(names[i]))
			fail_msg("\"%s\" was found", names[i]);
	}
	assert_null(zone_find(NULL));
}

static void test_gaps_and_overlaps(void **state)
{
	/* London: 01:00 to 02:00 is skipped on 2026-03-29, comes twice on 2026-10-25. */
	local_is("Europe/London", 20260329, 0, 59, "2026-03-29T00:59:00Z");
	local_is("Europe/London", 20260329, 1, 0, "2026-03-29T01:00:00Z");
	local_is("Europe/London", 20260329, 1, 30, "2026-03-29T01:00:00Z");
	local_is("Europe/London", 20260329, 2, 0, "2026-03-29T01:00:00Z");
	local_is("Europe/London", 20261025, 0, 59, "2026-10-24T23:59:00Z");
	local_is("Europe/London", 20261025, 1, 30, "2026-10-25T00:30:00Z");
	local_is("Europe/London", 20261025, 2, 0, "2026-10-25T02:00:00Z");
	/* New York: 02:00 to 03:00 on 2026-03-08; 01:00 to 02:00 twice on 2026-11-01. */
	local_is("America/New_York", 20260308, 2, 30, "2026-03-08T07:00:00Z");
	local_is("America/New_York", 20260308, 3, 0, "2026-03-08T07:00:00Z");
	local_is("America/New_York", 20261101, 1, 30, "2026-11-01T05:30:00Z");
	local_is("America/New_York", 20261101, 2, 0, "2026-11-01T07:00:00Z");
	/* China had summer time from 1986 to 1991. */
	local_is("Asia/Shanghai", 19860504, 2, 30, "1986-05-03T18:00:00Z");
	local_is("Asia/Shanghai", 19860701, 9, 0, "1986-07-01T00:00:00Z");
	local_is("Asia/Shanghai", 19910915, 1, 30, "1991-09-14T16:30:00Z");
	local_is("Asia/Shanghai", 19920701, 9, 0, "1992-07-01T01:00:00Z");
	/* Samoa left out the whole of 2011-12-30. */
	local_is("Pacific/Apia", 20111230, 12, 0, "2011-12-30T10:00:00Z");
}

/* Every half hour of a year comes back as the same local time, unless it is skipped. */
static void test_local_round_trip(void **state)
{
	static const char *const names[] = { "America/Los_Angeles", "UTC", "Asia/Shanghai",
		"Pacific/Auckland", "Asia/Kathmandu", "Australia/Lord_Howe" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct zone *zone = zone_find(names[i]);
		int skipped = 0;

		for (civil_date d = 20260101; d <= 20261231; d = date_add_days(d, 1)) {
			for (int minute = 0; minute < 1440; minute += 30) {
				int64_t ms = zone_instant(zone, d, minute);

				assert_int_equal(zone_date(zone, ms), d);
				skipped += zone_minute(zone, ms) != minute;
			}
		}
		assert_in_range(skipped, 0, 2);
	}
}

static void test_times(void **state)
{
	static const char *const bad[] = { "", "9:00", "24:00", "09:60", "09:00:00", "0900",
		"09-00" };
	struct buf out = BUF_INIT;
	int minute;

	assert_true(time_parse(bytes_str("23:59"), &minute));
	assert_int_equal(minute, 1439);
	time_format(minute, &out);
	assert_string_equal(buf_str(&out), "23:59");
	buf_free(&out);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(time_parse(bytes_str(bad[i]), &minute));
}

static void names(const char *text, civil_date from, civil_date to)
{
	civil_date a, b;

	if (!date_relative(bytes_str(text), 20261121, &a, &b))
		fail_msg("%s was refused", text);
	assert_int_equal(a, from);
	assert_int_equal(b, to);
}

static void test_relative(void **state)
{
	static const char *const bad[] = { "", "today+", "today+d", "today+1x", "today+1",
		"tomorrow+1d", "this-day", "next-", "today +1d", "today+999999y", "today+99999d",
		"todayx" };
	civil_date a, b;

	names("today", 20261121, 20261121);
	names("yesterday", 20261120, 20261120);
	names("tomorrow", 20261122, 20261122);
	names("today+30d", 20261221, 20261221);
	names("today-1w", 20261114, 20261114);
	names("today+3m", 20270221, 20270221);
	names("today-1y", 20251121, 20251121);
	names("this-week", 20261116, 20261122);
	names("last-week", 20261109, 20261115);
	names("next-month", 20261201, 20261231);
	names("last-month", 20261001, 20261031);
	names("this-quarter", 20261001, 20261231);
	names("next-quarter", 20270101, 20270331);
	names("this-year", 20260101, 20261231);
	names("last-year", 20250101, 20251231);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (date_relative(bytes_str(bad[i]), 20261121, &a, &b))
			fail_msg("%s was taken", bad[i]);
	}
}

static void write_clock(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_clock_file(void **state)
{
	char path[] = "/tmp/clock_test.XXXXXX";
	int fd = mkstemp(path);
	struct clock *c = clock_new(path);

	assert_true(fd >= 0);
	close(fd);
	write_clock(path, "2027-02-28T09:00:00+08:00\n");
	assert_true(clock_now(c) == instant("2027-02-28T01:00:00Z"));
	/* Same length, at once: the stamp of the file may be the same. */
	write_clock(path, "2027-02-28T10:00:00+08:00\n");
	assert_true(clock_now(c) == instant("2027-02-28T02:00:00Z"));
	/* Half written: the time before stands. */
	write_clock(path, "2028-");
	assert_true(clock_now(c) == instant("2027-02-28T02:00:00Z"));
	unlink(path);
	assert_in_range(clock_now(c), real_ms() - 60000, real_ms() + 60000);
	assert_string_equal(clock_path(c), path);
	clock_free(&c);
	clock_free(&c);
}

static void test_real_clock(void **state)
{
	struct clock *c = clock_new(NULL);
	int64_t before = monotonic_us();

	assert_null(clock_path(c));
	assert_in_range(clock_now(c), real_ms() - 60000, real_ms() + 60000);
	assert_true(monotonic_us() >= before);
	clock_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_no_such_date),
		cmocka_unit_test(test_months_keep_their_anchor),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_instants),
		cmocka_unit_test(test_instant_format),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_unknown_zones),
		cmocka_unit_test(test_gaps_and_overlaps),
		cmocka_unit_test(test_local_round_trip),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_clock_file),
		cmocka_unit_test(test_real_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
