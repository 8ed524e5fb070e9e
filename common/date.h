/*
 * Civil dates (no zone) and instants (milliseconds since 1970-01-01T00:00:00Z).
 * A civil date is the integer YYYYMMDD, for example 20261121, on the wire and in memory: 0 is no date.
 * Range 1900-01-01 to 2199-12-31, proleptic Gregorian.
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include "common/buf.h"
#include <stdbool.h>
#include <stdint.h>

typedef int32_t civil_date;

static inline int date_year(civil_date d)
{
	return d / 10000;
}
static inline int date_month(civil_date d)
{
	return d / 100 % 100;
}
static inline int date_day(civil_date d)
{
	return d % 100;
}

bool date_valid(int year, int month, int day);
civil_date date_make(int year, int month, int day); /* 0 if there is no such date */
int date_month_days(int year, int month);
int32_t date_to_days(civil_date d); /* days since 1970-01-01, may be negative */
civil_date date_from_days(int32_t days);
civil_date date_add_days(civil_date d, int days);
/* Same day of the month n months on, the last day of that month if it is shorter. anchor_day (1-31) is the day wanted. */
civil_date date_add_months(civil_date d, int months, int anchor_day);
int date_weekday(civil_date d); /* 1 Monday .. 7 Sunday */

/* YYYY-MM-DD, YYYY/M/D, YYYY年M月D日. Anything else, 01/05/2026 too, is false. */
bool date_parse(struct bytes text, civil_date *out);
void date_format(civil_date d, struct buf *out); /* YYYY-MM-DD */

/* RFC 3339 with an offset or Z; seconds may carry a fraction. Also "YYYY-MM-DD HH:MM[:SS]" in the given zone (may be NULL: refused). */
struct zone;
bool instant_parse(struct bytes text, const struct zone *zone, int64_t *ms);
void instant_format(
	int64_t ms, struct buf *out); /* 2026-11-21T09:00:00Z; milliseconds only when not zero */

/* A time zone by its IANA name. Cached for the life of the process, safe from any thread. NULL if unknown. */
const struct zone *zone_find(const char *name);
#define ZONE_DEFAULT "Asia/Shanghai" /* of whoever has none of their own */
const char *zone_name(const struct zone *zone);
/*
 * The instant of a local time. A time that a clock change skips is the first instant after
 * the gap; one that occurs twice is the first.
 */
int64_t zone_instant(const struct zone *zone, civil_date d, int minute_of_day);
civil_date zone_date(const struct zone *zone, int64_t ms); /* the civil date there at an instant */
int zone_minute(const struct zone *zone, int64_t ms);      /* minute of the day there */
/* 2026-11-21 17:00 in the zone */
void zone_format(const struct zone *zone, int64_t ms, struct buf *out);

/* HH:MM -> minute of the day. */
bool time_parse(struct bytes text, int *minute);
void time_format(int minute, struct buf *out);

/*
 * today, yesterday, tomorrow, today+30d, today-1w, today+1m, today+1y and the periods this-week,
 * last-month, next-quarter, this-year ...: *from and *to (inclusive) of what the text names on the day today.
 */
bool date_relative(struct bytes text, civil_date today, civil_date *from, civil_date *to);

#endif
