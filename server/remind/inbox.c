#include "server/remind/inbox.h"
#include "common/clock.h"

#define INBOX_LAYOUT 1
#define INBOX_ROW 56
#define OPEN_KEY 32
#define OPEN_ROWS 512
#define SWEEP_ROWS 4
#define LOOK_BACK 1000 /* rows */
#define SENT_KEY 32
#define SENT_KEEP_MS ((int64_t)90 * 24 * 3600 * 1000)
#define INBOX_KEEP_MS ((int64_t)30 * 24 * 3600 * 1000)

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

/* The row (user, 0): last number, and up to where what is done has been taken out. */
static void inbox_head(struct txn *t, uint64_t user, uint64_t *last, uint64_t *swept)
{
	uint8_t key[16];
	struct buf value = BUF_INIT;
	struct bytes in;

	inbox_key(key, user, 0);
	*last = *swept = 0;
	if (txn_get(t, SPACE_INBOX, bytes_of(key, sizeof key), &value, NULL) == STATUS_OK) {
		in = buf_bytes(&value);
		if (take_u64(&in, last))
			take_u64(&in, swept);
	}
	buf_free(&value);
}

uint64_t inbox_last(struct txn *t, uint64_t user)
{
	uint64_t last, swept;

	inbox_head(t, user, &last, &swept);
	return last;
}

uint64_t inbox_swept(struct txn *t, uint64_t user)
{
	uint64_t last, swept;

	inbox_head(t, user, &last, &swept);
	return swept;
}

