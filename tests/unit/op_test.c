/* The operations on records and what is around them. */
#include "tests/unit/op_bench.h"

static void add_get_set_delete_restore(void **state)
{
	struct firm *f = *state;
	char id[24];
	struct ask a;

	id_text(id, add(f, f->sales, "customer", "name=杭州长河|phone=0571-88880000"));
	a = ask(f, f->sales, "record.get", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	assert_true(bytes_equal_str(value(f, a.reply->record[0], "name"), "杭州长河"));
	assert_true(a.reply->n_name > 0);
	done(&a);
	a = ask(f, f->sales, "record.set", "customer", id, "city=杭州|remarks=", "");
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->record[0]->version, 2);
	assert_true(bytes_equal_str(value(f, a.reply->record[0], "city"), "杭州"));
	done(&a);
	a = ask(f, f->sales, "record.set", "customer", id, "city=杭州", "");
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->operation, 0); /* nothing changed */
	assert_int_equal(a.reply->record[0]->version, 2);
	done(&a);
	a = ask(f, f->sales, "record.delete", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->count, 1);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
	a = ask(f, f->sales, "record.restore", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	done(&a);
}

static void tags_come_and_go(void **state)
{
	struct firm *f = *state;
	char id[24];
	uint64_t customer =
		add(f, f->sales, "customer", "name=庚|phone=0571-88880009|tags=新,展会,-x");

	id_text(id, customer);
	set(f, id, "tags=+重点, -新,+展会");
	assert_string_equal(bench_text(f->b, "customer", customer, "tags"), "-x, 重点, 展会");
	set(f, id, "tags=一");
	assert_string_equal(bench_text(f->b, "customer", customer, "tags"), "一");
	set(f, id, "tags=-一");
	assert_string_equal(bench_text(f->b, "customer", customer, "tags"), "");
}

static void all_bad_fields_at_once(void **state)
{
	struct firm *f = *state;
	struct ask a = ask(f, f->sales, "record.add", "customer", "",
		"nmae=x|phone=abc|id=5|grade=nosuch", "");

	expect(f, &a, STATUS_INVALID);
	assert_true(f->e.nfields >= 4);
	assert_string_equal(f->e.fields[0].field, "nmae");
	assert_non_null(strstr(f->e.fields[0].message, "did you mean \"name\""));
	done(&a);
	a = ask(f, f->sales, "record.add", "custommer", "", "name=x", "");
	expect(f, &a, STATUS_USAGE);
	assert_non_null(strstr(f->e.message, "did you mean \"customer\""));
	done(&a);
}

static void dry_runs_write_nothing(void **state)
{
	struct firm *f = *state;
	struct arena *arena;
	Guanxi__Request *r =
		request("record.add", "customer", "", "name=x|phone=0571-1234567", "", &arena);
	struct ask a;

	r->has_dry_run = r->dry_run = true;
	txn_mark(f->b->txn);
	a = go(f, f->sales, r, arena);
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_record, 0);
	done(&a);
	assert_false(txn_wrote(f->b->txn));
}

static struct ask set_version(struct firm *f, const char *id, const char *set, uint64_t version)
{
	struct arena *arena;
	Guanxi__Request *r = request("record.set", "customer", id, set, "", &arena);

	r->has_if_version = true;
	r->if_version = version;
	return go(f, f->sales, r, arena);
}

static void edits_of_one_version_merge_or_conflict(void **state)
{
	struct firm *f = *state;
	char id[24];
	struct ask a;

	id_text(id, add(f, f->sales, "customer", "name=甲|phone=0571-88880000|city=杭州"));
	a = set_version(f, id, "city=上海", 1);
	expect(f, &a, STATUS_OK);
	done(&a);
	a = set_version(f, id, "address=西湖边", 1); /* another field: merged */
	expect(f, &a, STATUS_OK);
	done(&a);
	a = set_version(f, id, "city=成都", 1);
	expect(f, &a, STATUS_CONFLICT);
	assert_int_equal(f->e.nfields, 1);
	assert_string_equal(f->e.fields[0].field, "city");
	assert_string_equal(f->e.fields[0].current, "上海");
	assert_string_equal(f->e.fields[0].yours, "成都");
	done(&a);
	a = set_version(f, id, "city=上海", 1); /* the same value too: counting up would lose one */
	expect(f, &a, STATUS_CONFLICT);
	done(&a);
	a = set_version(f, id, "city=成都", 99);
	expect(f, &a, STATUS_USAGE);
	done(&a);
}

