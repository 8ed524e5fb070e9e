/* Putting postings in order: tens of thousands of hashes at a time when many records come. */
#include "server/store/search.h"

#define SPREAD_BITS 11
#define SPREAD_MASK ((1u << SPREAD_BITS) - 1)
#define SPREAD_FROM 512u /* postings from which spreading is cheaper than comparing */

int postings_compare(const struct posting *a, const struct posting *b)
{
	uint64_t x = posting_place(a), y = posting_place(b);

	if (x != y)
		return x < y ? -1 : 1;
	return a->id == b->id ? 0 : a->id > b->id ? -1 : 1;
}

/* A posting's place in the order: what stands first in it is kept beside, as most comparisons need no more. */
struct place {
	uint64_t first;
	uint32_t index;
};

static int compare_in_order(const void *a, const void *b, void *arg)
{
	const struct posting *items = arg;
	const struct place *x = a, *y = b;
	int order = postings_compare(&items[x->index], &items[y->index]);

	return order != 0 ? order : x->index > y->index ? -1 : 1;
}

/* Sorts by some bits of what stands first; what is equal in them stays as it was. False: all are equal. */
static bool spread(const struct place *from, struct place *to, size_t n, unsigned shift)
{
	uint32_t start[SPREAD_MASK + 2] = { 0 };

	for (size_t i = 0; i < n; i++)
		start[(from[i].first >> shift & SPREAD_MASK) + 1]++;
	if (start[(from[0].first >> shift & SPREAD_MASK) + 1] == n)
		return false;
	for (size_t k = 0; k < SPREAD_MASK; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < n; i++)
		to[start[from[i].first >> shift & SPREAD_MASK]++] = from[i];
	return true;
}

static void places_spread(struct place **order, struct place **room, size_t n)
{
	for (unsigned shift = 0; shift < 48; shift += SPREAD_BITS) {
		struct place *from = *order;

		if (!spread(from, *room, n, shift))
			continue;
		*order = *room;
		*room = from;
	}
}

/* Brings places that are equal in what stands first into their order; most are already, as ids are given rising. */
static void places_finish(struct place *order, size_t n, struct posting *items)
{
	for (size_t i = 0, k; i < n; i = k) {
		bool sorted = true;

		for (k = i + 1; k < n && order[k].first == order[i].first; k++)
			sorted = sorted && compare_in_order(&order[k - 1], &order[k], items) < 0;
		if (!sorted)
			qsort_r(order + i, k - i, sizeof *order, compare_in_order, items);
	}
}

enum status postings_sort(struct postings *p, struct error *e)
{
	struct place *order = malloc((p->n + 1) * sizeof *order);
	struct place *room = malloc((p->n + 1) * sizeof *room);
	struct posting *sorted = malloc((p->n + 1) * sizeof *sorted);
	size_t n = 0;

	if (order == NULL || room == NULL || sorted == NULL) {
		free(order);
		free(room);
		free(sorted);
		return error_set(e, STATUS_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct posting *item = &p->items[p->n - 1 - i];

		order[i] = (struct place){ posting_place(item), (uint32_t)(p->n - 1 - i) };
	}
	if (p->n >= SPREAD_FROM)
		places_spread(&order, &room, p->n);
	else
		qsort_r(order, p->n, sizeof *order, compare_in_order, p->items);
	places_finish(order, p->n, p->items);
	for (size_t i = 0; i < p->n; i++) {
		const struct posting *item = &p->items[order[i].index];

		if (n == 0 || postings_compare(&sorted[n - 1], item) != 0)
			sorted[n++] = *item;
	}
	free(order);
	free(room);
	free(p->items);
	p->items = sorted;
	p->cap = p->n + 1;
	p->n = n;
	return STATUS_OK;
}
