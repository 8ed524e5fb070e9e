/*
 * What the files of search share. A query is cut into atoms (runs of Chinese characters, Latin words, four digits and more); a record
 * matches when every atom is found in one of its searched fields. The index answers with candidates, and each is
 * checked on the record by the same functions that give ~ its meaning.
 */
#ifndef SERVER_STORE_SEARCH_H
#define SERVER_STORE_SEARCH_H

#include "common/pinyin.h"
#include "server/store/query.h"

#define SEARCH_TERMS_VERSION                                                                       \
	4 /* changes whenever the terms of a record can change: stores build theirs anew */
#define SEARCH_MAX_TEXT 256u  /* bytes of a query, folded */
#define SEARCH_MAX_WHOLE 200u /* bytes of a text that can be found as a whole */
#define SEARCH_MAX_ATOMS 16u
#define SEARCH_MAX_LENGTH 63u /* characters of a text that pinyin can find as a whole */
#define SEARCH_CLASSES 4

enum search_rank { RANK_NONE, RANK_INSIDE, RANK_START, RANK_WHOLE };

enum token_kind {
	TOKEN_HAN,    /* Chinese and other characters that are written without blanks */
	TOKEN_WORD,   /* letters and digits */
	TOKEN_DIGITS, /* of a query only: four digits or more */
};

struct token {
	enum token_kind kind;
	struct bytes text;
	size_t offset; /* in the text */
};

struct search_atom {
	struct token token;
	char typed[PINYIN_MAX_TYPED]; /* of a word that can be pinyin */
	size_t ntyped;
};

struct search_query {
	struct buf folded;
	struct search_atom atoms[SEARCH_MAX_ATOMS];
	size_t n;
	char typed[PINYIN_MAX_TYPED]; /* all atoms together, when all are words */
	size_t ntyped;
	bool many; /* there were more atoms */
};

void search_query_init(struct search_query *q, struct bytes text);
void search_query_free(struct search_query *q);
int search_query_match(const struct search_query *q, const struct entity *entity,
	struct bytes fields, unsigned class_mask);

/* One value of a searched field as both index and match see it. */
struct search_value {
	struct buf folded;
	bool pinyin; /* units are set */
	size_t nunits;
	struct pinyin_unit units[PINYIN_MAX_UNITS];
};
/* Next token of folded text; false at the end. start: where the text begins. */
bool search_token(struct bytes *rest, const uint8_t *start, struct token *out);
bool search_all_digits(struct bytes text);
/* Next run of digits, likewise. */
bool search_digits(struct bytes *rest, const uint8_t *start, struct token *out);
/* Fills v (whose folded buffer is used again) from one wire field; false when the field's type is not searched. */
bool search_value_read(const struct field *f, const struct wire_field *w, struct search_value *v);
/* Fills v from the corrected reading of a name; false when there is none. */
bool search_value_reading(const struct entity *entity, const struct field *f, struct bytes fields,
	struct search_value *v);
bool search_is_searched(const struct entity *entity, const struct field *f);
/* Calls fn for each searched field that is set, with its run. */
void search_each(const struct entity *entity, struct bytes fields,
	void (*fn)(void *arg, const struct field *f, struct bytes run), void *arg);
/* True for a field that only corrects the reading of another one. */
bool search_is_reading(const struct entity *entity, const struct field *f);

/* Terms. */
enum term_kind {
	TERM_HAN1 = 1,
	TERM_HAN2,
	TERM_SYLLABLE, /* one, or a pair with a blank between */
	TERM_INITIALS, /* two, or three wherever they are */
	TERM_INITIAL,  /* at the start only */
	TERM_WORD,
	TERM_DIGITS,
	TERM_WHOLE,
	TERM_SHAPE, /* number of characters, initials of the first and the last: for the whole pinyin of a name */
};
#define TERM_SYLLABLES (2 * PINYIN_MAX_SYLLABLE + 2)
/* The gram of a pair. Returns its length. */
size_t term_syllables(uint16_t first, uint16_t second, char gram[TERM_SYLLABLES]);

/* Bytes of a word's start that is a gram: the longest one of so many characters or less, one at least. */
size_t term_word(struct bytes text, size_t characters);

struct term_key {
	uint8_t bytes[16];
};
void term_key_init(const struct store *s, struct term_key *key);
/* Whole texts are many and mostly different: they share 65,536 terms, and what else a text is found by tells them apart. */
#define WHOLE_MASK 0xffff0000u
/* A keyed hash. Two grams may have the same one: the record decides. */
uint32_t term_make(const struct term_key *key, enum field_class class, enum term_kind kind,
	bool start, struct bytes gram);

/* Entity and term as one number: keys begin with it (6 bytes), postings are in its order. */
static inline uint64_t posting_place(const struct posting *p)
{
	return (uint64_t)p->entity << 32 | p->term;
}
#define PLACE_BYTES 6
static inline void place_put(uint8_t *at, uint64_t place)
{
	put_be16(at, (uint16_t)(place >> 32));
	put_be32(at + 2, (uint32_t)place);
}
static inline uint64_t place_get(const uint8_t *at)
{
	return (uint64_t)get_be16(at) << 32 | get_be32(at + 2);
}

