#include "server/op/purge.h"
#include "server/model/lookup.h"
#include "server/model/model.h"
#include "server/server.h"
#include <glib.h>

#define LAYOUT 1
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LEAST_DAYS 30L     /* whatever the settings say */
#define SLICE_RECORDS 100u /* that a slice looks at */
#define SLICE_PUTS 4000u

static const char row_key[] = "purge";

enum status purge_read(struct txn *t, struct purge_state *out, struct error *e)
{
	struct buf row = BUF_INIT;
	enum status s = txn_get(t, SPACE_META, bytes_str(row_key), &row, e);
	struct bytes in = buf_bytes(&row);
	uint8_t layout, running, again;
	uint64_t next, deleted;

	*out = (struct purge_state){ 0 };
	if (!s && (!take_u8(&in, &layout) || layout != LAYOUT || !take_u8(&in, &running) ||
			  !take_u8(&in, &again) || !take_u64(&in, &next) ||
			  !take_u16(&in, &out->entity) || !take_u64(&in, &deleted) ||
			  !take_u64(&in, &out->id) || !take_u64(&in, &out->round) ||
			  !take_u64(&in, &out->run) || !take_u64(&in, &out->last)))
		s = error_reason(e, STATUS_INTERNAL, "damaged", "state of the trash is damaged");
	if (!s) {
		out->running = running;
		out->again = again;
		out->next_ms = (int64_t)next;
		out->deleted = (int64_t)deleted;
	}
	buf_free(&row);
	return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status purge_write(struct txn *t, const struct purge_state *state, struct error *e)
{
	struct buf row = BUF_INIT;
	enum status s;

	buf_add_u8(&row, LAYOUT);
	buf_add_u8(&row, state->running);
	buf_add_u8(&row, state->again);
	buf_add_u64(&row, (uint64_t)state->next_ms);
	buf_add_u16(&row, state->entity);
	buf_add_u64(&row, (uint64_t)state->deleted);
	buf_add_u64(&row, state->id);
	buf_add_u64(&row, state->round);
	buf_add_u64(&row, state->run);
	buf_add_u64(&row, state->last);
	s = txn_put(t, SPACE_META, bytes_str(row_key), buf_bytes(&row), e);
	buf_free(&row);
	return s;
}

static bool is_due(const struct purge_state *state, int64_t now_ms)
{
	return state->running || now_ms >= state->next_ms || now_ms < state->next_ms - DAY_MS;
}

bool purge_due(struct txn *t, int64_t now_ms)
{
	struct purge_state state;

	return !purge_read(t, &state, NULL) && is_due(&state, now_ms);
}

/* What an undo may still bring back, or may refer to, stays. */
static int64_t oldest_kept(struct call *c)
{
	long days = lookup_setting_number(call_lookup(c), "trash.days");
	long undo = lookup_setting_number(call_lookup(c), "undo.days");

	days = MAX(days, undo);
	return c->now_ms - MAX(days, LEAST_DAYS) * DAY_MS;
}

static void next_entity(struct purge_state *state)
{
	state->entity++;
	state->deleted = 0;
	state->id = 0;
}

/* All entities were looked at: once more, if what has gone made room for others to go. */
static void round_ended(struct purge_state *state, int64_t now_ms)
{
	bool again = state->again && state->round > 0;

	state->run += state->round;
	state->round = 0;
	state->again = false;
	state->entity = 0;
	state->deleted = 0;
	state->id = 0;
	if (again)
		return;
	state->running = false;
	state->next_ms = now_ms + DAY_MS;
	state->last = state->run;
	state->run = 0;
}

/* The next record of the trash, or the end of its entity. */
static enum status one(struct purge_state *state, const struct model_purge *p, struct error *e)
{
	const struct entity *en = schema_at(txn_schema(p->txn), state->entity);
	size_t purged = 0;
	bool later = false;
	enum status s = STATUS_NOT_FOUND;

	if (model_purgeable(en))
		s = store_trash_next(p->txn, en, &state->deleted, &state->id, e);
	if (s == STATUS_NOT_FOUND || (!s && state->deleted > p->before_ms)) {
		next_entity(state);
		return STATUS_OK;
	}
	if (!s)
		s = model_purge(p, en, state->id, &purged, &later, e);
	state->round += purged;
	state->again |= later;
	return s;
}

static enum status run(struct call *c, struct purge_state *state, struct error *e)
{
	struct purge_known known = { 0 };
	struct model_purge p = { c->txn, &c->author, oldest_kept(c), &known };
	size_t entities = schema_count(txn_schema(c->txn)), before = txn_puts(c->txn);
	enum status s = STATUS_OK;

	for (unsigned i = 0; !s && i < SLICE_RECORDS && state->entity < entities &&
			     txn_puts(c->txn) - before < SLICE_PUTS;
		i++)
		s = one(state, &p, e);
	if (!s && state->entity >= entities)
		round_ended(state, c->now_ms);
	return s;
}

enum status purge_slice(struct call *c, bool put_off, struct error *e)
{
	struct purge_state state;
	enum status s = purge_read(c->txn, &state, e);

	if (s || !is_due(&state, c->now_ms))
		return s;
	c->author.user = c->author.operation = 0;
	state.running = !put_off;
	state.next_ms = c->now_ms + DAY_MS;
	if (!put_off)
		s = run(c, &state, e);
	return s ? s : purge_write(c->txn, &state, e);
}
