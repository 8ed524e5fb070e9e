#include "server/model/ledger.h"
#include "server/model/amount.h"

static int64_t signed_of(const struct entity *en, struct bytes fields, const char *field)
{
	return unzigzag(model_number(en, fields, field));
}

int64_t ledger_amount(const struct entity *sale, struct bytes fields)
{
	const struct field *discount = entity_field_named(sale, "discount");
	int64_t factor =
		record_has(fields, discount->tag) ? record_signed(fields, discount->tag) : 10000;
	int64_t amount = 0;

	amount_of_line(signed_of(sale, fields, "unit_price"), signed_of(sale, fields, "quantity"),
		factor, &amount);
	return amount;
}

bool ledger_counts(struct txn *t, const struct entity *sale, struct bytes fields)
{
	return entry_says(t, model_number(sale, fields, "status"), "counts", "yes");
}

static bool kind_is(struct txn *t, uint64_t kind, const char *key)
{
	return kind == entry_id(t, key);
}

struct receipt ledger_value(struct txn *t, const struct entity *payment, struct bytes fields)
{
	uint64_t kind = model_number(payment, fields, "payment_kind");
	int64_t amount = signed_of(payment, fields, "amount");
	struct receipt r = { .date = model_number(payment, fields, "paid_on"),
		.contract = model_number(payment, fields, "contract") };

	if (kind_is(t, kind, "payment_kind.prepayment"))
		r.prepaid = amount;
	else if (kind_is(t, kind, "payment_kind.prepaid_refund"))
		r.prepaid = -amount;
	else if (kind_is(t, kind, "payment_kind.refund"))
		r.received = -amount;
	else
		r.received = amount;
	if (kind_is(t, kind, "payment_kind.prepaid_use"))
		r.prepaid = -amount;
	return r;
}

static enum status take_line(void *arg, const struct stored *record, struct error *e)
{
	struct ledger *l = arg;
	const struct entity *en = l->sale;
	struct line line = { .id = record->id,
		.date = model_number(en, record->fields, "sale_date"),
		.contract = model_number(en, record->fields, "contract"),
		.product = model_number(en, record->fields, "product"),
		.number = bytes_dup(model_text(en, record->fields, "sale_number")),
		.noted = signed_of(en, record->fields, "paid_amount"),
		.has_noted = record_has(record->fields, entity_field_named(en, "paid_amount")->tag),
		.counts = ledger_counts(l->txn, en, record->fields) };

	if (line.counts)
		line.amount = ledger_amount(en, record->fields);
	g_array_append_val(l->lines, line);
	return STATUS_OK;
}

static enum status take_receipt(void *arg, const struct stored *record, struct error *e)
{
	struct ledger *l = arg;
	const struct entity *en = l->payment;
	struct receipt r = ledger_value(l->txn, en, record->fields);

	r.id = record->id;
	r.number = bytes_dup(model_text(en, record->fields, "sale_number"));
	r.noted = signed_of(en, record->fields, "prepaid_after");
	r.has_noted = record_has(record->fields, entity_field_named(en, "prepaid_after")->tag);
	g_array_append_val(l->receipts, r);
	return STATUS_OK;
}

