/* Long work of the server: its progress is shown, and its end is waited for. */
#include "client/job.h"
#include "client/link.h"
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

bool is_long_work(const Guanxi__Reply *reply)
{
	return bytes_equal_str(answer_value(reply, "state"), "running");
}

static enum status ask_until_ended(struct app *app, const Guanxi__Reply **reply, struct error *e)
{
	char number[24];
	enum status st = STATUS_OK;

	snprintf(number, sizeof number, "%llu", (unsigned long long)(*reply)->operation);
	while (!st && is_long_work(*reply)) {
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

enum status job_wait(struct app *app, const Guanxi__Reply **reply, struct error *e)
{
	enum status st;

	if (!is_long_work(*reply))
		return STATUS_OK;
	st = ask_until_ended(app, reply, e);
	if (!st && bytes_equal_str(answer_value(*reply, "state"), "refused"))
		return refused(*reply, e);
	return st;
}
