/* set --where: many records at once */
#include "client/commands.h"

enum status run_set_where(struct app *app, struct error *e)
{
	return error_set(e, STATUS_USAGE, "option '--where' is not available yet");
}
