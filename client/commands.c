#include "client/commands.h"

const struct command *const commands[] = {
	&cmd_join,
	&cmd_login,
	&cmd_logout,
	&cmd_whoami,
	&cmd_passwd,
	&cmd_add,
	&cmd_show,
	&cmd_list,
	&cmd_count,
	&cmd_set,
	&cmd_delete,
	&cmd_restore,
	&cmd_history,
	&cmd_reminder_list,
	&cmd_reminder_ack,
	&cmd_reminder_snooze,
	&cmd_user_invite,
	&cmd_short_add,
	&cmd_search,
	&cmd_today,
	&cmd_watch,
	&cmd_batch,
	&cmd_undo,
	&cmd_schema,
	&cmd_health,
	&cmd_help,
};

const size_t ncommands = sizeof commands / sizeof commands[0];
