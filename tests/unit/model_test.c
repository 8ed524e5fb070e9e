/* Filling a store, look-ups, defaults and checks, deletion and restoring. */
#include "tests/unit/model_bench.h"

static int setup(void **state)
{
	*state = bench_open();
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

static enum status resolve(struct bench *b, const char *entity, const char *text, uint64_t *id)
{
	struct parse_context ctx = lookup_parse_context(b->lookup, TODAY, NULL);

	error_clear(&b->e);
	return ctx.reference(ctx.arg, entity, bytes_str(text), id, &b->e);
}

static enum status choose(struct bench *b, const char *dictionary, const char *text, uint64_t *id)
{
	struct parse_context ctx = lookup_parse_context(b->lookup, TODAY, NULL);

	error_clear(&b->e);
	return ctx.choice(ctx.arg, dictionary, bytes_str(text), id, &b->e);
}

static void fill_makes_a_firm(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	assert_string_equal(bench_text(b, "user", b->admin, "username"), "root");
	assert_string_equal(bench_text(b, "user", b->admin, "state"), "active");
	assert_int_equal(resolve(b, "branch", "main", &id), STATUS_OK);
	assert_int_equal(resolve(b, "portfolio", "未分组", &id), STATUS_OK);
	assert_int_equal(id, 1);
	assert_int_equal(resolve(b, "role", "sales", &id), STATUS_OK);
	assert_string_equal(bench_text(b, "role", id, "scope"), "own");
	assert_int_equal(resolve(b, "dictionary-entry", "grade.vip", &id), STATUS_OK);
	assert_string_equal(bench_text(b, "dictionary_entry", id, "label_zh"), "贵宾型客户");
}

static void choices_by_code_and_labels(void **state)
{
	struct bench *b = *state;
	uint64_t code, zh, en, none;

	assert_int_equal(choose(b, "industry", "chemical", &code), STATUS_OK);
	assert_int_equal(choose(b, "industry", "化工", &zh), STATUS_OK);
	assert_int_equal(choose(b, "industry", "Chemical", &en), STATUS_OK);
	assert_int_equal(code, zh);
	assert_int_equal(code, en);
	assert_int_equal(code, lookup_entry(b->lookup, "industry", "chemical"));
	assert_string_equal(lookup_code(b->lookup, code), "chemical");
	assert_int_equal(choose(b, "activity_mode", "外星", &none), STATUS_NOT_FOUND);
	assert_non_null(strstr(b->e.message, "meet, phone, ball_game"));
	assert_int_equal(choose(b, "industry", "chemcial", &none), STATUS_NOT_FOUND);
	assert_non_null(strstr(b->e.message, "did you mean \"chemical\""));
}

static void references_by_id_number_and_name(void **state)
{
	struct bench *b = *state;
	uint64_t one = bench_add(b, "customer", "name=杭州长河有限公司|phone=0571-88880000");
	uint64_t id;

	bench_add(b, "customer", "name=同名|phone=0571-88880001");
	bench_add(b, "customer", "name=同名|phone=0571-88880002");
	bench_call(b);
	assert_int_equal(resolve(b, "customer", "1", &id), STATUS_OK);
	assert_int_equal(id, one);
	assert_int_equal(resolve(b, "customer", "C000001", &id), STATUS_OK);
	assert_int_equal(id, one);
	assert_int_equal(resolve(b, "customer", "@name:杭州长河有限公司", &id), STATUS_OK);
	assert_int_equal(id, one);
	assert_int_equal(resolve(b, "customer", "杭州长河有限公司", &id), STATUS_OK);
	assert_int_equal(id, one);
	assert_int_equal(resolve(b, "customer", "没有这个", &id), STATUS_NOT_FOUND);
	assert_int_equal(resolve(b, "customer", "@name:同名", &id), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "names 2 customer records"));
	assert_int_equal(resolve(b, "customer", "99", &id), STATUS_NOT_FOUND);
	assert_string_equal(b->e.message, "is not a known customer");
}

static void references_only_of_what_is_seen(void **state)
{
	struct bench *b = *state;
	uint64_t customer = bench_add(b, "customer", "name=别人的|phone=0571-88880000");
	uint64_t user = bench_add(b, "user", "username=zhao|name=赵|branch=main|roles=sales");
	uint64_t id;

	b->scope = (struct scope){ .user = user, .own = true };
	b->user = user;
	bench_call(b);
	assert_int_equal(resolve(b, "customer", "1", &id), STATUS_NOT_FOUND);
	assert_string_equal(b->e.message, "is not a known customer");
	assert_int_equal(resolve(b, "user", "root", &id), STATUS_OK);
	bench_refused(b, "contact", 0, "customer=1|name=张三", "customer");
	b->user = b->admin;
	b->scope = scope_all;
	bench_set(b, "customer", customer, "owner=zhao");
	b->scope = (struct scope){ .user = user, .own = true };
	bench_call(b);
	assert_int_equal(resolve(b, "customer", "1", &id), STATUS_OK);
}

