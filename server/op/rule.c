/* rule.test: what a rule would do on today's data, in slices; and the question before one is switched on. */
#include "server/op/rule.h"
#include "server/call/rights.h"
#include "server/op/op.h"
#include "server/remind/cadence.h"
#include "server/server.h"

#define SLICE_US 40000
#define SLICE_ROWS 100 /* of the reply's first rows, the client takes the first of them */
#define OWNERS_MAX 5000
#define STEPS_MAX (CADENCE_MANY + 1)

struct owner {
	uint64_t user, count;
};

/* One slice. */
struct trial {
	struct call *call;
	struct cadence_rule rule;
	int64_t from_ms; /* when it would begin */
	uint64_t read, matched, reminders, escalations;
	struct owner *owners; /* room for OWNERS_MAX */
	size_t nowners;
	uint64_t rows; /* that the client still wants */
	struct error *e;
};

static void count_owner(struct trial *t, uint64_t user, uint64_t count)
{
	size_t i = 0;

	while (i < t->nowners && t->owners[i].user != user)
		i++;
	if (i == OWNERS_MAX)
		return;
	if (i == t->nowners)
		t->owners[t->nowners++] = (struct owner){ user, 0 };
	t->owners[i].count += count;
}

static enum status add_row(
	struct trial *t, const struct stored *record, const struct due_row *first)
{
	struct buf date = BUF_INIT;
	enum status s;

	if (!t->rows)
		return STATUS_OK;
	t->rows--;
	instant_format(first->instant, &date);
	s = reply_item(t->call, "rule", t->rule.entity, record, buf_bytes(&date), NULL, t->e);
	buf_free(&date);
	return s;
}

/* The steps up to the next limit. */
static enum status try_record(struct trial *t, const struct stored *record)
{
	struct due_row first, row;
	struct duty d;
	uint64_t owner = 0;

	if (record->deleted || !duty_read(t->call->txn, &t->rule, record, &d))
		return STATUS_OK;
	t->matched++;
	if (!duty_next(&d, t->from_ms - 1, &first))
		return STATUS_OK;
	row = first;
	for (int i = 0; i < STEPS_MAX && row.occurrence == first.occurrence; i++) {
		bool up = duty_escalates(&t->rule, row.nth);
		t->escalations += up;
		owner += !up || t->rule.rhythm != RHYTHM_PERIOD;
		if (!duty_next(&d, row.instant, &row))
			break;
	}
	t->reminders += owner;
	count_owner(t, d.user, owner);
	return add_row(t, record, &first);
}

/* *after: the last record that was read; 0 at the end. */
static enum status try_slice(struct trial *t, uint64_t *after)
{
	struct txn *txn = t->call->txn;
	int64_t until = monotonic_us() + SLICE_US;
	struct walk *w = NULL;
	struct buf room = BUF_INIT;
	struct stored record;
	struct bytes key;
	uint8_t prefix[2], from[10];
	enum status s;
	bool more = true;

	put_be16(prefix, t->rule.entity->number);
	put_be16(from, t->rule.entity->number);
	put_be64(from + 2, *after + 1);
	s = walk_open(txn, SPACE_REC, bytes_of(prefix, sizeof prefix), &w, t->e);
	if (!s)
		s = walk_seek(w, bytes_of(from, sizeof from));
	while (!s && (more = walk_next(w, &key)) && monotonic_us() < until) {
		*after = get_be64(key.data + 2);
		t->read++;
		if (!store_get(txn, &scope_all, t->rule.entity, *after, &room, &record, NULL))
			s = try_record(t, &record);
	}
	if (!more)
		*after = 0;
	walk_close(&w);
	buf_free(&room);
	return s;
}

static enum status number(struct call *c, const char *name, uint64_t n, struct error *e)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	return reply_value(c, name, bytes_str(text), e);
}

static struct bytes user_name(struct trial *t, uint64_t user)
{
	const struct entity *users = schema_entity_by_number(t->call->schema, ENTITY_USER);
	struct bytes name = { 0 };
	struct buf room = BUF_INIT;
	struct stored s;

	if (!store_get(t->call->txn, &scope_all, users, user, &room, &s, NULL))
		name = arena_copy(t->call->arena, model_text(users, s.fields, users->name_field));
	buf_free(&room);
	return name;
}

/* Reminders of each owner. */
static enum status answer_owners(struct trial *t)
{
	struct call *c = t->call;
	char code[24];

	c->reply->group = arena_calloc(c->arena, t->nowners + 1, sizeof *c->reply->group);
	if (!c->reply->group)
		return error_set(t->e, STATUS_INVALID, "reply too large");
	for (size_t i = 0; i < t->nowners; i++) {
		Guanxi__Group *g = arena_alloc(c->arena, sizeof *g);
		if (!g)
			return error_set(t->e, STATUS_INVALID, "reply too large");
		guanxi__group__init(g);
		snprintf(code, sizeof code, "%llu", (unsigned long long)t->owners[i].user);
		g->code = pb_from(arena_copy(c->arena, bytes_str(code)));
		g->value = pb_from(user_name(t, t->owners[i].user));
		g->has_code = true;
		g->count = t->owners[i].count;
		c->reply->group[c->reply->n_group++] = g;
	}
	return STATUS_OK;
}

