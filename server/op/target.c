#include "server/op/target.h"
#include "common/text.h"
#include "server/call/rights.h"
#include "server/op/journal.h"
#include "server/server.h"

#define RECORD_TEXT_MAX 255

enum status target_open(struct call *c, struct target *t, struct error *e)
{
	struct bytes name = pb_bytes(c->request->entity);
	const char *near;
	char why[96];

	*t = (struct target){ .call = c, .scope = c->caller->scope };
	if (!text_valid(name, TEXT_LINE, 64, why) || !name.len)
		return error_set(e, STATUS_USAGE, "an entity is missing");
	t->entity = schema_entity(c->schema, name);
	if (!t->entity) {
		near = schema_entity_suggest(c->schema, name);
		return error_set(e, STATUS_USAGE, "no such entity: \"%.*s\"%s%s%s", (int)name.len,
			(const char *)name.data, near ? "; did you mean \"" : "", near ? near : "",
			near ? "\"?" : "");
	}
	t->scope.trash_too = c->request->trash;
	t->today = zone_date(c->caller->zone, c->now_ms);
	t->parse = lookup_parse_context(call_lookup(c), t->today, c->caller->zone);
	return STATUS_OK;
}

enum status target_open_write(struct call *c, struct target *t, struct error *e)
{
	enum status s = target_open(c, t, e);

	if (s)
		return s;
	if (t->entity->flags & E_READONLY)
		return error_set(
			e, STATUS_DENIED, "a %s is changed by the server only", t->entity->name);
	if (t->entity->flags & E_ADMIN && !c->caller->admin)
		return error_set(
			e, STATUS_DENIED, "a %s is changed by administrators", t->entity->name);
	return STATUS_OK;
}

enum status target_id(struct target *t, size_t i, uint64_t *id, struct error *e)
{
	const Guanxi__Request *r = t->call->request;
	struct bytes text;
	char why[96];
	enum status s;

	if (i >= r->n_record)
		return error_set(e, STATUS_USAGE, "a record is missing");
	text = pb_bytes(r->record[i]);
	if (id_parse(text, id))
		return STATUS_OK;
	if (!text_valid(text, TEXT_LINE, RECORD_TEXT_MAX, why))
		return error_set(e, STATUS_USAGE, "record %s", why);
	s = t->parse.reference(t->parse.arg, t->entity->name, text, id, e);
	if (s == STATUS_NOT_FOUND)
		return error_set(e, s, "there is no %s \"%.*s\"", t->entity->name, (int)text.len,
			(const char *)text.data);
	return s;
}

enum status target_read(
	struct target *t, uint64_t id, struct buf *room, struct stored *out, struct error *e)
{
	struct txn *txn = t->call->txn;
	enum status s = store_get(
		txn, &t->scope, t->entity, store_survivor(txn, t->entity, id), room, out, e);

	/* with the id that was asked for: another one would tell of a merge */
	if (s == STATUS_NOT_FOUND)
		error_set(e, s, "there is no %s \"%llu\"", t->entity->name, (unsigned long long)id);
	return s;
}

static bool has_right(const void *caller, const char *right)
{
	return caller_may(caller, right);
}

struct model_write target_write(const struct target *t, const struct stored *before, uint64_t id)
{
	struct call *c = t->call;

	return (struct model_write){ .txn = c->txn,
		.author = &c->author,
		.scope = &t->scope,
		.lookup = call_lookup(c),
		.user = c->caller ? c->caller->user : 0,
		.branch = c->caller ? c->caller->branch : 0,
		.team = c->caller ? c->caller->team : 0,
		.today = t->today,
		.entity = t->entity,
		.before = before,
		.id = id,
		.may = c->caller ? has_right : NULL,
		.may_arg = c->caller };
}

enum status target_operation(struct target *t, struct error *e)
{
	struct call *c = t->call;
	enum status s = store_operation(c->txn, &c->author.operation, e);

	c->reply->has_operation = true;
	c->reply->operation = c->author.operation;
	return s;
}

/* What has a journal is joined by the rows of its import or by its bulk change only: a job of the server goes by itself, and what is finished is finished. */
static enum status joinable(struct call *c, uint64_t operation, struct error *e)
{
	struct buf room = BUF_INIT;
	struct job job;
	enum status s = journal_read(c->txn, operation, &room, &job, e);

