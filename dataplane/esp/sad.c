/* sad: the SAs of all peers. There are a few per interface and some hundreds in all: lists
 * for what the monitor asks, one hash by SPI for what the network brings. */
#include "dataplane/esp/sad.h"

#include "core/base/clock.h"
#include "core/daemon/mtu.h"
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

static void sa_free(struct esp_sa *sa)
{
	const struct engine *engine = sa->sad->engine;

	timer_stop(sa->sad->timers, &sa->hard);
	timer_stop(sa->sad->timers, &sa->linger);
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

	for (p = bucket(sa->sad, sa->spi_in); *p != sa; p = &(*p)->next_spi)
		;
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
	if (sa->expired)
		return;
	sa->expired = true;
	timer_stop(sa->sad->timers, &sa->hard);
	sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_HARD);
}

static void hard_over(void *arg)
{
	sad_expire(arg);
}

static void linger_over(void *arg)
{
	sad_del(arg, 0);
}

static struct engine_key *make_key(const struct engine *engine, const struct sa_child *c,
				   const struct sa_key *k, struct err *e)
{
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
	if (!c->udp_encap)
		return err_set(e, "SA %u: the userspace dataplane sends ESP in UDP only", c->id);
	if (!addr_is_set(&c->remote.addr) || !c->remote.port)
		return err_set(e, "SA %u has no remote endpoint", c->id);
	if (addr_is_set(&c->local.addr) && c->local.addr.family != c->remote.addr.family)
		return err_set(e, "SA %u: its endpoints are of two IP families", c->id);
	if (!c->n_local || !c->n_remote || c->n_local > SA_SELECTORS_MAX ||
	    c->n_remote > SA_SELECTORS_MAX)
		return err_set(e, "SA %u has no traffic selectors, or too many", c->id);
	return 0;
}

int sad_add(struct sad *s, const struct sa_child *c, const char *iface, struct err *e)
{
	struct esp_iface *i = sad_iface(s, iface);
	size_t n_ts = (size_t)c->n_local + c->n_remote;
	struct esp_sa *sa;

	if (!i)
		return err_set(e, "SA %u: there is no interface %s", c->id, iface);
	if (check(s, c, e) < 0)
		return -1;
	sa = calloc(1, sizeof(*sa) + n_ts * sizeof(sa->ts[0]));
	if (!sa)
		return err_errno(e, "out of memory");
	sa->sad = s;
	sa->iface = i;
	sa->id = c->id;
	sa->spi_in = c->spi_in;
	sa->spi_out = c->spi_out;
	snprintf(sa->peer, sizeof(sa->peer), "%s", c->peer);
	sa->local = c->local;
	sa->remote = c->remote;
	sa->udp_encap = c->udp_encap;
	sa->follow = c->follow;
	sa->out_held = c->hold_out;
	sa->seq_limit = c->esn ? UINT64_MAX : UINT32_MAX;
	sa->encr = alg_get(ALG_ENCR, c->encr, c->encr_bits);
	sa->integ = c->integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, c->integ, 0);
	sa->n_local = c->n_local;
	sa->n_remote = c->n_remote;
	memcpy(sa->ts, c->local_ts, c->n_local * sizeof(sa->ts[0]));
	memcpy(sa->ts + c->n_local, c->remote_ts, c->n_remote * sizeof(sa->ts[0]));
	sa->stats.id = c->id;
	timer_init(&sa->hard, hard_over, sa);
	timer_init(&sa->linger, linger_over, sa);
	if (engine_sizes(c->encr, c->encr_bits, c->integ, &sa->sizes, e) < 0 ||
	    replay_init(&sa->replay, c->replay_window, c->esn, e) < 0 ||
	    !(sa->key_in = make_key(s->engine, c, &c->in, e)) ||
	    !(sa->key_out = make_key(s->engine, c, &c->out, e))) {
		sa_free(sa);
		return -1;
	}
	sa->soft_bytes = c->soft_bytes;
	sa->hard_bytes = c->hard_bytes;
	if (c->hard_life_s)
		timer_set(s->timers, &sa->hard, c->hard_life_s * UINT64_C(1000));
	sa->next_spi = *bucket(s, sa->spi_in);
	*bucket(s, sa->spi_in) = sa;
	sa->next_iface = i->sas;
	i->sas = sa;
	s->n_sas++;
	return 0;
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
	sa->out_held = false;
}

void sad_update(struct esp_sa *sa, const struct endpoint *local, const struct endpoint *remote)
{
	if (!addr_equal(&sa->remote.addr, &remote->addr))
		sa->inner_mtu = 0;	/* another path */
	sa->local = *local;
	sa->remote = *remote;
	memset(&sa->seen, 0, sizeof(sa->seen));
}

void sad_del(struct esp_sa *sa, uint32_t linger_ms)
{
	if (linger_ms) {
		sa->out_off = true;
		timer_set(sa->sad->timers, &sa->linger, linger_ms);
		return;
	}
	unlink_sa(sa);
	sa_free(sa);
}

struct esp_sa *sad_outbound(struct esp_iface *i, const struct inner *in, bool *any_usable,
			    struct esp_sa **blame, uint64_t now_ms)
{
	*any_usable = false;
	*blame = i->sas;
	for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface) {
		if (sa->out_held || sa->out_off || sa->expired)
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
	static struct log_limit limit = LOG_LIMIT_INIT(5, 10000);
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
			if (inner != sa->inner_mtu && log_limit_pass(&limit, NULL))
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
	uint64_t now = clock_ms();

	*out = sa->stats;
	out->last_rx_ms = out->last_rx_ms ? now - out->last_rx_ms : UINT64_MAX;
	out->last_tx_ms = out->last_tx_ms ? now - out->last_tx_ms : UINT64_MAX;
}