static enum status answer(struct trial *t, uint64_t after)
{
	struct call *c = t->call;
	enum status s = answer_owners(t);

	if (!s)
		s = number(c, "read", t->read, t->e);
	if (!s)
		s = number(c, "matched", t->matched, t->e);
	if (!s)
		s = number(c, "reminders", t->reminders, t->e);
	if (!s)
		s = number(c, "escalations", t->escalations, t->e);
	if (!s && after)
		s = number(c, "after", after, t->e);
	return s;
}

static enum status read_at(struct call *c, int64_t *from_ms, struct error *e)
{
	struct bytes text = call_arg(c, "at");
	civil_date day, last;

	*from_ms = c->now_ms;
	if (!text.len)
		return STATUS_OK;
	if (!date_parse(text, &day) &&
		!date_relative(text, zone_date(c->caller->zone, c->now_ms), &day, &last))
		return error_set(e, STATUS_USAGE, "at is not a date such as 2026-12-01");
	*from_ms = zone_instant(c->caller->zone, day, 0);
	return STATUS_OK;
}

static enum status trial_open(struct trial *t, struct target *target, struct error *e)
{
	struct call *c = target->call;
	struct lookup *l = lookup_new(c->txn, &scope_all, c->schema, c->chinese, c->arena);
	struct buf room = BUF_INIT;
	struct stored record;
	uint64_t id;
	enum status s = target_id(target, 0, &id, e);

	if (!s)
		s = target_read(target, id, &room, &record, e);
	if (!s)
		s = cadence_rule_read(l, c->arena, &record, &t->rule, e);
	t->owners = arena_alloc(c->arena, OWNERS_MAX * sizeof *t->owners);
	if (!s && !t->owners)
		s = error_set(e, STATUS_INVALID, "reply too large");
	lookup_free(&l);
	buf_free(&room);
	return s;
}

static enum status rule_test(struct call *c, struct error *e)
{
	struct trial t = { .call = c, .e = e };
	struct target target;
	uint64_t after = 0;
	enum status s = c->caller->admin
				? target_open(c, &target, e)
				: error_set(e, STATUS_DENIED, "only administrators test rules");

	if (!s && target.entity->number != ENTITY_CADENCE_RULE)
		s = error_set(e, STATUS_USAGE, "only a cadence_rule is tested");
	if (!s)
		s = read_at(c, &t.from_ms, e);
	if (!s && call_arg(c, "after").len && !call_arg_number(c, "after", &after))
		s = error_set(e, STATUS_USAGE, "after is not the number of a record");
	if (!s)
		s = trial_open(&t, &target, e);
	t.rows = c->request->limit < SLICE_ROWS ? c->request->limit : SLICE_ROWS;
	if (!s)
		s = try_slice(&t, &after);
	return s ? s : answer(&t, after);
}

/* Switching on */

static uint64_t steps_of(const struct cadence_rule *rule)
{
	uint64_t n = rule->rhythm == RHYTHM_SILENCE ? 1
		     : rule->rhythm == RHYTHM_STEPS ? rule->nsteps
		     : rule->nahead                 ? rule->nahead
						    : 2;

	return n + rule->escalate;
}

enum status rule_confirmed(
	struct target *t, const struct stored *before, struct bytes fields, struct error *e)
{
	struct call *c = t->call;
	const struct stored after = { .id = before ? before->id : 0, .fields = fields };
	struct cadence_rule rule;
	struct error why;
	uint64_t count = 0;
	enum status s;

	if (t->entity->number != ENTITY_CADENCE_RULE || call_arg(c, "confirm").len ||
		!model_number(t->entity, fields, "active") ||
		(before && model_number(t->entity, before->fields, "active")))
		return STATUS_OK;
	error_init(&why);
	s = cadence_rule_read(call_lookup(c), c->arena, &after, &rule, &why);
	error_clear(&why);
	if (!s)
		s = query_count(c->txn,
			&(struct query){ .entity = rule.entity,
				.scope = &scope_all,
				.condition = rule.condition },
			&count, e);
	if (s || count * steps_of(&rule) <= RULE_ASKS)
		return s;
	return error_reason(e, STATUS_USAGE, "confirm",
		"the rule would watch %llu records and make up to %llu reminders a period",
		(unsigned long long)count, (unsigned long long)(count * steps_of(&rule)));
}

const struct op rule_ops[] = {
	{ .name = "rule.test", .kind = OP_SLOW, .run = rule_test },
	{ 0 },
};
