/* Transactions and raw rows: the only place where values are sealed and unsealed. */
#include "server/store/generation.h"

/*
 * The generation is taken before the snapshot, and is still current after it: so the snapshot has at most the commit that made the next
 * one, and no row that was written by that.
 */
static enum status meet_snapshot(struct txn *t, struct error *e)
{
	const struct engine_ops *ops = t->store->ops;
	enum status s = STATUS_OK;

	while (!s && !generation_is_current(t->generation)) {
		generation_give(&t->generation);
		t->generation = generation_take(t->store->generations);
		ops->reset(t->engine);
		t->snapshot = atomic_load(&t->store->commit);
		s = ops->renew(t->engine, e);
	}
	return s;
}

enum status txn_begin(struct store *s, bool write, struct txn **out, struct error *e)
{
	struct txn *t = calloc(1, sizeof(*t));

	if (!t)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	t->store = s;
	t->write = write;
	t->generation = generation_take(s->generations);
	t->snapshot = atomic_load(&s->commit);
	enum status status = s->ops->begin(s->engine, write, &t->engine, e);
	if (!status && !write)
		status = meet_snapshot(t, e);
	if (!status && write) {
		seal_nonce(t->nonce);
		status = log_open_tail(t, e);
	}
	if (status) {
		txn_abort(&t);
		return status;
	}
	*out = t;
	return STATUS_OK;
}

static void txn_release(struct txn **t)
{
	generation_give(&(*t)->generation);
	buf_free(&(*t)->sealed);
	buf_free(&(*t)->calc);
	free((*t)->next);
	free((*t)->postings.items);
	waiting_free(&(*t)->waiting);
	changed_free(&(*t)->changed);
	free(*t);
	*t = NULL;
}

void txn_abort(struct txn **t)
{
	if (!t || !*t)
		return;
	if ((*t)->engine)
		(*t)->store->ops->abort(&(*t)->engine);
	txn_release(t);
}

static enum status flush_next(struct txn *t, struct error *e)
{
	uint8_t value[8];

	for (size_t i = 0; i < t->nnext; i++) {
		if (!t->next[i].dirty)
			continue;
		struct key k = key_entity(t->next[i].entity);
		put_be64(value, t->next[i].next);
		enum status s = txn_put(t, SPACE_NEXT, key_bytes(&k), bytes_of(value, 8), e);
		if (s)
			return s;
	}
	return STATUS_OK;
}

static enum status next_generation(struct txn *t, struct generation **next, struct error *e)
{
	enum status s = generation_make(t, next, e);

	if (!s && !generation_room(t->store->generations))
		s = error_set(e, STATUS_BUSY, "too many changes of fields at once");
	if (s)
		generation_free(next);
	return s ? s : t->broken;
}

/* There is room: only this thread makes generations. */
static void publish(struct store *s, struct generation *next)
{
	atomic_store(&s->field_jobs, next->jobs);
	generation_publish(s->generations, next, NULL);
}

enum status txn_commit(struct txn **tp, struct error *e)
{
	struct txn *t = *tp;
	struct store *s = t->store;
	enum status status = t->broken;

	if (!status && t->waiting)
		status = waiting_write(t, e);
	if (!status && t->postings.n)
		status = search_store_postings(t, &t->postings, e);
	if (!status)
		status = flush_next(t, e);
	if (!status)
		status = t->broken;
	if (status) {
		if (status == t->broken)
			error_set(e, status, "a change failed half way: nothing was written");
		txn_abort(tp);
		return status;
	}
	uint64_t seq = t->log_seq;
	bool write = t->write;
	struct generation *next = NULL;
	status = t->fields_changed ? next_generation(t, &next, e) : STATUS_OK;
	if (status) {
		txn_abort(tp);
		return status;
	}
	status = s->ops->commit(&t->engine, e);
	if (status)
		generation_free(&next);
	if (next)
		publish(s, next);
	if (!status && write) {
		atomic_store(&s->last_seq, seq);
		commits_add(s, &t->changed);
		pending_committed(s, t->pend_used, t->pend_rows, t->pend_bytes);
	}
	txn_release(tp);
	return status;
}

void txn_reset(struct txn *t)
{
	t->store->ops->reset(t->engine);
}

enum status txn_renew(struct txn *t, struct error *e)
{
	t->broken = STATUS_OK;
	if (!generation_is_current(t->generation)) {
		generation_give(&t->generation);
		t->generation = generation_take(t->store->generations);
	}
	t->snapshot = atomic_load(&t->store->commit);
	enum status s = t->store->ops->renew(t->engine, e);
	return s ? s : meet_snapshot(t, e);
}

struct store *txn_store(struct txn *t)
{
	return t->store;
}

const struct schema *txn_schema(const struct txn *t)
{
	return t->generation->visible;
}

struct generation *txn_generation(const struct txn *t)
{
	return t->generation;
}

void txn_change_fields(struct txn *t)
{
	t->fields_changed = true;
}

bool txn_fields_changed(const struct txn *t)
{
	return t->fields_changed;
}

bool txn_wrote(const struct txn *t)
{
	return t->puts != t->mark;
}

void txn_mark(struct txn *t)
{
	t->mark = t->puts;
}

