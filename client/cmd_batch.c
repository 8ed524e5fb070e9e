/* batch: JSON requests, one a line, answered in the same order over one connection */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/json_read.h"
#include "client/link.h"
#include "client/pipeline.h"
#include "client/print.h"
#include "client/request.h"

/* Short names of operations; others are taken as they stand. */
static const struct {
	const char *word, *op;
} ops[] = {
	{ "add", "record.add" },
	{ "get", "record.get" },
	{ "show", "record.get" },
	{ "list", "record.list" },
	{ "count", "record.count" },
	{ "set", "record.set" },
	{ "delete", "record.delete" },
	{ "restore", "record.restore" },
	{ "undo", "operation.undo" },
};

static const char *op_of(const char *word)
{
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (!strcmp(ops[i].word, word))
			return ops[i].op;
	return word;
}

struct member {
	const char *name;
	size_t has, at;
};

#define TEXT(member_name)                                                                          \
	{                                                                                          \
#member_name, offsetof(Guanxi__Request, has_##member_name),                        \
			offsetof(Guanxi__Request, member_name)                                     \
	}

static const struct member texts[] = { TEXT(filter), TEXT(sort), TEXT(idempotency_key),
	TEXT(reason), TEXT(text), TEXT(entity) };
static const struct member flags[] = { TEXT(dry_run), TEXT(unordered), TEXT(trash) };

static bool take_text(struct arena *arena, Guanxi__Request *r, const char *key, const json_t *v)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (!strcmp(texts[i].name, key) && json_is_string(v)) {
			const char *text = json_string_value(v);

			request_text(arena, !strcmp(key, "entity") ? identifier(arena, text) : text,
				(protobuf_c_boolean *)((char *)r + texts[i].has),
				(ProtobufCBinaryData *)((char *)r + texts[i].at));
			return true;
		}
	return false;
}

static bool take_flag(Guanxi__Request *r, const char *key, const json_t *v)
{
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (!strcmp(flags[i].name, key) && json_is_boolean(v)) {
			*(protobuf_c_boolean *)((char *)r + flags[i].has) = true;
			*(protobuf_c_boolean *)((char *)r + flags[i].at) = json_is_true(v);
			return true;
		}
	return false;
}

static void add_record(struct arena *arena, Guanxi__Request *r, const json_t *v)
{
	struct buf text = BUF_INIT;

	json_value_text(v, &text);
	request_record(arena, r, buf_bytes(&text));
	buf_free(&text);
}

static bool take_records(struct arena *arena, Guanxi__Request *r, const char *key, json_t *v)
{
	size_t i;
	json_t *one;

	if (strcmp(key, "record") && strcmp(key, "id"))
		return false;
	if (json_is_array(v))
		json_array_foreach(v, i, one) add_record(arena, r, one);
	else
		add_record(arena, r, v);
	return true;
}

static bool take_pairs(struct arena *arena, Guanxi__Request *r, const char *key, json_t *v)
{
	bool set = !strcmp(key, "set");
	struct buf text = BUF_INIT;
	const char *name;
	json_t *one;

	if ((!set && strcmp(key, "arg")) || !json_is_object(v))
		return false;
	json_object_foreach(v, name, one)
	{
		buf_clear(&text);
		json_value_text(one, &text);
		if (set)
			request_set(arena, r, bytes_str(name), buf_bytes(&text));
		else
			request_arg(arena, r, name, buf_bytes(&text));
	}
	buf_free(&text);
	return true;
}

static bool take_number(Guanxi__Request *r, const char *key, const json_t *v)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	if (!strcmp(key, "limit")) {
		r->has_limit = true;
		r->limit = json_integer_value(v) > UINT32_MAX ? UINT32_MAX
							      : (uint32_t)json_integer_value(v);
	} else if (!strcmp(key, "if_version")) {
		r->has_if_version = true;
		r->if_version = (uint64_t)json_integer_value(v);
	} else {
		return false;
	}
	return true;
}

static bool take_page(struct arena *arena, Guanxi__Request *r, const char *key, const json_t *v)
{
	struct buf token = BUF_INIT;

	if (strcmp(key, "page") || !json_is_string(v) || !hex_parse(json_string_value(v), &token))
		return false;
	r->has_page = true;
	r->page = pb_from(arena_copy(arena, buf_bytes(&token)));
	buf_free(&token);
	return true;
}

enum status batch_request(
	struct arena *arena, struct bytes line, Guanxi__Request **out, struct error *e)
{
	json_t *object, *v, *op;
	const char *key;
	enum status st = json_line(line, &object, e);

	if (st)
		return st;
	op = json_object_get(object, "op");
	if (!json_is_string(op)) {
		json_decref(object);
		return error_set(e, STATUS_USAGE, "no op");
	}
	Guanxi__Request *r = *out = request_bare(arena, bytes_str(op_of(json_string_value(op))));
	json_object_foreach(object, key, v)
	{
		if (!strcmp(key, "op") || take_text(arena, r, key, v) || take_flag(r, key, v) ||
			take_records(arena, r, key, v) || take_pairs(arena, r, key, v) ||
			take_number(r, key, v) || take_page(arena, r, key, v))
			continue;
		st = error_set(e, STATUS_USAGE, "member '%s' is unknown or of the wrong type", key);
		break;
	}
	json_decref(object);
	return st;
}

