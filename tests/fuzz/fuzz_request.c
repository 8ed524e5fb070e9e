/*
 * Requests of a salesperson, from the frame to the packed reply, on a small store that is filled once. Whatever is asked: no record and
 * no word of the other branch comes back. What one input writes is thrown away before the next.
 */
#include "common/frame.h"
#include "server/call/box.h"
#include "server/call/rights.h"
#include "server/call/writer.h"
#include "server/loop/loop.h"
#include "server/server.h"

#include <unistd.h>

#define CEILING (16u << 20)
#define SECRET "QZX7FOREIGN" /* stands in every text of the other branch */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The server of all inputs. */
static struct {
	char dir[64];
	struct server server;
	struct schema *schema;
	struct caller *admin, *sales;
	struct txn *txn; /* of the input at hand */
	uint64_t foreign;
	bool ready;
} firm;

/* In place of the writer and the pool: at once, on this thread, in the transaction of the input. */

bool writer_submit(struct writer *w, struct call *c, call_done *done, void *arg)
{
	struct box *b = box_of(c);
	enum status st;

	call_bind(c, firm.txn);
	txn_mark(firm.txn);
	st = dispatch_write(c, &b->error);
	dispatch_finish(c, st, &b->error);
	return true;
}

bool writer_submit_own(struct writer *w, op_fn *fn, void *prepared, call_done *done, void *arg)
{
	return true;
}

size_t writer_queue(const struct writer *w)
{
	return 0;
}

bool pool_submit(struct pool *p, loop_fn *fn, void *arg)
{
	fn(arg);
	return true;
}

void pool_pause(struct pool *p)
{
}

static void need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "fuzz_request: %s\n", what);
	abort();
}

/* What came back. */

struct heard {
	struct bytes input; /* what is echoed is no leak; empty: everything may come back */
	enum status status;
	uint64_t id;
};

static bool has_secret(struct bytes in)
{
	return in.len && memmem(in.data, in.len, SECRET, strlen(SECRET)) != NULL;
}

static void check_reply(const Guanxi__Reply *reply, struct bytes input)
{
	Guanxi__Frame frame = GUANXI__FRAME__INIT;
	struct buf packed = BUF_INIT;

	frame.reply = (Guanxi__Reply *)reply;
	frame_pack(&frame, &packed);
	need(packed.len <= FRAME_MAX + FRAME_HEADER, "a reply is longer than a frame");
	need(!has_secret(buf_bytes(&packed)) || has_secret(input), "a word of another branch");
	for (size_t i = 0; i < reply->n_record; i++)
		need(reply->record[i]->entity != ENTITY_CUSTOMER ||
				reply->record[i]->id != firm.foreign,
			"a record of another branch");
	buf_free(&packed);
}

static void on_done(struct call *c, void *arg)
{
	struct heard *h = arg;

	h->status = (enum status)c->reply->status->code;
	h->id = c->reply->n_record ? c->reply->record[0]->id : 0;
	if (h->input.data)
		check_reply(c->reply, h->input);
	else if (h->status)
		fprintf(stderr, "fuzz_request: %.*s\n", (int)c->reply->status->message.len,
			(const char *)c->reply->status->message.data);
	call_free(&c);
}

/* Takes over the arena. */
static void give(const struct caller *who, const Guanxi__Request *request, struct arena *arena,
	struct heard *h)
{
	struct call *c = call_new(&firm.server, arena, request);

	if (!c) {
		arena_free(&arena);
		return;
	}
	c->caller = who;
	c->address = "fuzz";
	dispatch(c, firm.txn, on_done, h);
}

/* Filling the store. */

/* "name=value|name=value" as the pairs of an addition by the administrator; its id. */
static uint64_t add(const char *entity, const char *text)
{
	struct arena *arena = arena_new(CEILING);
	Guanxi__Request *r = arena_alloc(arena, sizeof(*r));
	char **parts = g_strsplit(text, "|", 0);
	guint n = g_strv_length(parts);
	struct heard h = { .status = STATUS_INTERNAL };

	guanxi__request__init(r);
	r->op = pb_from(bytes_str("record.add"));
	r->has_entity = true;
	r->entity = pb_from(bytes_str(entity));
	r->set = arena_alloc(arena, n * sizeof(*r->set));
	for (guint i = 0; i < n; i++) {
		Guanxi__Pair *p = arena_alloc(arena, sizeof(*p));
		size_t name = strcspn(parts[i], "=");

		guanxi__pair__init(p);
		p->name = pb_from(arena_copy(arena, bytes_of(parts[i], name)));
		p->has_value = true;
		p->value = pb_from(arena_copy(arena, bytes_str(parts[i] + name + 1)));
		r->set[r->n_set++] = p;
	}
	g_strfreev(parts);
	give(firm.admin, r, arena, &h);
	need(h.status == STATUS_OK, text);
	return h.id;
}

