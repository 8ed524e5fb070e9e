/* export: all matching records to a file that import reads again */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include "common/csv.h"
#include "common/frame.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PAGE 500

struct export
{
	struct app *app;
	const struct entity *entity;
	const struct field **fields;
	size_t n;
	bool csv;
	enum encoding encoding;
	int fd;
	bool started;
	struct buf text, cell;
	uint64_t count;
};

/* Fields that import takes; who entered a record and when, but not who changed it last. */
static bool is_exported(const struct field *f)
{
	if (f->tag == TAG_CREATED_AT || f->tag == TAG_CREATED_BY)
		return true;
	return !(f->flags & (F_VIRTUAL | F_COMPUTED | F_READONLY | F_RETIRED | F_UNAVAILABLE));
}

static enum status choose_fields(struct export *x, struct error *e)
{
	const struct entity *en = x->entity;

	if (x->app->opt.columns)
		return columns_chosen(x->app, en, &x->fields, &x->n, e);
	x->fields = arena_calloc(x->app->arena, en->nfields + 1, sizeof(const struct field *));
	for (size_t i = 0; x->fields && i < en->nfields; i++)
		if (is_exported(&en->fields[i]))
			x->fields[x->n++] = &en->fields[i];
	return STATUS_OK;
}

static bool is_free_text(enum field_type type)
{
	return type == T_TEXT || type == T_LONG_TEXT || type == T_TAGS || type == T_TEXTS;
}

static void add_header(struct export *x)
{
	for (size_t i = 0; i < x->n; i++)
		csv_add_cell(&x->text, bytes_str(field_label(x->app, x->fields[i])), i == 0, false);
	buf_add_str(&x->text, "\r\n");
}

static void add_csv(struct export *x, const struct view *v)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct field *f = x->fields[i];
		/* Ids, because names need not be unique; instants exactly. */
		bool code =
			type_is_reference(f->type) || f->type == T_REF_ANY || f->type == T_DATETIME;

		buf_clear(&x->cell);
		view_cell(v, f, code ? FORM_CODE : FORM_DISPLAY, &x->cell);
		csv_add_cell(&x->text, buf_bytes(&x->cell), i == 0, is_free_text(f->type));
	}
	buf_add_str(&x->text, "\r\n");
}

static void add_json(struct export *x, const struct view *v)
{
	bool first = true;

	buf_add_u8(&x->text, '{');
	for (size_t i = 0; i < x->n; i++) {
		if (!view_has(v, x->fields[i]))
			continue;
		json_add_key(&x->text, &first, x->fields[i]->name);
		view_json_value(v, x->fields[i], &x->text);
	}
	buf_add_str(&x->text, "}\n");
}

static enum status write_page(struct export *x, const Guanxi__Reply *reply, struct error *e)
{
	buf_clear(&x->text);
	if (x->csv && !x->started && !x->app->opt.no_header)
		add_header(x);
	for (size_t i = 0; i < reply->n_record; i++) {
		struct view v;

		if (view_init(&v, x->app, reply->record[i], reply)) {
			if (x->csv)
				add_csv(x, &v);
			else
				add_json(x, &v);
			x->count++;
		}
		view_release(&v);
	}
	enum status st = encode_write(x->fd, x->encoding, buf_bytes(&x->text), &x->started, e);
	x->started = true;
	return st;
}

static enum status first_page(struct export *x, const Guanxi__Reply *reply, struct error *e)
{
	enum status st = catalog_entity(x->app, &x->entity, e);

	if (!st)
		st = choose_fields(x, e);
	return st ? st : write_page(x, reply, e);
}

static enum status all_pages(struct export *x, struct error *e)
{
	struct app *app = x->app;
	struct arena *tokens = arena_new(1u << 20);
	const Guanxi__Reply *reply;
	Guanxi__Request *r = request_new(app, "record.export");
	enum status st = take_query(app, r, 1, e);

	/* Oldest first, so that an import makes them in the same order. */
	if (!r->has_sort)
		request_text(app->arena, "id", &r->has_sort, &r->sort);
	r->has_limit = true;
	r->limit = PAGE;
	do {
		if (!st)
			st = call_for_records(app, r, &reply, e);
		if (!st)
			st = x->entity ? write_page(x, reply, e) : first_page(x, reply, e);
		if (!st) {
			arena_reset(tokens);
			r->has_page = reply->has_next;
			r->page = pb_from(arena_copy(tokens, pb_bytes(reply->next)));
		}
	} while (!st && r->has_page);
	arena_free(&tokens);
	return st;
}

/* What the name of the file asks for; a name that asks for a form that is not there gets no other one. */
static const char *format_of_name(const char *name)
{
	static const char *const known[] = { "jsonl", "xlsx", "vcf" };
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end && i < sizeof known / sizeof *known; i++)
		if (!strcmp(end + 1, known[i]))
			return known[i];
	return "csv";
}

static enum status take_form(struct export *x, struct error *e)
{
	const struct options *o = &x->app->opt;
	const char *format = o->format ? o->format : format_of_name(x->app->args[0]);

	x->csv = !strcmp(format, "csv");
	if (!x->csv && strcmp(format, "jsonl"))
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "'%s' cannot be exported yet; use csv or jsonl"), format);
	x->encoding = ENCODING_UTF8;
	if (o->encoding && (!encoding_from_name(o->encoding, &x->encoding) ||
				   x->encoding == ENCODING_AUTO || x->encoding == ENCODING_UTF16))
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "'%s' is no encoding; use utf-8, utf-8-bom or gb18030"),
			o->encoding);
	return STATUS_OK;
}

/* The file gets its name when it is whole. */
static enum status to_file(struct export *x, const char *path, struct error *e)
{
	struct buf part = BUF_INIT;
	enum status st;

	buf_printf(&part, "%s.part", path);
	x->fd = open(buf_str(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (x->fd < 0) {
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
		buf_free(&part);
		return st;
	}
	st = all_pages(x, e);
	if (close(x->fd) && !st)
		st = error_set(e, STATUS_INTERNAL, "cannot write '%s': %s", path, strerror(errno));
	if (!st && rename(buf_str(&part), path))
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	if (st)
		unlink(buf_str(&part));
	buf_free(&part);
	return st;
}

enum status run_export(struct app *app, struct error *e)
{
	struct export x = { .app = app };
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	if (!st)
		st = take_form(&x, e);
	if (!st && !strcmp(app->args[0], "-")) {
		x.fd = STDOUT_FILENO;
		st = all_pages(&x, e);
	} else if (!st) {
		st = to_file(&x, app->args[0], e);
	}
	buf_free(&x.text);
	buf_free(&x.cell);
	if (!st)
		app_say(app, app_tr(app, "exported: %llu"), (unsigned long long)x.count);
	return st;
}

const struct command cmd_export = {
	.noun = ANY_ENTITY,
	.name = "export",
	.usage = "FILE|- [FILTER]",
	.options = EXPORT_OPTIONS,
	.help = "write records to a CSV or JSON lines file",
	.run = run_export,
};
