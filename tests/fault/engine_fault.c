#include "tests/fault/engine_fault.h"

static struct {
	enum fault_kind kind;
	size_t at, calls;
	bool happened;
} plan;

static const struct engine_ops *const inner = &engine_lmdb;

void fault_arm(enum fault_kind kind, size_t at)
{
	plan.kind = kind;
	plan.at = at;
	plan.calls = 0;
	plan.happened = false;
}

bool fault_happened(void)
{
	return plan.happened;
}

/* Counts a call; true when it is the one that fails. */
static bool strikes(bool writes)
{
	bool concerned = plan.kind == FAULT_IO || (plan.kind == FAULT_FULL && writes);

	if (!concerned || plan.happened || ++plan.calls != plan.at)
		return false;
	plan.happened = true;
	return true;
}

static enum status fail(struct error *e)
{
	if (plan.kind == FAULT_FULL)
		return error_set(e, STATUS_STORAGE_FULL, "storage is full (injected)");
	return error_reason(e, STATUS_INTERNAL, "disk_failed", "disk failed (injected)");
}

static enum status fault_open(
	const char *path, uint64_t map_size, bool read_only, struct engine **out, struct error *e)
{
	return strikes(false) ? fail(e) : inner->open(path, map_size, read_only, out, e);
}

static void fault_close(struct engine **en)
{
	inner->close(en);
}

static enum status fault_begin(
	struct engine *en, bool write, struct engine_txn **out, struct error *e)
{
	return strikes(false) ? fail(e) : inner->begin(en, write, out, e);
}

static enum status fault_commit(struct engine_txn **t, struct error *e)
{
	if (!strikes(true))
		return inner->commit(t, e);
	inner->abort(t);
	if (plan.kind == FAULT_FULL)
		return fail(e);
	return error_reason(e, STATUS_OUTCOME_UNKNOWN, "disk_failed", "disk failed (injected)");
}

static void fault_abort(struct engine_txn **t)
{
	inner->abort(t);
}

static void fault_reset(struct engine_txn *t)
{
	inner->reset(t);
}

static enum status fault_renew(struct engine_txn *t, struct error *e)
{
	return strikes(false) ? fail(e) : inner->renew(t, e);
}

static enum status fault_get(
	struct engine_txn *t, enum space s, struct bytes key, struct bytes *value, struct error *e)
{
	return strikes(false) ? fail(e) : inner->get(t, s, key, value, e);
}

static enum status torn_put(
	struct engine_txn *t, enum space s, struct bytes key, struct bytes value, struct error *e)
{
	struct buf copy = BUF_INIT;

	plan.happened = true;
	buf_add_bytes(&copy, value);
	copy.data[copy.len / 2] ^= 1;
	enum status status = inner->put(t, s, key, buf_bytes(&copy), e);
	buf_free(&copy);
	return status;
}

static enum status fault_put(
	struct engine_txn *t, enum space s, struct bytes key, struct bytes value, struct error *e)
{
	if (plan.kind == FAULT_TORN && value.len && !plan.happened && ++plan.calls == plan.at)
		return torn_put(t, s, key, value, e);
	return strikes(true) ? fail(e) : inner->put(t, s, key, value, e);
}

static enum status fault_del(struct engine_txn *t, enum space s, struct bytes key, struct error *e)
{
	return strikes(true) ? fail(e) : inner->del(t, s, key, e);
}

static enum status fault_cursor(
	struct engine_txn *t, enum space s, struct engine_cursor **out, struct error *e)
{
	return strikes(false) ? fail(e) : inner->cursor(t, s, out, e);
}

static void fault_cursor_close(struct engine_cursor **c)
{
	inner->cursor_close(c);
}

static enum status fault_seek(
	struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v)
{
	return strikes(false) ? STATUS_INTERNAL : inner->seek(c, key, k, v);
}

static enum status fault_seek_before(
	struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v)
{
	return strikes(false) ? STATUS_INTERNAL : inner->seek_before(c, key, k, v);
}

static enum status fault_next(struct engine_cursor *c, struct bytes *k, struct bytes *v)
{
	return strikes(false) ? STATUS_INTERNAL : inner->next(c, k, v);
}

static enum status fault_prev(struct engine_cursor *c, struct bytes *k, struct bytes *v)
{
	return strikes(false) ? STATUS_INTERNAL : inner->prev(c, k, v);
}

static enum status fault_backup(struct engine *en, int fd, struct error *e)
{
	return strikes(false) ? fail(e) : inner->backup(en, fd, e);
}

static void fault_stat(struct engine *en, enum space s, uint64_t *used, uint64_t *map,
	uint64_t *entries, uint64_t *bytes)
{
	inner->stat(en, s, used, map, entries, bytes);
}

const struct engine_ops engine_fault = {
	.name = "lmdb",
	.open = fault_open,
	.close = fault_close,
	.begin = fault_begin,
	.commit = fault_commit,
	.abort = fault_abort,
	.reset = fault_reset,
	.renew = fault_renew,
	.get = fault_get,
	.put = fault_put,
	.del = fault_del,
	.cursor = fault_cursor,
	.cursor_close = fault_cursor_close,
	.seek = fault_seek,
	.seek_before = fault_seek_before,
	.next = fault_next,
	.prev = fault_prev,
	.backup = fault_backup,
	.stat = fault_stat,
};
