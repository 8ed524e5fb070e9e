/* What the attributes of the rows ask of a record beyond types and references. */
#include "server/model/rules.h"
#include <glib.h>

static bool touched(const struct draft *d, const struct field *f)
{
	return draft_changed(d, f->name);
}

/* One customer */

/* The customer of the record that a reference names; 0 if it has none. */
static uint64_t customer_of(const struct draft *d, const struct field *f)
{
	const struct entity *en =
		schema_entity(lookup_schema(d->w->lookup), bytes_str(f->refers_to));
	uint64_t id = record_number(draft_bytes(d), f->tag);
	struct bytes fields = lookup_fields(d->w->lookup, en, id);

	return fields.len ? model_number(en, fields, "customer") : 0;
}

static void same_customer(struct draft *d, const struct field *f)
{
	uint64_t customer = draft_number(d, "customer"), other;

	if (!draft_has(d, f->name) || !(touched(d, f) || draft_changed(d, "customer")))
		return;
	other = customer_of(d, f);
	if (!other)
		return;
	if (!customer && !draft_is_bad(d, "customer"))
		draft_set_number(d, "customer", other);
	else if (customer && customer != other)
		draft_bad(d, f->name, "belongs to another customer");
}

/* The customer that the record is, or belongs to. */
static void customer_of_record(struct draft *d, const struct field *f)
{
	uint64_t record = draft_number(d, "record"), customer = 0;
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), any_ref_entity(record));
	const struct field *belongs = en ? entity_field_named(en, f->name) : NULL;

	if (!en || draft_has(d, f->name) || draft_is_bad(d, f->name))
		return;
	if (!strcmp(en->name, f->refers_to))
		customer = any_ref_id(record);
	else if (belongs && belongs->type == T_REF && !strcmp(belongs->refers_to, f->refers_to))
		customer = record_number(
			lookup_fields(d->w->lookup, en, any_ref_id(record)), belongs->tag);
	if (customer)
		draft_set_number(d, f->name, customer);
}

void rules_prepare(struct draft *d)
{
	const struct entity *en = d->w->entity;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (f->flags & F_SAME_CUSTOMER)
			same_customer(d, f);
		if (f->initial && !strcmp(f->initial, "@record"))
			customer_of_record(d, f);
	}
}

/* Numbers within their range */

static long long in_words(const struct field *f, int64_t v, const char **unit)
{
	*unit = f->type == T_PERCENT ? "%" : "";
	if (f->type == T_PERCENT || f->type == T_MONEY)
		return v / 100;
	return f->type == T_DECIMAL ? v / 10000 : v;
}

static void check_range(struct draft *d, const struct field *f)
{
	struct bytes run = record_run(draft_bytes(d), f->tag);
	struct wire_field w;
	const char *unit;
	long long v;

	while (record_next(&run, &w, NULL)) {
		if (f->range->least == 1 && unzigzag(w.number) < 1) {
			draft_bad(d, f->name, "is not above 0");
		} else if (unzigzag(w.number) < f->range->least) {
			v = in_words(f, f->range->least, &unit);
			draft_bad(d, f->name, "is below %lld%s", v, unit);
		} else if (unzigzag(w.number) > f->range->most) {
			v = in_words(f, f->range->most, &unit);
			draft_bad(d, f->name, "is above %lld%s", v, unit);
		}
	}
}

/* Dates in their order */

static void check_order(struct draft *d, const struct field *f)
{
	const struct field *first = entity_field_named(d->w->entity, f->not_before);
	struct wire_field one, other;

	if (record_find(draft_bytes(d), first->tag, &one) &&
		record_find(draft_bytes(d), f->tag, &other) && type_compare(f, &other, &one) < 0)
		draft_bad(d, f->name, "is before %s", first->name);
}

/* Required when others say so */

static bool one_of(const char *codes, size_t len, const char *code)
{
	for (size_t at = 0, n; at < len; at += n + 1) {
		n = strcspn(codes + at, "|&");
		if (strlen(code) == n && !strncmp(codes + at, code, n))
			return true;
	}
	return false;
}

