#include "client/import.h"
#include "client/catalog.h"
#include "client/grid.h"
#include "client/import_memory.h"
#include "client/json.h"
#include "client/link.h"
#include "client/message.h"
#include "client/request.h"
#include "common/clock.h"
#include "common/text.h"
#include <poll.h>
#include <unistd.h>

#define WINDOW 16
#define CHUNK_ROWS 500
#define CHUNK_BYTES (200u * 1024)
#define CHUNK_MEMORY (16u << 20)
#define SAID_MAX 10 /* refused rows named on stderr when there is no file for them */
#define BAR_WIDTH 30
#define BUSY_MS 200

struct chunk {
	struct arena *arena;
	Guanxi__Request *request; /* NULL: free */
	size_t bytes;
	struct buf originals; /* of all rows, for the rejects file */
	size_t ends[CHUNK_ROWS];
	uint64_t first; /* number of its first row in the whole import */
	bool sent;
};

struct importer {
	struct app *app;
	const struct bytes *columns;
	size_t ncolumns;
	struct chunk chunks[WINDOW];
	struct chunk *filling; /* NULL: none */
	uint64_t operation;
	uint64_t nchunks;
	uint64_t put;              /* rows that have been given to chunks, in this run or before */
	uint64_t taken;            /* rows that the server had taken when this run began */
	struct refusals *refusals; /* of these */
	struct seen *seen;         /* of a dry run */
	const struct field *key;   /* NULL: none */
	uint64_t read, added, updated, unchanged, skipped, rejected;
	struct rejects *rejects; /* NULL: none */
	int64_t began_us, shown_us;
	bool shown;
};

static void add_options(struct importer *im, Guanxi__Request *r, struct arena *arena)
{
	const struct options *o = &im->app->opt;

	if (o->key)
		request_arg(arena, r, "key", bytes_str(o->key));
	if (o->on_conflict)
		request_arg(arena, r, "on_conflict", bytes_str(o->on_conflict));
}

/* Where an earlier run of the same import was broken off. */
static void take_begun(struct importer *im, const Guanxi__Reply *reply)
{
	im->operation = reply->operation;
	im->taken = answer_number(reply, "rows");
	im->added = answer_number(reply, "added");
	im->updated = answer_number(reply, "updated");
	im->unchanged = answer_number(reply, "unchanged");
	im->skipped = answer_number(reply, "skipped");
	if (!im->taken)
		return;
	im->refusals = refusals_new(im->app, im->operation);
	app_say(im->app, app_tr(im->app, "goes on after the %llu rows that are in already"),
		(unsigned long long)im->taken);
}

static enum status begin(struct importer *im, const char *source, struct error *e)
{
	struct app *app = im->app;
	const Guanxi__Reply *reply;
	struct buf key = BUF_INIT;
	Guanxi__Request *r = request_new(app, "import.begin");

	for (size_t i = 0; i < im->ncolumns; i++)
		request_column(app->arena, r, im->columns[i]);
	request_arg(app->arena, r, "source", bytes_str(source));
	add_options(im, r, app->arena);
	if (!app->opt.dry_run && import_key(app, app->args[0], &key))
		request_arg(app->arena, r, "resume", buf_bytes(&key));
	buf_free(&key);
	enum status st = link_call(app, r, &reply, e);
	if (!st && !app->opt.dry_run)
		take_begun(im, reply);
	return st;
}

/* Knows the key's field, of which a dry run must tell whether a row before has it. */
static enum status dry_begin(struct importer *im, struct error *e)
{
	const struct entity *en;
	enum status st = catalog_entity(im->app, &en, e);

	im->seen = seen_new();
	if (!st && im->app->opt.key)
		im->key = entity_field(en, bytes_str(im->app->opt.key));
	return st;
}

enum status importer_begin(struct app *app, const struct bytes *columns, size_t n,
	const char *source, struct importer **out, struct error *e)
{
	struct importer *im = calloc(1, sizeof *im);
	enum status st = STATUS_OK;

	*out = im;
	if (!im)
		abort();
	im->app = app;
	im->columns = columns;
	im->ncolumns = n;
	im->began_us = monotonic_us();
	for (size_t i = 0; i < WINDOW; i++)
		im->chunks[i].arena = arena_new(CHUNK_MEMORY);
	if (!n && !app->link)
		st = catalog_open(app, e);
	if (!st && (n || !app->opt.dry_run))
		st = begin(im, source, e);
	if (!st && app->opt.dry_run)
		st = dry_begin(im, e);
	return st;
}

