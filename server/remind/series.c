#include "server/remind/series.h"

static civil_date start_date(const struct series *s)
{
	return date_make(s->start.year, s->start.month, s->start.day);
}

static civil_date every_days(civil_date start, int step, civil_date from)
{
	int32_t gap = date_to_days(from) - date_to_days(start);

	if (gap <= 0)
		return start;
	return date_add_days(start, (gap + step - 1) / step * step);
}

static civil_date every_months(civil_date start, int step, civil_date from)
{
	int gap = (date_year(from) - date_year(start)) * 12 + date_month(from) - date_month(start);
	int months = gap <= 0 ? 0 : gap / step * step;
	civil_date d = date_add_months(start, months, date_day(start));

	return d >= from ? d : date_add_months(start, months + step, date_day(start));
}

/* Yearly by the calendar of the start; every counts from the first occurrence in the start's own calendar. */
static civil_date yearly(const struct series *s, civil_date from)
{
	civil_date d = from;
	int every = s->every > 1 && s->start.year ? s->every : 1;

	if (s->start.year && !s->start.lunar && start_date(s) > from)
		d = start_date(s);
	for (int tries = 0; tries < 4 * every + 4; tries++) {
		d = birthday_next(&s->start, s->rule, d);
		if (!d || every == 1 || (date_year(d) - s->start.year) % every == 0)
			return d;
		d = date_add_days(d, 1);
	}
	return 0;
}

static civil_date occurrence(const struct series *s, civil_date from)
{
	civil_date start;
	int every = s->every > 1 ? s->every : 1;

	if (s->start.lunar || !s->start.year || s->repeat == REPEAT_YEARLY)
		return yearly(s, from);
	start = start_date(s);
	if (s->rrule.freq)
		return rrule_next(&s->rrule, start, from);
	switch (s->repeat) {
	case REPEAT_DAILY:
		return every_days(start, every, from);
	case REPEAT_WEEKLY:
		return every_days(start, every * 7, from);
	case REPEAT_MONTHLY:
		return every_months(start, every, from);
	default:
		return start >= from ? start : 0;
	}
}

civil_date series_next(const struct series *s, civil_date from)
{
	civil_date d = occurrence(s, from);

	return d && s->until && d > s->until ? 0 : d;
}
