/* A scheduler that cannot go on is told to the administrators, once; one that only has much to do is not. */
#include "server/call/writer.h"
#include "server/loop/loop.h"
#include "server/remind/plan.h"
#include "server/remind/remind.h"
#include "server/server.h"
#include "server/watchdog.h"
#include "tests/fault/store_bench.h"

#include <event2/thread.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct watched {
	struct store_bench store;
	struct server server;
	struct loop *loop;
	char clock_file[96];
	char told[512];
	int alarms;
};

static void on_alarm(void *arg, const char *text)
{
	struct watched *w = arg;

	g_strlcpy(w->told, text, sizeof w->told);
	w->alarms++;
	loop_stop(w->loop);
}

/* A row that is due and names nothing: firing only takes it out. */
static void put_due(struct watched *w, int64_t instant)
{
	struct txn *t = bench_begin(&w->store, true);
	uint8_t key[22] = { 0 }, value[12] = { 0 };

	put_be64(key, (uint64_t)instant);
	assert_int_equal(txn_put(t, SPACE_DUE, bytes_of(key, sizeof key),
				 bytes_of(value, sizeof value), NULL),
		STATUS_OK);
	bench_commit(&t);
}

static void test_stuck(void **state)
{
	static struct watched w;
	int64_t now = 0;

	evthread_use_pthreads();
	bench_open(&w.store, NULL, 64u << 20);
	snprintf(w.clock_file, sizeof w.clock_file, "%s.clock", w.store.dir);
	assert_true(g_file_set_contents(w.clock_file, "2026-11-23T01:02:00Z\n", -1, NULL));
	w.loop = loop_new("main");
	w.server = (struct server){ .store = w.store.store,
		.schema = w.store.schema,
		.dir = w.store.dir,
		.clock = clock_new(w.clock_file),
		.alarm = on_alarm,
		.net = &w };
	w.server.started_ms = real_ms();
	assert_true(instant_parse(bytes_str("2026-11-23T01:00:00Z"), NULL, &now));
	put_due(&w, now);
	w.server.writer = writer_new(&w.server, 0); /* takes nothing */
	w.server.reminders = reminders_new(&w.server, w.loop);
	w.server.watchdog = watchdog_new(&w.server, w.loop);
	loop_run(w.loop);
	assert_string_equal(w.told, "reminders are 120 seconds late");
	assert_int_equal(w.alarms, 1);
	watchdog_free(&w.server.watchdog);
	writer_free(&w.server.writer);
	reminders_free(&w.server.reminders);
	loop_free(&w.loop);
	clock_free(&w.server.clock);
	unlink(w.clock_file);
	bench_close(&w.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stuck) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
