/* engine: the front door: what comes is checked, found its IKE SA, opened, and handed to
 * the table (RFC 7296 §2.2, §2.21). */
#include "ike/v2/v2.h"

#include "core/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define STOP_MS 2000

const char *engine_event_name(enum engine_event ev)
{
	switch (ev) {
	case ENGINE_TRYING: return "trying";
	case ENGINE_ESTABLISHED: return "established";
	case ENGINE_UP: return "up";
	case ENGINE_CHILD_UP: return "child_up";
	case ENGINE_REKEYED: return "rekeyed";
	case ENGINE_FAILED: return "failed";
	case ENGINE_GAVE_UP: return "gave_up";
	case ENGINE_DOWN: return "down";
	case ENGINE_DISABLED: return "disabled";
	}
	return "?";
}

/* ---- life ---- */

static void on_stop(void *arg)
{
	struct engine *e = arg;
	void (*done)(void *) = e->stopped;

	e->stopped = NULL;
	if (done)
		done(e->stopped_arg);
}

struct engine *engine_new(const struct engine_env *env, struct timers *ts)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->env = *env;
	e->ts = ts;
	e->stranger_log = (struct log_limit)LOG_LIMIT_INIT(10, 3000);
	e->stranger_reply = (struct log_limit)LOG_LIMIT_INIT(50, 100);
	timer_init(&e->stop_timer, on_stop, e);
	return e;
}

static void no_del(void *arg, uint32_t id, uint32_t linger_ms)
{
	(void)arg;
	(void)id;
	(void)linger_ms;
}

static void no_peer(void *arg, const char *peer, const struct endpoint *remote)
{
	(void)arg;
	(void)peer;
	(void)remote;
}

static void no_event(void *arg, const char *peer, enum engine_event ev, const char *text)
{
	(void)arg;
	(void)peer;
	(void)ev;
	(void)text;
}

void engine_free(struct engine *e)
{
	struct peer *p;

	if (!e)
		return;
	e->env.sa_del = no_del;
	e->env.peer_down = no_peer;
	e->env.event = no_event;
	e->stopping = true;
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		while (e->by_spi[i])
			sa_bury(e->by_spi[i]);
	while ((p = e->peers)) {
		e->peers = p->next;
		peer_free(p);
	}
	e->stopped = NULL;
	engine_reap(e);
	timer_stop(e->ts, &e->stop_timer);
	cookie_fini(&e->cookies);
	free(e);
}

/* Nothing left but answers to be repeated. */
static bool all_ended(const struct engine *e)
{
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (const struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			if (sa->state != SA_CLOSED)
				return false;
	return true;
}

void engine_reap(struct engine *e)
{
	struct ike_sa *sa;
	struct peer **at = &e->zombies, *p;

	while ((sa = e->reap)) {
		e->reap = sa->reap_next;
		sa_free(sa);
	}
	while ((p = *at)) {
		if (p->sas) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		peer_free(p);
	}
	if (e->stopping && e->stopped && all_ended(e))
		timer_set(e->ts, &e->stop_timer, 0);
}

void engine_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	bool again;

	e->stopping = true;
	e->stopped = done;
	e->stopped_arg = arg;
	timer_set(e->ts, &e->stop_timer, STOP_MS);
	for (struct peer *p = e->peers; p; p = p->next)
		timer_stop(e->ts, &p->timer);
	do {
		again = false;
		for (size_t i = 0; i < SPI_BUCKETS && !again; i++)
			for (struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next) {
				if (sa->over)
					continue;
				sa->admin = true;
				sa_close(sa);
				again = true;
				break;
			}
	} while (again);
	engine_reap(e);
}

void engine_dataplane(struct engine *e, bool udp_encap_only, bool esn)
{
	e->udp_encap_only = udp_encap_only;
	e->esn = esn;
	if (e->dataplane)
		return;
	e->dataplane = true;
	for (struct peer *p = e->peers; p; p = p->next)
		peer_kick(p);
	engine_reap(e);
}

