/* get: the file of a record, to a file or standard output */
#include "client/commands.h"
#include "client/transfer.h"

static enum status run_get(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, app->opt.to ? 1 : 2, app->opt.to ? 1 : 2, e);

	return st ? st
		  : transfer_receive(app, app->args[0], app->opt.field,
			    app->opt.to ? app->opt.to : app->args[1], e);
}

const struct command cmd_get = {
	.noun = ANY_ENTITY,
	.name = "get",
	.usage = "ID FILE|-",
	.options = "to field",
	.help = "write the file of a record to FILE",
	.run = run_get,
};
