/*
 * A batch is a run of queued calls in one transaction. Its end: nothing more queued, the bounds reached, or a call that must be alone
 * (dry runs; calls that failed after their first put, or for lack of room, in an earlier run of the batch).
 */
#include "server/call/writer.h"
#include "server/call/box.h"
#include "server/log_line.h"
#include "server/server.h"
#include "server/store/file.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/*
 * Bulk work stands in a queue of its own. Its batch ends after the call that runs when another session's comes, which then waits for that
 * call and two commits; in turn, so that neither waits for ever. Calls of a session that has bulk work waiting stay behind it.
 *
 * A bound on how long a call waits for those before it. Bulk work needs large commits: each one writes most pages of the indexes anew
 * (of unique values each row changes a page of its own, whatever the commit holds; of values that repeat, and in merging terms, a commit of 180,000 puts
 * writes a third of what three of 60,000 do).
 */
#define BATCH_PUTS 180000u
#define BATCH_PUTS_SHARED 45000u  /* of bulk work while others write too */
#define SHARED_US (2 * 1000000LL) /* so long after one of them */
#define BATCH_BYTES (32u * 1024 * 1024)
#define BATCH_CALLS 1024u
#define GATHER_MAX_US 4000
#define IDLE_US (200 * 1000)
#define IDLE_NEXT_US (5 * 1000) /* between the slices of an idle time */
#define MERGE_ROWS 16
#define MERGE_BEHIND 1200 /* rows from which calls wait for more than one slice of merging */
#define MERGE_SLICES 4
#define SWEEP_EVERY_US (60 * 1000000LL)
#define TROUBLE_PAUSE_US (10 * 1000000LL)

enum fate {
	FATE_OPEN,  /* takes part in the next run */
	FATE_DONE,  /* result known, answered after the commit */
	FATE_ALONE, /* run again in a transaction of its own */
};

struct item {
	struct call *call;
	op_fn *fn;
	enum status st;
	enum fate fate;
	struct error error;
};

struct writer {
	struct server *server;
	size_t queue_max;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	GQueue queue;              /* struct item, under lock */
	GQueue bulk;               /* the same; they stay here until they are done */
	atomic_bool waiting;       /* there is one in queue */
	bool bulk_batch;           /* the batch is of bulk */
	_Atomic int64_t shared_us; /* when the last one came that is not bulk */
	bool stop;                 /* under lock */
	atomic_size_t queued;
	atomic_bool broken; /* a commit ended in the unknown: nothing is taken any more */
	pthread_t thread;
	GPtrArray *batch; /* struct item */
	GArray *woken;    /* user ids */
	uint64_t last_seq;
	int64_t not_before_us; /* of housekeeping */
	int64_t sweep_us;
	struct buf sweep_at;
};

static void item_finish(struct item *i)
{
	struct box *b = box_of(i->call);

	if (b->done)
		dispatch_finish(i->call, i->st, &i->error);
	else
		call_free(&i->call);
	error_clear(&i->error);
	g_free(i);
}

/* Running. */

static bool is_bulk(const struct item *i)
{
	const struct op *op = box_of(i->call)->op;

	return op && op->flags & OP_BULK;
}

/* Others wait for the end of bulk work. */
static bool gives_way(const struct writer *w)
{
	return w->bulk_batch && atomic_load(&w->waiting);
}

static size_t puts_max(const struct writer *w)
{
	bool shared = w->bulk_batch && monotonic_us() - atomic_load(&w->shared_us) < SHARED_US;

	return shared ? BATCH_PUTS_SHARED : BATCH_PUTS;
}

static bool is_dry(const struct item *i)
{
	return i->call->request->has_dry_run && i->call->request->dry_run;
}

static void run_item(struct item *i, struct txn *t)
{
	error_clear(&i->error);
	call_rewind(i->call);
	call_bind(i->call, t);
	txn_mark(t);
	i->st = i->fn(i->call, &i->error);
	call_end_run(i->call);
}

