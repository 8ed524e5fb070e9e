#include "common/rrule.h"
#include "common/text.h"
#include <stdarg.h>

#define LAST_YEAR 2199
#define FIRST_DAY (-25567) /* 1900-01-01 */
#define LAST_DAY 84005     /* 2199-12-31 */
#define YEAR_DAYS_MAX 366

/* Sets of numbers */

static void set_add(struct rrule_set *s, int n)
{
	uint64_t *bits = n > 0 ? s->from_start : s->from_end;
	int i = (n > 0 ? n : -n) - 1;

	bits[i / 64] |= UINT64_C(1) << i % 64;
	s->any = true;
}

static bool bit_of(const uint64_t *bits, int n)
{
	return bits[(n - 1) / 64] >> (n - 1) % 64 & 1;
}

/* Whether the n-th of count, n from 1, is in the set. */
static bool set_has(const struct rrule_set *s, int n, int count)
{
	return bit_of(s->from_start, n) || bit_of(s->from_end, count - n + 1);
}

/* Parsing */

static const char *const freq_names[] = { "", "DAILY", "WEEKLY", "MONTHLY", "YEARLY" };
static const char *const weekday_names[] = { "", "MO", "TU", "WE", "TH", "FR", "SA", "SU" };
static const char *const finer[] = { "SECONDLY", "MINUTELY", "HOURLY", "BYSECOND", "BYMINUTE",
	"BYHOUR" };

static bool refuse(char why[96], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(char why[96], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, 96, format, args);
	va_end(args);
	return false;
}

/* What stands before c; *in is what stands behind it, nothing when there is no c. */
static struct bytes take_until(struct bytes *in, char c)
{
	const uint8_t *at = in->len ? memchr(in->data, c, in->len) : NULL;
	size_t n = at ? (size_t)(at - in->data) : in->len;
	struct bytes out = bytes_of(in->data, n);

	*in = bytes_of(in->data + n + (at != NULL), in->len - n - (at != NULL));
	return out;
}

/* [+-] and up to four digits. */
static bool read_number(struct bytes in, int *out)
{
	bool minus = in.len && in.data[0] == '-';
	int v = 0;

	if (in.len && (minus || in.data[0] == '+'))
		in = bytes_of(in.data + 1, in.len - 1);
	if (in.len == 0 || in.len > 4)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] < '0' || in.data[i] > '9')
			return false;
		v = v * 10 + in.data[i] - '0';
	}
	*out = minus ? -v : v;
	return true;
}

static bool read_count(struct bytes in, int most, int *out)
{
	return read_number(in, out) && *out >= 1 && *out <= most;
}

static int weekday_of(struct bytes in)
{
	for (int i = 1; i <= 7; i++)
		if (bytes_equal_str(in, weekday_names[i]))
			return i;
	return 0;
}

static bool read_freq(struct rrule *r, struct bytes in)
{
	for (int i = RRULE_DAILY; i <= RRULE_YEARLY; i++)
		if (bytes_equal_str(in, freq_names[i]))
			r->freq = (enum rrule_freq)i;
	return r->freq != RRULE_NONE;
}

static bool read_interval(struct rrule *r, struct bytes in)
{
	return read_count(in, RRULE_INTERVAL_MAX, &r->interval);
}

static bool read_occurrences(struct rrule *r, struct bytes in)
{
	return read_count(in, RRULE_COUNT_MAX, &r->count);
}

static bool read_until(struct rrule *r, struct bytes in)
{
	int year, month_day;

	if (in.len != 8 || !read_number(bytes_of(in.data, 4), &year) ||
		!read_number(bytes_of(in.data + 4, 4), &month_day))
		return false;
	r->until = date_make(year, month_day / 100, month_day % 100);
	return r->until != 0;
}

static bool read_week_start(struct rrule *r, struct bytes in)
{
	r->week_start = weekday_of(in);
	return r->week_start != 0;
}

static bool read_months(struct rrule *r, struct bytes in)
{
	int n;

	while (in.len) {
		if (!read_count(take_until(&in, ','), 12, &n))
			return false;
		r->months |= (uint16_t)(1u << n);
	}
	return r->months != 0;
}

