/* What happened to a record, and taking an operation back. */
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"

#define HISTORY_DEFAULT 20
#define HISTORY_MAX 200
#define ENTRIES 64
#define UNDO_SLICE 500 /* entries that one request takes back */
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* Walking back through a record's log: state is the record as it stood after the entry at hand. */
struct back {
	struct target t;
	struct buf state;
	uint64_t before; /* only entries with a smaller number are shown; 0 all */
	uint32_t limit;
	uint64_t last; /* number of the last one shown */
	bool more;
};

/* Hidden when it is in the record before or after: a before-image alone does not tell what kind of record it was. */
static bool tag_hidden(const struct back *b, struct bytes before, const struct field *f)
{
	const struct caller *caller = b->t.call->caller;

	return caller_masked(caller, b->t.entity, f, before) ||
	       caller_masked(caller, b->t.entity, f, buf_bytes(&b->state));
}

/* The runs of the tags, what the caller may not see left out; in the arena. */
static struct bytes tags_view(
	struct back *b, struct bytes before, struct bytes record, const uint32_t *tags, size_t n)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = entity_field_by_tag(b->t.entity, tags[i]);
		if (f && !tag_hidden(b, before, f))
			buf_add_bytes(&out, record_run(record, tags[i]));
	}
	struct bytes kept = arena_copy(b->t.call->arena, buf_bytes(&out));
	buf_free(&out);
	return kept;
}

