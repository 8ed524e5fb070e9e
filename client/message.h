/*
 * What the server says, in Chinese. Its messages are English sentences with names and numbers in them; here stands a pattern
 * for each of the common ones. A sentence without a pattern stays English.
 */
#ifndef CLIENT_MESSAGE_H
#define CLIENT_MESSAGE_H

#include "common/buf.h"
#include "common/error.h"

/* Appends the Chinese of a sentence, or the sentence itself. */
void message_chinese(struct bytes text, struct buf *out);
/* The same for the message and all bad fields. */
void message_chinese_error(struct error *e);

#endif
