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
	&cmd_search,
	&cmd_undo,
};

const size_t ncommands = sizeof commands / sizeof commands[0];
