/* kstat: why: the kernel's counters by name; what this kernel lacks stays absent, what we do
 * not know yet is left out. */
#include "dataplane/xfrm/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192

void kstat_of(const char *text, uint64_t v[COUNTERS_N])
{
	for (size_t i = 0; i < COUNTERS_N; i++)
		v[i] = COUNTER_ABSENT;
	while (*text) {
		const char *end = strchrnul(text, '\n');
		size_t name = strcspn(text, " \t\n");
		enum counter c = counter_by_name(text, name);

		if (c != COUNTERS_N && text + name < end)
			v[c] = strtoull(text + name, NULL, 10);
		text = *end ? end + 1 : end;
	}
}

void kstat_read(uint64_t v[COUNTERS_N])
{
	FILE *f = fopen("/proc/net/xfrm_stat", "re");
	char text[TEXT_MAX] = "";

	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	kstat_of(text, v);
}
