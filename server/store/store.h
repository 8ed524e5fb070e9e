/*
 * The store: records with versions, indexes, unique values, search terms, history and the change log, all derived from
 * the fields' rows and changed in one transaction. Knows no requests and no sessions.
 *
 * Threads: any number of read transactions, each used by one thread; one write transaction at a time (the writer's).
 */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include "common/arena.h"
#include "common/schema.h"
#include "server/store/engine.h"

struct store;
struct txn;

/* Who sees what. Every query takes one; there is no query without. */
struct scope {
	bool all;
	bool trash_too;           /* get: find deleted records as well */
	uint64_t user;            /* sees own records and those assigned to it */
	const uint64_t *branches; /* sees all records of these */
	size_t nbranches;
	uint64_t pool_branch;   /* sees records without owner of this branch; 0 none */
	bool own;               /* records of user count */
	const uint64_t *shares; /* sees records shared with one of these: share_of_*() */
	size_t nshares;
};
/* Whom a record is shared with: one that a tag names, or a dictionary entry of scope with the team or the branch (or neither) of the record. */
uint64_t share_of_text(struct bytes tag);
uint64_t share_of_entry(uint64_t entry, uint64_t team, uint64_t branch);
/* Whether the scope sees every record of the entity. */
bool scope_sees_all(const struct scope *scope, const struct entity *entity);
/* Unless scope_sees_all: calls fn for the lists of what it sees, until one ends it by true; then true. */
typedef bool scope_list(void *arg, const struct entity *entity, unsigned tag, uint64_t value);
bool scope_lists(const struct scope *scope, const struct entity *entity, scope_list *fn, void *arg);
/* No scope has more lists. */
size_t scope_lists_most(const struct scope *scope);
extern const struct scope scope_all; /* for the server's own work: hooks, reminders, check */

/* Who makes a change. Lives as long as the call. */
struct author {
	uint64_t user; /* 0: the server itself */
	uint64_t session;
	uint64_t operation; /* store_operation() */
	int64_t now_ms;
	struct bytes reason;
	struct bytes address;
	bool original; /* an import: updated_* of a new record stand as they are given */
	/* Told of every user whose inbox the write has changed; NULL: nobody waits. */
	void (*told)(void *arg, uint64_t user);
	void *told_arg;
};

struct stored {
	uint64_t id;
	uint64_t version;
	bool deleted;
	struct bytes
		fields; /* entered and computed fields, ascending tags, valid as long as the buf they were read into */
};

/*
 * Called inside store_put after the record stands, for what one field's row cannot say: reminders, computed fields.
 * before is NULL for a new record. An error undoes the call.
 */
typedef enum status store_observer(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e);

/* A field of an entity that is no row of the tables. */
struct extra_field;
/*
 * The fields that the rows of t make besides the tables', *n of them in the arena, those in use and those that are not (F_RETIRED). Called
 * at open and at the end of every transaction that called txn_change_fields.
 */
typedef enum status store_fields_fn(
	struct txn *t, struct arena *arena, struct extra_field **out, size_t *n, struct error *e);

/*
 * Asked inside store_put before the first put, for changes that must wait. before is empty for a new record; id 0: not given yet.
 */
typedef enum status store_guard_fn(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, uint64_t id, struct bytes before, struct bytes after,
	struct error *e);

/* What building the indexes anew came to. */
struct store_reindexed {
	uint64_t records;
	uint64_t doubles; /* unique values that another record has already */
};

struct store_options {
	const char *path;  /* folder with the engine's files */
	uint8_t key[32];   /* master key */
	uint64_t map_size; /* bytes of address space */
	bool create;       /* make an empty store; otherwise it must exist */
	bool read_only;
	const struct engine_ops *engine; /* NULL: engine_lmdb */
	const struct schema *schema;     /* of the tables; lives longer than the store */
	store_fields_fn *fields;         /* NULL: the tables' are all */
	/* Told before (NULL) and after the indexes are built anew; may be NULL. */
	void (*reindexing)(const struct store_reindexed *done);
};

/*
 * When the indexes, unique values and search terms were made by other rules or for other fields (schema), or building them was
 * cut off, they are built anew from the records before this returns, unless read_only. A value that stands twice
 * in a field that has become unique stays with the lowest live id; the others wait for it, and store_check names them.
 */
enum status store_open(const struct store_options *o, struct store **out, struct error *e);
void store_close(struct store **s);
/* Removes the folder of a store that nobody has open; no store is no fault. */
void store_remove(const char *path);
void store_observe(struct store *s, store_observer *fn, void *arg);
void store_guard(struct store *s, store_guard_fn *fn, void *arg);
/* That of the tables alone, for numbers and tags that code knows. All fields: txn_schema. */
const struct schema *store_schema(const struct store *s);
uint64_t store_last_seq(const struct store *s); /* of the last committed log entry; any thread */

