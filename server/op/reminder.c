/* Watching, acknowledging and snoozing. */
#include "common/text.h"
#include "server/call/rights.h"
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/remind/fire.h"
#include "server/remind/inbox.h"
#include "server/server.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define SPAN_MAX 1000000 /* of what unit ever */
#define LONGEST_SNOOZE_MS (366 * DAY_MS)

/* One reminder on its way through an op. */
struct handled {
	struct call *call;
	const struct entity *entity;
	struct lookup *lookup;
	struct stored record;
	struct buf buf;
	uint64_t user; /* who is reminded */
};

static enum status handled_open(struct call *c, struct handled *h, struct error *e)
{
	const struct schema *schema = c->schema;

	*h = (struct handled){ .call = c,
		.entity = schema_entity_by_number(schema, ENTITY_REMINDER) };
	if (c->request->n_record == 0)
		return error_set(e, STATUS_USAGE, "a reminder is missing");
	h->lookup = call_lookup(c);
	return STATUS_OK;
}

static void handled_close(struct handled *h)
{
	buf_free(&h->buf);
}

/* Whoever stands in for somebody handles what came to both. */
static bool handled_mine(struct handled *h, struct bytes text, uint64_t *id)
{
	struct call *c = h->call;

	return text_number(text, id) && inbox_newest(c->txn, c->caller->user, *id) > 0;
}

static enum status handled_read(struct handled *h, size_t i, struct error *e)
{
	struct call *c = h->call;
	struct parse_context ctx = lookup_parse_context(h->lookup, 0, c->caller->zone);
	struct bytes text = pb_bytes(c->request->record[i]);
	uint64_t id;
	bool mine = handled_mine(h, text, &id);
	enum status status = mine ? STATUS_OK : ctx.reference(ctx.arg, "reminder", text, &id, e);

	if (!status)
		status = store_get(c->txn, mine ? &scope_all : caller_scope(c->caller, h->entity),
			h->entity, id, &h->buf, &h->record, e);
	if (!status)
		h->user = model_number(h->entity, h->record.fields, "user");
	return status;
}

/* Writes the reminder's state; what stands in the inbox and in due follows the record. */
static enum status handled_clear(
	struct handled *h, const char *state, int64_t snoozed_until, struct error *e)
{
	struct call *c = h->call;
	struct buf fields = BUF_INIT;
	uint64_t id = h->record.id;
	struct reminder_patch patch[] = {
		{ "state", lookup_entry(h->lookup, "reminder_state", state), { 0 }, false },
		{ snoozed_until ? "snoozed_until" : "acknowledged_at",
			zigzag(snoozed_until ? snoozed_until : c->now_ms), { 0 }, false },
		{ "acknowledged_by", c->caller->user, { 0 }, false },
	};
	enum status status;

	reminder_merge(h->entity, h->record.fields, patch, snoozed_until ? 2 : 3, &fields);
	status = store_put(c->txn, &c->author, h->entity, &id, "set", buf_bytes(&fields), NULL, e);
	buf_free(&fields);
	return status;
}

static bool state_is(struct handled *h, const char *code)
{
	uint64_t entry = model_number(h->entity, h->record.fields, "state");

	return strcmp(lookup_code(h->lookup, entry), code) == 0;
}

/* A series goes on waiting for its next occurrence; anything else is done with. */
static const char *state_after(struct handled *h)
{
	struct due_row row;
	uint16_t tag = entity_field_named(h->entity, "start_on")->tag;
	bool more = plan_read(h->call->txn, ENTITY_REMINDER, h->record.id, tag, &row, 1) > 0;

	return more ? "waiting" : "acknowledged";
}

/* told: the number of the event that the caller has seen. Of a series that has fired again since, nothing is acknowledged. */
static enum status acknowledge_one(struct handled *h, uint64_t told, struct error *e)
{
	if (!state_is(h, "fired") && !state_is(h, "snoozed"))
		return STATUS_OK;
	if (told && inbox_newest(h->call->txn, h->user, h->record.id) > told)
		return STATUS_OK;
	return handled_clear(h, state_after(h), 0, e);
}

static enum status op_acknowledge(struct call *c, struct error *e)
{
	struct handled h;
	struct bytes seq = call_arg(c, "seq");
	uint64_t told = 0;
	enum status status;

	if (seq.len && !text_number(seq, &told))
		return error_set(e, STATUS_USAGE, "seq is not the number of an event");
	status = handled_open(c, &h, e);
	if (status)
		return status;
	status = store_operation(c->txn, &c->author.operation, e);
	for (size_t i = 0; i < c->request->n_record && !status; i++) {
		status = handled_read(&h, i, e);
		if (!status)
			status = acknowledge_one(&h, told, e);
	}
	handled_close(&h);
	c->reply->has_count = !status;
	c->reply->count = c->request->n_record;
	return status;
}

/* 2d, 3h, 30m, 1w -> milliseconds; 0: no such span. */
static int64_t span_parse(struct bytes text)
{
	uint64_t n;

	if (!text.len || !text_number(bytes_of(text.data, text.len - 1), &n) || n >= SPAN_MAX)
		return 0;
	switch (text.data[text.len - 1]) {
	case 'm':
		return (int64_t)n * 60 * 1000;
	case 'h':
		return (int64_t)n * 3600 * 1000;
	case 'd':
		return (int64_t)n * DAY_MS;
	case 'w':
		return (int64_t)n * 7 * DAY_MS;
	default:
		return 0;
	}
}

