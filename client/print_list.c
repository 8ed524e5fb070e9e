#include "client/catalog.h"
#include "client/json.h"
#include "client/print.h"
#include "common/text.h"

static enum status unknown_column(
	struct app *app, const struct entity *en, struct bytes name, struct error *e)
{
	const char *near = entity_field_suggest(en, name);

	if (near)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "unknown field '%.*s'; did you mean '%s'?"), (int)name.len,
			(const char *)name.data, near);
	return error_set(e, STATUS_USAGE, app_tr(app, "unknown field '%.*s'"), (int)name.len,
		(const char *)name.data);
}

static enum status columns_named(struct app *app, const struct entity *en,
	const struct field **fields, size_t *n, struct error *e)
{
	const char *p = app->opt.columns;

	while (*p) {
		size_t len = strcspn(p, ",");
		struct bytes name = text_trim(bytes_of(p, len));
		const struct field *f = entity_field(en, name);

		if (!f)
			return unknown_column(app, en, name, e);
		if (*n < en->nfields + 2)
			fields[(*n)++] = f;
		p += len + (p[len] == ',');
	}
	return STATUS_OK;
}

enum status columns_chosen(struct app *app, const struct entity *en, const struct field ***out,
	size_t *n, struct error *e)
{
	const struct field **fields =
		arena_calloc(app->arena, en->nfields + 2, sizeof(const struct field *));
	const struct field *id = entity_field_by_tag(en, TAG_ID);

	if (!fields)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	*out = fields;
	*n = 0;
	if (app->opt.columns)
		return columns_named(app, en, fields, n, e);
	if (id)
		fields[(*n)++] = id;
	for (size_t i = 0; i < en->nfields; i++)
		if (en->fields[i].flags & F_LIST && &en->fields[i] != id)
			fields[(*n)++] = &en->fields[i];
	return STATUS_OK;
}

struct record_list {
	struct app *app;
	const struct field **fields;
	size_t n;
	struct grid *grid;
	struct buf text;
};

static struct grid *grid_of(struct app *app, const struct field *const *fields, size_t n)
{
	struct grid_column *columns = calloc(n + 1, sizeof *columns);

	for (size_t i = 0; columns && i < n; i++)
		columns[i] = (struct grid_column){ fields[i]->name, field_label(app, fields[i]),
			type_aligns_right(fields[i]->type) };
	struct grid *g = grid_new(app, columns, columns ? n : 0);
	free(columns);
	return g;
}

enum status record_list_new(
	struct app *app, const struct entity *en, struct record_list **out, struct error *e)
{
	struct record_list *l = calloc(1, sizeof *l);

	*out = l;
	if (!l)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	l->app = app;
	enum status st = columns_chosen(app, en, &l->fields, &l->n, e);
	if (!st)
		l->grid = grid_of(app, l->fields, l->n);
	return st;
}

struct grid *record_list_grid(struct record_list *l)
{
	return l->grid;
}

void record_list_free(struct record_list **pl)
{
	struct record_list *l = *pl;

	if (!l)
		return;
	grid_free(&l->grid);
	buf_free(&l->text);
	free(l);
	*pl = NULL;
}

static void add_cells(struct record_list *l, const struct view *v)
{
	enum form form = l->app->output == OUTPUT_TSV ? FORM_CODE : FORM_DISPLAY;
	struct bytes *cells = calloc(l->n + 1, sizeof *cells);
	size_t *ends = calloc(l->n + 1, sizeof *ends);

	buf_clear(&l->text);
	for (size_t i = 0; cells && ends && i < l->n; i++) {
		view_cell(v, l->fields[i], form, &l->text);
		ends[i + 1] = l->text.len;
	}
	for (size_t i = 0; cells && ends && i < l->n; i++)
		cells[i] = bytes_of(l->text.data + ends[i], ends[i + 1] - ends[i]);
	if (cells && ends)
		grid_row(l->grid, cells);
	free(cells);
	free(ends);
}

static void add_json(struct record_list *l, const struct view *v)
{
	bool first = true;

	buf_clear(&l->text);
	if (!l->app->opt.columns) {
		view_json(v, &l->text);
	} else {
		buf_add_u8(&l->text, '{');
		for (size_t i = 0; i < l->n; i++) {
			if (!view_has(v, l->fields[i]))
				continue;
			json_add_key(&l->text, &first, l->fields[i]->name);
			view_json_value(v, l->fields[i], &l->text);
		}
		buf_add_u8(&l->text, '}');
	}
	grid_json(l->grid, buf_bytes(&l->text));
}

