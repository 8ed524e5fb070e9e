/* merge: two records that are one */
#include "client/catalog.h"
#include "client/commands.h"
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
	if (!st)
		st = print_records(app, reply, e);
	if (!st)
		app_say_undo(app, reply->operation);
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
