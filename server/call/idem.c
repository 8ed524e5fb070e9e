/* Replies of writes that carried an idempotency key: the same request again gets the same reply and has no second effect. */
#include "server/call/box.h"
#include "server/server.h"

#define LAYOUT 1
#define HASH_LEN 16
#define VALUE_MAX (FRAME_MAX - 8192)
#define SWEEP_ROWS 200

struct kept {
	int64_t expiry_ms;
	struct bytes request; /* hash */
	struct bytes reply;
};

static bool kept_parse(struct bytes in, struct kept *out)
{
	uint8_t layout;
	uint64_t expiry;

	if (!take_u8(&in, &layout) || layout != LAYOUT || !take_u64(&in, &expiry) ||
		!take_bytes(&in, HASH_LEN, &out->request))
		return false;
	out->expiry_ms = (int64_t)expiry;
	out->reply = in;
	return true;
}

static void make_key(const struct call *c, struct buf *key)
{
	uint8_t hash[HASH_LEN];

	store_hash(
		c->server->store, "idempotency key", pb_bytes(c->request->idempotency_key), hash);
	buf_add_u64(key, c->caller->user);
	buf_add(key, hash, sizeof(hash));
}

/* Over everything that makes it the same request. */
static void hash_request(const struct call *c, uint8_t out[HASH_LEN])
{
	Guanxi__Request r = *c->request;
	struct buf packed = BUF_INIT;

	r.id = 0;
	r.has_deadline_ms = r.has_unordered = r.has_idempotency_key = false;
	buf_reserve(&packed, guanxi__request__get_packed_size(&r));
	packed.len = guanxi__request__pack(&r, packed.data);
	store_hash(c->server->store, "idempotent request", buf_bytes(&packed), out);
	buf_free(&packed);
}

static enum status same_reply(struct call *c, const struct kept *k, struct error *e)
{
	Guanxi__Reply *reply =
		guanxi__reply__unpack(arena_allocator(c->arena), k->reply.len, k->reply.data);

	if (!reply)
		return error_reason(e, STATUS_INTERNAL, "damaged", "kept reply is damaged");
	reply->id = c->request->id;
	c->reply = reply;
	return STATUS_OK;
}

enum status idem_find(struct call *c, bool *known, struct error *e)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	uint8_t hash[HASH_LEN];
	struct kept k;
	enum status st;

	*known = false;
	make_key(c, &key);
	st = txn_get(c->txn, SPACE_IDEM, buf_bytes(&key), &value, e);
	if (st == STATUS_NOT_FOUND || (st == STATUS_OK && kept_parse(buf_bytes(&value), &k) &&
					      k.expiry_ms <= c->now_ms)) {
		st = STATUS_OK;
	} else if (st == STATUS_OK) {
		hash_request(c, hash);
		*known = true;
		if (!kept_parse(buf_bytes(&value), &k))
			st = error_reason(e, STATUS_INTERNAL, "damaged", "kept reply is damaged");
		else if (!bytes_equal(k.request, bytes_of(hash, sizeof(hash))))
			st = error_reason(e, STATUS_CONFLICT, "idempotency_key",
				"idempotency key was used for another request");
		else
			st = same_reply(c, &k, e);
	}
	buf_free(&key);
	buf_free(&value);
	return st;
}

enum status idem_keep(struct call *c, struct error *e)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	uint8_t hash[HASH_LEN];
	Guanxi__Reply kept = *c->reply;
	enum status st;
	size_t size;

	/* the effect counts; a reply that fits no row is repeated without its records */
	if (guanxi__reply__get_packed_size(&kept) > VALUE_MAX)
		kept.n_record = kept.n_name = kept.n_row = 0;
	make_key(c, &key);
	hash_request(c, hash);
	buf_add_u8(&value, LAYOUT);
	buf_add_u64(&value, (uint64_t)(c->now_ms + IDEM_MS));
	buf_add(&value, hash, sizeof(hash));
	size = guanxi__reply__get_packed_size(&kept);
	buf_reserve(&value, size);
	value.len += guanxi__reply__pack(&kept, value.data + value.len);
	st = txn_put(c->txn, SPACE_IDEM, buf_bytes(&key), buf_bytes(&value), e);
	buf_free(&key);
	buf_free(&value);
	return st;
}

enum status idem_sweep(struct txn *t, int64_t now_ms, struct buf *at, struct error *e)
{
	struct walk *w = NULL;
	struct bytes key;
	struct buf value = BUF_INIT, gone = BUF_INIT;
	enum status st = walk_open(t, SPACE_IDEM, (struct bytes){ 0 }, &w, e);
	int seen = 0;

	if (st == STATUS_OK && at->len > 0)
		st = walk_seek(w, buf_bytes(at));
	while (st == STATUS_OK && seen < SWEEP_ROWS && walk_next(w, &key)) {
		struct kept k;

		seen++;
		buf_clear(at);
		buf_add_bytes(at, key);
		if (walk_value(w, &value, NULL) == STATUS_OK && kept_parse(buf_bytes(&value), &k) &&
			k.expiry_ms <= now_ms)
			buf_add(&gone, key.data, 8 + HASH_LEN);
	}
	if (seen < SWEEP_ROWS)
		buf_clear(at); /* from the start next time */
	walk_close(&w);
	for (size_t i = 0; st == STATUS_OK && i < gone.len; i += 8 + HASH_LEN)
		st = txn_del(t, SPACE_IDEM, bytes_of(gone.data + i, 8 + HASH_LEN), e);
	buf_free(&value);
	buf_free(&gone);
	return st;
}
