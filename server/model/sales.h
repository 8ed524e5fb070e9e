/* What the files about products, sales and plans share. */
#ifndef SERVER_MODEL_SALES_H
#define SERVER_MODEL_SALES_H

#include "server/model/computed.h"

/* The price list of a product on a day; without a row of the list what stands in the product. */
struct price {
	bool has_price, has_cost;
	int64_t price, cost; /* fen */
};
enum status price_on(
	struct txn *t, uint64_t product, civil_date day, struct price *out, struct error *e);

/* Computes anew what sales and payments of a customer give: lines paid, balances, monthly records, sums. */
enum status sales_money(struct txn *t, uint64_t customer, struct error *e);
/* "2026-11" -> 202611; 0 when it is no month. */
uint64_t sales_month(struct bytes text);
/* The rating of the latest review that is decided. */
enum status reviews_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e);

#endif
