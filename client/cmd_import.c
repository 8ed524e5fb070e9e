/* import: csv in any of the usual encodings, or JSON lines */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/import.h"
#include "client/json_read.h"
#include "client/request.h"
#include "common/encoding.h"
#include "common/text.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CELL_MAX (192u * 1024)
#define SAMPLE_ROWS 3

/* The columns of the file that go to the server. */
struct columns {
	struct bytes *names; /* what they are called there */
	size_t *at;          /* their places in the file's rows */
	size_t n;
	size_t width;  /* cells that a row has in the file */
	size_t reason; /* place of a rejects file's own column; SIZE_MAX: none */
};

/* FIELD of --map HEADER=FIELD; NULL when the header is not mapped. */
static const char *mapped(const struct app *app, struct bytes header)
{
	for (size_t i = 0; i < app->opt.map.n; i++) {
		const char *item = app->opt.map.items[i], *equals = strrchr(item, '=');

		if (equals && bytes_equal(bytes_of(item, (size_t)(equals - item)), header))
			return equals + 1;
	}
	return NULL;
}

static enum status check_map(const struct app *app, const struct csv_row *header, struct error *e)
{
	for (size_t i = 0; i < app->opt.map.n; i++) {
		const char *item = app->opt.map.items[i], *equals = strrchr(item, '=');
		bool found = false;

		if (!equals)
			return error_set(e, STATUS_USAGE,
				app_tr(app, "'%s' of --map is not of the form COLUMN=FIELD"), item);
		for (size_t k = 0; k < header->n; k++)
			found = found || bytes_equal(bytes_of(item, (size_t)(equals - item)),
						 text_trim(header->cells[k]));
		if (!found)
			return error_set(e, STATUS_USAGE,
				app_tr(app, "the file has no column '%.*s'"), (int)(equals - item),
				item);
	}
	return STATUS_OK;
}

static enum status take_header(
	struct app *app, const struct csv_row *header, struct columns *c, struct error *e)
{
	enum status st = check_map(app, header, e);

	if (header->bad)
		return error_set(e, STATUS_INVALID, "line %llu: %s",
			(unsigned long long)header->line, header->bad);
	c->names = arena_calloc(app->arena, header->n + 1, sizeof *c->names);
	c->at = arena_calloc(app->arena, header->n + 1, sizeof *c->at);
	c->width = header->n;
	c->reason = SIZE_MAX;
	for (size_t i = 0; !st && c->names && c->at && i < header->n; i++) {
		struct bytes name = text_trim(header->cells[i]);
		const char *field = mapped(app, name);

		if (bytes_equal_str(name, REASON_COLUMN)) {
			c->reason = i;
			continue;
		}
		/* A column without a name, or mapped to nothing, stays out. */
		if (field ? !*field : !name.len)
			continue;
		c->at[c->n] = i;
		c->names[c->n++] = arena_copy(app->arena, field ? bytes_str(field) : name);
	}
	if (!st && !c->n)
		return error_set(e, STATUS_INVALID, "%s", app_tr(app, "the file has no columns"));
	return st;
}

static void original_of(
	const struct csv_row *row, const struct columns *c, char separator, struct buf *out)
{
	bool first = true;

	buf_clear(out);
	for (size_t i = 0; i < row->n; i++) {
		if (i == c->reason)
			continue;
		csv_add_cell(out, row->cells[i], first, false);
		first = false;
	}
	if (row->n)
		return;
	/* bytes that cannot be decoded leave the row's shape alone: mended in place it can be imported */
	if (memchr(row->raw.data, UNDECODABLE, row->raw.len) && separator == ',' &&
		!memchr(row->raw.data, '"', row->raw.len))
		buf_add_bytes(out, row->raw);
	else
		csv_add_cell(out, row->raw, true, false);
}

struct csv_import {
	struct app *app;
	struct csv_reader *reader;
	struct columns columns;
	struct importer *importer;
	struct buf original;
	struct bytes *cells;
	uint64_t size; /* of the file; 0 unknown */
};

static void show_sample(const struct csv_import *c, const struct csv_row *row)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < c->columns.n; i++) {
		struct bytes cell = row->cells[c->columns.at[i]];

		if (!cell.len)
			continue;
		buf_add_str(&line, line.len ? ", " : "");
		buf_add_bytes(&line, c->columns.names[i]);
		buf_add_str(&line, "=");
		buf_add_bytes(&line, text_cut(cell, 40));
	}
	app_say(c->app, app_tr(c->app, "line %llu: %s"), (unsigned long long)row->line,
		buf_str(&line));
	buf_free(&line);
}

static enum status one_row(
	struct csv_import *c, const struct csv_row *row, uint64_t number, struct error *e)
{
	const char *null = c->app->opt.null;
	char why[120];

	if (row->bad || row->n != c->columns.width || c->app->opt.rejects)
		original_of(row, &c->columns, csv_separator(c->reader), &c->original);
	if (row->bad)
		return importer_reject(
			c->importer, row->line, row->bad, buf_bytes(&c->original), e);
	if (row->n != c->columns.width) {
		snprintf(why, sizeof why, app_tr(c->app, "has %zu cells, the header has %zu"),
			row->n, c->columns.width);
		return importer_reject(c->importer, row->line, why, buf_bytes(&c->original), e);
	}
	for (size_t i = 0; i < c->columns.n; i++) {
		c->cells[i] = csv_plain_cell(row->cells[c->columns.at[i]]);
		if (null && bytes_equal_str(text_trim(c->cells[i]), null))
			c->cells[i].len = 0;
	}
	if (c->app->opt.dry_run && number <= SAMPLE_ROWS)
		show_sample(c, row);
	return importer_row(
		c->importer, c->cells, c->columns.n, row->line, buf_bytes(&c->original), e);
}

