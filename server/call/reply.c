#include "server/call/rights.h"
#include "server/model/model.h"
#include "server/server.h"

static enum status too_large(struct error *e)
{
	return error_set(e, STATUS_INVALID, "reply too large");
}

/* Room for one more in an array of pointers that doubles; n is how many it holds. NULL at the ceiling. */
static void *array_more(struct arena *arena, void *old, size_t n)
{
	void *grown;

	if (n < 4 ? n != 0 : (n & (n - 1)) != 0)
		return old;
	grown = arena_alloc(arena, (n ? n * 2 : 4) * sizeof(void *));
	if (grown && n)
		memcpy(grown, old, n * sizeof(void *));
	return grown;
}

struct lookup *call_lookup(struct call *c)
{
	if (!c->lookup)
		c->lookup = lookup_new(c->txn, c->caller ? &c->caller->scope : &scope_all,
			c->server->schema, c->chinese, c->arena);
	return c->lookup;
}

void call_forget(struct call *c)
{
	Guanxi__Reply *r = c->reply;

	lookup_free(&c->lookup);
	if (!r)
		return;
	r->n_record = r->n_name = r->n_group = r->n_change = r->n_row = r->n_value = 0;
	r->n_item = 0;
	r->has_next = r->has_operation = r->has_count = false;
	r->schema = NULL;
	c->nwake = 0;
	c->refused = STATUS_OK;
}

struct bytes call_arg(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->request->n_arg; i++)
		if (bytes_equal_str(pb_bytes(c->request->arg[i]->name), name))
			return pb_bytes(c->request->arg[i]->value);
	return (struct bytes){ 0 };
}

void call_wake(struct call *c, uint64_t user)
{
	for (size_t i = 0; i < c->nwake; i++)
		if (c->wake[i] == user)
			return;
	uint64_t *grown = array_more(c->arena, c->wake, c->nwake);
	if (!grown)
		return;
	c->wake = grown;
	c->wake[c->nwake++] = user;
}

enum status reply_value(struct call *c, const char *name, struct bytes value, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	Guanxi__Pair *pair = arena_alloc(c->arena, sizeof(*pair));
	struct bytes kept = arena_copy(c->arena, value);
	Guanxi__Pair **grown = array_more(c->arena, r->value, r->n_value);

	if (!pair || !grown || (value.len && !kept.data))
		return too_large(e);
	guanxi__pair__init(pair);
	pair->name = pb_from(bytes_str(name));
	pair->has_value = true;
	pair->value = pb_from(kept);
	r->value = grown;
	r->value[r->n_value++] = pair;
	return STATUS_OK;
}

static bool name_stands(const Guanxi__Reply *r, uint32_t entity, uint64_t id)
{
	for (size_t i = r->n_name; i > 0; i--)
		if (r->name[i - 1]->id == id && r->name[i - 1]->entity == entity)
			return true;
	return false;
}

/* Whether the caller may see how the record is called. */
static bool name_allowed(struct call *c, const struct entity *entity, uint64_t id)
{
	const struct field *f =
		entity->name_field ? entity_field_named(entity, entity->name_field) : NULL;

	if (!c->caller || (entity->flags & E_SHARED))
		return true;
	if (f && caller_masked(c->caller, entity, f, (struct bytes){ 0 }))
		return false;
	return store_visible(c->txn, caller_scope(c->caller, entity), entity, id);
}

enum status reply_name(struct call *c, const struct entity *entity, uint64_t id, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	struct format_context ctx = lookup_format_context(call_lookup(c), NULL);
	struct bytes display = { 0 }, code = { 0 };
	Guanxi__Name *name;
	Guanxi__Name **grown;

	if (!id || name_stands(r, entity->number, id) || !name_allowed(c, entity, id) ||
		!ctx.name(ctx.arg, entity->name, id, &display, &code))
		return STATUS_OK;
	name = arena_alloc(c->arena, sizeof(*name));
	grown = array_more(c->arena, r->name, r->n_name);
	if (!name || !grown)
		return too_large(e);
	guanxi__name__init(name);
	name->entity = entity->number;
	name->id = id;
	name->display = pb_from(arena_copy(c->arena, display));
	name->has_code = code.len > 0;
	name->code = pb_from(arena_copy(c->arena, code));
	r->name = grown;
	r->name[r->n_name++] = name;
	return STATUS_OK;
}

static enum status name_of_field(
	struct call *c, const struct field *f, uint64_t number, struct error *e)
{
	const struct schema *schema = c->server->schema;
	const struct entity *entity = NULL;

	switch (f->type) {
	case T_CHOICE:
	case T_CHOICES:
		entity = schema_entity_by_number(schema, ENTITY_DICTIONARY_ENTRY);
		break;
	case T_REF:
	case T_REFS:
		entity = schema_entity(schema, bytes_str(f->refers_to));
		break;
	case T_REF_ANY:
		entity = schema_entity_by_number(schema, (uint16_t)(number >> 48));
		number &= (UINT64_C(1) << 48) - 1;
		break;
	default:
		return STATUS_OK;
	}
	return entity ? reply_name(c, entity, number, e) : STATUS_OK;
}

/* The caller's view of a record: what is masked is left out and named. */
struct view {
	struct call *call;
	const struct entity *entity;
	struct bytes fields; /* the whole record */
	struct buf out;
	uint32_t masked[64];
	size_t nmasked;
};

static enum status view_field(struct view *v, const struct wire_field *w, struct error *e)
{
	const struct field *f = entity_field_by_tag(v->entity, w->tag);

	if (!f)
		return STATUS_OK;
	if (v->call->caller && caller_masked(v->call->caller, v->entity, f, v->fields)) {
		bool named = v->nmasked && v->masked[v->nmasked - 1] == w->tag;
		if (!named && v->nmasked < sizeof(v->masked) / sizeof(v->masked[0]))
			v->masked[v->nmasked++] = w->tag;
		return STATUS_OK;
	}
	buf_add_bytes(&v->out, w->whole);
	return w->wire == WIRE_VARINT ? name_of_field(v->call, f, w->number, e) : STATUS_OK;
}

static enum status view_add(struct view *v, const struct stored *s, struct error *e)
{
	struct arena *arena = v->call->arena;
	Guanxi__Reply *r = v->call->reply;
	Guanxi__Record *record = arena_alloc(arena, sizeof(*record));
	Guanxi__Record **grown = array_more(arena, r->record, r->n_record);
	struct bytes fields = arena_copy(arena, buf_bytes(&v->out));
	uint32_t *masked = arena_alloc(arena, (v->nmasked + 1) * sizeof(*masked));

	if (!record || !grown || !masked || (v->out.len && !fields.data))
		return too_large(e);
	guanxi__record__init(record);
	record->entity = v->entity->number;
	record->id = s->id;
	record->version = s->version;
	record->fields = pb_from(fields);
	memcpy(masked, v->masked, v->nmasked * sizeof(*masked));
	record->masked = masked;
	record->n_masked = v->nmasked;
	r->record = grown;
	r->record[r->n_record++] = record;
	return STATUS_OK;
}

enum status reply_record(
	struct call *c, const struct entity *entity, const struct stored *s, struct error *e)
{
	struct view v = { .call = c, .entity = entity, .fields = s->fields };
	struct bytes rest = s->fields;
	struct wire_field w;
	enum status status = STATUS_OK;

	while (!status && record_next(&rest, &w, NULL))
		status = view_field(&v, &w, e);
	if (!status)
		status = view_add(&v, s, e);
	buf_free(&v.out);
	return status;
}
