/* The guanxi client: finds the command of the line, runs it, says what went wrong. */
#include "client/app.h"
#include "client/catalog.h"
#include "client/command.h"
#include "client/files.h"
#include "client/message.h"
#include "client/print.h"
#include "client/transfer.h"
#include <signal.h>
#include <unistd.h>

static void on_signal(int number)
{
	_exit(number == SIGINT ? STATUS_INTERRUPTED : 128 + number);
}

static void set_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum status print_help(const struct app *app, const struct command *command)
{
	struct buf text = BUF_INIT;

	command_help(&text, command, app->chinese);
	enum status st = write_all(STDOUT_FILENO, buf_bytes(&text), NULL);
	buf_free(&text);
	return st;
}

/* "cannot add customer: " before what the server says about a record. */
static void name_the_act(const struct app *app, struct error *e)
{
	switch (e->status) {
	case STATUS_NOT_FOUND:
	case STATUS_DENIED:
	case STATUS_CONFLICT:
	case STATUS_INVALID:
	case STATUS_DUPLICATE:
	case STATUS_PENDING:
	case STATUS_STORAGE_FULL:
		break;
	default:
		return;
	}
	if (!app->noun || !app->verb)
		return;
	const struct schema *schema = app->chinese ? catalog_schema(app) : NULL;
	const struct entity *en = schema ? schema_entity(schema, bytes_str(app->noun)) : NULL;
	error_prefix(e, app_tr(app, "cannot %s %s"), app_tr(app, app->verb),
		en ? entity_label(app, en) : app->noun);
}

static enum status run(struct app *app, struct error *e)
{
	const struct command *command = NULL;
	enum status st;

	if (!app->opt.nwords)
		return app->opt.help ? print_help(app, NULL)
				     : error_set(e, STATUS_USAGE, "%s",
					       app_tr(app, "no command; see 'guanxi --help'"));
	st = command_find(app, &command, e);
	if (st)
		return st;
	if (app->opt.help)
		return print_help(app, command);
	st = options_check(&app->opt, command->options, command->name, e);
	if (!st)
		st = command->run(app, e);
	if (st && app->chinese)
		message_chinese_error(e);
	if (st)
		name_the_act(app, e);
	return st;
}

int main(int argc, char **argv)
{
	struct app app = { 0 };
	struct error e;
	const char **words = calloc((size_t)argc + 1, sizeof *words);

	error_init(&e);
	set_signals();
	if (!words)
		return STATUS_INTERNAL;
	enum status st = options_parse(argc, argv, words, &app.opt, &e);
	if (!st && app.opt.version) {
		puts("guanxi " VERSION);
		free(words);
		return STATUS_OK;
	}
	if (!st)
		st = app_init(&app, &e);
	else
		app_init_output(&app);
	if (!st)
		st = run(&app, &e);
	if (app.nuploads && st != STATUS_OUTCOME_UNKNOWN && st != STATUS_UNREACHABLE)
		transfer_cancel(&app);
	if (st && !strcmp(e.reason, "closed"))
		st = STATUS_OK;
	else if (st && (e.message[0] || e.nfields))
		app_print_error(&app, &e);
	error_clear(&e);
	app_release(&app);
	free(words);
	return (int)st;
}
