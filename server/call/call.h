/*
 * A call: one request on its way through the server. It belongs to exactly one thread at a time: the loop of its session, the
 * writer, a pool thread. An op is an ordinary function of a call; its only effects are in its transaction and its reply, so
 * it may run twice.
 */
#ifndef SERVER_CALL_CALL_H
#define SERVER_CALL_CALL_H

#include "common/arena.h"
#include "common/clock.h"
#include "common/frame.h"
#include "server/store/log.h"
#include "server/store/query.h"
#include "server/store/store.h"

struct lookup;
struct server; /* what every call may use: server/server.h */

/* Who asks. Filled at login or resume, read anew from the store when the user's epoch has moved. Immutable once made. */
struct caller {
	uint64_t user; /* 0: not logged in */
	uint64_t session;
	uint64_t branch;
	uint64_t team;
	uint64_t epoch;
	bool admin;
	unsigned class_mask; /* bit 1 << enum field_class: values that may be seen */
	struct scope scope;  /* of customers and what follows them; arrays live with the caller */
	char **rights;       /* "customer.add" ..., NULL-terminated; "*" is everything */
	const struct zone *zone; /* of the user, else the branch */
	bool must_change_password;
	bool exact_only; /* lists only what a name, number, phone or address names exactly, and does not search */
	uint64_t person_kind; /* entry "person" of the dictionary customer_kind; 0 unknown */
	uint64_t class_entries[CLASS_COST + 1]; /* of the dictionary data_class */
	char username[64];
	char name[128];
};

struct call {
	struct server *server;
	const Guanxi__Request *request; /* in arena */
	Guanxi__Reply *reply;           /* in arena; grow it with the reply_ functions */
	struct arena *arena;
	const struct caller *caller; /* NULL before login */
	struct caller *
		new_caller; /* login, resume: what the session becomes; taken over by the session */
	struct txn *txn;    /* NULL in prepare */
	/* All fields as txn has them; in prepare as they stood when the request came. Valid as long as the call. */
	const struct schema *schema;
	struct generation *generation; /* whose schema that is; owned */
	struct author author;
	int64_t now_ms;        /* business time at the start of the call */
	int64_t started_us;    /* monotonic */
	bool chinese;          /* language of Hello */
	const char *address;   /* of the peer */
	struct bytes peer_key; /* SHA-256 of the client certificate's public key, or empty */
	struct lookup *lookup; /* call_lookup */
	bool on_loop; /* run is on the session's loop: what takes longer than LOOP_SLICE_US belongs into the pool */
	bool too_long;  /* set by run on a loop: it is run again in the pool, with a fresh reply */
	void *prepared; /* what prepare left for run, in arena */
	/* run returned STATUS_OK, so that what it wrote stands (a counted wrong password), but the reply says this. */
	enum status refused;
	const char *refused_message; /* constant text */
	const char *refused_reason;  /* constant text or NULL */
	bool close_after;            /* the session ends after the reply */
	bool watch_reminders;        /* the session becomes a watcher */
	uint64_t watch_since;
	bool watch_from_unacknowledged; /* no since given: replay what is not acknowledged */
	/* users whose inbox got rows, woken after the commit; in arena */
	uint64_t *wake;
	size_t nwake;
	bool close_sessions_of_user; /* after commit: end all other sessions of close_user (password changed, locked) */
	uint64_t close_user;
	uint64_t close_except; /* session that stays */
	uint64_t close_only; /* the only session that ends, on all its connections; 0: see above */
};

#define LOOP_SLICE_US 2000
/* In the pool, in the middle of long work: another call that waits there goes first. */
void call_pause(void *call);

enum op_kind {
	OP_READ,  /* on the loop, with its read transaction */
	OP_WRITE, /* on the writer */
	OP_SLOW,  /* in the pool with a read transaction of its own */
};

typedef enum status op_fn(struct call *c, struct error *e);

#define OP_ANONYMOUS 0x1u     /* before login */
#define OP_LIMITED 0x2u       /* also while the password must be changed */
#define OP_PREPARE_READS 0x4u /* prepare has a read transaction */
#define OP_BULK                                                                                    \
	0x8u /* much work for the writer, of which more follows: other sessions' calls go first */

/* One row is all the dispatcher knows of an operation. */
struct op {
	const char *name;
	enum op_kind kind;
	unsigned flags;
	op_fn *prepare; /* runs in the pool first, without transaction (password hashing) or see OP_PREPARE_READS; may be NULL */
	op_fn *run;
	const char *right; /* needed besides login; %s stands for the entity; NULL: none */
};

/* Tables of one family each; a table ends with a NULL name. server/op/op.h lists them. */
const struct op *op_find(struct bytes name);

/* What the call reads or writes from now on, and the fields as that has them. */
void call_bind(struct call *c, struct txn *t);
/* The look-up of this run, made at the first use; its scope is the caller's. */
struct lookup *call_lookup(struct call *c);

/* Reply helpers: all memory from the call's arena; STATUS_INVALID "reply too large" beyond its ceiling. */
enum status reply_record(struct call *c, const struct entity *entity, const struct stored *s,
	struct error *e); /* copies, masks, and adds names of references */
/* As reply_record, but as an item of a section (constant text); the date is copied, len 0: none. *item may be NULL. */
enum status reply_item(struct call *c, const char *section, const struct entity *entity,
	const struct stored *s, struct bytes date, Guanxi__Item **item, struct error *e);
enum status reply_value(struct call *c, const char *name, struct bytes value, struct error *e);
enum status reply_name(struct call *c, const struct entity *entity, uint64_t id, struct error *e);
/* Names of what these fields of a record of the entity refer to. */
enum status reply_names(
	struct call *c, const struct entity *entity, struct bytes fields, struct error *e);
/* Bytes that the reply may still take: a page ends when the next record would not fit. */
size_t reply_room(const struct call *c);
void call_wake(struct call *c, uint64_t user);
/* Value of an argument; len 0 when absent. */
struct bytes call_arg(const struct call *c, const char *name);
/* An argument of 1 to 18 digits; false when it is none. */
bool call_arg_number(const struct call *c, const char *name, uint64_t *out);

#endif
