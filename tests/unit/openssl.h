/* openssl: tests that compare with the openssl command, in a folder of their own. */
#ifndef ADIT_TESTS_OPENSSL_H
#define ADIT_TESTS_OPENSSL_H

#include "core/base/rd.h"
#include "tests/unit/t.h"

#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

static char dir[] = "/tmp/adit-openssl-XXXXXX";

/* A shell command in dir; false when it fails. Its output is in dir/log. */
__attribute__((format(printf, 1, 2))) static bool run(const char *fmt, ...)
{
	static char line[8000], cmd[8200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd), "cd %s && ( %s\n) >log 2>&1", dir, line);
	return system(cmd) == 0;
}

static uint8_t file_buf[1 << 20];

/* The bytes of dir/name, until the next call. */
static struct slice file(const char *name)
{
	char path[200];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	CHECK(f);
	n = fread(file_buf, 1, sizeof(file_buf), f);
	fclose(f);
	return (struct slice){ file_buf, n };
}

static inline void put(const char *name, struct slice s)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CHECK(f && fwrite(s.p, 1, s.len, f) == s.len);
	fclose(f);
}

/* False, with the count of a skipped test printed, when there is no openssl. */
static bool scratch_new(void)
{
	if (mkdtemp(dir) && run("openssl version"))
		return true;
	rmdir(dir);
	printf("0 passed, 0 failed, 1 skipped\n");
	return false;
}

static void scratch_end(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		printf("%s stays behind\n", dir);
}

#endif
