#include "server/remind/cadence_tell.h"
#include "server/model/computed.h"
#include "server/remind/fire.h"
#include "server/remind/whom.h"

bool remind_chinese(struct txn *t, uint64_t user)
{
	const struct entity *en = model_entity(t, ENTITY_USER);
	struct buf room = BUF_INIT;
	struct stored r;
	bool english = read_live(t, en, user, &room, &r) &&
		       bytes_equal_str(model_text(en, r.fields, "language"), "en");

	buf_free(&room);
	return !english;
}

/* Reminders of a record */

struct states {
	const struct entity *reminders;
	uint64_t fired, snoozed;
};

static struct states states_of(struct txn *t)
{
	return (struct states){ model_entity(t, ENTITY_REMINDER),
		entry_id(t, "reminder_state.fired"), entry_id(t, "reminder_state.snoozed") };
}

static bool is_open(const struct states *s, const struct stored *reminder)
{
	uint64_t state = model_number(s->reminders, reminder->fields, "state");

	return state == s->fired || state == s->snoozed;
}

struct finding {
	struct states states;
	const struct telling *telling;
	struct buf fields; /* of the one that was found */
	uint64_t id;
};

static enum status find_open(void *arg, const struct stored *reminder, struct error *e)
{
	struct finding *f = arg;
	const struct entity *en = f->states.reminders;

	if (is_open(&f->states, reminder) &&
		model_number(en, reminder->fields, "user") == f->telling->user &&
		bytes_equal_str(
			model_text(en, reminder->fields, "source_rule"), f->telling->source)) {
		f->id = reminder->id;
		buf_clear(&f->fields);
		buf_add_bytes(&f->fields, reminder->fields);
	}
	return STATUS_OK;
}

static uint64_t customer_of(const struct entity *entity, const struct stored *record)
{
	return entity->number == ENTITY_CUSTOMER ? record->id
						 : model_number(entity, record->fields, "customer");
}

static enum status put_reminder(const struct telling *w, const struct entity *reminders,
	struct bytes base, uint64_t *id, struct error *e)
{
	struct call *c = w->call;
	const struct zone *zone = user_zone(c->txn, w->user);
	uint64_t customer = customer_of(w->entity, w->record);
	struct buf start = BUF_INIT, fields = BUF_INIT;
	char kind[48];

	snprintf(kind, sizeof kind, "reminder_kind.%s", w->kind);
	date_format(zone_date(zone, w->row->instant), &start);
	struct reminder_patch patch[] = {
		{ "title", 0, w->title, true },
		{ "reminder_kind", entry_id(c->txn, kind), { 0 }, false },
		{ "record", any_ref(w->entity->number, w->record->id), { 0 }, false },
		{ "user", w->user, { 0 }, false },
		{ "start_on", 0, buf_bytes(&start), true },
		{ "time_of_day", (uint64_t)zone_minute(zone, w->row->instant), { 0 }, false },
		{ "occurrence", (uint64_t)w->occurrence, { 0 }, false },
		{ "state", entry_id(c->txn, "reminder_state.fired"), { 0 }, false },
		{ "repeat", entry_id(c->txn, "reminder_repeat.none"), { 0 }, false },
		{ "late", c->now_ms - w->row->instant > LATE_MS, { 0 }, false },
		{ "last_fired_at", zigzag(c->now_ms), { 0 }, false },
		{ "source_rule", 0, bytes_str(w->source), true },
		{ "customer", customer, { 0 }, false },
	};
	reminder_merge(reminders, base, patch, sizeof patch / sizeof *patch - !customer, &fields);
	enum status s = store_put(c->txn, &c->author, reminders, id, *id ? "set" : "add",
		buf_bytes(&fields), NULL, e);
	buf_free(&start);
	buf_free(&fields);
	return s;
}

enum status telling_tell(const struct telling *w, struct error *e)
{
	struct txn *t = w->call->txn;
	struct finding f = { .states = states_of(t), .telling = w };
	uint64_t about = any_ref(w->entity->number, w->record->id);
	enum status s = each_of(t, f.states.reminders, "record", about, find_open, &f, e);

	if (!s)
		s = put_reminder(w, f.states.reminders, buf_bytes(&f.fields), &f.id, e);
	if (!s)
		s = fire_deliver(w->call,
			&(struct fire_delivery){ .user = w->user,
				.reminder = f.id,
				.row = w->row,
				.occurrence = w->occurrence,
				.late = w->call->now_ms - w->row->instant > LATE_MS,
				.entity = w->entity->number,
				.id = w->record->id },
			e);
	buf_free(&f.fields);
	return s;
}

/* Clearing */

struct clearing {
	struct txn *t;
	const struct author *author;
	struct states states;
	const struct duty *d; /* NULL: nothing is owed */
	const struct stored *record;
	char owed[64], escalated[64];
};

static enum status clear_one(void *arg, const struct stored *reminder, struct error *e)
{
	struct clearing *c = arg;
	const struct entity *en = c->states.reminders;
	struct bytes source = model_text(en, reminder->fields, "source_rule");
	bool escalated = bytes_equal_str(source, c->escalated);
	uint64_t user;

	if ((!escalated && !bytes_equal_str(source, c->owed)) || !is_open(&c->states, reminder))
		return STATUS_OK;
	if (!c->d || !duty_open(c->d, (civil_date)model_number(en, reminder->fields, "occurrence")))
		return put_number(c->t, c->author, en, reminder, "state",
			entry_id(c->t, "reminder_state.finished"), false, e);
	user = escalated ? whom_above(c->t, c->d->user) : duty_user(c->t, c->d, c->record);
	if (!user || user == model_number(en, reminder->fields, "user"))
		return STATUS_OK;
	return put_number(c->t, c->author, en, reminder, "user", user, false, e);
}

enum status cadence_clear(struct txn *t, const struct author *author,
	const struct cadence_rule *rule, const struct duty *d, const struct stored *record,
	struct error *e)
{
	struct clearing c = { .t = t, .author = author, .d = d, .record = record };
	uint64_t about = any_ref(rule->entity->number, record->id);

	if (!any_of(t, model_entity(t, ENTITY_REMINDER), "record", about))
		return STATUS_OK;
	c.states = states_of(t);
	snprintf(c.owed, sizeof c.owed, "cadence:%s", rule->code);
	snprintf(c.escalated, sizeof c.escalated, "escalation:%s", rule->code);
	return each_of(t, c.states.reminders, "record", about, clear_one, &c, e);
}
