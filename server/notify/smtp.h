/* One mail over SMTP. The only part of the product that knows libcurl. */
#ifndef NOTIFY_SMTP_H
#define NOTIFY_SMTP_H

#include "common/buf.h"

struct smtp {
	const char *url;             /* smtp://HOST:PORT or smtps://HOST:PORT */
	const char *tls;             /* "required", "try" or "none" */
	const char *user, *password; /* NULL: no login */
	const char *ca;              /* file of authorities to trust; NULL: the system's */
	long timeout_s;
};

/* False with the reason in why: the mail was not taken, or it is not known whether it was. */
bool smtp_send(const struct smtp *s, const char *from, const char *recipient, struct bytes letter,
	char why[256]);

#endif
