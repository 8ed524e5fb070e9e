/* Merging two records of one entity. */
#include "server/op/op.h"
#include "server/op/target.h"

#define TAKE_MAX 256

/* Fields named by the arguments "take": values of the record that goes. */
static enum status take_args(struct target *t, uint32_t *tags, size_t *n, struct error *e)
{
	const Guanxi__Request *r = t->call->request;
	enum status worst = STATUS_OK;

	for (size_t i = 0; i < r->n_arg; i++) {
		const struct field *f;
		if (!bytes_equal(pb_bytes(r->arg[i]->name), bytes_str("take")))
			continue;
		f = target_field(t, pb_bytes(r->arg[i]->value), e);
		if (f && f->flags & (F_COMPUTED | F_VIRTUAL | F_READONLY)) {
			error_field(e, f->name, "is set by the server");
			f = NULL;
		}
		if (!f || *n == TAKE_MAX)
			worst = STATUS_INVALID;
		else
			tags[(*n)++] = f->tag;
	}
	return worst;
}

static enum status read_pair(
	struct target *t, struct buf rooms[2], struct stored pair[2], struct error *e)
{
	enum status s = STATUS_OK;
	uint64_t id;

	if (t->call->request->n_record != 2)
		return error_set(e, STATUS_USAGE, "two records: the one that stays and the other");
	for (size_t i = 0; !s && i < 2; i++) {
		s = target_id(t, i, &id, e);
		if (!s)
			s = target_read(t, id, &rooms[i], &pair[i], e);
	}
	return s;
}

static enum status record_merge_two(struct call *c, struct error *e)
{
	struct target t;
	struct buf rooms[2] = { BUF_INIT, BUF_INIT };
	struct stored pair[2];
	uint32_t take[TAKE_MAX];
	uint64_t count = 0;
	size_t ntake = 0;
	enum status s = target_open_write(c, &t, e);

	t.scope.trash_too = false;
	if (!s)
		s = read_pair(&t, rooms, pair, e);
	if (!s)
		s = take_args(&t, take, &ntake, e);
	if (!s)
		s = target_operation(&t, e);
	if (!s) {
		struct model_merge m = { .write = target_write(&t, &pair[0], pair[0].id),
			.other = &pair[1],
			.take = take,
			.ntake = ntake };
		s = model_merge(&m, &count, e);
	}
	if (!s)
		s = target_reply(&t, pair[0].id, e);
	c->reply->has_count = true;
	c->reply->count = count;
	buf_free(&rooms[0]);
	buf_free(&rooms[1]);
	return s;
}

const struct op merge_ops[] = {
	{ .name = "record.merge", .kind = OP_WRITE, .run = record_merge_two, .right = "%s.merge" },
	{ 0 },
};
