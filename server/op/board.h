/*
 * What the board of the day and the agenda share: sections of a reply, filled from lists of the caller's own records or of what the caller sees.
 */
#ifndef SERVER_OP_BOARD_H
#define SERVER_OP_BOARD_H

#include "server/call/call.h"
#include "server/model/model.h"

#define SECTION_MAX 200

struct board {
	struct call *call;
	const struct schema *schema;
	struct lookup *lookup;
	struct scope mine; /* what is the caller's own, whatever more may be seen */
	civil_date today;
	int days;
	/* of the section that is being filled */
	bool all; /* what the caller sees, not only what is the caller's own */
	const char *section;
	size_t begin; /* of it, among the items */
	const struct entity *entity;
	enum status status;
	struct error *e;
};

void board_open(struct board *b, struct call *c, struct error *e);
void board_section(struct board *b, const char *name);
bool board_full(const struct board *b);
Guanxi__Item *board_add(struct board *b, const struct stored *record, civil_date date);
Guanxi__Item *board_add_at(struct board *b, const struct stored *record, int64_t instant);
/* Calls row for each record that fits; false from row ends it. */
void board_list(
	struct board *b, const char *entity, const char *filter, const char *sort, query_row *row);
/* Orders the items of the section by their date, those without one last. */
void board_sort(struct board *b);

#endif