void importer_free(struct importer **pim)
{
	struct importer *im = *pim;

	if (!im)
		return;
	for (size_t i = 0; i < WINDOW; i++) {
		arena_free(&im->chunks[i].arena);
		buf_free(&im->chunks[i].originals);
	}
	refusals_free(&im->refusals);
	seen_free(&im->seen);
	rejects_free(&im->rejects);
	free(im);
	*pim = NULL;
}

enum status importer_rejects(struct importer *im, const struct reject_form *form, struct error *e)
{
	const char *path = im->app->opt.rejects;

	return path ? rejects_open(path, form, &im->rejects, e) : STATUS_OK;
}

static void clear_progress(struct importer *im)
{
	if (im->shown)
		fprintf(stderr, "\r\033[K");
	im->shown = false;
}

static enum status reject(
	struct importer *im, uint64_t line, const char *why, struct bytes original, struct error *e)
{
	im->rejected++;
	if (im->rejects)
		return rejects_add(im->rejects, original, why, e);
	if (im->rejected <= SAID_MAX) {
		clear_progress(im);
		app_say(im->app, app_tr(im->app, "line %llu: %s"), (unsigned long long)line, why);
	} else if (im->rejected == SAID_MAX + 1) {
		app_say(im->app, "%s",
			app_tr(im->app, "more lines are refused; --rejects FILE keeps them all"));
	}
	return STATUS_OK;
}

enum status importer_reject(
	struct importer *im, uint64_t line, const char *why, struct bytes original, struct error *e)
{
	im->read++;
	return reject(im, line, why, original, e);
}

static void add_said(const struct app *app, struct bytes text, struct buf *out)
{
	struct buf said = BUF_INIT;

	if (app->chinese)
		message_chinese(text, &said);
	else
		buf_add_bytes(&said, text);
	text_add_safe(out, buf_bytes(&said));
	buf_free(&said);
}

/* Every bad field of the row, in one line. */
static void reason_of(const struct app *app, const Guanxi__Status *status, struct buf *out)
{
	bool named = status->n_field == 1 && status->message.len > status->field[0]->message.len;

	if (status->has_message && (named || !status->n_field))
		add_said(app, pb_bytes(status->message), out);
	for (size_t i = 0; i < status->n_field && !named; i++) {
		buf_add_str(out, out->len ? "; " : "");
		text_add_safe(out, pb_bytes(status->field[i]->field));
		buf_add_str(out, " ");
		add_said(app, pb_bytes(status->field[i]->message), out);
	}
}

static void count(struct importer *im, struct bytes action)
{
	if (bytes_equal_str(action, "added"))
		im->added++;
	else if (bytes_equal_str(action, "updated"))
		im->updated++;
	else if (bytes_equal_str(action, "unchanged"))
		im->unchanged++;
	else
		im->skipped++;
}

static enum status refuse(
	struct importer *im, const Guanxi__RowResult *r, struct bytes original, struct error *e)
{
	struct buf why = BUF_INIT;

	reason_of(im->app, r->status, &why);
	enum status st = reject(im, r->line, buf_str(&why), original, e);
	buf_free(&why);
	return st;
}

/* What the server would do with a row whose value a row before has: it stands nowhere yet. */
static enum status meet_row_before(struct importer *im, const Guanxi__RowResult *r, uint16_t tag,
	struct bytes original, struct error *e)
{
	const char *conflict = im->app->opt.on_conflict;
	const struct entity *en;
	const struct field *f;
	char why[160];
	enum status st = catalog_entity(im->app, &en, e);

	if (st)
		return st;
	f = entity_field_by_tag(en, tag);
	if (f && f == im->key && conflict && strcmp(conflict, "fail") != 0) {
		count(im, bytes_str(strcmp(conflict, "skip") ? "updated" : "skipped"));
		return STATUS_OK;
	}
	snprintf(why, sizeof why, app_tr(im->app, "%s stands in a row before"), f ? f->name : "?");
	return reject(im, r->line, why, original, e);
}

