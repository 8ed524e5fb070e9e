/*
 * The operations, one table a family; each table ends with a row without a name.
 */
#ifndef SERVER_OP_OP_H
#define SERVER_OP_OP_H

#include "server/call/call.h"

extern const struct op system_ops[];
extern const struct op health_ops[];
extern const struct op session_ops[];
extern const struct op schema_ops[];
extern const struct op record_ops[];
extern const struct op query_ops[];
extern const struct op history_ops[];
extern const struct op undo_ops[];
extern const struct op operation_ops[];
extern const struct op import_ops[];
extern const struct op reminder_ops[];
extern const struct op story_ops[];
extern const struct op mail_ops[];
extern const struct op today_ops[];
extern const struct op agenda_ops[];
extern const struct op merge_ops[];
extern const struct op duplicates_ops[];
extern const struct op file_ops[];
extern const struct op audit_ops[];
extern const struct op rule_ops[];
extern const struct op dial_ops[];
extern const struct op report_ops[];
extern const struct op offboard_ops[];

#endif
