/* What is special to sales, payments and contracts: the amounts, and what they give their customer. */
#include "server/model/sales.h"
#include "server/model/amount.h"
#include "server/model/ledger.h"
#include "server/model/rules.h"

static const struct entity *entity_in(const struct draft *d, enum entity_number number)
{
	return schema_entity_by_number(lookup_schema(d->w->lookup), (uint16_t)number);
}

/* The money of a customer: every line, receipt, monthly record and sum of it */

static enum status note_lines(const struct ledger *l, struct error *e)
{
	enum status s = STATUS_OK;

	for (guint i = 0; i < l->lines->len && !s; i++) {
		const struct line *line = &g_array_index(l->lines, struct line, i);
		struct computed c;
		if (line->has_noted && line->noted == line->paid)
			continue;
		computed_init(&c, l->txn, ENTITY_SALE, line->id);
		computed_money(&c, "paid_amount", line->paid);
		s = computed_write(&c, e);
	}
	return s;
}

static enum status note_receipts(const struct ledger *l, struct error *e)
{
	enum status s = STATUS_OK;

	for (guint i = 0; i < l->receipts->len && !s; i++) {
		const struct receipt *r = &g_array_index(l->receipts, struct receipt, i);
		struct computed c;
		if (r->has_noted && r->noted == r->after)
			continue;
		computed_init(&c, l->txn, ENTITY_PAYMENT, r->id);
		computed_money(&c, "prepaid_after", r->after);
		s = computed_write(&c, e);
	}
	return s;
}

static enum status note_month(void *arg, const struct stored *record, struct error *e)
{
	const struct ledger *l = arg;
	const struct entity *en = model_entity(l->txn, ENTITY_OPERATING_RECORD);
	struct computed c;

	computed_init(&c, l->txn, ENTITY_OPERATING_RECORD, record->id);
	ledger_month(l, sales_month(model_text(en, record->fields, "month")), &c);
	return computed_write(&c, e);
}

static enum status note_customer(const struct ledger *l, uint64_t customer, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, l->txn, ENTITY_CUSTOMER, customer);
	ledger_customer(l, &c);
	s = computed_write(&c, e);
	computed_release(&c);
	return s;
}

static bool customer_live(struct txn *t, uint64_t id)
{
	struct buf room = BUF_INIT;
	struct stored r;
	bool live = read_live(t, model_entity(t, ENTITY_CUSTOMER), id, &room, &r);

	buf_free(&room);
	return live;
}

enum status sales_money(struct txn *t, uint64_t customer, struct error *e)
{
	struct ledger l;
	enum status s;

	if (!customer_live(t, customer))
		return STATUS_OK;
	s = ledger_load(&l, t, customer, e);
	if (!s)
		s = note_lines(&l, e);
	if (!s)
		s = note_receipts(&l, e);
	if (!s)
		s = each_of(t, model_entity(t, ENTITY_OPERATING_RECORD), "customer", customer,
			note_month, &l, e);
	if (!s)
		s = note_customer(&l, customer, e);
	ledger_release(&l);
	return s;
}

static enum status money_of_both(struct txn *t, uint64_t old, uint64_t new, struct error *e)
{
	enum status s = new ? sales_money(t, new, e) : STATUS_OK;

	return s || !old || old == new ? s : sales_money(t, old, e);
}

/* Sales: what is filled in */

static void copy_text(struct draft *d, const char *field, struct bytes fields, const char *from)
{
	struct bytes text = model_text(entity_in(d, ENTITY_PRODUCT), fields, from);

	if (d->w->before ? draft_changed(d, field) : draft_has(d, field))
		return;
	if (text.len)
		draft_set_text(d, field, text);
	else if (!draft_is_bad(d, field))
		draft_clear(d, field);
}

static void copy_price(struct draft *d, const char *field, bool has, int64_t price)
{
	if (d->w->before ? draft_changed(d, field) : draft_has(d, field))
		return;
	if (has)
		draft_set_number(d, field, zigzag(price));
	else if (!draft_is_bad(d, field))
		draft_clear(d, field);
}

/* What the product is called and costs stands in the line from then on. */
static void copy_product(struct draft *d)
{
	uint64_t product = draft_number(d, "product");
	struct bytes fields = lookup_fields(d->w->lookup, entity_in(d, ENTITY_PRODUCT), product);
	struct price price;

	if (!fields.len || !draft_changed(d, "product"))
		return;
	copy_text(d, "product_name", fields, "name");
	copy_text(d, "product_model", fields, "model");
	copy_text(d, "product_specification", fields, "specification");
	copy_text(d, "unit", fields, "unit");
	d->failed = price_on(
		d->w->txn, product, (civil_date)draft_number(d, "sale_date"), &price, d->e);
	copy_price(d, "unit_price", price.has_price, price.price);
	copy_price(d, "cost_price", price.has_cost, price.cost);
}

