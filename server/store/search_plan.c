/* From a query to the lists of terms that its records must stand in. */
#include "common/text.h"
#include "server/store/search.h"

#define MAX_LISTS 3000u
#define MAX_GRAMS 12     /* of one atom: more add nothing but work, the record decides */
#define PARSE_DEPTH 3    /* pairs of syllables of typed pinyin that are looked up */
#define MAX_CHOICE 48    /* more syllables than start with any letter */
#define STEPS_OF_ROW 60  /* what reading a row of postings costs */
#define STEPS_OF_CHUNK 8 /* and what taking a chunk of ids from it */
#define MAX_PAIRS 24     /* more are looked up by the first syllable alone */

enum plan_kind { PLAN_LIST, PLAN_AND, PLAN_OR };

struct plan {
	enum plan_kind kind;
	struct plan *child; /* of and, or */
	struct plan *sibling;
	struct posting_list *list;
};

/* ---- Building ---- */

static void plan_fail(struct plan_context *c, enum status status)
{
	if (c->status == STATUS_OK)
		c->status = status;
}

static struct plan *plan_new(struct plan_context *c, enum plan_kind kind)
{
	struct plan *p = arena_calloc(c->arena, 1, sizeof *p);

	if (p == NULL) {
		plan_fail(c, error_set(c->error, STATUS_USAGE, "search text asks for too much"));
		return NULL;
	}
	p->kind = kind;
	return p;
}

static bool keep_list(struct plan_context *c, struct posting_list *l)
{
	if (c->nlists == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 32;
		struct posting_list **lists = realloc(c->lists, cap * sizeof *lists);

		if (lists == NULL)
			return false;
		c->lists = lists;
		c->cap = cap;
	}
	c->lists[c->nlists++] = l;
	return true;
}

static struct plan *plan_term(struct plan_context *c, enum field_class class, enum term_kind kind,
	bool start, struct bytes gram)
{
	struct plan *p =
		c->status != STATUS_OK || c->nlists > MAX_LISTS ? NULL : plan_new(c, PLAN_LIST);
	uint32_t term;

	if (p == NULL) {
		plan_fail(c, error_set(c->error, STATUS_USAGE, "search text asks for too much"));
		return NULL;
	}
	term = term_make(c->key, class, kind, start, gram);
	plan_fail(c, posting_list_open(c->txn, c->pending, c->entity, term, &p->list, c->error));
	if (c->status != STATUS_OK)
		return NULL;
	if (!keep_list(c, p->list)) {
		posting_list_free(&p->list);
		plan_fail(c, error_set(c->error, STATUS_INTERNAL, "out of memory"));
		return NULL;
	}
	return p;
}

static struct plan *join(
	struct plan_context *c, enum plan_kind kind, struct plan *a, struct plan *b)
{
	struct plan *p = a;

	if (a->kind != kind) {
		p = plan_new(c, kind);
		if (p == NULL)
			return NULL;
		p->child = a;
	}
	b->sibling = p->child->sibling;
	p->child->sibling = b;
	return p;
}

struct plan *plan_and(struct plan_context *c, struct plan *a, struct plan *b)
{
	return a == NULL || b == NULL ? NULL : join(c, PLAN_AND, a, b);
}

struct plan *plan_or(struct plan_context *c, struct plan *a, struct plan *b)
{
	return a == NULL ? b : b == NULL ? a : join(c, PLAN_OR, a, b);
}

void plan_release(struct plan_context *c)
{
	for (size_t i = 0; i < c->nlists; i++)
		posting_list_free(&c->lists[i]);
	free(c->lists);
	c->lists = NULL;
	c->nlists = c->cap = 0;
}

/* ---- Atoms ---- */

static size_t character_length(struct bytes text)
{
	struct bytes rest = text;

	text_next(&rest);
	return text.len - rest.len;
}

static struct plan *plan_han(
	struct plan_context *c, enum field_class class, struct bytes text, bool start)
{
	size_t first = character_length(text), second;
	struct plan *p = NULL;

	if (first == text.len)
		return plan_term(c, class, TERM_HAN1, start, text);
	for (int i = 0; i < MAX_GRAMS && first < text.len; i++) {
		struct plan *pair;

		second = character_length(bytes_of(text.data + first, text.len - first));
		pair = plan_term(
			c, class, TERM_HAN2, start && i == 0, bytes_of(text.data, first + second));
		p = i == 0 ? pair : plan_and(c, p, pair);
		text.data += first;
		text.len -= first;
		first = second;
	}
	return p;
}

