/* Files in chunks: an upload is begun, appended to, finished, and taken over by the write of the record that names it. */
#include "server/store/file.h"
#include "common/text.h"
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/target.h"
#include "server/server.h"
#include <glib.h>

#define NAME_MAX_CHARACTERS 255

/* The field of arg "field", else the only one of type file. */
static enum status file_field(struct target *t, const struct field **out, struct error *e)
{
	struct bytes name = call_arg(t->call, "field");
	const struct field *found = NULL;

	if (name.len)
		found = entity_field(t->entity, name);
	for (size_t i = 0; !name.len && i < t->entity->nfields; i++)
		if (t->entity->fields[i].type == T_FILE && !found)
			found = &t->entity->fields[i];
	if (!found || found->type != T_FILE)
		return error_set(e, STATUS_USAGE, "a %s has no such file", t->entity->name);
	*out = found;
	return STATUS_OK;
}

static enum status may_upload(const struct target *t, struct error *e)
{
	char add[96], change[96];

	g_snprintf(add, sizeof(add), "%s.add", t->entity->name);
	g_snprintf(change, sizeof(change), "%s.change", t->entity->name);
	if (caller_may(t->call->caller, add) || caller_may(t->call->caller, change))
		return STATUS_OK;
	return error_set(e, STATUS_DENIED, "not allowed: right \"%s\" is missing", add);
}

static enum status too_large(uint64_t limit, struct error *e)
{
	return error_reason(e, STATUS_INVALID, "too_large", "file is larger than %llu MB",
		(unsigned long long)limit >> 20);
}

static enum status reply_number(struct call *c, const char *name, uint64_t n, struct error *e)
{
	char text[24];

	g_snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return reply_value(c, name, bytes_str(text), e);
}

static enum status begin(struct call *c, struct error *e)
{
	struct file_info info = { .user = c->caller->user, .name = call_arg(c, "name") };
	const struct field *field;
	struct target t;
	uint64_t id, size = 0;
	char why[96];
	enum status s = target_open_write(c, &t, e);

	if (!s)
		s = may_upload(&t, e);
	if (!s)
		s = file_field(&t, &field, e);
	if (!s && info.name.len && !text_valid(info.name, TEXT_LINE, NAME_MAX_CHARACTERS, why))
		s = error_set(e, STATUS_INVALID, "name of the file %s", why);
	if (s)
		return s;
	info.entity = t.entity->number;
	info.limit = (uint64_t)lookup_setting_number(call_lookup(c), "document.max_mb") << 20;
	if (call_arg_number(c, "size", &size) && size > info.limit)
		return too_large(info.limit, e);
	s = file_begin(c->txn, &info, c->now_ms, &id, e);
	return s ? s : reply_number(c, "file", id, e);
}

/* The caller's own upload that no record has taken. */
static enum status own_upload(
	struct call *c, struct buf *room, struct file_info *info, struct error *e)
{
	uint64_t id;
	enum status s;

	if (!call_arg_number(c, "file", &id))
		return error_set(e, STATUS_USAGE, "file is not a number");
	s = file_info_read(c->txn, id, room, info, e);
	if (!s && (info->user != c->caller->user || info->state == FILE_KEPT))
		s = error_set(
			e, STATUS_NOT_FOUND, "there is no file \"%llu\"", (unsigned long long)id);
	return s;
}

/* The upload goes, which stands, but the reply says why. */
static enum status drop_and_refuse(struct call *c, uint64_t id, const char *reason, struct error *e)
{
	c->refused = STATUS_INVALID;
	c->refused_message = arena_str(c->arena, bytes_str(e->message));
	c->refused_reason = reason;
	error_clear(e);
	return file_drop(c->txn, id, e);
}

static enum status append(struct call *c, struct error *e)
{
	struct bytes offset = call_arg(c, "offset");
	struct buf room = BUF_INIT;
	struct file_info info;
	uint64_t at = 0;
	enum status s = own_upload(c, &room, &info, e);

	if (!s && !bytes_equal_str(offset, "0") && !call_arg_number(c, "offset", &at))
		s = error_set(e, STATUS_USAGE, "offset is not a number");
	if (!s)
		s = file_append(c->txn, info.id, at, pb_bytes(c->request->data), c->now_ms, e);
	if (s == STATUS_INVALID && !txn_wrote(c->txn))
		s = drop_and_refuse(c, info.id, "too_large", e);
	buf_free(&room);
	return s;
}

