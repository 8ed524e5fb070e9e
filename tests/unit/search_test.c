/* Search over a real store: what is found, in which order, by pages, by whom; and that the index finds what ~ matches. */
#include "common/clock.h"
#include "server/model/model.h"
#include "server/store/key.h"
#include "server/store/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define ALL_CLASSES 0xfu
static const struct scope everybody = { .all = true };

#define MAX_FOUND 2000

struct fixture {
	char folder[64], path[80];
	struct schema *schema;
	struct store *store;
	const struct entity *customer;
	uint16_t name, reading, phone, owner, tags;
};

struct found {
	uint64_t ids[MAX_FOUND];
	int ranks[MAX_FOUND];
	size_t n;
	size_t pages;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error e;
	struct store_options o = { .map_size = 256u << 20, .create = true };

	error_init(&e);
	memcpy(f->folder, "/tmp/search_test.XXXXXX", 24);
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/store", f->folder);
	assert_int_equal(model_schema(&f->schema, &e), STATUS_OK);
	memset(o.key, 7, sizeof o.key);
	o.path = f->path;
	o.schema = f->schema;
	if (store_open(&o, &f->store, &e) != STATUS_OK)
		fail_msg("%s", e.message);
	f->customer = schema_entity(f->schema, bytes_str("customer"));
	f->name = model_tag(f->schema, "customer", "name");
	f->reading = model_tag(f->schema, "customer", "name_reading");
	f->phone = model_tag(f->schema, "customer", "phone");
	f->owner = model_tag(f->schema, "customer", "owner");
	f->tags = model_tag(f->schema, "customer", "tags");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "store/data.mdb", "store/lock.mdb", "store", "" };
	struct fixture *f = *state;
	char path[200];

	store_close(&f->store);
	schema_free(&f->schema);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
		remove(path);
	}
	free(f);
	return 0;
}

struct row {
	uint64_t id;
	const char *name, *reading, *phone, *tag;
	uint64_t owner;
	bool deleted;
};

static uint64_t put_row(struct fixture *f, struct txn *t, const struct row *row)
{
	struct author author = { .user = 1, .now_ms = 1700000000000 };
	struct buf fields = BUF_INIT, sorted = BUF_INIT;
	struct error e;
	uint64_t id = row->id;

	error_init(&e);
	record_add_text(&fields, f->name, bytes_str(row->name));
	if (row->reading)
		record_add_text(&fields, f->reading, bytes_str(row->reading));
	if (row->phone)
		record_add_text(&fields, f->phone, bytes_str(row->phone));
	if (row->tag)
		record_add_text(&fields, f->tags, bytes_str(row->tag));
	if (row->owner)
		record_add_number(&fields, f->owner, row->owner);
	if (row->deleted)
		record_add_signed(&fields, TAG_DELETED_AT, 1);
	record_sort(buf_bytes(&fields), &sorted);
	assert_int_equal(store_operation(t, &author.operation, &e), STATUS_OK);
	if (store_put(t, &author, f->customer, &id, id ? "set" : "add", buf_bytes(&sorted), NULL,
		    &e) != STATUS_OK)
		fail_msg("%s", e.message);
	error_clear(&e);
	buf_free(&fields);
	buf_free(&sorted);
	return id;
}

static struct txn *begin(struct fixture *f, bool write)
{
	struct txn *t = NULL;

	assert_int_equal(txn_begin(f->store, write, &t, NULL), STATUS_OK);
	return t;
}

static void commit(struct txn *t)
{
	struct error e;

	error_init(&e);
	if (txn_commit(&t, &e) != STATUS_OK)
		fail_msg("%s", e.message);
}

static uint64_t put_one(struct fixture *f, const struct row *row)
{
	struct txn *t = begin(f, true);
	uint64_t id = put_row(f, t, row);

	commit(t);
	return id;
}

static uint64_t put_name(struct fixture *f, const char *name)
{
	return put_one(f, &(struct row){ .name = name });
}

static void merge_all(struct fixture *f)
{
	bool more = true;

	while (more) {
		struct txn *t = begin(f, true);

		assert_int_equal(store_merge_terms(t, &more, NULL), STATUS_OK);
		commit(t);
	}
	assert_int_equal(store_pending_terms(f->store), 0);
}

