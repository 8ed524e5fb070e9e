/*
 * The entity tables, the dictionaries' default entries, and the few things that are more than fields.
 */
#ifndef SERVER_MODEL_MODEL_H
#define SERVER_MODEL_MODEL_H

#include "common/birthday.h"
#include "common/type.h"
#include "server/store/store.h"

/* Numbers of the entities that code must know. Never reused. */
enum entity_number {
	ENTITY_CUSTOMER = 1,
	ENTITY_CONTACT = 2,
	ENTITY_ACTIVITY = 3,
	ENTITY_TASK = 4,
	ENTITY_REMINDER = 5,
	ENTITY_USER = 6,
	ENTITY_ROLE = 7,
	ENTITY_BRANCH = 8,
	ENTITY_TEAM = 9,
	ENTITY_REGION = 10,
	ENTITY_PORTFOLIO = 11,
	ENTITY_DICTIONARY = 12,
	ENTITY_DICTIONARY_ENTRY = 13,
	ENTITY_SETTING = 14,
	ENTITY_OPERATION = 15,
	ENTITY_NOTE = 16,
	ENTITY_LEAD = 17,
	ENTITY_OPPORTUNITY = 18,
	ENTITY_PRODUCT = 19,
	ENTITY_PRODUCT_PRICE = 20,
	ENTITY_SALE = 21,
	ENTITY_CONTRACT = 22,
	ENTITY_PAYMENT = 23,
	ENTITY_SALES_PLAN = 24,
	ENTITY_PLAN_STEP = 25,
	ENTITY_PLAN_LINE = 26,
	ENTITY_OPERATING_RECORD = 27,
	ENTITY_QUALIFICATION_REVIEW = 28,
	ENTITY_CUSTOM_FIELD = 44,
	ENTITY_CALENDAR_DAY = 45,
	ENTITY_DOCUMENT = 30,
	ENTITY_FEEDBACK = 31,
	ENTITY_SERVICE_ORDER = 32,
	ENTITY_PART = 33,
	ENTITY_PART_MOVEMENT = 34,
	ENTITY_ARTICLE = 35,
	ENTITY_CAMPAIGN = 36,
	ENTITY_MESSAGE = 37,
	ENTITY_SURVEY_RESPONSE = 38,
	ENTITY_POINTS_ENTRY = 39,
	ENTITY_CONSENT = 40,
	ENTITY_WORK_PLAN = 41,
	ENTITY_SAVED_FILTER = 42,
	ENTITY_NOTICE = 43,
	ENTITY_CADENCE_RULE = 46,
};

/* Tags that code must know, read from the tables at start: never numbers in code. */
uint16_t model_tag(const struct schema *s, const char *entity,
	const char *field); /* aborts if there is none */

/* A field of a record by name: 0, or len 0, when it is not set or the entity has none of that name (NULL too). */
uint64_t model_number(const struct entity *entity, struct bytes fields, const char *name);
struct bytes model_text(const struct entity *entity, struct bytes fields, const char *name);
/* Of a user by the fields of the record: its own, else its branch's, else ZONE_DEFAULT. */
const struct zone *model_user_zone(struct txn *t, struct bytes user);

enum status model_schema(struct schema **out, struct error *e);
/* The fields that the records of custom_field make: option fields of the store. */
store_fields_fn model_custom_fields;

/* Fills an empty store: dictionaries, roles, branch main, the general portfolio, settings, and the first administrator (without a password). */
enum status model_fill(struct txn *t, const struct author *author, const char *admin,
	uint64_t *admin_id, struct error *e);

/* What a newer program's new stores hold and this one lacks: dictionaries, settings; rules of rhythm, not in use. Nothing is put when nothing is missing. */
enum status model_fill_missing(struct txn *t, const struct author *author, struct error *e);

/* A dictionary entry as it was read; strings live as long as the arena. */
struct entry {
	uint64_t id, version;
	uint64_t dictionary; /* id */
	int64_t order;
	const char *code, *zh, *en, *attributes;
	bool active, standard; /* standard: the default entry */
};

/* Look-ups of names for parsing and printing, remembered for one call. */
struct lookup;
struct reads;
struct lookup *lookup_new(struct txn *t, const struct scope *scope, const struct schema *schema,
	bool chinese, struct arena *arena);