static enum status take_row(struct importer *im, const struct chunk *c, size_t i,
	const Guanxi__RowResult *r, struct error *e)
{
	size_t start = i ? c->ends[i - 1] : 0;
	struct bytes original = bytes_of(c->originals.data + start, c->ends[i] - start);
	uint16_t met;

	if (r->status->code != GUANXI__CODE__OK)
		return refuse(im, r, original, e);
	met = im->seen ? seen_before(im->seen, r) : 0;
	if (met)
		return meet_row_before(im, r, met, original, e);
	count(im, pb_bytes(r->action));
	return STATUS_OK;
}

/* A row that an earlier run has brought to the server. */
static enum status taken_row(
	struct importer *im, uint64_t line, struct bytes original, struct error *e)
{
	const Guanxi__RowResult *refused;
	enum status st = refusals_of(im->refusals, line, &refused, e);

	im->put++;
	return st || !refused ? st : refuse(im, refused, original, e);
}

static struct chunk *chunk_of(struct importer *im, uint64_t id)
{
	for (size_t i = 0; i < WINDOW; i++)
		if (im->chunks[i].sent && im->chunks[i].request->id == id)
			return &im->chunks[i];
	return NULL;
}

static void chunk_clear(struct chunk *c)
{
	c->request = NULL;
	c->sent = false;
	c->bytes = 0;
	buf_clear(&c->originals);
	arena_reset(c->arena);
}

/* A full queue is no failure: the same rows again a little later. */
static enum status send_again(
	struct importer *im, struct chunk *c, const Guanxi__Status *status, struct error *e)
{
	poll(NULL, 0, status->retry_ms ? (int)(status->retry_ms & 0xffff) : BUSY_MS);
	return link_send(im->app->link, c->request, e);
}

/* Waits for the answer to one chunk. */
static enum status take_answer(struct importer *im, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = link_next(im->app->link, 0, &reply, e);

	if (st)
		return st;
	struct chunk *c = chunk_of(im, reply->id);
	if (!c)
		return STATUS_OK;
	if (reply->status->code == GUANXI__CODE__BUSY)
		return send_again(im, c, reply->status, e);
	st = link_status(reply->status, e);
	if (!st && reply->n_row != c->request->n_row)
		st = error_set(e, STATUS_INTERNAL, "the server answered %zu of %zu rows",
			reply->n_row, c->request->n_row);
	if (!st && reply->operation)
		im->operation = reply->operation;
	for (size_t i = 0; !st && i < reply->n_row; i++)
		st = take_row(im, c, i, reply->row[i], e);
	chunk_clear(c);
	return st;
}

static enum status send_chunk(struct importer *im, struct error *e)
{
	struct chunk *c = im->filling;

	if (!c)
		return STATUS_OK;
	im->filling = NULL;
	if (im->operation) {
		char number[24];

		snprintf(number, sizeof number, "%llu", (unsigned long long)im->operation);
		request_arg(c->arena, c->request, "operation", bytes_str(number));
		snprintf(number, sizeof number, "%llu", (unsigned long long)c->first);
		request_arg(c->arena, c->request, "from", bytes_str(number));
	}
	c->sent = true;
	return link_send(im->app->link, c->request, e);
}

/* Each chunk is a request of its own, so it needs a key of its own. */
static void set_key(struct importer *im, struct chunk *c)
{
	struct buf key = BUF_INIT;

	im->nchunks++;
	if (!im->app->opt.idempotency_key)
		return;
	buf_printf(&key, "%s#%llu", im->app->opt.idempotency_key, (unsigned long long)im->nchunks);
	request_text(c->arena, buf_str(&key), &c->request->has_idempotency_key,
		&c->request->idempotency_key);
	buf_free(&key);
}

/* Without an operation of its own yet the first chunk makes it: the others have to wait for that. */
static size_t window(const struct importer *im)
{
	return im->operation || im->app->opt.dry_run ? WINDOW : 1;
}

static size_t sent(const struct importer *im)
{
	size_t n = 0;

	for (size_t i = 0; i < WINDOW; i++)
		n += im->chunks[i].sent;
	return n;
}

