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

enum status postings_sort(struct postings *p, struct error *e)
{
	struct posting *room = p->n >= SPREAD_FROM ? malloc(p->n * sizeof *room) : NULL;
	size_t n = 0;

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
