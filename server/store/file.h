/*
 * Files: bytes that are too long for a record, in chunks of their own. An upload is staged until a record names it; what stays staged
 * is dropped. The records themselves hold what common/type_file.h describes.
 *
 * Rows of the space file (integers big-endian):
 *   id u64                    layout u8 | state u8 | user u64 | entity u16 | limit u64 | size u64 | sha256[32] | name
 *   id u64 | chunk u32        bytes: FILE_CHUNK of each chunk but the last
 *   0 u64 | id u64            staged or complete, not kept yet: touched u64 (business time, ms)
 */
#ifndef SERVER_STORE_FILE_H
#define SERVER_STORE_FILE_H

#include "common/type_file.h"
#include "server/store/store.h"

#define FILE_CHUNK (192u * 1024)
#define FILE_STAGED_MS                                                                             \
	(INT64_C(3600) * 1000) /* a staged one that nobody touched for so long goes */
#define FILE_STAGED_MAX 16     /* of one user */

enum file_state {
	FILE_STAGED = 1,
	FILE_COMPLETE, /* its hash is verified */
	FILE_KEPT,     /* a record names it or has named it */
};

struct file_info {
	uint64_t id;
	enum file_state state;
	uint64_t user;
	uint16_t entity;
	uint64_t limit, size; /* bytes; size: as many as are there */
	uint8_t sha256[FILE_HASH];
	struct bytes name; /* in the buf it was read into */
};

/* STATUS_NOT_FOUND fills e. */
enum status file_info_read(
	struct txn *t, uint64_t id, struct buf *room, struct file_info *out, struct error *e);
/* A new staged file; user, entity, limit and name of info count. STATUS_BUSY when the user has FILE_STAGED_MAX already. */
enum status file_begin(
	struct txn *t, const struct file_info *info, int64_t now_ms, uint64_t *id, struct error *e);
/* Adds a chunk at offset, which must be the end. STATUS_CONFLICT otherwise, STATUS_INVALID beyond the limit: nothing was written. */
enum status file_append(struct txn *t, uint64_t id, uint64_t offset, struct bytes chunk,
	int64_t now_ms, struct error *e);
/* SHA-256 over what is there. */
enum status file_hash(struct txn *t, uint64_t id, uint8_t out[FILE_HASH], struct error *e);
/* The whole is there: hash is that of file_hash. */
enum status file_complete(
	struct txn *t, uint64_t id, const uint8_t hash[FILE_HASH], int64_t now_ms, struct error *e);
/* A complete upload of the user with these bytes that no record has taken; STATUS_NOT_FOUND leaves e alone. */
enum status file_find(
	struct txn *t, uint64_t user, struct bytes sha256, uint64_t *id, struct error *e);
/* A record names it now. */
enum status file_keep(struct txn *t, uint64_t id, struct error *e);
/* The chunk that begins at offset, a multiple of FILE_CHUNK. */
enum status file_chunk(
	struct txn *t, uint64_t id, uint64_t offset, struct buf *out, struct error *e);
/* All of its rows. */
enum status file_drop(struct txn *t, uint64_t id, struct error *e);
/* Drops what was staged before the instant, a few at a time; *more tells whether some are left. */
enum status file_sweep(struct txn *t, int64_t before_ms, bool *more, struct error *e);

#endif