static void drop_effects(struct item *i)
{
	i->call->wake = NULL;
	i->call->nwake = 0;
	i->call->close_sessions_of_user = false;
	i->call->watch_reminders = false;
}

/* Every open call of the batch gets this. */
static void fail_all(struct writer *w, guint n, enum status st, const struct error *e)
{
	for (guint k = 0; k < n; k++) {
		struct item *i = g_ptr_array_index(w->batch, k);

		if (i->fate == FATE_ALONE)
			continue;
		i->st = st;
		error_clear(&i->error);
		error_reason(&i->error, st, e->reason, "%s", e->message);
		call_rewind(i->call);
		drop_effects(i);
		i->fate = FATE_DONE;
	}
}

static void mark_done(struct writer *w, guint n)
{
	for (guint k = 0; k < n; k++) {
		struct item *i = g_ptr_array_index(w->batch, k);

		if (i->fate == FATE_OPEN)
			i->fate = FATE_DONE;
	}
}

static void commit_failed(struct writer *w, guint n, enum status st, const struct error *e)
{
	fail_all(w, n, st, e);
	if (st == STATUS_OUTCOME_UNKNOWN)
		atomic_store(&w->broken, true);
}

/*
 * Runs the open calls until the bounds are reached. True when the transaction may be committed; false when it must be run again
 * because a call failed after its first put. *n becomes how many calls belong to this batch.
 */
static bool run_calls(struct writer *w, struct txn *t, guint *n)
{
	for (guint k = 0; k < w->batch->len; k++) {
		struct item *i = g_ptr_array_index(w->batch, k);

		if (i->fate == FATE_ALONE)
			continue;
		if (txn_puts(t) >= puts_max(w) || txn_put_bytes(t) >= BATCH_BYTES ||
			(k > 0 && gives_way(w))) {
			*n = k;
			return true;
		}
		run_item(i, t);
		i->fate = FATE_OPEN;
		if (i->st != STATUS_OK && txn_wrote(t)) {
			i->fate = FATE_ALONE;
			return false;
		}
		if (i->st == STATUS_STORAGE_FULL)
			return false;
		if (txn_fields_changed(t)) { /* those after it are to meet the new ones */
			*n = k + 1;
			return true;
		}
	}
	return true;
}

static void all_alone(struct writer *w)
{
	for (guint k = 0; k < w->batch->len; k++)
		((struct item *)g_ptr_array_index(w->batch, k))->fate = FATE_ALONE;
}

/* One transaction over the batch; the calls from *n on were left for the next. */
static void run_batch(struct writer *w, guint *n)
{
	struct error e = { 0 };
	struct txn *t = NULL;
	enum status st;

	*n = w->batch->len;
	for (guint tries = 0;; tries++) {
		bool full = false;

		st = txn_begin(w->server->store, true, &t, &e);
		if (st != STATUS_OK || run_calls(w, t, n))
			break;
		txn_abort(&t);
		for (guint k = 0; k < w->batch->len; k++)
			full |= ((struct item *)g_ptr_array_index(w->batch, k))->st ==
				STATUS_STORAGE_FULL;
		*n = w->batch->len;
		/* with a full disk each call finds out for itself: one that deletes may still pass */
		if (full || tries == 8) {
			all_alone(w);
			return;
		}
	}
	if (st == STATUS_OK)
		st = txn_commit(&t, &e);
	if (st != STATUS_OK)
		commit_failed(w, *n, st, &e);
	else
		mark_done(w, *n);
	error_clear(&e);
}

