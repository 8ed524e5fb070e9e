/*
 * Bytes: a slice that somebody else owns (struct bytes) and a buffer that grows (struct buf).
 * Knows nothing of text, records or frames. Small allocations that fail abort the
 * process with exit 71; sizes from outside are checked before they come here.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data;
	size_t len;
};

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ data, len };
}

static inline struct bytes bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

static inline struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->data, b->len };
}

bool bytes_equal(struct bytes a, struct bytes b);
/* memcmp order, a shorter one before a longer one with the same start. */
int bytes_compare(struct bytes a, struct bytes b);
bool bytes_equal_str(struct bytes a, const char *s);
bool bytes_starts(struct bytes a, struct bytes prefix);
/* A NUL-terminated copy; free() it. */
char *bytes_dup(struct bytes a);

/* Arrays of items, to be freed with free(). n items, zeroed. */
void *items_new(size_t n, size_t size);
/* The same array with room for one more item behind n; *cap is how many it has room for. */
void *items_grow(void *items, size_t n, size_t *cap, size_t size);

void buf_free(struct buf *b);                 /* b may be NULL */
void buf_clear(struct buf *b);                /* keeps the memory */
void buf_reserve(struct buf *b, size_t more); /* room for more bytes after len */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_bytes(struct buf *b, struct bytes a);
void buf_add_str(struct buf *b, const char *s);
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16(struct buf *b, uint16_t v); /* integers are big-endian */
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_varint(struct buf *b, uint64_t v); /* protobuf varint */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *b, size_t n); /* removes n bytes at the start */
/* NUL-terminated view of the content, valid until the next change; len does not count the NUL. */
const char *buf_str(struct buf *b);

/* Readers: take from the front of *in. false, with *in unchanged, when it is too short. */
bool take_u8(struct bytes *in, uint8_t *v);
bool take_u16(struct bytes *in, uint16_t *v);
bool take_u32(struct bytes *in, uint32_t *v);
bool take_u64(struct bytes *in, uint64_t *v);
bool take_varint(struct bytes *in, uint64_t *v);
bool take_bytes(struct bytes *in, size_t len, struct bytes *out);

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}
static inline void put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}
static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}
static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

#endif
