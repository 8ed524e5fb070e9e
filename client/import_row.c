#include "client/catalog.h"
#include "client/import_form.h"
#include "client/request.h"
#include "common/frame.h"
#include "common/text.h"

const char *import_mapped(const struct app *app, struct bytes column)
{
	for (size_t i = 0; i < app->opt.map.n; i++) {
		const char *item = app->opt.map.items[i], *equals = strrchr(item, '=');

		if (equals && bytes_equal(bytes_of(item, (size_t)(equals - item)), column))
			return equals + 1;
	}
	return NULL;
}

enum status import_set(struct app *app, Guanxi__Request **out, struct error *e)
{
	*out = request_bare(app->arena, bytes_str("set"));
	return request_assign(app, *out, app->opt.set.items, app->opt.set.n, e);
}

bool import_is_made_key(const struct entity *en, const struct field *f)
{
	return en->number_field && !strcmp(f->name, en->number_field) && f->flags & F_READONLY &&
	       f->flags & F_UNIQUE;
}

bool import_passes_over(const struct app *app, const struct entity *en, struct bytes name)
{
	const struct field *f = entity_field(en, name);

	return f && import_is_made_key(en, f) &&
	       !(app->opt.key && entity_field_named(en, app->opt.key) == f);
}

enum status import_no_field(const struct entity *en, struct bytes name, struct error *e)
{
	const char *near = entity_field_suggest(en, name);
	struct buf shown = BUF_INIT;

	text_add_safe(&shown, name);
	enum status st = error_field(e, buf_str(&shown), "is no field of %s%s%s%s", en->name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	buf_free(&shown);
	return st;
}

/* The fields' own names in the place of labels and aliases; what is no field is named at once. */
static enum status set_names(const struct entity *en, Guanxi__Request *set, struct error *e)
{
	enum status st = STATUS_OK;

	for (size_t i = 0; i < set->n_set; i++) {
		const struct field *f = entity_field(en, pb_bytes(set->set[i]->name));

		if (f)
			set->set[i]->name = pb_from(bytes_str(f->name));
		else
			st = import_no_field(en, pb_bytes(set->set[i]->name), e);
	}
	return st;
}

bool import_row_begin(struct import_row *row, struct bytes name)
{
	if (row->n == IMPORT_FIELDS_MAX)
		return false;
	row->fields[row->n].name = name;
	row->fields[row->n].value = row->room.len;
	return true;
}

void import_row_end(struct import_row *row, bool keep)
{
	size_t at = row->fields[row->n].value, len = row->room.len - at;

	row->fields[row->n].len = len;
	if (keep || (len && text_trim(bytes_of(row->room.data + at, len)).len))
		row->n++;
	else
		row->room.len = at;
}

static size_t place_of(const struct import_row *row, struct bytes name)
{
	size_t i = 0;

	while (i < row->n && !bytes_equal(row->fields[i].name, name))
		i++;
	return i;
}

bool import_row_has(const struct import_row *row, struct bytes name)
{
	return place_of(row, name) < row->n;
}

void import_row_set(struct import_row *row, const Guanxi__Request *set)
{
	for (size_t i = 0; i < set->n_set; i++) {
		struct bytes name = pb_bytes(set->set[i]->name),
			     value = pb_bytes(set->set[i]->value);
		size_t at = place_of(row, name);

		if (at == IMPORT_FIELDS_MAX)
			continue;
		row->n += at == row->n;
		row->fields[at].name = name;
		row->fields[at].value = row->room.len;
		row->fields[at].len = value.len;
		buf_add_bytes(&row->room, value);
	}
}

static struct bytes value_of(const struct import_row *row, size_t i)
{
	return row->fields[i].len
		       ? bytes_of(row->room.data + row->fields[i].value, row->fields[i].len)
		       : bytes_of("", 0);
}

static void show_row(const struct import_row *row, const struct app *app, uint64_t line)
{
	struct buf said = BUF_INIT;

	for (size_t i = 0; i < row->n; i++) {
		buf_add_str(&said, said.len ? ", " : "");
		buf_add_bytes(&said, row->fields[i].name);
		buf_add_str(&said, "=");
		buf_add_bytes(&said, text_cut(value_of(row, i), 40));
	}
	app_say(app, app_tr(app, "line %llu: %s"), (unsigned long long)line, buf_str(&said));
	buf_free(&said);
}

enum status import_named_begin(
	struct import_named *in, int kind, const struct source *source, struct error *e)
{
	struct reject_form form = { .kind = kind, .encoding = decoder_encoding(source->decoder) };
	enum status st = import_set(in->app, &in->set, e);

	if (!st)
		st = importer_begin(in->app, NULL, 0, in->file->source, &in->importer, e);
	if (!st)
		st = catalog_entity(in->app, &in->entity, e);
	if (!st)
		st = set_names(in->entity, in->set, e);
	return st ? st : importer_rejects(in->importer, &form, e);
}

void import_named_release(struct import_named *in)
{
	importer_free(&in->importer);
	buf_free(&in->row.room);
}

enum status import_named_send(
	struct import_named *in, uint64_t line, struct bytes original, struct error *e)
{
	const struct import_row *row = &in->row;
	struct bytes names[IMPORT_FIELDS_MAX], values[IMPORT_FIELDS_MAX];

	if (in->app->opt.dry_run && in->shown++ < SAMPLE_ROWS)
		show_row(row, in->app, line);
	for (size_t i = 0; i < row->n; i++) {
		names[i] = row->fields[i].name;
		values[i] = value_of(row, i);
	}
	return importer_row_named(in->importer, names, values, row->n, line, original, e);
}
