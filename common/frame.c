#include "common/frame.h"

#define MAX_FIELDS 65536u
#define MAX_DEPTH 12
#define MAX_FIELDS_OF_A_MESSAGE 64

enum frame_state frame_find(struct bytes in, uint32_t max, struct bytes *body, size_t *used)
{
	uint32_t len;

	if (!take_u32(&in, &len))
		return FRAME_MORE;
	if (len == 0 || len > max)
		return FRAME_BAD;
	if (!take_bytes(&in, len, body))
		return FRAME_MORE;
	*used = FRAME_HEADER + (size_t)len;
	return FRAME_READY;
}

/* One message that is being looked at; the schema is not recursive, so a few levels are enough. */
struct level {
	const ProtobufCMessageDescriptor *message;
	struct bytes rest;
	uint64_t seen; /* bit i: field i of the descriptor */
};

struct scan {
	struct level levels[MAX_DEPTH];
	size_t depth;
	size_t fields;
	struct error *e;
};

static bool refuse(struct scan *s, const char *fault)
{
	error_set(s->e, STATUS_USAGE, "%s in message \"%s\"", fault,
		s->levels[s->depth - 1].message->short_name);
	return false;
}

static bool refuse_field(struct scan *s, const ProtobufCFieldDescriptor *f, const char *fault)
{
	error_set(s->e, STATUS_USAGE, "%s: field \"%s\" of message \"%s\"", fault, f->name,
		s->levels[s->depth - 1].message->short_name);
	return false;
}

static bool enter(struct scan *s, const ProtobufCMessageDescriptor *message, struct bytes content)
{
	if (s->depth == MAX_DEPTH || message->n_fields > MAX_FIELDS_OF_A_MESSAGE)
		return refuse(s, "messages nested too deeply");
	s->levels[s->depth++] = (struct level){ message, content, 0 };
	return true;
}

static bool leave(struct scan *s)
{
	const struct level *top = &s->levels[s->depth - 1];

	for (unsigned i = 0; i < top->message->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &top->message->fields[i];

		if (f->label == PROTOBUF_C_LABEL_REQUIRED && !(top->seen >> i & 1))
			return refuse_field(s, f, "missing");
	}
	s->depth--;
	return true;
}

static uint8_t wire_type_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	default:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	}
}

static bool skip_value(struct bytes *rest, uint8_t wire, struct bytes *content)
{
	uint64_t n;

	if (wire == PROTOBUF_C_WIRE_TYPE_VARINT)
		return take_varint(rest, &n);
	if (wire == PROTOBUF_C_WIRE_TYPE_64BIT)
		return take_bytes(rest, 8, content);
	if (wire == PROTOBUF_C_WIRE_TYPE_32BIT)
		return take_bytes(rest, 4, content);
	return take_varint(rest, &n) && n <= rest->len && take_bytes(rest, (size_t)n, content);
}

static bool scan_field(struct scan *s)
{
	struct level *top = &s->levels[s->depth - 1];
	const ProtobufCFieldDescriptor *f;
	struct bytes content;
	uint64_t key;
	size_t i;

	if (++s->fields > MAX_FIELDS)
		return refuse(s, "too many fields");
	if (!take_varint(&top->rest, &key) || key > UINT32_MAX)
		return refuse(s, "cut short");
	f = protobuf_c_message_descriptor_get_field(top->message, (unsigned)(key >> 3));
	if (!f)
		return refuse(s, "unknown field");
	if ((key & 7) != wire_type_of(f))
		return refuse_field(s, f, "wrong wire type");
	i = (size_t)(f - top->message->fields);
	if (f->label != PROTOBUF_C_LABEL_REPEATED && top->seen >> i & 1)
		return refuse_field(s, f, "given twice");
	top->seen |= UINT64_C(1) << i;
	if (!skip_value(&top->rest, key & 7, &content))
		return refuse_field(s, f, "cut short");
	return f->type != PROTOBUF_C_TYPE_MESSAGE || enter(s, f->descriptor, content);
}

static bool scan_frame(struct bytes body, struct error *e)
{
	struct scan s = { .e = e, .depth = 1 };

	s.levels[0] = (struct level){ &guanxi__frame__descriptor, body, 0 };
	while (s.depth) {
		bool good = s.levels[s.depth - 1].rest.len ? scan_field(&s) : leave(&s);

		if (!good)
			return false;
	}
	return true;
}

static bool holds_one(const Guanxi__Frame *f)
{
	return !!f->hello + !!f->request + !!f->reply + !!f->event == 1;
}

Guanxi__Frame *frame_unpack(struct bytes body, struct arena *arena, struct error *e)
{
	Guanxi__Frame *frame;

	if (!scan_frame(body, e))
		return NULL;
	frame = guanxi__frame__unpack(arena_allocator(arena), body.len, body.data);
	if (!frame) {
		error_set(e, STATUS_USAGE, "frame needs more memory than a call may take");
		return NULL;
	}
	if (!holds_one(frame)) {
		error_set(e, STATUS_USAGE, "frame does not hold exactly one message");
		return NULL;
	}
	return frame;
}

void frame_pack(const Guanxi__Frame *frame, struct buf *out)
{
	size_t len = guanxi__frame__get_packed_size(frame);

	buf_add_u32(out, (uint32_t)len);
	buf_reserve(out, len);
	out->len += guanxi__frame__pack(frame, out->data + out->len);
}
