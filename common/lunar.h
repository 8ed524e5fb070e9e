/*
 * The Chinese lunisolar calendar by table, lunar years 1900 to 2100
 * (source: requirements of the product, checked day by day against an astronomical reference).
 */
#ifndef COMMON_LUNAR_H
#define COMMON_LUNAR_H

#include "common/date.h"

struct lunar_date {
	int year;  /* 1900 .. 2100 */
	int month; /* 1 .. 12 */
	int day;   /* 1 .. 30 */
	bool leap; /* the leap month that follows the month of its number */
};

bool lunar_valid(struct lunar_date l);
civil_date lunar_to_civil(struct lunar_date l); /* 0 if it does not exist */
bool lunar_from_civil(
	civil_date d, struct lunar_date *out);        /* false outside 1900-01-31 .. 2101-01-28 */
int lunar_leap_month(int year);                       /* 0 none */
int lunar_month_days(int year, int month, bool leap); /* 29, 30; 0 if there is no such month */

#endif
