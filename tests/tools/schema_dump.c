/* Prints "entity tag type name" for every field of the built-in tables: what tests/lint/schema.lock keeps. */
#include "common/type.h"
#include "server/model/model.h"

int main(void)
{
	struct schema *schema;
	struct error e;

	error_init(&e);
	if (model_schema(&schema, &e)) {
		fprintf(stderr, "schema_dump: %s\n", e.message);
		return 1;
	}
	for (size_t i = 0; i < schema_count(schema); i++) {
		const struct entity *en = schema_at(schema, i);
		for (size_t k = 0; k < en->nfields; k++)
			printf("%s %u %s %s\n", en->name, (unsigned)en->fields[k].tag,
				type_name(en->fields[k].type), en->fields[k].name);
	}
	schema_free(&schema);
	return 0;
}
