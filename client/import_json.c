/* JSON lines: each object names its fields. */
#include "client/import_form.h"
#include "client/json_read.h"
#include "common/source.h"
#include "common/text.h"

#define LINE_MAX_BYTES (1u << 20)

struct json_import {
	struct import_named in;
	struct buf original;
};

/* What an object prints besides what can be entered is passed over, so that an export comes in again. */
static bool is_passed_over(const char *name, const struct field *f)
{
	if (f)
		return f->flags & (F_VIRTUAL | F_COMPUTED);
	return !strcmp(name, "masked");
}

static void take_member(
	struct json_import *j, const char *name, const json_t *value, struct error *why)
{
	const char *mapped = import_mapped(j->in.app, bytes_str(name));
	const char *wanted = mapped ? mapped : name;
	const struct field *f = *wanted ? entity_field_named(j->in.entity, wanted) : NULL;

	if (!*wanted || is_passed_over(wanted, f) ||
		import_passes_over(j->in.app, j->in.entity, bytes_str(wanted)))
		return;
	if (!f)
		import_no_field(j->in.entity, bytes_str(wanted), why);
	else if (json_is_object(value))
		error_field(why, f->name, "is an object");
	else if (import_row_has(&j->in.row, bytes_str(f->name)))
		error_field(why, f->name, "is given twice");
	else if (!import_row_begin(&j->in.row, bytes_str(f->name)))
		error_set(why, STATUS_INVALID, "more than %d fields", IMPORT_FIELDS_MAX);
	else {
		json_value_text(value, &j->in.row.room);
		import_row_end(&j->in.row, true);
	}
}

/* The server looks for the key among the columns: a row without one is a new one. */
static void need_key(struct json_import *j)
{
	const char *key = j->in.app->opt.key;
	const struct field *f = key ? entity_field_named(j->in.entity, key) : NULL;

	if (f && !import_row_has(&j->in.row, bytes_str(f->name)) &&
		import_row_begin(&j->in.row, bytes_str(f->name)))
		import_row_end(&j->in.row, true);
}

/* The line without the reason of an earlier import; left empty when it has none. */
static void without_reason(struct json_import *j, json_t *object)
{
	buf_clear(&j->original);
	if (!json_object_get(object, REASON_COLUMN))
		return;
	json_object_del(object, REASON_COLUMN);
	char *text = json_dumps(object, JSON_COMPACT);

	buf_add_str(&j->original, text ? text : "");
	free(text);
}

static enum status take_object(struct json_import *j, struct bytes line, struct error *why)
{
	json_t *object, *value;
	const char *name;
	enum status st = json_line(line, &object, why);

	buf_clear(&j->original);
	if (st)
		return st;
	without_reason(j, object);
	j->in.row.n = 0;
	buf_clear(&j->in.row.room);
	json_object_foreach(object, name, value) take_member(j, name, value, why);
	json_decref(object);
	need_key(j);
	import_row_set(&j->in.row, j->in.set);
	return why->status;
}

/* Every fault of the line in one sentence. */
static void say_faults(const struct error *why, struct buf *out)
{
	buf_add_str(out, why->nfields ? "" : why->message);
	for (size_t i = 0; i < why->nfields; i++)
		buf_printf(out, "%s%s %s", i ? "; " : "", why->fields[i].field,
			why->fields[i].message);
}

static enum status take_line(struct json_import *j, const struct line *line, struct error *e)
{
	struct error why;
	struct buf said = BUF_INIT;
	enum status st;

	error_init(&why);
	buf_clear(&j->original);
	if (line->bad)
		error_set(&why, STATUS_INVALID, "%s", line->bad);
	else
		take_object(j, line->text, &why);
	struct bytes original = j->original.len ? buf_bytes(&j->original) : line->text;

	if (why.status) {
		say_faults(&why, &said);
		st = importer_reject(j->in.importer, line->number, buf_str(&said), original, e);
	} else {
		st = import_named_send(&j->in, line->number, original, e);
	}
	error_clear(&why);
	buf_free(&said);
	return st;
}

static enum status all_lines(struct json_import *j, struct line_reader *lines, struct error *e)
{
	struct line line;
	enum status st = STATUS_OK;

	while (!st && line_reader_next(lines, &line)) {
		if (!line.bad && !text_trim(line.text).len)
			continue;
		st = take_line(j, &line, e);
		importer_progress(j->in.importer, lines->source.decoded, j->in.file->size);
	}
	return st ? st : importer_finish(j->in.importer, e);
}

enum status import_json(const struct import_file *file, struct error *e)
{
	struct json_import j = { .in = { .file = file, .app = file->app } };
	struct line_reader lines = { 0 };
	enum status st = line_reader_open(&lines, file->fd, file->encoding, LINE_MAX_BYTES, e);

	if (!st)
		st = import_named_begin(&j.in, REJECT_JSON, &lines.source, e);
	if (!st)
		st = all_lines(&j, &lines, e);
	import_named_release(&j.in);
	line_reader_release(&lines);
	buf_free(&j.original);
	return st;
}
