/* What a record owes by a rule: its last action, its period, the steps before and behind the limit. */
#include "server/model/computed.h"
#include "server/model/workdays.h"
#include "server/remind/cadence.h"
#include <glib.h>

#define GAPS_NEEDED 2 /* between three actions */
#define ACTIONS_READ 5000
#define SILENCE_MAX 3000 /* days */
#define LAST_YEAR 2190   /* of a limit: the calendar ends in 2199 */

/* Actions */

static bool counts(const struct cadence_rule *rule, uint64_t entry)
{
	for (size_t i = 0; i < rule->ncounting; i++)
		if (rule->counting[i] == entry)
			return true;
	return !rule->ncounting;
}

static const char *date_field(const struct cadence_rule *rule)
{
	return rule->action == ACTION_SALE ? "sale_date" : "activity_date";
}

struct gathering {
	const struct cadence_rule *rule;
	GArray *dates;
};

static enum status gather(void *arg, const struct stored *action, struct error *e)
{
	struct gathering *g = arg;
	const struct entity *en = g->rule->actions;
	civil_date date = (civil_date)model_number(en, action->fields, date_field(g->rule));

	if (date && counts(g->rule, record_number(action->fields, g->rule->kind->tag)) &&
		g->dates->len < ACTIONS_READ)
		g_array_append_val(g->dates, date);
	return STATUS_OK;
}

static gint by_date(gconstpointer a, gconstpointer b)
{
	return *(const civil_date *)a - *(const civil_date *)b;
}

static GArray *dates_of(struct txn *t, const struct cadence_rule *rule, uint64_t id)
{
	struct gathering g = { rule, g_array_new(FALSE, FALSE, sizeof(civil_date)) };

	each_of(t, rule->actions, rule->names->name, id, gather, &g, NULL);
	g_array_sort(g.dates, by_date);
	return g.dates;
}

/* The median of the days between distinct dates; rounded down. 0: too few of them. */
static int median_gap(const GArray *dates)
{
	GArray *gaps = g_array_new(FALSE, FALSE, sizeof(int));
	int median = 0;

	for (guint i = 1; i < dates->len; i++) {
		int gap = date_to_days(g_array_index(dates, civil_date, i)) -
			  date_to_days(g_array_index(dates, civil_date, i - 1));
		if (gap > 0)
			g_array_append_val(gaps, gap);
	}
	g_array_sort(gaps, by_date);
	if (gaps->len >= GAPS_NEEDED)
		median = (g_array_index(gaps, int, (gaps->len - 1) / 2) +
				 g_array_index(gaps, int, gaps->len / 2)) /
			 2;
	g_array_free(gaps, TRUE);
	return median;
}

static void read_acted(
	struct txn *t, const struct cadence_rule *rule, const struct stored *record, struct duty *d)
{
	GArray *dates;

	if (rule->latest)
		d->acted = (civil_date)record_number(record->fields, rule->latest->tag);
	if (rule->latest && (rule->rhythm != RHYTHM_SILENCE || !d->acted))
		return;
	dates = dates_of(t, rule, record->id);
	d->acted = dates->len ? g_array_index(dates, civil_date, dates->len - 1) : 0;
	if (rule->rhythm == RHYTHM_SILENCE)
		d->gap = median_gap(dates);
	g_array_free(dates, TRUE);
}

/* Whether anything is owed */

static bool is_over(const struct cadence_rule *rule, const struct stored *record)
{
	if (record->deleted || model_number(rule->entity, record->fields, "archived") ||
		model_number(rule->entity, record->fields, "left_on"))
		return true;
	for (size_t i = 0; rule->nover && cadence_progress[i]; i++) {
		uint64_t entry = model_number(rule->entity, record->fields, cadence_progress[i]);
		for (size_t k = 0; entry && k < rule->nover; k++)
			if (rule->over[k] == entry)
				return true;
	}
	return false;
}

static enum cadence_period period_of(const struct cadence_rule *rule, const struct stored *record)
{
	uint64_t entry;

	if (!rule->period_field)
		return rule->period;
	entry = record_number(record->fields, rule->period_field->tag);
	for (size_t i = 0; i < rule->nperiods; i++)
		if (rule->periods[i].entry == entry)
			return rule->periods[i].period;
	return PERIOD_NONE;
}

