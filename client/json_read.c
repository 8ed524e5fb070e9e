#include "client/json_read.h"
#include "common/text.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)
#define READ_SIZE 65536

enum status json_line(struct bytes line, json_t **out, struct error *e)
{
	json_error_t why;

	*out = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &why);
	if (!*out)
		return error_set(
			e, STATUS_INVALID, "not JSON: %s at column %d", why.text, why.column);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return error_set(e, STATUS_INVALID, "not a JSON object");
	}
	return STATUS_OK;
}

void json_value_text(const json_t *value, struct buf *out)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		buf_add(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		buf_printf(out, "%.15g", json_real_value(value));
		break;
	case JSON_TRUE:
		buf_add_str(out, "true");
		break;
	case JSON_FALSE:
		buf_add_str(out, "false");
		break;
	case JSON_NULL:
		break;
	default: {
		char *text = json_dumps(value, JSON_COMPACT);

		buf_add_str(out, text ? text : "");
		free(text);
	}
	}
}

struct lines {
	int fd;
	struct buf in;
	size_t taken; /* at the front of in, of the line given last */
	uint64_t number;
	uint64_t total;
	bool ended;
};

enum status lines_open(const char *path, struct lines **out, struct error *e)
{
	struct lines *l = calloc(1, sizeof *l);

	*out = l;
	if (!l)
		return error_set(e, STATUS_INTERNAL, "out of memory");
	l->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (l->fd >= 0)
		return STATUS_OK;
	return error_set(e, STATUS_USAGE, "cannot open '%s': %s", path, strerror(errno));
}

void lines_free(struct lines **pl)
{
	struct lines *l = *pl;

	if (!l)
		return;
	if (l->fd > STDIN_FILENO)
		close(l->fd);
	buf_free(&l->in);
	free(l);
	*pl = NULL;
}

uint64_t lines_bytes_read(const struct lines *l)
{
	return l->total;
}

int lines_fd(const struct lines *l)
{
	return l->fd;
}

/* True with a line at the front of in. */
static bool has_line(struct lines *l, struct bytes *line, size_t *used)
{
	const uint8_t *end = l->in.len ? memchr(l->in.data, '\n', l->in.len) : NULL;

	if (!end && !(l->ended && l->in.len))
		return false;
	*used = end ? (size_t)(end - l->in.data) + 1 : l->in.len;
	*line = bytes_of(l->in.data, *used - (end ? 1 : 0));
	if (line->len && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

static void fill(struct lines *l)
{
	ssize_t n;

	buf_reserve(&l->in, READ_SIZE);
	do {
		n = read(l->fd, l->in.data + l->in.len, READ_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		l->ended = true;
		return;
	}
	l->in.len += (size_t)n;
	l->total += (uint64_t)n;
}

bool lines_next(struct lines *l, struct bytes *line, uint64_t *number, struct error *e)
{
	for (;;) {
		buf_drop(&l->in, l->taken);
		l->taken = 0;
		if (has_line(l, line, &l->taken)) {
			*number = ++l->number;
			if (l->number == 1 && bytes_starts(*line, bytes_str("\xef\xbb\xbf")))
				*line = bytes_of(line->data + 3, line->len - 3);
			if (text_trim(*line).len)
				return true;
			continue;
		}
		if (l->in.len > LINE_MAX_BYTES) {
			error_set(e, STATUS_INVALID, "line %llu is longer than %u bytes",
				(unsigned long long)l->number + 1, LINE_MAX_BYTES);
			return false;
		}
		if (l->ended)
			return false;
		fill(l);
	}
}

bool lines_would_wait(struct lines *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	struct bytes rest = bytes_of(l->in.data + l->taken, l->in.len - l->taken);

	if (l->ended || (rest.len && memchr(rest.data, '\n', rest.len)))
		return false;
	return poll(&p, 1, 0) == 0;
}