/* FR, -1FR: the last of the month or year. */
static bool read_weekday(struct rrule *r, struct bytes in)
{
	int day = in.len < 2 ? 0 : weekday_of(bytes_of(in.data + in.len - 2, 2)), n;

	if (!day)
		return false;
	if (in.len == 2) {
		r->weekdays |= (uint8_t)(1u << day);
		return true;
	}
	if (!read_number(bytes_of(in.data, in.len - 2), &n) || !n || n > 53 || n < -53)
		return false;
	set_add(&r->nth[day], n);
	r->nth[0].any = true;
	return true;
}

static bool read_weekdays(struct rrule *r, struct bytes in)
{
	do {
		if (!read_weekday(r, take_until(&in, ',')))
			return false;
	} while (in.len);
	return true;
}

static bool read_set(struct rrule_set *s, struct bytes in, int most)
{
	int n;

	do {
		if (!read_number(take_until(&in, ','), &n) || !n || n > most || n < -most)
			return false;
		set_add(s, n);
	} while (in.len);
	return true;
}

static bool read_month_days(struct rrule *r, struct bytes in)
{
	return read_set(&r->month_days, in, 31);
}

static bool read_year_days(struct rrule *r, struct bytes in)
{
	return read_set(&r->year_days, in, YEAR_DAYS_MAX);
}

static bool read_weeks(struct rrule *r, struct bytes in)
{
	return read_set(&r->weeks, in, 53);
}

static bool read_positions(struct rrule *r, struct bytes in)
{
	return read_set(&r->positions, in, YEAR_DAYS_MAX);
}

/* Bits of the frequencies that a part goes with. */
enum {
	DAILY = 1 << RRULE_DAILY,
	WEEKLY = 1 << RRULE_WEEKLY,
	MONTHLY = 1 << RRULE_MONTHLY,
	YEARLY = 1 << RRULE_YEARLY,
	ALL = DAILY | WEEKLY | MONTHLY | YEARLY
};

static const struct part {
	const char *name;
	bool (*read)(struct rrule *r, struct bytes in);
	unsigned goes_with;
} parts[] = {
	{ "FREQ", read_freq, ALL },
	{ "INTERVAL", read_interval, ALL },
	{ "COUNT", read_occurrences, ALL },
	{ "UNTIL", read_until, ALL },
	{ "WKST", read_week_start, ALL },
	{ "BYMONTH", read_months, ALL },
	{ "BYDAY", read_weekdays, ALL },
	{ "BYMONTHDAY", read_month_days, DAILY | MONTHLY | YEARLY },
	{ "BYYEARDAY", read_year_days, YEARLY },
	{ "BYWEEKNO", read_weeks, YEARLY },
	{ "BYSETPOS", read_positions, WEEKLY | MONTHLY | YEARLY },
};
#define NPARTS (sizeof parts / sizeof *parts)

static bool is_finer(struct bytes word)
{
	for (size_t i = 0; i < sizeof finer / sizeof *finer; i++)
		if (bytes_equal_str(word, finer[i]))
			return true;
	return false;
}

static int cut(struct bytes b)
{
	return b.len > 24 ? 24 : (int)b.len;
}

/* One NAME=VALUE; seen has a bit for each row of parts. */
static bool read_part(struct rrule *r, struct bytes part, unsigned *seen, char why[96])
{
	struct bytes value = part, name = take_until(&value, '=');

	if (is_finer(name) || is_finer(value))
		return refuse(why, "is finer than a day: %.*s", cut(part), part.data);
	for (size_t i = 0; i < NPARTS; i++) {
		if (!bytes_equal_str(name, parts[i].name))
			continue;
		if (*seen & 1u << i)
			return refuse(why, "has two parts %s", parts[i].name);
		*seen |= 1u << i;
		if (!value.len || value.data[value.len - 1] == ',' || !parts[i].read(r, value))
			return refuse(why, "has a bad value: %.*s", cut(part), part.data);
		return true;
	}
	return refuse(why, "has a part that is unknown: %.*s", cut(part), part.data);
}

static bool goes_together(const struct rrule *r, unsigned seen, char why[96])
{
	const char *freq = freq_names[r->freq];

	for (size_t i = 0; i < NPARTS; i++)
		if (seen & 1u << i && !(parts[i].goes_with & 1u << r->freq))
			return refuse(
				why, "has %s, which FREQ=%s does not take", parts[i].name, freq);
	if (r->nth[0].any && (r->freq < RRULE_MONTHLY || r->weeks.any))
		return refuse(why, "has numbers in BYDAY, which %s does not take",
			r->weeks.any             ? "BYWEEKNO"
			: r->freq == RRULE_DAILY ? "FREQ=DAILY"
						 : "FREQ=WEEKLY");
	if (r->count && r->until)
		return refuse(why, "has both COUNT and UNTIL");
	if (r->positions.any && !r->months && !r->weekdays && !r->nth[0].any &&
		!r->month_days.any && !r->year_days.any && !r->weeks.any)
		return refuse(why, "has BYSETPOS alone: it chooses among days of other parts");
	return true;
}

