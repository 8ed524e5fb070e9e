#include "server/notify/smtp.h"
#include <curl/curl.h>
#include <stdio.h>

static size_t give(char *to, size_t size, size_t n, void *arg)
{
	struct bytes *rest = arg;
	size_t room = size * n;
	size_t take = rest->len < room ? rest->len : room;

	memcpy(to, rest->data, take);
	*rest = bytes_of(rest->data + take, rest->len - take);
	return take;
}

static void set_tls(CURL *curl, const struct smtp *s)
{
	long use = !strcmp(s->tls, "none")  ? CURLUSESSL_NONE
		   : !strcmp(s->tls, "try") ? CURLUSESSL_TRY
					    : CURLUSESSL_ALL;

	curl_easy_setopt(curl, CURLOPT_USE_SSL, use);
	if (s->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca);
}

static void set_login(CURL *curl, const struct smtp *s)
{
	if (!s->user)
		return;
	curl_easy_setopt(curl, CURLOPT_USERNAME, s->user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, s->password);
}

static void explain(CURL *curl, CURLcode code, const char *detail, char why[256])
{
	long answer = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	if (answer >= 400)
		snprintf(why, 256, "the mail server answers %ld: %.200s", answer,
			detail[0] ? detail : curl_easy_strerror(code));
	else
		snprintf(why, 256, "%.250s", detail[0] ? detail : curl_easy_strerror(code));
}

bool smtp_send(const struct smtp *s, const char *from, const char *recipient, struct bytes letter,
	char why[256])
{
	CURL *curl = curl_easy_init();
	struct curl_slist *to = curl_slist_append(NULL, recipient);
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (curl && to) {
		curl_easy_setopt(curl, CURLOPT_URL, s->url);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, s->timeout_s);
		curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
		curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(curl, CURLOPT_READDATA, &letter);
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
		set_tls(curl, s);
		set_login(curl, s);
		code = curl_easy_perform(curl);
	}
	if (code != CURLE_OK)
		explain(curl, code, detail, why);
	curl_slist_free_all(to);
	curl_easy_cleanup(curl);
	return code == CURLE_OK;
}
