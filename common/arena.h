/*
 * Memory that is freed all at once: one arena a call. It has a ceiling, so that
 * no frame can make the process grow; beyond it allocation returns NULL.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include "common/buf.h"
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(size_t ceiling); /* ceiling in bytes */
void arena_free(struct arena **a);       /* accepts NULL, sets NULL */
void arena_reset(struct arena *a);       /* keeps the first block */
size_t arena_used(const struct arena *a);

/* 16-byte aligned, not zeroed. NULL when the ceiling is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* Zeroed; NULL when the ceiling is reached or n * size overflows. */
void *arena_calloc(struct arena *a, size_t n, size_t size);
struct bytes arena_copy(struct arena *a, struct bytes in); /* .data is NULL on the ceiling */
char *arena_str(struct arena *a, struct bytes in);         /* NUL-terminated copy or NULL */

/* An array of n items with room for one more: itself, or a copy twice as large (nothing else keeps its capacity). NULL when the ceiling is reached. */
void *arena_array_grow(struct arena *a, void *items, size_t n, size_t size);

/* For protobuf_c unpack; valid as long as the arena. */
ProtobufCAllocator *arena_allocator(struct arena *a);

#endif
