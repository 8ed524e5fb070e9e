/* set --where, delete --where: first the ids, then one change each, pipelined; all of them one operation */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/message.h"
#include "client/pipeline.h"
#include "client/print.h"
#include "client/prompt.h"
#include "client/request.h"

#define PAGE 500

struct ids {
	uint64_t *items;
	size_t n;
};

static enum status collect(struct app *app, struct ids *ids, struct error *e)
{
	const Guanxi__Reply *reply;
	Guanxi__Request *r = request_new(app, "record.list");
	enum status st;

	r->has_dry_run = false;
	r->has_limit = true;
	r->limit = PAGE;
	request_text(app->arena, app->opt.where, &r->has_filter, &r->filter);
	do {
		st = call_for_records(app, r, &reply, e);
		for (size_t i = 0; !st && i < reply->n_record; i++) {
			ids->items = array_grow(app->arena, ids->items, ids->n, sizeof *ids->items);
			ids->items[ids->n++] = reply->record[i]->id;
		}
		if (!st) {
			r->has_page = reply->has_next;
			r->page = pb_from(arena_copy(app->arena, pb_bytes(reply->next)));
		}
	} while (!st && r->has_page);
	return st;
}

struct bulk {
	struct app *app;
	uint64_t changed, failed;
	uint64_t operation; /* of the first change: the others join it */
	struct buf ids;     /* JSON, of a dry run */
};

/* Ids of what changed, or would change: alone with -o id, and in a dry run. */
static void add_id(struct bulk *b, uint64_t id, struct buf *out)
{
	bool json = b->app->output == OUTPUT_JSON || b->app->output == OUTPUT_JSONL;

	if (b->app->output == OUTPUT_ID || (b->app->opt.dry_run && !json))
		buf_printf(out, "%llu\n", (unsigned long long)id);
	if (b->app->opt.dry_run && json)
		buf_printf(&b->ids, "%s%llu", b->ids.len ? "," : "", (unsigned long long)id);
}

/* Failures go to stderr. */
static void on_reply(void *arg, uint64_t id, bool many, const Guanxi__Reply *reply, struct buf *out)
{
	struct bulk *b = arg;
	struct error error;

	error_init(&error);
	if (link_status(reply->status, &error)) {
		b->failed++;
		if (b->app->chinese)
			message_chinese_error(&error);
		error_prefix(&error, "%s %llu", b->app->noun, (unsigned long long)id);
		app_print_error(b->app, &error);
	} else if (reply->operation || b->app->opt.dry_run) {
		uint64_t count = reply->has_count ? reply->count : 1;

		b->changed += count;
		if (count)
			add_id(b, id, out);
		if (!b->operation)
			b->operation = reply->operation;
	}
	error_clear(&error);
}

/* Until a change has told the operation, one request at a time. */
static enum status send_all(struct bulk *b, struct pipeline *p, Guanxi__Request *r,
	const struct ids *ids, struct error *e)
{
	struct arena *arena = b->app->arena;
	enum status st = STATUS_OK;
	bool joined = false;
	char total[24];

	snprintf(total, sizeof total, "%zu", ids->n);
	request_arg(arena, r, "total", bytes_str(total));
	for (size_t i = 0; !st && i < ids->n; i++) {
		char number[24];

		if (b->operation && !joined) {
			snprintf(number, sizeof number, "%llu", (unsigned long long)b->operation);
			request_arg(arena, r, "operation", bytes_str(number));
			joined = true;
		}
		snprintf(number, sizeof number, "%llu", (unsigned long long)ids->items[i]);
		r->n_record = 0;
		r->record = NULL;
		request_record(arena, r, bytes_str(number));
		st = pipeline_send(p, r, ids->items[i], false, e);
		if (!st && !b->operation && !b->app->opt.dry_run)
			st = pipeline_finish(p, e);
	}
	return st ? st : pipeline_finish(p, e);
}

static enum status print_result(struct bulk *b, struct error *e)
{
	struct buf out = BUF_INIT;

	app_say(b->app, app_tr(b->app, "changed: %llu"), (unsigned long long)b->changed);
	app_say_undo(b->app, b->operation);
	if (b->app->opt.dry_run)
		app_say(b->app, "%s", app_tr(b->app, "dry run: nothing was written"));
	if (b->app->output != OUTPUT_JSON && b->app->output != OUTPUT_JSONL)
		return STATUS_OK;
	buf_add_str(&out, "{\"operation\":");
	if (b->operation)
		buf_printf(&out, "%llu", (unsigned long long)b->operation);
	else
		buf_add_str(&out, "null");
	buf_printf(&out, ",\"changed\":%llu", (unsigned long long)b->changed);
	if (b->app->opt.dry_run)
		buf_printf(&out, ",\"ids\":[%s]", buf_str(&b->ids));
	buf_add_str(&out, "}\n");
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

/* Who asks for the operation finds it partial until it is known to have come to its end. */
static enum status finish(struct bulk *b, struct error *e)
{
	const Guanxi__Reply *reply;
	char operation[24], failed[24];
	Guanxi__Request *r;

	if (!b->operation || b->app->opt.dry_run)
		return STATUS_OK;
	r = request_new(b->app, "operation.finish");
	snprintf(operation, sizeof operation, "%llu", (unsigned long long)b->operation);
	snprintf(failed, sizeof failed, "%llu", (unsigned long long)b->failed);
	request_arg(b->app->arena, r, "operation", bytes_str(operation));
	request_arg(b->app->arena, r, "failed", bytes_str(failed));
	return link_call(b->app, r, &reply, e);
}

static enum status change_all(
	struct app *app, const char *op, const struct ids *ids, struct error *e)
{
	struct bulk b = { .app = app, .ids = BUF_INIT };
	struct pipeline *p = pipeline_new(app, on_reply, &b);
	Guanxi__Request *r = request_new(app, op);
	enum status st = request_assign(app, r, app->args, app->nargs, e);

	r->has_idempotency_key = false; /* one key stands for one request */
	if (!st)
		st = send_all(&b, p, r, ids, e);
	pipeline_free(&p);
	if (!st)
		st = finish(&b, e);
	if (!st)
		st = print_result(&b, e);
	buf_free(&b.ids);
	if (!st && b.failed)
		return error_set(e, STATUS_PARTIAL, app_tr(app, "%llu records failed"),
			(unsigned long long)b.failed);
	return st;
}

/* question has room for the number of records. */
static enum status run_where(struct app *app, const char *op, const char *question, struct error *e)
{
	struct ids ids = { 0 };
	char text[200];
	enum status st = collect(app, &ids, e);

	if (st)
		return st;
	snprintf(text, sizeof text, "%s %llu", question, (unsigned long long)ids.n);
	if (ids.n && !app->opt.dry_run)
		st = prompt_yes(app, text, e);
	return st ? st : change_all(app, op, &ids, e);
}

enum status run_set_where(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, 1, SIZE_MAX, e);

	return st ? st
		  : run_where(app, "record.set", app_tr(app, "number of records to change:"), e);
}

enum status run_delete_where(struct app *app, struct error *e)
{
	enum status st = app_need_args(app, 0, 0, e);

	return st ? st
		  : run_where(app, "record.delete", app_tr(app, "number of records to delete:"), e);
}
