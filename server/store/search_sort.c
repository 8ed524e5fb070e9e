/* Putting postings in order: hundreds of thousands at a time when many records come. */
#include "server/store/search.h"
#include <glib.h>

#define SPREAD_BITS 11
#define SPREAD_MASK ((1u << SPREAD_BITS) - 1)
#define PLACE_BITS 48
#define SPREAD_FROM 512u /* postings from which spreading is cheaper than comparing */

int postings_compare(const struct posting *a, const struct posting *b)
{
	uint64_t x = posting_place(a), y = posting_place(b);

	if (x != y)
		return x < y ? -1 : 1;
	return a->id == b->id ? 0 : a->id > b->id ? -1 : 1;
}

static gint compare_in_order(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return postings_compare(a, b);
}

/* Sorts by some bits of the place; what is equal in them stays as it was. False: all are equal. */
static bool spread(const struct posting *from, struct posting *to, size_t n, unsigned shift)
{
	uint32_t start[SPREAD_MASK + 2] = { 0 };

	for (size_t i = 0; i < n; i++)
		start[(posting_place(&from[i]) >> shift & SPREAD_MASK) + 1]++;
	if (start[(posting_place(&from[0]) >> shift & SPREAD_MASK) + 1] == n)
		return false;
	for (size_t k = 0; k < SPREAD_MASK; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < n; i++)
		to[start[posting_place(&from[i]) >> shift & SPREAD_MASK]++] = from[i];
	return true;
}

/* Puts those of one place into their order; most are already, as ids are given rising and the newest come first. */
static void sort_places(struct posting *items, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		bool sorted = true;

		for (k = i + 1; k < n && posting_place(&items[k]) == posting_place(&items[i]); k++)
			sorted = sorted && items[k - 1].id > items[k].id;
		if (!sorted)
			g_qsort_with_data(
				items + i, (gint)(k - i), sizeof *items, compare_in_order, NULL);
	}
}

/* As they came, the newest first, so that of several with the same place and id the newest is the first. */
static void turn_round(struct postings *p)
{
	for (size_t i = 0, k = p->n; i + 1 < k; i++) {
		struct posting one = p->items[i];

		p->items[i] = p->items[--k];
		p->items[k] = one;
	}
}

/*
 * Those of new records: of one entity, by rising ids that lie close together. Term, distance from the highest id and remove fit into one number,
 * so that half as much is moved, and only by the bits of the term.
 */
#define TERM_SHIFT 32
#define DISTANCE_MAX (UINT64_C(1) << (TERM_SHIFT - 1))

static bool are_rising(const struct postings *p)
{
	for (size_t i = 1; i < p->n; i++)
		if (p->items[i].entity != p->items[0].entity || p->items[i].id < p->items[i - 1].id)
			return false;
	return p->items[p->n - 1].id - p->items[0].id < DISTANCE_MAX;
}

static void spread_packed(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	uint32_t start[SPREAD_MASK + 2] = { 0 };

	for (size_t i = 0; i < n; i++)
		start[(from[i] >> shift & SPREAD_MASK) + 1]++;
	for (size_t k = 0; k < SPREAD_MASK; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < n; i++)
		to[start[from[i] >> shift & SPREAD_MASK]++] = from[i];
}

static void pack(const struct postings *p, uint64_t *out)
{
	uint64_t top = p->items[p->n - 1].id;

	for (size_t i = 0; i < p->n; i++) {
		const struct posting *from = &p->items[p->n - 1 - i];
		out[i] = (uint64_t)from->term << TERM_SHIFT | (top - from->id) << 1 | from->remove;
	}
}

/* Of several with the same place the first stays. */
static void unpack(const uint64_t *from, struct postings *p)
{
	uint64_t top = p->items[p->n - 1].id;
	uint16_t entity = p->items[0].entity;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (i > 0 && from[i] >> 1 == from[i - 1] >> 1)
			continue;
		p->items[n++] = (struct posting){ .id = top - ((uint32_t)from[i] >> 1),
			.term = (uint32_t)(from[i] >> TERM_SHIFT),
			.entity = entity,
			.remove = from[i] & 1 };
	}
	p->n = n;
}

static enum status sort_rising(struct postings *p, struct error *e)
{
	uint64_t *a = malloc(p->n * sizeof *a), *b = malloc(p->n * sizeof *b);
	bool room = a != NULL && b != NULL;

	if (room) {
		pack(p, a);
		spread_packed(a, b, p->n, TERM_SHIFT);
		spread_packed(b, a, p->n, TERM_SHIFT + SPREAD_BITS);
		spread_packed(a, b, p->n, TERM_SHIFT + 2 * SPREAD_BITS);
		unpack(b, p);
	}
	free(a);
	free(b);
	return room ? STATUS_OK : error_set(e, STATUS_INTERNAL, "out of memory");
}

enum status postings_sort(struct postings *p, struct error *e)
{
	struct posting *room;
	size_t n = 0;

	if (p->n >= SPREAD_FROM && are_rising(p))
		return sort_rising(p, e);
	room = p->n >= SPREAD_FROM ? malloc(p->n * sizeof *room) : NULL;
	if (p->n >= SPREAD_FROM && room == NULL)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	turn_round(p);
	for (unsigned shift = 0; room != NULL && shift < PLACE_BITS; shift += SPREAD_BITS) {
		struct posting *from = p->items;

		if (!spread(from, room, p->n, shift))
			continue;
		p->items = room;
		p->cap = p->n;
		room = from;
	}
	if (p->n >= SPREAD_FROM)
		sort_places(p->items, p->n);
	else if (p->n > 1)
		g_qsort_with_data(p->items, (gint)p->n, sizeof *p->items, compare_in_order, NULL);
	for (size_t i = 0; i < p->n; i++)
		if (n == 0 || postings_compare(&p->items[n - 1], &p->items[i]) != 0)
			p->items[n++] = p->items[i];
	p->n = n;
	free(room);
	return STATUS_OK;
}
