/* Rows of jobs, and the records of the entity operation that show them. */
#include "server/op/journal.h"
#include "common/record.h"
#include "server/model/model.h"
#include "server/server.h"

#define LAYOUT 2
#define LAYOUT_UNNAMED 1 /* before named */
#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { ROW_JOB, ROW_KEY, ROW_RUNNING, ROW_REFUSED, ROW_CLIENT };

const char *const job_kind_names[] = {
	[JOB_IMPORT] = "import",
	[JOB_UNDO] = "undo",
	[JOB_DELETE] = "delete",
	[JOB_RESTORE] = "restore",
	[JOB_SET] = "set",
	[JOB_MERGE] = "merge",
	[JOB_OFFBOARD] = "offboard",
};

const char *const job_state_names[] = {
	[JOB_RUNNING] = "running",
	[JOB_DONE] = "done",
	[JOB_PARTIAL] = "partial",
	[JOB_REFUSED] = "refused",
	[JOB_UNDONE] = "undone",
};

/* The numbers of a row in their order. */
static const size_t numbers[] = {
	offsetof(struct job, user),
	offsetof(struct job, session),
	offsetof(struct job, started_ms),
	offsetof(struct job, touched_ms),
	offsetof(struct job, finished_ms),
	offsetof(struct job, entity),
	offsetof(struct job, target),
	offsetof(struct job, phase),
	offsetof(struct job, at),
	offsetof(struct job, total),
	offsetof(struct job, done),
	offsetof(struct job, line),
	offsetof(struct job, added),
	offsetof(struct job, updated),
	offsetof(struct job, unchanged),
	offsetof(struct job, skipped),
	offsetof(struct job, rejected),
	offsetof(struct job, checked),
	offsetof(struct job, nnamed),
};
#define NNUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void row_key(struct buf *key, uint8_t kind, uint64_t number)
{
	buf_clear(key);
	buf_add_str(key, "job");
	buf_add_u8(key, kind);
	buf_add_u64(key, number);
}

static void add_text(struct buf *out, struct bytes text)
{
	buf_add_u32(out, (uint32_t)text.len);
	buf_add_bytes(out, text);
}

static bool take_text(struct bytes *in, struct bytes *text)
{
	uint32_t len;

	return take_u32(in, &len) && take_bytes(in, len, text);
}

static bool job_parse(struct bytes in, struct job *job)
{
	uint8_t layout, kind, state, refused;
	struct bytes key;

	if (!take_u8(&in, &layout) || (layout != LAYOUT && layout != LAYOUT_UNNAMED) ||
		!take_u8(&in, &kind) || !take_u8(&in, &state) || !take_u8(&in, &refused) ||
		!take_bytes(&in, JOB_KEY, &key) || !kind || kind > JOB_OFFBOARD || !state ||
		state > JOB_UNDONE)
		return false;
	job->kind = (enum job_kind)kind;
	job->state = (enum job_state)state;
	job->refused = (enum status)refused;
	memcpy(job->key, key.data, JOB_KEY);
	for (size_t i = 0; i < NNUMBERS; i++)
		if (!take_u64(&in, (uint64_t *)(void *)((char *)job + numbers[i])))
			return false;
	return take_text(&in, &job->reason) && take_text(&in, &job->address) &&
	       take_text(&in, &job->message) &&
	       (layout == LAYOUT_UNNAMED || take_text(&in, &job->named)) && in.len == 0 &&
	       job->nnamed <= job->named.len / 8;
}

enum status journal_read(
	struct txn *t, uint64_t operation, struct buf *room, struct job *out, struct error *e)
{
	struct buf key = BUF_INIT;
	enum status s;

	row_key(&key, ROW_JOB, operation);
	*out = (struct job){ .operation = operation };
	s = txn_get(t, SPACE_META, buf_bytes(&key), room, e);
	if (!s && !job_parse(buf_bytes(room), out))
		s = error_reason(e, STATUS_INTERNAL, "damaged",
			"journal of operation %llu is damaged", (unsigned long long)operation);
	buf_free(&key);
	return s;
}

static enum status job_put(struct txn *t, const struct job *job, struct error *e)
{
	struct buf key = BUF_INIT, row = BUF_INIT;
	enum status s;

	row_key(&key, ROW_JOB, job->operation);
	buf_add_u8(&row, LAYOUT);
	buf_add_u8(&row, (uint8_t)job->kind);
	buf_add_u8(&row, (uint8_t)job->state);
	buf_add_u8(&row, (uint8_t)job->refused);
	buf_add(&row, job->key, JOB_KEY);
	for (size_t i = 0; i < NNUMBERS; i++)
		buf_add_u64(
			&row, *(const uint64_t *)(const void *)((const char *)job + numbers[i]));
	add_text(&row, job->reason);
	add_text(&row, job->address);
	add_text(&row, job->message);
	add_text(&row, job->named);
	s = txn_put(t, SPACE_META, buf_bytes(&key), buf_bytes(&row), e);
	buf_free(&key);
	buf_free(&row);
	return s;
}

