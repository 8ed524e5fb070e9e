/* user offboard: an account is closed, and what it was in charge of goes to another one */
#include "client/commands.h"
#include "client/job.h"
#include "client/link.h"
#include "client/print.h"
#include "client/prompt.h"
#include "client/request.h"

static enum status ask(struct app *app, struct error *e)
{
	char question[300];

	if (!app->opt.to)
		return error_set(e, STATUS_USAGE, "%s", app_tr(app, "--to says who takes over"));
	snprintf(question, sizeof question, app_tr(app, "close the account of %s"), app->args[0]);
	return app->opt.dry_run ? STATUS_OK : prompt_yes(app, question, e);
}

static enum status run_offboard(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, 1, e);

	if (!st)
		st = ask(app, e);
	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "user.offboard");
	request_record(app->arena, r, bytes_str(app->args[0]));
	request_arg(app->arena, r, "to", bytes_str(app->opt.to));
	st = link_call(app, r, &reply, e);
	if (!st && !is_long_work(reply) && reply->n_value)
		st = print_values(app, reply, "", e);
	if (!st)
		st = job_wait(app, &reply, e);
	if (!st && !app->opt.dry_run)
		app_say_undo(app, reply->operation);
	return st;
}

const struct command cmd_user_offboard = {
	.noun = "user",
	.name = "offboard",
	.usage = "USER --to USER --reason TEXT",
	.options = "to",
	.help = "close an account; what it was in charge of goes to another user",
	.more = "  Its sessions end at once. Customers, contacts, leads, opportunities, open "
		"tasks,\n"
		"  reminders and the like go over as one operation that can be undone.",
	.run = run_offboard,
};