static void others_see_nothing(void **state)
{
	struct firm *f = *state;
	char id[24], foreign[200];
	struct ask a;

	id_text(id, add(f, f->admin, "customer", "name=乙|phone=0571-88880001"));
	a = ask(f, f->sales, "record.get", "customer", id, "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	snprintf(foreign, sizeof(foreign), "%.*s", (int)strcspn(f->e.message, "\""), f->e.message);
	done(&a);
	a = ask(f, f->sales, "record.get", "customer", "99999", "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	assert_memory_equal(foreign, f->e.message, strlen(foreign));
	done(&a);
	a = ask(f, f->sales, "record.set", "customer", id, "city=x", "");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
	a = ask(f, f->sales, "record.history", "customer", id, "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
	a = ask(f, f->sales, "record.delete", "customer", id, "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
	a = ask(f, f->sales, "record.set", "user", "1", "name=x", "");
	expect(f, &a, STATUS_DENIED);
	done(&a);
}

static void history_shows_old_and_new(void **state)
{
	struct firm *f = *state;
	char id[24];
	struct ask a;
	const struct entity *en = bench_entity(f->b, "customer");
	uint32_t city = entity_field_named(en, "city")->tag;

	id_text(id, add(f, f->sales, "customer", "name=丙|phone=0571-88880002|city=杭州"));
	a = ask(f, f->sales, "record.set", "customer", id, "city=上海", "");
	expect(f, &a, STATUS_OK);
	done(&a);
	a = ask(f, f->sales, "record.history", "customer", id, "", "");
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_change, 2);
	assert_true(bytes_equal_str(pb_bytes(a.reply->change[0]->kind), "set"));
	assert_true(bytes_equal_str(
		record_text(pb_bytes(a.reply->change[0]->old_fields), city), "杭州"));
	assert_true(bytes_equal_str(
		record_text(pb_bytes(a.reply->change[0]->new_fields), city), "上海"));
	assert_true(bytes_equal_str(pb_bytes(a.reply->change[1]->kind), "add"));
	assert_true(bytes_equal_str(
		record_text(pb_bytes(a.reply->change[1]->new_fields), city), "杭州"));
	assert_int_equal(a.reply->change[1]->user, f->sales->user);
	done(&a);
}

static void undo_takes_back_and_refuses(void **state)
{
	struct firm *f = *state;
	char id[24];
	uint64_t customer, first, second, third = 0;
	struct ask a;

	customer = add(f, f->sales, "customer", "name=丁|phone=0571-88880003|city=杭州");
	id_text(id, customer);
	first = set(f, id, "city=上海");
	second = set(f, id, "address=外滩");
	assert_int_equal(undo(f, f->sales, first, NULL), STATUS_CONFLICT);
	assert_int_equal(undo(f, f->sales, second, &third), STATUS_OK);
	assert_string_equal(bench_text(f->b, "customer", customer, "address"), "");
	assert_int_equal(undo(f, f->sales, third, NULL), STATUS_OK); /* undo of the undo */
	assert_string_equal(bench_text(f->b, "customer", customer, "address"), "外滩");
	assert_int_equal(undo(f, f->sales, 999999, NULL), STATUS_NOT_FOUND);
	a = ask(f, f->admin, "record.set", "customer", id, "city=北京", "");
	expect(f, &a, STATUS_OK);
	assert_int_equal(undo(f, f->sales, a.reply->operation, NULL), STATUS_NOT_FOUND);
	done(&a);
}

static void undo_of_an_addition_minds_what_refers_to_it(void **state)
{
	struct firm *f = *state;
	char set_text[64], id[24];
	struct ask a =
		ask(f, f->sales, "record.add", "customer", "", "name=戊|phone=0571-88880004", "");
	uint64_t operation = a.reply->operation, customer = a.reply->record[0]->id, contact;

	expect(f, &a, STATUS_OK);
	done(&a);
	snprintf(set_text, sizeof(set_text), "customer=%llu|name=张三",
		(unsigned long long)customer);
	contact = add(f, f->sales, "contact", set_text);
	assert_int_equal(undo(f, f->sales, operation, NULL), STATUS_CONFLICT);
	a = ask(f, f->sales, "record.delete", "contact", id_text(id, contact), "", "");
	expect(f, &a, STATUS_OK);
	done(&a);
	/* The contact's life has touched the customer's computed fields only: the addition can go. */
	assert_int_equal(undo(f, f->sales, operation, NULL), STATUS_OK);
	a = ask(f, f->sales, "record.get", "customer", id_text(id, customer), "", "");
	expect(f, &a, STATUS_NOT_FOUND);
	done(&a);
}

static void rows_stand_for_themselves(void **state)
{
	static const char *const rows[] = { "A-1|第一公司|0571-88880005", "A-2|第二公司|abc",
		"A-1|第一公司又来|0571-88880006", "A-3||0571-88880007",
		"A-4|第四公司|0571-88880008|太多" };
	static const char *const again[] = { "A-1|第一公司|0571-88880005",
		"A-1|第一公司改名|0571-88880005" };
	struct firm *f = *state;
	struct ask a = import(f, "external_id|name|phone", "key=external_id", rows, 5, false);

	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_row, 5);
	assert_int_equal(a.reply->row[0]->status->code, GUANXI__CODE__OK);
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[0]->action), "added"));
	assert_int_equal(a.reply->row[1]->status->code, GUANXI__CODE__INVALID);
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[1]->status->field[0]->field), "phone"));
	assert_int_equal(a.reply->row[1]->line, 3);
	assert_int_equal(a.reply->row[2]->status->code, GUANXI__CODE__DUPLICATE);
	assert_int_equal(a.reply->row[3]->status->code, GUANXI__CODE__INVALID);
	assert_int_equal(a.reply->row[4]->status->code, GUANXI__CODE__INVALID);
	done(&a);
	a = import(
		f, "external_id|name|phone", "key=external_id|on_conflict=update", again, 2, false);
	expect(f, &a, STATUS_OK);
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[0]->action), "unchanged"));
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[1]->action), "updated"));
	done(&a);
	a = import(
		f, "external_id|name|phone", "key=external_id|on_conflict=skip", again, 2, false);
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[0]->action), "skipped"));
	done(&a);
	a = import(f, "external_id|nmae|phone", "key=external_id", again, 2, false);
	expect(f, &a, STATUS_INVALID);
	assert_int_equal(f->e.nfields, 1);
	done(&a);
}

