#include "server/remind/plan.h"
#include "server/model/computed.h"
#include "server/model/lookup.h"
#include "server/model/workdays.h"
#include "server/remind/follow.h"
#include "server/remind/remind.h"
#include "server/remind/replan.h"

#define DEFAULT_MINUTE (9 * 60)

/* Reads a record for the server's own work; false when it is not there. buf holds its fields. */
static bool read_record(struct txn *t, const char *entity, uint64_t id, struct buf *buf,
	const struct entity **en, struct stored *out)
{
	*en = schema_entity(txn_schema(t), bytes_str(entity));
	return id && *en && store_get(t, &scope_all, *en, id, buf, out, NULL) == STATUS_OK;
}

/* The record that a reference names, of an entity or of any. */
static bool read_named(struct txn *t, const struct field *ref, struct bytes fields, struct buf *buf,
	const struct entity **en, struct stored *out)
{
	uint64_t named = record_number(fields, ref->tag);
	const struct entity *any = schema_entity_by_number(txn_schema(t), any_ref_entity(named));
	const char *entity = ref->type == T_REF_ANY && any ? any->name : ref->refers_to;

	return entity && read_record(t, entity, any_ref_id(named), buf, en, out);
}

const struct zone *user_zone(struct txn *t, uint64_t user)
{
	const struct entity *en;
	struct stored s = { 0 };
	struct buf buf = BUF_INIT;
	const struct zone *zone;

	if (!read_record(t, "user", user, &buf, &en, &s))
		s.fields = bytes_of("", 0);
	zone = model_user_zone(t, s.fields);
	buf_free(&buf);
	return zone;
}

/* A reminder that a field or a rule made is born fired: it asks for nothing by itself. */
static bool born_fired(
	const struct entity *entity, const struct stored *before, const struct stored *after)
{
	const struct field *f = entity_field_exact(entity, "last_fired_at");

	return !before && f && record_has(after->fields, f->tag);
}

/* Fields whose entry may say that the work is over. */
static const char *const progress[] = { "state", "stage", "status" };

static bool says_over(struct lookup *l, uint64_t entry)
{
	static const char *const over[] = { "done", "cancelled", "finished" };
	const struct entry *e = entry ? lookup_entry_of(l, entry) : NULL;

	if (!e)
		return false;
	for (size_t i = 0; i < sizeof over / sizeof *over; i++)
		if (strcmp(e->code, over[i]) == 0)
			return true;
	return bytes_equal_str(attribute(e->attributes, "closed"), "yes");
}

/* Work that is over, people who left and archived customers remind nobody. */
static bool closed(struct lookup *l, const struct entity *entity, const struct stored *record)
{
	if (record->deleted || model_number(entity, record->fields, "archived") ||
		model_number(entity, record->fields, "left_on"))
		return true;
	for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
		const struct field *f = entity_field_named(entity, progress[i]);
		if (f && f->type == T_CHOICE && says_over(l, record_number(record->fields, f->tag)))
			return true;
	}
	return false;
}

bool plan_closed_above(struct txn *t, const struct entity *entity, const struct stored *record)
{
	const char *rest = entity->scope_fields;
	struct buf buf = BUF_INIT;
	bool over = false;

	while (rest && *rest && !over) {
		size_t len = strcspn(rest, "|");
		const struct field *f = entity_field(entity, bytes_of(rest, len));
		const struct entity *en;
		struct stored s;
		if (f && read_named(t, f, record->fields, &buf, &en, &s))
			over = s.deleted || model_number(en, s.fields, "archived");
		rest += len + (rest[len] == '|');
	}
	buf_free(&buf);
	return over;
}

static bool stands(const struct entity *entity, const struct stored *record, const char *name)
{
	const struct field *f = name ? entity_field_named(entity, name) : NULL;

	return f && record_has(record->fields, f->tag);
}

