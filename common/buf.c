#include "common/buf.h"
#include <stdarg.h>
#include <unistd.h>

#define EXIT_NO_MEMORY 71

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.data, b.data, n) : 0;

	if (c)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

bool bytes_equal_str(struct bytes a, const char *s)
{
	return bytes_equal(a, bytes_str(s));
}

bool bytes_starts(struct bytes a, struct bytes prefix)
{
	return a.len >= prefix.len && bytes_equal(bytes_of(a.data, prefix.len), prefix);
}

static _Noreturn void out_of_memory(void)
{
	static const char line[] = "guanxi: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)ignored;
	_exit(EXIT_NO_MEMORY);
}

char *bytes_dup(struct bytes a)
{
	char *copy = malloc(a.len + 1);

	if (!copy)
		out_of_memory();
	if (a.len)
		memcpy(copy, a.data, a.len);
	copy[a.len] = '\0';
	return copy;
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *data;

	if (b->cap - b->len >= more)
		return;
	if (more > SIZE_MAX / 4 - b->len)
		out_of_memory();
	while (cap < b->len + more)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		out_of_memory();
	b->data = data;
	b->cap = cap;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	buf_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buf_add_bytes(struct buf *b, struct bytes a)
{
	buf_add(b, a.data, a.len);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_u8(struct buf *b, uint8_t v)
{
	buf_reserve(b, 1);
	b->data[b->len++] = v;
}

void buf_add_u16(struct buf *b, uint16_t v)
{
	buf_reserve(b, 2);
	put_be16(b->data + b->len, v);
	b->len += 2;
}

void buf_add_u32(struct buf *b, uint32_t v)
{
	buf_reserve(b, 4);
	put_be32(b->data + b->len, v);
	b->len += 4;
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	buf_reserve(b, 8);
	put_be64(b->data + b->len, v);
	b->len += 8;
}

void buf_add_varint(struct buf *b, uint64_t v)
{
	buf_reserve(b, 10);
	for (; v >= 0x80; v >>= 7)
		b->data[b->len++] = (uint8_t)(v | 0x80);
	b->data[b->len++] = (uint8_t)v;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n <= 0)
		return;
	buf_reserve(b, (size_t)n + 1);
	va_start(args, format);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	b->len -= n;
	if (b->len)
		memmove(b->data, b->data + n, b->len);
}

const char *buf_str(struct buf *b)
{
	buf_reserve(b, 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

bool take_bytes(struct bytes *in, size_t len, struct bytes *out)
{
	if (in->len < len)
		return false;
	*out = bytes_of(in->data, len);
	in->data += len;
	in->len -= len;
	return true;
}

bool take_u8(struct bytes *in, uint8_t *v)
{
	struct bytes b;

	if (!take_bytes(in, 1, &b))
		return false;
	*v = b.data[0];
	return true;
}

bool take_u16(struct bytes *in, uint16_t *v)
{
	struct bytes b;

	if (!take_bytes(in, 2, &b))
		return false;
	*v = get_be16(b.data);
	return true;
}

bool take_u32(struct bytes *in, uint32_t *v)
{
	struct bytes b;

	if (!take_bytes(in, 4, &b))
		return false;
	*v = get_be32(b.data);
	return true;
}

bool take_u64(struct bytes *in, uint64_t *v)
{
	struct bytes b;

	if (!take_bytes(in, 8, &b))
		return false;
	*v = get_be64(b.data);
	return true;
}

bool take_varint(struct bytes *in, uint64_t *v)
{
	uint64_t value = 0;

	if (in->len && in->data[0] < 0x80) { /* most are one byte */
		*v = in->data[0];
		in->data++;
		in->len--;
		return true;
	}
	for (size_t i = 0; i < in->len && i < 10; i++) {
		uint8_t byte = in->data[i];

		if (i == 9 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*v = value;
			in->data += i + 1;
			in->len -= i + 1;
			return true;
		}
	}
	return false;
}

void *items_new(size_t n, size_t size)
{
	void *items = calloc(n ? n : 1, size);

	if (!items)
		out_of_memory();
	return items;
}

void *items_grow(void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 64;
	items = reallocarray(items, *cap, size);
	if (!items)
		out_of_memory();
	return items;
}
