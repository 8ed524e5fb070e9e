/* What is special to activities, tasks and reminders: the dates that they give their customer. */
#include "common/birthday.h"
#include "common/rrule.h"
#include "server/model/computed.h"
#include "server/model/draft.h"

/* Activities */

static void activity_check(struct draft *d)
{
	if (!draft_has(d, "customer") && !draft_has(d, "lead"))
		draft_bad(d, "customer", "is missing: it, a lead or an opportunity is needed");
}

struct latest {
	struct txn *txn;
	const struct entity *activity;
	uint64_t contact, visit; /* dates */
	/* What stands: none that is looked at is later. UINT64_MAX: not known. */
	uint64_t most_contact, most_visit;
};

static void latest_take(struct latest *l, struct bytes fields)
{
	uint64_t date = model_number(l->activity, fields, "activity_date");
	uint64_t type = model_number(l->activity, fields, "activity_type");

	if (date > l->contact)
		l->contact = date;
	if (date > l->visit && entry_says(l->txn, type, "counts_as_visit", "yes"))
		l->visit = date;
}

/* PENDING ends the walk: no other can be later. */
static enum status latest_seen(void *arg, const struct stored *record, struct error *e)
{
	struct latest *l = arg;

	latest_take(l, record->fields);
	return l->contact >= l->most_contact && l->visit >= l->most_visit ? STATUS_PENDING
									  : STATUS_OK;
}

static enum status latest_walk(struct latest *l, const char *field, uint64_t id, struct error *e)
{
	enum status s = each_of(l->txn, l->activity, field, id, latest_seen, l, e);

	return s == STATUS_PENDING ? STATUS_OK : s;
}

static struct latest latest_new(struct txn *t)
{
	return (struct latest){ .txn = t,
		.activity = model_entity(t, ENTITY_ACTIVITY),
		.most_contact = UINT64_MAX,
		.most_visit = UINT64_MAX };
}

static void latest_set(const struct latest *l, struct computed *out)
{
	computed_number(out, "last_contact_on", l->contact);
	if (out->entity->number == ENTITY_CUSTOMER)
		computed_number(out, "last_visit_on", l->visit);
}

static enum status latest_compute(
	struct txn *t, const char *field, uint64_t id, struct computed *out, struct error *e)
{
	struct latest l = latest_new(t);
	enum status s = latest_walk(&l, field, id, e);

	latest_set(&l, out);
	return s;
}

enum status work_compute_contact(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	return latest_compute(t, "contact", record->id, out, e);
}

/* What an activity does to the dates of a record above it. */
enum latest_change { LATEST_COMES, LATEST_GOES, LATEST_CHANGES };

/* Most who come or go change nothing: all the others are looked at only when the latest one goes. */
static enum status latest_write(struct txn *t, enum entity_number number, const char *field,
	uint64_t id, struct bytes activity, enum latest_change what, struct error *e)
{
	const struct entity *en = model_entity(t, number);
	struct latest l = latest_new(t);
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	enum status s = STATUS_OK;

	if (!read_live(t, en, id, &room, &r)) {
		buf_free(&room);
		return STATUS_OK;
	}
	computed_init(&c, t, number, id);
	uint64_t contact = model_number(en, r.fields, "last_contact_on");
	uint64_t visit =
		number == ENTITY_CUSTOMER ? model_number(en, r.fields, "last_visit_on") : 0;
	if (what == LATEST_COMES) {
		l.contact = contact;
		l.visit = visit;
		latest_take(&l, activity);
	} else {
		l.most_contact = what == LATEST_GOES ? contact : UINT64_MAX;
		l.most_visit = what == LATEST_GOES ? visit : UINT64_MAX;
		s = latest_walk(&l, field, id, e);
	}
	latest_set(&l, &c);
	buf_free(&room);
	return s ? s : computed_write(&c, e);
}

static enum status latest_of(struct txn *t, enum entity_number number, const char *field,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before && !before->deleted ? model_number(entity, before->fields, field) : 0;
	uint64_t new = after->deleted ? 0 : model_number(entity, after->fields, field);
	enum status s = STATUS_OK;

	if (new)
		s = latest_write(t, number, field, new, after->fields,
			old == new ? LATEST_CHANGES : LATEST_COMES, e);
	if (!s && old && old != new)
		s = latest_write(t, number, field, old, before->fields, LATEST_GOES, e);
	return s;
}