static bool take_row(void *arg, const struct stored *record)
{
	struct found *found = arg;

	assert_true(found->n < MAX_FOUND);
	found->ids[found->n++] = record->id;
	return true;
}

static void search_pages(struct fixture *f, const struct scope *scope, const char *text,
	unsigned mask, uint32_t limit, struct found *out)
{
	struct txn *t = begin(f, false);
	struct buf token = BUF_INIT, next = BUF_INIT;
	struct error e;

	error_init(&e);
	out->n = out->pages = 0;
	do {
		size_t before = out->n;

		if (search_run(t, scope, f->customer, bytes_str(text), mask, limit,
			    buf_bytes(&token), take_row, out, &next, &e) != STATUS_OK)
			fail_msg("%s: %s", text, e.message);
		assert_true(out->n - before <= limit);
		if (next.len > 0)
			assert_int_equal(out->n - before, limit);
		buf_clear(&token);
		buf_add_bytes(&token, buf_bytes(&next));
		out->pages++;
	} while (token.len > 0);
	buf_free(&token);
	buf_free(&next);
	txn_abort(&t);
}

static bool finds(struct fixture *f, const char *text, uint64_t id)
{
	struct found found;

	search_pages(f, &everybody, text, ALL_CLASSES, 20, &found);
	for (size_t i = 0; i < found.n; i++)
		if (found.ids[i] == id)
			return true;
	return false;
}

static void check_finds(struct fixture *f, uint64_t id, const char *const *texts)
{
	for (; *texts; texts++)
		if (!finds(f, *texts, id))
			fail_msg("%s does not find it", *texts);
}

static void finds_names(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 2; round++) {
		check_finds(f, put_name(f, "曾国强"),
			(const char *const[]){ "zeng", "zengguoqiang", "zgq", "曾", "国强", "ceng",
				"Zeng Guo Qiang", "zengg", "qiang", NULL });
		check_finds(f, put_name(f, "重庆长城银行"),
			(const char *const[]){ "cqcc", "chongqing", "yinhang", "长城", "cqccyh",
				"changcheng", "yh", "银行 重庆", NULL });
		check_finds(f, put_name(f, "单雄飞"), (const char *const[]){ "shan", "sxf", NULL });
		check_finds(f, put_name(f, "仇英杰"), (const char *const[]){ "qiu", NULL });
		check_finds(f, put_name(f, "区小姐"), (const char *const[]){ "ou", NULL });
		check_finds(f, put_name(f, "解文博"), (const char *const[]){ "xie", NULL });
		check_finds(f, put_name(f, "𠮷野家"),
			(const char *const[]){ "𠮷", "𠮷野", "yejia", NULL });
		check_finds(f, put_name(f, "Acme Trading (Shanghai) Ltd."),
			(const char *const[]){ "acme", "ACME trading", "trad", "shanghai",
				"ＡＣＭＥ", "acme trading (shanghai) ltd.", NULL });
		check_finds(f, put_name(f, "TCL集团股份"),
			(const char *const[]){ "tcl", "tcljt", "集团", "tcl集团", "jituan", NULL });
		check_finds(f, put_name(f, "吕绿公司"),
			(const char *const[]){ "lv", "lulu", "lvlvgongsi", "llgs", "lü", NULL });
		merge_all(f);
	}
	assert_false(finds(f, "zengqiang", 1));
	assert_false(finds(f, "强国", 1));
	assert_false(finds(f, "", 1));
	assert_false(finds(f, "()-", 1));
}

static void finds_numbers(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put_one(f, &(struct row){ .name = "甲", .phone = "+86 138-0000-1234" });

	check_finds(f, id,
		(const char *const[]){ "13800001234", "1234", "0000123", "138 0000 1234",
			"+86 13800001234", "甲 1234", NULL });
	assert_false(finds(f, "5678", id));
	assert_false(finds(f, "00012345", id));
}

