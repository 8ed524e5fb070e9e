#include "server/cmd_invite.h"
#include "common/clock.h"
#include "common/frame.h"
#include "server/cmd.h"
#include "server/console.h"
#include "server/home.h"
#include "server/op/invite.h"

#define ROOM (1024u * 1024)

/* Through the running server. */
static enum status invite_live(const char *dir, const struct invitation *i, struct arena *arena,
	char code[17], struct error *e)
{
	const struct console_arg args[] = { { "user", i->user }, { "role", i->role },
		{ "branch", i->branch } };
	const Guanxi__Reply *reply;
	enum status s = console_call(dir, "system.invite", args, 3, arena, &reply, e);

	if (!s)
		snprintf(code, 17, "%s", console_value(reply, "code", arena));
	return s;
}

static enum status invite_offline(
	const char *dir, const struct invitation *i, char code[17], struct error *e)
{
	struct home_options o = { .dir = dir };
	struct author author = { .now_ms = i->now_ms };
	struct home home;
	struct txn *t = NULL;
	enum status s = home_open(&o, &home, e);

	if (s)
		return s;
	s = txn_begin(home.store, true, &t, e);
	if (!s)
		s = store_operation(t, &author.operation, e);
	if (!s)
		s = invite_make(t, &author, i, code, e);
	if (!s)
		s = txn_commit(&t, e);
	else
		txn_abort(&t);
	home_close(&home);
	return s;
}

enum status invite_line(const char *dir, const char *user, const char *role, const char *branch,
	struct buf *line, struct error *e)
{
	struct invitation i = { .user = user,
		.role = role ? role : "",
		.branch = branch ? branch : "",
		.now_ms = real_ms() };
	struct arena *arena = arena_new(ROOM);
	char code[17] = "";
	enum status s = home_busy(dir) ? invite_live(dir, &i, arena, code, e)
				       : invite_offline(dir, &i, code, e);

	arena_free(&arena);
	return s ? s : home_join_line(dir, code, line, e);
}

static int run(const struct cmd_args *a)
{
	struct buf line = BUF_INIT;
	struct error e;

	error_init(&e);
	if (!a->user)
		error_set(&e, STATUS_USAGE, "option missing: \"--user NAME\"");
	else
		invite_line(a->dir, a->user, a->role, a->branch, &line, &e);
	if (e.status)
		return cmd_failed(&e);
	puts(buf_str(&line));
	buf_free(&line);
	return fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_invite = {
	.name = "invite",
	.usage = "-D DIR --user NAME [--role ROLE] [--branch BRANCH]",
	.help = "prints a join line with a one-time code, making the user if needed",
	.options = "dir user role branch",
	.needs_dir = true,
	.run = run,
};
