#include "common/frame.h"
#include "common/schema.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

static const struct field customer_rows[] = {
	{ .tag = 1,
		.name = "name",
		.type = T_TEXT,
		.flags = F_REQUIRED | F_NAME,
		.zh = "客户名称",
		.en = "Name",
		.alias = "企业名称|Company" },
	{ .tag = 2, .name = "industry", .type = T_CHOICE, .refers_to = "industry", .zh = "行业" },
	{ .tag = 3,
		.name = "owner",
		.type = T_REF,
		.refers_to = "user",
		.zh = "业务员",
		.en = "Salesman" },
	{ .tag = 4, .name = "old_field", .type = T_TEXT, .flags = F_RETIRED, .zh = "旧" },
	{ .tag = 9,
		.name = "budget",
		.type = T_MONEY,
		.class = CLASS_COST,
		.max = 7,
		.zh = "预算",
		.en = "Budget" },
	{ 0 },
};
static const struct field user_rows[] = {
	{ .tag = 1, .name = "username", .type = T_TEXT, .flags = F_UNIQUE },
	{ 0 },
};

static const struct entity_table good[] = {
	{ { .number = 1,
		  .name = "customer",
		  .zh = "客户",
		  .en = "Customer",
		  .name_field = "name",
		  .scope_fields = "owner|created_by",
		  .owner_field = "owner" },
		customer_rows },
	{ { .number = 6,
		  .name = "sales_user",
		  .name_field = "username",
		  .number_field = "username" },
		user_rows },
};

static struct entity_table users(void)
{
	struct entity_table t = good[1];

	t.entity.name = "user";
	return t;
}

static struct schema *built(void)
{
	struct entity_table tables[] = { good[0], users() };
	struct schema *s = NULL;
	struct error e;

	error_init(&e);
	if (schema_build(tables, 2, &s, &e))
		fail_msg("%s", e.message);
	return s;
}

static const char *found(const struct entity *en, const char *name)
{
	const struct field *f = entity_field_named(en, name);

	return f ? f->name : "";
}

static void test_fields_are_found(void **state)
{
	struct schema *s = built();
	const struct entity *en = schema_entity(s, bytes_str("customer"));

	assert_string_equal(found(en, "name"), "name");
	assert_string_equal(found(en, "NAME"), "name");
	assert_string_equal(found(en, "客户名称"), "name");
	assert_string_equal(found(en, "企业名称"), "name");
	assert_string_equal(found(en, " ＣＯＭＰＡＮＹ "), "name");
	assert_string_equal(found(en, "行业"), "industry");
	assert_string_equal(found(en, "salesman"), "owner");
	assert_string_equal(found(en, "created-at"), "created_at");
	assert_string_equal(found(en, "编号"), "id");
	assert_string_equal(found(en, "old_field"), "");
	assert_string_equal(found(en, "旧"), "");
	assert_string_equal(found(en, ""), "");
	assert_string_equal(found(en, "compan"), "");
	assert_int_equal(entity_field_by_tag(en, 9)->tag, 9);
	assert_int_equal(entity_field_by_tag(en, TAG_VERSION)->tag, TAG_VERSION);
	assert_int_equal(entity_field_by_tag(en, 4)->tag, 4);
	assert_null(entity_field_by_tag(en, 0));
	assert_null(entity_field_by_tag(en, 1000));
	schema_free(&s);
}

static void test_entities_are_found(void **state)
{
	struct schema *s = NULL;

	assert_int_equal(schema_build(&good[1], 1, &s, NULL), STATUS_OK);
	assert_non_null(schema_entity(s, bytes_str("sales-user")));
	assert_non_null(schema_entity(s, bytes_str("sales_user")));
	assert_null(schema_entity(s, bytes_str("sales")));
	assert_non_null(schema_entity_by_number(s, 6));
	assert_null(schema_entity_by_number(s, 1));
	assert_string_equal(schema_entity_suggest(s, bytes_str("sales_uzer")), "sales_user");
	assert_null(schema_at(s, 1));
	schema_free(&s);
}

static void test_suggestions(void **state)
{
	struct schema *s = built();
	const struct entity *en = schema_at(s, 0);

	assert_string_equal(entity_field_suggest(en, bytes_str("indutsry")), "industry");
	assert_null(entity_field_suggest(en, bytes_str("zzzzzzzz")));
	schema_free(&s);
}

static void test_common_fields(void **state)
{
	struct schema *s = built();
	const struct entity *en = schema_at(s, 0);
	const struct field *id = entity_field_by_tag(en, TAG_ID);

	assert_int_equal(en->nfields, 5 + 9);
	assert_true(id->flags & F_VIRTUAL);
	assert_true(entity_field_by_tag(en, TAG_CREATED_AT)->flags & F_INDEXED);
	assert_false(entity_field_by_tag(en, TAG_CREATED_AT)->flags & F_READONLY);
	assert_true(entity_field_by_tag(en, TAG_UPDATED_AT)->flags & F_READONLY);
	assert_string_equal(entity_field_by_tag(en, TAG_CREATED_BY)->refers_to, "user");
	schema_free(&s);
}

static void refuse(struct field bad, const char *says)
{
	struct field rows[] = { customer_rows[0], bad, { 0 } };
	struct entity_table tables[] = { { { .number = 1, .name = "customer" }, rows }, users() };
	struct schema *s = NULL;
	struct error e;

	error_init(&e);
	assert_int_equal(schema_build(tables, 2, &s, &e), STATUS_INTERNAL);
	assert_null(s);
	if (!strstr(e.message, says))
		fail_msg("\"%s\" does not say \"%s\"", e.message, says);
	error_clear(&e);
}

