#include "server/remind/whom.h"
#include "server/model/computed.h"
#include "server/model/lookup.h"

#define LEVELS 8 /* of superiors */
#define LENT_MAX 16

/* What is asked of a user's record. */
struct person {
	bool active;
	uint64_t deputy, superior, branch, team;
	civil_date deputy_until;
};

static uint64_t number_of(struct txn *t, enum entity_number entity, uint64_t id, const char *field)
{
	const struct entity *en = model_entity(t, entity);
	struct buf room = BUF_INIT;
	struct stored s;
	uint64_t number = 0;

	if (id && read_live(t, en, id, &room, &s))
		number = model_number(en, s.fields, field);
	buf_free(&room);
	return number;
}

/* One that has not joined yet finds it later; one that was suspended or left does not. */
static struct person person_read(struct txn *t, uint64_t user)
{
	const struct entity *en = model_entity(t, ENTITY_USER);
	struct buf room = BUF_INIT;
	struct person p = { 0 };
	struct stored s;

	if (user && read_live(t, en, user, &room, &s)) {
		uint64_t state = model_number(en, s.fields, "state");
		p.active = !model_number(en, s.fields, "left_on") &&
			   state != entry_id(t, "user_state.left") &&
			   state != entry_id(t, "user_state.suspended");
		p.deputy = model_number(en, s.fields, "deputy");
		p.deputy_until = (civil_date)model_number(en, s.fields, "deputy_until");
		p.superior = model_number(en, s.fields, "superior");
		p.branch = model_number(en, s.fields, "branch");
		p.team = model_number(en, s.fields, "team");
	}
	buf_free(&room);
	return p;
}

static bool active(struct txn *t, uint64_t user)
{
	return user && person_read(t, user).active;
}

/* The owner of the first record that this one follows (a contact's customer). */
static uint64_t owner_above(struct txn *t, const struct entity *entity, struct bytes fields)
{
	const char *rest = entity->scope_fields;
	struct buf room = BUF_INIT;
	uint64_t owner = 0;

	while (rest && *rest && !owner) {
		size_t len = strcspn(rest, "|");
		const struct field *f = entity_field(entity, bytes_of(rest, len));
		uint64_t named = f ? record_number(fields, f->tag) : 0;
		bool any = f && f->type == T_REF_ANY;
		const struct entity *en =
			!f    ? NULL
			: any ? schema_entity_by_number(txn_schema(t), any_ref_entity(named))
			      : schema_entity(txn_schema(t), bytes_str(f->refers_to));
		struct stored s;

		named = any ? any_ref_id(named) : named;
		if (en && named && !store_get(t, &scope_all, en, named, &room, &s, NULL))
			owner = model_number(en, s.fields, en->owner_field);
		rest += len + (rest[len] == '|');
	}
	buf_free(&room);
	return owner;
}

uint64_t whom_above(struct txn *t, uint64_t user)
{
	struct person p = person_read(t, user);

	for (int i = 0; i < LEVELS && p.superior; i++) {
		uint64_t superior = p.superior;
		if (superior != user && active(t, superior))
			return superior;
		p.superior = person_read(t, superior).superior;
	}
	uint64_t leader = number_of(t, ENTITY_TEAM, p.team, "leader");
	uint64_t manager = number_of(t, ENTITY_BRANCH, p.branch, "manager");

	if (leader != user && active(t, leader))
		return leader;
	return manager != user && active(t, manager) ? manager : 0;
}

/* Whether a role may do everything. */
static bool rules_all(const struct entity *roles, struct bytes fields)
{
	struct bytes rest = record_run(fields, entity_field_named(roles, "rights")->tag);
	struct wire_field w;

	while (record_next(&rest, &w, NULL))
		if (bytes_equal_str(w.bytes, "*"))
			return true;
	return false;
}

