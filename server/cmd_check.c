#include "server/cmd_check.h"
#include "server/child.h"
#include "server/cmd.h"
#include "server/console.h"
#include "server/home.h"
#include "server/model/model.h"
#include "server/remind/cadence.h"
#include "server/remind/remind.h"
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>

#define ROOM (1024u * 1024)

static void print_damage(void *arg, const char *damage)
{
	bool note = strncmp(damage, "note: ", 6) == 0;

	printf("%s%s\n", note ? "" : "damage: ", damage);
}

static void print_bytes(const struct store_bytes *b)
{
	printf("bytes: records %llu, history %llu, indexes %llu, terms %llu, rest %llu, file "
	       "%llu\n",
		(unsigned long long)b->records, (unsigned long long)b->history,
		(unsigned long long)b->indexes, (unsigned long long)b->terms,
		(unsigned long long)b->rest, (unsigned long long)b->file);
}

static int check_store(const void *arg)
{
	const struct home_options *o = arg;
	struct check_counts n = { 0 };
	struct home home;
	struct txn *t = NULL;
	struct error e;
	size_t bad;

	error_init(&e);
	if (home_open(o, &home, &e) || txn_begin(home.store, false, &t, &e)) {
		cmd_failed(&e);
		return 1;
	}
	bad = store_check(t, print_damage, NULL, &n);
	bad += model_check_computed(t, print_damage, NULL);
	bad += remind_check(t, print_damage, NULL);
	bad += cadence_check(t, print_damage, NULL);
	txn_abort(&t);
	struct store_bytes bytes = store_bytes(home.store);
	home_close(&home);
	print_bytes(&bytes);
	printf("%s: %zu damages; %llu records, %llu index entries, %llu log entries, "
	       "%llu postings, %llu values, %llu files, %llu open uploads\n",
		bad ? "damaged" : "sound", bad, (unsigned long long)n.records,
		(unsigned long long)n.index_entries, (unsigned long long)n.log_entries,
		(unsigned long long)n.postings, (unsigned long long)n.values,
		(unsigned long long)n.files, (unsigned long long)n.uploads);
	return bad ? 1 : 0;
}

int home_check(const struct home_options *o)
{
	int code = child_run(check_store, o);

	if (code == 0 || code == 1)
		return code;
	puts("damage: the store cannot be read to its end");
	return 1;
}

enum status home_snapshot(const char *dir, const char *path, struct error *e)
{
	struct arena *arena = arena_new(ROOM);
	char *full = g_canonicalize_filename(path, NULL);
	const struct console_arg args[] = { { "path", full } };
	const Guanxi__Reply *reply;
	enum status s = console_call(dir, "system.backup", args, 1, arena, &reply, e);

	g_free(full);
	arena_free(&arena);
	return s;
}

/* A copy that the running server makes, checked here. */
static int check_live(const char *dir)
{
	char *folder = home_path(dir, "check");
	char *file = home_path(folder, HOME_STORE_FILE);
	struct home_options o = { .dir = dir, .store = folder, .read_only = true };
	struct error e;
	int code = 0, fd = -1;

	error_init(&e);
	store_remove(folder);
	if (mkdir(folder, 0700) == 0)
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		error_reason(
			&e, STATUS_INTERNAL, "io", "cannot make \"%s\": %s", file, strerror(errno));
	else if (close(fd) == 0)
		home_snapshot(dir, file, &e);
	code = e.status ? cmd_failed(&e) : home_check(&o);
	store_remove(folder);
	g_free(folder);
	g_free(file);
	return code;
}

static int run(const struct cmd_args *a)
{
	struct home_options o = { .dir = a->dir, .read_only = true };

	return home_busy(a->dir) ? check_live(a->dir) : home_check(&o);
}

const struct cmd cmd_check = {
	.name = "check",
	.usage = "-D DIR",
	.help = "verifies everything; 0 and a summary, or 1 and the list of damage",
	.options = "dir",
	.needs_dir = true,
	.run = run,
};
