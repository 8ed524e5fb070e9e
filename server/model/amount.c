#include "server/model/amount.h"

#define ONE 10000 /* of ten-thousandths */

static bool divide(__int128 exact, int64_t by, int64_t *out)
{
	__int128 half = by / 2, result;

	if (exact > ((__int128)INT64_MAX) * by || exact < -((__int128)INT64_MAX) * by)
		return false;
	result = (exact < 0 ? exact - half : exact + half) / by;
	*out = (int64_t)result;
	return true;
}

bool amount_times(int64_t fen, int64_t factor, int64_t *out)
{
	return divide((__int128)fen * factor, ONE, out);
}

bool amount_of_line(int64_t price, int64_t quantity, int64_t discount, int64_t *out)
{
	__int128 exact;

	if (__builtin_mul_overflow((__int128)price * quantity, (__int128)discount, &exact))
		return false;
	return divide(exact, (int64_t)ONE * ONE, out);
}

int64_t amount_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}
