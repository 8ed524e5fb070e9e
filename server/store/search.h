/*
 * What the files of search share. A query is cut into atoms (runs of Chinese characters, Latin words, four digits and more); a record
 * matches when every atom is found in one of its searched fields. The index answers with candidates, and each is
 * checked on the record by the same functions that give ~ its meaning.
 */
#ifndef SERVER_STORE_SEARCH_H
#define SERVER_STORE_SEARCH_H

#include "common/pinyin.h"
#include "server/store/query.h"

#define SEARCH_TERM 16
#define SEARCH_TERMS_VERSION                                                                       \
	1 /* changes whenever the terms of a record can change: stores build theirs anew */
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
	TERM_INITIALS, /* two or three */
	TERM_INITIAL,  /* at the start only */
	TERM_WORD,
	TERM_DIGITS,
	TERM_WHOLE,
	TERM_LENGTH, /* number of characters: for the whole pinyin of a name */
};
#define TERM_SYLLABLES (2 * PINYIN_MAX_SYLLABLE + 2)
/* The gram of a pair. Returns its length. */
size_t term_syllables(uint16_t first, uint16_t second, char gram[TERM_SYLLABLES]);

struct term_key {
	uint8_t bytes[16];
};
void term_key_init(const struct store *s, struct term_key *key);
void term_make(const struct term_key *key, enum field_class class, enum term_kind kind, bool start,
	struct bytes gram, uint8_t out[SEARCH_TERM]);

#define TERM_PREFIX (2 + SEARCH_TERM) /* entity and term, as keys and rows begin */

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
enum status pending_of_term(struct pending *p, const uint8_t prefix[TERM_PREFIX],
	struct postings *out, struct error *e);
enum status pending_all(struct txn *t, struct postings *out, struct error *e); /* of all terms */

/* The ids of one term, descending. */
struct posting_list;
enum status posting_list_open(struct txn *t, struct pending *p, uint16_t entity,
	const uint8_t term[SEARCH_TERM], struct posting_list **out, struct error *e);
void posting_list_free(struct posting_list **l);
/* The greatest id not above max; 0 if there is none. */
enum status posting_list_seek(struct posting_list *l, uint64_t max, uint64_t *id, struct error *e);

/*
 * Calls fn for every posting that counts now, blocks and pending rows taken together, by entity, term and descending id. Blocks that do
 * not open are passed over. For store_check.
 */
typedef void posting_fn(void *arg, const struct posting *p);
enum status postings_each(struct txn *t, posting_fn *fn, void *arg, struct error *e);

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
struct plan *plan_ids(struct plan_context *c, const uint64_t *ids, size_t n); /* descending */
/* As posting_list_seek. When the steps are used up: *cut, and no candidate above id is left out. */
uint64_t plan_seek(struct plan_context *c, struct plan *p, uint64_t max, bool *cut);

#endif
