#include "client/profile.h"
#include "client/files.h"
#include "common/frame.h"
#include "common/text.h"
#include <errno.h>
#include <unistd.h>

#define SETTINGS_MAX 65536
#define SCHEMA_MAX (4u << 20)

static void config_folder(struct buf *out)
{
	const char *own = getenv("GUANXI_CONFIG_DIR");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		buf_add_str(out, own);
	else if (xdg && *xdg)
		buf_printf(out, "%s/guanxi", xdg);
	else
		buf_printf(out, "%s/.config/guanxi", home && *home ? home : "/");
}

static bool name_is_good(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) <= 64;
}

void profile_set(char **member, const char *value)
{
	char *copy = value ? bytes_dup(bytes_str(value)) : NULL;

	free(*member);
	*member = copy;
}

static const char *path_of(const struct profile *p, const char *file, struct buf *path)
{
	buf_clear(path);
	buf_printf(path, "%s/%s", p->folder, file);
	return buf_str(path);
}

/* A file that is not there leaves out empty. */
static enum status read_part(
	const struct profile *p, const char *file, struct buf *out, struct error *e)
{
	struct buf path = BUF_INIT;

	path_of(p, file, &path);
	enum status st = access(buf_str(&path), F_OK)
				 ? STATUS_OK
				 : file_read(buf_str(&path), SETTINGS_MAX, out, e);
	buf_free(&path);
	return st;
}

static void take_setting(struct profile *p, char *line)
{
	size_t len = strcspn(line, " ");

	if (!line[len])
		return;
	line[len] = '\0';
	char *value = line + len + 1;
	if (!strcmp(line, "server"))
		profile_set(&p->server, value);
	else if (!strcmp(line, "user"))
		profile_set(&p->user, value);
	else if (!strcmp(line, "pin"))
		profile_set(&p->pin, value);
}

static void take_settings(struct profile *p, struct buf *text)
{
	char *all = bytes_dup(buf_bytes(text)), *rest = all;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		take_setting(p, line);
	free(all);
}

static void from_hex(struct bytes hex, struct buf *out)
{
	unsigned v;
	hex = text_trim(hex);
	for (size_t i = 0; i + 1 < hex.len; i += 2) {
		char two[3] = { (char)hex.data[i], (char)hex.data[i + 1], 0 };

		if (sscanf(two, "%2x", &v) != 1)
			break;
		buf_add_u8(out, (uint8_t)v);
	}
}

static enum status read_token(struct profile *p, struct error *e)
{
	const char *file = getenv("GUANXI_TOKEN_FILE");
	struct buf hex = BUF_INIT;
	enum status st;

	if (file && *file)
		st = file_read(file, SETTINGS_MAX, &hex, e);
	else
		st = read_part(p, "token", &hex, e);
	if (!st)
		from_hex(buf_bytes(&hex), &p->token);
	buf_free(&hex);
	return st;
}

enum status profile_load(const char *name, struct profile **out, struct error *e)
{
	struct buf folder = BUF_INIT, settings = BUF_INIT;
	struct profile *p = calloc(1, sizeof *p);

	*out = p;
	if (!name)
		name = getenv("GUANXI_PROFILE");
	if (!name || !*name)
		name = "default";
	if (!name_is_good(name))
		return error_set(e, STATUS_USAGE, "'%s' cannot name a profile", name);
	config_folder(&folder);
	buf_printf(&folder, "/profiles/%s", name);
	profile_set(&p->folder, buf_str(&folder));
	buf_free(&folder);
	enum status st = read_part(p, "settings", &settings, e);
	if (!st)
		take_settings(p, &settings);
	buf_free(&settings);
	if (!st)
		st = read_part(p, "key.pem", &p->key_pem, e);
	if (!st)
		st = read_part(p, "certificate.pem", &p->certificate_pem, e);
	return st ? st : read_token(p, e);
}

void profile_free(struct profile **pp)
{
	struct profile *p = *pp;

	if (!p)
		return;
	free(p->folder);
	free(p->server);
	free(p->user);
	free(p->pin);
	explicit_bzero(p->key_pem.data ? p->key_pem.data : (uint8_t *)p, p->key_pem.len);
	buf_free(&p->key_pem);
	buf_free(&p->certificate_pem);
	buf_free(&p->token);
	free(p);
	*pp = NULL;
}

static enum status write_part(
	const struct profile *p, const char *file, struct bytes content, struct error *e)
{
	struct buf path = BUF_INIT;
	enum status st = file_replace(path_of(p, file, &path), content, e);

	buf_free(&path);
	return st;
}

enum status profile_save(const struct profile *p, struct error *e)
{
	struct buf settings = BUF_INIT, hex = BUF_INIT;
	enum status st = folder_make(p->folder, e);

	if (p->server)
		buf_printf(&settings, "server %s\n", p->server);
	if (p->user)
		buf_printf(&settings, "user %s\n", p->user);
	if (p->pin)
		buf_printf(&settings, "pin %s\n", p->pin);
	for (size_t i = 0; i < p->token.len; i++)
		buf_printf(&hex, "%02x", p->token.data[i]);
	if (!st)
		st = write_part(p, "key.pem", buf_bytes(&p->key_pem), e);
	if (!st)
		st = write_part(p, "certificate.pem", buf_bytes(&p->certificate_pem), e);
	if (!st)
		st = write_part(p, "settings", buf_bytes(&settings), e);
	if (!st)
		st = write_part(p, "token", buf_bytes(&hex), e);
	buf_free(&settings);
	buf_free(&hex);
	return st;
}

enum status profile_forget_token(struct profile *p, struct error *e)
{
	struct buf path = BUF_INIT;
	enum status st = STATUS_OK;

	buf_clear(&p->token);
	if (unlink(path_of(p, "token", &path)) && errno != ENOENT)
		st = error_set(
			e, STATUS_USAGE, "cannot remove '%s': %s", buf_str(&path), strerror(errno));
	buf_free(&path);
	return st;
}

void profile_read_schema(const struct profile *p, struct buf *out)
{
	struct buf path = BUF_INIT;

	if (file_read(path_of(p, "schema", &path), SCHEMA_MAX, out, NULL))
		buf_clear(out);
	buf_free(&path);
}

enum status profile_write_schema(const struct profile *p, struct bytes message, struct error *e)
{
	enum status st = folder_make(p->folder, e);

	return st ? st : write_part(p, "schema", message, e);
}

enum status address_parse(const char *text, char host[256], char port[8], struct error *e)
{
	const char *h = text, *end, *colon;

	if (*text == '[') {
		h = text + 1;
		end = strchr(h, ']');
		colon = end && end[1] == ':' ? end + 1 : NULL;
		if (!end || (end[1] && !colon))
			return error_set(e, STATUS_USAGE, "'%s' is not an address", text);
	} else {
		colon = strrchr(text, ':');
		end = colon ? colon : text + strlen(text);
	}
	if (end == h || end - h > 255)
		return error_set(e, STATUS_USAGE, "'%s' is not an address", text);
	snprintf(host, 256, "%.*s", (int)(end - h), h);
	if (!colon)
		snprintf(port, 8, "%d", DEFAULT_PORT);
	else if (!colon[1] || strlen(colon + 1) > 5 || colon[1 + strspn(colon + 1, "0123456789")])
		return error_set(e, STATUS_USAGE, "'%s' has no port number", text);
	else
		snprintf(port, 8, "%s", colon + 1);
	return STATUS_OK;
}
