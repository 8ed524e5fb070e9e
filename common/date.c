#include "common/date.h"

#define YEAR_MIN 1900
#define YEAR_MAX 2199
#define MS_PER_DAY 86400000ll

int date_month_days(int year, int month)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12)
		return 0;
	return days[month - 1] + (month == 2 && leap);
}

bool date_valid(int year, int month, int day)
{
	return year >= YEAR_MIN && year <= YEAR_MAX && day >= 1 &&
	       day <= date_month_days(year, month);
}

civil_date date_make(int year, int month, int day)
{
	return date_valid(year, month, day) ? year * 10000 + month * 100 + day : 0;
}

/* Days and dates after Howard Hinnant, chrono-Compatible Low-Level Date Algorithms: years that start in March. */
int32_t date_to_days(civil_date d)
{
	int month = date_month(d);
	int year = date_year(d) - (month <= 2);
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date_day(d) - 1;

	return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

civil_date date_from_days(int32_t days)
{
	int32_t shifted, era, of_era, year_of_era, of_year, month;

	if (days < -25567 || days > 84005) /* 1900-01-01, 2199-12-31 */
		return 0;
	shifted = days + 719468;
	era = shifted / 146097;
	of_era = shifted - era * 146097;
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153;
	return date_make(year_of_era + era * 400 + (month >= 10),
		month < 10 ? month + 3 : month - 9, of_year - (153 * month + 2) / 5 + 1);
}

civil_date date_add_days(civil_date d, int days)
{
	int64_t sum = (int64_t)date_to_days(d) + days;

	return sum < INT32_MIN || sum > INT32_MAX ? 0 : date_from_days((int32_t)sum);
}

civil_date date_add_months(civil_date d, int months, int anchor_day)
{
	int64_t sum = (int64_t)date_year(d) * 12 + date_month(d) - 1 + months;
	int year, month, last;

	if (sum < YEAR_MIN * 12 || sum >= (YEAR_MAX + 1) * 12)
		return 0;
	year = (int)(sum / 12);
	month = (int)(sum % 12) + 1;
	last = date_month_days(year, month);
	return date_make(year, month, anchor_day < last ? anchor_day : last);
}

int date_weekday(civil_date d)
{
	int days = date_to_days(d) % 7; /* 1970-01-01 was a Thursday */

	return (days + 7 + 3) % 7 + 1;
}

/* Takes a number of min to max digits from the front of *in. */
static bool take_digits(struct bytes *in, size_t min, size_t max, int *value)
{
	size_t n = 0;
	int v = 0;

	while (n < in->len && n < max && in->data[n] >= '0' && in->data[n] <= '9')
		v = v * 10 + in->data[n++] - '0';
	if (n < min)
		return false;
	*in = bytes_of(in->data + n, in->len - n);
	*value = v;
	return true;
}

static bool take_word(struct bytes *in, const char *word)
{
	size_t len = strlen(word);

	if (!bytes_starts(*in, bytes_str(word)))
		return false;
	*in = bytes_of(in->data + len, in->len - len);
	return true;
}

static bool take_date(struct bytes *in, civil_date *out)
{
	struct bytes rest = *in;
	const char *second;
	int year, month, day;
	size_t digits = 1;

	if (!take_digits(&rest, 4, 4, &year))
		return false;
	if (take_word(&rest, "-")) {
		second = "-";
		digits = 2;
	} else if (take_word(&rest, "/")) {
		second = "/";
	} else if (take_word(&rest, "年")) {
		second = "月";
	} else {
		return false;
	}
	if (!take_digits(&rest, digits, 2, &month) || !take_word(&rest, second) ||
		!take_digits(&rest, digits, 2, &day))
		return false;
	if (strcmp(second, "月") == 0 && !take_word(&rest, "日"))
		return false;
	*in = rest;
	*out = date_make(year, month, day);
	return *out != 0;
}

bool date_parse(struct bytes text, civil_date *out)
{
	civil_date d;

	if (!take_date(&text, &d) || text.len)
		return false;
	*out = d;
	return true;
}

void date_format(civil_date d, struct buf *out)
{
	buf_printf(out, "%04d-%02d-%02d", date_year(d), date_month(d), date_day(d));
}

static bool take_time(struct bytes *in, int *minute)
{
	int h, m;

	if (!take_digits(in, 2, 2, &h) || !take_word(in, ":") || !take_digits(in, 2, 2, &m))
		return false;
	*minute = h * 60 + m;
	return h < 24 && m < 60;
}

bool time_parse(struct bytes text, int *minute)
{
	int m;

	if (!take_time(&text, &m) || text.len)
		return false;
	*minute = m;
	return true;
}

void time_format(int minute, struct buf *out)
{
	buf_printf(out, "%02d:%02d", minute / 60, minute % 60);
}

static bool take_seconds(struct bytes *in, int *ms)
{
	int seconds, scale = 100;

	if (!take_digits(in, 2, 2, &seconds) || seconds > 59)
		return false;
	*ms = seconds * 1000;
	if (!take_word(in, "."))
		return true;
	if (in->len == 0 || in->data[0] < '0' || in->data[0] > '9')
		return false;
	for (int digit; take_digits(in, 1, 1, &digit); scale /= 10)
		*ms += digit * scale;
	return true;
}

static bool take_offset(struct bytes *in, int *minutes)
{
	int sign = 1, m;

	*minutes = 0;
	if (take_word(in, "Z") || take_word(in, "z"))
		return true;
	if (take_word(in, "-"))
		sign = -1;
	else if (!take_word(in, "+"))
		return false;
	if (!take_time(in, &m))
		return false;
	*minutes = sign * m;
	return true;
}

static bool in_range(int64_t ms)
{
	return ms >= -25567 * MS_PER_DAY && ms < 84006 * MS_PER_DAY;
}

bool instant_parse(struct bytes text, const struct zone *zone, int64_t *ms)
{
	int minute, fraction = 0, offset;
	int64_t result;
	civil_date d;
	bool seconds;

	if (!take_date(&text, &d))
		return false;
	if (!take_word(&text, "T") && !take_word(&text, "t") && !take_word(&text, " "))
		return false;
	if (!take_time(&text, &minute))
		return false;
	seconds = take_word(&text, ":");
	if (seconds && !take_seconds(&text, &fraction))
		return false;
	if (text.len == 0) {
		if (!zone)
			return false;
		result = zone_instant(zone, d, minute) + fraction;
	} else {
		if (!seconds || !take_offset(&text, &offset) || text.len)
			return false;
		result = date_to_days(d) * MS_PER_DAY + (minute - offset) * 60000ll + fraction;
	}
	if (!in_range(result))
		return false;
	*ms = result;
	return true;
}

void instant_format(int64_t ms, struct buf *out)
{
	int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	int rest = (int)(ms - days * MS_PER_DAY);

	date_format(in_range(ms) ? date_from_days((int32_t)days) : 0, out);
	buf_printf(out, "T%02d:%02d:%02d", rest / 3600000, rest / 60000 % 60, rest / 1000 % 60);
	if (rest % 1000)
		buf_printf(out, ".%03d", rest % 1000);
	buf_add_u8(out, 'Z');
}

/* "+30d", "-1w", "+1m", "+1y" and nothing after it. */
static civil_date shifted(struct bytes text, civil_date today)
{
	int sign = take_word(&text, "-") ? -1 : take_word(&text, "+") ? 1 : 0;
	int n;

	if (sign == 0 || !take_digits(&text, 1, 5, &n) || text.len != 1)
		return 0;
	n *= sign;
	switch (text.data[0]) {
	case 'd':
		return date_add_days(today, n);
	case 'w':
		return date_add_days(today, n * 7);
	case 'm':
		return date_add_months(today, n, date_day(today));
	case 'y':
		return date_add_months(today, n * 12, date_day(today));
	default:
		return 0;
	}
}

static bool one_day(civil_date d, civil_date *from, civil_date *to)
{
	*from = *to = d;
	return d != 0;
}

/* step: -1 last, 0 this, 1 next. months: 1, 3 or 12, counted from January. */
static bool period_of_months(
	civil_date today, int months, int step, civil_date *from, civil_date *to)
{
	civil_date start = date_make(date_year(today), date_month(today), 1);

	start = date_add_months(start, -((date_month(today) - 1) % months) + step * months, 1);
	*from = start;
	*to = date_add_days(date_add_months(start, months, 1), -1);
	return *from && *to;
}

static bool period(struct bytes name, civil_date today, int step, civil_date *from, civil_date *to)
{
	if (bytes_equal_str(name, "week")) {
		*from = date_add_days(today, 1 - date_weekday(today) + step * 7);
		*to = date_add_days(*from, 6);
		return *from && *to;
	}
	if (bytes_equal_str(name, "month"))
		return period_of_months(today, 1, step, from, to);
	if (bytes_equal_str(name, "quarter"))
		return period_of_months(today, 3, step, from, to);
	if (bytes_equal_str(name, "year"))
		return period_of_months(today, 12, step, from, to);
	return false;
}

bool date_relative(struct bytes text, civil_date today, civil_date *from, civil_date *to)
{
	if (bytes_equal_str(text, "yesterday"))
		return one_day(date_add_days(today, -1), from, to);
	if (bytes_equal_str(text, "tomorrow"))
		return one_day(date_add_days(today, 1), from, to);
	if (take_word(&text, "today"))
		return one_day(text.len ? shifted(text, today) : today, from, to);
	if (take_word(&text, "this-"))
		return period(text, today, 0, from, to);
	if (take_word(&text, "last-"))
		return period(text, today, -1, from, to);
	if (take_word(&text, "next-"))
		return period(text, today, 1, from, to);
	return false;
}
