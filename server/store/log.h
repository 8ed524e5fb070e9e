/*
 * The change log: one order for everything that happened, hash-chained. It is history, undo, audit, feed and push.
 *
 * Layout of an entry (big-endian), version 1:
 *   0  u8   layout version, 1
 *   1  u8   kind (enum log_kind)
 *   2  u16  entity
 *   4  u64  time, milliseconds since 1970
 *  12  u64  user (0: the server)
 *  20  u64  session
 *  28  u64  operation
 *  36  u64  id
 *  44  u64  version after the change
 *  52  32   BLAKE2b-256 of the body (which starts with a random salt); zero when there is none
 *  84  32   hash of the entry before
 * 116  32   BLAKE2b-256 of bytes 0..115 and of the number of this entry (u64)
 * 148
 * Layout of a body: salt[16], u16 n + n x u32 changed tags, u32 length + before-image in wire form (changed fields only),
 *   u16 length + reason, u16 length + address, u8 length + BLAKE2b-256 of the entered fields after the change.
 */
#ifndef SERVER_STORE_LOG_H
#define SERVER_STORE_LOG_H

#include "server/store/store.h"

enum log_kind {
	LOG_ADD = 1,
	LOG_SET,
	LOG_DELETE,
	LOG_RESTORE,
	LOG_UNDO,
	LOG_MERGE,
	LOG_FIRED,   /* a reminder fired; id is the reminder's */
	LOG_CLEARED, /* a reminder was acknowledged or snoozed */
	LOG_LOGIN,
	LOG_DENIED,
	LOG_EXPORT,
	LOG_SYSTEM,
	LOG_PURGE, /* the record left the trash for good */
};
const char *log_kind_name(enum log_kind kind);
/* A change to a record, by a user or the server. */
static inline bool log_kind_is_change(enum log_kind kind)
{
	return kind >= LOG_ADD && kind <= LOG_MERGE;
}

struct log_entry {
	uint64_t seq;
	enum log_kind kind;
	uint16_t entity;
	int64_t time_ms;
	uint64_t user, session, operation, id, version;
};

struct log_body {
	const uint32_t *tags; /* changed */
	size_t ntags;
	struct bytes before; /* wire form, values before, of changed fields */
	struct bytes reason;
	struct bytes address;
	struct bytes after_hash; /* of a record's entered fields; set by store_put alone */
};

/* Appends an entry; *seq (may be NULL) becomes its number. body and entity may be NULL; reason and address are the author's unless body has its own. store_put does it for records. */
enum status log_append(struct txn *t, const struct author *author, enum log_kind kind,
	const struct entity *entity, uint64_t id, uint64_t version, const struct log_body *body,
	uint64_t *seq, struct error *e);
/* body may be NULL; its parts are valid as long as buf. */
enum status log_read(struct txn *t, uint64_t seq, struct log_entry *entry, struct buf *buf,
	struct log_body *body, struct error *e);
/* Entries of one record, newest first, before seq (0: from the newest). Returns how many. */
size_t log_of_record(struct txn *t, const struct entity *entity, uint64_t id, uint64_t before,
	uint64_t *seqs, size_t max);
/* Whether the record left the trash for good. */
bool log_purged(struct txn *t, uint16_t entity, uint64_t id);
/* Entries of one operation, ascending, after seq. */
size_t log_of_operation(
	struct txn *t, uint64_t operation, uint64_t after, uint64_t *seqs, size_t max);
/* The same, descending, before seq (0: from the newest). */
size_t log_of_operation_back(
	struct txn *t, uint64_t operation, uint64_t before, uint64_t *seqs, size_t max);
/* Verifies the chain from entry from on; 0 or the number of the first bad entry. */
uint64_t log_verify(struct txn *t, uint64_t from, struct error *e);

#endif
