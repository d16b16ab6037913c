/* rooms: dataplane/esp core/base */
/* coalesce: any packets, one after the other. Each begins with two bytes: how much of the
 * input is its own, and what is put right in it, so that the fuzzer gets behind lengths,
 * checksums and sequence numbers. What is written, cut up again, is what came: the packets of
 * a flow in their order, and each TCP byte where it was. */
#include "dataplane/esp/coalesce.h"
#include "tests/unit/esp_slow.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		abort(); \
	} } while (0)

#define PACKETS 256

static struct coalesce c;
static struct came {
	uint8_t *given, copy[600];
	size_t len;
	uint8_t flow[38];		/* version, addresses, protocol and ports */
	bool written;
} came[PACKETS];
static size_t n_came, n_written;

static void forget_id(uint8_t *p)
{
	if (p[0] >> 4 == 4 && (p[6] & 0x40)) {
		slow_put(p + 4, 2, 0);
		slow_put(p + 10, 2, 0);
	}
}

/* One packet comes out: the first of its flow that has not yet must be the same. */
static void one(const uint8_t *p, size_t len)
{
	uint8_t copy[600];
	struct came *same = NULL;

	MUST(len <= sizeof(copy));
	memcpy(copy, p, len);
	forget_id(copy);
	for (size_t i = 0; i < n_came && !same; i++)
		if (!came[i].written && came[i].len == len && memcmp(came[i].copy, copy, len) == 0)
			same = &came[i];
	MUST(same);
	for (struct came *k = came; k < same; k++)
		MUST(k->written || memcmp(k->flow, same->flow, sizeof(k->flow)) != 0);
	same->written = true;
	n_written++;
}

static void written(void *arg, const struct coalesce_out *o)
{
	static uint8_t flat[70000];
	struct virtio_net_hdr v;
	struct slow big, small;
	uint8_t p[600];
	size_t len = 0, i;

	(void)arg;
	MUST(o->n_iov == 1 + o->packets && o->n_iov >= 2 && o->n_iov <= COALESCE_IOV);
	memcpy(&v, o->iov[0].iov_base, sizeof(v));
	for (i = 1; i < o->n_iov; i++) {
		MUST(len + o->iov[i].iov_len <= 65535);
		memcpy(flat + len, o->iov[i].iov_base, o->iov[i].iov_len);
		len += o->iov[i].iov_len;
	}
	if (o->packets == 1) {
		MUST(v.gso_type == 0 && v.flags == 0 && o->bytes == len);
		one(flat, len);
		return;
	}
	MUST(slow_parse(flat, len, v.csum_offset == 16 ? 6 : 17, v.csum_start, true, &big));
	MUST(slow_gso_ok(&v, &big));
	for (i = 0; slow_piece(&big, v.gso_size, i, &small); i++)
		one(p, slow_build(&small, p));
	MUST(i == o->packets);
}

static void put_right(uint8_t *p, size_t len, uint8_t what)
{
	size_t up = p[0] >> 4 == 4 ? 20 : 40, at;
	bool tcp;

	if (len < up + 20)
		return;
	tcp = p[up == 20 ? 9 : 6] == 6;
	at = up + (tcp ? 16 : 6);
	if (what & 1)		/* follows the packet before */
		slow_put(p + up + 4, 4, (uint32_t)(n_came * (len - up - 20)));
	if (what & 2) {
		if (up == 20)
			slow_put(p + 2, 2, (uint32_t)len);
		else
			slow_put(p + 4, 2, (uint32_t)(len - 40));
		if (!tcp)
			slow_put(p + up + 4, 2, (uint32_t)(len - up));
	}
	if ((what & 4) && up == 20) {
		slow_put(p + 10, 2, 0);
		slow_put(p + 10, 2, (uint16_t)~slow_sum(p, 20, 0));
	}
	if (what & 8) {
		slow_put(p + at, 2, 0);
		slow_put(p + at, 2, (uint16_t)~slow_sum(p + up, len - up,
					slow_pseudo(p, tcp ? 6 : 17, up, len)));
	}
}

static void add(const uint8_t *data, size_t len, uint8_t what)
{
	struct came *k = &came[n_came];
	struct inner in;

	k->given = malloc(len);		/* to the byte, for the sanitizer */
	memcpy(k->given, data, len);
	put_right(k->given, len, what);
	if (inner_parse(k->given, len, &in) < 0) {
		free(k->given);
		return;
	}
	k->len = in.total_len;
	k->written = false;
	memcpy(k->copy, k->given, k->len);
	forget_id(k->copy);
	memset(k->flow, 0, sizeof(k->flow));
	k->flow[0] = in.version;
	memcpy(k->flow + 1, in.src.b, 16);
	memcpy(k->flow + 17, in.dst.b, 16);
	/* Without ports it has no flow of its own: each is one. */
	if (in.ports_known && (in.proto == 6 || in.proto == 17)) {
		k->flow[33] = in.proto;
		memcpy(k->flow + 34, k->given + in.upper_off, 4);
	} else {
		k->flow[0] = 0;
		slow_put(k->flow + 34, 4, (uint32_t)n_came);
	}
	n_came++;
	coalesce_add(&c, &c, k->given, &in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	n_came = n_written = 0;
	if (!len)
		return 0;
	coalesce_init(&c, data[0] & 1, written, NULL);
	data++;
	len--;
	while (len > 2 && n_came < PACKETS) {
		size_t n = data[0] * 2u;

		if (n > len - 2)
			n = len - 2;
		if (n)
			add(data + 2, n, data[1]);
		data += 2 + n;
		len -= 2 + n;
	}
	coalesce_flush(&c);
	MUST(n_written == n_came && c.n == 0);
	while (n_came)
		free(came[--n_came].given);
	return 0;
}
