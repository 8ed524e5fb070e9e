/* Lists, counts, exports and search. */
#include "server/op/query.h"
#include "common/clock.h"
#include "common/text.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/model/portable.h"
#include "server/op/audit.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 1000
#define PAGE_BYTES (200u * 1024) /* a reply must fit a frame */
#define PAGE_US 50000
#define SEARCH_TEXT_MAX 200
#define SORT_MAX 1000

static uint32_t limit_of(const struct call *c)
{
	uint32_t limit = c->request->limit;

	return !limit ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

/* Rows into a reply until it is full. */
struct page {
	struct target t;
	size_t bytes;
	struct consent_query consent; /* purpose 0: not asked for */
	uint64_t rows, left_out;      /* for want of a consent */
	struct error *e;
	enum status failed;
};

/* The purpose of an export. */
static enum status purpose_open(struct page *p, struct error *e)
{
	struct call *c = p->t.call;
	struct bytes code = call_arg(c, "purpose");
	char *name;

	if (!code.len)
		return STATUS_OK;
	if (!consent_subject(c->txn, p->t.entity))
		return error_set(e, STATUS_USAGE,
			"nobody consents for a %s: option purpose is for customers and contacts",
			p->t.entity->name);
	name = bytes_dup(code);
	p->consent = (struct consent_query){ .purpose = lookup_entry(
						     call_lookup(c), "consent_purpose", name),
		.given = lookup_entry(call_lookup(c), "consent_state", "given"),
		.today = p->t.today };
	free(name);
	return p->consent.purpose
		       ? STATUS_OK
		       : error_set(e, STATUS_USAGE,
				 "purpose is no entry of the dictionary \"consent_purpose\"");
}

/* Whether the record may not be used for the purpose. */
static bool left_out(struct page *p, const struct stored *record)
{
	bool out = p->consent.purpose &&
		   !consent_given(p->t.call->txn, &p->consent, p->t.entity, record->id);

	p->left_out += out;
	p->rows += !out;
	return out;
}

/* A record that leaves for another server has an external id by which others refer to it. */
static enum status portable_row(struct page *p, const struct stored *record)
{
	struct call *c = p->t.call;
	struct buf id = BUF_INIT, fields = BUF_INIT;
	struct stored whole = *record;

	if (call_arg(c, "portable").len)
		portable_external_id(call_lookup(c), p->t.entity, record, &id);
	if (id.len) {
		buf_add_bytes(&fields, record->fields);
		record_add_text(&fields, TAG_EXTERNAL_ID, buf_bytes(&id));
		whole.fields = buf_bytes(&fields);
	}
	enum status s = reply_record(c, p->t.entity, &whole, p->e);
	buf_free(&id);
	buf_free(&fields);
	return s;
}

static bool page_row(void *arg, const struct stored *record)
{
	struct page *p = arg;
	struct call *c = p->t.call;
	size_t used = arena_used(c->arena);

	if (left_out(p, record))
		return true;
	p->failed = portable_row(p, record);
	p->bytes += arena_used(c->arena) - used;
	return !p->failed && p->bytes < PAGE_BYTES;
}

/* Reading a field in a filter or an order tells its value: the caller must be allowed to see it. */
static enum status path_allowed(struct target *t, const struct bytes *path, int n, struct error *e)
{
	const struct schema *schema = t->call->schema;
	const struct entity *entity = t->entity;

	for (int i = 0; entity && i < n; i++) {
		const struct field *f = entity_field(entity, path[i]);
		if (!f)
			return STATUS_OK; /* the query says so better */
		if (!(t->call->caller->class_mask & 1u << field_strictest(f)))
			return error_set(e, STATUS_DENIED, "%s must not be asked for", f->name);
		entity = f->refers_to ? schema_entity(schema, bytes_str(f->refers_to)) : NULL;
	}
	return STATUS_OK;
}

static enum status sort_allowed(struct target *t, struct bytes sort, struct error *e)
{
	enum status s = STATUS_OK;
	char why[96];

	if (!text_valid(sort, TEXT_LINE, SORT_MAX, why))
		return error_set(e, STATUS_USAGE, "sort %s", why);
	while (!s && sort.len) {
		const uint8_t *comma = memchr(sort.data, ',', sort.len);
		size_t len = comma ? (size_t)(comma - sort.data) : sort.len;
		struct bytes name = text_trim(bytes_of(sort.data, len));
		if (name.len && name.data[0] == '-')
			name = bytes_of(name.data + 1, name.len - 1);
		s = path_allowed(t, &name, 1, e);
		sort = comma ? bytes_of(comma + 1, sort.len - len - 1) : bytes_of("", 0);
	}
	return s;
}

/* Who may ask for what can be named only. */
static enum status exactly_allowed(const struct call *c, const struct entity *entity,
	const struct condition *condition, struct error *e)
{
	if (!c->caller->exact_only || condition_names_exactly(condition, entity))
		return STATUS_OK;
	return error_set(e, STATUS_DENIED,
		"only = on a name, number, phone or e-mail address may be asked for");
}

static enum status filter_open(
	struct target *t, struct bytes text, struct condition **out, struct error *e)
{
	struct call *c = t->call;
	struct filter filter;
	enum status s = filter_parse(text, c->arena, &filter, e);

	for (size_t i = 0; !s && i < filter.n; i++)
		s = path_allowed(t, filter.nodes[i].path, filter.nodes[i].npath, e);
	if (!s)
		s = condition_compile(&filter, t->entity, &t->parse, c->arena, out, e);
	/* the name that a reference is compared by, and the fields of a saved filter, stand in no path */
	if (!s && condition_classes(*out) & ~c->caller->class_mask)
		s = error_set(e, STATUS_DENIED, "filter asks for what must not be seen");
	return s;
}

bool query_may_ask(struct call *c, const struct entity *entity, struct bytes filter)
{
	struct target t = { .call = c, .entity = entity, .scope = c->caller->scope };
	struct condition *condition = NULL;
	struct error e;
	bool may;

	error_init(&e);
	t.today = zone_date(c->caller->zone, c->now_ms);
	t.parse = lookup_parse_context(call_lookup(c), t.today, c->caller->zone);
	may = !filter_open(&t, filter, &condition, &e);
	error_clear(&e);
	return may;
}

/* Filter and order of the request. */
static enum status query_open(struct target *t, struct query *q, struct error *e)
{
	struct call *c = t->call;
	struct bytes text = pb_bytes(c->request->filter);
	struct condition *condition = NULL;
	enum status s = text.len ? filter_open(t, text, &condition, e) : STATUS_OK;

	*q = (struct query){ .entity = t->entity,
		.scope = &c->caller->scope,
		.condition = condition,
		.sort = pb_bytes(c->request->sort),
		.trash = c->request->trash,
		.limit = limit_of(c),
		.pause = call_pause,
		.pause_arg = c };
	if (!s)
		s = exactly_allowed(c, t->entity, condition, e);
	return s ? s : sort_allowed(t, q->sort, e);
}

static enum status list_total(struct call *c, const struct query *q, struct error *e)
{
	if (!call_arg(c, "total").len)
		return STATUS_OK;
	c->reply->has_count = true;
	return query_count(c->txn, q, &c->reply->count, e);
}

static enum status list_page(
	struct page *p, struct query *q, struct bytes question, struct error *e)
{
	struct call *c = p->t.call;
	struct query_result result = { .next = BUF_INIT, .explain = BUF_INIT };
	struct buf after = BUF_INIT;
	enum status s = token_open(c, question, &after, e);

	q->after = buf_bytes(&after);
	q->brief = c->on_loop;
	if (!s)
		s = query_run(c->txn, q, monotonic_us() + (c->on_loop ? LOOP_SLICE_US : PAGE_US),
			page_row, p, &result, e);
	c->too_long = c->on_loop && result.cut;
	if (!s)
		s = p->failed;
	if (!s && result.next.len)
		s = token_seal(c, question, buf_bytes(&result.next), e);
	if (!s && call_arg(c, "explain").len)
		s = reply_value(c, "explain", buf_bytes(&result.explain), e);
	if (!s && result.scans && result.cut && !c->on_loop)
		s = reply_value(c, "scan", bytes_of("1", 1), e);
	buf_free(&result.next);
	buf_free(&result.explain);
	buf_free(&after);
	return s;
}

static enum status record_list(struct call *c, struct error *e)
{
	struct page p = { .e = e };
	struct query q;
	enum status s;

	c->too_long = c->on_loop && call_arg(c, "total").len; /* a count has no slices */
	if (c->too_long)
		return STATUS_OK;
	s = target_open(c, &p.t, e);
	if (!s)
		s = query_open(&p.t, &q, e);
	if (!s)
		s = list_page(&p, &q, bytes_of("", 0), e);
	return s ? s : list_total(c, &q, e);
}

/* Exports: the first step is written down, the pages follow. */

static bool count_row(void *arg, const struct stored *record)
{
	left_out(arg, record);
	return true;
}

/* All that will leave. */
static enum status export_count(struct page *p, struct query *q, struct error *e)
{
	struct query_result result = { .next = BUF_INIT, .explain = BUF_INIT };
	struct buf after = BUF_INIT;
	enum status s;

	if (!p->consent.purpose)
		return query_count(p->t.call->txn, q, &p->rows, e);
	q->limit = LIMIT_MAX;
	do {
		buf_clear(&result.next);
		q->after = buf_bytes(&after);
		s = query_run(p->t.call->txn, q, 0, count_row, p, &result, e);
		buf_clear(&after);
		buf_add_bytes(&after, buf_bytes(&result.next));
	} while (!s && after.len);
	buf_free(&result.next);
	buf_free(&result.explain);
	buf_free(&after);
	return s;
}

struct export_found {
	uint64_t rows, left_out;
};

/* In the pool: what will leave is counted before the writer is asked. */
static enum status export_prepare(struct call *c, struct error *e)
{
	struct page p = { .e = e };
	struct export_found *found = arena_alloc(c->arena, sizeof(*found));
	struct txn *t = NULL;
	struct query q;
	enum status s = found ? txn_begin(c->server->store, false, &t, e)
			      : error_set(e, STATUS_INVALID, "request too large");

	if (s)
		return s;
	call_bind(c, t);
	s = target_open(c, &p.t, e);
	if (!s)
		s = query_open(&p.t, &q, e);
	if (!s)
		s = purpose_open(&p, e);
	if (!s)
		s = export_count(&p, &q, e);
	if (!s)
		*found = (struct export_found){ p.rows, p.left_out };
	c->prepared = found;
	call_end_run(c);
	txn_abort(&t);
	return s;
}

static enum status export_begin(struct call *c, struct error *e)
{
	const struct export_found *found = c->prepared;
	const struct entity *en = schema_entity(c->schema, pb_bytes(c->request->entity));
	struct buf what = BUF_INIT;
	struct log_body body = { 0 };
	enum status s;

	export_note(&what, pb_bytes(c->request->filter), call_arg(c, "purpose"), found->rows);
	body.before = buf_bytes(&what);
	s = log_append(c->txn, &c->author, LOG_EXPORT, en, 0, 0, &body, NULL, e);
	if (!s)
		s = token_seal(c, call_arg(c, "purpose"), bytes_of("", 0), e);
	c->reply->has_count = true;
	c->reply->count = found->rows;
	buf_free(&what);
	if (!s && found->left_out) {
		char number[24];
		snprintf(number, sizeof(number), "%llu", (unsigned long long)found->left_out);
		s = reply_value(c, "left_out", bytes_str(number), e);
	}
	return s;
}

static enum status record_export(struct call *c, struct error *e)
{
	struct page p = { .e = e };
	struct query q;
	enum status s =
		c->request->has_page && c->request->page.len
			? target_open(c, &p.t, e)
			: error_set(e, STATUS_USAGE, "an export begins with record.export_begin");

	if (!s)
		s = query_open(&p.t, &q, e);
	if (!s)
		s = purpose_open(&p, e);
	return s ? s : list_page(&p, &q, call_arg(c, "purpose"), e);
}

/* Counting by a field. */

struct groups {
	struct call *call;
	struct query_by by;
	struct error *e;
	enum status failed;
};

/* 2026-03, 2026-Q1, 2026; nothing for those without a date. */
static void format_period(const struct query_by *by, struct bytes run, struct buf *out)
{
	struct wire_field w;
	civil_date day;

	if (!record_next(&run, &w, NULL))
		return;
	day = (civil_date)w.number;
	buf_printf(out, "%04d", date_year(day));
	if (by->months == 1)
		buf_printf(out, "-%02d", date_month(day));
	else if (by->months == 3)
		buf_printf(out, "-Q%d", (date_month(day) + 2) / 3);
}

static void group_add(void *arg, struct bytes run, uint64_t count)
{
	struct groups *g = arg;
	struct call *c = g->call;
	struct format_context ctx = lookup_format_context(call_lookup(c), c->caller->zone);
	struct buf text = BUF_INIT, code = BUF_INIT;
	Guanxi__Group *group = arena_alloc(c->arena, sizeof(*group));

	if (g->failed || !group || c->reply->n_group >= LIMIT_MAX) {
		g->failed = error_set(g->e, STATUS_INVALID, "more than %d groups", LIMIT_MAX);
		return;
	}
	guanxi__group__init(group);
	if (g->by.months) {
		format_period(&g->by, run, &text);
		format_period(&g->by, run, &code);
	} else {
		type_format_run(g->by.field, run, FORM_DISPLAY, &ctx, &text);
		type_format_run(g->by.field, run, FORM_CODE, &ctx, &code);
	}
	group->value = pb_from(arena_copy(c->arena, buf_bytes(&text)));
	group->count = count;
	group->has_code = true;
	group->code = pb_from(arena_copy(c->arena, buf_bytes(&code)));
	c->reply->group[c->reply->n_group++] = group;
	buf_free(&text);
	buf_free(&code);
}

static int compare_groups(const void *a, const void *b)
{
	const Guanxi__Group *x = *(Guanxi__Group *const *)a, *y = *(Guanxi__Group *const *)b;

	return bytes_compare(pb_bytes(x->value), pb_bytes(y->value));
}

/* FIELD, or FIELD:month and its like of a date. */
static enum status by_open(
	struct target *t, struct bytes text, struct query_by *by, struct error *e)
{
	static const struct {
		const char *name;
		int months;
	} periods[] = { { "month", 1 }, { "quarter", 3 }, { "year", 12 } };
	const uint8_t *colon = memchr(text.data, ':', text.len);
	size_t len = colon ? (size_t)(colon - text.data) : text.len;
	struct bytes name = bytes_of(text.data, len);

	by->field = target_field(t, name, e);
	if (!by->field)
		return STATUS_INVALID;
	by->zone = t->call->caller->zone;
	for (size_t i = 0; colon && i < sizeof(periods) / sizeof(*periods); i++)
		if (bytes_equal(
			    bytes_of(colon + 1, text.len - len - 1), bytes_str(periods[i].name)))
			by->months = periods[i].months;
	if (colon && !by->months)
		return error_set(e, STATUS_USAGE, "a period is month, quarter or year");
	if (by->months && by->field->type != T_DATE && by->field->type != T_DATETIME)
		return error_set(
			e, STATUS_USAGE, "%s is no date: it has no periods", by->field->name);
	return path_allowed(t, &name, 1, e);
}

static enum status count_by(struct target *t, const struct query *q, struct error *e)
{
	struct call *c = t->call;
	struct bytes name = call_arg(c, "by");
	struct groups g = { .call = c, .e = e };
	enum status s;

	if (!name.len)
		return STATUS_OK;
	s = by_open(t, name, &g.by, e);
	c->reply->group = arena_alloc(c->arena, LIMIT_MAX * sizeof(*c->reply->group));
	if (!s && !c->reply->group)
		s = error_set(e, STATUS_INVALID, "reply too large");
	if (!s)
		s = query_count_by(c->txn, q, &g.by, group_add, &g, e);
	if (!s && !g.failed && g.by.months)
		qsort(c->reply->group, c->reply->n_group, sizeof(*c->reply->group), compare_groups);
	return s ? s : g.failed;
}

static enum status count_explain(struct call *c, const struct query *q, struct error *e)
{
	struct buf text = BUF_INIT;
	enum status s = query_explain_count(c->txn, q, &text, e);

	if (!s)
		s = reply_value(c, "explain", buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

static enum status record_count(struct call *c, struct error *e)
{
	struct target t;
	struct query q;
	enum status s = target_open(c, &t, e);

	if (!s)
		s = query_open(&t, &q, e);
	if (!s && call_arg(c, "explain").len)
		s = count_explain(c, &q, e);
	if (!s)
		s = query_count(c->txn, &q, &c->reply->count, e);
	c->reply->has_count = true;
	return s ? s : count_by(&t, &q, e);
}

/* Search. */

#define SEARCH_STEPS 80000u      /* of a page, at about 100 ns */
#define SEARCH_LOOP_STEPS 15000u /* on a loop */

/* Customers and what hangs on them. What everybody shares (users, dictionaries ...) is searched when it is named. */
static bool searchable(const struct entity *entity)
{
	if (entity->flags & (E_READONLY | E_SHARED))
		return false;
	for (size_t i = 0; i < entity->nfields; i++)
		if (entity->fields[i].flags & F_SEARCH)
			return true;
	return false;
}

static bool found_row(void *arg, const struct entity *entity, const struct stored *record)
{
	struct page *p = arg;

	p->t.entity = entity;
	return page_row(p, record);
}

/* The entities to be searched: the one named, or all that take part. NULL: out of memory. */
static const struct entity **search_where(struct page *p, size_t *n)
{
	struct call *c = p->t.call;
	const struct schema *schema = c->schema;
	const struct entity **all =
		arena_alloc(c->arena, (schema_count(schema) + 1) * sizeof(*all));

	*n = 0;
	if (all && p->t.entity)
		all[(*n)++] = p->t.entity;
	for (size_t i = 0; all && !p->t.entity && i < schema_count(schema); i++)
		if (searchable(schema_at(schema, i)))
			all[(*n)++] = schema_at(schema, i);
	return all;
}

/* On a loop a page that is not full when its steps are used up begins anew in the pool, where it gets more. */
static enum status search_page(struct page *p, struct bytes after, struct error *e)
{
	struct call *c = p->t.call;
	struct search_request r = { .txn = c->txn,
		.scope = &c->caller->scope,
		.text = pb_bytes(c->request->text),
		.class_mask = c->caller->class_mask,
		.limit = limit_of(c),
		.steps = c->on_loop ? SEARCH_LOOP_STEPS : SEARCH_STEPS,
		.after = after,
		.row = found_row,
		.arg = p };
	struct buf next = BUF_INIT;
	enum status s;

	r.entities = search_where(p, &r.nentities);
	if (!r.entities)
		return error_set(e, STATUS_INVALID, "reply too large");
	s = search_entities(&r, &next, e);
	if (!s)
		s = p->failed;
	c->too_long = c->on_loop && !s && next.len && c->reply->n_record < r.limit &&
		      p->bytes < PAGE_BYTES;
	if (!s && next.len)
		s = token_seal(c, r.text, buf_bytes(&next), e);
	buf_free(&next);
	return s;
}

static enum status search(struct call *c, struct error *e)
{
	struct page p = { .e = e };
	struct buf token = BUF_INIT;
	struct bytes text = pb_bytes(c->request->text);
	char why[96];
	enum status s = STATUS_OK;

	if (c->caller->exact_only)
		return error_set(e, STATUS_DENIED, "search is not allowed to this role");
	if (!text_valid(text, TEXT_LINE, SEARCH_TEXT_MAX, why) || !text_trim(text).len)
		return error_set(e, STATUS_USAGE, "nothing to search for");
	p.t.call = c;
	if (c->request->has_entity && c->request->entity.len)
		s = target_open(c, &p.t, e);
	if (!s)
		s = token_open(c, text, &token, e);
	if (!s)
		s = search_page(&p, buf_bytes(&token), e);
	buf_free(&token);
	return s;
}

const struct op query_ops[] = {
	{ .name = "record.list", .kind = OP_READ, .run = record_list },
	{ .name = "record.export", .kind = OP_READ, .run = record_export, .right = "%s.export" },
	{ .name = "record.export_begin",
		.kind = OP_WRITE,
		.prepare = export_prepare,
		.run = export_begin,
		.right = "%s.export" },
	{ .name = "record.count", .kind = OP_SLOW, .run = record_count },
	{ .name = "search", .kind = OP_READ, .run = search },
	{ 0 },
};
