/* export: all matching records to a file */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/export.h"
#include "client/files.h"
#include "client/import_form.h"
#include "client/link.h"
#include "client/request.h"
#include "client/xlsx.h"
#include "common/frame.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PAGE 500

/* Fields that import takes, keys that the server makes among them; who entered a record and when, but not who changed it last. */
static bool is_exported(const struct entity *en, const struct field *f)
{
	if (f->tag == TAG_CREATED_AT || f->tag == TAG_CREATED_BY)
		return true;
	if (f->type == T_FILE) /* get has its bytes */
		return false;
	if (import_is_made_key(en, f))
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
		if (is_exported(en, &en->fields[i]))
			x->fields[x->n++] = &en->fields[i];
	return STATUS_OK;
}

static enum status write_out(struct export *x, struct error *e)
{
	if (x->form->own_file)
		return STATUS_OK;
	enum status st = encode_write(x->fd, x->encoding, buf_bytes(&x->text), &x->started, e);
	buf_clear(&x->text);
	return st;
}

static enum status write_page(struct export *x, const Guanxi__Reply *reply, struct error *e)
{
	enum status st = STATUS_OK;

	for (size_t i = 0; !st && i < reply->n_record; i++) {
		struct view v;

		if (view_init(&v, x->app, reply->record[i], reply)) {
			v.portable = x->form->portable;
			st = x->form->add(x, &v, e);
			x->count++;
		}
		view_release(&v);
	}
	return st ? st : write_out(x, e);
}

static enum status first_page(struct export *x, const Guanxi__Reply *reply, struct error *e)
{
	enum status st = catalog_entity(x->app, &x->entity, e);

	if (!st)
		st = choose_fields(x, e);
	if (!st && x->form->begin)
		st = x->form->begin(x, e);
	return st ? st : write_page(x, reply, e);
}

/* The server writes down what leaves; its token is the first page's. */
static enum status begin(
	struct export *x, Guanxi__Request *r, struct arena *tokens, struct error *e)
{
	Guanxi__Request first = *r;
	const Guanxi__Reply *reply;
	struct bytes left_out;

	first.op = pb_from(bytes_str("record.export_begin"));
	enum status st = call_for_records(x->app, &first, &reply, e);
	if (st)
		return st;
	r->has_page = true;
	r->page = pb_from(arena_copy(tokens, pb_bytes(reply->next)));
	left_out = answer_value(reply, "left_out");
	if (left_out.len)
		app_say(x->app, app_tr(x->app, "left out without consent: %.*s"), (int)left_out.len,
			(const char *)left_out.data);
	return STATUS_OK;
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
	if (x->form->portable)
		request_arg(app->arena, r, "portable", bytes_str("yes"));
	if (app->opt.purpose)
		request_arg(app->arena, r, "purpose", bytes_str(app->opt.purpose));
	r->has_limit = true;
	r->limit = PAGE;
	if (!st)
		st = begin(x, r, tokens, e);
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
	if (!st && x->form->end)
		st = x->form->end(x, e);
	return st ? st : write_out(x, e);
}

/* What the name of the file asks for. */
static const struct export_form *form_of_name(const char *name)
{
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end && i < nexport_forms; i++)
		for (size_t k = 0; k < 2 && export_forms[i].endings[k]; k++)
			if (!strcasecmp(end + 1, export_forms[i].endings[k]))
				return &export_forms[i];
	return &export_forms[0];
}

static enum status take_encoding(struct export *x, struct error *e)
{
	const char *name = x->app->opt.encoding;

	x->encoding = ENCODING_UTF8;
	if (name && (!encoding_from_name(name, &x->encoding) ||
			    (x->encoding != ENCODING_UTF8 && x->encoding != ENCODING_UTF8_BOM &&
				    x->encoding != ENCODING_GB18030)))
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "'%s' is no encoding; use utf-8, utf-8-bom or gb18030"),
			name);
	if (x->form->utf8 && x->encoding != ENCODING_UTF8)
		return error_set(
			e, STATUS_USAGE, app_tr(x->app, "%s is always UTF-8"), x->form->name);
	return STATUS_OK;
}

static enum status take_form(struct export *x, struct error *e)
{
	const char *asked = x->app->opt.format;

	x->form = asked ? NULL : form_of_name(x->app->args[0]);
	for (size_t i = 0; asked && i < nexport_forms; i++)
		if (!strcmp(export_forms[i].name, asked))
			x->form = &export_forms[i];
	if (!x->form)
		return error_set(e, STATUS_USAGE,
			app_tr(x->app,
				"'%s' cannot be exported; use csv, jsonl, xlsx, vcf, vcf4 or ics"),
			asked);
	return take_encoding(x, e);
}

/* The file gets its name when it is whole. */
static enum status to_file(struct export *x, const char *path, struct error *e)
{
	struct buf part = BUF_INIT;
	enum status st;

	buf_printf(&part, "%s.part", path);
	x->path = buf_str(&part);
	x->fd = open(x->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (x->fd < 0) {
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
		buf_free(&part);
		return st;
	}
	st = all_pages(x, e);
	xlsx_abandon(&x->xlsx);
	if (close(x->fd) && !st)
		st = error_set(e, STATUS_INTERNAL, "cannot write '%s': %s", path, strerror(errno));
	if (!st && rename(buf_str(&part), path))
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	if (st)
		unlink(buf_str(&part));
	buf_free(&part);
	return st;
}

static enum status to_stdout(struct export *x, struct error *e)
{
	if (x->form->own_file)
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "%s is written to a file, not to '-'"), x->form->name);
	x->fd = STDOUT_FILENO;
	return all_pages(x, e);
}

enum status run_export(struct app *app, struct error *e)
{
	struct export x = { .app = app };
	enum status st = app_need_args(app, app->opt.format ? 0 : 1, SIZE_MAX, e);

	if (!st && !app->nargs)
		app->args[app->nargs++] = "-";
	if (!st)
		st = take_form(&x, e);
	if (!st)
		st = strcmp(app->args[0], "-") ? to_file(&x, app->args[0], e) : to_stdout(&x, e);
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
	.help = "write records to a CSV, JSON lines, Excel, vCard or calendar file",
	.run = run_export,
};
