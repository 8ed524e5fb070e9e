/* Index keys by which records that are likely the same are found. */
#include "common/name_match.h"
#include "server/store/internal.h"

#define MATCH_HASH 8

/* What the values of the field stand for, hashed; false: nothing to match. */
static bool match_key(const struct store *s, const struct entity *en, const struct field *f,
	struct bytes fields, struct key *out)
{
	const struct field *name = en->name_field ? entity_field_named(en, en->name_field) : NULL;
	bool birthday = f->match == MATCH_BIRTHDAY;
	struct buf form = BUF_INIT;
	uint8_t hash[KEY_HASH];
	bool there = name && record_has(fields, f->tag);

	if (there)
		name_match(record_text(fields, name->tag), &form);
	there = form.len > 0;
	if (there && birthday) {
		buf_add_u8(&form, 0);
		buf_add_bytes(&form, record_text(fields, f->tag));
	}
	if (there) {
		store_hash(s, "match", buf_bytes(&form), hash);
		*out = key_index(en->number, birthday ? KEY_MATCH_BIRTHDAY : KEY_MATCH_NAME);
		memcpy(out->data + out->len, hash, MATCH_HASH);
		out->len += MATCH_HASH;
	}
	buf_free(&form);
	return there;
}

void match_keys(const struct store *s, const struct shape *sh, uint64_t id, struct bytes fields,
	struct key_set *out)
{
	struct key k;

	for (size_t i = 0; i < sh->nmatches; i++)
		if (match_key(s, sh->entity, sh->matches[i], fields, &k)) {
			key_add_u64(&k, id);
			key_set_add(out, &k);
		}
}

size_t store_find_match(struct txn *t, const struct entity *entity, const struct field *f,
	struct bytes fields, uint64_t after_id, uint64_t *ids, size_t max)
{
	struct key list;

	if (!match_key(t->store, entity, f, fields, &list))
		return 0;
	return posting_ids(t, SPACE_IDX, key_bytes(&list), after_id, ids, max);
}
