#include "server/op/board.h"
#include "server/call/rights.h"

void board_open(struct board *b, struct call *c, struct error *e)
{
	*b = (struct board){ .call = c, .schema = c->schema, .e = e };
	b->mine = (struct scope){ .own = true, .user = c->caller->user };
	b->today = zone_date(c->caller->zone, c->now_ms);
	b->lookup = call_lookup(c);
}

void board_section(struct board *b, const char *name)
{
	b->section = name;
	b->begin = b->call->reply->n_item;
	b->all = false;
}

bool board_full(const struct board *b)
{
	return b->call->reply->n_item - b->begin >= SECTION_MAX;
}

static Guanxi__Item *add(struct board *b, const struct stored *record, struct buf *date)
{
	Guanxi__Item *item = NULL;

	b->status =
		reply_item(b->call, b->section, b->entity, record, buf_bytes(date), &item, b->e);
	buf_free(date);
	return item;
}

Guanxi__Item *board_add(struct board *b, const struct stored *record, civil_date date)
{
	struct buf text = BUF_INIT;

	if (date)
		date_format(date, &text);
	return add(b, record, &text);
}

Guanxi__Item *board_add_at(struct board *b, const struct stored *record, int64_t instant)
{
	struct buf text = BUF_INIT;

	instant_format(instant, &text);
	return add(b, record, &text);
}

void board_list(
	struct board *b, const char *entity, const char *filter, const char *sort, query_row *row)
{
	struct call *c = b->call;
	struct filter parsed;
	struct parse_context ctx = lookup_parse_context(b->lookup, b->today, c->caller->zone);
	struct query q = { .sort = bytes_str(sort), .limit = 1000 };
	struct query_result result = { 0 };

	if (b->status)
		return;
	b->entity = schema_entity(b->schema, bytes_str(entity));
	q.entity = b->entity;
	q.scope = b->all ? caller_scope(c->caller, b->entity) : &b->mine;
	b->status = filter_parse(bytes_str(filter), c->arena, &parsed, b->e);
	if (!b->status)
		b->status = condition_compile(&parsed, b->entity, &ctx, c->arena,
			(struct condition **)&q.condition, b->e);
	if (!b->status)
		b->status = query_run(c->txn, &q, 0, row, b, &result, b->e);
	buf_free(&result.next);
	buf_free(&result.explain);
}

static int compare_items(const void *a, const void *b)
{
	const Guanxi__Item *x = *(Guanxi__Item *const *)a, *y = *(Guanxi__Item *const *)b;

	if (!x->date.len != !y->date.len)
		return x->date.len ? -1 : 1;
	return bytes_compare(pb_bytes(x->date), pb_bytes(y->date));
}

void board_sort(struct board *b)
{
	Guanxi__Reply *r = b->call->reply;

	if (r->n_item > b->begin)
		qsort(r->item + b->begin, r->n_item - b->begin, sizeof *r->item, compare_items);
}
