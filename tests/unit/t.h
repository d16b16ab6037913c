/* t: the least a test needs. Each case is a function in a table; a failed check says where,
 * and the case ends. The program prints one line a case and, last, "N passed, N failed,
 * N skipped", and exits 1 when any failed.
 *
 *	static void adds(void) { CHECK(1 + 1 == 2); }
 *	int main(void) { T_RUN(adds); return t_done(); }
 */
#ifndef ADIT_TESTS_T_H
#define ADIT_TESTS_T_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int t_passed, t_failed, t_skipped;
static jmp_buf t_jump;

#define CHECK(cond) do { \
	if (!(cond)) { \
		printf("    %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		longjmp(t_jump, 1); \
	} } while (0)

#define CHECK_INT(got, want) do { \
	long long t_g = (long long)(got), t_w = (long long)(want); \
	if (t_g != t_w) { \
		printf("    %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, t_g, t_w); \
		longjmp(t_jump, 1); \
	} } while (0)

#define CHECK_STR(got, want) do { \
	const char *t_g = (got), *t_w = (want); \
	if (strcmp(t_g, t_w) != 0) { \
		printf("    %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, t_g, t_w); \
		longjmp(t_jump, 1); \
	} } while (0)

#define CHECK_HAS(got, part) do { \
	const char *t_g = (got), *t_w = (part); \
	if (!strstr(t_g, t_w)) { \
		printf("    %s:%d: %s is \"%s\", without \"%s\"\n", __FILE__, __LINE__, #got, t_g, t_w); \
		longjmp(t_jump, 1); \
	} } while (0)

#define CHECK_MEM(got, want, len) do { \
	if (memcmp((got), (want), (len)) != 0) { \
		printf("    %s:%d: %s differs from %s\n", __FILE__, __LINE__, #got, #want); \
		longjmp(t_jump, 1); \
	} } while (0)

#define SKIP(why) do { \
	printf("    skipped: %s\n", why); \
	longjmp(t_jump, 2); \
	} while (0)

#define T_RUN(fn) do { \
	int t_how = setjmp(t_jump); \
	if (t_how == 0) { fn(); t_passed++; printf("ok   %s\n", #fn); } \
	else if (t_how == 2) { t_skipped++; printf("skip %s\n", #fn); } \
	else { t_failed++; printf("FAIL %s\n", #fn); } \
	fflush(stdout); \
	} while (0)

static inline int t_done(void)
{
	printf("%d passed, %d failed, %d skipped\n", t_passed, t_failed, t_skipped);
	return t_failed != 0;
}

#endif
