/* Rhythms follow the records: planned and cancelled in the transaction of the change, or anew for all of them after a change of a rule. */
#include "server/remind/cadence.h"
#include "server/log_line.h"
#include "server/model/computed.h"
#include "server/remind/cadence_tell.h"
#include <glib.h>
#include <sodium.h>

#define RULES_ROOM (8u << 20)
#define RULES_PAGE 128
#define SOME_RECORDS 200 /* of a slice */

static const char stamp_key[] = "cadence";
static const char todo_key[] = "cadence_todo";

/* The rules in use */

static void stamp_read(struct txn *t, uint8_t stamp[8])
{
	struct buf value = BUF_INIT;

	memset(stamp, 0, 8);
	if (!txn_get(t, SPACE_META, bytes_str(stamp_key), &value, NULL) && value.len == 8)
		memcpy(stamp, value.data, 8);
	buf_free(&value);
}

/* Not a counter: a change that was thrown away and the next one must not look the same. */
static enum status stamp_change(struct txn *t, struct error *e)
{
	uint8_t stamp[8];

	randombytes_buf(stamp, sizeof stamp);
	return txn_put(t, SPACE_META, bytes_str(stamp_key), bytes_of(stamp, sizeof stamp), e);
}

void cadence_rules_free(struct cadence_rules **cache)
{
	if (!cache || !*cache)
		return;
	if ((*cache)->generation)
		generation_give(&(*cache)->generation);
	arena_free(&(*cache)->arena);
	g_free(*cache);
	*cache = NULL;
}

/* One that cannot be read any more, because a field or an entity has gone, is passed over. */
static void take_rule(struct cadence_rules *c, struct lookup *l, const struct stored *record)
{
	struct cadence_rule *rules = arena_array_grow(c->arena, c->rules, c->n, sizeof *rules);
	struct error why;

	if (!rules)
		return;
	c->rules = rules;
	error_init(&why);
	if (record->id <= CADENCE_RULES &&
		cadence_rule_read(l, c->arena, record, &rules[c->n], &why) == STATUS_OK)
		c->n++;
	else
		log_line(LOG_LEVEL_ERROR, "cadence_rule", "rule=%llu why=\"%s %s\"",
			(unsigned long long)record->id, why.nfields ? why.fields[0].field : "",
			why.nfields ? why.fields[0].message : why.message);
	error_clear(&why);
}

static void load_rules(struct cadence_rules *c, struct txn *t)
{
	const struct entity *en = model_entity(t, ENTITY_CADENCE_RULE);
	const struct field *active = entity_field_named(en, "active");
	struct lookup *l = lookup_new(t, &scope_all, txn_schema(t), false, c->arena);
	struct buf wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[RULES_PAGE], after = 0;
	struct stored record;
	size_t n;

	record_add_number(&wire, active->tag, 1);
	while ((n = store_find_equal(t, en, active, buf_bytes(&wire), after, ids, RULES_PAGE)) >
		0) {
		for (size_t i = 0; i < n; i++)
			if (read_live(t, en, ids[i], &room, &record))
				take_rule(c, l, &record);
		after = ids[n - 1];
	}
	buf_free(&wire);
	buf_free(&room);
	lookup_free(&l);
}

const struct cadence_rules *cadence_rules_of(struct cadence_rules **cache, struct txn *t)
{
	struct cadence_rules *c = *cache;
	uint8_t stamp[8];

	stamp_read(t, stamp);
	if (c && c->generation == txn_generation(t) && !memcmp(stamp, c->stamp, sizeof stamp))
		return c;
	cadence_rules_free(cache);
	c = *cache = g_new0(struct cadence_rules, 1);
	c->arena = arena_new(RULES_ROOM);
	c->generation = txn_generation(t);
	generation_keep(c->generation);
	memcpy(c->stamp, stamp, sizeof stamp);
	load_rules(c, t);
	return c;
}

const struct cadence_rule *cadence_rule_tagged(const struct cadence_rules *rules, uint16_t tag)
{
	for (size_t i = 0; i < rules->n; i++)
		if (cadence_tag(&rules->rules[i]) == tag)
			return &rules->rules[i];
	return NULL;
}

