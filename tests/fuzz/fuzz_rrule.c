/* Recurrence rules from outside: any bytes parse or are refused with a sentence, and the search for a day always ends, at or after from. */
#include "common/rrule.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const civil_date days[] = { 19000101, 20240229, 20261122, 20770707, 21991231 };
	struct rrule r;
	char why[96] = "";

	if (!rrule_parse(bytes_of(data, size), &r, why)) {
		if (!why[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		civil_date next = rrule_next(&r, days[i / 2], days[i]);
		if (next && (next < days[i] || next > 21991231 || (r.until && next > r.until)))
			abort();
	}
	return 0;
}