static struct plan *plan_digits(
	struct plan_context *c, enum field_class class, struct bytes text, bool start)
{
	struct plan *p = plan_term(c, class, TERM_DIGITS, start, bytes_of(text.data, 4));

	for (size_t i = 1; i < MAX_GRAMS && i + 4 <= text.len; i++)
		p = plan_and(
			c, p, plan_term(c, class, TERM_DIGITS, false, bytes_of(text.data + i, 4)));
	return p;
}

/* A word with numbers in it, such as C000123, is found by them as well: many begin alike. */
static struct plan *plan_word(
	struct plan_context *c, enum field_class class, struct bytes text, bool start)
{
	struct plan *p = plan_term(
		c, class, TERM_WORD, start, bytes_of(text.data, term_word(text, text.len)));
	struct bytes rest = text;
	struct token run;

	while (p != NULL && search_digits(&rest, text.data, &run))
		if (run.text.len >= 4)
			p = plan_and(c, p, plan_digits(c, class, run.text, false));
	return p;
}

static struct plan *plan_initials(
	struct plan_context *c, enum field_class class, const char *typed, size_t n, bool start)
{
	size_t gram = n < 3 ? n : 3;
	struct plan *p;

	if (n == 1)
		return plan_term(c, class, TERM_INITIAL, true, bytes_of(typed, 1));
	p = plan_term(c, class, TERM_INITIALS, start, bytes_of(typed, start ? 2 : gram));
	for (size_t i = start && gram == 3 ? 0 : 1; i < MAX_GRAMS && i + gram <= n; i++)
		p = plan_and(
			c, p, plan_term(c, class, TERM_INITIALS, false, bytes_of(typed + i, gram)));
	return p;
}

/* ---- Typed pinyin ---- */

/* The syllables that take a number of the typed letters: all their own, or (cut) all that are left though they have more. */
struct choice {
	size_t length;
	bool cut;
	size_t n;
	uint16_t syllables[MAX_CHOICE];
	bool many; /* there are more */
};

static void choose(const char *typed, size_t n, size_t length, bool cut, struct choice *out)
{
	bool is_cut;

	*out = (struct choice){ .length = length, .cut = cut };
	for (size_t i = 0; i < pinyin_syllable_count(); i++) {
		if (pinyin_take(typed, n, pinyin_syllable(i), &is_cut) != length || is_cut != cut)
			continue;
		if (out->n < MAX_CHOICE)
			out->syllables[out->n++] = (uint16_t)i;
		else
			out->many = true;
	}
}

/* Lengths that the first syllable can have; bit 0: the letters end inside it. */
static unsigned first_lengths(const char *typed, size_t n)
{
	unsigned lengths = 0;
	bool cut;

	for (size_t i = 0; n > 0 && i < pinyin_syllable_count(); i++) {
		size_t taken = pinyin_take(typed, n, pinyin_syllable(i), &cut);

		if (taken > 0)
			lengths |= cut ? 1u : 1u << taken;
	}
	return lengths;
}

static struct plan *plan_single(
	struct plan_context *c, enum field_class class, const struct choice *a, bool start)
{
	struct plan *p = NULL;

	for (size_t i = 0; i < a->n; i++)
		p = plan_or(c, p,
			plan_term(c, class, TERM_SYLLABLE, start,
				bytes_str(pinyin_symbol(a->syllables[i]))));
	return p;
}

static struct plan *plan_pair(struct plan_context *c, enum field_class class,
	const struct choice *a, const struct choice *b, bool start)
{
	struct plan *p = NULL;
	char gram[TERM_SYLLABLES];

	if (a->n * b->n > MAX_PAIRS || b->many)
		return plan_single(c, class, a, start);
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			p = plan_or(c, p,
				plan_term(c, class, TERM_SYLLABLE, start,
					bytes_of(gram, term_syllables(a->syllables[i],
							       b->syllables[k], gram))));
	return p;
}