static void classes_hide(void **state)
{
	struct fixture *f = *state;
	struct found found;

	put_one(f, &(struct row){ .name = "甲", .phone = "13800001234" });
	search_pages(f, &everybody, "1234", 1u << CLASS_PUBLIC, 20, &found);
	assert_int_equal(found.n, 0);
	search_pages(f, &everybody, "1234", 1u << CLASS_PERSONAL, 20, &found);
	assert_int_equal(found.n, 1);
	search_pages(f, &everybody, "甲", 1u << CLASS_PUBLIC, 20, &found);
	assert_int_equal(found.n, 1);
}

static void correction_is_found(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put_one(f, &(struct row){ .name = "盖国强", .reading = "he guo qiang" });

	check_finds(
		f, id, (const char *const[]){ "he", "heguoqiang", "hgq", "gai", "gaiguoq", NULL });
	put_one(f, &(struct row){ .id = id, .name = "盖国强" });
	assert_false(finds(f, "hgq", id));
	check_finds(f, id, (const char *const[]){ "ggq", NULL });
}

static void ranks_whole_start_inside(void **state)
{
	struct fixture *f = *state;
	uint64_t inside = put_name(f, "杭州长河科技"), start = put_name(f, "长河贸易"),
		 whole = put_name(f, "长河"), inside2 = put_name(f, "宁波长河");
	static const char *const texts[] = { "长河", "changhe", "ch" };

	for (size_t i = 0; i < 3; i++) {
		struct found found;

		search_pages(f, &everybody, texts[i], ALL_CLASSES, 2, &found);
		assert_int_equal(found.n, 4);
		assert_int_equal(found.ids[0], whole);
		assert_int_equal(found.ids[1], start);
		assert_int_equal(found.ids[2], inside2);
		assert_int_equal(found.ids[3], inside);
		assert_int_equal(found.pages, 2);
	}
}

static void deleted_are_not_found(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put_name(f, "长河贸易");

	merge_all(f);
	put_one(f, &(struct row){ .id = id, .name = "长河贸易", .deleted = true });
	assert_false(finds(f, "长河", id));
	put_name(f, "x");
	merge_all(f);
	assert_false(finds(f, "长河", id));
	put_one(f, &(struct row){ .id = id, .name = "长河贸易" });
	assert_true(finds(f, "长河", id));
}

static void scope_restricts(void **state)
{
	struct fixture *f = *state;
	struct scope scope = { .user = 7, .own = true }, other = { .user = 9, .own = true };
	struct found found;
	struct txn *t = begin(f, true);

	for (int i = 0; i < 40; i++)
		put_row(f, t, &(struct row){ .name = "长河贸易", .owner = i % 4 ? 8 : 7 });
	commit(t);
	search_pages(f, &scope, "长河", ALL_CLASSES, 3, &found);
	assert_int_equal(found.n, 10);
	for (size_t i = 1; i < found.n; i++)
		assert_true(found.ids[i] < found.ids[i - 1]);
	search_pages(f, &other, "长河", ALL_CLASSES, 3, &found);
	assert_int_equal(found.n, 0);
	assert_int_equal(found.pages, 1);
}

static void put_many(struct fixture *f, uint64_t id, const char *name)
{
	struct txn *t = begin(f, true);
	char other[64];

	put_row(f, t, &(struct row){ .id = id, .name = name });
	for (int i = 0; i < 300; i++) {
		snprintf(other, sizeof other, "银杏%d公司", i);
		put_row(f, t, &(struct row){ .name = other });
	}
	commit(t);
}

struct one_page {
	struct fixture *f;
	struct found *found;
	size_t given;
};

static bool take_found(void *arg, const struct entity *entity, const struct stored *record)
{
	struct one_page *page = arg;

	assert_ptr_equal(entity, page->f->customer);
	page->given++;
	return take_row(page->found, record);
}

static void search_page(struct one_page *page, const struct scope *scope, size_t steps,
	const struct buf *token, struct buf *next)
{
	struct txn *t = begin(page->f, false);
	struct search_request r = { .txn = t,
		.scope = scope,
		.entities = &page->f->customer,
		.nentities = 1,
		.text = bytes_str("yinxing"),
		.class_mask = ALL_CLASSES,
		.limit = 500,
		.steps = steps,
		.after = buf_bytes(token),
		.row = take_found,
		.arg = page };

	page->given = 0;
	assert_int_equal(search_entities(&r, next, NULL), STATUS_OK);
	txn_abort(&t);
}