/* A transaction for one call; a dry run's is thrown away. */
static void run_alone(struct writer *w, struct item *i)
{
	struct error e = { 0 };
	struct txn *t = NULL;
	enum status st = txn_begin(w->server->store, true, &t, &e);

	if (st == STATUS_OK) {
		run_item(i, t);
		if (is_dry(i)) {
			drop_effects(i);
			i->call->reply->has_operation = false;
		}
		if (i->st == STATUS_OK && !is_dry(i))
			st = txn_commit(&t, &e);
		else
			txn_abort(&t);
	}
	if (st != STATUS_OK) {
		i->st = st;
		error_clear(&i->error);
		error_move(&i->error, &e);
		call_rewind(i->call);
		if (st == STATUS_OUTCOME_UNKNOWN)
			atomic_store(&w->broken, true);
	}
	i->fate = FATE_DONE;
	error_clear(&e);
}

/* Answering. */

static void note_woken(struct writer *w, const struct call *c)
{
	for (size_t k = 0; k < c->nwake; k++) {
		bool known = false;

		for (guint j = 0; !known && j < w->woken->len; j++)
			known = g_array_index(w->woken, uint64_t, j) == c->wake[k];
		if (!known)
			g_array_append_val(w->woken, c->wake[k]);
	}
}

static void answer(struct writer *w, struct item *i)
{
	struct server *s = w->server;
	struct call *c = i->call;
	uint64_t user = c->close_user, except = c->close_except, only = c->close_only;
	bool close = i->st == STATUS_OK && c->close_sessions_of_user;

	if (i->st == STATUS_OK)
		note_woken(w, c);
	item_finish(i);
	if (close && s->close_user)
		s->close_user(s->net, user, except, only, "session ended");
}

static void answer_first(struct writer *w, guint n)
{
	uint64_t last = store_last_seq(w->server->store);
	bool logged = last != w->last_seq;

	w->last_seq = last;
	g_array_set_size(w->woken, 0);
	for (guint k = 0; k < n; k++)
		answer(w, g_ptr_array_index(w->batch, k));
	g_ptr_array_remove_range(w->batch, 0, n);
	if (logged && w->server->committed)
		w->server->committed(w->server);
	if (w->woken->len > 0 && w->server->wake)
		w->server->wake(
			w->server->net, (const uint64_t *)(void *)w->woken->data, w->woken->len);
}

/* After the disk has failed nothing is tried any more; what was not tried certainly has no effect. */
static void refuse_untried(struct writer *w, guint n)
{
	for (guint k = 0; k < n; k++) {
		struct item *i = g_ptr_array_index(w->batch, k);

		if (i->fate == FATE_DONE)
			continue;
		error_clear(&i->error);
		call_rewind(i->call);
		i->st = error_set(&i->error, STATUS_BUSY, "server is stopping");
	}
}

/* The first ones are done; before they are answered, as bulk is looked through by those who add to it. */
static void leave_batch(struct writer *w, guint done)
{
	pthread_mutex_lock(&w->lock);
	for (guint k = 0; w->bulk_batch && k < done; k++)
		g_queue_pop_head(&w->bulk);
	atomic_fetch_sub(&w->queued, done);
	pthread_mutex_unlock(&w->lock);
}

static void run_and_answer(struct writer *w)
{
	guint n = w->batch->len;

	if (!atomic_load(&w->broken))
		run_batch(w, &n);
	for (guint k = 0; k < n && !atomic_load(&w->broken); k++) {
		struct item *i = g_ptr_array_index(w->batch, k);

		if (i->fate == FATE_ALONE)
			run_alone(w, i);
	}
	if (atomic_load(&w->broken))
		refuse_untried(w, n);
	leave_batch(w, n);
	answer_first(w, n);
}

/* The queue. */

/* Adds what belongs to the next batch, in turn of the two queues; under the lock. */
static void take_batch(struct writer *w)
{
	w->bulk_batch = w->bulk.length > 0 && (w->queue.length == 0 || !w->bulk_batch);
	GList *at = w->bulk_batch ? w->bulk.head : w->queue.head;

	for (; at && w->batch->len < BATCH_CALLS; at = at->next) {
		struct item *i = at->data;

		if (is_dry(i) && w->batch->len > 0)
			break;
		g_ptr_array_add(w->batch, i);
		if (is_dry(i))
			break;
	}
	for (guint k = 0; !w->bulk_batch && k < w->batch->len; k++)
		g_queue_pop_head(&w->queue);
	atomic_store(&w->waiting, w->queue.length > 0);
}

