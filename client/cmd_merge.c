/* merge: two records that are one; duplicates: which may be */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/job.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static enum status run_merge(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 2, 2, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.merge");
	for (size_t i = 0; i < app->nargs; i++)
		request_record(app->arena, r, bytes_str(app->args[i]));
	for (size_t i = 0; i < app->opt.take.n; i++)
		request_arg(app->arena, r, "take", bytes_str(app->opt.take.items[i]));
	st = call_for_records(app, r, &reply, e);
	uint64_t operation = st ? 0 : reply->operation;
	if (!st && is_long_work(reply)) {
		st = job_wait(app, &reply, e);
		r = request_new(app, "record.get");
		request_record(app->arena, r, bytes_str(app->args[0]));
		if (!st)
			st = call_for_records(app, r, &reply, e);
	}
	if (!st)
		st = print_records(app, reply, e);
	if (!st)
		app_say_undo(app, operation);
	return st;
}

const struct command cmd_merge = {
	.noun = ANY_ENTITY,
	.name = "merge",
	.usage = "KEEP OTHER [--take FIELD]...",
	.options = "take",
	.help = "make two records one; the second id then means the first",
	.more = "  What KEEP lacks comes from OTHER; where both have a value KEEP's stays, with\n"
		"  --take OTHER's. Lists hold the values of both. All that refers to OTHER refers\n"
		"  to KEEP afterwards; guanxi undo takes everything back.",
	.run = run_merge,
};

/* ---- duplicates ---- */

struct finding {
	struct app *app;
	struct grid *grid;
	uint64_t groups, limit; /* limit 0: all */
	struct buf object;      /* the group at hand, for JSON */
	bool any;               /* it has a member already */
};

/* The first of a group has no section; those that follow say which fields they share with it. */
static bool is_leader(const Guanxi__Item *item)
{
	return !item->section.len;
}

static void group_end(struct finding *f)
{
	if (!f->object.len)
		return;
	buf_add_str(&f->object, "]}");
	grid_json(f->grid, buf_bytes(&f->object));
	buf_clear(&f->object);
}

static void add_json(struct finding *f, const Guanxi__Item *item, const struct view *v)
{
	struct buf title = BUF_INIT;
	bool first = true;

	view_title(v, &title);
	if (is_leader(item))
		group_end(f);
	else if (f->any)
		buf_add_u8(&f->object, ',');
	f->any = !is_leader(item);
	buf_add_u8(&f->object, '{');
	json_add_key(&f->object, &first, "entity");
	json_add_str(&f->object, v->entity->name);
	json_add_key(&f->object, &first, "id");
	buf_printf(&f->object, "%llu", (unsigned long long)v->record->id);
	json_add_key(&f->object, &first, "title");
	json_add_string(&f->object, buf_bytes(&title));
	if (is_leader(item)) {
		json_add_key(&f->object, &first, "duplicates");
		buf_add_u8(&f->object, '[');
	} else {
		json_add_key(&f->object, &first, "same");
		json_add_string(&f->object, pb_bytes(item->section));
		buf_add_u8(&f->object, '}');
	}
	buf_free(&title);
}

static void add_cells(struct finding *f, const Guanxi__Item *item, const struct view *v)
{
	struct buf title = BUF_INIT;
	char group[24], id[24];
	bool table = f->app->output == OUTPUT_TABLE;

	view_title(v, &title);
	snprintf(group, sizeof group, "%llu", (unsigned long long)f->groups);
	snprintf(id, sizeof id, "%llu", (unsigned long long)v->record->id);
	struct bytes cells[] = { bytes_str(group),
		bytes_str(table ? entity_label(f->app, v->entity) : v->entity->name), bytes_str(id),
		buf_bytes(&title), pb_bytes(item->section) };
	grid_row(f->grid, cells);
	buf_free(&title);
}

static void add_items(struct finding *f, const Guanxi__Reply *reply)
{
	for (size_t i = 0; i < reply->n_item; i++) {
		const Guanxi__Item *item = reply->item[i];
		struct view v;

		f->groups += is_leader(item);
		if (view_init(&v, f->app, item->record, reply)) {
			if (grid_wants_json(f->grid))
				add_json(f, item, &v);
			else if (grid_wants_cells(f->grid))
				add_cells(f, item, &v);
			else
				grid_id(f->grid, item->record->id);
		}
		view_release(&v);
	}
}

static enum status find_pages(struct finding *f, struct error *e)
{
	Guanxi__Request *r = request_new(f->app, "record.duplicates");
	struct buf page = BUF_INIT;
	enum status st = STATUS_OK;
	bool more = true;

	while (!st && more) {
		const Guanxi__Reply *reply;
		r->has_limit = f->limit > 0;
		r->limit = (uint32_t)(f->limit - f->groups);
		st = call_for_records(f->app, r, &reply, e);
		if (st)
			break;
		add_items(f, reply);
		buf_clear(&page);
		buf_add_bytes(&page, pb_bytes(reply->next));
		r->has_page = more = reply->has_next && (!f->limit || f->groups < f->limit);
		r->page = (ProtobufCBinaryData){ page.len, page.data };
		if (!grid_wants_json(f->grid))
			st = grid_flush(f->grid, e);
	}
	group_end(f);
	buf_free(&page);
	return st;
}

static enum status run_duplicates(struct app *app, struct error *e)
{
	const struct grid_column columns[] = { { "group", app_tr(app, "group"), true },
		{ "entity", app_tr(app, "kind"), false }, { "id", "ID", true },
		{ "title", app_tr(app, "title"), false }, { "same", app_tr(app, "same"), false } };
	struct finding f = { .app = app };
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = option_number(app->opt.limit, "limit", 200, &f.limit, e);
	if (st)
		return st;
	f.grid = grid_new(app, columns, sizeof columns / sizeof columns[0]);
	st = find_pages(&f, e);
	if (!st)
		st = grid_end(f.grid, (struct bytes){ 0 }, e);
	grid_free(&f.grid);
	buf_free(&f.object);
	return st;
}

const struct command cmd_duplicates = {
	.noun = ANY_ENTITY,
	.name = "duplicates",
	.usage = "[--limit N]",
	.options = "limit",
	.help = "list records that are likely the same",
	.run = run_duplicates,
};
