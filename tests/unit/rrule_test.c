/* Recurrence rules: 500 of them against a table that dateutil made, what is refused, and that nothing takes long. */
#include "common/rrule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rrule rule_of(const char *text)
{
	struct rrule r;
	char why[96];

	if (!rrule_parse(bytes_str(text), &r, why))
		fail_msg("%s %s", text, why);
	return r;
}

static void one_row(const char *line)
{
	char text[300], days[100];
	civil_date start, later, from, got, wanted;
	struct rrule r;

	assert_int_equal(sscanf(line, "%d %299s %99s %d", &start, text, days, &later), 4);
	r = rule_of(text);
	from = start;
	for (char *day = days; *day; day += strspn(day, ",")) {
		wanted = (civil_date)strtol(day, &day, 10);
		got = rrule_next(&r, start, from);
		if (got != wanted)
			fail_msg("%s from %d: %d, not %d", text, from, got, wanted);
		from = got ? date_add_days(got, 1) : from;
	}
	got = rrule_next(&r, start, 20770707);
	if (got != later)
		fail_msg("%s from 20770707: %d, not %d", text, got, later);
}

static void test_table(void **state)
{
	FILE *f = fopen("tests/data/rrule.tsv", "r");
	char line[512];
	int rows = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (line[0] != '#') {
			one_row(line);
			rows++;
		}
	fclose(f);
	assert_true(rows > 400);
}

/* An end is an end; the first days are those of RFC 5545's own examples where it has them. */
static void test_ends(void **state)
{
	struct rrule five = rule_of("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3");
	struct rrule until = rule_of("rrule:freq=daily;until=20270103");
	struct rrule week = rule_of("FREQ=YEARLY;BYWEEKNO=20");

	assert_int_equal(rrule_next(&five, 20270101, 20270101), 20270131);
	assert_int_equal(rrule_next(&five, 20270101, 20270501), 20270531);
	assert_int_equal(rrule_next(&five, 20270101, 20270601), 0);
	assert_int_equal(rrule_next(&until, 20270101, 20270103), 20270103);
	assert_int_equal(rrule_next(&until, 20270101, 20270104), 0);
	/* the weekday is that of the start, a Sunday */
	assert_int_equal(rrule_next(&week, 20261122, 20270101), 20270523);
	assert_int_equal(rrule_next(&week, 20261122, 20270524), 20280521);
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "", "part" },
		{ "BYDAY=FR", "is not a rule" },
		{ "每月", "is not a rule" },
		{ "FREQ=MONTHLY BYDAY=FR", "is not a rule" },
		{ "FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY" },
		{ "FREQ=HOURLY", "finer than a day: FREQ=HOURLY" },
		{ "FREQ=MINUTELY;INTERVAL=5", "FREQ=MINUTELY" },
		{ "FREQ=SECONDLY", "FREQ=SECONDLY" },
		{ "FREQ=DAILY;BYHOUR=9,17", "BYHOUR=9,17" },
		{ "FREQ=DAILY;BYMINUTE=1", "BYMINUTE=1" },
		{ "FREQ=MONTHLY;BYDAY=9XX", "bad value: BYDAY=9XX" },
		{ "FREQ=MONTHLY;BYDAY=0FR", "BYDAY=0FR" },
		{ "FREQ=YEARLY;BYDAY=54FR", "BYDAY=54FR" },
		{ "FREQ=MONTHLY;BYDAY=", "BYDAY=" },
		{ "FREQ=MONTHLY;BYDAY=FR,", "BYDAY=FR," },
		{ "FREQ=MONTHLY;BYDAY", "BYDAY" },
		{ "FREQ=WEEKLY;BYDAY=2FR", "FREQ=WEEKLY does not take" },
		{ "FREQ=DAILY;BYDAY=-1FR", "FREQ=DAILY does not take" },
		{ "FREQ=YEARLY;BYWEEKNO=3;BYDAY=2FR", "BYWEEKNO does not take" },
		{ "FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32" },
		{ "FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0" },
		{ "FREQ=MONTHLY;BYMONTHDAY=1;;COUNT=2", "part" },
		{ "FREQ=WEEKLY;BYMONTHDAY=1", "has BYMONTHDAY, which FREQ=WEEKLY does not take" },
		{ "FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY, which FREQ=MONTHLY" },
		{ "FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO, which FREQ=MONTHLY" },
		{ "FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO=54" },
		{ "FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY=367" },
		{ "FREQ=YEARLY;BYMONTH=13", "BYMONTH=13" },
		{ "FREQ=YEARLY;BYMONTH=-1", "BYMONTH=-1" },
		{ "FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS alone" },
		{ "FREQ=DAILY;BYDAY=FR;BYSETPOS=1", "BYSETPOS, which FREQ=DAILY" },
		{ "FREQ=DAILY;INTERVAL=0", "INTERVAL=0" },
		{ "FREQ=DAILY;INTERVAL=-2", "INTERVAL=-2" },
		{ "FREQ=DAILY;INTERVAL=1001", "INTERVAL=1001" },
		{ "FREQ=DAILY;INTERVAL=99999999999999999999", "INTERVAL=9999" },
		{ "FREQ=DAILY;COUNT=0", "COUNT=0" },
		{ "FREQ=DAILY;COUNT=1001", "COUNT=1001" },
		{ "FREQ=DAILY;COUNT=2;UNTIL=20270101", "both COUNT and UNTIL" },
		{ "FREQ=DAILY;UNTIL=20270230", "UNTIL=20270230" },
		{ "FREQ=DAILY;UNTIL=20270228T000000Z", "UNTIL=20270228T" },
		{ "FREQ=DAILY;FREQ=DAILY", "two parts FREQ" },
		{ "FREQ=DAILY;SKIP=BACKWARD", "SKIP=BACKWARD" },
		{ "RSCALE=CHINESE;FREQ=YEARLY", "RSCALE=CHINESE" },
		{ "FREQ=DAILY;WKST=XX", "WKST=XX" },
	};
	char why[96], long_text[RRULE_TEXT_MAX + 2];
	struct rrule r;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (rrule_parse(bytes_str(bad[i][0]), &r, why))
			fail_msg("%s is taken", bad[i][0]);
		if (!strstr(why, bad[i][1]))
			fail_msg("%s: \"%s\", not \"%s\"", bad[i][0], why, bad[i][1]);
	}
	memset(long_text, 'A', sizeof long_text);
	assert_false(rrule_parse(bytes_of(long_text, sizeof long_text), &r, why));
	assert_non_null(strstr(why, "longer"));
}

