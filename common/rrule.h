/*
 * Recurrence rules of calendars (RFC 5545, RRULE), of days and coarser: FREQ=MONTHLY;BYDAY=-1FR.
 *
 * Worked out here and not by libical: its search for a rule that never matches goes on to the year 20000, 0.3 to 1.4 s for
 * a MONTHLY one and 11 s for an HOURLY one, and cannot be cut short. Here every search ends with 2199.
 */
#ifndef COMMON_RRULE_H
#define COMMON_RRULE_H

#include "common/date.h"

enum rrule_freq { RRULE_NONE, RRULE_DAILY, RRULE_WEEKLY, RRULE_MONTHLY, RRULE_YEARLY };

#define RRULE_TEXT_MAX 500
#define RRULE_INTERVAL_MAX 1000
#define RRULE_COUNT_MAX 1000

/* Numbers 1 to 366 as they are counted from the start, and -1 to -366 from the end. */
struct rrule_set {
	uint64_t from_start[6], from_end[6];
	bool any;
};

struct rrule {
	enum rrule_freq freq;
	int interval;
	int count;               /* 0: without end */
	civil_date until;        /* last date, 0: without end */
	int week_start;          /* 1 Monday .. 7 Sunday */
	uint16_t months;         /* bit n: month n; 0: all */
	uint8_t weekdays;        /* bit n: every weekday n */
	struct rrule_set nth[8]; /* by weekday: those of the month or year */
	struct rrule_set month_days, year_days, weeks, positions;
};

/*
 * A rule as RFC 5545 has it, in capitals or not, with or without RRULE: before it. false with a sentence in why that names the bad
 * part: one that is none, finer than a day, out of range, or that does not go with the others.
 */
bool rrule_parse(struct bytes text, struct rrule *out, char why[96]);
/*
 * The first day of the rule on or after from; 0 if there is none up to 2199. start is the day from which the rule counts (weeks of
 * INTERVAL, COUNT), and gives the weekday, day or month that the rule leaves open; it is an occurrence only where the rule says so.
 * A day that a month lacks (BYMONTHDAY=31) is passed over. At most some 5 ms, whatever the rule.
 */
civil_date rrule_next(const struct rrule *r, civil_date start, civil_date from);

#endif
