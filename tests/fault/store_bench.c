#include "tests/fault/store_bench.h"
#include "common/type.h"

#include <unistd.h>

#define NEED(x) need((x), #x, __LINE__)

static void need(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "store_bench.c:%d: %s does not hold\n", line, what);
	abort();
}

static const struct field customer_rows[] = {
	{ .tag = CUSTOMER_CODE,
		.name = "code",
		.type = T_TEXT,
		.zh = "客户号",
		.en = "Code",
		.flags = F_INDEXED | F_LOOKUP },
	{ .tag = CUSTOMER_NAME,
		.name = "name",
		.type = T_TEXT,
		.zh = "名称",
		.en = "Name",
		.flags = F_INDEXED | F_SEARCH | F_NAME },
	{ .tag = CUSTOMER_PHONE,
		.name = "phone",
		.type = T_PHONE,
		.zh = "电话",
		.en = "Phone",
		.flags = F_INDEXED | F_SEARCH | F_PERSONAL_IF_PERSON },
	{ .tag = CUSTOMER_CITY,
		.name = "city",
		.type = T_TEXT,
		.zh = "城市",
		.en = "City",
		.flags = F_INDEXED },
	{ .tag = CUSTOMER_TAGS,
		.name = "tags",
		.type = T_TAGS,
		.zh = "标签",
		.en = "Tags",
		.flags = F_INDEXED },
	{ .tag = CUSTOMER_LEVEL,
		.name = "level",
		.type = T_INTEGER,
		.zh = "级别",
		.en = "Level",
		.flags = F_INDEXED },
	{ .tag = CUSTOMER_OWNER,
		.name = "owner",
		.type = T_REF,
		.zh = "负责人",
		.en = "Owner",
		.refers_to = "user",
		.flags = F_INDEXED },
	{ .tag = CUSTOMER_BRANCH,
		.name = "branch",
		.type = T_REF,
		.zh = "分支",
		.en = "Branch",
		.refers_to = "branch",
		.flags = F_INDEXED },
	{ .tag = CUSTOMER_NOTE, .name = "note", .type = T_LONG_TEXT, .zh = "备注", .en = "Note" },
	{ .tag = CUSTOMER_SCORE,
		.name = "score",
		.type = T_INTEGER,
		.zh = "得分",
		.en = "Score",
		.flags = F_INDEXED | F_COMPUTED },
	{ .tag = CUSTOMER_READING,
		.name = "name_reading",
		.type = T_TEXT,
		.zh = "名称读音",
		.en = "Name reading" },
	{ 0 },
};

static const struct field contact_rows[] = {
	{ .tag = CONTACT_NAME,
		.name = "name",
		.type = T_TEXT,
		.zh = "姓名",
		.en = "Name",
		.class = CLASS_PERSONAL,
		.flags = F_INDEXED | F_SEARCH },
	{ .tag = CONTACT_CUSTOMER,
		.name = "customer",
		.type = T_REF,
		.zh = "客户",
		.en = "Customer",
		.refers_to = "customer",
		.flags = F_INDEXED },
	{ 0 },
};

static const struct field task_rows[] = {
	{ .tag = TASK_TITLE, .name = "title", .type = T_TEXT, .zh = "标题", .en = "Title" },
	{ .tag = TASK_CUSTOMER,
		.name = "customer",
		.type = T_REF,
		.zh = "客户",
		.en = "Customer",
		.refers_to = "customer",
		.flags = F_INDEXED },
	{ .tag = TASK_CONTACT,
		.name = "contact",
		.type = T_REF,
		.zh = "联系人",
		.en = "Contact",
		.refers_to = "contact",
		.flags = F_INDEXED },
	{ .tag = TASK_ASSIGNEE,
		.name = "assignee",
		.type = T_REF,
		.zh = "执行人",
		.en = "Assignee",
		.refers_to = "user",
		.flags = F_INDEXED },
	{ .tag = TASK_OWNER,
		.name = "owner",
		.type = T_REF,
		.zh = "负责人",
		.en = "Owner",
		.refers_to = "user" },
	{ 0 },
};

static const struct field plain_rows[] = {
	{ .tag = PLAIN_NAME,
		.name = "name",
		.type = T_TEXT,
		.zh = "名称",
		.en = "Name",
		.flags = F_INDEXED | F_UNIQUE },
	{ 0 },
};

