/*
 * A birthday, kept exactly as entered: 1987-07-26, 02-29 (year unknown), lunar:08-15,
 * lunar:1987-08-15, lunar:1987-L06-01, lunar:L06-01 (leap month).
 */
#ifndef COMMON_BIRTHDAY_H
#define COMMON_BIRTHDAY_H

#include "common/date.h"

struct birthday {
	int year; /* 0 unknown */
	int month;
	int day;
	bool lunar;
	bool leap;
};

enum leap_day_rule { LEAP_DAY_FEB28, LEAP_DAY_MAR01 };
enum leap_month_rule { LEAP_MONTH_PLAIN, LEAP_MONTH_BOTH };
enum birthday_keep { KEEP_AS_ENTERED, KEEP_SOLAR, KEEP_LUNAR, KEEP_BOTH };

/* as_entered, solar, lunar, both; false, with *out unchanged, for anything else. */
bool birthday_keep_from_code(const char *code, enum birthday_keep *out);

struct birthday_rule {
	enum leap_day_rule leap_day;
	enum leap_month_rule leap_month;
	enum birthday_keep keep;
};

/* false with a sentence in why (at most 96 bytes) when it is not a birthday or the date does not exist. */
bool birthday_parse(struct bytes text, struct birthday *out, char why[96]);
void birthday_format(const struct birthday *b, struct buf *out);

/*
 * The first civil date on or after from on which b is celebrated; 0 if there is none in range.
 * 29 February by rule.leap_day; a leap month falls back to the plain month in years without it; a missing 30th is
 * the 29th. Once per lunar year for lunar ones: a lunar birthday may fall twice in a civil year or not at all.
 */
civil_date birthday_next(const struct birthday *b, struct birthday_rule rule, civil_date from);

/* Age completed on the celebration at day on (lunar years for lunar ones); -1 when the year is unknown. */
int birthday_age(const struct birthday *b, struct birthday_rule rule, civil_date on);

/* Whether rule.keep can be used with b: keeping the other calendar needs the year. */
bool birthday_keep_possible(const struct birthday *b, enum birthday_keep keep);

#endif
