/* Service, outreach and the rules that rows of fields name: ranges, orders, what is needed when, what is unique within. */
#include "tests/unit/model_bench.h"

static int setup(void **state)
{
	struct bench *b = bench_open();

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000|address=西湖路1号|grade=vip");
	bench_add(b, "customer", "name=成都锦江|phone=028-88880000");
	bench_add(b, "contact", "customer=1|name=张三|mobile=13805710001|email=zhang@example.com");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

static void assert_field(
	struct bench *b, const char *entity, uint64_t id, const char *field, const char *want)
{
	const char *got = bench_text(b, entity, id, field);

	if (strcmp(got, want) != 0)
		fail_msg("%s %llu %s is \"%s\", wanted \"%s\"", entity, (unsigned long long)id,
			field, got, want);
}

static void refuses_delete(struct bench *b, const char *entity, uint64_t id, const char *message)
{
	uint64_t count;

	assert_int_equal(bench_move(b, entity, id, false, &count), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, message));
}

static void computed_stand(struct bench *b)
{
	assert_int_equal(model_check_computed(b->txn, NULL, NULL), 0);
}

static void a_case_fills_itself(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "feedback", "contact=1|title=漏油|content=漏油三天");
	uint64_t low = bench_add(b, "feedback", "customer=2|title=问|content=问|case_kind=enquiry");

	assert_field(b, "feedback", id, "feedback_number", "F000001");
	assert_field(b, "feedback", id, "customer", "1");
	assert_field(b, "feedback", id, "case_kind", "complaint");
	assert_field(b, "feedback", id, "priority", "high");
	assert_field(b, "feedback", low, "priority", "normal");
	assert_field(b, "feedback", id, "state", "registered");
	assert_field(b, "feedback", id, "assignee", "1");
	assert_string_not_equal(bench_text(b, "feedback", id, "assigned_at"), "");
	bench_refused(b, "feedback", 0, "", "title,customer,content");
	bench_refused(b, "feedback", 0, "customer=2|contact=1|title=x|content=x", "contact");
}

static void deadlines_count_working_days(void **state)
{
	struct bench *b = *state;
	/* a Friday, ten o'clock in Shanghai */
	uint64_t id = bench_add(
		b, "feedback", "customer=1|title=x|content=x|reported_at=2026-11-20T02:00:00Z");

	assert_field(b, "feedback", id, "response_due_at", "2026-11-20T10:00:00Z");
	assert_field(b, "feedback", id, "resolve_due_at", "2026-11-25T02:00:00Z");
	bench_set(b, "feedback", id, "priority=urgent");
	assert_field(b, "feedback", id, "response_due_at", "2026-11-20T06:00:00Z");
	assert_field(b, "feedback", id, "resolve_due_at", "2026-11-23T02:00:00Z");
}

static void a_case_is_closed_when_it_is_done(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "feedback", "customer=1|title=x|content=x");
	uint64_t ask = bench_add(b, "feedback", "customer=1|title=x|content=x|case_kind=request");
	const char *done = "state=closed|cause=老化|solution=更换|told_customer_on=2026-11-20";

	bench_refused(b, "feedback", id, "state=closed", "cause,solution,told_customer_on");
	bench_refused(b, "feedback", id, "closed_at=2026-11-20T02:00:00Z", "closed_at");
	bench_set(b, "feedback", id, done);
	assert_field(b, "feedback", id, "told_customer_by", "1");
	assert_field(b, "feedback", id, "call_back_on", "2026-11-28");
	assert_string_not_equal(bench_text(b, "feedback", id, "closed_at"), "");
	assert_string_not_equal(bench_text(b, "feedback", id, "resolved_at"), "");
	bench_set(b, "feedback", id, "state=reopened");
	assert_field(b, "feedback", id, "closed_at", "");
	assert_field(b, "feedback", id, "resolved_at", "");
	bench_refused(b, "feedback", ask, done, "needs_met");
	bench_set(b, "feedback", ask, "needs_met=no");
	bench_refused(b, "feedback", ask, done, "needs_met");
	bench_set(b, "feedback", ask, "needs_met=yes");
	bench_set(b, "feedback", ask, done);
}

