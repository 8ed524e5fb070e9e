/* Rows of the spaces due and plan, always changed together. */
#include "server/remind/plan.h"

#define DUE_KEY 22
#define PLAN_KEY 12
#define PLAN_ENTRY 10

static void due_key(const struct due_row *r, uint8_t key[DUE_KEY])
{
	put_be64(key, (uint64_t)r->instant);
	put_be16(key + 8, r->entity);
	put_be64(key + 10, r->id);
	put_be16(key + 18, r->tag);
	put_be16(key + 20, r->nth);
}

static void plan_key(uint16_t entity, uint64_t id, uint16_t tag, uint8_t key[PLAN_KEY])
{
	put_be16(key, entity);
	put_be64(key + 2, id);
	put_be16(key + 10, tag);
}

static void due_from_key(struct bytes key, struct due_row *r)
{
	r->instant = (int64_t)get_be64(key.data);
	r->entity = get_be16(key.data + 8);
	r->id = get_be64(key.data + 10);
	r->tag = get_be16(key.data + 18);
	r->nth = get_be16(key.data + 20);
}

bool due_reminds(const struct due_row *row)
{
	return row->tag != PLAN_DIGEST &&
	       !(row->tag > PLAN_TURN && row->tag < PLAN_TURN + TAG_CUSTOM);
}

static enum status due_put(struct txn *t, const struct due_row *r, struct error *e)
{
	uint8_t key[DUE_KEY], value[12];

	due_key(r, key);
	put_be32(value, (uint32_t)r->occurrence);
	put_be64(value + 4, r->user);
	return txn_put(t, SPACE_DUE, bytes_of(key, sizeof key), bytes_of(value, sizeof value), e);
}

static enum status due_del(struct txn *t, const struct due_row *r, struct error *e)
{
	uint8_t key[DUE_KEY];

	due_key(r, key);
	return txn_del(t, SPACE_DUE, bytes_of(key, sizeof key), e);
}

static bool due_value(struct bytes value, struct due_row *r)
{
	uint32_t occurrence;

	if (!take_u32(&value, &occurrence) || !take_u64(&value, &r->user))
		return false;
	r->occurrence = (civil_date)occurrence;
	return true;
}

static enum status plan_put(struct txn *t, uint16_t entity, uint64_t id, uint16_t tag,
	const struct due_row *rows, size_t n, struct error *e)
{
	uint8_t key[PLAN_KEY];
	struct buf value = BUF_INIT;
	enum status status;

	plan_key(entity, id, tag, key);
	if (n == 0)
		return txn_del(t, SPACE_PLAN, bytes_of(key, sizeof key), e);
	for (size_t i = 0; i < n; i++) {
		buf_add_u64(&value, (uint64_t)rows[i].instant);
		buf_add_u16(&value, rows[i].nth);
	}
	status = txn_put(t, SPACE_PLAN, bytes_of(key, sizeof key), buf_bytes(&value), e);
	buf_free(&value);
	return status;
}

size_t plan_read(
	struct txn *t, uint16_t entity, uint64_t id, uint16_t tag, struct due_row *rows, size_t max)
{
	uint8_t key[PLAN_KEY], due[DUE_KEY];
	struct buf value = BUF_INIT, row = BUF_INIT;
	struct bytes in;
	uint64_t instant;
	size_t n = 0;

	plan_key(entity, id, tag, key);
	if (txn_get(t, SPACE_PLAN, bytes_of(key, sizeof key), &value, NULL) == STATUS_OK) {
		in = buf_bytes(&value);
		while (n < max && take_u64(&in, &instant) && take_u16(&in, &rows[n].nth)) {
			struct due_row *r = &rows[n++];
			*r = (struct due_row){ (int64_t)instant, entity, id, tag, r->nth, 0, 0 };
			due_key(r, due);
			if (!txn_get(t, SPACE_DUE, bytes_of(due, sizeof due), &row, NULL))
				due_value(buf_bytes(&row), r);
		}
	}
	buf_free(&value);
	buf_free(&row);
	return n;
}

enum status plan_replace(struct txn *t, uint16_t entity, uint64_t id, uint16_t tag,
	const struct due_row *rows, size_t n, struct error *e)
{
	struct due_row old[PLAN_MAX];
	size_t nold = plan_read(t, entity, id, tag, old, PLAN_MAX);
	enum status status = STATUS_OK;

	if (n == 0 && nold == 0)
		return STATUS_OK;
	for (size_t i = 0; i < nold && !status; i++)
		status = due_del(t, &old[i], e);
	for (size_t i = 0; i < n && !status; i++)
		status = due_put(t, &rows[i], e);
	return status ? status : plan_put(t, entity, id, tag, rows, n, e);
}

enum status plan_advance(
	struct txn *t, const struct due_row *fired, const struct due_row *next, struct error *e)
{
	struct due_row rows[PLAN_MAX + 1];
	size_t n = plan_read(t, fired->entity, fired->id, fired->tag, rows, PLAN_MAX), kept = 0;
	enum status status = due_del(t, fired, e);

	for (size_t i = 0; i < n; i++)
		if (rows[i].instant != fired->instant || rows[i].nth != fired->nth)
			rows[kept++] = rows[i];
	if (next) {
		rows[kept++] = *next;
		if (!status)
			status = due_put(t, next, e);
	}
	if (status)
		return status;
	return plan_put(t, fired->entity, fired->id, fired->tag, rows, kept, e);
}

size_t due_read(
	struct txn *t, int64_t until, const struct due_row *after, struct due_row *rows, size_t max)
{
	uint8_t key[DUE_KEY + 1] = { 0 };
	struct walk *w = NULL;
	struct bytes k;
	struct buf value = BUF_INIT;
	size_t n = 0;

	if (walk_open(t, SPACE_DUE, bytes_of("", 0), &w, NULL))
		return 0;
	if (after)
		due_key(after, key); /* the byte behind it makes it the key just after */
	walk_seek(w, bytes_of(key, after ? sizeof key : 1));
	while (n < max && walk_next(w, &k) && k.len == DUE_KEY) {
		due_from_key(k, &rows[n]);
		if (rows[n].instant > until)
			break;
		if (!walk_value(w, &value, NULL) && due_value(buf_bytes(&value), &rows[n]))
			n++;
	}
	walk_close(&w);
	buf_free(&value);
	return n;
}
