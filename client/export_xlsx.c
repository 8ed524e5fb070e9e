/* Sheets: numbers, dates and times as such, everything else as text, names in the place of ids. */
#include "client/export.h"
#include "client/xlsx.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53: whole numbers up to there are exact in a sheet */

enum status export_xlsx_begin(struct export *x, struct error *e)
{
	struct bytes *labels = arena_calloc(x->app->arena, x->n + 1, sizeof *labels);
	enum status st = xlsx_open(
		x->path, bytes_str(entity_label(x->app, x->entity)), XLSX_ROWS, &x->xlsx, e);

	for (size_t i = 0; labels && i < x->n; i++)
		labels[i] = bytes_str(field_label(x->app, x->fields[i]));
	return st ? st : xlsx_header(x->xlsx, labels, labels ? x->n : 0, e);
}

/* Whole numbers, hundredths and ten-thousandths. */
static bool number_of(enum field_type type, double *unit, enum xlsx_style *style)
{
	*unit = type == T_MONEY ? 100 : type == T_DECIMAL || type == T_PERCENT ? 10000 : 1;
	*style = type == T_MONEY     ? XLSX_MONEY
		 : type == T_PERCENT ? XLSX_PERCENT
		 : type == T_INTEGER ? XLSX_INTEGER
				     : XLSX_PLAIN;
	return type == T_MONEY || type == T_DECIMAL || type == T_PERCENT || type == T_INTEGER;
}

static void add_instant(struct export *x, int64_t ms)
{
	const struct zone *zone = app_zone(x->app);
	int second = (int)((ms / 1000 % 60 + 60) % 60);

	if (!zone)
		zone = zone_find("UTC");
	xlsx_date(x->xlsx, zone_date(zone, ms), zone_minute(zone, ms), second, XLSX_DATETIME);
}

/* False when the value has no cell of its own kind. */
static bool add_typed(struct export *x, const struct view *v, const struct field *f)
{
	struct bytes record = buf_bytes(&v->fields);
	enum xlsx_style style;
	double unit, number;

	if (number_of(f->type, &unit, &style)) {
		number = (double)record_signed(record, f->tag);
		if (f->flags & F_VIRTUAL || number > EXACT_MAX || number < -EXACT_MAX)
			return false;
		xlsx_number(x->xlsx, number / unit, style);
	} else if (f->type == T_DATE) {
		xlsx_date(x->xlsx, (civil_date)record_number(record, f->tag), -1, 0, XLSX_DATE);
	} else if (f->type == T_DATETIME) {
		add_instant(x, record_signed(record, f->tag));
	} else if (f->type == T_TIME) {
		xlsx_date(x->xlsx, 0, (int)record_number(record, f->tag), 0, XLSX_TIME);
	} else if (f->type == T_BOOL) {
		xlsx_bool(x->xlsx, record_number(record, f->tag) != 0);
	} else {
		return false;
	}
	return true;
}

enum status export_xlsx_add(struct export *x, const struct view *v, struct error *e)
{
	enum status st = xlsx_row(x->xlsx, e);

	for (size_t i = 0; !st && i < x->n; i++) {
		const struct field *f = x->fields[i];
		bool here = view_has(v, f) || f->flags & F_VIRTUAL;

		if (!here)
			xlsx_skip(x->xlsx);
		if (!here || (!view_masked(v, f) && add_typed(x, v, f)))
			continue;
		buf_clear(&x->cell);
		view_cell(v, f, FORM_DISPLAY, &x->cell);
		st = xlsx_text(x->xlsx, buf_bytes(&x->cell), e);
		if (st)
			error_prefix(e, "%s %llu, %s", x->entity->name,
				(unsigned long long)v->record->id, f->name);
	}
	return st;
}

enum status export_xlsx_end(struct export *x, struct error *e)
{
	return xlsx_close(&x->xlsx, e);
}
