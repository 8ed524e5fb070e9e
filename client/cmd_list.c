/* list, count, search */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

#define PAGE_ALL 500
#define PAGE_DEFAULT 20

enum status take_query(struct app *app, Guanxi__Request *r, size_t from, struct error *e)
{
	request_text(app->arena, app_join_args(app, from), &r->has_filter, &r->filter);
	request_text(app->arena, app->opt.sort, &r->has_sort, &r->sort);
	r->has_trash = r->trash = app->opt.trash;
	if (app->opt.explain)
		request_arg(app->arena, r, "explain", bytes_str("1"));
	return STATUS_OK;
}

static enum status take_page(struct app *app, Guanxi__Request *r, struct error *e)
{
	struct buf token = BUF_INIT;

	if (!app->opt.page)
		return STATUS_OK;
	bool good = hex_parse(app->opt.page, &token) && token.len;
	r->has_page = true;
	r->page = pb_from(arena_copy(app->arena, buf_bytes(&token)));
	buf_free(&token);
	if (!good)
		return error_set(
			e, STATUS_USAGE, app_tr(app, "'%s' is no page token"), app->opt.page);
	return STATUS_OK;
}

/* What a walk over pages carries along. */
struct walk {
	struct app *app;
	Guanxi__Request *request;
	struct record_list *list;
	uint64_t left; /* records still wanted */
	uint64_t page_size;
	uint64_t printed;
	uint64_t total;
	bool has_total;
	bool scans;      /* it has been said that records are read one by one */
	struct buf next; /* page token, hex; empty: the end */
};

static void keep_next(struct walk *w, const Guanxi__Reply *reply)
{
	struct bytes copy = arena_copy(w->app->arena, pb_bytes(reply->next));

	buf_clear(&w->next);
	w->request->has_page = reply->has_next;
	w->request->page = pb_from(copy);
	if (reply->has_next)
		hex_add(&w->next, copy);
}

static void say_explain(const struct app *app, const Guanxi__Reply *reply)
{
	struct bytes text = answer_value(reply, "explain");

	if (text.len)
		app_say(app, "%.*s", (int)text.len, (const char *)text.data);
}

/* Once, for a list that takes long because no index helps. */
static void say_scan(struct walk *w, const Guanxi__Reply *reply)
{
	if (w->scans || w->app->opt.quiet || !answer_value(reply, "scan").len)
		return;
	w->scans = true;
	app_say(w->app, "%s",
		app_tr(w->app, "no index answers this filter: records are read one by one"));
}

static enum status walk_page(struct walk *w, struct error *e)
{
	const Guanxi__Reply *reply;
	const struct entity *en;
	uint64_t most = w->app->opt.all || w->app->opt.limit ? PAGE_ALL : PAGE_DEFAULT;

	w->request->has_limit = true;
	w->request->limit = (uint32_t)(w->left < most ? w->left : most);
	enum status st = call_for_records(w->app, w->request, &reply, e);
	if (!st && !w->list) {
		st = catalog_entity(w->app, &en, e);
		if (!st)
			st = record_list_new(w->app, en, &w->list, e);
		say_explain(w->app, reply);
	}
	for (size_t i = 0; !st && i < reply->n_record; i++)
		record_list_add(w->list, reply->record[i], reply);
	if (st)
		return st;
	say_scan(w, reply);
	w->printed += reply->n_record;
	w->left -= reply->n_record < w->left ? reply->n_record : w->left;
	if (reply->has_count) {
		w->total = reply->count;
		w->has_total = true;
	}
	keep_next(w, reply);
	return grid_flush(record_list_grid(w->list), e);
}

static void say_more(const struct walk *w)
{
	if (w->app->output == OUTPUT_JSON)
		return;
	if (w->app->opt.total && w->has_total)
		app_say(w->app, app_tr(w->app, "%llu records, %llu pages"),
			(unsigned long long)w->total,
			(unsigned long long)((w->total + w->page_size - 1) / w->page_size));
	if (!w->next.len || w->app->opt.all)
		return;
	if (w->has_total && w->total > w->printed)
		app_say(w->app, app_tr(w->app, "%llu more; --all prints all, --limit N more"),
			(unsigned long long)(w->total - w->printed));
	else
		app_say(w->app, "%s", app_tr(w->app, "there are more; --all prints all"));
}

