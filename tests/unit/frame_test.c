#include "common/frame.h"
#include <glib.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#define CEILING (16u << 20)

static struct bytes pack_request(struct buf *out)
{
	Guanxi__Pair pair = GUANXI__PAIR__INIT, *pairs[] = { &pair, &pair };
	Guanxi__Request request = GUANXI__REQUEST__INIT;
	Guanxi__Frame frame = GUANXI__FRAME__INIT;

	pair.name = pb_from(bytes_str("name"));
	pair.value = pb_from(bytes_str("杭州钢铁"));
	pair.has_value = 1;
	request.id = 300;
	request.op = pb_from(bytes_str("record.add"));
	request.n_set = 2;
	request.set = pairs;
	frame.request = &request;
	frame_pack(&frame, out);
	return buf_bytes(out);
}

static void test_round_trip(void **state)
{
	struct arena *arena = arena_new(CEILING);
	struct buf out = BUF_INIT;
	struct bytes in = pack_request(&out), body;
	Guanxi__Frame *frame;
	struct error e;
	size_t used;

	error_init(&e);
	assert_int_equal(frame_find(in, FRAME_MAX, &body, &used), FRAME_READY);
	assert_int_equal(used, in.len);
	frame = frame_unpack(body, arena, &e);
	assert_non_null(frame);
	assert_int_equal(frame->request->id, 300);
	assert_int_equal(frame->request->n_set, 2);
	assert_true(bytes_equal_str(pb_bytes(frame->request->set[1]->value), "杭州钢铁"));
	assert_null(frame->hello);
	arena_free(&arena);
	buf_free(&out);
}

static void test_find(void **state)
{
	struct buf out = BUF_INIT;
	struct bytes in = pack_request(&out), body;
	size_t used;

	for (size_t len = 0; len < in.len; len++)
		assert_int_equal(
			frame_find(bytes_of(in.data, len), FRAME_MAX, &body, &used), FRAME_MORE);
	assert_int_equal(frame_find(in, (uint32_t)in.len - 5, &body, &used), FRAME_BAD);
	assert_int_equal(frame_find(in, (uint32_t)in.len - 4, &body, &used), FRAME_READY);
	assert_int_equal(frame_find(bytes_of("\0\0\0\0", 4), 100, &body, &used), FRAME_BAD);
	assert_int_equal(
		frame_find(bytes_of("\xff\xff\xff\xff", 4), FRAME_MAX, &body, &used), FRAME_BAD);
	buf_free(&out);
}

static void refused(struct bytes body, const char *expected)
{
	struct arena *arena = arena_new(CEILING);
	struct error e;

	error_init(&e);
	assert_null(frame_unpack(body, arena, &e));
	assert_int_equal(e.status, STATUS_USAGE);
	assert_string_equal(e.message, expected);
	assert_int_equal(e.nfields, 0);
	arena_free(&arena);
}

/* A frame with a request of these fields, besides id 1 and op "x". */
static void request_refused(struct bytes fields, const char *expected)
{
	struct buf body = BUF_INIT;

	buf_add_u8(&body, 2 << 3 | 2);
	buf_add_varint(&body, fields.len + 5);
	buf_add_str(&body, "\x08\x01\x12\x01x");
	buf_add_bytes(&body, fields);
	refused(buf_bytes(&body), expected);
	buf_free(&body);
}

static void test_refused(void **state)
{
	request_refused(bytes_str("\x08\x02"), "given twice: field \"id\" of message \"Request\"");
	request_refused(bytes_str("\x12\x01x"), "given twice: field \"op\" of message \"Request\"");
	request_refused(bytes_str("\xf8\x06\x01"), "unknown field in message \"Request\"");
	request_refused(
		bytes_str("\x18\x01"), "wrong wire type: field \"entity\" of message \"Request\"");
	request_refused(
		bytes_str("\x42\x01x"), "wrong wire type: field \"limit\" of message \"Request\"");
	request_refused(
		bytes_str("\x1b"), "wrong wire type: field \"entity\" of message \"Request\"");
	request_refused(
		bytes_str("\x1a\x05xx"), "cut short: field \"entity\" of message \"Request\"");
	request_refused(bytes_str("\x1a"), "cut short: field \"entity\" of message \"Request\"");
	request_refused(bytes_str("\x40\xff"), "cut short: field \"limit\" of message \"Request\"");
	request_refused(bytes_str("\xff"), "cut short in message \"Request\"");
	request_refused(
		bytes_of("\x2a\x02\x12\x00", 4), "missing: field \"name\" of message \"Pair\"");
}