/* The tags of the entered fields: what an addition changed. */
static size_t tags_entered(
	const struct entity *entity, struct bytes record, uint32_t *tags, size_t max)
{
	struct wire_field w;
	size_t n = 0;

	while (n < max && record_next(&record, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		if (f && !(f->flags & (F_COMPUTED | F_VIRTUAL)) && (!n || tags[n - 1] != w.tag))
			tags[n++] = w.tag;
	}
	return n;
}

static enum status change_reply(
	struct back *b, const struct log_entry *entry, const struct log_body *body, struct error *e)
{
	struct call *c = b->t.call;
	Guanxi__Change *ch = arena_alloc(c->arena, sizeof(*ch));
	size_t room = entry->kind == LOG_ADD ? b->t.entity->nfields : body->ntags;
	uint32_t *tags = arena_alloc(c->arena, (room + 1) * sizeof(*tags));
	struct bytes address = arena_copy(c->arena, body->address);
	struct bytes reason = arena_copy(c->arena, body->reason);

	if (!ch || !tags)
		return error_set(e, STATUS_INVALID, "reply too large");
	guanxi__change__init(ch);
	ch->changed = tags;
	ch->n_changed = room;
	if (entry->kind == LOG_ADD)
		ch->n_changed = tags_entered(b->t.entity, buf_bytes(&b->state), tags, room);
	else
		memcpy(tags, body->tags, room * sizeof(*tags));
	ch->seq = entry->seq;
	ch->time_ms = (uint64_t)entry->time_ms;
	ch->has_user = true;
	ch->user = entry->user;
	ch->operation = entry->operation;
	ch->kind = pb_from(bytes_str(log_kind_name(entry->kind)));
	ch->version = entry->version;
	ch->has_old_fields = ch->has_new_fields = true;
	ch->old_fields = pb_from(tags_view(b, body->before, body->before, tags, ch->n_changed));
	ch->new_fields =
		pb_from(tags_view(b, body->before, buf_bytes(&b->state), tags, ch->n_changed));
	ch->has_reason = reason.len > 0;
	ch->reason = pb_from(reason);
	ch->has_address = address.len > 0 && c->caller->admin;
	ch->address = pb_from(address);
	c->reply->change[c->reply->n_change++] = ch;
	b->last = entry->seq;
	if (reply_names(c, b->t.entity, pb_bytes(ch->old_fields), e) ||
		reply_names(c, b->t.entity, pb_bytes(ch->new_fields), e))
		return STATUS_INVALID;
	return reply_name(c, schema_entity_by_number(c->schema, ENTITY_USER), entry->user, e);
}

/* The state before an entry: its before-image in the place of what it changed. */
static void step_back(struct back *b, const struct log_body *body)
{
	struct buf older = BUF_INIT;

	record_merge(buf_bytes(&b->state), body->before, body->tags, body->ntags, &older);
	buf_free(&b->state);
	b->state = older;
}

static enum status history_entry(struct back *b, uint64_t seq, struct buf *room, struct error *e)
{
	struct log_entry entry;
	struct log_body body = { 0 };
	enum status s = log_read(b->t.call->txn, seq, &entry, room, &body, e);

	if (s || !log_kind_is_change(entry.kind))
		return s;
	if (!b->before || seq < b->before) {
		b->more = b->t.call->reply->n_change >= b->limit;
		if (!b->more)
			s = change_reply(b, &entry, &body, e);
	}
	step_back(b, &body);
	return s;
}

static enum status history_walk(struct back *b, uint64_t id, struct error *e)
{
	uint64_t seqs[ENTRIES], before = 0;
	struct buf room = BUF_INIT;
	enum status s = STATUS_OK;
	size_t n;

	while (!s && !b->more &&
		(n = log_of_record(b->t.call->txn, b->t.entity, id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !s && !b->more && i < n; i++)
			s = history_entry(b, seqs[i], &room, e);
		before = seqs[n - 1];
	}
	buf_free(&room);
	return s;
}

static enum status history_page(struct back *b, struct bytes question, struct error *e)
{
	struct call *c = b->t.call;
	struct buf token = BUF_INIT;
	enum status s = token_open(c, question, &token, e);
	struct bytes in = buf_bytes(&token);

	if (!s && token.len && !take_u64(&in, &b->before))
		s = error_set(e, STATUS_USAGE, "page token does not belong to this list");
	buf_free(&token);
	return s;
}

static enum status history_next(struct back *b, struct bytes question, struct error *e)
{
	struct buf token = BUF_INIT;
	enum status s;

	if (!b->more)
		return STATUS_OK;
	buf_add_u64(&token, b->last);
	s = token_seal(b->t.call, question, buf_bytes(&token), e);
	buf_free(&token);
	return s;
}

static enum status record_history(struct call *c, struct error *e)
{
	struct back b = { .limit = c->request->limit };
	struct buf room = BUF_INIT;
	struct stored record;
	uint64_t id;
	enum status s = target_open(c, &b.t, e);

	if (!s)
		s = target_id(&b.t, 0, &id, e);
	b.t.scope.trash_too = true;
	if (!s)
		s = target_read(&b.t, id, &room, &record, e);
	if (!s) {
		struct bytes question = bytes_of(&record.id, sizeof(record.id));
		b.limit = !b.limit                ? HISTORY_DEFAULT
			  : b.limit > HISTORY_MAX ? HISTORY_MAX
						  : b.limit;
		c->reply->change = arena_alloc(c->arena, b.limit * sizeof(*c->reply->change));
		if (!c->reply->change)
			s = error_set(e, STATUS_INVALID, "reply too large");
		buf_add_bytes(&b.state, record.fields);
		if (!s)
			s = history_page(&b, question, e);
		if (!s)
			s = history_walk(&b, record.id, e);
		if (!s)
			s = history_next(&b, question, e);
	}
	buf_free(&b.state);
	buf_free(&room);
	return s;
}

/* Undo. */

struct undo {
	struct call *call;
	uint64_t operation;
	uint64_t
		into; /* the operation that earlier requests have begun to take it back with; 0: none */
	uint64_t before;           /* entries from this number on are taken back already; 0: none */
	long days;                 /* in which it may be taken back */
	uint64_t seqs[UNDO_SLICE]; /* entries of the operation, descending */
	size_t n;
	struct buf room; /* of entries */
	struct buf record_room;
};

static const struct entity *undo_entity(const struct undo *u, const struct log_entry *entry)
{
	return schema_entity_by_number(u->call->schema, entry->entity);
}

static enum status undo_allowed(
	const struct undo *u, const struct log_entry *entry, struct error *e)
{
	const struct call *c = u->call;

	if (entry->user != c->caller->user && !c->caller->admin)
		return error_set(e, STATUS_NOT_FOUND, "there is no operation \"%llu\"",
			(unsigned long long)u->operation);
	if (c->now_ms - entry->time_ms > u->days * DAY_MS)
		return error_set(e, STATUS_CONFLICT, "operation is older than %ld days", u->days);
	return STATUS_OK;
}

/* Whether the newest change of a record belongs to the operation. */
static bool in_operation(struct undo *u, const struct entity *entity, uint64_t id)
{
	uint64_t seqs[ENTRIES];
	size_t n = log_of_record(u->call->txn, entity, id, 0, seqs, ENTRIES);

	for (size_t i = 0; i < n; i++) {
		struct log_entry entry;
		if (log_read(u->call->txn, seqs[i], &entry, &u->room, NULL, NULL))
			return false;
		if (log_kind_is_change(entry.kind))
			return entry.operation == u->operation ||
			       (u->into && entry.operation == u->into);
	}
	return false;
}

/* What was added later and refers by this field to a record that the undo takes away. */
static enum status unreferenced_by(struct undo *u, const struct entity *en, const struct field *f,
	const struct entity *target, uint64_t id, struct error *e)
{
	const struct scope present = { .all = true };
	struct buf wire = BUF_INIT;
	uint64_t ids[ENTRIES], after = 0;
	size_t n;

	record_add_number(&wire, f->tag, id);
	while ((n = store_find_equal(u->call->txn, en, f, buf_bytes(&wire), after, ids, ENTRIES)) >
		0) {
		for (size_t i = 0; i < n; i++)
			if (store_visible(u->call->txn, &present, en, ids[i]) &&
				!in_operation(u, en, ids[i])) {
				buf_free(&wire);
				return error_set(e, STATUS_CONFLICT,
					"%s \"%llu\" refers to %s \"%llu\"", en->name,
					(unsigned long long)ids[i], target->name,
					(unsigned long long)id);
			}
		after = ids[n - 1];
	}
	buf_free(&wire);
	return STATUS_OK;
}

static enum status undo_unreferenced(
	struct undo *u, const struct entity *target, uint64_t id, struct error *e)
{
	const struct schema *schema = u->call->schema;
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; !s && k < en->nfields; k++) {
			const struct field *f = &en->fields[k];
			if (type_is_reference(f->type) && f->flags & F_INDEXED &&
				f->tag < TAG_EXTERNAL_ID && !strcmp(f->refers_to, target->name))
				s = unreferenced_by(u, en, f, target, id, e);
		}
	}
	return s;
}

