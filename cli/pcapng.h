/* pcapng: datagrams as a capture file that Wireshark opens. */
#ifndef ADIT_CLI_PCAPNG_H
#define ADIT_CLI_PCAPNG_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The head of a file, with a comment for the reader. */
int pcapng_begin(FILE *f, const char *comment) MUST_USE;
/* An interface; they are numbered from 0 in their order. */
int pcapng_interface(FILE *f, const char *name, const char *description) MUST_USE;
/* A UDP datagram from one to the other, IP and UDP headers made for it. */
struct pcapng_packet {
	unsigned interface;
	uint64_t time_us;		/* since 1970 */
	bool out;
	struct endpoint from, to;
	struct slice data;		/* at most 65000 bytes */
};
int pcapng_packet(FILE *f, const struct pcapng_packet *p) MUST_USE;

#endif