static void customer_gets_defaults(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");

	assert_string_equal(bench_text(b, "customer", id, "kind"), "company");
	assert_string_equal(bench_text(b, "customer", id, "customer_number"), "C000001");
	assert_string_equal(bench_text(b, "customer", id, "country"), "中国");
	assert_string_equal(bench_text(b, "customer", id, "grade"), "normal");
	assert_string_equal(bench_text(b, "customer", id, "status"), "potential");
	assert_string_equal(bench_text(b, "customer", id, "owner"), "1");
	assert_string_equal(bench_text(b, "customer", id, "branch"), "1");
	assert_string_equal(bench_text(b, "customer", id, "portfolio"), "1");
	assert_string_equal(bench_text(b, "customer", id, "is_valid"), "true");
	assert_string_equal(bench_text(b, "customer", id, "ownership_state"), "owned");
	id = bench_add(b, "customer", "name=二|phone=0571-88880000|customer_number=C000003");
	id = bench_add(b, "customer", "name=三|phone=0571-88880000");
	assert_string_equal(bench_text(b, "customer", id, "customer_number"), "C000004");
}

static void all_bad_fields_at_once(void **state)
{
	struct bench *b = *state;

	bench_refused(b, "customer", 0, "kind=person|email=x|postcode=12", "name,email,postcode");
	bench_refused(b, "customer", 0, "name=只有名字", "phone");
	bench_refused(b, "customer", 0,
		"name=a|phone=057188880000|qq=12a|tax_number=#|is_valid=yes",
		"qq,tax_number,is_valid");
	bench_refused(b, "activity", 0, "subject=拜访|lead=1", "lead,customer");
	bench_refused(b, "customer", 0, "name=a|phone=057188880000|id_card_number=12345",
		"id_card_number");
}

static void lost_needs_a_reason(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");

	bench_refused(b, "customer", id, "status=lost", "loss_reason");
	bench_set(b, "customer", id, "status=lost|loss_reason=price");
	assert_string_equal(bench_text(b, "customer", id, "is_valid"), "false");
	bench_set(b, "customer", id, "status=active");
	assert_string_equal(bench_text(b, "customer", id, "is_valid"), "true");
}

static void lunar_birthday_of_a_person(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(
		b, "customer", "kind=person|name=王小明|mobile=13800000001|birthday=lunar:08-15");

	assert_string_equal(bench_text(b, "customer", id, "birthday"), "lunar:08-15");
	bench_refused(b, "customer", id, "birthday_calendar=solar", "birthday_calendar");
	bench_set(b, "customer", id, "birthday=lunar:1987-08-15|birthday_calendar=both");
}

static void parents_make_no_circle(void **state)
{
	struct bench *b = *state;
	uint64_t east = bench_add(b, "region", "code=east|name=华东");
	uint64_t zj = bench_add(b, "region", "code=zj|name=浙江|parent=east|provinces=浙江");
	uint64_t id;

	bench_refused(b, "region", east, "parent=zj", "parent");
	bench_refused(b, "region", east, "parent=east", "parent");
	id = bench_add(b, "customer", "name=杭州长河|phone=0571-88880000|province=浙江");
	assert_int_equal(strtoull(bench_text(b, "customer", id, "region"), NULL, 10), zj);
}

static void settings_change_what_is_required(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	assert_int_equal(lookup_setting_number(b->lookup, "trash.days"), 90);
	assert_int_equal(resolve(b, "setting", "required.customer.company", &id), STATUS_OK);
	bench_refused(b, "setting", id, "value=name,nonsense", "value");
	bench_set(b, "setting", id, "value=name,industry");
	bench_refused(b, "customer", 0, "name=甲|phone=0571-88880000", "industry");
	bench_add(b, "customer", "name=甲|industry=化工");
	assert_int_equal(resolve(b, "setting", "birthday.leap_day", &id), STATUS_OK);
	bench_refused(b, "setting", id, "value=03-02", "value");
	bench_set(b, "setting", id, "value=03-01");
	bench_call(b);
	assert_true(bytes_equal_str(lookup_setting(b->lookup, "birthday.leap_day"), "03-01"));
}

