#include "server/remind/mail.h"
#include "common/text.h"
#include "server/model/computed.h"
#include "server/model/lookup.h"
#include "server/remind/inbox.h"

#define LAYOUT 1
#define LINES_MAX 100
#define FIRST_WAIT_MS (60 * 1000)
#define LONGEST_WAIT_MS (60 * 60 * 1000)
#define TITLE_COLUMNS 100
#define ERROR_COLUMNS 150

static struct bytes key_of(uint8_t key[8], uint64_t number)
{
	put_be64(key, number);
	return bytes_of(key, 8);
}

static struct bytes key_of_user(uint8_t key[16], uint64_t user)
{
	put_be64(key, 0);
	put_be64(key + 8, user);
	return bytes_of(key, 16);
}

static void head_read(struct txn *t, uint64_t *last, int64_t *sent)
{
	uint8_t key[8];
	struct buf value = BUF_INIT;

	*last = 0;
	*sent = 0;
	if (!txn_get(t, SPACE_OUTBOX, key_of(key, 0), &value, NULL) && value.len == 16) {
		*last = get_be64(value.data);
		*sent = (int64_t)get_be64(value.data + 8);
	}
	buf_free(&value);
}

static enum status head_write(struct txn *t, uint64_t last, int64_t sent, struct error *e)
{
	uint8_t key[8], value[16];

	put_be64(value, last);
	put_be64(value + 8, (uint64_t)sent);
	return txn_put(t, SPACE_OUTBOX, key_of(key, 0), bytes_of(value, sizeof value), e);
}

static void add_short(struct buf *out, struct bytes text)
{
	buf_add_u16(out, (uint16_t)text.len);
	buf_add_bytes(out, text);
}

static enum status mail_write(struct txn *t, const struct mail *m, struct error *e)
{
	uint8_t key[8];
	struct buf value = BUF_INIT;
	enum status s;

	buf_add_u8(&value, LAYOUT);
	buf_add_u64(&value, m->user);
	buf_add_u64(&value, (uint64_t)m->created_ms);
	buf_add_u64(&value, (uint64_t)m->next_try_ms);
	buf_add_u32(&value, m->attempts);
	buf_add_u64(&value, m->from_seq);
	buf_add_u64(&value, m->to_seq);
	add_short(&value, m->recipient);
	add_short(&value, m->subject);
	buf_add_u32(&value, (uint32_t)m->body.len);
	buf_add_bytes(&value, m->body);
	add_short(&value, m->error);
	s = txn_put(t, SPACE_OUTBOX, key_of(key, m->number), buf_bytes(&value), e);
	buf_free(&value);
	return s;
}

static bool take_text(struct bytes *in, size_t len, struct bytes *out)
{
	if (in->len < len)
		return false;
	*out = bytes_of(in->data, len);
	*in = bytes_of(in->data + len, in->len - len);
	return true;
}

static bool take_short(struct bytes *in, struct bytes *out)
{
	uint16_t len;

	return take_u16(in, &len) && take_text(in, len, out);
}

static bool mail_unpack(uint64_t number, struct bytes in, struct mail *m)
{
	uint8_t layout;
	uint64_t created, next;
	uint32_t length;
	bool whole = take_u8(&in, &layout) && layout == LAYOUT && take_u64(&in, &m->user) &&
		     take_u64(&in, &created) && take_u64(&in, &next) &&
		     take_u32(&in, &m->attempts) && take_u64(&in, &m->from_seq) &&
		     take_u64(&in, &m->to_seq) && take_short(&in, &m->recipient) &&
		     take_short(&in, &m->subject) && take_u32(&in, &length) &&
		     take_text(&in, length, &m->body) && take_short(&in, &m->error);

	if (!whole)
		return false;
	m->number = number;
	m->created_ms = (int64_t)created;
	m->next_try_ms = (int64_t)next;
	return true;
}

/* Takes out what waits for the user: the newer one says all that it said and is still so. */
static enum status replace(struct txn *t, uint64_t user, struct error *e)
{
	uint8_t key[16], old[8];
	struct buf value = BUF_INIT;
	enum status s = STATUS_OK;

	if (!txn_get(t, SPACE_OUTBOX, key_of_user(key, user), &value, NULL) && value.len == 8)
		s = txn_del(t, SPACE_OUTBOX, key_of(old, get_be64(value.data)), e);
	buf_free(&value);
	return s;
}