static void add_ahead(struct asking *a, int64_t days)
{
	for (size_t i = 0; i < a->nahead; i++)
		if (a->ahead[i] == days)
			return;
	if (a->nahead < PLAN_MAX && days >= 0 && days <= 366)
		a->ahead[a->nahead++] = (int)days;
}

static void ahead_from_text(struct asking *a, struct bytes text)
{
	int64_t days = -1;

	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
			days = (days < 0 ? 0 : days) * 10 + (text.data[i] - '0');
			if (days > 366)
				days = 367;
		} else if (days >= 0) {
			add_ahead(a, days);
			days = -1;
		}
	}
}

/* The same field of a record may be one integer or a list of them. */
static void ahead_from_field(struct asking *a, struct bytes fields, const struct field *f)
{
	struct bytes rest = record_run(fields, f->tag);
	struct wire_field w;

	while (record_next(&rest, &w, NULL))
		add_ahead(a, unzigzag(w.number));
}

static void read_ahead(struct asking *a, struct lookup *l, struct bytes fields)
{
	const struct field *days =
		a->field->remind_days ? entity_field_named(a->entity, a->field->remind_days) : NULL;

	a->nahead = 0;
	if (days)
		ahead_from_field(a, fields, days);
	else if (a->field->remind_setting)
		ahead_from_text(a, lookup_setting(l, a->field->remind_setting));
	else if (a->field->type != T_DATETIME)
		ahead_from_text(a, lookup_setting(l, "reminder.days_before"));
	if (a->nahead == 0)
		add_ahead(a, 0);
}

static enum repeat read_repeat(struct lookup *l, uint64_t entry)
{
	static const char *const codes[] = { "none", "daily", "weekly", "monthly", "yearly" };
	const char *code = lookup_code(l, entry);

	for (int i = 0; i < 5; i++)
		if (strcmp(code, codes[i]) == 0)
			return (enum repeat)i;
	return REPEAT_NONE;
}

/* The day of the field; an instant is due on the minute at which it is there. */
static civil_date read_day(struct asking *a, struct bytes fields)
{
	int64_t ms = record_signed(fields, a->field->tag);

	if (a->field->type != T_DATETIME)
		return (civil_date)record_number(fields, a->field->tag);
	a->minute = zone_minute(a->zone, ms);
	return zone_date(a->zone, ms);
}

static bool read_series(struct asking *a, struct lookup *l, struct bytes fields)
{
	char why[96];
	const struct field *every = entity_field_named(a->entity, "repeat_every");
	struct bytes rule;
	civil_date d;

	a->series = (struct series){ .every = 1 };
	a->series.rule =
		lookup_birthday_rule(l, model_number(a->entity, fields, "birthday_calendar"));
	if (a->field->type == T_BIRTHDAY) {
		if (!birthday_parse(record_text(fields, a->field->tag), &a->series.start, why))
			return false;
	} else {
		d = read_day(a, fields);
		a->series.start = (struct birthday){
			.year = date_year(d), .month = date_month(d), .day = date_day(d)
		};
	}
	if (a->field->remind == REMIND_BIRTHDAY)
		a->series.repeat = REPEAT_YEARLY;
	if (a->field->remind != REMIND_SERIES)
		return true;
	a->series.repeat = read_repeat(l, model_number(a->entity, fields, "repeat"));
	a->series.until = (civil_date)model_number(a->entity, fields, "repeat_until");
	if (every && record_has(fields, every->tag))
		a->series.every = (int)record_signed(fields, every->tag);
	rule = model_text(a->entity, fields, "rrule");
	return !rule.len || rrule_parse(rule, &a->series.rrule, why);
}

static uint64_t branch_of(struct txn *t, uint64_t user)
{
	const struct entity *en;
	struct stored s;
	struct buf buf = BUF_INIT;
	uint64_t branch = 0;

	if (read_record(t, "user", user, &buf, &en, &s))
		branch = model_number(en, s.fields, "branch");
	buf_free(&buf);
	return branch;
}