static void add_records(
	struct app *app, const Guanxi__Reply *reply, bool many, bool *first, struct buf *out)
{
	bool any = false;

	if (!many && !reply->n_record)
		return;
	many = many || reply->n_record > 1;
	json_add_key(out, first, many ? "items" : "record");
	buf_add_str(out, many ? "[" : "");
	for (size_t i = 0; i < reply->n_record; i++) {
		struct view v;

		if (view_init(&v, app, reply->record[i], reply)) {
			buf_add_str(out, any ? "," : "");
			any = true;
			view_json(&v, out);
		}
		view_release(&v);
	}
	buf_add_str(out, many ? "]" : "");
}

static void add_groups(const Guanxi__Reply *reply, bool *first, struct buf *out)
{
	if (!reply->n_group)
		return;
	json_add_key(out, first, "groups");
	for (size_t i = 0; i < reply->n_group; i++) {
		buf_add_u8(out, i ? ',' : '[');
		group_json(reply->group[i], out);
	}
	buf_add_u8(out, ']');
}

static void add_number(bool has, const char *key, uint64_t v, bool *first, struct buf *out)
{
	if (!has)
		return;
	json_add_key(out, first, key);
	buf_printf(out, "%llu", (unsigned long long)v);
}

static void answer_json(
	struct app *app, uint64_t line, const Guanxi__Reply *reply, bool many, struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	add_number(true, "line", line, &first, out);
	json_add_key(out, &first, "status");
	json_add_str(out, "ok");
	add_number(reply->has_operation && reply->operation, "operation", reply->operation, &first,
		out);
	add_number(reply->has_count, "count", reply->count, &first, out);
	add_records(app, reply, many, &first, out);
	add_groups(reply, &first, out);
	if (reply->has_next) {
		json_add_key(out, &first, "next");
		buf_add_u8(out, '"');
		hex_add(out, pb_bytes(reply->next));
		buf_add_u8(out, '"');
	}
	buf_add_str(out, "}\n");
}

static void failure_json(uint64_t line, const struct error *error, struct buf *out)
{
	buf_printf(out, "{\"line\":%llu,\"status\":\"%s\",\"error\":", (unsigned long long)line,
		status_name(error->status));
	error_to_json(error, out);
	buf_add_str(out, "}\n");
}

struct batch {
	struct app *app;
	struct arena *arena; /* of the request being made */
	uint64_t failed;
};

static void on_reply(
	void *arg, uint64_t line, bool many, const Guanxi__Reply *reply, struct buf *out)
{
	struct batch *b = arg;
	struct error error;

	error_init(&error);
	if (link_status(reply->status, &error)) {
		b->failed++;
		failure_json(line, &error, out);
	} else {
		answer_json(b->app, line, reply, many, out);
	}
	error_clear(&error);
}

static bool gives_many(const Guanxi__Request *r)
{
	return bytes_equal_str(pb_bytes(r->op), "record.list") ||
	       bytes_equal_str(pb_bytes(r->op), "record.export") ||
	       bytes_equal_str(pb_bytes(r->op), "search");
}

static enum status one_line(
	struct batch *b, struct pipeline *p, struct bytes line, uint64_t number, struct error *e)
{
	Guanxi__Request *r;
	struct error error;
	struct buf text = BUF_INIT;
	enum status st;

	error_init(&error);
	arena_reset(b->arena);
	if (!batch_request(b->arena, line, &r, &error)) {
		st = pipeline_send(p, r, number, gives_many(r), e);
	} else {
		b->failed++;
		failure_json(number, &error, &text);
		st = pipeline_answer(p, buf_bytes(&text), e);
	}
	error_clear(&error);
	buf_free(&text);
	return st;
}

static enum status run_lines(struct batch *b, struct lines *lines, struct error *e)
{
	struct pipeline *p = pipeline_new(b->app, on_reply, b);
	struct bytes line;
	uint64_t number;
	enum status st = STATUS_OK;

	while (!st) {
		while (!st && lines_would_wait(lines) && pipeline_waiting(p))
			st = pipeline_take(p, e);
		if (st || !lines_next(lines, &line, &number, e))
			break;
		st = one_line(b, p, line, number, e);
	}
	if (!st)
		st = pipeline_finish(p, e);
	pipeline_free(&p);
	return st ? st : e->status;
}

static enum status run_batch(struct app *app, struct error *e)
{
	struct batch b = { .app = app };
	struct lines *lines = NULL;
	enum status st = app_need_args(app, 1, 1, e);

	if (!st)
		st = lines_open(app->args[0], &lines, e);
	if (!st)
		st = catalog_open(app, e);
	b.arena = arena_new(2u << 20);
	if (!st)
		st = run_lines(&b, lines, e);
	arena_free(&b.arena);
	lines_free(&lines);
	if (!st && b.failed)
		return error_set(e, STATUS_PARTIAL, app_tr(app, "%llu lines failed"),
			(unsigned long long)b.failed);
	return st;
}

const struct command cmd_batch = {
	.name = "batch",
	.usage = "FILE|-",
	.help = "JSON requests, one a line, answered in order",
	.more = "  {\"op\":\"add\",\"entity\":\"customer\",\"set\":{\"name\":\"...\"}}\n"
		"  {\"op\":\"get\",\"entity\":\"customer\",\"id\":12}",
	.run = run_batch,
};