/* Records that can have the letters as syllables of which the first is a and the last may be cut short; NULL: impossible. */
static struct plan *plan_from(struct plan_context *c, enum field_class class, const char *typed,
	size_t n, const struct choice *a, int depth, bool start)
{
	const char *rest = typed + a->length;
	size_t left = n - a->length;
	unsigned lengths = first_lengths(rest, left);
	struct plan *p = NULL;
	struct choice b;

	if (left == 0)
		return plan_single(c, class, a, start);
	if (lengths & 1) {
		choose(rest, left, left, true, &b);
		p = plan_pair(c, class, a, &b, start);
	}
	for (size_t length = 1; length <= PINYIN_MAX_SYLLABLE && length <= left; length++) {
		struct plan *then = NULL;
		bool last = length == left || depth == 1;

		if (!(lengths & 1u << length))
			continue;
		choose(rest, left, length, false, &b);
		if (!last)
			then = plan_from(c, class, rest, left, &b, depth - 1, false);
		if (last || then != NULL) {
			struct plan *pair = plan_pair(c, class, a, &b, start);

			p = plan_or(c, p, last ? pair : plan_and(c, pair, then));
		}
	}
	return p;
}

static struct plan *plan_parse(
	struct plan_context *c, enum field_class class, const char *typed, size_t n, bool start)
{
	unsigned lengths = first_lengths(typed, n);
	struct plan *p = NULL;
	struct choice a;

	if (lengths & 1) {
		choose(typed, n, n, true, &a);
		p = plan_single(c, class, &a, start);
	}
	for (size_t length = 1; length <= PINYIN_MAX_SYLLABLE && length <= n; length++) {
		if (!(lengths & 1u << length))
			continue;
		choose(typed, n, length, false, &a);
		p = plan_or(c, p, plan_from(c, class, typed, n, &a, PARSE_DEPTH, start));
	}
	return p;
}

static struct plan *plan_shape(
	struct plan_context *c, enum field_class class, size_t length, char first, char last)
{
	const char gram[3] = { (char)length, first, last };

	return plan_term(c, class, TERM_SHAPE, true, bytes_of(gram, 3));
}

/* The shapes that the letters can have when all of them are syllables; counts: bit k, so many letters can be exactly k of them. */
static struct plan *plan_shapes(
	struct plan_context *c, enum field_class class, const char *typed, size_t n)
{
	uint64_t counts[PINYIN_MAX_TYPED + 1] = { 1 };
	struct plan *p = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned lengths = counts[i] ? first_lengths(typed + i, n - i) : 0;

		for (size_t length = 1; length <= PINYIN_MAX_SYLLABLE && i + length <= n; length++)
			if (lengths & 1u << length)
				counts[i + length] |= counts[i] << 1;
		if (n - i > PINYIN_MAX_SYLLABLE || !(lengths & 1u << (n - i)))
			continue;
		for (size_t k = 1; k <= SEARCH_MAX_LENGTH; k++)
			if (counts[i] << 1 >> k & 1)
				p = plan_or(c, p, plan_shape(c, class, k, typed[0], typed[i]));
	}
	return p;
}

/* Names whose whole pinyin, or whole initials, was typed. */
static struct plan *plan_whole_pinyin(
	struct plan_context *c, enum field_class class, const char *typed, size_t n)
{
	struct plan *shapes = plan_shapes(c, class, typed, n), *p = NULL;

	if (shapes != NULL)
		p = plan_and(c, shapes, plan_parse(c, class, typed, n, true));
	if (n <= SEARCH_MAX_LENGTH)
		p = plan_or(c, p,
			plan_and(c, plan_shape(c, class, n, typed[0], typed[n - 1]),
				plan_initials(c, class, typed, n, true)));
	return p;
}

/* ---- Queries ---- */

static struct plan *plan_atom_in(
	struct plan_context *c, enum field_class class, const struct search_atom *atom, bool start)
{
	struct plan *p;

	if (atom->token.kind == TOKEN_HAN)
		return plan_han(c, class, atom->token.text, start);
	if (atom->token.kind == TOKEN_DIGITS)
		return plan_digits(c, class, atom->token.text, start);
	p = plan_word(c, class, atom->token.text, start);
	if (atom->ntyped > 1)
		p = plan_or(c, p, plan_parse(c, class, atom->typed, atom->ntyped, start));
	if (atom->ntyped > 0)
		p = plan_or(c, p, plan_initials(c, class, atom->typed, atom->ntyped, start));
	return p;
}

static struct plan *plan_atom(struct plan_context *c, const struct search_atom *atom, bool start)
{
	struct plan *p = NULL;

