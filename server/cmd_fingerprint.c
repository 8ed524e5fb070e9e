#include "server/call/secret.h"
#include "server/cmd.h"

static int run(const struct cmd_args *a)
{
	struct authority *authority;
	struct error e;
	char pin[TLS_PIN_SIZE];

	error_init(&e);
	if (authority_open(a->dir, &authority, &e))
		return cmd_failed(&e);
	authority_pin(authority, pin);
	authority_free(&authority);
	puts(pin);
	return fflush(stdout) ? EXIT_IO : 0;
}

const struct cmd cmd_fingerprint = {
	.name = "fingerprint",
	.usage = "-D DIR",
	.help = "prints the pin of the authority: SHA-256 of its public key",
	.options = "dir",
	.needs_dir = true,
	.run = run,
};