/* Rows of postings (search_rows.c). A group is of one place. */
struct posting_row {
	struct bytes rest;
	uint64_t place; /* of the group at hand */
	bool removed;   /* its postings are taken away */
	bool damaged;
	struct bytes ids;
};
void posting_row_open(struct posting_row *row, struct bytes value, uint64_t base);
bool posting_row_next(struct posting_row *row); /* false: no more, or damaged */

struct posting_ids {
	struct bytes rest;
	uint64_t id;  /* at hand */
	uint64_t run; /* so many follow it without a gap */
	bool begun, damaged;
};
void posting_ids_open(struct posting_ids *ids, struct bytes run);
bool posting_ids_next(struct posting_ids *ids); /* false: no more, or damaged */

/* Appends all postings of a row; false when it is damaged. */
bool posting_row_decode(struct bytes value, uint64_t base, struct postings *out);
/* Appends to out a row of as many of the sorted postings as max bytes hold, one at least. Returns how many. */
size_t posting_row_encode(
	const struct posting *items, size_t n, uint64_t base, size_t max, struct buf *out);

/* Order of postings: by entity, term and descending id. */
int postings_compare(const struct posting *a, const struct posting *b);
/* Sorts; of several with the same place the last one stays. */
enum status postings_sort(struct postings *p, struct error *e);
/* Puts sorted postings into the blocks. */
enum status postings_merge(struct txn *t, const struct postings *p, struct error *e);

/* Pending rows, each read at most once for a search. */
struct pending;
enum status pending_read(struct txn *t, struct pending **out, struct error *e);
void pending_free(struct pending **p);
/* The newest word on each posting of one term that is pending, sorted; out is empty before. */
enum status pending_of_term(
	struct pending *p, uint64_t place, struct postings *out, struct error *e);
enum status pending_all(struct txn *t, struct postings *out, struct error *e); /* of all terms */

/* The ids of one term, read in chunks from the highest down. */
#define CHUNK_BITS 14
#define CHUNK_IDS (1u << CHUNK_BITS)
#define CHUNK_WORDS (CHUNK_IDS / 64)
struct chunk {
	uint64_t words[CHUNK_WORDS];
};
struct posting_list;
enum status posting_list_open(struct txn *t, struct pending *p, uint16_t entity, uint32_t term,
	struct posting_list **out, struct error *e);
void posting_list_free(struct posting_list **l);
/* The greatest id not above max that may be in the list; 0 if there is none. max must not rise from call to call. */
enum status posting_list_bound(
	struct posting_list *l, uint64_t max, uint64_t *bound, struct error *e);
/* The ids number * CHUNK_IDS to that + CHUNK_IDS - 1. number must not rise from call to call. */
enum status posting_list_chunk(
	struct posting_list *l, uint64_t number, struct chunk *out, bool *any, struct error *e);
size_t posting_list_rows(const struct posting_list *l); /* read so far */

/*
 * Calls fn for every posting that counts now, blocks and pending rows taken together, by entity, term and descending id. Blocks that do
 * not open are passed over. For store_check.
 */
typedef void posting_fn(void *arg, const struct posting *p);
enum status postings_each(struct txn *t, posting_fn *fn, void *arg, struct error *e);

/* What a caller sees of an entity, by the index entries of the scope; NULL: everything, or it is not looked up that way. */
struct visible;
enum status visible_open(struct txn *t, const struct scope *scope, const struct entity *entity,
	struct visible **out, struct error *e);
void visible_free(struct visible **v);
uint64_t visible_bound(
	struct visible *v, uint64_t max); /* the greatest id not above max; 0: none */
/* The visible ids of a chunk. Returns how many entries there are. */
size_t visible_chunk(struct visible *v, uint64_t number, struct chunk *out);

/* A plan: lists and their unions and intersections. */
struct plan;
struct plan_context {
	struct txn *txn;
	struct pending *pending;
	const struct term_key *key;
	uint16_t entity;
	unsigned classes; /* bits of those asked for */
	struct arena *arena;
	struct posting_list **lists; /* all that were opened */
	size_t nlists, cap;
	enum status status;
	struct error *error;
	size_t steps; /* left before the search is cut */
};
void plan_release(struct plan_context *c); /* closes the lists */
/* Candidates of one rank; NULL when there can be none. */
struct plan *plan_query(
	struct plan_context *c, const struct search_query *q, enum search_rank rank);
struct plan *plan_and(struct plan_context *c, struct plan *a, struct plan *b);
struct plan *plan_or(
	struct plan_context *c, struct plan *a, struct plan *b); /* NULL counts as empty */
/* The greatest id not above max that can be a candidate; 0 if there is none. */
uint64_t plan_bound(struct plan_context *c, struct plan *p, uint64_t max);
/* The candidates of a chunk; false: none. Chunks are asked for from the highest down. */
bool plan_chunk(struct plan_context *c, struct plan *p, uint64_t number, struct chunk *out);

#endif
