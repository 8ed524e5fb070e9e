/*
 * Sets of ids of one entity's records, found in the indexes: the entries of a value, a stretch of an index, and what and, or, not
 * make of them. Given in the order of ids, up or down, by seeking, so that sets are intersected without being read whole.
 */
#ifndef SERVER_STORE_IDS_H
#define SERVER_STORE_IDS_H

#include "server/store/bits.h"
#include "server/store/entries.h"
#include "server/store/places.h"

enum ids_kind {
	IDS_ALL,   /* all records from first to last, or those in the trash */
	IDS_LIST,  /* entries of one value */
	IDS_RANGE, /* a stretch of an index: by value, so without places it must be gathered before it can be sought in */
	IDS_VIA,   /* those whose reference names one of the part; has places */
	IDS_BITS,  /* gathered */
	IDS_AND,
	IDS_OR,
	IDS_NOT,
};

struct ids {
	enum ids_kind kind;
	const char *told; /* what it is, for people; constant text */
	const struct entity *entity;
	const struct field *field; /* for people; NULL: none */
	uint64_t first, last;      /* ALL */
	struct key low, high;      /* LIST, ALL: low is the list; RANGE: the first and last entry */
	struct bits bits;          /* BITS */
	struct places *places;     /* RANGE, VIA; or NULL */
	uint32_t from, before;     /* RANGE: places of the stretch */
	struct ids **
		parts; /* AND, OR; NOT: one; VIA: one of the entity that is named, which is not sought in */
	size_t nparts;
	double size; /* about how many ids */
	bool exact;  /* what is asked for, neither more nor less, none of it in the trash */
	/* where it is read */
	struct txn *txn;
	bool down;
	struct entries *entries;
	uint64_t at; /* the id on which it stands; 0: not placed, or at its end */
	bool ended;
};

struct ids *ids_new(enum ids_kind kind, const struct entity *entity, const char *told);
struct ids *ids_all(const struct entity *entity, bool trash); /* or those of the trash */
struct ids *ids_list(const struct entity *entity, const struct field *f, const struct key *value);
void ids_add(struct ids *to, struct ids *part); /* takes it over */
void ids_free(struct ids **x);

/* Works out the size; all: number of records of the entity, or a little more. */
void ids_measure(struct ids *x, struct txn *t, double all);
/* Whether it can name its members; what cannot (not A) only tells whether an id is one. */
bool ids_names(const struct ids *x);
/* Gives a stretch places, if there are some (make: or makes them); its size is exact then but for what was changed lately. */
bool ids_equip(struct ids *x, struct txn *t, bool make);
/* How many a stretch with places has. */
uint64_t ids_count_places(struct ids *x, struct txn *t);
/* Entries that must be read before ids can be sought in it. */
double ids_unread(const struct ids *x);

/* Gathers into bits, made for the entity's ids. */
enum status ids_fill(struct ids *x, struct txn *t, struct bits *out, struct error *e);
/* Gathers it, so that it costs nothing to seek in it. */
enum status ids_gather(struct ids *x, struct txn *t, struct error *e);
/* Gathers what cannot be sought in, and makes it ready for seeking in one direction. */
enum status ids_start(struct ids *x, struct txn *t, bool down, struct error *e);
/* The first member at or after id (down: the last one at or before it); 0: none. ids_names must hold. */
uint64_t ids_seek(struct ids *x, uint64_t id);
bool ids_has(struct ids *x, uint64_t id);

#endif
