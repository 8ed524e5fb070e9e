/*
 * Likely duplicates: the warning on entry. The report is an operation of its own.
 */
#ifndef SERVER_OP_DUPLICATES_H
#define SERVER_OP_DUPLICATES_H

#include "server/op/target.h"

/*
 * STATUS_DUPLICATE with a bad field for every record that likely is the same as one with these fields (w as for model_check); of records
 * that the caller may not see it tells only that there is one. With the request's argument "force" none is looked for: that needs the right
 * duplicate.override (DENIED) and a reason (USAGE).
 */
enum status duplicates_check(
	struct target *t, const struct model_write *w, struct bytes fields, struct error *e);

#endif
