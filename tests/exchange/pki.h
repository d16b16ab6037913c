/* pki: the certificates and keys of tests/exchange/pki. */
#ifndef ADIT_TESTS_EXCHANGE_PKI_H
#define ADIT_TESTS_EXCHANGE_PKI_H

#include "core/base/rd.h"

#include <stdio.h>
#include <stdlib.h>

/* A file, as it is; until the next call. */
static inline struct slice pki_load(const char *name, const char *ending)
{
	static uint8_t buf[16384];
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "tests/exchange/pki/%s%s", name, ending);
	f = fopen(path, "r");
	if (!f) {
		printf("    %s is not there\n", path);
		abort();
	}
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	return (struct slice){ buf, n };
}

#endif