static enum status observe(void *arg, struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	return model_after(t, author, entity, before, after, e);
}

static void fill(void)
{
	uint64_t user;
	struct author author = { .now_ms = clock_now(firm.server.clock) };
	uint64_t admin;

	need(!store_operation(firm.txn, &author.operation, NULL), "operation");
	need(!model_fill(firm.txn, &author, "root", &admin, NULL), "model_fill");
	need(!caller_load(firm.txn, admin, 1, &firm.admin, NULL), "admin");
	add("branch", "code=hz|name=hangzhou");
	add("branch", "code=cd|name=chengdu");
	user = add("user", "username=wang|name=wang|roles=sales|branch=hz");
	add("user", "username=li|name=li|roles=sales|branch=cd");
	need(!caller_load(firm.txn, user, 2, &firm.sales, NULL), "sales");
	add("customer", "name=杭州长河|phone=0571-88880000|owner=wang|branch=hz|city=杭州");
	firm.foreign = add("customer",
		"name=" SECRET "|phone=028-88880000|owner=li|branch=cd|city=" SECRET
		"|keywords=" SECRET "|remarks=" SECRET "|external_id=" SECRET "|tags=" SECRET);
	add("contact", "customer=2|name=" SECRET "|job_title=" SECRET "|birthday=1980-11-24");
	add("contact", "customer=1|name=曾国强|birthday=lunar:08-15");
	add("task", "customer=2|subject=seen|due_on=2027-01-10|assignee=wang");
	add("task", "customer=2|subject=" SECRET "|due_on=2027-01-10|assignee=li");
	add("activity", "customer=2|subject=" SECRET "|description=" SECRET);
	add("reminder", "title=" SECRET "|start_on=2030-01-01|user=li|record=customer:2");
}

static void clean_up(void)
{
	char *store = g_strconcat(firm.dir, "/store", NULL);
	char *data = g_strconcat(store, "/data.mdb", NULL);
	char *lock = g_strconcat(store, "/lock.mdb", NULL);

	caller_free(&firm.admin);
	caller_free(&firm.sales);
	store_close(&firm.server.store);
	clock_free(&firm.server.clock);
	schema_free(&firm.schema);
	unlink(data);
	unlink(lock);
	rmdir(store);
	rmdir(firm.dir);
	g_free(data);
	g_free(lock);
	g_free(store);
}

static void begin(void)
{
	char path[80];
	struct store_options o = { .path = path, .map_size = 256u << 20, .create = true };

	g_strlcpy(firm.dir, "/tmp/fuzz_request.XXXXXX", sizeof(firm.dir));
	need(mkdtemp(firm.dir) != NULL, "no folder");
	snprintf(path, sizeof(path), "%s/store", firm.dir);
	need(!model_schema(&firm.schema, NULL), "schema");
	o.schema = firm.schema;
	need(!store_open(&o, &firm.server.store, NULL), "store");
	store_observe(firm.server.store, observe, NULL);
	firm.server.schema = firm.schema;
	firm.server.clock = clock_new(NULL);
	firm.server.dir = firm.dir;
	need(!txn_begin(firm.server.store, true, &firm.txn, NULL), "begin");
	fill();
	need(!txn_commit(&firm.txn, NULL), "commit");
	atexit(clean_up);
	firm.ready = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), body;
	struct heard h = { .input = bytes_of(size ? data : (const uint8_t *)"", size) };
	size_t used;

	if (!firm.ready)
		begin();
	need(!txn_begin(firm.server.store, true, &firm.txn, NULL), "begin");
	while (frame_find(in, FRAME_MAX, &body, &used) == FRAME_READY) {
		struct arena *arena = arena_new(CEILING);
		Guanxi__Frame *frame = frame_unpack(body, arena, NULL);

		if (frame && frame->request)
			give(firm.sales, frame->request, arena, &h);
		else
			arena_free(&arena);
		in = bytes_of(in.data + used, in.len - used);
	}
	txn_abort(&firm.txn);
	return 0;
}
