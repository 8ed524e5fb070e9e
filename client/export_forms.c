/* CSV, JSON lines and vCards, as text. */
#include "client/export.h"
#include "client/json.h"
#include "client/vcard_map.h"
#include <glib.h>

static bool is_text(enum field_type type)
{
	return type == T_TEXT || type == T_LONG_TEXT || type == T_TAGS || type == T_TEXTS ||
	       type == T_PHONE || type == T_EMAIL || type == T_URL;
}

/* A row of one empty cell would be a blank line, which is none. */
static void add_cell(struct export *x, size_t i, struct bytes cell, bool harmless)
{
	if (x->n == 1 && !cell.len)
		buf_add_str(&x->text, "\"\"");
	else
		csv_add_cell(&x->text, cell, i == 0, harmless);
}

static enum status csv_begin(struct export *x, struct error *e)
{
	for (size_t i = 0; i < x->n && !x->app->opt.no_header; i++)
		add_cell(x, i, bytes_str(field_label(x->app, x->fields[i])), false);
	buf_add_str(&x->text, x->app->opt.no_header ? "" : "\r\n");
	return STATUS_OK;
}

/* What would not be read back as the same items: separators within one, signs that mean a change of tags. */
static bool needs_array(const struct view *v, const struct field *f)
{
	static const char *const separators[] = { ",", ";", "\xef\xbc\x8c", "\xef\xbc\x9b", "、",
		"\n" };
	struct bytes rest = record_run(buf_bytes(&v->fields), f->tag);
	struct wire_field w;

	while (record_next(&rest, &w, NULL) && w.wire == WIRE_BYTES) {
		if (w.bytes.len && memchr("[+- '", w.bytes.data[0], 5))
			return true;
		for (size_t i = 0; i < G_N_ELEMENTS(separators); i++)
			if (memmem(w.bytes.data, w.bytes.len, separators[i], strlen(separators[i])))
				return true;
	}
	return false;
}

/* Labels of choices may have commas in them: several choices stand as codes. */
static void list_cell(struct export *x, const struct view *v, const struct field *f)
{
	if (needs_array(v, f))
		view_json_value(v, f, &x->cell);
	else
		view_cell(v, f, FORM_PORTABLE, &x->cell);
}

static enum status csv_add(struct export *x, const struct view *v, struct error *e)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct field *f = x->fields[i];
		/* Numbers and external ids, because names need not be unique; instants exactly. */
		bool code =
			type_is_reference(f->type) || f->type == T_REF_ANY || f->type == T_DATETIME;

		buf_clear(&x->cell);
		if (type_is_list(f->type) && !view_masked(v, f) && view_has(v, f))
			list_cell(x, v, f);
		else
			view_cell(v, f, code ? FORM_PORTABLE : FORM_DISPLAY, &x->cell);
		add_cell(x, i, buf_bytes(&x->cell), is_text(f->type));
	}
	buf_add_str(&x->text, "\r\n");
	return STATUS_OK;
}

static enum status json_add(struct export *x, const struct view *v, struct error *e)
{
	bool first = true;

	buf_add_u8(&x->text, '{');
	for (size_t i = 0; i < x->n; i++) {
		if (!view_has(v, x->fields[i]))
			continue;
		json_add_key(&x->text, &first, x->fields[i]->name);
		view_json_value(v, x->fields[i], &x->text);
	}
	buf_add_str(&x->text, "}\n");
	return STATUS_OK;
}

static enum status vcard_begin(struct export *x, struct error *e)
{
	if (!entity_field_named(x->entity, "mobile") && !entity_field_named(x->entity, "phone"))
		return error_set(e, STATUS_USAGE,
			app_tr(x->app, "'%s' has no numbers to call: there are no vCards of it"),
			x->entity->name);
	return STATUS_OK;
}

static enum status vcard_add(struct export *x, const struct view *v, struct error *e)
{
	vcard_of_record(v, !strcmp(x->form->name, "vcf4"), &x->text);
	return STATUS_OK;
}

const struct export_form export_forms[] = {
	{ .name = "csv",
		.endings = { "csv" },
		.portable = true,
		.begin = csv_begin,
		.add = csv_add },
	{ .name = "jsonl",
		.endings = { "jsonl", "ndjson" },
		.portable = true,
		.utf8 = true,
		.add = json_add },
	{ .name = "xlsx",
		.endings = { "xlsx" },
		.own_file = true,
		.utf8 = true,
		.begin = export_xlsx_begin,
		.add = export_xlsx_add,
		.end = export_xlsx_end },
	{ .name = "vcf",
		.endings = { "vcf", "vcard" },
		.utf8 = true,
		.begin = vcard_begin,
		.add = vcard_add },
	{ .name = "ics",
		.endings = { "ics" },
		.utf8 = true,
		.begin = export_ics_begin,
		.add = export_ics_add,
		.end = export_ics_end },
	{ .name = "vcf4", .utf8 = true, .begin = vcard_begin, .add = vcard_add },
};
const size_t nexport_forms = sizeof export_forms / sizeof *export_forms;
