/*
 * The client's own messages in the user's language. Messages are written in English in
 * the code and looked up here; one without a translation stays English.
 */
#ifndef CLIENT_TR_H
#define CLIENT_TR_H

#include <stdbool.h>
#include <stddef.h>

struct translation {
	const char *en;
	const char *zh;
};

extern const struct translation translations[];
extern const size_t ntranslations;

const char *tr(bool chinese, const char *text) __attribute__((format_arg(2)));

/* What --lang, GUANXI_LANG, LC_ALL, LC_MESSAGES, LANG say, the first one that is set. option may be NULL. */
bool language_is_chinese(const char *option);

#endif
