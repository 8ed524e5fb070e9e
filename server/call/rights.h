/*
 * Who may do what: callers made from users and their roles. The scope is enforced in the store; here it is worked out.
 */
#ifndef SERVER_CALL_RIGHTS_H
#define SERVER_CALL_RIGHTS_H

#include "server/call/call.h"

/* Reads user, roles and branch. UNAUTHENTICATED when the user is not active. Free with caller_free. */
enum status caller_load(
	struct txn *t, uint64_t user, uint64_t session, struct caller **out, struct error *e);
void caller_free(struct caller **c);
/* right: "customer.add"; "*" and "customer.*" grant it. */
bool caller_may(const struct caller *c, const char *right);
/* The scope in which the caller sees records of an entity: shared entities are seen by all. */
const struct scope *caller_scope(const struct caller *c, const struct entity *entity);
/* True when the class of the field is hidden from the caller (a person's phone counts as personal). */
bool caller_masked(const struct caller *c, const struct entity *entity, const struct field *f,
	struct bytes record);

/* The epoch of a user grows when roles, branch, password or state change; sessions compare it with every request. User 0: everybody. */
uint64_t auth_epoch(struct txn *t, uint64_t user);
enum status auth_epoch_bump(struct txn *t, uint64_t user, struct error *e);

#endif
