/* The sales and payments of one customer, and what follows from them: which line is paid, what is owed, what is prepaid. */
#ifndef SERVER_MODEL_LEDGER_H
#define SERVER_MODEL_LEDGER_H

#include "server/model/computed.h"
#include <glib.h>

struct ledger {
	struct txn *txn;
	const struct entity *sale, *payment;
	GArray *lines;    /* struct line, oldest first */
	GArray *receipts; /* struct receipt, in the order in which they were recorded */
};

struct line {
	uint64_t id, date, contract, product;
	char *number;
	int64_t amount, paid; /* fen; 0 unless it counts */
	int64_t noted;        /* paid as it stands in the record */
	bool has_noted, counts;
};

struct receipt {
	uint64_t id, date, contract;
	char *number; /* of the order it pays, or "" */
	int64_t received,
		prepaid; /* fen: what it adds to the money received, and to the prepaid balance */
	int64_t after;   /* prepaid balance after it */
	int64_t noted;   /* the same as it stands in the record */
	bool has_noted;
};

/* Reads all live records and spreads the money over the lines. Release it in any case. */
enum status ledger_load(struct ledger *l, struct txn *t, uint64_t customer, struct error *e);
void ledger_release(struct ledger *l);

/* The customer's own fields; a list among them: computed_release(). */
void ledger_customer(const struct ledger *l, struct computed *out);
/* Received in a month and owed at its end. month: YYYYMM. */
void ledger_month(const struct ledger *l, uint64_t month, struct computed *out);
/* Sales that count in a month: how many orders, their amount and quantity. */
enum status ledger_month_sales(struct txn *t, uint64_t customer, uint64_t month, int64_t *orders,
	int64_t *amount, int64_t *volume, struct error *e);
const struct line *ledger_line(const struct ledger *l, uint64_t id); /* NULL if none */
const struct receipt *ledger_receipt(const struct ledger *l, uint64_t id);

/* What one payment adds: receipts and the use of prepaid money are received, refunds leave. */
struct receipt ledger_value(struct txn *t, const struct entity *payment, struct bytes fields);
/* Amount of a line from its entered fields; 0 when it has no room. */
int64_t ledger_amount(const struct entity *sale, struct bytes fields);
bool ledger_counts(struct txn *t, const struct entity *sale, struct bytes fields);

#endif
