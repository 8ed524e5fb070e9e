/* A set of ids as bits, for many of them. */
#ifndef SERVER_STORE_BITS_H
#define SERVER_STORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
	uint64_t *words;
	size_t n; /* words */
};

void bits_init(struct bits *b, uint64_t ids); /* room for ids below this; all unset */
void bits_release(struct bits *b);
static inline bool bits_has(const struct bits *b, uint64_t id)
{
	return id / 64 < b->n && (b->words[id / 64] >> id % 64 & 1);
}
/* An id for which there is no room is left out. */
static inline void bits_set(struct bits *b, uint64_t id)
{
	if (id / 64 < b->n)
		b->words[id / 64] |= UINT64_C(1) << id % 64;
}
/* The same for n ids from one on. */
void bits_set_run(struct bits *b, uint64_t first, uint64_t n);
/* How many of n ids from one on are members. */
uint64_t bits_count_run(const struct bits *b, uint64_t first, uint64_t n);
/* Both of one size. */
void bits_or(struct bits *to, const struct bits *from);
void bits_and(struct bits *to, const struct bits *from);
void bits_and_not(struct bits *to, const struct bits *from);
uint64_t bits_count(const struct bits *b);
uint64_t bits_count_both(const struct bits *a, const struct bits *b);
/* The first id at or after this one, or with down the last one at or before it; 0: none. Id 0 is no member. */
uint64_t bits_seek(const struct bits *b, uint64_t id, bool down);

#endif
