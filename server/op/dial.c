/* Calling a number of a record: who calls gets it, and the call stands among the activities. */
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/op/target.h"

struct dialling {
	struct target from, activity;
	const struct stored *record;
	const struct field *field; /* that holds the number */
	struct wire_field number;
};

/* The first number of the record that the caller sees, or the one of the field asked for. */
static enum status choose(struct dialling *d, struct error *e)
{
	const struct entity *en = d->from.entity;
	const struct caller *caller = d->from.call->caller;
	struct bytes wanted = call_arg(d->from.call, "field");
	const struct field *only = wanted.len ? target_field(&d->from, wanted, e) : NULL;

	if (wanted.len && !only)
		return STATUS_INVALID;
	if (only && only->type != T_PHONE)
		return error_field(e, only->name, "is not a phone number");
	for (size_t i = 0; i < en->nfields && !d->field; i++) {
		const struct field *f = &en->fields[i];
		if (f->type == T_PHONE && (!only || f == only) &&
			record_find(d->record->fields, f->tag, &d->number) &&
			!caller_masked(caller, en, f, d->record->fields))
			d->field = f;
	}
	if (!d->field)
		return error_set(e, STATUS_INVALID, "there is no number to call");
	return STATUS_OK;
}

/* What a new activity says of the record: itself, and what both name alike (the customer of a contact). */
static bool links(const struct dialling *d, struct buf *out)
{
	const struct entity *activity = d->activity.entity, *from = d->from.entity;
	bool any = false;

	for (size_t i = 0; i < activity->nfields; i++) {
		const struct field *f = &activity->fields[i], *same;
		uint64_t value = reference_value(f, from, d->record->id);

		any |= value != 0;
		same = f->type == T_REF && f->tag < TAG_EXTERNAL_ID
			       ? entity_field_named(from, f->name)
			       : NULL;
		if (!value && same && same->type == T_REF && same->refers_to &&
			!strcmp(same->refers_to, f->refers_to) && strcmp(f->name, "owner") != 0)
			value = record_number(d->record->fields, same->tag);
		if (value)
			record_add_number(out, f->tag, value);
	}
	return any;
}

static enum status log_call(struct dialling *d, uint64_t *id, struct error *e)
{
	struct call *c = d->from.call;
	const struct entity *en = d->activity.entity;
	struct model_write w = target_write(&d->activity, NULL, 0);
	struct buf fields = BUF_INIT, sorted = BUF_INIT, checked = BUF_INIT, mark = BUF_INIT,
		   whole = BUF_INIT;
	enum status s = STATUS_OK;

	if (!links(d, &fields))
		s = error_set(
			e, STATUS_USAGE, "activities are not about a %s", d->from.entity->name);
	record_add_number(&fields, entity_field_named(en, "activity_type")->tag,
		lookup_entry(call_lookup(c), "activity_type", "call"));
	record_add_text(&fields, entity_field_named(en, "subject")->tag, d->number.bytes);
	record_add_text(&fields, entity_field_named(en, "phone_number")->tag, d->number.bytes);
	record_sort(buf_bytes(&fields), &sorted);
	record_add_number(&mark, entity_field_named(en, "automatic")->tag, 1);
	if (!s)
		s = model_check(&w, buf_bytes(&sorted), &checked, e);
	if (!s)
		s = target_operation(&d->activity, e);
	if (!s) {
		record_merge(buf_bytes(&checked), buf_bytes(&mark), NULL, 0, &whole);
		s = store_put(c->txn, &c->author, en, id, "add", buf_bytes(&whole), NULL, e);
	}
	buf_free(&fields);
	buf_free(&sorted);
	buf_free(&checked);
	buf_free(&mark);
	buf_free(&whole);
	return s;
}

static enum status record_dial(struct call *c, struct error *e)
{
	struct dialling d = { 0 };
	struct buf room = BUF_INIT;
	struct stored record;
	uint64_t id = 0;
	enum status s = target_open(c, &d.from, e);

	d.from.scope.trash_too = false;
	if (!s)
		s = target_id(&d.from, 0, &id, e);
	if (!s)
		s = target_read(&d.from, id, &room, &record, e);
	if (!s) {
		d.record = &record;
		s = choose(&d, e);
	}
	if (!s) {
		d.activity = d.from;
		d.activity.entity = schema_entity_by_number(c->schema, ENTITY_ACTIVITY);
		id = 0;
		s = log_call(&d, &id, e);
	}
	if (!s)
		s = reply_value(c, "number", d.number.bytes, e);
	if (!s)
		s = target_reply(&d.activity, id, e);
	buf_free(&room);
	return s;
}

const struct op dial_ops[] = {
	{ .name = "record.dial", .kind = OP_WRITE, .run = record_dial, .right = "activity.add" },
	{ 0 },
};