static void deletion_takes_children_and_restore_brings_them(void **state)
{
	struct bench *b = *state;
	uint64_t customer = bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	uint64_t gone = bench_add(b, "contact", "customer=1|name=先走的");
	uint64_t contact = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t activity = bench_add(b, "activity", "customer=1|contact=2|subject=拜访");
	uint64_t task = bench_add(b, "task", "customer=1|subject=跟进|due_on=2026-12-01");
	uint64_t reminder = bench_add(b, "reminder", "customer=1|title=问候|start_on=2026-12-02");
	uint64_t count;

	assert_int_equal(bench_move(b, "contact", gone, false, &count), STATUS_OK);
	assert_int_equal(bench_move(b, "customer", customer, false, &count), STATUS_OK);
	assert_int_equal(count, 5);
	assert_string_not_equal(bench_text(b, "contact", contact, "deleted_at"), "");
	assert_string_not_equal(bench_text(b, "activity", activity, "deleted_at"), "");
	assert_string_not_equal(bench_text(b, "task", task, "deleted_at"), "");
	assert_string_not_equal(bench_text(b, "reminder", reminder, "deleted_at"), "");
	assert_int_equal(bench_move(b, "contact", gone, true, &count), STATUS_CONFLICT);
	assert_int_equal(bench_move(b, "customer", customer, true, &count), STATUS_OK);
	assert_int_equal(count, 5);
	assert_string_equal(bench_text(b, "contact", contact, "deleted_at"), "");
	assert_string_equal(bench_text(b, "contact", contact, "is_primary"), "true");
	assert_string_not_equal(bench_text(b, "contact", gone, "deleted_at"), "");
	assert_int_equal(bench_move(b, "customer", customer, true, &count), STATUS_CONFLICT);
}

static void what_is_in_use_stays(void **state)
{
	struct bench *b = *state;
	uint64_t count, entry;

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000|industry=化工");
	assert_int_equal(bench_move(b, "branch", 1, false, &count), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "1 customer"));
	assert_non_null(strstr(b->e.message, "1 user"));
	entry = lookup_entry(b->lookup, "industry", "chemical");
	assert_int_equal(bench_move(b, "dictionary_entry", entry, false, &count), STATUS_INVALID);
	assert_non_null(strstr(b->e.message, "in use by 1 customer"));
	entry = lookup_entry(b->lookup, "industry", "mining");
	assert_int_equal(bench_move(b, "dictionary_entry", entry, false, &count), STATUS_OK);
	entry = lookup_entry(b->lookup, "task_state", "done");
	assert_int_equal(bench_move(b, "dictionary_entry", entry, false, &count), STATUS_INVALID);
	assert_int_equal(bench_move(b, "user", b->admin, false, &count), STATUS_INVALID);
	assert_int_equal(bench_move(b, "portfolio", 1, false, &count), STATUS_INVALID);
}

static void dictionary_entries_get_a_code(void **state)
{
	struct bench *b = *state;
	uint64_t id = bench_add(b, "dictionary_entry",
		"dictionary=industry|label_zh=造船|label_en=Ship building|is_default=yes");
	uint64_t found;

	assert_string_equal(bench_text(b, "dictionary_entry", id, "code"), "ship_building");
	assert_string_equal(bench_text(b, "dictionary_entry", id, "key"), "industry.ship_building");
	bench_call(b);
	assert_int_equal(choose(b, "industry", "造船", &found), STATUS_OK);
	assert_int_equal(found, id);
	id = bench_add(b, "dictionary_entry", "dictionary=industry|label_zh=石油");
	assert_string_equal(bench_text(b, "dictionary_entry", id, "code"), "shiyou");
	bench_refused(b, "dictionary_entry", id, "code=oil", "code");
	bench_refused(b, "dictionary_entry", 0, "dictionary=task_state|label_zh=新", "dictionary");
	bench_set(b, "dictionary_entry", id, "is_default=yes");
	assert_string_equal(bench_text(b, "dictionary_entry", found, "is_default"), "false");
	bench_set(b, "dictionary_entry", id, "active=no");
	bench_refused(b, "customer", 0, "name=甲|phone=0571-88880000|industry=石油", "industry");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fill_makes_a_firm, setup, teardown),
		cmocka_unit_test_setup_teardown(choices_by_code_and_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(references_by_id_number_and_name, setup, teardown),
		cmocka_unit_test_setup_teardown(references_only_of_what_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(customer_gets_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(all_bad_fields_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_needs_a_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(lunar_birthday_of_a_person, setup, teardown),
		cmocka_unit_test_setup_teardown(parents_make_no_circle, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_change_what_is_required, setup, teardown),
		cmocka_unit_test_setup_teardown(
			deletion_takes_children_and_restore_brings_them, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_in_use_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(dictionary_entries_get_a_code, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
