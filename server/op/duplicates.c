#include "server/op/duplicates.h"
#include "common/clock.h"
#include "server/call/rights.h"
#include "server/op/op.h"

#define CANDIDATES 16
#define PAGE_US 50000
#define PAGE_BYTES (150u * 1024)
#define LIMIT_DEFAULT 20
#define LIMIT_MAX 200

/* ---- On entry ---- */

static enum status forced(const struct call *c, struct error *e)
{
	if (!caller_may(c->caller, "duplicate.override"))
		return error_set(e, STATUS_DENIED, "you may not enter likely duplicates");
	if (!c->request->reason.len)
		return error_set(e, STATUS_USAGE, "entering a likely duplicate needs a reason");
	return STATUS_OK;
}

/* Whether the caller may not read what two records share: that they share it would tell the value. */
static bool is_masked(
	const struct target *t, const struct duplicate *d, struct bytes own, struct bytes other)
{
	const struct caller *caller = t->call->caller;

	return (own.len && caller_masked(caller, t->entity, d->field, own)) ||
	       caller_masked(caller, d->entity, d->other, other);
}

static void report(struct target *t, const struct duplicate *d, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored r;
	struct bytes name;
	char candidate[96];

	if (!d->visible) {
		error_field(e, d->field->name, "exists, owned by another branch");
		return;
	}
	if (store_get(t->call->txn, &t->scope, d->entity, d->id, &room, &r, NULL))
		goto out;
	if (is_masked(t, d, bytes_of("", 0), r.fields)) {
		error_field(e, d->field->name, "exists, where you may not see it");
		goto out;
	}
	name = model_text(d->entity, r.fields, d->entity->name_field);
	snprintf(candidate, sizeof(candidate), "%s:%llu", d->entity->name,
		(unsigned long long)d->id);
	error_candidate(e, d->field->name, candidate, "is that of %s %llu \"%.*s\"",
		d->entity->name, (unsigned long long)d->id, (int)(name.len < 120 ? name.len : 0),
		(const char *)name.data);
out:
	buf_free(&room);
}

enum status duplicates_check(
	struct target *t, const struct model_write *w, struct bytes fields, struct error *e)
{
	struct duplicate found[CANDIDATES];
	size_t n;

	if (call_arg(t->call, "force").len)
		return forced(t->call, e);
	n = model_duplicates(w, fields, found, CANDIDATES);
	if (!n)
		return STATUS_OK;
	error_set(e, STATUS_DUPLICATE, "likely duplicate");
	for (size_t i = 0; i < n; i++)
		report(t, &found[i], e);
	return STATUS_DUPLICATE;
}

/* ---- The report ---- */

struct groups {
	struct target t;
	uint32_t n, limit;
	size_t used; /* of the arena at the start */
	struct error *e;
	enum status failed;
};

/* The fields that two records share, as "phone, name"; in the arena. */
static struct bytes reasons(
	struct groups *g, const struct duplicate *found, size_t n, const struct duplicate *of)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (found[i].entity == of->entity && found[i].id == of->id)
			buf_printf(&text, "%s%s", text.len ? ", " : "", found[i].field->name);
	buf_add_u8(&text, 0);
	struct bytes kept = arena_copy(g->t.call->arena, buf_bytes(&text));
	buf_free(&text);
	return kept;
}

/* A group is told with its newest record of the entity asked for. */
static bool told_elsewhere(
	const struct groups *g, const struct duplicate *found, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (found[i].entity == g->t.entity && found[i].id > id)
			return true;
	return false;
}

static bool first_of(const struct duplicate *found, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (found[k].entity == found[i].entity && found[k].id == found[i].id)
			return false;
	return true;
}

static enum status group_add(
	struct groups *g, const struct stored *record, const struct duplicate *found, size_t n)
{
	struct call *c = g->t.call;
	struct bytes none = { 0 };
	struct buf room = BUF_INIT;
	struct stored other;
	enum status s = reply_item(c, "", g->t.entity, record, none, NULL, g->e);

	for (size_t i = 0; !s && i < n; i++) {
		struct bytes why;
		if (!first_of(found, i))
			continue;
		why = reasons(g, found, n, &found[i]);
		s = store_get(
			c->txn, &g->t.scope, found[i].entity, found[i].id, &room, &other, g->e);
		if (!s)
			s = reply_item(c, why.data ? (const char *)why.data : "", found[i].entity,
				&other, none, NULL, g->e);
	}
	buf_free(&room);
	return s;
}

/* What the caller may be told of. */
static size_t readable(
	struct groups *g, const struct stored *record, struct duplicate *found, size_t n)
{
	struct buf room = BUF_INIT;
	struct stored other;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (found[i].visible &&
			!store_get(g->t.call->txn, &g->t.scope, found[i].entity, found[i].id, &room,
				&other, NULL) &&
			!is_masked(&g->t, &found[i], record->fields, other.fields))
			found[kept++] = found[i];
	buf_free(&room);
	return kept;
}

static bool group_row(void *arg, const struct stored *record)
{
	struct groups *g = arg;
	struct duplicate found[CANDIDATES];
	struct model_write w = target_write(&g->t, NULL, record->id);
	size_t n =
		readable(g, record, found, model_duplicates(&w, record->fields, found, CANDIDATES));

	if (!n || told_elsewhere(g, found, n, record->id))
		return true;
	g->failed = group_add(g, record, found, n);
	return !g->failed && ++g->n < g->limit &&
	       arena_used(g->t.call->arena) - g->used < PAGE_BYTES;
}

static enum status record_duplicates(struct call *c, struct error *e)
{
	struct groups g = { .limit = c->request->limit, .used = arena_used(c->arena), .e = e };
	struct query_result result = { .next = BUF_INIT, .explain = BUF_INIT };
	struct buf after = BUF_INIT;
	struct query q = { .limit = UINT32_MAX };
	enum status s = target_open(c, &g.t, e);

	if (!s && c->caller->exact_only)
		s = error_set(e, STATUS_DENIED, "this report is not allowed to this role");
	g.limit = !g.limit ? LIMIT_DEFAULT : g.limit > LIMIT_MAX ? LIMIT_MAX : g.limit;
	q.entity = g.t.entity;
	q.scope = &g.t.scope;
	if (!s)
		s = token_open(c, bytes_of("", 0), &after, e);
	q.after = buf_bytes(&after);
	if (!s)
		s = query_run(c->txn, &q, monotonic_us() + PAGE_US, group_row, &g, &result, e);
	if (!s)
		s = g.failed;
	if (!s && result.next.len)
		s = token_seal(c, bytes_of("", 0), buf_bytes(&result.next), e);
	buf_free(&result.next);
	buf_free(&result.explain);
	buf_free(&after);
	return s;
}

const struct op duplicates_ops[] = {
	{ .name = "record.duplicates", .kind = OP_SLOW, .run = record_duplicates },
	{ 0 },
};
