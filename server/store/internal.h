/*
 * What the files of the store share among themselves. Nobody else includes it.
 */
#ifndef SERVER_STORE_INTERNAL_H
#define SERVER_STORE_INTERNAL_H

#include "server/store/key.h"
#include "server/store/log.h"
#include "server/store/posting.h"
#include "server/store/query.h"
#include "server/store/seal.h"
#include "server/store/store.h"

#include <stdatomic.h>

#define STORE_FORMAT 1
#define LOG_HASH 32

/* One entity as the store works with it, made once for each generation of the fields: its fields by ascending tag and what is derived from each. */
struct shape_field {
	const struct field *field;
	const struct field *reading; /* corrects an indexed name; or NULL */
	bool indexed;
	bool unique;
	bool kept;   /* stands in the record: neither computed nor virtual */
	bool refers; /* names records that can be purged */
	uint16_t to; /* of this entity; 0: named in the value */
};

struct shape {
	const struct entity *entity;
	struct shape_field *fields;
	size_t nfields;
	const struct field *owner, *team, *branch, *seen_by, *shared, *merged; /* or NULL */
	struct parent {
		const struct field *field;
		uint16_t entity; /* 0: named in the value (T_REF_ANY) */
	} * parents; /* references whose scope is followed, in the order in which they count */
	size_t nparents;
	const struct field *matches[2]; /* that tell likely duplicates by keys of their own */
	size_t nmatches;
	const struct shape **followers; /* entities that follow records of this one */
	size_t nfollowers;
};

struct generation;
struct generations;
struct commits;
struct reads;

#define CHANGED_FIELDS 128

/* Marks of what a write transaction changes: reads.c. */
struct changed {
	uint64_t *table; /* a power of two; 0: free */
	size_t size, n;
	uint64_t kinds;                  /* see struct reads */
	uint64_t fields[CHANGED_FIELDS]; /* marks that are noted already, by their last bits */
	bool all;                        /* too much to tell */
};

struct store {
	const struct engine_ops *ops;
	struct engine *engine;
	struct sealer *sealer;
	const struct schema *schema; /* of the tables */
	store_fields_fn *fields;
	struct generations *generations;
	struct places_table *places;
	atomic_size_t field_jobs; /* open */
	store_observer *observer;
	void *observer_arg;
	store_guard_fn *guard;
	void *guard_arg;
	_Atomic uint64_t last_seq;
	atomic_size_t pend_rows, pend_bytes; /* rows of small commits; bytes of those of parts */
	uint64_t pend_next; /* number of the next pending row; of write transactions alone */
	_Atomic uint64_t
		commit; /* how many write transactions were committed since it was opened */
	struct commits
		*commits; /* what the last ones changed; of write transactions alone; or NULL */
};

struct next_id {
	uint16_t entity;
	uint64_t next;
	bool dirty;
};

struct txn {
	struct store *store;
	struct engine_txn *engine;
	struct generation *generation; /* the fields as its snapshot has them */
	bool write;
	bool fields_changed;
	enum status broken; /* a put failed half way: this transaction must not be committed */
	size_t puts, put_bytes, mark;
	size_t stamp; /* moves on with every change: walks look whether they still stand right */
	uint8_t nonce[SEAL_NONCE];
	struct buf sealed; /* scratch of txn_put */
	struct buf calc;   /* scratch of store_get */
	/* of a write transaction */
	bool log_known;
	uint64_t log_seq;
	uint8_t log_hash[LOG_HASH];
	struct next_id *next;
	size_t nnext;
	struct postings postings;
	const struct ready_terms *ready; /* for the next store_put; or NULL */
	struct waiting *waiting;         /* changes of lists that wait for the commit; or NULL */
	bool pend_used;
	ptrdiff_t pend_rows, pend_bytes; /* more than before */
	size_t doubles;                  /* unique values that another record has already */
	struct changed changed;
	uint64_t snapshot;   /* of a read transaction: number of a commit that it has */
	struct reads *reads; /* where its reads are noted; or NULL */
};

/* shape.c */
enum status shapes_build(
	const struct schema *schema, struct shape **out, size_t *n, struct error *e);
void shapes_free(struct shape *shapes, size_t n);
const struct shape *txn_shape(const struct txn *t, uint16_t entity); /* NULL if there is none */
/* The field of a tag; *at is where to look first and moves on: for a walk in ascending order. NULL if unknown. */
const struct shape_field *shape_field(const struct shape *sh, uint32_t tag, size_t *at);

/* store.c */
enum status store_check_format(struct txn *t, struct error *e);

/* txn.c */
bool txn_has(struct txn *t, enum space s, struct bytes key);
/* The value of a row as the engine gave it, unsealed where its space is sealed. */
enum status txn_open_value(struct txn *t, enum space s, struct bytes key, struct bytes stored,
	struct buf *value, struct error *e);
enum status txn_damaged(enum space s, struct bytes key, struct error *e);
enum status next_id_peek(struct txn *t, uint16_t entity, uint64_t *next, struct error *e);
enum status next_id_set(struct txn *t, uint16_t entity, uint64_t next, struct error *e);

/* log.c */
enum status log_open_tail(struct txn *t, struct error *e); /* reads the last number and hash */

