/* A record on its way through model_check: changed in place, its faults gathered. */
#ifndef SERVER_MODEL_DRAFT_H
#define SERVER_MODEL_DRAFT_H

#include "server/model/computed.h"
#include "server/model/lookup.h"

struct draft {
	const struct model_write *w;
	struct buf fields; /* wire form, ascending tags */
	struct error *e;
	size_t faults;      /* bad fields found here */
	enum status failed; /* a failure that is no bad field */
};

static inline struct bytes draft_bytes(const struct draft *d)
{
	return buf_bytes(&d->fields);
}

/* By field name; the field must exist. */
uint16_t draft_tag(const struct draft *d, const char *field);
bool draft_has(const struct draft *d, const char *field);
uint64_t draft_number(const struct draft *d, const char *field);
struct bytes draft_text(const struct draft *d, const char *field);
const char *draft_code(const struct draft *d, const char *field); /* of a choice; "" if not set */
/* Whether the value differs from the one before; true for a new record that has it. */
bool draft_changed(const struct draft *d, const char *field);
uint64_t draft_before(const struct draft *d, const char *field); /* 0 for a new record */

void draft_set_number(struct draft *d, const char *field, uint64_t v); /* wire number */
void draft_set_text(struct draft *d, const char *field, struct bytes v);
void draft_clear(struct draft *d, const char *field);
/* Adds a bad field, unless that field is bad already. */
void draft_bad(struct draft *d, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether the caller has a right; the server itself has all. */
bool draft_may(const struct draft *d, const char *right);
bool draft_is_bad(const struct draft *d, const char *field); /* also by parsing, before the check */

/* Team and branch of a record that has an owner: the owner's, unless they are set in the same write. */
void draft_follow_owner(struct draft *d);

/* A field that names the record above in a tree: a value must not lead back to the record itself. */
bool field_leads_up(const struct field *f);

/* Hooks of one entity; each may be NULL. */
struct hooks {
	uint16_t entity;
	/* Fills what depends on other records; before the general checks. */
	void (*prepare)(struct draft *d);
	/* Rules beyond what the rows say. */
	void (*check)(struct draft *d);
	/* After the record stands. */
	enum status (*after)(struct txn *t, const struct author *author,
		const struct entity *entity, const struct stored *before,
		const struct stored *after, struct error *e);
	/* All computed fields of a record, from other records: what the after hooks keep and the check compares. */
	compute_fn *compute;
	/* After an operation that brought this record back; see model_settle. */
	enum status (*settle)(struct txn *t, const struct author *author,
		const struct stored *record, struct error *e);
	/* The day of a field with an attribute turn has begun; today is the owner's. The record is live. */
	enum status (*turned)(struct txn *t, struct lookup *l, const struct author *author,
		const struct stored *record, civil_date today, struct error *e);
	/* A merge gives the live record to another one: what it must change besides the reference. */
	void (*moved)(struct draft *d);
	/* Computed fields that are worked out when the record is read, in wire form. */
	void (*present)(struct txn *t, const struct scope *scope, const struct stored *record,
		struct buf *more);
	/* Whether the record may be deleted. */
	enum status (*deletable)(const struct model_write *w, struct error *e);
};
void entry_present(struct txn *t, const struct scope *scope, const struct stored *entry,
	struct buf *more);                                 /* uses.c */
const struct hooks *hooks_of(const struct entity *entity); /* NULL if it has none */

extern const struct hooks customer_hooks, contact_hooks, activity_hooks, task_hooks, reminder_hooks,
	user_hooks, branch_hooks, team_hooks, region_hooks, portfolio_hooks, role_hooks,
	dictionary_hooks, dictionary_entry_hooks, setting_hooks, custom_field_hooks, lead_hooks,
	opportunity_hooks, product_hooks, product_price_hooks, sale_hooks, contract_hooks,
	payment_hooks, sales_plan_hooks, plan_line_hooks, operating_record_hooks,
	qualification_review_hooks;
extern const struct hooks document_hooks, feedback_hooks, article_hooks, part_hooks,
	part_movement_hooks, survey_response_hooks, points_entry_hooks, message_hooks,
	consent_hooks, saved_filter_hooks, campaign_hooks, cadence_rule_hooks;

#endif