static const struct entity_table tables[] = {
	{ { .number = 1,
		  .name = "customer",
		  .zh = "客户",
		  .en = "Customer",
		  .name_field = "name",
		  .number_field = "code",
		  .owner_field = "owner" },
		customer_rows },
	{ { .number = 2,
		  .name = "contact",
		  .zh = "联系人",
		  .en = "Contact",
		  .name_field = "name",
		  .scope_fields = "customer" },
		contact_rows },
	{ { .number = 4,
		  .name = "task",
		  .zh = "任务",
		  .en = "Task",
		  .name_field = "title",
		  .scope_fields = "customer|contact",
		  .owner_field = "owner",
		  .seen_by_field = "assignee" },
		task_rows },
	{ { .number = 6,
		  .name = "user",
		  .zh = "用户",
		  .en = "User",
		  .name_field = "name",
		  .flags = E_SHARED },
		plain_rows },
	{ { .number = 8,
		  .name = "branch",
		  .zh = "分支",
		  .en = "Branch",
		  .name_field = "name",
		  .flags = E_SHARED },
		plain_rows },
};

struct schema *bench_schema(void)
{
	struct schema *schema = NULL;
	struct error e;

	error_init(&e);
	if (schema_build(tables, sizeof(tables) / sizeof(tables[0]), &schema, &e))
		fprintf(stderr, "%s\n", e.message);
	NEED(schema != NULL);
	return schema;
}

enum status bench_open_at(
	struct store_bench *b, const char *path, bool create, bool read_only, struct error *e)
{
	struct store_options o = { .path = path,
		.map_size = b->map_size,
		.create = create,
		.read_only = read_only,
		.engine = b->ops,
		.schema = b->schema };

	memset(o.key, 7, sizeof(o.key));
	b->customer = schema_entity(b->schema, bytes_str("customer"));
	b->contact = schema_entity(b->schema, bytes_str("contact"));
	b->task = schema_entity(b->schema, bytes_str("task"));
	b->user = schema_entity(b->schema, bytes_str("user"));
	b->branch = schema_entity(b->schema, bytes_str("branch"));
	b->author = (struct author){ .user = 0, .now_ms = 1764000000000 };
	return store_open(&o, &b->store, e);
}

static void add_plain(
	struct store_bench *b, struct txn *t, const struct entity *en, const char *name)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	record_add_text(&fields, PLAIN_NAME, bytes_str(name));
	NEED(bench_put(b, t, en, &id, "add", &fields, NULL) == STATUS_OK);
	buf_free(&fields);
}

void bench_open(struct store_bench *b, const struct engine_ops *ops, uint64_t map_size)
{
	static const char *const users[] = { "admin", "wang", "li" };
	static const char *const branches[] = { "hangzhou", "chengdu" };
	struct error e;

	*b = (struct store_bench){
		.dir = "/tmp/store_bench.XXXXXX", .ops = ops, .map_size = map_size
	};
	fault_arm(FAULT_NONE, 0);
	error_init(&e);
	NEED(mkdtemp(b->dir) != NULL);
	snprintf(b->path, sizeof(b->path), "%s/store", b->dir);
	b->schema = bench_schema();
	if (bench_open_at(b, b->path, true, false, &e))
		fprintf(stderr, "%s\n", e.message);
	NEED(b->store != NULL);
	struct txn *t = bench_begin(b, true);
	for (int i = 0; i < 3; i++)
		add_plain(b, t, b->user, users[i]);
	for (int i = 0; i < 2; i++)
		add_plain(b, t, b->branch, branches[i]);
	bench_commit(&t);
	b->author.user = 1;
}

void bench_reopen(struct store_bench *b)
{
	uint64_t user = b->author.user;

	store_close(&b->store);
	NEED(bench_open_at(b, b->path, false, false, NULL) == STATUS_OK);
	b->author.user = user;
}

void bench_close(struct store_bench *b)
{
	char file[128];

	store_close(&b->store);
	schema_free(&b->schema);
	snprintf(file, sizeof(file), "%s/data.mdb", b->path);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock.mdb", b->path);
	unlink(file);
	rmdir(b->path);
	rmdir(b->dir);
}

struct txn *bench_begin(struct store_bench *b, bool write)
{
	struct txn *t = NULL;

	NEED(txn_begin(b->store, write, &t, NULL) == STATUS_OK);
	return t;
}

void bench_commit(struct txn **t)
{
	NEED(txn_commit(t, NULL) == STATUS_OK);
}

