/* Sales, payments, contracts, products, leads, opportunities, plans: their checks, what they compute, what deletion does. */
#include "server/model/computed.h"
#include "tests/unit/model_bench.h"

static int setup(void **state)
{
	struct bench *b = bench_open();

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	bench_add(b, "customer", "name=宁波东海|phone=0574-88880000");
	*state = b;
	return 0;
}

static void report(void *arg, const char *damage)
{
	print_message("# %s\n", damage);
}

/* Whatever a test did, everything computed is what follows from the records. */
static int teardown(void **state)
{
	struct bench *b = *state;
	size_t bad = model_check_computed(b->txn, report, NULL);

	bench_close(b);
	return bad ? -1 : 0;
}

static void has(
	struct bench *b, const char *entity, uint64_t id, const char *field, const char *want)
{
	assert_string_equal(bench_text(b, entity, id, field), want);
}

static void refused_as(struct bench *b, const char *entity, const char *values, enum status want)
{
	uint64_t id = 0;

	assert_int_equal(bench_put(b, entity, &id, values), want);
}

static enum status delete (struct bench *b, const char *entity, uint64_t id) {
	uint64_t count;

	return bench_move(b, entity, id, false, &count);
}

/* Amounts */

static void amounts_of_a_line(void **state)
{
	static const char *const rows[][4] = {
		{ "1.15", "1", "50%", "0.58" },
		{ "9.99", "7", "85%", "59.44" },
		{ "19.99", "3", "85%", "50.97" },
		{ "33.33", "3", "90%", "89.99" },
		{ "0.05", "1", "50%", "0.03" },
		{ "128.50", "12", "95%", "1464.90" },
	};
	struct bench *b = *state;
	char values[160];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(values, sizeof values,
			"customer=1|product_name=a|unit_price=%s|quantity=%s|discount=%s",
			rows[i][0], rows[i][1], rows[i][2]);
		has(b, "sale", bench_add(b, "sale", values), "amount", rows[i][3]);
	}
	bench_refused(
		b, "sale", 0, "customer=1|product_name=a|unit_price=1|discount=9", "discount");
	bench_refused(b, "sale", 0, "customer=1|product_name=a|unit_price=-1|quantity=-2",
		"unit_price,quantity");
	bench_refused(b, "sale", 0,
		"customer=1|product_name=a|unit_price=90000000000000000|quantity=900000000000000",
		"quantity");
}

static void margins_follow(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "sale",
		"customer=1|product_name=a|unit_price=19.99|quantity=3|discount=85%|cost_price=10."
		"01");

	has(b, "sale", id, "cost_amount", "30.03");
	has(b, "sale", id, "margin", "20.94");
	bench_set(b, "sale", id, "quantity=4");
	has(b, "sale", id, "amount", "67.97");
	has(b, "sale", id, "margin", "27.93");
	bench_set(b, "sale", id, "cost_price=");
	has(b, "sale", id, "margin", "");
}

/* Orders */

static void lines_share_a_number(void **state)
{
	struct bench *b = *state;
	uint64_t one = bench_add(b, "sale", "customer=1|product_name=a|unit_price=1");
	uint64_t two = bench_add(
		b, "sale", "customer=1|product_name=b|unit_price=1|sale_number=S20261121-001");
	uint64_t other = bench_add(b, "sale", "customer=2|product_name=c|unit_price=1");

	has(b, "sale", one, "sale_number", "S20261121-001");
	has(b, "sale", one, "line_number", "1");
	has(b, "sale", two, "line_number", "2");
	has(b, "sale", other, "sale_number", "S20261121-002");
	has(b, "sale", one, "sale_date", "2026-11-21");
	bench_refused(b, "sale", 0,
		"customer=2|product_name=d|unit_price=1|sale_number=S20261121-001", "sale_number");
	bench_refused(b, "sale", two, "customer=2", "sale_number");
	refused_as(b, "sale",
		"customer=1|product_name=d|unit_price=1|sale_number=S20261121-001|line_number=2",
		STATUS_DUPLICATE);
	for (int i = 3; i <= 12; i++)
		bench_add(b, "sale", "customer=1|product_name=e|unit_price=1");
	has(b, "sale", other + 10, "sale_number", "S20261121-012");
}

