/* What reminders have besides the verbs of all records: their story. */
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static const struct grid_column story_columns[] = { { "time", "time", false },
	{ "kind", "act", false }, { "user", "user", false }, { "session", "session", true },
	{ "due", "due", false }, { "late", "late", false }, { "operation", "operation", true },
	{ "reason", "reason", false } };

#define NSTORY (sizeof story_columns / sizeof story_columns[0])

static struct bytes number_cell(struct app *app, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	return n ? arena_copy(app->arena, bytes_str(text)) : (struct bytes){ 0 };
}

static struct bytes time_cell(struct app *app, bool has, uint64_t ms)
{
	struct buf text = BUF_INIT;
	struct bytes cell = { 0 };

	if (has && app->output == OUTPUT_TABLE)
		zone_format(app_zone(app), (int64_t)ms, &text);
	else if (has)
		instant_format((int64_t)ms, &text);
	if (text.len)
		cell = arena_copy(app->arena, buf_bytes(&text));
	buf_free(&text);
	return cell;
}

static void story_cells(struct app *app, const Guanxi__Change *c, const Guanxi__Reply *reply,
	struct bytes cells[NSTORY])
{
	const char *kind = arena_str(app->arena, pb_bytes(c->kind));

	cells[0] = time_cell(app, true, c->time_ms);
	cells[1] = app->output == OUTPUT_TABLE && kind ? bytes_str(app_tr(app, kind))
						       : pb_bytes(c->kind);
	cells[2] = c->has_user ? change_user(app, c, reply) : (struct bytes){ 0 };
	cells[3] = number_cell(app, c->session);
	cells[4] = time_cell(app, c->has_due_ms, c->due_ms);
	cells[5] = c->late ? bytes_str(app_tr(app, "yes")) : (struct bytes){ 0 };
	cells[6] = number_cell(app, c->operation);
	cells[7] = pb_bytes(c->reason);
}

static void story_json(const Guanxi__Change *c, const struct bytes cells[NSTORY], struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	json_add_key(out, &first, "seq");
	buf_printf(out, "%llu", (unsigned long long)c->seq);
	for (size_t i = 0; i < NSTORY; i++) {
		if (!cells[i].len)
			continue;
		json_add_key(out, &first, story_columns[i].key);
		if (i == 5)
			buf_add_str(out, "true");
		else if (story_columns[i].right)
			buf_add_bytes(out, cells[i]);
		else
			json_add_string(out, cells[i]);
	}
	buf_add_u8(out, '}');
}

static enum status print_story(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	struct grid_column labels[NSTORY];
	struct bytes cells[NSTORY];
	struct buf object = BUF_INIT;

	for (size_t i = 0; i < NSTORY; i++) {
		labels[i] = story_columns[i];
		labels[i].label = app_tr(app, story_columns[i].label);
	}
	struct grid *g = grid_new(app, labels, NSTORY);
	for (size_t i = 0; i < reply->n_change; i++) {
		story_cells(app, reply->change[i], reply, cells);
		buf_clear(&object);
		story_json(reply->change[i], cells, &object);
		if (grid_wants_json(g))
			grid_json(g, buf_bytes(&object));
		else
			grid_row(g, cells);
	}
	enum status st = grid_end(g, (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&object);
	return st;
}

static enum status run_story(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = app_need_args(app, 1, 1, e);

	if (st)
		return st;
	Guanxi__Request *r = request_new(app, "reminder.audit");
	r->has_entity = true;
	r->entity = pb_from(bytes_str("reminder"));
	request_record(app->arena, r, bytes_str(app->args[0]));
	st = call_for_records(app, r, &reply, e);
	return st ? st : print_story(app, reply, e);
}

const struct command cmd_reminder_audit = {
	.noun = "reminder",
	.name = "audit",
	.usage = "ID",
	.help = "the story of a reminder: made, fired, sent, acknowledged",
	.run = run_story,
};
