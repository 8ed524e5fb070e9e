/*
 * The only place of the client that names entities: shortcuts for the daily commands, and the
 * verbs that single entities have besides those of all.
 */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

#define DAILY "customer"

const struct command cmd_short_add = {
	.name = "add",
	.usage = "NAME FIELD=VALUE...",
	.options = "json force",
	.help = "add a customer",
	.run = run_add,
	.stands_for = DAILY,
};

const struct command cmd_short_import = {
	.name = "import",
	.usage = "FILE|-",
	.options = IMPORT_OPTIONS,
	.help = "import customers",
	.run = run_import,
	.stands_for = DAILY,
};

const struct command cmd_short_export = {
	.name = "export",
	.usage = "FILE|- [FILTER]",
	.options = EXPORT_OPTIONS,
	.help = "export customers",
	.run = run_export,
	.stands_for = DAILY,
};

static enum status run_acknowledge(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	struct buf out = BUF_INIT;
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "reminder.acknowledge");
	for (size_t i = 0; i < app->nargs; i++)
		request_record(app->arena, r, bytes_str(app->args[i]));
	st = link_call(app, r, &reply, e);
	if (st)
		return st;
	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL)
		buf_printf(&out, "{\"acknowledged\":%llu}\n", (unsigned long long)reply->count);
	else
		app_say(app, app_tr(app, "acknowledged: %llu"), (unsigned long long)reply->count);
	st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

static enum status run_snooze(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 2, 2, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "reminder.snooze");
	request_record(app->arena, r, bytes_str(app->args[0]));
	request_arg(app->arena, r, "until", bytes_str(app->args[1]));
	st = call_for_records(app, r, &reply, e);
	return st ? st : print_records(app, reply, e);
}

static void planned_json(
	const struct view *v, const Guanxi__Item *item, struct bytes title, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	json_add_key(out, &first, "date");
	json_add_string(out, pb_bytes(item->date));
	json_add_key(out, &first, "title");
	json_add_string(out, title);
	json_add_key(out, &first, "entity");
	json_add_str(out, v->entity->name);
	json_add_key(out, &first, "id");
	buf_printf(out, "%llu}", (unsigned long long)v->record->id);
}

/* An instant, shown in the user's zone in a table. */
static void planned_date(const struct app *app, const Guanxi__Item *item, struct buf *out)
{
	int64_t ms;

	if (app->output == OUTPUT_TABLE && instant_parse(pb_bytes(item->date), NULL, &ms))
		zone_format(app_zone(app), ms, out);
	else
		buf_add_bytes(out, pb_bytes(item->date));
}

static void add_planned(struct grid *g, const struct view *v, const Guanxi__Item *item)
{
	struct buf title = BUF_INIT, object = BUF_INIT, date = BUF_INIT;
	char id[24];
	const char *kind =
		v->app->output == OUTPUT_TSV ? v->entity->name : entity_label(v->app, v->entity);

	snprintf(id, sizeof id, "%llu", (unsigned long long)v->record->id);
	if (item->has_title)
		buf_add_bytes(&title, pb_bytes(item->title));
	else
		view_title(v, &title);
	if (grid_wants_json(g)) {
		planned_json(v, item, buf_bytes(&title), &object);
		grid_json(g, buf_bytes(&object));
	} else {
		planned_date(v->app, item, &date);
		grid_row(g, (struct bytes[]){ buf_bytes(&date), bytes_str(kind), bytes_str(id),
				    buf_bytes(&title) });
	}
	buf_free(&date);
	buf_free(&object);
	buf_free(&title);
}

/* Reminders to come have no record yet: what they will be about, and when. */
static enum status list_planned(struct app *app, struct error *e)
{
	const struct grid_column columns[] = { { "date", app_tr(app, "date"), false },
		{ "entity", app_tr(app, "kind"), false }, { "id", "ID", true },
		{ "title", app_tr(app, "title"), false } };
	const Guanxi__Reply *reply;
	struct buf next = BUF_INIT;
	uint64_t limit = 100;
	enum status st = option_number(app->opt.limit, "limit", 1000, &limit, e);

