#include "server/store/bits.h"
#include <glib.h>

void bits_init(struct bits *b, uint64_t ids)
{
	b->n = (size_t)(ids / 64 + 1);
	b->words = g_new0(uint64_t, b->n);
}

void bits_release(struct bits *b)
{
	g_free(b->words);
	*b = (struct bits){ 0 };
}

/* Cuts the run to the room; false: nothing is left. */
static bool cut_run(const struct bits *b, uint64_t first, uint64_t *n)
{
	uint64_t room = b->n * 64;

	if (first >= room)
		return false;
	*n = MIN(*n, room - first);
	return *n > 0;
}

/* The bits of a word between two places, the second one outside. */
static uint64_t mask(uint64_t from, uint64_t before)
{
	uint64_t below = before == 64 ? UINT64_MAX : (UINT64_C(1) << before) - 1;

	return below & ~((UINT64_C(1) << from) - 1);
}

void bits_set_run(struct bits *b, uint64_t first, uint64_t n)
{
	if (!cut_run(b, first, &n))
		return;
	for (uint64_t end = first + n; first < end; first = (first / 64 + 1) * 64)
		b->words[first / 64] |= mask(first % 64, MIN(end - first / 64 * 64, 64));
}

uint64_t bits_count_run(const struct bits *b, uint64_t first, uint64_t n)
{
	uint64_t count = 0;

	if (!cut_run(b, first, &n))
		return 0;
	for (uint64_t end = first + n; first < end; first = (first / 64 + 1) * 64)
		count += (uint64_t)__builtin_popcountll(
			b->words[first / 64] & mask(first % 64, MIN(end - first / 64 * 64, 64)));
	return count;
}

void bits_or(struct bits *to, const struct bits *from)
{
	for (size_t i = 0; i < to->n && i < from->n; i++)
		to->words[i] |= from->words[i];
}

void bits_and(struct bits *to, const struct bits *from)
{
	for (size_t i = 0; i < to->n; i++)
		to->words[i] &= i < from->n ? from->words[i] : 0;
}

void bits_and_not(struct bits *to, const struct bits *from)
{
	for (size_t i = 0; i < to->n && i < from->n; i++)
		to->words[i] &= ~from->words[i];
}

uint64_t bits_count_both(const struct bits *a, const struct bits *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->n && i < b->n; i++)
		n += (uint64_t)__builtin_popcountll(a->words[i] & b->words[i]);
	return n;
}

uint64_t bits_count(const struct bits *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += (uint64_t)__builtin_popcountll(b->words[i]);
	return n;
}

static uint64_t seek_up(const struct bits *b, uint64_t id)
{
	size_t i = (size_t)(id / 64);
	uint64_t word;

	if (id / 64 >= b->n)
		return 0;
	word = b->words[i] & UINT64_MAX << id % 64;
	while (!word && ++i < b->n)
		word = b->words[i];
	return word ? i * 64 + (uint64_t)__builtin_ctzll(word) : 0;
}

static uint64_t seek_down(const struct bits *b, uint64_t id)
{
	size_t i;
	uint64_t word;

	if (b->n == 0)
		return 0;
	if (id / 64 >= b->n)
		id = b->n * 64 - 1;
	i = (size_t)(id / 64);
	word = b->words[i] & UINT64_MAX >> (63 - id % 64);
	while (!word && i-- > 0)
		word = b->words[i];
	return word ? i * 64 + 63 - (uint64_t)__builtin_clzll(word) : 0;
}

uint64_t bits_seek(const struct bits *b, uint64_t id, bool down)
{
	return down ? seek_down(b, id) : seek_up(b, id);
}