/* Whether the caller sees the record, in the trash or not. */
static bool undo_visible(const struct undo *u, const struct entity *entity, uint64_t id)
{
	struct scope scope = u->call->caller->scope;

	scope.trash_too = true;
	return store_visible(u->call->txn, &scope, entity, id);
}

static enum status undo_unknown(const struct undo *u, struct error *e)
{
	return error_set(e, STATUS_NOT_FOUND, "there is no operation \"%llu\"",
		(unsigned long long)u->operation);
}

/* The newest change of the record must belong to the operation. */
static enum status undo_check_entry(struct undo *u, uint64_t seq, struct error *e)
{
	struct log_entry entry;
	const struct entity *entity;
	enum status s = log_read(u->call->txn, seq, &entry, &u->room, NULL, e);

	if (!s)
		s = undo_allowed(u, &entry, e);
	if (s || !log_kind_is_change(entry.kind))
		return s;
	entity = undo_entity(u, &entry);
	if (!entity)
		return error_set(e, STATUS_CONFLICT, "operation cannot be taken back");
	if (entry.kind == LOG_ADD && entity->flags & E_FINAL)
		return error_set(e, STATUS_CONFLICT,
			"a %s is never taken back: a further one corrects it", entity->name);
	if (!in_operation(u, entity, entry.id) && !undo_visible(u, entity, entry.id))
		return undo_unknown(u, e);
	if (!in_operation(u, entity, entry.id))
		return error_set(e, STATUS_CONFLICT, "%s \"%llu\" changed since", entity->name,
			(unsigned long long)entry.id);
	return entry.kind == LOG_ADD ? undo_unreferenced(u, entity, entry.id, e) : STATUS_OK;
}