static void the_product_is_copied(void **state)
{
	struct bench *b = *state;
	uint64_t product = bench_add(b, "product",
		"product_number=P1|name=阀门|model=DN50|specification=PN16|unit=只|price=100|cost_"
		"price=60");
	uint64_t sale = bench_add(b, "sale", "customer=1|product=P1|quantity=2");
	uint64_t other;

	has(b, "sale", sale, "product_name", "阀门");
	has(b, "sale", sale, "product_model", "DN50");
	has(b, "sale", sale, "product_specification", "PN16");
	has(b, "sale", sale, "unit", "只");
	has(b, "sale", sale, "unit_price", "100.00");
	has(b, "sale", sale, "margin", "80.00");
	bench_set(b, "product", product, "price=120|name=球阀");
	has(b, "sale", sale, "unit_price", "100.00");
	has(b, "sale", sale, "product_name", "阀门");
	other = bench_add(b, "sale", "customer=1|product=P1|unit_price=90|unit=箱");
	has(b, "sale", other, "unit_price", "90.00");
	has(b, "sale", other, "unit", "箱");
	has(b, "sale", other, "product_name", "球阀");
	bench_add(b, "product", "product_number=P2|name=水泵|price=500");
	bench_set(b, "sale", sale, "product=P2");
	has(b, "sale", sale, "product_name", "水泵");
	has(b, "sale", sale, "product_model", "");
	has(b, "sale", sale, "unit_price", "500.00");
	bench_refused(b, "sale", 0, "customer=1|quantity=1", "product_name,unit_price");
}

static void prices_are_dated(void **state)
{
	struct bench *b = *state;
	uint64_t product = bench_add(b, "product", "product_number=P1|name=阀门|price=100");
	struct buf room = BUF_INIT;
	struct stored r;
	uint64_t sale;

	has(b, "product_price", 1, "price", "100.00");
	has(b, "product_price", 1, "valid_from", "2026-11-21");
	bench_set(b, "product", product, "price=110");
	has(b, "product_price", 1, "price", "110.00");
	bench_set(b, "product", product, "remarks=x");
	bench_add(b, "product_price", "product=P1|price=80|valid_from=2026-01-01");
	has(b, "product", product, "price", "110.00");
	bench_add(b, "product_price", "product=P1|price=150|valid_from=2027-01-01");
	has(b, "product", product, "price", "110.00");
	sale = bench_add(b, "sale", "customer=1|product=P1|sale_date=2026-05-01");
	has(b, "sale", sale, "unit_price", "80.00");
	sale = bench_add(b, "sale", "customer=1|product=P1|sale_date=2027-02-01");
	has(b, "sale", sale, "unit_price", "150.00");
	refused_as(
		b, "product_price", "product=P1|price=81|valid_from=2026-01-01", STATUS_DUPLICATE);
	assert_int_equal(delete (b, "product_price", 1), STATUS_OK);
	has(b, "product", product, "price", "80.00");
	assert_int_equal(bench_get(b, "product_price", 4, &room, &r), STATUS_NOT_FOUND);
	buf_free(&room);
}

/* Money of a customer */

static void sums_of_a_customer(void **state)
{
	struct bench *b = *state;
	uint64_t one, two, draft;

	bench_add(b, "product", "product_number=P1|name=阀门|price=100");
	bench_add(b, "product", "product_number=P2|name=水泵|price=500");
	has(b, "customer", 1, "total_amount", "");
	two = bench_add(b, "sale", "customer=1|product=P2|sale_date=2026-10-01");
	one = bench_add(b, "sale", "customer=1|product=P1|sale_date=2026-11-01");
	draft = bench_add(b, "sale", "customer=1|product=P1|sale_date=2026-11-09|status=draft");
	has(b, "customer", 1, "total_amount", "600.00");
	has(b, "customer", 1, "receivable_balance", "600.00");
	has(b, "customer", 1, "last_sale_on", "2026-11-01");
	has(b, "customer", 1, "products_bought", "1, 2");
	has(b, "sale", one, "paid_amount", "0.00");
	bench_set(b, "sale", one, "status=cancelled");
	has(b, "customer", 1, "total_amount", "500.00");
	has(b, "customer", 1, "last_sale_on", "2026-10-01");
	has(b, "customer", 1, "products_bought", "2");
	bench_set(b, "sale", draft, "status=ordered|customer=2");
	has(b, "customer", 2, "total_amount", "100.00");
	bench_set(b, "sale", two, "customer=2");
	has(b, "customer", 1, "total_amount", "");
	has(b, "customer", 1, "products_bought", "");
	has(b, "customer", 2, "total_amount", "600.00");
}

