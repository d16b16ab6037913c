/* sad: the SAs of all peers. There are a few per interface and some hundreds in all: lists
 * for what the monitor asks, one hash by SPI for what the network brings. */
#include "dataplane/esp/sad.h"

#include "core/net/sock.h"

#include "core/base/clock.h"
#include "core/daemon/mtu.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/esp/esp.h"
#include "dataplane/esp/ts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ICMP_BURST 20		/* ICMP errors an interface may get at once … */
#define ICMP_EVERY_MS 50	/* … and one more each so many milliseconds */
#define PMTU_MIN_V4 552		/* what Linux takes as the least to believe (min_pmtu) */
#define PMTU_MIN_V6 1280

void sad_init(struct sad *s, const struct engine *engine, struct timers *timers,
	      void (*event)(void *arg, uint32_t id, enum sa_event ev), void *arg)
{
	memset(s, 0, sizeof(*s));
	s->engine = engine;
	s->timers = timers;
	s->workers = 1;
	s->moved_limit = (struct log_limit)LOG_LIMIT_INIT(10, 10000);
	s->pmtu_limit = (struct log_limit)LOG_LIMIT_INIT(5, 10000);
	s->ike_limit = (struct log_limit)LOG_LIMIT_INIT(SAD_IKE_BURST, SAD_IKE_EVERY_MS);
	s->event = event;
	s->arg = arg;
}

void sad_fini(struct sad *s)
{
	while (s->ifaces)
		sad_iface_del(s, s->ifaces);
}

static struct esp_sa **bucket(struct sad *s, uint32_t spi)
{
	return &s->by_spi[(spi * UINT32_C(2654435761)) >> 24];
}

_Static_assert(SAD_BUCKETS == 256, "bucket() takes the top 8 bits");

static struct sa_common *common_get(const struct esp_sa *first, const struct sa_child *c)
{
	struct sa_common *m;

	if (first) {
		atomic_fetch_add(&first->common->refs, 1);
		return first->common;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	atomic_init(&m->refs, 1);
	atomic_init(&m->out_held, c->hold_out);
	return m;
}

static void common_put(struct sa_common *m)
{
	if (m && atomic_fetch_sub(&m->refs, 1) == 1)
		free(m);
}

static void sa_free(struct esp_sa *sa)
{
	const struct engine *engine = sa->sad->engine;

	timer_stop(sa->sad->timers, &sa->hard);
	timer_stop(sa->sad->timers, &sa->linger);
	common_put(sa->common);
	engine->key_free(sa->key_in);
	engine->key_free(sa->key_out);
	replay_fini(&sa->replay);
	free(sa->frags_in);
	free(sa->frags_out);
	free(sa);
}

static void unlink_sa(struct esp_sa *sa)
{
	struct esp_sa **p;

	for (p = bucket(sa->sad, sa->spi_in); *p && *p != sa; p = &(*p)->next_spi)
		;
	if (*p)		/* only where it receives */
		*p = sa->next_spi;
	for (p = &sa->iface->sas; *p != sa; p = &(*p)->next_iface)
		;
	*p = sa->next_iface;
	sa->sad->n_sas--;
}

struct esp_iface *sad_iface(struct sad *s, const char *name)
{
	for (struct esp_iface *i = s->ifaces; i; i = i->next)
		if (strcmp(i->name, name) == 0)
			return i;
	return NULL;
}

struct esp_iface *sad_iface_add(struct sad *s, const char *name, int fd, uint16_t mtu,
				struct err *e)
{
	struct esp_iface *i = sad_iface(s, name);

