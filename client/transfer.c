#include "client/transfer.h"
#include "client/files.h"
#include "client/link.h"
#include "client/request.h"
#include "common/text.h"
#include "common/type_file.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART (192u * 1024) /* what the server takes at a time */

/* Sending */

struct sending {
	struct app *app;
	const char *path;
	int fd;
	uint64_t offset;
	char id[24];
	GChecksum *sum;
	uint8_t *part;
};

static enum status cannot(const char *what, const char *path, struct error *e)
{
	return error_set(e, STATUS_USAGE, "cannot %s '%s': %s", what, path, strerror(errno));
}

/* Up to one part; fewer bytes are the end. */
static enum status read_part(struct sending *s, size_t *len, struct error *e)
{
	*len = 0;
	while (*len < PART) {
		ssize_t n = read(s->fd, s->part + *len, PART - *len);

		if (n < 0 && errno != EINTR)
			return cannot("read", s->path, e);
		if (n == 0)
			break;
		if (n > 0)
			*len += (size_t)n;
	}
	return STATUS_OK;
}

static void add_number(struct app *app, Guanxi__Request *r, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	request_arg(app->arena, r, name, bytes_str(text));
}

/* A request about this upload: not the command's own, so that a key or a dry run is left to the record. */
static Guanxi__Request *upload_request(struct sending *s, const char *op)
{
	Guanxi__Request *r = request_new(s->app, op);

	r->has_idempotency_key = r->has_dry_run = r->dry_run = false;
	if (s->id[0])
		request_arg(s->app->arena, r, "file", bytes_str(s->id));
	return r;
}

static enum status begin(struct sending *s, const struct field *f, struct error *e)
{
	const char *slash = strrchr(s->path, '/');
	const Guanxi__Reply *reply;
	Guanxi__Request *r = upload_request(s, "file.begin");
	struct stat st;

	request_arg(s->app->arena, r, "field", bytes_str(f->name));
	if (s->fd != STDIN_FILENO)
		request_arg(s->app->arena, r, "name", bytes_str(slash ? slash + 1 : s->path));
	if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		add_number(s->app, r, "size", (uint64_t)st.st_size);
	enum status status = link_call(s->app, r, &reply, e);
	if (status)
		return status;
	struct bytes id = answer_value(reply, "file");
	snprintf(s->id, sizeof s->id, "%.*s", (int)id.len, (const char *)id.data);
	s->app->uploads = array_grow(
		s->app->arena, s->app->uploads, s->app->nuploads, sizeof *s->app->uploads);
	s->app->uploads[s->app->nuploads++] = arena_str(s->app->arena, id);
	return STATUS_OK;
}

static enum status append(struct sending *s, size_t len, struct error *e)
{
	const Guanxi__Reply *reply;
	Guanxi__Request *r = upload_request(s, "file.append");

	add_number(s->app, r, "offset", s->offset);
	r->has_data = true;
	r->data = (ProtobufCBinaryData){ len, s->part };
	s->offset += len;
	g_checksum_update(s->sum, s->part, (gssize)len);
	return link_call(s->app, r, &reply, e);
}

static enum status finish(struct sending *s, struct error *e)
{
	const Guanxi__Reply *reply;
	Guanxi__Request *r = upload_request(s, "file.finish");

	request_arg(s->app->arena, r, "sha256", bytes_str(g_checksum_get_string(s->sum)));
	return link_call(s->app, r, &reply, e);
}

static enum status send_all(struct sending *s, const struct field *f, struct error *e)
{
	enum status status = begin(s, f, e);
	size_t len = PART;

	while (!status && len == PART) {
		status = read_part(s, &len, e);
		if (!status && len)
			status = append(s, len, e);
	}
	return status ? status : finish(s, e);
}

enum status transfer_send(struct app *app, const struct field *f, const char *path,
	const char **value, struct error *e)
{
	struct sending s = { .app = app, .path = path };
	struct buf text = BUF_INIT;
	enum status status;

	s.fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (s.fd < 0)
		return cannot("open", path, e);
	s.part = malloc(PART);
	if (!s.part)
		abort();
	s.sum = g_checksum_new(G_CHECKSUM_SHA256);
	status = send_all(&s, f, e);
	buf_printf(&text, FILE_UPLOAD "%s", g_checksum_get_string(s.sum));
	*value = arena_str(app->arena, buf_bytes(&text));
	g_checksum_free(s.sum);
	buf_free(&text);
	free(s.part);
	if (s.fd != STDIN_FILENO)
		close(s.fd);
	return status;
}

