/*
 * Sealing of values: XChaCha20-Poly1305 with the space, the key and the format as associated data, so that a value that was damaged,
 * or moved to another key, does not open. Sealed form: nonce[24] | ciphertext | tag[16]. Empty values stay empty.
 */
#ifndef SERVER_STORE_SEAL_H
#define SERVER_STORE_SEAL_H

#include "common/buf.h"

#define SEAL_NONCE 24
#define SEAL_OVERHEAD (SEAL_NONCE + 16)
#define SEAL_FORMAT 1

struct sealer;

/* master: 32 bytes. The keys live in locked memory. */
struct sealer *sealer_new(const uint8_t master[32]);
void sealer_free(struct sealer **s);

/*
 * nonce is counted up with every value: it must start from fresh random bytes for each transaction. out is replaced.
 */
void seal_value(const struct sealer *s, uint8_t nonce[SEAL_NONCE], unsigned space, struct bytes key,
	struct bytes value, struct buf *out);
void seal_nonce(uint8_t nonce[SEAL_NONCE]); /* fresh random bytes */
/* out is replaced. false: damaged, or of another key or space. */
bool unseal_value(const struct sealer *s, unsigned space, struct bytes key, struct bytes sealed,
	struct buf *out);
/* Keyed hash; purpose keeps uses apart. */
void seal_hash(const struct sealer *s, const char *purpose, struct bytes in, uint8_t out[16]);

#endif
