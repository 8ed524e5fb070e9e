#include "server/remind/turn.h"
#include "server/model/draft.h"

static const struct zone *zone_of(
	struct txn *t, const struct entity *entity, const struct stored *record)
{
	return user_zone(t, model_number(entity, record->fields, entity->owner_field));
}

/* The row of the field, when its day is still to come. */
static size_t turn_row(struct txn *t, int64_t now_ms, const struct entity *entity,
	const struct field *f, const struct stored *record, struct due_row *out)
{
	civil_date date = (civil_date)record_number(record->fields, f->tag);

	if (!date || record->deleted)
		return 0;
	*out = (struct due_row){ .entity = entity->number,
		.id = record->id,
		.tag = (uint16_t)(PLAN_TURN + f->tag),
		.occurrence = date };
	out->instant = zone_instant(
		zone_of(t, entity, record), date_add_days(date, f->turn == TURN_AFTER), 0);
	return out->instant > now_ms;
}

static bool moved(const struct entity *entity, const struct field *f, const struct stored *before,
	const struct stored *after)
{
	return !before || before->deleted != after->deleted ||
	       !bytes_equal(
		       record_run(before->fields, f->tag), record_run(after->fields, f->tag)) ||
	       model_number(entity, before->fields, entity->owner_field) !=
		       model_number(entity, after->fields, entity->owner_field);
}

static enum status plan(struct txn *t, int64_t now_ms, const struct entity *entity,
	const struct field *f, const struct stored *record, struct error *e)
{
	struct due_row row;
	size_t n = turn_row(t, now_ms, entity, f, record, &row);

	return plan_replace(
		t, entity->number, record->id, (uint16_t)(PLAN_TURN + f->tag), &row, n, e);
}

enum status turn_again(struct txn *t, int64_t now_ms, const struct entity *entity, uint16_t tag,
	const struct stored *record, struct error *e)
{
	const struct field *f = entity_field_by_tag(entity, tag - PLAN_TURN);

	return f && f->turn ? plan(t, now_ms, entity, f, record, e) : STATUS_OK;
}

enum status turn_follow(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e)
{
	enum status s = STATUS_OK;

	for (size_t i = 0; !s && i < entity->nfields; i++) {
		const struct field *f = &entity->fields[i];
		if (f->turn != TURN_NONE && moved(entity, f, before, after))
			s = plan(t, author->now_ms, entity, f, after, e);
	}
	return s;
}

enum status turn_fire(struct call *c, struct lookup *l, const struct due_row *row, struct error *e)
{
	const struct entity *entity = schema_entity_by_number(c->schema, row->entity);
	const struct hooks *hooks = entity ? hooks_of(entity) : NULL;
	struct buf room = BUF_INIT;
	struct stored record;
	enum status s = plan_advance(c->txn, row, NULL, e);

	if (!s && hooks && hooks->turned && read_live(c->txn, entity, row->id, &room, &record))
		s = hooks->turned(c->txn, l, &c->author, &record,
			zone_date(zone_of(c->txn, entity, &record), c->now_ms), e);
	buf_free(&room);
	return s;
}
