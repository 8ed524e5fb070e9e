#include "client/command.h"
#include "client/catalog.h"
#include "client/commands.h"
#include "common/text.h"

static bool same_noun(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return false;
	return !*a && !*b;
}

/* A row of that name for the noun: the entity's own before the one for all. */
static const struct command *row_of(const char *noun, const char *name)
{
	const struct command *general = NULL;

	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = commands[i];

		if (strcmp(c->name, name) || !c->noun != !noun)
			continue;
		if (!noun || same_noun(c->noun, noun))
			return c;
		if (!strcmp(c->noun, ANY_ENTITY))
			general = c;
	}
	return general;
}

size_t command_names(const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < ncommands && n < max; i++)
		if (!commands[i]->noun)
			names[n++] = commands[i]->name;
	return n;
}

static size_t verb_names(const char *noun, const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < ncommands && n < max; i++)
		if (commands[i]->noun && (!strcmp(commands[i]->noun, ANY_ENTITY) ||
						 same_noun(commands[i]->noun, noun)))
			names[n++] = commands[i]->name;
	return n;
}

static enum status unknown(
	struct app *app, const char *word, const char **names, size_t n, struct error *e)
{
	const char *near = text_nearest(word, names, n);

	if (near)
		return error_set(e, STATUS_USAGE,
			app_tr(app, "unknown command '%s'; did you mean '%s'?"), word, near);
	return error_set(e, STATUS_USAGE, app_tr(app, "unknown command '%s'"), word);
}

/* The nearest of the commands that stand alone and of the nouns. */
static enum status unknown_noun(struct app *app, const char *word, struct error *e)
{
	const struct schema *schema = catalog_schema(app);
	const char *names[128];
	size_t n = command_names(names, 64);

	for (size_t i = 0; schema && i < schema_count(schema) && n < 128; i++)
		names[n++] = schema_at(schema, i)->name;
	return unknown(app, word, names, n, e);
}

/* Two words of which the second is no verb: is the first a noun at all? */
static enum status unknown_verb(struct app *app, const char *verb, struct error *e)
{
	const struct schema *schema;
	const char *names[64];
	size_t n = command_names(names, 64);

	catalog_cached_hash(app);
	schema = catalog_schema(app);
	if (schema ? !schema_entity(schema, bytes_str(app->noun))
		   : text_nearest(app->noun, names, n) != NULL)
		return unknown_noun(app, app->noun, e);
	return unknown(app, verb, names, verb_names(app->noun, names, 64), e);
}

static enum status noun_alone(struct app *app, const char *word, struct error *e)
{
	const char *names[64];
	const struct schema *schema;
	size_t n = command_names(names, 64);

	catalog_cached_hash(app);
	schema = catalog_schema(app);
	if (schema ? schema_entity(schema, bytes_str(word)) != NULL : !text_nearest(word, names, n))
		return error_set(e, STATUS_USAGE,
			app_tr(app, "'%s' alone is no command; see 'guanxi --help'"), word);
	return unknown_noun(app, word, e);
}

enum status command_find(struct app *app, const struct command **out, struct error *e)
{
	const char **words = app->opt.words;
	size_t n = app->opt.nwords;

	*out = row_of(NULL, words[0]);
	if (*out) {
		app->noun = (*out)->stands_for;
		app->shortcut = app->noun != NULL;
		app->args = words + 1;
		app->nargs = n - 1;
	} else if (n < 2) {
		app->noun = words[0];
		return app->opt.help ? STATUS_OK : noun_alone(app, words[0], e);
	} else {
		app->noun = words[0];
		*out = row_of(words[0], words[1]);
		if (!*out)
			return unknown_verb(app, words[1], e);
		app->args = words + 2;
		app->nargs = n - 2;
	}
	app->verb = (*out)->name;
	return STATUS_OK;
}

static void add_usage(struct buf *out, const struct command *c)
{
	buf_printf(out, "guanxi %s%s%s%s%s", c->noun ? c->noun : "", c->noun ? " " : "", c->name,
		c->usage[0] ? " " : "", c->usage);
}

static void add_list(struct buf *out, bool chinese)
{
	for (size_t i = 0; i < ncommands; i++) {
		struct buf left = BUF_INIT;

		buf_add_str(&left, "  ");
		add_usage(&left, commands[i]);
		size_t width = text_width(buf_bytes(&left));
		buf_add_bytes(out, buf_bytes(&left));
		if (width > 50)
			buf_add_str(out, "\n");
		buf_printf(out, "%*s  ", width > 50 ? 50 : (int)(50 - width), "");
		buf_add_str(out, tr(chinese, commands[i]->help));
		buf_add_str(out, "\n");
		buf_free(&left);
	}
}

void command_help(struct buf *out, const struct command *command, bool chinese)
{
	if (command) {
		buf_add_str(out, tr(chinese, "usage: "));
		add_usage(out, command);
		buf_printf(out, "\n%s\n", tr(chinese, command->help));
		if (command->more)
			buf_printf(out, "\n%s\n", command->more);
		if (command->options && *command->options) {
			buf_printf(out, "\n%s\n", tr(chinese, "options:"));
			options_help(out, command->options, chinese);
		}
	} else {
		buf_printf(out, "%s\n",
			tr(chinese, "usage: guanxi [OPTION]... COMMAND [ARGUMENT]..."));
		buf_printf(out, "\n%s\n", tr(chinese, "commands:"));
		add_list(out, chinese);
	}
	buf_printf(out, "\n%s\n", tr(chinese, "options everywhere:"));
	options_help(out, NULL, chinese);
}
