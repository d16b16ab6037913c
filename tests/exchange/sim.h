/* sim: what tests/exchange/pair.h runs on: two engines in one process, on a virtual clock,
 * over a network that loses, doubles, delays and reorders by a seed; a fake vault that knows PSKs; a fake dataplane
 * that checks that both ends hold the same keys, and, when asked, that at every moment a
 * packet sent by either side would be understood by the other.
 *
 *	side 0 "a" 203.0.113.1  10.1.0.0/24  ────  10.2.0.0/24  198.51.100.2 side 1 "b"
 *
 * Whatever goes wrong inside a callback is remembered and told by the next CHECK_SIM.
 */
#ifndef ADIT_TESTS_EXCHANGE_SIM_H
#define ADIT_TESTS_EXCHANGE_SIM_H

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rng.h"
#include "core/crypto/crypto.h"
#include "core/ipc/msg.h"
#include "ike/engine/engine.h"
#include "tests/unit/t.h"

#include <stdarg.h>

/* Dataplanes: the kernel's; userspace, with and without sockets for protocol 50. */
static const struct engine_can kernel_can = { .esn = true, .transport = true, .ah = true,
					      .ipcomp = true };
static const struct engine_can raw_can = { .encap = CAN_ENCAP_RATHER, .esn = true };
static const struct engine_can udp_can = { .encap = CAN_ENCAP_ONLY, .esn = true };
static const struct engine_can udp_can_no_esn = { .encap = CAN_ENCAP_ONLY };

#define SIM_SAS 64
#define SIM_PACKETS 512
#define SIM_KINDS 12

struct sim_sa {
	bool used, added;	/* added: answered */
	uint64_t gone_ms;	/* lingering: receives until then; 0: whole */
	bool held;
	struct sa_child sa;
};

struct sim_side {
	struct sim *s;
	int n;
	struct engine *e;
	struct ip_addr addr;
	struct ip_addr also[3];		/* more addresses that it has; or none */
	struct msg_peer_addrs addrs;	/* what it told of its peer last */
	unsigned told, looked_up;	/* how often; env->resolve() calls */
	struct sim_sa sas[SIM_SAS];
	char psk[64];			/* the same for every peer of a side; "" none */
	bool dp_refuses, dp_mute, vault_mute;
	bool dead;			/* cut off: nothing in, nothing out */
	unsigned ups, downs, events[SIM_KINDS], sent, received, keepalives, adds;
	bool peer_up;
	bool stopped;
	char last[SIM_KINDS][LOG_TEXT_MAX];
};

struct sim_packet {
	uint64_t at_ms;
	uint64_t seq;
	int to;				/* side; or -1: an answer of vault or dataplane */
	int side;
	uint8_t kind;			/* 0 packet, 1 vault, 2 dataplane */
	uint32_t id;
	bool ok, no_secret;
	struct endpoint src, dst;	/* as the receiver sees them */
	size_t len;
	uint8_t *bytes;
};

struct sim {
	struct sim_side side[2];
	struct timers ts;
	uint64_t now;
	struct sim_packet q[SIM_PACKETS];
	size_t n_q;
	uint64_t seq;
	/* the network */
	unsigned loss, dup, reorder;	/* percent */
	unsigned corrupt;		/* percent that arrive with a bit flipped */
	unsigned delay_ms;
	bool nat;			/* side 0 sits behind one */
	struct ip_addr nat_addr;
	uint16_t nat_shift;		/* outside port = inside port + this */
	bool nat_keep_src;
	/* called for each IKE message; false: it is lost */
	bool (*filter)(struct sim *s, int from, const uint8_t *msg, size_t len);
	int counter;			/* for filters */
	bool watch;			/* check the flow at every step */
	bool flowing[2];		/* it worked once, so it has to go on */
	char trouble[400];
	uint64_t trouble_ms;
	char log[40][LOG_TEXT_MAX + 64];
	size_t n_log;
};

static struct sim *sim_now;		/* for log_sink */
/* What each side has beside PSKs: set before sim_init(), cleared by who set it. */
static struct trust *sim_trust[2];
/* Answers vault_sign() of the other kinds; false: there is no such secret. */
static bool (*sim_sign)(int side, const struct vault_query *q, struct sim_packet *p);

