#include "client/import_memory.h"
#include "client/link.h"
#include "client/request.h"
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_LEN 18

static bool hash_file(GChecksum *sum, const char *path)
{
	uint8_t *room = g_malloc(1 << 16);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about;
	ssize_t n = -1;

	if (fd >= 0 && !fstat(fd, &about) && S_ISREG(about.st_mode))
		while ((n = read(fd, room, 1 << 16)) > 0)
			g_checksum_update(sum, room, n);
	if (fd >= 0)
		close(fd);
	g_free(room);
	return n == 0;
}

/* With its end, so that two texts cannot be taken for two others. */
static void hash_text(GChecksum *sum, const char *text)
{
	g_checksum_update(sum, (const guchar *)(text ? text : "\1"), -1);
	g_checksum_update(sum, (const guchar *)"", 1);
}

bool import_key(const struct app *app, const char *path, struct buf *out)
{
	const struct options *o = &app->opt;
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	const char *const texts[] = { app->noun, o->key, o->on_conflict, o->null, o->encoding,
		o->format, o->separator, o->quote };
	bool read = strcmp(path, "-") != 0 && hash_file(sum, path);

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		hash_text(sum, texts[i]);
	for (size_t i = 0; i < o->map.n; i++)
		hash_text(sum, o->map.items[i]);
	hash_text(sum, NULL);
	for (size_t i = 0; i < o->set.n; i++)
		hash_text(sum, o->set.items[i]);
	buf_add_str(out, g_checksum_get_string(sum));
	g_checksum_free(sum);
	return read;
}

/* Refused rows of the run before. */

struct refusals {
	struct app *app;
	uint64_t operation, from;
	const Guanxi__Reply *page; /* NULL: not asked yet */
	size_t at;
	bool end;
};

struct refusals *refusals_new(struct app *app, uint64_t operation)
{
	struct refusals *r = g_new0(struct refusals, 1);

	r->app = app;
	r->operation = operation;
	return r;
}

void refusals_free(struct refusals **r)
{
	g_free(*r);
	*r = NULL;
}

static enum status next_page(struct refusals *r, struct error *e)
{
	char number[24];
	const Guanxi__Reply *reply;
	Guanxi__Request *request = request_new(r->app, "import.refused");

	snprintf(number, sizeof number, "%llu", (unsigned long long)r->operation);
	request_arg(r->app->arena, request, "operation", bytes_str(number));
	snprintf(number, sizeof number, "%llu", (unsigned long long)r->from);
	request_arg(r->app->arena, request, "from", bytes_str(number));
	enum status st = link_call(r->app, request, &reply, e);
	if (st)
		return st;
	struct bytes next = answer_value(reply, "next");
	r->end = !next.len;
	snprintf(number, sizeof number, "%.*s", (int)MIN(next.len, 20), (const char *)next.data);
	r->from = g_ascii_strtoull(number, NULL, 10);
	r->page = answer_keep(r->app, reply);
	r->at = 0;
	return STATUS_OK;
}

enum status refusals_of(
	struct refusals *r, uint64_t line, const Guanxi__RowResult **row, struct error *e)
{
	enum status st = STATUS_OK;

	*row = NULL;
	while (!st && !r->end && (!r->page || r->at == r->page->n_row))
		st = next_page(r, e);
	if (st || !r->page || r->at == r->page->n_row || r->page->row[r->at]->line != line)
		return st;
	*row = r->page->row[r->at++];
	return STATUS_OK;
}

/* Values of a dry run. */

struct seen {
	GHashTable *keys; /* GBytes */
};

struct seen *seen_new(void)
{
	struct seen *s = g_new0(struct seen, 1);

	s->keys = g_hash_table_new_full(
		g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
	return s;
}

void seen_free(struct seen **s)
{
	if (!*s)
		return;
	g_hash_table_destroy((*s)->keys);
	g_free(*s);
	*s = NULL;
}

uint16_t seen_before(struct seen *s, const Guanxi__RowResult *row)
{
	for (size_t i = 0; i < row->n_key; i++) {
		GBytes *key = g_bytes_new(row->key[i].data, row->key[i].len);
		bool known = g_hash_table_contains(s->keys, key);

		g_bytes_unref(key);
		if (known && row->key[i].len == KEY_LEN)
			return (uint16_t)(row->key[i].data[0] << 8 | row->key[i].data[1]);
	}
	for (size_t i = 0; i < row->n_key; i++)
		g_hash_table_add(s->keys, g_bytes_new(row->key[i].data, row->key[i].len));
	return 0;
}