/* What begins like a word, or sounds like a name of so many characters, and is none. */
static void finds_no_others(void **state)
{
	struct fixture *f = *state;
	uint64_t word = put_one(f, &(struct row){ .name = "zhang38 C000123 huangshan" });
	uint64_t name = put_one(f, &(struct row){ .name = "西安" });

	for (int round = 0; round < 2; round++) {
		check_finds(f, word,
			(const char *const[]){ "z", "zhan", "zhang3", "zhang38", "c", "c000",
				"c00012", "c000123", "0012", "huangsha", "huangshan", NULL });
		assert_false(finds(f, "zhangh", word));
		assert_false(finds(f, "zhang388", word));
		assert_false(finds(f, "c000124", word));
		assert_false(finds(f, "c0001230", word));
		assert_false(finds(f, "huangshans", word));
		check_finds(
			f, name, (const char *const[]){ "xian", "xi'an", "xi", "xa", "西", NULL });
		assert_false(finds(f, "xianan", name));
		assert_false(finds(f, "an xi shi", name));
		merge_all(f);
	}
}

/* A page has a bound to its work; what it has not done is on the next ones, and a scope that sees nothing costs next to nothing. */
static void steps_bound_a_page(void **state)
{
	struct fixture *f = *state;
	struct scope none = { .user = 9, .own = true };
	struct found found = { 0 };
	struct buf token = BUF_INIT, next = BUF_INIT;
	struct one_page page = { f, &found, 0 };

	for (int i = 0; i < 3; i++)
		put_many(f, put_name(f, "银杏长河"), "银杏长河");
	merge_all(f);
	do {
		search_page(&page, &everybody, 2000, &token, &next);
		assert_true(page.given <= 2000 / 60 + 1);
		buf_clear(&token);
		buf_add_bytes(&token, buf_bytes(&next));
		found.pages++;
	} while (token.len > 0);
	assert_int_equal(found.n, 903);
	assert_true(found.pages > 20);
	search_page(&page, &none, 2000, &token, &next);
	assert_int_equal(page.given, 0);
	assert_int_equal(next.len, 0);
	buf_free(&token);
	buf_free(&next);
}

static void merge_once(struct fixture *f, bool *more)
{
	struct txn *t = begin(f, true);

	assert_int_equal(store_merge_terms(t, more, NULL), STATUS_OK);
	commit(t);
}

/* Small and large commits in turn: the newest word counts, before the merging and after each slice of it. */
static void small_and_large_commits_keep_their_order(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put_name(f, "长河贸易");
	uint64_t other = put_name(f, "常山");
	bool more = true;
	unsigned slices = 0;

	put_many(f, id, "短溪");
	assert_true(store_pending_terms(f->store) > 0);
	assert_false(finds(f, "长河", id));
	assert_true(finds(f, "短溪", id));
	for (int i = 0; i < 3; i++) /* one splits the small rows, two parts are merged */
		merge_once(f, &more);
	put_one(f, &(struct row){ .id = id, .name = "长河又名" });
	put_many(f, other, "高山");
	put_one(f, &(struct row){ .id = other, .name = "常山" });
	for (; more; slices++) {
		assert_true(finds(f, "长河", id));
		assert_false(finds(f, "短溪", id));
		assert_true(finds(f, "changshan", other));
		assert_false(finds(f, "gaoshan", other));
		merge_once(f, &more);
	}
	assert_true(slices > 32);
	assert_int_equal(store_pending_terms(f->store), 0);
	assert_true(finds(f, "长河", id));
	assert_false(finds(f, "短溪", id));
	assert_true(finds(f, "changshan", other));
	assert_false(finds(f, "gaoshan", other));
}

static const uint64_t far_ids[] = { 1, 2, 5, 16383, 16384, 16385, 32767, 40000, 65536, 1 << 20,
	(UINT64_C(1) << 40) + 3, (UINT64_C(1) << 45) - 1 };
#define FAR_TERM 0x09090909u
#define FAR (sizeof far_ids / sizeof far_ids[0])