/* The writer throws the transaction of a dry run away: within one request it sees its own rows, across requests the client must. */
static void a_dry_import_tells_what_its_rows_may_meet(void **state)
{
	static const char *const rows[] = { "B-1|甲公司|0571-88880005", "B-1|甲公司|0571-88880005",
		"B-2|乙公司|0571-88880006" };
	struct firm *f = *state;
	struct ask a;

	a = import(f, "external_id|name|phone", "key=external_id", rows, 3, true);
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->row[0]->status->code, GUANXI__CODE__OK);
	assert_false(a.reply->row[0]->has_id);
	assert_int_equal(a.reply->row[1]->status->code, GUANXI__CODE__DUPLICATE);
	assert_int_equal(a.reply->row[1]->n_key, 0);
	assert_true(a.reply->row[0]->n_key > 0);
	assert_int_equal(a.reply->row[0]->n_key, a.reply->row[2]->n_key);
	assert_false(
		bytes_equal(pb_bytes(a.reply->row[0]->key[0]), pb_bytes(a.reply->row[2]->key[0])));
	done(&a);
}

/* A salesperson's own export comes in again; whom somebody else made stays with an administrator. */
static void authors_of_an_import(void **state)
{
	static const char *const rows[] = { "C-1|甲公司|0571-88880011|wang|2020-01-02T03:04:05Z",
		"C-2|乙公司|0571-88880012|root|2020-01-02T03:04:05Z" };
	struct firm *f = *state;
	const char *columns = "external_id|name|phone|created_by|updated_at";
	struct ask a = import_as(
		f, f->sales, columns, "key=external_id|on_conflict=update", rows, 2, false);
	const struct entity *en = bench_entity(f->b, "customer");
	struct buf room = BUF_INIT;
	struct stored r;

	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->row[0]->status->code, GUANXI__CODE__OK);
	assert_int_equal(a.reply->row[1]->status->code, GUANXI__CODE__INVALID);
	assert_int_equal(a.reply->row[1]->status->n_field, 1);
	assert_true(
		bytes_equal_str(pb_bytes(a.reply->row[1]->status->field[0]->field), "created_by"));
	assert_int_equal(
		store_get(f->b->txn, &scope_all, en, a.reply->row[0]->id, &room, &r, &f->e),
		STATUS_OK);
	assert_int_equal(record_signed(r.fields, TAG_UPDATED_AT), INT64_C(1577934245000));
	done(&a);
	a = import_as(f, f->sales, columns, "key=external_id|on_conflict=update", rows, 1, false);
	expect(f, &a, STATUS_OK);
	assert_true(bytes_equal_str(pb_bytes(a.reply->row[0]->action), "unchanged"));
	done(&a);
	buf_free(&room);
}