static void open_key(uint8_t key[OPEN_KEY], uint64_t user, uint64_t reminder, uint64_t seq)
{
	put_be64(key, 0);
	put_be64(key + 8, user);
	put_be64(key + 16, reminder);
	put_be64(key + 24, seq);
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

/* Takes out a few of the oldest rows that are done: only a client away for longer misses them, and it is told. */
static enum status inbox_sweep(
	struct txn *t, uint64_t user, int64_t now, uint64_t *swept, struct error *e)
{
	struct inbox_row rows[SWEEP_ROWS];
	size_t n = inbox_read(t, user, *swept, false, rows, SWEEP_ROWS);
	enum status status = STATUS_OK;
	uint8_t key[16];

	for (size_t i = 0; i < n && !status && rows[i].fired_ms < now - INBOX_KEEP_MS; i++) {
		inbox_key(key, user, rows[i].seq);
		if (rows[i].acknowledged)
			status = txn_del(t, SPACE_INBOX, bytes_of(key, sizeof key), e);
		*swept = rows[i].seq;
	}
	return status;
}

enum status inbox_put(struct txn *t, uint64_t user, struct inbox_row *row, struct error *e)
{
	uint8_t key[16], open[OPEN_KEY], head[16];
	uint64_t swept;
	enum status status;

	inbox_head(t, user, &row->prev, &swept);
	status = inbox_write(t, user, row, e);
	if (!status && row->kind == INBOX_REMINDER && !row->acknowledged) {
		open_key(open, user, row->reminder, row->seq);
		status = txn_put(t, SPACE_INBOX, bytes_of(open, sizeof open), bytes_str("1"), e);
	}
	if (!status)
		status = inbox_sweep(t, user, row->fired_ms, &swept, e);
	if (status)
		return status;
	inbox_key(key, user, 0);
	put_be64(head, row->seq);
	put_be64(head + 8, swept);
	return txn_put(t, SPACE_INBOX, bytes_of(key, sizeof key), bytes_of(head, sizeof head), e);
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

static uint64_t count_open(struct txn *t, struct bytes prefix)
{
	struct walk *w = NULL;
	struct bytes key;
	uint64_t n = 0;

	if (walk_open(t, SPACE_INBOX, prefix, &w, NULL))
		return 0;
	while (walk_next(w, &key))
		n++;
	walk_close(&w);
	return n;
}

uint64_t inbox_count_unacknowledged(struct txn *t)
{
	uint8_t none[8] = { 0 };

	return count_open(t, bytes_of(none, sizeof none));
}

uint64_t inbox_count_of(struct txn *t, uint64_t user)
{
	uint8_t prefix[16] = { 0 };

	put_be64(prefix + 8, user);
	return count_open(t, bytes_of(prefix, sizeof prefix));
}

/* Rows from the end that are wanted, at most max of at most look. */
static size_t read_back(struct txn *t, uint64_t user, bool waiting_only, struct inbox_row *rows,
	size_t max, size_t look)
{
	uint8_t key[16];
	struct walk *w = NULL;
	struct bytes k;
	struct buf value = BUF_INIT;
	size_t n = 0;

	inbox_key(key, user, UINT64_MAX);
	if (walk_open(t, SPACE_INBOX, bytes_of(key, 8), &w, NULL))
		return 0;
	walk_seek_back(w, bytes_of(key, sizeof key));
	while (n < max && look-- && walk_prev(w, &k)) {
		rows[n].seq = get_be64(k.data + 8);
		if (rows[n].seq && !walk_value(w, &value, NULL) &&
			inbox_unpack(buf_bytes(&value), &rows[n]) &&
			rows[n].kind == INBOX_REMINDER && !(waiting_only && rows[n].acknowledged))
			n++;
	}
	walk_close(&w);
	buf_free(&value);
	return n;
}

bool inbox_latest(struct txn *t, uint64_t user, struct inbox_row *row)
{
	return read_back(t, user, false, row, 1, LOOK_BACK) == 1;
}

size_t inbox_waiting(struct txn *t, uint64_t user, struct inbox_row *rows, size_t max)
{
	return read_back(t, user, true, rows, max, SIZE_MAX);
}

/* The open rows of a reminder, ascending, at most max. */
static size_t inbox_open(
	struct txn *t, uint64_t user, uint64_t reminder, uint64_t *seqs, size_t max)
{
	uint8_t prefix[OPEN_KEY];
	struct walk *w = NULL;
	struct bytes key;
	size_t n = 0;

	open_key(prefix, user, reminder, 0);
	if (walk_open(t, SPACE_INBOX, bytes_of(prefix, OPEN_KEY - 8), &w, NULL))
		return 0;
	while (n < max && walk_next(w, &key) && key.len == OPEN_KEY)
		seqs[n++] = get_be64(key.data + 24);
	walk_close(&w);
	return n;
}

uint64_t inbox_newest(struct txn *t, uint64_t user, uint64_t reminder)
{
	uint64_t seqs[OPEN_ROWS];
	size_t n = inbox_open(t, user, reminder, seqs, OPEN_ROWS);

	return n ? seqs[n - 1] : 0;
}

/* Marks one row, or takes it out where the sweep has been already. */
static enum status inbox_done(struct txn *t, uint64_t user, uint64_t reminder, uint64_t seq,
	uint64_t swept, struct error *e)
{
	uint8_t key[16], open[OPEN_KEY];
	struct inbox_row row;
	enum status status;

	open_key(open, user, reminder, seq);
	status = txn_del(t, SPACE_INBOX, bytes_of(open, sizeof open), e);
	inbox_key(key, user, seq);
	if (!status && seq <= swept)
		return txn_del(t, SPACE_INBOX, bytes_of(key, sizeof key), e);
	if (status || inbox_read(t, user, seq - 1, false, &row, 1) != 1 || row.seq != seq)
		return status;
	row.acknowledged = true;
	return inbox_write(t, user, &row, e);
}

enum status inbox_acknowledge(
	struct txn *t, uint64_t user, uint64_t reminder, uint64_t seq, int64_t now, struct error *e)
{
	struct inbox_row cleared = { .seq = seq,
		.kind = INBOX_CLEARED,
		.acknowledged = true,
		.reminder = reminder,
		.fired_ms = now,
		.due_ms = now,
		.fired_real_us = real_ms() * 1000 };
	uint64_t seqs[OPEN_ROWS], last, swept;
	enum status status = STATUS_OK;
	size_t n;

	inbox_head(t, user, &last, &swept);
	while (!status && (n = inbox_open(t, user, reminder, seqs, OPEN_ROWS)) > 0)
		for (size_t i = 0; i < n && !status; i++)
			status = inbox_done(t, user, reminder, seqs[i], swept, e);
	return status ? status : inbox_put(t, user, &cleared, e);
}

static struct bytes lent_key(uint8_t key[24], uint64_t reminder, uint64_t user)
{
	put_be64(key, UINT64_MAX);
	put_be64(key + 8, reminder);
	put_be64(key + 16, user);
	return bytes_of(key, 24);
}

enum status inbox_lend(struct txn *t, uint64_t user, struct inbox_row *row, struct error *e)
{
	uint8_t key[24];
	enum status s = inbox_put(t, user, row, e);

	return s ? s
		 : txn_put(t, SPACE_INBOX, lent_key(key, row->reminder, user), bytes_str("1"), e);
}

size_t inbox_lent(struct txn *t, uint64_t reminder, uint64_t *users, size_t max)
{
	uint8_t prefix[24];
	struct walk *w = NULL;
	struct bytes key = lent_key(prefix, reminder, 0);
	size_t n = 0;

	if (walk_open(t, SPACE_INBOX, bytes_of(key.data, 16), &w, NULL))
		return 0;
	while (n < max && walk_next(w, &key) && key.len == sizeof prefix)
		users[n++] = get_be64(key.data + 16);
	walk_close(&w);
	return n;
}

enum status inbox_give_back(struct txn *t, uint64_t user, uint64_t reminder, struct error *e)
{
	uint8_t key[24];

	return txn_del(t, SPACE_INBOX, lent_key(key, reminder, user), e);
}

static struct bytes sent_key(uint8_t key[SENT_KEY], uint64_t user, uint64_t from, uint64_t session)
{
	put_be64(key, UINT64_MAX - 1);
	put_be64(key + 8, user);
	put_be64(key + 16, from);
	put_be64(key + 24, session);
	return bytes_of(key, SENT_KEY);
}

static bool sent_unpack(struct bytes key, struct bytes value, struct inbox_sent *out)
{
	if (key.len != SENT_KEY || value.len != 16)
		return false;
	*out = (struct inbox_sent){ .user = get_be64(key.data + 8),
		.from = get_be64(key.data + 16),
		.session = get_be64(key.data + 24),
		.to = get_be64(value.data),
		.at_ms = (int64_t)get_be64(value.data + 8) };
	return true;
}

/* Takes out a few of the user's oldest. */
static enum status sweep_sent(struct txn *t, uint64_t user, int64_t now, struct error *e)
{
	uint8_t keys[SWEEP_ROWS][SENT_KEY];
	struct walk *w = NULL;
	struct inbox_sent sent;
	struct buf value = BUF_INIT;
	struct bytes k = sent_key(keys[0], user, 0, 0);
	enum status s = walk_open(t, SPACE_INBOX, bytes_of(k.data, 16), &w, e);
	size_t n = 0;

	while (!s && n < SWEEP_ROWS && walk_next(w, &k) && !walk_value(w, &value, NULL) &&
		sent_unpack(k, buf_bytes(&value), &sent) && sent.at_ms < now - SENT_KEEP_MS)
		sent_key(keys[n++], user, sent.from, sent.session);
	walk_close(&w);
	for (size_t i = 0; i < n && !s; i++)
		s = txn_del(t, SPACE_INBOX, bytes_of(keys[i], SENT_KEY), e);
	buf_free(&value);
	return s;
}

enum status inbox_note_sent(
	struct txn *t, const struct inbox_sent *sent, size_t n, int64_t now, struct error *e)
{
	uint8_t key[SENT_KEY], value[16];
	enum status s = STATUS_OK;

	for (size_t i = 0; i < n && !s; i++) {
		put_be64(value, sent[i].to);
		put_be64(value + 8, (uint64_t)sent[i].at_ms);
		s = txn_put(t, SPACE_INBOX,
			sent_key(key, sent[i].user, sent[i].from, sent[i].session),
			bytes_of(value, sizeof value), e);
		if (!s)
			s = sweep_sent(t, sent[i].user, now, e);
	}
	return s;
}

size_t inbox_sent_of(
	struct txn *t, uint64_t user, uint64_t seq, struct inbox_sent *sent, size_t max)
{
	uint8_t prefix[SENT_KEY];
	struct walk *w = NULL;
	struct bytes k = sent_key(prefix, user, seq, UINT64_MAX);
	struct buf value = BUF_INIT;
	size_t n = 0;

	if (walk_open(t, SPACE_INBOX, bytes_of(k.data, 16), &w, NULL))
		return 0;
	walk_seek_back(w, bytes_of(prefix, SENT_KEY));
	for (int i = 0; i < LOOK_BACK && n < max && walk_prev(w, &k); i++)
		if (!walk_value(w, &value, NULL) && sent_unpack(k, buf_bytes(&value), &sent[n]) &&
			sent[n].to >= seq)
			n++;
	walk_close(&w);
	buf_free(&value);
	return n;
}
