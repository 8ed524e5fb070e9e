/* Callers made from users and roles: rights, classes and scope add up. */
#include "server/call/auth.h"
#include "server/call/rights.h"
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

static struct caller *load(struct bench *b, uint64_t user)
{
	struct caller *c = NULL;

	error_clear(&b->e);
	if (caller_load(b->txn, user, 5, &c, &b->e))
		fail_msg("caller_load: %s", b->e.message);
	return c;
}

static void an_administrator_may_everything(void **state)
{
	struct bench *b = *state;
	struct caller *c = load(b, b->admin);

	assert_true(c->admin);
	assert_true(c->scope.all);
	assert_true(caller_may(c, "customer.add"));
	assert_true(caller_may(c, "whatever.it.is"));
	assert_int_equal(c->class_mask, 0xf);
	assert_string_equal(c->username, "root");
	assert_int_equal(c->session, 5);
	assert_non_null(c->zone);
	caller_free(&c);
	assert_null(c);
	caller_free(&c);
}

static void a_salesperson_sees_own_and_the_pool(void **state)
{
	struct bench *b = *state;
	uint64_t branch = bench_add(b, "branch", "code=cd|name=成都|time_zone=Asia/Urumqi");
	uint64_t user = bench_add(b, "user", "username=li|name=李四|roles=sales|branch=cd");
	struct caller *c = load(b, user);

	assert_false(c->admin);
	assert_false(c->scope.all);
	assert_true(c->scope.own);
	assert_int_equal(c->scope.user, user);
	assert_int_equal(c->scope.pool_branch, branch);
	assert_int_equal(c->scope.nbranches, 0);
	assert_true(caller_may(c, "customer.add"));
	assert_false(caller_may(c, "user.add"));
	assert_false(caller_may(c, "system.console"));
	assert_int_equal(c->class_mask, 1u << CLASS_PUBLIC | 1u << CLASS_PERSONAL);
	assert_string_equal(zone_name(c->zone), "Asia/Urumqi");
	caller_free(&c);
}

static void roles_add_up(void **state)
{
	struct bench *b = *state;
	uint64_t hz = bench_add(b, "branch", "code=hz|name=杭州");
	uint64_t below = bench_add(b, "branch", "code=hz-xs|name=萧山|parent=hz");
	uint64_t role = bench_add(b, "role",
		"code=manager|label_zh=经理|scope=branch|rights=branch.*,customer.export|data_"
		"classes=cost");
	uint64_t user =
		bench_add(b, "user", "username=zhao|name=赵六|roles=sales,manager|branch=hz");
	struct caller *c = load(b, user);

	assert_true(role > 0);
	assert_true(caller_may(c, "branch.add"));
	assert_true(caller_may(c, "customer.export"));
	assert_true(caller_may(c, "customer.add"));
	assert_false(caller_may(c, "branches.add"));
	assert_false(caller_may(c, "branch"));
	assert_true(c->class_mask & 1u << CLASS_COST);
	assert_true(c->class_mask & 1u << CLASS_PERSONAL);
	assert_false(c->class_mask & 1u << CLASS_SENSITIVE);
	assert_int_equal(c->scope.nbranches, 2);
	assert_true((c->scope.branches[0] == hz && c->scope.branches[1] == below));
	caller_free(&c);
}

static void who_is_not_there_is_no_caller(void **state)
{
	struct bench *b = *state;
	struct caller *c = NULL;

	assert_int_equal(caller_load(b->txn, 999, 0, &c, &b->e), STATUS_UNAUTHENTICATED);
	assert_null(c);
}

static void masks_follow_class_and_kind(void **state)
{
	struct bench *b = *state;
	const struct entity *customer = bench_entity(b, "customer");
	const struct field *phone = entity_field_named(customer, "phone");
	const struct field *kind = entity_field_named(customer, "kind");
	uint64_t role =
		bench_add(b, "role", "code=blind|label_zh=盲|scope=all|rights=customer.change");
	uint64_t user = bench_add(b, "user", "username=blind|name=盲|roles=blind|branch=main");
	struct caller *c = load(b, user);
	struct buf person = BUF_INIT, company = BUF_INIT;

	assert_true(role > 0);
	assert_true(phone->flags & F_PERSONAL_IF_PERSON);
	record_add_number(&person, kind->tag, lookup_entry(b->lookup, "customer_kind", "person"));
	record_add_number(&company, kind->tag, lookup_entry(b->lookup, "customer_kind", "company"));
	assert_true(caller_masked(c, customer, phone, buf_bytes(&person)));
	assert_false(caller_masked(c, customer, phone, buf_bytes(&company)));
	for (size_t i = 0; i < customer->nfields; i++)
		if (customer->fields[i].class != CLASS_PUBLIC)
			assert_true(caller_masked(
				c, customer, &customer->fields[i], buf_bytes(&company)));
	buf_free(&person);
	buf_free(&company);
	caller_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_administrator_may_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_salesperson_sees_own_and_the_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(roles_add_up, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_not_there_is_no_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(masks_follow_class_and_kind, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
