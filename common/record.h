/*
 * A record in wire form: a protobuf message whose field numbers are tags. Numbers are varints (signed types
 * zigzag), everything else length-delimited; a list is the field repeated. Fields stand in ascending
 * order of their tags.
 */
#ifndef COMMON_RECORD_H
#define COMMON_RECORD_H

#include "common/buf.h"

#define RECORD_MAX (192u * 1024)

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct wire_field {
	uint32_t tag;
	uint8_t wire;       /* WIRE_VARINT or WIRE_BYTES */
	uint64_t number;    /* of WIRE_VARINT */
	struct bytes bytes; /* of WIRE_BYTES */
	struct bytes whole; /* key and value as they stand */
};

/* Takes the next field from *rest. False at the end; *bad (may be NULL) becomes true when the bytes are no record. */
bool record_next(struct bytes *rest, struct wire_field *out, bool *bad);
bool record_find(struct bytes record, uint32_t tag, struct wire_field *out); /* the first one */
bool record_has(struct bytes record, uint32_t tag);
uint64_t record_number(struct bytes record, uint32_t tag);   /* unsigned; 0 if absent */
int64_t record_signed(struct bytes record, uint32_t tag);    /* zigzag; 0 if absent */
struct bytes record_text(struct bytes record, uint32_t tag); /* len 0 if absent */
/* All occurrences of a tag as they stand, one run because fields are ordered; len 0 if absent. */
struct bytes record_run(struct bytes record, uint32_t tag);
bool record_well_formed(struct bytes record); /* parses to the end, tags ascending */

void record_add_number(struct buf *out, uint32_t tag, uint64_t v);
void record_add_signed(struct buf *out, uint32_t tag, int64_t v);
void record_add_text(struct buf *out, uint32_t tag, struct bytes v);

static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/*
 * base with the runs of the tags in patch put in their place and the tags in cleared taken out. patch: wire form,
 * tags ascending. Appends to out.
 */
void record_merge(struct bytes base, struct bytes patch, const uint32_t *cleared, size_t ncleared,
	struct buf *out);
/* Merges several unordered fragments into ascending tags (order within a tag kept). Appends to out. */
void record_sort(struct bytes fields, struct buf *out);

/* The tags whose runs differ between two records, ascending. Returns how many were written, at most max. */
size_t record_diff(struct bytes a, struct bytes b, uint32_t *tags, size_t max);

#endif
