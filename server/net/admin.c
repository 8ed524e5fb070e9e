/* The way to the admin socket, for the server and for those who call it. */
#include "server/net/net.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool net_admin_address(int folder, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", folder,
		       ADMIN_SOCKET) < (int)sizeof(out->sun_path);
}

int net_admin_connect(const char *dir)
{
	struct sockaddr_un address;
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = folder >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

	if (fd >= 0 && (!net_admin_address(folder, &address) ||
			       connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
		close(fd);
		fd = -1;
	}
	if (folder >= 0)
		close(folder);
	return fd;
}
