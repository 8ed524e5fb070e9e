/* The description of the records, with the choices of every choice field. */
#include "server/model/model.h"
#include "server/op/op.h"
#include "server/server.h"
#include <glib.h>

/* Choices of one dictionary, in their order; in the arena. */
struct choices {
	Guanxi__Choice **items;
	size_t n;
};

struct dictionaries {
	struct call *call;
	GHashTable *by_code; /* dictionary code -> struct choices */
};

static Guanxi__Choice *choice_make(const struct entry *entry, struct arena *arena)
{
	Guanxi__Choice *choice = arena_alloc(arena, sizeof(*choice));

	if (!choice)
		return NULL;
	guanxi__choice__init(choice);
	choice->id = entry->id;
	choice->code = pb_from(bytes_str(entry->code));
	choice->has_label_zh = *entry->zh != '\0';
	choice->label_zh = pb_from(bytes_str(entry->zh));
	choice->has_label_en = *entry->en != '\0';
	choice->label_en = pb_from(bytes_str(entry->en));
	return choice;
}

/* NULL when the arena is full. */
static struct choices *dictionary_read(struct dictionaries *d, const char *code)
{
	struct arena *arena = d->call->arena;
	size_t n;
	const struct entry *const *entries = lookup_entries(call_lookup(d->call), code, &n);
	struct choices *list = arena_calloc(arena, 1, sizeof(*list));

	if (!list || !(list->items = arena_calloc(arena, n + 1, sizeof(*list->items))))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!entries[i]->active)
			continue;
		list->items[list->n] = choice_make(entries[i], arena);
		if (!list->items[list->n++])
			return NULL;
	}
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

static bool entity_choices(
	struct dictionaries *d, const struct entity *entity, Guanxi__Entity *message)
{
	for (size_t i = 0; i < message->n_field; i++) {
		const struct field *f = entity_field_by_tag(entity, message->field[i]->tag);
		struct choices *list;
		if (!f || (f->type != T_CHOICE && f->type != T_CHOICES))
			continue;
		list = dictionary_of(d, f->refers_to);
		if (!list)
			return false;
		message->field[i]->choice = list->items;
		message->field[i]->n_choice = list->n;
	}
	return true;
}

static enum status schema_get(struct call *c, struct error *e)
{
	const struct schema *schema = c->schema;
	struct dictionaries d = { .call = c };
	Guanxi__Schema *message = schema_to_message(schema, c->arena);
	bool whole = message != NULL;

	d.by_code = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; whole && i < message->n_entity; i++)
		whole = entity_choices(&d,
			schema_entity_by_number(schema, (uint16_t)message->entity[i]->number),
			message->entity[i]);
	g_hash_table_destroy(d.by_code);
	if (!whole)
		return error_set(e, STATUS_INVALID, "reply too large");
	message->has_dictionary_generation = true;
	message->dictionary_generation = generation_number(c->generation);
	c->reply->schema = message;
	return STATUS_OK;
}

const struct op schema_ops[] = {
	{ .name = "schema.get", .kind = OP_READ, .run = schema_get },
	{ 0 },
};
