/* What the files of the model share of the look-up; others see model.h alone. */
#ifndef SERVER_MODEL_LOOKUP_H
#define SERVER_MODEL_LOOKUP_H

#include "server/model/model.h"

/* NULL if there is none; entries in the trash are none. */
const struct entry *lookup_entry_of(struct lookup *l, uint64_t id);
/* The default entry of a dictionary, 0 if none. */
uint64_t lookup_standard(struct lookup *l, const char *dictionary);
/* Id of a dictionary by code; 0 if there is none. */
uint64_t lookup_dictionary(struct lookup *l, const char *code);
/* Whether a record is there, not in the trash, and visible in the look-up's scope. */
bool lookup_there(struct lookup *l, const struct entity *entity, uint64_t id);
/* The fields of a record that lookup_there finds, remembered; len 0 if there is none. For small shared records: users, branches, roles. */
struct bytes lookup_fields(struct lookup *l, const struct entity *entity, uint64_t id);
/* Takes the next number of the entity's records for @number: one higher with each call. */
enum status lookup_next_number(
	struct lookup *l, const struct entity *entity, uint64_t *number, struct error *e);
/* Whether the number of a field is only put off: the field gets a text of its form that stands for it. */
bool lookup_number_later(struct lookup *l, const struct field *f);
struct arena *lookup_arena(const struct lookup *l);
/* parse_context.saved; arg is the look-up. */
enum status saved_find(void *arg, const struct entity *entity, struct bytes name,
	struct saved_filter *out, struct error *e);
const struct schema *lookup_schema(const struct lookup *l);
const struct entity *lookup_entity(const struct lookup *l, enum entity_number number);
struct txn *lookup_txn(const struct lookup *l);
const struct scope *lookup_scope(const struct lookup *l);

/* Value of NAME in "a=b;c=d"; len 0 if it is not there. */
struct bytes attribute(const char *attributes, const char *name);
/* "door_to_door" -> "Door to door" */
void code_in_words(const char *code, struct buf *out);

#endif
