#include "server/call/dispatch.h"
#include "common/text.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/call/writer.h"
#include "server/loop/loop.h"
#include "server/server.h"

#define REASON_MAX 500

static void wake_user(void *arg, uint64_t user)
{
	call_wake(arg, user);
}

struct call *call_new(struct server *server, struct arena *arena, const Guanxi__Request *request)
{
	struct box *b = arena_calloc(arena, 1, sizeof(*b));
	Guanxi__Request *none;

	if (!b)
		return NULL;
	if (!request) {
		none = arena_alloc(arena, sizeof(*none));
		if (!none)
			return NULL;
		guanxi__request__init(none);
		request = none;
	}
	b->call.server = server;
	b->call.arena = arena;
	b->call.request = request;
	b->call.now_ms = clock_now(server->clock);
	b->call.started_us = monotonic_us();
	b->call.address = "";
	b->call.author.now_ms = b->call.now_ms;
	b->call.author.told = wake_user;
	b->call.author.told_arg = &b->call;
	call_rewind(&b->call);
	return &b->call;
}

void call_bind(struct call *c, struct txn *t)
{
	struct generation *before = c->generation;

	c->txn = t;
	c->generation = txn_generation(t);
	c->schema = txn_schema(t);
	generation_keep(c->generation);
	generation_give(&before);
}

void call_end_run(struct call *c)
{
	lookup_free(&c->lookup);
	c->txn = NULL;
}

void call_rewind(struct call *c)
{
	struct box *b = box_of(c);

	guanxi__status__init(&b->status);
	guanxi__reply__init(&b->reply);
	b->reply.id = c->request->id;
	b->reply.status = &b->status;
	c->reply = &b->reply;
	if (b->named)
		g_hash_table_remove_all(b->named);
	b->reply_bytes = 0;
	if (c->new_caller)
		caller_free(&c->new_caller);
	c->author.operation = 0;
	c->refused = STATUS_OK;
	c->refused_message = c->refused_reason = NULL;
	c->close_after = c->watch_reminders = false;
	c->watch_from_unacknowledged = c->close_sessions_of_user = false;
	c->close_user = c->close_except = c->close_only = 0;
	c->wake = NULL;
	c->nwake = 0;
}

void call_free(struct call **cp)
{
	struct call *c = *cp;
	struct box *b;
	struct arena *arena;

	if (!c)
		return;
	b = box_of(c);
	arena = c->arena;
	call_end_run(c);
	generation_give(&c->generation);
	if (b->named)
		g_hash_table_destroy(b->named);
	if (c->new_caller)
		caller_free(&c->new_caller);
	if (b->fresh)
		caller_free(&b->fresh);
	error_clear(&b->error);
	arena_free(&arena);
	*cp = NULL;
}

/* Admission. */

static enum status right_missing(const char *right, struct error *e)
{
	return error_set(e, STATUS_DENIED, "not allowed: right \"%s\" is missing", right);
}

/* "%s.add" stands for the entity of the request. */
static enum status check_right(const struct call *c, const char *right, struct error *e)
{
	struct bytes name = pb_bytes(c->request->entity);
	const char *hole = strstr(right, "%s");
	const struct entity *entity;
	char full[96];

	if (!hole)
		return caller_may(c->caller, right) ? STATUS_OK : right_missing(right, e);
	entity = c->request->has_entity ? schema_entity(c->schema, name) : NULL;
	if (!entity) {
		const char *near = schema_entity_suggest(c->schema, name);

		return error_set(e, STATUS_USAGE, "unknown entity: \"%.*s\"%s%s%s",
			(int)MIN(name.len, 64), (const char *)name.data,
			near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
	}
	snprintf(
		full, sizeof(full), "%.*s%s%s", (int)(hole - right), right, entity->name, hole + 2);
	return caller_may(c->caller, full) ? STATUS_OK : right_missing(full, e);
}

static enum status check_caller(const struct call *c, const struct op *op, struct error *e)
{
	if (!c->caller)
		return op->flags & OP_ANONYMOUS
			       ? STATUS_OK
			       : error_set(e, STATUS_UNAUTHENTICATED, "not logged in");
	if (c->caller->must_change_password && !(op->flags & (OP_LIMITED | OP_ANONYMOUS)))
		return error_reason(e, STATUS_UNAUTHENTICATED, "password_change_required",
			"password must be changed first");
	return op->right ? check_right(c, op->right, e) : STATUS_OK;
}

static enum status check_deadline(const struct call *c, struct error *e)
{
	int64_t spent = monotonic_us() - c->started_us;