static uint64_t line_of_order(const struct draft *d, struct bytes number)
{
	const struct field *f = entity_field_named(d->w->entity, "sale_number");
	struct buf wire = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&wire, f->tag, number);
	store_find_equal(d->w->txn, d->w->entity, f, buf_bytes(&wire), 0, &id, 1);
	buf_free(&wire);
	return id;
}

/* S20261121-001: the first number of the day that is free, found by doubling and halving. */
static void number_order(struct draft *d)
{
	char text[40];
	unsigned low = 0, step = 1, taken;
	bool doubling = true;

	while (step) {
		g_snprintf(text, sizeof text, "S%08u-%03u", (unsigned)d->w->today, low + step);
		taken = line_of_order(d, bytes_str(text)) != 0;
		if (taken)
			low += step;
		else
			doubling = false;
		step = doubling ? step * 2 : step / 2;
	}
	g_snprintf(text, sizeof text, "S%08u-%03u", (unsigned)d->w->today, low + 1);
	draft_set_text(d, "sale_number", bytes_str(text));
}

/* The other lines of the order. */
struct order {
	const struct entity *sale;
	uint64_t except;
	uint64_t customer; /* of any of them */
	int64_t last;      /* highest line number */
};

static void order_line(struct order *o, const struct stored *record)
{
	if (record->id == o->except)
		return;
	o->customer = model_number(o->sale, record->fields, "customer");
	o->last = MAX(o->last, unzigzag(model_number(o->sale, record->fields, "line_number")));
}

static struct order order_of(const struct draft *d, struct bytes number)
{
	const struct field *f = entity_field_named(entity_in(d, ENTITY_SALE), "sale_number");
	struct order o = { .sale = entity_in(d, ENTITY_SALE),
		.except = d->w->entity == entity_in(d, ENTITY_SALE) ? d->w->id : 0 };
	struct buf wire = BUF_INIT, room = BUF_INIT;
	uint64_t ids[64], after = 0;
	struct stored r;
	size_t n;

	record_add_text(&wire, f->tag, number);
	while ((n = store_find_equal(d->w->txn, o.sale, f, buf_bytes(&wire), after, ids, 64)) > 0) {
		for (size_t i = 0; i < n; i++)
			if (read_live(d->w->txn, o.sale, ids[i], &room, &r))
				order_line(&o, &r);
		after = ids[n - 1];
	}
	buf_free(&wire);
	buf_free(&room);
	return o;
}

static void sale_prepare(struct draft *d)
{
	copy_product(d);
	if (d->failed)
		return;
	if (!draft_has(d, "sale_number") && !draft_is_bad(d, "sale_number"))
		number_order(d);
	if (!draft_has(d, "line_number") && !draft_is_bad(d, "line_number"))
		draft_set_number(d, "line_number",
			zigzag(order_of(d, draft_text(d, "sale_number")).last + 1));
}

/* Sales: what must hold */

static int64_t draft_signed(const struct draft *d, const char *field)
{
	return unzigzag(draft_number(d, field));
}

static void check_amounts(struct draft *d)
{
	int64_t amount = 0, cost = 0;

	if (!amount_of_line(draft_signed(d, "unit_price"), draft_signed(d, "quantity"),
		    draft_has(d, "discount") ? draft_signed(d, "discount") : 10000, &amount))
		draft_bad(d, "quantity", "makes an amount that is too large");
	if (!amount_times(draft_signed(d, "cost_price"), draft_signed(d, "quantity"), &cost))
		draft_bad(d, "quantity", "makes a cost that is too large");
}

static void sale_check(struct draft *d)
{
	uint64_t customer = draft_number(d, "customer");
	struct order order;

	check_amounts(d);
	if (!draft_changed(d, "sale_number") && !draft_changed(d, "customer"))
		return;
	order = order_of(d, draft_text(d, "sale_number"));
	if (customer && order.customer && order.customer != customer)
		draft_bad(d, "sale_number", "is an order of another customer");
}

static enum status sale_deletable(const struct model_write *w, struct error *e)
{
	uint64_t status = model_number(w->entity, w->before->fields, "status");
	int64_t paid = unzigzag(model_number(w->entity, w->before->fields, "paid_amount"));
	const char *code = lookup_code(w->lookup, status);

