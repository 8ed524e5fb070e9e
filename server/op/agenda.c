/* The agenda: what stands in the calendar of the caller between two days, in the order of time. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/op/board.h"
#include "server/op/op.h"
#include "server/remind/inbox.h"
#include "server/remind/plan.h"
#include "server/server.h"

#define DAYS_MAX 366
#define PLANNED_SCAN 20000 /* due rows looked at */

struct agenda {
	struct board b;
	civil_date from, to;
	int64_t begin_ms, end_ms;
};

static bool task_row(void *arg, const struct stored *record)
{
	struct board *b = arg;
	const struct zone *zone = b->call->caller->zone;
	civil_date day = (civil_date)model_number(b->entity, record->fields, "due_on");
	int minute = (int)model_number(b->entity, record->fields, "due_time");

	if (model_number(b->entity, record->fields, "assignee") == b->call->caller->user)
		board_add_at(b, record, zone_instant(zone, day, minute));
	return !b->status && !board_full(b);
}

static bool order_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	board_add_at(
		b, record, unzigzag(model_number(b->entity, record->fields, "scheduled_start")));
	return !b->status && !board_full(b);
}

static void add_lists(struct agenda *a)
{
	struct buf from = BUF_INIT, to = BUF_INIT, after = BUF_INIT;
	char filter[256];

	date_format(a->from, &from);
	date_format(a->to, &to);
	date_format(date_add_days(a->to, 1), &after);
	board_section(&a->b, "tasks");
	snprintf(filter, sizeof filter,
		"due_on >= %s and due_on <= %s and state in (open, submitted, acknowledged, "
		"postponed)",
		buf_str(&from), buf_str(&to));
	board_list(&a->b, "task", filter, "due_on", task_row);
	board_section(&a->b, "service");
	a->b.all = true;
	snprintf(filter, sizeof filter,
		"technician = %llu and scheduled_start >= %s and scheduled_start < %s",
		(unsigned long long)a->b.call->caller->user, buf_str(&from), buf_str(&after));
	board_list(&a->b, "service_order", filter, "scheduled_start", order_row);
	buf_free(&from);
	buf_free(&to);
	buf_free(&after);
}

/* What will fire for the caller; tasks and service slots stand there already. */
static bool comes(const struct agenda *a, const struct due_row *row)
{
	return row->user == a->b.call->caller->user && row->instant >= a->begin_ms &&
	       row->tag != PLAN_DIGEST && row->entity != ENTITY_TASK &&
	       row->entity != ENTITY_SERVICE_ORDER;
}

static void add_planned(struct agenda *a)
{
	struct board *b = &a->b;
	struct call *c = b->call;
	struct due_row rows[64], last;
	struct buf buf = BUF_INIT;
	struct stored record;
	size_t n = 64;

	board_section(b, "reminders");
	for (size_t seen = 0; n == 64 && seen < PLANNED_SCAN && !b->status; seen += n) {
		n = due_read(c->txn, a->end_ms, seen ? &last : NULL, rows, 64);
		for (size_t i = 0; i < n && !b->status && !board_full(b); i++) {
			b->entity = schema_entity_by_number(b->schema, rows[i].entity);
			if (comes(a, &rows[i]) && b->entity &&
				!store_get(c->txn, caller_scope(c->caller, b->entity), b->entity,
					rows[i].id, &buf, &record, NULL))
				board_add_at(b, &record, rows[i].instant);
		}
		if (n)
			last = rows[n - 1];
	}
	buf_free(&buf);
}

/* What has fired in these days and waits. */
static void add_fired(struct agenda *a)
{
	struct board *b = &a->b;
	struct call *c = b->call;
	struct inbox_row rows[SECTION_MAX];
	struct buf buf = BUF_INIT;
	struct stored record;
	size_t n = inbox_waiting(c->txn, c->caller->user, rows, SECTION_MAX);

	b->entity = schema_entity_by_number(b->schema, ENTITY_REMINDER);
	for (size_t i = 0; i < n && !b->status; i++)
		if (rows[i].due_ms >= a->begin_ms && rows[i].due_ms <= a->end_ms &&
			!store_get(c->txn, &scope_all, b->entity, rows[i].reminder, &buf, &record,
				NULL))
			board_add_at(b, &record, rows[i].due_ms);
	buf_free(&buf);
}

/* A date, a relative one or a period of days. */
static enum status read_days(struct agenda *a, struct call *c, struct error *e)
{
	struct bytes from = call_arg(c, "from"), days = call_arg(c, "days");
	uint64_t n = 7;
	civil_date last;

	a->from = a->to = a->b.today;
	if (from.len && date_parse(from, &a->from))
		a->to = a->from;
	else if (from.len && !date_relative(from, a->b.today, &a->from, &a->to))
		return error_set(
			e, STATUS_USAGE, "from is not a date or a period such as this-week");
	if (days.len && (!text_number(days, &n) || n < 1 || n > DAYS_MAX))
		return error_set(e, STATUS_USAGE, "days is not a number from 1 to 366");
	last = date_add_days(a->from, (int)n - 1);
	if (days.len || a->to == a->from)
		a->to = last;
	if (a->to > date_add_days(a->from, DAYS_MAX))
		return error_set(e, STATUS_USAGE, "the agenda is of at most 366 days");
	return STATUS_OK;
}

static enum status op_agenda(struct call *c, struct error *e)
{
	struct agenda a = { 0 };
	const struct zone *zone = c->caller->zone;
	enum status s;

	board_open(&a.b, c, e);
	s = read_days(&a, c, e);
	if (s)
		return s;
	a.begin_ms = zone_instant(zone, a.from, 0);
	a.end_ms = zone_instant(zone, date_add_days(a.to, 1), 0) - 1;
	add_lists(&a);
	add_planned(&a);
	add_fired(&a);
	a.b.begin = 0;
	board_sort(&a.b);
	return a.b.status;
}

const struct op agenda_ops[] = {
	{ .name = "agenda", .kind = OP_SLOW, .run = op_agenda },
	{ 0 },
};
