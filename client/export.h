/* The forms of files that export writes. A form gets records one by one and knows neither pages nor the server. */
#ifndef CLIENT_EXPORT_H
#define CLIENT_EXPORT_H

#include "client/print.h"
#include "common/csv.h"

struct xlsx;

struct export
{
	struct app *app;
	const struct entity *entity;
	const struct field **fields;
	size_t n;
	const struct export_form *form;
	enum encoding encoding;
	const char *path; /* of the file being written, for forms that write it themselves */
	int fd;           /* the others' */
	bool started;
	struct buf text, cell;
	struct xlsx *xlsx;
	uint64_t count;
};

struct export_form {
	const char *name;
	const char *endings[2];
	bool own_file; /* it writes to path, not to fd */
	bool utf8;     /* it has no other encoding */
	bool portable; /* another server reads it */
	enum status (*begin)(struct export *x, struct error *e);
	enum status (*add)(struct export *x, const struct view *v, struct error *e);
	enum status (*end)(struct export *x, struct error *e); /* or NULL */
};

/* The first is meant when nothing says otherwise. */
extern const struct export_form export_forms[];
extern const size_t nexport_forms;

/* ics */
enum status export_ics_begin(struct export *x, struct error *e);
enum status export_ics_add(struct export *x, const struct view *v, struct error *e);
enum status export_ics_end(struct export *x, struct error *e);

/* xlsx */
enum status export_xlsx_begin(struct export *x, struct error *e);
enum status export_xlsx_add(struct export *x, const struct view *v, struct error *e);
enum status export_xlsx_end(struct export *x, struct error *e);

#endif