/* Whether the task is a plan that was handed in. */
static bool was_submitted(struct txn *t, uint64_t task)
{
	const struct entity *en = model_entity(t, ENTITY_TASK);
	struct buf room = BUF_INIT;
	struct stored r;
	bool was = read_live(t, en, task, &room, &r) && model_number(en, r.fields, "submitted_at");

	buf_free(&room);
	return was;
}

/* A visit to a customer whose grade asks for a plan, without one that was handed in. */
static void own_computed(struct txn *t, const struct stored *record, struct computed *out)
{
	const struct entity *en = out->entity, *customers = model_entity(t, ENTITY_CUSTOMER);
	uint64_t type = model_number(en, record->fields, "activity_type");
	struct buf room = BUF_INIT;
	struct stored customer;
	bool planless = entry_says(t, type, "counts_as_visit", "yes") &&
			!was_submitted(t, model_number(en, record->fields, "visit_plan"));

	if (planless)
		planless = read_live(t, customers, model_number(en, record->fields, "customer"),
				   &room, &customer) &&
			   entry_says(t, model_number(customers, customer.fields, "grade"),
				   "plan_before_visit", "yes");
	computed_bool(out, "unplanned", planless);
	buf_free(&room);
}

static enum status activity_own(struct txn *t, const struct stored *record, struct error *e)
{
	struct computed c;

	computed_init(&c, t, ENTITY_ACTIVITY, record->id);
	own_computed(t, record, &c);
	return computed_write(&c, e);
}

static enum status activity_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	static const struct {
		enum entity_number number;
		const char *field;
	} above[] = { { ENTITY_CUSTOMER, "customer" }, { ENTITY_CONTACT, "contact" },
		{ ENTITY_LEAD, "lead" }, { ENTITY_OPPORTUNITY, "opportunity" } };
	enum status s = after->deleted ? STATUS_OK : activity_own(t, after, e);

	for (size_t i = 0; i < sizeof above / sizeof *above && !s; i++)
		s = latest_of(t, above[i].number, above[i].field, entity, before, after, e);
	return s;
}

const struct hooks activity_hooks = {
	.entity = ENTITY_ACTIVITY, .check = activity_check, .after = activity_after
};

/* The next follow-up of a customer or lead */

struct next {
	struct txn *txn;
	const struct entity *task, *reminder;
	uint64_t done, cancelled, waiting, snoozed; /* entries */
	uint64_t date;                              /* 0 none */
};

static void next_take(struct next *n, uint64_t date)
{
	if (date && (!n->date || date < n->date))
		n->date = date;
}

static enum status next_task(void *arg, const struct stored *record, struct error *e)
{
	struct next *n = arg;
	uint64_t state = model_number(n->task, record->fields, "state");

	if (state != n->done && state != n->cancelled)
		next_take(n, model_number(n->task, record->fields, "due_on"));
	return STATUS_OK;
}

/* A reminder that somebody made: what fields and rules make is no follow-up. */
static enum status next_reminder(void *arg, const struct stored *record, struct error *e)
{
	struct next *n = arg;
	uint64_t state = model_number(n->reminder, record->fields, "state");
	struct bytes start =
		record_text(record->fields, entity_field_named(n->reminder, "start_on")->tag);
	civil_date date = 0;

	if (record_has(record->fields, entity_field_named(n->reminder, "source_rule")->tag))
		return STATUS_OK;
	if (state == n->snoozed)
		date = (civil_date)model_number(n->reminder, record->fields, "occurrence");
	else if (state == n->waiting && !date_parse(start, &date))
		date = 0;
	next_take(n, (uint64_t)date);
	return STATUS_OK;
}

static enum status next_compute(
	struct txn *t, const char *field, uint64_t id, struct computed *out, struct error *e)
{
	struct next n = { .txn = t,
		.task = model_entity(t, ENTITY_TASK),
		.reminder = model_entity(t, ENTITY_REMINDER),
		.done = entry_id(t, "task_state.done"),
		.cancelled = entry_id(t, "task_state.cancelled"),
		.waiting = entry_id(t, "reminder_state.waiting"),
		.snoozed = entry_id(t, "reminder_state.snoozed") };
	enum status s = each_of(t, n.task, field, id, next_task, &n, e);

