/* Computed fields of other records, and what the hooks read to compute them. */
#ifndef SERVER_MODEL_COMPUTED_H
#define SERVER_MODEL_COMPUTED_H

#include "server/model/model.h"

#define COMPUTED_MAX 24

struct computed {
	struct txn *txn;
	const struct entity *entity;
	uint64_t id;
	struct {
		uint32_t tag;
		uint64_t number;
	} set[COMPUTED_MAX];
	size_t n;
	uint32_t list_tag; /* 0: none; of one field that is a list */
	uint64_t *list;
	size_t nlist;
};

void computed_init(struct computed *c, struct txn *t, enum entity_number entity, uint64_t id);
void computed_number(struct computed *c, const char *field, uint64_t v); /* 0 clears it */
void computed_bool(struct computed *c, const char *field, bool v);
void computed_money(struct computed *c, const char *field, int64_t fen); /* 0 is a value */
/* Copies ids, ascending, of one list field; computed_release() afterwards. */
void computed_list(struct computed *c, const char *field, const uint64_t *ids, size_t n);
void computed_release(struct computed *c);
/* Writes what differs; a record in the trash is left alone. */
enum status computed_write(const struct computed *c, struct error *e);
/* The same of a live record that was read already, as it stands with its computed fields. */
enum status computed_write_over(
	const struct computed *c, const struct stored *record, struct error *e);

/* Sets in out all computed fields of a live record, as they follow from what stands. */
typedef enum status compute_fn(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e);
/* Compares the computed fields of every live record of an entity with what fn says; a sentence for each that differs. Returns how many. */
size_t computed_check(struct txn *t, enum entity_number entity, compute_fn *fn,
	void (*report)(void *arg, const char *damage), void *arg);

const struct entity *model_entity(struct txn *t, enum entity_number number);
/* Whether any record, live, has this id in the reference field. */
bool any_of(struct txn *t, const struct entity *en, const char *field, uint64_t id);
/* Whether the last change of a record was an undo: it puts back by itself what the change had done to others. */
bool last_was_undo(struct txn *t, const struct entity *entity, uint64_t id);
/* Of who writes: the author's zone decides. */
civil_date author_today(struct txn *t, const struct author *author);
bool value_changed(const struct entity *en, const struct stored *before, const struct stored *after,
	const char *field);
/* Reads a record that is not in the trash. */
bool read_live(
	struct txn *t, const struct entity *en, uint64_t id, struct buf *room, struct stored *out);
uint64_t entry_id(struct txn *t, const char *key); /* "dictionary.code"; 0 if there is none */
/* Whether the entry's attribute has this value. */
bool entry_says(struct txn *t, uint64_t entry, const char *name, const char *value);

/* Calls fn for every live record whose reference field names id, until it fails. */
typedef enum status each_fn(void *arg, const struct stored *record, struct error *e);
enum status each_of(struct txn *t, const struct entity *en, const char *field, uint64_t id,
	each_fn *fn, void *arg, struct error *e);
/* Writes one number field of a record through store_put; 0 clears it. */
enum status put_number(struct txn *t, const struct author *author, const struct entity *en,
	const struct stored *record, const char *field, uint64_t v, bool keep_zero,
	struct error *e);

/* What activities, tasks and reminders give their customer and contact: parts of the compute hooks. */
enum status work_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e);
enum status work_compute_contact(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e);
enum status work_compute_lead(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e);
enum status work_compute_opportunity(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e);
/* What sales, payments, contracts and reviews give their customer. */
enum status sales_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e);

/* The points of a customer: part of its compute hook. */
enum status points_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e);

#endif
