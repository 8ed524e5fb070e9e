/* add --json: one object, or one a line */
#include "client/commands.h"

enum status run_add_json(struct app *app, struct error *e)
{
	return error_set(e, STATUS_USAGE, "option '--json' is not available yet");
}
