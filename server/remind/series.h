/*
 * Occurrences of a repeating date, computed from the rule and the civil date, never from the last firing.
 */
#ifndef SERVER_REMIND_SERIES_H
#define SERVER_REMIND_SERIES_H

#include "common/birthday.h"
#include "common/rrule.h"

enum repeat { REPEAT_NONE, REPEAT_DAILY, REPEAT_WEEKLY, REPEAT_MONTHLY, REPEAT_YEARLY };

struct series {
	struct birthday start; /* a date, or a birthday value (lunar, year unknown) */
	struct birthday_rule rule;
	enum repeat repeat;
	int every;        /* every so many days, weeks, months, years; at least 1 */
	civil_date until; /* last date, 0: none */
	struct rrule
		rrule; /* with a freq: instead of repeat and every; the start is a date with its year */
};

/*
 * The first occurrence on or after from; 0 if there is none. A start without year and a lunar one repeat yearly
 * whatever repeat says. Without rrule monthly and yearly keep the day of the start: the 31st is the last day of shorter months.
 */
civil_date series_next(const struct series *s, civil_date from);

#endif
