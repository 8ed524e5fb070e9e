/* The board of the day: overdue, due today, birthdays ahead, and what waits for an answer: reminders not acknowledged. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/remind/inbox.h"
#include "server/server.h"

#define SECTION_MAX 200

struct board {
	struct call *call;
	const struct schema *schema;
	struct lookup *lookup;
	struct scope mine; /* what is the caller's own, whatever more may be seen */
	civil_date today;
	int days;
	/* of the section that is being filled */
	const char *section;
	const struct entity *entity;
	enum status status;
	struct error *e;
};

static Guanxi__Item *board_add(struct board *b, const struct stored *record, civil_date date)
{
	struct buf text = BUF_INIT;
	Guanxi__Item *item = NULL;

	if (date)
		date_format(date, &text);
	b->status =
		reply_item(b->call, b->section, b->entity, record, buf_bytes(&text), &item, b->e);
	buf_free(&text);
	return item;
}

/* Runs a list of the caller's own records. */
static void board_list(
	struct board *b, const char *entity, const char *filter, const char *sort, query_row *row)
{
	struct call *c = b->call;
	struct filter parsed;
	struct parse_context ctx = lookup_parse_context(b->lookup, b->today, c->caller->zone);
	struct query q = { .scope = &b->mine, .sort = bytes_str(sort), .limit = 1000 };
	struct query_result result = { 0 };

	if (b->status)
		return;
	b->entity = schema_entity(b->schema, bytes_str(entity));
	q.entity = b->entity;
	b->status = filter_parse(bytes_str(filter), c->arena, &parsed, b->e);
	if (!b->status)
		b->status = condition_compile(&parsed, b->entity, &ctx, c->arena,
			(struct condition **)&q.condition, b->e);
	if (!b->status)
		b->status = query_run(c->txn, &q, 0, row, b, &result, b->e);
	buf_free(&result.next);
	buf_free(&result.explain);
}

static bool task_row(void *arg, const struct stored *record)
{
	struct board *b = arg;

	if (model_number(b->entity, record->fields, "assignee") == b->call->caller->user)
		board_add(b, record, (civil_date)model_number(b->entity, record->fields, "due_on"));
	return !b->status && b->call->reply->n_item < SECTION_MAX;
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

static int compare_items(const void *a, const void *b)
{
	const Guanxi__Item *x = *(Guanxi__Item *const *)a, *y = *(Guanxi__Item *const *)b;

	return bytes_compare(pb_bytes(x->date), pb_bytes(y->date));
}

static void board_birthdays(struct board *b)
{
	size_t first = b->call->reply->n_item;

	b->section = "birthdays";
	board_list(b, "contact", "birthday is not empty and left_on is empty", "", birthday_row);
	board_list(b, "customer", "birthday is not empty and archived != yes", "", birthday_row);
	if (b->call->reply->n_item == first)
		return;
	if (b->call->reply->n_item > first)
		qsort(b->call->reply->item + first, b->call->reply->n_item - first,
			sizeof *b->call->reply->item, compare_items);
}

/* A reminder that fires again waits once, for its latest occurrence; an acknowledgement clears both. */
static bool fired_later(const struct inbox_row *rows, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n; k++)
		if (rows[k].reminder == rows[i].reminder)
			return true;
	return false;
}

static void board_reminders(struct board *b)
{
	struct call *c = b->call;
	struct inbox_row rows[SECTION_MAX];
	struct stored record;
	struct buf buf = BUF_INIT;
	size_t n = inbox_read(c->txn, c->caller->user, 0, true, rows, SECTION_MAX);

	b->section = "waiting_for_me";
	b->entity = schema_entity_by_number(b->schema, ENTITY_REMINDER);
	for (size_t i = n; i-- > 0 && !b->status;)
		if (!fired_later(rows, n, i) && !store_get(c->txn, &scope_all, b->entity,
							rows[i].reminder, &buf, &record, NULL))
			board_add(b, &record, rows[i].occurrence);
	buf_free(&buf);
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
	struct board b = { .call = c, .schema = c->schema, .e = e };
	enum status status = board_days(c, &b.days, e);

	if (status)
		return status;
	b.mine = (struct scope){ .own = true, .user = c->caller->user };
	b.today = zone_date(c->caller->zone, c->now_ms);
	b.lookup = call_lookup(c);
	b.section = "overdue";
	board_list(&b, "task",
		"due_on < today and state in (open, submitted, acknowledged, postponed)", "due_on",
		task_row);
	b.section = "due_today";
	board_list(&b, "task",
		"due_on = today and state in (open, submitted, acknowledged, postponed)", "due_on",
		task_row);
	board_birthdays(&b);
	board_reminders(&b);
	return b.status;
}

const struct op today_ops[] = {
	{ .name = "today", .kind = OP_SLOW, .run = op_today },
	{ 0 },
};