bool rrule_parse(struct bytes text, struct rrule *out, char why[96])
{
	char upper[RRULE_TEXT_MAX];
	struct bytes rest = bytes_of(upper, text.len);
	unsigned seen = 0;

	*out = (struct rrule){ .interval = 1, .week_start = 1 };
	if (text.len > sizeof upper)
		return refuse(why, "is longer than %d characters", RRULE_TEXT_MAX);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		if (c <= ' ' || c >= 0x7F)
			return refuse(why, "is not a rule such as FREQ=MONTHLY;BYDAY=-1FR");
	}
	if (bytes_starts(rest, bytes_str("RRULE:")))
		rest = bytes_of(rest.data + 6, rest.len - 6);
	do {
		if (!read_part(out, take_until(&rest, ';'), &seen, why))
			return false;
	} while (rest.len);
	if (!out->freq)
		return refuse(why, "is not a rule such as FREQ=MONTHLY;BYDAY=-1FR");
	return goes_together(out, seen, why);
}

/* Days */

struct day {
	int32_t days; /* since 1970 */
	int year, month, of_month, of_year, weekday;
	int month_days, year_days;
};

static void day_at(int32_t days, struct day *d)
{
	civil_date date = date_from_days(days);

	d->days = days;
	d->year = date_year(date);
	d->month = date_month(date);
	d->of_month = date_day(date);
	d->of_year = days - date_to_days(date_make(d->year, 1, 1)) + 1;
	d->weekday = date_weekday(date);
	d->month_days = date_month_days(d->year, d->month);
	d->year_days = 337 + date_month_days(d->year, 2);
}

static void day_next(struct day *d)
{
	if (d->of_month == d->month_days) {
		day_at(d->days + 1, d);
		return;
	}
	d->days++;
	d->of_month++;
	d->of_year++;
	d->weekday = d->weekday % 7 + 1;
}

/* The first day of week 1 of a year: the week with at least four days in it. */
static int32_t first_week(int year, int week_start)
{
	civil_date first = year * 10000 + 101;
	int into = (date_weekday(first) - week_start + 7) % 7;

	return date_to_days(first) - into + (into > 3 ? 7 : 0);
}

static bool in_weeks(const struct rrule *r, const struct day *d)
{
	int year = d->year;
	int32_t start;

	if (d->days < first_week(year, r->week_start))
		year--;
	else if (d->days >= first_week(year + 1, r->week_start))
		year++;
	start = first_week(year, r->week_start);
	return set_has(&r->weeks, (d->days - start) / 7 + 1,
		(first_week(year + 1, r->week_start) - start) / 7);
}

static bool in_weekdays(const struct rrule *r, const struct day *d)
{
	bool of_month = r->freq == RRULE_MONTHLY || r->months;
	int n = of_month ? d->of_month : d->of_year;
	int days = of_month ? d->month_days : d->year_days;

	if (r->weekdays >> d->weekday & 1)
		return true;
	return r->nth[d->weekday].any &&
	       set_has(&r->nth[d->weekday], (n - 1) / 7 + 1, (n - 1) / 7 + (days - n) / 7 + 1);
}

static bool matches(const struct rrule *r, const struct day *d)
{
	if (r->months && !(r->months >> d->month & 1))
		return false;
	if (r->month_days.any && !set_has(&r->month_days, d->of_month, d->month_days))
		return false;
	if ((r->weekdays || r->nth[0].any) && !in_weekdays(r, d))
		return false;
	if (r->year_days.any && !set_has(&r->year_days, d->of_year, d->year_days))
		return false;
	return !r->weeks.any || in_weeks(r, d);
}

/* What the rule leaves open is that of the start. */
static struct rrule completed(const struct rrule *r, civil_date start)
{
	struct rrule c = *r;
	bool days = r->month_days.any || r->year_days.any || r->weekdays || r->nth[0].any;