/* "state=done|closed": a choice with one of the codes; "ends_on": a field that is set. */
static bool condition_holds(const struct draft *d, const char *text, size_t len)
{
	const char *is = memchr(text, '=', len);
	size_t n = is ? (size_t)(is - text) : len;
	const struct field *f = entity_field(d->w->entity, bytes_of(text, n));

	if (!f)
		g_error("%s: needed_when names no field: %s", d->w->entity->name, text);
	if (!is)
		return record_has(draft_bytes(d), f->tag);
	return one_of(is + 1, len - n - 1, draft_code(d, f->name));
}

static void check_needed(struct draft *d, const struct field *f)
{
	const char *p = f->needed_when;

	if (record_has(draft_bytes(d), f->tag))
		return;
	while (*p) {
		size_t len = strcspn(p, "&");
		if (!condition_holds(d, p, len))
			return;
		p += len + (p[len] == '&');
	}
	draft_bad(d, f->name, "is missing: %s needs it", f->needed_when);
}

/* Two values that no two records share */

static bool same_values(
	const struct field *a, const struct field *b, struct bytes one, struct bytes other)
{
	return bytes_equal(record_run(one, a->tag), record_run(other, a->tag)) &&
	       bytes_equal(record_run(one, b->tag), record_run(other, b->tag));
}

uint64_t rules_twin(struct txn *t, const struct entity *en, const struct field *f, uint64_t id,
	struct bytes fields)
{
	const struct field *with = entity_field_named(en, f->unique_with);
	const struct field *by = record_has(fields, with->tag) ? with : f;
	struct buf room = BUF_INIT;
	uint64_t ids[64], after = 0, twin = 0;
	struct stored other;
	size_t n;

	while (!twin && (n = store_find_equal(
				 t, en, by, record_run(fields, by->tag), after, ids, 64)) > 0) {
		for (size_t i = 0; i < n && !twin; i++)
			if (ids[i] != id && read_live(t, en, ids[i], &room, &other) &&
				same_values(f, with, fields, other.fields))
				twin = ids[i];
		after = ids[n - 1];
	}
	buf_free(&room);
	return twin;
}

static void check_twin(struct draft *d, const struct field *f)
{
	const struct model_write *w = d->w;
	const struct field *with = entity_field_named(w->entity, f->unique_with);

	if (!draft_has(d, f->name) || draft_is_bad(d, f->name) ||
		(w->before && !touched(d, f) && !touched(d, with)))
		return;
	if (!rules_twin(w->txn, w->entity, f, w->id, draft_bytes(d)))
		return;
	d->failed = error_field(d->e, f->name, "is taken: another %s of this %s has it",
		w->entity->name, with->name);
	if (!d->faults && d->e)
		d->failed = d->e->status = STATUS_DUPLICATE;
}

/* An entry that asks for a reason names the field of it */

static void check_reason(struct draft *d, const struct field *f)
{
	uint64_t id = record_number(draft_bytes(d), f->tag);
	const struct entry *entry = id ? lookup_entry_of(d->w->lookup, id) : NULL;
	struct bytes name =
		entry ? attribute(entry->attributes, "reason_required") : bytes_of("", 0);
	const struct field *reason = name.len ? entity_field(d->w->entity, name) : NULL;

	if (reason && !record_has(draft_bytes(d), reason->tag))
		draft_bad(d, reason->name, "is missing: %s %s needs it", f->name, entry->code);
}

/* Rules of what fields say. */
static void check_value(struct draft *d, const struct field *f)
{
	if (f->range)
		check_range(d, f);
	if (f->not_before)
		check_order(d, f);
	if (f->type == T_CHOICE)
		check_reason(d, f);
}

void rules_check(struct draft *d)
{
	const struct entity *en = d->w->entity;
	struct bytes rest = draft_bytes(d);
	const struct field *f = NULL;
	struct wire_field w;

	while (record_next(&rest, &w, NULL)) {
		if (f && f->tag == w.tag)
			continue;
		f = entity_field_by_tag(en, w.tag);
		if (f)
			check_value(d, f);
	}
	for (size_t i = 0; i < en->nfields; i++)
		if (en->fields[i].needed_when)
			check_needed(d, &en->fields[i]);
	for (size_t i = 0; i < en->nfields && !d->failed; i++)
		if (en->fields[i].unique_with)
			check_twin(d, &en->fields[i]);
}