enum status journal_write(struct txn *t, const struct job *job, struct error *e)
{
	return job_put(t, job, e);
}

/* The record. */

static void add_signed(struct buf *out, const struct entity *en, const char *field, int64_t value)
{
	record_add_signed(out, entity_field_named(en, field)->tag, value);
}

void journal_fields(struct call *c, const struct job *job, const char *kind, struct buf *out)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_OPERATION);
	long days = lookup_setting_number(call_lookup(c), "undo.days");
	uint64_t state =
		lookup_entry(call_lookup(c), "operation_state", job_state_names[job->state]);
	struct bytes why = job->message.len ? job->message : job->reason;

	record_add_text(out, entity_field_named(en, "kind")->tag, bytes_str(kind));
	record_add_number(out, entity_field_named(en, "user")->tag, job->user);
	add_signed(out, en, "started_at", (int64_t)job->started_ms);
	if (job->finished_ms)
		add_signed(out, en, "finished_at", (int64_t)job->finished_ms);
	add_signed(out, en, "record_count",
		(int64_t)(job->kind == JOB_IMPORT ? job->added + job->updated : job->done));
	if (state)
		record_add_number(out, entity_field_named(en, "state")->tag, state);
	if (why.len)
		record_add_text(out, entity_field_named(en, "reason")->tag, why);
	if (job->state != JOB_REFUSED && job->state != JOB_UNDONE)
		add_signed(out, en, "undo_until", (int64_t)job->touched_ms + days * DAY_MS);
}

/* The entries of the operation itself are the changes that it made: the record that shows it is none of them. */
static enum status record_put(
	struct call *c, const struct job *job, const char *kind, struct error *e)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_OPERATION);
	struct author author = c->author;
	struct buf fields = BUF_INIT;
	uint64_t id = job->operation;
	enum status s;

	/* what an undo of one transaction was has no record */
	if (strcmp(kind, "add") != 0 && !store_visible(c->txn, &scope_all, en, id))
		return STATUS_OK;
	author.operation = 0;
	journal_fields(c, job, job_kind_names[job->kind], &fields);
	s = store_put(c->txn, &author, en, &id, kind, buf_bytes(&fields), NULL, e);
	buf_free(&fields);
	return s;
}

static void running_key(const struct job *job, struct buf *key)
{
	if (journal_by_server(job)) {
		row_key(key, ROW_RUNNING, job->operation);
		return;
	}
	row_key(key, ROW_KEY, job->user);
	buf_add(key, job->key, JOB_KEY);
}

/* The row that finds it while it is not finished. */
static enum status mark_running(struct txn *t, const struct job *job, bool running, struct error *e)
{
	static const uint8_t none[JOB_KEY];
	struct buf key = BUF_INIT;
	uint8_t number[8];
	enum status s;

	if (!journal_by_server(job) && !memcmp(job->key, none, JOB_KEY))
		return STATUS_OK;
	put_be64(number, job->operation);
	running_key(job, &key);
	s = running ? txn_put(t, SPACE_META, buf_bytes(&key), bytes_of(number, 8), e)
		    : txn_del(t, SPACE_META, buf_bytes(&key), e);
	buf_free(&key);
	return s;
}

/* The row that finds it until its client has come to the end. */
static enum status mark_open(struct txn *t, const struct job *job, bool open, struct error *e)
{
	struct buf key = BUF_INIT;
	uint8_t number[8];
	enum status s;

	if (journal_by_server(job))
		return STATUS_OK;
	put_be64(number, job->operation);
	row_key(&key, ROW_CLIENT, job->operation);
	s = open ? txn_put(t, SPACE_META, buf_bytes(&key), bytes_of(number, 8), e)
		 : txn_del(t, SPACE_META, buf_bytes(&key), e);
	buf_free(&key);
	return s;
}

/* Whose it is, and since when. */
static void job_own(struct call *c, struct job *job)
{
	job->operation = c->author.operation;
	job->user = c->author.user;
	job->session = c->author.session;
	job->started_ms = job->touched_ms = (uint64_t)c->now_ms;
	job->reason = c->author.reason;
	job->address = c->author.address;
}

enum status journal_note(struct call *c, struct job *job, struct error *e)
{
	job_own(c, job);
	job->state = JOB_DONE;
	job->finished_ms = job->started_ms;
	return job_put(c->txn, job, e);
}

enum status journal_begin(struct call *c, struct job *job, struct error *e)
{
	enum status s =
		c->author.operation ? STATUS_OK : store_operation(c->txn, &c->author.operation, e);

	job_own(c, job);
	job->state = JOB_RUNNING;
	if (!s)
		s = job_put(c->txn, job, e);
	if (!s)
		s = mark_running(c->txn, job, true, e);
	if (!s)
		s = mark_open(c->txn, job, true, e);
	return s ? s : record_put(c, job, "add", e);
}