static inline void sim_trouble(struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void sim_trouble(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->trouble[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->trouble, sizeof(s->trouble), fmt, ap);
	va_end(ap);
	s->trouble_ms = s->now;
}

#define CHECK_SIM(s) \
	do { \
		if ((s)->trouble[0]) { \
			printf("    at %.3f s: %s\n", \
			       ((s)->trouble_ms - 1000000) / 1000.0, (s)->trouble); \
			CHECK(!"trouble"); \
		} \
	} while (0)

static void sim_log(void *arg, const struct log_line *l)
{
	struct sim *s = sim_now;
	static int show = -1;

	(void)arg;
	if (show < 0)
		show = getenv("SIM_LOG") != NULL;
	if (show)
		printf("    %9.3f %s%s%s\n", s ? (s->now - 1000000) / 1000.0 : 0.0,
		       l->peer, l->peer[0] ? ": " : "", l->text);
	if (!s)
		return;
	snprintf(s->log[s->n_log % 40], sizeof(s->log[0]), "%s: %s", l->peer, l->text);
	s->n_log++;
}

static inline bool sim_logged(const struct sim *s, const char *part)
{
	for (size_t i = 0; i < 40; i++)
		if (strstr(s->log[i], part))
			return true;
	return false;
}

/* ---- the queue ---- */

static inline struct sim_packet *sim_put(struct sim *s, uint64_t in_ms)
{
	struct sim_packet *p;

	if (s->n_q == SIM_PACKETS) {
		sim_trouble(s, "more than %d packets under way", SIM_PACKETS);
		s->n_q = 0;
	}
	p = &s->q[s->n_q++];
	*p = (struct sim_packet){ .at_ms = s->now + in_ms, .seq = s->seq++ };
	return p;
}

static inline unsigned sim_dice(unsigned below)
{
	return below ? rng_below(below) : 0;
}

static inline bool sim_has(const struct sim_side *d, const struct ip_addr *a)
{
	if (addr_equal(&d->addr, a))
		return true;
	for (size_t i = 0; i < 3; i++)
		if (addr_is_set(&d->also[i]) && addr_equal(&d->also[i], a))
			return true;
	return false;
}

static inline void sim_net(struct sim *s, int from, struct endpoint src,
			   struct endpoint dst, const uint8_t *msg, size_t len)
{
	int to = 1 - from;
	int copies = 1;

	s->side[from].sent++;
	if (getenv("SIM_LOG"))
		printf("    %9.3f %c sends %u %s %u\n", (s->now - 1000000) / 1000.0,
		       'a' + from, msg[18], msg[19] & 0x20 ? "response" : "request",
		       msg[23]);
	if (s->filter && !s->filter(s, from, msg, len))
		return;
	if (s->side[from].dead || s->side[to].dead)
		return;
	if (sim_dice(100) < s->loss)
		return;
	if (s->nat && from == 0) {
		src.addr = s->nat_addr;
		src.port = (uint16_t)(src.port + s->nat_shift);
	} else if (s->nat && from == 1) {
		uint16_t inside = (uint16_t)(dst.port - s->nat_shift);

		if (!addr_equal(&dst.addr, &s->nat_addr) ||
		    (inside != IKE_PORT && inside != IKE_NATT_PORT))
			return;		/* no mapping */
		dst = (struct endpoint){ s->side[0].addr, inside };
	}
	if (!sim_has(&s->side[to], &dst.addr) || (!s->nat && !sim_has(&s->side[from], &src.addr)))
		return;
	if (sim_dice(100) < s->dup)
		copies = 2;
	for (int i = 0; i < copies; i++) {
		uint64_t ms = s->delay_ms + sim_dice(s->delay_ms / 4 + 1);
		struct sim_packet *p;

		if (sim_dice(100) < s->reorder)
			ms += sim_dice(s->delay_ms * 6 + 40);
		p = sim_put(s, ms);
		p->to = to;
		p->src = src;
		p->dst = dst;
		p->bytes = malloc(len);
		p->len = len;
		memcpy(p->bytes, msg, len);
		/* IKEv1 believes what it hears of NATs in phase 1, unproven (RFC 3947 §8). */
		if (sim_dice(100) < s->corrupt && (msg[17] >= 0x20 || msg[18] >= 5))
			p->bytes[rng_below((uint32_t)len)] ^= (uint8_t)(1 << rng_below(8));
	}
}

/* ---- what the engine asks for ---- */

static void sim_send(void *arg, const struct endpoint *local,
		     const struct endpoint *remote, const uint8_t *msg, size_t len)
{
	struct sim_side *d = arg;

	sim_net(d->s, d->n, *local, *remote, msg, len);
}

static void sim_alive(void *arg, const struct endpoint *local,
		      const struct endpoint *remote)
{
	struct sim_side *d = arg;

	if (local->port != IKE_NATT_PORT)
		sim_trouble(d->s, "keepalive from port %u", local->port);
	(void)remote;
	d->keepalives++;
}

static inline bool sim_same_key(const struct sa_key *a, const struct sa_key *b)
{
	return a->encr_len == b->encr_len && a->integ_len == b->integ_len &&
	       a->encr_len + a->integ_len && memcmp(a->encr, b->encr, a->encr_len) == 0 &&
	       memcmp(a->integ, b->integ, a->integ_len) == 0;
}

static inline bool sim_same_ts(const struct selector *a, unsigned n,
			       const struct selector *b, unsigned m)
{
	if (n != m || !n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned j;

		for (j = 0; j < m && !selector_equal(&a[i], &b[j]); j++)
			;
		if (j == m)
			return false;
	}
	return true;
}

/* What the other end must have of it. */
static inline const char *sim_differs(const struct sa_child *a, const struct sa_child *b)
{
	if (!sim_same_key(&a->in, &b->out) || !sim_same_key(&a->out, &b->in))
		return "keys";
	if (a->encr != b->encr || a->encr_bits != b->encr_bits || a->integ != b->integ)
		return "algorithms";
	if (a->proto != b->proto || a->mode != b->mode)
		return "protocol or mode";
	if (a->cpi_in != b->cpi_out || a->cpi_out != b->cpi_in)
		return "compression";
	if (a->esn != b->esn || a->udp_encap != b->udp_encap)
		return "ESN or encapsulation";
	/* A NAT shows each end another (RFC 7296 §2.23.1). */
	if (a->mode == MODE_TRANSPORT && a->udp_encap)
		return NULL;
	if (!sim_same_ts(a->local_ts, a->n_local, b->remote_ts, b->n_remote) ||
	    !sim_same_ts(a->remote_ts, a->n_remote, b->local_ts, b->n_local))
		return "selectors";
	return NULL;
}

static inline struct sim_sa *sim_mate(struct sim *s, int side, const struct sa_child *sa)
{
	struct sim_sa *o = s->side[1 - side].sas;

	for (int i = 0; i < SIM_SAS; i++)
		if (o[i].used && o[i].sa.spi_in == sa->spi_out &&
		    o[i].sa.spi_out == sa->spi_in)
			return &o[i];
	return NULL;
}

static void sim_sa_add(void *arg, const struct sa_child *sa)
{
	struct sim_side *d = arg;
	struct sim_sa *mate = sim_mate(d->s, d->n, sa), *free_one = NULL;
	struct sim_packet *p;

	d->adds++;
	if (getenv("SIM_LOG"))
		printf("    %9.3f %c adds %u %s %08x %08x\n",
		       (d->s->now - 1000000) / 1000.0, 'a' + d->n, sa->id, sa->child,
		       sa->spi_in, sa->spi_out);
	if (sa->spi_in < 256 || sa->spi_out < 256)
		sim_trouble(d->s, "SPI below 256");
	for (int i = 0; i < SIM_SAS; i++) {
		if (d->sas[i].used && d->sas[i].sa.id == sa->id)
			sim_trouble(d->s, "id %u twice", sa->id);
		if (d->sas[i].used && d->sas[i].sa.spi_in == sa->spi_in)
			sim_trouble(d->s, "SPI in twice");
		if (!d->sas[i].used && !free_one)
			free_one = &d->sas[i];
	}
	if (!free_one) {
		sim_trouble(d->s, "side %d: more than %d SAs", d->n, SIM_SAS);
		return;
	}
	if (mate && sim_differs(sa, &mate->sa))
		sim_trouble(d->s, "the two ends differ in %s",
			    sim_differs(sa, &mate->sa));
	if (!d->dp_refuses)
		*free_one =
			(struct sim_sa){ .used = true, .held = sa->hold_out, .sa = *sa };
	if (d->dp_mute)
		return;
	p = sim_put(d->s, 1 + sim_dice(3));
	p->to = -1;
	p->side = d->n;
	p->kind = 2;
	p->id = sa->id;
	p->ok = !d->dp_refuses;
}

static inline struct sim_sa *sim_find(struct sim_side *d, uint32_t id)
{
	for (int i = 0; i < SIM_SAS; i++)
		if (d->sas[i].used && d->sas[i].sa.id == id)
			return &d->sas[i];
	return NULL;
}

static void sim_sa_activate(void *arg, uint32_t id)
{
	struct sim_sa *x = sim_find(arg, id);

	if (x)
		x->held = false;
}

static void sim_sa_update(void *arg, uint32_t id, const struct endpoint *local,
			  const struct endpoint *remote)
{
	struct sim_sa *x = sim_find(arg, id);

	if (x) {
		x->sa.local = *local;
		x->sa.remote = *remote;
	}
}

static void sim_sa_del(void *arg, uint32_t id, uint32_t linger_ms)
{
	struct sim_side *d = arg;
	struct sim_sa *x = sim_find(d, id);

	if (getenv("SIM_LOG"))
		printf("    %9.3f %c removes %u\n", (d->s->now - 1000000) / 1000.0,
		       'a' + d->n, id);
	if (!x)
		return;
	if (linger_ms)
		x->gone_ms = d->s->now + linger_ms;
	else
		x->used = false;
}

static void sim_sa_query(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static inline void sim_psk_auth(const char *psk, uint16_t prf_id, struct slice octets,
				uint8_t out[PRF_MAX])
{
	struct slice pad = { (const uint8_t *)"Key Pad for IKEv2", 17 };
	struct slice key = { (const uint8_t *)psk, strlen(psk) };
	uint8_t k[PRF_MAX];

	if (prf(prf_id, key, &pad, 1, k) < 0)
		abort();
	key = (struct slice){ k, alg_get(ALG_PRF, prf_id, 0)->out_len };
	if (prf(prf_id, key, &octets, 1, out) < 0)
		abort();
}

static struct sim_packet *sim_vault(struct sim_side *d, uint32_t id)
{
	struct sim_packet *p = sim_put(d->s, 1);

	p->to = -1;
	p->side = d->n;
	p->kind = 1;
	p->id = id;
	p->no_secret = !d->psk[0];
	return p;
}

static void sim_vault_sign(void *arg, uint32_t id, const struct vault_query *q)
{
	struct sim_side *d = arg;
	struct sim_packet *p;

	if (d->vault_mute)
		return;
	p = sim_vault(d, id);
	if (q->kind == VAULT_SKEYID && d->psk[0]) {
		p->ok = true;
		p->bytes = malloc(PRF_MAX);
		p->len = alg_get(ALG_PRF, q->prf, 0)->out_len;
		if (prf(q->prf, (struct slice){ (const uint8_t *)d->psk, strlen(d->psk) },
			&q->octets, 1, p->bytes) < 0)
			abort();
		return;
	}
	if (q->kind != VAULT_PSK) {
		p->ok = sim_sign && sim_sign(d->n, q, p);
		p->no_secret = !p->ok;
		return;
	}
	p->ok = !p->no_secret;
	p->bytes = malloc(PRF_MAX);
	p->len = alg_get(ALG_PRF, q->prf, 0)->out_len;
	sim_psk_auth(d->psk, q->prf, q->octets, p->bytes);
}

static void sim_vault_verify(void *arg, uint32_t id, const struct vault_query *q)
{
	struct sim_side *d = arg;
	struct sim_packet *p;
	uint8_t want[PRF_MAX];

	if (d->vault_mute)
		return;
	p = sim_vault(d, id);
	sim_psk_auth(d->psk, q->prf, q->octets, want);
	p->ok = !p->no_secret && q->auth.len == alg_get(ALG_PRF, q->prf, 0)->out_len &&
		memcmp(want, q->auth.p, q->auth.len) == 0;
}

static void sim_peer_up(void *arg, const char *peer, const struct endpoint *remote)
{
	struct sim_side *d = arg;

	(void)peer;
	(void)remote;
	d->ups++;
	d->peer_up = true;
}

static void sim_peer_down(void *arg, const char *peer, const struct endpoint *remote)
{
	struct sim_side *d = arg;

	(void)remote;
	if (!d->peer_up)
		sim_trouble(d->s, "%s: down without up", peer);
	d->downs++;
	d->peer_up = false;
}

static void sim_event(void *arg, const char *peer, enum engine_event ev, const char *text)
{
	struct sim_side *d = arg;

	(void)peer;
	d->events[ev]++;
	snprintf(d->last[ev], sizeof(d->last[ev]), "%s", text);
	if (getenv("SIM_LOG"))
		printf("    %9.3f [%c %s] %s\n", (d->s->now - 1000000) / 1000.0,
		       'a' + d->n, engine_event_name(ev), text);
}

/* As aditd: every address is reached from the first of ours. */
static inline void sim_paths(struct sim_side *d)
{
	struct msg_peer_paths m = { .n = d->addrs.n, .n_own = 1, .own = { d->addr } };

	memcpy(m.peer, d->addrs.peer, sizeof(m.peer));
	for (size_t i = 0; i < m.n; i++) {
		m.path[i].remote = d->addrs.addr[i];
		if (m.path[i].remote.family == d->addr.family)
			m.path[i].local = d->addr;
	}
	for (size_t i = 0; i < 3 && addr_is_set(&d->also[i]); i++)
		m.own[m.n_own++] = d->also[i];
	m.n_public = m.n_own;
	engine_paths(d->e, &m);
}

static void sim_addrs(void *arg, const struct msg_peer_addrs *m)
{
	struct sim_side *d = arg;
	struct sim_packet *p;

	d->addrs = *m;
	d->told++;
	p = sim_put(d->s, 1);
	p->to = -1;
	p->side = d->n;
	p->kind = 3;
}

static void sim_resolve(void *arg, const char *host)
{
	struct sim_side *d = arg;

	(void)host;
	d->looked_up++;
}

/* ---- running ---- */

/* The pair a side would send on for the peer's first child: the newest that is in, and
 * not held. */
static inline struct sim_sa *sim_sender(struct sim_side *d)
{
	struct sim_sa *best = NULL;

	for (int i = 0; i < SIM_SAS; i++) {
		struct sim_sa *x = &d->sas[i];

		if (x->used && x->added && !x->held && !x->gone_ms &&
		    strcmp(x->sa.child, x->sa.peer) == 0 &&
		    (!best || x->sa.id > best->sa.id))
			best = x;
	}
	return best;
}

/* Would a packet sent now be understood? Receiving lets a held pair send, too. */
static inline bool sim_flows(struct sim *s, int from)
{
	struct sim_sa *tx = sim_sender(&s->side[from]), *rx;

	if (!tx)
		return false;
	rx = sim_mate(s, from, &tx->sa);
	if (rx && rx->added)
		rx->held = false;
	return rx && (rx->added || s->side[1 - from].dp_mute);
}

static inline void sim_watch(struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		bool f = sim_flows(s, i);

		if (s->flowing[i] && !f && s->watch)
			sim_trouble(s, "a packet from side %c would be lost now",
				    'a' + i);
		s->flowing[i] = f;
	}
}

static inline void sim_sweep(struct sim *s)
{
	for (int d = 0; d < 2; d++)
		for (int i = 0; i < SIM_SAS; i++) {
			struct sim_sa *x = &s->side[d].sas[i];

			if (x->used && x->gone_ms && x->gone_ms <= s->now)
				x->used = false;
		}
}

static inline void sim_deliver(struct sim *s, struct sim_packet *p)
{
	struct sim_side *d = &s->side[p->kind ? p->side : p->to];
	struct sim_sa *x;

	if (d->e && (!d->dead || p->kind)) {
		switch (p->kind) {
		case 0:
			d->received++;
			if (getenv("SIM_LOG"))
				printf("    %9.3f %c gets %u %s %u\n",
				       (s->now - 1000000) / 1000.0, 'a' + d->n,
				       p->bytes[18],
				       p->bytes[19] & 0x20 ? "response" : "request",
				       p->bytes[23]);
			engine_receive(d->e, &p->dst, &p->src, p->bytes, p->len);
			break;
		case 1:
			engine_vault_done(d->e, p->id, p->ok, p->no_secret, 0,
					  (struct slice){ p->bytes, p->len });
			break;
		case 2:
			x = sim_find(d, p->id);
			if (x)
				x->added = true;
			engine_sa_added(d->e, p->id, p->ok, p->ok ? NULL : "it says no");
			break;
		case 3:
			sim_paths(d);
			break;
		}
	}
	free(p->bytes);
}

/* One event; false when none is due until the given time. */
static inline bool sim_one(struct sim *s, uint64_t until)
{
	size_t best = SIM_PACKETS;
	uint64_t at = until + 1;
	struct sim_packet p;

	for (size_t i = 0; i < s->n_q; i++)
		if (s->q[i].at_ms < at || (best < SIM_PACKETS && s->q[i].at_ms == at &&
					   s->q[i].seq < s->q[best].seq)) {
			at = s->q[i].at_ms;
			best = i;
		}
	if (s->ts.n && s->ts.heap[0]->at_ms < at) {
		at = s->ts.heap[0]->at_ms;
		best = SIM_PACKETS;
	}
	if (at > until)
		return false;
	if (at > s->now)
		s->now = at;
	clock_virtual_set(s->now);
	if (best == SIM_PACKETS) {
		timers_run(&s->ts);
	} else {
		p = s->q[best];
		s->q[best] = s->q[--s->n_q];
		sim_deliver(s, &p);
	}
	sim_sweep(s);
	sim_watch(s);
	return true;
}

static inline void sim_run(struct sim *s, uint64_t ms)
{
	uint64_t until = s->now + ms;

	sim_now = s;
	while (sim_one(s, until))
		;
	s->now = until;
	clock_virtual_set(s->now);
	sim_sweep(s);
}

#endif
