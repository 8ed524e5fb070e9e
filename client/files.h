/* Whole small files, and reading secrets. */
#ifndef CLIENT_FILES_H
#define CLIENT_FILES_H

#include "common/buf.h"
#include "common/error.h"

/* Appends a file of at most max bytes; "-" is stdin. NOT_FOUND when there is none, USAGE otherwise. */
enum status file_read(const char *path, size_t max, struct buf *out, struct error *e);
/* Replaces a file whole (mode 0600) or leaves the old one. */
enum status file_replace(const char *path, struct bytes content, struct error *e);
/* Makes a folder and those above it, mode 0700. */
enum status folder_make(const char *path, struct error *e);

/* Writes all; EPIPE is STATUS_INTERRUPTED with reason "closed". */
enum status write_all(int fd, struct bytes content, struct error *e);

#endif
