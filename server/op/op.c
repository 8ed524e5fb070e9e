#include "server/op/op.h"

const struct op *op_find(struct bytes name)
{
	static const struct op *const families[] = { system_ops, health_ops, session_ops,
		schema_ops, record_ops, query_ops, history_ops, undo_ops, operation_ops, import_ops,
		reminder_ops, story_ops, mail_ops, today_ops, agenda_ops, merge_ops, duplicates_ops,
		file_ops, audit_ops, dial_ops, report_ops, offboard_ops, rule_ops };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (const struct op *op = families[i]; op->name; op++)
			if (bytes_equal_str(name, op->name))
				return op;
	return NULL;
}
