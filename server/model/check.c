/* What must hold before a record is written, read from the rows of its fields. */
#include "server/model/files.h"
#include "server/model/rules.h"
#include <glib.h>

/* The general portfolio is the first one of every store. */
#define GENERAL_PORTFOLIO 1

static struct bytes run_before(const struct model_write *w, uint32_t tag)
{
	return w->before ? record_run(w->before->fields, tag) : bytes_of("", 0);
}

/* Takes all values of the next field. */
static bool take_run(struct bytes *rest, uint32_t *tag, struct bytes *run)
{
	struct bytes ahead = *rest;
	struct wire_field f;

	if (!record_next(&ahead, &f, NULL))
		return false;
	*tag = f.tag;
	do {
		*run = bytes_of(rest->data, rest->len - ahead.len);
	} while (record_next(&ahead, &f, NULL) && f.tag == *tag);
	*rest = bytes_of(rest->data + run->len, rest->len - run->len);
	return true;
}

/* Fields that a caller may not set; computed ones are no part of the record. */
static void take_allowed(struct draft *d, const struct field *f, struct bytes run)
{
	bool same = f->flags & (F_COMPUTED | F_VIRTUAL | F_READONLY) &&
		    bytes_equal(run, run_before(d->w, f->tag));

	if (f->flags & (F_COMPUTED | F_VIRTUAL)) {
		if (!same)
			draft_bad(d, f->name, "is computed by the server");
	} else if (f->flags & F_READONLY && !same && d->w->user) {
		draft_bad(d, f->name, "is computed by the server");
		buf_add_bytes(&d->fields, run_before(d->w, f->tag));
	} else if (f->flags & F_UNAVAILABLE) {
		draft_bad(d, f->name, "entity not available yet");
	} else {
		buf_add_bytes(&d->fields, run);
	}
}

/* Fields of the server that the caller's record lacks stay as they were. */
static void keep_readonly(struct draft *d, struct bytes fields)
{
	struct bytes rest = d->w->before ? d->w->before->fields : bytes_of("", 0), run;
	uint32_t tag;

	while (take_run(&rest, &tag, &run)) {
		const struct field *f = entity_field_by_tag(d->w->entity, tag);
		if (!f || !(f->flags & F_READONLY) || !d->w->user || record_has(fields, tag))
			continue;
		draft_bad(d, f->name, "is computed by the server");
		buf_add_bytes(&d->fields, run);
	}
}

static void take_fields(struct draft *d, struct bytes fields)
{
	struct buf sorted = BUF_INIT, taken = BUF_INIT;
	struct bytes rest, run;
	uint32_t tag;

	record_sort(fields, &sorted);
	rest = buf_bytes(&sorted);
	while (take_run(&rest, &tag, &run)) {
		const struct field *f = entity_field_by_tag(d->w->entity, tag);
		if (f)
			take_allowed(d, f, run);
	}
	keep_readonly(d, buf_bytes(&sorted));
	record_sort(draft_bytes(d), &taken);
	buf_free(&d->fields);
	buf_free(&sorted);
	d->fields = taken;
}

/* Defaults */

/* "C%06u": a text with one number in it, zero-padded to the width given. */
static void format_number(const char *pattern, uint64_t n, struct buf *out)
{
	const char *percent = strchr(pattern, '%');
	int width = (int)strtol(percent + 1, NULL, 10);

	buf_add(out, pattern, (size_t)(percent - pattern));
	buf_printf(out, "%0*llu", width, (unsigned long long)n);
	buf_add_str(out, strchr(percent, 'u') + 1);
}

static bool text_taken(struct draft *d, const struct field *f, struct bytes text)
{
	struct error e;
	uint64_t id;
	enum status s;

	error_init(&e);
	s = store_find_unique(d->w->txn, d->w->entity, f, text, &id, &e);
	error_clear(&e);
	return s == STATUS_OK;
}

static void default_number(struct draft *d, const struct field *f, struct buf *out)
{
	struct buf text = BUF_INIT;
	bool later = lookup_number_later(d->w->lookup, f);
	uint64_t n = 0;

	do {
		buf_clear(&text);
		if (!later)
			d->failed = lookup_next_number(d->w->lookup, d->w->entity, &n, d->e);
		format_number(f->initial + strlen("@number:"), n, &text);
	} while (!later && !d->failed && text_taken(d, f, buf_bytes(&text)));
	record_add_text(out, f->tag, buf_bytes(&text));
	buf_free(&text);
}

/* "REF.FIELD" of the record that REF names, "REF" the field of the same name there. */
static void default_from(
	struct draft *d, const struct field *f, struct bytes source, struct buf *out)
{
	size_t dot = 0;
	const struct field *ref, *same;
	const struct entity *en;
	struct bytes run;
	struct wire_field w;

