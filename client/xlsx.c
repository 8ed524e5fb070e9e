#include "client/xlsx.h"
#include "common/text.h"
#include <xlsxwriter.h>

#define TEXT_MAX 32767    /* characters of a cell, counted in UTF-16 */
#define SHEET_NAME_MAX 28 /* characters, so that a number has room behind it */
#define COLUMN_WIDTH 16

struct xlsx {
	lxw_workbook *book;
	lxw_worksheet *sheet;
	lxw_format *styles[XLSX_STYLES], *bold;
	char name[SHEET_NAME_MAX * 4 + 1];
	char **labels;
	size_t n;
	uint32_t rows, row;
	lxw_col_t column;
	unsigned sheets;
	struct buf text;
};

static const char *const formats[XLSX_STYLES] = {
	[XLSX_INTEGER] = "0",
	[XLSX_MONEY] = "#,##0.00",
	[XLSX_PERCENT] = "0.00%",
	[XLSX_DATE] = "yyyy-mm-dd",
	[XLSX_TIME] = "hh:mm",
	[XLSX_DATETIME] = "yyyy-mm-dd hh:mm:ss",
};

/* Sheets' names have at most 31 characters and none of []:*?/\ */
static void take_name(struct xlsx *x, struct bytes name)
{
	size_t n = 0;

	for (size_t chars = 0; name.len && chars < SHEET_NAME_MAX; chars++) {
		const uint8_t *from = name.data;

		text_next(&name);
		size_t len = (size_t)(name.data - from);
		if (len == 1 && strchr("[]:*?/\\'", *from))
			x->name[n++] = '_';
		else
			memcpy(x->name + n, from, len), n += len;
	}
	x->name[n] = '\0';
}

enum status xlsx_open(
	const char *path, struct bytes sheet, uint32_t rows, struct xlsx **out, struct error *e)
{
	lxw_workbook_options options = { .constant_memory = LXW_TRUE };
	struct xlsx *x = items_new(1, sizeof *x);

	*out = x;
	x->rows = rows;
	take_name(x, sheet);
	x->book = workbook_new_opt(path, &options);
	if (!x->book)
		return error_set(e, STATUS_INTERNAL, "cannot write '%s'", path);
	for (size_t i = 0; i < XLSX_STYLES; i++)
		if (formats[i]) {
			x->styles[i] = workbook_add_format(x->book);
			format_set_num_format(x->styles[i], formats[i]);
		}
	x->bold = workbook_add_format(x->book);
	format_set_bold(x->bold);
	return STATUS_OK;
}

/* Excel reads _x0041_ in a text as an escape: the first character of what looks like one is escaped itself. */
static bool looks_escaped(struct bytes in)
{
	if (in.len < 7 || in.data[0] != '_' || in.data[1] != 'x' || in.data[6] != '_')
		return false;
	for (size_t i = 2; i < 6; i++)
		if (!strchr("0123456789abcdefABCDEF", in.data[i]) || !in.data[i])
			return false;
	return true;
}

static const char *escaped(struct xlsx *x, struct bytes text)
{
	buf_clear(&x->text);
	for (size_t i = 0; i < text.len; i++) {
		buf_add_str(&x->text,
			looks_escaped(bytes_of(text.data + i, text.len - i)) ? "_x005F" : "");
		buf_add_u8(&x->text, text.data[i]);
	}
	return buf_str(&x->text);
}

static enum status next_sheet(struct xlsx *x, struct error *e)
{
	char name[sizeof x->name + 8];

	x->sheets++;
	if (x->sheets == 1)
		snprintf(name, sizeof name, "%s", x->name);
	else
		snprintf(name, sizeof name, "%s %u", x->name, x->sheets);
	x->sheet = workbook_add_worksheet(x->book, name);
	if (!x->sheet)
		return error_set(e, STATUS_INTERNAL, "cannot add sheet '%s'", name);
	worksheet_freeze_panes(x->sheet, 1, 0);
	if (x->n)
		worksheet_set_column(x->sheet, 0, (lxw_col_t)(x->n - 1), COLUMN_WIDTH, NULL);
	for (size_t i = 0; i < x->n; i++)
		worksheet_write_string(
			x->sheet, 0, (lxw_col_t)i, escaped(x, bytes_str(x->labels[i])), x->bold);
	x->row = 0;
	return STATUS_OK;
}

enum status xlsx_header(struct xlsx *x, const struct bytes *labels, size_t n, struct error *e)
{
	if (n > XLSX_COLUMNS)
		return error_set(e, STATUS_INVALID, "a sheet has at most %d columns", XLSX_COLUMNS);
	x->labels = items_new(n + 1, sizeof *x->labels);
	for (x->n = 0; x->n < n; x->n++)
		x->labels[x->n] = bytes_dup(labels[x->n]);
	return next_sheet(x, e);
}

unsigned xlsx_sheets(const struct xlsx *x)
{
	return x->sheets;
}

enum status xlsx_row(struct xlsx *x, struct error *e)
{
	enum status st = x->row + 1 == x->rows ? next_sheet(x, e) : STATUS_OK;

	x->row++;
	x->column = 0;
	return st;
}

void xlsx_skip(struct xlsx *x)
{
	x->column++;
}

enum status xlsx_text(struct xlsx *x, struct bytes text, struct error *e)
{
	struct bytes rest = text;
	size_t units = 0;

	while (rest.len)
		units += text_next(&rest) > 0xffff ? 2 : 1;
	if (units > TEXT_MAX)
		return error_set(e, STATUS_INVALID,
			"is longer than the %d characters that a cell of a sheet holds", TEXT_MAX);
	if (worksheet_write_string(x->sheet, x->row, x->column++, escaped(x, text), NULL))
		return error_set(e, STATUS_INVALID, "cannot be written to a sheet");
	return STATUS_OK;
}

void xlsx_number(struct xlsx *x, double v, enum xlsx_style style)
{
	worksheet_write_number(x->sheet, x->row, x->column++, v, x->styles[style]);
}

void xlsx_bool(struct xlsx *x, bool v)
{
	worksheet_write_boolean(x->sheet, x->row, x->column++, v, NULL);
}

void xlsx_date(struct xlsx *x, civil_date d, int minute, int second, enum xlsx_style style)
{
	lxw_datetime at = { .year = date_year(d),
		.month = date_month(d),
		.day = date_day(d),
		.hour = minute < 0 ? 0 : minute / 60,
		.min = minute < 0 ? 0 : minute % 60,
		.sec = second };

	worksheet_write_datetime(x->sheet, x->row, x->column++, &at, x->styles[style]);
}

static void release(struct xlsx **px)
{
	struct xlsx *x = *px;

	for (size_t i = 0; i < x->n; i++)
		free(x->labels[i]);
	free(x->labels);
	buf_free(&x->text);
	free(x);
	*px = NULL;
}

enum status xlsx_close(struct xlsx **px, struct error *e)
{
	lxw_error failed = workbook_close((*px)->book);

	release(px);
	if (failed)
		return error_set(
			e, STATUS_INTERNAL, "cannot write the workbook: %s", lxw_strerror(failed));
	return STATUS_OK;
}

void xlsx_abandon(struct xlsx **px)
{
	if (!*px)
		return;
	if ((*px)->book)
		lxw_workbook_free((*px)->book);
	release(px);
}
