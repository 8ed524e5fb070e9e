/* schema, health, help */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static const char *flag_words(uint32_t flags, struct buf *out)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = { { F_REQUIRED, "required" }, { F_UNIQUE, "unique" }, { F_INDEXED, "indexed" },
		{ F_SEARCH, "searched" }, { F_LIST, "listed" }, { F_COMPUTED, "computed" },
		{ F_DEFAULTED, "defaulted" }, { F_VIRTUAL, "virtual" },
		{ F_READONLY, "readonly" } };

	buf_clear(out);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (flags & words[i].flag)
			buf_printf(out, "%s%s", out->len ? " " : "", words[i].word);
	return buf_str(out);
}

static void add_member(struct buf *out, bool *first, const char *key, ProtobufCBinaryData text)
{
	if (!text.len)
		return;
	json_add_key(out, first, key);
	json_add_string(out, pb_bytes(text));
}

static void choice_json(const Guanxi__Choice *c, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	json_add_key(out, &first, "id");
	buf_printf(out, "%llu", (unsigned long long)c->id);
	add_member(out, &first, "code", c->code);
	add_member(out, &first, "label_zh", c->label_zh);
	add_member(out, &first, "label_en", c->label_en);
	buf_add_u8(out, '}');
}

static void field_json(const Guanxi__Field *f, struct buf *out)
{
	struct buf words = BUF_INIT;
	bool first = true;

	buf_add_u8(out, '{');
	add_member(out, &first, "name", f->name);
	json_add_key(out, &first, "tag");
	buf_printf(out, "%u", f->tag);
	add_member(out, &first, "type", f->type);
	add_member(out, &first, "label_zh", f->label_zh);
	add_member(out, &first, "label_en", f->label_en);
	add_member(out, &first, "refers_to", f->refers_to);
	add_member(out, &first, "class", f->class_);
	add_member(out, &first, "alias", f->alias);
	json_add_key(out, &first, "flags");
	json_add_str(out, flag_words(f->flags, &words));
	for (size_t i = 0; i < f->n_choice; i++) {
		if (!i)
			json_add_key(out, &first, "choices");
		buf_add_u8(out, i ? ',' : '[');
		choice_json(f->choice[i], out);
	}
	buf_add_str(out, f->n_choice ? "]}" : "}");
	buf_free(&words);
}

static void choice_codes(const Guanxi__Field *f, struct buf *out)
{
	for (size_t i = 0; i < f->n_choice; i++) {
		buf_add_str(out, i ? ", " : "");
		buf_add_bytes(out, pb_bytes(f->choice[i]->code));
	}
}

static void field_row(struct grid *g, const Guanxi__Field *f)
{
	struct buf flags = BUF_INIT, more = BUF_INIT;

	flag_words(f->flags, &flags);
	if (f->n_choice)
		choice_codes(f, &more);
	else if (f->has_refers_to)
		buf_add_bytes(&more, pb_bytes(f->refers_to));
	grid_row(g, (struct bytes[]){ pb_bytes(f->name), pb_bytes(f->type), pb_bytes(f->label_zh),
			    pb_bytes(f->label_en), buf_bytes(&flags), buf_bytes(&more) });
	buf_free(&flags);
	buf_free(&more);
}

static enum status print_fields(struct app *app, const Guanxi__Entity *en, struct error *e)
{
	const struct grid_column columns[] = { { "field", app_tr(app, "field"), false },
		{ "type", app_tr(app, "type"), false }, { "label_zh", "中文", false },
		{ "label_en", "English", false }, { "flags", app_tr(app, "properties"), false },
		{ "values", app_tr(app, "values"), false } };
	struct grid *g = grid_new(app, columns, 6);
	struct buf object = BUF_INIT;

	for (size_t i = 0; i < en->n_field; i++) {
		if (en->field[i]->flags & F_RETIRED)
			continue;
		buf_clear(&object);
		field_json(en->field[i], &object);
		if (grid_wants_json(g))
			grid_json(g, buf_bytes(&object));
		else
			field_row(g, en->field[i]);
	}
	enum status st = grid_end(g, (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&object);
	return st;
}

static enum status print_entities(struct app *app, struct error *e)
{
	const struct grid_column columns[] = { { "entity", app_tr(app, "kind"), false },
		{ "label_zh", "中文", false }, { "label_en", "English", false },
		{ "fields", app_tr(app, "fields"), true } };
	const Guanxi__Schema *m = catalog_message(app);
	struct grid *g = grid_new(app, columns, 4);

