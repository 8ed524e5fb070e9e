/* import: csv in any of the usual encodings, JSON lines, or vCards */
#include "client/commands.h"
#include "client/import_form.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first is meant when nothing says otherwise. */
static const struct form {
	const char *name;
	const char *endings[3];
	enum status (*run)(const struct import_file *file, struct error *e);
} forms[] = {
	{ "csv", { "csv", "tsv", "txt" }, import_csv },
	{ "jsonl", { "jsonl", "ndjson", "json" }, import_json },
	{ "vcf", { "vcf", "vcard" }, import_vcard },
};
#define NFORMS (sizeof forms / sizeof *forms)

static const struct form *form_of_name(const char *path)
{
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end && i < NFORMS; i++)
		for (size_t k = 0; k < 3 && forms[i].endings[k]; k++)
			if (!strcasecmp(end + 1, forms[i].endings[k]))
				return &forms[i];
	return &forms[0];
}

static enum status find_form(const struct app *app, const struct form **out, struct error *e)
{
	const char *asked = app->opt.format;

	*out = asked ? NULL : form_of_name(app->args[0]);
	for (size_t i = 0; asked && i < NFORMS; i++)
		if (!strcmp(forms[i].name, asked))
			*out = &forms[i];
	if (!*out)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' cannot be imported; use csv, jsonl or vcf"), asked);
	if (*out != &forms[0] && (app->opt.separator || app->opt.quote || app->opt.null))
		return error_set(e, STATUS_USAGE, "%s",
			app_tr(app, "--separator, --quote and --null are of csv files only"));
	return STATUS_OK;
}

/* The rejects would overwrite what is being read. */
static enum status check_rejects(const struct app *app, const struct stat *file, struct error *e)
{
	struct stat rejects;

	if (app->opt.rejects && !stat(app->opt.rejects, &rejects) &&
		rejects.st_ino == file->st_ino && rejects.st_dev == file->st_dev)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' is the file to import; name another one for --rejects"),
			app->opt.rejects);
	return STATUS_OK;
}

static enum status take_encoding(const struct app *app, struct import_file *file, struct error *e)
{
	if (app->opt.encoding && !encoding_from_name(app->opt.encoding, &file->encoding))
		return error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' is no encoding; use auto, utf-8, utf-16 or gb18030"),
			app->opt.encoding);
	return STATUS_OK;
}

enum status run_import(struct app *app, struct error *e)
{
	const struct form *form;
	struct stat about = { 0 };
	enum status st = app_need_args(app, 1, 1, e);

	if (!st)
		st = find_form(app, &form, e);
	if (st)
		return st;
	const char *path = app->args[0], *name = strrchr(path, '/');
	struct import_file file = { .app = app, .source = name ? name + 1 : path };

	file.fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (file.fd < 0)
		return error_set(e, STATUS_USAGE, "cannot open '%s': %s", path, strerror(errno));
	if (!fstat(file.fd, &about) && S_ISREG(about.st_mode))
		file.size = (uint64_t)about.st_size;
	st = check_rejects(app, &about, e);
	if (!st)
		st = take_encoding(app, &file, e);
	if (!st)
		st = form->run(&file, e);
	if (file.fd != STDIN_FILENO)
		close(file.fd);
	return st;
}

const struct command cmd_import = {
	.noun = ANY_ENTITY,
	.name = "import",
	.usage = "FILE|-",
	.options = IMPORT_OPTIONS,
	.help = "add or update records from a CSV, JSON lines or vCard file",
	.run = run_import,
};