void lookup_free(struct lookup **l);
/* From now on what is read to be remembered is noted in shared (store/reads.h), which whatever is looked up rests on, but for single records. */
void lookup_share_reads(struct lookup *l, struct reads *shared);
/* How many references were looked up by anything but the id. */
size_t lookup_by_name(const struct lookup *l);
/* For model_check in a read transaction: numbers that new records get are not taken yet. */
void lookup_put_numbers_off(struct lookup *l);
/* The field whose number was put off since it was asked for last; 0: none. An entity has one such field at most. */
uint16_t lookup_numbered(struct lookup *l);
/* Contexts whose arg is the look-up. */
struct parse_context lookup_parse_context(
	struct lookup *l, civil_date today, const struct zone *zone);
struct format_context lookup_format_context(struct lookup *l, const struct zone *zone);
/* id of a dictionary entry by code; 0 if there is none. */
uint64_t lookup_entry(struct lookup *l, const char *dictionary, const char *code);
/* The entries of a dictionary in their order, *n of them; none when there is no such dictionary. Valid as long as the look-up. */
const struct entry *const *lookup_entries(struct lookup *l, const char *dictionary, size_t *n);
/* Code of an entry id, "" if there is none; valid as long as the arena. */
const char *lookup_code(struct lookup *l, uint64_t entry);
/* A setting's value, its default if unset. */
struct bytes lookup_setting(struct lookup *l, const char *name);
long lookup_setting_number(struct lookup *l, const char *name);
/* How birthdays are celebrated, by the settings and the record's entry of birthday_calendar (0: as entered). */
struct birthday_rule lookup_birthday_rule(struct lookup *l, uint64_t calendar);

/*
 * What must hold before a record is written, for a new one (before NULL) or a changed one: defaults filled, required fields, references to
 * entities that are there, rules of this entity (hooks). fields: the whole record as it shall stand; computed fields as they stood
 * in before are passed over. out: what store_put takes. All bad fields at once: fields that e already calls bad (they could not be
 * parsed) count as given. user 0: the server itself, which may set its own fields.
 */
struct model_write {
	struct txn *txn;
	const struct author *author;
	const struct scope *scope; /* of the caller: references must be visible */
	struct lookup *lookup;
	uint64_t user, branch, team; /* of the caller: for defaults */
	civil_date today;
	const struct entity *entity;
	const struct stored *before; /* NULL: new */
	uint64_t id;                 /* 0: new */
	/* Whether the caller has a right that lifts a rule; NULL: none. */
	bool (*may)(const void *may_arg, const char *right);
	const void *may_arg;
};
enum status model_check(
	const struct model_write *w, struct bytes fields, struct buf *out, struct error *e);
/* The record that model_check has made, with the number that was put off. */
enum status model_number_now(const struct model_write *w, uint16_t tag, struct bytes fields,
	struct buf *out, struct error *e);
/* After store_put: the changes to other records that belong to it (one primary contact, dates of last contact ...). The store observer calls it. */
enum status model_after(struct txn *t, const struct author *author, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e);

/* Appends the computed fields of a record that are worked out when it is read, for who sees this scope (NULL: an administrator): nothing for most. */
void model_present(struct txn *t, const struct scope *scope, const struct entity *entity,
	const struct stored *record, struct buf *more);

/* Computes the computed fields anew and compares; a sentence for each that differs. Returns how many. */
size_t model_check_computed(
	struct txn *t, void (*report)(void *arg, const char *damage), void *arg);

/*
 * Deletes a record with its dependent children, restores exactly what an operation took. Of w these need txn, author, scope, lookup,
 * entity and id. count: records touched; with more than most it is more than most, and nothing is written: then it goes in steps, below.
 * A record in use is STATUS_INVALID with reason in_use and the counts.
 */
enum status model_delete(
	const struct model_write *w, size_t most, uint64_t *count, struct error *e);
enum status model_restore(
	const struct model_write *w, size_t most, uint64_t *count, struct error *e);

/*
 * Deleting in steps, over several transactions. First all that would go is gathered, which writes nothing: roots are ids of w->entity, u64 big-endian
 * each; most: records to look at in this step. *g is NULL before the first and is given to each, by whatever thread. *count: records
 * known so far. At the *end STATUS_INVALID as above.
 */
struct model_gathering;
enum status model_gather(const struct model_write *w, struct bytes roots, size_t most,
	struct model_gathering **g, uint64_t *count, bool *end, struct error *e);
void model_gathering_free(struct model_gathering **g); /* accepts NULL in *g */
/* Then each root by itself (*moved: it was live), then of each that went what depends on it, at most most (*n; fewer: no more is left) ... */
enum status model_delete_one(const struct model_write *w, bool *moved, struct error *e);
enum status model_delete_children(
	const struct model_write *w, size_t most, size_t *n, struct error *e);
