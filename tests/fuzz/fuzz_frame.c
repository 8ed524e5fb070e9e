/* Bytes before and after login: framing and unpacking take anything, within the ceiling of the arena. */
#include "common/frame.h"

#define CEILING (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was unpacked packs to something that unpacks to the same. */
static void check(const Guanxi__Frame *frame)
{
	struct arena *arena = arena_new(CEILING);
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct bytes body;
	size_t used;

	frame_pack(frame, &once);
	if (frame_find(buf_bytes(&once), UINT32_MAX, &body, &used) != FRAME_READY)
		abort();
	frame = frame_unpack(body, arena, NULL);
	if (!frame)
		abort();
	frame_pack(frame, &twice);
	if (!bytes_equal(buf_bytes(&once), buf_bytes(&twice)))
		abort();
	buf_free(&once);
	buf_free(&twice);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(CEILING);
	struct bytes in = bytes_of(data, size), body;
	size_t used;

	while (frame_find(in, FRAME_MAX, &body, &used) == FRAME_READY) {
		struct error e;
		Guanxi__Frame *frame;

		error_init(&e);
		frame = frame_unpack(body, arena, &e);
		if (frame)
			check(frame);
		else if (e.status == STATUS_OK || e.message[0] == '\0')
			abort();
		error_clear(&e);
		arena_reset(arena);
		in = bytes_of(in.data + used, in.len - used);
	}
	arena_free(&arena);
	return 0;
}