/* Rules that never match, or hardly: the search ends by itself. */
static void test_nasty(void **state)
{
	static const char *const nasty[] = { "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
		"FREQ=MONTHLY;BYDAY=6FR,-6MO,53SU", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
		"FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1;BYMONTHDAY=1;BYDAY=MO",
		"FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
		"FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
		"FREQ=YEARLY;BYWEEKNO=53,-53;BYMONTH=6",
		"FREQ=DAILY;COUNT=1000;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=WEEKLY;INTERVAL=999;BYDAY=SU;BYSETPOS=2" };

	for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++) {
		struct rrule r = rule_of(nasty[i]);
		assert_int_equal(rrule_next(&r, 20261122, 20261122), 0);
		assert_int_equal(rrule_next(&r, 20261122, 21991231), 0);
	}
}

/* From every day of the range, at its two ends too. */
static void test_range(void **state)
{
	static const char *const rules[] = { "FREQ=YEARLY;BYWEEKNO=1,53,-1;BYDAY=MO,SU;WKST=TH",
		"FREQ=WEEKLY;BYDAY=MO,SU;WKST=WE", "FREQ=MONTHLY;BYDAY=-1SU",
		"FREQ=DAILY;INTERVAL=1000" };

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct rrule r = rule_of(rules[i]);
		assert_true(rrule_next(&r, 19000101, 19000101) >= 19000101);
		assert_true(rrule_next(&r, 19000101, 19000102) >= 19000102);
		for (civil_date d = 21991201; d; d = date_add_days(d, 1)) {
			civil_date next = rrule_next(&r, d, d);
			assert_true(next == 0 || (next >= d && next <= 21991231));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nasty),
		cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
