#include "server/console.h"
#include "common/frame.h"
#include "server/net/net.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_SECONDS 600 /* a copy of a large store takes its time */

static enum status gone(struct error *e)
{
	return error_set(e, STATUS_UNREACHABLE, "the server does not answer on its admin socket");
}

static bool send_all(int fd, struct bytes b)
{
	while (b.len) {
		ssize_t n = send(fd, b.data, b.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_of(b.data + n, b.len - (size_t)n);
	}
	return true;
}

/* The next frame; what was read beyond it stays in buf. */
static Guanxi__Frame *frame_read(int fd, struct buf *in, struct arena *arena, struct error *e)
{
	struct bytes body;
	size_t used;
	uint8_t piece[4096];
	ssize_t n;
	enum frame_state state;

	while ((state = frame_find(buf_bytes(in), FRAME_MAX, &body, &used)) == FRAME_MORE) {
		n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return gone(e), NULL;
		buf_add(in, piece, (size_t)n);
	}
	if (state == FRAME_BAD)
		return gone(e), NULL;
	Guanxi__Frame *frame = frame_unpack(body, arena, e);
	buf_drop(in, used);
	return frame;
}

static void hello_pack(struct buf *out)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Hello hello = GUANXI__HELLO__INIT;

	hello.version = PROTOCOL_VERSION;
	hello.has_software = true;
	hello.software = pb_from(bytes_str("guanxid/" VERSION));
	frame.hello = &hello;
	frame_pack(&frame, out);
}

static void request_pack(const char *op, const struct console_arg *args, size_t n,
	struct arena *arena, struct buf *out)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	Guanxi__Request request = GUANXI__REQUEST__INIT;
	Guanxi__Pair *pairs = arena_calloc(arena, n + 1, sizeof(*pairs));
	Guanxi__Pair **list = arena_calloc(arena, n + 1, sizeof(*list));

	for (size_t i = 0; pairs && list && i < n; i++) {
		guanxi__pair__init(&pairs[i]);
		pairs[i].name = pb_from(bytes_str(args[i].name));
		pairs[i].has_value = true;
		pairs[i].value = pb_from(bytes_str(args[i].value));
		list[i] = &pairs[i];
	}
	request.id = 1;
	request.op = pb_from(bytes_str(op));
	request.arg = list;
	request.n_arg = n;
	frame.request = &request;
	frame_pack(&frame, out);
}

static enum status reply_status(const Guanxi__Reply *reply, struct arena *arena, struct error *e)
{
	const Guanxi__Status *st = reply->status;
	char *message = arena_str(arena, pb_bytes(st->message));
	char *reason = arena_str(arena, pb_bytes(st->reason));

	for (size_t i = 0; i < st->n_field; i++)
		error_field(e, arena_str(arena, pb_bytes(st->field[i]->field)), "%s",
			arena_str(arena, pb_bytes(st->field[i]->message)));
	if (st->code)
		error_reason(e, (enum status)st->code, reason ? reason : "", "%s",
			message ? message : "refused");
	return (enum status)st->code;
}

static enum status exchange(
	int fd, struct buf *out, struct arena *arena, const Guanxi__Reply **reply, struct error *e)
{
	struct buf in = BUF_INIT;
	Guanxi__Frame *frame = NULL;
	enum status s = STATUS_OK;

	*reply = NULL;
	if (!send_all(fd, buf_bytes(out)))
		s = gone(e);
	while (!s && !*reply) {
		frame = frame_read(fd, &in, arena, e);
		if (!frame)
			s = STATUS_UNREACHABLE;
		else if (frame->reply)
			*reply = frame->reply;
	}
	buf_free(&in);
	return s ? s : reply_status(*reply, arena, e);
}

enum status console_call(const char *dir, const char *op, const struct console_arg *args, size_t n,
	struct arena *arena, const Guanxi__Reply **reply, struct error *e)
{
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	struct buf out = BUF_INIT;
	int fd = net_admin_connect(dir);
	enum status s;

	if (fd < 0)
		return gone(e);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	hello_pack(&out);
	request_pack(op, args, n, arena, &out);
	s = exchange(fd, &out, arena, reply, e);
	buf_free(&out);
	close(fd);
	return s;
}

const char *console_value(const Guanxi__Reply *reply, const char *name, struct arena *arena)
{
	char *text = NULL;

	for (size_t i = 0; i < reply->n_value; i++)
		if (bytes_equal_str(pb_bytes(reply->value[i]->name), name))
			text = arena_str(arena, pb_bytes(reply->value[i]->value));
	return text ? text : "";
}
