/* What lists, counts and searches share with others. */
#ifndef SERVER_OP_QUERY_H
#define SERVER_OP_QUERY_H

#include "server/call/call.h"

/* Whether the caller may ask for records of the entity by this filter: all that it compares is his to see. */
bool query_may_ask(struct call *c, const struct entity *entity, struct bytes filter);

#endif