enum status journal_bulk(
	struct call *c, struct job *job, const struct entity *entity, struct error *e)
{
	enum status s;

	job_own(c, job);
	job->state = JOB_PARTIAL;
	job->entity = entity->number;
	s = job_put(c->txn, job, e);
	if (!s)
		s = mark_open(c->txn, job, true, e);
	return s ? s : record_put(c, job, "add", e);
}

enum status journal_finish(struct call *c, struct job *job, enum job_state state, struct error *e)
{
	enum status s = STATUS_OK;

	if (job->state == JOB_RUNNING)
		s = mark_running(c->txn, job, false, e);
	job->state = state;
	if (!s && !job->finished_ms)
		s = mark_open(c->txn, job, false, e);
	if (!job->finished_ms)
		job->finished_ms = job->touched_ms = (uint64_t)c->now_ms;
	if (!s)
		s = job_put(c->txn, job, e);
	return s ? s : record_put(c, job, "set", e);
}

/* The first row of the kind after this operation. */
static bool next_row(struct txn *t, uint8_t kind, uint64_t after, uint64_t *operation)
{
	struct buf prefix = BUF_INIT, from = BUF_INIT;
	struct walk *w = NULL;
	struct bytes key;
	bool found = false;

	row_key(&from, kind, after + 1);
	buf_add(&prefix, from.data, from.len - 8);
	if (!walk_open(t, SPACE_META, buf_bytes(&prefix), &w, NULL)) {
		walk_seek(w, buf_bytes(&from));
		found = walk_next(w, &key) && key.len == from.len;
		if (found)
			*operation = get_be64(key.data + key.len - 8);
		walk_close(&w);
	}
	buf_free(&prefix);
	buf_free(&from);
	return found;
}

bool journal_running(struct txn *t, uint64_t after, uint64_t *operation)
{
	return next_row(t, ROW_RUNNING, after, operation);
}

/* When something was done in it last. */
static int64_t last_touched(struct txn *t, uint64_t operation)
{
	struct buf room = BUF_INIT;
	struct log_entry entry;
	struct job job;
	int64_t last = INT64_MAX;
	uint64_t seq;

	if (!journal_read(t, operation, &room, &job, NULL))
		last = (int64_t)job.touched_ms;
	if (log_of_operation_back(t, operation, 0, &seq, 1) &&
		!log_read(t, seq, &entry, &room, NULL, NULL) && entry.time_ms > last)
		last = entry.time_ms;
	buf_free(&room);
	return last;
}

bool journal_abandoned(struct txn *t, int64_t before_ms, uint64_t *operation)
{
	uint64_t after = 0;

	while (next_row(t, ROW_CLIENT, after, &after))
		if (last_touched(t, after) < before_ms) {
			*operation = after;
			return true;
		}
	return false;
}

uint64_t journal_import(struct txn *t, uint64_t user, const uint8_t key[JOB_KEY])
{
	struct job job = { .kind = JOB_IMPORT, .user = user };
	struct buf name = BUF_INIT, value = BUF_INIT;
	uint64_t operation = 0;

	memcpy(job.key, key, JOB_KEY);
	running_key(&job, &name);
	if (!txn_get(t, SPACE_META, buf_bytes(&name), &value, NULL) && value.len == 8)
		operation = get_be64(value.data);
	buf_free(&name);
	buf_free(&value);
	return operation;
}

/* Refused rows. */

enum status journal_refused(struct txn *t, uint64_t operation, uint64_t first,
	const Guanxi__Reply *rows, struct error *e)
{
	struct buf key = BUF_INIT, packed = BUF_INIT;
	enum status s;

	row_key(&key, ROW_REFUSED, operation);
	buf_add_u64(&key, first);
	buf_reserve(&packed, guanxi__reply__get_packed_size(rows));
	packed.len = guanxi__reply__pack(rows, packed.data);
	s = txn_put(t, SPACE_META, buf_bytes(&key), buf_bytes(&packed), e);
	buf_free(&key);
	buf_free(&packed);
	return s;
}

bool journal_refused_next(struct txn *t, uint64_t operation, uint64_t *first, struct buf *packed)
{
	struct buf prefix = BUF_INIT, from = BUF_INIT;
	struct walk *w = NULL;
	struct bytes key;
	bool found = false;

	row_key(&prefix, ROW_REFUSED, operation);
	buf_add_bytes(&from, buf_bytes(&prefix));
	buf_add_u64(&from, *first);
	if (!walk_open(t, SPACE_META, buf_bytes(&prefix), &w, NULL)) {
		walk_seek(w, buf_bytes(&from));
		found = walk_next(w, &key) && key.len == from.len && !walk_value(w, packed, NULL);
		if (found)
			*first = get_be64(key.data + key.len - 8);
		walk_close(&w);
	}
	buf_free(&prefix);
	buf_free(&from);
	return found;
}