void transfer_cancel(struct app *app)
{
	for (size_t i = 0; i < app->nuploads; i++) {
		const Guanxi__Reply *reply;
		Guanxi__Request *r = request_bare(app->arena, bytes_str("file.cancel"));
		struct error e;

		error_init(&e);
		request_arg(app->arena, r, "file", bytes_str(app->uploads[i]));
		enum status st = link_call(app, r, &reply, &e);
		error_clear(&e);
		if (st == STATUS_UNREACHABLE || st == STATUS_OUTCOME_UNKNOWN)
			break;
	}
	app->nuploads = 0;
}

/* Receiving */

struct receiving {
	struct app *app;
	const char *record, *field;
	int fd;
	uint64_t offset, size;
	char sha256[2 * FILE_HASH + 1];
	GChecksum *sum;
};

static enum status ask_part(struct receiving *g, const Guanxi__Reply **reply, struct error *e)
{
	Guanxi__Request *r = request_new(g->app, "file.read");
	char sha256[sizeof g->sha256];
	struct bytes hash, size;

	request_record(g->app->arena, r, bytes_str(g->record));
	if (g->field)
		request_arg(g->app->arena, r, "field", bytes_str(g->field));
	add_number(g->app, r, "offset", g->offset);
	enum status st = link_call(g->app, r, reply, e);
	if (st)
		return st;
	hash = answer_value(*reply, "sha256");
	size = answer_value(*reply, "size");
	snprintf(sha256, sizeof sha256, "%.*s", (int)hash.len, (const char *)hash.data);
	if (g->offset && strcmp(sha256, g->sha256))
		return error_set(e, STATUS_CONFLICT, "%s",
			app_tr(g->app, "the file was changed meanwhile: try again"));
	memcpy(g->sha256, sha256, sizeof sha256);
	char *digits = bytes_dup(size);
	g->size = g_ascii_strtoull(digits, NULL, 10);
	free(digits);
	return STATUS_OK;
}

static enum status receive_all(struct receiving *g, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st;

	do {
		st = ask_part(g, &reply, e);
		struct bytes part = st ? (struct bytes){ 0 } : pb_bytes(reply->data);
		if (!st && !part.len && g->offset < g->size)
			st = error_set(e, STATUS_INTERNAL, "the server sent less than the file");
		g->offset += part.len;
		if (!st && part.len)
			g_checksum_update(g->sum, part.data, (gssize)part.len);
		if (!st)
			st = write_all(g->fd, part, e);
	} while (!st && g->offset < g->size);
	if (!st && strcmp(g_checksum_get_string(g->sum), g->sha256))
		st = error_set(e, STATUS_INTERNAL, "%s",
			app_tr(g->app, "the file arrived with another SHA-256"));
	return st;
}

/* Beside its place first: a file that is cut off never has the name. */
static enum status receive_file(struct receiving *g, const char *path, struct error *e)
{
	struct buf name = BUF_INIT;
	enum status st;

	buf_printf(&name, "%s.%ld", path, (long)getpid());
	g->fd = open(buf_str(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	st = g->fd < 0 ? cannot("write", path, e) : receive_all(g, e);
	if (g->fd >= 0 && close(g->fd) && !st)
		st = cannot("write", path, e);
	if (!st && rename(buf_str(&name), path))
		st = cannot("write", path, e);
	if (st && g->fd >= 0)
		unlink(buf_str(&name));
	buf_free(&name);
	return st;
}

enum status transfer_receive(
	struct app *app, const char *record, const char *field, const char *path, struct error *e)
{
	struct receiving g = { .app = app,
		.record = record,
		.field = field,
		.fd = STDOUT_FILENO,
		.sum = g_checksum_new(G_CHECKSUM_SHA256) };
	enum status st = strcmp(path, "-") ? receive_file(&g, path, e) : receive_all(&g, e);

	g_checksum_free(g.sum);
	return st;
}
