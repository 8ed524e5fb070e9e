/* What the server says of itself, and what needs a person. */
#include "server/op/health.h"
#include "common/clock.h"
#include "server/call/secret.h"
#include "server/call/writer.h"
#include "server/model/lookup.h"
#include "server/op/op.h"
#include "server/op/purge.h"
#include "server/remind/inbox.h"
#include "server/remind/mail.h"
#include "server/remind/plan.h"
#include "server/server.h"
#include <glib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define REMINDER_LATE_SECONDS 60
#define FULL_PERCENT 80u
#define CERTIFICATE_DAYS 30
#define BACKUP_HOURS 36
#define MAIL_TRIES 3
#define MAIL_MINUTES 30

static enum status number(struct call *c, const char *name, int64_t n, struct error *e)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%lld", (long long)n);
	enum status s = reply_value(c, name, buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

/* An instant; "never" for 0. */
static enum status instant(struct call *c, const char *name, int64_t ms, struct error *e)
{
	struct buf text = BUF_INIT;

	if (ms)
		instant_format(ms, &text);
	else
		buf_add_str(&text, "never");
	enum status s = reply_value(c, name, buf_bytes(&text), e);
	buf_free(&text);
	return s;
}

static int64_t folder_bytes(const char *path)
{
	GDir *d = g_dir_open(path, 0, NULL);
	int64_t sum = 0;
	const char *name;
	struct stat st;

	while (d && (name = g_dir_read_name(d))) {
		char *file = g_build_filename(path, name, NULL);
		if (stat(file, &st) == 0)
			sum += (int64_t)st.st_blocks * 512;
		g_free(file);
	}
	if (d)
		g_dir_close(d);
	return sum;
}

static int64_t file_time_ms(const char *dir, const char *name)
{
	char *path = g_build_filename(dir, name, NULL);
	struct stat st;
	int64_t ms = stat(path, &st) == 0 ? (int64_t)st.st_mtime * 1000 : 0;

	g_free(path);
	return ms;
}

/* What the store's bytes are for. */
static enum status health_bytes(struct call *c, enum status s, struct error *e)
{
	struct store_bytes b = store_bytes(c->server->store);
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = { { "record_bytes", b.records }, { "history_bytes", b.history },
		{ "index_bytes", b.indexes }, { "term_bytes", b.terms } };

	for (size_t i = 0; !s && i < sizeof(rows) / sizeof(rows[0]); i++)
		s = number(c, rows[i].name, (int64_t)rows[i].n, e);
	return s;
}

/* When the trash is emptied next, and what went the last time. */
static enum status health_trash(struct call *c, struct error *e)
{
	struct purge_state state;
	enum status s = purge_read(c->txn, &state, e);

	if (!s)
		s = instant(c, "trash_emptied_next", state.next_ms, e);
	return s ? s : number(c, "trash_purged", (int64_t)state.last, e);
}

static enum status health_store(struct call *c, struct error *e)
{
	const struct server *server = c->server;
	char *path = g_build_filename(server->dir, "store", NULL);
	enum status s = number(c, "last_change", (int64_t)store_last_seq(server->store), e);

	if (!s)
		s = number(c, "store_bytes", folder_bytes(path), e);
	s = health_bytes(c, s, e);
	if (!s)
		s = number(c, "write_queue",
			server->writer ? (int64_t)writer_queue(server->writer) : 0, e);
	if (!s)
		s = number(c, "pending_terms", (int64_t)store_pending_terms(server->store), e);
	if (!s)
		s = health_trash(c, e);
	if (!s)
		s = instant(c, "last_backup", file_time_ms(server->dir, "last-backup"), e);
	g_free(path);
	return s;
}

static enum status health_reminders(
	struct call *c, const struct remind_state *state, struct error *e)
{
	enum status s = instant(c, "reminder_last_fired", state->last_fired_ms, e);

	if (!s)
		s = number(c, "reminder_last_lag_ms", state->last_lag_ms, e);
	if (!s)
		s = instant(c, "reminder_next_due", state->next_due_ms, e);
	if (!s)
		s = number(c, "reminders_due_now", (int64_t)state->due_now, e);
	if (!s)
		s = number(c, "reminders_unacknowledged", (int64_t)state->unacknowledged, e);
	return s;
}

/* The reminders of one branch: an administrator reads of all, a manager of the own ones. */
struct branch_state {
	uint64_t id;
	uint64_t waiting;
	int64_t fired_ms, lag_ms, next_ms;
};

#define BRANCHES_MAX 512
#define DUE_SCAN 20000 /* rows; a branch whose next is behind them is not told when */

static bool branch_read(const struct call *c, uint64_t id)
{
	if (c->caller->admin || c->caller->scope.all)
		return true;
	for (size_t i = 0; i < c->caller->scope.nbranches; i++)
		if (c->caller->scope.branches[i] == id)
			return true;
	return false;
}

static struct branch_state *branch_of_user(
	struct call *c, struct branch_state *list, size_t n, uint64_t user)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_USER);
	uint64_t branch = model_number(en, lookup_fields(call_lookup(c), en, user), "branch");

	for (size_t i = 0; i < n; i++)
		if (list[i].id == branch)
			return &list[i];
	return NULL;
}