/* Transactions. */
enum status txn_begin(struct store *s, bool write, struct txn **out, struct error *e);
enum status txn_commit(struct txn **t, struct error *e); /* as engine commit */
void txn_abort(struct txn **t);                          /* read or write; accepts NULL */
void txn_reset(struct txn *t);                           /* read: lets the snapshot go */
enum status txn_renew(struct txn *t, struct error *e);   /* read: newest snapshot */
struct store *txn_store(struct txn *t);
/* All fields as this snapshot has them; valid until txn_renew, txn_abort, txn_commit or as long as somebody keeps the generation. */
const struct schema *txn_schema(const struct txn *t);
struct generation *txn_generation(const struct txn *t);
/* The rows that make fields have changed: the end of this transaction makes the next generation. */
void txn_change_fields(struct txn *t);
bool txn_fields_changed(const struct txn *t);
/*
 * The fields of one time, immutable. Whoever has one from a transaction may keep it longer, and gives it back; any thread. The number
 * rises with each change of a field, a dictionary or an entry.
 */
void generation_keep(struct generation *g);
void generation_give(struct generation **g);
const struct schema *generation_schema(const struct generation *g);
uint64_t generation_number(const struct generation *g);
/* The one that is current, to be given back; any thread. */
struct generation *store_generation(const struct store *s);
/* Whether a custom field has ever had a value. */
bool store_field_used(struct txn *t, uint16_t tag);
/* One slice of building the indexes of custom fields that were described anew. */
enum status store_build_fields(struct txn *t, struct error *e);
size_t store_field_jobs(const struct store *s); /* open; any thread */
bool txn_wrote(const struct txn *t);            /* any put or del since begin or txn_mark */
void txn_mark(struct txn *t);
size_t txn_puts(const struct txn *t); /* puts and dels since begin */
size_t txn_put_bytes(const struct txn *t);

/* Raw rows of the spaces that have their own owners (auth, idem, due, plan, inbox, moved, meta). Values are sealed and unsealed here; a damaged one is STATUS_INTERNAL with reason "damaged". */
enum status txn_get(struct txn *t, enum space s, struct bytes key, struct buf *value,
	struct error *e); /* value is replaced; STATUS_NOT_FOUND leaves e alone */
enum status txn_put(
	struct txn *t, enum space s, struct bytes key, struct bytes value, struct error *e);
enum status txn_del(
	struct txn *t, enum space s, struct bytes key, struct error *e); /* absent is STATUS_OK */

/* Walks the keys of one space from a prefix. */
struct walk;
enum status walk_open(
	struct txn *t, enum space s, struct bytes prefix, struct walk **out, struct error *e);
enum status walk_seek(struct walk *w,
	struct bytes key); /* next walk_next gives the first key >= key that has the prefix */
enum status walk_seek_back(struct walk *w,
	struct bytes key); /* next walk_prev gives the last key < key that has the prefix */
bool walk_next(struct walk *w,
	struct bytes *key); /* false past the prefix; key valid until the next step */
bool walk_prev(struct walk *w, struct bytes *key);
enum status walk_value(struct walk *w, struct buf *value, struct error *e);
void walk_close(struct walk **w);

/* Records. STATUS_NOT_FOUND also for one outside the scope, with the same text. The fields are read into buf (replaced). */
enum status store_get(struct txn *t, const struct scope *scope, const struct entity *entity,
	uint64_t id, struct buf *buf, struct stored *out, struct error *e);
/* As store_get, without the computed fields. */
enum status store_get_entered(struct txn *t, const struct scope *scope, const struct entity *entity,
	uint64_t id, struct buf *buf, struct stored *out, struct error *e);
bool store_visible(
	struct txn *t, const struct scope *scope, const struct entity *entity, uint64_t id);

/*
 * Writes a whole record (entered fields, any order). id 0 adds one and *id becomes its number. Sets version, created_*, updated_*
 * (unless the fields name created_* of an import), indexes, terms, unique values, scope of it and of what follows it, log, history, operation;
 * then calls the observer. kind: "add", "set", "delete", "restore", "undo", "merge". Setting deleted_at moves the record to the trash.
 * A unique value that another live record has is STATUS_DUPLICATE with the field named. Same content as before: nothing is written, *unchanged (may be NULL) is true.
 */
enum status store_put(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t *id, const char *kind, struct bytes fields, bool *unchanged, struct error *e);
/* Replaces the computed fields of a record and their index entries. No version, no log. */
enum status store_put_computed(struct txn *t, const struct entity *entity, uint64_t id,
	struct bytes computed, struct error *e);

/*
 * The record of the trash that follows (*deleted_ms, *id) in the order of deletion; both become its. Begin with 0 and 0. STATUS_NOT_FOUND at
 * the end leaves e alone.
 */
