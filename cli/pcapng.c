/* pcapng: blocks of the file format (draft-ietf-opsawg-pcapng), and the headers of IP and UDP,
 * which nobody captured: they are made from the endpoints. */
#include "cli/pcapng.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPT_END = 0, OPT_COMMENT = 1, SECTION_APP = 4, IF_NAME = 2, IF_DESCRIPTION = 3,
	PACKET_FLAGS = 2 };
#define LINK_RAW 101		/* begins with the IP header */
#define DATA_MAX 65000
#define BUF_MAX (DATA_MAX + 1024)

/* In the byte order of this machine, which the section's head tells. */
struct block {
	uint8_t b[BUF_MAX];
	size_t len;
	bool bad;
};

static void put(struct block *k, const void *p, size_t len)
{
	if (len > BUF_MAX - k->len) {
		k->bad = true;
		return;
	}
	memcpy(k->b + k->len, p, len);
	k->len += len;
}

static void pad(struct block *k)
{
	static const uint8_t zero[4];

	put(k, zero, (4 - k->len % 4) % 4);
}

static void u16(struct block *k, uint16_t v)
{
	put(k, &v, sizeof(v));
}

static void u32(struct block *k, uint32_t v)
{
	put(k, &v, sizeof(v));
}

static void option(struct block *k, uint16_t code, const void *p, size_t len)
{
	u16(k, code);
	u16(k, (uint16_t)len);
	put(k, p, len);
	pad(k);
}

static int finish(FILE *f, struct block *k, uint32_t type)
{
	uint32_t len = (uint32_t)k->len + 12;
	bool ok = !k->bad && fwrite(&type, 4, 1, f) == 1 && fwrite(&len, 4, 1, f) == 1 &&
		  fwrite(k->b, 1, k->len, f) == k->len && fwrite(&len, 4, 1, f) == 1 &&
		  fflush(f) == 0;

	free(k);
	return ok ? 0 : -1;
}

int pcapng_begin(FILE *f, const char *comment)
{
	static const char app[] = "adit " ADIT_VERSION;
	struct block *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	u32(k, 0x1a2b3c4d);
	u16(k, 1);
	u16(k, 0);
	u32(k, UINT32_MAX);		/* length not known */
	u32(k, UINT32_MAX);
	option(k, OPT_COMMENT, comment, strlen(comment));
	option(k, SECTION_APP, app, strlen(app));
	option(k, OPT_END, "", 0);
	return finish(f, k, BLOCK_SECTION);
}

int pcapng_interface(FILE *f, const char *name, const char *description)
{
	struct block *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	u16(k, LINK_RAW);
	u16(k, 0);
	u32(k, 0);			/* no limit; times are microseconds */
	option(k, IF_NAME, name, strlen(name));
	option(k, IF_DESCRIPTION, description, strlen(description));
	option(k, OPT_END, "", 0);
	return finish(f, k, BLOCK_INTERFACE);
}

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return len % 2 ? sum + ((uint32_t)p[len - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* IP and UDP headers into h; their length. */
static size_t headers(const struct pcapng_packet *p, uint8_t h[48])
{
	bool v4 = p->from.addr.family == AF_INET;
	size_t ip = v4 ? 20 : 40, len = p->data.len + 8, n = addr_len(&p->from.addr);
	uint8_t *udp = h + ip;
	uint32_t sum;

	memset(h, 0, 48);
	if (v4) {
		h[0] = 0x45;
		be16(h + 2, len + 20);
		h[8] = 64;
		h[9] = 17;
		memcpy(h + 12, p->from.addr.b, 4);
		memcpy(h + 16, p->to.addr.b, 4);
		be16(h + 10, fold(sum16(h, 20, 0)));
	} else {
		h[0] = 0x60;
		be16(h + 4, len);
		h[6] = 17;
		h[7] = 64;
		memcpy(h + 8, p->from.addr.b, 16);
		memcpy(h + 24, p->to.addr.b, 16);
	}
	be16(udp, p->from.port);
	be16(udp + 2, p->to.port);
	be16(udp + 4, len);
	sum = sum16(p->from.addr.b, n, 17 + (uint32_t)len);
	sum = sum16(p->to.addr.b, n, sum);
	sum = sum16(p->data.p, p->data.len, sum16(udp, 8, sum));
	be16(udp + 6, fold(sum) ? fold(sum) : 0xffff);
	return ip + 8;
}

int pcapng_packet(FILE *f, const struct pcapng_packet *p)
{
	struct block *k;
	uint8_t h[48];
	uint32_t flags = p->out ? 2 : 1;
	size_t n;

	if (p->data.len > DATA_MAX || p->from.addr.family != p->to.addr.family)
		return 0;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -1;
	n = headers(p, h);
	u32(k, p->interface);
	u32(k, (uint32_t)(p->time_us >> 32));
	u32(k, (uint32_t)p->time_us);
	u32(k, (uint32_t)(n + p->data.len));
	u32(k, (uint32_t)(n + p->data.len));
	put(k, h, n);
	put(k, p->data.p, p->data.len);
	pad(k);
	option(k, PACKET_FLAGS, &flags, sizeof(flags));
	option(k, OPT_END, "", 0);
	return finish(f, k, BLOCK_PACKET);
}
