/* How often an entry of a dictionary is used: asked of the indexes when it is read, over every field that may name it. */
#include "server/model/computed.h"
#include "server/model/draft.h"

/* Code of the dictionary of an entry; free() it. */
static char *dictionary_code(struct txn *t, const struct stored *entry)
{
	const struct entity *dictionaries = model_entity(t, ENTITY_DICTIONARY);
	uint64_t id =
		model_number(model_entity(t, ENTITY_DICTIONARY_ENTRY), entry->fields, "dictionary");
	struct buf room = BUF_INIT;
	char *code = NULL;
	struct stored s;

	if (!store_get(t, &scope_all, dictionaries, id, &room, &s, NULL))
		code = bytes_dup(model_text(dictionaries, s.fields, "code"));
	buf_free(&room);
	return code;
}

static uint64_t uses_by(
	struct txn *t, const struct entity *en, const char *dictionary, uint64_t entry)
{
	uint64_t count = 0;

	for (size_t i = 0; i < en->nfields; i++) {
		const struct field *f = &en->fields[i];
		struct buf wire = BUF_INIT;
		if ((f->type != T_CHOICE && f->type != T_CHOICES) ||
			strcmp(f->refers_to, dictionary) != 0)
			continue;
		record_add_number(&wire, f->tag, entry);
		count += store_count_equal(t, en, f, buf_bytes(&wire));
		buf_free(&wire);
	}
	return count;
}

void entry_present(
	struct txn *t, const struct scope *scope, const struct stored *entry, struct buf *more)
{
	const struct schema *schema = txn_schema(t);
	const struct entity *entries = model_entity(t, ENTITY_DICTIONARY_ENTRY);
	char *dictionary = scope ? NULL : dictionary_code(t, entry);
	uint64_t count = 0;

	for (size_t i = 0; dictionary && i < schema_count(schema); i++)
		count += uses_by(t, schema_at(schema, i), dictionary, entry->id);
	if (!scope)
		record_add_signed(
			more, entity_field_named(entries, "use_count")->tag, (int64_t)count);
	free(dictionary);
}

void model_present(struct txn *t, const struct scope *scope, const struct entity *entity,
	const struct stored *record, struct buf *more)
{
	const struct hooks *hooks = hooks_of(entity);

	if (hooks && hooks->present)
		hooks->present(t, scope, record, more);
}
