/* add --json: objects, one a line, or one object over several lines */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/json_read.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include "common/text.h"

#define INPUT_MAX (64u << 20)

/* What a record prints besides what can be entered. */
static bool is_printed_only(const struct entity *en, const char *name)
{
	const struct field *f = entity_field_named(en, name);

	if (!f)
		return !strcmp(name, "masked");
	return f->flags & (F_VIRTUAL | F_COMPUTED);
}

static void assign_object(
	struct arena *arena, Guanxi__Request *r, const struct entity *en, json_t *object)
{
	struct buf text = BUF_INIT;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (is_printed_only(en, name))
			continue;
		buf_clear(&text);
		json_value_text(value, &text);
		request_set(arena, r, bytes_str(name), buf_bytes(&text));
	}
	buf_free(&text);
}

static enum status add_object(struct app *app, json_t *object, struct error *e)
{
	const struct entity *en;
	enum status st = catalog_entity(app, &en, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.add");
	assign_object(app->arena, r, en, object);
	return call_to_change(app, r, e);
}

/* Parses one object after the other; line ends between them do not matter. */
enum status run_add_json(struct app *app, struct error *e)
{
	struct buf text = BUF_INIT;
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = file_read(app->opt.json, INPUT_MAX, &text, e);
	if (st == STATUS_NOT_FOUND)
		st = e->status = STATUS_USAGE;
	struct bytes rest = text_trim(buf_bytes(&text));
	if (!st && !rest.len)
		st = error_set(e, STATUS_USAGE, app_tr(app, "'%s' is empty"), app->opt.json);
	while (!st && rest.len) {
		json_error_t why;
		json_t *object = json_loadb((const char *)rest.data, rest.len,
			JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &why);

		if (!json_is_object(object))
			st = error_set(
				e, STATUS_INVALID, "not a JSON object: %s", object ? "" : why.text);
		else
			st = add_object(app, object, e);
		json_decref(object);
		if (!st)
			rest = text_trim(bytes_of(
				rest.data + why.position, rest.len - (size_t)why.position));
	}
	buf_free(&text);
	return st;
}