	if (i) {
		if (i->fd >= 0)
			close(i->fd);
		i->fd = fd;
		i->mtu = mtu;
		return i;
	}
	i = calloc(1, sizeof(*i));
	if (!i) {
		err_errno(e, "out of memory");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	snprintf(i->name, sizeof(i->name), "%s", name);
	i->fd = fd;
	i->mtu = mtu;
	i->guess.sizes = (struct engine_sizes){ .iv_len = 8, .icv_len = 16, .block = 4 };
	i->icmp = (struct log_limit)LOG_LIMIT_INIT(ICMP_BURST, ICMP_EVERY_MS);
	i->next = s->ifaces;
	s->ifaces = i;
	return i;
}

void sad_iface_del(struct sad *s, struct esp_iface *i)
{
	struct esp_iface **p;

	while (i->sas)
		sad_del(i->sas, 0);
	for (p = &s->ifaces; *p != i; p = &(*p)->next)
		;
	*p = i->next;
	timer_stop(s->timers, &i->trap_timer);
	trap_fini(&i->trap);
	if (i->fd >= 0)
		close(i->fd);
	free(i);
}

void sad_expire(struct esp_sa *sa)
{
	/* Its timer finds it so, one day. */
	if (atomic_exchange(&sa->common->expired, true))
		return;
	sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_HARD);
}

static void hard_over(void *arg)
{
	sad_expire(arg);
}

static void linger_over(void *arg)
{
	struct esp_sa *sa = arg;

	if (sa->sad->over)
		sa->sad->over(sa->sad->arg, sa->id);
	else
		sad_del(sa, 0);
}

static struct engine_key *make_key(const struct engine *engine, const struct sa_child *c,
				   bool in, const int *fds, size_t n_fds, struct err *e)
{
	const struct sa_key *k = in ? &c->in : &c->out;
	struct engine_suite suite = {
		.encr = c->encr,
		.encr_bits = c->encr_bits,
		.integ = c->integ,
		.esn = c->esn,
		.encr_key = { k->encr, k->encr_len },
		.integ_key = { k->integ, k->integ_len },
	};

	if (k->encr_len > sizeof(k->encr) || k->integ_len > sizeof(k->integ)) {
		err_set(e, "SA %u: a key is longer than any can be", c->id);
		return NULL;
	}
	afalg_split(fds, n_fds, in, &suite);
	return engine->key_new(&suite, e);
}

static int check(struct sad *s, const struct sa_child *c, struct err *e)
{
	if (c->spi_in < 256 || c->spi_out < 256)
		return err_set(e, "SA %u: SPIs below 256 are reserved (RFC 4303 §2.1)", c->id);
	if (sad_by_spi(s, c->spi_in))
		return err_set(e, "SA %u: SPI %08x is in use already", c->id, c->spi_in);
	if (sad_by_id(s, c->id))
		return err_set(e, "SA %u is there already", c->id);
	if (c->mode != MODE_TUNNEL)
		return err_set(e, "the userspace dataplane has tunnel mode only: set mode=tunnel "
			       "on both sides, or use the kernel's (dataplane=kernel)");
	if (c->proto == SA_AH || c->cpi_in || c->cpi_out)
		return err_set(e, "the userspace dataplane has neither AH nor IPComp: use ESP "
			       "without compression, or the kernel's (dataplane=kernel)");
	if (!addr_is_set(&c->remote.addr) || (c->udp_encap && !c->remote.port))
		return err_set(e, "SA %u has no remote endpoint", c->id);
	if (addr_is_set(&c->local.addr) && c->local.addr.family != c->remote.addr.family)
		return err_set(e, "SA %u: its endpoints are of two IP families", c->id);
	if (!c->n_local || !c->n_remote || c->n_local > SA_SELECTORS_MAX ||
	    c->n_remote > SA_SELECTORS_MAX)
		return err_set(e, "SA %u has no traffic selectors, or too many", c->id);
	return 0;
}

bool sad_receives(const struct sad *s, uint32_t spi_in)
{
	return sock_worker(spi_in, s->workers) == s->worker;
}

static struct esp_sa *sa_new(struct sad *s, const struct sa_child *c, struct esp_iface *i)
{
	size_t n_ts = (size_t)c->n_local + c->n_remote;
	struct esp_sa *sa = calloc(1, sizeof(*sa) + n_ts * sizeof(sa->ts[0]));