enum status store_trash_next(struct txn *t, const struct entity *entity, int64_t *deleted_ms,
	uint64_t *id, struct error *e);
/*
 * Records of entity from, in the trash or not, that refer to this one by any field: ids after after_id, ascending, at most max and 256;
 * none: there are no more. What only administrators change, such as users, has no such list.
 */
size_t store_referrers(struct txn *t, const struct entity *to, uint64_t id,
	const struct entity *from, bool trash, uint64_t after_id, uint64_t *ids, size_t max);
/*
 * Takes records of the trash away for good, with what was derived from them and the files that they have ever named. No other record may
 * refer to them. Their history stays, and ends with an entry of kind "purge"; their ids are never given again.
 */
struct store_ref {
	const struct entity *entity;
	uint64_t id;
};
enum status store_purge(struct txn *t, const struct author *author, const struct store_ref *records,
	size_t n, struct error *e);
/*
 * Search terms that were worked out before the write, as a rule by another thread: those of the searched ones among some fields. They lie
 * in the arena that store_terms was given.
 */
struct ready_terms {
	uint64_t generation;   /* number of the fields that they were made by */
	struct bytes fields;   /* wire form, ascending tags */
	const uint32_t *items; /* ascending, none twice */
	size_t n;
};
/* fields is kept, not copied; false when the arena has no room. */
bool store_terms(struct txn *t, const struct entity *entity, struct bytes fields,
	struct arena *arena, struct ready_terms *out);
/*
 * For the next store_put of this transaction. It takes them when it adds a record that has those fields as they stand here, and works out
 * the rest; else they are of no use. They stay the caller's.
 */
void txn_offer_terms(struct txn *t, const struct ready_terms *terms);

/* A new operation number. */
enum status store_operation(struct txn *t, uint64_t *operation, struct error *e);

/* The id that the next new record of the entity gets. */
enum status store_next_id(
	struct txn *t, const struct entity *entity, uint64_t *next, struct error *e);

/*
 * id of the record whose unique field (or number field) has this text: the live one, else one that was merged, else one in the trash;
 * STATUS_NOT_FOUND. Not restricted by scope: check store_visible.
 */
enum status store_find_unique(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes text, uint64_t *id, struct error *e);
/* The live record other than id that has the value of the unique field f in these fields; 0: it is free, or f is not unique. */
uint64_t store_unique_holder(struct txn *t, const struct entity *entity, const struct field *f,
	uint64_t id, struct bytes fields);
/* Ids with exactly this value of an indexed field (wire form), ascending, at most max; not restricted by scope. */
size_t store_find_equal(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes wire, uint64_t after_id, uint64_t *ids, size_t max);
/* What a unique or indexed field's value in these fields is compared by, keyed. false: it has none. */
bool store_value_hash(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes fields, uint8_t out[16]);
/* Live records of the entity whose field f (MATCH_NAME, MATCH_BIRTHDAY) matches that of a record with these fields; as store_find_equal. */
size_t store_find_match(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes fields, uint64_t after_id, uint64_t *ids, size_t max);
/* How many records have exactly this value of an indexed field; not restricted by scope. */
uint64_t store_count_equal(
	struct txn *t, const struct entity *entity, const struct field *f, struct bytes wire);
uint64_t store_survivor(
	struct txn *t, const struct entity *entity, uint64_t id); /* follows merges */

/* Keyed hash (16 bytes) under the store's own key: for secrets and equality indexes. purpose keeps uses apart. */
void store_hash(const struct store *s, const char *purpose, struct bytes in, uint8_t out[16]);

/*
 * Verifies everything; calls report once per damage. Returns the number of damages. Texts that begin with "note: " are reported
 * but not counted: indexes of another version (they are not compared then), unique values that stand twice.
 */
struct check_counts {
	uint64_t records, index_entries, log_entries, postings, values;
	uint64_t files, uploads; /* kept; not taken over by a record yet */
};
size_t store_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg,
	struct check_counts *counts);
/* The short check at start: format, meta rows, the last n log entries and what they touched. */
size_t store_check_tail(
	struct txn *t, size_t n, void (*report)(void *arg, const char *damage), void *arg);
/* Bytes in use and bytes of the map. Any thread. */
void store_usage(struct store *s, uint64_t *used, uint64_t *map);
/* Bytes of the pages in use by what they hold, and of the file with those that are free. Any thread. */
struct store_bytes {
	uint64_t records, history, indexes, terms, rest, file;
};
struct store_bytes store_bytes(struct store *s);
enum status store_backup(struct store *s, int fd, struct error *e);
/* Merges pending postings, at most about 20,000 puts. *more tells whether some are left. */
enum status store_merge_terms(struct txn *t, bool *more, struct error *e);
size_t store_pending_terms(struct store *s); /* pend rows; any thread */

#endif