	for (size_t i = 0; i < m->n_entity; i++) {
		const Guanxi__Entity *en = m->entity[i];
		struct buf object = BUF_INIT;
		bool first = true;
		char number[16];

		snprintf(number, sizeof number, "%zu", en->n_field);
		buf_add_u8(&object, '{');
		add_member(&object, &first, "entity", en->name);
		add_member(&object, &first, "label_zh", en->label_zh);
		add_member(&object, &first, "label_en", en->label_en);
		json_add_key(&object, &first, "fields");
		buf_printf(&object, "%s}", number);
		if (grid_wants_json(g))
			grid_json(g, buf_bytes(&object));
		else
			grid_row(g, (struct bytes[]){ pb_bytes(en->name), pb_bytes(en->label_zh),
					    pb_bytes(en->label_en), bytes_str(number) });
		buf_free(&object);
	}
	enum status st = grid_end(g, (struct bytes){ 0 }, e);
	grid_free(&g);
	return st;
}

static void proto_field(const struct field *f, struct buf *out)
{
	const char *type = !type_is_number(f->type)  ? "string"
			   : type_is_signed(f->type) ? "sint64"
						     : "uint64";

	buf_printf(out, "  %s %s %s = %u; // %s\n", type_is_list(f->type) ? "repeated" : "optional",
		type, f->name, f->tag, type_name(f->type));
}

/* A record's fields as a message that any protobuf library can read. */
static void proto_message(const struct entity *en, struct buf *out)
{
	buf_printf(out, "\nmessage %s {\n", en->name);
	for (size_t i = 0; i < en->nfields; i++)
		if (!(en->fields[i].flags & (F_VIRTUAL | F_RETIRED)))
			proto_field(&en->fields[i], out);
	buf_add_str(out, "}\n");
}

static enum status print_proto(struct app *app, const struct entity *only, struct error *e)
{
	const struct schema *schema = catalog_schema(app);
	struct buf out = BUF_INIT;

	buf_add_str(&out, "syntax = \"proto2\";\npackage guanxi.record;\n");
	for (size_t i = 0; i < schema_count(schema); i++)
		if (!only || schema_at(schema, i) == only)
			proto_message(schema_at(schema, i), &out);
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

static enum status run_schema(struct app *app, struct error *e)
{
	const struct entity *en = NULL;
	enum status st = app_need_args(app, 0, 1, e);

	if (!st)
		st = catalog_fetch(app, e);
	if (!st && app->nargs) {
		app->noun = app->args[0];
		st = catalog_entity(app, &en, e);
	}
	if (st)
		return st;
	if (app->opt.proto)
		return print_proto(app, en, e);
	return en ? print_fields(app, catalog_entity_message(app, en), e) : print_entities(app, e);
}

static enum status run_health(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 0, 0, e);

	if (!st)
		st = link_call(app, request_new(app, "health"), &reply, e);
	if (!st)
		st = print_values(app, reply, "version", e);
	if (!st && answer_value(reply, "alarm").len)
		st = error_set(e, STATUS_INTERNAL, "%.*s", (int)answer_value(reply, "alarm").len,
			(const char *)answer_value(reply, "alarm").data);
	return st;
}

static enum status run_help(struct app *app, struct error *e)
{
	const struct command *command = NULL;
	struct buf text = BUF_INIT;
	enum status st = STATUS_OK;

	if (app->nargs) {
		app->opt.words = app->args;
		app->opt.nwords = app->nargs;
		app->opt.help = true;
		st = command_find(app, &command, e);
		app->noun = NULL;
	}
	if (!st) {
		command_help(&text, command, app->chinese);
		st = out_write(buf_bytes(&text), e);
	}
	buf_free(&text);
	return st;
}

const struct command cmd_schema = {
	.name = "schema",
	.usage = "[ENTITY]",
	.options = "proto",
	.help = "the kinds of records and their fields",
	.run = run_schema,
};

const struct command cmd_health = {
	.name = "health",
	.usage = "",
	.help = "how the server is",
	.run = run_health,
};

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.help = "help on a command",
	.run = run_help,
};