static enum status walk_pages(struct walk *w, struct error *e)
{
	enum status st;

	/* a page may end early because its time was over */
	do {
		st = walk_page(w, e);
	} while (!st && w->next.len && w->left);
	if (!st) {
		struct bytes token = w->next.len ? buf_bytes(&w->next) : (struct bytes){ 0 };

		if (w->app->opt.total)
			grid_total(record_list_grid(w->list), w->total, w->page_size);
		st = grid_end(record_list_grid(w->list), token, e);
	}
	if (!st)
		say_more(w);
	record_list_free(&w->list);
	buf_free(&w->next);
	return st;
}

enum status run_list(struct app *app, struct error *e)
{
	struct walk w = { .app = app, .left = app->opt.all ? UINT64_MAX : PAGE_DEFAULT };
	enum status st = option_number(app->opt.limit, "limit", UINT32_MAX, &w.left, e);

	if (st)
		return st;
	if (app->opt.limit && !w.left)
		return error_set(e, STATUS_USAGE, "%s", app_tr(app, "--limit begins at 1"));
	w.page_size = app->opt.limit ? w.left : PAGE_DEFAULT;
	w.request = request_new(app, "record.list");
	st = take_query(app, w.request, 0, e);
	if (!st)
		st = take_page(app, w.request, e);
	if (st)
		return st;
	bool asks = !app->opt.all && !app->opt.limit && !app->opt.page && !app->opt.quiet;
	if (app->opt.total || (asks && app->output == OUTPUT_TABLE))
		request_arg(app->arena, w.request, "total", bytes_str("1"));
	return walk_pages(&w, e);
}

void group_json(const Guanxi__Group *group, struct buf *out)
{
	buf_add_str(out, "{\"value\":");
	json_add_string(out, pb_bytes(group->value));
	if (group->has_code) {
		buf_add_str(out, ",\"code\":");
		json_add_string(out, pb_bytes(group->code));
	}
	buf_printf(out, ",\"count\":%llu}", (unsigned long long)group->count);
}

static enum status print_groups(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	const struct entity *en = schema_entity(catalog_schema(app), bytes_str(app->noun));
	struct bytes name = bytes_of(app->opt.by, strcspn(app->opt.by, ":"));
	const struct field *by = en ? entity_field(en, name) : NULL;
	const struct grid_column columns[] = {
		{ by ? by->name : app->opt.by, by ? field_label(app, by) : app->opt.by, false },
		{ "count", app_tr(app, "number"), true },
	};
	struct grid *g = grid_new(app, columns, 2);
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < reply->n_group; i++) {
		const Guanxi__Group *group = reply->group[i];
		char number[24];
		bool coded = group->has_code && app->output == OUTPUT_TSV;

		buf_clear(&text);
		group_json(group, &text);
		if (grid_wants_json(g)) {
			grid_json(g, buf_bytes(&text));
			continue;
		}
		snprintf(number, sizeof number, "%llu", (unsigned long long)group->count);
		grid_row(g, (struct bytes[]){ pb_bytes(coded ? group->code : group->value),
				    bytes_str(number) });
	}
	enum status st = grid_end(g, (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&text);
	return st;
}

