/* esp_help: packets and pairs of SAs for the tests of the userspace dataplane. */
#ifndef ADIT_TESTS_ESP_HELP_H
#define ADIT_TESTS_ESP_HELP_H

#include "core/base/rng.h"
#include "core/crypto/alg.h"
#include "dataplane/esp/csum.h"
#include "dataplane/esp/esp.h"
#include "tests/unit/esp_pkt.h"
#include "tests/unit/t.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static inline struct ip_addr ip(const char *text)
{
	struct ip_addr a;
	struct err e = { 0 };

	CHECK(addr_parse(text, &a, &e) == 0);
	return a;
}

static inline struct selector net(const char *text)
{
	struct prefix p;
	struct err e = { 0 };

	CHECK(prefix_parse(text, &p, &e) == 0);
	return selector_of(&p);
}

/* An IPv4 packet with a right header checksum; frag is the flags-and-offset word. payload
 * bytes count up. Returns its length. */
static inline size_t make_v4(uint8_t *out, const char *src, const char *dst, uint8_t proto,
			     uint16_t frag, size_t payload)
{
	struct ip_addr s = ip(src), d = ip(dst);
	uint16_t sum;

	memset(out, 0, 20);
	out[0] = 0x45;
	out[2] = (uint8_t)((20 + payload) >> 8);
	out[3] = (uint8_t)(20 + payload);
	out[4] = 0x12;
	out[5] = 0x34;
	out[6] = (uint8_t)(frag >> 8);
	out[7] = (uint8_t)frag;
	out[8] = 63;
	out[9] = proto;
	memcpy(out + 12, s.b, 4);
	memcpy(out + 16, d.b, 4);
	sum = csum_done(csum_add(0, out, 20));
	out[10] = (uint8_t)(sum >> 8);
	out[11] = (uint8_t)sum;
	for (size_t i = 0; i < payload; i++)
		out[20 + i] = (uint8_t)i;
	return 20 + payload;
}

static inline size_t make_v6(uint8_t *out, const char *src, const char *dst, uint8_t next,
			     size_t payload)
{
	struct ip_addr s = ip(src), d = ip(dst);

	memset(out, 0, 40);
	out[0] = 0x60;
	out[4] = (uint8_t)(payload >> 8);
	out[5] = (uint8_t)payload;
	out[6] = next;
	out[7] = 63;
	memcpy(out + 8, s.b, 16);
	memcpy(out + 24, d.b, 16);
	for (size_t i = 0; i < payload; i++)
		out[40 + i] = (uint8_t)i;
	return 40 + payload;
}

static inline void put_ports(uint8_t *at, uint16_t src, uint16_t dst)
{
	at[0] = (uint8_t)(src >> 8);
	at[1] = (uint8_t)src;
	at[2] = (uint8_t)(dst >> 8);
	at[3] = (uint8_t)dst;
}

static inline size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = strlen(hex) / 2;

	CHECK(n <= cap);
	for (size_t i = 0; i < n; i++) {
		unsigned v;

		CHECK(sscanf(hex + 2 * i, "%2x", &v) == 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

/* Two ends of one tunnel. */
struct end {
	struct sad sad;
	struct timers timers;
	struct sa_child conf;
	unsigned events[3];
};

static inline void end_event(void *arg, uint32_t id, enum sa_event ev)
{
	struct end *d = arg;

	CHECK_INT(id, d->conf.id);
	d->events[ev]++;
}

static inline void end_conf(struct end *a, struct end *b, uint16_t encr, uint16_t bits,
			    uint16_t integ, bool esn)
{
	const struct alg *c = alg_get(ALG_ENCR, encr, bits);
	const struct alg *i = integ ? alg_get(ALG_INTEG, integ, 0) : NULL;
	struct sa_child *ca = &a->conf, *cb = &b->conf;

	CHECK(c && (!integ || i));
	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	ca->id = 1;
	ca->spi_in = 0xc0000001;
	ca->spi_out = 0xc0000002;
	snprintf(ca->peer, sizeof(ca->peer), "branch");
	ca->local = (struct endpoint){ ip("203.0.113.1"), 4500 };
	ca->remote = (struct endpoint){ ip("198.51.100.2"), 4500 };
	ca->udp_encap = 1;
	ca->esn = esn;
	ca->encr = encr;
	ca->encr_bits = bits;
	ca->integ = integ;
	ca->replay_window = 64;
	ca->n_local = ca->n_remote = 2;
	ca->local_ts[0] = net("10.1.0.0/24");
	ca->local_ts[1] = net("2001:db8:1::/64");
	ca->remote_ts[0] = net("10.2.0.0/24");
	ca->remote_ts[1] = net("2001:db8:2::/64");
	ca->in.encr_len = ca->out.encr_len = c->key_len;
	ca->in.integ_len = ca->out.integ_len = i ? i->key_len : 0;
	rng_bytes(ca->in.encr, c->key_len);
	rng_bytes(ca->out.encr, c->key_len);
	if (i) {
		rng_bytes(ca->in.integ, i->key_len);
		rng_bytes(ca->out.integ, i->key_len);
	}
	*cb = *ca;
	cb->id = 2;
	cb->spi_in = ca->spi_out;
	cb->spi_out = ca->spi_in;
	cb->local = ca->remote;
	cb->remote = ca->local;
	cb->in = ca->out;
	cb->out = ca->in;
	memcpy(cb->local_ts, ca->remote_ts, sizeof(cb->local_ts));
	memcpy(cb->remote_ts, ca->local_ts, sizeof(cb->remote_ts));
}

static inline struct esp_sa *end_up(struct end *d)
{
	struct err e = { 0 };

	sad_init(&d->sad, &engine_mbedtls, &d->timers, end_event, d);
	CHECK(sad_iface_add(&d->sad, "adit-t", -1, 1400, &e) != NULL);
	if (sad_add(&d->sad, &d->conf, "adit-t", &e) < 0) {
		printf("    %s\n", e.msg);
		CHECK(0);
	}
	return sad_by_id(&d->sad, d->conf.id);
}

static inline void end_down(struct end *d)
{
	sad_fini(&d->sad);
	timers_fini(&d->timers);
}

/* The inner packet in p goes through sa of one end. */
static inline enum esp_verdict seal_one(struct esp_sa *sa, struct esp_pkt *p)
{
	struct engine_op op;
	struct inner in;
	enum esp_verdict v;

	CHECK(inner_parse(esp_pkt_data(p), p->len, &in) == 0);
	v = esp_seal_begin(sa, p, &in, 1000, &op);
	if (v == ESP_OK) {
		engine_mbedtls.seal(&op, 1);
		CHECK(op.ok);
	}
	return v;
}

static inline enum esp_verdict open_one(struct end *d, struct esp_pkt *p, struct inner *in)
{
	struct engine_op op;
	struct esp_sa *sa;
	enum esp_verdict v = esp_open_begin(&d->sad, p, &sa, &op);

	if (v == ESP_OK) {
		engine_mbedtls.open(&op, 1);
		v = esp_open_end(sa, p, &op, 0, 1000, in);
	}
	esp_count(&d->sad, sa, v, 1);
	return v;
}

#endif
