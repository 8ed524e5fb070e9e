/* What the log keeps of an export: no record changed, but its entry tells which ones left. */
#ifndef SERVER_OP_AUDIT_H
#define SERVER_OP_AUDIT_H

#include "common/record.h"

/* The body of the entry, in wire form. */
void export_note(struct buf *out, struct bytes filter, struct bytes purpose, uint64_t rows);

#endif
