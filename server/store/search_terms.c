/* The terms of a record: keyed hashes of what its searched fields can be found by. */
#include "common/text.h"
#include "server/store/internal.h"
#include "server/store/search.h"
#include <sodium.h>

void term_key_init(const struct store *s, struct term_key *key)
{
	store_hash(s, "search", bytes_str("terms"), key->bytes);
}

uint32_t term_make(const struct term_key *key, enum field_class class, enum term_kind kind,
	bool start, struct bytes gram)
{
	uint8_t in[3 + SEARCH_MAX_WHOLE] = { (uint8_t) class, (uint8_t)kind, start };
	uint8_t out[crypto_shorthash_BYTES];
	size_t len = gram.len < SEARCH_MAX_WHOLE ? gram.len : SEARCH_MAX_WHOLE;

	_Static_assert(crypto_shorthash_KEYBYTES == sizeof key->bytes, "size of the key");
	memcpy(in + 3, gram.data, len);
	crypto_shorthash(out, in, 3 + len, key->bytes);
	return kind == TERM_WHOLE ? get_be32(out) & WHOLE_MASK : get_be32(out);
}

struct terms {
	struct term_key key;
	enum field_class class; /* of the field at hand */
	uint32_t *items;
	size_t n, cap;
};

static void terms_add(struct terms *t, enum term_kind kind, bool start, struct bytes gram)
{
	t->items = items_grow(t->items, t->n, &t->cap, sizeof *t->items);
	t->items[t->n++] = term_make(&t->key, t->class, kind, start, gram);
}

static void terms_add_both(struct terms *t, enum term_kind kind, bool start, struct bytes gram)
{
	terms_add(t, kind, false, gram);
	if (start)
		terms_add(t, kind, true, gram);
}

static void add_han(struct terms *t, const struct token *token)
{
	struct bytes rest = token->text, before = { 0 };

	while (rest.len > 0) {
		const uint8_t *at = rest.data;
		bool first = token->offset == 0 && at == token->text.data;
		struct bytes one;

		text_next(&rest);
		one = bytes_of(at, (size_t)(rest.data - at));
		terms_add_both(t, TERM_HAN1, first, one);
		if (before.len > 0)
			terms_add_both(t, TERM_HAN2,
				token->offset == 0 && before.data == token->text.data,
				bytes_of(before.data, before.len + one.len));
		before = one;
	}
}

size_t term_word(struct bytes text, size_t characters)
{
	static const uint8_t lengths[] = { 8, 6, 5, 4, 3, 2, 1 };
	struct bytes rest = text;
	size_t n = 0, i = 0;

	while (n < characters && rest.len > 0) {
		text_next(&rest);
		n++;
	}
	while (lengths[i] > n)
		i++;
	for (rest = text, n = 0; n < lengths[i]; n++)
		text_next(&rest);
	return text.len - rest.len;
}

/* Starts of a word; a query of four digits asks for them wherever they are. */
static void add_word(struct terms *t, const struct token *token)
{
	size_t most = search_all_digits(token->text) ? 3 : 8, before = 0;

	for (size_t i = 1; i <= most; i++) {
		size_t len = term_word(token->text, i);

		if (len > before)
			terms_add_both(
				t, TERM_WORD, token->offset == 0, bytes_of(token->text.data, len));
		before = len;
	}
}

static void add_digits(struct terms *t, struct bytes folded)
{
	struct bytes rest = folded;
	struct token run;

	while (search_digits(&rest, folded.data, &run))
		for (size_t i = 0; i + 4 <= run.text.len; i++)
			terms_add_both(t, TERM_DIGITS, run.offset + i == 0,
				bytes_of(run.text.data + i, 4));
}

static void add_text(struct terms *t, struct bytes folded)
{
	struct bytes rest = folded;
	struct token token;

	while (search_token(&rest, folded.data, &token)) {
		if (token.kind == TOKEN_HAN)
			add_han(t, &token);
		else
			add_word(t, &token);
	}
	add_digits(t, folded);
	if (folded.len <= SEARCH_MAX_WHOLE)
		terms_add(t, TERM_WHOLE, true, folded);
}

/* The different first letters of a character's readings. */
static size_t initials_of(const struct pinyin_unit *unit, char out[PINYIN_MAX_READINGS])
{
	size_t n = 0;

	for (size_t i = 0; i < unit->n; i++) {
		char letter = pinyin_symbol(unit->symbols[i])[0];

		if (n == 0 || memchr(out, letter, n) == NULL)
			out[n++] = letter;
	}
	return n;
}