static void payments_pay_lines(void **state)
{
	struct bench *b = *state;
	uint64_t old = bench_add(b, "sale",
		"customer=1|product_name=a|unit_price=100|sale_date=2026-10-01|sale_number=A");
	uint64_t new = bench_add(b, "sale",
		"customer=1|product_name=b|unit_price=100|sale_date=2026-11-01|sale_number=B");

	bench_add(b, "payment", "customer=1|amount=30|sale_number=B");
	has(b, "sale", old, "paid_amount", "0.00");
	has(b, "sale", new, "paid_amount", "30.00");
	has(b, "customer", 1, "receivable_balance", "170.00");
	bench_add(b, "payment", "customer=1|amount=120");
	has(b, "sale", old, "paid_amount", "100.00");
	has(b, "sale", new, "paid_amount", "50.00");
	bench_add(b, "payment", "customer=1|amount=10|payment_kind=refund|sale_number=B");
	has(b, "sale", new, "paid_amount", "40.00");
	bench_add(b, "payment", "customer=1|amount=-5|payment_kind=correction");
	has(b, "customer", 1, "receivable_balance", "65.00");
	bench_add(b, "payment", "customer=1|amount=100");
	has(b, "customer", 1, "receivable_balance", "0.00");
	bench_add(b, "sale", "customer=1|product_name=c|unit_price=50");
	has(b, "customer", 1, "receivable_balance", "15.00");
	bench_set(b, "sale", old, "status=returned");
	has(b, "sale", old, "paid_amount", "0.00");
	has(b, "customer", 1, "receivable_balance", "0.00");
}

static void prepaid_money(void **state)
{
	struct bench *b = *state;
	uint64_t in, use;

	in = bench_add(b, "payment", "customer=1|amount=1000|payment_kind=prepayment");
	use = bench_add(b, "payment", "customer=1|amount=300|payment_kind=prepaid_use");
	has(b, "payment", in, "prepaid_after", "1000.00");
	has(b, "payment", use, "prepaid_after", "700.00");
	has(b, "customer", 1, "prepaid_balance", "700.00");
	bench_refused(b, "payment", 0, "customer=1|amount=800|payment_kind=prepaid_use", "amount");
	assert_non_null(strstr(b->e.fields[0].message, "700.00"));
	bench_refused(b, "payment", 0, "customer=2|amount=1|payment_kind=prepaid_refund", "amount");
	bench_add(b, "payment", "customer=1|amount=700|payment_kind=prepaid_refund");
	has(b, "customer", 1, "prepaid_balance", "0.00");
	has(b, "payment", in, "payment_number", "HK000001");
	has(b, "payment", in, "receipt_number", "SJ000001");
	has(b, "payment", use, "receipt_number", "");
	has(b, "payment", in, "recorded_by", "1");
}

static void payments_stay(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "payment", "customer=1|amount=10"), count;

	bench_refused(b, "payment", 0, "customer=1|amount=0", "amount");
	bench_refused(b, "payment", 0, "customer=1|amount=-1", "amount");
	bench_refused(b, "payment", 0, "customer=1|amount=0|payment_kind=correction", "amount");
	bench_refused(b, "payment", 0, "customer=1|amount=1|sale_number=X", "sale_number");
	bench_add(b, "sale", "customer=2|product_name=a|unit_price=1|sale_number=B");
	bench_refused(b, "payment", 0, "customer=1|amount=1|sale_number=B", "sale_number");
	assert_int_equal(bench_put(b, "payment", &id, "amount=11"), STATUS_INVALID);
	assert_int_equal(delete (b, "payment", id), STATUS_INVALID);
	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 2);
	assert_int_equal(bench_move(b, "customer", 1, true, &count), STATUS_OK);
	assert_int_equal(count, 2);
	has(b, "payment", id, "amount", "10.00");
}

