/*
 * Search terms against records, in memory that does not grow with the store: both sides are summed up by hash in buckets; only
 * buckets that differ are listed and compared one by one.
 */
#include "server/store/check.h"
#include "server/store/search.h"

#include <sodium.h>

#define BUCKETS 65536u
#define MOST_LISTED 16u /* buckets that are compared in detail */

struct bucket {
	uint64_t sum, count; /* records minus stored */
	bool listed;
};

struct check_terms {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct bucket *buckets;
	struct postings scratch;
	bool detail;
	struct postings wanted, stored; /* of the listed buckets */
	uint64_t total;
};

struct check_terms *check_terms_new(void)
{
	struct check_terms *terms = items_new(1, sizeof(*terms));

	terms->buckets = items_new(BUCKETS, sizeof(*terms->buckets));
	randombytes_buf(terms->key, sizeof(terms->key));
	return terms;
}

void check_terms_free(struct check_terms **terms)
{
	if (!terms || !*terms)
		return;
	free((*terms)->buckets);
	free((*terms)->scratch.items);
	free((*terms)->wanted.items);
	free((*terms)->stored.items);
	free(*terms);
	*terms = NULL;
}

static struct bucket *bucket_of(struct check_terms *terms, const struct posting *p)
{
	return &terms->buckets[p->term >> 16];
}

static uint64_t hash_of(const struct check_terms *terms, const struct posting *p)
{
	uint8_t in[PLACE_BYTES + 8], out[crypto_shorthash_BYTES];

	place_put(in, posting_place(p));
	put_be64(in + PLACE_BYTES, p->id);
	crypto_shorthash(out, in, sizeof(in), terms->key);
	return get_be64(out);
}

static void keep(struct postings *list, const struct posting *p)
{
	list->items = items_grow(list->items, list->n, &list->cap, sizeof(*list->items));
	list->items[list->n++] = *p;
}

void check_terms_record(struct check *c, const struct shape *sh, uint64_t id, struct bytes fields)
{
	struct check_terms *terms = c->terms;
	struct bytes none = { 0 };

	if (record_has(fields, TAG_DELETED_AT))
		return;
	terms->scratch.n = 0;
	search_terms_diff(c->t->store, sh->entity, id, none, fields, &terms->scratch);
	for (size_t i = 0; i < terms->scratch.n; i++) {
		const struct posting *p = &terms->scratch.items[i];
		struct bucket *b = bucket_of(terms, p);
		if (terms->detail) {
			if (b->listed)
				keep(&terms->wanted, p);
			continue;
		}
		b->sum += hash_of(terms, p);
		b->count++;
	}
}

static void stored_posting(void *arg, const struct posting *p)
{
	struct check_terms *terms = arg;
	struct bucket *b = bucket_of(terms, p);

	if (terms->detail) {
		if (b->listed)
			keep(&terms->stored, p);
		return;
	}
	terms->total++;
	b->sum -= hash_of(terms, p);
	b->count--;
}

static int compare(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	if (posting_place(x) != posting_place(y))
		return posting_place(x) < posting_place(y) ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void sort(struct postings *p)
{
	if (p->n)
		qsort(p->items, p->n, sizeof(*p->items), compare);
}

static void say(struct check *c, const struct posting *p, const char *fault)
{
	const struct entity *en = schema_entity_by_number(txn_schema(c->t), p->entity);

	check_damage(c, "search term of %s \"%llu\" %s", en ? en->name : "an unknown entity",
		(unsigned long long)p->id, fault);
}

static void compare_lists(struct check *c)
{
	struct postings *want = &c->terms->wanted, *have = &c->terms->stored;
	size_t w = 0, h = 0;

	sort(want);
	sort(have);
	while (w < want->n || h < have->n) {
		int order = w == want->n   ? 1
			    : h == have->n ? -1
					   : compare(&want->items[w], &have->items[h]);
		if (order < 0)
			say(c, &want->items[w], "is missing");
		else if (order > 0)
			say(c, &have->items[h], "stands without reason");
		w += order <= 0;
		h += order >= 0;
	}
}

/* All records once more, for the listed buckets. */
static void list_records(struct check *c)
{
	struct bytes none = { 0 }, key, fields;
	uint64_t version;
	struct walk *w;

	if (walk_open(c->t, SPACE_REC, none, &w, NULL))
		return;
	while (walk_next(w, &key)) {
		const struct entity *en = key.len != 10 ? NULL
							: schema_entity_by_number(txn_schema(c->t),
								  get_be16(key.data));
		uint64_t id = en ? get_be64(key.data + 2) : 0;
		if (en && !record_read(c->t, en->number, id, &c->row, &version, &fields, NULL))
			check_terms_record(c, txn_shape(c->t, en->number), id, fields);
	}
	walk_close(&w);
}

void check_terms_compare(struct check *c)
{
	struct check_terms *terms = c->terms;
	size_t listed = 0;
	struct error e;

	error_init(&e);
	if (postings_each(c->t, stored_posting, terms, &e))
		check_damage(c, "search terms cannot be read: %s", e.message);
	error_clear(&e);
	c->counts.postings = terms->total;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct bucket *b = &terms->buckets[i];
		b->listed = (b->sum || b->count) && listed < MOST_LISTED;
		listed += b->listed;
	}
	if (!listed)
		return;
	terms->detail = true;
	list_records(c);
	postings_each(c->t, stored_posting, terms, NULL);
	compare_lists(c);
}