/* ---- found ---- */

struct peer *engine_peer(const struct engine *e, const char *name)
{
	for (struct peer *p = e->peers; p; p = p->next)
		if (strcmp(p->conf.name, name) == 0)
			return p;
	return NULL;
}

struct ike_sa *engine_sa(const struct engine *e, uint64_t local_spi)
{
	for (struct ike_sa *sa = e->by_spi[local_spi % SPI_BUCKETS]; sa;
	     sa = sa->hash_next)
		if (sa_local_spi(sa) == local_spi)
			return sa;
	return NULL;
}

struct child *engine_child(const struct engine *e, uint32_t id)
{
	for (struct child *c = e->by_id[id % CHILD_BUCKETS]; c; c = c->hash_next)
		if (c->id == id)
			return c;
	return NULL;
}

/* ---- the vault ---- */

void engine_auth_done(struct engine *e, uint32_t id, bool ok, bool no_secret,
		      struct slice auth)
{
	struct input in = { .auth = auth, .no_secret = no_secret };

	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			if (sa->hs && sa->hs->vault_id == id && id) {
				sa->hs->vault_id = 0;
				sa_step(sa, ok ? EV_VAULT_OK : EV_VAULT_NO, ROLE_EVENT,
					&in);
				engine_reap(e);
				return;
			}
}

void engine_vault_back(struct engine *e)
{
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			auth_ask_again(sa);
}

/* ---- what came ---- */

/* §2.21: nothing is ever said in answer to a response, nor, unprotected, to anything that
 * claims to belong to an IKE SA. */
static void unparsed(struct engine *e, struct input *in, const struct err *why)
{
	const struct ike_msg *m = in->m;
	unsigned held;

	if (m->error == N_INVALID_MAJOR_VERSION)
		e->drops.bad_version++;
	else
		e->drops.malformed++;
	if (!m->error)
		return;
	if (log_limit_pass(&e->stranger_log, &held)) {
		char from[ENDPOINT_TEXT_MAX];

		log_debug(NULL, "message from %s dropped: %s",
			  endpoint_str(in->remote, from), why->msg);
	}
	if (ike_hdr_is_response(&m->hdr) || !e->dataplane ||
	    (m->error != N_INVALID_MAJOR_VERSION && m->hdr.exchange != IKE_SA_INIT))
		return;
	out_stranger(e, in, m->error, (struct slice){ m->error_data, m->error_len });
}

/* §2.21.4: whoever talks to an IKE SA that we do not have learns so, as a hint. */
static void unknown_spi(struct engine *e, struct input *in)
{
	e->drops.unknown_spi++;
	if (!ike_hdr_is_response(&in->m->hdr) && e->dataplane)
		out_stranger(e, in, N_INVALID_IKE_SPI, (struct slice){ 0 });
}

/* Unprotected, about an IKE SA that we have: nothing in it is believed; but when the peer
 * says that it knows nothing of this IKE SA, silence is waited for less long. */
static void unprotected(struct ike_sa *sa, const struct input *in)
{
	struct notify n;

	DROP(sa->e, sa, unexpected);
	if (ike_hdr_is_response(&in->m->hdr) && req_out(sa) &&
	    ike_msg_notify(in->m, N_INVALID_IKE_SPI, &n))
		sa->hint_gone = true;
}

static void init_message(struct engine *e, struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	struct ike_sa *sa;

	if (in->m->sk.p || h->msg_id != 0) {
		e->drops.malformed++;
		return;
	}
	if (!ike_hdr_is_response(h)) {
		if (ike_hdr_from_initiator(h) && h->spi_r == 0)
			init_request(e, in);
		else
			e->drops.malformed++;
		return;
	}
	sa = ike_hdr_from_initiator(h) ? NULL : engine_sa(e, h->spi_i);
	if (!sa || !sa->initiator || !addr_equal(&sa->remote.addr, &in->remote->addr)) {
		e->drops.unknown_spi++;
		return;
	}
	sa_step(sa, IKE_SA_INIT, ROLE_RESPONSE, in);
}