static void a_customer_comes_back_whole(void **state)
{
	struct bench *b = *state;
	uint64_t count;

	for (int i = 0; i < 3; i++)
		bench_add(b, "sale", "customer=1|product_name=a|unit_price=100");
	bench_add(b, "contract", "customer=1|title=一|amount=500|status=signed");
	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 5);
	assert_int_equal(bench_move(b, "customer", 1, true, &count), STATUS_OK);
	has(b, "customer", 1, "total_amount", "300.00");
	has(b, "customer", 1, "contract_state", "signed");
	has(b, "portfolio", 1, "customer_count", "2");
}

/* Contracts */

static void contracts_know_their_money(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "contract", "customer=1|title=年度|amount=1000");

	has(b, "contract", id, "contract_number", "HT000001");
	has(b, "contract", id, "received_amount", "0.00");
	has(b, "contract", id, "outstanding_amount", "1000.00");
	bench_add(b, "payment", "contract=HT000001|amount=400");
	has(b, "payment", 1, "customer", "1");
	has(b, "contract", id, "received_amount", "400.00");
	has(b, "contract", id, "outstanding_amount", "600.00");
	bench_set(b, "contract", id, "amount=500");
	has(b, "contract", id, "outstanding_amount", "100.00");
	bench_refused(b, "payment", 0, "customer=2|contract=1|amount=1", "contract");
	bench_refused(b, "contract", 0,
		"customer=1|title=x|starts_on=2026-12-01|ends_on=2026-11-30", "ends_on");
	bench_refused(b, "contract", 0, "customer=1|title=x|amount=-1", "amount");
}

static void contracts_follow_their_dates(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "contract", "customer=1|title=一|starts_on=2026-11-21");

	has(b, "contract", id, "status", "draft");
	has(b, "customer", 1, "contract_state", "draft");
	bench_set(b, "contract", id, "status=signed");
	has(b, "contract", id, "status", "in_force");
	has(b, "customer", 1, "contract_state", "in_force");
	bench_add(b, "contract", "customer=1|title=二|status=signed|starts_on=2027-01-01");
	has(b, "contract", id + 1, "status", "signed");
	bench_set(b, "contract", id, "ends_on=2026-11-30");
	has(b, "contract", id, "status", "in_force");
	bench_set(b, "contract", id, "starts_on=2026-10-01|ends_on=2026-11-20");
	has(b, "contract", id, "status", "ended");
	has(b, "customer", 1, "contract_state", "signed");
	bench_set(b, "contract", id, "status=terminated");
	has(b, "contract", id, "status", "terminated");
}

/* Deletion */

static void what_has_money_is_not_deleted(void **state)
{
	struct bench *b = *state;
	uint64_t contract = bench_add(b, "contract", "customer=1|title=一");
	uint64_t sale = bench_add(b, "sale", "customer=1|product_name=a|unit_price=1|contract=1");
	uint64_t product = bench_add(b, "product", "product_number=P1|name=阀门|price=1");

	assert_int_equal(delete (b, "contract", contract), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "1 sale"));
	assert_int_equal(delete (b, "sale", sale), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "ordered"));
	bench_set(b, "sale", sale, "status=draft");
	assert_int_equal(delete (b, "sale", sale), STATUS_OK);
	bench_add(b, "payment", "contract=1|amount=5");
	assert_int_equal(delete (b, "contract", contract), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "1 payment"));
	bench_add(b, "sale", "customer=1|product=P1|status=draft");
	assert_int_equal(delete (b, "product", product), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "1 sale"));
	bench_add(b, "opportunity", "customer=1|name=一|expected_amount=1|products=P1");
	assert_int_equal(delete (b, "product", product), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "1 opportunity"));
	product = bench_add(b, "product", "product_number=P2|name=水泵|price=1");
	assert_int_equal(delete (b, "product", product), STATUS_OK);
	assert_string_not_equal(bench_text(b, "product_price", 2, "deleted_at"), "");
}