static size_t branches_read(struct call *c, struct branch_state *list, struct error *e)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_BRANCH);
	uint64_t end = 0;
	size_t n = 0;

	if (store_next_id(c->txn, en, &end, e))
		return 0;
	for (uint64_t id = 1; id < end && n < BRANCHES_MAX; id++)
		if (branch_read(c, id) && lookup_fields(call_lookup(c), en, id).len)
			list[n++] = (struct branch_state){ .id = id };
	return n;
}

static void branches_inboxes(struct call *c, struct branch_state *list, size_t n, struct error *e)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_USER);
	struct inbox_row row;
	uint64_t end = 0;

	if (store_next_id(c->txn, en, &end, e))
		return;
	for (uint64_t user = 1; user < end; user++) {
		struct branch_state *b = branch_of_user(c, list, n, user);
		if (!b)
			continue;
		b->waiting += inbox_count_of(c->txn, user);
		if (inbox_latest(c->txn, user, &row) && row.fired_ms > b->fired_ms) {
			b->fired_ms = row.fired_ms;
			b->lag_ms = row.fired_ms - row.due_ms;
		}
	}
}

static void branches_next(struct call *c, struct branch_state *list, size_t n)
{
	struct due_row rows[64], last;
	size_t open = n, got = 64;

	for (size_t seen = 0; open && seen < DUE_SCAN && got == 64; seen += got) {
		got = due_read(c->txn, INT64_MAX, seen ? &last : NULL, rows, 64);
		for (size_t i = 0; i < got; i++) {
			struct branch_state *b = branch_of_user(c, list, n, rows[i].user);
			if (b && !b->next_ms && due_reminds(&rows[i])) {
				b->next_ms = rows[i].instant;
				open--;
			}
		}
		if (got)
			last = rows[got - 1];
	}
}

static enum status branch_reply(struct call *c, const struct branch_state *b, struct error *e)
{
	const struct entity *en = schema_entity_by_number(c->schema, ENTITY_BRANCH);
	struct bytes code = model_text(en, lookup_fields(call_lookup(c), en, b->id), "code");
	char name[200];
	size_t stem = (size_t)g_snprintf(name, 150, "branch.%.*s.", (int)MIN(code.len, 100),
		code.len ? (const char *)code.data : "");
	enum status s;

	g_strlcpy(name + stem, "reminders_unacknowledged", 50);
	s = number(c, name, (int64_t)b->waiting, e);
	g_strlcpy(name + stem, "reminder_last_fired", 50);
	if (!s)
		s = instant(c, name, b->fired_ms, e);
	g_strlcpy(name + stem, "reminder_last_lag_ms", 50);
	if (!s)
		s = number(c, name, b->lag_ms, e);
	g_strlcpy(name + stem, "reminder_next_due", 50);
	return s ? s : instant(c, name, b->next_ms, e);
}

static enum status health_mail(struct call *c, const struct mail_state *m, struct error *e)
{
	enum status s = number(c, "mail_waiting", (int64_t)m->waiting, e);

	if (!s)
		s = number(c, "mail_refused", (int64_t)m->tried, e);
	if (!s && m->error[0])
		s = reply_value(c, "mail_error", bytes_str(m->error), e);
	return s ? s : instant(c, "mail_last_sent", m->last_sent_ms, e);
}

static enum status health_branches(struct call *c, struct error *e)
{
	struct branch_state *list = arena_calloc(c->arena, BRANCHES_MAX, sizeof *list);
	size_t n = list ? branches_read(c, list, e) : 0;
	enum status s = STATUS_OK;

	if (n) {
		branches_inboxes(c, list, n, e);
		branches_next(c, list, n);
	}
	for (size_t i = 0; i < n && !s; i++)
		s = branch_reply(c, &list[i], e);
	return s;
}

/* What needs a person: sentences, one behind the other. */

