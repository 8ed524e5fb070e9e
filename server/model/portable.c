#include "server/model/portable.h"
#include "common/text.h"
#include "server/model/lookup.h"

#define SERVER_BYTES 4
#define OWN "gx-"

/* A unique text that names records of the entity; NULL: they have none. */
static const struct field *number_field(const struct entity *entity)
{
	const struct field *f =
		entity->number_field ? entity_field_named(entity, entity->number_field) : NULL;

	return f && f->type == T_TEXT && f->flags & F_UNIQUE ? f : NULL;
}

/* What tells this server from others: a keyed hash of a word. */
static bool server_word(
	struct lookup *l, const struct entity *entity, char out[2 * SERVER_BYTES + 1])
{
	const struct field *f = entity_field_by_tag(entity, TAG_EXTERNAL_ID);
	struct buf fields = BUF_INIT;
	uint8_t hash[16];

	record_add_text(&fields, f->tag, bytes_str("guanxi"));
	bool done = store_value_hash(
		lookup_txn(l), lookup_entity(l, ENTITY_SETTING), f, buf_bytes(&fields), hash);
	for (size_t i = 0; done && i < SERVER_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	buf_free(&fields);
	return done;
}

static void add_own(struct lookup *l, const struct entity *entity, uint64_t id, struct buf *out)
{
	char word[2 * SERVER_BYTES + 1] = "";

	server_word(l, entity, word);
	buf_printf(out, OWN "%s-%s-%llu", word, entity->name, (unsigned long long)id);
}

void portable_external_id(
	struct lookup *l, const struct entity *entity, const struct stored *record, struct buf *out)
{
	const struct field *number = number_field(entity);

	if (!record_text(record->fields, TAG_EXTERNAL_ID).len &&
		!(number && record_text(record->fields, number->tag).len))
		add_own(l, entity, record->id, out);
}

uint64_t portable_own(struct lookup *l, const struct entity *entity, struct bytes external_id)
{
	struct buf start = BUF_INIT;
	uint64_t id = 0;

	if (!bytes_starts(external_id, bytes_str(OWN)))
		return 0;
	add_own(l, entity, 0, &start);
	start.len--; /* the 0 */
	if (!bytes_starts(external_id, buf_bytes(&start)) ||
		!id_parse(
			bytes_of(external_id.data + start.len, external_id.len - start.len), &id) ||
		!lookup_there(l, entity, id))
		id = 0;
	buf_free(&start);
	return id;
}

bool portable_reference(struct lookup *l, const struct entity *entity, uint64_t id, struct buf *out)
{
	const struct scope *scope = entity->flags & E_SHARED ? &scope_all : lookup_scope(l);
	const struct field *number = number_field(entity);
	struct buf room = BUF_INIT;
	struct stored record;
	struct bytes text;
	uint64_t ignored;
	bool there = !store_get(lookup_txn(l), scope, entity, id, &room, &record, NULL);

	if (there) {
		text = number ? record_text(record.fields, number->tag) : bytes_of("", 0);
		if (text.len && (!(number->flags & F_LOOKUP) || text.data[0] == '@' ||
					id_parse(text, &ignored)))
			buf_printf(out, "@%s:", number->name);
		if (!text.len) {
			buf_add_str(out, "@external_id:");
			text = record_text(record.fields, TAG_EXTERNAL_ID);
		}
		if (text.len)
			buf_add_bytes(out, text);
		else
			add_own(l, entity, id, out);
	}
	buf_free(&room);
	return there;
}