static void schema_carries_choices(void **state)
{
	struct firm *f = *state;
	struct ask a = ask(f, f->sales, "schema.get", "", "", "", "");
	size_t choices = 0;

	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->schema->n_entity, schema_count(f->b->schema));
	for (size_t i = 0; i < a.reply->schema->n_entity; i++)
		for (size_t k = 0; k < a.reply->schema->entity[i]->n_field; k++)
			choices += a.reply->schema->entity[i]->field[k]->n_choice;
	assert_in_range(choices, 200, 5000);
	assert_true(guanxi__schema__get_packed_size(a.reply->schema) < FRAME_MAX - 4096);
	done(&a);
}

static void lists_page_and_tokens_are_bound(void **state)
{
	struct firm *f = *state;
	struct arena *arena;
	Guanxi__Request *r;
	struct ask a;
	uint8_t token[512];
	size_t len;

	for (int i = 0; i < 5; i++) {
		char set_text[64];
		snprintf(set_text, sizeof(set_text), "name=客户%d|phone=0571-8888001%d", i, i);
		add(f, f->sales, "customer", set_text);
	}
	r = request("record.list", "customer", "", "", "total=1", &arena);
	r->limit = 3;
	a = go(f, f->sales, r, arena);
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_record, 3);
	assert_int_equal(a.reply->count, 5);
	assert_true(a.reply->has_next);
	len = a.reply->next.len;
	assert_true(len < sizeof(token));
	memcpy(token, a.reply->next.data, len);
	done(&a);

	r = request("record.list", "customer", "", "", "", &arena);
	r->page = pb_from(bytes_of(token, len));
	a = go(f, f->sales, r, arena);
	expect(f, &a, STATUS_OK);
	assert_int_equal(a.reply->n_record, 2);
	assert_false(a.reply->has_next);
	done(&a);

	r = request("record.list", "customer", "", "", "", &arena);
	r->page = pb_from(bytes_of(token, len));
	a = go(f, f->admin, r, arena); /* another user's */
	expect(f, &a, STATUS_USAGE);
	done(&a);

	r = request("record.list", "customer", "", "", "", &arena);
	r->page = pb_from(bytes_of(token, len));
	r->sort = pb_from(bytes_str("name"));
	a = go(f, f->sales, r, arena); /* another order's */
	expect(f, &a, STATUS_USAGE);
	done(&a);

	token[len - 1] ^= 1;
	r = request("record.list", "customer", "", "", "", &arena);
	r->page = pb_from(bytes_of(token, len));
	a = go(f, f->sales, r, arena);
	expect(f, &a, STATUS_USAGE);
	done(&a);
}

static void every_op_has_a_row(void **state)
{
	static const char *const names[] = { "ping", "session.login", "session.join",
		"session.resume", "session.logout", "session.whoami", "session.password",
		"schema.get", "record.add", "record.get", "record.list", "record.count",
		"record.set", "record.delete", "record.restore", "record.history", "record.export",
		"operation.undo", "import.begin", "import.rows", "import.refused", "import.end",
		"search", "today", "watch", "reminder.acknowledge", "reminder.snooze",
		"reminder.planned", "user.invite", "health" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!op_find(bytes_str(names[i])))
			fail_msg("no op \"%s\"", names[i]);
	assert_null(op_find(bytes_str("record")));
	assert_null(op_find(bytes_str("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(add_get_set_delete_restore),
		TEST(tags_come_and_go),
		TEST(all_bad_fields_at_once),
		TEST(dry_runs_write_nothing),
		TEST(edits_of_one_version_merge_or_conflict),
		TEST(others_see_nothing),
		TEST(history_shows_old_and_new),
		TEST(undo_takes_back_and_refuses),
		TEST(undo_of_an_addition_minds_what_refers_to_it),
		TEST(rows_stand_for_themselves),
		TEST(a_dry_import_tells_what_its_rows_may_meet),
		TEST(authors_of_an_import),
		TEST(schema_carries_choices),
		TEST(lists_page_and_tokens_are_bound),
		cmocka_unit_test(every_op_has_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
