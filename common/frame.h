/*
 * A frame: four bytes length, big-endian, then one message Frame of guanxi.proto.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include "common/arena.h"
#include "common/error.h"
#include "guanxi.pb-c.h"

#define FRAME_HEADER 4
#define FRAME_MAX_BEFORE_LOGIN 4096u
#define FRAME_MAX (256u * 1024)
#define PROTOCOL_VERSION 1
#define DEFAULT_PORT 7650

enum frame_state { FRAME_MORE, FRAME_READY, FRAME_BAD };

/* Looks at the front of in. READY: *body is the body, *used what to drop. BAD: longer than max or empty. */
enum frame_state frame_find(struct bytes in, uint32_t max, struct bytes *body, size_t *used);

/*
 * Checks the bytes against the message descriptor before anything is allocated (fields known, wire types
 * right, singular fields once, required ones there, at most 65,536 fields), then unpacks into the arena, whose
 * ceiling is the real limit. Text fields are checked to be UTF-8 by who uses them. NULL with an error that says
 * what is wrong, also when the frame does not hold exactly one message.
 */
Guanxi__Frame *frame_unpack(struct bytes body, struct arena *arena, struct error *e);

/* Appends header and message. */
void frame_pack(const Guanxi__Frame *frame, struct buf *out);

static inline struct bytes pb_bytes(ProtobufCBinaryData d)
{
	return (struct bytes){ d.data, d.len };
}
static inline ProtobufCBinaryData pb_from(struct bytes b)
{
	return (ProtobufCBinaryData){ b.len, (uint8_t *)b.data };
}

#endif
