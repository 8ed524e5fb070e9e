/* CSV, in any of the usual encodings, with whatever separates and quotes its cells. */
#include "client/catalog.h"
#include "client/import_form.h"
#include "client/request.h"
#include "common/frame.h"
#include "common/source.h"
#include "common/text.h"

#define CELL_MAX (192u * 1024)

/* The columns of the file that go to the server, and behind them the fields of --set. */
struct columns {
	struct bytes *names; /* what they are called there */
	size_t *at;          /* their places in the file's rows */
	size_t n;            /* of the file's */
	size_t all;          /* with those of --set */
	size_t width;        /* cells that a row has in the file */
	size_t reason;       /* place of a rejects file's own column; SIZE_MAX: none */
};

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

static enum status take_header(struct app *app, const struct csv_row *header,
	const Guanxi__Request *set, struct columns *c, struct error *e)
{
	const struct entity *en;
	enum status st = check_map(app, header, e);

	if (!st)
		st = catalog_entity(app, &en, e);
	if (header->bad)
		return error_set(e, STATUS_INVALID, "line %llu: %s",
			(unsigned long long)header->line, header->bad);
	c->names = arena_calloc(app->arena, header->n + set->n_set + 1, sizeof *c->names);
	c->at = arena_calloc(app->arena, header->n + 1, sizeof *c->at);
	c->width = header->n;
	c->reason = SIZE_MAX;
	for (size_t i = 0; !st && c->names && c->at && i < header->n; i++) {
		struct bytes name = text_trim(header->cells[i]);
		const char *field = import_mapped(app, name);

		if (bytes_equal_str(name, REASON_COLUMN)) {
			c->reason = i;
			continue;
		}
		/* A column without a name, or mapped to nothing, stays out. */
		if (field ? !*field : !name.len)
			continue;
		if (import_passes_over(app, en, field ? bytes_str(field) : name))
			continue;
		c->at[c->n] = i;
		c->names[c->n++] = arena_copy(app->arena, field ? bytes_str(field) : name);
	}
	c->all = c->n;
	for (size_t i = 0; !st && i < set->n_set; i++)
		c->names[c->all++] = pb_bytes(set->set[i]->name);
	if (!st && !c->n)
		return error_set(e, STATUS_INVALID, "%s", app_tr(app, "the file has no columns"));
	return st;
}

/* Without the reason of an earlier import. */
static void add_cells(const struct csv_row *row, const struct columns *c,
	const struct csv_dialect *d, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < row->n; i++) {
		if (i == c->reason)
			continue;
		csv_add_cell_as(out, row->cells[i], first, d);
		first = false;
	}
}

/* A row that is bad keeps its shape, so that it is mended in place; with a quote that is not closed it becomes one cell. */
static void original_of(const struct csv_row *row, const struct columns *c,
	const struct csv_dialect *d, struct buf *out)
{
	struct bytes raw = row->raw;
	size_t quotes = 0;

	buf_clear(out);
	if (row->n) {
		add_cells(row, c, d, out);
		return;
	}
	for (size_t i = 0; i < raw.len; i++)
		quotes += raw.data[i] == (uint8_t)d->quote;
	if (c->reason != SIZE_MAX && c->reason + 1 == c->width && !quotes) {
		while (raw.len && raw.data[raw.len - 1] != (uint8_t)d->separator)
			raw.len--;
		raw.len -= raw.len > 0;
	}
	if (quotes % 2 == 0)
		buf_add_bytes(out, raw);
	else
		csv_add_cell_as(out, raw, true, d);
}

struct csv_import {
	const struct import_file *file;
	struct app *app;
	struct csv_reader *reader;
	struct csv_dialect dialect;
	struct columns columns;
	const Guanxi__Request *set;
	struct importer *importer;
	struct buf original;
	struct bytes *cells;
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
		original_of(row, &c->columns, &c->dialect, &c->original);
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
		c->importer, c->cells, c->columns.all, row->line, buf_bytes(&c->original), e);
}

