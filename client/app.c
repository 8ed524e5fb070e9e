#include "client/app.h"
#include "client/catalog.h"
#include "client/files.h"
#include "client/json.h"
#include "client/link.h"
#include "client/profile.h"
#include "common/clock.h"
#include "common/text.h"
#include <unistd.h>

#define RUN_MEMORY (512u << 20)

static const char *const output_names[] = {
	[OUTPUT_TABLE] = "table",
	[OUTPUT_JSON] = "json",
	[OUTPUT_JSONL] = "jsonl",
	[OUTPUT_CSV] = "csv",
	[OUTPUT_TSV] = "tsv",
	[OUTPUT_ID] = "id",
};

static enum status take_output(struct app *app, struct error *e)
{
	app->output = isatty(STDOUT_FILENO) ? OUTPUT_TABLE : OUTPUT_TSV;
	if (!app->opt.output)
		return STATUS_OK;
	for (size_t i = 0; i < sizeof output_names / sizeof output_names[0]; i++)
		if (!strcmp(output_names[i], app->opt.output)) {
			app->output = (enum output)i;
			return STATUS_OK;
		}
	return error_set(e, STATUS_USAGE,
		app_tr(app, "'%s' is no output form; use table, json, jsonl, csv, tsv or id"),
		app->opt.output);
}

static enum status take_timeout(struct app *app, struct error *e)
{
	char *end;

	if (!app->opt.timeout)
		return STATUS_OK;
	double seconds = strtod(app->opt.timeout, &end);
	if (end == app->opt.timeout || *end || !(seconds > 0) || seconds > 1e6)
		return error_set(e, STATUS_USAGE, app_tr(app, "'%s' is not a number of seconds"),
			app->opt.timeout);
	app->deadline_us = monotonic_us() + (int64_t)(seconds * 1e6);
	return STATUS_OK;
}

void app_init_output(struct app *app)
{
	app->chinese = language_is_chinese(app->opt.lang);
	take_output(app, NULL);
}

enum status app_init(struct app *app, struct error *e)
{
	const char *lang = app->opt.lang;

	app->chinese = language_is_chinese(lang);
	app->arena = arena_new(RUN_MEMORY);
	enum status st = take_output(app, e);
	if (st)
		return st;
	if (lang && strcmp(lang, "zh") && strcmp(lang, "en"))
		return error_set(e, STATUS_USAGE, "'%s' is no language; use zh or en", lang);
	st = take_timeout(app, e);
	return st ? st : profile_load(app->opt.profile, &app->profile, e);
}

void app_release(struct app *app)
{
	link_close(&app->link);
	catalog_free(&app->catalog);
	profile_free(&app->profile);
	arena_free(&app->arena);
}

/* Line ends stay: a mistake in a filter is shown with a mark under it. */
static void complain(struct bytes text)
{
	struct buf out = BUF_INIT;

	buf_add_str(&out, "guanxi: ");
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		text_add_safe(&out, bytes_of(text.data, len));
		buf_add_str(&out, "\n");
		len += end != NULL;
		text = bytes_of(text.data + len, text.len - len);
	}
	write_all(STDERR_FILENO, buf_bytes(&out), NULL);
	buf_free(&out);
}

void app_say(const struct app *app, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (app->opt.quiet)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	complain(bytes_str(text));
}

void app_say_undo(const struct app *app, uint64_t operation)
{
	if (operation && !app->opt.quiet && !app->opt.dry_run)
		fprintf(stderr, app_tr(app, "undo: guanxi undo %llu\n"),
			(unsigned long long)operation);
}

static bool in_message(const struct error *e, const struct field_error *f)
{
	return strstr(e->message, f->field) && strstr(e->message, f->message);
}

static void add_field_text(const struct app *app, struct buf *out, const struct field_error *f)
{
	buf_printf(out, "%s %s", f->field, f->message);
	if (f->yours)
		buf_printf(out, app_tr(app, " (now: '%s', yours: '%s')"),
			f->current ? f->current : "", f->yours ? f->yours : "");
}

/* The message on one line, then a line for each bad field that it does not name. */
static void print_error_text(const struct app *app, const struct error *e)
{
	struct buf line = BUF_INIT;

	if (e->message[0] || !e->nfields)
		complain(bytes_str(e->message[0] ? e->message : status_name(e->status)));
	for (size_t i = 0; i < e->nfields; i++) {
		const struct field_error *f = &e->fields[i];

		if (in_message(e, f) && !f->yours)
			continue;
		buf_clear(&line);
		add_field_text(app, &line, f);
		complain(buf_bytes(&line));
	}
	buf_free(&line);
}

void error_to_json(const struct error *e, struct buf *out)
{
	buf_printf(out, "{\"code\":\"%s\",\"message\":", status_name(e->status));
	json_add_str(out, e->message);
	if (e->reason[0]) {
		buf_add_str(out, ",\"reason\":");
		json_add_str(out, e->reason);
	}
	if (e->retry_ms)
		buf_printf(out, ",\"retry_ms\":%u", e->retry_ms);
	for (size_t i = 0; i < e->nfields; i++) {
		const struct field_error *f = &e->fields[i];

		buf_add_str(out, i ? ",{\"field\":" : ",\"fields\":[{\"field\":");
		json_add_str(out, f->field);
		buf_add_str(out, ",\"message\":");
		json_add_str(out, f->message);
		if (f->current) {
			buf_add_str(out, e->status == STATUS_DUPLICATE ? ",\"candidate\":"
								       : ",\"current\":");
			json_add_str(out, f->current);
		}
		if (f->yours) {
			buf_add_str(out, ",\"yours\":");
			json_add_str(out, f->yours);
		}
		buf_add_str(out, i + 1 < e->nfields ? "}" : "}]");
	}
	buf_add_str(out, "}");
}

void app_print_error(const struct app *app, const struct error *e)
{
	struct buf out = BUF_INIT;

	if (app->output != OUTPUT_JSON && app->output != OUTPUT_JSONL) {
		print_error_text(app, e);
		return;
	}
	buf_add_str(&out, "{\"error\":");
	error_to_json(e, &out);
	buf_add_str(&out, "}\n");
	write_all(STDERR_FILENO, buf_bytes(&out), NULL);
	buf_free(&out);
}

enum status app_need_args(const struct app *app, size_t least, size_t most, struct error *e)
{
	if (app->nargs < least)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "too few arguments; see 'guanxi %s%s%s --help'"),
			app->noun ? app->noun : "", app->noun ? " " : "", app->verb);
	if (app->nargs > most)
		return error_set(
			e, STATUS_USAGE, app_tr(app, "unexpected argument '%s'"), app->args[most]);
	return STATUS_OK;
}

const char *app_join_args(const struct app *app, size_t from)
{
	struct buf text = BUF_INIT;

	if (from >= app->nargs)
		return NULL;
	for (size_t i = from; i < app->nargs; i++) {
		if (i > from)
			buf_add_str(&text, " ");
		buf_add_str(&text, app->args[i]);
	}
	const char *joined = arena_str(app->arena, buf_bytes(&text));
	buf_free(&text);
	return joined;
}
