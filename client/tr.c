#include "client/tr.h"
#include <stdlib.h>
#include <string.h>

const char *tr(bool chinese, const char *text)
{
	if (!chinese)
		return text;
	for (size_t i = 0; i < ntranslations; i++)
		if (!strcmp(translations[i].en, text))
			return translations[i].zh;
	return text;
}

bool language_is_chinese(const char *option)
{
	const char *const said[] = { option, getenv("GUANXI_LANG"), getenv("LC_ALL"),
		getenv("LC_MESSAGES"), getenv("LANG") };

	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		if (said[i] && *said[i])
			return !strncmp(said[i], "zh", 2);
	return false;
}