/* ... and when all have gone: STATUS_INVALID if others use this one, who may have come meanwhile. */
enum status model_unused(const struct model_write *w, struct error *e);
/* Restoring in steps: each that the operation took is asked, then brought back, then settled (model_settle). */
uint64_t model_deleted_by(struct txn *t, const struct entity *entity,
	uint64_t id); /* operation that put it into the trash last; 0 if the log does not tell */
enum status model_restorable(const struct model_write *w, uint64_t operation, struct error *e);
enum status model_restore_one(const struct model_write *w, struct error *e);

/*
 * Takes a record of the trash away for good, with all in the trash that refers to it, if it was deleted at before_ms or earlier and nothing
 * keeps one of them. *purged: records that went. *later: too many refer to it; they go first, one by one.
 */
struct purge_known { /* the last one that others were asked about: neighbours hang on the same */
	uint64_t ref;
	bool kept;
};
struct model_purge {
	struct txn *txn;
	const struct author *author;
	int64_t before_ms;
	struct purge_known *known;
};
bool model_purgeable(const struct entity *entity); /* records of it ever go */
enum status model_purge(const struct model_purge *p, const struct entity *entity, uint64_t id,
	size_t *purged, bool *later, struct error *e);

/*
 * Records that are likely the same as one with these fields (w: txn, scope, lookup, entity, id, before): by the values that are new or
 * differ from before's. Those in the trash, and those that name the record or that it names (a contact and its customer), do not count. Returns how many, at most max.
 */
struct duplicate {
	const struct field *field; /* of w->entity: whose value they share */
	const struct entity *entity;
	const struct field *other; /* of entity: where it stands there */
	uint64_t id;
	bool visible; /* to w->scope: of others nothing but that they are there may be told */
};
size_t model_duplicates(
	const struct model_write *w, struct bytes fields, struct duplicate *out, size_t max);

/*
 * Merges other into write.before (both live and of write.entity, as the caller sees them): every reference to other, in the trash too, names
 * write.id; what write.before lacks comes from other, lists hold the values of both; where both have a value write.before's stays
 * unless its tag stands in take. other goes to the trash with merged_into, from where ids find the survivor. count: records whose references moved,
 * of those that the caller sees.
 * STATUS_INVALID when the result breaks a rule, STATUS_USAGE for entities that are never merged; nothing is written then. With more references than most
 * *count is more than most, and nothing is written: then it goes in steps.
 */
struct model_merge {
	struct model_write write;
	const struct stored *other;
	const uint32_t *take;
	size_t ntake;
};
enum status model_merge(const struct model_merge *m, size_t most, uint64_t *count, struct error *e);
/* In steps: at most most references, from *place on, which begins with 0; *count grows by those moved. At the *end the two themselves. */
enum status model_merge_move(const struct model_merge *m, uint64_t *place, size_t most,
	uint64_t *count, bool *end, struct error *e);
enum status model_merge_end(const struct model_merge *m, struct error *e);
bool model_mergeable(const struct entity *entity);
/* A field whose value comes from one of the two: entered, and none that every record has. */
bool model_merged_field(const struct field *f);
#define MERGED_IDS                                                                                 \
	"merged_ids" /* field of the one that stays: the numbers of those that went, the last one last */

/*
 * Hands over what from is in charge of to to, in all entities that say handed_over, at most most records in a step, from *place on, which begins with
 * 0. *count grows by those that go over. STATUS_INVALID names the record that breaks a rule.
 */
struct model_handover {
	struct model_write write; /* entity, before and id are not read */
	uint64_t from, to;        /* users */
	bool only_count;          /* nothing is written */
};
enum status model_hand_over(const struct model_handover *h, uint64_t *place, size_t most,
	uint64_t *count, bool *end, struct error *e);
size_t model_hand_over_entity(uint64_t place); /* where it is: number in the schema's order */

/* A purpose for which consent is asked, and the entry of consent_state that gives it. */
struct consent_query {
	uint64_t purpose, given;
	civil_date today;
};
/* Whether consents are of records of this entity. */
bool consent_subject(struct txn *t, const struct entity *entity);
/* Whether what the customer or contact said last about the purpose is a consent that holds. */
bool consent_given(
	struct txn *t, const struct consent_query *q, const struct entity *entity, uint64_t id);

/*
 * After an operation that brought records out of the trash (restore, undo), once for each of them when all stand: what must hold
 * among them, such as one primary contact. A record in the trash is passed over.
 */
enum status model_settle(struct txn *t, const struct author *author, const struct entity *entity,
	uint64_t id, struct error *e);

#endif
