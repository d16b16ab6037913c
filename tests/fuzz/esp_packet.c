/* rooms: dataplane/esp dataplane/engine core/daemon core/crypto core/base */
/* esp_packet: what comes from the network and what comes from the LAN, into the userspace
 * dataplane. The first byte says how the rest is taken:
 *
 *	0	a datagram as it is
 *	1	an ESP payload, trailer included, sealed here with the right key, so that the
 *		fuzzer gets behind the authentication; the second byte is the outer ECN field
 *		and the cipher
 *	2	an inner packet on its way out: sealed, opened again by the other end, cut into
 *		fragments, answered by ICMP; the second byte picks the MTU
 */
#include "core/base/rng.h"
#include "core/crypto/alg.h"
#include "dataplane/esp/esp.h"
#include "dataplane/esp/frag.h"
#include "dataplane/esp/icmp.h"
#include "tests/unit/esp_pkt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		abort(); \
	} } while (0)

static struct sad near, far;
static struct timers timers;
static struct esp_pkt p;

static void event(void *arg, uint32_t id, enum sa_event ev)
{
	(void)arg;
	(void)id;
	(void)ev;
}

static struct selector any(int family)
{
	struct prefix all = { .addr = { .family = (uint8_t)family } };

	return selector_of(&all);
}

/* SA 1: AES-GCM; SA 2: AES-CBC with HMAC. Both ends use one key for both ways. */
static void add(struct sad *s, uint32_t id, uint32_t spi_in, uint32_t spi_out)
{
	const struct alg *encr = alg_get(ALG_ENCR, id == 1 ? ENCR_AES_GCM_16 : ENCR_AES_CBC, 128);
	const struct alg *integ = id == 1 ? NULL : alg_get(ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0);
	struct sa_child c = {
		.id = id, .spi_in = spi_in, .spi_out = spi_out, .udp_encap = 1, .esn = 1,
		.encr = encr->id, .encr_bits = 128, .integ = integ ? integ->id : INTEG_NONE,
		.replay_window = 64, .n_local = 2, .n_remote = 2, .peer = "fuzz",
		.remote = { addr_v4(0xc0000201), 4500 },
	};
	struct err e = { 0 };

	c.in.encr_len = c.out.encr_len = encr->key_len;
	c.in.integ_len = c.out.integ_len = integ ? integ->key_len : 0;
	c.local_ts[0] = c.remote_ts[0] = any(AF_INET);
	c.local_ts[1] = c.remote_ts[1] = any(AF_INET6);
	MUST(sad_add(s, &c, "adit-f", &e) == 0);
}

static void begin(void)
{
	struct err e = { 0 };

	log_level_set(LL_ERROR);
	rng_virtual_seed(1);
	sad_init(&near, &engine_mbedtls, &timers, event, NULL);
	sad_init(&far, &engine_mbedtls, &timers, event, NULL);
	MUST(sad_iface_add(&near, "adit-f", -1, 1400, &e));
	MUST(sad_iface_add(&far, "adit-f", -1, 1400, &e));
	for (uint32_t id = 1; id <= 2; id++) {
		add(&near, id, 0x1000 + id, 0x2000 + id);
		add(&far, id, 0x2000 + id, 0x1000 + id);
	}
}

static void check_inner(const struct inner *in)
{
	struct inner again;

	MUST(p.len == in->total_len);
	MUST(p.off + p.len <= sizeof(p.buf));
	MUST(inner_parse(esp_pkt_data(&p), p.len, &again) == 0);
	MUST(again.total_len == p.len && again.proto == in->proto && again.tos == in->tos);
}

static void receive(uint8_t ecn)
{
	struct engine_op op;
	struct esp_sa *sa;
	struct inner in;
	enum esp_verdict v = esp_open_begin(&near, &p, &sa, &op);

	if (v == ESP_OK) {
		engine_mbedtls.open(&op, 1);
		v = esp_open_end(sa, &p, &op, ecn, 1, &in);
	}
	if (v == ESP_OK)
		check_inner(&in);
	esp_count(&near, sa, v, 1);
}

static void datagram(const uint8_t *data, size_t len)
{
	if (len > sizeof(p.buf))
		return;
	memcpy(p.buf, data, len);
	p.off = 0;
	p.len = len;
	receive(0);
}

static void payload(uint8_t how, const uint8_t *data, size_t len)
{
	struct esp_sa *sa = sad_by_id(&far, how & 4 ? 2 : 1);
	struct engine_op op;
	uint64_t seq;

	len -= len % sa->sizes.block;
	if (!len || len > ESP_INNER_MAX)
		return;
	seq = esp_numbers(sa, 1);
	op = (struct engine_op){ .key = sa->key_out, .esp = p.buf, .data_len = len,
				 .seq = seq };
	memset(p.buf, 0, 8);
	p.buf[2] = (uint8_t)(sa->spi_out >> 8);
	p.buf[3] = (uint8_t)sa->spi_out;
	p.buf[7] = (uint8_t)seq;
	memcpy(p.buf + 8 + sa->sizes.iv_len, data, len);
	engine_mbedtls.seal(&op, 1);
	MUST(op.ok);
	p.off = 0;
	p.len = 8 + sa->sizes.iv_len + len + sa->sizes.icv_len;
	receive(how & 3);
}

static void fragments(const uint8_t *data, const struct inner *in, size_t mtu)
{
	static uint8_t out[65536];
	size_t sum = 0, n;
	struct frag f;

	if (frag_init(&f, data, in, mtu) < 0)
		return;
	while ((n = frag_next(&f, out))) {
		struct inner part;

		MUST(n <= mtu && n > (out[0] & 15) * 4u);
		/* A middle fragment close to 65535 may not parse: its place is too far. */
		if (inner_parse(out, n, &part) == 0)
			MUST(part.total_len == n);
		sum += n - (out[0] & 15) * 4u;
	}
	MUST(sum == in->total_len - in->header_len);
}

static void outbound(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t icmp[ICMP_MAX];
	struct engine_op op;
	struct esp_sa *sa, *blame;
	struct inner in, out, about;
	bool any_usable;
	size_t n;

	if (len > ESP_INNER_MAX || inner_parse(data, len, &in) < 0)
		return;
	fragments(data, &in, 68 + how * 6u);
	n = icmp_build((enum icmp_why)(how % 3), 1000, &in, data, len, icmp);
	if (n)
		MUST(inner_parse(icmp, n, &about) == 0 && about.total_len == n);
	sa = sad_outbound(near.ifaces, &in, &any_usable, &blame, 1000);
	MUST(sa);	/* its selectors are any */
	p.off = ESP_HEADROOM;
	p.len = len;
	memcpy(esp_pkt_data(&p), data, len);
	MUST(esp_seal_begin(sa, &p, &in, 1, &op) == ESP_OK);
	engine_mbedtls.seal(&op, 1);
	MUST(op.ok && p.off + p.len <= sizeof(p.buf));
	MUST(esp_open_begin(&far, &p, &sa, &op) == ESP_OK);
	engine_mbedtls.open(&op, 1);
	MUST(op.ok && esp_open_end(sa, &p, &op, 0, 1, &out) == ESP_OK);
	MUST(p.len == in.total_len && memcmp(esp_pkt_data(&p), data, p.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	begin();	/* every input meets the same state */
	switch (data[0] % 3) {
	case 0:
		datagram(data + 1, len - 1);
		break;
	case 1:
		payload(data[1], data + 2, len - 2);
		break;
	case 2:
		outbound(data[1], data + 2, len - 2);
		break;
	}
	sad_fini(&near);
	sad_fini(&far);
	return 0;
}