static enum status mail_add(struct txn *t, struct mail *m, struct error *e)
{
	uint8_t key[16], number[8];
	uint64_t last;
	int64_t sent;
	enum status s = replace(t, m->user, e);

	head_read(t, &last, &sent);
	m->number = last + 1;
	if (!s)
		s = head_write(t, m->number, sent, e);
	if (!s)
		s = mail_write(t, m, e);
	return s ? s
		 : txn_put(t, SPACE_OUTBOX, key_of_user(key, m->user), key_of(number, m->number),
			   e);
}

/* HH:MM of the setting; it was checked when it was entered. */
static int digest_minute(struct lookup *l)
{
	struct bytes text = lookup_setting(l, "mail.digest_at");

	if (text.len != 5)
		return 9 * 60 + 15;
	return ((text.data[0] - '0') * 10 + text.data[1] - '0') * 60 + (text.data[3] - '0') * 10 +
	       text.data[4] - '0';
}

static bool mail_on(struct lookup *l)
{
	return lookup_setting(l, "mail.server").len > 0 && lookup_setting(l, "mail.from").len > 0;
}

enum status mail_note(
	struct txn *t, struct lookup *l, uint64_t user, int64_t now, bool soon, struct error *e)
{
	struct due_row row = {
		.entity = ENTITY_USER, .id = user, .tag = PLAN_DIGEST, .user = user
	};
	struct due_row old;
	const struct zone *zone;
	civil_date today;

	if (!user || !mail_on(l))
		return STATUS_OK;
	if (plan_read(t, ENTITY_USER, user, PLAN_DIGEST, &old, 1) && (!soon || old.instant <= now))
		return STATUS_OK;
	zone = user_zone(t, user);
	today = zone_date(zone, now);
	row.instant = soon ? now : zone_instant(zone, today, digest_minute(l));
	if (row.instant < now)
		row.instant = zone_instant(zone, date_add_days(today, 1), digest_minute(l));
	return plan_replace(t, ENTITY_USER, user, PLAN_DIGEST, &row, 1, e);
}

/* The making of one digest. */
struct digest {
	struct txn *t;
	struct lookup *l;
	const struct zone *zone;
	bool chinese;
	uint64_t all; /* what waits */
	struct mail mail;
	struct buf subject, body, recipient;
};

static void add_line(struct digest *d, const struct inbox_row *row)
{
	const struct entity *en = lookup_entity(d->l, ENTITY_REMINDER);
	struct buf room = BUF_INIT;
	struct stored s;

	if (read_live(d->t, en, row->reminder, &room, &s)) {
		struct bytes title = model_text(en, s.fields, "title");
		zone_format(d->zone, row->due_ms, &d->body);
		buf_add_str(&d->body, "  ");
		text_add_safe(&d->body, text_cut(title, TITLE_COLUMNS));
		buf_printf(&d->body, "  #%llu%s\n", (unsigned long long)row->reminder,
			!row->late   ? ""
			: d->chinese ? "  (迟到)"
				     : "  (late)");
	}
	buf_free(&room);
}

static void add_texts(struct digest *d, const struct inbox_row *rows, size_t n)
{
	buf_printf(&d->subject,
		d->chinese ? "关系客户系统:%llu 条提醒待处理" : "guanxi: %llu reminders wait",
		(unsigned long long)d->all);
	for (size_t i = 0; i < n; i++)
		add_line(d, &rows[i]);
	if (d->all > n)
		buf_printf(&d->body,
			d->chinese ? "还有 %llu 条:guanxi today\n"
				   : "and %llu more: guanxi today\n",
			(unsigned long long)(d->all - n));
}

/* Whom it goes to; false: nobody, for want of an address or because the user cannot log in any more. */
static bool read_user(struct digest *d, uint64_t user)
{
	const struct entity *en = lookup_entity(d->l, ENTITY_USER);
	struct buf room = BUF_INIT;
	struct stored s;
	bool good = read_live(d->t, en, user, &room, &s) &&
		    model_number(en, s.fields, "state") == entry_id(d->t, "user_state.active");

	if (good) {
		buf_add_bytes(&d->recipient, model_text(en, s.fields, "email"));
		d->chinese = !bytes_equal_str(model_text(en, s.fields, "language"), "en");
	}
	buf_free(&room);
	return good && d->recipient.len > 0;
}

static enum status digest_write(struct digest *d, uint64_t user, int64_t now, struct error *e)
{
	struct inbox_row *rows = arena_calloc(lookup_arena(d->l), LINES_MAX, sizeof *rows);
	size_t n = rows ? inbox_waiting(d->t, user, rows, LINES_MAX) : 0;

