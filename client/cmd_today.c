/* today, agenda, report: records in sections */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include "common/text.h"
#include <glib.h>

/* Sections come in this order; one that the server adds later comes after them. */
static const struct section {
	const char *name;
	const char *title;
	const char *report; /* NULL: of the board of the day */
} known[] = {
	{ "overdue", "overdue", NULL },
	{ "due_today", "due today", NULL },
	{ "birthdays", "birthdays ahead", NULL },
	{ "waiting_for_me", "waiting for me", NULL },
	{ "rhythms", "rhythms about to break", NULL },
	{ "approvals", "waiting for my approval", NULL },
	{ "notices", "notices", NULL },
	{ "team_overdue", "overdue in the team", NULL },
	{ "team_due_today", "due today in the team", NULL },
	{ "unplanned", "visits without a plan", "visit-plans" },
	{ "without_result", "plans without a result", "visit-plans" },
	{ "submitted", "plans that wait for a receipt", "visit-plans" },
	{ "planned", "planned visits", "visit-plans" },
};

#define NKNOWN (sizeof known / sizeof known[0])
#define SECTIONS_MAX 32

static bool has_section(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* The names of the known sections and of those that the reply has besides. */
static size_t sections_of(struct app *app, const Guanxi__Reply *reply, const char *report,
	const char *names[SECTIONS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < NKNOWN; i++)
		if (!g_strcmp0(known[i].report, report) &&
			(app->opt.team || strncmp(known[i].name, "team_", 5) != 0))
			names[n++] = known[i].name;
	for (size_t i = 0; i < reply->n_item && n < SECTIONS_MAX; i++) {
		const char *name = arena_str(app->arena, pb_bytes(reply->item[i]->section));

		if (name && !has_section(names, n, name))
			names[n++] = name;
	}
	return n;
}

static const char *section_title(const struct app *app, const char *name)
{
	for (size_t i = 0; i < NKNOWN; i++)
		if (!strcmp(known[i].name, name))
			return tr(app->chinese, known[i].title);
	return name;
}

static void item_title(const Guanxi__Item *item, const struct view *v, struct buf *out)
{
	if (item->has_title && item->title.len)
		buf_add_bytes(out, pb_bytes(item->title));
	else
		view_title(v, out);
}

static void item_json(
	const Guanxi__Item *item, const struct view *v, bool with_section, struct buf *out)
{
	struct buf title = BUF_INIT;
	bool first = true;

	item_title(item, v, &title);
	buf_add_u8(out, '{');
	if (with_section) {
		json_add_key(out, &first, "section");
		json_add_string(out, pb_bytes(item->section));
	}
	if (item->has_date) {
		json_add_key(out, &first, "date");
		json_add_string(out, pb_bytes(item->date));
	}
	if (item->has_age) {
		json_add_key(out, &first, "age");
		buf_printf(out, "%u", item->age);
	}
	json_add_key(out, &first, "title");
	json_add_string(out, buf_bytes(&title));
	json_add_key(out, &first, "entity");
	json_add_str(out, v->entity->name);
	json_add_key(out, &first, "id");
	buf_printf(out, "%llu", (unsigned long long)v->record->id);
	json_add_key(out, &first, "record");
	view_json(v, out);
	buf_add_u8(out, '}');
	buf_free(&title);
}

static void add_json_section(
	struct app *app, const Guanxi__Reply *reply, const char *name, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < reply->n_item; i++) {
		const Guanxi__Item *item = reply->item[i];
		struct view v;

		if (!bytes_equal_str(pb_bytes(item->section), name))
			continue;
		if (view_init(&v, app, item->record, reply)) {
			buf_add_str(out, first ? "" : ",");
			first = false;
			item_json(item, &v, false, out);
		}
		view_release(&v);
	}
}

static enum status print_json(
	struct app *app, const Guanxi__Reply *reply, const char *report, struct error *e)
{
	const char *names[SECTIONS_MAX];
	size_t n = sections_of(app, reply, report, names);
	struct buf out = BUF_INIT;
	bool first = true;

