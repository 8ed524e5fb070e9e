/* Building replies: records with their masks, names of what they refer to, values. */
#include "common/text.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/model/portable.h"
#include "server/server.h"

#define NAME_OVERHEAD 32

static enum status too_large(struct error *e)
{
	return error_reason(e, STATUS_INVALID, "reply_too_large", "reply too large");
}

size_t reply_room(const struct call *c)
{
	size_t used = box_of_const(c)->reply_bytes;

	return used < REPLY_MAX ? REPLY_MAX - used : 0;
}

static bool reply_take(struct call *c, size_t bytes)
{
	if (bytes > reply_room(c))
		return false;
	box_of(c)->reply_bytes += bytes;
	return true;
}

enum status reply_value(struct call *c, const char *name, struct bytes value, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	struct bytes copy = arena_copy(c->arena, value);
	struct bytes name_copy = arena_copy(c->arena, bytes_str(name));
	Guanxi__Pair *pair = arena_alloc(c->arena, sizeof(*pair));
	Guanxi__Pair **all = arena_array_grow(c->arena, r->value, r->n_value, sizeof(*all));

	if (!pair || !all || !name_copy.data || (value.len && !copy.data) ||
		!reply_take(c, value.len + name_copy.len + NAME_OVERHEAD))
		return too_large(e);
	guanxi__pair__init(pair);
	pair->name = pb_from(name_copy);
	pair->has_value = true;
	pair->value = pb_from(copy);
	r->value = all;
	r->value[r->n_value++] = pair;
	return STATUS_OK;
}

struct lookup *call_lookup(struct call *c)
{
	if (!c->lookup)
		c->lookup = lookup_new(c->txn, c->caller ? &c->caller->scope : &scope_all,
			c->schema, c->chinese, c->arena);
	return c->lookup;
}

/* True the first time. */
static bool remember_name(struct box *b, uint16_t entity, uint64_t id)
{
	if (!b->named)
		b->named = g_hash_table_new(g_direct_hash, g_direct_equal);
	return g_hash_table_add(b->named, GSIZE_TO_POINTER((gsize)any_ref(entity, id)));
}

static enum status add_name(struct call *c, const struct entity *entity, uint64_t id,
	struct bytes display, struct bytes code, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	Guanxi__Name *name = arena_alloc(c->arena, sizeof(*name));
	Guanxi__Name **all = arena_array_grow(c->arena, r->name, r->n_name, sizeof(*all));
	struct bytes shown = arena_copy(c->arena, display);
	struct bytes code_copy = arena_copy(c->arena, code);

	if (!name || !all || (display.len && !shown.data) || (code.len && !code_copy.data) ||
		!reply_take(c, display.len + code.len + NAME_OVERHEAD))
		return too_large(e);
	guanxi__name__init(name);
	name->entity = entity->number;
	name->id = id;
	name->display = pb_from(shown);
	name->has_code = code.len > 0;
	name->code = pb_from(code_copy);
	r->name = all;
	r->name[r->n_name++] = name;
	return STATUS_OK;
}

/* A record whose name is hidden from the caller is shown by its number alone: no name is sent. */
static bool name_hidden(const struct call *c, const struct entity *entity)
{
	const struct field *f = NULL;

	if (entity->name_field && !(entity->flags & E_SHARED))
		f = entity_field_named(entity, entity->name_field);
	return f && !(c->caller->class_mask & 1u << f->class);
}

enum status reply_name(struct call *c, const struct entity *entity, uint64_t id, struct error *e)
{
	struct bytes display = { 0 }, code = { 0 };
	struct buf portable = BUF_INIT;
	struct format_context format;

	if (!c->caller || !c->txn || id == 0 || name_hidden(c, entity) ||
		!remember_name(box_of(c), entity->number, id))
		return STATUS_OK;
	format = lookup_format_context(call_lookup(c), c->caller->zone);
	if (!format.name(format.arg, entity->name, id, &display, &code))
		return STATUS_OK;
	if (!code.len && call_arg(c, "portable").len &&
		portable_reference(call_lookup(c), entity, id, &portable))
		code = buf_bytes(&portable);
	enum status st = add_name(c, entity, id, display, code, e);
	buf_free(&portable);
	return st;
}

/* The entity that a value of the field points to; NULL if it is no reference. */
static const struct entity *target_of(
	const struct schema *schema, const struct field *f, uint64_t *number)
{
	uint16_t entity;

	switch (f->type) {
	case T_CHOICE:
	case T_CHOICES:
		return schema_entity_by_number(schema, ENTITY_DICTIONARY_ENTRY);
	case T_REF:
	case T_REFS:
		return schema_entity(schema, bytes_str(f->refers_to));
	case T_REF_ANY:
		entity = any_ref_entity(*number);
		*number = any_ref_id(*number);
		return schema_entity_by_number(schema, entity);
	default:
		return NULL;
	}
}

enum status reply_names(
	struct call *c, const struct entity *entity, struct bytes fields, struct error *e)
{
	struct wire_field w;
	enum status st = STATUS_OK;

	while (st == STATUS_OK && record_next(&fields, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);
		const struct entity *target = NULL;

		if (f && w.wire == WIRE_VARINT)
			target = target_of(c->schema, f, &w.number);
		if (target)
			st = reply_name(c, target, w.number, e);
	}
	return st;
}

