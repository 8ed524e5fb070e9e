/* Reports: what managers look through from time to time. Each is an operation; sections of at most SECTION_MAX records that the caller sees. */
#include "common/text.h"
#include "server/op/board.h"
#include "server/op/op.h"

#define OPEN_PLANS "task_kind = visit_plan and state in (open, submitted, acknowledged, postponed)"

static bool visit_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	board_add(b, record, (civil_date)model_number(b->entity, record->fields, "activity_date"));
	return !b->status && !board_full(b);
}

static bool plan_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	board_add(b, record, (civil_date)model_number(b->entity, record->fields, "due_on"));
	return !b->status && !board_full(b);
}

static void section(struct board *b, const char *name, const char *entity, const char *filter,
	const char *sort, query_row *row)
{
	board_section(b, name);
	b->all = true;
	board_list(b, entity, filter, sort, row);
}

/* The days of argument "from": a date, to today, or a period such as last-month; this month when there is none. */
static enum status read_period(
	const struct board *b, civil_date *from, civil_date *to, struct error *e)
{
	struct bytes text = call_arg(b->call, "from");

	*to = b->today;
	if (!text.len)
		text = bytes_str("this-month");
	if (!date_parse(text, from) && !date_relative(text, b->today, from, to))
		return error_set(
			e, STATUS_USAGE, "from is not a date or a period such as this-week");
	return STATUS_OK;
}

/* Visits that should have been planned; plans without a result; plans that wait for a receipt; planned visits. */
static enum status report_visit_plans(struct call *c, struct error *e)
{
	struct board b;
	civil_date from, to;
	struct buf begin = BUF_INIT, end = BUF_INIT;
	char filter[256];
	enum status s;

	board_open(&b, c, e);
	s = read_period(&b, &from, &to, e);
	if (s)
		return s;
	date_format(from, &begin);
	date_format(to, &end);
	snprintf(filter, sizeof filter,
		"unplanned = yes and activity_date >= %s and activity_date <= %s", buf_str(&begin),
		buf_str(&end));
	section(&b, "unplanned", "activity", filter, "-activity_date", visit_row);
	section(&b, "without_result", "task", OPEN_PLANS " and due_on < today", "due_on", plan_row);
	section(&b, "submitted", "task", "task_kind = visit_plan and state = submitted", "due_on",
		plan_row);
	snprintf(filter, sizeof filter,
		"visit_plan is not empty and activity_date >= %s and activity_date <= %s",
		buf_str(&begin), buf_str(&end));
	section(&b, "planned", "activity", filter, "-activity_date", visit_row);
	buf_free(&begin);
	buf_free(&end);
	return b.status;
}

const struct op report_ops[] = {
	{ .name = "report.visit_plans", .kind = OP_SLOW, .run = report_visit_plans },
	{ 0 },
};
