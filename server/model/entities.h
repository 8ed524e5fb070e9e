/* The entity tables, one row a field; model_schema() puts them together. Tags are never reused: tests/lint/schema.lock. */
#ifndef SERVER_MODEL_ENTITIES_H
#define SERVER_MODEL_ENTITIES_H

#include "common/schema.h"

extern const struct field customer_fields[];
extern const struct field contact_fields[];
extern const struct field activity_fields[];
extern const struct field task_fields[];
extern const struct field reminder_fields[];
extern const struct field portfolio_fields[];
extern const struct field region_fields[];
extern const struct field branch_fields[];
extern const struct field team_fields[];
extern const struct field user_fields[];
extern const struct field role_fields[];
extern const struct field dictionary_fields[];
extern const struct field dictionary_entry_fields[];
extern const struct field setting_fields[];
extern const struct field operation_fields[];

#endif