	if (!c->request->has_deadline_ms || spent <= (int64_t)c->request->deadline_ms * 1000)
		return STATUS_OK;
	return error_reason(
		e, STATUS_BUSY, "deadline", "deadline passed before the call was started");
}

/* Text that every op has in common; what is not text never gets further. */
static enum status check_text(const struct call *c, struct error *e)
{
	const Guanxi__Request *r = c->request;
	char why[96];

	if (r->entity.len > 64 || !text_valid(pb_bytes(r->entity), TEXT_LINE, 64, why))
		return error_set(e, STATUS_USAGE, "entity is not a name");
	if (!text_valid(pb_bytes(r->reason), TEXT_LONG, REASON_MAX, why))
		return error_field(e, "reason", "%s", why);
	if (r->idempotency_key.len > IDEM_KEY_MAX)
		return error_set(
			e, STATUS_USAGE, "idempotency key is longer than %d bytes", IDEM_KEY_MAX);
	return STATUS_OK;
}

static enum status admit(struct call *c, struct error *e)
{
	struct box *b = box_of(c);
	struct bytes name = pb_bytes(c->request->op);
	char why[96];
	enum status st;

	b->op = op_find(name);
	if (!b->op && (name.len > 64 || !text_valid(name, TEXT_LINE, 64, why)))
		return error_set(e, STATUS_USAGE, "op is not a name");
	if (!b->op)
		return error_set(e, STATUS_USAGE, "unknown operation: \"%.*s\"", (int)name.len,
			(const char *)name.data);
	st = check_text(c, e);
	if (st == STATUS_OK)
		st = check_caller(c, b->op, e);
	return st == STATUS_OK ? check_deadline(c, e) : st;
}

/* The end of a call. */

/* A message may quote what was sent, and that may be no text at all. */
static ProtobufCBinaryData text_of(struct call *c, const char *text)
{
	struct bytes in = bytes_str(text ? text : "");
	struct buf safe = BUF_INIT;
	char why[96];

	if (text_valid(in, TEXT_LONG, in.len, why))
		return pb_from(arena_copy(c->arena, in));
	text_add_safe(&safe, in);
	in = arena_copy(c->arena, buf_bytes(&safe));
	buf_free(&safe);
	return pb_from(in);
}

static void fill_fields(struct call *c, Guanxi__Status *s, const struct error *e)
{
	s->field = arena_calloc(c->arena, e->nfields + 1, sizeof(*s->field));
	for (size_t i = 0; s->field && i < e->nfields; i++) {
		Guanxi__FieldError *f = arena_alloc(c->arena, sizeof(*f));

		if (!f)
			return;
		guanxi__field_error__init(f);
		f->field = text_of(c, e->fields[i].field);
		f->message = text_of(c, e->fields[i].message);
		f->has_current = e->fields[i].current != NULL;
		f->current = text_of(c, e->fields[i].current);
		f->has_yours = e->fields[i].yours != NULL;
		f->yours = text_of(c, e->fields[i].yours);
		s->field[s->n_field++] = f;
	}
}

static void fill_status(struct call *c, enum status st, const struct error *e)
{
	Guanxi__Status *s = c->reply->status;
	char first[512];

	snprintf(first, sizeof(first), "%s", e->message);
	if (first[0] == '\0' && e->nfields > 0)
		snprintf(first, sizeof(first), "%.60s %.400s", e->fields[0].field,
			e->fields[0].message);
	s->code = (Guanxi__Code)st;
	s->has_message = first[0] != '\0';
	s->message = text_of(c, first);
	s->has_reason = e->reason[0] != '\0';
	s->reason = text_of(c, e->reason);
	s->has_retry_ms = e->retry_ms > 0;
	s->retry_ms = e->retry_ms;
	fill_fields(c, s, e);
}

void dispatch_finish(struct call *c, enum status st, struct error *e)
{
	struct box *b = box_of(c);

	call_end_run(c);
	if (st == STATUS_OK && c->refused)
		st = error_reason(e, c->refused, c->refused_reason ? c->refused_reason : "", "%s",
			c->refused_message ? c->refused_message : status_name(c->refused));
	if (st != STATUS_OK)
		fill_status(c, st, e);
	c->reply->status->has_server_us = true;
	c->reply->status->server_us = (uint64_t)(monotonic_us() - c->started_us);
	error_clear(e);
	b->done(c, b->arg);
}

/* Where it runs. */

static enum status busy(struct error *e)
{
	error_set(e, STATUS_BUSY, "server is busy");
	e->retry_ms = BUSY_RETRY_MS;
	return STATUS_BUSY;
}

/* Runs on the writer after dispatch_finish has not been called yet: hands the result over. */
static void to_writer(struct call *c)
{
	struct box *b = box_of(c);

	if (!writer_submit(c->server->writer, c, b->done, b->arg))
		dispatch_finish(c, busy(&b->error), &b->error);
}

void call_pause(void *call)
{
	const struct call *c = call;

	if (!c->on_loop)
		pool_pause(c->server->pool);
}

static void run_slow(void *arg)
{
	struct call *c = arg;
	struct box *b = box_of(c);
	struct txn *t = NULL;
	enum status st = check_deadline(c, &b->error);

	if (st == STATUS_OK)
		st = txn_begin(c->server->store, false, &t, &b->error);
	if (st == STATUS_OK)
		call_bind(c, t);
	if (st == STATUS_OK)
		st = b->op->run(c, &b->error);
	call_end_run(c);
	txn_abort(&t);
	dispatch_finish(c, st, &b->error);
}

static void run_prepare(void *arg)
{
	struct call *c = arg;
	struct box *b = box_of(c);
	struct txn *t = NULL;
	enum status st = check_deadline(c, &b->error);

	if (st == STATUS_OK && b->op->flags & OP_PREPARE_READS)
		st = txn_begin(c->server->store, false, &t, &b->error);
	if (t)
		call_bind(c, t);
	if (st == STATUS_OK)
		st = b->op->prepare(c, &b->error);
	call_end_run(c);
	txn_abort(&t);
	if (st != STATUS_OK || c->refused != STATUS_OK)
		dispatch_finish(c, st, &b->error);
	else if (b->prepared)
		b->prepared(c, b->arg);
	else
		to_writer(c);
}

void dispatch_prepared(struct call *c)
{
	to_writer(c);
}

static void to_pool(struct call *c, loop_fn *fn)
{
	struct box *b = box_of(c);

	if (!pool_submit(c->server->pool, fn, c))
		dispatch_finish(c, busy(&b->error), &b->error);
}

static void run_read(struct call *c, struct txn *t)
{
	struct box *b = box_of(c);
	enum status st;

	call_bind(c, t);
	c->on_loop = true;
	st = b->op->run(c, &b->error);
	c->on_loop = false;
	if (!c->too_long) {
		dispatch_finish(c, st, &b->error);
		return;
	}
	error_clear(&b->error);
	call_end_run(c);
	call_rewind(c);
	to_pool(c, run_slow);
}

void dispatch(struct call *c, struct txn *read_txn, call_done *done, void *arg)
{
	dispatch_in_order(c, read_txn, NULL, done, arg);
}

void dispatch_in_order(
	struct call *c, struct txn *read_txn, call_done *prepared, call_done *done, void *arg)
{
	struct box *b = box_of(c);
	enum status st;

