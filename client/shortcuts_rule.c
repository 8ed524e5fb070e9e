/* rule test: what a rule of rhythm would do, summed up from the server's slices */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"
#include "common/text.h"

#define FIRST_ROWS 20

/* Reminders of one owner. */
struct rule_owner {
	uint64_t user;
	uint64_t count;
	const char *name;
};

struct rule_row {
	struct bytes date, title;
	uint64_t id;
};

/* All slices together; what it points to is in the arena. */
struct rule_trial {
	struct app *app;
	uint64_t read, matched, reminders, escalations;
	struct rule_owner *owners;
	size_t nowners;
	struct rule_row rows[FIRST_ROWS];
	size_t nrows;
};

static uint64_t value_number(const Guanxi__Reply *reply, const char *name)
{
	uint64_t n = 0;

	return text_number(answer_value(reply, name), &n) ? n : 0;
}

static void take_owner(struct rule_trial *t, const Guanxi__Group *group)
{
	uint64_t user = 0;
	size_t i = 0;

	if (!text_number(pb_bytes(group->code), &user))
		return;
	while (i < t->nowners && t->owners[i].user != user)
		i++;
	if (i == t->nowners) {
		t->owners = array_grow(t->app->arena, t->owners, i, sizeof *t->owners);
		t->owners[t->nowners++] = (struct rule_owner){ user, 0,
			arena_str(t->app->arena, pb_bytes(group->value)) };
	}
	t->owners[i].count += group->count;
}

static void take_row(struct rule_trial *t, const Guanxi__Reply *reply, const Guanxi__Item *item)
{
	struct buf title = BUF_INIT;
	struct view v;

	if (t->nrows < FIRST_ROWS && view_init(&v, t->app, item->record, reply)) {
		view_title(&v, &title);
		t->rows[t->nrows++] =
			(struct rule_row){ arena_copy(t->app->arena, pb_bytes(item->date)),
				arena_copy(t->app->arena, buf_bytes(&title)), item->record->id };
		view_release(&v);
	}
	buf_free(&title);
}

static void take_slice(struct rule_trial *t, const Guanxi__Reply *reply)
{
	t->read += value_number(reply, "read");
	t->matched += value_number(reply, "matched");
	t->reminders += value_number(reply, "reminders");
	t->escalations += value_number(reply, "escalations");
	for (size_t i = 0; i < reply->n_group; i++)
		take_owner(t, reply->group[i]);
	for (size_t i = 0; i < reply->n_item; i++)
		take_row(t, reply, reply->item[i]);
}

static enum status ask_slices(struct rule_trial *t, struct error *e)
{
	struct app *app = t->app;
	const Guanxi__Reply *reply;
	char after[24] = "";
	enum status st;

	do {
		Guanxi__Request *r = request_new(app, "rule.test");
		r->has_limit = true;
		r->limit = (uint32_t)(FIRST_ROWS - t->nrows);
		request_record(app->arena, r, bytes_str(app->args[0]));
		if (app->opt.at)
			request_arg(app->arena, r, "at", bytes_str(app->opt.at));
		if (*after)
			request_arg(app->arena, r, "after", bytes_str(after));
		st = call_for_records(app, r, &reply, e);
		if (st)
			return st;
		take_slice(t, reply);
		snprintf(after, sizeof after, "%.*s", (int)answer_value(reply, "after").len,
			(const char *)answer_value(reply, "after").data);
	} while (*after);
	return STATUS_OK;
}

static void rows_json(const struct rule_trial *t, struct buf *out)
{
	for (size_t i = 0; i < t->nrows; i++) {
		bool first = true;
		buf_add_str(out, i ? ",{" : "{");
		json_add_key(out, &first, "date");
		json_add_string(out, t->rows[i].date);
		json_add_key(out, &first, "id");
		buf_printf(out, "%llu", (unsigned long long)t->rows[i].id);
		json_add_key(out, &first, "title");
		json_add_string(out, t->rows[i].title);
		buf_add_u8(out, '}');
	}
}

static void trial_json(const struct rule_trial *t, struct buf *out)
{
	buf_printf(out,
		"{\"read\":%llu,\"matched\":%llu,\"reminders\":%llu,\"escalations\":%llu,"
		"\"owners\":[",
		(unsigned long long)t->read, (unsigned long long)t->matched,
		(unsigned long long)t->reminders, (unsigned long long)t->escalations);
	for (size_t i = 0; i < t->nowners; i++) {
		buf_printf(out, "%s{\"user\":%llu,\"name\":", i ? "," : "",
			(unsigned long long)t->owners[i].user);
		json_add_string(out, bytes_str(t->owners[i].name ? t->owners[i].name : ""));
		buf_printf(out, ",\"reminders\":%llu}", (unsigned long long)t->owners[i].count);
	}
	buf_add_str(out, "],\"rows\":[");
	rows_json(t, out);
	buf_add_str(out, "]}\n");
}

static void trial_text(const struct rule_trial *t, struct buf *out)
{
	const struct app *app = t->app;

	buf_printf(out, "%s\t%llu\n", app_tr(app, "records that match"),
		(unsigned long long)t->matched);
	buf_printf(out, "%s\t%llu\n", app_tr(app, "reminders in the next period"),
		(unsigned long long)t->reminders);
	buf_printf(out, "%s\t%llu\n", app_tr(app, "escalations in the next period"),
		(unsigned long long)t->escalations);
	for (size_t i = 0; i < t->nowners; i++)
		buf_printf(out, "%s\t%llu\n", t->owners[i].name ? t->owners[i].name : "-",
			(unsigned long long)t->owners[i].count);
	for (size_t i = 0; i < t->nrows; i++)
		buf_printf(out, "%.*s\t%llu\t%.*s\n", (int)t->rows[i].date.len,
			(const char *)t->rows[i].date.data, (unsigned long long)t->rows[i].id,
			(int)t->rows[i].title.len, (const char *)t->rows[i].title.data);
}

static enum status run_rule_test(struct app *app, struct error *e)
{
	struct rule_trial t = { .app = app };
	struct buf out = BUF_INIT;
	enum status st = app_need_args(app, 1, 1, e);

	app->noun = "cadence_rule";
	if (!st)
		st = ask_slices(&t, e);
	if (st)
		return st;
	if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL)
		trial_json(&t, &out);
	else
		trial_text(&t, &out);
	st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	return st;
}

const struct command cmd_rule_test = {
	.noun = "rule",
	.name = "test",
	.usage = "RULE",
	.options = "at",
	.help = "show what a rule of rhythm would do",
	.run = run_rule_test,
};