static void store_far(struct fixture *f, unsigned add, unsigned take_away)
{
	struct txn *t = begin(f, true);
	struct postings p = { .items = calloc(2 * FAR, sizeof *p.items) };

	for (size_t i = 0; i < 2 * FAR; i++) {
		bool away = i >= FAR;

		if (!((away ? take_away : add) >> i % FAR & 1))
			continue;
		p.items[p.n++] = (struct posting){
			.id = far_ids[i % FAR], .term = FAR_TERM, .entity = 3, .remove = away
		};
	}
	assert_int_equal(search_store_postings(t, &p, NULL), STATUS_OK);
	free(p.items);
	commit(t);
}

static size_t count_chunk(const struct chunk *chunk)
{
	size_t n = 0;

	for (size_t i = 0; i < CHUNK_WORDS; i++)
		n += (size_t)__builtin_popcountll(chunk->words[i]);
	return n;
}

/* want: bits of far_ids. */
static void check_far(struct fixture *f, unsigned want)
{
	struct txn *t = begin(f, false);
	struct pending *pending = NULL;
	struct posting_list *list = NULL;
	struct chunk chunk;
	uint64_t bound, before = UINT64_MAX;
	bool any;

	assert_int_equal(pending_read(t, &pending, NULL), STATUS_OK);
	assert_int_equal(posting_list_open(t, pending, 3, FAR_TERM, &list, NULL), STATUS_OK);
	for (size_t i = FAR, k; i-- > 0; i = k) {
		uint64_t number = far_ids[i] >> CHUNK_BITS;
		size_t n = 0;

		for (k = i + 1; k-- > 0 && far_ids[k] >> CHUNK_BITS == number;)
			n += want >> k & 1;
		k = i + 1;
		while (k > 0 && far_ids[k - 1] >> CHUNK_BITS == number)
			k--;
		assert_int_equal(posting_list_bound(list, before - 1, &bound, NULL), STATUS_OK);
		if (n > 0)
			assert_true(bound >> CHUNK_BITS >= number);
		assert_int_equal(posting_list_chunk(list, number, &chunk, &any, NULL), STATUS_OK);
		assert_int_equal(count_chunk(&chunk), n);
		for (size_t m = k; m <= i; m++) {
			uint32_t bit = far_ids[m] & (CHUNK_IDS - 1);

			assert_int_equal(chunk.words[bit / 64] >> bit % 64 & 1, want >> m & 1);
		}
		before = number << CHUNK_BITS;
	}
	posting_list_free(&list);
	pending_free(&pending);
	txn_abort(&t);
}