	if (!sa)
		return NULL;
	sa->sad = s;
	sa->iface = i;
	sa->id = c->id;
	sa->spi_in = c->spi_in;
	sa->spi_out = c->spi_out;
	snprintf(sa->peer, sizeof(sa->peer), "%s", c->peer);
	sa->udp_encap = c->udp_encap;
	sa->follow = c->follow;
	sad_update(sa, &c->local, &c->remote);
	sa->seq_limit = c->esn ? UINT64_MAX : UINT32_MAX;
	sa->encr = alg_get(ALG_ENCR, c->encr, c->encr_bits);
	sa->integ = c->integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, c->integ, 0);
	sa->n_local = c->n_local;
	sa->n_remote = c->n_remote;
	memcpy(sa->ts, c->local_ts, c->n_local * sizeof(sa->ts[0]));
	memcpy(sa->ts + c->n_local, c->remote_ts, c->n_remote * sizeof(sa->ts[0]));
	sa->soft_bytes = c->soft_bytes;
	sa->hard_bytes = c->hard_bytes;
	sa->soft_packets = c->soft_packets;
	sa->hard_packets = c->hard_packets;
	sa->stats.id = c->id;
	timer_init(&sa->hard, hard_over, sa);
	timer_init(&sa->linger, linger_over, sa);
	return sa;
}

int sad_add_more(struct sad *s, const struct sa_child *c, const char *iface,
		 const struct esp_sa *first, const int *fds, size_t n_fds, struct err *e)
{
	struct esp_iface *i = sad_iface(s, iface);
	bool receives = sad_receives(s, c->spi_in);
	struct esp_sa *sa;

	if (!i)
		return err_set(e, "SA %u: there is no interface %s", c->id, iface);
	if (check(s, c, e) < 0)
		return -1;
	sa = sa_new(s, c, i);
	if (!sa)
		return err_errno(e, "out of memory");
	sa->common = common_get(first, c);
	if (!sa->common) {
		sa_free(sa);
		return err_errno(e, "out of memory");
	}
	if (engine_sizes(c->encr, c->encr_bits, c->integ, &sa->sizes, e) < 0 ||
	    replay_init(&sa->replay, receives ? c->replay_window : 0, c->esn, e) < 0 ||
	    (receives && !(sa->key_in = make_key(s->engine, c, true, fds, n_fds, e))) ||
	    !(sa->key_out = make_key(s->engine, c, false, fds, n_fds, e))) {
		sa_free(sa);
		return -1;
	}
	if (c->hard_life_s && s->worker == 0)
		timer_set(s->timers, &sa->hard, c->hard_life_s * UINT64_C(1000));
	if (receives) {
		sa->next_spi = *bucket(s, sa->spi_in);
		*bucket(s, sa->spi_in) = sa;
	}
	sa->next_iface = i->sas;
	i->sas = sa;
	s->n_sas++;
	return 0;
}

int sad_add(struct sad *s, const struct sa_child *c, const char *iface, struct err *e)
{
	return sad_add_more(s, c, iface, NULL, NULL, 0, e);
}

struct esp_sa *sad_by_id(struct sad *s, uint32_t id)
{
	for (struct esp_iface *i = s->ifaces; i; i = i->next)
		for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface)
			if (sa->id == id)
				return sa;
	return NULL;
}

struct esp_sa *sad_by_spi(struct sad *s, uint32_t spi)
{
	for (struct esp_sa *sa = *bucket(s, spi); sa; sa = sa->next_spi)
		if (sa->spi_in == spi)
			return sa;
	return NULL;
}

void sad_activate(struct esp_sa *sa)
{
	atomic_store(&sa->common->out_held, false);
}

void sad_update(struct esp_sa *sa, const struct endpoint *local, const struct endpoint *remote)
{
	if (!addr_equal(&sa->remote.addr, &remote->addr))
		sa->inner_mtu = 0;	/* another path */
	sa->local = *local;
	sa->remote = *remote;
	outer_init(&sa->outer, local, remote, sa->udp_encap);
	memset(&sa->seen, 0, sizeof(sa->seen));
}

void sad_del(struct esp_sa *sa, uint32_t linger_ms)
{
	if (linger_ms) {
		sa->out_off = true;
		if (sa->sad->worker == 0)
			timer_set(sa->sad->timers, &sa->linger, linger_ms);
		return;
	}
	if (sa->sad->gone)
		sa->sad->gone(sa->sad->gone_arg, sa);
	unlink_sa(sa);
	sa_free(sa);
}

bool sad_can_send(const struct esp_sa *sa)
{
	return !sa->out_off &&
	       !atomic_load_explicit(&sa->common->out_held, memory_order_relaxed) &&
	       !atomic_load_explicit(&sa->common->expired, memory_order_relaxed);
}