size_t txn_puts(const struct txn *t)
{
	return t->puts;
}

size_t txn_put_bytes(const struct txn *t)
{
	return t->put_bytes;
}

/* A call of the engine that failed may have left a half: the transaction is lost, whatever its user does next. */
static enum status break_on(struct txn *t, enum status status)
{
	if (status && status != STATUS_NOT_FOUND)
		t->broken = status;
	return status;
}

/* As txn_get, without copying; the value is sealed. */
static enum status txn_raw(
	struct txn *t, enum space s, struct bytes key, struct bytes *sealed, struct error *e)
{
	reads_note(t, s, key);
	return break_on(t, t->store->ops->get(t->engine, s, key, sealed, e));
}

bool txn_has(struct txn *t, enum space s, struct bytes key)
{
	struct bytes value;
	return txn_raw(t, s, key, &value, NULL) == STATUS_OK;
}

enum status txn_damaged(enum space s, struct bytes key, struct error *e)
{
	struct buf hex = BUF_INIT;

	for (size_t i = 0; i < key.len && i < 64; i++)
		buf_printf(&hex, "%02x", key.data[i]);
	error_reason(e, STATUS_INTERNAL, "damaged", "stored value is damaged: %s \"%s\"",
		space_names[s], buf_str(&hex));
	buf_free(&hex);
	return STATUS_INTERNAL;
}

/* Spaces whose values are ids: those stand readable in keys as well. */
static bool is_plain(enum space s)
{
	return s == SPACE_IDX || s == SPACE_OPER || s == SPACE_UNIQ;
}

enum status txn_open_value(struct txn *t, enum space s, struct bytes key, struct bytes stored,
	struct buf *value, struct error *e)
{
	if (is_plain(s)) {
		buf_clear(value);
		buf_add_bytes(value, stored);
		return STATUS_OK;
	}
	if (!unseal_value(t->store->sealer, s, key, stored, value))
		return txn_damaged(s, key, e);
	return STATUS_OK;
}

enum status txn_get(
	struct txn *t, enum space s, struct bytes key, struct buf *value, struct error *e)
{
	struct bytes stored;
	enum status status = txn_raw(t, s, key, &stored, e);

	return status ? status : txn_open_value(t, s, key, stored, value, e);
}

/* Blocks of lists are no news: each change of the list was. */
static void note_change(struct txn *t, enum space s, struct bytes key)
{
	if (s != SPACE_IDX)
		changed_note(t, s, key);
}

enum status txn_put(
	struct txn *t, enum space s, struct bytes key, struct bytes value, struct error *e)
{
	struct bytes sealed = is_plain(s) ? value : (struct bytes){ 0 };

	if (!t->write)
		return error_set(e, STATUS_INTERNAL, "write in a read transaction");
	if (value.len && !is_plain(s)) {
		seal_value(t->store->sealer, t->nonce, s, key, value, &t->sealed);
		sealed = buf_bytes(&t->sealed);
	}
	t->puts++;
	t->stamp++;
	t->put_bytes += key.len + sealed.len;
	note_change(t, s, key);
	return break_on(t, t->store->ops->put(t->engine, s, key, sealed, e));
}

enum status txn_del(struct txn *t, enum space s, struct bytes key, struct error *e)
{
	if (!t->write)
		return error_set(e, STATUS_INTERNAL, "write in a read transaction");
	t->puts++;
	t->stamp++;
	t->put_bytes += key.len;
	note_change(t, s, key);
	enum status status = break_on(t, t->store->ops->del(t->engine, s, key, e));
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static struct next_id *next_slot(struct txn *t, uint16_t entity)
{
	for (size_t i = 0; i < t->nnext; i++)
		if (t->next[i].entity == entity)
			return &t->next[i];
	return NULL;
}

enum status next_id_peek(struct txn *t, uint16_t entity, uint64_t *next, struct error *e)
{
	const struct next_id *slot = next_slot(t, entity);
	struct key k = key_entity(entity);
	struct buf value = BUF_INIT;

	if (slot) {
		*next = slot->next;
		return STATUS_OK;
	}
	*next = 1;
	enum status s = txn_get(t, SPACE_NEXT, key_bytes(&k), &value, e);
	if (!s && value.len == 8)
		*next = get_be64(value.data);
	else if (!s)
		s = txn_damaged(SPACE_NEXT, key_bytes(&k), e);
	buf_free(&value);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

enum status next_id_set(struct txn *t, uint16_t entity, uint64_t next, struct error *e)
{
	struct next_id *slot = next_slot(t, entity);

	if (!slot) {
		struct next_id *more = realloc(t->next, (t->nnext + 1) * sizeof(*more));
		if (!more)
			return error_set(e, STATUS_INTERNAL, "out of memory");
		t->next = more;
		slot = &t->next[t->nnext++];
		slot->entity = entity;
	}
	slot->next = next;
	slot->dirty = true;
	struct key k = key_entity(entity);
	changed_note(t, SPACE_NEXT, key_bytes(&k)); /* it is put when the transaction ends */
	return STATUS_OK;
}

enum status store_next_id(
	struct txn *t, const struct entity *entity, uint64_t *next, struct error *e)
{
	return next_id_peek(t, entity->number, next, e);
}
