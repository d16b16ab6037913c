/* report: engine status to control status. What was negotiated where something was, else what
 * is set. */
#include "ike/main/report.h"

#include "core/base/clock.h"
#include "core/base/sbuf.h"
#include "ike/auth/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status_state peer_state_of(enum peer_state s)
{
	switch (s) {
	case PEER_DISABLED:
		return STATUS_DISABLED;
	case PEER_DOWN:
		return STATUS_DOWN;
	case PEER_CONNECTING:
		return STATUS_CONNECTING;
	case PEER_UP:
		return STATUS_UP;
	}
	return STATUS_DOWN;
}

static enum status_state child_state_of(enum child_state s)
{
	switch (s) {
	case CHILD_DOWN:
		return STATUS_DOWN;
	case CHILD_CONNECTING:
		return STATUS_CONNECTING;
	case CHILD_UP:
		return STATUS_UP;
	}
	return STATUS_DOWN;
}

/* The port is only worth a word where a NAT changed it. */
static void set_endpoint(char **field, const struct endpoint *ep)
{
	char buf[ENDPOINT_TEXT_MAX];

	if (!addr_is_set(&ep->addr))
		return;
	if (ep->port == 0 || ep->port == IKE_PORT || ep->port == IKE_NATT_PORT)
		status_set(field, addr_str(&ep->addr, buf));
	else
		status_set(field, endpoint_str(ep, buf));
}

static void set_networks(char ***list, size_t *n, const struct selector *s, size_t count)
{
	char buf[SELECTOR_TEXT_MAX];

	for (size_t i = 0; i < *n; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
	*n = 0;
	for (size_t i = 0; i < count; i++)
		status_list_add(list, n, selector_str(&s[i], buf));
}

static void set_drops(struct status_drops *d, const struct sa_stats *st)
{
	*d = (struct status_drops){
		.replay = st->drop_replay, .auth = st->drop_auth,
		.selector_in = st->drop_selector_in, .selector_out = st->drop_selector_out,
		.malformed = st->drop_malformed, .expired = st->drop_expired,
		.mtu = st->drop_mtu, .socket = st->drop_socket,
	};
}

static void set_engine(struct status_child *c, const struct sa_stats *st)
{
	static const char *const offloads[] = { "", "crypto", "packet" };

	snprintf(c->engine, sizeof(c->engine), "%.*s", (int)sizeof(st->engine), st->engine);
	c->hardware = st->hardware;
	snprintf(c->offload, sizeof(c->offload), "%s",
		 st->offload <= SA_OFFLOAD_PACKET ? offloads[st->offload] : "");
	c->fallbacks = st->fallbacks;
}

static void report_child(struct status_child *c, const struct child_status *st)
{
	c->state = child_state_of(st->state);
	set_networks(&c->local_networks, &c->n_local, st->local, st->n_local);
	set_networks(&c->remote_networks, &c->n_remote, st->remote, st->n_remote);
	if (st->esp[0])
		status_set(&c->esp, st->esp);
	c->spi_in = st->spi_in;
	c->spi_out = st->spi_out;
	c->rx_bytes = st->rx_bytes;
	c->rx_packets = st->rx_packets;
	c->tx_bytes = st->tx_bytes;
	c->tx_packets = st->tx_packets;
	if (st->stats) {
		set_drops(&c->drops, st->stats);
		set_engine(c, st->stats);
	}
	if (st->sa_id)
		c->ipcomp = st->ipcomp;
	c->rekey_in_s = st->rekey_in_s;
	c->life_s = st->expires_in_s;
}

static void set_weak(struct status_peer *p, const struct peer_status *st)
{
	unsigned weak = st->weak;

	for (size_t i = 0; i < st->n_children; i++)
		weak |= st->children[i].weak;
	for (int i = 0; i < WEAK_N; i++)
		if (weak >> i & 1)
			status_list_add(&p->weak, &p->n_weak, weak_names[i]);
}

int report_peer(struct status_peer *p, const struct peer_status *st)
{
	static const char *const nat[2][2] = { { "", "remote" }, { "local", "both" } };

	if (status_peer_from_conf(p, st->conf) < 0)
		return -1;
	p->state = peer_state_of(st->state);
	status_set(&p->reason, st->reason);
	set_endpoint(&p->local, &st->local);
	set_endpoint(&p->remote, &st->remote);
	if (st->local_id[0])
		status_set(&p->local_id, st->local_id);
	if (st->remote_id[0])
		status_set(&p->peer_id, st->remote_id);
	if (st->ike[0])
		status_set(&p->ike, st->ike);
	p->initiator = st->initiator;
	p->udp_encap = st->udp_encap;
	status_set(&p->nat, nat[st->nat_local][st->nat_remote]);
	p->uptime_s = st->uptime_s;
	p->rekey_in_s = st->rekey_in_s;
	p->tries = st->tries;
	p->retry_in_s = st->next_try_s;
	set_weak(p, st);
	for (size_t i = 0; i < st->n_children; i++)
		for (size_t j = 0; j < p->n_children; j++)
			if (strcmp(p->children[j].name, st->children[i].name) == 0)
				report_child(&p->children[j], &st->children[i]);
	return 0;
}

void report_strangers(struct status_strangers *s, const struct drop_counts *d)
{
	*s = (struct status_strangers){
		.malformed = d->malformed, .bad_version = d->bad_version,
		.no_peer = d->no_peer, .unknown_spi = d->unknown_spi,
		.half_open = d->half_open, .unexpected = d->unexpected,
		.bad_id = d->bad_id, .bad_icv = d->bad_icv,
	};
}

void report_warning(struct status *s, const char *system, const struct trust *t)
{
	struct sbuf b = { 0 };

	sbuf_add(&b, system);
	trust_warnings(t, clock_wall_s(), &b);
	status_set(&s->warning, sbuf_str(&b));
	sbuf_fini(&b);
}