static enum status all_rows(struct csv_import *c, struct error *e)
{
	struct csv_row row;
	uint64_t number = 0;
	enum status st = STATUS_OK;

	while (!st && csv_next(c->reader, &row)) {
		st = one_row(c, &row, ++number, e);
		importer_progress(c->importer, csv_bytes_read(c->reader), c->size);
	}
	return st ? st : importer_finish(c->importer, e);
}

static enum status csv_begin(struct csv_import *c, const char *source, struct error *e)
{
	struct csv_row header;

	if (!csv_next(c->reader, &header))
		return error_set(e, STATUS_INVALID, "%s", app_tr(c->app, "the file is empty"));
	enum status st = take_header(c->app, &header, &c->columns, e);
	if (st)
		return st;
	original_of(&header, &c->columns, csv_separator(c->reader), &c->original);
	c->cells = arena_calloc(c->app->arena, c->columns.n + 1, sizeof *c->cells);
	if (c->app->opt.dry_run)
		app_say(c->app, app_tr(c->app, "encoding %s, separator '%c', %zu columns"),
			encoding_name(csv_encoding(c->reader)), csv_separator(c->reader),
			c->columns.n);
	st = importer_begin(c->app, c->columns.names, c->columns.n, source, &c->importer, e);
	if (!st)
		st = importer_rejects(
			c->importer, csv_encoding(c->reader), true, buf_bytes(&c->original), e);
	return st;
}

static enum status import_csv(
	struct app *app, int fd, uint64_t size, const char *source, struct error *e)
{
	struct csv_import c = { .app = app, .size = size };
	struct csv_options o = { .max_cell = CELL_MAX };
	enum status st = STATUS_OK;

	if (app->opt.encoding && !encoding_from_name(app->opt.encoding, &o.encoding))
		return error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' is no encoding; use auto, utf-8, utf-16 or gb18030"),
			app->opt.encoding);
	st = csv_open(fd, o, &c.reader, e);
	if (!st)
		st = csv_begin(&c, source, e);
	if (!st)
		st = all_rows(&c, e);
	importer_free(&c.importer);
	csv_free(&c.reader);
	buf_free(&c.original);
	return st;
}

/* What an object prints besides what can be entered is passed over, so that an export comes in again. */
static bool is_entered(const struct entity *en, const char *name)
{
	const struct field *f = entity_field_named(en, name);

	return f ? !(f->flags & (F_VIRTUAL | F_COMPUTED)) : strcmp(name, "masked") != 0;
}

static enum status json_row(struct importer *im, const struct entity *en, struct bytes line,
	uint64_t number, struct error *e)
{
	struct error why;
	struct bytes names[512], cells[512];
	struct buf texts[512] = { 0 };
	json_t *object, *value;
	const char *name;
	size_t n = 0;

	error_init(&why);
	if (json_line(line, &object, &why)) {
		enum status st = importer_reject(im, number, why.message, line, e);

		error_clear(&why);
		return st;
	}
	json_object_foreach(object, name, value)
	{
		if (n == 512 || !is_entered(en, name))
			continue;
		json_value_text(value, &texts[n]);
		names[n] = bytes_str(name);
		cells[n] = buf_bytes(&texts[n]);
		n++;
	}
	enum status st = importer_row_named(im, names, cells, n, number, line, e);
	for (size_t i = 0; i < n; i++)
		buf_free(&texts[i]);
	json_decref(object);
	return st;
}

static enum status import_jsonl(struct app *app, const char *path, struct error *e)
{
	const struct entity *en;
	struct importer *im = NULL;
	struct lines *lines = NULL;
	struct bytes line;
	uint64_t number;
	enum status st = catalog_entity(app, &en, e);

	if (!st)
		st = lines_open(path, &lines, e);
	if (!st)
		st = importer_begin(app, NULL, 0, path, &im, e);
	if (!st)
		st = catalog_entity(app, &en, e);
	if (!st)
		st = importer_rejects(im, ENCODING_UTF8, false, (struct bytes){ 0 }, e);
	while (!st && lines_next(lines, &line, &number, e)) {
		st = json_row(im, en, line, number, e);
		importer_progress(im, lines_bytes_read(lines), 0);
	}
	if (!st)
		st = e->status ? e->status : importer_finish(im, e);
	importer_free(&im);
	lines_free(&lines);
	return st;
}

static bool is_json_file(const struct app *app)
{
	const char *end = strrchr(app->args[0], '.');

	if (app->opt.format)
		return !strcmp(app->opt.format, "jsonl");
	return end && (!strcmp(end, ".jsonl") || !strcmp(end, ".ndjson"));
}

enum status run_import(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, 1, 1, e);
	struct stat about;

	if (!st && app->opt.format && strcmp(app->opt.format, "csv") &&
		strcmp(app->opt.format, "jsonl"))
		st = error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' cannot be imported; use csv or jsonl"), app->opt.format);
	if (st)
		return st;
	const char *path = app->args[0], *name = strrchr(path, '/');
	if (is_json_file(app))
		return import_jsonl(app, path, e);
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return error_set(e, STATUS_USAGE, "cannot open '%s': %s", path, strerror(errno));
	bool plain = !fstat(fd, &about) && S_ISREG(about.st_mode);
	st = import_csv(app, fd, plain ? (uint64_t)about.st_size : 0, name ? name + 1 : path, e);
	if (fd != STDIN_FILENO)
		close(fd);
	return st;
}

const struct command cmd_import = {
	.noun = ANY_ENTITY,
	.name = "import",
	.usage = "FILE|-",
	.options = IMPORT_OPTIONS,
	.help = "add or update records from a CSV or JSON lines file",
	.run = run_import,
};