/* The record's own field says whether its reminders move off holidays, else a setting for all; a point in time stays where it is. */
static void read_move(struct asking *a, struct lookup *l, struct bytes fields)
{
	struct bytes move;

	if (a->field->remind_workday)
		move = bytes_str(
			lookup_code(l, model_number(a->entity, fields, a->field->remind_workday)));
	else if (a->field->type == T_DATETIME)
		return;
	else
		move = lookup_setting(l, a->field->remind == REMIND_BIRTHDAY ? "birthday.workday"
									     : "reminder.workday");
	if (bytes_equal_str(move, "before"))
		a->move = MOVE_BEFORE;
	else if (bytes_equal_str(move, "after"))
		a->move = MOVE_AFTER;
	if (a->move)
		a->branch = branch_of(a->txn, a->user);
}

bool asking_read(struct txn *t, struct lookup *l, const struct entity *entity,
	const struct field *field, const struct stored *record, struct asking *out)
{
	const struct field *time = NULL;

	*out = (struct asking){ .entity = entity, .field = field, .txn = t };
	if (!record_has(record->fields, field->tag) || closed(l, entity, record) ||
		plan_closed_above(t, entity, record) || stands(entity, record, field->remind_until))
		return false;
	out->user = remind_user_of(t, entity, field, record);
	out->zone = user_zone(t, out->user);
	if (!time_parse(lookup_setting(l, "reminder.time"), &out->minute))
		out->minute = DEFAULT_MINUTE;
	if (!read_series(out, l, record->fields))
		return false;
	/* a reminder that a field made is due by that field */
	if (field->remind == REMIND_SERIES && model_text(entity, record->fields, "source_rule").len)
		return false;
	if (field->remind_time)
		time = entity_field_named(entity, field->remind_time);
	if (time && record_has(record->fields, time->tag))
		out->minute = (int)record_number(record->fields, time->tag);
	read_ahead(out, l, record->fields);
	read_move(out, l, record->fields);
	return true;
}

/* The day on which an occurrence reminds. */
static civil_date reminding_day(const struct asking *a, size_t nth, civil_date occurrence)
{
	civil_date day = date_add_days(occurrence, -a->ahead[nth]);

	if (a->move == MOVE_NONE || workday_is(a->txn, a->branch, day))
		return day;
	return workday_add(a->txn, a->branch, day, a->move == MOVE_BEFORE ? -1 : 1);
}

/* The first day whose reminders are not due before today: those of the holidays just past may have moved to today. */
static civil_date first_day(const struct asking *a, civil_date today)
{
	if (a->move != MOVE_AFTER)
		return today;
	return date_add_days(workday_add(a->txn, a->branch, today, -1), 1);
}

bool asking_next(const struct asking *a, size_t nth, civil_date from, civil_date today, uint64_t id,
	struct due_row *out)
{
	civil_date earliest = date_add_days(first_day(a, today), a->ahead[nth]);
	civil_date d = series_next(&a->series, from > earliest ? from : earliest);

	if (!d)
		return false;
	*out = (struct due_row){
		.instant = zone_instant(a->zone, reminding_day(a, nth, d), a->minute),
		.entity = a->entity->number,
		.id = id,
		.tag = a->field->tag,
		.nth = (uint16_t)a->ahead[nth],
		.occurrence = d,
		.user = a->user,
	};
	return true;
}

static bool differs(const struct entity *entity, const char *name, const struct stored *before,
	const struct stored *after)
{
	const struct field *f = name ? entity_field_named(entity, name) : NULL;

	return f &&
	       !bytes_equal(record_run(before->fields, f->tag), record_run(after->fields, f->tag));
}

/* Whether when a field reminds differs between two states of a record. */
static bool rule_touched(const struct entity *entity, const struct field *field,
	const struct stored *before, const struct stored *after)
{
	const char *names[] = { field->name, field->remind_days, field->remind_time,
		"birthday_calendar", "repeat", "repeat_every", "repeat_until", "rrule",
		field->remind_workday };
	bool touched = false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		touched |= differs(entity, names[i], before, after);
	return touched;
}