static civil_date since_of(const struct duty *d, const struct stored *record)
{
	const struct field *f = d->rule->since;

	if (!f || !record_has(record->fields, f->tag))
		return 0;
	return f->type == T_DATE ? (civil_date)record_number(record->fields, f->tag)
				 : zone_date(d->zone, record_signed(record->fields, f->tag));
}

bool duty_read(struct txn *t, const struct cadence_rule *rule, const struct stored *record,
	struct duty *out)
{
	*out = (struct duty){ .txn = t, .rule = rule, .record = record->id };
	out->user = model_number(rule->entity, record->fields, rule->entity->owner_field);
	if (!out->user || is_over(rule, record))
		return false;
	out->period = rule->rhythm == RHYTHM_PERIOD ? period_of(rule, record) : PERIOD_NONE;
	if (rule->rhythm == RHYTHM_PERIOD && out->period == PERIOD_NONE)
		return false;
	if ((rule->condition && !condition_match(rule->condition, t, &scope_all, record)) ||
		plan_closed_above(t, rule->entity, record))
		return false;
	out->branch = model_number(rule->entity, record->fields, "branch");
	out->zone = user_zone(t, out->user);
	out->made_ms = record_signed(record->fields, TAG_CREATED_AT);
	out->since = since_of(out, record);
	read_acted(t, rule, record, out);
	return true;
}

uint64_t duty_user(struct txn *t, const struct duty *d, const struct stored *record)
{
	static const struct field nobody = { .name = "" };

	return remind_user_of(t, d->rule->entity, &nobody, record);
}

/* Periods */

static civil_date month_start(civil_date d, int months)
{
	int month = (date_month(d) - 1) / months * months + 1;

	return date_make(date_year(d), month, 1);
}

static int months_in(enum cadence_period period)
{
	static const int months[] = {
		[PERIOD_MONTH] = 1, [PERIOD_QUARTER] = 3, [PERIOD_HALF_YEAR] = 6, [PERIOD_YEAR] = 12
	};

	return months[period];
}

static civil_date period_start(enum cadence_period period, civil_date d)
{
	if (period == PERIOD_WEEK)
		return date_add_days(d, 1 - date_weekday(d));
	return month_start(d, months_in(period));
}

/* The first day of the next one. */
static civil_date period_after(enum cadence_period period, civil_date start)
{
	if (period == PERIOD_WEEK)
		return date_add_days(start, 7);
	return date_add_months(start, months_in(period), 1);
}

static civil_date period_limit(enum cadence_period period, civil_date start)
{
	return date_add_days(period_after(period, start), -1);
}

/* Steps */

static void set_row(
	const struct duty *d, civil_date day, civil_date limit, uint16_t nth, struct due_row *out)
{
	*out = (struct due_row){ .instant = zone_instant(d->zone, day, d->rule->minute),
		.entity = d->rule->entity->number,
		.id = d->record,
		.tag = cadence_tag(d->rule),
		.nth = nth,
		.occurrence = limit,
		.user = d->user };
}

/* A reminder comes on the working day before, an escalation on the next one, where the rule asks for it. */
static civil_date moved(const struct duty *d, civil_date day, bool back)
{
	if (!d->rule->workdays || workday_is(d->txn, d->branch, day))
		return day;
	return workday_add(d->txn, d->branch, day, back ? -1 : 0);
}

/* The i-th step of a period, in the order of time: days ahead, then the escalation. false: there are no more. */
static bool period_step(const struct duty *d, civil_date start, size_t i, struct due_row *out)
{
	int usual[CADENCE_MANY];
	const int *ahead = d->rule->nahead ? d->rule->ahead : usual;
	size_t n = d->rule->nahead ? d->rule->nahead : cadence_usual(d->period, usual);
	civil_date limit = period_limit(d->period, start), day;

	if (i > n || (i == n && !d->rule->escalate))
		return false;
	if (i == n) {
		set_row(d, moved(d, date_add_days(limit, 1), false), limit, CADENCE_ESCALATE, out);
		return true;
	}
	day = moved(d, date_add_days(limit, -ahead[i]), true);
	set_row(d, day < start ? start : day, limit, (uint16_t)ahead[i], out);
	return true;
}

