#include "client/tr.h"

const struct translation translations[] = {
	{ "server to talk to", "要连接的服务器" },
};

const size_t ntranslations = sizeof translations / sizeof translations[0];
