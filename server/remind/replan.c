/*
 * Planning anew what a setting or a time zone has moved: a mark in meta with the plan's key that was reached, worked off in
 * batches by the timer, so that it survives a restart and never fills a transaction.
 */
#include "server/remind/replan.h"
#include "server/remind/cadence.h"
#include "server/remind/turn.h"

#define REPLAN_BATCH 200
#define PLAN_KEY 12 /* entity u16, id u64, tag u16 */

static const char mark_key[] = "replan";

static bool differs(const struct entity *entity, const char *field, const struct stored *before,
	const struct stored *after)
{
	uint16_t tag = entity_field_named(entity, field)->tag;

	return !bytes_equal(record_run(before->fields, tag), record_run(after->fields, tag));
}

static bool days_of_a_field(const struct schema *schema, struct bytes setting)
{
	for (size_t i = 0; i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; k < en->nfields; k++)
			if (en->fields[k].remind_setting &&
				bytes_equal_str(setting, en->fields[k].remind_setting))
				return true;
	}
	return false;
}

/* Settings of the calendar are named after what they move; others hold the days ahead of a field. */
static bool setting_moves(
	const struct schema *schema, const struct entity *entity, const struct stored *setting)
{
	struct bytes name = record_text(setting->fields, entity_field_named(entity, "name")->tag);

	return bytes_starts(name, bytes_str("birthday.")) ||
	       bytes_starts(name, bytes_str("lunar.")) ||
	       bytes_equal_str(name, "reminder.workday") ||
	       bytes_equal_str(name, "reminder.days_before") ||
	       bytes_equal_str(name, "reminder.time") || days_of_a_field(schema, name);
}

bool replan_needed(const struct schema *schema, const struct entity *entity,
	const struct stored *before, const struct stored *after)
{
	if (entity->number == ENTITY_CALENDAR_DAY)
		return true;
	if (!before)
		return false;
	switch (entity->number) {
	case ENTITY_SETTING:
		return setting_moves(schema, entity, after) &&
		       differs(entity, "value", before, after);
	case ENTITY_BRANCH:
		return differs(entity, "time_zone", before, after);
	case ENTITY_USER:
		return differs(entity, "time_zone", before, after) ||
		       differs(entity, "branch", before, after);
	default:
		return false;
	}
}

static enum status mark(struct txn *t, struct bytes reached, struct error *e)
{
	return txn_put(t, SPACE_META, bytes_str(mark_key), reached, e);
}

enum status replan_ask(struct txn *t, struct error *e)
{
	return mark(t, bytes_of("", 0), e);
}

bool replan_asked(struct txn *t)
{
	struct buf reached = BUF_INIT;
	bool asked = txn_get(t, SPACE_META, bytes_str(mark_key), &reached, NULL) == STATUS_OK;

	buf_free(&reached);
	return asked;
}

/* The keys of the plan after the one reached; they are copied, because planning writes among them. */
static size_t keys_read(struct txn *t, struct bytes reached, uint8_t keys[][PLAN_KEY])
{
	struct walk *w = NULL;
	struct bytes key;
	size_t n = 0;

	if (walk_open(t, SPACE_PLAN, bytes_of("", 0), &w, NULL))
		return 0;
	if (reached.len)
		walk_seek(w, reached);
	while (n < REPLAN_BATCH && walk_next(w, &key))
		if (key.len == PLAN_KEY && !bytes_equal(key, reached))
			memcpy(keys[n++], key.data, PLAN_KEY);
	walk_close(&w);
	return n;
}

static enum status replan_key(
	struct call *c, struct lookup *l, const uint8_t key[PLAN_KEY], struct error *e)
{
	const struct schema *schema = txn_schema(c->txn);
	const struct entity *entity = schema_entity_by_number(schema, get_be16(key));
	uint16_t tag = get_be16(key + 10);
	const struct field *field = entity ? entity_field_by_tag(entity, tag) : NULL;
	bool turns = entity && turn_is_tag(tag);
	struct buf room = BUF_INIT;
	struct stored record;
	enum status s = STATUS_OK;

	if (cadence_is_tag(tag))
		return cadence_again(c, tag, get_be64(key + 2), e);
	if ((turns || (field && field->remind != REMIND_NONE)) &&
		!store_get(c->txn, &scope_all, entity, get_be64(key + 2), &room, &record, NULL))
		s = turns ? turn_again(c->txn, c->now_ms, entity, tag, &record, e)
			  : plan_again(c->txn, l, &c->author, entity, field, &record, e);
	buf_free(&room);
	return s;
}

enum status replan_some(struct call *c, struct lookup *l, struct error *e)
{
	uint8_t(*keys)[PLAN_KEY] = arena_alloc(c->arena, REPLAN_BATCH * sizeof *keys);
	struct buf reached = BUF_INIT;
	size_t n;
	enum status s = STATUS_OK;

	txn_get(c->txn, SPACE_META, bytes_str(mark_key), &reached, NULL);
	n = keys_read(c->txn, buf_bytes(&reached), keys);
	for (size_t i = 0; i < n && !s; i++)
		s = replan_key(c, l, keys[i], e);
	if (!s)
		s = n == REPLAN_BATCH ? mark(c->txn, bytes_of(keys[n - 1], PLAN_KEY), e)
				      : txn_del(c->txn, SPACE_META, bytes_str(mark_key), e);
	buf_free(&reached);
	return s;
}
