/* What the tables must hold among themselves: nothing here needs a store. */
#include "common/type.h"
#include "server/model/dictionaries.h"
#include "server/model/model.h"
#include <setjmp.h>
#include <stdarg.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static struct schema *schema;

static int setup(void **state)
{
	struct error e;

	error_init(&e);
	return model_schema(&schema, &e);
}

static int teardown(void **state)
{
	schema_free(&schema);
	return 0;
}

static const struct dictionary_row *dictionary(const char *code)
{
	for (const struct dictionary_row *row = dictionary_rows; row->code; row++)
		if (row->flags & ROW_DICTIONARY && !strcmp(row->code, code))
			return row;
	return NULL;
}

static bool has_default(const struct dictionary_row *row)
{
	for (row++; row->code && !(row->flags & ROW_DICTIONARY); row++)
		if (row->flags & ROW_DEFAULT)
			return true;
	return false;
}

typedef void check_field(const struct entity *en, const struct field *f);

static void each_field(check_field *fn)
{
	assert_true(schema_count(schema) >= 15);
	for (size_t i = 0; i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; k < en->nfields; k++)
			fn(en, &en->fields[k]);
	}
}

static void check_labels(const struct entity *en, const struct field *f)
{
	if (!f->zh || !*f->zh || !f->en || !*f->en)
		fail_msg("%s.%s has no label", en->name, f->name);
}

static void check_choice(const struct entity *en, const struct field *f)
{
	const struct dictionary_row *d;

	if (f->type != T_CHOICE && f->type != T_CHOICES)
		return;
	d = dictionary(f->refers_to);
	if (!d)
		fail_msg("%s.%s: no dictionary %s", en->name, f->name, f->refers_to);
	if (f->initial && *f->initial == '@' && !has_default(d))
		fail_msg("%s.%s: dictionary %s has no default", en->name, f->name, f->refers_to);
	/* Uses of an entry are counted in the index. */
	if (!(d->flags & ROW_FIXED) && !(f->flags & F_INDEXED))
		fail_msg("%s.%s: an open dictionary needs an index", en->name, f->name);
}

static void check_deletion(const struct entity *en, const struct field *f)
{
	if (f->on_delete != ON_DELETE_KEEP && !(f->flags & F_INDEXED))
		fail_msg("%s.%s: deletion follows it, so it needs an index", en->name, f->name);
}

static void check_default(const struct entity *en, const struct field *f)
{
	if (f->flags & F_DEFAULTED && f->flags & (F_COMPUTED | F_VIRTUAL))
		fail_msg("%s.%s is computed and has a default", en->name, f->name);
}

static void check_remind(const struct entity *en, const struct field *f)
{
	if (f->remind != REMIND_NONE && !f->remind_user)
		fail_msg("%s.%s reminds nobody", en->name, f->name);
}

static void labels_are_complete(void **state)
{
	each_field(check_labels);
}

static void choices_have_dictionaries(void **state)
{
	each_field(check_choice);
}

static void check_reference(const struct entity *en, const struct field *f)
{
	const struct entity *to =
		type_is_reference(f->type) ? schema_entity(schema, bytes_str(f->refers_to)) : NULL;
	bool refers = f->type == T_REF_ANY || (to && model_mergeable(to));

	if (refers && f->tag < TAG_EXTERNAL_ID && !(f->flags & (F_INDEXED | F_UNAVAILABLE)))
		fail_msg("%s.%s is a reference that a merge cannot find", en->name, f->name);
}

static void references_are_indexed(void **state)
{
	each_field(check_reference);
}

static void deletion_is_indexed(void **state)
{
	each_field(check_deletion);
}

static void defaults_are_entered(void **state)
{
	each_field(check_default);
}

static void reminders_have_a_user(void **state)
{
	each_field(check_remind);
}

static void labels_find_fields(void **state)
{
	const struct entity *customer = schema_entity(schema, bytes_str("customer"));

	assert_string_equal(entity_field_named(customer, "行业")->name, "industry");
	assert_string_equal(entity_field_named(customer, "企业名称")->name, "name");
	assert_string_equal(
		entity_field_named(customer, "Customer number")->name, "customer_number");
	assert_null(entity_field_named(customer, "外星"));
}

static void classes_are_as_required(void **state)
{
	const struct entity *customer = schema_entity(schema, bytes_str("customer"));

	assert_int_equal(entity_field_named(customer, "id_card_number")->class, CLASS_SENSITIVE);
	assert_int_equal(entity_field_named(customer, "current_value")->class, CLASS_COST);
	assert_int_equal(entity_field_named(customer, "gender")->class, CLASS_PERSONAL);
	assert_int_equal(entity_field_named(customer, "phone")->class, CLASS_PUBLIC);
	assert_true(entity_field_named(customer, "phone")->flags & F_PERSONAL_IF_PERSON);
}

static void dictionary_codes_are_unique(void **state)
{
	const struct dictionary_row *start = NULL;

	for (const struct dictionary_row *row = dictionary_rows; row->code; row++) {
		if (row->flags & ROW_DICTIONARY) {
			assert_ptr_equal(dictionary(row->code), row);
			start = row;
			continue;
		}
		assert_non_null(row->zh);
		for (const struct dictionary_row *other = start + 1; other < row; other++)
			if (!strcmp(other->code, row->code))
				fail_msg("%s.%s occurs twice", start->code, row->code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_complete),
		cmocka_unit_test(choices_have_dictionaries),
		cmocka_unit_test(references_are_indexed),
		cmocka_unit_test(deletion_is_indexed),
		cmocka_unit_test(defaults_are_entered),
		cmocka_unit_test(reminders_have_a_user),
		cmocka_unit_test(labels_find_fields),
		cmocka_unit_test(classes_are_as_required),
		cmocka_unit_test(dictionary_codes_are_unique),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
