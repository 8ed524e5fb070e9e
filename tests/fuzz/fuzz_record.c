/* Records in wire form from outside: walked, sorted, merged, and each value checked, printed and keyed by every type. */
#include "common/record.h"
#include "common/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_value(const struct wire_field *w)
{
	for (size_t t = 0; t < T_COUNT; t++) {
		struct field f = { .tag = (uint16_t)w->tag,
			.name = "f",
			.type = (enum field_type)t,
			.refers_to = "x" };
		struct buf text = BUF_INIT, again = BUF_INIT;
		uint8_t key[KEY_MAX];

		if (type_wire_valid(&f, w)) {
			type_format(&f, w, FORM_CODE, NULL, &text);
			type_format(&f, w, FORM_DISPLAY, NULL, &text);
			if (type_key(&f, w, key) > KEY_MAX || type_compare(&f, w, w) != 0)
				abort();
		}
		if (w->wire == WIRE_BYTES)
			type_parse(&f, w->bytes, NULL, &again, NULL);
		buf_free(&text);
		buf_free(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), rest = in;
	struct buf sorted = BUF_INIT, merged = BUF_INIT;
	struct wire_field w;

	while (record_next(&rest, &w, NULL))
		use_value(&w);
	record_sort(in, &sorted);
	if (!record_well_formed(buf_bytes(&sorted)))
		abort();
	record_merge(buf_bytes(&sorted), buf_bytes(&sorted), NULL, 0, &merged);
	if (!bytes_equal(buf_bytes(&sorted), buf_bytes(&merged)))
		abort();
	buf_free(&sorted);
	buf_free(&merged);
	return 0;
}
