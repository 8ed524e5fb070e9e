/* The change log: entries of a fixed layout, chained by hash. */
#include "server/store/internal.h"

#include <sodium.h>

#define ENTRY_LEN 148
#define SALT_LEN 16
#define HIST_KEY 18
enum {
	AT_KIND = 1,
	AT_ENTITY = 2,
	AT_TIME = 4,
	AT_USER = 12,
	AT_SESSION = 20,
	AT_OPERATION = 28,
	AT_ID = 36,
	AT_VERSION = 44,
	AT_BODY = 52,
	AT_PREVIOUS = 84,
	AT_HASH = 116
};

static const char *const kind_names[] = {
	[LOG_ADD] = "add",
	[LOG_SET] = "set",
	[LOG_DELETE] = "delete",
	[LOG_RESTORE] = "restore",
	[LOG_UNDO] = "undo",
	[LOG_MERGE] = "merge",
	[LOG_FIRED] = "fired",
	[LOG_CLEARED] = "cleared",
	[LOG_LOGIN] = "login",
	[LOG_DENIED] = "denied",
	[LOG_EXPORT] = "export",
	[LOG_SYSTEM] = "system",
	[LOG_PURGE] = "purge",
};

const char *log_kind_name(enum log_kind kind)
{
	size_t n = sizeof(kind_names) / sizeof(kind_names[0]);

	return (size_t)kind < n && kind_names[kind] ? kind_names[kind] : "unknown";
}

bool log_kind_from_name(const char *name, enum log_kind *out)
{
	for (size_t i = LOG_ADD; i <= LOG_MERGE; i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*out = (enum log_kind)i;
			return true;
		}
	}
	return false;
}

static void hash_entry(const uint8_t *entry, uint64_t seq, uint8_t out[LOG_HASH])
{
	crypto_generichash_state state;
	uint8_t number[8];

	put_be64(number, seq);
	crypto_generichash_init(&state, NULL, 0, LOG_HASH);
	crypto_generichash_update(&state, entry, AT_HASH);
	crypto_generichash_update(&state, number, sizeof(number));
	crypto_generichash_final(&state, out, LOG_HASH);
}

void log_hash(struct bytes in, uint8_t out[LOG_HASH])
{
	crypto_generichash(out, LOG_HASH, in.data, in.len, NULL, 0);
}

/* The last entry's number and hash, from which the next goes on. */
enum status log_open_tail(struct txn *t, struct error *e)
{
	struct bytes none = { 0 }, key;
	struct buf entry = BUF_INIT;
	struct walk *w;
	enum status s = walk_open(t, SPACE_LOG, none, &w, e);

	if (s)
		return s;
	t->log_seq = 0;
	memset(t->log_hash, 0, LOG_HASH);
	if (walk_prev(w, &key)) {
		s = walk_value(w, &entry, e);
		if (!s && (key.len != 8 || entry.len != ENTRY_LEN))
			s = txn_damaged(SPACE_LOG, key, e);
		if (!s) {
			t->log_seq = get_be64(key.data);
			memcpy(t->log_hash, entry.data + AT_HASH, LOG_HASH);
		}
	} else if (t->broken) {
		s = error_reason(e, t->broken, "damaged", "log cannot be read");
	}
	walk_close(&w);
	buf_free(&entry);
	return s;
}

static void add_part(struct buf *out, struct bytes own, struct bytes authors)
{
	struct bytes part = own.len ? own : authors;

	if (part.len > UINT16_MAX)
		part.len = UINT16_MAX;
	buf_add_u16(out, (uint16_t)part.len);
	buf_add_bytes(out, part);
}

static void build_body(const struct author *author, const struct log_body *body, struct buf *out)
{
	uint8_t salt[SALT_LEN];

	randombytes_buf(salt, SALT_LEN);
	buf_add(out, salt, SALT_LEN);
	buf_add_u16(out, (uint16_t)body->ntags);
	for (size_t i = 0; i < body->ntags; i++)
		buf_add_u32(out, body->tags[i]);
	buf_add_u32(out, (uint32_t)body->before.len);
	buf_add_bytes(out, body->before);
	add_part(out, body->reason, author->reason);
	add_part(out, body->address, author->address);
	buf_add_u8(out, (uint8_t)body->after_hash.len);
	buf_add_bytes(out, body->after_hash);
}

