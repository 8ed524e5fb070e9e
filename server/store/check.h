/* What the files of store_check share. */
#ifndef SERVER_STORE_CHECK_H
#define SERVER_STORE_CHECK_H

#include "server/store/internal.h"

struct check_terms;

struct check {
	struct txn *t;
	void (*report)(void *arg, const char *damage);
	void *arg;
	size_t damages, notes;
	struct check_counts counts;
	uint64_t expected
		[SPACE_COUNT]; /* rows that were expected and found, where both ways are compared */
	uint64_t stored[SPACE_COUNT]; /* rows that stand */
	struct check_terms *terms;    /* NULL: not compared */
	bool tail;                    /* a look at the start: notes are not said */
	bool stale;    /* index, unique values and terms are of another version: not compared */
	bool building; /* those of custom fields: stale for now */
	struct key_set keys;
	struct buf row, calc, scratch;
};

void check_damage(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is no damage but should be known. */
void check_note(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether a key stands; counts it as expected when it does. */
bool check_has(struct check *c, enum space s, const struct key *k);

/* check_record.c: one record with all that must follow from it. */
void check_record(struct check *c, uint16_t entity, uint64_t id);
void check_records(struct check *c);
void check_index_extras(struct check *c);  /* entries that no record asks for */
void check_unique_extras(struct check *c); /* likewise */

/* check_file.c */
void check_files(struct check *c);
void check_file_value(struct check *c, const struct shape *sh, uint64_t id, const struct field *f,
	struct bytes value);

/* check_log.c */
void check_log(struct check *c, uint64_t from);
void check_log_extras(struct check *c);
/* The record's last change in the log must be what stands. */
void check_record_log(struct check *c, const struct shape *sh, uint64_t id, uint64_t version,
	struct bytes fields);

/* check_terms.c */
struct check_terms *check_terms_new(void);
void check_terms_free(struct check_terms **terms);
void check_terms_record(struct check *c, const struct shape *sh, uint64_t id, struct bytes fields);
void check_terms_compare(struct check *c);

#endif