static void a_case_takes_its_children_along(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "feedback", "customer=1|title=x|content=x");
	uint64_t order = bench_add(b, "service_order", "feedback=1|problem=漏油");
	uint64_t article = bench_add(b, "article", "title=漏油|content=换垫圈|feedback=1");
	uint64_t count;

	bench_add(b, "task", "subject=回访|due_on=2026-12-01|feedback=1");
	assert_field(b, "task", 1, "customer", "1");
	assert_field(b, "service_order", order, "customer", "1");
	assert_field(b, "service_order", order, "address", "西湖路1号");
	assert_field(b, "service_order", order, "phone", "0571-88880000");
	assert_int_equal(bench_move(b, "feedback", id, false, &count), STATUS_OK);
	assert_int_equal(count, 3);
	assert_field(b, "article", article, "content", "换垫圈");
	assert_int_equal(bench_move(b, "feedback", id, true, &count), STATUS_OK);
	assert_int_equal(count, 3);
	assert_field(b, "article", article, "feedback", "1");
}

static void orders_keep_their_order_of_time(void **state)
{
	struct bench *b = *state;

	bench_refused(b, "service_order", 0,
		"customer=1|problem=x|scheduled_start=2026-11-25T02:00:00Z|scheduled_end=2026-11-"
		"25T01:00:00Z",
		"scheduled_end");
	bench_refused(b, "service_order", 0,
		"customer=1|problem=x|scheduled_end=2026-11-25T01:00:00Z|fee=-1",
		"scheduled_start,fee");
	bench_refused(b, "service_order", 0,
		"customer=1|problem=x|started_at=2026-11-25T02:00:00Z|finished_at=2026-11-25T01:00:"
		"00Z",
		"finished_at");
	bench_add(b, "service_order",
		"customer=1|problem=x|scheduled_start=2026-11-25T02:00:00Z|scheduled_end=2026-11-"
		"25T02:00:00Z");
}

static void movements_make_the_stock(void **state)
{
	struct bench *b = *state;
	uint64_t part = bench_add(b, "part", "part_number=P-1|name=垫圈|minimum_stock=2");
	uint64_t id;

	assert_field(b, "part", part, "stock_quantity", "0");
	bench_add(b, "part_movement", "part=P-1|part_movement_kind=in|quantity=10.5");
	assert_field(b, "part", part, "stock_quantity", "10.5");
	id = bench_add(b, "part_movement", "part=1|part_movement_kind=used|quantity=3");
	assert_field(b, "part_movement", id, "balance_after", "7.5");
	assert_field(b, "part_movement", id, "moved_on", "2026-11-21");
	bench_refused(
		b, "part_movement", 0, "part=1|part_movement_kind=used|quantity=8", "quantity");
	assert_non_null(strstr(b->e.fields[0].message, "7.5"));
	bench_refused(b, "part_movement", 0, "part=1|part_movement_kind=in|quantity=0", "quantity");
	bench_refused(
		b, "part_movement", 0, "part=1|part_movement_kind=in|quantity=-1", "quantity");
	bench_add(b, "part_movement", "part=1|part_movement_kind=scrapped|quantity=7.5");
	assert_field(b, "part", part, "stock_quantity", "0");
	bench_add(b, "part_movement", "part=1|part_movement_kind=count|quantity=4");
	bench_add(b, "part_movement", "part=1|part_movement_kind=returned|quantity=1");
	assert_field(b, "part", part, "stock_quantity", "5");
	computed_stand(b);
	assert_int_equal(bench_put(b, "part_movement", &id, "quantity=1"), STATUS_INVALID);
	refuses_delete(b, "part_movement", id, "cannot be deleted");
	refuses_delete(b, "part", part, "in use by 5 part_movement");
}