static void work(struct writer *w)
{
	gint64 from = monotonic_us(), spent;
	guint n = w->batch->len;

	if (is_dry(g_ptr_array_index(w->batch, 0)))
		((struct item *)g_ptr_array_index(w->batch, 0))->fate = FATE_ALONE;
	do {
		run_and_answer(w);
	} while (w->batch->len > 0 && !gives_way(w));
	g_ptr_array_set_size(w->batch, 0);
	/* without a short wait the clients split into two halves that take turns (measured: 40 % fewer commits a second) */
	spent = monotonic_us() - from;
	if (n > 1 && !gives_way(w))
		g_usleep((gulong)MIN(spent / 5, GATHER_MAX_US));
}

static enum status merge_slice(struct txn *t, struct writer *w, bool *more, struct error *e)
{
	int64_t now = monotonic_us();
	enum status st = STATUS_OK;

	if (store_field_jobs(w->server->store) > 0)
		st = store_build_fields(t, e);
	if (st == STATUS_OK && store_pending_terms(w->server->store) > 0)
		st = store_merge_terms(t, more, e);
	if (st == STATUS_OK && now >= w->sweep_us) {
		bool left = false;
		w->sweep_us = now + SWEEP_EVERY_US;
		st = idem_sweep(t, clock_now(w->server->clock), &w->sweep_at, e);
		if (st == STATUS_OK)
			st = file_sweep(t, clock_now(w->server->clock) - FILE_STAGED_MS, &left, e);
		if (left)
			w->sweep_us = now;
	}
	return st;
}

static bool housekeeping_due(const struct writer *w, size_t rows)
{
	int64_t now = monotonic_us();

	return now >= w->not_before_us && !atomic_load(&w->broken) &&
	       (store_pending_terms(w->server->store) >= rows ||
		       (rows < MERGE_BEHIND && store_field_jobs(w->server->store) > 0) ||
		       (rows == 1 && now >= w->sweep_us));
}

/* One transaction of merging postings and dropping old replies. */
static void housekeeping(struct writer *w)
{
	struct error e = { 0 };
	struct txn *t = NULL;
	bool more = false;
	enum status st = txn_begin(w->server->store, true, &t, &e);

	if (st == STATUS_OK)
		st = merge_slice(t, w, &more, &e);
	if (st == STATUS_OK)
		st = txn_commit(&t, &e);
	txn_abort(&t);
	if (st == STATUS_OUTCOME_UNKNOWN)
		atomic_store(&w->broken, true);
	if (st != STATUS_OK) {
		w->not_before_us = monotonic_us() + TROUBLE_PAUSE_US;
		log_line(LOG_LEVEL_ERROR, "housekeeping", "why=\"%s\"", e.message);
	}
	error_clear(&e);
}

/* Waits for calls; false when idle for a while. idle: it was so before. */
static bool wait_for_calls(struct writer *w, bool idle)
{
	bool pending =
		store_pending_terms(w->server->store) > 0 || store_field_jobs(w->server->store) > 0;
	int64_t until_us = monotonic_us() + (!pending      ? SWEEP_EVERY_US
						    : idle ? IDLE_NEXT_US
							   : IDLE_US);
	struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };

	while (w->queue.length == 0 && w->bulk.length == 0 && !w->stop)
		if (pthread_cond_timedwait(&w->cond, &w->lock, &until) != 0)
			return false;
	return true;
}

static void stop_server(struct writer *w)
{
	if (w->server->fatal)
		w->server->fatal(w->server, 74);
	else
		_exit(74);
}