static enum status run_count(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	struct buf out = BUF_INIT;
	Guanxi__Request *r = request_new(app, "record.count");
	enum status st = take_query(app, r, 0, e);

	if (app->opt.by)
		request_arg(app->arena, r, "by", bytes_str(app->opt.by));
	if (!st)
		st = call_for_records(app, r, &reply, e);
	if (st)
		return st;
	say_explain(app, reply);
	if (app->opt.by)
		return print_groups(app, reply, e);
	bool json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL;
	buf_printf(&out, json ? "{\"count\":%llu}\n" : "%llu\n", (unsigned long long)reply->count);
	st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

/* Hits are of several entities: kind, id and what people call the record. */
static void add_hit(struct grid *g, const struct view *v)
{
	struct buf title = BUF_INIT, object = BUF_INIT;
	char id[24];
	bool first = true;

	snprintf(id, sizeof id, "%llu", (unsigned long long)v->record->id);
	view_title(v, &title);
	if (grid_wants_json(g)) {
		buf_add_u8(&object, '{');
		json_add_key(&object, &first, "entity");
		json_add_str(&object, v->entity->name);
		view_json_members(v, &first, &object);
		buf_add_u8(&object, '}');
		grid_json(g, buf_bytes(&object));
	} else if (grid_wants_cells(g)) {
		grid_row(g, (struct bytes[]){ bytes_str(v->app->output == OUTPUT_TSV
								? v->entity->name
								: entity_label(v->app, v->entity)),
				    bytes_str(id), buf_bytes(&title) });
	} else {
		grid_id(g, v->record->id);
	}
	buf_free(&title);
	buf_free(&object);
}

static enum status print_hits(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	const struct grid_column columns[] = { { "entity", app_tr(app, "kind"), false },
		{ "id", "ID", true }, { "name", app_tr(app, "name"), false } };
	struct grid *g = grid_new(app, columns, 3);
	struct buf next = BUF_INIT;

	for (size_t i = 0; i < reply->n_record; i++) {
		struct view v;

		if (view_init(&v, app, reply->record[i], reply))
			add_hit(g, &v);
		view_release(&v);
	}
	if (reply->has_next)
		hex_add(&next, pb_bytes(reply->next));
	enum status st = grid_end(g, next.len ? buf_bytes(&next) : (struct bytes){ 0 }, e);
	if (!st && reply->has_next && app->output != OUTPUT_JSON)
		app_say(app, "%s", app_tr(app, "there are more; --limit N prints more"));
	grid_free(&g);
	buf_free(&next);
	return st;
}

static enum status print_hits_of(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	const struct entity *en;
	struct record_list *list;
	struct buf next = BUF_INIT;
	enum status st = catalog_entity(app, &en, e);

	if (!st)
		st = record_list_new(app, en, &list, e);
	if (st)
		return st;
	for (size_t i = 0; i < reply->n_record; i++)
		record_list_add(list, reply->record[i], reply);
	if (reply->has_next)
		hex_add(&next, pb_bytes(reply->next));
	st = grid_end(record_list_grid(list), next.len ? buf_bytes(&next) : (struct bytes){ 0 }, e);
	record_list_free(&list);
	buf_free(&next);
	return st;
}

static enum status run_search(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	uint64_t limit = PAGE_DEFAULT;
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	if (!st)
		st = option_number(app->opt.limit, "limit", 1000, &limit, e);
	if (st)
		return st;
	app->noun = app->opt.in;
	Guanxi__Request *r = request_new(app, "search");
	request_text(app->arena, app_join_args(app, 0), &r->has_text, &r->text);
	r->has_limit = true;
	r->limit = (uint32_t)limit;
	st = take_page(app, r, e);
	if (!st)
		st = call_for_records(app, r, &reply, e);
	if (st)
		return st;
	return app->noun ? print_hits_of(app, reply, e) : print_hits(app, reply, e);
}

const struct command cmd_list = {
	.noun = ANY_ENTITY,
	.name = "list",
	.usage = "[FILTER]",
	.options = LIST_OPTIONS,
	.help = "list records",
	.more = "  FILTER: field op value, joined by and, or, not, parentheses.\n"
		"  Operators: = != < <= > >= ~ in (a, b), is empty, is not empty.",
	.run = run_list,
};

const struct command cmd_count = {
	.noun = ANY_ENTITY,
	.name = "count",
	.usage = "[FILTER]",
	.options = "by trash explain",
	.help = "count records",
	.run = run_count,
};

const struct command cmd_search = {
	.name = "search",
	.usage = "TEXT",
	.options = "in limit page",
	.help = "find by name, keyword, phone, pinyin, initials",
	.run = run_search,
};
