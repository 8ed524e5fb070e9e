#include "common/clock.h"
#include "common/date.h"
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file changed so short ago may change again without a new time stamp. */
#define STAMP_GRAIN_MS 50

struct clock {
	char *path;
	pthread_mutex_t lock; /* not GLib's: the thread sanitizer sees through this one */
	struct stat last;     /* of the file when it was read */
	bool set;
	int64_t ms;
};

int64_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static int64_t to_ms(struct timespec t)
{
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

int64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return to_ms(t);
}

struct clock *clock_new(const char *path)
{
	struct clock *c = g_new0(struct clock, 1);

	c->path = g_strdup(path);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void clock_free(struct clock **c)
{
	if (!c || !*c)
		return;
	pthread_mutex_destroy(&(*c)->lock);
	g_free((*c)->path);
	g_free(*c);
	*c = NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       to_ms(a->st_mtim) == to_ms(b->st_mtim) && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A file that is just being written holds no instant yet: then the time before stands. */
static void read_file(struct clock *c)
{
	char text[64];
	struct bytes in;
	ssize_t n;
	int fd = open(c->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0)
		return;
	for (in = bytes_of(text, (size_t)n); in.len && in.data[in.len - 1] <= ' '; in.len--)
		;
	if (instant_parse(in, NULL, &c->ms))
		c->set = true;
}

static void refresh(struct clock *c)
{
	struct stat now;

	if (stat(c->path, &now) < 0) {
		c->set = false;
		c->last = (struct stat){ 0 };
		return;
	}
	if (same_file(&now, &c->last) && real_ms() - to_ms(now.st_mtim) > STAMP_GRAIN_MS)
		return;
	c->last = now;
	read_file(c);
}

int64_t clock_now(struct clock *c)
{
	int64_t ms;

	if (!c->path)
		return real_ms();
	pthread_mutex_lock(&c->lock);
	refresh(c);
	ms = c->set ? c->ms : real_ms();
	pthread_mutex_unlock(&c->lock);
	return ms;
}

const char *clock_path(const struct clock *c)
{
	return c->path;
}
