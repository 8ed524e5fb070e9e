#include "common/arena.h"

#define FIRST_BLOCK (16u * 1024)
#define ALIGNMENT 16u

struct block {
	struct block *next;
	size_t size; /* of the room after the header */
	size_t used;
	size_t pad;
	uint8_t room[];
};

struct arena {
	ProtobufCAllocator allocator;
	struct block *top;   /* the newest, taken from first */
	struct block *first; /* kept on reset */
	size_t ceiling;
	size_t used;
	size_t next_size;
};

_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "room must be aligned");

static void *protobuf_alloc(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void protobuf_free(void *arena, void *pointer)
{
}

static struct block *block_new(size_t size, struct block *next)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = next;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *arena_new(size_t ceiling)
{
	struct buf room = BUF_INIT;
	struct arena *a;

	/* By way of buf, which ends the process when there is no memory at all. */
	buf_reserve(&room, sizeof(*a));
	a = (struct arena *)room.data;
	*a = (struct arena){ .ceiling = ceiling, .next_size = FIRST_BLOCK };
	a->allocator = (ProtobufCAllocator){ protobuf_alloc, protobuf_free, a };
	return a;
}

static void drop_blocks(struct arena *a, struct block *until)
{
	while (a->top != until) {
		struct block *next = a->top->next;

		free(a->top);
		a->top = next;
	}
}

void arena_free(struct arena **a)
{
	if (!a || !*a)
		return;
	drop_blocks(*a, NULL);
	free(*a);
	*a = NULL;
}

void arena_reset(struct arena *a)
{
	drop_blocks(a, a->first);
	if (a->first)
		a->first->used = 0;
	a->used = 0;
	a->next_size = FIRST_BLOCK;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

static bool add_block(struct arena *a, size_t size)
{
	size_t room = a->next_size > size ? a->next_size : size;
	struct block *b = block_new(room, a->top);

	if (!b)
		return false;
	a->top = b;
	if (!a->first && room == FIRST_BLOCK)
		a->first = b;
	a->next_size = a->next_size < (1u << 20) ? a->next_size * 2 : a->next_size;
	return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p;

	if (size > a->ceiling)
		return NULL;
	size = (size + (size == 0) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > a->ceiling - a->used)
		return NULL;
	if ((!a->top || a->top->size - a->top->used < size) && !add_block(a, size))
		return NULL;
	p = a->top->room + a->top->used;
	a->top->used += size;
	a->used += size;
	return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	p = arena_alloc(a, total);
	if (p)
		memset(p, 0, total);
	return p;
}

struct bytes arena_copy(struct arena *a, struct bytes in)
{
	uint8_t *p = arena_alloc(a, in.len);

	if (!p)
		return bytes_of(NULL, 0);
	if (in.len)
		memcpy(p, in.data, in.len);
	return bytes_of(p, in.len);
}

char *arena_str(struct arena *a, struct bytes in)
{
	char *p = in.len < SIZE_MAX ? arena_alloc(a, in.len + 1) : NULL;

	if (!p)
		return NULL;
	if (in.len)
		memcpy(p, in.data, in.len);
	p[in.len] = '\0';
	return p;
}

void *arena_array_grow(struct arena *a, void *items, size_t n, size_t size)
{
	void *bigger;

	/* full when n is 0 or a power of two from 4 on */
	if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
		return items;
	bigger = arena_calloc(a, n ? 2 * n : 4, size);
	if (bigger && n)
		memcpy(bigger, items, n * size);
	return bigger;
}

ProtobufCAllocator *arena_allocator(struct arena *a)
{
	return &a->allocator;
}
