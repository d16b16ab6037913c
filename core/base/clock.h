/* clock: the only source of time. Tests put a virtual clock in its place. */
#ifndef ADIT_BASE_CLOCK_H
#define ADIT_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_BOOTTIME (so that a suspended router's lifetimes still end), or of
 * the virtual clock. Never 0. */
uint64_t clock_ms(void);
/* Seconds since 1970, for log lines and "last seen"; follows the virtual clock too. */
int64_t clock_wall_s(void);

/* Tests only: from now on time stands still at now_ms (> 0) until it is set again. */
void clock_virtual_set(uint64_t now_ms);
/* Tests only: back to the real clock. */
void clock_virtual_off(void);

#endif
