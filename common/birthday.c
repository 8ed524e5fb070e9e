#include "common/birthday.h"
#include "common/lunar.h"

static bool refuse(char why[96], const char *fault)
{
	snprintf(why, 96, "%s", fault);
	return false;
}

static bool take_two_digits(struct bytes *in, int *value)
{
	if (in->len < 2)
		return false;
	for (int i = 0; i < 2; i++) {
		if (in->data[i] < '0' || in->data[i] > '9')
			return false;
	}
	*value = (in->data[0] - '0') * 10 + in->data[1] - '0';
	*in = bytes_of(in->data + 2, in->len - 2);
	return true;
}

static bool take_char(struct bytes *in, char c)
{
	if (in->len == 0 || in->data[0] != (uint8_t)c)
		return false;
	*in = bytes_of(in->data + 1, in->len - 1);
	return true;
}

/* MM-DD and nothing after it. */
static bool month_and_day(struct bytes text, struct birthday *b)
{
	return take_two_digits(&text, &b->month) && take_char(&text, '-') &&
	       take_two_digits(&text, &b->day) && text.len == 0;
}

static bool parse_solar(struct bytes text, struct birthday *b, char why[96])
{
	civil_date d;

	if (text.len == 5 && month_and_day(text, b)) {
		if (date_valid(2000, b->month, b->day))
			return true;
		return refuse(why, "is a day that does not exist");
	}
	if (!date_parse(text, &d))
		return refuse(why, "is not a birthday (1987-07-26, 02-29, lunar:08-15, "
				   "lunar:1987-L06-01)");
	*b = (struct birthday){ date_year(d), date_month(d), date_day(d), false, false };
	return true;
}

static bool leap_month_exists(int month)
{
	for (int year = 1900; year <= 2100; year++) {
		if (lunar_leap_month(year) == month)
			return true;
	}
	return false;
}

static bool lunar_exists(const struct birthday *b, char why[96])
{
	if (b->month < 1 || b->month > 12 || b->day < 1 || b->day > 30)
		return refuse(why, "is a lunar day that does not exist");
	if (b->year == 0) {
		if (b->leap && !leap_month_exists(b->month))
			return refuse(why, "is in a leap month that no year from 1900 to 2100 has");
		return true;
	}
	if (b->year < 1900 || b->year > 2100)
		return refuse(why, "is outside the lunar years 1900 to 2100");
	if (b->leap && lunar_leap_month(b->year) != b->month)
		return refuse(why, "is in a leap month that its year does not have");
	if (!lunar_valid((struct lunar_date){ b->year, b->month, b->day, b->leap }))
		return refuse(why, "is a lunar day that does not exist");
	return true;
}

/* [YYYY-][L]MM-DD */
static bool parse_lunar(struct bytes text, struct birthday *b, char why[96])
{
	struct bytes rest = text;
	int century, year;

	b->lunar = true;
	if (take_two_digits(&rest, &century) && take_two_digits(&rest, &year) &&
		take_char(&rest, '-')) {
		b->year = century * 100 + year;
		if (b->year == 0)
			return refuse(why, "is outside the lunar years 1900 to 2100");
		text = rest;
	}
	b->leap = take_char(&text, 'L');
	if (!month_and_day(text, b))
		return refuse(why, "is not a lunar birthday (lunar:08-15, lunar:1987-08-15, "
				   "lunar:1987-L06-01)");
	return lunar_exists(b, why);
}

bool birthday_parse(struct bytes text, struct birthday *out, char why[96])
{
	static const char prefix[] = "lunar:";
	struct birthday b = { 0 };
	size_t len = sizeof(prefix) - 1;

	if (bytes_starts(text, bytes_str(prefix))) {
		if (!parse_lunar(bytes_of(text.data + len, text.len - len), &b, why))
			return false;
	} else if (!parse_solar(text, &b, why)) {
		return false;
	}
	*out = b;
	return true;
}

void birthday_format(const struct birthday *b, struct buf *out)
{
	if (b->lunar)
		buf_add_str(out, "lunar:");
	if (b->year)
		buf_printf(out, "%04d-", b->year);
	if (b->leap)
		buf_add_u8(out, 'L');
	buf_printf(out, "%02d-%02d", b->month, b->day);
}

/* The civil date of birth; 0 when the year is unknown or out of range. */
static civil_date born_on(const struct birthday *b)
{
	if (b->year == 0)
		return 0;
	if (b->lunar)
		return lunar_to_civil((struct lunar_date){ b->year, b->month, b->day, b->leap });
	return date_make(b->year, b->month, b->day);
}

bool birthday_keep_possible(const struct birthday *b, enum birthday_keep keep)
{
	struct lunar_date l;
	civil_date born = born_on(b);

	if (keep == KEEP_AS_ENTERED || keep == (b->lunar ? KEEP_LUNAR : KEEP_SOLAR))
		return true;
	return born && (b->lunar || lunar_from_civil(born, &l));
}