static void test_broken_tables_are_refused(void **state)
{
	refuse((struct field){ .tag = 1, .name = "x" },
		"\"customer.x\" has a tag that occurs twice");
	refuse((struct field){ .tag = 2, .name = "name" }, "name, label or alias");
	refuse((struct field){ .tag = 2, .name = "x", .zh = "客户名称" }, "name, label or alias");
	refuse((struct field){ .tag = 2, .name = "x", .en = "COMPANY" }, "name, label or alias");
	refuse((struct field){ .tag = 2, .name = "id" }, "name, label or alias");
	refuse((struct field){ .tag = 900, .name = "x" }, "tag that occurs twice");
	refuse((struct field){ .tag = 2, .name = "x", .type = T_REF, .refers_to = "planet" },
		"entity that does not exist");
	refuse((struct field){ .tag = 2, .name = "x", .type = T_CHOICE }, "names no dictionary");
	refuse((struct field){ .tag = 2, .name = "x", .remind_time = "nowhere" },
		"no field \"nowhere\"");
}

static void test_unavailable_reference_is_allowed(void **state)
{
	const struct field rows[] = { { .tag = 2,
					      .name = "x",
					      .type = T_REF,
					      .refers_to = "planet",
					      .flags = F_UNAVAILABLE },
		{ 0 } };
	struct entity_table t = { { .number = 1, .name = "customer" }, rows };
	struct schema *s = NULL;

	assert_int_equal(schema_build(&t, 1, &s, NULL), STATUS_OK);
	schema_free(&s);
}

static void same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void test_message_round_trip(void **state)
{
	struct schema *s = built(), *copy = NULL;
	struct arena *arena = arena_new(1 << 20);
	Guanxi__Schema *m = schema_to_message(s, arena);

	assert_non_null(m);
	assert_int_equal(schema_from_message(m, &copy, NULL), STATUS_OK);
	arena_free(&arena);
	assert_int_equal(schema_count(copy), schema_count(s));
	assert_true(bytes_equal(schema_hash(s), schema_hash(copy)));
	for (size_t i = 0; i < schema_count(s); i++) {
		const struct entity *a = schema_at(s, i), *b = schema_at(copy, i);

		same_text(a->name, b->name);
		same_text(a->zh, b->zh);
		same_text(a->name_field, b->name_field);
		same_text(a->number_field, b->number_field);
		assert_int_equal(a->nfields, b->nfields);
		for (size_t k = 0; k < a->nfields; k++) {
			const struct field *f = &a->fields[k], *g = &b->fields[k];

			same_text(f->name, g->name);
			same_text(f->zh, g->zh);
			same_text(f->en, g->en);
			same_text(f->alias, g->alias);
			same_text(f->refers_to, g->refers_to);
			assert_int_equal(f->type, g->type);
			assert_int_equal(f->class, g->class);
			assert_int_equal(f->max, g->max);
			assert_int_equal(f->flags & 0xffff, g->flags);
		}
	}
	schema_free(&s);
	schema_free(&copy);
}

/* The copy computes the same hash as the original from what was sent. */
static void test_hash_covers_what_is_sent(void **state)
{
	struct schema *s = built(), *copy = NULL, *other = NULL;
	struct field rows[6];
	struct entity_table tables[] = { good[0], users() };
	struct arena *arena = arena_new(1 << 20);
	Guanxi__Schema *m = schema_to_message(s, arena);

	m->hash.len = 0;
	assert_int_equal(schema_from_message(m, &copy, NULL), STATUS_OK);
	assert_true(bytes_equal(schema_hash(s), schema_hash(copy)));
	memcpy(rows, customer_rows, sizeof(rows));
	rows[1].zh = "行业分类";
	tables[0].rows = rows;
	assert_int_equal(schema_build(tables, 2, &other, NULL), STATUS_OK);
	assert_false(bytes_equal(schema_hash(s), schema_hash(other)));
	arena_free(&arena);
	schema_free(&s);
	schema_free(&copy);
	schema_free(&other);
}

static void test_hostile_message_is_refused(void **state)
{
	struct schema *s = built(), *copy = NULL;
	struct arena *arena = arena_new(1 << 20);
	struct error e;

	error_init(&e);
	for (int i = 0; i < 6; i++) {
		Guanxi__Schema *m = schema_to_message(s, arena);
		Guanxi__Field *f = m->entity[0]->field[2];

		if (i == 0)
			f->tag = 70000;
		if (i == 1)
			f->type = pb_from(bytes_str("planet"));
		if (i == 2)
			f->name = pb_from(bytes_str("bad\x1b[31m"));
		if (i == 3)
			f->label_zh = pb_from(bytes_str("bad\xff"));
		if (i == 4)
			f->has_refers_to = false;
		if (i == 5)
			m->entity[0]->number = 0;
		assert_int_equal(schema_from_message(m, &copy, &e), STATUS_INVALID);
		assert_null(copy);
	}
	error_clear(&e);
	arena_free(&arena);
	schema_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_found),
		cmocka_unit_test(test_entities_are_found),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_common_fields),
		cmocka_unit_test(test_broken_tables_are_refused),
		cmocka_unit_test(test_unavailable_reference_is_allowed),
		cmocka_unit_test(test_message_round_trip),
		cmocka_unit_test(test_hash_covers_what_is_sent),
		cmocka_unit_test(test_hostile_message_is_refused),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
