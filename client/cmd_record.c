/* add, show, set, delete, restore: one operation on named records */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/job.h"
#include "client/link.h"
#include "client/print.h"
#include "client/prompt.h"
#include "client/request.h"

/* Sends, then brings the schema up to date, so that the reply can be printed. */
enum status call_for_records(
	struct app *app, Guanxi__Request *r, const Guanxi__Reply **reply, struct error *e)
{
	const struct entity *en;
	enum status st = app->noun ? catalog_entity(app, &en, e) : STATUS_OK;

	if (!st)
		st = link_call(app, r, reply, e);
	if (st)
		return st;
	if (catalog_is_current(app))
		return STATUS_OK;
	*reply = answer_keep(app, *reply); /* the next one takes its memory */
	return catalog_sync(app, e);
}

/* The server asks before it does something large: what it says is the question. */
static enum status call_confirmed(
	struct app *app, Guanxi__Request *r, const Guanxi__Reply **reply, struct error *e)
{
	char question[sizeof e->message];
	enum status st;

	snprintf(question, sizeof question, "%s", e->message);
	error_clear(e);
	st = prompt_yes(app, question, e);
	if (st)
		return st;
	request_arg(app->arena, r, "confirm", bytes_str("yes"));
	return call_for_records(app, r, reply, e);
}

enum status call_to_change(struct app *app, Guanxi__Request *r, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st;

	if (app->opt.yes)
		request_arg(app->arena, r, "confirm", bytes_str("yes"));
	st = call_for_records(app, r, &reply, e);
	if (st == STATUS_USAGE && !strcmp(e->reason, "confirm") && !app->opt.yes)
		st = call_confirmed(app, r, &reply, e);
	if (!st)
		st = print_records(app, reply, e);
	if (!st)
		app_say_undo(app, reply->operation);
	return st;
}

enum status run_add(struct app *app, struct error *e)
{
	enum status st = STATUS_OK;

	if (app->opt.json)
		return run_add_json(app, e);
	st = app_need_args(app, 1, SIZE_MAX, e);
	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.add");
	size_t from = 0;
	/* guanxi add NAME FIELD=VALUE...: the shortcut's first word is the name. */
	if (app->shortcut && !strchr(app->args[0], '=')) {
		const struct entity *en;

		st = catalog_entity(app, &en, e);
		if (st)
			return st;
		if (en->name_field)
			request_set(
				app->arena, r, bytes_str(en->name_field), bytes_str(app->args[0]));
		from = 1;
	}
	st = request_assign(app, r, app->args + from, app->nargs - from, e);
	return st ? st : call_to_change(app, r, e);
}

static void add_ids(struct app *app, Guanxi__Request *r)
{
	for (size_t i = 0; i < app->nargs; i++)
		request_record(app->arena, r, bytes_str(app->args[i]));
}

/* An id that a merge has taken away answers with the record that stayed. */
static void say_merged(const struct app *app, const Guanxi__Reply *reply)
{
	uint64_t asked;

	for (size_t i = 0; i < app->nargs && i < reply->n_record; i++)
		if (id_parse(bytes_str(app->args[i]), &asked) && asked != reply->record[i]->id)
			app_say(app, app_tr(app, "%s %llu was merged into %llu"), app->noun,
				(unsigned long long)asked,
				(unsigned long long)reply->record[i]->id);
}

static enum status run_show(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.get");
	add_ids(app, r);
	if (app->opt.at)
		request_arg(app->arena, r, "at", bytes_str(app->opt.at));
	st = call_for_records(app, r, &reply, e);
	if (!st)
		say_merged(app, reply);
	return st ? st : print_records(app, reply, e);
}

static enum status run_set(struct app *app, struct error *e)
{
	uint64_t version = 0;
	enum status st = STATUS_OK;

	if (app->opt.where)
		return run_set_where(app, e);
	st = app_need_args(app, 2, SIZE_MAX, e);
	if (!st)
		st = option_number(app->opt.if_version, "if-version", UINT64_MAX, &version, e);
	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.set");
	request_record(app->arena, r, bytes_str(app->args[0]));
	r->has_if_version = app->opt.if_version != NULL;
	r->if_version = version;
	st = request_assign(app, r, app->args + 1, app->nargs - 1, e);
	return st ? st : call_to_change(app, r, e);
}

static enum status run_delete(struct app *app, struct error *e)
{
	char question[300];
	const Guanxi__Reply *reply;
	enum status st = STATUS_OK;

	if (app->opt.where)
		return run_delete_where(app, e);
	st = app_need_args(app, 1, SIZE_MAX, e);
	if (st)
		return st;
	snprintf(question, sizeof question, app_tr(app, "delete %s %s%s"), app->noun, app->args[0],
		app->nargs > 1 ? " ..." : "");
	if (!app->opt.dry_run)
		st = prompt_yes(app, question, e);
	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.delete");
	add_ids(app, r);
	st = call_for_records(app, r, &reply, e);
	if (!st)
		st = job_wait(app, &reply, e);
	return st ? st : print_operation(app, reply, e);
}

static enum status run_restore(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.restore");
	add_ids(app, r);
	st = call_for_records(app, r, &reply, e);
	if (!st)
		st = job_wait(app, &reply, e);
	return st ? st : print_operation(app, reply, e);
}

const struct command cmd_add = {
	.noun = ANY_ENTITY,
	.name = "add",
	.usage = "FIELD=VALUE... | --json FILE|- [--force]",
	.options = "json force",
	.help = "add a record",
	.more = "  FIELD=@FILE takes the value from a file; FIELD=@name:TEXT looks a reference "
		"up;\n"
		"  FIELD=@@TEXT begins with an @.",
	.run = run_add,
};

const struct command cmd_show = {
	.noun = ANY_ENTITY,
	.name = "show",
	.usage = "ID... [--at TIME]",
	.options = "at",
	.help = "show records whole",
	.more = "  --at: as they stood at a date or an instant, computed fields left out.",
	.run = run_show,
};

const struct command cmd_set = {
	.noun = ANY_ENTITY,
	.name = "set",
	.usage = "ID FIELD=VALUE... | --where FILTER FIELD=VALUE...",
	.options = "if-version where force",
	.help = "change fields; FIELD= clears one",
	.run = run_set,
};

const struct command cmd_delete = {
	.noun = ANY_ENTITY,
	.name = "delete",
	.usage = "ID... | --where FILTER",
	.options = "where",
	.help = "move records to the trash",
	.run = run_delete,
};

const struct command cmd_restore = {
	.noun = ANY_ENTITY,
	.name = "restore",
	.usage = "ID...",
	.options = "force",
	.help = "take records back from the trash",
	.run = run_restore,
};