static void children_of_opportunities(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "opportunity", "customer=1|name=一|expected_amount=100000");
	uint64_t activity = bench_add(b, "activity", "opportunity=1|subject=拜访");
	uint64_t task = bench_add(b, "task", "opportunity=1|subject=报价|due_on=2026-12-01");
	uint64_t sale = bench_add(b, "sale", "opportunity=1|product_name=a|unit_price=1");
	uint64_t count;

	has(b, "activity", activity, "customer", "1");
	has(b, "opportunity", id, "last_contact_on", "2026-11-21");
	has(b, "sale", sale, "customer", "1");
	assert_int_equal(bench_move(b, "opportunity", id, false, &count), STATUS_OK);
	assert_int_equal(count, 2);
	assert_string_not_equal(bench_text(b, "task", task, "deleted_at"), "");
	has(b, "activity", activity, "deleted_at", "");
	has(b, "sale", sale, "deleted_at", "");
	assert_int_equal(bench_move(b, "opportunity", id, true, &count), STATUS_OK);
	assert_int_equal(count, 2);
	has(b, "task", task, "deleted_at", "");
	bench_refused(b, "activity", 0, "customer=2|opportunity=1|subject=x", "opportunity");
}

/* Leads */

static void leads(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "lead", "name=王小明|mobile=13800000001");
	uint64_t count;

	has(b, "lead", id, "status", "new");
	has(b, "lead", id, "owner", "1");
	has(b, "lead", id, "branch", "1");
	assert_string_not_equal(bench_text(b, "lead", id, "assigned_at"), "");
	bench_set(b, "lead", id, "owner=");
	has(b, "lead", id, "assigned_at", "");
	bench_add(b, "task", "lead=1|subject=回电|due_on=2026-12-02");
	bench_add(b, "task", "lead=1|subject=回电|due_on=2026-12-01");
	bench_add(b, "activity", "lead=1|subject=电话|activity_date=2026-11-20");
	has(b, "lead", id, "next_follow_up_on", "2026-12-01");
	has(b, "lead", id, "last_contact_on", "2026-11-20");
	bench_set(b, "task", 2, "state=done");
	has(b, "lead", id, "next_follow_up_on", "2026-12-02");
	bench_refused(b, "lead", id, "status=invalid", "status_reason");
	bench_set(b, "lead", id, "status=invalid|status_reason=空号");
	bench_refused(b, "lead", id, "status=converted", "status");
	bench_refused(b, "lead", id, "converted_customer=1", "converted_customer");
	bench_refused(b, "lead", 0, "name=x|expected_amount=-1", "expected_amount");
	bench_refused(b, "activity", 0, "subject=x", "customer");
	assert_int_equal(bench_move(b, "lead", id, false, &count), STATUS_OK);
	assert_int_equal(count, 4);
	assert_int_equal(bench_move(b, "lead", id, true, &count), STATUS_OK);
	has(b, "lead", id, "last_contact_on", "2026-11-20");
	b->user = b->author.user = 0; /* the conversion is the server's */
	bench_set(b, "lead", id, "converted_at=2026-11-21T00:00:00Z|converted_customer=1");
	b->user = b->author.user = b->admin;
	bench_refused(b, "lead", id, "name=别名", "converted_at");
	assert_int_equal(delete (b, "lead", id), STATUS_INVALID);
}

/* Opportunities */

static void stages(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(
		b, "opportunity", "customer=1|name=一|expected_amount=100000|stage=proposal");

	has(b, "opportunity", id, "probability", "0.5");
	has(b, "opportunity", id, "weighted_amount", "50000.00");
	has(b, "opportunity", id, "owner", "1");
	bench_set(b, "opportunity", id, "probability=33.33%");
	has(b, "opportunity", id, "weighted_amount", "33330.00");
	bench_set(b, "opportunity", id, "stage=negotiation");
	has(b, "opportunity", id, "probability", "0.7");
	bench_set(b, "opportunity", id, "stage=signing|probability=95%");
	has(b, "opportunity", id, "probability", "0.95");
	bench_refused(b, "opportunity", id, "stage=won", "close_reason");
	bench_refused(b, "opportunity", id, "stage=lost", "close_reason");
	bench_set(b, "opportunity", id, "stage=won|close_reason=won");
	has(b, "opportunity", id, "closed_on", "2026-11-21");
	has(b, "opportunity", id, "weighted_amount", "100000.00");
	bench_set(b, "opportunity", id, "stage=contact");
	has(b, "opportunity", id, "closed_on", "");
	bench_refused(b, "opportunity", id, "probability=9", "probability");
	bench_refused(b, "opportunity", 0, "customer=1|name=x", "expected_amount");
}

