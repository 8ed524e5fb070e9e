/*
 * iCalendar (RFC 5545): records with a date as events. A series that calendars can say is one event with a rule; what they cannot say, such as
 * lunar birthdays, stands day by day for the next years. The same record and day have the same UID in every export.
 *
 * Times of the day are floating: nine o'clock where the reader is, which is what a reminder means. Written by hand: libical would bring ICU
 * into every start of the client.
 */
#include "client/export.h"
#include "client/profile.h"
#include "common/birthday.h"
#include "common/clock.h"
#include "common/text.h"
#include <glib.h>

#define YEARS 5
#define LINE_MAX_BYTES 75

/* The date of a record: the first of these that its entity has. */
static const struct dated {
	const char *date, *time;
} dates[] = { { "start_on", "time_of_day" }, { "due_on", "due_time" }, { "scheduled_start", NULL },
	{ "birthday", NULL }, { "reminder_date", "reminder_time" }, { "ends_on", NULL } };

struct event {
	struct export *x;
	const struct view *v;
	const struct field *field; /* of the date */
	struct buf *out;
	struct buf time; /* HH:MM, empty: the whole day */
	struct buf rule;
	civil_date day;
	bool one_of_many; /* the day is part of the UID */
};

static const struct dated *dated_of(const struct entity *en)
{
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
		if (entity_field_named(en, dates[i].date))
			return &dates[i];
	return NULL;
}

/* A line of any length, folded between characters (3.1). */
static void add_line(struct buf *out, struct bytes line)
{
	size_t room = LINE_MAX_BYTES;

	while (line.len > room) {
		size_t n = room;
		while (n && (line.data[n] & 0xC0) == 0x80)
			n--;
		n = n ? n : room;
		buf_add(out, line.data, n);
		buf_add_str(out, "\r\n ");
		line = bytes_of(line.data + n, line.len - n);
		room = LINE_MAX_BYTES - 1;
	}
	buf_add_bytes(out, line);
	buf_add_str(out, "\r\n");
}

/* Text of a property (3.3.11); other control characters are none. */
static void add_text(struct buf *out, const char *name, struct bytes text)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "%s:", name);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '\n')
			buf_add_str(&line, "\\n");
		else if (c == '\\' || c == ';' || c == ',')
			buf_printf(&line, "\\%c", c);
		else if (c >= 0x20 && c != 0x7F)
			buf_add_u8(&line, c);
	}
	add_line(out, buf_bytes(&line));
	buf_free(&line);
}

static bool text_of(const struct view *v, const char *name, enum form form, struct buf *out)
{
	const struct field *f = entity_field_named(v->entity, name);

	if (f && view_has(v, f) && !view_masked(v, f))
		view_cell(v, f, form, out);
	return out->len > 0;
}

/* A code or a number of a field; "" when it is not set. */
static const char *code_of(const struct view *v, const char *name, char out[64])
{
	struct buf text = BUF_INIT;

	out[0] = '\0';
	if (text_of(v, name, FORM_CODE, &text))
		snprintf(out, 64, "%s", buf_str(&text));
	buf_free(&text);
	return out;
}

static void add_day(struct buf *out, civil_date d)
{
	buf_printf(out, "%04d%02d%02d", date_year(d), date_month(d), date_day(d));
}

/* 2026-11-24T00:59:00.123Z -> 20261124T005900Z */
static void add_instant(struct buf *out, const char *name, struct bytes rfc)
{
	buf_printf(out, "%s:", name);
	for (size_t i = 0; i < rfc.len && i < 19; i++)
		if (rfc.data[i] != '-' && rfc.data[i] != ':')
			buf_add_u8(out, rfc.data[i]);
	buf_add_str(out, "Z\r\n");
}

static void add_stamp(const struct event *ev)
{
	struct buf text = BUF_INIT;

	if (!text_of(ev->v, "updated_at", FORM_PORTABLE, &text) &&
		!text_of(ev->v, "created_at", FORM_PORTABLE, &text))
		buf_add_str(&text, "1970-01-01T00:00:00Z");
	add_instant(ev->out, "DTSTAMP", buf_bytes(&text));
	buf_free(&text);
}

