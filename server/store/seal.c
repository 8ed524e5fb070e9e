#include "server/store/seal.h"

#include <sodium.h>

#define LONGEST_KEY 511

struct sealer {
	uint8_t seal[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	uint8_t hash[crypto_generichash_KEYBYTES];
};

static const char kdf_context[crypto_kdf_CONTEXTBYTES] = "guanxist";

struct sealer *sealer_new(const uint8_t master[32])
{
	if (sodium_init() < 0)
		return NULL;
	struct sealer *s = sodium_malloc(sizeof(*s));
	if (!s)
		return NULL;
	crypto_kdf_derive_from_key(s->seal, sizeof(s->seal), 1, kdf_context, master);
	crypto_kdf_derive_from_key(s->hash, sizeof(s->hash), 2, kdf_context, master);
	return s;
}

void sealer_free(struct sealer **s)
{
	if (!s || !*s)
		return;
	sodium_free(*s);
	*s = NULL;
}

void seal_nonce(uint8_t nonce[SEAL_NONCE])
{
	randombytes_buf(nonce, SEAL_NONCE);
}

static size_t associated(uint8_t ad[2 + LONGEST_KEY], unsigned space, struct bytes key)
{
	size_t len = key.len < LONGEST_KEY ? key.len : LONGEST_KEY;

	ad[0] = SEAL_FORMAT;
	ad[1] = (uint8_t)space;
	if (len)
		memcpy(ad + 2, key.data, len);
	return 2 + len;
}

void seal_value(const struct sealer *s, uint8_t nonce[SEAL_NONCE], unsigned space, struct bytes key,
	struct bytes value, struct buf *out)
{
	uint8_t ad[2 + LONGEST_KEY];
	unsigned long long len;

	buf_clear(out);
	if (!value.len)
		return;
	size_t nad = associated(ad, space, key);
	buf_reserve(out, value.len + SEAL_OVERHEAD);
	sodium_increment(nonce, SEAL_NONCE);
	memcpy(out->data, nonce, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out->data + SEAL_NONCE, &len, value.data, value.len, ad, nad, NULL, nonce, s->seal);
	out->len = SEAL_NONCE + (size_t)len;
}

bool unseal_value(const struct sealer *s, unsigned space, struct bytes key, struct bytes sealed,
	struct buf *out)
{
	uint8_t ad[2 + LONGEST_KEY];
	unsigned long long len;

	buf_clear(out);
	if (!sealed.len)
		return true;
	if (sealed.len <= SEAL_OVERHEAD)
		return false;
	size_t nad = associated(ad, space, key);
	buf_reserve(out, sealed.len - SEAL_OVERHEAD);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out->data, &len, NULL,
		    sealed.data + SEAL_NONCE, sealed.len - SEAL_NONCE, ad, nad, sealed.data,
		    s->seal) != 0)
		return false;
	out->len = (size_t)len;
	return true;
}

void seal_hash(const struct sealer *s, const char *purpose, struct bytes in, uint8_t out[16])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, s->hash, sizeof(s->hash), 16);
	crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
	crypto_generichash_update(&state, in.data, in.len);
	crypto_generichash_final(&state, out, 16);
}