static void build_entry(const struct txn *t, const struct log_entry *l, uint8_t out[ENTRY_LEN])
{
	memset(out, 0, ENTRY_LEN);
	out[0] = 1;
	out[AT_KIND] = (uint8_t)l->kind;
	put_be16(out + AT_ENTITY, l->entity);
	put_be64(out + AT_TIME, (uint64_t)l->time_ms);
	put_be64(out + AT_USER, l->user);
	put_be64(out + AT_SESSION, l->session);
	put_be64(out + AT_OPERATION, l->operation);
	put_be64(out + AT_ID, l->id);
	put_be64(out + AT_VERSION, l->version);
	memcpy(out + AT_PREVIOUS, t->log_hash, LOG_HASH);
}

static enum status put_body(struct txn *t, uint64_t seq, const struct author *author,
	const struct log_body *body, uint8_t hash[LOG_HASH], struct error *e)
{
	struct buf out = BUF_INIT;
	struct key k = key_number(seq);

	build_body(author, body, &out);
	log_hash(buf_bytes(&out), hash);
	enum status s = txn_put(t, SPACE_BODY, key_bytes(&k), buf_bytes(&out), e);
	buf_free(&out);
	return s;
}

/* The rows that find the entry by its record and by its operation. */
static enum status put_finders(struct txn *t, const struct log_entry *l, struct error *e)
{
	struct bytes none = { 0 };
	enum status s = STATUS_OK;

	if (l->entity && l->id) {
		struct key k = key_hist(l->entity, l->id, l->seq);
		s = txn_put(t, SPACE_HIST, key_bytes(&k), none, e);
	}
	if (!s && l->operation) {
		struct key k = key_number(l->operation);
		s = posting_add(t, SPACE_OPER, key_bytes(&k), l->seq, e);
	}
	return s;
}

enum status log_append(struct txn *t, const struct author *author, enum log_kind kind,
	const struct entity *entity, uint64_t id, uint64_t version, const struct log_body *body,
	uint64_t *seq, struct error *e)
{
	static const struct log_body empty;
	uint8_t entry[ENTRY_LEN];
	struct log_entry l = { .seq = t->log_seq + 1,
		.kind = kind,
		.entity = entity ? entity->number : 0,
		.time_ms = author->now_ms,
		.user = author->user,
		.session = author->session,
		.operation = author->operation,
		.id = id,
		.version = version };
	struct key k = key_number(l.seq);
	enum status s = STATUS_OK;

	build_entry(t, &l, entry);
	if (!body && (author->reason.len || author->address.len))
		body = &empty;
	if (body)
		s = put_body(t, l.seq, author, body, entry + AT_BODY, e);
	hash_entry(entry, l.seq, entry + AT_HASH);
	if (!s)
		s = txn_put(t, SPACE_LOG, key_bytes(&k), bytes_of(entry, ENTRY_LEN), e);
	if (!s)
		s = put_finders(t, &l, e);
	if (s)
		return s;
	t->log_seq = l.seq;
	memcpy(t->log_hash, entry + AT_HASH, LOG_HASH);
	if (seq)
		*seq = l.seq;
	return STATUS_OK;
}

bool log_entry_parse(uint64_t seq, struct bytes row, struct log_entry *out)
{
	if (row.len != ENTRY_LEN || row.data[0] != 1)
		return false;
	*out = (struct log_entry){ .seq = seq,
		.kind = (enum log_kind)row.data[AT_KIND],
		.entity = get_be16(row.data + AT_ENTITY),
		.time_ms = (int64_t)get_be64(row.data + AT_TIME),
		.user = get_be64(row.data + AT_USER),
		.session = get_be64(row.data + AT_SESSION),
		.operation = get_be64(row.data + AT_OPERATION),
		.id = get_be64(row.data + AT_ID),
		.version = get_be64(row.data + AT_VERSION) };
	return true;
}

