/* clock: one switch between the kernel's time and the tests'. */
#include "core/base/clock.h"

#include <time.h>

static uint64_t virtual_ms;

uint64_t clock_ms(void)
{
	struct timespec ts;

	if (virtual_ms)
		return virtual_ms;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

int64_t clock_wall_s(void)
{
	if (virtual_ms)
		return 1700000000 + (int64_t)(virtual_ms / 1000);
	return (int64_t)time(NULL);
}

void clock_virtual_set(uint64_t now_ms)
{
	virtual_ms = now_ms;
}

void clock_virtual_off(void)
{
	virtual_ms = 0;
}