enum status bench_put(struct store_bench *b, struct txn *t, const struct entity *en, uint64_t *id,
	const char *kind, const struct buf *fields, struct error *e)
{
	return store_put(t, &b->author, en, id, kind, buf_bytes(fields), NULL, e);
}

void bench_customer_fields(unsigned n, uint64_t owner, uint64_t branch, struct buf *out)
{
	static const char *const cities[] = { "杭州", "成都", "Berlin" };
	char text[64];

	snprintf(text, sizeof(text), "C%06u", n);
	record_add_text(out, CUSTOMER_CODE, bytes_str(text));
	snprintf(text, sizeof(text), "测试公司%u", n);
	record_add_text(out, CUSTOMER_NAME, bytes_str(text));
	snprintf(text, sizeof(text), "138%08u", n);
	record_add_text(out, CUSTOMER_PHONE, bytes_str(text));
	record_add_text(out, CUSTOMER_CITY, bytes_str(cities[n % 3]));
	record_add_text(out, CUSTOMER_TAGS, bytes_str("new"));
	if (n % 2)
		record_add_text(out, CUSTOMER_TAGS, bytes_str("hot"));
	record_add_signed(out, CUSTOMER_LEVEL, (int)(n % 5) - 2);
	if (owner)
		record_add_number(out, CUSTOMER_OWNER, owner);
	if (branch)
		record_add_number(out, CUSTOMER_BRANCH, branch);
}

uint64_t bench_add_customer(
	struct store_bench *b, struct txn *t, unsigned n, uint64_t owner, uint64_t branch)
{
	struct buf fields = BUF_INIT;
	uint64_t id = 0;

	bench_customer_fields(n, owner, branch, &fields);
	NEED(bench_put(b, t, b->customer, &id, "add", &fields, NULL) == STATUS_OK);
	buf_free(&fields);
	return id;
}

enum status bench_set(struct store_bench *b, struct txn *t, const struct entity *en, uint64_t id,
	const char *kind, uint32_t tag, struct bytes run, struct error *e)
{
	struct buf now = BUF_INIT, next = BUF_INIT;
	struct stored stored;
	enum status s = store_get(t, &scope_all, en, id, &now, &stored, e);

	if (!s) {
		record_merge(stored.fields, run, &tag, 1, &next);
		s = bench_put(b, t, en, &id, kind, &next, e);
	}
	buf_free(&now);
	buf_free(&next);
	return s;
}

enum status bench_delete(
	struct store_bench *b, struct txn *t, const struct entity *en, uint64_t id, struct error *e)
{
	struct buf run = BUF_INIT;

	if (type_is_signed(T_DATETIME))
		record_add_signed(&run, TAG_DELETED_AT, b->author.now_ms);
	else
		record_add_number(&run, TAG_DELETED_AT, (uint64_t)b->author.now_ms);
	enum status s = bench_set(b, t, en, id, "delete", TAG_DELETED_AT, buf_bytes(&run), e);
	buf_free(&run);
	return s;
}

enum status bench_restore(
	struct store_bench *b, struct txn *t, const struct entity *en, uint64_t id, struct error *e)
{
	struct bytes none = { 0 };

	return bench_set(b, t, en, id, "restore", TAG_DELETED_AT, none, e);
}

static void say(void *arg, const char *damage)
{
	(void)arg;
	fprintf(stderr, "damage: %s\n", damage);
}

size_t bench_check(struct store_bench *b)
{
	struct check_counts counts;
	struct txn *t = bench_begin(b, false);
	size_t n = store_check(t, say, NULL, &counts);

	txn_abort(&t);
	return n;
}

static uint64_t digest_add(uint64_t sum, struct bytes in)
{
	sum = (sum ^ in.len) * 1099511628211u;
	for (size_t i = 0; i < in.len; i++)
		sum = (sum ^ in.data[i]) * 1099511628211u;
	return sum;
}

uint64_t bench_digest(struct store_bench *b)
{
	struct txn *t = bench_begin(b, false);
	struct buf value = BUF_INIT;
	struct bytes key, none = { 0 };
	struct walk *w;
	uint64_t sum = 14695981039346656037u;

	for (int s = 0; s < SPACE_COUNT; s++) {
		NEED(walk_open(t, (enum space)s, none, &w, NULL) == STATUS_OK);
		while (walk_next(w, &key)) {
			NEED(walk_value(w, &value, NULL) == STATUS_OK);
			sum = digest_add(digest_add(sum, key), buf_bytes(&value));
		}
		walk_close(&w);
	}
	txn_abort(&t);
	buf_free(&value);
	return sum;
}
