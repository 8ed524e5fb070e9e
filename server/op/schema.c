/* The description of the records, with the choices of every choice field. */
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/server.h"
#include <glib.h>

#define ENTRIES 256

/* Choices of one dictionary, in their order; in the arena. */
struct choices {
	Guanxi__Choice **items;
	int64_t *order;
	size_t n, cap;
};

/* Tags of what is read here. */
struct entry_tags {
	uint16_t dictionary, code, zh, en, order, active;
};

struct dictionaries {
	struct call *call;
	const struct entity *entity;
	struct entry_tags tags;
	GHashTable *by_code; /* dictionary code -> struct choices */
	uint64_t generation;
};

static bool choices_grow(struct choices *list, struct arena *arena)
{
	size_t cap = list->cap ? list->cap * 2 : 16;
	Guanxi__Choice **items;
	int64_t *order;

	if (list->n < list->cap)
		return true;
	items = arena_alloc(arena, cap * sizeof(*items));
	order = arena_alloc(arena, cap * sizeof(*order));
	if (!items || !order)
		return false;
	if (list->n) {
		memcpy(items, list->items, list->n * sizeof(*items));
		memcpy(order, list->order, list->n * sizeof(*order));
	}
	list->items = items;
	list->order = order;
	list->cap = cap;
	return true;
}

/* Keeps the entries in the order of sort_order, then of ids. */
static bool choices_add(
	struct choices *list, Guanxi__Choice *choice, int64_t order, struct arena *arena)
{
	size_t at;

	if (!choices_grow(list, arena))
		return false;
	for (at = list->n; at > 0 && list->order[at - 1] > order; at--) {
		list->items[at] = list->items[at - 1];
		list->order[at] = list->order[at - 1];
	}
	list->items[at] = choice;
	list->order[at] = order;
	list->n++;
	return true;
}

static Guanxi__Choice *choice_make(
	struct dictionaries *d, const struct stored *record, struct arena *arena)
{
	Guanxi__Choice *choice = arena_alloc(arena, sizeof(*choice));
	struct bytes zh = record_text(record->fields, d->tags.zh);
	struct bytes en = record_text(record->fields, d->tags.en);

	if (!choice)
		return NULL;
	guanxi__choice__init(choice);
	choice->id = record->id;
	choice->code = pb_from(arena_copy(arena, record_text(record->fields, d->tags.code)));
	choice->has_label_zh = zh.len > 0;
	choice->label_zh = pb_from(arena_copy(arena, zh));
	choice->has_label_en = en.len > 0;
	choice->label_en = pb_from(arena_copy(arena, en));
	return choice;
}

static struct choices *dictionary_read(struct dictionaries *d, const char *code)
{
	struct arena *arena = d->call->arena;
	const struct entity *dictionary =
		schema_entity_by_number(d->call->server->schema, ENTITY_DICTIONARY);
	const struct scope present = { .all = true };
	struct choices *list = arena_calloc(arena, 1, sizeof(*list));
	struct buf room = BUF_INIT, wire = BUF_INIT;
	uint64_t id, ids[ENTRIES], after = 0;
	struct stored record;
	size_t n;

	if (!list || store_find_unique(d->call->txn, dictionary,
			     entity_field_named(dictionary, "code"), bytes_str(code), &id, NULL))
		return list;
	record_add_number(&wire, d->tags.dictionary, id);
	while ((n = store_find_equal(d->call->txn, d->entity,
			entity_field_by_tag(d->entity, d->tags.dictionary), buf_bytes(&wire), after,
			ids, ENTRIES)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (store_get(d->call->txn, &present, d->entity, ids[i], &room, &record,
				    NULL))
				continue;
			d->generation += record.version + record.id * 31;
			Guanxi__Choice *choice = choice_make(d, &record, arena);
			if (choice && record_number(record.fields, d->tags.active))
				choices_add(list, choice,
					record_signed(record.fields, d->tags.order), arena);
		}
		after = ids[n - 1];
	}
	buf_free(&room);
	buf_free(&wire);
	return list;
}

static struct choices *dictionary_of(struct dictionaries *d, const char *code)
{
	struct choices *list = g_hash_table_lookup(d->by_code, code);

	if (list)
		return list;
	list = dictionary_read(d, code);
	if (list)
		g_hash_table_insert(d->by_code, (char *)code, list);
	return list;
}

static void entity_choices(
	struct dictionaries *d, const struct entity *entity, Guanxi__Entity *message)
{
	for (size_t i = 0; i < message->n_field; i++) {
		const struct field *f = entity_field_by_tag(entity, message->field[i]->tag);
		struct choices *list;
		if (!f || (f->type != T_CHOICE && f->type != T_CHOICES))
			continue;
		list = dictionary_of(d, f->refers_to);
		message->field[i]->choice = list ? list->items : NULL;
		message->field[i]->n_choice = list ? list->n : 0;
	}
}

static enum status schema_get(struct call *c, struct error *e)
{
	const struct schema *schema = c->server->schema;
	struct dictionaries d = { .call = c,
		.entity = schema_entity_by_number(schema, ENTITY_DICTIONARY_ENTRY) };
	Guanxi__Schema *message = schema_to_message(schema, c->arena);

	if (!message)
		return error_set(e, STATUS_INVALID, "reply too large");
	d.tags = (struct entry_tags){ model_tag(schema, "dictionary_entry", "dictionary"),
		model_tag(schema, "dictionary_entry", "code"),
		model_tag(schema, "dictionary_entry", "label_zh"),
		model_tag(schema, "dictionary_entry", "label_en"),
		model_tag(schema, "dictionary_entry", "sort_order"),
		model_tag(schema, "dictionary_entry", "active") };
	d.by_code = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < message->n_entity; i++)
		entity_choices(&d,
			schema_entity_by_number(schema, (uint16_t)message->entity[i]->number),
			message->entity[i]);
	g_hash_table_destroy(d.by_code);
	message->has_dictionary_generation = true;
	message->dictionary_generation = d.generation;
	c->reply->schema = message;
	return STATUS_OK;
}

const struct op schema_ops[] = {
	{ .name = "schema.get", .kind = OP_READ, .run = schema_get },
	{ 0 },
};