/* Tags are big-endian and unaligned in the row: they are turned into numbers behind it. */
static bool parse_tags(struct bytes *in, struct buf *row, struct log_body *body)
{
	uint16_t n;
	uint32_t tag;
	size_t done = row->len - in->len;

	if (!take_u16(in, &n) || in->len < (size_t)n * 4)
		return false;
	body->ntags = n;
	if (!n)
		return true;
	done += 2;
	size_t at = (row->len + 3) & ~(size_t)3;
	buf_reserve(row, at - row->len + (size_t)n * 4);
	uint32_t *tags = (uint32_t *)(void *)(row->data + at);
	*in = bytes_of(row->data + done, in->len);
	for (size_t i = 0; i < n && take_u32(in, &tag); i++)
		tags[i] = tag;
	body->tags = tags;
	return true;
}

static bool take_part(struct bytes *in, struct bytes *out)
{
	uint16_t len;
	return take_u16(in, &len) && take_bytes(in, len, out);
}

/* The row grows by the tags. */
static bool log_body_parse(struct buf *row, struct log_body *body)
{
	struct bytes in = buf_bytes(row), salt;
	uint32_t len;
	uint8_t hash_len;

	*body = (struct log_body){ 0 };
	return take_bytes(&in, SALT_LEN, &salt) && parse_tags(&in, row, body) &&
	       take_u32(&in, &len) && take_bytes(&in, len, &body->before) &&
	       take_part(&in, &body->reason) && take_part(&in, &body->address) &&
	       take_u8(&in, &hash_len) && take_bytes(&in, hash_len, &body->after_hash) &&
	       in.len == 0;
}

enum status log_read(struct txn *t, uint64_t seq, struct log_entry *entry, struct buf *buf,
	struct log_body *body, struct error *e)
{
	struct key k = key_number(seq);
	struct log_entry l;
	enum status s = txn_get(t, SPACE_LOG, key_bytes(&k), buf, e);

	if (s == STATUS_NOT_FOUND)
		return error_set(e, s, "there is no log entry %llu", (unsigned long long)seq);
	if (s)
		return s;
	if (!log_entry_parse(seq, buf_bytes(buf), &l))
		return txn_damaged(SPACE_LOG, key_bytes(&k), e);
	if (entry)
		*entry = l;
	if (!body)
		return STATUS_OK;
	*body = (struct log_body){ 0 };
	s = txn_get(t, SPACE_BODY, key_bytes(&k), buf, e);
	if (s == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (!s && !log_body_parse(buf, body))
		s = txn_damaged(SPACE_BODY, key_bytes(&k), e);
	return s;
}

size_t log_of_record(struct txn *t, const struct entity *entity, uint64_t id, uint64_t before,
	uint64_t *seqs, size_t max)
{
	struct key prefix = key_record(entity->number, id);
	struct key from = key_hist(entity->number, id, before ? before : UINT64_MAX);
	struct bytes key;
	struct walk *w;
	size_t n = 0;

	if (walk_open(t, SPACE_HIST, key_bytes(&prefix), &w, NULL))
		return 0;
	walk_seek_back(w, key_bytes(&from));
	while (n < max && walk_prev(w, &key) && key.len == HIST_KEY)
		seqs[n++] = key_index_id(key);
	walk_close(&w);
	return n;
}

bool log_purged(struct txn *t, uint16_t entity, uint64_t id)
{
	const struct shape *sh = txn_shape(t, entity);
	struct buf room = BUF_INIT;
	struct log_entry l;
	uint64_t seq;
	bool purged = sh && log_of_record(t, sh->entity, id, 0, &seq, 1) &&
		      !log_read(t, seq, &l, &room, NULL, NULL) && l.kind == LOG_PURGE;

	buf_free(&room);
	return purged;
}

size_t log_of_operation(
	struct txn *t, uint64_t operation, uint64_t after, uint64_t *seqs, size_t max)
{
	struct key list = key_number(operation);

