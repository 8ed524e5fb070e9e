/* The forms of files that import reads, each in its own file; what they share. */
#ifndef CLIENT_IMPORT_FORM_H
#define CLIENT_IMPORT_FORM_H

#include "client/import.h"
#include "common/source.h"

#define IMPORT_FIELDS_MAX 256 /* that one row may name */
#define SAMPLE_ROWS 3         /* shown in a dry run */

/* A file to import; opened by the command. */
struct import_file {
	struct app *app;
	int fd;
	uint64_t size;      /* bytes; 0 unknown */
	const char *source; /* its name, for the record of the operation */
	enum encoding encoding;
};

enum status import_csv(const struct import_file *file, struct error *e);
enum status import_json(const struct import_file *file, struct error *e);
enum status import_vcard(const struct import_file *file, struct error *e);

/* FIELD of --map COLUMN=FIELD, "" for a column that is to be passed over; NULL when the column is not mapped. */
const char *import_mapped(const struct app *app, struct bytes column);
/* The fields of --set as pairs of a request in the run's arena. */
enum status import_set(struct app *app, Guanxi__Request **out, struct error *e);
/* The unique number or code of a record where the server makes it: an export has it, an import takes it as the key or passes it over. */
bool import_is_made_key(const struct entity *en, const struct field *f);
/* Whether a column of that name is passed over: a made key that --key does not name. */
bool import_passes_over(const struct app *app, const struct entity *en, struct bytes name);
/* "is no field of ENTITY; did you mean ...?" */
enum status import_no_field(const struct entity *en, struct bytes name, struct error *e);

/* A row that names its fields. Texts are kept in room, so names and values are set when it is full. */
struct import_row {
	struct buf room;
	struct {
		struct bytes name;
		size_t value, len;
	} fields[IMPORT_FIELDS_MAX];
	size_t n;
};
/* Starts a field; its value is what is added to room until import_row_end. Too many: false. */
bool import_row_begin(struct import_row *row, struct bytes name);
void import_row_end(
	struct import_row *row, bool keep); /* without keep a value of blanks only is taken back */
bool import_row_has(const struct import_row *row, struct bytes name);
/* Puts the pairs of --set in the place of what the row says of them. */
void import_row_set(struct import_row *row, const Guanxi__Request *set);

/* An import from a form whose rows name their fields. */
struct import_named {
	const struct import_file *file;
	struct app *app;
	const struct entity *entity;
	Guanxi__Request *set; /* the pairs of --set */
	struct importer *importer;
	struct import_row row;
	uint64_t shown; /* rows, in a dry run */
};
/* kind: of struct reject_form; source: what is read. import_named_release, whatever comes back. */
enum status import_named_begin(
	struct import_named *in, int kind, const struct source *source, struct error *e);
void import_named_release(struct import_named *in);
/* Sends in->row; the first ones of a dry run are shown as they were read. */
enum status import_named_send(
	struct import_named *in, uint64_t line, struct bytes original, struct error *e);

#endif
