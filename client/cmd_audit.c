/* audit list: what happened, newest first: changes, logins, exports */
#include "client/catalog.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/link.h"
#include "client/print.h"
#include "client/request.h"

static const char *const columns[] = { "seq", "time", "user", "act", "entity", "id", "operation",
	"rows", "filter", "purpose", "reason", "address" };

#define NCOLUMNS (sizeof columns / sizeof columns[0])

/* A number as a cell, empty when it is not there. */
static struct bytes number_cell(struct app *app, bool has, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	return has ? arena_copy(app->arena, bytes_str(text)) : bytes_of("", 0);
}

static void entry_cells(struct app *app, const Guanxi__Change *c, const Guanxi__Reply *reply,
	struct bytes cells[NCOLUMNS])
{
	const struct entity *en = schema_entity_by_number(catalog_schema(app), c->entity);
	struct buf time = BUF_INIT;

	instant_format((int64_t)c->time_ms, &time);
	cells[0] = number_cell(app, true, c->seq);
	cells[1] = arena_copy(app->arena, buf_bytes(&time));
	cells[2] = change_user(app, c, reply);
	cells[3] = pb_bytes(c->kind);
	cells[4] = c->has_entity && en ? bytes_str(en->name) : bytes_of("", 0);
	cells[5] = number_cell(app, c->has_id, c->id);
	cells[6] = number_cell(app, c->operation > 0, c->operation);
	cells[7] = number_cell(app, c->has_row_count, c->row_count);
	cells[8] = pb_bytes(c->filter);
	cells[9] = pb_bytes(c->purpose);
	cells[10] = pb_bytes(c->reason);
	cells[11] = pb_bytes(c->address);
	buf_free(&time);
}

/* seq, id, operation and rows are numbers. */
static bool is_number(size_t column)
{
	return column == 0 || (column >= 5 && column <= 7);
}

static void entry_json(const struct bytes cells[NCOLUMNS], struct buf *out)
{
	bool first = true;

	buf_add_u8(out, '{');
	for (size_t i = 0; i < NCOLUMNS; i++) {
		if (!cells[i].len)
			continue;
		json_add_key(out, &first, i == 3 ? "kind" : columns[i]);
		if (is_number(i))
			buf_add_bytes(out, cells[i]);
		else
			json_add_string(out, cells[i]);
	}
	buf_add_u8(out, '}');
}

static enum status print_entries(struct app *app, const Guanxi__Reply *reply, struct error *e)
{
	struct grid_column labels[NCOLUMNS];
	struct bytes cells[NCOLUMNS];
	struct buf object = BUF_INIT, next = BUF_INIT;

	for (size_t i = 0; i < NCOLUMNS; i++)
		labels[i] = (struct grid_column){ i == 3 ? "kind" : columns[i],
			tr(app->chinese, columns[i]), is_number(i) };
	struct grid *g = grid_new(app, labels, NCOLUMNS);
	for (size_t i = 0; i < reply->n_change; i++) {
		entry_cells(app, reply->change[i], reply, cells);
		buf_clear(&object);
		entry_json(cells, &object);
		if (grid_wants_json(g))
			grid_json(g, buf_bytes(&object));
		else if (grid_wants_cells(g))
			grid_row(g, cells);
		else
			grid_id(g, reply->change[i]->seq);
	}
	if (reply->has_next)
		hex_add(&next, pb_bytes(reply->next));
	enum status st = grid_end(g, next.len ? buf_bytes(&next) : (struct bytes){ 0 }, e);
	grid_free(&g);
	buf_free(&object);
	buf_free(&next);
	return st;
}

static enum status run_audit_list(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	uint64_t limit = 20;
	enum status st = app_need_args(app, 0, 1, e);

	if (!st)
		st = option_number(app->opt.limit, "limit", 1000, &limit, e);
	if (st)
		return st;
	app->noun = NULL; /* there is no entity of that name */
	Guanxi__Request *r = request_new(app, "audit.list");
	if (app->nargs)
		request_arg(app->arena, r, "kind", bytes_str(app->args[0]));
	r->has_limit = true;
	r->limit = (uint32_t)limit;
	st = call_for_records(app, r, &reply, e);
	return st ? st : print_entries(app, reply, e);
}

const struct command cmd_audit_list = {
	.noun = "audit",
	.name = "list",
	.usage = "[KIND]",
	.options = "limit",
	.help = "what happened: changes, logins, exports",
	.more = "  KIND is add, set, delete, restore, undo, merge, login or export.",
	.run = run_audit_list,
};
