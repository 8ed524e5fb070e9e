#include "server/store/file.h"
#include "server/store/internal.h"
#include <glib.h>

#define LAYOUT 1
#define NO_ENTITY 0xFFFEu /* files take their ids where entities do */
#define SWEEP_FILES 16

static struct key key_file(uint64_t id)
{
	return key_number(id);
}

static struct key key_chunk(uint64_t id, uint64_t offset)
{
	struct key k = key_number(id);

	put_be32(k.data + k.len, (uint32_t)(offset / FILE_CHUNK));
	k.len += 4;
	return k;
}

static struct key key_staged(uint64_t id)
{
	return key_pair(0, id);
}

/* The row of a file */

static bool info_parse(struct bytes in, struct file_info *out)
{
	uint8_t layout, state;
	struct bytes hash;

	if (!take_u8(&in, &layout) || layout != LAYOUT || !take_u8(&in, &state) ||
		state < FILE_STAGED || state > FILE_KEPT || !take_u64(&in, &out->user) ||
		!take_u16(&in, &out->entity) || !take_u64(&in, &out->limit) ||
		!take_u64(&in, &out->size) || !take_bytes(&in, FILE_HASH, &hash))
		return false;
	out->state = (enum file_state)state;
	memcpy(out->sha256, hash.data, FILE_HASH);
	out->name = in;
	return true;
}

enum status file_info_read(
	struct txn *t, uint64_t id, struct buf *room, struct file_info *out, struct error *e)
{
	struct key k = key_file(id);
	enum status s = id ? txn_get(t, SPACE_FILE, key_bytes(&k), room, e) : STATUS_NOT_FOUND;

	*out = (struct file_info){ .id = id };
	if (s == STATUS_NOT_FOUND)
		return error_set(e, s, "there is no file \"%llu\"", (unsigned long long)id);
	if (!s && !info_parse(buf_bytes(room), out))
		s = txn_damaged(SPACE_FILE, key_bytes(&k), e);
	return s;
}

static enum status info_write(struct txn *t, const struct file_info *info, struct error *e)
{
	struct key k = key_file(info->id);
	struct buf row = BUF_INIT;

	buf_add_u8(&row, LAYOUT);
	buf_add_u8(&row, (uint8_t)info->state);
	buf_add_u64(&row, info->user);
	buf_add_u16(&row, info->entity);
	buf_add_u64(&row, info->limit);
	buf_add_u64(&row, info->size);
	buf_add(&row, info->sha256, FILE_HASH);
	buf_add_bytes(&row, info->name);
	enum status s = txn_put(t, SPACE_FILE, key_bytes(&k), buf_bytes(&row), e);
	buf_free(&row);
	return s;
}

static enum status touch(struct txn *t, uint64_t id, int64_t now_ms, struct error *e)
{
	struct key k = key_staged(id);
	uint8_t value[8];

	put_be64(value, (uint64_t)now_ms);
	return txn_put(t, SPACE_FILE, key_bytes(&k), bytes_of(value, sizeof(value)), e);
}

/* Walking what is staged */

typedef bool staged_fn(void *arg, uint64_t id, int64_t touched_ms); /* false: enough */

static enum status each_staged(struct txn *t, staged_fn *fn, void *arg, struct error *e)
{
	struct key prefix = key_number(0);
	struct buf value = BUF_INIT;
	struct bytes key;
	struct walk *w = NULL;
	enum status s = walk_open(t, SPACE_FILE, key_bytes(&prefix), &w, e);
	bool more = !s;

	while (more && !s && walk_next(w, &key)) {
		s = walk_value(w, &value, e);
		if (!s && (key.len != 16 || value.len != 8))
			s = txn_damaged(SPACE_FILE, key, e);
		if (!s)
			more = fn(arg, get_be64(key.data + 8), (int64_t)get_be64(value.data));
	}
	walk_close(&w);
	buf_free(&value);
	return s;
}

struct counting {
	struct txn *t;
	struct buf room;
	uint64_t user;
	size_t n;
};

static bool count_staged(void *arg, uint64_t id, int64_t touched_ms)
{
	struct counting *c = arg;
	struct file_info info;

	if (!file_info_read(c->t, id, &c->room, &info, NULL))
		c->n += info.user == c->user;
	return true;
}

static enum status check_room(struct txn *t, uint64_t user, struct error *e)
{
	struct counting c = { .t = t, .user = user };
	enum status s = each_staged(t, count_staged, &c, e);

	buf_free(&c.room);
	if (!s && c.n >= FILE_STAGED_MAX)
		s = error_set(e, STATUS_BUSY, "%u uploads are open already", FILE_STAGED_MAX);
	return s;
}

struct finding {
	struct txn *t;
	struct buf room;
	uint64_t user, id;
	struct bytes sha256;
};

static bool find_staged(void *arg, uint64_t id, int64_t touched_ms)
{
	struct finding *f = arg;
	struct file_info info;

	if (!file_info_read(f->t, id, &f->room, &info, NULL) && info.state == FILE_COMPLETE &&
		info.user == f->user && bytes_equal(f->sha256, bytes_of(info.sha256, FILE_HASH)))
		f->id = id;
	return !f->id;
}

enum status file_find(
	struct txn *t, uint64_t user, struct bytes sha256, uint64_t *id, struct error *e)
{
	struct finding f = { .t = t, .user = user, .sha256 = sha256 };
	enum status s = each_staged(t, find_staged, &f, e);

	buf_free(&f.room);
	*id = f.id;
	return s || f.id ? s : STATUS_NOT_FOUND;
}

/* Uploading */

enum status file_begin(
	struct txn *t, const struct file_info *info, int64_t now_ms, uint64_t *id, struct error *e)
{
	struct file_info made = { .state = FILE_STAGED,
		.user = info->user,
		.entity = info->entity,
		.limit = info->limit,
		.name = info->name };
	enum status s = check_room(t, info->user, e);

