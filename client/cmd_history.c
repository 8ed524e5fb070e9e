/* history: the changes of one record, newest first */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static const struct column {
	const char *key, *label;
} columns[] = { { "time", "time" }, { "user", "user" }, { "kind", "act" },
	{ "operation", "operation" }, { "version", "version" }, { "changes", "changes" },
	{ "reason", "reason" } };

#define NCOLUMNS (sizeof columns / sizeof columns[0])

/* A side of a change as if it were a record, for the printers of fields. */
static Guanxi__Record side_record(const struct entity *en, ProtobufCBinaryData fields)
{
	Guanxi__Record r = GUANXI__RECORD__INIT;

	r.entity = en->number;
	r.fields = fields;
	return r;
}

struct bytes change_user(const struct app *app, const Guanxi__Change *c, const Guanxi__Reply *reply)
{
	const struct schema *schema = catalog_schema(app);
	const struct field *by = entity_field_by_tag(schema_at(schema, 0), TAG_CREATED_BY);
	const struct entity *users =
		by && by->refers_to ? schema_entity(schema, bytes_str(by->refers_to)) : NULL;

	if (c->user_name.len)
		return pb_bytes(c->user_name);
	for (size_t i = 0; users && i < reply->n_name; i++)
		if (reply->name[i]->entity == users->number && reply->name[i]->id == c->user)
			return pb_bytes(reply->name[i]->display);
	return (struct bytes){ 0 };
}

struct sides {
	struct bytes user;
	Guanxi__Record old_record, new_record, merged_record;
	struct view old, new,
		merged; /* merged: what the record that went in a merge said otherwise */
};

static bool sides_init(struct sides *s, const struct app *app, const struct entity *en,
	const Guanxi__Change *c, const Guanxi__Reply *reply)
{
	s->user = change_user(app, c, reply);
	s->old_record = side_record(en, c->old_fields);
	s->new_record = side_record(en, c->new_fields);
	s->merged_record = side_record(en, c->merged_fields);
	return view_init(&s->old, app, &s->old_record, reply) &&
	       view_init(&s->merged, app, &s->merged_record, reply) &&
	       view_init(&s->new, app, &s->new_record, reply);
}

static void sides_release(struct sides *s)
{
	view_release(&s->old);
	view_release(&s->new);
	view_release(&s->merged);
}

static void add_changes_text(
	const struct sides *s, const struct entity *en, const Guanxi__Change *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_changed; i++) {
		const struct field *f = entity_field_by_tag(en, c->changed[i]);

		if (!f)
			continue;
		buf_printf(out, "%s%s: ", out->len ? "; " : "", field_label(s->old.app, f));
		if (view_has(&s->old, f)) {
			view_cell(&s->old, f, FORM_DISPLAY, out);
			buf_add_str(out, " → ");
		}
		view_cell(&s->new, f, FORM_DISPLAY, out);
	}
}

/* What the record that went in a merge said otherwise. */
static void add_merged_text(
	const struct sides *s, const struct entity *en, const Guanxi__Change *c, struct buf *out)
{
	const char *head = app_tr(s->merged.app, "not taken over from");

	for (size_t i = 0; c->has_merged_id && i < en->nfields; i++) {
		const struct field *f = &en->fields[i];

		if (f->flags & F_VIRTUAL || !view_has(&s->merged, f))
			continue;
		if (head)
			buf_printf(out, "%s%s %llu: ", out->len ? "; " : "", head,
				(unsigned long long)c->merged_id);
		buf_printf(out, "%s%s: ", head ? "" : ", ", field_label(s->merged.app, f));
		view_cell(&s->merged, f, FORM_DISPLAY, out);
		head = NULL;
	}
}

static void add_merged_json(
	const struct sides *s, const struct entity *en, const Guanxi__Change *c, struct buf *out)
{
	bool first = true;

	buf_printf(out, "{\"id\":%llu,\"not_taken_over\":{", (unsigned long long)c->merged_id);
	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];

		if (f->flags & F_VIRTUAL || !view_has(&s->merged, f))
			continue;
		json_add_key(out, &first, f->name);
		view_json_value(&s->merged, f, out);
	}
	buf_add_str(out, "}}");
}

static void add_changes_json(
	const struct sides *s, const struct entity *en, const Guanxi__Change *c, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	for (size_t i = 0; i < c->n_changed; i++) {
		const struct field *f = entity_field_by_tag(en, c->changed[i]);

		if (!f)
			continue;
		json_add_key(out, &first, f->name);
		buf_add_str(out, "{\"old\":");
		view_json_value(&s->old, f, out);
		buf_add_str(out, ",\"new\":");
		view_json_value(&s->new, f, out);
		buf_add_u8(out, '}');
	}
	buf_add_u8(out, '}');
}

