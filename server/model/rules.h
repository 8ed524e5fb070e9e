/* What the attributes of the rows (range, not_before, unique_with, needed_when, @record, F_SAME_CUSTOMER, reason_required of an entry) ask of a record. */
#ifndef SERVER_MODEL_RULES_H
#define SERVER_MODEL_RULES_H

#include "server/model/draft.h"

/* Before the defaults: the customer that a reference gives. */
void rules_prepare(struct draft *d);
/* After the hooks have prepared the record. A pair of values that is taken sets d->failed. */
void rules_check(struct draft *d);
/* Another live record with the same values of f and of the field that f is unique with; 0 if there is none. */
uint64_t rules_twin(struct txn *t, const struct entity *en, const struct field *f, uint64_t id,
	struct bytes fields);

#endif