	if (!s && out->entity->number == ENTITY_CUSTOMER)
		s = each_of(t, n.reminder, "customer", id, next_reminder, &n, e);
	computed_number(out, "next_follow_up_on", n.date);
	return s;
}

enum status work_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e)
{
	enum status s = latest_compute(t, "customer", customer, out, e);

	return s ? s : next_compute(t, "customer", customer, out, e);
}

enum status work_compute_lead(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	enum status s = latest_compute(t, "lead", record->id, out, e);

	return s ? s : next_compute(t, "lead", record->id, out, e);
}

enum status work_compute_opportunity(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	return latest_compute(t, "opportunity", record->id, out, e);
}

static enum status next_write(
	struct txn *t, enum entity_number number, const char *field, uint64_t id, struct error *e)
{
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	bool live = read_live(t, model_entity(t, number), id, &room, &r);
	enum status s;

	buf_free(&room);
	if (!live)
		return STATUS_OK;
	computed_init(&c, t, number, id);
	s = next_compute(t, field, id, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status next_of(struct txn *t, enum entity_number number, const char *field,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, field) : 0;
	uint64_t new = model_number(entity, after->fields, field);
	enum status s = STATUS_OK;

	if (new)
		s = next_write(t, number, field, new, e);
	if (!s && old && old != new)
		s = next_write(t, number, field, old, e);
	return s;
}

static enum status task_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	enum status s = next_of(t, ENTITY_CUSTOMER, "customer", entity, before, after, e);

	return s ? s : next_of(t, ENTITY_LEAD, "lead", entity, before, after, e);
}

static enum status reminder_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	/* no follow-up, as next_reminder has it: the many that fields made cost their customer nothing */
	if (model_text(entity, after->fields, "source_rule").len)
		return STATUS_OK;
	return next_of(t, ENTITY_CUSTOMER, "customer", entity, before, after, e);
}

/* Tasks */

static bool became(struct draft *d, const char *code)
{
	return draft_changed(d, "state") && !strcmp(draft_code(d, "state"), code);
}

static void task_prepare(struct draft *d)
{
	uint64_t now = zigzag(d->w->author->now_ms);

	if (!draft_changed(d, "state"))
		return;
	if (became(d, "done"))
		draft_set_number(d, "completed_at", now);
	else if (draft_has(d, "completed_at"))
		draft_clear(d, "completed_at");
	if (became(d, "submitted"))
		draft_set_number(d, "submitted_at", now);
	if (became(d, "acknowledged")) {
		draft_set_number(d, "acknowledged_at", now);
		draft_set_number(d, "acknowledged_by", d->w->user);
	}
}

const struct hooks task_hooks = {
	.entity = ENTITY_TASK, .prepare = task_prepare, .after = task_after
};

/* Reminders */

/* A reminder of a customer alone is about it. */
static void reminder_prepare(struct draft *d)
{
	uint64_t customer = draft_number(d, "customer");

	if (customer && !draft_has(d, "record"))
		draft_set_number(d, "record", any_ref(ENTITY_CUSTOMER, customer));
}

static void check_rrule(struct draft *d, const char *repeat, const struct birthday *start)
{
	struct rrule rule;
	civil_date first;
	char why[96];

	if (!rrule_parse(draft_text(d, "rrule"), &rule, why))
		draft_bad(d, "rrule", "%s", why);
	else if (strcmp(repeat, "none") != 0)
		draft_bad(d, "repeat", "is not none: rrule says how it repeats");
	else if (start->lunar || !start->year)
		draft_bad(d, "start_on", "is no date with its year: rrule counts from it");
	else if (first = date_make(start->year, start->month, start->day),
		!rrule_next(&rule, first, first))
		draft_bad(d, "rrule", "never happens from start_on on");
}

static void reminder_check(struct draft *d)
{
	const char *repeat = draft_code(d, "repeat");
	struct birthday start;
	char why[96];

	if (!birthday_parse(draft_text(d, "start_on"), &start, why))
		return;
	if (draft_has(d, "rrule"))
		check_rrule(d, repeat, &start);
	if ((start.lunar || !start.year) && strcmp(repeat, "none") != 0 &&
		strcmp(repeat, "yearly") != 0)
		draft_bad(d, "repeat", "is not yearly: start_on is a day of every year");
}

const struct hooks reminder_hooks = { .entity = ENTITY_REMINDER,
	.prepare = reminder_prepare,
	.check = reminder_check,
	.after = reminder_after };
