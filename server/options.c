#include "server/options.h"
#include "common/buf.h"
#include <confuse.h>
#include <errno.h>
#include <glib.h>
#include <stddef.h>

#define MIB (INT64_C(1) << 20)
#define TIB (INT64_C(1) << 40)
#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "listen", OPTION_LIST, 0, 0, NULL, "0.0.0.0:7650", NULL,
		"Addresses to listen on, ADDR:PORT or [ADDR]:PORT; port 0 picks a free one.", false,
		AT(listen) },
	{ "loops", OPTION_INTEGER, 0, 256, NULL, "0", "threads",
		"Event loops that serve connections; 0 is one a core.", false, AT(loops) },
	{ "pool.threads", OPTION_INTEGER, 1, 64, NULL, "2", "threads",
		"Threads for slow work: password hashes, long reads.", false, AT(pool_threads) },
	{ "pool.queue", OPTION_INTEGER, 1, 65536, NULL, "256", "calls",
		"Slow calls that may wait; more are answered busy.", false, AT(pool_queue) },
	{ "writes.queue", OPTION_INTEGER, 1, 65536, NULL, "4096", "calls",
		"Writes that may wait; more are answered busy.", false, AT(write_queue) },
	{ "store.map_size", OPTION_SIZE, 16 * MIB, 64 * TIB, NULL, "64GiB", "bytes",
		"Largest size of the store: address space, not memory.", false, AT(map_size) },
	{ "devices", OPTION_WORD, 0, 0, "open", "open", NULL,
		"Which devices may connect. open: any that trusts our authority.", false,
		AT(devices) },
	{ "connections.max", OPTION_INTEGER, 1, 1000000, NULL, "16384", "connections",
		"Open connections in all; more are refused.", false, AT(max_connections) },
	{ "connections.per_address", OPTION_INTEGER, 1, 1000000, NULL, "4096", "connections",
		"Open connections from one address. A branch office is often one address.", false,
		AT(max_connections_per_address) },
	{ "connections.handshake_seconds", OPTION_INTEGER, 1, 600, NULL, "10", "seconds",
		"Time for a new connection to finish the TLS handshake.", false,
		AT(handshake_seconds) },
	{ "connections.login_seconds", OPTION_INTEGER, 1, 3600, NULL, "30", "seconds",
		"Time for a new connection to log in.", false, AT(login_seconds) },
	{ "log.level", OPTION_WORD, 0, 0, "error|warning|info|debug", "info", NULL,
		"What is logged to standard error.", true, AT(log_level) },
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

const struct option_row *option_rows(size_t *n)
{
	*n = NROWS;
	return rows;
}

static void *slot(struct options *o, const struct option_row *row)
{
	return (uint8_t *)o + row->offset;
}

/* 64GiB, 512M, 1073741824. */
static bool size_parse(const char *text, int64_t *out)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	char *end = NULL;

	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || n < 0)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		size_t len = strlen(units[i]);
		if (g_ascii_strncasecmp(end, units[i], len) != 0)
			continue;
		if (strcmp(end + len, "") != 0 && strcmp(end + len, "iB") != 0)
			continue;
		if (i == 0 && end[0])
			continue;
		*out = (int64_t)n << (10 * i);
		return n <= INT64_MAX >> (10 * i);
	}
	return false;
}

static bool word_allowed(const struct option_row *row, const char *word)
{
	char **words = g_strsplit(row->words, "|", 0);
	bool found = g_strv_contains((const char *const *)words, word);

	g_strfreev(words);
	return found;
}

static bool number_set(
	struct options *o, const struct option_row *row, const char *text, struct error *e)
{
	int64_t n = 0;
	char *end = NULL;
	bool good;

	errno = 0;
	if (row->type == OPTION_SIZE) {
		good = size_parse(text, &n);
	} else {
		n = strtoll(text, &end, 10);
		good = !errno && end != text && !*end;
	}
	if (!good || n < row->min || n > row->max) {
		error_set(e, STATUS_USAGE, "\"%s\" is not between %lld and %lld (%s): \"%s\"",
			row->name, (long long)row->min, (long long)row->max, row->unit, text);
		return false;
	}
	*(int64_t *)slot(o, row) = n;
	return true;
}

static void list_set(struct options *o, const struct option_row *row, char **items)
{
	char ***list = slot(o, row);

	g_strfreev(*list);
	*list = items;
}

static bool value_set(
	struct options *o, const struct option_row *row, const char *text, struct error *e)
{
	if (row->type == OPTION_INTEGER || row->type == OPTION_SIZE)
		return number_set(o, row, text, e);
	if (row->type == OPTION_LIST) {
		list_set(o, row, g_strsplit(text, ",", 0));
		return true;
	}
	if (!word_allowed(row, text)) {
		error_set(e, STATUS_USAGE, "\"%s\" is not one of %s: \"%s\"", row->name, row->words,
			text);
		return false;
	}
	char **word = slot(o, row);
	g_free(*word);
	*word = g_strdup(text);
	return true;
}

struct options *options_new(void)
{
	struct options *o = g_new0(struct options, 1);

