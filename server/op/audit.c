/* The change log as a list, newest first. */
#include "server/op/audit.h"
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/query.h"
#include "server/op/target.h"
#include "server/server.h"
#include <glib.h>

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 1000
#define LOOK_MAX 200000u /* entries that a page looks at */
#define PAGE_BYTES (200u * 1024)

enum { NOTE_FILTER = 1, NOTE_PURPOSE, NOTE_ROWS };

void export_note(struct buf *out, struct bytes filter, struct bytes purpose, uint64_t rows)
{
	if (filter.len)
		record_add_text(out, NOTE_FILTER, filter);
	if (purpose.len)
		record_add_text(out, NOTE_PURPOSE, purpose);
	record_add_number(out, NOTE_ROWS, rows);
}

/* Who may not ask by it learns no value from it either. */
static void add_note(
	struct call *c, Guanxi__Change *ch, const struct entity *entity, struct bytes note)
{
	struct bytes filter = record_text(note, NOTE_FILTER);
	struct bytes purpose = record_text(note, NOTE_PURPOSE);

	if (filter.len && !(entity && query_may_ask(c, entity, filter)))
		filter = bytes_str("***");
	ch->has_row_count = true;
	ch->row_count = record_number(note, NOTE_ROWS);
	ch->has_filter = filter.len > 0;
	ch->filter = pb_from(arena_copy(c->arena, filter));
	ch->has_purpose = purpose.len > 0;
	ch->purpose = pb_from(arena_copy(c->arena, purpose));
}

static enum status audit_entry(
	struct call *c, const struct log_entry *l, const struct log_body *body, struct error *e)
{
	Guanxi__Change *ch = arena_alloc(c->arena, sizeof(*ch));

	if (!ch)
		return error_set(e, STATUS_INVALID, "reply too large");
	guanxi__change__init(ch);
	ch->seq = l->seq;
	ch->time_ms = (uint64_t)l->time_ms;
	ch->has_user = l->user != 0;
	ch->user = l->user;
	ch->operation = l->operation;
	ch->kind = pb_from(bytes_str(log_kind_name(l->kind)));
	ch->version = l->version;
	ch->has_entity = l->entity != 0;
	ch->entity = l->entity;
	ch->has_id = l->id != 0;
	ch->id = l->id;
	ch->has_reason = body->reason.len > 0;
	ch->reason = pb_from(arena_copy(c->arena, body->reason));
	ch->has_address = body->address.len > 0;
	ch->address = pb_from(arena_copy(c->arena, body->address));
	if (l->kind == LOG_EXPORT)
		add_note(c, ch, schema_entity_by_number(c->schema, l->entity), body->before);
	c->reply->change[c->reply->n_change++] = ch;
	return l->user ? reply_name(c, schema_entity_by_number(c->schema, ENTITY_USER), l->user, e)
		       : STATUS_OK;
}

static enum status audit_page(
	struct call *c, uint64_t before, uint32_t limit, uint64_t *next, struct error *e)
{
	struct bytes kind = call_arg(c, "kind");
	struct buf room = BUF_INIT;
	size_t used = arena_used(c->arena), looked = 0;
	uint64_t seq = before;
	enum status s = STATUS_OK;

	while (!s && seq > 1 && c->reply->n_change < limit && looked++ < LOOK_MAX &&
		arena_used(c->arena) - used < PAGE_BYTES) {
		struct log_entry l;
		struct log_body body = { 0 };
		s = log_read(c->txn, --seq, &l, &room, NULL, e);
		if (!s && kind.len && !bytes_equal_str(kind, log_kind_name(l.kind)))
			continue;
		if (!s)
			s = log_read(c->txn, seq, &l, &room, &body, e);
		if (!s)
			s = audit_entry(c, &l, &body, e);
	}
	*next = seq > 1 ? seq : 0;
	buf_free(&room);
	return s;
}

static enum status audit_list(struct call *c, struct error *e)
{
	struct bytes kind = call_arg(c, "kind");
	uint32_t limit = c->request->limit ? MIN(c->request->limit, LIMIT_MAX) : LIMIT_DEFAULT;
	struct buf token = BUF_INIT;
	struct bytes in;
	uint64_t before = store_last_seq(c->server->store) + 1, next = 0;
	enum status s = token_open(c, kind, &token, e);

	in = buf_bytes(&token);
	if (!s && !c->caller->scope.all)
		s = error_set(e, STATUS_DENIED, "the log is of all branches, your role is not");
	if (!s && in.len && !take_u64(&in, &before))
		s = error_set(e, STATUS_USAGE, "page token does not belong to this list");
	c->reply->change = arena_alloc(c->arena, limit * sizeof(*c->reply->change));
	if (!s && !c->reply->change)
		s = error_set(e, STATUS_INVALID, "reply too large");
	if (!s)
		s = audit_page(c, before, limit, &next, e);
	buf_clear(&token);
	buf_add_u64(&token, next);
	if (!s && next)
		s = token_seal(c, kind, buf_bytes(&token), e);
	buf_free(&token);
	return s;
}

const struct op audit_ops[] = {
	{ .name = "audit.list", .kind = OP_SLOW, .run = audit_list, .right = "audit.read" },
	{ 0 },
};