	for (unsigned class = 0; class < SEARCH_CLASSES; class ++)
		if (c->classes & 1u << class)
			p = plan_or(c, p, plan_atom_in(c, class, atom, start));
	return p;
}

/* Candidates for a text that is all there is in a field: its own term, which it shares with others, among those found at the start. */
static struct plan *plan_whole(struct plan_context *c, const struct search_query *q)
{
	struct plan *sound = NULL, *text = NULL;

	for (unsigned class = 0; class < SEARCH_CLASSES; class ++) {
		if (!(c->classes & 1u << class))
			continue;
		if (q->folded.len <= SEARCH_MAX_WHOLE)
			text = plan_or(c, text,
				plan_term(c, class, TERM_WHOLE, true, buf_bytes(&q->folded)));
		if (q->ntyped > 0)
			sound = plan_or(c, sound, plan_whole_pinyin(c, class, q->typed, q->ntyped));
	}
	if (text != NULL)
		text = plan_and(c, text, plan_query(c, q, RANK_START));
	return plan_or(c, text, sound);
}

struct plan *plan_query(struct plan_context *c, const struct search_query *q, enum search_rank rank)
{
	struct plan *p;

	if (q->n == 0)
		return NULL;
	if (rank == RANK_WHOLE)
		return plan_whole(c, q);
	p = plan_atom(c, &q->atoms[0], rank == RANK_START);
	for (size_t i = 1; i < q->n; i++)
		p = plan_and(c, p, plan_atom(c, &q->atoms[i], false));
	return p;
}

/* ---- Reading ---- */

static void spend(struct plan_context *c, size_t steps)
{
	c->steps -= steps < c->steps ? steps : c->steps;
}

static uint64_t bound_list(struct plan_context *c, struct plan *p, uint64_t max)
{
	size_t rows = posting_list_rows(p->list);
	uint64_t bound = 0;

	plan_fail(c, posting_list_bound(p->list, max, &bound, c->error));
	spend(c, 1 + STEPS_OF_ROW * (posting_list_rows(p->list) - rows));
	return c->status == STATUS_OK ? bound : 0;
}

uint64_t plan_bound(struct plan_context *c, struct plan *p, uint64_t max)
{
	uint64_t best = 0;

	if (p->kind == PLAN_LIST)
		return bound_list(c, p, max);
	for (struct plan *k = p->child; k != NULL && max > 0; k = k->sibling) {
		uint64_t bound = plan_bound(c, k, max);

		if (p->kind == PLAN_AND)
			max = bound;
		best = bound > best ? bound : best;
	}
	return p->kind == PLAN_AND ? max : best;
}

static bool chunk_list(struct plan_context *c, struct plan *p, uint64_t number, struct chunk *out)
{
	size_t rows = posting_list_rows(p->list);
	bool any = false;

	plan_fail(c, posting_list_chunk(p->list, number, out, &any, c->error));
	spend(c, STEPS_OF_CHUNK + STEPS_OF_ROW * (posting_list_rows(p->list) - rows));
	return any && c->status == STATUS_OK;
}

static bool chunk_and(struct chunk *out, const struct chunk *other)
{
	uint64_t all = 0;

	for (size_t i = 0; i < CHUNK_WORDS; i++)
		all |= out->words[i] &= other->words[i];
	return all != 0;
}

static void chunk_or(struct chunk *out, const struct chunk *other)
{
	for (size_t i = 0; i < CHUNK_WORDS; i++)
		out->words[i] |= other->words[i];
}

bool plan_chunk(struct plan_context *c, struct plan *p, uint64_t number, struct chunk *out)
{
	uint64_t low = number << CHUNK_BITS;
	struct chunk one;
	bool any = p->kind == PLAN_LIST && chunk_list(c, p, number, out), first = true;

	for (struct plan *k = p->child; k != NULL && c->status == STATUS_OK; k = k->sibling) {
		bool more = plan_bound(c, k, low + (CHUNK_IDS - 1)) >= low &&
			    plan_chunk(c, k, number, first ? out : &one);

		if (p->kind == PLAN_AND)
			any = more && (first || chunk_and(out, &one));
		else if (more && any)
			chunk_or(out, &one);
		any = p->kind == PLAN_AND ? any : any || more;
		if (p->kind == PLAN_AND && !any)
			return false;
		first = first && !more;
	}
	return any;
}
