#include "server/model/draft.h"
#include <glib.h>

uint16_t draft_tag(const struct draft *d, const char *field)
{
	const struct field *f = entity_field_named(d->w->entity, field);

	if (!f)
		g_error("the tables have no field %s.%s", d->w->entity->name, field);
	return f->tag;
}

bool draft_has(const struct draft *d, const char *field)
{
	return record_has(draft_bytes(d), draft_tag(d, field));
}

uint64_t draft_number(const struct draft *d, const char *field)
{
	return record_number(draft_bytes(d), draft_tag(d, field));
}

struct bytes draft_text(const struct draft *d, const char *field)
{
	return record_text(draft_bytes(d), draft_tag(d, field));
}

const char *draft_code(const struct draft *d, const char *field)
{
	return lookup_code(d->w->lookup, draft_number(d, field));
}

uint64_t draft_before(const struct draft *d, const char *field)
{
	return d->w->before ? record_number(d->w->before->fields, draft_tag(d, field)) : 0;
}

bool draft_changed(const struct draft *d, const char *field)
{
	uint16_t tag = draft_tag(d, field);

	if (!d->w->before)
		return record_has(draft_bytes(d), tag);
	return !bytes_equal(record_run(draft_bytes(d), tag), record_run(d->w->before->fields, tag));
}

static void put(struct draft *d, uint32_t tag, struct bytes fragment)
{
	struct buf merged = BUF_INIT;

	record_merge(draft_bytes(d), fragment, &tag, fragment.len ? 0 : 1, &merged);
	buf_free(&d->fields);
	d->fields = merged;
}

void draft_set_number(struct draft *d, const char *field, uint64_t v)
{
	uint16_t tag = draft_tag(d, field);
	struct buf fragment = BUF_INIT;

	record_add_number(&fragment, tag, v);
	put(d, tag, buf_bytes(&fragment));
	buf_free(&fragment);
}

void draft_set_text(struct draft *d, const char *field, struct bytes v)
{
	uint16_t tag = draft_tag(d, field);
	struct buf fragment = BUF_INIT;

	record_add_text(&fragment, tag, v);
	put(d, tag, buf_bytes(&fragment));
	buf_free(&fragment);
}

void draft_clear(struct draft *d, const char *field)
{
	put(d, draft_tag(d, field), bytes_of("", 0));
}

bool draft_may(const struct draft *d, const char *right)
{
	return !d->w->user || (d->w->may && d->w->may(d->w->may_arg, right));
}

bool draft_is_bad(const struct draft *d, const char *field)
{
	for (size_t i = 0; d->e && i < d->e->nfields; i++)
		if (!strcmp(d->e->fields[i].field, field))
			return true;
	return false;
}

void draft_bad(struct draft *d, const char *field, const char *format, ...)
{
	char message[320];
	va_list args;

	d->faults++;
	if (draft_is_bad(d, field))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	error_field(d->e, field, "%s", message);
}