static size_t add_holders(struct txn *t, uint64_t role, uint64_t *users, size_t n, size_t max)
{
	const struct entity *en = model_entity(t, ENTITY_USER);
	const struct field *roles = entity_field_named(en, "roles");
	struct buf wire = BUF_INIT;
	uint64_t ids[32], after = 0;
	size_t got;

	record_add_number(&wire, roles->tag, role);
	while (n < max &&
		(got = store_find_equal(t, en, roles, buf_bytes(&wire), after, ids, 32))) {
		for (size_t i = 0; i < got && n < max; i++)
			if (active(t, ids[i]))
				users[n++] = ids[i];
		after = ids[got - 1];
	}
	buf_free(&wire);
	return n;
}

size_t whom_administrators(struct txn *t, uint64_t *users, size_t max)
{
	const struct entity *en = model_entity(t, ENTITY_ROLE);
	struct buf room = BUF_INIT;
	struct stored s;
	uint64_t end = 0;
	size_t n = 0;

	if (store_next_id(t, en, &end, NULL))
		return 0;
	for (uint64_t role = 1; role < end && n < max; role++)
		if (read_live(t, en, role, &room, &s) && rules_all(en, s.fields))
			n = add_holders(t, role, users, n, max);
	buf_free(&room);
	return n;
}

/* The first of some users who can look, or whose deputy can. */
static uint64_t first_active(struct txn *t, const uint64_t *users, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct person p = person_read(t, users[i]);
		if (p.active)
			return users[i];
		if (active(t, p.deputy))
			return p.deputy;
	}
	return 0;
}

uint64_t remind_user_of(struct txn *t, const struct entity *entity, const struct field *field,
	const struct stored *record)
{
	struct bytes fields = record->fields;
	uint64_t own[] = { model_number(entity, fields, field->remind_user),
		model_number(entity, fields, entity->owner_field), owner_above(t, entity, fields) };
	uint64_t user = first_active(t, own, 3);

	for (size_t i = 0; i < 3 && !user; i++)
		user = whom_above(t, own[i]);
	if (!user) {
		uint64_t last[] = { number_of(t, ENTITY_BRANCH,
					    model_number(entity, fields, "branch"), "manager"),
			record_number(fields, TAG_CREATED_BY) };
		user = first_active(t, last, 2);
	}
	if (!user && !whom_administrators(t, &user, 1))
		user = 0;
	return user;
}

uint64_t whom_stand_in(struct txn *t, uint64_t user, int64_t now_ms)
{
	struct person p = person_read(t, user);

	if (!p.deputy || !p.deputy_until || p.deputy == user ||
		p.deputy_until < zone_date(user_zone(t, user), now_ms))
		return 0;
	return active(t, p.deputy) ? p.deputy : 0;
}

static void tell(const struct author *author, uint64_t user)
{
	if (author->told)
		author->told(author->told_arg, user);
}

enum status whom_deliver(struct txn *t, const struct author *author, uint64_t user,
	struct inbox_row *row, struct error *e)
{
	uint64_t other = whom_stand_in(t, user, row->fired_ms);
	struct inbox_row copy = *row;
	enum status s = inbox_put(t, user, row, e);

	tell(author, user);
	if (!s && other) {
		s = inbox_lend(t, other, &copy, e);
		tell(author, other);
	}
	return s;
}

enum status whom_clear(struct txn *t, const struct author *author, uint64_t user, uint64_t reminder,
	uint64_t seq, struct error *e)
{
	uint64_t lent[LENT_MAX];
	size_t n = inbox_lent(t, reminder, lent, LENT_MAX);
	enum status s = inbox_acknowledge(t, user, reminder, seq, author->now_ms, e);

	tell(author, user);
	for (size_t i = 0; i < n && !s; i++) {
		s = inbox_give_back(t, lent[i], reminder, e);
		if (!s && lent[i] != user)
			s = inbox_acknowledge(t, lent[i], reminder, seq, author->now_ms, e);
		tell(author, lent[i]);
	}
	return s;
}
