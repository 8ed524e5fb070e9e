/* Programs that the user named. */
#ifndef CLIENT_PROGRAM_H
#define CLIENT_PROGRAM_H

#include "common/buf.h"

/* Runs a command line by the shell with input on its standard input, and waits. false: it could not be started, or failed. */
bool program_run(const char *command, struct bytes input);

#endif