void record_list_add(struct record_list *l, const Guanxi__Record *r, const Guanxi__Reply *reply)
{
	struct view v;

	if (!view_init(&v, l->app, r, reply))
		return;
	if (grid_wants_json(l->grid))
		add_json(l, &v);
	else if (grid_wants_cells(l->grid))
		add_cells(l, &v);
	else
		grid_id(l->grid, r->id);
	view_release(&v);
}

/* The fields to show of one record: those chosen, else id, version and all that are set. */
static enum status fields_of(struct app *app, const struct view *v, const struct field ***out,
	size_t *n, struct error *e)
{
	const struct entity *en = v->entity;

	if (app->opt.columns)
		return columns_chosen(app, en, out, n, e);
	*out = arena_calloc(app->arena, en->nfields + 1, sizeof(const struct field *));
	*n = 0;
	if (!*out)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < en->nfields; i++) {
			const struct field *f = &en->fields[i];
			bool is_virtual = f->tag == TAG_ID || f->tag == TAG_VERSION;

			if (is_virtual == (pass == 0) && view_has(v, f))
				(*out)[(*n)++] = f;
		}
	return STATUS_OK;
}

/* One field a line, labels on the left. */
static enum status print_card(
	const struct view *v, const struct field *const *fields, size_t n, struct error *e)
{
	struct buf out = BUF_INIT, value = BUF_INIT;
	bool colour = out_colour();
	size_t width = 0;

	for (size_t i = 0; i < n; i++) {
		size_t w = text_width(bytes_str(field_label(v->app, fields[i])));

		if (w > width)
			width = w;
	}
	for (size_t i = 0; i < n; i++) {
		const char *label = field_label(v->app, fields[i]);

		buf_clear(&value);
		view_cell(v, fields[i], FORM_DISPLAY, &value);
		buf_printf(&out, "%s%s%s%*s", colour ? "\033[1m" : "", label,
			colour ? "\033[0m" : "", (int)(width - text_width(bytes_str(label))) + 2,
			"");
		text_add_safe(&out, buf_bytes(&value));
		buf_add_str(&out, "\n");
	}
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	buf_free(&value);
	return st;
}

static enum status print_row(struct app *app, const struct view *v, const struct field **fields,
	size_t n, struct error *e)
{
	struct record_list l = { .app = app, .fields = fields, .n = n };

	l.grid = grid_of(app, fields, n);
	if (grid_wants_cells(l.grid))
		add_cells(&l, v);
	else
		grid_id(l.grid, v->record->id);
	enum status st = grid_flush(l.grid, e);
	grid_free(&l.grid);
	buf_free(&l.text);
	return st;
}

static enum status print_object(struct app *app, const struct view *v, struct error *e)
{
	struct record_list l = { .app = app };
	struct buf line = BUF_INIT;
	enum status st = STATUS_OK;

	if (app->opt.columns)
		st = columns_chosen(app, v->entity, &l.fields, &l.n, e);
	l.grid = grid_new(app, NULL, 0);
	if (!st) {
		add_json(&l, v);
		buf_add_bytes(&line, buf_bytes(&l.text));
		buf_add_str(&line, "\n");
		st = out_write(buf_bytes(&line), e);
	}
	grid_free(&l.grid);
	buf_free(&l.text);
	buf_free(&line);
	return st;
}

static enum status print_one(struct app *app, const struct view *v, struct error *e)
{
	const struct field **fields;
	size_t n;

	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL)
		return print_object(app, v, e);
	enum status st = fields_of(app, v, &fields, &n, e);
	if (st)
		return st;
	return app->output == OUTPUT_TABLE ? print_card(v, fields, n, e)
					   : print_row(app, v, fields, n, e);
}

enum status print_records(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	enum status st = STATUS_OK;

	for (size_t i = 0; !st && i < reply->n_record; i++) {
		struct view v;

		if (!view_init(&v, app, reply->record[i], reply))
			return error_set(
				e, STATUS_INTERNAL, "the server sent a record of no known kind");
		st = print_one(app, &v, e);
		view_release(&v);
	}
	return st;
}

enum status print_operation(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	struct buf out = BUF_INIT;

	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL)
		buf_printf(&out, "{\"operation\":%llu,\"changed\":%llu}\n",
			(unsigned long long)reply->operation, (unsigned long long)reply->count);
	else if (app->output == OUTPUT_ID)
		buf_printf(&out, "%llu\n", (unsigned long long)reply->operation);
	else
		app_say(app, app_tr(app, "changed: %llu"), (unsigned long long)reply->count);
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	app_say_undo(app, reply->operation);
	return st;
}
