/* Taking an operation back: at once when it is small, else as a job. */
#ifndef SERVER_OP_UNDO_H
#define SERVER_OP_UNDO_H

#include "server/op/journal.h"

#define UNDO_AT_ONCE 500 /* changes that one request takes back */

#endif