	while (dot < source.len && source.data[dot] != '.')
		dot++;
	ref = entity_field(d->w->entity, bytes_of(source.data, dot));
	en = ref && ref->type == T_REF
		     ? schema_entity(lookup_schema(d->w->lookup), bytes_str(ref->refers_to))
		     : NULL;
	if (!en)
		return;
	same = dot < source.len
		       ? entity_field(en, bytes_of(source.data + dot + 1, source.len - dot - 1))
		       : entity_field_named(en, f->name);
	if (!same || same->type != f->type)
		return;
	run = record_run(lookup_fields(d->w->lookup, en, record_number(draft_bytes(d), ref->tag)),
		same->tag);
	while (record_next(&run, &w, NULL)) {
		if (w.wire == WIRE_VARINT)
			record_add_number(out, f->tag, w.number);
		else
			record_add_text(out, f->tag, w.bytes);
	}
}

static uint64_t default_id(struct draft *d, const struct field *f, struct bytes word)
{
	const struct model_write *w = d->w;

	if (bytes_equal_str(word, "me"))
		return w->user;
	if (bytes_equal_str(word, "my-branch"))
		return w->branch;
	if (bytes_equal_str(word, "my-team"))
		return w->team;
	if (bytes_equal_str(word, "today"))
		return (uint64_t)w->today;
	if (bytes_equal_str(word, "now"))
		return zigzag(w->author->now_ms);
	if (bytes_equal_str(word, "default-entry"))
		return lookup_standard(w->lookup, f->refers_to);
	if (bytes_equal_str(word, "general-portfolio"))
		return GENERAL_PORTFOLIO;
	return 0;
}

/* The first of the alternatives "@a|@b" that gives something. */
static void default_word(struct draft *d, const struct field *f, struct buf *out)
{
	size_t before = out->len;
	uint64_t id;

	for (const char *p = f->initial; *p && out->len == before; p += *p == '|') {
		size_t len = strcspn(p, "|");
		struct bytes word = bytes_of(p + 1, len - 1);
		id = default_id(d, f, word);
		if (id)
			record_add_number(out, f->tag, id);
		else
			default_from(d, f, word, out);
		p += len;
	}
}

static void default_of(struct draft *d, const struct field *f, struct buf *out)
{
	struct parse_context ctx = lookup_parse_context(d->w->lookup, d->w->today, NULL);

	if (g_str_has_prefix(f->initial, "@number:"))
		default_number(d, f, out);
	else if (g_str_has_prefix(f->initial, "@setting:"))
		type_parse(f, lookup_setting(d->w->lookup, f->initial + strlen("@setting:")), &ctx,
			out, d->e);
	else if (*f->initial == '@')
		default_word(d, f, out);
	else
		type_parse(f, bytes_str(f->initial), &ctx, out, d->e);
}

static void fill_defaults(struct draft *d)
{
	const struct entity *en = d->w->entity;
	struct buf fragment = BUF_INIT, all = BUF_INIT;

	for (size_t i = 0; i < en->nfields && !d->failed; i++) {
		const struct field *f = &en->fields[i];
		if (f->initial && !record_has(draft_bytes(d), f->tag) && !draft_is_bad(d, f->name))
			default_of(d, f, &fragment);
	}
	buf_add_bytes(&fragment, draft_bytes(d));
	record_sort(buf_bytes(&fragment), &all);
	buf_free(&fragment);
	buf_free(&d->fields);
	d->fields = all;
}

/* The general checks */

static void check_entry(struct draft *d, const struct field *f, uint64_t id)
{
	const struct entry *entry = lookup_entry_of(d->w->lookup, id);

	if (!entry || entry->dictionary != lookup_dictionary(d->w->lookup, f->refers_to))
		draft_bad(d, f->name, "is no entry of the dictionary \"%s\"", f->refers_to);
	else if (!entry->active)
		draft_bad(d, f->name, "is switched off: \"%s\"", entry->code);
}

static void check_target(struct draft *d, const struct field *f, uint64_t number)
{
	const struct schema *schema = lookup_schema(d->w->lookup);
	const struct entity *en;
	uint64_t id = number;

	if (f->type == T_REF_ANY) {
		en = schema_entity_by_number(schema, any_ref_entity(number));
		id = any_ref_id(number);
	} else {
		en = schema_entity(schema, bytes_str(f->refers_to));
	}
	if (!en)
		draft_bad(d, f->name, "entity not available yet");
	else if (!lookup_there(d->w->lookup, en, id))
		draft_bad(d, f->name, "is not a known %s", en->name);
}

/* Values of choices and references, only where they changed: what stood before may have gone out of sight. */
static void check_values(struct draft *d, const struct field *f, struct bytes run)
{
	bool choice = f->type == T_CHOICE || f->type == T_CHOICES;
	struct wire_field w;

	if (!choice && !type_is_reference(f->type) && f->type != T_REF_ANY)
		return;
	if (draft_is_bad(d, f->name) || bytes_equal(run, run_before(d->w, f->tag)))
		return;
	while (record_next(&run, &w, NULL)) {
		if (choice)
			check_entry(d, f, w.number);
		else
			check_target(d, f, w.number);
	}
}