/* Pairs and triples that end at character i. */
static void add_initials(struct terms *t, const struct pinyin_unit *units, size_t i)
{
	char one[PINYIN_MAX_READINGS], two[PINYIN_MAX_READINGS], three[PINYIN_MAX_READINGS];
	size_t none = i > 1 ? initials_of(&units[i - 2], one) : 0;
	size_t ntwo = i > 0 ? initials_of(&units[i - 1], two) : 0;
	size_t nthree = initials_of(&units[i], three);

	for (size_t z = 0; z < nthree; z++) {
		if (i == 0)
			terms_add(t, TERM_INITIAL, true, bytes_of(&three[z], 1));
		for (size_t y = 0; y < ntwo; y++) {
			char gram[3] = { 0, two[y], three[z] };

			terms_add_both(t, TERM_INITIALS, i == 1, bytes_of(gram + 1, 2));
			for (size_t x = 0; x < none; x++) {
				gram[0] = one[x];
				terms_add(t, TERM_INITIALS, false, bytes_of(gram, 3));
			}
		}
	}
}

static bool is_syllable(uint16_t symbol)
{
	return symbol < PINYIN_LETTER;
}

size_t term_syllables(uint16_t first, uint16_t second, char gram[TERM_SYLLABLES])
{
	return (size_t)snprintf(
		gram, TERM_SYLLABLES, "%s %s", pinyin_symbol(first), pinyin_symbol(second));
}

/* Syllables of character i, and pairs with those of the one before. */
static void add_syllables(struct terms *t, const struct pinyin_unit *units, size_t i)
{
	char gram[TERM_SYLLABLES];

	for (size_t k = 0; k < units[i].n && is_syllable(units[i].symbols[k]); k++) {
		terms_add_both(
			t, TERM_SYLLABLE, i == 0, bytes_str(pinyin_symbol(units[i].symbols[k])));
		for (size_t j = 0; i > 0 && j < units[i - 1].n; j++)
			if (is_syllable(units[i - 1].symbols[j]))
				terms_add_both(t, TERM_SYLLABLE, i == 1,
					bytes_of(gram, term_syllables(units[i - 1].symbols[j],
							       units[i].symbols[k], gram)));
	}
}

/* What typed letters can tell of the whole: how many characters, and how the first and the last one begin. */
static void add_shapes(struct terms *t, const struct pinyin_unit *units, size_t n)
{
	char first[PINYIN_MAX_READINGS], last[PINYIN_MAX_READINGS];
	size_t nfirst = initials_of(&units[0], first), nlast = initials_of(&units[n - 1], last);

	for (size_t i = 0; i < nfirst; i++)
		for (size_t k = 0; k < nlast; k++) {
			const char gram[3] = { (char)n, first[i], last[k] };

			terms_add(t, TERM_SHAPE, true, bytes_of(gram, 3));
		}
}

static void add_pinyin(struct terms *t, const struct pinyin_unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_syllables(t, units, i);
		add_initials(t, units, i);
	}
	if (n > 0 && n <= SEARCH_MAX_LENGTH)
		add_shapes(t, units, n);
}

struct field_terms {
	struct terms *terms;
	const struct entity *entity;
	struct bytes fields;
	struct search_value *value;
};

static void add_field(void *arg, const struct field *f, struct bytes run)
{
	struct field_terms *ft = arg;
	struct terms *t = ft->terms;
	struct search_value *v = ft->value;
	struct wire_field w;

	t->class = field_strictest(f);
	if (search_value_reading(ft->entity, f, ft->fields, v))
		add_pinyin(t, v->units, v->nunits);
	while (record_next(&run, &w, NULL)) {
		if (!search_value_read(f, &w, v))
			continue;
		add_text(t, buf_bytes(&v->folded));
		if (v->pinyin)
			add_pinyin(t, v->units, v->nunits);
	}
}

/* Terms are hashes: spread by their first byte they are all but in order, and what is left is few steps of insertion. */
static void terms_sort(struct terms *t)
{
	uint32_t *sorted = items_new(t->n + 1, sizeof *sorted);
	size_t start[257] = { 0 };

	for (size_t i = 0; i < t->n; i++)
		start[(t->items[i] >> 24) + 1]++;
	for (size_t k = 0; k < 256; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < t->n; i++)
		sorted[start[t->items[i] >> 24]++] = t->items[i];
	for (size_t i = 1; i < t->n; i++) {
		uint32_t moving = sorted[i];
		size_t at = i;

		for (; at > 0 && sorted[at - 1] > moving; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = moving;
	}
	free(t->items);
	t->items = sorted;
	t->cap = t->n + 1;
}

/* Sorted, without doubles. */
static void terms_of(
	struct terms *t, const struct entity *entity, struct bytes fields, struct search_value *v)
{
	struct field_terms ft = { t, entity, fields, v };
	size_t n = 0;

	t->n = 0;
	search_each(entity, fields, add_field, &ft);
	terms_sort(t);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || t->items[n - 1] != t->items[i])
			t->items[n++] = t->items[i];
	t->n = n;
}