	if (strcmp(code, "draft") != 0 && strcmp(code, "cancelled") != 0)
		return error_reason(e, STATUS_INVALID, "in_use",
			"a sale is deleted as draft or cancelled only: its status is \"%s\"", code);
	if (paid)
		return error_reason(
			e, STATUS_INVALID, "in_use", "a sale that is paid cannot be deleted");
	return STATUS_OK;
}

/* Sales: what follows */

static void sale_own(const struct stored *record, struct computed *out)
{
	const struct entity *en = out->entity;
	struct bytes fields = record->fields;
	int64_t amount = ledger_amount(en, fields), cost = 0;
	bool known = record_has(fields, entity_field_named(en, "cost_price")->tag);

	computed_money(out, "amount", amount);
	if (known) {
		amount_times(unzigzag(model_number(en, fields, "cost_price")),
			unzigzag(model_number(en, fields, "quantity")), &cost);
		computed_money(out, "cost_amount", cost);
		computed_money(out, "margin", amount_add(amount, -cost));
	} else {
		computed_number(out, "cost_amount", 0);
		computed_number(out, "margin", 0);
	}
}

static enum status sale_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	const struct line *line;
	struct ledger l;
	enum status s =
		ledger_load(&l, t, model_number(out->entity, record->fields, "customer"), e);

	sale_own(record, out);
	line = ledger_line(&l, record->id);
	computed_money(out, "paid_amount", line ? line->paid : 0);
	ledger_release(&l);
	return s;
}

static bool sale_moves_money(
	const struct entity *en, const struct stored *before, const struct stored *after)
{
	static const char *const fields[] = { "customer", "sale_number", "contract", "sale_date",
		"product", "unit_price", "cost_price", "quantity", "discount", "status" };
	bool moves = !before || before->deleted != after->deleted;

	for (size_t i = 0; i < G_N_ELEMENTS(fields) && !moves; i++)
		moves = value_changed(en, before, after, fields[i]);
	return moves;
}

/* A line that comes to a customer without payments and monthly records changes only the sums. */
static bool only_adds(struct txn *t, uint64_t customer)
{
	return !any_of(t, model_entity(t, ENTITY_PAYMENT), "customer", customer) &&
	       !any_of(t, model_entity(t, ENTITY_OPERATING_RECORD), "customer", customer);
}

static void add_product(
	const struct entity *en, struct bytes customer, uint64_t product, struct computed *out)
{
	struct bytes run = record_run(customer, entity_field_named(en, "products_bought")->tag);
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	bool placed = !product;
	struct wire_field w;

	while (record_next(&run, &w, NULL)) {
		if (!placed && w.number > product)
			g_array_append_val(ids, product);
		placed |= w.number >= product;
		g_array_append_val(ids, w.number);
	}
	if (!placed)
		g_array_append_val(ids, product);
	computed_list(out, "products_bought", (const uint64_t *)(void *)ids->data, ids->len);
	g_array_free(ids, TRUE);
}

static enum status add_line(struct txn *t, const struct entity *sale, const struct stored *line,
	uint64_t customer, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_CUSTOMER);
	int64_t amount = ledger_amount(sale, line->fields);
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	enum status s = STATUS_OK;

	if (ledger_counts(t, sale, line->fields) && read_live(t, en, customer, &room, &r)) {
		computed_init(&c, t, ENTITY_CUSTOMER, customer);
		computed_number(&c, "last_sale_on",
			MAX(model_number(en, r.fields, "last_sale_on"),
				model_number(sale, line->fields, "sale_date")));
		computed_money(&c, "total_amount",
			amount_add(unzigzag(model_number(en, r.fields, "total_amount")), amount));
		computed_money(&c, "receivable_balance",
			amount_add(unzigzag(model_number(en, r.fields, "receivable_balance")),
				amount));
		add_product(en, r.fields, model_number(sale, line->fields, "product"), &c);
		s = computed_write(&c, e);
		computed_release(&c);
	}
	buf_free(&room);
	return s;
}

static enum status sale_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	bool fresh = (!before || before->deleted) && !after->deleted;
	uint64_t old = before ? model_number(entity, before->fields, "customer") : 0;
	uint64_t new = model_number(entity, after->fields, "customer");
	struct computed c;
	enum status s = STATUS_OK;

	if (!sale_moves_money(entity, before, after))
		return STATUS_OK;
	if (!after->deleted) {
		computed_init(&c, t, ENTITY_SALE, after->id);
		sale_own(after, &c);
		if (fresh)
			computed_money(&c, "paid_amount", 0);
		s = computed_write(&c, e);
	}
	if (!s && fresh && (!old || old == new) && only_adds(t, new))
		return add_line(t, entity, after, new, e);
	return s ? s : money_of_both(t, old, new, e);
}

