/* Money, exactly: whole fen, one rounding at the end, half away from zero. */
#ifndef SERVER_MODEL_AMOUNT_H
#define SERVER_MODEL_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* fen x factor (ten-thousandths). False when the result has no room; *out is then unchanged. */
bool amount_times(int64_t fen, int64_t factor, int64_t *out);
/* price (fen) x quantity x discount (both ten-thousandths), rounded once. False likewise. */
bool amount_of_line(int64_t price, int64_t quantity, int64_t discount, int64_t *out);
/* The sum; the greatest or the least number where it has no room. */
int64_t amount_add(int64_t a, int64_t b);

#endif