struct masking {
	struct buf fields;
	uint32_t tags[64];
	size_t ntags;
};

/* Copies the fields that the caller may see and notes the tags of the others. */
static enum status mask_and_name(struct call *c, const struct entity *entity, struct bytes record,
	struct masking *m, struct error *e)
{
	struct bytes rest = record;
	struct wire_field w;

	while (record_next(&rest, &w, NULL)) {
		const struct field *f = entity_field_by_tag(entity, w.tag);

		if (!f || f->flags & F_RETIRED)
			continue;
		if (caller_masked(c->caller, entity, f, record)) {
			bool noted = m->ntags > 0 && m->tags[m->ntags - 1] == w.tag;

			if (!noted && m->ntags < G_N_ELEMENTS(m->tags))
				m->tags[m->ntags++] = w.tag;
			continue;
		}
		buf_add_bytes(&m->fields, w.whole);
	}
	return reply_names(c, entity, buf_bytes(&m->fields), e);
}

static enum status fill_record(
	struct call *c, Guanxi__Record *r, const struct masking *m, struct error *e)
{
	struct bytes fields = arena_copy(c->arena, buf_bytes(&m->fields));

	r->masked = arena_alloc(c->arena, (m->ntags + 1) * sizeof(*r->masked));
	if (!r->masked || (m->fields.len && !fields.data) ||
		!reply_take(c, fields.len + NAME_OVERHEAD + m->ntags * 5))
		return too_large(e);
	memcpy(r->masked, m->tags, m->ntags * sizeof(*r->masked));
	r->n_masked = m->ntags;
	r->fields = pb_from(fields);
	return STATUS_OK;
}

Guanxi__Record *record_for(
	struct call *c, const struct entity *entity, const struct stored *s, struct error *e)
{
	Guanxi__Record *r = arena_alloc(c->arena, sizeof(*r));
	struct masking m = { .ntags = 0 };
	struct buf more = BUF_INIT, whole = BUF_INIT;
	enum status st;

	if (!c->caller) {
		error_set(e, STATUS_INTERNAL, "no caller to show a record to");
		return NULL;
	}
	if (!r) {
		too_large(e);
		return NULL;
	}
	guanxi__record__init(r);
	r->entity = entity->number;
	r->id = s->id;
	r->version = s->version;
	model_present(c->txn, c->caller->admin ? NULL : &c->caller->scope, entity, s, &more);
	if (more.len)
		record_merge(s->fields, buf_bytes(&more), NULL, 0, &whole);
	st = mask_and_name(c, entity, more.len ? buf_bytes(&whole) : s->fields, &m, e);
	buf_free(&more);
	buf_free(&whole);
	if (st == STATUS_OK)
		st = fill_record(c, r, &m, e);
	buf_free(&m.fields);
	return st == STATUS_OK ? r : NULL;
}

enum status reply_record(
	struct call *c, const struct entity *entity, const struct stored *s, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	Guanxi__Record *record = record_for(c, entity, s, e);
	Guanxi__Record **all;

	if (!record)
		return e && e->status ? e->status : STATUS_INVALID;
	all = arena_array_grow(c->arena, r->record, r->n_record, sizeof(*all));
	if (!all)
		return too_large(e);
	r->record = all;
	r->record[r->n_record++] = record;
	return STATUS_OK;
}

enum status reply_item(struct call *c, const char *section, const struct entity *entity,
	const struct stored *s, struct bytes date, Guanxi__Item **out, struct error *e)
{
	Guanxi__Reply *r = c->reply;
	Guanxi__Record *record = record_for(c, entity, s, e);
	Guanxi__Item *item = arena_alloc(c->arena, sizeof(*item));
	Guanxi__Item **all = arena_array_grow(c->arena, r->item, r->n_item, sizeof(*all));
	struct bytes copy = arena_copy(c->arena, date);

	if (!record)
		return e && e->status ? e->status : STATUS_INVALID;
	if (!item || !all || (date.len && !copy.data))
		return too_large(e);
	guanxi__item__init(item);
	item->section = pb_from(bytes_str(section));
	item->record = record;
	item->has_date = date.len > 0;
	item->date = pb_from(copy);
	r->item = all;
	r->item[r->n_item++] = item;
	if (out)
		*out = item;
	return STATUS_OK;
}

void call_wake(struct call *c, uint64_t user)
{
	uint64_t *all;

	for (size_t i = 0; i < c->nwake; i++)
		if (c->wake[i] == user)
			return;
	all = arena_array_grow(c->arena, c->wake, c->nwake, sizeof(*all));
	if (!all)
		return; /* the watcher finds it at its next look */
	c->wake = all;
	c->wake[c->nwake++] = user;
}

struct bytes call_arg(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->request->n_arg; i++) {
		const Guanxi__Pair *p = c->request->arg[i];

		if (bytes_equal_str(pb_bytes(p->name), name))
			return p->has_value ? pb_bytes(p->value) : (struct bytes){ 0 };
	}
	return (struct bytes){ 0 };
}

bool call_arg_number(const struct call *c, const char *name, uint64_t *out)
{
	struct bytes text = call_arg(c, name);

	*out = 0;
	return text.len <= 18 && text_number(text, out);
}
