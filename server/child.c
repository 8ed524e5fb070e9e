#include "server/child.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A handler that the build put in, such as a sanitizer's, would turn the signal into an exit code. */
static void die_by_signal(void)
{
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
}

int child_run(int (*work)(const void *arg), const void *arg)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		die_by_signal();
		int code = work(arg);
		fflush(NULL);
		_exit(code);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_KILLED;
}