static bool is_of_kind(const struct draft *d, const char *only)
{
	const char *equals = strchr(only, '=');
	char *field = g_strndup(only, (gsize)(equals - only));
	bool is = !strcmp(draft_code(d, field), equals + 1);

	g_free(field);
	return is;
}

/* A custom field that became required is asked of new records, and is not given up again: others can still be changed without it. */
static bool is_required(const struct draft *d, const struct field *f)
{
	if (!(f->flags & F_REQUIRED) || f->flags & F_RETIRED)
		return false;
	if (f->tag >= TAG_CUSTOM && d->w->before && !record_has(d->w->before->fields, f->tag))
		return false;
	return !f->only || is_of_kind(d, f->only);
}

static void check_fields(struct draft *d)
{
	const struct entity *en = d->w->entity;
	struct bytes rest = draft_bytes(d), run;
	uint32_t tag;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (is_required(d, f) && !record_has(draft_bytes(d), f->tag))
			draft_bad(d, f->name, "is missing");
	}
	while (take_run(&rest, &tag, &run)) {
		const struct field *f = entity_field_by_tag(en, tag);
		if (f)
			check_values(d, f, run);
	}
}

/* A parent that is below its child. */
static void check_cycle(struct draft *d, const struct field *f)
{
	uint64_t at = record_number(draft_bytes(d), f->tag);
	struct bytes fields;

	for (int depth = 0; at && d->w->id; depth++) {
		if (at == d->w->id || depth == 64) {
			draft_bad(d, f->name, "makes a circle");
			return;
		}
		fields = lookup_fields(d->w->lookup, d->w->entity, at);
		at = record_number(fields, f->tag);
	}
}

bool field_leads_up(const struct field *f)
{
	static const char *const up[] = { "parent", "employer", "superior" };

	for (size_t i = 0; i < G_N_ELEMENTS(up); i++)
		if (!strcmp(f->name, up[i]))
			return true;
	return false;
}

/* As its own deputy or channel partner. */
static bool names_itself(struct draft *d, const struct field *f)
{
	return d->w->before && f->type == T_REF && f->tag < TAG_EXTERNAL_ID &&
	       !(f->flags & F_READONLY) && !strcmp(f->refers_to, d->w->entity->name) &&
	       record_number(draft_bytes(d), f->tag) == d->w->id && draft_changed(d, f->name);
}

static void check_cycles(struct draft *d)
{
	const struct entity *en = d->w->entity;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		if (d->w->before && field_leads_up(f) &&
			!bytes_equal(record_run(draft_bytes(d), f->tag), run_before(d->w, f->tag)))
			check_cycle(d, f);
		else if (names_itself(d, f))
			draft_bad(d, f->name, "names the record itself");
	}
}

/* What is written once stays; the same again, as an import brings it, is no change. */
static void check_final(struct draft *d)
{
	const struct entity *en = d->w->entity;
	bool same = true;

	if (!(en->flags & E_FINAL) || !d->w->before || !d->w->user)
		return;
	for (size_t i = 0; i < en->nfields && same; i++)
		same = en->fields[i].flags & (F_COMPUTED | F_VIRTUAL | F_READONLY) ||
		       !draft_changed(d, en->fields[i].name);
	if (!same)
		d->failed = error_set(d->e, STATUS_INVALID,
			"a %s is never changed: a further one corrects it", en->name);
}

static enum status check_allowed(const struct draft *d)
{
	const struct entity *en = d->w->entity;

	if (en->flags & E_READONLY && d->w->user != 0)
		return error_set(
			d->e, STATUS_DENIED, "a %s is changed by the server only", en->name);
	return STATUS_OK;
}

enum status model_check(
	const struct model_write *w, struct bytes fields, struct buf *out, struct error *e)
{
	struct draft d = { .w = w, .e = e };
	const struct hooks *hooks = hooks_of(w->entity);
	enum status s = check_allowed(&d);

	if (s)
		return s;
	take_fields(&d, fields);
	files_prepare(&d);
	rules_prepare(&d);
	if (!w->before)
		fill_defaults(&d);
	if (!d.failed && hooks && hooks->prepare)
		hooks->prepare(&d);
	if (!d.failed) {
		check_fields(&d);
		check_cycles(&d);
		rules_check(&d);
	}
	if (!d.failed)
		check_final(&d);
	if (!d.failed && hooks && hooks->check)
		hooks->check(&d);
	if (!d.failed && !d.faults)
		buf_add_bytes(out, draft_bytes(&d));
	buf_free(&d.fields);
	return d.failed ? d.failed : d.faults ? STATUS_INVALID : STATUS_OK;
}

enum status model_number_now(const struct model_write *w, uint16_t tag, struct bytes fields,
	struct buf *out, struct error *e)
{
	struct draft d = { .w = w, .e = e };
	struct buf number = BUF_INIT;

	default_number(&d, entity_field_by_tag(w->entity, tag), &number);
	record_merge(fields, buf_bytes(&number), NULL, 0, out);
	buf_free(&number);
	return d.failed;
}
