/* What happened to a record, and how it stood. */
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"

#define HISTORY_DEFAULT 20
#define HISTORY_MAX 200
#define ENTRIES 64
#define STATE_MAX (8u * 1024) /* the longest state that a page token carries */

/* Walking back through a record's log: state is the record as it stood after the entry at hand. */
struct back {
	struct target t;
	struct buf state;
	uint64_t before; /* only entries with a smaller number are shown; 0 all */
	uint64_t start;  /* state is the record before this one; 0: as it stands now */
	uint32_t limit;
	uint64_t last; /* number of the last one shown */
	bool more;
};

/* The state before an entry: its before-image in the place of what it changed. */
static void state_before(struct buf *state, const struct log_body *body)
{
	struct buf older = BUF_INIT;

	record_merge(buf_bytes(state), body->before, body->tags, body->ntags, &older);
	buf_free(state);
	*state = older;
}

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

/* The record that went in a merge: the last of the numbers that this one then had. */
static uint64_t merged_away(const struct back *b, const struct log_body *body)
{
	const struct field *f = entity_field_named(b->t.entity, MERGED_IDS);
	struct bytes run = f ? record_run(buf_bytes(&b->state), f->tag) : bytes_of("", 0);
	struct wire_field w;
	uint64_t id = 0;
	bool changed = false;

	for (size_t i = 0; f && i < body->ntags; i++)
		changed = changed || body->tags[i] == f->tag;
	while (changed && record_next(&run, &w, NULL)) {
		id = 0;
		for (size_t i = 0; i < w.bytes.len; i++)
			id = id * 10 + (uint64_t)(w.bytes.data[i] - '0');
	}
	return id;
}

/* The record that went as it stood before the merge: what was changed with it and later is taken out again. */
static enum status merged_state(struct back *b, uint64_t id, const struct log_entry *merge,
	struct buf *state, struct error *e)
{
	struct txn *t = b->t.call->txn;
	struct buf room = BUF_INIT;
	struct stored record;
	uint64_t seqs[ENTRIES], before = 0;
	enum status s = store_get(t, &scope_all, b->t.entity, id, &room, &record, e);
	bool done = s != STATUS_OK;
	size_t n;

	if (!s)
		buf_add_bytes(state, record.fields);
	while (!done && (n = log_of_record(t, b->t.entity, id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !done && i < n; i++) {
			struct log_entry entry;
			struct log_body body = { 0 };
			s = log_read(t, seqs[i], &entry, &room, &body, e);
			done = s || (entry.seq < merge->seq && entry.operation != merge->operation);
			if (!done && log_kind_is_change(entry.kind))
				state_before(state, &body);
		}
		before = seqs[n - 1];
	}
	buf_free(&room);
	return s;
}

/* What the record that went said otherwise, and what it said more than came over. */
static enum status merged_reply(struct back *b, const struct log_entry *entry,
	const struct log_body *body, Guanxi__Change *ch, struct error *e)
{
	struct buf state = BUF_INIT, kept = BUF_INIT;
	uint64_t id = entry->kind == LOG_MERGE ? merged_away(b, body) : 0;
	enum status s = id ? merged_state(b, id, entry, &state, e) : STATUS_OK;

	for (size_t i = 0; id && !s && i < b->t.entity->nfields; i++) {
		const struct field *f = &b->t.entity->fields[i];
		struct bytes other = record_run(buf_bytes(&state), f->tag);
		if (other.len && model_merged_field(f) && !type_is_list(f->type) &&
			!bytes_equal(other, record_run(buf_bytes(&b->state), f->tag)) &&
			!tag_hidden(b, buf_bytes(&state), f))
			buf_add_bytes(&kept, other);
	}
	ch->has_merged_id = ch->has_merged_fields = id && !s;
	ch->merged_id = id;
	ch->merged_fields = pb_from(arena_copy(b->t.call->arena, buf_bytes(&kept)));
	if (!s && kept.len)
		s = reply_names(b->t.call, b->t.entity, pb_bytes(ch->merged_fields), e);
	buf_free(&state);
	buf_free(&kept);
	return s;
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
	else if (room)
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
	if (merged_reply(b, entry, body, ch, e))
		return STATUS_INVALID;
	ch->has_address = address.len > 0 && c->caller->admin;
	ch->address = pb_from(address);
	c->reply->change[c->reply->n_change++] = ch;
	b->last = entry->seq;
	if (reply_names(c, b->t.entity, pb_bytes(ch->old_fields), e) ||
		reply_names(c, b->t.entity, pb_bytes(ch->new_fields), e))
		return STATUS_INVALID;
	return reply_name(c, schema_entity_by_number(c->schema, ENTITY_USER), entry->user, e);
}

static enum status history_entry(struct back *b, uint64_t seq, struct buf *room, struct error *e)
{
	struct log_entry entry;
	struct log_body body = { 0 };
	enum status s = log_read(b->t.call->txn, seq, &entry, room, &body, e);

	if (s || !(log_kind_is_change(entry.kind) || entry.kind == LOG_PURGE))
		return s;
	if (!b->before || seq < b->before) {
		b->more = b->t.call->reply->n_change >= b->limit;
		if (b->more)
			return STATUS_OK;
		s = change_reply(b, &entry, &body, e);
	}
	state_before(&b->state, &body);
	return s;
}

static enum status history_walk(struct back *b, uint64_t id, struct error *e)
{
	uint64_t seqs[ENTRIES], before = b->start;
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
	if (!s && in.len) {
		b->start = b->before;
		buf_clear(&b->state);
		buf_add_bytes(&b->state, bytes_of(in.data + 1, in.len - 1));
	}
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
	/* so that the next page need not walk from the newest entry; the token is sealed */
	if (b->state.len <= STATE_MAX) {
		buf_add_u8(&token, 1);
		buf_add_bytes(&token, buf_bytes(&b->state));
	}
	s = token_seal(b->t.call, question, buf_bytes(&token), e);
	buf_free(&token);
	return s;
}

/* One that has left the trash for good: what was there before each change is all that is known of it. */
static enum status history_read(
	struct back *b, uint64_t id, struct buf *room, struct stored *record, struct error *e)
{
	struct call *c = b->t.call;
	struct error why;
	enum status s;

	error_init(&why);
	s = target_read(&b->t, id, room, record, &why);
	if (s == STATUS_NOT_FOUND && c->caller->scope.all &&
		log_purged(c->txn, b->t.entity->number, id)) {
		*record = (struct stored){ .id = id, .deleted = true };
		error_clear(&why);
		return STATUS_OK;
	}
	if (s)
		error_move(e, &why);
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
		s = history_read(&b, id, &room, &record, e);
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

const struct op history_ops[] = {
	{ .name = "record.history", .kind = OP_READ, .run = record_history },
	{ 0 },
};
