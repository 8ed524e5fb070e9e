/* Chinese characters that are written in two forms: the traditional and the simplified one. */
#ifndef COMMON_HAN_H
#define COMMON_HAN_H

#include "common/buf.h"

/* The simplified form of a character; others as they are. */
uint32_t han_simplified(uint32_t c);
/* Each character of the UTF-8 text in its simplified form, for comparison: what is stored stays as it was entered. */
void han_fold(struct buf *text);

#endif
