#include "common/date.h"
#include <glib.h>
#include <pthread.h>

#define SECONDS_PER_DAY 86400ll
#define ZONES_MAX 2048
/* No zone was ever further from UTC than this. */
#define WIDEST_OFFSET (16 * 3600ll)

struct zone {
	char *name;
	GTimeZone *tz;
};

/* Names look like Asia/Shanghai; offsets and paths are none. */
static bool name_well_formed(const char *name)
{
	return g_ascii_isalpha(name[0]) && strlen(name) < 64 && !strstr(name, "..") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
		       strlen(name);
}

static struct zone *zone_load(const char *name)
{
	GTimeZone *tz = g_time_zone_new_identifier(name);
	struct zone *zone;

	if (!tz)
		return NULL;
	zone = g_new(struct zone, 1);
	*zone = (struct zone){ g_strdup(name), tz };
	return zone;
}

const struct zone *zone_find(const char *name)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static GHashTable *zones; /* name -> struct zone, never removed */
	struct zone *zone;

	if (!name || !name_well_formed(name))
		return NULL;
	pthread_mutex_lock(&lock);
	if (!zones)
		zones = g_hash_table_new(g_str_hash, g_str_equal);
	zone = g_hash_table_lookup(zones, name);
	if (!zone && g_hash_table_size(zones) < ZONES_MAX) {
		zone = zone_load(name);
		if (zone)
			g_hash_table_insert(zones, zone->name, zone);
	}
	pthread_mutex_unlock(&lock);
	return zone;
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

/* Seconds east of UTC at an instant. */
static int64_t offset_at(const struct zone *zone, int64_t utc)
{
	gint interval = g_time_zone_find_interval(zone->tz, G_TIME_TYPE_UNIVERSAL, utc);

	return g_time_zone_get_offset(zone->tz, interval);
}

/* The first second of the new offset, between two instants with different ones. */
static int64_t change_between(const struct zone *zone, int64_t before, int64_t after)
{
	int64_t old = offset_at(zone, before);

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (offset_at(zone, middle) == old)
			before = middle;
		else
			after = middle;
	}
	return after;
}

int64_t zone_instant(const struct zone *zone, civil_date d, int minute_of_day)
{
	int64_t local = date_to_days(d) * SECONDS_PER_DAY + minute_of_day * 60ll;
	int64_t before = local - WIDEST_OFFSET, after = local + WIDEST_OFFSET;
	int64_t first = local - offset_at(zone, before);
	int64_t second = local - offset_at(zone, after);

	if (first + offset_at(zone, first) == local)
		return first * 1000;
	if (second + offset_at(zone, second) == local)
		return second * 1000;
	return change_between(zone, before, after) * 1000;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t local_seconds(const struct zone *zone, int64_t ms)
{
	int64_t utc = floor_div(ms, 1000);

	return utc + offset_at(zone, utc);
}

civil_date zone_date(const struct zone *zone, int64_t ms)
{
	int64_t days = floor_div(local_seconds(zone, ms), SECONDS_PER_DAY);

	return days < INT32_MIN || days > INT32_MAX ? 0 : date_from_days((int32_t)days);
}

int zone_minute(const struct zone *zone, int64_t ms)
{
	int64_t local = local_seconds(zone, ms);

	return (int)((local - floor_div(local, SECONDS_PER_DAY) * SECONDS_PER_DAY) / 60);
}

void zone_format(const struct zone *zone, int64_t ms, struct buf *out)
{
	date_format(zone_date(zone, ms), out);
	buf_add_u8(out, ' ');
	time_format(zone_minute(zone, ms), out);
}