	if (!n || !read_user(d, user))
		return STATUS_OK;
	d->all = inbox_count_of(d->t, user);
	add_texts(d, rows, n);
	d->mail = (struct mail){ .user = user,
		.created_ms = now,
		.next_try_ms = now,
		.from_seq = rows[n - 1].seq,
		.to_seq = rows[0].seq,
		.recipient = buf_bytes(&d->recipient),
		.subject = buf_bytes(&d->subject),
		.body = buf_bytes(&d->body) };
	return mail_add(d->t, &d->mail, e);
}

enum status mail_digest(
	struct call *c, struct lookup *l, const struct due_row *row, struct error *e)
{
	struct digest d = { .t = c->txn, .l = l, .zone = user_zone(c->txn, row->id) };
	enum status s = plan_advance(c->txn, row, NULL, e);

	if (!s && mail_on(l))
		s = digest_write(&d, row->id, c->now_ms, e);
	buf_free(&d.subject);
	buf_free(&d.body);
	buf_free(&d.recipient);
	return s;
}

enum status mail_next(struct txn *t, uint64_t after, int64_t now, struct buf *room,
	struct mail *out, struct error *e)
{
	uint8_t from[8];
	struct walk *w = NULL;
	struct bytes key;
	enum status s = walk_open(t, SPACE_OUTBOX, bytes_of("", 0), &w, e);
	bool found = false;

	if (s)
		return s;
	walk_seek(w, key_of(from, after + 1));
	while (!s && !found && walk_next(w, &key)) {
		if (key.len != 8)
			continue;
		s = walk_value(w, room, e);
		found = !s && mail_unpack(get_be64(key.data), buf_bytes(room), out) &&
			out->next_try_ms <= now;
	}
	walk_close(&w);
	return s ? s : found ? STATUS_OK : STATUS_NOT_FOUND;
}

/* A minute, then twice as long each time, up to an hour. */
static int64_t wait_after(uint32_t attempts)
{
	int64_t wait = FIRST_WAIT_MS;

	while (attempts-- > 1 && wait < LONGEST_WAIT_MS)
		wait *= 2;
	return wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
}

static enum status mail_sent(struct txn *t, const struct mail *m, int64_t now, struct error *e)
{
	const struct inbox_sent sent = { m->user, 0, m->from_seq, m->to_seq, now };
	uint8_t key[16], number[8];
	uint64_t last;
	int64_t before;
	enum status s = inbox_note_sent(t, &sent, 1, now, e);

	head_read(t, &last, &before);
	if (!s)
		s = head_write(t, last, now, e);
	if (!s)
		s = txn_del(t, SPACE_OUTBOX, key_of(number, m->number), e);
	return s ? s : txn_del(t, SPACE_OUTBOX, key_of_user(key, m->user), e);
}

enum status mail_done(
	struct txn *t, uint64_t number, struct bytes error, int64_t now, struct error *e)
{
	uint8_t key[8];
	struct buf value = BUF_INIT;
	struct mail m;
	enum status s = STATUS_OK;

	if (!number || txn_get(t, SPACE_OUTBOX, key_of(key, number), &value, NULL) ||
		!mail_unpack(number, buf_bytes(&value), &m)) {
		buf_free(&value);
		return STATUS_OK;
	}
	if (!error.len) {
		s = mail_sent(t, &m, now, e);
	} else {
		m.attempts++;
		m.next_try_ms = now + wait_after(m.attempts);
		m.error = text_cut(error, ERROR_COLUMNS);
		s = mail_write(t, &m, e);
	}
	buf_free(&value);
	return s;
}

struct mail_state mail_state(struct txn *t)
{
	struct mail_state out = { 0 };
	struct buf room = BUF_INIT;
	struct mail m = { 0 };
	uint64_t last;

	head_read(t, &last, &out.last_sent_ms);
	while (mail_next(t, m.number, INT64_MAX, &room, &m, NULL) == STATUS_OK) {
		out.waiting++;
		out.tried += m.attempts > 0;
		if (!out.oldest_ms || m.created_ms < out.oldest_ms)
			out.oldest_ms = m.created_ms;
		if (m.attempts > out.attempts) {
			out.attempts = m.attempts;
			snprintf(out.error, sizeof out.error, "%.*s", (int)m.error.len,
				m.error.len ? (const char *)m.error.data : "");
		}
	}
	buf_free(&room);
	return out;
}
