/* What a change makes of other records: one primary contact, dates of contact and follow-up, owners. */
#include "tests/unit/model_bench.h"

static int setup(void **state)
{
	struct bench *b = bench_open();

	bench_add(b, "customer", "name=杭州长河|phone=0571-88880000");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

static void assert_primary(struct bench *b, uint64_t id, bool yes)
{
	assert_string_equal(bench_text(b, "contact", id, "is_primary"), yes ? "true" : "false");
}

static void one_contact_is_primary(void **state)
{
	struct bench *b = *state;
	uint64_t one = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t two = bench_add(b, "contact", "customer=1|name=李四");
	uint64_t three = bench_add(b, "contact", "customer=1|name=王五");
	uint64_t count;

	assert_primary(b, one, true);
	assert_primary(b, two, false);
	bench_set(b, "contact", three, "is_primary=yes");
	assert_primary(b, one, false);
	assert_primary(b, three, true);
	bench_refused(b, "contact", three, "is_primary=no", "is_primary");
	bench_refused(b, "contact", three, "is_primary=", "is_primary");
	assert_int_equal(bench_move(b, "contact", three, false, &count), STATUS_OK);
	assert_primary(b, one, true);
	assert_primary(b, two, false);
	assert_int_equal(bench_move(b, "contact", three, true, &count), STATUS_OK);
	assert_primary(b, three, true);
	assert_primary(b, one, false);
}

static void the_primary_survives_a_restore(void **state)
{
	struct bench *b = *state;
	uint64_t one = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t two = bench_add(b, "contact", "customer=1|name=李四|is_primary=yes");
	uint64_t count;

	assert_int_equal(bench_move(b, "customer", 1, false, &count), STATUS_OK);
	assert_int_equal(count, 3);
	assert_int_equal(bench_move(b, "customer", 1, true, &count), STATUS_OK);
	assert_primary(b, one, false);
	assert_primary(b, two, true);
	assert_int_equal(bench_move(b, "contact", one, false, &count), STATUS_OK);
	assert_int_equal(bench_move(b, "contact", two, false, &count), STATUS_OK);
	assert_int_equal(bench_move(b, "contact", one, true, &count), STATUS_OK);
	assert_primary(b, one, true);
	assert_int_equal(bench_move(b, "contact", two, true, &count), STATUS_OK);
	assert_primary(b, one, false);
	assert_primary(b, two, true);
}

static void roles_count_their_users(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	assert_string_equal(bench_text(b, "role", 1, "user_count"), "1");
	id = bench_add(b, "user", "username=li|name=李|branch=main|roles=admin,sales");
	assert_string_equal(bench_text(b, "role", 1, "user_count"), "2");
	bench_set(b, "user", id, "roles=sales");
	assert_string_equal(bench_text(b, "role", 1, "user_count"), "1");
}

static void a_contact_that_moves_leaves_one_behind(void **state)
{
	struct bench *b = *state;
	uint64_t one, two;

	bench_add(b, "customer", "name=成都锦江|phone=028-88880000");
	one = bench_add(b, "contact", "customer=1|name=张三");
	two = bench_add(b, "contact", "customer=1|name=李四");
	bench_set(b, "contact", one, "customer=2");
	assert_primary(b, one, true);
	assert_primary(b, two, true);
	bench_set(b, "contact", one, "customer=1");
	assert_primary(b, one, false);
	assert_primary(b, two, true);
}

static void adding_a_primary_moves_the_flag(void **state)
{
	struct bench *b = *state;
	uint64_t one = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t two = bench_add(b, "contact", "customer=1|name=李四|is_primary=yes");

	assert_primary(b, one, false);
	assert_primary(b, two, true);
}

static void activities_move_the_last_dates(void **state)
{
	struct bench *b = *state;
	uint64_t contact = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t visit = bench_add(b, "activity",
		"contact=1|activity_type=visit|mode=打球|subject=拜访|activity_date=2026-11-10");
	uint64_t call =
		bench_add(b, "activity", "customer=1|subject=电话|activity_date=2026-11-12");
	uint64_t count;

	assert_string_equal(bench_text(b, "activity", visit, "customer"), "1");
	assert_string_equal(bench_text(b, "customer", 1, "last_contact_on"), "2026-11-12");
	assert_string_equal(bench_text(b, "customer", 1, "last_visit_on"), "2026-11-10");
	assert_string_equal(bench_text(b, "contact", contact, "last_contact_on"), "2026-11-10");
	bench_set(b, "activity", call, "activity_date=2026-11-01");
	assert_string_equal(bench_text(b, "customer", 1, "last_contact_on"), "2026-11-10");
	assert_int_equal(bench_move(b, "activity", visit, false, &count), STATUS_OK);
	assert_string_equal(bench_text(b, "customer", 1, "last_contact_on"), "2026-11-01");
	assert_string_equal(bench_text(b, "customer", 1, "last_visit_on"), "");
	assert_string_equal(bench_text(b, "contact", contact, "last_contact_on"), "");
	assert_int_equal(bench_move(b, "activity", visit, true, &count), STATUS_OK);
	assert_string_equal(bench_text(b, "customer", 1, "last_visit_on"), "2026-11-10");
}

static void tasks_move_the_next_follow_up(void **state)
{
	struct bench *b = *state;
	uint64_t far = bench_add(b, "task", "customer=1|subject=远|due_on=2026-12-20");
	uint64_t near = bench_add(b, "task", "customer=1|subject=近|due_on=2026-12-01");

	assert_string_equal(bench_text(b, "customer", 1, "next_follow_up_on"), "2026-12-01");
	bench_refused(b, "task", near, "state=postponed|due_on=2026-12-24", "state_reason");
	bench_set(b, "task", near, "state=done");
	assert_string_equal(bench_text(b, "customer", 1, "next_follow_up_on"), "2026-12-20");
	assert_string_not_equal(bench_text(b, "task", near, "completed_at"), "");
	bench_set(b, "task", near, "state=open");
	assert_string_equal(bench_text(b, "task", near, "completed_at"), "");
	assert_string_equal(bench_text(b, "customer", 1, "next_follow_up_on"), "2026-12-01");
	bench_set(b, "task", near, "state=cancelled|state_reason=不需要");
	bench_add(b, "reminder", "customer=1|title=问候|start_on=2026-12-05");
	assert_string_equal(bench_text(b, "customer", 1, "next_follow_up_on"), "2026-12-05");
	bench_set(b, "task", far, "customer=");
	assert_string_equal(bench_text(b, "customer", 1, "next_follow_up_on"), "2026-12-05");
}

static void contacts_follow_the_owner(void **state)
{
	struct bench *b = *state;
	uint64_t user, mine, other;

	bench_add(b, "branch", "code=hz|name=杭州");
	user = bench_add(b, "user", "username=zhao|name=赵|branch=hz|roles=sales");
	mine = bench_add(b, "contact", "customer=1|name=张三");
	other = bench_add(b, "contact", "customer=1|name=李四|owner=zhao");
	assert_string_equal(bench_text(b, "contact", mine, "owner"), "1");
	bench_set(b, "customer", 1, "owner=zhao");
	assert_int_equal(strtoull(bench_text(b, "contact", mine, "owner"), NULL, 10), user);
	assert_int_equal(strtoull(bench_text(b, "contact", other, "owner"), NULL, 10), user);
	assert_string_equal(bench_text(b, "customer", 1, "branch"), "2");
	bench_set(b, "customer", 1, "owner=");
	assert_string_equal(bench_text(b, "contact", mine, "owner"), "");
	assert_string_equal(bench_text(b, "customer", 1, "branch"), "2");
	assert_string_equal(bench_text(b, "customer", 1, "ownership_state"), "pool");
	assert_string_not_equal(bench_text(b, "customer", 1, "pool_since"), "");
}

static void an_undo_hands_nothing_over(void **state)
{
	struct bench *b = *state;
	const struct entity *en = bench_entity(b, "customer");
	struct buf before = BUF_INIT, kept = BUF_INIT;
	uint64_t mine, other, id = 1;
	struct stored r;

	bench_add(b, "user", "username=zhao|name=赵|branch=main|roles=sales");
	mine = bench_add(b, "contact", "customer=1|name=张三");
	other = bench_add(b, "contact", "customer=1|name=李四|owner=zhao");
	assert_int_equal(bench_get(b, "customer", 1, &before, &r), STATUS_OK);
	buf_add_bytes(&kept, r.fields);
	bench_set(b, "customer", 1, "owner=zhao");
	bench_call(b);
	assert_int_equal(
		store_put(b->txn, &b->author, en, &id, "undo", buf_bytes(&kept), NULL, &b->e),
		STATUS_OK);
	assert_string_equal(bench_text(b, "customer", 1, "owner"), "1");
	assert_string_equal(bench_text(b, "contact", mine, "owner"), "2");
	assert_string_equal(bench_text(b, "contact", other, "owner"), "2");
	buf_free(&before);
	buf_free(&kept);
}

static void a_reminder_knows_its_customer(void **state)
{
	struct bench *b = *state;
	uint64_t contact = bench_add(b, "contact", "customer=1|name=张三");
	uint64_t id = bench_add(b, "reminder", "record=contact:1|title=问候|start_on=tomorrow");
	uint64_t count;

	assert_string_equal(bench_text(b, "reminder", id, "start_on"), "2026-11-22");
	assert_string_equal(bench_text(b, "reminder", id, "customer"), "1");
	assert_string_equal(bench_text(b, "reminder", id, "state"), "waiting");
	assert_string_equal(bench_text(b, "reminder", id, "time_of_day"), "09:00");
	assert_int_equal(bench_move(b, "contact", contact, false, &count), STATUS_OK);
	assert_int_equal(count, 2);
	assert_string_not_equal(bench_text(b, "reminder", id, "deleted_at"), "");
}

static void server_fields_cannot_be_set(void **state)
{
	struct bench *b = *state;
	uint64_t task = bench_add(b, "task", "customer=1|subject=一|due_on=2026-12-01");

	bench_refused(b, "task", task, "completed_at=2026-11-01T00:00:00Z", "completed_at");
	bench_refused(b, "customer", 1, "last_contact_on=2026-11-01", "last_contact_on");
	bench_refused(b, "reminder", 0, "title=x|start_on=2026-12-05|state=fired", "state");
	bench_refused(b, "activity", 0, "customer=1|subject=x|opportunity=3", "opportunity");
}

static void count_damage(void *arg, const char *damage)
{
	++*(size_t *)arg;
}

/* Each computed field of each record, spoilt in turn, is found. */
static void what_is_computed_is_checked(void **state)
{
	struct bench *b = *state;
	const struct entity *customer = schema_entity(b->schema, bytes_str("customer"));
	const char *const fields[] = { "last_contact_on", "last_visit_on", "next_follow_up_on",
		"ownership_state" };
	struct buf room = BUF_INIT, wrong = BUF_INIT;
	struct stored record;
	size_t found = 0;

	bench_add(b, "activity",
		"customer=1|subject=拜访|activity_type=visit|activity_date=2026-11-20");
	bench_add(b, "task", "customer=1|subject=回访|due_on=2026-12-01");
	assert_int_equal(model_check_computed(b->txn, count_damage, &found), 0);
	assert_int_equal(store_get(b->txn, &scope_all, customer, 1, &room, &record, NULL), 0);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		uint32_t spoilt = entity_field_named(customer, fields[i])->tag;
		struct bytes rest = record.fields;
		struct wire_field w;
		buf_clear(&wrong);
		while (record_next(&rest, &w, NULL)) {
			const struct field *f = entity_field_by_tag(customer, w.tag);
			if (f->flags & F_COMPUTED)
				record_add_number(
					&wrong, w.tag, w.number - (w.tag == spoilt ? 1 : 0));
		}
		assert_int_equal(
			store_put_computed(b->txn, customer, 1, buf_bytes(&wrong), NULL), 0);
		found = 0;
		assert_int_equal(model_check_computed(b->txn, count_damage, &found), 1);
		assert_int_equal(found, 1);
	}
	buf_free(&room);
	buf_free(&wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_computed_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(one_contact_is_primary, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_contact_that_moves_leaves_one_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(the_primary_survives_a_restore, setup, teardown),
		cmocka_unit_test_setup_teardown(roles_count_their_users, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_a_primary_moves_the_flag, setup, teardown),
		cmocka_unit_test_setup_teardown(activities_move_the_last_dates, setup, teardown),
		cmocka_unit_test_setup_teardown(tasks_move_the_next_follow_up, setup, teardown),
		cmocka_unit_test_setup_teardown(contacts_follow_the_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(an_undo_hands_nothing_over, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reminder_knows_its_customer, setup, teardown),
		cmocka_unit_test_setup_teardown(server_fields_cannot_be_set, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
