/* The next id, for numbers that are made of it. */
#include "server/store/internal.h"

enum status store_next_id(
	struct txn *t, const struct entity *entity, uint64_t *next, struct error *e)
{
	return next_id_peek(t, entity->number, next, e);
}
