/* undo: at once, or as a job of the server whose progress is shown */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include <poll.h>
#include <unistd.h>

#define ASK_MS 100

static void show_progress(const struct app *app, const Guanxi__Reply *reply)
{
	if (!app->opt.quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu / %llu\033[K", (unsigned long long)reply->count,
			(unsigned long long)answer_number(reply, "total"));
}

static bool is_running(const Guanxi__Reply *reply)
{
	return bytes_equal_str(answer_value(reply, "state"), "running");
}

/* Asks until the job has ended; it goes on without us too. */
static enum status wait_for_job(
	struct app *app, uint64_t operation, const Guanxi__Reply **reply, struct error *e)
{
	char number[24];
	enum status st = STATUS_OK;

	snprintf(number, sizeof number, "%llu", (unsigned long long)operation);
	while (!st && is_running(*reply)) {
		poll(NULL, 0, ASK_MS);
		Guanxi__Request *r = request_new(app, "operation.state");
		request_arg(app->arena, r, "operation", bytes_str(number));
		st = link_call(app, r, reply, e);
		if (!st)
			show_progress(app, *reply);
	}
	if (!app->opt.quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	return st;
}

static enum status refused(const Guanxi__Reply *reply, struct error *e)
{
	struct bytes why = answer_value(reply, "why");
	uint64_t code = answer_number(reply, "code");

	return error_set(e, code ? (enum status)code : STATUS_CONFLICT, "%.*s", (int)why.len,
		(const char *)why.data);
}

static enum status run_undo(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "operation.undo");
	request_arg(app->arena, r, "operation", bytes_str(app->args[0]));
	st = link_call(app, r, &reply, e);
	if (!st && is_running(reply))
		st = wait_for_job(app, reply->operation, &reply, e);
	if (st)
		return st;
	if (bytes_equal_str(answer_value(reply, "state"), "refused"))
		return refused(reply, e);
	return print_operation(app, reply, e);
}

const struct command cmd_undo = {
	.name = "undo",
	.usage = "OPERATION",
	.help = "take an operation back",
	.run = run_undo,
};
