/* Fields of type file: between the upload and the record. */
#ifndef SERVER_MODEL_FILES_H
#define SERVER_MODEL_FILES_H

#include "server/model/draft.h"

/* Puts the upload in its place that a changed field names; another one is a bad field. */
void files_prepare(struct draft *d);
/* What the record names is kept from now on. */
enum status files_after(struct txn *t, const struct entity *entity, const struct stored *before,
	const struct stored *after, struct error *e);

#endif
