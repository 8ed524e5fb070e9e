/* dial: calls a number of a record by the program that the user has for it; the server writes the call down. */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/program.h"
#include "client/request.h"
#include <stdlib.h>

static const char *dialler(const struct app *app)
{
	const char *command = app->opt.exec ? app->opt.exec : getenv("GUANXI_DIAL");

	return command && *command ? command : NULL;
}

/* Whoever has no program dials by hand. */
static enum status say_number(const struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	struct bytes number = answer_value(reply, "number");
	struct buf out = BUF_INIT;

	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
		buf_add_str(&out, "{\"number\":");
		json_add_string(&out, number);
		buf_printf(&out, ",\"activity\":%llu}",
			reply->n_record ? (unsigned long long)reply->record[0]->id : 0ull);
	} else {
		buf_add_bytes(&out, number);
	}
	buf_add_str(&out, "\n");
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

static enum status run_dial(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	struct buf line = BUF_INIT;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.dial");
	request_record(app->arena, r, bytes_str(app->args[0]));
	if (app->opt.field)
		request_arg(app->arena, r, "field", bytes_str(app->opt.field));
	st = link_call(app, r, &reply, e);
	if (st)
		return st;
	buf_add_bytes(&line, answer_value(reply, "number"));
	buf_add_str(&line, "\n");
	st = say_number(app, reply, e);
	app_say_undo(app, reply->operation);
	if (!st && dialler(app) && !program_run(dialler(app), buf_bytes(&line)))
		st = error_set(
			e, STATUS_INTERNAL, "%s", app_tr(app, "the dialling program failed"));
	buf_free(&line);
	return st;
}

const struct command cmd_dial = {
	.noun = ANY_ENTITY,
	.name = "dial",
	.usage = "ID [--field FIELD] [--exec CMD]",
	.options = "field exec",
	.help = "call the number of a record; the call is written down",
	.more = "  CMD, or what GUANXI_DIAL names, gets the number on its standard input.",
	.run = run_dial,
};
