#include "server/op/conflict.h"
#include "server/call/rights.h"

#define ENTRIES 64
#define TAGS_MAX 512

/* The tags changed after a version. */
struct since {
	uint32_t tags[TAGS_MAX];
	size_t n;
	bool all; /* cannot be told */
};

static void since_add(struct since *s, const struct log_body *body)
{
	if (!body->ntags || s->n + body->ntags > TAGS_MAX) {
		s->all = true;
		return;
	}
	memcpy(s->tags + s->n, body->tags, body->ntags * sizeof(*body->tags));
	s->n += body->ntags;
}

static bool since_has(const struct since *s, uint32_t tag)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->tags[i] == tag)
			return true;
	return s->all;
}

/* Walks the log of the record back to the version. */
static enum status since_read(
	struct target *t, uint64_t id, uint64_t version, struct since *out, struct error *e)
{
	uint64_t seqs[ENTRIES], before = 0;
	struct buf room = BUF_INIT;
	enum status s = STATUS_OK;
	bool done = false;
	size_t n;

	while (!s && !done &&
		(n = log_of_record(t->call->txn, t->entity, id, before, seqs, ENTRIES)) > 0) {
		for (size_t i = 0; !s && !done && i < n; i++) {
			struct log_entry entry;
			struct log_body body = { 0 };
			s = log_read(t->call->txn, seqs[i], &entry, &room, &body, e);
			done = !s && log_kind_is_change(entry.kind) && entry.version <= version;
			if (!s && !done && log_kind_is_change(entry.kind))
				since_add(out, &body);
		}
		before = seqs[n - 1];
	}
	buf_free(&room);
	return s;
}

static void conflict_add(struct target *t, const struct field *f, struct bytes now,
	struct bytes yours, struct error *e)
{
	struct format_context ctx =
		lookup_format_context(call_lookup(t->call), t->call->caller->zone);
	struct buf a = BUF_INIT, b = BUF_INIT;

	type_format_run(f, now, FORM_CODE, &ctx, &a);
	type_format_run(f, yours, FORM_CODE, &ctx, &b);
	error_conflict(e, f->name, buf_str(&a), buf_str(&b));
	buf_free(&a);
	buf_free(&b);
}

enum status conflict_check(struct target *t, const struct stored *now, uint64_t version,
	const struct patch *patch, struct error *e)
{
	struct since since = { .n = 0 };
	bool found = false;
	enum status s;

	if (version == now->version)
		return STATUS_OK;
	if (version > now->version)
		return error_set(e, STATUS_USAGE, "version %llu is not there yet",
			(unsigned long long)version);
	s = since_read(t, now->id, version, &since, e);
	for (size_t i = 0; !s && i < patch->ntags; i++) {
		const struct field *f = entity_field_by_tag(t->entity, patch->tags[i]);
		struct bytes stands = record_run(now->fields, patch->tags[i]);
		struct bytes yours = record_run(buf_bytes(&patch->fields), patch->tags[i]);
		/* the same value too: of two that count up from the same number one must be told */
		if (!since_has(&since, patch->tags[i]))
			continue;
		if (caller_masked(t->call->caller, t->entity, f, now->fields))
			stands = yours = (struct bytes){ 0 };
		conflict_add(t, f, stands, yours, e);
		found = true;
	}
	if (!s && found)
		s = error_set(e, STATUS_CONFLICT, "the record changed since version %llu",
			(unsigned long long)version);
	return s;
}