static enum status new_chunk(struct importer *im, struct error *e)
{
	const struct app *app = im->app;
	enum status st = STATUS_OK;

	while (!st && sent(im) >= window(im))
		st = take_answer(im, e);
	for (size_t i = 0; !st && i < WINDOW && !im->filling; i++)
		if (!im->chunks[i].request)
			im->filling = &im->chunks[i];
	if (st)
		return st;
	struct chunk *c = im->filling;
	Guanxi__Request *r = c->request = request_bare(c->arena, bytes_str("import.rows"));
	request_text(c->arena, identifier(c->arena, app->noun), &r->has_entity, &r->entity);
	request_text(c->arena, app->opt.reason, &r->has_reason, &r->reason);
	r->has_dry_run = r->dry_run = app->opt.dry_run;
	for (size_t i = 0; i < im->ncolumns; i++)
		request_column(c->arena, r, im->columns[i]);
	if (app->opt.force)
		request_arg(c->arena, r, "force", bytes_str("yes"));
	add_options(im, r, c->arena);
	set_key(im, c);
	c->first = im->put;
	return STATUS_OK;
}

static void put_row(struct importer *im, const struct bytes *cells, size_t n, uint64_t line,
	struct bytes original)
{
	struct chunk *c = im->filling;
	Guanxi__Request *r = c->request;
	Guanxi__Row *row = arena_calloc(c->arena, 1, sizeof *row);

	if (!row)
		abort();
	guanxi__row__init(row);
	row->has_line = true;
	row->line = line;
	row->cell = arena_calloc(c->arena, n + 1, sizeof *row->cell);
	for (size_t i = 0; row->cell && i < n; i++) {
		row->cell[row->n_cell++] = pb_from(arena_copy(c->arena, cells[i]));
		c->bytes += cells[i].len + 4;
	}
	c->bytes += 16;
	r->row = array_grow(c->arena, r->row, r->n_row, sizeof *r->row);
	if (im->rejects)
		buf_add_bytes(&c->originals, original);
	c->ends[r->n_row] = c->originals.len;
	r->row[r->n_row++] = row;
	im->put++;
}

static size_t row_bytes(const struct bytes *cells, size_t n)
{
	size_t bytes = 16;

	for (size_t i = 0; i < n; i++)
		bytes += cells[i].len + 4;
	return bytes;
}

static enum status make_room(struct importer *im, size_t bytes, struct error *e)
{
	struct chunk *c = im->filling;
	enum status st = STATUS_OK;

	if (c && (c->request->n_row == CHUNK_ROWS || c->bytes + bytes > CHUNK_BYTES))
		st = send_chunk(im, e);
	return st || im->filling ? st : new_chunk(im, e);
}

enum status importer_row(struct importer *im, const struct bytes *cells, size_t n, uint64_t line,
	struct bytes original, struct error *e)
{
	size_t bytes = row_bytes(cells, n);

	im->read++;
	if (bytes > CHUNK_BYTES)
		return reject(im, line, app_tr(im->app, "the row is too long"), original, e);
	if (im->put < im->taken)
		return taken_row(im, line, original, e);
	enum status st = make_room(im, bytes, e);
	if (!st)
		put_row(im, cells, n, line, original);
	return st;
}

/* Where the name stands among the chunk's columns; SIZE_MAX: nowhere. */
static size_t column_of(const Guanxi__Request *r, struct bytes name)
{
	for (size_t i = 0; i < r->n_column; i++)
		if (bytes_equal(pb_bytes(r->column[i]), name))
			return i;
	return SIZE_MAX;
}

static bool same_columns(const Guanxi__Request *r, const struct bytes *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (column_of(r, names[i]) == SIZE_MAX)
			return false;
	return r->n_column == n;
}