static void a_part_without_movements_goes(void **state)
{
	struct bench *b = *state;
	uint64_t part = bench_add(b, "part", "part_number=P-1|name=垫圈"), count;

	assert_int_equal(bench_move(b, "part", part, false, &count), STATUS_OK);
	assert_int_equal(bench_move(b, "part", part, true, &count), STATUS_OK);
	bench_refused(
		b, "part", part, "minimum_stock=-1|cost_price=-0.01", "minimum_stock,cost_price");
}

static void points_add_up(void **state)
{
	struct bench *b = *state;
	uint64_t id, count;

	assert_field(b, "customer", 1, "points_balance", "");
	bench_add(b, "points_entry", "customer=1|points=100|points_reason=sale");
	id = bench_add(b, "points_entry", "customer=1|points=-30|points_reason=redeem");
	assert_field(b, "points_entry", id, "balance_after", "70");
	assert_field(b, "customer", 1, "points_balance", "70");
	bench_refused(b, "points_entry", 0, "customer=1|points=0|points_reason=sale", "points");
	assert_int_equal(bench_put(b, "points_entry", &id, "points=1"), STATUS_INVALID);
	refuses_delete(b, "points_entry", id, "cannot be deleted");
	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 4);
	assert_int_equal(bench_move(b, "customer", 1, true, &count), STATUS_OK);
	assert_field(b, "customer", 1, "points_balance", "70");
	computed_stand(b);
}

static void satisfaction_is_b_over_a(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(
		b, "survey_response", "customer=1|survey_name=年度|expectation=80|experience=100");

	assert_field(b, "survey_response", id, "satisfaction", "1.25");
	bench_set(b, "survey_response", id, "expectation=3|experience=2");
	assert_field(b, "survey_response", id, "satisfaction", "0.6667");
	bench_set(b, "survey_response", id, "experience=0");
	assert_field(b, "survey_response", id, "satisfaction", "0");
	bench_refused(b, "survey_response", id, "expectation=0", "expectation");
	bench_refused(b, "survey_response", id,
		"recommend=11|brand_attention=0|price_sensitivity=6",
		"recommend,brand_attention,price_sensitivity");
	bench_refused(b, "survey_response", id, "satisfaction=1", "satisfaction");
	bench_set(b, "survey_response", id, "recommend=0|brand_attention=1|price_sensitivity=5");
	computed_stand(b);
}

static void a_consent_is_only_withdrawn(void **state)
{
	struct bench *b = *state;
	uint64_t count, id = bench_add(b, "consent",
				"contact=1|purpose=marketing|scope=姓名和邮箱|channels=email,sms");

	assert_field(b, "consent", id, "customer", "1");
	assert_field(b, "consent", id, "state", "given");
	assert_field(b, "consent", id, "explicit", "true");
	assert_field(b, "consent", id, "text_version", "1");
	bench_refused(b, "consent", id, "scope=全部", "scope");
	bench_refused(b, "consent", id, "state=refused", "state");
	bench_refused(b, "consent", id, "channels=", "channels");
	b->author.reason = bytes_str("客户要求");
	bench_set(b, "consent", id, "state=withdrawn");
	b->author.reason = bytes_of("", 0);
	assert_field(b, "consent", id, "withdrawal_reason", "客户要求");
	assert_string_not_equal(bench_text(b, "consent", id, "withdrawn_at"), "");
	bench_refused(b, "consent", id, "state=given", "state");
	refuses_delete(b, "consent", id, "cannot be deleted");
	assert_int_equal(bench_move(b, "contact", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 2);
}

static void a_message_knows_its_way(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "message", "channel=email|contact=1|subject=你好");
	uint64_t sms = bench_add(b, "message", "channel=sms|contact=1");
	uint64_t letter = bench_add(b, "message", "channel=letter|customer=1");

	assert_field(b, "message", id, "recipient", "zhang@example.com");
	assert_field(b, "message", sms, "recipient", "13805710001");
	assert_field(b, "message", letter, "recipient", "西湖路1号");
	assert_field(b, "message", id, "state", "waiting");
	bench_refused(b, "message", 0, "channel=email|customer=2", "recipient");
	bench_refused(b, "message", id, "state=sent", "state");
}