static void *writer_run(void *arg)
{
	struct writer *w = arg;
	bool fatal_called = false, calls = true;

	pthread_setname_np(pthread_self(), "writer");
	pthread_mutex_lock(&w->lock);
	while (!w->stop || w->queue.length > 0 || w->bulk.length > 0) {
		calls = wait_for_calls(w, !calls);
		take_batch(w);
		pthread_mutex_unlock(&w->lock);
		if (w->batch->len > 0)
			work(w);
		for (int slice = 0; slice < (atomic_load(&w->waiting) ? 1 : MERGE_SLICES); slice++)
			if (housekeeping_due(w, slice > 0 ? MERGE_BEHIND : calls ? MERGE_ROWS : 1))
				housekeeping(w);
		if (atomic_load(&w->broken) && !fatal_called) {
			fatal_called = true;
			stop_server(w);
		}
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* From outside. */

struct writer *writer_new(struct server *server, size_t queue_max)
{
	struct writer *w = g_new0(struct writer, 1);
	pthread_condattr_t monotonic;

	w->server = server;
	w->queue_max = queue_max;
	w->sweep_us = monotonic_us() + SWEEP_EVERY_US;
	atomic_store(&w->shared_us, -SHARED_US);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	g_queue_init(&w->queue);
	g_queue_init(&w->bulk);
	w->batch = g_ptr_array_new();
	w->woken = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	if (pthread_create(&w->thread, NULL, writer_run, w) != 0)
		g_error("cannot start the writer's thread");
	return w;
}

/* Whether bulk work of the same session is not done yet: its calls take effect in their order. */
static bool follows_bulk(const struct writer *w, const struct item *i)
{
	const struct caller *caller = i->call->caller;

	for (const GList *at = w->bulk.head; caller && at; at = at->next) {
		const struct item *other = at->data;
		if (other->call->author.session == i->call->author.session)
			return true;
	}
	return false;
}

static void enqueue(struct writer *w, struct item *i)
{
	if (is_bulk(i) || follows_bulk(w, i)) {
		g_queue_push_tail(&w->bulk, i);
		return;
	}
	g_queue_push_tail(&w->queue, i);
	atomic_store(&w->shared_us, monotonic_us());
	atomic_store(&w->waiting, true);
}

static bool submit(struct writer *w, struct call *c, op_fn *fn, call_done *done, void *arg)
{
	struct item *i;

	if (atomic_load(&w->broken) || atomic_load(&w->queued) >= w->queue_max)
		return false;
	box_of(c)->done = done;
	box_of(c)->arg = arg;
	i = g_new0(struct item, 1);
	i->call = c;
	i->fn = fn;
	pthread_mutex_lock(&w->lock);
	if (w->stop) {
		pthread_mutex_unlock(&w->lock);
		g_free(i);
		return false;
	}
	atomic_fetch_add(&w->queued, 1);
	enqueue(w, i);
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	return true;
}

bool writer_submit(struct writer *w, struct call *c, call_done *done, void *arg)
{
	return submit(w, c, dispatch_write, done, arg);
}

bool writer_submit_own(struct writer *w, op_fn *fn, void *prepared, call_done *done, void *arg)
{
	struct arena *arena = arena_new(REQUEST_CEILING);
	struct call *c = call_new(w->server, arena, NULL);

	if (!c) {
		arena_free(&arena);
		return false;
	}
	c->prepared = prepared;
	if (submit(w, c, fn, done, arg))
		return true;
	call_free(&c);
	return false;
}

size_t writer_queue(const struct writer *w)
{
	return atomic_load(&w->queued);
}

void writer_free(struct writer **wp)
{
	struct writer *w = *wp;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	g_ptr_array_free(w->batch, TRUE);
	g_array_free(w->woken, TRUE);
	buf_free(&w->sweep_at);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->cond);
	g_free(w);
	*wp = NULL;
}
