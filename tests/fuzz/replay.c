/* Gives every file of a folder to a fuzz target, each also cut short at every eighth: what the fuzzer found stays fixed. */
#include "common/buf.h"
#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes read_file(const char *folder, const char *name)
{
	struct buf path = BUF_INIT, content = BUF_INIT;
	FILE *f;
	size_t n;

	buf_printf(&path, "%s/%s", folder, name);
	f = fopen(buf_str(&path), "rb");
	if (!f) {
		perror(buf_str(&path));
		exit(1);
	}
	do {
		buf_reserve(&content, 4096);
		n = fread(content.data + content.len, 1, 4096, f);
		content.len += n;
	} while (n > 0);
	fclose(f);
	buf_free(&path);
	return buf_bytes(&content);
}

/* In memory of exactly that size, so that a sanitizer sees a byte too far. */
static void give(struct bytes content, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		exit(1);
	memcpy(copy, content.data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int n = 0;

	if (!folder) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(folder))) {
		struct bytes content;

		if (entry->d_name[0] == '.')
			continue;
		content = read_file(argv[1], entry->d_name);
		for (size_t eighths = 0; eighths <= 8; eighths++)
			give(content, content.len * eighths / 8);
		free((void *)content.data);
		n++;
	}
	closedir(folder);
	printf("%s - %s: %d inputs\n", n ? "ok" : "not ok", argv[1], n);
	return n == 0;
}