struct esp_sa *sad_outbound(struct esp_iface *i, const struct inner *in, bool *any_usable,
			    struct esp_sa **blame, uint64_t now_ms)
{
	*any_usable = false;
	*blame = i->sas;
	for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface) {
		if (!sad_can_send(sa))
			continue;
		if (!*any_usable)
			*blame = sa;
		*any_usable = true;
		if (ts_pass(sa->ts, sa->n_local, sa->ts + sa->n_local, sa->n_remote, in,
			    &sa->frags_out, now_ms))
			return sa;
	}
	return NULL;
}

void sad_pmtu(struct sad *s, const struct ip_addr *remote, unsigned mtu)
{
	unsigned least = remote->family == AF_INET ? PMTU_MIN_V4 : PMTU_MIN_V6;
	uint64_t until = clock_ms() + SAD_PMTU_MS;
	char text[ADDR_TEXT_MAX];

	if (mtu < least)
		mtu = least;
	for (struct esp_iface *i = s->ifaces; i; i = i->next) {
		for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface) {
			unsigned inner;

			if (!addr_equal(&sa->remote.addr, remote))
				continue;
			inner = mtu_inner(mtu, remote->family, sa->udp_encap, sa->encr,
					  sa->integ);
			if (inner != sa->inner_mtu && log_limit_pass(&s->pmtu_limit, NULL))
				log_info(sa->peer, "the path to %s takes packets of %u bytes: "
					 "%u inside the tunnel", addr_str(remote, text), mtu,
					 inner);
			sa->inner_mtu = (uint16_t)inner;
			sa->inner_mtu_until_ms = until;
		}
	}
}

unsigned sad_inner_mtu(const struct esp_sa *sa, uint64_t now_ms)
{
	if (!sa->inner_mtu || now_ms >= sa->inner_mtu_until_ms)
		return UINT16_MAX;
	return sa->inner_mtu;
}

void sad_stats(const struct esp_sa *sa, struct sa_stats *out)
{
	struct engine_info info = { .name = "", .driver = "" };

	memset(out, 0, sizeof(*out));
	out->id = sa->id;
	out->last_rx_ms = out->last_tx_ms = UINT64_MAX;
	sad_stats_add(out, sa);
	if (sa->sad->engine->info)
		sa->sad->engine->info(sa->key_out, &info);
	else
		info.name = sa->sad->engine->name;
	snprintf(out->engine, sizeof(out->engine), "%s", info.name);
	out->hardware = info.hardware;
}

static void newer(uint64_t *age, uint64_t at, uint64_t now)
{
	if (at && now - at < *age)
		*age = now - at;
}

static uint64_t fallbacks(const struct engine *engine, const struct engine_key *k)
{
	struct engine_info info = { .fallbacks = 0 };

	if (k && engine->info)
		engine->info(k, &info);
	return info.fallbacks;
}

void sad_stats_add(struct sa_stats *sum, const struct esp_sa *sa)
{
	const struct sa_stats *st = &sa->stats;
	uint64_t now = clock_ms();

	sum->rx_bytes += st->rx_bytes;
	sum->rx_packets += st->rx_packets;
	sum->tx_bytes += st->tx_bytes;
	sum->tx_packets += st->tx_packets;
	newer(&sum->last_rx_ms, st->last_rx_ms, now);
	newer(&sum->last_tx_ms, st->last_tx_ms, now);
	sum->drop_replay += st->drop_replay;
	sum->drop_auth += st->drop_auth;
	sum->drop_selector_in += st->drop_selector_in;
	sum->drop_selector_out += st->drop_selector_out;
	sum->drop_malformed += st->drop_malformed;
	sum->drop_expired += st->drop_expired;
	sum->drop_mtu += st->drop_mtu;
	sum->drop_socket += st->drop_socket;
	sum->fallbacks += fallbacks(sa->sad->engine, sa->key_in) +
			  fallbacks(sa->sad->engine, sa->key_out);
}

void sad_counters_add(uint64_t v[COUNTERS_N], const struct sad *s)
{
	for (int k = 0; k < COUNTERS_N; k++)
		v[k] = esp_counts((enum counter)k) ? v[k] + s->counters[k] : COUNTER_ABSENT;
}
