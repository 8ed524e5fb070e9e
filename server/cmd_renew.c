#include "server/call/secret.h"
#include "server/cmd.h"
#include "server/cmd_init.h"

static int run(const struct cmd_args *a)
{
	const char *names[CMD_LIST_MAX + 4];
	struct error e;

	error_init(&e);
	/* the names of the certificate that ends are not taken over: what is missing here would be missing there */
	if (!a->nhost)
		error_set(&e, STATUS_USAGE, "option missing: \"--host NAME\"");
	else
		authority_renew(a->dir, names, home_names(a->host, a->nhost, names), &e);
	if (e.status)
		return cmd_failed(&e);
	puts("renewed; a running server takes it with SIGHUP");
	return fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_renew = {
	.name = "renew",
	.usage = "-D DIR --host NAME [--host NAME]...",
	.help = "makes a new server certificate with these names, of the same authority",
	.options = "dir host",
	.needs_dir = true,
	.run = run,
};
