#include "client/files.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum status file_read(const char *path, size_t max, struct buf *out, struct error *e)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	size_t start = out->len;
	ssize_t n = 0;

	if (fd < 0)
		return error_set(e, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_USAGE,
			"cannot open '%s': %s", path, strerror(errno));
	do {
		buf_reserve(out, 8192);
		n = read(fd, out->data + out->len, 8192);
		if (n > 0)
			out->len += (size_t)n;
	} while ((n > 0 || (n < 0 && errno == EINTR)) && out->len - start <= max);
	int failure = n < 0 ? errno : 0;
	if (fd != STDIN_FILENO)
		close(fd);
	if (failure)
		return error_set(e, STATUS_USAGE, "cannot read '%s': %s", path, strerror(failure));
	if (out->len - start > max)
		return error_set(e, STATUS_USAGE, "'%s' is longer than %zu bytes", path, max);
	return STATUS_OK;
}

enum status write_all(int fd, struct bytes content, struct error *e)
{
	while (content.len) {
		ssize_t n = write(fd, content.data, content.len);

		if (n >= 0) {
			content.data += n;
			content.len -= (size_t)n;
		} else if (errno == EPIPE) {
			return error_reason(
				e, STATUS_INTERRUPTED, "closed", "the reader went away");
		} else if (errno != EINTR) {
			return error_set(e, STATUS_INTERNAL, "cannot write: %s", strerror(errno));
		}
	}
	return STATUS_OK;
}

enum status file_replace(const char *path, struct bytes content, struct error *e)
{
	struct buf name = BUF_INIT;
	enum status st = STATUS_OK;

	buf_printf(&name, "%s.%ld", path, (long)getpid());
	int fd = open(buf_str(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	if (!st)
		st = write_all(fd, content, e);
	if (fd >= 0 && close(fd) && !st)
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	if (!st && rename(buf_str(&name), path))
		st = error_set(e, STATUS_USAGE, "cannot write '%s': %s", path, strerror(errno));
	if (st && fd >= 0)
		unlink(buf_str(&name));
	buf_free(&name);
	return st;
}

enum status folder_make(const char *path, struct error *e)
{
	char *copy = bytes_dup(bytes_str(path));
	enum status st = STATUS_OK;

	for (char *p = copy + 1; !st; p++) {
		char was = *p;

		if (was && was != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			st = error_set(e, STATUS_USAGE, "cannot make folder '%s': %s", copy,
				strerror(errno));
		*p = was;
		if (!was)
			break;
	}
	free(copy);
	return st;
}