	if (s == STATUS_NOT_FOUND)
		s = STATUS_OK;
	else if (!s && job.user != c->caller->user)
		s = error_set(e, STATUS_DENIED, "operation is not yours");
	else if (!s &&
		 (job.kind == JOB_IMPORT ? job.state != JOB_RUNNING : !journal_open_bulk(&job)))
		s = error_set(e, STATUS_CONFLICT, "operation is finished");
	buf_free(&room);
	return s;
}

enum status target_operation_joined(struct target *t, struct error *e)
{
	struct call *c = t->call;
	uint64_t seq, next;
	struct log_entry entry;
	struct buf room = BUF_INIT;
	enum status s = STATUS_OK;

	if (!call_arg(c, "operation").len)
		return target_operation(t, e);
	if (!call_arg_number(c, "operation", &c->author.operation) || !c->author.operation)
		return error_set(e, STATUS_USAGE, "operation is not a number");
	s = store_next_id(c->txn, schema_entity_by_number(c->schema, ENTITY_OPERATION), &next, e);
	/* it would be another's when it comes; the number of a dry run was not kept */
	if (!s && !c->request->dry_run && c->author.operation >= next)
		s = error_set(e, STATUS_USAGE, "operation was never given");
	if (!s && log_of_operation(c->txn, c->author.operation, 0, &seq, 1)) {
		s = log_read(c->txn, seq, &entry, &room, NULL, e);
		if (!s && entry.user != c->caller->user)
			s = error_set(e, STATUS_DENIED, "operation is not yours");
	}
	if (!s)
		s = joinable(c, c->author.operation, e);
	buf_free(&room);
	c->reply->has_operation = true;
	c->reply->operation = c->author.operation;
	return s;
}

enum status target_changed(struct target *t, uint64_t id, struct error *e)
{
	switch (t->entity->number) {
	case ENTITY_USER:
		return auth_epoch_bump(t->call->txn, id, e);
	case ENTITY_ROLE:
	case ENTITY_BRANCH:
		return auth_epoch_bump(t->call->txn, 0, e);
	default:
		return STATUS_OK;
	}
}

enum status target_reply(struct target *t, uint64_t id, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored record;
	enum status s = store_get(t->call->txn, &scope_all, t->entity, id, &room, &record, e);

	if (!s)
		s = reply_record(t->call, t->entity, &record, e);
	buf_free(&room);
	return s;
}

/* Values. */

void patch_free(struct patch *p)
{
	buf_free(&p->fields);
}

const struct field *target_field(struct target *t, struct bytes name, struct error *e)
{
	const struct field *f = entity_field(t->entity, name);
	const char *near;
	char shown[64] = "?";
	char why[96];

	if (f)
		return f;
	if (name.len && name.len < sizeof(shown) &&
		text_valid(name, TEXT_LINE, sizeof(shown), why)) {
		memcpy(shown, name.data, name.len);
		shown[name.len] = 0;
	}
	near = entity_field_suggest(t->entity, name);
	if (near)
		error_field(
			e, shown, "is no field of %s; did you mean \"%s\"?", t->entity->name, near);
	else
		error_field(e, shown, "is no field of %s", t->entity->name);
	return NULL;
}

static enum status patch_forbidden(
	const struct target *t, const struct field *f, struct bytes text, struct error *e)
{
	bool stamp = t->original && (f->tag == TAG_UPDATED_AT || f->tag == TAG_UPDATED_BY);

	if (f->flags & (F_COMPUTED | F_VIRTUAL | F_READONLY) && !stamp)
		return error_field(e, f->name, "is set by the server");
	if (f->flags & F_UNAVAILABLE && text.len)
		return error_field(e, f->name, "entity not available yet");
	return STATUS_OK;
}

enum status patch_authors(
	const struct target *t, const struct patch *p, const struct stored *before, struct error *e)
{
	static const uint32_t tags[] = { TAG_CREATED_BY, TAG_UPDATED_BY };
	const struct caller *caller = t->call->caller;
	enum status s = STATUS_OK;

	for (size_t i = 0; i < 2 && !caller->admin; i++) {
		uint64_t given = record_number(buf_bytes(&p->fields), tags[i]);
		uint64_t stands = before ? record_number(before->fields, tags[i]) : 0;
		if (given && given != caller->user && given != stands)
			s = error_field(e, entity_field_by_tag(t->entity, tags[i])->name,
				"is set by administrators");
	}
	return s;
}

