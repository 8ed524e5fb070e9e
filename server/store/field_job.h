/*
 * Building the index, search terms and unique values of a custom field anew while serving: when its description changes after it has had
 * values. First what stood is deleted, then every record of the entity is gone through, in slices that the writer does between calls.
 * Puts write by the new description from the commit that changed it, so that the job may meet them in any order; until it has
 * ended, nobody asks the index (generation.visible).
 */
#ifndef SERVER_STORE_FIELD_JOB_H
#define SERVER_STORE_FIELD_JOB_H

#include "server/store/generation.h"

/*
 * In the transaction that changes the fields: signs the indexes as those of now, and opens a job for every custom field whose
 * description differs from before and that has had a value. BUSY when one of these is being built already.
 */
enum status field_jobs_begin(struct txn *t, const struct generation *before,
	const struct generation *now, struct error *e);
bool field_job_open(struct txn *t, uint16_t entity, uint16_t tag);
/* Forgets all jobs: everything was built anew. */
enum status field_jobs_clear(struct txn *t, struct error *e);
/* Remembers that a custom field has had a value. */
enum status field_mark_used(
	struct txn *t, const struct shape *sh, const uint32_t *tags, size_t n, struct error *e);
/* What a put has to take away besides: terms by the descriptions before the open jobs. */
void field_jobs_terms(struct txn *t, const struct shape *sh, uint64_t id, struct bytes before,
	struct bytes after, struct postings *out);

#endif
