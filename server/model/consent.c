/* Whether somebody has agreed to a use of what is known about him. */
#include "server/model/model.h"
#include "server/store/query.h"

#define PAGE 64

/* The field of a consent that names whom it is of: the contact, else the customer. */
static const struct field *subject_field(const struct entity *consents, const struct entity *en)
{
	for (size_t i = 0; i < consents->nfields; i++) {
		const struct field *f = &consents->fields[i];
		if (f->type == T_REF && f->tag < TAG_EXTERNAL_ID &&
			!strcmp(f->refers_to, en->name) &&
			(en->number == ENTITY_CUSTOMER || en->number == ENTITY_CONTACT))
			return f;
	}
	return NULL;
}

bool consent_subject(struct txn *t, const struct entity *entity)
{
	return subject_field(schema_entity_by_number(txn_schema(t), ENTITY_CONSENT), entity) !=
	       NULL;
}

/* When the person said so: a withdrawal is later than what it withdraws. */
static int64_t said_at(const struct entity *en, struct bytes fields)
{
	int64_t given = record_signed(fields, entity_field_named(en, "given_at")->tag);
	int64_t withdrawn = record_signed(fields, entity_field_named(en, "withdrawn_at")->tag);

	return withdrawn > given ? withdrawn : given;
}

static bool holds(const struct consent_query *q, const struct entity *en, struct bytes fields)
{
	const struct field *until = entity_field_named(en, "expires_on");

	return record_number(fields, entity_field_named(en, "state")->tag) == q->given &&
	       (!record_has(fields, until->tag) || record_signed(fields, until->tag) >= q->today);
}

bool consent_given(
	struct txn *t, const struct consent_query *q, const struct entity *entity, uint64_t id)
{
	const struct entity *en = schema_entity_by_number(txn_schema(t), ENTITY_CONSENT);
	const struct field *subject = subject_field(en, entity);
	uint16_t purpose = entity_field_named(en, "purpose")->tag;
	uint16_t person = entity_field_named(en, "contact")->tag;
	struct buf wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[PAGE], after = 0;
	struct stored r;
	int64_t last = INT64_MIN;
	bool given = false;
	size_t n;

	record_add_number(&wire, subject->tag, id);
	while ((n = store_find_equal(t, en, subject, buf_bytes(&wire), after, ids, PAGE)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (store_get(t, &scope_all, en, ids[i], &room, &r, NULL) ||
				record_number(r.fields, purpose) != q->purpose ||
				(subject->tag != person && record_has(r.fields, person)) ||
				said_at(en, r.fields) < last)
				continue;
			/* of two at the same moment the stricter one counts */
			given = holds(q, en, r.fields) && (given || said_at(en, r.fields) > last);
			last = said_at(en, r.fields);
		}
		after = ids[n - 1];
	}
	buf_free(&wire);
	buf_free(&room);
	return given;
}