/* Whether it reminds at all, or whom. */
static bool asker_touched(const struct entity *entity, const struct field *field,
	const struct stored *before, const struct stored *after)
{
	const char *names[] = { field->remind_user, field->remind_until, entity->owner_field,
		"archived", "left_on", "state", "stage", "status", "customer" };
	bool touched = before->deleted != after->deleted;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		touched |= differs(entity, names[i], before, after);
	return touched;
}

/* One planning of a field. */
struct planning {
	struct txn *t;
	struct lookup *l;
	const struct author *author;
	const struct entity *entity;
	const struct field *field;
	const struct stored *before, *after; /* the same: only others have changed */
	struct due_row old[PLAN_MAX];
	size_t nold;
};

static const struct due_row *planned_before(const struct planning *p, uint16_t nth)
{
	for (size_t i = 0; i < p->nold; i++)
		if (p->old[i].nth == nth)
			return &p->old[i];
	return NULL;
}

/*
 * An occurrence that has fired must not fire again because, say, the owner or the zone changed. While the rule stays, a row is
 * planned from its occurrence on; where none was planned, the reminders made so far decide.
 */
static bool fires_again(const struct planning *p, const struct due_row *row)
{
	const struct due_row *old = planned_before(p, row->nth);

	if (!p->before)
		return true;
	if (rule_touched(p->entity, p->field, p->before, p->after))
		return row->instant > p->author->now_ms ||
		       (old && old->occurrence == row->occurrence) ||
		       differs(p->entity, p->field->name, p->before, p->after);
	if (old && row->occurrence >= old->occurrence)
		return true;
	if (old && row->instant <= p->author->now_ms) /* the one before, by another calendar */
		return false;
	if (p->before->deleted) /* what was due before it went to the trash has fired */
		return row->instant > unzigzag(record_number(p->before->fields, TAG_DELETED_AT));
	return !follow_fired(p->t, p->entity, p->field, p->after, row);
}

static enum status refuse_past(
	const struct asking *a, const struct stored *before, civil_date today, struct error *e)
{
	if (before || a->field->remind != REMIND_SERIES || series_next(&a->series, today))
		return STATUS_OK;
	return error_field(e, a->field->name, "lies in the past and does not repeat");
}

static enum status plan_field(struct planning *p, struct error *e)
{
	struct asking a;
	struct due_row rows[PLAN_MAX];
	size_t n = 0;
	uint64_t id = p->after->id;
	civil_date today;
	enum status status;

	p->nold = plan_read(p->t, p->entity->number, id, p->field->tag, p->old, PLAN_MAX);
	if (asking_read(p->t, p->l, p->entity, p->field, p->after, &a)) {
		today = zone_date(a.zone, p->author->now_ms);
		status = refuse_past(&a, p->before, today, e);
		if (status)
			return status;
		for (size_t i = 0; i < a.nahead; i++) {
			bool some = asking_next(&a, i, 0, today, id, &rows[n]);
			while (some && !fires_again(p, &rows[n]))
				some = asking_next(&a, i, date_add_days(rows[n].occurrence, 1),
					today, id, &rows[n]);
			n += some;
		}
	}
	return plan_replace(p->t, p->entity->number, id, p->field->tag, rows, n, e);
}

static enum status next_due(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	const struct entity *entity = model_entity(t, ENTITY_REMINDER);
	uint16_t start = entity_field_named(entity, "start_on")->tag;
	struct due_row rows[PLAN_MAX + 1];
	size_t n = plan_read(t, ENTITY_REMINDER, record->id, start, rows, PLAN_MAX);
	int64_t first = INT64_MAX;

	n += plan_read(t, ENTITY_REMINDER, record->id, PLAN_SNOOZE, rows + n, 1);
	for (size_t i = 0; i < n; i++)
		if (rows[i].instant < first)
			first = rows[i].instant;
	computed_number(out, "next_due_at", n ? zigzag(first) : 0);
	return STATUS_OK;
}