bool log_kind_from_name(const char *name, enum log_kind *out); /* of changes to records only */
bool log_entry_parse(uint64_t seq, struct bytes row, struct log_entry *out);
void log_hash(struct bytes in, uint8_t out[LOG_HASH]);

/* reads.c */
void reads_note(struct txn *t, enum space s, struct bytes key);         /* a key, a list */
void reads_note_walk(struct txn *t, enum space s, struct bytes prefix); /* all that begins so */
void changed_note(struct txn *t, enum space s, struct bytes key);       /* a key, a list */
void changed_free(struct changed *c);
/* Takes over what the transaction that was committed just now has changed. */
void commits_add(struct store *s, struct changed *changed);
void commits_free(struct commits **c);

/* walk.c: the first key after all that have the prefix; empty when there is none. */
void prefix_end(struct bytes prefix, struct buf *out);

/* posting.c: the key of a block and its parts. */
struct key posting_key(struct bytes list, uint64_t id);
bool posting_key_split(struct bytes key, struct bytes *list, uint64_t *id);

/* posting_write.c: changes of lists that wait for the commit. */
enum status waiting_write(struct txn *t, struct error *e);
/* Writes those of one list, or of all that start with a prefix, so that they can be walked. */
enum status waiting_settle(struct txn *t, enum space s, struct bytes prefix, bool one);
/* Whether a change of the entry waits, and what it makes of it. */
bool waiting_has(struct txn *t, enum space s, struct bytes list, uint64_t id, bool *there);
void waiting_free(struct waiting **p);

/* A set of keys in ascending order, for differences. Keys lie one behind the other in data. */
struct key_at {
	uint32_t at, len;
};
struct key_set {
	struct buf data;
	struct key_at *items;
	size_t n, cap;
};
void key_set_add(struct key_set *ks, const struct key *k);
void key_set_sort(struct key_set *ks); /* and takes doubles out */
void key_set_clear(struct key_set *ks);
void key_set_free(struct key_set *ks);
static inline struct bytes key_set_at(const struct key_set *ks, size_t i)
{
	return bytes_of(ks->data.data + ks->items[i].at, ks->items[i].len);
}
/* Deletes from idx what stands only in before and puts what stands only in after; both sorted. */
enum status key_set_apply(
	struct txn *t, const struct key_set *before, const struct key_set *after, struct error *e);

/* index.c */
/* Adds the idx keys of the values of a record (or of its computed fields): none for one in the trash but its deletion time. */
void index_keys(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	bool deleted, struct key_set *out);
/* As index_keys for the two runs of the changed tags alone. */
void index_keys_of(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	const uint32_t *tags, size_t ntags, struct key_set *out);

/* Whether a live record's reference stands under KEY_REFERS as well: its index may be missing. */
static inline bool shape_refers_apart(const struct shape_field *sf)
{
	return sf->refers && (!sf->indexed || sf->field->tag >= TAG_CUSTOM);
}

/* match.c: the keys by which likely duplicates are found. */
void match_keys(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	struct key_set *out);

/* scope.c */
struct effective {
	uint64_t owner, branch;
};
/* A record whose effective scope is known better than from the store. */
struct scope_known {
	uint64_t record; /* any_ref(); 0: none */
	struct effective scope;
};
enum status scope_effective(struct txn *t, const struct shape *sh, struct bytes fields,
	const struct scope_known *known, struct effective *out, struct error *e);
void scope_keys(const struct shape *sh, uint64_t id, struct bytes fields, bool deleted,
	const struct effective *scope, struct key_set *out);
static inline bool effective_equal(const struct effective *a, const struct effective *b)
{
	return a->owner == b->owner && a->branch == b->branch;
}
/* Moves the scope entries of the records that follow this one, and of those that follow them. */
enum status scope_move_followers(struct txn *t, const struct shape *sh, uint64_t id,
	const struct effective *before, unsigned depth, struct error *e);

/* record_get.c: the entered fields of a record whatever its scope; *version and *fields stand in row (replaced). NOT_FOUND leaves e alone. */
enum status record_read(struct txn *t, uint16_t entity, uint64_t id, struct buf *row,
	uint64_t *version, struct bytes *fields, struct error *e);
/* Computed fields into buf (replaced; empty if there are none). */
enum status calc_read(
	struct txn *t, uint16_t entity, uint64_t id, struct buf *buf, struct error *e);

/* search_pending.c */
enum status pending_count(struct txn *t, struct error *e); /* at open */
void pending_committed(struct store *s, bool used, ptrdiff_t rows, ptrdiff_t bytes);

/* uniq.c */
enum status uniq_check(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e);
enum status uniq_write(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct error *e);
/* What a record with these fields asks for: its id, above it the rank of its claim. */
uint64_t uniq_claim(const struct shape *sh, uint64_t id, struct bytes fields);
uint64_t uniq_claimer(uint64_t claim); /* the id */
unsigned uniq_rank(uint64_t claim);    /* 0: of a live record; less goes before */
/* Where the claim waits for a value that another record has. */
struct key uniq_waiting(const struct key *value, uint64_t claim);
bool uniq_key(const struct store *s, const struct shape *sh, const struct field *f,
	struct bytes fields, struct key *out); /* false: not set */

#endif
