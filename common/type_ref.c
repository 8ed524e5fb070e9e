#include "common/text.h"
#include "common/type_row.h"
#include <inttypes.h>

#define ENTRY CHOICE_ENTITY

/* What a look-up says of the value belongs to the field; other failures pass. */
static enum status found(const struct field *f, enum status s, struct error *from, struct error *e)
{
	if (s == STATUS_NOT_FOUND || s == STATUS_INVALID || s == STATUS_USAGE) {
		s = error_field(e, f->name, "%s", from->message);
		if (e)
			e->status = STATUS_INVALID;
		s = STATUS_INVALID;
	} else if (s != STATUS_OK && e) {
		error_move(e, from);
	}
	error_clear(from);
	return s;
}

static enum status plain_id(const struct field *f, struct bytes text, uint64_t *id, struct error *e)
{
	if (!id_parse(text, id))
		return error_field(e, f->name, "is not an id");
	return STATUS_OK;
}

static enum status parse_choice(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	struct error local;
	uint64_t id = 0;
	enum status s;

	error_init(&local);
	if (ctx->choice)
		s = found(f, ctx->choice(ctx->arg, f->refers_to, text, &id, &local), &local, e);
	else
		s = plain_id(f, text, &id, e);
	if (s == STATUS_OK)
		record_add_number(out, f->tag, id);
	return s;
}

static enum status look_up(const struct field *f, const char *entity, struct bytes text,
	const struct parse_context *ctx, uint64_t *id, struct error *e)
{
	struct error local;

	error_init(&local);
	if (!ctx->reference)
		return plain_id(f, text, id, e);
	return found(f, ctx->reference(ctx->arg, entity, text, id, &local), &local, e);
}

static enum status parse_ref(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	uint64_t id = 0;
	enum status s = look_up(f, f->refers_to, text, ctx, &id, e);

	if (s == STATUS_OK)
		record_add_number(out, f->tag, id);
	return s;
}

/* customer:12 */
static enum status parse_any(const struct field *f, struct bytes text,
	const struct parse_context *ctx, struct buf *out, struct error *e)
{
	const uint8_t *colon = memchr(text.data, ':', text.len);
	const struct entity *entity;
	struct bytes name, rest;
	uint64_t id = 0;
	enum status s;

	if (!colon)
		return error_field(e, f->name, "does not name a record (write ENTITY:ID)");
	name = text_trim(bytes_of(text.data, (size_t)(colon - text.data)));
	rest = text_trim(bytes_of(colon + 1, text.len - (size_t)(colon - text.data) - 1));
	entity = ctx->schema ? schema_entity(ctx->schema, name) : NULL;
	if (!entity)
		return error_field(e, f->name, "names no kind of record: \"%.*s\"",
			(int)text_cut(name, 40).len, (const char *)name.data);
	s = look_up(f, entity->name, rest, ctx, &id, e);
	if (s == STATUS_OK)
		record_add_number(out, f->tag, any_ref(entity->number, id));
	return s;
}

/* The display name, else the id. */
static void add_name(
	const char *entity, uint64_t id, const struct format_context *ctx, struct buf *out)
{
	struct bytes display = { 0 }, code = { 0 };

	if (ctx->name && ctx->name(ctx->arg, entity, id, &display, &code) && display.len > 0)
		buf_add_bytes(out, display);
	else
		buf_printf(out, "%" PRIu64, id);
}

/* @id: is what no other server takes for one of its own. */
static void add_portable(
	const char *entity, uint64_t id, const struct format_context *ctx, struct buf *out)
{
	struct bytes display = { 0 }, code = { 0 };

	if (ctx->name && ctx->name(ctx->arg, entity, id, &display, &code) && code.len > 0)
		buf_add_bytes(out, code);
	else
		buf_printf(out, "@id:%" PRIu64, id);
}

static void format_choice(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	struct bytes display = { 0 }, code = { 0 };

	if (form == FORM_DISPLAY)
		add_name(ENTRY, w->number, ctx, out);
	else if (ctx->name && ctx->name(ctx->arg, ENTRY, w->number, &display, &code) &&
		 code.len > 0)
		buf_add_bytes(out, code);
	else
		buf_printf(out, "%" PRIu64, w->number);
}

static void format_ref(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	if (form == FORM_DISPLAY)
		add_name(f->refers_to, w->number, ctx, out);
	else if (form == FORM_PORTABLE)
		add_portable(f->refers_to, w->number, ctx, out);
	else
		buf_printf(out, "%" PRIu64, w->number);
}

static void format_any(const struct field *f, const struct wire_field *w, enum form form,
	const struct format_context *ctx, struct buf *out)
{
	uint64_t id = any_ref_id(w->number);
	const struct entity *entity =
		ctx->schema ? schema_entity_by_number(ctx->schema, any_ref_entity(w->number))
			    : NULL;
	struct bytes display = { 0 }, code = { 0 };

	if (entity && form == FORM_DISPLAY && ctx->name &&
		ctx->name(ctx->arg, entity->name, id, &display, &code) && display.len > 0)
		buf_add_bytes(out, display);
	else if (entity && form == FORM_PORTABLE) {
		buf_printf(out, "%s:", entity->name);
		add_portable(entity->name, id, ctx, out);
	} else if (entity)
		buf_printf(out, "%s:%" PRIu64, entity->name, id);
	else
		buf_printf(out, "%u:%" PRIu64, (unsigned)any_ref_entity(w->number), id);
}

static bool valid_id(const struct field *f, const struct wire_field *w)
{
	return w->number > 0 && w->number <= ANY_ID_MAX;
}

static bool valid_any(const struct field *f, const struct wire_field *w)
{
	return any_ref_entity(w->number) != 0 && any_ref_id(w->number) != 0;
}

const struct type_row type_choice = {
	.name = "choice",
	.wire = WIRE_VARINT,
	.parse = parse_choice,
	.format = format_choice,
	.valid = valid_id,
};
const struct type_row type_choices = {
	.name = "choices",
	.wire = WIRE_VARINT,
	.list = true,
	.set = true,
	.parse = parse_choice,
	.format = format_choice,
	.valid = valid_id,
};
const struct type_row type_ref = {
	.name = "ref",
	.wire = WIRE_VARINT,
	.reference = true,
	.parse = parse_ref,
	.format = format_ref,
	.valid = valid_id,
};
const struct type_row type_refs = {
	.name = "refs",
	.wire = WIRE_VARINT,
	.list = true,
	.set = true,
	.reference = true,
	.parse = parse_ref,
	.format = format_ref,
	.valid = valid_id,
};
const struct type_row type_ref_any = {
	.name = "ref_any",
	.wire = WIRE_VARINT,
	.parse = parse_any,
	.format = format_any,
	.valid = valid_any,
};

const struct entity *reference_target(
	const struct schema *schema, const struct field *f, uint64_t value, uint64_t *id)
{
	*id = f->type == T_REF_ANY ? any_ref_id(value) : value;
	if (f->type == T_REF_ANY)
		return schema_entity_by_number(schema, any_ref_entity(value));
	return type_is_reference(f->type) && f->refers_to
		       ? schema_entity(schema, bytes_str(f->refers_to))
		       : NULL;
}

uint64_t reference_value(const struct field *f, const struct entity *entity, uint64_t id)
{
	if (f->type == T_REF_ANY)
		return any_ref(entity->number, id);
	return type_is_reference(f->type) && f->refers_to && !strcmp(f->refers_to, entity->name)
		       ? id
		       : 0;
}