enum status importer_row_named(struct importer *im, const struct bytes *names,
	const struct bytes *cells, size_t n, uint64_t line, struct bytes original, struct error *e)
{
	size_t bytes = row_bytes(cells, n) + row_bytes(names, n);
	const char *conflict = im->app->opt.on_conflict;
	enum status st = STATUS_OK;

	im->read++;
	if (bytes > CHUNK_BYTES)
		return reject(im, line, app_tr(im->app, "the row is too long"), original, e);
	if (im->put < im->taken)
		return taken_row(im, line, original, e);
	/* In an update an empty cell clears, a missing one does not: such rows cannot share columns. */
	if (im->filling && conflict && !strcmp(conflict, "update") &&
		!same_columns(im->filling->request, names, n))
		st = send_chunk(im, e);
	if (!st)
		st = make_room(im, bytes, e);
	if (st)
		return st;
	Guanxi__Request *r = im->filling->request;
	for (size_t i = 0; i < n; i++)
		if (column_of(r, names[i]) == SIZE_MAX)
			request_column(im->filling->arena, r, names[i]);
	struct bytes *ordered = calloc(r->n_column + 1, sizeof *ordered);
	for (size_t i = 0; ordered && i < n; i++)
		ordered[column_of(r, names[i])] = cells[i];
	put_row(im, ordered, ordered ? r->n_column : 0, line, original);
	free(ordered);
	return STATUS_OK;
}

void importer_progress(struct importer *im, uint64_t done, uint64_t total)
{
	int64_t now = monotonic_us();
	char bar[BAR_WIDTH + 1];

	if (now - im->shown_us < 100000 || now - im->began_us < 300000 || im->app->opt.quiet ||
		!isatty(STDERR_FILENO))
		return;
	im->shown_us = now;
	im->shown = true;
	size_t full = total ? (size_t)((double)BAR_WIDTH * (double)done / (double)total) : 0;
	for (size_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3.0f %%  %llu  %.0f/s\033[K", bar,
		total ? 100.0 * (double)done / (double)total : 0.0, (unsigned long long)im->read,
		(double)im->read * 1e6 / (double)(now - im->began_us));
}

static enum status print_summary(struct importer *im, struct error *e)
{
	struct buf out = BUF_INIT;
	struct app *app = im->app;
	bool json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL;

	if (json)
		buf_printf(&out,
			"{\"operation\":%llu,\"read\":%llu,\"added\":%llu,\"updated\":%llu,"
			"\"unchanged\":%llu,\"skipped\":%llu,\"rejected\":%llu,\"dry_run\":%s}\n",
			(unsigned long long)im->operation, (unsigned long long)im->read,
			(unsigned long long)im->added, (unsigned long long)im->updated,
			(unsigned long long)im->unchanged, (unsigned long long)im->skipped,
			(unsigned long long)im->rejected, app->opt.dry_run ? "true" : "false");
	else
		buf_printf(&out,
			app_tr(app, "read %llu: added %llu, updated %llu, unchanged %llu, "
				    "skipped %llu, rejected %llu\n"),
			(unsigned long long)im->read, (unsigned long long)im->added,
			(unsigned long long)im->updated, (unsigned long long)im->unchanged,
			(unsigned long long)im->skipped, (unsigned long long)im->rejected);
	enum status st = out_write(buf_bytes(&out), e);
	buf_free(&out);
	if (app->opt.dry_run)
		app_say(app, "%s", app_tr(app, "dry run: nothing was written"));
	else if (im->added || im->updated)
		app_say_undo(app, im->operation);
	return st;
}

/* Tells the server that no row is missing: the next run of the same file is another import. */
static enum status end(struct importer *im, struct error *e)
{
	const Guanxi__Reply *reply;
	char number[24];

	if (!im->operation || im->app->opt.dry_run)
		return STATUS_OK;
	Guanxi__Request *r = request_new(im->app, "import.end");
	snprintf(number, sizeof number, "%llu", (unsigned long long)im->operation);
	request_arg(im->app->arena, r, "operation", bytes_str(number));
	r->has_idempotency_key = false; /* it stands for the first request */
	return link_call(im->app, r, &reply, e);
}

enum status importer_finish(struct importer *im, struct error *e)
{
	enum status st = send_chunk(im, e);

	while (!st && sent(im))
		st = take_answer(im, e);
	if (!st)
		st = end(im, e);
	clear_progress(im);
	if (st) {
		/* What was written stays; say how to take it back. */
		app_say_undo(im->app, im->operation);
		return st;
	}
	st = print_summary(im, e);
	if (!st && im->rejected)
		return error_set(e, STATUS_PARTIAL, app_tr(im->app, "%llu rows were refused"),
			(unsigned long long)im->rejected);
	return st;
}