/* b in one calendar. false if that is not possible. */
static bool in_calendar(const struct birthday *b, bool lunar, struct birthday *out)
{
	civil_date born;
	struct lunar_date l;

	*out = *b;
	if (b->lunar == lunar)
		return true;
	born = born_on(b);
	if (!born)
		return false;
	if (!lunar) {
		*out = (struct birthday){ date_year(born), date_month(born), date_day(born), false,
			false };
		return true;
	}
	if (!lunar_from_civil(born, &l))
		return false;
	*out = (struct birthday){ l.year, l.month, l.day, true, l.leap };
	return true;
}

/* The calendars that count: as entered when the rule asks for one that is not possible. */
static bool calendar_counts(const struct birthday *b, enum birthday_keep keep, bool lunar)
{
	if (keep == KEEP_AS_ENTERED || !birthday_keep_possible(b, keep))
		return lunar == b->lunar;
	return keep == KEEP_BOTH || keep == (lunar ? KEEP_LUNAR : KEEP_SOLAR);
}

static civil_date solar_in_year(const struct birthday *b, enum leap_day_rule rule, int year)
{
	civil_date d = date_make(year, b->month, b->day);

	if (d || year < 1900 || year > 2199)
		return d;
	return rule == LEAP_DAY_MAR01 ? date_make(year, 3, 1) : date_make(year, 2, 28);
}

/* In one month of one lunar year; a missing 30th is the 29th. 0 if there is no such month. */
static civil_date lunar_in_month(const struct birthday *b, int year, bool leap)
{
	int days = lunar_month_days(year, b->month, leap);
	int day = b->day < days ? b->day : days;

	return lunar_to_civil((struct lunar_date){ year, b->month, day, leap });
}

static bool leap_only(const struct birthday *b, enum leap_month_rule rule, int year)
{
	return b->leap && rule == LEAP_MONTH_PLAIN && lunar_leap_month(year) == b->month;
}

static civil_date earlier_from(civil_date a, civil_date b, civil_date from)
{
	if (b < from)
		return a;
	return a == 0 || b < a ? b : a;
}

static civil_date solar_next(const struct birthday *b, struct birthday_rule rule, civil_date from)
{
	civil_date next = 0;

	for (int year = date_year(from); year <= date_year(from) + 1; year++)
		next = earlier_from(next, solar_in_year(b, rule.leap_day, year), from);
	return next;
}

static civil_date lunar_next(const struct birthday *b, struct birthday_rule rule, civil_date from)
{
	struct lunar_date l = { .year = 1900 };
	civil_date next = 0;

	if (from > 19000131 && !lunar_from_civil(from, &l))
		return 0;
	for (int year = l.year; year <= l.year + 1; year++) {
		if (!leap_only(b, rule.leap_month, year))
			next = earlier_from(next, lunar_in_month(b, year, false), from);
		if (b->leap)
			next = earlier_from(next, lunar_in_month(b, year, true), from);
	}
	return next;
}

civil_date birthday_next(const struct birthday *b, struct birthday_rule rule, civil_date from)
{
	civil_date born = born_on(b), next = 0;
	struct birthday in;

	if (from < born)
		from = born;
	if (from <= 0)
		return 0;
	if (calendar_counts(b, rule.keep, false) && in_calendar(b, false, &in))
		next = earlier_from(next, solar_next(&in, rule, from), from);
	if (calendar_counts(b, rule.keep, true) && in_calendar(b, true, &in))
		next = earlier_from(next, lunar_next(&in, rule, from), from);
	return next;
}

static int solar_age(const struct birthday *b, struct birthday_rule rule, civil_date on)
{
	int year = date_year(on);

	return year - b->year - (solar_in_year(b, rule.leap_day, year) > on);
}

static int lunar_age(const struct birthday *b, struct birthday_rule rule, civil_date on)
{
	struct lunar_date l;
	bool leap;

	if (!lunar_from_civil(on, &l))
		return -1;
	leap = leap_only(b, rule.leap_month, l.year);
	return l.year - b->year - (lunar_in_month(b, l.year, leap) > on);
}

int birthday_age(const struct birthday *b, struct birthday_rule rule, civil_date on)
{
	bool lunar = calendar_counts(b, rule.keep, true);
	struct birthday in;
	int age;

	if (b->year == 0 || on < born_on(b))
		return -1;
	if (lunar && calendar_counts(b, rule.keep, false)) {
		in_calendar(b, false, &in);
		lunar = solar_in_year(&in, rule.leap_day, date_year(on)) != on;
	}
	if (!in_calendar(b, lunar, &in))
		return -1;
	age = lunar ? lunar_age(&in, rule, on) : solar_age(&in, rule, on);
	return age < 0 ? -1 : age;
}

bool birthday_keep_from_code(const char *code, enum birthday_keep *out)
{
	static const char *const codes[] = { [KEEP_AS_ENTERED] = "as_entered",
		[KEEP_SOLAR] = "solar",
		[KEEP_LUNAR] = "lunar",
		[KEEP_BOTH] = "both" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0) {
			*out = (enum birthday_keep)i;
			return true;
		}
	return false;
}