const struct hooks sale_hooks = { .entity = ENTITY_SALE,
	.prepare = sale_prepare,
	.check = sale_check,
	.after = sale_after,
	.compute = sale_compute,
	.deletable = sale_deletable };

/* Contracts */

/* What the dates say of one that was signed; 0: nothing. */
static uint64_t contract_status(
	struct lookup *l, const char *code, uint64_t starts, uint64_t ends, civil_date today)
{
	const char *now = NULL;

	if (strcmp(code, "signed") != 0 && strcmp(code, "in_force") != 0 &&
		strcmp(code, "ended") != 0)
		return 0;
	if (ends && ends < (uint64_t)today)
		now = "ended";
	else if (starts && starts <= (uint64_t)today && (strcmp(code, "ended") != 0 || ends))
		now = "in_force";
	return now ? lookup_entry(l, "contract_status", now) : 0;
}

static void contract_prepare(struct draft *d)
{
	uint64_t status = contract_status(d->w->lookup, draft_code(d, "status"),
		draft_number(d, "starts_on"), draft_number(d, "ends_on"), d->w->today);

	if (status && (draft_changed(d, "status") || draft_changed(d, "starts_on") ||
			      draft_changed(d, "ends_on")))
		draft_set_number(d, "status", status);
}

static enum status contract_turned(struct txn *t, struct lookup *l, const struct author *author,
	const struct stored *record, civil_date today, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_CONTRACT);
	uint64_t stands = model_number(en, record->fields, "status");
	uint64_t status = contract_status(l, lookup_code(l, stands),
		model_number(en, record->fields, "starts_on"),
		model_number(en, record->fields, "ends_on"), today);

	return status && status != stands
		       ? put_number(t, author, en, record, "status", status, false, e)
		       : STATUS_OK;
}

struct received {
	struct txn *txn;
	const struct entity *payment;
	int64_t sum;
};

static enum status add_received(void *arg, const struct stored *record, struct error *e)
{
	struct received *r = arg;

	r->sum = amount_add(r->sum, ledger_value(r->txn, r->payment, record->fields).received);
	return STATUS_OK;
}

static enum status contract_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	struct received r = { .txn = t, .payment = model_entity(t, ENTITY_PAYMENT) };
	enum status s = each_of(t, r.payment, "contract", record->id, add_received, &r, e);

	computed_money(out, "received_amount", r.sum);
	if (record_has(record->fields, entity_field_named(out->entity, "amount")->tag))
		computed_money(out, "outstanding_amount",
			amount_add(unzigzag(model_number(out->entity, record->fields, "amount")),
				-r.sum));
	else
		computed_number(out, "outstanding_amount", 0);
	return s;
}

static enum status contract_write(struct txn *t, uint64_t id, struct error *e)
{
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	enum status s = STATUS_OK;

	if (read_live(t, model_entity(t, ENTITY_CONTRACT), id, &room, &r)) {
		computed_init(&c, t, ENTITY_CONTRACT, id);
		s = contract_compute(t, &r, &c, e);
		if (!s)
			s = computed_write(&c, e);
	}
	buf_free(&room);
	return s;
}

/* The state of the contract that is most alive. */
struct best {
	const struct entity *contract;
	uint64_t order[5]; /* entries, the most alive first */
	size_t rank;
};

static enum status best_seen(void *arg, const struct stored *record, struct error *e)
{
	struct best *b = arg;
	uint64_t status = model_number(b->contract, record->fields, "status");

	for (size_t i = 0; i < b->rank; i++)
		if (b->order[i] == status)
			b->rank = i;
	return STATUS_OK;
}

static enum status contract_state(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e)
{
	struct best b = { .contract = model_entity(t, ENTITY_CONTRACT),
		.order = { entry_id(t, "contract_status.in_force"),
			entry_id(t, "contract_status.signed"), entry_id(t, "contract_status.draft"),
			entry_id(t, "contract_status.ended"),
			entry_id(t, "contract_status.terminated") },
		.rank = 5 };
	enum status s = each_of(t, b.contract, "customer", customer, best_seen, &b, e);

	computed_number(out, "contract_state", b.rank < 5 ? b.order[b.rank] : 0);
	return s;
}