enum status plan_note_next(struct txn *t, uint64_t reminder, struct error *e)
{
	const struct stored record = { .id = reminder };
	struct computed computed;
	enum status s;

	computed_init(&computed, t, ENTITY_REMINDER, reminder);
	s = next_due(t, &record, &computed, e);
	return s ? s : computed_write(&computed, e);
}

size_t remind_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg)
{
	return computed_check(t, ENTITY_REMINDER, next_due, report, arg);
}

enum status plan_again(struct txn *t, struct lookup *l, const struct author *author,
	const struct entity *entity, const struct field *field, const struct stored *record,
	struct error *e)
{
	struct planning p = { .t = t,
		.l = l,
		.author = author,
		.entity = entity,
		.field = field,
		.before = record,
		.after = record };
	enum status s = plan_field(&p, e);

	return s || entity->number != ENTITY_REMINDER ? s : plan_note_next(t, record->id, e);
}

static bool is_set(
	const struct field *field, const struct stored *before, const struct stored *after)
{
	return record_has(after->fields, field->tag) ||
	       (before && record_has(before->fields, field->tag));
}

static bool plan_touched(const struct entity *entity, const struct field *field,
	const struct stored *before, const struct stored *after)
{
	return field->remind != REMIND_NONE && is_set(field, before, after) &&
	       (!before || rule_touched(entity, field, before, after) ||
		       asker_touched(entity, field, before, after));
}

/* What others see of the change: inboxes, and the plans of what follows the record. */
static enum status follow(struct planning *p, bool planned, struct error *e)
{
	bool above =
		p->before && (differs(p->entity, p->entity->owner_field, p->before, p->after) ||
				     differs(p->entity, "archived", p->before, p->after));
	enum status status = STATUS_OK;

	if (p->entity->number == ENTITY_REMINDER) {
		status = follow_reminder(p->t, p->l, p->author, p->entity, p->before, p->after, e);
		return status ? status : plan_note_next(p->t, p->after->id, e);
	}
	if (above)
		status = follow_down(p->t, p->l, p->author, p->entity, p->after, e);
	if (!status && p->before && (planned || above))
		status = follow_source(p->t, p->l, p->author, p->entity, p->before, p->after, e);
	return status;
}

/* Cheap: most writes concern no reminder. */
static bool remind_concerns(
	const struct entity *entity, const struct stored *before, const struct stored *after)
{
	bool concerns = before && (differs(entity, entity->owner_field, before, after) ||
					  differs(entity, "archived", before, after));

	for (size_t i = 0; i < entity->nfields && !concerns; i++)
		concerns = plan_touched(entity, &entity->fields[i], before, after);
	return concerns;
}

enum status remind_plan(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e)
{
	struct planning p = {
		.t = t, .author = author, .entity = entity, .before = before, .after = after
	};
	bool reminder = entity->number == ENTITY_REMINDER, planned = false;
	struct arena *arena;
	enum status status = STATUS_OK;

	if (replan_needed(txn_schema(t), entity, before, after))
		status = replan_ask(t, e);
	if (status || (!reminder && !remind_concerns(entity, before, after)))
		return status;
	arena = arena_new(1 << 20);
	p.l = lookup_new(t, &scope_all, txn_schema(t), false, arena);
	for (size_t i = 0; i < entity->nfields && !status; i++) {
		p.field = &entity->fields[i];
		if (born_fired(entity, before, after) ||
			!plan_touched(entity, p.field, before, after))
			continue;
		planned = true;
		status = plan_field(&p, e);
	}
	if (!status)
		status = follow(&p, planned, e);
	lookup_free(&p.l);
	arena_free(&arena);
	return status;
}
