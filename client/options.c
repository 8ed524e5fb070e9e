#include "client/options.h"
#include "client/tr.h"
#include "common/text.h"
#include <errno.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST };

struct option_row {
	const char *name;
	char letter;
	enum option_kind kind;
	bool everywhere;
	size_t at;
	const char *argument;
	const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option_row table[] = {
	{ "server", 's', OPTION_TEXT, true, AT(server), "HOST:PORT", "server to talk to" },
	{ "profile", 0, OPTION_TEXT, true, AT(profile), "NAME", "profile to use" },
	{ "output", 'o', OPTION_TEXT, true, AT(output), "FORM",
		"table, json, jsonl, csv, tsv or id" },
	{ "columns", 0, OPTION_TEXT, true, AT(columns), "A,B", "fields to print" },
	{ "no-header", 0, OPTION_FLAG, true, AT(no_header), NULL, "no line of column names" },
	{ "lang", 0, OPTION_TEXT, true, AT(lang), "zh|en", "language of labels and messages" },
	{ "timeout", 0, OPTION_TEXT, true, AT(timeout), "SECONDS",
		"give up after that time (exit 124)" },
	{ "yes", 'y', OPTION_FLAG, true, AT(yes), NULL, "ask no questions" },
	{ "dry-run", 0, OPTION_FLAG, true, AT(dry_run), NULL, "check everything, change nothing" },
	{ "reason", 0, OPTION_TEXT, true, AT(reason), "TEXT", "reason, kept in the change log" },
	{ "idempotency-key", 0, OPTION_TEXT, true, AT(idempotency_key), "KEY",
		"a repeat with the same key changes nothing" },
	{ "timing", 0, OPTION_FLAG, true, AT(timing), NULL, "print the server's time on stderr" },
	{ "quiet", 'q', OPTION_FLAG, true, AT(quiet), NULL, "no messages besides errors" },
	{ "help", 'h', OPTION_FLAG, true, AT(help), NULL, "this help" },
	{ "version", 'V', OPTION_FLAG, true, AT(version), NULL, "print the version" },
	{ "user", 'u', OPTION_TEXT, false, AT(user), "USER", "name to log in with" },
	{ "password-file", 0, OPTION_TEXT, false, AT(password_file), "FILE|-",
		"read the password from there" },
	{ "ca", 0, OPTION_TEXT, false, AT(ca), "FILE", "certificate of the server's CA to trust" },
	{ "fingerprint", 0, OPTION_TEXT, false, AT(fingerprint), "HEX", "pin of the server's CA" },
	{ "old-file", 0, OPTION_TEXT, false, AT(old_file), "FILE|-",
		"read the old password from there" },
	{ "new-file", 0, OPTION_TEXT, false, AT(new_file), "FILE|-",
		"read the new password from there" },
	{ "json", 0, OPTION_TEXT, false, AT(json), "FILE|-", "take fields from JSON objects" },
	{ "sort", 0, OPTION_TEXT, false, AT(sort), "-FIELD,FIELD", "order; - for descending" },
	{ "limit", 'n', OPTION_TEXT, false, AT(limit), "N", "at most N records" },
	{ "page", 0, OPTION_TEXT, false, AT(page), "TOKEN", "go on where a page ended" },
	{ "all", 0, OPTION_FLAG, false, AT(all), NULL, "all pages" },
	{ "trash", 0, OPTION_FLAG, false, AT(trash), NULL, "deleted records" },
	{ "by", 0, OPTION_TEXT, false, AT(by), "FIELD", "count for each value" },
	{ "total", 0, OPTION_FLAG, false, AT(total), NULL, "count all matches too" },
	{ "explain", 0, OPTION_FLAG, false, AT(explain), NULL, "say how the server found them" },
	{ "if-version", 0, OPTION_TEXT, false, AT(if_version), "N",
		"fail if it changed since version N" },
	{ "where", 0, OPTION_TEXT, false, AT(where), "FILTER", "change all that match" },
	{ "planned", 0, OPTION_FLAG, false, AT(planned), NULL, "reminders that are still to come" },
	{ "encoding", 0, OPTION_TEXT, false, AT(encoding), "NAME",
		"auto, utf-8, utf-8-bom, utf-16, gb18030" },
	{ "map", 0, OPTION_LIST, false, AT(map), "COLUMN=FIELD",
		"which field a column is; may repeat" },
	{ "force", 0, OPTION_FLAG, false, AT(force), NULL,
		"enter likely duplicates; needs --reason and the right" },
	{ "take", 0, OPTION_LIST, false, AT(take), "FIELD",
		"where both have a value, the second record's; may repeat" },
	{ "separator", 0, OPTION_TEXT, false, AT(separator), "CHARACTER",
		"between the cells of a row: , ; | tab ..." },
	{ "quote", 0, OPTION_TEXT, false, AT(quote), "CHARACTER", "around cells: \", ' or none" },
	{ "set", 0, OPTION_LIST, false, AT(set), "FIELD=VALUE",
		"a value for all rows; may repeat" },
	{ "key", 0, OPTION_TEXT, false, AT(key), "FIELD", "field by which known rows are found" },
	{ "on-conflict", 0, OPTION_TEXT, false, AT(on_conflict), "fail|skip|update",
		"what to do with known rows" },
	{ "null", 0, OPTION_TEXT, false, AT(null), "TEXT", "a cell with this text is empty" },
	{ "rejects", 0, OPTION_TEXT, false, AT(rejects), "FILE", "write refused rows there" },
	{ "format", 0, OPTION_TEXT, false, AT(format), "NAME",
		"form of the file: csv, jsonl, vcf; export: xlsx, vcf4, ics too" },
	{ "purpose", 0, OPTION_TEXT, false, AT(purpose), "PURPOSE",
		"leave out who has not consented to it" },
	{ "in", 0, OPTION_TEXT, false, AT(in), "ENTITY", "search there only" },
	{ "days", 0, OPTION_TEXT, false, AT(days), "N", "days ahead" },
	{ "from", 0, OPTION_TEXT, false, AT(from), "DATE",
		"first day, or a period such as this-week" },
	{ "team", 0, OPTION_FLAG, false, AT(team), NULL, "also what the team has to do" },
	{ "at", 0, OPTION_TEXT, false, AT(at), "TIME", "as it stood then: a date or an instant" },
	{ "since", 0, OPTION_TEXT, false, AT(since), "SEQ", "events after that number" },
	{ "count", 0, OPTION_TEXT, false, AT(count), "N", "end after N events" },
	{ "exec", 0, OPTION_TEXT, false, AT(exec), "CMD",
		"run CMD for each event, JSON on its stdin" },
	{ "notify", 0, OPTION_FLAG, false, AT(notify), NULL,
		"show each event on the desktop too (notify-send)" },
	{ "to", 0, OPTION_TEXT, false, AT(to), "FILE|-|USER",
		"write the file there; who takes over" },
	{ "field", 0, OPTION_TEXT, false, AT(field), "FIELD", "field of the file" },
	{ "proto", 0, OPTION_FLAG, false, AT(proto), NULL, "as a .proto message" },
};

#define NROWS (sizeof table / sizeof table[0])
_Static_assert(NROWS <= 64, "one bit for each option");

static const struct option_row *row_named(const char *name, size_t len)
{
	for (size_t i = 0; i < NROWS; i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

static const struct option_row *row_lettered(char letter)
{
	for (size_t i = 0; i < NROWS; i++)
		if (letter && table[i].letter == letter)
			return &table[i];
	return NULL;
}

static enum status unknown_option(const char *word, struct error *e)
{
	const char *names[NROWS];
	char name[64];

	for (size_t i = 0; i < NROWS; i++)
		names[i] = table[i].name;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
	const char *near = word[1] == '-' ? text_nearest(name, names, NROWS) : NULL;
	if (near)
		return error_set(
			e, STATUS_USAGE, "unknown option '%s'; did you mean '--%s'?", word, near);
	return error_set(e, STATUS_USAGE, "unknown option '%s'", word);
}

static enum status store(
	struct options *o, const struct option_row *row, const char *value, struct error *e)
{
	char *base = (char *)o + row->at;

	o->given |= 1ull << (row - table);
	if (row->kind == OPTION_FLAG) {
		*(bool *)base = true;
	} else if (row->kind == OPTION_TEXT) {
		*(const char **)base = value;
	} else {
		struct option_list *list = (struct option_list *)base;

		if (list->n == OPTION_LIST_MAX)
			return error_set(
				e, STATUS_USAGE, "option '--%s' is given too often", row->name);
		list->items[list->n++] = value;
	}
	return STATUS_OK;
}

/* Takes the option at argv[*i]; *i moves on when its value is the next word. */
static enum status take_option(int argc, char **argv, int *i, struct options *o, struct error *e)
{
	const char *word = argv[*i];
	const char *value = NULL;
	const struct option_row *row;

	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		row = row_named(word + 2, len);
		value = word[2 + len] ? word + 2 + len + 1 : NULL;
	} else {
		row = row_lettered(word[1]);
		value = word[2] ? word + 2 : NULL;
		/* -yq: flags may stand together */
		while (row && row->kind == OPTION_FLAG && value) {
			store(o, row, NULL, e);
			row = row_lettered(*value++);
			value = *value ? value : NULL;
		}
	}
	if (!row)
		return unknown_option(word, e);
	if (row->kind == OPTION_FLAG && value)
		return error_set(e, STATUS_USAGE, "option '--%s' takes no value", row->name);
	if (row->kind != OPTION_FLAG && !value) {
		if (*i + 1 >= argc)
			return error_set(e, STATUS_USAGE, "option '--%s' needs %s", row->name,
				row->argument);
		value = argv[++*i];
	}
	return store(o, row, value, e);
}

enum status options_parse(
	int argc, char **argv, const char **words, struct options *out, struct error *e)
{
	bool ended = false;

	*out = (struct options){ .words = words };
	for (int i = 1; i < argc; i++) {
		if (!ended && !strcmp(argv[i], "--")) {
			ended = true;
		} else if (!ended && argv[i][0] == '-' && argv[i][1]) {
			enum status st = take_option(argc, argv, &i, out, e);

			if (st)
				return st;
		} else {
			words[out->nwords++] = argv[i];
		}
	}
	words[out->nwords] = NULL;
	return STATUS_OK;
}

static bool named_in(const char *names, const char *name)
{
	size_t len = strlen(name);

	while (names && *names) {
		size_t n = strcspn(names, " ");

		if (n == len && !memcmp(names, name, n))
			return true;
		names += n + (names[n] == ' ');
	}
	return false;
}

enum status options_check(
	const struct options *o, const char *allowed, const char *command, struct error *e)
{
	for (size_t i = 0; i < NROWS; i++)
		if (o->given >> i & 1 && !table[i].everywhere && !named_in(allowed, table[i].name))
			return error_set(e, STATUS_USAGE, "option '--%s' is not one of '%s'",
				table[i].name, command);
	return STATUS_OK;
}

enum status option_number(
	const char *text, const char *name, uint64_t max, uint64_t *out, struct error *e)
{
	char *end;

	if (!text)
		return STATUS_OK;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > max)
		return error_set(e, STATUS_USAGE,
			"'%s' of option '--%s' is not a number from 0 to %llu", text, name,
			(unsigned long long)max);
	*out = v;
	return STATUS_OK;
}

static void help_row(struct buf *out, const struct option_row *row, bool chinese)
{
	struct buf left = BUF_INIT;

	if (row->letter)
		buf_printf(&left, "  -%c, --%s", row->letter, row->name);
	else
		buf_printf(&left, "      --%s", row->name);
	if (row->argument)
		buf_printf(&left, " %s", row->argument);
	buf_add_bytes(out, buf_bytes(&left));
	size_t width = text_width(buf_bytes(&left));
	buf_printf(out, "%*s  ", width < 32 ? (int)(32 - width) : 0, "");
	buf_add_str(out, tr(chinese, row->help));
	buf_add_str(out, "\n");
	buf_free(&left);
}

void options_help(struct buf *out, const char *names, bool chinese)
{
	for (size_t i = 0; i < NROWS; i++)
		if (names ? named_in(names, table[i].name) : table[i].everywhere)
			help_row(out, &table[i], chinese);
}
