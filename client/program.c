#include "client/program.h"
#include "client/files.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

bool program_run(const char *command, struct bytes input)
{
	int fds[2], status = 0;
	pid_t child;

	if (pipe(fds))
		return false;
	child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	if (child > 0)
		write_all(fds[1], input, NULL);
	close(fds[1]);
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}
