/*
 * What an import knows besides its rows: the key by which the server knows it again, the rows that an earlier run was refused, and, in
 * a dry run, the values of the rows before.
 */
#ifndef CLIENT_IMPORT_MEMORY_H
#define CLIENT_IMPORT_MEMORY_H

#include "client/app.h"

/* A hash over the file and all options that decide what its rows mean. false when the file cannot be read twice. */
bool import_key(const struct app *app, const char *path, struct buf *out);

/* The refused rows of an earlier run of the same import, in the order of the file. */
struct refusals;
struct refusals *refusals_new(struct app *app, uint64_t operation);
void refusals_free(struct refusals **r);
/* The answer to the row of this line, if it was refused; NULL otherwise. Lines are asked for in ascending order. Valid until the next call. */
enum status refusals_of(
	struct refusals *r, uint64_t line, const Guanxi__RowResult **row, struct error *e);

/* The unique values of the rows that a dry run would have added. */
struct seen;
struct seen *seen_new(void);
void seen_free(struct seen **s);
/* The tag of the first of the row's values that a row before has; 0 and all of them are remembered when there is none. */
uint16_t seen_before(struct seen *s, const Guanxi__RowResult *row);

#endif
