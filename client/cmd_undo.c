/* undo: at once, or as a job of the server */
#include "client/commands.h"
#include "client/job.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static enum status run_undo(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "operation.undo");
	request_arg(app->arena, r, "operation", bytes_str(app->args[0]));
	st = link_call(app, r, &reply, e);
	if (!st)
		st = job_wait(app, &reply, e);
	return st ? st : print_operation(app, reply, e);
}

const struct command cmd_undo = {
	.name = "undo",
	.usage = "OPERATION",
	.help = "take an operation back",
	.run = run_undo,
};