static enum status all_rows(struct csv_import *c, struct error *e)
{
	struct csv_row row;
	uint64_t number = 0;
	enum status st = STATUS_OK;

	while (!st && csv_next(c->reader, &row)) {
		st = one_row(c, &row, ++number, e);
		importer_progress(c->importer, csv_bytes_read(c->reader), c->file->size);
	}
	return st ? st : importer_finish(c->importer, e);
}

static void show_form(const struct csv_import *c)
{
	app_say(c->app, app_tr(c->app, "encoding %s, separator '%s', %zu columns"),
		encoding_name(csv_encoding(c->reader)),
		c->dialect.separator == '\t' ? "tab" : (char[]){ c->dialect.separator, '\0' },
		c->columns.n);
}

static enum status csv_begin(struct csv_import *c, struct error *e)
{
	struct csv_row header;

	if (!csv_next(c->reader, &header))
		return error_set(e, STATUS_INVALID, "%s", app_tr(c->app, "the file is empty"));
	enum status st = take_header(c->app, &header, c->set, &c->columns, e);
	if (st)
		return st;
	original_of(&header, &c->columns, &c->dialect, &c->original);
	c->cells = arena_calloc(c->app->arena, c->columns.all + 1, sizeof *c->cells);
	for (size_t i = 0; i < c->set->n_set; i++)
		c->cells[c->columns.n + i] = pb_bytes(c->set->set[i]->value);
	if (c->app->opt.dry_run)
		show_form(c);
	st = importer_begin(
		c->app, c->columns.names, c->columns.all, c->file->source, &c->importer, e);
	struct reject_form form = { REJECT_CSV, csv_encoding(c->reader), c->dialect,
		buf_bytes(&c->original) };
	return st ? st : importer_rejects(c->importer, &form, e);
}

/* A character as options name it: itself, or a word for one that is awkward to type. */
static enum status character_of(
	const struct app *app, const char *text, const char *option, char *out, struct error *e)
{
	static const struct {
		const char *word;
		char character;
	} words[] = { { "tab", '\t' }, { "\\t", '\t' }, { "comma", ',' }, { "semicolon", ';' },
		{ "none", CSV_NO_QUOTE } };

	if (!text)
		return STATUS_OK;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, text))
			*out = words[i].character;
	if (text[0] > ' ' && text[0] < 127 && !text[1])
		*out = text[0];
	if (text[0] == '\t' && !text[1])
		*out = '\t';
	if (!*out || (*out == CSV_NO_QUOTE && !strcmp(option, "separator")))
		return error_set(e, STATUS_USAGE, app_tr(app, "'%s' of --%s is not one character"),
			text, option);
	return STATUS_OK;
}

static enum status take_options(const struct import_file *f, struct csv_options *o, struct error *e)
{
	enum status st = character_of(f->app, f->app->opt.separator, "separator", &o->separator, e);

	if (!st)
		st = character_of(f->app, f->app->opt.quote, "quote", &o->quote, e);
	if (!st && o->separator && o->separator == o->quote)
		st = error_set(e, STATUS_USAGE, "%s",
			app_tr(f->app, "--separator and --quote are the same character"));
	return st;
}

enum status import_csv(const struct import_file *file, struct error *e)
{
	struct csv_import c = { .file = file, .app = file->app };
	struct csv_options o = { .max_cell = CELL_MAX, .encoding = file->encoding };
	Guanxi__Request *set;
	enum status st = take_options(file, &o, e);

	if (!st)
		st = import_set(file->app, &set, e);
	if (!st)
		st = csv_open(file->fd, o, &c.reader, e);
	if (!st) {
		c.set = set;
		c.dialect = csv_dialect(c.reader);
		st = csv_begin(&c, e);
	}
	if (!st)
		st = all_rows(&c, e);
	importer_free(&c.importer);
	csv_free(&c.reader);
	buf_free(&c.original);
	return st;
}
