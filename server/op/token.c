/* Page tokens: nonce, then the token sealed under a key of the store, bound to user and question. */
#include "server/op/target.h"
#include "server/server.h"
#include <sodium.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define TOKEN_MAX (16u * 1024) /* that of a history carries a state: history.c */
#define KEY crypto_aead_xchacha20poly1305_ietf_KEYBYTES

static void token_key(const struct call *c, uint8_t key[KEY])
{
	store_hash(c->server->store, "page key", bytes_str("1"), key);
	store_hash(c->server->store, "page key", bytes_str("2"), key + 16);
}

/* The token that "X_begin" gives is for the first page of X. */
static struct bytes paged_op(const struct call *c)
{
	static const char begin[] = "_begin";
	struct bytes op = pb_bytes(c->request->op);
	size_t len = sizeof(begin) - 1;

	if (op.len > len && !memcmp(op.data + op.len - len, begin, len))
		op.len -= len;
	return op;
}

/* What the token is bound to: one piece after the other, each with its length. */
static void token_bound(const struct call *c, struct bytes question, struct buf *out)
{
	const struct bytes pieces[] = { paged_op(c), pb_bytes(c->request->entity),
		pb_bytes(c->request->filter), pb_bytes(c->request->sort), question };

	buf_add_u64(out, c->caller->user);
	buf_add_u8(out, c->request->trash);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		buf_add_u32(out, (uint32_t)pieces[i].len);
		buf_add_bytes(out, pieces[i]);
	}
}

enum status token_seal(struct call *c, struct bytes question, struct bytes token, struct error *e)
{
	uint8_t key[KEY];
	uint8_t *sealed = arena_alloc(c->arena, NONCE + token.len + TAG);
	struct buf bound = BUF_INIT;
	unsigned long long len;

	if (!sealed)
		return error_set(e, STATUS_INVALID, "reply too large");
	token_key(c, key);
	token_bound(c, question, &bound);
	randombytes_buf(sealed, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, &len, token.data, token.len,
		bound.data, bound.len, NULL, sealed, key);
	sodium_memzero(key, sizeof(key));
	buf_free(&bound);
	c->reply->has_next = true;
	c->reply->next = pb_from(bytes_of(sealed, NONCE + (size_t)len));
	return STATUS_OK;
}

enum status token_open(struct call *c, struct bytes question, struct buf *token, struct error *e)
{
	struct bytes sealed = pb_bytes(c->request->page);
	uint8_t key[KEY];
	struct buf bound = BUF_INIT;
	unsigned long long len = 0;
	int failed = -1;

	if (!sealed.len)
		return STATUS_OK;
	token_key(c, key);
	token_bound(c, question, &bound);
	if (sealed.len >= NONCE + TAG && sealed.len < TOKEN_MAX) {
		buf_reserve(token, sealed.len);
		failed = crypto_aead_xchacha20poly1305_ietf_decrypt(token->data, &len, NULL,
			sealed.data + NONCE, sealed.len - NONCE, bound.data, bound.len, sealed.data,
			key);
	}
	token->len = (size_t)len;
	sodium_memzero(key, sizeof(key));
	buf_free(&bound);
	return failed ? error_set(e, STATUS_USAGE, "page token does not belong to this list")
		      : STATUS_OK;
}
