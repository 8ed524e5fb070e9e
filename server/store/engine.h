/*
 * The seam below the store: ordered bytes in atomic transactions. One writer at a time, readers see the state of
 * their begin or renew. An engine knows nothing of records, sealing or schema; no idea of one engine shows here.
 */
#ifndef SERVER_STORE_ENGINE_H
#define SERVER_STORE_ENGINE_H

#include "common/buf.h"
#include "common/error.h"

/* The spaces and their keys (integers big-endian). Values are sealed above this seam, each bound to the number of its space: new ones come last. */
enum space {
	SPACE_META, /* name */
	SPACE_REC,  /* entity u16, id u64 -> version u64, record */
	SPACE_CALC, /* entity u16, id u64 -> computed fields */
	SPACE_IDX,  /* entity u16, tag u16, field key, id u64 -> nothing */
	SPACE_UNIQ, /* entity u16, tag u16, text or keyed hash (, claim u64: waits for it) -> claim */
	SPACE_TERM,  /* entity u16, term u32, id u64 descending -> postings from this one on */
	SPACE_PEND,  /* commit u64 -> postings not merged yet */
	SPACE_LOG,   /* seq u64 -> entry */
	SPACE_BODY,  /* seq u64 -> before-images */
	SPACE_HIST,  /* entity u16, id u64, seq u64 -> nothing */
	SPACE_OPER,  /* operation u64, seq u64 -> nothing */
	SPACE_DUE,   /* instant u64, entity u16, id u64, tag u16, nth u16 -> occurrence */
	SPACE_PLAN,  /* entity u16, id u64, tag u16 -> instants now in due */
	SPACE_INBOX, /* user u64, seq u64 -> delivery state */
	SPACE_AUTH,  /* kind u8, key */
	SPACE_IDEM,  /* user u64, hash -> reply, expiry */
	SPACE_MOVED, /* entity u16, old id u64 -> new id */
	SPACE_NEXT,  /* entity u16 -> next id */
	/* Those that follow came later: a store may lack them until it is opened for writing, and reads as if they were empty. */
	SPACE_FILE,   /* id u64 (, chunk u32) -> file.h */
	SPACE_OUTBOX, /* server/remind/mail.h */
	SPACE_COUNT,
};

extern const char *const space_names[SPACE_COUNT];

struct engine;
struct engine_txn;
struct engine_cursor;

struct engine_ops {
	const char *name;
	/* path: of a folder that exists. map_size in bytes of address space. STATUS_STORAGE_FULL, STATUS_INTERNAL. */
	enum status (*open)(const char *path, uint64_t map_size, bool read_only,
		struct engine **out, struct error *e);
	void (*close)(struct engine **en);
	enum status (*begin)(
		struct engine *en, bool write, struct engine_txn **out, struct error *e);
	/* STATUS_STORAGE_FULL: nothing was written, the engine goes on. STATUS_OUTCOME_UNKNOWN: the disk failed, stop serving. Ends the transaction either way. */
	enum status (*commit)(struct engine_txn **t, struct error *e);
	void (*abort)(struct engine_txn **t);
	/* Read transactions only: give up the snapshot but keep the slot; take the newest snapshot again. */
	void (*reset)(struct engine_txn *t);
	enum status (*renew)(struct engine_txn *t, struct error *e);
	/* STATUS_NOT_FOUND leaves e alone. The value is valid until the next write in t or its end. */
	enum status (*get)(struct engine_txn *t, enum space s, struct bytes key,
		struct bytes *value, struct error *e);
	enum status (*put)(struct engine_txn *t, enum space s, struct bytes key, struct bytes value,
		struct error *e);
	/* STATUS_NOT_FOUND if there was none. */
	enum status (*del)(struct engine_txn *t, enum space s, struct bytes key, struct error *e);
	/* Cursors end before their transaction does. */
	enum status (*cursor)(
		struct engine_txn *t, enum space s, struct engine_cursor **out, struct error *e);
	void (*cursor_close)(struct engine_cursor **c);
	/* First key at or after key; last key before key (an empty one: the last of all); following; preceding. STATUS_NOT_FOUND past the end. */
	enum status (*seek)(
		struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v);
	enum status (*seek_before)(
		struct engine_cursor *c, struct bytes key, struct bytes *k, struct bytes *v);
	enum status (*next)(struct engine_cursor *c, struct bytes *k, struct bytes *v);
	enum status (*prev)(struct engine_cursor *c, struct bytes *k, struct bytes *v);
	/* A compact consistent copy to fd while others read and write. */
	enum status (*backup)(struct engine *en, int fd, struct error *e);
	/* Bytes in use, bytes of the map, entries and bytes of one space (s < SPACE_COUNT). */
	void (*stat)(struct engine *en, enum space s, uint64_t *used, uint64_t *map,
		uint64_t *entries, uint64_t *bytes);
};

extern const struct engine_ops engine_lmdb;

#endif