/* The record with the entry taken out of it. */
static enum status undo_image(struct undo *u, const struct entity *entity,
	const struct log_entry *entry, const struct log_body *body, struct buf *out,
	struct error *e)
{
	struct stored record;
	struct buf patch = BUF_INIT;
	enum status s =
		store_get(u->call->txn, &scope_all, entity, entry->id, &u->record_room, &record, e);

	if (s)
		return s;
	if (entry->kind == LOG_ADD) {
		record_add_signed(&patch, TAG_DELETED_AT, u->call->now_ms);
		record_add_number(&patch, TAG_DELETED_BY, u->call->caller->user);
		record_merge(record.fields, buf_bytes(&patch), NULL, 0, out);
	} else if (!body->ntags) {
		s = error_set(e, STATUS_CONFLICT, "%s \"%llu\": what stood before was erased",
			entity->name, (unsigned long long)entry->id);
	} else {
		record_merge(record.fields, body->before, body->tags, body->ntags, out);
	}
	buf_free(&patch);
	return s;
}

/* Computed fields are no part of what is put. */
static void entered_only(const struct entity *entity, struct bytes record, struct buf *out)
{
	struct wire_field w;

	while (record_next(&record, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		if (!f || !(f->flags & (F_COMPUTED | F_VIRTUAL)))
			buf_add_bytes(out, w.whole);
	}
}

static enum status undo_entry(struct undo *u, uint64_t seq, struct error *e)
{
	struct call *c = u->call;
	struct log_entry entry;
	struct log_body body = { 0 };
	struct buf image = BUF_INIT, entered = BUF_INIT;
	const struct entity *entity;
	enum status s = log_read(c->txn, seq, &entry, &u->room, &body, e);

	if (s || !log_kind_is_change(entry.kind))
		return s;
	entity = undo_entity(u, &entry);
	s = undo_image(u, entity, &entry, &body, &image, e);
	if (!s) {
		entered_only(entity, buf_bytes(&image), &entered);
		s = store_put(c->txn, &c->author, entity, &entry.id, "undo", buf_bytes(&entered),
			NULL, e);
	}
	if (!s && (entity->number == ENTITY_USER || entity->number == ENTITY_ROLE))
		s = auth_epoch_bump(c->txn, entity->number == ENTITY_USER ? entry.id : 0, e);
	c->reply->count++;
	buf_free(&image);
	buf_free(&entered);
	return s;
}

/* When all stand again: what must hold among them. What is still another's was not the operation's to give away. */
static enum status undo_settle(struct undo *u, uint64_t seq, struct error *e)
{
	struct call *c = u->call;
	struct log_entry entry;
	enum status s = log_read(c->txn, seq, &entry, &u->room, NULL, e);

	if (s || !log_kind_is_change(entry.kind))
		return s;
	if (!undo_visible(u, undo_entity(u, &entry), entry.id))
		return undo_unknown(u, e);
	return model_settle(c->txn, &c->author, undo_entity(u, &entry), entry.id, e);
}

/* All entries, before the first is taken back. */
static enum status undo_check(struct undo *u, struct error *e)
{
	uint64_t seqs[ENTRIES], after = 0, all = 0;
	enum status s = STATUS_OK;
	size_t n;

	while (!s && (n = log_of_operation(u->call->txn, u->operation, after, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !s && i < n; i++)
			s = undo_check_entry(u, seqs[i], e);
		after = seqs[n - 1];
		all += n;
	}
	if (!s && !all)
		return error_set(e, STATUS_NOT_FOUND, "there is no operation \"%llu\"",
			(unsigned long long)u->operation);
	return s;
}

static enum status undo_slice(struct undo *u, struct error *e)
{
	struct call *c = u->call;
	enum status s = STATUS_OK;

	u->n = log_of_operation_back(c->txn, u->operation, u->before, u->seqs, UNDO_SLICE);
	for (size_t i = 0; !s && u->into && i < u->n; i++)
		s = undo_check_entry(u, u->seqs[i], e);
	c->author.operation = u->into;
	if (!s && !u->into)
		s = store_operation(c->txn, &c->author.operation, e);
	for (size_t i = 0; !s && i < u->n; i++)
		s = undo_entry(u, u->seqs[i], e);
	for (size_t i = u->n; !s && i > 0; i--)
		s = undo_settle(u, u->seqs[i - 1], e);
	return s;
}

/* Tells where a long undo goes on: nothing when the first entry has been taken back. */
static enum status undo_rest(struct undo *u, struct error *e)
{
	struct call *c = u->call;
	uint64_t next, last = u->n ? u->seqs[u->n - 1] : 0;
	char text[24];

	if (!last || !log_of_operation_back(c->txn, u->operation, last, &next, 1))
		return STATUS_OK;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)last);
	return reply_value(c, "before", bytes_str(text), e);
}