	buf_add_u8(&out, '{');
	for (size_t i = 0; i < n; i++) {
		json_add_key(&out, &first, names[i]);
		buf_add_u8(&out, '[');
		add_json_section(app, reply, names[i], &out);
		buf_add_u8(&out, ']');
	}
	buf_add_str(&out, "}\n");
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

static void add_row(struct grid *g, const struct app *app, const Guanxi__Item *item,
	const struct view *v, bool with_section)
{
	struct buf title = BUF_INIT;
	char id[24], age[16] = "";
	bool table = app->output == OUTPUT_TABLE;

	snprintf(id, sizeof id, "%llu", (unsigned long long)v->record->id);
	if (item->has_age)
		snprintf(age, sizeof age, "%u", item->age);
	item_title(item, v, &title);
	struct buf date = BUF_INIT;
	int64_t ms;
	/* an instant, of the agenda */
	if (table &&
		memchr(item->date.data ? item->date.data : (uint8_t *)"", 'T', item->date.len) &&
		instant_parse(pb_bytes(item->date), NULL, &ms))
		zone_format(app_zone(app), ms, &date);
	else
		buf_add_bytes(&date, pb_bytes(item->date));
	struct bytes cells[] = { pb_bytes(item->section), buf_bytes(&date),
		bytes_str(table ? entity_label(app, v->entity) : v->entity->name), bytes_str(id),
		bytes_str(age), buf_bytes(&title) };
	grid_row(g, with_section ? cells : cells + 1);
	buf_free(&date);
	buf_free(&title);
}

/* Items of one section (NULL: all of them, with the section as a column). */
static enum status print_rows(
	struct app *app, const Guanxi__Reply *reply, const char *section, struct error *e)
{
	const struct grid_column all[] = { { "section", app_tr(app, "section"), false },
		{ "date", app_tr(app, "date"), false }, { "entity", app_tr(app, "kind"), false },
		{ "id", "ID", true }, { "age", app_tr(app, "age"), true },
		{ "title", app_tr(app, "title"), false } };
	struct grid *g = grid_new(app, section ? all + 1 : all, section ? 5 : 6);
	struct buf object = BUF_INIT;

	for (size_t i = 0; i < reply->n_item; i++) {
		const Guanxi__Item *item = reply->item[i];
		struct view v;

		if (section && !bytes_equal_str(pb_bytes(item->section), section))
			continue;
		if (!view_init(&v, app, item->record, reply)) {
			view_release(&v);
			continue;
		}
		buf_clear(&object);
		if (grid_wants_json(g)) {
			item_json(item, &v, true, &object);
			grid_json(g, buf_bytes(&object));
		} else if (grid_wants_cells(g)) {
			add_row(g, app, item, &v, !section);
		} else {
			grid_id(g, item->record->id);
		}
		view_release(&v);
	}
	enum status st = grid_end(g, (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&object);
	return st;
}

static size_t count_section(const Guanxi__Reply *reply, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < reply->n_item; i++)
		n += bytes_equal_str(pb_bytes(reply->item[i]->section), name);
	return n;
}

static enum status print_sections(
	struct app *app, const Guanxi__Reply *reply, const char *report, struct error *e)
{
	const char *names[SECTIONS_MAX];
	size_t n = sections_of(app, reply, report, names);
	bool colour = out_colour(), any = false;
	enum status st = STATUS_OK;

	for (size_t i = 0; !st && i < n; i++) {
		struct buf head = BUF_INIT;
		size_t items = count_section(reply, names[i]);

		buf_printf(&head, "%s%s%s (%zu)%s\n", any ? "\n" : "", colour ? "\033[1m" : "",
			section_title(app, names[i]), items, colour ? "\033[0m" : "");
		any = true;
		st = out_write(buf_bytes(&head), e);
		buf_free(&head);
		if (!st && items)
			st = print_rows(app, reply, names[i], e);
	}
	return st;
}

static enum status call_for_board(
	struct app *app, Guanxi__Request *r, const char *report, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = call_for_records(app, r, &reply, e);

	if (st)
		return st;
	if (app->output == OUTPUT_JSON)
		return print_json(app, reply, report, e);
	return app->output == OUTPUT_TABLE ? print_sections(app, reply, report, e)
					   : print_rows(app, reply, NULL, e);
}

static enum status run_today(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, 0, 0, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "today");
	if (app->opt.days)
		request_arg(app->arena, r, "days", bytes_str(app->opt.days));
	if (app->opt.team)
		request_arg(app->arena, r, "team", bytes_str("yes"));
	return call_for_board(app, r, NULL, e);
}

const struct command cmd_today = {
	.name = "today",
	.usage = "",
	.options = "days team",
	.help = "what is due, who has a birthday, what waits for me",
	.run = run_today,
};

static enum status run_agenda(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 0, 0, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "agenda");
	if (app->opt.from)
		request_arg(app->arena, r, "from", bytes_str(app->opt.from));
	if (app->opt.days)
		request_arg(app->arena, r, "days", bytes_str(app->opt.days));
	st = call_for_records(app, r, &reply, e);
	return st ? st : print_rows(app, reply, NULL, e);
}

const struct command cmd_agenda = {
	.name = "agenda",
	.usage = "",
	.options = "from days",
	.help = "tasks, visits, service and reminders in the order of time",
	.run = run_agenda,
};

static enum status run_visit_plans(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, 0, 0, e);

	if (st)
		return st;
	app->noun = NULL; /* there is no entity of that name */
	Guanxi__Request *r = request_new(app, "report.visit_plans");
	if (app->opt.from)
		request_arg(app->arena, r, "from", bytes_str(app->opt.from));
	return call_for_board(app, r, "visit-plans", e);
}

const struct command cmd_report_visit_plans = {
	.noun = "report",
	.name = "visit-plans",
	.usage = "[--from DATE|PERIOD]",
	.options = "from",
	.help = "visits without a plan, plans without a result",
	.run = run_visit_plans,
};