static void test_required(void **state)
{
	refused(bytes_of("\x12\x02\x08\x01", 4), "missing: field \"op\" of message \"Request\"");
	refused(bytes_of("\x0a\x00", 2), "missing: field \"version\" of message \"Hello\"");
	refused(bytes_of("", 0), "frame does not hold exactly one message");
	refused(bytes_of("\x0a\x02\x08\x01\x22\x00", 6), "frame does not hold exactly one message");
	refused(bytes_of("\x22\x00\x22\x00", 4),
		"given twice: field \"event\" of message \"Frame\"");
}

/* The frames that make protobuf-c take forty times their size. */
static void test_amplification(void **state)
{
	struct buf fields = BUF_INIT;

	while (fields.len < 200000)
		buf_add(&fields, "\xa2\x01\x00", 3); /* an empty row */
	request_refused(buf_bytes(&fields), "too many fields in message \"Request\"");
	buf_free(&fields);
}

/* With few enough fields the ceiling of the arena holds. */
static void test_arena_ceiling(void **state)
{
	struct arena *arena = arena_new(20000);
	struct buf body = BUF_INIT, fields = BUF_INIT;
	struct error e;

	error_init(&e);
	buf_add_str(&fields, "\x08\x01\x12\x01x");
	for (int i = 0; i < 1000; i++)
		buf_add(&fields, "\xa2\x01\x00", 3);
	buf_add_u8(&body, 2 << 3 | 2);
	buf_add_varint(&body, fields.len);
	buf_add_bytes(&body, buf_bytes(&fields));
	assert_null(frame_unpack(buf_bytes(&body), arena, &e));
	assert_string_equal(e.message, "frame needs more memory than a call may take");
	arena_free(&arena);
	buf_free(&body);
	buf_free(&fields);
}

/* Every cut and every changed byte of a good frame is unpacked or refused, nothing else. */
static void test_truncated_and_changed(void **state)
{
	struct buf out = BUF_INIT;
	struct bytes in = pack_request(&out), body;
	size_t used;

	assert_int_equal(frame_find(in, FRAME_MAX, &body, &used), FRAME_READY);
	for (size_t len = 0; len < body.len; len++) {
		struct arena *arena = arena_new(CEILING);

		assert_null(frame_unpack(bytes_of(body.data, len), arena, NULL));
		arena_free(&arena);
	}
	for (size_t i = 0; i < body.len; i++) {
		for (int v = 0; v < 256; v++) {
			struct arena *arena = arena_new(CEILING);
			uint8_t kept = body.data[i];

			((uint8_t *)body.data)[i] = (uint8_t)v;
			frame_unpack(body, arena, NULL);
			((uint8_t *)body.data)[i] = kept;
			arena_free(&arena);
		}
	}
	buf_free(&out);
}

/* protobuf-c unpacks nested messages by recursion: none may contain itself, or be deeper or wider than the walk takes. */
static void walk(const ProtobufCMessageDescriptor *m, size_t depth)
{
	assert_in_range(depth, 1, 12);
	assert_in_range(m->n_fields, 1, 64);
	for (unsigned i = 0; i < m->n_fields; i++) {
		assert_int_equal(m->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF, 0);
		assert_int_not_equal(m->fields[i].type, PROTOBUF_C_TYPE_STRING);
		if (m->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			walk(m->fields[i].descriptor, depth + 1);
	}
}

static void test_nothing_recursive(void **state)
{
	walk(&guanxi__frame__descriptor, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_amplification),
		cmocka_unit_test(test_arena_ceiling),
		cmocka_unit_test(test_truncated_and_changed),
		cmocka_unit_test(test_nothing_recursive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