/* Planning one record */

static bool same_row(const struct due_row *a, const struct due_row *b)
{
	return a->instant == b->instant && a->nth == b->nth && a->occurrence == b->occurrence &&
	       a->user == b->user;
}

/* A row that is due and still owed fires, though a change came first. */
static bool due_still(const struct duty *d, const struct due_row *old, int64_t now)
{
	struct due_row again;

	return old->instant <= now && duty_next(d, old->instant - 1, &again) &&
	       again.instant == old->instant && again.nth == old->nth &&
	       again.occurrence == old->occurrence;
}

static enum status plan_duty(struct txn *t, const struct cadence_rule *rule, uint64_t id,
	const struct duty *d, int64_t now, struct error *e)
{
	struct due_row old, row;
	uint16_t entity = rule->entity->number, tag = cadence_tag(rule);
	bool was = plan_read(t, entity, id, tag, &old, 1) == 1, is;

	if (d && was && due_still(d, &old, now))
		return STATUS_OK;
	is = d && duty_next(d, now, &row);
	if (was == is && (!is || same_row(&old, &row)))
		return STATUS_OK;
	return plan_replace(t, entity, id, tag, &row, is, e);
}

/* record NULL: there is none. */
static enum status plan_record(struct txn *t, const struct author *author,
	const struct cadence_rule *rule, uint64_t id, const struct stored *record, bool fresh,
	struct error *e)
{
	struct duty duty;
	bool owed = record && rule->active && duty_read(t, rule, record, &duty);
	enum status s = plan_duty(t, rule, id, owed ? &duty : NULL, author->now_ms, e);

	if (!s && record && !record->deleted && !fresh)
		s = cadence_clear(t, author, rule, owed ? &duty : NULL, record, e);
	return s;
}

enum status cadence_plan(struct txn *t, const struct author *author,
	const struct cadence_rule *rule, uint64_t id, bool fresh, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored record;
	bool there = !store_get(t, &scope_all, rule->entity, id, &room, &record, NULL);
	enum status s = plan_record(t, author, rule, id, there ? &record : NULL, fresh, e);

	buf_free(&room);
	return s;
}

/* What a change concerns */

struct change {
	struct txn *t;
	const struct author *author;
	const struct entity *entity;
	const struct stored *before, *after;
};

static bool differs(const struct change *c, uint32_t tag)
{
	return !bytes_equal(record_run(c->before->fields, tag), record_run(c->after->fields, tag));
}

static bool concerns_itself(const struct cadence_rule *rule, const struct change *c)
{
	if (rule->entity->number != c->entity->number)
		return false;
	if (!c->before || c->before->deleted != c->after->deleted)
		return true;
	for (size_t i = 0; i < rule->nwatched; i++)
		if (differs(c, rule->watched[i]))
			return true;
	return rule->computed;
}

/* The records of the rule's entity that the changed one names, or named, through a field. */
static enum status plan_named(const struct cadence_rule *rule, const struct change *c,
	const struct field *f, struct error *e)
{
	uint64_t old = c->before ? record_number(c->before->fields, f->tag) : 0;
	uint64_t new = record_number(c->after->fields, f->tag);
	enum status s = STATUS_OK;

	if (old && old != new)
		s = cadence_plan(c->t, c->author, rule, old, false, e);
	return s || !new ? s : cadence_plan(c->t, c->author, rule, new, false, e);
}

/* Actions, and what computed fields in the filter may be made of. */
static enum status follow_up(
	const struct cadence_rule *rule, const struct change *c, struct error *e)
{
	enum status s = STATUS_OK;

	if (c->entity->number == rule->actions->number)
		return plan_named(rule, c, rule->names, e);
	for (size_t i = 0; rule->computed && i < c->entity->nfields && !s; i++) {
		const struct field *f = &c->entity->fields[i];
		if (f->type == T_REF && f->refers_to && c->entity->number != rule->entity->number &&
			!strcmp(f->refers_to, rule->entity->name))
			s = plan_named(rule, c, f, e);
	}
	return s;
}

struct below {
	const struct cadence_rule *rule;
	const struct change *change;
};

