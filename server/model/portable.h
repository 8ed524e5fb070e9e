/*
 * How a record is named in a file that another server will read: ids are each server's own. By its unique number or code, else by its external
 * id, else by an external id made of this server, the entity and the id, which this server knows again.
 */
#ifndef SERVER_MODEL_PORTABLE_H
#define SERVER_MODEL_PORTABLE_H

#include "server/model/model.h"

/* Text that the reference is read back from: "C000012", "@external_id:TEXT". False when there is no such record to be seen. */
bool portable_reference(
	struct lookup *l, const struct entity *entity, uint64_t id, struct buf *out);
/* The external id that a record without number and without one of its own goes out with; nothing for others. */
void portable_external_id(struct lookup *l, const struct entity *entity,
	const struct stored *record, struct buf *out);
/* The id in an external id that this server made; 0 if it did not, or the record is not there. */
uint64_t portable_own(struct lookup *l, const struct entity *entity, struct bytes external_id);

#endif
