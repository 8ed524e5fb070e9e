#include "server/remind/inbox.h"
#include "common/clock.h"

#define INBOX_LAYOUT 1
#define INBOX_ROW 56

static void inbox_key(uint8_t key[16], uint64_t user, uint64_t seq)
{
	put_be64(key, user);
	put_be64(key + 8, seq);
}

static void inbox_pack(const struct inbox_row *row, struct buf *out)
{
	buf_add_u8(out, INBOX_LAYOUT);
	buf_add_u8(out, (uint8_t)row->kind);
	buf_add_u8(out, row->acknowledged);
	buf_add_u8(out, row->late);
	buf_add_u64(out, row->prev);
	buf_add_u64(out, row->reminder);
	buf_add_u64(out, (uint64_t)row->due_ms);
	buf_add_u64(out, (uint64_t)row->fired_ms);
	buf_add_u64(out, (uint64_t)row->fired_real_us);
	buf_add_u32(out, (uint32_t)row->occurrence);
	buf_add_u16(out, row->subject_entity);
	buf_add_u64(out, row->subject_id);
}

static bool inbox_unpack(struct bytes in, struct inbox_row *row)
{
	uint8_t layout, kind, acknowledged, late;
	uint64_t due, fired, real;
	uint32_t occurrence;
	bool whole = take_u8(&in, &layout) && take_u8(&in, &kind) && take_u8(&in, &acknowledged) &&
		     take_u8(&in, &late) && take_u64(&in, &row->prev) &&
		     take_u64(&in, &row->reminder) && take_u64(&in, &due) &&
		     take_u64(&in, &fired) && take_u64(&in, &real) && take_u32(&in, &occurrence) &&
		     take_u16(&in, &row->subject_entity) && take_u64(&in, &row->subject_id);

	if (!whole || layout != INBOX_LAYOUT)
		return false;
	row->kind = kind;
	row->acknowledged = acknowledged;
	row->late = late;
	row->due_ms = (int64_t)due;
	row->fired_ms = (int64_t)fired;
	row->fired_real_us = (int64_t)real;
	row->occurrence = (civil_date)occurrence;
	return true;
}

uint64_t inbox_last(struct txn *t, uint64_t user)
{
	uint8_t key[16];
	struct buf value = BUF_INIT;
	uint64_t last = 0;

	inbox_key(key, user, 0);
	if (txn_get(t, SPACE_INBOX, bytes_of(key, sizeof key), &value, NULL) == STATUS_OK &&
		value.len == 8)
		last = get_be64(value.data);
	buf_free(&value);
	return last;
}

static enum status inbox_write(
	struct txn *t, uint64_t user, const struct inbox_row *row, struct error *e)
{
	uint8_t key[16];
	struct buf value = BUF_INIT;
	enum status status;

	inbox_key(key, user, row->seq);
	inbox_pack(row, &value);
	status = txn_put(t, SPACE_INBOX, bytes_of(key, sizeof key), buf_bytes(&value), e);
	buf_free(&value);
	return status;
}

enum status inbox_put(struct txn *t, uint64_t user, struct inbox_row *row, struct error *e)
{
	uint8_t key[16], last[8];
	enum status status;

	row->prev = inbox_last(t, user);
	status = inbox_write(t, user, row, e);
	if (status)
		return status;
	inbox_key(key, user, 0);
	put_be64(last, row->seq);
	return txn_put(t, SPACE_INBOX, bytes_of(key, sizeof key), bytes_of(last, sizeof last), e);
}

size_t inbox_read(struct txn *t, uint64_t user, uint64_t after, bool unacknowledged_only,
	struct inbox_row *rows, size_t max)
{
	uint8_t key[16];
	struct walk *w = NULL;
	struct bytes k;
	struct buf value = BUF_INIT;
	size_t n = 0;

	inbox_key(key, user, after + 1);
	if (walk_open(t, SPACE_INBOX, bytes_of(key, 8), &w, NULL))
		return 0;
	walk_seek(w, bytes_of(key, sizeof key));
	while (n < max && walk_next(w, &k)) {
		struct inbox_row *row = &rows[n];
		row->seq = get_be64(k.data + 8);
		if (walk_value(w, &value, NULL) || !inbox_unpack(buf_bytes(&value), row))
			continue;
		if (!unacknowledged_only || (row->kind == INBOX_REMINDER && !row->acknowledged))
			n++;
	}
	walk_close(&w);
	buf_free(&value);
	return n;
}

uint64_t inbox_count_unacknowledged(struct txn *t)
{
	struct walk *w = NULL;
	struct bytes key;
	struct buf value = BUF_INIT;
	struct inbox_row row;
	uint64_t n = 0;

	if (walk_open(t, SPACE_INBOX, bytes_of("", 0), &w, NULL))
		return 0;
	while (walk_next(w, &key))
		n += !walk_value(w, &value, NULL) && inbox_unpack(buf_bytes(&value), &row) &&
		     row.kind == INBOX_REMINDER && !row.acknowledged;
	walk_close(&w);
	buf_free(&value);
	return n;
}

/* Rows that are done are kept only while a client could still be behind them. */
#define INBOX_KEEP_MS ((int64_t)30 * 24 * 3600 * 1000)

static enum status inbox_drop_or_mark(struct txn *t, uint64_t user, struct inbox_row *row,
	uint64_t reminder, int64_t now, struct error *e)
{
	bool done = row->acknowledged || row->kind == INBOX_CLEARED;

	if (done && row->fired_ms < now - INBOX_KEEP_MS) {
		uint8_t key[16];
		inbox_key(key, user, row->seq);
		return txn_del(t, SPACE_INBOX, bytes_of(key, sizeof key), e);
	}
	if (row->kind != INBOX_REMINDER || row->acknowledged || row->reminder != reminder)
		return STATUS_OK;
	row->acknowledged = true;
	return inbox_write(t, user, row, e);
}

enum status inbox_acknowledge(
	struct txn *t, uint64_t user, uint64_t reminder, uint64_t seq, int64_t now, struct error *e)
{
	struct inbox_row rows[64];
	struct inbox_row cleared = { .seq = seq,
		.kind = INBOX_CLEARED,
		.acknowledged = true,
		.reminder = reminder,
		.fired_ms = now,
		.due_ms = now };
	uint64_t after = 0;
	size_t n;

	while ((n = inbox_read(t, user, after, false, rows, 64)) > 0) {
		for (size_t i = 0; i < n; i++) {
			enum status status =
				inbox_drop_or_mark(t, user, &rows[i], reminder, now, e);
			if (status)
				return status;
		}
		after = rows[n - 1].seq;
	}
	cleared.fired_real_us = real_ms() * 1000;
	return inbox_put(t, user, &cleared, e);
}