static enum status plan_below(void *arg, const struct stored *record, struct error *e)
{
	const struct below *b = arg;

	return cadence_plan(b->change->t, b->change->author, b->rule, record->id, false, e);
}

/* What the whole firm refers to is planned anew by the timer. */
static enum status follow_through(
	const struct cadence_rule *rule, const struct change *c, struct error *e)
{
	struct below b = { rule, c };
	enum status s = STATUS_OK;

	for (size_t i = 0; c->before && i < rule->nthrough && !s; i++) {
		const struct field *f = rule->through[i];
		if (strcmp(f->refers_to, c->entity->name) != 0)
			continue;
		if (c->entity->flags & E_SHARED)
			return cadence_ask(c->t, rule->id, e);
		s = each_of(c->t, rule->entity, f->name, c->after->id, plan_below, &b, e);
	}
	return s;
}

/* What moves rules */

static enum status ask_all(const struct cadence_rules *rules, const struct change *c,
	struct bytes setting, struct error *e)
{
	enum status s = stamp_change(c->t, e);

	for (size_t i = 0; i < rules->n && !s; i++)
		if (!setting.len || bytes_equal_str(setting, rules->rules[i].setting))
			s = cadence_ask(c->t, rules->rules[i].id, e);
	return s;
}

static bool field_differs(const struct change *c, const char *name)
{
	return c->before && value_changed(c->entity, c->before, c->after, name);
}

/* A rule, an entry's attributes, a setting that holds a rule's figures. */
static enum status follow_rules(
	const struct cadence_rules *rules, const struct change *c, struct error *e)
{
	enum status s;

	switch (c->entity->number) {
	case ENTITY_CADENCE_RULE:
		s = stamp_change(c->t, e);
		return s ? s : cadence_ask(c->t, c->after->id, e);
	case ENTITY_DICTIONARY_ENTRY:
		return field_differs(c, "attributes") ? ask_all(rules, c, bytes_of("", 0), e)
						      : STATUS_OK;
	case ENTITY_SETTING:
		return field_differs(c, "value")
			       ? ask_all(rules, c, model_text(c->entity, c->after->fields, "name"),
					 e)
			       : STATUS_OK;
	default:
		return STATUS_OK;
	}
}

/* A new record is read once for all rules that it starts: none of them changes it. */
static enum status plan_new(
	const struct cadence_rules *rules, const struct change *c, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored record;
	bool read = false, there = false;
	enum status s = STATUS_OK;

	for (size_t i = 0; i < rules->n && !s; i++) {
		const struct cadence_rule *rule = &rules->rules[i];
		if (!concerns_itself(rule, c))
			continue;
		if (!read)
			there = !store_get(
				c->t, &scope_all, rule->entity, c->after->id, &room, &record, NULL);
		read = true;
		s = plan_record(
			c->t, c->author, rule, c->after->id, there ? &record : NULL, true, e);
	}
	buf_free(&room);
	return s;
}

enum status cadence_follow(struct cadence_rules **cache, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	const struct change c = { t, author, entity, before, after };
	const struct cadence_rules *rules = cadence_rules_of(cache, t);
	enum status s = follow_rules(rules, &c, e);

	if (!s && !before)
		s = plan_new(rules, &c, e);
	/* rules are read anew once the record that changed them stands */
	for (size_t i = 0; i < rules->n && !s; i++) {
		const struct cadence_rule *rule = &rules->rules[i];
		if (before && concerns_itself(rule, &c))
			s = cadence_plan(t, author, rule, after->id, false, e);
		if (!s)
			s = follow_up(rule, &c, e);
		if (!s)
			s = follow_through(rule, &c, e);
	}
	return s;
}

/* Planning a rule anew for all records */

#define TODO_KEY (sizeof todo_key - 1 + 8)

static void todo(uint8_t key[TODO_KEY], uint64_t rule)
{
	memcpy(key, todo_key, sizeof todo_key - 1);
	put_be64(key + sizeof todo_key - 1, rule);
}

static enum status todo_put(struct txn *t, uint64_t rule, uint64_t reached, struct error *e)
{
	uint8_t key[TODO_KEY], value[8];