static void add_uid(const struct event *ev)
{
	const struct profile *p = ev->x->app->profile;
	struct buf line = BUF_INIT;

	buf_printf(
		&line, "UID:%s-%llu", ev->v->entity->name, (unsigned long long)ev->v->record->id);
	if (ev->one_of_many) {
		buf_add_u8(&line, '-');
		add_day(&line, ev->day);
	}
	buf_printf(&line, "@%.16s.guanxi", p && p->pin ? p->pin : "server");
	add_line(ev->out, buf_bytes(&line));
	buf_free(&line);
}

/* Reminds in the reader's calendar too: so many days ahead as here. */
static void add_alarms(const struct event *ev, struct bytes title)
{
	const struct field *f = entity_field_named(ev->v->entity, "days_before");
	struct bytes rest;
	struct wire_field w;

	f = f ? f : entity_field_named(ev->v->entity, "reminder_days_before");
	rest = f ? record_run(buf_bytes(&ev->v->fields), f->tag) : bytes_of("", 0);
	while (record_next(&rest, &w, NULL)) {
		buf_add_str(ev->out, "BEGIN:VALARM\r\nACTION:DISPLAY\r\n");
		add_text(ev->out, "DESCRIPTION", title);
		buf_printf(ev->out, "TRIGGER:-P%lldD\r\nEND:VALARM\r\n",
			(long long)unzigzag(w.number));
	}
}

static void add_event(struct event *ev)
{
	struct buf title = BUF_INIT;

	view_title(ev->v, &title);
	buf_add_str(ev->out, "BEGIN:VEVENT\r\n");
	add_uid(ev);
	add_stamp(ev);
	if (ev->time.len == 5) {
		buf_add_str(ev->out, "DTSTART:");
		add_day(ev->out, ev->day);
		buf_printf(ev->out, "T%.2s%.2s00\r\n", buf_str(&ev->time), buf_str(&ev->time) + 3);
	} else {
		buf_add_str(ev->out, "DTSTART;VALUE=DATE:");
		add_day(ev->out, ev->day);
		buf_add_str(ev->out, "\r\nTRANSP:TRANSPARENT\r\n");
	}
	if (ev->rule.len)
		add_line(ev->out, buf_bytes(&ev->rule));
	add_text(ev->out, "SUMMARY", buf_bytes(&title));
	add_alarms(ev, buf_bytes(&title));
	buf_add_str(ev->out, "END:VEVENT\r\n");
	buf_free(&title);
}

/* The 29th to 31st are the last day of shorter months. */
static void add_month_day(struct buf *rule, int day)
{
	static const char *const last[] = { "28,29", "28,29,30", "28,29,30,31" };

	if (day <= 28)
		buf_printf(rule, ";BYMONTHDAY=%d", day);
	else
		buf_printf(rule, ";BYMONTHDAY=%s;BYSETPOS=-1", last[day - 29]);
}

/* "" when it does not repeat. */
static void make_rule(struct event *ev, const struct birthday *start, const char *repeat)
{
	char every[64], until[64];
	civil_date last;

	buf_clear(&ev->rule);
	if (text_of(ev->v, "rrule", FORM_CODE, &ev->rule)) {
		struct buf whole = BUF_INIT;
		buf_printf(&whole, "RRULE:%s",
			!strncasecmp(buf_str(&ev->rule), "RRULE:", 6) ? buf_str(&ev->rule) + 6
								      : buf_str(&ev->rule));
		buf_free(&ev->rule);
		ev->rule = whole;
		return;
	}
	if (!repeat[0] || !strcmp(repeat, "none"))
		return;
	buf_printf(&ev->rule, "RRULE:FREQ=%s", repeat);
	for (size_t i = 11; i < ev->rule.len; i++)
		ev->rule.data[i] = (uint8_t)g_ascii_toupper((char)ev->rule.data[i]);
	if (code_of(ev->v, "repeat_every", every)[0] && strcmp(every, "1") != 0)
		buf_printf(&ev->rule, ";INTERVAL=%s", every);
	if (!strcmp(repeat, "monthly"))
		add_month_day(&ev->rule, start->day);
	if (!strcmp(repeat, "yearly") && start->month == 2 && start->day == 29) {
		buf_add_str(&ev->rule, ";BYMONTH=2");
		add_month_day(&ev->rule, 29);
	}
	if (code_of(ev->v, "repeat_until", until)[0] && date_parse(bytes_str(until), &last)) {
		buf_add_str(&ev->rule, ";UNTIL=");
		add_day(&ev->rule, last);
		buf_add_str(&ev->rule, ev->time.len == 5 ? "T235959" : "");
	}
}