	if (days)
		return c;
	if (r->freq == RRULE_WEEKLY || r->weeks.any) {
		c.weekdays = (uint8_t)(1u << date_weekday(start));
		return c;
	}
	if (r->freq == RRULE_MONTHLY || r->freq == RRULE_YEARLY)
		set_add(&c.month_days, date_day(start));
	if (r->freq == RRULE_YEARLY && !r->months)
		c.months = (uint16_t)(1u << date_month(start));
	return c;
}

/* Periods: the days, weeks, months or years that INTERVAL counts, 0 that of the start */

static int32_t month_start(civil_date start, int months)
{
	int m = date_year(start) * 12 + date_month(start) - 1 + months;

	return m / 12 > LAST_YEAR ? INT32_MAX : date_to_days(date_make(m / 12, m % 12 + 1, 1));
}

/* The first day of period n; INT32_MAX behind the range of dates. */
static int32_t period_start(const struct rrule *r, civil_date start, int n)
{
	int32_t day = date_to_days(start);
	int year;

	switch (r->freq) {
	case RRULE_DAILY:
		return day + n;
	case RRULE_WEEKLY:
		return day - (date_weekday(start) - r->week_start + 7) % 7 + 7 * n;
	case RRULE_MONTHLY:
		return month_start(start, n);
	default:
		year = date_year(start) + n;
		return year > LAST_YEAR ? INT32_MAX : date_to_days(date_make(year, 1, 1));
	}
}

/* The number of the period of a day that is not before the start. */
static int period_of(const struct rrule *r, civil_date start, civil_date day)
{
	int months = (date_year(day) - date_year(start)) * 12 + date_month(day) - date_month(start);

	switch (r->freq) {
	case RRULE_DAILY:
		return date_to_days(day) - date_to_days(start);
	case RRULE_WEEKLY:
		return (date_to_days(day) - period_start(r, start, 0)) / 7;
	case RRULE_MONTHLY:
		return months;
	default:
		return date_year(day) - date_year(start);
	}
}

/* The days of one period that match, ascending. Returns how many. */
static int period_days(
	const struct rrule *r, int32_t first, int32_t end, int32_t out[YEAR_DAYS_MAX])
{
	struct day d;
	int n = 0;

	day_at(first, &d);
	while (d.days < end) {
		if (matches(r, &d))
			out[n++] = d.days;
		if (d.days + 1 == end)
			break;
		day_next(&d);
	}
	return n;
}

static int chosen(const struct rrule *r, int32_t days[YEAR_DAYS_MAX], int n)
{
	int kept = 0;

	if (!r->positions.any)
		return n;
	for (int i = 0; i < n; i++)
		if (set_has(&r->positions, i + 1, n))
			days[kept++] = days[i];
	return kept;
}

/* A search under way. */
struct search {
	struct rrule rule;
	civil_date start;
	int32_t from, last; /* days */
	int left;           /* of COUNT; below 0: without end */
};

/* The first day of a period that the search wants; INT32_MIN: none, *over when there is none behind it either. */
static int32_t in_period(struct search *s, int n, bool *over)
{
	int32_t days[YEAR_DAYS_MAX], first = period_start(&s->rule, s->start, n);
	int32_t end = period_start(&s->rule, s->start, n + 1), start = date_to_days(s->start);
	int count;

	*over = first > s->last;
	if (*over)
		return INT32_MIN;
	first = first < FIRST_DAY ? FIRST_DAY : first;
	count = period_days(&s->rule, first, end > LAST_DAY ? LAST_DAY + 1 : end, days);
	count = chosen(&s->rule, days, count);
	for (int i = 0; i < count && !*over; i++) {
		if (days[i] < start)
			continue;
		if (days[i] >= s->from && days[i] <= s->last)
			return days[i];
		*over = s->left > 0 && --s->left == 0;
	}
	return INT32_MIN;
}

civil_date rrule_next(const struct rrule *r, civil_date start, civil_date from)
{
	struct search s = { .rule = completed(r, start), .start = start };
	civil_date last = r->until ? r->until : LAST_YEAR * 10000 + 1231;
	int n = 0;
	bool over = false;
	int32_t found;

	if (from < start)
		from = start;
	if (from > last)
		return 0;
	s.from = date_to_days(from);
	s.last = date_to_days(last);
	s.left = r->count ? r->count : -1;
	if (!r->count)
		n = period_of(&s.rule, start, from) / r->interval * r->interval;
	for (; !over; n += r->interval) {
		found = in_period(&s, n, &over);
		if (found != INT32_MIN)
			return date_from_days(found);
	}
	return 0;
}