	if (st)
		return st;
	app->noun = NULL;
	Guanxi__Request *r = request_new(app, "reminder.planned");
	r->has_limit = true;
	r->limit = (uint32_t)limit;
	st = call_for_records(app, r, &reply, e);
	if (st)
		return st;
	struct grid *g = grid_new(app, columns, 4);
	for (size_t i = 0; i < reply->n_item; i++) {
		struct view v;

		if (view_init(&v, app, reply->item[i]->record, reply))
			add_planned(g, &v, reply->item[i]);
		view_release(&v);
	}
	if (reply->has_next)
		hex_add(&next, pb_bytes(reply->next));
	st = grid_end(g, next.len ? buf_bytes(&next) : (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&next);
	return st;
}

static enum status run_reminder_list(struct app *app, struct error *e)
{
	return app->opt.planned ? list_planned(app, e) : run_list(app, e);
}

const struct command cmd_reminder_list = {
	.noun = "reminder",
	.name = "list",
	.usage = "[FILTER] | --planned",
	.options = LIST_OPTIONS " planned",
	.help = "list reminders, or those still to come",
	.run = run_reminder_list,
};

const struct command cmd_reminder_ack = {
	.noun = "reminder",
	.name = "ack",
	.usage = "ID...",
	.help = "acknowledge reminders",
	.run = run_acknowledge,
};

const struct command cmd_reminder_snooze = {
	.noun = "reminder",
	.name = "snooze",
	.usage = "ID 2d|3h|30m|DATE",
	.help = "be reminded again later",
	.run = run_snooze,
};

/* setting set NAME VALUE: the one field that a setting has. */
static enum status run_setting(struct app *app, struct error *e)
{
	if (app->nargs == 2 && !strchr(app->args[1], '=')) {
		struct buf word = BUF_INIT;

		buf_printf(&word, "value=%s", app->args[1]);
		app->args[1] = arena_str(app->arena, buf_bytes(&word));
		buf_free(&word);
	}
	return cmd_set.run(app, e);
}

const struct command cmd_setting_set = {
	.noun = "setting",
	.name = "set",
	.usage = "NAME VALUE",
	.options = "if-version where force",
	.help = "change a business number",
	.run = run_setting,
};

/* product prices ID: what it costs and cost, latest first. */
static enum status run_prices(struct app *app, struct error *e)
{
	struct buf filter = BUF_INIT;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	buf_printf(&filter, "product = \"%s\"", app->args[0]);
	app->args[0] = arena_str(app->arena, buf_bytes(&filter));
	buf_free(&filter);
	app->noun = "product_price";
	if (!app->opt.sort)
		app->opt.sort = "-valid_from";
	return run_list(app, e);
}

const struct command cmd_product_prices = {
	.noun = "product",
	.name = "prices",
	.usage = "PRODUCT",
	.options = LIST_OPTIONS,
	.help = "list the dated prices of a product",
	.run = run_prices,
};

static enum status set_state(struct app *app, const char *word, struct error *e)
{
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.set");
	request_record(app->arena, r, bytes_str(app->args[0]));
	request_set(app->arena, r, bytes_str("state"), bytes_str(word));
	return call_to_change(app, r, e);
}

static enum status run_submit(struct app *app, struct error *e)
{
	return set_state(app, "submitted", e);
}

static enum status run_task_acknowledge(struct app *app, struct error *e)
{
	return set_state(app, "acknowledged", e);
}

const struct command cmd_task_submit = {
	.noun = "task",
	.name = "submit",
	.usage = "TASK",
	.help = "hand a plan to the superior",
	.run = run_submit,
};

const struct command cmd_task_acknowledge = {
	.noun = "task",
	.name = "acknowledge",
	.usage = "TASK",
	.help = "confirm that a plan was received",
	.run = run_task_acknowledge,
};

static enum status run_invite(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	struct buf line = BUF_INIT, out = BUF_INIT;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "user.invite");
	request_record(app->arena, r, bytes_str(app->args[0]));
	st = link_call(app, r, &reply, e);
	if (st)
		return st;
	struct bytes pin = answer_value(reply, "pin"), code = answer_value(reply, "code");
	buf_printf(&line, "guanxi://%s/?pin=sha256:%.*s&code=%.*s", link_server(app), (int)pin.len,
		(const char *)pin.data, (int)code.len, (const char *)code.data);
	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
		buf_add_str(&out, "{\"join\":");
		json_add_string(&out, buf_bytes(&line));
		buf_add_str(&out, "}\n");
	} else {
		buf_printf(&out, "%s\n", buf_str(&line));
	}
	st = out_write(buf_bytes(&out), e);
	buf_free(&line);
	buf_free(&out);
	return st;
}

const struct command cmd_user_invite = {
	.noun = "user",
	.name = "invite",
	.usage = "USER",
	.help = "print the line with which the user joins",
	.run = run_invite,
};