/* Plans, monthly records, reviews */

static void plans(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "sales_plan", "plan_year=2027"), count;

	has(b, "sales_plan", id, "title", "2027年销售计划");
	has(b, "sales_plan", id, "state", "draft");
	has(b, "sales_plan", id, "current_version", "1");
	has(b, "sales_plan", id, "amount", "0.00");
	bench_add(b, "plan_line", "plan=1|plan_line_kind=forecast|amount=100|volume=1.5");
	bench_add(b, "plan_line", "plan=1|plan_line_kind=forecast|amount=200|month=2");
	has(b, "plan_line", 1, "plan_version", "1");
	has(b, "sales_plan", id, "amount", "300.00");
	has(b, "sales_plan", id, "volume", "1.5");
	bench_add(b, "plan_line", "plan=1|plan_line_kind=draft|amount=250|month=2");
	has(b, "sales_plan", id, "amount", "250.00");
	bench_add(b, "plan_line", "plan=1|plan_line_kind=draft|amount=1|plan_version=2");
	has(b, "sales_plan", id, "amount", "250.00");
	bench_add(b, "plan_step",
		"plan=1|step_number=1|step_kind=region_forecast|assignee=root|due_on=2026-12-01");
	has(b, "plan_step", 1, "state", "waiting");
	bench_refused(b, "plan_line", 0, "plan=1|plan_line_kind=draft|month=13|amount=-1",
		"month,amount");
	bench_refused(b, "plan_step", 0,
		"plan=1|step_number=9|step_kind=draft|assignee=root|due_on=2026-12-01",
		"step_number");
	refused_as(b, "sales_plan", "plan_year=2027", STATUS_DUPLICATE);
	bench_add(b, "sales_plan", "plan_year=2027|branch=main");
	refused_as(b, "sales_plan", "plan_year=2027|branch=main", STATUS_DUPLICATE);
	assert_int_equal(bench_move(b, "sales_plan", id, false, &count), STATUS_OK);
	assert_int_equal(count, 6);
	bench_add(b, "sales_plan", "plan_year=2027");
	assert_int_equal(bench_move(b, "sales_plan", id, true, &count), STATUS_CONFLICT);
}

static void monthly_records(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	bench_add(b, "sale",
		"customer=1|product_name=a|unit_price=10|quantity=2|sale_date=2026-10-05|sale_"
		"number=A");
	bench_add(b, "sale",
		"customer=1|product_name=b|unit_price=5|sale_date=2026-10-05|sale_number=A");
	bench_add(b, "sale", "customer=1|product_name=b|unit_price=7|sale_date=2026-11-01");
	id = bench_add(b, "operating_record", "customer=1|month=2026-10");
	has(b, "operating_record", id, "order_count", "1");
	has(b, "operating_record", id, "sale_amount", "25.00");
	has(b, "operating_record", id, "sale_volume", "3");
	has(b, "operating_record", id, "receivable_amount", "25.00");
	bench_add(b, "payment", "customer=1|amount=20|paid_on=2026-10-20");
	has(b, "operating_record", id, "received_amount", "20.00");
	has(b, "operating_record", id, "receivable_amount", "5.00");
	bench_add(b, "payment", "customer=1|amount=20|paid_on=2026-11-20");
	has(b, "operating_record", id, "received_amount", "20.00");
	refused_as(b, "operating_record", "customer=1|month=2026-10", STATUS_DUPLICATE);
	bench_add(b, "operating_record", "customer=2|month=2026-10");
	bench_refused(b, "operating_record", 0, "customer=1|month=2026-13", "month");
	bench_set(b, "operating_record", id, "confirmed=yes|credit_assessment=a");
	has(b, "operating_record", id, "assessed_by", "1");
	assert_int_equal(delete (b, "operating_record", id), STATUS_INVALID);
	bench_set(b, "operating_record", id, "confirmed=no");
	assert_int_equal(delete (b, "operating_record", id), STATUS_OK);
}

