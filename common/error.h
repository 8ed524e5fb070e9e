/*
 * What went wrong, in words for people and a status for programs.
 * Functions that can fail return an enum status (0 is success) and fill the
 * struct error that is their last parameter.
 * Message grammar: lower case, no full stop, the fault first, the subject in quotes.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Same numbers as Code in guanxi.proto and as the client's exit codes. */
enum status {
	STATUS_OK = 0,
	STATUS_INTERNAL = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_FOUND = 3,
	STATUS_DENIED = 4,
	STATUS_CONFLICT = 5,
	STATUS_INVALID = 6,
	STATUS_DUPLICATE = 7,
	STATUS_UNREACHABLE = 8,
	STATUS_UNAUTHENTICATED = 9,
	STATUS_PENDING = 10,
	STATUS_PARTIAL = 11,
	STATUS_BUSY = 12,
	STATUS_UNTRUSTED = 13,
	STATUS_STORAGE_FULL = 14,
	STATUS_OUTCOME_UNKNOWN = 15,
	STATUS_TIMEOUT = 124,
	STATUS_INTERRUPTED = 130,
};

/* One bad field. The strings belong to the error. */
struct field_error {
	char *field;
	char *message;
	char *current; /* with STATUS_CONFLICT: what stands now, as text; else NULL */
	char *yours;   /* with STATUS_CONFLICT: what was sent, as text; else NULL */
};

struct error {
	enum status status;
	char message[480];
	char reason[32]; /* a word for programs, or "" */
	uint32_t retry_ms;
	struct field_error *fields;
	size_t nfields;
};

/* An error that says nothing; error_clear frees what one holds and makes it so again. */
void error_init(struct error *e);
void error_clear(struct error *e);

/* Sets status and message (replacing an earlier one, keeping bad fields). Returns the status. e may be NULL. */
enum status error_set(struct error *e, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, with a word for programs. */
enum status error_reason(struct error *e, enum status status, const char *reason,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds one bad field; the status becomes STATUS_INVALID unless it is set. Returns the status. */
enum status error_field(struct error *e, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds one field whose value changed meanwhile; the status becomes STATUS_CONFLICT. Copies all strings. */
enum status error_conflict(
	struct error *e, const char *field, const char *current, const char *yours);

/* Adds one bad field with the record that stands against it, as "customer:12", in current. The status stays. Copies all strings. */
void error_candidate(struct error *e, const char *field, const char *candidate, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the message. */
void error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Moves what from holds to to; from says nothing afterwards. */
void error_move(struct error *to, struct error *from);

/* The name of a status in JSON ("not_found"); "internal" for an unknown one. */
const char *status_name(enum status status);

#endif