	b->prepared = prepared;
	b->done = done;
	b->arg = arg;
	c->author.user = c->caller ? c->caller->user : 0;
	c->author.session = c->caller ? c->caller->session : 0;
	c->author.reason = pb_bytes(c->request->reason);
	c->author.address = bytes_str(c->address);
	call_bind(c, read_txn);
	c->txn = NULL;
	st = admit(c, &b->error);
	if (st != STATUS_OK)
		dispatch_finish(c, st, &b->error);
	else if (b->op->kind == OP_READ)
		run_read(c, read_txn);
	else if (b->op->kind == OP_SLOW)
		to_pool(c, run_slow);
	else if (b->op->prepare)
		to_pool(c, run_prepare);
	else
		to_writer(c);
}

/* The caller may have lost rights while the call waited: the write transaction decides. */
static enum status check_again(struct call *c, struct error *e)
{
	struct box *b = box_of(c);
	struct caller *fresh;
	enum status st;

	if (!c->caller || c->caller->user == 0 ||
		auth_epoch(c->txn, c->caller->user) == c->caller->epoch)
		return STATUS_OK;
	st = caller_load(c->txn, c->caller->user, c->caller->session, &fresh, e);
	if (st != STATUS_OK)
		return st;
	if (b->fresh)
		caller_free(&b->fresh);
	c->caller = b->fresh = fresh;
	return check_caller(c, b->op, e);
}

enum status dispatch_write(struct call *c, struct error *e)
{
	bool kept = c->caller && c->request->idempotency_key.len > 0 && !c->request->dry_run;
	bool known = false;
	enum status st = check_again(c, e);

	if (st == STATUS_OK)
		st = check_deadline(c, e);
	if (st == STATUS_OK && kept)
		st = idem_find(c, &known, e);
	if (st != STATUS_OK || known)
		return st;
	st = box_of(c)->op->run(c, e);
	if (st == STATUS_OK && kept && c->refused == STATUS_OK)
		st = idem_keep(c, e);
	return st;
}