static void reviews(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "qualification_review", "customer=1|proposed_rating=a");

	has(b, "qualification_review", id, "started_on", "2026-11-21");
	has(b, "qualification_review", id, "state", "draft");
	bench_refused(b, "qualification_review", id, "final_rating=a", "final_rating");
	bench_refused(b, "qualification_review", id, "due_on=2026-11-20", "due_on");
	b->user = b->author.user = 0;
	bench_set(b, "qualification_review", id, "final_rating=a|decided_on=2026-12-01");
	b->user = b->author.user = b->admin;
	has(b, "qualification_review", id, "valid_until", "2027-12-01");
	has(b, "customer", 1, "qualification_rating", "a");
	assert_int_equal(delete (b, "qualification_review", id), STATUS_OK);
	has(b, "customer", 1, "qualification_rating", "");
}

/* Notes, and what others got with this */

static void notes(void **state)
{
	struct bench *b = *state;
	uint64_t contact = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t id = bench_add(b, "note", "record=contact:1|title=喜欢喝茶"), count;

	has(b, "note", id, "customer", "1");
	has(b, "note", id, "owner", "1");
	has(b, "note", id, "reminder_time", "09:00");
	bench_add(b, "note", "title=私事");
	has(b, "note", 2, "customer", "");
	bench_refused(b, "note", 0, "title=x|reminder_days_before=-1", "reminder_days_before");
	assert_int_equal(bench_move(b, "contact", contact, false, &count), STATUS_OK);
	assert_int_equal(count, 2);
}

static void visits_without_a_plan(void **state)
{
	struct bench *b = *state;
	uint64_t visit = bench_add(b, "activity", "customer=1|subject=一|activity_type=visit");

	has(b, "activity", visit, "unplanned", "false");
	bench_set(b, "customer", 2, "grade=key");
	visit = bench_add(b, "activity", "customer=2|subject=一|activity_type=visit");
	has(b, "activity", visit, "unplanned", "true");
	bench_add(b, "task", "customer=2|subject=拜访|task_kind=visit_plan|due_on=2026-11-21");
	bench_set(b, "activity", visit, "visit_plan=1");
	has(b, "activity", visit, "unplanned", "true");
	bench_set(b, "task", 1, "state=submitted");
	bench_set(b, "activity", visit, "visit_plan=");
	bench_set(b, "activity", visit, "visit_plan=1");
	has(b, "activity", visit, "unplanned", "false");
	has(b, "activity", bench_add(b, "activity", "customer=2|subject=二"), "unplanned", "false");
}

static void portfolios_count_their_customers(void **state)
{
	struct bench *b = *state;
	uint64_t count;

	has(b, "portfolio", 1, "customer_count", "2");
	bench_add(b, "portfolio", "name=重点|manager=root");
	bench_set(b, "customer", 1, "portfolio=2");
	has(b, "portfolio", 1, "customer_count", "1");
	has(b, "portfolio", 2, "customer_count", "1");
	assert_int_equal(delete (b, "portfolio", 2), STATUS_INVALID);
	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	has(b, "portfolio", 2, "customer_count", "");
}

static void circles_are_refused(void **state)
{
	struct bench *b = *state;

	bench_add(b, "region", "code=east|name=华东");
	bench_add(b, "region", "code=zj|name=浙江|parent=east");
	bench_refused(b, "region", 1, "parent=zj", "parent");
	bench_refused(b, "region", 1, "parent=east", "parent");
	bench_add(b, "team", "name=一组|branch=main");
	bench_add(b, "team", "name=二组|branch=main|parent=1");
	bench_refused(b, "team", 1, "parent=2", "parent");
	bench_add(b, "branch", "code=hz|name=杭州|parent=main");
	bench_refused(b, "branch", 1, "parent=hz", "parent");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(amounts_of_a_line),
		T(margins_follow),
		T(lines_share_a_number),
		T(the_product_is_copied),
		T(prices_are_dated),
		T(sums_of_a_customer),
		T(payments_pay_lines),
		T(prepaid_money),
		T(payments_stay),
		T(a_customer_comes_back_whole),
		T(contracts_know_their_money),
		T(contracts_follow_their_dates),
		T(what_has_money_is_not_deleted),
		T(children_of_opportunities),
		T(leads),
		T(stages),
		T(plans),
		T(monthly_records),
		T(reviews),
		T(notes),
		T(visits_without_a_plan),
		T(portfolios_count_their_customers),
		T(circles_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
