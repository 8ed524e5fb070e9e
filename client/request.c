#include "client/request.h"
#include "client/catalog.h"
#include "client/files.h"
#include "client/transfer.h"
#include "common/clock.h"
#include "common/frame.h"

#define VALUE_MAX (192u * 1024)

void *array_grow(struct arena *arena, void *items, size_t n, size_t size)
{
	void *more = arena_array_grow(arena, items, n, size);

	if (!more)
		abort();
	return more;
}

static ProtobufCBinaryData keep(struct arena *arena, struct bytes b)
{
	struct bytes copy = arena_copy(arena, b);

	if (!copy.data && b.len)
		abort();
	return (ProtobufCBinaryData){ b.len, (uint8_t *)copy.data };
}

Guanxi__Request *request_bare(struct arena *arena, struct bytes op)
{
	Guanxi__Request *r = arena_alloc(arena, sizeof *r);

	if (!r)
		abort();
	guanxi__request__init(r);
	r->op = keep(arena, op);
	return r;
}

char *identifier(struct arena *arena, const char *word)
{
	char *s = arena_str(arena, bytes_str(word));

	for (char *p = s; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return s;
}

void request_text(
	struct arena *arena, const char *text, protobuf_c_boolean *has, ProtobufCBinaryData *field)
{
	if (!text)
		return;
	*has = true;
	*field = keep(arena, bytes_str(text));
}

Guanxi__Request *request_new(struct app *app, const char *op)
{
	Guanxi__Request *r = request_bare(app->arena, bytes_str(op));

	if (app->noun)
		request_text(
			app->arena, identifier(app->arena, app->noun), &r->has_entity, &r->entity);
	request_text(app->arena, app->opt.reason, &r->has_reason, &r->reason);
	request_text(
		app->arena, app->opt.idempotency_key, &r->has_idempotency_key, &r->idempotency_key);
	r->has_dry_run = r->dry_run = app->opt.dry_run;
	if (app->opt.force)
		request_arg(app->arena, r, "force", bytes_str("yes"));
	if (app->deadline_us) {
		int64_t left = (app->deadline_us - monotonic_us()) / 1000;

		r->has_deadline_ms = true;
		r->deadline_ms = left > UINT32_MAX ? UINT32_MAX : left > 0 ? (uint32_t)left : 1;
	}
	return r;
}

void request_record(struct arena *arena, Guanxi__Request *r, struct bytes id)
{
	r->record = array_grow(arena, r->record, r->n_record, sizeof *r->record);
	r->record[r->n_record++] = keep(arena, id);
}

static Guanxi__Pair *new_pair(struct arena *arena, struct bytes name, struct bytes value)
{
	Guanxi__Pair *pair = arena_alloc(arena, sizeof *pair);

	if (!pair)
		abort();
	guanxi__pair__init(pair);
	pair->name = keep(arena, name);
	pair->has_value = true;
	pair->value = keep(arena, value);
	return pair;
}

void request_set(struct arena *arena, Guanxi__Request *r, struct bytes name, struct bytes value)
{
	r->set = array_grow(arena, r->set, r->n_set, sizeof *r->set);
	r->set[r->n_set++] = new_pair(arena, name, value);
}

void request_arg(struct arena *arena, Guanxi__Request *r, const char *name, struct bytes value)
{
	r->arg = array_grow(arena, r->arg, r->n_arg, sizeof *r->arg);
	r->arg[r->n_arg++] = new_pair(arena, bytes_str(name), value);
}

void request_column(struct arena *arena, Guanxi__Request *r, struct bytes name)
{
	r->column = array_grow(arena, r->column, r->n_column, sizeof *r->column);
	r->column[r->n_column++] = keep(arena, name);
}

static enum status assign_file(
	struct app *app, Guanxi__Request *r, struct bytes name, const char *path, struct error *e)
{
	const struct entity *en = NULL;
	const struct field *f = NULL;
	struct buf content = BUF_INIT;
	enum status st = app->noun ? catalog_entity(app, &en, e) : STATUS_OK;

	if (st)
		return st;
	if (en)
		f = entity_field(en, name);
	if (f && f->type == T_FILE) {
		const char *upload;

		st = transfer_send(app, f, path, &upload, e);
		if (!st)
			request_set(app->arena, r, name, bytes_str(upload));
		return st;
	}
	st = file_read(path, VALUE_MAX, &content, e);

	if (!st)
		request_set(app->arena, r, name, buf_bytes(&content));
	buf_free(&content);
	return st == STATUS_NOT_FOUND ? error_set(e, STATUS_USAGE, "%s", e->message) : st;
}

enum status request_assign(
	struct app *app, Guanxi__Request *r, const char **words, size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *equals = strchr(words[i], '=');

		if (!equals || equals == words[i])
			return error_set(e, STATUS_USAGE,
				app_tr(app, "'%s' is not of the form FIELD=VALUE"), words[i]);
		struct bytes name = bytes_of(words[i], (size_t)(equals - words[i]));
		const char *value = equals + 1;

		if (value[0] == '@' && value[1] == '@') {
			request_set(app->arena, r, name, bytes_str(value + 1));
		} else if (value[0] == '@' && value[1] && strncmp(value, "@name:", 6)) {
			enum status st = assign_file(app, r, name, value + 1, e);

			if (st)
				return st;
		} else {
			request_set(app->arena, r, name, bytes_str(value));
		}
	}
	return STATUS_OK;
}