static void lists_go_over_blocks_and_pending(void **state)
{
	struct fixture *f = *state;
	unsigned all = (1u << FAR) - 1;

	for (unsigned i = 1; i < 40; i++) {
		unsigned first = all & i * 2654435761u >> 7, second = all & i * 40503u,
			 away = all & i * 69069u >> 3;

		store_far(f, first, 0);
		if (i & 1)
			merge_all(f);
		check_far(f, first);
		store_far(f, second, away);
		check_far(f, (first | second) & ~away);
		if (i & 2)
			merge_all(f);
		check_far(f, (first | second) & ~away);
		store_far(f, 0, all);
		check_far(f, 0);
		if (i & 4)
			merge_all(f);
		check_far(f, 0);
	}
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void random_postings(uint32_t *seed, struct postings *p)
{
	static const uint32_t terms[] = { 0, 1, 2, 77, 78, 1u << 20, UINT32_MAX };

	p->n = 0;
	for (size_t i = 0; i < 300; i++) {
		uint32_t r = random_next(seed);

		p->items = items_grow(p->items, p->n, &p->cap, sizeof *p->items);
		p->items[p->n++] = (struct posting){ .id = 1 + (r % 3 ? r % 400 : far_ids[r % FAR]),
			.term = terms[r / 7 % 7],
			.entity = (uint16_t)(r / 49 % 2 * 200) };
	}
	assert_int_equal(postings_sort(p, NULL), STATUS_OK);
}

/* Of each place there is one group only: who looks for a term reads no further. */
static void check_row(struct bytes value, uint64_t base, const struct posting *want, size_t n)
{
	struct postings back = { 0 };
	struct posting_row row;
	uint64_t before = UINT64_MAX;

	assert_true(posting_row_decode(value, base, &back));
	assert_int_equal(back.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(postings_compare(&back.items[i], &want[i]), 0);
	posting_row_open(&row, value, base);
	while (posting_row_next(&row)) {
		assert_true(row.place != before);
		before = row.place;
	}
	free(back.items);
}

static void rows_hold_what_was_put_in(void **state)
{
	struct postings p = { 0 };
	struct buf value = BUF_INIT;
	uint32_t seed = 5;

	(void)state;
	for (size_t max = 1; max < 700; max++) {
		random_postings(&seed, &p);
		for (size_t i = 0, n; i < p.n; i += n) {
			uint64_t base = posting_place(&p.items[i]);

			buf_clear(&value);
			n = posting_row_encode(&p.items[i], p.n - i, base, max, &value);
			assert_true(n > 0);
			assert_true(value.len <= max || value.len <= 40);
			check_row(buf_bytes(&value), base, &p.items[i], n);
		}
	}
	buf_free(&value);
	free(p.items);
}

static const char *const pieces[] = { "单", "长", "重", "行", "乐", "吕", "西", "安", "先", "啊",
	"中国", "科技", "a", "ab", "7", "360", "(", " ", "𠮷", "贸易", "12345", "é", "翟", "nv",
	"女" };

static void random_text(uint32_t *seed, size_t max, char *out, size_t size)
{
	size_t n = 1 + random_next(seed) % max, len = 0;

	out[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const char *piece = pieces[random_next(seed) % (sizeof pieces / sizeof pieces[0])];

		len += (size_t)snprintf(out + len, size - len, "%s", piece);
	}
}

static void change_something(struct fixture *f, uint32_t *seed, uint64_t *last)
{
	struct txn *t = begin(f, true);
	size_t n = random_next(seed) % 8 == 0 ? 120 : 1 + random_next(seed) % 5;
	char name[128], reading[64];

	for (size_t i = 0; i < n; i++) {
		struct row row = { .name = name, .reading = reading };

		random_text(seed, 6, name, sizeof name);
		snprintf(reading, sizeof reading, "%s",
			random_next(seed) % 4 ? "" : "shan lv zhong xi an");
		if (reading[0] == 0)
			row.reading = NULL;
		if (*last > 0 && random_next(seed) % 2)
			row.id = 1 + random_next(seed) % *last;
		row.deleted = row.id > 0 && random_next(seed) % 4 == 0;
		row.owner = random_next(seed) % 3;
		row.tag = random_next(seed) % 3 ? NULL : "重点 vip";
		row.id = put_row(f, t, &row);
		*last = row.id > *last ? row.id : *last;
	}
	commit(t);
}

static void show_missing(struct fixture *f, const struct found *have, const struct found *want)
{
	struct txn *t = begin(f, false);
	struct buf buf = BUF_INIT;
	struct stored record;

	for (size_t i = 0; i < want->n; i++) {
		size_t k;

		for (k = 0; k < have->n && have->ids[k] != want->ids[i]; k++)
			;
		if (k == have->n && store_get(t, &everybody, f->customer, want->ids[i], &buf,
					    &record, NULL) == STATUS_OK) {
			struct bytes name = record_text(record.fields, f->name);

			print_message("missing %llu: %.*s\n", (unsigned long long)record.id,
				(int)name.len, (const char *)name.data);
		}
	}
	buf_free(&buf);
	txn_abort(&t);
}

/* All records by search_match, best first: what search has to give. */
static void match_all(struct fixture *f, const struct scope *scope, const char *text, uint64_t last,
	struct found *out)
{
	struct txn *t = begin(f, false);
	struct buf buf = BUF_INIT;

	out->n = 0;
	for (int rank = 3; rank > 0; rank--)
		for (uint64_t id = last; id > 0; id--) {
			struct stored record;

			if (store_get(t, scope, f->customer, id, &buf, &record, NULL) ==
					STATUS_OK &&
				search_match(f->customer, record.fields, bytes_str(text),
					ALL_CLASSES) == rank)
				out->ids[out->n++] = id;
		}
	buf_free(&buf);
	txn_abort(&t);
}

static void check_against_match(
	struct fixture *f, const struct scope *scope, const char *text, uint64_t last)
{
	struct found have, want;

	search_pages(f, scope, text, ALL_CLASSES, 7, &have);
	match_all(f, scope, text, last, &want);
	if (have.n != want.n || memcmp(have.ids, want.ids, have.n * sizeof have.ids[0]) != 0) {
		show_missing(f, &have, &want);
		fail_msg("\"%s\": search gives %zu, match %zu", text, have.n, want.n);
	}
}

static void index_agrees_with_match(void **state)
{
	static const char *const typed[] = { "a", "s", "sh", "shan", "shanc", "dan", "c", "cz",
		"czc", "xi", "xian", "xianan", "xia", "zg", "zgkj", "zhongguo", "zhongguokeji",
		"lv", "lu", "lvxi", "nv", "nu", "360", "1234", "2345", "12345", "7", "é", "长",
		"长重", "中国", "中国 贸易", "keji maoyi", "a 单", "di", "zhai", "k", "kejia",
		"vip", "重点", "(", "hang", "heng", "yue le", "ayue", "xxkj", "女",
		"shanlvzhongxian", "slz" };
	struct fixture *f = *state;
	struct scope own = { .user = 2, .own = true };
	uint32_t seed = 1;
	uint64_t last = 0;
	char text[128];

	for (int round = 0; round < 30; round++) {
		change_something(f, &seed, &last);
		if (round % 7 == 6)
			merge_all(f);
		if (round % 6 != 5)
			continue;
		for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
			check_against_match(f, &everybody, typed[i], last);
			check_against_match(f, &own, typed[i], last);
		}
		for (int i = 0; i < 30; i++) {
			random_text(&seed, 3, text, sizeof text);
			check_against_match(f, &everybody, text, last);
		}
	}
}

static void bad_pages_are_refused(void **state)
{
	struct fixture *f = *state;
	struct txn *t = begin(f, false);
	struct buf next = BUF_INIT;
	struct error e;
	char text[2000];

	error_init(&e);
	assert_int_equal(search_run(t, &everybody, f->customer, bytes_str("a"), 1, 10,
				 bytes_str("12345678901"), take_row, NULL, &next, &e),
		STATUS_USAGE);
	assert_int_equal(search_run(t, &everybody, f->customer, bytes_str("a"), 1, 10,
				 bytes_str("\x01"), take_row, NULL, &next, &e),
		STATUS_USAGE);
	memset(text, 'a', sizeof text);
	assert_int_equal(search_run(t, &everybody, f->customer, bytes_of(text, sizeof text), 1, 10,
				 bytes_str(""), take_row, NULL, &next, &e),
		STATUS_USAGE);
	assert_int_equal(search_run(t, &everybody, f->customer,
				 bytes_str("a b c d e f g h i j k l m n o p q"), 1, 10,
				 bytes_str(""), take_row, NULL, &next, &e),
		STATUS_USAGE);
	error_clear(&e);
	buf_free(&next);
	txn_abort(&t);
}

static void long_typed_text_is_bounded(void **state)
{
	static const char *const texts[] = { "xianxianxianxianxianxianxianxianxianxianxianxian",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"s s s s sh sh sh sh z z z z zh zh zh zh",
		"xi xi xi xi xi xi xi xi xi xi xi xi xi" };
	struct fixture *f = *state;
	struct found found;

	put_name(f, "西安西安");
	for (size_t i = 0; i < 4; i++) {
		int64_t start = monotonic_us();

		search_pages(f, &everybody, texts[i], ALL_CLASSES, 20, &found);
		assert_true(monotonic_us() - start < 2000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_names, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(classes_hide, setup, teardown),
		cmocka_unit_test_setup_teardown(correction_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(ranks_whole_start_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_no_others, setup, teardown),
		cmocka_unit_test_setup_teardown(steps_bound_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(deleted_are_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(scope_restricts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			small_and_large_commits_keep_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_go_over_blocks_and_pending, setup, teardown),
		cmocka_unit_test(rows_hold_what_was_put_in),
		cmocka_unit_test_setup_teardown(index_agrees_with_match, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_pages_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(long_typed_text_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