	return posting_ids(t, SPACE_OPER, key_bytes(&list), after, seqs, max);
}

size_t log_of_operation_back(
	struct txn *t, uint64_t operation, uint64_t before, uint64_t *seqs, size_t max)
{
	struct key list = key_number(operation);
	struct posting_walk *w;
	size_t n = 0;

	if (posting_open(t, SPACE_OPER, key_bytes(&list), &w, NULL))
		return 0;
	posting_seek(w, key_bytes(&list), before ? before : UINT64_MAX);
	while (n < max && posting_prev(w, &seqs[n]))
		n++;
	posting_close(&w);
	return n;
}

/* Whether an entry stands on the one before it and on its body. NULL, or what is wrong. */
static const char *entry_fault(
	struct txn *t, uint64_t seq, struct bytes row, const uint8_t *previous)
{
	static const uint8_t none[LOG_HASH];
	uint8_t hash[LOG_HASH];
	struct buf body = BUF_INIT;
	struct key k = key_number(seq);
	const char *fault = NULL;

	if (row.len != ENTRY_LEN || row.data[0] != 1)
		return "has no known layout";
	hash_entry(row.data, seq, hash);
	if (memcmp(hash, row.data + AT_HASH, LOG_HASH) != 0)
		return "does not match its hash";
	if (previous && memcmp(previous, row.data + AT_PREVIOUS, LOG_HASH) != 0)
		return "does not follow the entry before it";
	if (memcmp(row.data + AT_BODY, none, LOG_HASH) == 0)
		return txn_has(t, SPACE_BODY, key_bytes(&k)) ? "has a body that it does not name"
							     : NULL;
	enum status s = txn_get(t, SPACE_BODY, key_bytes(&k), &body, NULL);
	log_hash(buf_bytes(&body), hash);
	if (s)
		fault = s == STATUS_NOT_FOUND ? "has lost its body" : "has a damaged body";
	else if (memcmp(hash, row.data + AT_BODY, LOG_HASH) != 0)
		fault = "does not match its body";
	buf_free(&body);
	return fault;
}

/* The hash before the first entry to verify; false if it is not there to compare with. */
static bool previous_hash(struct txn *t, uint64_t from, uint8_t out[LOG_HASH])
{
	struct key k = key_number(from - 1);
	struct buf row = BUF_INIT;

	memset(out, 0, LOG_HASH);
	if (from <= 1)
		return true;
	bool found = txn_get(t, SPACE_LOG, key_bytes(&k), &row, NULL) == STATUS_OK &&
		     row.len == ENTRY_LEN;
	if (found)
		memcpy(out, row.data + AT_HASH, LOG_HASH);
	buf_free(&row);
	return found;
}

uint64_t log_verify(struct txn *t, uint64_t from, struct error *e)
{
	uint8_t previous[LOG_HASH];
	uint64_t seq = from ? from : 1, bad = 0;
	bool known = previous_hash(t, seq, previous);
	struct key start = key_number(seq);
	struct buf row = BUF_INIT;
	struct bytes none = { 0 }, key;
	struct walk *w;

	if (walk_open(t, SPACE_LOG, none, &w, e))
		return seq;
	walk_seek(w, key_bytes(&start));
	while (!bad && walk_next(w, &key)) {
		const char *fault = NULL;
		if (key.len != 8 || get_be64(key.data) != seq)
			fault = "is missing";
		else if (walk_value(w, &row, NULL))
			fault = "is damaged";
		else
			fault = entry_fault(t, seq, buf_bytes(&row), known ? previous : NULL);
		if (fault) {
			bad = seq;
			error_set(e, STATUS_INTERNAL, "log entry %llu %s", (unsigned long long)seq,
				fault);
			continue;
		}
		memcpy(previous, row.data + AT_HASH, LOG_HASH);
		known = true;
		seq++;
	}
	walk_close(&w);
	buf_free(&row);
	return bad;
}
