/* capture: the datagrams in a capture file, each in a heap block of just its size, so that the
 * sanitizer sees any read beyond it. */
#ifndef ADIT_TESTS_CAPTURE_H
#define ADIT_TESTS_CAPTURE_H

#include "core/base/rd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR_NAME "../shared/data/captures/"

struct datagram {
	uint8_t *p;
	size_t len;
	uint16_t sport, dport;
};

#define DATAGRAMS_MAX 256
static struct datagram got[DATAGRAMS_MAX];
static size_t n_got;

static inline void drop_all(void)
{
	for (size_t i = 0; i < n_got; i++)
		free(got[i].p);
	n_got = 0;
}

/* Little endian, as all these files are. */
static inline uint32_t le(const uint8_t *p, int n)
{
	uint32_t v = 0;

	for (int i = n - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* An IP packet, of which the capture may have only the beginning. */
static inline void ip_packet(struct rd r)
{
	const uint8_t *ip4 = r.p;
	size_t have = r.left, hl, len;
	struct datagram *d = &got[n_got];

	if (have < 20 || ip4[0] >> 4 != 4 || ip4[9] != 17 || n_got == DATAGRAMS_MAX)
		return;
	hl = (ip4[0] & 15) * 4u;
	rd_skip(&r, hl);
	d->sport = rd_u16(&r);
	d->dport = rd_u16(&r);
	len = rd_u16(&r);
	rd_skip(&r, 2);
	if (!rd_ok(&r))
		return;
	len = len >= 8 ? len - 8 : 0;
	d->len = len < r.left ? len : r.left;
	d->p = malloc(d->len ? d->len : 1);
	rd_copy(&r, d->p, d->len);
	n_got++;
}

static inline void frame(uint32_t link, struct rd r)
{
	uint16_t type;

	if (link == 0) {		/* BSD loopback: a family of 4 bytes */
		rd_skip(&r, 4);
		type = 0x0800;
	} else {			/* Ethernet, VLAN tags included */
		rd_skip(&r, 12);
		while ((type = rd_u16(&r)) == 0x8100)
			rd_skip(&r, 2);
	}
	if (rd_ok(&r) && type == 0x0800)
		ip_packet(r);
}

static inline void read_pcap(const uint8_t *p, size_t len)
{
	uint32_t link = le(p + 20, 4);
	struct rd r = rd_init(p + 24, len - 24);

	while (r.left >= 16) {
		const uint8_t *h = rd_bytes(&r, 16);
		struct rd body = rd_child(&r, le(h + 8, 4) < r.left ? le(h + 8, 4) : r.left);

		frame(link, body);
	}
}

static inline void read_pcapng(const uint8_t *p, size_t len)
{
	struct rd r = rd_init(p, len);
	uint32_t link = 1;

	while (r.left >= 12) {
		uint32_t type = le(r.p, 4), block = le(r.p + 4, 4);
		const uint8_t *b = r.p;
		struct rd body;

		rd_skip(&r, block < 12 ? r.left : block);
		if (!rd_ok(&r))
			return;
		if (type == 1 && block >= 20)
			link = le(b + 8, 2);
		if (type == 6 && block >= 32 && le(b + 20, 4) <= block - 32) {
			body = rd_init(b + 28, le(b + 20, 4));
			frame(link, body);
		}
	}
}

static inline bool load(const char *name)
{
	static uint8_t file[65536];
	char path[512];
	size_t len;
	FILE *f;

	drop_all();
	snprintf(path, sizeof(path), DIR_NAME "%s", name);
	f = fopen(path, "rb");
	if (!f)
		return false;
	len = fread(file, 1, sizeof(file), f);
	fclose(f);
	if (len >= 24 && le(file, 4) == 0xa1b2c3d4)
		read_pcap(file, len);
	else if (len >= 12 && le(file, 4) == 0x0a0d0d0a)
		read_pcapng(file, len);
	return true;
}

#endif
