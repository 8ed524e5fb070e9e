#include "client/catalog.h"
#include "client/link.h"
#include "client/profile.h"
#include "client/request.h"

#define CATALOG_MAX (32u << 20)

struct catalog {
	struct arena *arena;
	const Guanxi__Schema *message;
	struct schema *schema;
	struct buf body; /* the frame's body: unpacked bytes point into it or the arena */
};

void catalog_free(struct catalog **pc)
{
	struct catalog *c = *pc;

	if (!c)
		return;
	schema_free(&c->schema);
	arena_free(&c->arena);
	buf_free(&c->body);
	free(c);
	*pc = NULL;
}

/* Takes over body: a frame with a reply with a schema. NULL when it is none. */
static struct catalog *catalog_from(struct buf *body, struct error *e)
{
	struct catalog *c = calloc(1, sizeof *c);
	Guanxi__Frame *frame;

	if (!c)
		abort();
	c->body = *body;
	*body = (struct buf)BUF_INIT;
	c->arena = arena_new(CATALOG_MAX);
	frame = frame_unpack(buf_bytes(&c->body), c->arena, e);
	if (!frame || !frame->reply || !frame->reply->schema ||
		schema_from_message(frame->reply->schema, &c->schema, e)) {
		catalog_free(&c);
		return NULL;
	}
	c->message = frame->reply->schema;
	return c;
}

static void load_cache(struct app *app)
{
	struct buf body = BUF_INIT;

	if (app->catalog || !app->profile)
		return;
	profile_read_schema(app->profile, &body);
	if (body.len)
		app->catalog = catalog_from(&body, NULL);
	buf_free(&body);
}

struct bytes catalog_cached_hash(struct app *app)
{
	load_cache(app);
	return app->catalog ? pb_bytes(app->catalog->message->hash) : (struct bytes){ 0 };
}

/* The cache file holds what the server sent, as the body of a frame, so that the same checks read it. */
static void keep(const Guanxi__Schema *schema, struct buf *out)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Reply reply = GUANXI__REPLY__INIT;
	Guanxi__Status status = GUANXI__STATUS__INIT;

	reply.status = &status;
	reply.schema = (Guanxi__Schema *)schema;
	frame.reply = &reply;
	frame_pack(&frame, out);
	buf_drop(out, FRAME_HEADER);
}

enum status catalog_fetch(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	struct buf body = BUF_INIT;
	Guanxi__Request *r = request_bare(app->arena, bytes_str("schema.get"));
	enum status st = link_call(app, r, &reply, e);

	if (st)
		return st;
	if (!reply->schema)
		return error_set(e, STATUS_INTERNAL, "the server sent no schema");
	keep(reply->schema, &body);
	/* A cache that cannot be written costs a round trip each time, nothing else. */
	profile_write_schema(app->profile, buf_bytes(&body), NULL);
	struct catalog *fresh = catalog_from(&body, e);
	buf_free(&body);
	if (!fresh)
		return error_set(e, STATUS_INTERNAL, "the schema of the server is unusable");
	catalog_free(&app->catalog);
	app->catalog = fresh;
	return STATUS_OK;
}

bool catalog_is_current(struct app *app)
{
	struct bytes have = catalog_cached_hash(app);

	uint64_t dictionaries = link_dictionaries(app->link);

	return have.len && bytes_equal(have, link_schema_hash(app->link)) &&
	       (!dictionaries || app->catalog->message->dictionary_generation == dictionaries);
}

enum status catalog_sync(struct app *app, struct error *e)
{
	return catalog_is_current(app) ? STATUS_OK : catalog_fetch(app, e);
}

const struct schema *catalog_schema(const struct app *app)
{
	return app->catalog ? app->catalog->schema : NULL;
}

const Guanxi__Schema *catalog_message(const struct app *app)
{
	return app->catalog ? app->catalog->message : NULL;
}

const Guanxi__Entity *catalog_entity_message(const struct app *app, const struct entity *entity)
{
	const Guanxi__Schema *m = catalog_message(app);

	for (size_t i = 0; m && i < m->n_entity; i++)
		if (m->entity[i]->number == entity->number)
			return m->entity[i];
	return NULL;
}

static enum status unknown(struct app *app, struct error *e)
{
	const char *near = schema_entity_suggest(app->catalog->schema, bytes_str(app->noun));

	if (near)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "unknown command '%s'; did you mean '%s'?"), app->noun, near);
	return error_set(e, STATUS_USAGE, app_tr(app, "unknown command '%s'"), app->noun);
}

static const struct entity *find(struct app *app)
{
	return app->catalog ? schema_entity(app->catalog->schema, bytes_str(app->noun)) : NULL;
}

enum status catalog_greet(struct app *app, struct error *e)
{
	const Guanxi__Reply *reply;
	enum status st = link_call(app, request_bare(app->arena, bytes_str("ping")), &reply, e);

	return st ? st : catalog_sync(app, e);
}

enum status catalog_open(struct app *app, struct error *e)
{
	return app->link ? catalog_sync(app, e) : catalog_greet(app, e);
}

enum status catalog_entity(struct app *app, const struct entity **out, struct error *e)
{
	load_cache(app);
	*out = find(app);
	if (*out)
		return STATUS_OK;
	enum status st = catalog_open(app, e);
	if (st)
		return st;
	*out = find(app);
	return *out ? STATUS_OK : unknown(app, e);
}