/* Whole days move the civil date and keep the local time of now; a date means nine o'clock there. */
static enum status snooze_until(struct call *c, int64_t *until, struct error *e)
{
	struct bytes text = text_trim(call_arg(c, "until"));
	const struct zone *zone = c->caller->zone;
	int64_t span = span_parse(text);
	civil_date day, last;

	if (span && span % DAY_MS == 0)
		*until = zone_instant(zone,
			date_add_days(zone_date(zone, c->now_ms), (int)(span / DAY_MS)),
			zone_minute(zone, c->now_ms));
	else if (span)
		*until = c->now_ms + span;
	else if (date_parse(text, &day) ||
		 date_relative(text, zone_date(zone, c->now_ms), &day, &last))
		*until = zone_instant(zone, day, 9 * 60);
	else if (!instant_parse(text, zone, until))
		return error_field(e, "until", "is not a time such as 2d, 3h, 30m or 2026-12-01");
	if (*until <= c->now_ms)
		return error_field(e, "until", "lies in the past");
	if (*until > c->now_ms + LONGEST_SNOOZE_MS)
		return error_field(e, "until", "is more than a year ahead");
	return STATUS_OK;
}

static enum status snooze_one(struct handled *h, int64_t until, struct error *e)
{
	if (!state_is(h, "fired") && !state_is(h, "snoozed"))
		return error_set(e, STATUS_CONFLICT, "the reminder has not fired or is done");
	return handled_clear(h, "snoozed", until, e);
}

static enum status op_snooze(struct call *c, struct error *e)
{
	struct handled h;
	int64_t until;
	enum status status = snooze_until(c, &until, e);

	if (!status)
		status = handled_open(c, &h, e);
	if (status)
		return status;
	status = handled_read(&h, 0, e);
	if (!status)
		status = store_operation(c->txn, &c->author.operation, e);
	if (!status)
		status = snooze_one(&h, until, e);
	if (!status)
		status = store_get(c->txn, &scope_all, h.entity, h.record.id, &h.buf, &h.record, e);
	if (!status)
		status = reply_record(c, h.entity, &h.record, e);
	handled_close(&h);
	return status;
}

static enum status op_watch(struct call *c, struct error *e)
{
	struct bytes since = call_arg(c, "since");
	char last[24];

	c->watch_reminders = true;
	c->watch_from_unacknowledged = since.len == 0;
	if (since.len && !call_arg_number(c, "since", &c->watch_since))
		return error_set(e, STATUS_USAGE, "since is not the number of an event");
	snprintf(
		last, sizeof last, "%llu", (unsigned long long)inbox_last(c->txn, c->caller->user));
	return reply_value(c, "last", bytes_str(last), e);
}

static enum status add_planned(struct call *c, const struct entity *entity,
	const struct stored *record, const struct due_row *row, struct error *e)
{
	struct buf date = BUF_INIT;
	enum status status;

	instant_format(row->instant, &date);
	status = reply_item(c, "planned", entity, record, buf_bytes(&date), NULL, e);
	buf_free(&date);
	return status;
}

#define PLANNED_SCAN 20000 /* due rows looked at for one page */

/* The next due rows whose records the caller may see and is reminded of, soonest first. */
static enum status op_planned(struct call *c, struct error *e)
{
	const struct schema *schema = c->schema;
	struct bytes want = c->request->has_entity ? pb_bytes(c->request->entity) : bytes_of("", 0);
	size_t limit = c->request->has_limit && c->request->limit < 200 ? c->request->limit : 20;
	struct due_row rows[64], last;
	struct buf buf = BUF_INIT;
	struct stored record;
	size_t seen = 0, n;
	enum status status = STATUS_OK;

	for (bool first = true; !status && seen < PLANNED_SCAN; first = false) {
		n = due_read(c->txn, INT64_MAX, first ? NULL : &last, rows, 64);
		for (size_t i = 0; i < n && !status && c->reply->n_item < limit; i++) {
			const struct entity *en = schema_entity_by_number(schema, rows[i].entity);
			if (!en || !due_reminds(&rows[i]) ||
				(want.len && schema_entity(schema, want) != en) ||
				(rows[i].user != c->caller->user && !c->caller->admin) ||
				store_get(c->txn, caller_scope(c->caller, en), en, rows[i].id, &buf,
					&record, NULL))
				continue;
			status = add_planned(c, en, &record, &rows[i], e);
		}
		if (n < 64 || c->reply->n_item >= limit)
			break;
		last = rows[63];
		seen += n;
	}
	buf_free(&buf);
	return status;
}

const struct op reminder_ops[] = {
	{ .name = "watch", .kind = OP_READ, .run = op_watch },
	{ .name = "reminder.acknowledge", .kind = OP_WRITE, .run = op_acknowledge },
	{ .name = "reminder.snooze", .kind = OP_WRITE, .run = op_snooze },
	{ .name = "reminder.planned", .kind = OP_SLOW, .run = op_planned },
	{ 0 },
};
