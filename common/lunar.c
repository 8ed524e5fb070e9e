#include "common/lunar.h"

#define YEAR_MIN 1900
#define YEAR_MAX 2100

/*
 * One value a year: bits 3-0 the leap month (0 none), which follows the month of its number; bits 15-4
 * months 1 to 12 (bit 15 is month 1), 1 for 30 days, 0 for 29; bit 16 the same for the leap month.
 */
/* clang-format off */
static const uint32_t years[YEAR_MAX - YEAR_MIN + 1] = {
	0x04bd8, 0x04ae0, 0x0a570, 0x054d5, 0x0d260, /* 1900 */
	0x0d950, 0x16554, 0x056a0, 0x09ad0, 0x055d2, /* 1905 */
	0x04ae0, 0x0a5b6, 0x0a4d0, 0x0d250, 0x1d255, /* 1910 */
	0x0b540, 0x0d6a0, 0x0ada2, 0x095b0, 0x14977, /* 1915 */
	0x04970, 0x0a4b0, 0x0b4b5, 0x06a50, 0x06d40, /* 1920 */
	0x1ab54, 0x02b60, 0x09570, 0x052f2, 0x04970, /* 1925 */
	0x06566, 0x0d4a0, 0x0ea50, 0x16a95, 0x05ad0, /* 1930 */
	0x02b60, 0x186e3, 0x092e0, 0x1c8d7, 0x0c950, /* 1935 */
	0x0d4a0, 0x1d8a6, 0x0b550, 0x056a0, 0x1a5b4, /* 1940 */
	0x025d0, 0x092d0, 0x0d2b2, 0x0a950, 0x0b557, /* 1945 */
	0x06ca0, 0x0b550, 0x15355, 0x04da0, 0x0a5b0, /* 1950 */
	0x14573, 0x052b0, 0x0a9a8, 0x0e950, 0x06aa0, /* 1955 */
	0x0aea6, 0x0ab50, 0x04b60, 0x0aae4, 0x0a570, /* 1960 */
	0x05260, 0x0f263, 0x0d950, 0x05b57, 0x056a0, /* 1965 */
	0x096d0, 0x04dd5, 0x04ad0, 0x0a4d0, 0x0d4d4, /* 1970 */
	0x0d250, 0x0d558, 0x0b540, 0x0b6a0, 0x195a6, /* 1975 */
	0x095b0, 0x049b0, 0x0a974, 0x0a4b0, 0x0b27a, /* 1980 */
	0x06a50, 0x06d40, 0x0af46, 0x0ab60, 0x09570, /* 1985 */
	0x04af5, 0x04970, 0x064b0, 0x074a3, 0x0ea50, /* 1990 */
	0x06b58, 0x05ac0, 0x0ab60, 0x096d5, 0x092e0, /* 1995 */
	0x0c960, 0x0d954, 0x0d4a0, 0x0da50, 0x07552, /* 2000 */
	0x056a0, 0x0abb7, 0x025d0, 0x092d0, 0x0cab5, /* 2005 */
	0x0a950, 0x0b4a0, 0x0baa4, 0x0ad50, 0x055d9, /* 2010 */
	0x04ba0, 0x0a5b0, 0x15176, 0x052b0, 0x0a930, /* 2015 */
	0x07954, 0x06aa0, 0x0ad50, 0x05b52, 0x04b60, /* 2020 */
	0x0a6e6, 0x0a4e0, 0x0d260, 0x0ea65, 0x0d530, /* 2025 */
	0x05aa0, 0x076a3, 0x096d0, 0x04afb, 0x04ad0, /* 2030 */
	0x0a4d0, 0x1d0b6, 0x0d250, 0x0d520, 0x0dd45, /* 2035 */
	0x0b5a0, 0x056d0, 0x055b2, 0x049b0, 0x0a577, /* 2040 */
	0x0a4b0, 0x0aa50, 0x1b255, 0x06d20, 0x0ada0, /* 2045 */
	0x14b63, 0x09370, 0x049f8, 0x04970, 0x064b0, /* 2050 */
	0x168a6, 0x0ea50, 0x06b20, 0x1a6c4, 0x0aae0, /* 2055 */
	0x092e0, 0x0d2e3, 0x0c960, 0x0d557, 0x0d4a0, /* 2060 */
	0x0da50, 0x05d55, 0x056a0, 0x0a6d0, 0x055d4, /* 2065 */
	0x052d0, 0x0a9b8, 0x0a950, 0x0b4a0, 0x0b6a6, /* 2070 */
	0x0ad50, 0x055a0, 0x0aba4, 0x0a5b0, 0x052b0, /* 2075 */
	0x0b273, 0x06930, 0x07337, 0x06aa0, 0x0ad50, /* 2080 */
	0x14b55, 0x04b60, 0x0a570, 0x054e4, 0x0d160, /* 2085 */
	0x0e968, 0x0d520, 0x0daa0, 0x16aa6, 0x056d0, /* 2090 */
	0x04ae0, 0x0a9d4, 0x0a2d0, 0x0d150, 0x0f252, /* 2095 */
	0x0d520, /* 2100 */
};
/* clang-format on */

static uint32_t year_value(int year)
{
	return year >= YEAR_MIN && year <= YEAR_MAX ? years[year - YEAR_MIN] : 0;
}

int lunar_leap_month(int year)
{
	return (int)(year_value(year) & 0xf);
}

int lunar_month_days(int year, int month, bool leap)
{
	uint32_t value = year_value(year);

	if (value == 0 || month < 1 || month > 12)
		return 0;
	if (leap && lunar_leap_month(year) != month)
		return 0;
	return 29 + (int)(value >> (leap ? 16 : 16 - month) & 1);
}

static int year_days(int year)
{
	uint32_t value = year_value(year);
	int days = 12 * 29 + __builtin_popcount(value & 0xfff0);

	return value & 0xf ? days + 29 + (int)(value >> 16 & 1) : days;
}

static int32_t first_day(void)
{
	return date_to_days(19000131);
}

bool lunar_valid(struct lunar_date l)
{
	return l.day >= 1 && l.day <= lunar_month_days(l.year, l.month, l.leap);
}

civil_date lunar_to_civil(struct lunar_date l)
{
	int32_t days = first_day() + l.day - 1;

	if (!lunar_valid(l))
		return 0;
	for (int y = YEAR_MIN; y < l.year; y++)
		days += year_days(y);
	for (int m = 1; m < l.month; m++)
		days += lunar_month_days(l.year, m, false) + lunar_month_days(l.year, m, true);
	if (l.leap)
		days += lunar_month_days(l.year, l.month, false);
	return date_from_days(days);
}

/* Makes *out the lunar date that is the given number of days after the first of its year. */
static void day_of_year(int32_t days, struct lunar_date *out)
{
	for (out->month = 1;; out->month++) {
		int plain = lunar_month_days(out->year, out->month, false);
		int leap = lunar_month_days(out->year, out->month, true);

		if (days < plain + leap) {
			out->leap = days >= plain;
			out->day = days - (out->leap ? plain : 0) + 1;
			return;
		}
		days -= plain + leap;
	}
}

bool lunar_from_civil(civil_date d, struct lunar_date *out)
{
	int32_t days = date_to_days(d) - first_day();

	if (days < 0)
		return false;
	out->year = YEAR_MIN;
	while (out->year <= YEAR_MAX && days >= year_days(out->year))
		days -= year_days(out->year++);
	if (out->year > YEAR_MAX)
		return false;
	day_of_year(days, out);
	return true;
}
