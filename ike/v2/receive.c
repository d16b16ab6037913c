/* receive: what comes is checked, found its IKE SA, opened, and handed to the table
 * (RFC 7296 §2.2, §2.21). */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "ike/engine/tap.h"
#include "ike/v2/fragment.h"
#include "ike/wire/skf.h"

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
		v2(sa)->hint_gone = true;
}

static struct ike_sa *find(const struct engine *e, uint64_t local_spi)
{
	struct ike_sa *sa = engine_sa(e, local_spi);

	return sa && sa->ops == &v2_ops ? sa : NULL;
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
	sa = ike_hdr_from_initiator(h) ? NULL : find(e, h->spi_i);
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
		return req_out(sa) && h->msg_id == v2(sa)->next_out &&
		       h->exchange == v2(sa)->req.p[18] ? 1 : -1;
	if (h->msg_id == v2(sa)->next_in)
		return 1;
	return h->msg_id + 1 == v2(sa)->next_in && v2(sa)->resp.p ? 0 : -1;
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

/* What was in it, as one chain again. */
static void tap_opened(struct ike_sa *sa, const struct ike_msg *m)
{
	static uint8_t buf[MSG_CAP];
	struct wr w = wr_init(buf, sizeof(buf));

	for (size_t i = m->n_outer; i < m->n; i++) {
		wr_u8(&w, i + 1u < m->n ? m->p[i + 1].type : PAYLOAD_NONE);
		wr_u8(&w, m->p[i].critical ? 0x80 : 0);
		wr_u16(&w, (uint16_t)(m->p[i].body.len + 4));
		wr_bytes(&w, m->p[i].body.p, m->p[i].body.len);
	}
	if (wr_ok(&w))
		tap_inner(sa, false, &m->hdr, m->n > m->n_outer ? m->p[m->n_outer].type :
			  PAYLOAD_NONE, (struct slice){ buf, w.len });
}

/* Authentic, new and readable. */
static void opened(struct ike_sa *sa, struct input *in)
{
	if (tap_wanted(sa))
		tap_opened(sa, in->m);
	sa->last_rx_ms = clock_ms();
	if (ike_hdr_is_response(&in->m->hdr)) {
		mobike_path_answers(sa, in);
	} else {
		v2(sa)->asked_local = *in->local;
		v2(sa)->asked_remote = *in->remote;
	}
	sa_endpoints(sa, in);
	sa_step(sa, in->m->hdr.exchange,
		ike_hdr_is_response(&in->m->hdr) ? ROLE_RESPONSE : ROLE_REQUEST, in);
}

/* RFC 7383 §2.6 */
static void fragment(struct engine *e, struct ike_sa *sa, struct input *in, int window)
{
	struct err err = { 0 };
	struct skf *whole;

	if (window == 0) {
		if (fragment_asks_again(sa, in->m))
			out_repeat(sa, in);
		return;
	}
	whole = fragment_open(sa, in->m, &err);
	if (whole)
		opened(sa, in);
	else if (in->m->error)
		authentic_broken(sa, in, &err);
	else if (err.msg[0])
		DROP(e, sa, bad_icv);
	skf_free(whole);
}

static void sa_message(struct engine *e, struct ike_sa *sa, struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	struct err err = { 0 };
	int window;

	if (!in->m->sk.p) {
		unprotected(sa, in);
		return;
	}
	window = in_window(sa, h);
	if (!v2(sa)->keys || window < 0) {
		if (v2(sa)->keys)
			DROP(e, sa, bad_id);
		else
			DROP(e, sa, unexpected);
		return;
	}
	if (in->m->frags) {
		fragment(e, sa, in, window);
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
	opened(sa, in);
}

static void dispatch(struct engine *e, struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	struct ike_sa *sa;

	if (h->exchange == IKE_SA_INIT) {
		init_message(e, in);
		return;
	}
	sa = find(e, ike_hdr_from_initiator(h) ? h->spi_r : h->spi_i);
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

void receive(struct engine *e, const struct endpoint *local,
	     const struct endpoint *remote, uint8_t *buf, size_t len)
{
	struct ike_msg m = { 0 };
	struct input in = { .local = local, .remote = remote, .m = &m };
	struct err err = { 0 };

	if (ike_msg_parse(buf, len, &m, &err) < 0)
		unparsed(e, &in, &err);
	else
		dispatch(e, &in);
}