	todo(key, rule);
	put_be64(value, reached);
	return txn_put(t, SPACE_META, bytes_of(key, sizeof key), bytes_of(value, sizeof value), e);
}

enum status cadence_ask(struct txn *t, uint64_t rule, struct error *e)
{
	return todo_put(t, rule, 0, e);
}

static bool todo_first(struct txn *t, uint64_t *rule, uint64_t *reached)
{
	struct walk *w = NULL;
	struct bytes key;
	struct buf value = BUF_INIT;
	bool found = false;

	if (walk_open(t, SPACE_META, bytes_str(todo_key), &w, NULL))
		return false;
	while (!found && walk_next(w, &key))
		if (key.len == TODO_KEY && !walk_value(w, &value, NULL) && value.len == 8) {
			*rule = get_be64(key.data + sizeof todo_key - 1);
			*reached = get_be64(value.data);
			found = true;
		}
	walk_close(&w);
	buf_free(&value);
	return found;
}

bool cadence_asked(struct txn *t)
{
	uint64_t rule, reached;

	return todo_first(t, &rule, &reached);
}

bool cadence_waits(struct txn *t, uint64_t rule)
{
	uint8_t key[TODO_KEY];
	struct buf value = BUF_INIT;
	bool waits;

	todo(key, rule);
	waits = txn_get(t, SPACE_META, bytes_of(key, sizeof key), &value, NULL) == STATUS_OK;
	buf_free(&value);
	return waits;
}

/* The ids of the next records of an entity. */
static size_t next_records(
	struct txn *t, const struct entity *entity, uint64_t after, uint64_t ids[SOME_RECORDS])
{
	uint8_t prefix[2], from[10];
	struct walk *w = NULL;
	struct bytes key;
	size_t n = 0;

	put_be16(prefix, entity->number);
	put_be16(from, entity->number);
	put_be64(from + 2, after + 1);
	if (walk_open(t, SPACE_REC, bytes_of(prefix, sizeof prefix), &w, NULL))
		return 0;
	walk_seek(w, bytes_of(from, sizeof from));
	while (n < SOME_RECORDS && walk_next(w, &key))
		ids[n++] = get_be64(key.data + 2);
	walk_close(&w);
	return n;
}

/* The rule as it stands, in use or not. false: it was never there, or cannot be read. */
static bool read_rule(
	struct txn *t, struct lookup *l, struct arena *arena, uint64_t id, struct cadence_rule *out)
{
	const struct entity *en = model_entity(t, ENTITY_CADENCE_RULE);
	struct buf room = BUF_INIT;
	struct stored record;
	struct error why;
	bool read = false;

	error_init(&why);
	if (!store_get(t, &scope_all, en, id, &room, &record, NULL)) {
		read = !cadence_rule_read(l, arena, &record, out, &why) || out->entity;
		out->active = read && !why.nfields && out->active && !record.deleted;
	}
	error_clear(&why);
	buf_free(&room);
	return read;
}

enum status cadence_some(struct call *c, struct error *e)
{
	uint64_t *ids = arena_alloc(c->arena, SOME_RECORDS * sizeof *ids);
	struct lookup *l = lookup_new(c->txn, &scope_all, txn_schema(c->txn), false, c->arena);
	uint8_t key[TODO_KEY];
	struct cadence_rule rule;
	uint64_t id, reached;
	size_t n = 0;
	enum status s = STATUS_OK;

	if (!todo_first(c->txn, &id, &reached)) {
		lookup_free(&l);
		return STATUS_OK;
	}
	if (read_rule(c->txn, l, c->arena, id, &rule))
		n = next_records(c->txn, rule.entity, reached, ids);
	for (size_t i = 0; i < n && !s; i++)
		s = cadence_plan(c->txn, &c->author, &rule, ids[i], false, e);
	lookup_free(&l);
	todo(key, id);
	if (!s)
		s = n == SOME_RECORDS ? todo_put(c->txn, id, ids[n - 1], e)
				      : txn_del(c->txn, SPACE_META, bytes_of(key, sizeof key), e);
	return s;
}
