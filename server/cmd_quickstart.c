#include "common/buf.h"
#include "server/cmd.h"
#include "server/cmd_init.h"
#include "server/cmd_invite.h"
#include "server/cmd_run.h"
#include "server/home.h"
#include <glib.h>
#include <sodium.h>
#include <stdio.h>

static void print_join(const char *dir)
{
	struct buf line = BUF_INIT;
	struct error e;

	error_init(&e);
	if (invite_line(dir, "admin", NULL, NULL, &line, &e)) {
		cmd_failed(&e);
		return;
	}
	printf("join with:\n  guanxi join '%s'\n", buf_str(&line));
	fflush(stdout);
	buf_free(&line);
}

/* A password that nobody knows: the join line is the way in. */
static enum status home_make(const char *dir, struct error *e)
{
	uint8_t random[24];
	char text[64];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(text, sizeof(text), random, sizeof(random));
	return home_init(dir, "admin", NULL, 0, bytes_str(text), true, e);
}

static int run(const struct cmd_args *given)
{
	struct cmd_args a = *given;
	char *dir = a.dir ? g_strdup(a.dir)
			  : g_build_filename(g_get_user_data_dir(), "guanxi", "server", NULL);
	struct error e;
	int code;

	error_init(&e);
	a.dir = dir;
	if (!a.nlisten)
		a.listen[a.nlisten++] = "127.0.0.1:0";
	if (!home_has_store(dir) && home_make(dir, &e))
		code = cmd_failed(&e);
	else
		code = serve(&a, print_join);
	g_free(dir);
	return code;
}

const struct cmd cmd_quickstart = {
	.name = "quickstart",
	.usage = "[-D DIR] [--listen ADDR:PORT]... [--clock FILE]",
	.help = "for trying out: makes what is missing, prints a join line, serves on loopback",
	.options = "dir listen config clock",
	.run = run,
};
