#include "common/tls.h"
#include "server/cmd.h"
#include <getopt.h>
#include <glib.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct cmd *const commands[] = {
	&cmd_init,
	&cmd_run,
	&cmd_quickstart,
	&cmd_invite,
	&cmd_fingerprint,
	&cmd_renew,
	&cmd_check,
	&cmd_backup,
	&cmd_restore,
	&cmd_key_export,
	&cmd_options,
};

static void print_help(FILE *out)
{
	fputs("usage: guanxid COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		fprintf(out, "  %s %s\n      %s\n", commands[i]->name, commands[i]->usage,
			commands[i]->help);
	fputs("  --version, --help\n", out);
}

static int usage(const struct cmd *cmd, const char *fault, const char *word)
{
	fprintf(stderr, "guanxid: %s: \"%s\"\n", fault, word);
	if (cmd)
		fprintf(stderr, "usage: guanxid %s %s\n", cmd->name, cmd->usage);
	else
		fputs("see guanxid --help\n", stderr);
	return STATUS_USAGE;
}

/* One row an option: where its value goes. The first one is -D too. */
struct cmd_option {
	const char *name;
	size_t offset;
};

#define OPTION(word, member)                                                                       \
	{                                                                                          \
		.name = word, .offset = offsetof(struct cmd_args, member)                          \
	}

static const struct cmd_option options[] = {
	OPTION("dir", dir),
	OPTION("admin", admin),
	OPTION("password-file", password_file),
	OPTION("host", host),
	OPTION("listen", listen),
	OPTION("config", config),
	OPTION("clock", clock),
	OPTION("user", user),
	OPTION("role", role),
	OPTION("branch", branch),
	OPTION("key-file", key_file),
};

static bool list_add(const char **list, size_t *n, const char *value)
{
	if (*n >= CMD_LIST_MAX)
		return false;
	list[(*n)++] = value;
	return true;
}

static bool option_take(struct cmd_args *a, const struct cmd_option *o, const char *value)
{
	if (o->offset == offsetof(struct cmd_args, host))
		return list_add(a->host, &a->nhost, value);
	if (o->offset == offsetof(struct cmd_args, listen))
		return list_add(a->listen, &a->nlisten, value);
	*(const char **)(void *)((char *)a + o->offset) = value;
	return true;
}

static bool cmd_takes(const struct cmd *cmd, const char *name)
{
	char **words = g_strsplit(cmd->options, " ", 0);
	bool found = g_strv_contains((const char *const *)words, name);

	g_strfreev(words);
	return found;
}

/* 0, or the exit code. */
static int args_parse(const struct cmd *cmd, int argc, char **argv, struct cmd_args *a)
{
	struct option table[G_N_ELEMENTS(options) + 1] = { { 0 } };
	int index, c;

	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		table[i] = (struct option){ options[i].name, required_argument, NULL, 0 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "D:", table, &index)) != -1) {
		if (c == 'D')
			index = 0;
		else if (c != 0)
			return usage(cmd, "unknown option or value missing", argv[optind - 1]);
		if (!cmd_takes(cmd, options[index].name))
			return usage(
				cmd, "option does not belong to this command", options[index].name);
		if (!option_take(a, &options[index], optarg))
			return usage(cmd, "option stands too often", options[index].name);
	}
	if (optind < argc && cmd->needs_file)
		a->file = argv[optind++];
	if (optind < argc)
		return usage(cmd, "what is this word for", argv[optind]);
	if (cmd->needs_dir && !a->dir)
		return usage(cmd, "option missing", "-D DIR");
	if (cmd->needs_file && !a->file)
		return usage(cmd, "word missing", "FILE");
	return 0;
}

int cmd_failed(struct error *e)
{
	int code = 1;

	/* the server's message may be that of the first field already */
	if (e->nfields && strstr(e->message, e->fields[0].message))
		e->message[0] = 0;
	fprintf(stderr, "guanxid: %s%s", e->message, e->nfields && e->message[0] ? ": " : "");
	for (size_t i = 0; i < e->nfields; i++)
		fprintf(stderr, "%s%s %s", i ? ", " : "", e->fields[i].field, e->fields[i].message);
	fputc('\n', stderr);
	if (!strcmp(e->reason, "damaged"))
		code = EXIT_DAMAGED;
	else if (!strcmp(e->reason, "io") || e->status == STATUS_STORAGE_FULL)
		code = EXIT_IO;
	else if (!strcmp(e->reason, "refused"))
		code = EXIT_REFUSED;
	else if (e->status == STATUS_USAGE)
		code = STATUS_USAGE;
	error_clear(e);
	return code;
}

enum status cmd_read_line(const char *path, struct buf *out, struct error *e)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char line[1026];
	size_t len;

	if (!f)
		return error_set(e, STATUS_USAGE, "cannot read \"%s\"", path);
	bool read = fgets(line, sizeof(line), f) != NULL;
	if (f != stdin)
		fclose(f);
	len = read ? strcspn(line, "\r\n") : 0;
	if (!len || len > 1024)
		return error_set(e, STATUS_USAGE, "no password in the first line of \"%s\"", path);
	buf_add(out, line, len);
	sodium_memzero(line, sizeof(line));
	return STATUS_OK;
}

/* The name may be of two words; *words says how many. */
static const struct cmd *cmd_find(char **argv, int *words)
{
	char *two = g_strjoin(" ", argv[0], argv[1], NULL);
	const struct cmd *found = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(commands[i]->name, argv[0]) || !strcmp(commands[i]->name, two))
			found = commands[i];
	*words = found && strchr(found->name, ' ') ? 2 : 1;
	g_free(two);
	return found;
}

/* Secrets must not reach the disk by a core file or another user by a mode. */
static void process_harden(void)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
	struct cmd_args args = { 0 };
	const struct cmd *cmd;
	int code, words;

	if (argc < 2)
		return print_help(stderr), STATUS_USAGE;
	if (!strcmp(argv[1], "--version"))
		return puts("guanxid " VERSION) < 0;
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return print_help(stdout), 0;
	cmd = cmd_find(argv + 1, &words);
	if (!cmd)
		return usage(NULL, "unknown command", argv[1]);
	if (argc > words + 1 && !strcmp(argv[words + 1], "--help")) {
		printf("usage: guanxid %s %s\n%s\n", cmd->name, cmd->usage, cmd->help);
		return 0;
	}
	code = args_parse(cmd, argc - words, argv + words, &args);
	if (code)
		return code;
	process_harden();
	if (sodium_init() < 0) {
		fputs("guanxid: cannot start the cipher library\n", stderr);
		return EXIT_REFUSED;
	}
	tls_init();
	return cmd->run(&args);
}