	if (!s)
		s = next_id_peek(t, NO_ENTITY, &made.id, e);
	if (!s)
		s = next_id_set(t, NO_ENTITY, made.id + 1, e);
	if (!s)
		s = info_write(t, &made, e);
	if (!s)
		s = touch(t, made.id, now_ms, e);
	*id = made.id;
	return s;
}

enum status file_append(struct txn *t, uint64_t id, uint64_t offset, struct bytes chunk,
	int64_t now_ms, struct error *e)
{
	struct key k = key_chunk(id, offset);
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = file_info_read(t, id, &room, &info, e);

	if (!s && (info.state != FILE_STAGED || offset != info.size || offset % FILE_CHUNK))
		s = error_set(e, STATUS_CONFLICT, "file \"%llu\" does not go on at %llu",
			(unsigned long long)id, (unsigned long long)offset);
	else if (!s && (!chunk.len || chunk.len > FILE_CHUNK))
		s = error_set(e, STATUS_USAGE, "a part has 1 to %u bytes", FILE_CHUNK);
	else if (!s && chunk.len > info.limit - info.size)
		s = error_reason(e, STATUS_INVALID, "too_large", "file is larger than %llu MB",
			(unsigned long long)info.limit >> 20);
	if (!s)
		s = txn_put(t, SPACE_FILE, key_bytes(&k), chunk, e);
	if (!s) {
		info.size += chunk.len;
		s = info_write(t, &info, e);
	}
	if (!s)
		s = touch(t, id, now_ms, e);
	buf_free(&room);
	return s;
}

enum status file_chunk(
	struct txn *t, uint64_t id, uint64_t offset, struct buf *out, struct error *e)
{
	struct key k = key_chunk(id, offset);
	enum status s = txn_get(t, SPACE_FILE, key_bytes(&k), out, e);

	return s == STATUS_NOT_FOUND ? txn_damaged(SPACE_FILE, key_bytes(&k), e) : s;
}

static enum status hash_chunks(
	struct txn *t, const struct file_info *info, GChecksum *sum, struct error *e)
{
	struct buf chunk = BUF_INIT;
	enum status s = STATUS_OK;

	for (uint64_t at = 0; !s && at < info->size; at += FILE_CHUNK) {
		uint64_t want = MIN(info->size - at, FILE_CHUNK);
		struct key k = key_chunk(info->id, at);
		s = file_chunk(t, info->id, at, &chunk, e);
		if (!s && chunk.len != want)
			s = txn_damaged(SPACE_FILE, key_bytes(&k), e);
		if (!s)
			g_checksum_update(sum, chunk.data, (gssize)chunk.len);
	}
	buf_free(&chunk);
	return s;
}

enum status file_hash(struct txn *t, uint64_t id, uint8_t out[FILE_HASH], struct error *e)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	struct buf room = BUF_INIT;
	struct file_info info;
	gsize len = FILE_HASH;
	enum status s = file_info_read(t, id, &room, &info, e);

	if (!s)
		s = hash_chunks(t, &info, sum, e);
	g_checksum_get_digest(sum, out, &len);
	g_checksum_free(sum);
	buf_free(&room);
	return s;
}

enum status file_complete(
	struct txn *t, uint64_t id, const uint8_t hash[FILE_HASH], int64_t now_ms, struct error *e)
{
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = file_info_read(t, id, &room, &info, e);

	if (!s && info.state == FILE_STAGED) {
		info.state = FILE_COMPLETE;
		memcpy(info.sha256, hash, FILE_HASH);
		s = info_write(t, &info, e);
		if (!s)
			s = touch(t, id, now_ms, e);
	}
	buf_free(&room);
	return s;
}

enum status file_keep(struct txn *t, uint64_t id, struct error *e)
{
	struct key staged = key_staged(id);
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = file_info_read(t, id, &room, &info, e);

	if (!s && info.state == FILE_COMPLETE) {
		info.state = FILE_KEPT;
		s = info_write(t, &info, e);
		if (!s)
			s = txn_del(t, SPACE_FILE, key_bytes(&staged), e);
	}
	buf_free(&room);
	return s;
}

enum status file_drop(struct txn *t, uint64_t id, struct error *e)
{
	struct key row = key_file(id), staged = key_staged(id);
	struct buf room = BUF_INIT;
	struct file_info info;
	enum status s = file_info_read(t, id, &room, &info, e);

	for (uint64_t at = 0; !s && at < info.size; at += FILE_CHUNK) {
		struct key k = key_chunk(id, at);
		s = txn_del(t, SPACE_FILE, key_bytes(&k), e);
	}
	if (!s)
		s = txn_del(t, SPACE_FILE, key_bytes(&row), e);
	if (!s)
		s = txn_del(t, SPACE_FILE, key_bytes(&staged), e);
	buf_free(&room);
	return s;
}

struct sweep {
	int64_t before_ms;
	uint64_t ids[SWEEP_FILES];
	size_t n;
	bool more;
};

static bool sweep_one(void *arg, uint64_t id, int64_t touched_ms)
{
	struct sweep *w = arg;

	if (touched_ms >= w->before_ms)
		return true;
	if (w->n == SWEEP_FILES) {
		w->more = true;
		return false;
	}
	w->ids[w->n++] = id;
	return true;
}

enum status file_sweep(struct txn *t, int64_t before_ms, bool *more, struct error *e)
{
	struct sweep w = { .before_ms = before_ms };
	enum status s = each_staged(t, sweep_one, &w, e);

	for (size_t i = 0; !s && i < w.n; i++)
		s = file_drop(t, w.ids[i], e);
	*more = !s && w.more;
	return s;
}