static gint by_date(gconstpointer a, gconstpointer b)
{
	const struct line *x = a, *y = b;

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static struct line *line_at(const struct ledger *l, guint i)
{
	return &g_array_index(l->lines, struct line, i);
}

static struct receipt *receipt_at(const struct ledger *l, guint i)
{
	return &g_array_index(l->receipts, struct receipt, i);
}

/* Which lines a payment may pay: those of an order, of a contract, or all. */
struct aim {
	const char *number;
	uint64_t contract;
};

static bool aimed_at(const struct aim *aim, const struct line *line)
{
	if (aim->number && strcmp(aim->number, line->number) != 0)
		return false;
	return !aim->contract || aim->contract == line->contract;
}

/* Pays the oldest first; what is left over. */
static int64_t pay(const struct ledger *l, const struct aim *aim, int64_t money)
{
	for (guint i = 0; i < l->lines->len && money > 0; i++) {
		struct line *line = line_at(l, i);
		int64_t part = MIN(money, line->amount - line->paid);
		if (part <= 0 || !aimed_at(aim, line))
			continue;
		line->paid += part;
		money -= part;
	}
	return money;
}

/* Takes back from the newest first. */
static void take_back(const struct ledger *l, const struct aim *aim, int64_t *money)
{
	for (guint i = l->lines->len; i > 0 && *money < 0; i--) {
		struct line *line = line_at(l, i - 1);
		int64_t part = MIN(-*money, line->paid);
		if (!aimed_at(aim, line))
			continue;
		line->paid -= part;
		*money += part;
	}
}

/* Money in first, each for what it names, then what is left for the oldest lines; refunds from what they name, then from the newest. */
static void spread(const struct ledger *l)
{
	static const struct aim all = { 0 };
	int64_t left = 0, back = 0;

	for (guint i = 0; i < l->receipts->len; i++) {
		const struct receipt *r = receipt_at(l, i);
		struct aim aim = { *r->number ? r->number : NULL, r->contract };
		if (r->received > 0)
			left = amount_add(left, pay(l, &aim, r->received));
	}
	for (guint i = 0; i < l->receipts->len; i++) {
		const struct receipt *r = receipt_at(l, i);
		struct aim aim = { *r->number ? r->number : NULL, r->contract };
		int64_t money = r->received;
		if (money < 0)
			take_back(l, &aim, &money);
		back = amount_add(back, MIN(money, 0));
	}
	left = amount_add(left, back);
	if (left < 0)
		take_back(l, &all, &left);
	else
		pay(l, &all, left);
}

static void run_prepaid(const struct ledger *l)
{
	int64_t balance = 0;

	for (guint i = 0; i < l->receipts->len; i++) {
		balance = amount_add(balance, receipt_at(l, i)->prepaid);
		receipt_at(l, i)->after = balance;
	}
}

enum status ledger_load(struct ledger *l, struct txn *t, uint64_t customer, struct error *e)
{
	enum status s;

	*l = (struct ledger){ .txn = t,
		.sale = model_entity(t, ENTITY_SALE),
		.payment = model_entity(t, ENTITY_PAYMENT),
		.lines = g_array_new(FALSE, FALSE, sizeof(struct line)),
		.receipts = g_array_new(FALSE, FALSE, sizeof(struct receipt)) };
	s = each_of(t, l->sale, "customer", customer, take_line, l, e);
	if (!s)
		s = each_of(t, l->payment, "customer", customer, take_receipt, l, e);
	g_array_sort(l->lines, by_date);
	spread(l);
	run_prepaid(l);
	return s;
}

void ledger_release(struct ledger *l)
{
	for (guint i = 0; i < l->lines->len; i++)
		free(line_at(l, i)->number);
	for (guint i = 0; i < l->receipts->len; i++)
		free(receipt_at(l, i)->number);
	g_array_free(l->lines, TRUE);
	g_array_free(l->receipts, TRUE);
}

const struct line *ledger_line(const struct ledger *l, uint64_t id)
{
	for (guint i = 0; i < l->lines->len; i++)
		if (line_at(l, i)->id == id)
			return line_at(l, i);
	return NULL;
}

const struct receipt *ledger_receipt(const struct ledger *l, uint64_t id)
{
	for (guint i = 0; i < l->receipts->len; i++)
		if (receipt_at(l, i)->id == id)
			return receipt_at(l, i);
	return NULL;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void list_products(const struct ledger *l, struct computed *out)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	guint n = 0;

	for (guint i = 0; i < l->lines->len; i++)
		if (line_at(l, i)->counts && line_at(l, i)->product)
			g_array_append_val(ids, line_at(l, i)->product);
	g_array_sort(ids, by_number);
	for (guint i = 0; i < ids->len; i++) {
		uint64_t id = g_array_index(ids, uint64_t, i);
		if (!n || g_array_index(ids, uint64_t, n - 1) != id)
			g_array_index(ids, uint64_t, n++) = id;
	}
	computed_list(out, "products_bought", (const uint64_t *)(void *)ids->data, n);
	g_array_free(ids, TRUE);
}

/* A sum that is nothing yet is not set. */
static void sum_if(struct computed *out, const char *field, bool any, int64_t sum)
{
	if (any)
		computed_money(out, field, sum);
	else
		computed_number(out, field, 0);
}

void ledger_customer(const struct ledger *l, struct computed *out)
{
	int64_t total = 0, owed = 0, prepaid = 0;
	uint64_t last = 0;
	bool any = false;

	for (guint i = 0; i < l->lines->len; i++) {
		const struct line *line = line_at(l, i);
		total = amount_add(total, line->amount);
		owed = amount_add(owed, line->amount - line->paid);
		any |= line->counts;
		if (line->counts)
			last = MAX(last, line->date);
	}
	if (l->receipts->len)
		prepaid = receipt_at(l, l->receipts->len - 1)->after;
	computed_number(out, "last_sale_on", last);
	sum_if(out, "total_amount", any, total);
	sum_if(out, "receivable_balance", any, owed);
	sum_if(out, "prepaid_balance", l->receipts->len > 0, prepaid);
	list_products(l, out);
}

void ledger_month(const struct ledger *l, uint64_t month, struct computed *out)
{
	int64_t received = 0, owed = 0;

	for (guint i = 0; i < l->lines->len; i++)
		if (line_at(l, i)->date / 100 <= month)
			owed = amount_add(owed, line_at(l, i)->amount);
	for (guint i = 0; i < l->receipts->len; i++) {
		const struct receipt *r = receipt_at(l, i);
		if (r->date / 100 <= month)
			owed = amount_add(owed, -r->received);
		if (r->date / 100 == month)
			received = amount_add(received, r->received);
	}
	computed_money(out, "received_amount", received);
	computed_money(out, "receivable_amount", MAX(owed, 0));
}

struct month_sales {
	struct txn *txn;
	const struct entity *sale;
	uint64_t month;
	GHashTable *numbers;
	int64_t amount, volume;
};

static enum status month_sale(void *arg, const struct stored *record, struct error *e)
{
	struct month_sales *m = arg;

	if (model_number(m->sale, record->fields, "sale_date") / 100 != m->month ||
		!ledger_counts(m->txn, m->sale, record->fields))
		return STATUS_OK;
	g_hash_table_add(m->numbers, bytes_dup(model_text(m->sale, record->fields, "sale_number")));
	m->amount = amount_add(m->amount, ledger_amount(m->sale, record->fields));
	m->volume = amount_add(m->volume, signed_of(m->sale, record->fields, "quantity"));
	return STATUS_OK;
}

enum status ledger_month_sales(struct txn *t, uint64_t customer, uint64_t month, int64_t *orders,
	int64_t *amount, int64_t *volume, struct error *e)
{
	struct month_sales m = { .txn = t,
		.sale = model_entity(t, ENTITY_SALE),
		.month = month,
		.numbers = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL) };
	enum status s = each_of(t, m.sale, "customer", customer, month_sale, &m, e);

	*orders = g_hash_table_size(m.numbers);
	*amount = m.amount;
	*volume = m.volume;
	g_hash_table_destroy(m.numbers);
	return s;
}