/* §2.2, §2.3: -1: drop it; 0: the request before once more; 1: go on. */
static int in_window(const struct ike_sa *sa, const struct ike_hdr *h)
{
	if (ike_hdr_is_response(h))
		return req_out(sa) && h->msg_id == sa->next_out &&
		       h->exchange == sa->req.p[18] ? 1 : -1;
	if (h->msg_id == sa->next_in)
		return 1;
	return h->msg_id + 1 == sa->next_in && sa->resp.p ? 0 : -1;
}

/* Authentic, but not to be understood (§2.21.2, §2.5). */
static void authentic_broken(struct ike_sa *sa, const struct input *in,
			     const struct err *why)
{
	const struct ike_msg *m = in->m;
	unsigned held;

	DROP(sa->e, sa, malformed);
	/* Authentic says less before IKE_AUTH: anyone can agree on keys. */
	if (log_limit_pass(&sa->e->stranger_log, &held))
		log_warning(sa->peer->conf.name, "%s from the peer refused: %s",
			    ike_exchange_name(m->hdr.exchange), why->msg);
	if (!ike_hdr_is_response(&m->hdr)) {
		out_answer_notify(sa, m->hdr.exchange, m->error,
				  (struct slice){ m->error_data, m->error_len });
		return;
	}
	sa_why(sa, true, "the peer sent a malformed answer: %s", why->msg);
	req_done(sa);
	if (sa->state == SA_ESTABLISHED || sa->state == SA_REKEYED)
		sa_close(sa);
	else
		sa_drop(sa);
}

static void sa_message(struct engine *e, struct ike_sa *sa, struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	bool response = ike_hdr_is_response(h);
	struct err err = { 0 };
	int window;

	if (!in->m->sk.p) {
		unprotected(sa, in);
		return;
	}
	window = in_window(sa, h);
	if (!sa->keys || window < 0) {
		if (sa->keys)
			DROP(e, sa, bad_id);
		else
			DROP(e, sa, unexpected);
		return;
	}
	if (sa_open(sa, in->m, &err) < 0) {
		if (!in->m->error) {
			DROP(e, sa, bad_icv);
			return;
		}
		if (window > 0)
			authentic_broken(sa, in, &err);
		return;
	}
	/* A repeated request may be anyone's recording: no sign of life (§2.4). */
	if (window == 0) {
		out_repeat(sa, in);
		return;
	}
	sa->last_rx_ms = clock_ms();
	sa_endpoints(sa, in);
	sa_step(sa, h->exchange, response ? ROLE_RESPONSE : ROLE_REQUEST, in);
}

static void dispatch(struct engine *e, struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	struct ike_sa *sa;

	if (h->exchange == IKE_SA_INIT) {
		init_message(e, in);
		return;
	}
	sa = engine_sa(e, ike_hdr_from_initiator(h) ? h->spi_r : h->spi_i);
	if (!sa || sa->initiator == ike_hdr_from_initiator(h)) {
		unknown_spi(e, in);
		return;
	}
	/* A stranger's hint may leave the other SPI as it was; all else must fit. */
	if (sa->spi_i != h->spi_i || sa->spi_r != h->spi_r) {
		e->drops.unknown_spi++;
		return;
	}
	sa_message(e, sa, in);
}

void engine_receive(struct engine *e, const struct endpoint *local,
		    const struct endpoint *remote, const uint8_t *msg, size_t len)
{
	struct ike_msg m = { 0 };
	struct input in = { .local = local, .remote = remote, .m = &m };
	uint8_t buf[MSG_CAP];
	struct err err = { 0 };

	if (len > sizeof(buf)) {
		e->drops.malformed++;
		return;
	}
	memcpy(buf, msg, len);
	if (ike_msg_parse(buf, len, &m, &err) < 0)
		unparsed(e, &in, &err);
	else
		dispatch(e, &in);
	engine_reap(e);
}
