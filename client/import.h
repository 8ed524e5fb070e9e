/*
 * The sending half of an import: rows in, chunks out, at most a few unanswered, memory constant. Counts,
 * writes refused rows, shows progress. Knows nothing of the form of the file.
 */
#ifndef CLIENT_IMPORT_H
#define CLIENT_IMPORT_H

#include "client/app.h"
#include "client/rejects.h"

struct importer;

/* columns: fields of the cells of a csv; n 0: each row names its own (importer_row_named). */
enum status importer_begin(struct app *app, const struct bytes *columns, size_t n,
	const char *source, struct importer **out, struct error *e);
void importer_free(struct importer **im);

/* original: the row as it goes to the rejects file. Cells in the order of the columns. */
enum status importer_row(struct importer *im, const struct bytes *cells, size_t n, uint64_t line,
	struct bytes original, struct error *e);
/* A row that names its fields. */
enum status importer_row_named(struct importer *im, const struct bytes *names,
	const struct bytes *cells, size_t n, uint64_t line, struct bytes original, struct error *e);
/* A row that cannot be sent. */
enum status importer_reject(struct importer *im, uint64_t line, const char *why,
	struct bytes original, struct error *e);

/* Opens the rejects file when --rejects names one. */
enum status importer_rejects(struct importer *im, const struct reject_form *form, struct error *e);
void importer_progress(struct importer *im, uint64_t done, uint64_t total);
/* Waits for all answers and prints the summary. PARTIAL when rows were refused. */
enum status importer_finish(struct importer *im, struct error *e);

#endif
