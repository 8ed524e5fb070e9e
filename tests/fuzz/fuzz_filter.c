/* Filters from outside: any bytes parse or are refused, and the tree is one that walks end in. */
#include "common/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct filter f;
	struct error e;

	error_init(&e);
	if (filter_parse(bytes_of(data, size), arena, &f, &e) == 0) {
		if (f.root >= (int)f.n)
			abort();
		for (size_t i = 0; i < f.n; i++) {
			const struct filter_node *n = &f.nodes[i];
			if (n->left >= (int)i || n->right >= (int)i || n->npath > 3)
				abort();
		}
	} else if (e.message[0] == '\0') {
		abort();
	}
	error_clear(&e);
	arena_free(&arena);
	return 0;
}