static bool same_text(const struct entity *entity, struct bytes before, struct bytes after)
{
	if (before.len == 0 || after.len == 0)
		return before.len == after.len;
	for (size_t i = 0; i < entity->nfields; i++) {
		const struct field *f = &entity->fields[i];

		if ((f->flags & F_SEARCH) &&
			!bytes_equal(record_run(before, f->tag), record_run(after, f->tag)))
			return false;
	}
	return true;
}

static void keep_posting(
	struct postings *out, uint16_t entity, uint64_t id, uint32_t term, bool take_away)
{
	struct posting *p;

	out->items = items_grow(out->items, out->n, &out->cap, sizeof *out->items);
	p = &out->items[out->n++];
	*p = (struct posting){ .id = id, .term = term, .entity = entity, .remove = take_away };
}

void search_terms_diff(const struct store *s, const struct entity *entity, uint64_t id,
	struct bytes before, struct bytes after, struct postings *out)
{
	if (!same_text(entity, before, after))
		search_terms_change(s, id, entity, before, entity, after, out);
}

void search_terms_change(const struct store *s, uint64_t id, const struct entity *then,
	struct bytes before, const struct entity *now, struct bytes after, struct postings *out)
{
	struct terms old = { 0 }, new = { 0 };
	struct search_value v;
	size_t i = 0, k = 0;

	memset(&v.folded, 0, sizeof v.folded);
	term_key_init(s, &old.key);
	new.key = old.key;
	terms_of(&old, then, before, &v);
	terms_of(&new, now, after, &v);
	while (i < old.n || k < new.n) {
		int order = i == old.n                    ? 1
			    : k == new.n                  ? -1
			    : old.items[i] < new.items[k] ? -1
							  : old.items[i] > new.items[k];

		if (order < 0)
			keep_posting(out, now->number, id, old.items[i], true);
		else if (order > 0)
			keep_posting(out, now->number, id, new.items[k], false);
		i += order <= 0;
		k += order >= 0;
	}
	free(old.items);
	free(new.items);
	buf_free(&v.folded);
}

bool store_terms(struct txn *t, const struct entity *entity, struct bytes fields,
	struct arena *arena, struct ready_terms *out)
{
	struct terms terms = { 0 };
	struct search_value v;
	uint32_t *items;

	memset(&v.folded, 0, sizeof v.folded);
	term_key_init(txn_store(t), &terms.key);
	terms_of(&terms, txn_shape(t, entity->number)->entity, fields, &v);
	items = arena_alloc(arena, (terms.n + 1) * sizeof *items);
	if (items != NULL)
		memcpy(items, terms.items, terms.n * sizeof *items);
	*out = (struct ready_terms){ generation_number(txn_generation(t)), fields, items, terms.n };
	free(terms.items);
	buf_free(&v.folded);
	return items != NULL;
}

void txn_offer_terms(struct txn *t, const struct ready_terms *terms)
{
	t->ready = terms;
}

#define BEYOND_MAX 32

/* Gathers the terms of what the record has beyond the fields whose terms are ready. False: one of those is another now. */
static bool terms_beyond(
	struct field_terms *ft, const struct entity *entity, const struct ready_terms *ready)
{
	uint32_t tags[BEYOND_MAX];
	size_t n = record_diff(ready->fields, ft->fields, tags, BEYOND_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct field *f = entity_field_by_tag(entity, tags[i]);

		if (f == NULL || !(f->flags & F_SEARCH))
			continue;
		if (record_has(ready->fields, f->tag) || search_is_reading(entity, f))
			return false;
		if (search_is_searched(entity, f))
			add_field(ft, f, record_run(ft->fields, f->tag));
	}
	return n < BEYOND_MAX;
}

static void postings_join(struct txn *t, const struct entity *entity, uint64_t id,
	const struct ready_terms *ready, const struct terms *more)
{
	size_t i = 0, k = 0;

	while (i < ready->n || k < more->n) {
		bool first = k == more->n || (i < ready->n && ready->items[i] <= more->items[k]);
		uint32_t term = first ? ready->items[i] : more->items[k];

		keep_posting(&t->postings, entity->number, id, term, false);
		while (i < ready->n && ready->items[i] == term)
			i++;
		while (k < more->n && more->items[k] == term)
			k++;
	}
}

bool search_terms_ready(struct txn *t, const struct entity *entity, uint64_t id,
	struct bytes before, struct bytes after)
{
	const struct ready_terms *ready = t->ready;
	struct terms more = { 0 };
	struct search_value v;
	struct field_terms ft = { &more, entity, after, &v };
	bool taken;

	if (ready == NULL || before.len > 0 || after.len == 0 ||
		ready->generation != generation_number(t->generation))
		return false;
	memset(&v.folded, 0, sizeof v.folded);
	term_key_init(t->store, &more.key);
	taken = terms_beyond(&ft, entity, ready);
	if (taken) {
		terms_sort(&more);
		postings_join(t, entity, id, ready, &more);
	}
	free(more.items);
	buf_free(&v.folded);
	return taken;
}