static enum status contract_state_write(struct txn *t, uint64_t customer, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_CUSTOMER, customer);
	s = contract_state(t, customer, &c, e);
	return s ? s : computed_write(&c, e);
}

static enum status contract_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, "customer") : 0;
	uint64_t new = model_number(entity, after->fields, "customer");
	enum status s = after->deleted ? STATUS_OK : contract_write(t, after->id, e);

	if (!s)
		s = contract_state_write(t, new, e);
	if (!s && old && old != new)
		s = contract_state_write(t, old, e);
	return s;
}

const struct hooks contract_hooks = { .entity = ENTITY_CONTRACT,
	.prepare = contract_prepare,
	.after = contract_after,
	.compute = contract_compute,
	.turned = contract_turned };

/* Payments */

/* Whoever pays or pays in advance gets a receipt; its number follows the payment's. */
static void payment_prepare(struct draft *d)
{
	const char *kind = draft_code(d, "payment_kind");
	struct bytes number = draft_text(d, "payment_number");
	struct buf receipt = BUF_INIT;

	if (draft_has(d, "receipt_number") || !number.len ||
		(strcmp(kind, "receipt") != 0 && strcmp(kind, "prepayment") != 0))
		return;
	while (number.len && !g_ascii_isdigit(number.data[0]))
		number = bytes_of(number.data + 1, number.len - 1);
	buf_add_str(&receipt, "SJ");
	buf_add_bytes(&receipt, number);
	draft_set_text(d, "receipt_number", buf_bytes(&receipt));
	buf_free(&receipt);
}

/* Nobody uses more than was paid in advance. */
static void check_prepaid(struct draft *d)
{
	const struct entity *customers = entity_in(d, ENTITY_CUSTOMER);
	int64_t effect = ledger_value(d->w->txn, d->w->entity, draft_bytes(d)).prepaid, balance;
	struct buf room = BUF_INIT;
	struct stored r;

	if (effect < 0 && !d->w->before && !draft_may(d, "balance.negative") &&
		read_live(d->w->txn, customers, draft_number(d, "customer"), &room, &r)) {
		balance = unzigzag(model_number(customers, r.fields, "prepaid_balance"));
		if (amount_add(balance, effect) < 0)
			draft_bad(d, "amount", "is above the prepaid balance of %lld.%02lld",
				(long long)(balance / 100), (long long)llabs(balance % 100));
	}
	buf_free(&room);
}

static void payment_check(struct draft *d)
{
	bool correction = !strcmp(draft_code(d, "payment_kind"), "correction");
	int64_t amount = draft_signed(d, "amount");
	struct bytes number = draft_text(d, "sale_number");
	struct order order;

	if (draft_has(d, "amount") && (amount == 0 || (amount < 0 && !correction)))
		draft_bad(d, "amount", correction ? "is 0" : "is not above 0");
	check_prepaid(d);
	if (!number.len)
		return;
	order = order_of(d, number);
	if (!order.customer || order.customer != draft_number(d, "customer"))
		draft_bad(d, "sale_number", "is no order of this customer");
}

static enum status payment_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	const struct receipt *r;
	struct ledger l;
	enum status s =
		ledger_load(&l, t, model_number(out->entity, record->fields, "customer"), e);

	r = ledger_receipt(&l, record->id);
	computed_money(out, "prepaid_after", r ? r->after : 0);
	ledger_release(&l);
	return s;
}

static enum status payment_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	uint64_t old = before ? model_number(entity, before->fields, "customer") : 0;
	uint64_t was = before ? model_number(entity, before->fields, "contract") : 0;
	uint64_t is = model_number(entity, after->fields, "contract");
	enum status s = money_of_both(t, old, model_number(entity, after->fields, "customer"), e);

	if (!s && is)
		s = contract_write(t, is, e);
	if (!s && was && was != is)
		s = contract_write(t, was, e);
	return s;
}

const struct hooks payment_hooks = { .entity = ENTITY_PAYMENT,
	.prepare = payment_prepare,
	.check = payment_check,
	.after = payment_after,
	.compute = payment_compute };

/* What the check of customers compares */

enum status sales_compute_customer(
	struct txn *t, uint64_t customer, struct computed *out, struct error *e)
{
	struct ledger l;
	enum status s = contract_state(t, customer, out, e);

	if (!s)
		s = reviews_compute_customer(t, customer, out, e);
	if (s)
		return s;
	s = ledger_load(&l, t, customer, e);
	if (!s)
		ledger_customer(&l, out);
	ledger_release(&l);
	return s;
}
