/* A value of type file: what stands in the record; the bytes are kept apart. */
#ifndef COMMON_TYPE_FILE_H
#define COMMON_TYPE_FILE_H

#include "common/record.h"

#define FILE_HASH 32

/* In wire form a message of its own: 1 id, 2 size, 3 sha256, 4 name. */
struct file_value {
	uint64_t id;         /* 0: an upload that was not taken over yet */
	uint64_t size;       /* bytes */
	struct bytes sha256; /* 32 bytes */
	struct bytes name;   /* without a folder; may be empty */
};
bool file_value_read(struct bytes value, struct file_value *out);
void file_value_write(const struct file_value *v, struct buf *out);
/* How a set value names an upload that is complete: "upload:" and its SHA-256 in hex, so that a repeated request is the same. */
#define FILE_UPLOAD "upload:"

#endif
