/* The board of the day: overdue, due today, birthdays ahead, and what waits for an answer: reminders not acknowledged. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/model/model.h"
#include "server/op/board.h"
#include "server/op/op.h"
#include "server/remind/cadence.h"
#include "server/remind/inbox.h"
#include "server/server.h"

static bool task_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	if (model_number(b->entity, record->fields, "assignee") == b->call->caller->user)
		board_add(b, record, (civil_date)model_number(b->entity, record->fields, "due_on"));
	return !b->status && !board_full(b);
}

static bool birthday_row(void *arg, const struct stored *record)
{
	struct board *b = arg;
	const struct field *f = entity_field_named(b->entity, "birthday");
	struct birthday_rule rule = lookup_birthday_rule(
		b->lookup, model_number(b->entity, record->fields, "birthday_calendar"));
	struct birthday birthday;
	civil_date next = 0;
	char why[96];
	Guanxi__Item *item;
	int age;

	if (birthday_parse(record_text(record->fields, f->tag), &birthday, why))
		next = birthday_next(&birthday, rule, b->today);
	if (!next || next > date_add_days(b->today, b->days))
		return true;
	item = board_add(b, record, next);
	age = birthday_age(&birthday, rule, next);
	if (item && age >= 0) {
		item->has_age = true;
		item->age = (uint32_t)age;
	}
	return !b->status;
}

static void board_birthdays(struct board *b)
{
	board_section(b, "birthdays");
	board_list(b, "contact", "birthday is not empty and left_on is empty", "", birthday_row);
	board_list(b, "customer", "birthday is not empty and archived != yes", "", birthday_row);
	board_sort(b);
}

static bool done_before(const struct inbox_row *rows, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (rows[k].reminder == rows[i].reminder)
			return true;
	return false;
}

/* Whether it has waited for so long that it counts as overdue. */
static bool waits_long(const struct board *b, const struct inbox_row *row)
{
	long days = lookup_setting_number(b->lookup, "reminder.escalate_days");
	civil_date fired = zone_date(b->call->caller->zone, row->fired_ms);

	return days > 0 && date_add_days(fired, (int)days) <= b->today;
}

/* Newest first. A reminder that fires again waits once, for its latest occurrence; an acknowledgement clears both. */
static void board_reminders(struct board *b, const char *section, bool overdue)
{
	struct call *c = b->call;
	struct inbox_row rows[SECTION_MAX];
	struct stored record;
	struct buf buf = BUF_INIT;
	size_t n = inbox_waiting(c->txn, c->caller->user, rows, SECTION_MAX);

	board_section(b, section);
	b->entity = schema_entity_by_number(b->schema, ENTITY_REMINDER);
	for (size_t i = 0; i < n && !b->status; i++)
		if (waits_long(b, &rows[i]) == overdue && !done_before(rows, i) &&
			!store_get(c->txn, &scope_all, b->entity, rows[i].reminder, &buf, &record,
				NULL))
			board_add(b, &record, rows[i].occurrence);
	buf_free(&buf);
}

#define RHYTHM_DAYS 7

/* Records whose rhythm breaks unless something is done in the next days. */
static void board_rhythms(struct board *b)
{
	struct call *c = b->call;
	struct cadence_breach due[SECTION_MAX];
	struct stored record;
	struct buf buf = BUF_INIT;
	size_t n =
		cadence_breaking(c->txn, c->caller->user, b->today, RHYTHM_DAYS, due, SECTION_MAX);

	board_section(b, "rhythms");
	for (size_t i = 0; i < n && !b->status; i++) {
		b->entity = due[i].entity;
		if (!store_get(c->txn, caller_scope(c->caller, b->entity), b->entity, due[i].id,
			    &buf, &record, NULL))
			board_add(b, &record, due[i].limit);
	}
	board_sort(b);
	buf_free(&buf);
}

static bool due_row_add(void *arg, const struct stored *record)
{
	struct board *b = arg;

	board_add(b, record, (civil_date)model_number(b->entity, record->fields, "due_on"));
	return !b->status && !board_full(b);
}

/* What others have handed in and wait for: visit plans of whose superior the caller is, steps of plans. */
static void board_approvals(struct board *b)
{
	char filter[96];

	board_section(b, "approvals");
	b->all = true;
	snprintf(filter, sizeof filter, "state = submitted and assignee.superior = %llu",
		(unsigned long long)b->call->caller->user);
	board_list(b, "task", filter, "due_on", due_row_add);
	snprintf(filter, sizeof filter, "state = open and assignee = %llu",
		(unsigned long long)b->call->caller->user);
	board_list(b, "plan_step", filter, "due_on", due_row_add);
}

static bool notice_row(void *arg, const struct stored *record)
{
	struct board *b = arg;
	int64_t at = unzigzag(model_number(b->entity, record->fields, "published_at"));

	board_add(b, record, zone_date(b->call->caller->zone, at));
	return !b->status && !board_full(b);
}

/* To the caller, published and not expired, the newest first. */
static void board_notices(struct board *b)
{
	char filter[128];

	board_section(b, "notices");
	b->all = true;
	snprintf(filter, sizeof filter,
		"published_at < tomorrow and (expires_on is empty or expires_on >= today) and "
		"owner != "
		"%llu",
		(unsigned long long)b->call->caller->user);
	board_list(b, "notice", filter, "-published_at", notice_row);
}

static bool team_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	if (model_number(b->entity, record->fields, "assignee") != b->call->caller->user)
		board_add(b, record, (civil_date)model_number(b->entity, record->fields, "due_on"));
	return !b->status && !board_full(b);
}

#define OPEN_TASKS "state in (open, submitted, acknowledged, postponed)"

static void board_tasks(
	struct board *b, const char *section, bool team, const char *filter, const char *sort)
{
	board_section(b, section);
	b->all = team;
	board_list(b, "task", filter, sort, team ? team_row : task_row);
}

static enum status board_days(struct call *c, int *days, struct error *e)
{
	struct bytes text = call_arg(c, "days");
	uint64_t n = 30;

	if (text.len && (!text_number(text, &n) || n > 366))
		return error_set(e, STATUS_USAGE, "days is not a number from 0 to 366");
	*days = (int)n;
	return STATUS_OK;
}

static enum status op_today(struct call *c, struct error *e)
{
	struct board b;
	int days = 0;
	enum status status = board_days(c, &days, e);

	if (status)
		return status;
	board_open(&b, c, e);
	b.days = days;
	board_tasks(&b, "overdue", false, "due_on < today and " OPEN_TASKS, "-due_on");
	board_reminders(&b, "overdue", true);
	board_tasks(&b, "due_today", false, "due_on = today and " OPEN_TASKS, "due_on");
	board_birthdays(&b);
	board_reminders(&b, "waiting_for_me", false);
	board_rhythms(&b);
	board_approvals(&b);
	board_notices(&b);
	if (call_arg(c, "team").len) {
		board_tasks(&b, "team_overdue", true, "due_on < today and " OPEN_TASKS, "-due_on");
		board_tasks(&b, "team_due_today", true, "due_on = today and " OPEN_TASKS, "due_on");
	}
	return b.status;
}

const struct op today_ops[] = {
	{ .name = "today", .kind = OP_SLOW, .run = op_today },
	{ 0 },
};