static void campaigns_are_checked(void **state)
{
	struct bench *b = *state;
	const char *good = "name=双十一|channel=email|message_body=你好|target_filter=grade = vip";
	uint64_t id = bench_add(b, "campaign", good);

	assert_field(b, "campaign", id, "purpose", "marketing");
	assert_field(b, "campaign", id, "branch", "1");
	bench_refused(b, "campaign", id, "target_filter=nothing = 1", "target_filter");
	bench_refused(b, "campaign", id, "starts_on=2026-12-02|ends_on=2026-12-01|budget=-1",
		"ends_on,budget");
	bench_add(b, "saved_filter", "name=贵宾|entity=customer|filter=grade = vip");
	bench_set(b, "campaign", id, "target_filter=贵宾");
	bench_add(b, "message", "channel=email|contact=1|campaign=1");
	refuses_delete(b, "campaign", id, "in use by 1 message");
}

static void saved_filters_are_parsed(void **state)
{
	struct bench *b = *state;
	uint64_t id = 0,
		 other = bench_add(b, "user", "username=li|name=李|branch=main|roles=sales");

	bench_add(b, "saved_filter", "name=重点|entity=customer|filter=grade = key|sort=-name");
	bench_refused(b, "saved_filter", 0, "name=a|entity=nothing", "entity");
	bench_refused(b, "saved_filter", 0, "name=a|entity=customer|filter=grade =", "filter");
	bench_refused(b, "saved_filter", 0, "name=a|entity=customer|filter=grade = none", "filter");
	bench_refused(b, "saved_filter", 0, "name=a|entity=customer|sort=x|columns=name,y",
		"sort,columns");
	bench_refused(b, "saved_filter", 0, "name=a|entity=customer|members=1,2", "members");
	bench_add(b, "saved_filter", "name=a|entity=customer|members=1,2|group_kind=static");
	assert_int_equal(
		bench_put(b, "saved_filter", &id, "name=重点|entity=contact"), STATUS_DUPLICATE);
	assert_int_equal(b->e.nfields, 1);
	b->user = other;
	bench_add(b, "saved_filter", "name=重点|entity=customer");
	assert_field(b, "saved_filter", 1, "shared_with", "own");
}

static void plans_and_notices_are_checked(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "work_plan",
		"period_start=2026-12-01|period_end=2026-12-31|planned_profit=1000");

	assert_field(b, "work_plan", id, "plan_number", "WP000001");
	assert_field(b, "work_plan", id, "branch", "1");
	bench_refused(b, "work_plan", id, "period_end=2026-11-30", "period_end");
	bench_refused(b, "work_plan", id, "planned_customer_count=-1|actual_profit=1",
		"planned_customer_count,actual_profit");
	bench_refused(b, "notice", 0, "title=x|content=y", "audience");
	bench_add(b, "notice", "title=x|content=y|audience=all");
}

static void an_article_is_published(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "article", "title=x|content=y");

	assert_field(b, "article", id, "published_at", "");
	bench_set(b, "article", id, "article_state=published");
	assert_string_not_equal(bench_text(b, "article", id, "published_at"), "");
	bench_set(b, "article", id, "article_state=withdrawn");
	assert_field(b, "article", id, "published_at", "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_case_fills_itself),
		TEST(deadlines_count_working_days),
		TEST(a_case_is_closed_when_it_is_done),
		TEST(a_case_takes_its_children_along),
		TEST(orders_keep_their_order_of_time),
		TEST(movements_make_the_stock),
		TEST(a_part_without_movements_goes),
		TEST(points_add_up),
		TEST(satisfaction_is_b_over_a),
		TEST(a_consent_is_only_withdrawn),
		TEST(a_message_knows_its_way),
		TEST(campaigns_are_checked),
		TEST(saved_filters_are_parsed),
		TEST(plans_and_notices_are_checked),
		TEST(an_article_is_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