static void add_text_member(
	struct buf *out, bool *first, const char *key, bool has, ProtobufCBinaryData value)
{
	if (!has)
		return;
	json_add_key(out, first, key);
	json_add_string(out, pb_bytes(value));
}

static void add_number_member(struct buf *out, bool *first, const char *key, uint64_t value)
{
	json_add_key(out, first, key);
	buf_printf(out, "%llu", (unsigned long long)value);
}

static void change_json(
	const struct sides *s, const struct entity *en, const Guanxi__Change *c, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	add_number_member(out, &first, "seq", c->seq);
	json_add_key(out, &first, "time");
	buf_add_u8(out, '"');
	instant_format((int64_t)c->time_ms, out);
	buf_add_u8(out, '"');
	if (c->has_user)
		add_number_member(out, &first, "user", c->user);
	add_text_member(out, &first, "user_name", s->user.len > 0, pb_from(s->user));
	add_text_member(out, &first, "kind", true, c->kind);
	add_number_member(out, &first, "operation", c->operation);
	add_number_member(out, &first, "version", c->version);
	json_add_key(out, &first, "changes");
	add_changes_json(s, en, c, out);
	if (c->has_merged_id) {
		json_add_key(out, &first, "merged");
		add_merged_json(s, en, c, out);
	}
	add_text_member(out, &first, "reason", c->has_reason, c->reason);
	add_text_member(out, &first, "address", c->has_address, c->address);
	buf_add_u8(out, '}');
}

static void change_row(struct grid *g, const struct app *app, const struct sides *s,
	const struct entity *en, const Guanxi__Change *c)
{
	struct buf time = BUF_INIT, changes = BUF_INIT;
	char operation[24], version[24];

	if (app->output == OUTPUT_TABLE)
		zone_format(app_zone(app), (int64_t)c->time_ms, &time);
	else
		instant_format((int64_t)c->time_ms, &time);
	snprintf(operation, sizeof operation, "%llu", (unsigned long long)c->operation);
	snprintf(version, sizeof version, "%llu", (unsigned long long)c->version);
	add_changes_text(s, en, c, &changes);
	add_merged_text(s, en, c, &changes);
	grid_row(g, (struct bytes[]){ buf_bytes(&time), s->user, pb_bytes(c->kind),
			    bytes_str(operation), bytes_str(version), buf_bytes(&changes),
			    c->has_reason ? pb_bytes(c->reason) : (struct bytes){ 0 } });
	buf_free(&time);
	buf_free(&changes);
}

static void add_change(struct grid *g, struct app *app, const struct entity *en,
	const Guanxi__Change *c, const Guanxi__Reply *reply)
{
	struct sides s;
	struct buf object = BUF_INIT;

	if (!sides_init(&s, app, en, c, reply))
		return;
	if (grid_wants_json(g)) {
		change_json(&s, en, c, &object);
		grid_json(g, buf_bytes(&object));
	} else if (grid_wants_cells(g)) {
		change_row(g, app, &s, en, c);
	} else {
		grid_id(g, c->seq);
	}
	sides_release(&s);
	buf_free(&object);
}

static enum status print_history(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	struct grid_column labels[NCOLUMNS];
	const struct entity *en;
	struct buf next = BUF_INIT;
	enum status st = catalog_entity(app, &en, e);

	if (st)
		return st;
	for (size_t i = 0; i < NCOLUMNS; i++)
		labels[i] = (struct grid_column){ columns[i].key,
			tr(app->chinese, columns[i].label), i == 3 || i == 4 };
	struct grid *g = grid_new(app, labels, NCOLUMNS);
	for (size_t i = 0; i < reply->n_change; i++)
		add_change(g, app, en, reply->change[i], reply);
	if (reply->has_next)
		hex_add(&next, pb_bytes(reply->next));
	st = grid_end(g, next.len ? buf_bytes(&next) : (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&next);
	return st;
}

static enum status run_history(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	uint64_t limit = 100;
	enum status st = app_need_args(app, 1, 1, e);

	app->verb = "read the history of";
	if (!st)
		st = option_number(app->opt.limit, "limit", 1000, &limit, e);
	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "record.history");
	request_record(app->arena, r, bytes_str(app->args[0]));
	r->has_limit = true;
	r->limit = (uint32_t)limit;
	st = call_for_records(app, r, &reply, e);
	return st ? st : print_history(app, reply, e);
}

const struct command cmd_history = {
	.noun = ANY_ENTITY,
	.name = "history",
	.usage = "ID",
	.options = "limit",
	.help = "show who changed what",
	.run = run_history,
};
