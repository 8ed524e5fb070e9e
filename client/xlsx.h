/*
 * A workbook that is written row by row with constant memory. Knows no records; the only user of libxlsxwriter.
 */
#ifndef CLIENT_XLSX_H
#define CLIENT_XLSX_H

#include "common/date.h"
#include "common/error.h"

#define XLSX_ROWS 1048576 /* of a sheet, its header included */
#define XLSX_COLUMNS 16384

enum xlsx_style {
	XLSX_PLAIN,
	XLSX_INTEGER,
	XLSX_MONEY,
	XLSX_PERCENT,
	XLSX_DATE,
	XLSX_TIME,
	XLSX_DATETIME,
	XLSX_STYLES
};

struct xlsx;

/* sheet: its name; further sheets, one each rows rows, get a number behind it. */
enum status xlsx_open(
	const char *path, struct bytes sheet, uint32_t rows, struct xlsx **out, struct error *e);
/* The labels that stand above every sheet. Copied. */
enum status xlsx_header(struct xlsx *x, const struct bytes *labels, size_t n, struct error *e);
enum status xlsx_row(struct xlsx *x, struct error *e); /* begins one */
/* The next cell of the row. */
void xlsx_skip(struct xlsx *x);
/* INVALID for more than 32,767 characters, which no cell holds: nothing is cut. */
enum status xlsx_text(struct xlsx *x, struct bytes text, struct error *e);
void xlsx_number(struct xlsx *x, double v, enum xlsx_style style);
void xlsx_bool(struct xlsx *x, bool v);
/* minute -1: a date; else a date with its time; date 0: a time of the day. second 0 to 59. */
void xlsx_date(struct xlsx *x, civil_date d, int minute, int second, enum xlsx_style style);
unsigned xlsx_sheets(const struct xlsx *x); /* that have been begun */
/* Writes the file. */
enum status xlsx_close(struct xlsx **x, struct error *e);
/* Leaves what there is; the file is not whole. */
void xlsx_abandon(struct xlsx **x);

#endif