/* "+new,-old": every piece says whether it comes or goes. */
static bool is_tag_change(struct bytes text)
{
	bool start = true, change = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t ch = text.data[i];
		if (start && ch != ' ') {
			if (ch != '+' && ch != '-')
				return false;
			change = true;
			start = false;
		}
		start = start || ch == ',' || ch == ';';
	}
	return change;
}

/* The items of run but those in tags. */
static void tags_without(struct bytes run, struct bytes tags, struct buf *out)
{
	struct wire_field w, other;

	while (record_next(&run, &w, NULL)) {
		struct bytes rest = tags;
		bool gone = false;
		while (!gone && record_next(&rest, &other, NULL))
			gone = bytes_equal(w.bytes, other.bytes);
		if (!gone)
			buf_add_bytes(out, w.whole);
	}
}

/* Pieces that start with sign, joined again without it. */
static void tags_signed(struct bytes text, uint8_t sign, struct buf *out)
{
	while (text.len) {
		size_t len = 0;
		while (len < text.len && text.data[len] != ',' && text.data[len] != ';')
			len++;
		struct bytes piece = text_trim(bytes_of(text.data, len));
		if (piece.len && piece.data[0] == sign) {
			buf_add_str(out, out->len ? "," : "");
			buf_add(out, piece.data + 1, piece.len - 1);
		}
		len += len < text.len;
		text = bytes_of(text.data + len, text.len - len);
	}
}

/* tags=+new,-old: the tags before, without the old and the new ones, then the new ones. */
static enum status tags_change(struct target *t, const struct field *f, struct bytes text,
	struct buf *out, struct error *e)
{
	struct bytes before = t->before ? record_run(t->before->fields, f->tag) : bytes_of("", 0);
	struct buf plus = BUF_INIT, minus = BUF_INIT, come = BUF_INIT, go = BUF_INIT;
	enum status s;

	tags_signed(text, '+', &plus);
	tags_signed(text, '-', &minus);
	s = type_parse(f, buf_bytes(&plus), &t->parse, &come, e);
	if (!s)
		s = type_parse(f, buf_bytes(&minus), &t->parse, &go, e);
	if (!s) {
		buf_add_bytes(
			&go, buf_bytes(&come)); /* one that is there already does not stand twice */
		tags_without(before, buf_bytes(&go), out);
		buf_add_bytes(out, buf_bytes(&come));
	}
	buf_free(&plus);
	buf_free(&minus);
	buf_free(&come);
	buf_free(&go);
	return s;
}

static enum status value_parse(struct target *t, const struct field *f, struct bytes text,
	struct buf *out, struct error *e)
{
	if (f->type == T_TAGS && is_tag_change(text))
		return tags_change(t, f, text, out, e);
	return type_parse(f, text, &t->parse, out, e);
}

enum status patch_add(struct target *t, struct patch *p, const struct field *f, struct bytes text,
	struct error *e)
{
	size_t len = p->fields.len;
	enum status s = patch_forbidden(t, f, text, e);

	for (size_t i = 0; !s && i < p->ntags; i++)
		if (p->tags[i] == f->tag)
			return error_field(e, f->name, "is given twice");
	if (!s && p->ntags >= sizeof(p->tags) / sizeof(p->tags[0]))
		return error_field(e, f->name, "too many fields");
	if (!s)
		s = value_parse(t, f, text, &p->fields, e);
	if (s)
		return s;
	p->tags[p->ntags++] = f->tag;
	if (p->fields.len == len)
		p->cleared[p->ncleared++] = f->tag;
	return STATUS_OK;
}

void patch_finish(struct patch *p)
{
	struct buf sorted = BUF_INIT;

	record_sort(buf_bytes(&p->fields), &sorted);
	buf_free(&p->fields);
	p->fields = sorted;
}

enum status patch_parse(struct target *t, struct patch *p, struct error *e)
{
	const Guanxi__Request *r = t->call->request;
	enum status worst = STATUS_OK;

	for (size_t i = 0; i < r->n_set; i++) {
		const struct field *f = target_field(t, pb_bytes(r->set[i]->name), e);
		enum status s =
			f ? patch_add(t, p, f, pb_bytes(r->set[i]->value), e) : STATUS_INVALID;
		if (s && s != STATUS_INVALID)
			return s;
		worst = worst ? worst : s;
	}
	patch_finish(p);
	return worst;
}