	for (size_t i = 0; i < NROWS; i++)
		value_set(o, &rows[i], rows[i].initial, NULL);
	return o;
}

void options_free(struct options **o)
{
	if (!*o)
		return;
	g_strfreev((*o)->listen);
	g_free((*o)->devices);
	g_free((*o)->log_level);
	g_free(*o);
	*o = NULL;
}

/* Moves one value; both stay owners of what they hold. */
static void value_swap(struct options *a, struct options *b, const struct option_row *row)
{
	uint8_t kept[8];

	_Static_assert(sizeof(char *) == 8 && sizeof(int64_t) == 8, "every option has eight bytes");
	memcpy(kept, slot(a, row), 8);
	memcpy(slot(a, row), slot(b, row), 8);
	memcpy(slot(b, row), kept, 8);
}

void options_reload(struct options *o, struct options *from)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].reloadable)
			value_swap(o, from, &rows[i]);
}

void options_listen(struct options *o, char *const *addresses, size_t n)
{
	char **list = g_new0(char *, n + 1);

	for (size_t i = 0; i < n; i++)
		list[i] = g_strdup(addresses[i]);
	g_strfreev(o->listen);
	o->listen = list;
}

enum log_level options_log_level(const struct options *o)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(o->log_level, names[i]))
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

/* Where the error function of libconfuse finds its error: there is one parse at a time and no other place to hang it. */
static _Thread_local struct error *parse_error;

__attribute__((format(printf, 2, 0))) static void confuse_error(
	cfg_t *cfg, const char *format, va_list args)
{
	char text[300];

	vsnprintf(text, sizeof(text), format, args);
	error_set(parse_error, STATUS_USAGE, "%s:%d: %s", cfg->filename ? cfg->filename : "?",
		cfg->line, text);
}

static enum status options_take(struct options *o, cfg_t *cfg, const char *path, struct error *e)
{
	for (size_t i = 0; i < NROWS; i++) {
		unsigned n = cfg_size(cfg, rows[i].name);
		if (n && rows[i].type == OPTION_LIST) {
			char **items = g_new0(char *, n + 1);
			for (unsigned k = 0; k < n; k++)
				items[k] = g_strdup(cfg_getnstr(cfg, rows[i].name, k));
			list_set(o, &rows[i], items);
		} else if (n && cfg_getstr(cfg, rows[i].name) &&
			   !value_set(o, &rows[i], cfg_getstr(cfg, rows[i].name), e)) {
			error_prefix(e, "%s", path);
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

static cfg_t *confuse_new(void)
{
	cfg_opt_t table[NROWS + 1];

	for (size_t i = 0; i < NROWS; i++) {
		cfg_opt_t one = CFG_STR(rows[i].name, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(rows[i].name, NULL, CFGF_NODEFAULT);
		table[i] = rows[i].type == OPTION_LIST ? list : one;
	}
	cfg_opt_t end = CFG_END();
	table[NROWS] = end;
	return cfg_init(table, CFGF_NONE);
}

enum status options_read(struct options *o, const char *path, struct error *e)
{
	struct options *read = options_new();
	cfg_t *cfg = confuse_new();
	enum status s = STATUS_OK;
	int result;

	parse_error = e;
	cfg_set_error_function(cfg, confuse_error);
	result = cfg_parse(cfg, path);
	parse_error = NULL;
	if (result == CFG_FILE_ERROR)
		s = error_set(e, STATUS_USAGE, "cannot read \"%s\": %s", path, strerror(errno));
	else if (result != CFG_SUCCESS)
		s = STATUS_USAGE;
	else
		s = options_take(read, cfg, path, e);
	cfg_free(cfg);
	for (size_t i = 0; !s && i < NROWS; i++)
		value_swap(o, read, &rows[i]);
	options_free(&read);
	return s;
}

static void option_print(const struct option_row *row, FILE *out)
{
	fprintf(out, "\n# %s\n# ", row->help);
	switch (row->type) {
	case OPTION_INTEGER:
		fprintf(out, "integer, %lld to %lld %s", (long long)row->min, (long long)row->max,
			row->unit);
		break;
	case OPTION_SIZE:
		fprintf(out, "size, %lldMiB to %lldTiB", (long long)(row->min / MIB),
			(long long)(row->max / TIB));
		break;
	case OPTION_WORD:
		fprintf(out, "one of %s", row->words);
		break;
	case OPTION_LIST:
		fprintf(out, "list");
		break;
	}
	fprintf(out, "; %s\n", row->reloadable ? "read anew on SIGHUP" : "read at start");
	if (row->type == OPTION_LIST)
		fprintf(out, "#%s = { \"%s\" }\n", row->name, row->initial);
	else
		fprintf(out, "#%s = \"%s\"\n", row->name, row->initial);
}

void options_print(FILE *out)
{
	fprintf(out,
		"# Options of guanxid with their defaults. Give the file with --config.\n"
		"# Numbers of the business (reminder times, session limits ...) are settings:\n"
		"# guanxi setting list.\n");
	for (size_t i = 0; i < NROWS; i++)
		option_print(&rows[i], out);
}