void health_alarm_reminders(int64_t now_ms, const struct remind_state *state, struct buf *out)
{
	int64_t late = (now_ms - state->next_due_ms) / 1000;

	if (state->next_due_ms && late > REMINDER_LATE_SECONDS)
		buf_printf(out, "reminders are %lld seconds late; ", (long long)late);
}

static void alarm_room(const struct server *server, struct buf *out)
{
	struct statvfs disk;
	uint64_t used, map;

	store_usage(server->store, &used, &map);
	if (map && used / (map / 100 + 1) >= FULL_PERCENT)
		buf_printf(out, "the map is %llu %% full: raise store.map_size; ",
			(unsigned long long)(used / (map / 100 + 1)));
	if (statvfs(server->dir, &disk) == 0 && disk.f_blocks) {
		/* as df counts: what is kept back is neither used nor free */
		uint64_t taken = (uint64_t)disk.f_blocks - (uint64_t)disk.f_bfree;
		uint64_t percent = 100 * taken / (taken + (uint64_t)disk.f_bavail + 1);
		if (percent >= FULL_PERCENT)
			buf_printf(out, "the disk is %llu %% full; ", (unsigned long long)percent);
	}
}

static void alarm_ages(const struct server *server, struct buf *out)
{
	int64_t backup = file_time_ms(server->dir, "last-backup");
	int64_t since = backup ? backup : server->started_ms;
	int64_t hours = (real_ms() - since) / (DAY_MS / 24);
	int64_t days = CERTIFICATE_DAYS + 1;

	if (server->authority)
		days = (authority_end_ms(server->authority) - real_ms()) / DAY_MS;
	if (days <= CERTIFICATE_DAYS)
		buf_printf(out, "the certificate ends in %lld days; ", (long long)days);
	if ((real_ms() - server->started_ms) / (DAY_MS / 24) > BACKUP_HOURS &&
		!file_time_ms(server->dir, KEY_EXPORTED_FILE))
		buf_add_str(out, "the master key was never exported: guanxid key export; ");
	if (hours > BACKUP_HOURS)
		buf_printf(out, "%s %lld hours ago; ",
			backup ? "the last backup was" : "no backup was made since the start",
			(long long)hours);
}

void health_alarm_standing(const struct server *server, struct buf *out)
{
	alarm_room(server, out);
	alarm_ages(server, out);
}

static void alarm_mail(struct call *c, const struct mail_state *m, struct buf *out)
{
	int64_t minutes = (c->now_ms - m->oldest_ms) / (60 * 1000);

	if (m->attempts >= MAIL_TRIES)
		buf_printf(out, "mail was refused %u times: %s; ", m->attempts, m->error);
	else if (m->waiting && !m->tried && minutes >= MAIL_MINUTES)
		buf_printf(out, "mail waits for %lld minutes: is guanxi-notify running; ",
			(long long)minutes);
}

/* Absent when all is well. */
static enum status health_alarms(struct call *c, const struct remind_state *state,
	const struct mail_state *mail, struct error *e)
{
	struct buf text = BUF_INIT;
	enum status s = STATUS_OK;

	health_alarm_reminders(c->now_ms, state, &text);
	health_alarm_standing(c->server, &text);
	alarm_mail(c, mail, &text);
	if (text.len)
		s = reply_value(c, "alarm", bytes_of(text.data, text.len - 2), e);
	buf_free(&text);
	return s;
}

static enum status health(struct call *c, struct error *e)
{
	const struct server *server = c->server;
	struct remind_state state = { 0 };
	struct mail_state mail = mail_state(c->txn);
	enum status s = reply_value(c, "version", bytes_str(VERSION), e);

	if (!s)
		s = instant(c, "now", c->now_ms, e);
	if (!s)
		s = reply_value(
			c, "clock", bytes_str(clock_path(server->clock) ? "test" : "real"), e);
	if (!s)
		s = number(c, "uptime_seconds", (real_ms() - server->started_ms) / 1000, e);
	if (!s && server->connections)
		s = number(c, "connections", (int64_t)server->connections(server->net), e);
	if (!s && server->authority)
		s = number(c, "certificate_days",
			(authority_end_ms(server->authority) - real_ms()) / DAY_MS, e);
	if (!s)
		s = health_store(c, e);
	if (!s)
		s = remind_state(c->txn, c->now_ms, &state, e);
	if (!s)
		s = health_reminders(c, &state, e);
	if (!s)
		s = health_branches(c, e);
	if (!s)
		s = health_mail(c, &mail, e);
	return s ? s : health_alarms(c, &state, &mail, e);
}

const struct op health_ops[] = {
	{ .name = "health", .kind = OP_SLOW, .run = health },
	{ 0 },
};