static enum status undo_run(struct undo *u, struct error *e)
{
	struct call *c = u->call;
	enum status s = STATUS_OK;

	u->days = lookup_setting_number(call_lookup(c), "undo.days");
	if (!u->into)
		s = undo_check(u, e);
	if (s || c->request->dry_run)
		return s;
	c->reply->has_operation = c->reply->has_count = true;
	c->reply->count = 0;
	s = undo_slice(u, e);
	c->reply->operation = c->author.operation;
	return s ? s : undo_rest(u, e);
}

static enum status number_arg(struct call *c, const char *name, uint64_t *out, struct error *e)
{
	if ((!call_arg_number(c, name, out) || !*out) && call_arg(c, name).len)
		return error_set(e, STATUS_USAGE, "%s is not a number", name);
	return STATUS_OK;
}

/* into must be an operation of the caller's own that has taken back something already. */
static enum status undo_own(struct undo *u, struct error *e)
{
	struct log_entry entry;
	uint64_t seq;
	enum status s;

	if (!u->into)
		return STATUS_OK;
	if (!log_of_operation_back(u->call->txn, u->into, 0, &seq, 1))
		return error_set(e, STATUS_USAGE, "into is not a number of an undo");
	s = log_read(u->call->txn, seq, &entry, &u->room, NULL, e);
	if (!s && (entry.kind != LOG_UNDO || entry.user != u->call->caller->user))
		s = error_set(e, STATUS_USAGE, "into is not a number of an undo");
	return s;
}

static enum status operation_undo(struct call *c, struct error *e)
{
	struct undo u = { .call = c };
	enum status s = number_arg(c, "operation", &u.operation, e);

	if (!s && !u.operation)
		s = error_set(e, STATUS_USAGE, "operation is not a number");
	if (!s)
		s = number_arg(c, "into", &u.into, e);
	if (!s)
		s = number_arg(c, "before", &u.before, e);
	if (!s)
		s = undo_own(&u, e);
	if (!s)
		s = undo_run(&u, e);
	buf_free(&u.room);
	buf_free(&u.record_room);
	return s;
}

const struct op history_ops[] = {
	{ .name = "record.history", .kind = OP_READ, .run = record_history },
	{ .name = "operation.undo", .kind = OP_WRITE, .run = operation_undo },
	{ 0 },
};