/* Calendars know no lunar days: those of the next years, each by itself. */
static void add_days(struct event *ev, const struct birthday *start, struct birthday_rule rule)
{
	civil_date today = zone_date(app_zone(ev->x->app), real_ms());
	civil_date end = date_add_days(today, YEARS * 366), d = today;

	ev->one_of_many = true;
	while ((d = birthday_next(start, rule, d)) && d <= end) {
		ev->day = d;
		add_event(ev);
		d = date_add_days(d, 1);
	}
}

static void add_series(struct event *ev, const struct birthday *start, const char *repeat)
{
	char keep[64];
	struct birthday_rule rule = { 0 };

	if (code_of(ev->v, "birthday_calendar", keep)[0])
		birthday_keep_from_code(keep, &rule.keep);
	if (start->lunar || rule.keep == KEEP_LUNAR || rule.keep == KEEP_BOTH) {
		add_days(ev, start, rule);
		return;
	}
	ev->day = date_make(start->year, start->month, start->day);
	if (!start->year) {
		ev->day = birthday_next(start, rule, zone_date(app_zone(ev->x->app), real_ms()));
		repeat = "yearly";
	}
	make_rule(ev, start, repeat);
	if (ev->day)
		add_event(ev);
}

/* Over: nothing of it stands in a calendar. */
static bool is_over(const struct view *v)
{
	static const char *const over[] = { "acknowledged", "finished", "done", "cancelled" };
	char state[64];

	code_of(v, "state", state);
	for (size_t i = 0; i < sizeof over / sizeof *over; i++)
		if (!strcmp(state, over[i]))
			return true;
	return false;
}

/* An instant: in UTC. */
static void add_slot(struct event *ev, const char *end, struct bytes text)
{
	struct buf title = BUF_INIT, last = BUF_INIT;

	view_title(ev->v, &title);
	buf_add_str(ev->out, "BEGIN:VEVENT\r\n");
	add_uid(ev);
	add_stamp(ev);
	add_instant(ev->out, "DTSTART", text);
	if (text_of(ev->v, end, FORM_PORTABLE, &last))
		add_instant(ev->out, "DTEND", buf_bytes(&last));
	add_text(ev->out, "SUMMARY", buf_bytes(&title));
	buf_add_str(ev->out, "END:VEVENT\r\n");
	buf_free(&title);
	buf_free(&last);
}

static void add_dated(struct event *ev, const struct dated *d, struct bytes text)
{
	char repeat[64], move[64], why[96];
	struct birthday start;
	int64_t ms;

	if (ev->field->type == T_DATETIME) {
		if (instant_parse(text, NULL, &ms))
			add_slot(ev, "scheduled_end", text);
		return;
	}
	if (!birthday_parse(text, &start, why))
		return;
	code_of(ev->v, "repeat", repeat);
	if (!strcmp(d->date, "birthday"))
		snprintf(repeat, sizeof repeat, "yearly");
	if (d->time)
		text_of(ev->v, d->time, FORM_CODE, &ev->time);
	/* one that keeps off holidays: calendars do not know them, the server's next day stands alone */
	if (code_of(ev->v, "workday", move)[0] && strcmp(move, "none") != 0)
		snprintf(repeat, sizeof repeat, "none");
	add_series(ev, &start, repeat);
}

enum status export_ics_begin(struct export *x, struct error *e)
{
	if (!dated_of(x->entity))
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "'%s' has no date: there is no calendar of it"),
			x->entity->name);
	buf_add_str(&x->text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//guanxi//guanxi " VERSION
			      "//EN\r\nCALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n");
	return STATUS_OK;
}

enum status export_ics_add(struct export *x, const struct view *v, struct error *e)
{
	const struct dated *d = dated_of(x->entity);
	struct event ev = {
		.x = x, .v = v, .field = entity_field_named(x->entity, d->date), .out = &x->text
	};
	struct buf text = BUF_INIT;

	if (!is_over(v) && view_has(v, ev.field) && !view_masked(v, ev.field)) {
		view_cell(v, ev.field, ev.field->type == T_DATETIME ? FORM_PORTABLE : FORM_CODE,
			&text);
		add_dated(&ev, d, buf_bytes(&text));
	}
	buf_free(&text);
	buf_free(&ev.time);
	buf_free(&ev.rule);
	return STATUS_OK;
}

enum status export_ics_end(struct export *x, struct error *e)
{
	buf_add_str(&x->text, "END:VCALENDAR\r\n");
	return STATUS_OK;
}