static civil_date later(civil_date a, civil_date b)
{
	return a > b ? a : b;
}

/* A record that was made when its first reminder was over begins with the next period. */
static bool period_begins_too_late(const struct duty *d, civil_date start)
{
	struct due_row first;

	return period_step(d, start, 0, &first) && d->made_ms > first.instant;
}

static bool next_of_period(const struct duty *d, int64_t after_ms, struct due_row *out)
{
	enum cadence_period p = d->period;
	civil_date start;

	if (date_year(d->acted) > LAST_YEAR)
		return false;
	start = period_start(p, date_add_days(zone_date(d->zone, after_ms), -1));

	if (d->acted)
		start = later(start, period_after(p, period_start(p, d->acted)));
	start = later(start, period_start(p, zone_date(d->zone, d->made_ms)));
	for (int tries = 0; tries < 4; tries++, start = period_after(p, start))
		for (size_t i = 0;
			!period_begins_too_late(d, start) && period_step(d, start, i, out); i++)
			if (out->instant > after_ms)
				return true;
	return false;
}

/* A date that reminds lies ahead: what was done before it counts as well. */
static bool acted_since(const struct duty *d)
{
	return d->rule->since->remind != REMIND_NONE ? d->acted != 0 : d->acted >= d->since;
}

/* So many days after the beginning; a rule that keeps off holidays counts working days. */
static civil_date step_day(const struct duty *d, int days)
{
	if (d->rule->workdays)
		return workday_add(d->txn, d->branch, d->since, days);
	return date_add_days(d->since, days);
}

static civil_date steps_limit(const struct duty *d)
{
	return step_day(d, d->rule->steps[d->rule->nsteps - 1]);
}

static bool next_of_steps(const struct duty *d, int64_t after_ms, struct due_row *out)
{
	if (!d->since || acted_since(d) || date_year(d->since) > LAST_YEAR)
		return false;
	for (size_t i = 0; i < d->rule->nsteps; i++) {
		set_row(d, step_day(d, d->rule->steps[i]), steps_limit(d), (uint16_t)i, out);
		if (out->instant > after_ms)
			return true;
	}
	return false;
}

/* The first day on which the silence has lasted the factor times the record's own rhythm. */
static civil_date silence_limit(const struct duty *d)
{
	int64_t days = (d->rule->factor * d->gap + 9999) / 10000;

	return date_add_days(d->acted, days > SILENCE_MAX ? SILENCE_MAX : (int)days);
}

static bool next_of_silence(const struct duty *d, int64_t after_ms, struct due_row *out)
{
	if (!d->acted || !d->gap || date_year(d->acted) > LAST_YEAR)
		return false;
	set_row(d, moved(d, silence_limit(d), false), silence_limit(d), 0, out);
	return out->instant > after_ms;
}

bool duty_next(const struct duty *d, int64_t after_ms, struct due_row *out)
{
	switch (d->rule->rhythm) {
	case RHYTHM_PERIOD:
		return next_of_period(d, after_ms, out);
	case RHYTHM_STEPS:
		return next_of_steps(d, after_ms, out);
	default:
		return next_of_silence(d, after_ms, out);
	}
}

bool duty_open(const struct duty *d, civil_date limit)
{
	civil_date start;

	switch (d->rule->rhythm) {
	case RHYTHM_PERIOD:
		start = period_start(d->period, limit);
		return limit == period_limit(d->period, start) && d->acted < start;
	case RHYTHM_STEPS:
		return d->since && !acted_since(d) && limit == steps_limit(d);
	default:
		return d->acted && d->gap && limit == silence_limit(d);
	}
}

/* Of steps all but the first are copied; a silence is told to both. */
bool duty_escalates(const struct cadence_rule *rule, uint16_t nth)
{
	if (!rule->escalate)
		return false;
	return rule->rhythm == RHYTHM_PERIOD ? nth == CADENCE_ESCALATE
					     : rule->rhythm == RHYTHM_SILENCE || nth > 0;
}
