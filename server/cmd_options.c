#include "server/cmd.h"
#include "server/options.h"

static int run(const struct cmd_args *a)
{
	options_print(stdout);
	return fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_options = {
	.name = "options",
	.usage = "",
	.help = "prints every option with its default as a commented file",
	.options = "",
	.run = run,
};