/* Hashing takes its time: it is done in the pool, over what is committed. */
static enum status hash_upload(struct call *c, struct error *e)
{
	uint8_t *hash = arena_alloc(c->arena, FILE_HASH);
	struct txn *t = NULL;
	uint64_t id;
	enum status s = txn_begin(c->server->store, false, &t, e);

	if (!s && !call_arg_number(c, "file", &id))
		s = error_set(e, STATUS_USAGE, "file is not a number");
	c->txn = t;
	if (!s) {
		struct buf room = BUF_INIT;
		struct file_info info;
		s = own_upload(c, &room, &info, e);
		buf_free(&room);
	}
	if (!s && hash)
		s = file_hash(t, id, hash, e);
	c->txn = NULL;
	c->prepared = hash;
	txn_abort(&t);
	return s ? s : hash ? STATUS_OK : error_set(e, STATUS_INTERNAL, "out of memory");
}

static enum status finish(struct call *c, struct error *e)
{
	const uint8_t *hash = c->prepared;
	char hex[2 * FILE_HASH + 1];
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = own_upload(c, &room, &info, e);

	for (size_t i = 0; i < FILE_HASH; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	if (!s && !bytes_equal_str(call_arg(c, "sha256"), hex)) {
		error_set(e, STATUS_INVALID, "file arrived with another SHA-256: %s", hex);
		s = drop_and_refuse(c, info.id, "sha256", e);
	} else if (!s) {
		s = file_complete(c->txn, info.id, hash, c->now_ms, e);
	}
	buf_free(&room);
	return s;
}

static enum status cancel(struct call *c, struct error *e)
{
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = own_upload(c, &room, &info, e);

	if (!s)
		s = file_drop(c->txn, info.id, e);
	buf_free(&room);
	return s;
}

/* Reading */

static enum status reply_chunk(
	struct call *c, const struct file_value *v, uint64_t at, struct error *e)
{
	struct buf chunk = BUF_INIT;
	char hex[2 * FILE_HASH + 1] = "";
	enum status s = STATUS_OK;

	for (size_t i = 0; i < v->sha256.len && i < FILE_HASH; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", v->sha256.data[i]);
	if (at < v->size)
		s = file_chunk(c->txn, v->id, at, &chunk, e);
	if (!s)
		s = reply_number(c, "size", v->size, e);
	if (!s)
		s = reply_value(c, "sha256", bytes_str(hex), e);
	if (!s)
		s = reply_value(c, "name", v->name, e);
	c->reply->has_data = true;
	c->reply->data = pb_from(arena_copy(c->arena, buf_bytes(&chunk)));
	if (!s && chunk.len && !c->reply->data.data)
		s = error_set(e, STATUS_INVALID, "reply too large");
	buf_free(&chunk);
	return s;
}

static enum status read_value(struct target *t, const struct field *field,
	const struct stored *record, struct file_value *out, struct error *e)
{
	if (caller_masked(t->call->caller, t->entity, field, record->fields))
		return error_set(e, STATUS_DENIED, "%s must not be seen", field->name);
	if (!file_value_read(record_text(record->fields, field->tag), out))
		return error_set(e, STATUS_NOT_FOUND, "the %s has no file", t->entity->name);
	return STATUS_OK;
}

static enum status read_file(struct call *c, struct error *e)
{
	struct bytes offset = call_arg(c, "offset");
	const struct field *field;
	struct buf room = BUF_INIT;
	struct stored record;
	struct file_value v;
	struct target t;
	uint64_t id, at = 0;
	enum status s = target_open(c, &t, e);

	if (!s)
		s = file_field(&t, &field, e);
	if (!s && offset.len && !bytes_equal_str(offset, "0") &&
		(!call_arg_number(c, "offset", &at) || at % FILE_CHUNK))
		s = error_set(e, STATUS_USAGE, "offset is not a multiple of %u", FILE_CHUNK);
	if (!s)
		s = target_id(&t, 0, &id, e);
	if (!s)
		s = target_read(&t, id, &room, &record, e);
	if (!s)
		s = read_value(&t, field, &record, &v, e);
	if (!s)
		s = reply_chunk(c, &v, at, e);
	buf_free(&room);
	return s;
}

const struct op file_ops[] = {
	{ .name = "file.begin", .kind = OP_WRITE, .run = begin },
	{ .name = "file.append", .kind = OP_WRITE, .run = append },
	{ .name = "file.finish", .kind = OP_WRITE, .prepare = hash_upload, .run = finish },
	{ .name = "file.cancel", .kind = OP_WRITE, .run = cancel },
	{ .name = "file.read", .kind = OP_READ, .run = read_file },
	{ 0 },
};
