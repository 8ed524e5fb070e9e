/* What stands planned by rules, looked at from outside: limits ahead, and whether it is what the rules ask for. */
#include "server/model/computed.h"
#include "server/remind/cadence.h"
#include "server/remind/fire.h"
#include "server/remind/replan.h"
#include "server/store/log.h"
#include <glib.h>

#define OWN_RECORDS 20000 /* of a user, looked at for each rule */
#define OWN_PAGE 128
#define PLAN_KEY 12 /* entity u16, id u64, tag u16 */

/* Limits ahead */

struct breaking {
	struct txn *t;
	const struct cadence_rule *rule;
	civil_date from, until;
	struct cadence_breach *out;
	size_t n, max;
};

static void look_at(struct breaking *b, uint64_t id)
{
	struct due_row row;

	if (plan_read(b->t, b->rule->entity->number, id, cadence_tag(b->rule), &row, 1) == 1 &&
		row.occurrence >= b->from && row.occurrence <= b->until)
		b->out[b->n++] =
			(struct cadence_breach){ b->rule->entity, id, b->rule->id, row.occurrence };
}

static void look_at_own(struct breaking *b, uint64_t user)
{
	const struct entity *en = model_entity(b->t, b->rule->entity->number);
	const struct field *owner = entity_field_named(en, en->owner_field);
	struct buf wire = BUF_INIT;
	uint64_t ids[OWN_PAGE], after = 0;
	size_t n, seen = 0;

	if (!owner || !(owner->flags & F_INDEXED))
		return;
	record_add_number(&wire, owner->tag, user);
	while (b->n < b->max && seen < OWN_RECORDS &&
		(n = store_find_equal(b->t, en, owner, buf_bytes(&wire), after, ids, OWN_PAGE))) {
		for (size_t i = 0; i < n && b->n < b->max; i++)
			look_at(b, ids[i]);
		after = ids[n - 1];
		seen += n;
	}
	buf_free(&wire);
}

size_t cadence_breaking(struct txn *t, uint64_t user, civil_date today, int days,
	struct cadence_breach *out, size_t max)
{
	struct cadence_rules *own = NULL;
	const struct cadence_rules *rules = cadence_rules_of(&own, t);
	struct breaking b = {
		.t = t, .from = today, .until = date_add_days(today, days), .out = out, .max = max
	};

	for (size_t i = 0; i < rules->n; i++) {
		b.rule = &rules->rules[i];
		look_at_own(&b, user);
	}
	for (size_t i = 0; i < b.n; i++) /* the rules' own goes with them */
		out[i].entity = model_entity(t, out[i].entity->number);
	cadence_rules_free(&own);
	return b.n;
}

/* Checking */

struct checking {
	struct txn *t;
	int64_t now; /* no plan was made later */
	const struct cadence_rule *rule;
	void (*report)(void *arg, const char *damage);
	void *arg;
	size_t bad;
};

static void differs(struct checking *c, uint64_t id, const char *how)
{
	char text[160];

	g_snprintf(text, sizeof text, "%s %llu: what is planned by the rule %s %s",
		c->rule->entity->name, (unsigned long long)id, c->rule->code, how);
	c->report(c->arg, text);
	c->bad++;
}

/* What is planned is the first step since some instant; none is planned when all of them have passed. */
static void check_record(struct checking *c, const struct stored *record)
{
	struct due_row row, want;
	struct duty d;
	bool owed = duty_read(c->t, c->rule, record, &d);
	bool is = plan_read(c->t, c->rule->entity->number, record->id, cadence_tag(c->rule), &row,
			  1) == 1;

	if (is && !owed)
		differs(c, record->id, "is not owed");
	else if (is && (!duty_next(&d, row.instant - 1, &want) || want.instant != row.instant ||
			       want.nth != row.nth || want.occurrence != row.occurrence))
		differs(c, record->id, "is not what it asks for");
	else if (!is && owed && duty_next(&d, c->now, &want))
		differs(c, record->id, "is missing");
}

static void check_rule(struct checking *c)
{
	struct walk *w = NULL;
	struct buf room = BUF_INIT;
	struct stored record;
	struct bytes key;
	uint8_t prefix[2];

	put_be16(prefix, c->rule->entity->number);
	if (walk_open(c->t, SPACE_REC, bytes_of(prefix, sizeof prefix), &w, NULL))
		return;
	while (walk_next(w, &key))
		if (read_live(c->t, c->rule->entity, get_be64(key.data + 2), &room, &record))
			check_record(c, &record);
	walk_close(&w);
	buf_free(&room);
}

/* Rows of rules that are not in use. */
static void check_strays(struct checking *c, const struct cadence_rules *rules)
{
	struct walk *w = NULL;
	struct bytes key;
	char text[160];

	if (walk_open(c->t, SPACE_PLAN, bytes_of("", 0), &w, NULL))
		return;
	while (walk_next(w, &key)) {
		uint16_t tag = key.len == PLAN_KEY ? get_be16(key.data + 10) : 0;
		const struct cadence_rule *rule = cadence_rule_tagged(rules, tag);
		if (!cadence_is_tag(tag) || cadence_waits(c->t, tag - CADENCE_TAG) ||
			(rule && rule->entity->number == get_be16(key.data)))
			continue;
		g_snprintf(text, sizeof text,
			"record %llu of entity %u: planned by a rule that is not in use",
			(unsigned long long)get_be64(key.data + 2), get_be16(key.data));
		c->report(c->arg, text);
		c->bad++;
	}
	walk_close(&w);
}

static int64_t last_written(struct txn *t)
{
	struct log_entry entry = { 0 };
	struct buf room = BUF_INIT;
	int64_t fired, lag, now = real_ms();

	fire_noted(t, &fired, &lag);
	if (log_read(t, store_last_seq(txn_store(t)), &entry, &room, NULL, NULL) == STATUS_OK &&
		entry.time_ms > now)
		now = entry.time_ms;
	buf_free(&room);
	return fired > now ? fired : now;
}

size_t cadence_check(struct txn *t, void (*report)(void *arg, const char *damage), void *arg)
{
	struct cadence_rules *own = NULL;
	const struct cadence_rules *rules = cadence_rules_of(&own, t);
	struct checking c = { .t = t, .now = last_written(t), .report = report, .arg = arg };

	for (size_t i = 0; i < rules->n; i++) {
		c.rule = &rules->rules[i];
		if (!cadence_waits(t, c.rule->id) && !replan_asked(t))
			check_rule(&c);
	}
	check_strays(&c, rules);
	cadence_rules_free(&own);
	return c.bad;
}
