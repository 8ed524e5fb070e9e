#include "server/op/at.h"
#include "server/call/rights.h"

#define ENTRIES 64

enum status at_read(struct target *t, int64_t *at_ms, struct error *e)
{
	const struct field *f = entity_field_by_tag(t->entity, TAG_CREATED_AT);
	struct bytes text = call_arg(t->call, "at");
	struct buf wire = BUF_INIT;
	enum status s = STATUS_OK;

	*at_ms = 0;
	if (!text.len)
		return STATUS_OK;
	if (!f || type_parse(f, text, &t->parse, &wire, e) || !wire.len)
		s = error_set(e, STATUS_USAGE, "at is no date and no instant");
	else
		*at_ms = record_signed(buf_bytes(&wire), TAG_CREATED_AT);
	buf_free(&wire);
	return s;
}

/* Takes one entry of the log back, if it is later. *done when it is not. */
static enum status step(struct target *t, uint64_t seq, int64_t at_ms, struct buf *state,
	struct stored *record, bool *done, struct error *e)
{
	struct buf room = BUF_INIT, older = BUF_INIT;
	struct log_entry entry;
	struct log_body body = { 0 };
	enum status s = log_read(t->call->txn, seq, &entry, &room, &body, e);

	if (!s && log_kind_is_change(entry.kind)) {
		*done = entry.time_ms <= at_ms;
		record->version = entry.version;
		if (!*done && entry.kind == LOG_ADD)
			s = error_set(e, STATUS_NOT_FOUND, "there was no %s \"%llu\" then",
				t->entity->name, (unsigned long long)record->id);
		if (!*done && !s) {
			record_merge(buf_bytes(state), body.before, body.tags, body.ntags, &older);
			buf_clear(state);
			buf_add_bytes(state, buf_bytes(&older));
		}
	}
	buf_free(&room);
	buf_free(&older);
	return s;
}

static enum status walk_back(
	struct target *t, int64_t at_ms, struct buf *state, struct stored *record, struct error *e)
{
	uint64_t seqs[ENTRIES], before = 0;
	enum status s = STATUS_OK;
	bool done = false;
	size_t n;

	while (!s && !done &&
		(n = log_of_record(t->call->txn, t->entity, record->id, before, seqs, ENTRIES)) >
			0) {
		for (size_t i = 0; !s && !done && i < n; i++)
			s = step(t, seqs[i], at_ms, state, record, &done, e);
		before = seqs[n - 1];
	}
	return s;
}

/* What is entered and not hidden now, whatever kind of record it was then. */
static void visible_only(
	const struct target *t, struct bytes now, struct bytes then, struct buf *out)
{
	struct wire_field w;

	while (record_next(&then, &w, NULL)) {
		const struct field *f = entity_field_by_tag(t->entity, w.tag);
		if (f && !(f->flags & (F_COMPUTED | F_VIRTUAL)) && w.tag != TAG_UPDATED_AT &&
			w.tag != TAG_UPDATED_BY &&
			!caller_masked(t->call->caller, t->entity, f, now))
			buf_add_bytes(out, w.whole);
	}
}

enum status at_state(
	struct target *t, int64_t at_ms, struct stored *record, struct buf *room, struct error *e)
{
	struct buf state = BUF_INIT, shown = BUF_INIT;
	enum status s;

	buf_add_bytes(&state, record->fields);
	s = walk_back(t, at_ms, &state, record, e);
	if (!s) {
		visible_only(t, record->fields, buf_bytes(&state), &shown);
		buf_clear(room);
		buf_add_bytes(room, buf_bytes(&shown));
		record->fields = buf_bytes(room);
		record->deleted = record_has(record->fields, TAG_DELETED_AT);
	}
	buf_free(&state);
	buf_free(&shown);
	return s;
}
