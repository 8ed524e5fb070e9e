#include "common/text.h"
#include "server/call/auth.h"
#include <glib.h>
#include <sodium.h>

#define HASH_OPS 2
#define HASH_MEMORY (19u << 20)
#define PASSWORD_MAX_BYTES 1024
#define UNIT_MAX 4 /* longest piece whose repetition makes a poor password */

_Static_assert(crypto_pwhash_STRBYTES == 128, "the callers hold 128 bytes");

/* A hash with the parameters above that nobody has the password of: verifying against it takes the usual time. */
static const char no_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$X/RqPuwsEVCB+q9j80tcqA"
			      "$LBxcBMSdw00SLhOp9THindx141Rc4JL/Ug1IfQU547s";

/* What people choose first. A password that is one of these with digits and signs around it is common. */
static const char *const common_words[] = { "password", "passwort", "passw0rd", "p@ssword",
	"p@ssw0rd", "pass", "password password", "admin", "administrator", "adminadmin", "root",
	"user", "guest", "test", "testtest", "demo", "default", "changeme", "change me", "letmein",
	"let me in", "welcome", "welcometo", "secret", "secretsecret", "topsecret", "qwerty",
	"qwertyuiop", "qwertyuiopasdf", "qwertyuiopasdfghjkl", "qwertyqwerty", "asdfghjkl",
	"asdfghjklasdf", "zxcvbnm", "qazwsxedc", "qazwsxedcrfv", "qazwsx", "iloveyou",
	"iloveyouforever", "woaini", "woainiwoaini", "woainimama", "wodemima", "mima", "nihao",
	"nihaonihao", "guanxi", "guanxiguanxi", "guanxid", "company", "customer", "customers",
	"sales", "salesman", "office", "monkey", "dragon", "football", "baseball", "basketball",
	"sunshine", "princess", "superman", "batman", "starwars", "trustno", "trustnoone", "master",
	"mastermaster", "shadow", "michael", "jennifer", "computer", "internet", "samsung",
	"microsoft", "google", "facebook", "whatever", "freedom", "liverpool", "manchester",
	"chelsea", "arsenal", "barcelona", "hello", "helloworld", "hello world", "hellohello",
	"login", "loginlogin", "access", "system", "server", "database", "summer", "winter",
	"spring", "autumn", "january", "december", "monday", "friday", "beijing", "shanghai",
	"hangzhou", "chengdu", "shenzhen", "guangzhou", "zhongguo", "china", "alibaba", "taobao",
	"tencent", "weixin", "wechat", "correcthorsebatterystaple",
	"correct horse battery staple" };

/* The form that is hashed: NFKC, so that the same keys on another machine give the same bytes. free() it. */
static char *password_normal(struct bytes password)
{
	char *text = bytes_dup(password);
	char *normal = strlen(text) == password.len && g_utf8_validate(text, -1, NULL)
			       ? g_utf8_normalize(text, -1, G_NORMALIZE_ALL_COMPOSE)
			       : NULL;
	if (!normal)
		return text;
	sodium_memzero(text, password.len);
	free(text);
	return normal;
}

enum status password_hash(struct bytes password, char out[128], struct error *e)
{
	if (sodium_init() < 0)
		return error_set(e, STATUS_INTERNAL, "cannot start the cipher library");
	char *normal = password_normal(password);
	size_t len = strlen(normal);
	int failed = crypto_pwhash_str_alg(
		out, normal, len, HASH_OPS, HASH_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
	sodium_memzero(normal, len);
	free(normal);
	if (failed)
		return error_set(e, STATUS_INTERNAL, "cannot hash a password: out of memory");
	return STATUS_OK;
}

bool password_verify(const char *hash, struct bytes password)
{
	char *normal;
	size_t len;
	bool right;

	if (sodium_init() < 0)
		return false;
	normal = password_normal(password);
	len = strlen(normal);
	right = crypto_pwhash_str_verify(hash ? hash : no_hash, normal, len) == 0;
	sodium_memzero(normal, len);
	free(normal);
	return right && hash;
}

/* A piece of at most UNIT_MAX bytes over and over, or characters that follow each other: 121212121212, abcdefghijkl. */
static bool is_pattern(struct bytes p)
{
	size_t steps[3] = { 0 };

	for (size_t unit = 1; unit <= UNIT_MAX && unit < p.len; unit++)
		if (!memcmp(p.data, p.data + unit, p.len - unit))
			return true;
	for (size_t i = 1; i < p.len; i++) {
		int step = p.data[i] - p.data[i - 1];
		bool wraps = (p.data[i - 1] == '9' && p.data[i] == '0') ||
			     (p.data[i - 1] == '0' && p.data[i] == '9');
		steps[0] += step == 1 || wraps;
		steps[1] += step == -1 || wraps;
	}
	return steps[0] + 1 >= p.len || steps[1] + 1 >= p.len;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || c >= 0x80;
}

static struct bytes letters_of(struct bytes p)
{
	while (p.len && !is_letter(p.data[0]))
		p = bytes_of(p.data + 1, p.len - 1);
	while (p.len && !is_letter(p.data[p.len - 1]))
		p.len--;
	return p;
}

static bool is_common(struct bytes folded)
{
	struct bytes core = letters_of(folded);

	if (is_pattern(folded) || core.len < 3)
		return true;
	for (size_t i = 0; i < sizeof(common_words) / sizeof(common_words[0]); i++)
		if (bytes_equal_str(core, common_words[i]) ||
			bytes_equal_str(folded, common_words[i]))
			return true;
	return false;
}

/* Only the user name, perhaps twice, with digits and signs around it. */
static bool is_user_name(struct bytes folded, const char *username)
{
	struct buf name = BUF_INIT;
	struct bytes core = letters_of(folded);
	bool same = false;

	if (!username || !*username)
		return false;
	text_fold(&name, bytes_str(username));
	for (struct bytes rest = core; name.len && bytes_starts(rest, buf_bytes(&name)) && !same;) {
		rest = bytes_of(rest.data + name.len, rest.len - name.len);
		same = !rest.len;
	}
	same = same || bytes_equal(folded, buf_bytes(&name));
	buf_free(&name);
	return same;
}

enum status password_acceptable(
	struct bytes password, const char *username, size_t shortest, struct error *e)
{
	struct buf folded = BUF_INIT;
	char why[96];
	enum status s = STATUS_OK;

	if (password.len > PASSWORD_MAX_BYTES)
		return error_field(e, "password", "is longer than %d bytes", PASSWORD_MAX_BYTES);
	if (!text_valid(password, TEXT_LINE, PASSWORD_MAX_BYTES, why))
		return error_field(e, "password", "%s", why);
	if (text_length(password) < shortest)
		return error_field(e, "password", "is shorter than %zu characters", shortest);
	text_fold(&folded, password);
	if (is_user_name(buf_bytes(&folded), username))
		s = error_field(e, "password", "is the user name");
	else if (is_common(buf_bytes(&folded)))
		s = error_field(e, "password", "is too common");
	buf_free(&folded);
	return s;
}
