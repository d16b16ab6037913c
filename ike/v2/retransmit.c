/* retransmit: messages out. One request at a time each way (a window of 1, RFC 7296
 * §2.3), requests repeated with back-off until answered (§2.4), the last answer kept for
 * requests that are repeated (§2.1). */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "ike/v2/fragment.h"

#include <string.h>

/* Milliseconds to wait after the n-th sending; the sum is when we give up. */
static const uint16_t first_ms[] = { 500, 1000, 2000, 4000, 8000, 14500 };	/* 30 s */
static const uint16_t later_ms[] = {
	500, 1000, 2000, 4000, 8000, 16000, 28500
};                                                                              /* 60 s */
static const uint16_t last_ms[] = { 300, 500, 900, 1300 };			/* 3 s */

/* 0: give up. */
static uint32_t wait_ms(const struct ike_sa *sa)
{
	const uint16_t *t = later_ms;
	size_t n = sizeof(later_ms) / sizeof(later_ms[0]);

	if (v2(sa)->task == TASK_INIT || v2(sa)->task == TASK_AUTH) {
		t = first_ms;
		n = sa->hurry && v2(sa)->task == TASK_INIT ? 4 :
			sizeof(first_ms) / sizeof(first_ms[0]);
	} else if (v2(sa)->task == TASK_DELETE_IKE || sa->want_delete) {
		t = last_ms;
		n = sizeof(last_ms) / sizeof(last_ms[0]);
	} else if (v2(sa)->hint_gone) {
		n = 4; /* §2.4: a hint alone is not believed, but waited for less */
	}
	return v2(sa)->req_sent > n ? 0 : (uint32_t)rng_jitter(t[v2(sa)->req_sent - 1], 10);
}

static void on_rtx(void *arg)
{
	struct ike_sa *sa = arg;
	struct engine *e = sa->e;
	uint32_t ms;

	v2(sa)->req_sent++;
	ms = wait_ms(sa);
	if (ms == 0) {
		/* A Delete that waited for this answer waits no longer. */
		if (sa->want_delete && v2(sa)->task != TASK_DELETE_IKE &&
		    (sa->state == SA_ESTABLISHED || sa->state == SA_REKEYED)) {
			blob_free(&v2(sa)->req);
			v2(sa)->next_out++;
			sa_step(sa, EV_CLOSE, ROLE_EVENT, NULL);
		} else {
			sa_step(sa, EV_NO_ANSWER, ROLE_EVENT, NULL);
		}
		engine_reap(e);
		return;
	}
	sa->peer->retransmits++;
	timer_set(e->ts, &sa->rtx, ms);
	if (v2(sa)->req_sent == FRAGMENT_SMALLER_AT && v2(sa)->task != TASK_INIT)
		fragment_smaller(sa, &v2(sa)->req);
	fragment_send(sa, &sa->local, &sa->remote, &v2(sa)->req);
	mobike_probe(sa);
}

void rtx_init(struct ike_sa *sa)
{
	timer_init(&sa->rtx, on_rtx, sa);
}

static void header(const struct ike_sa *sa, struct out *o, uint8_t exchange,
		   uint8_t flags, uint32_t id)
{
	struct ike_hdr h = {
		.spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = exchange,
		.flags = flags | (sa->initiator ? IKE_FLAG_INITIATOR : 0), .msg_id = id,
	};

	build_begin(&o->b, o->buf, sizeof(o->buf), &h);
}

void out_request(struct ike_sa *sa, struct out *o, uint8_t exchange)
{
	header(sa, o, exchange, 0, v2(sa)->next_out);
	if (exchange != IKE_SA_INIT)
		sk_begin(v2(sa)->seal, &o->b);
}

void out_response(struct ike_sa *sa, struct out *o, uint8_t exchange)
{
	header(sa, o, exchange, IKE_FLAG_RESPONSE, v2(sa)->next_in);
	if (exchange != IKE_SA_INIT)
		sk_begin(v2(sa)->seal, &o->b);
}

static void send_first(struct ike_sa *sa, enum task task)
{
	v2(sa)->task = task;
	v2(sa)->req_sent = 1;
	timer_set(sa->e->ts, &sa->rtx, wait_ms(sa));
	fragment_send(sa, &sa->local, &sa->remote, &v2(sa)->req);
}

void out_send_plain(struct ike_sa *sa, const uint8_t *msg, size_t len, enum task task)
{
	if (blob_set(&v2(sa)->req, (struct slice){ msg, len }) < 0)
		log_error(sa->peer->conf.name, "out of memory");
	else
		send_first(sa, task);
}

void out_send_request(struct ike_sa *sa, struct out *o, enum task task)
{
	struct err err = { 0 };

	if (fragment_seal(sa, o, &v2(sa)->req, &err) < 0)
		log_error(sa->peer->conf.name, "cannot send: %s", err.msg);
	else
		send_first(sa, task);
}

/* To where the request came from, whatever is used otherwise (§2.11). */
static void answer(struct ike_sa *sa)
{
	if (addr_is_set(&v2(sa)->asked_remote.addr))
		fragment_send(sa, &v2(sa)->asked_local, &v2(sa)->asked_remote, &v2(sa)->resp);
	else
		fragment_send(sa, &sa->local, &sa->remote, &v2(sa)->resp);
}

void out_send_response(struct ike_sa *sa, struct out *o, uint32_t hold)
{
	struct blob *resp = &v2(sa)->resp;
	struct err err = { 0 };
	size_t len;
	int rc;

	if (o->b.sk_at)
		rc = fragment_seal(sa, o, resp, &err);
	else if ((rc = build_end(&o->b, &len, &err)) == 0)
		rc = blob_set(resp, (struct slice){ o->buf, len });
	if (rc < 0) {
		log_error(sa->peer->conf.name, "cannot answer: %s", err.msg);
		return;
	}
	v2(sa)->next_in++;
	v2(sa)->held_for = hold;
	v2(sa)->resp_again = 0;
	if (!hold)
		answer(sa);
}

void out_release(struct ike_sa *sa)
{
	v2(sa)->held_for = 0;
	if (v2(sa)->resp.p)
		answer(sa);
}

/* Answered to where the request came from (§2.1). */
void out_repeat(struct ike_sa *sa, const struct input *in)
{
	struct blob *resp = &v2(sa)->resp;

	if (!resp->p || v2(sa)->held_for)
		return;
	if (v2(sa)->resp_again < FRAGMENT_SMALLER_AT &&
	    ++v2(sa)->resp_again == FRAGMENT_SMALLER_AT - 1 && v2(sa)->seal &&
	    in->m->hdr.exchange != IKE_SA_INIT)
		fragment_smaller(sa, resp);
	fragment_send(sa, in->local, in->remote, resp);
}

void out_answer_empty(struct ike_sa *sa, uint8_t exchange)
{
	struct out o;

	out_response(sa, &o, exchange);
	out_send_response(sa, &o, 0);
}

void out_answer_notify(struct ike_sa *sa, uint8_t exchange, uint16_t type,
		       struct slice data)
{
	struct out o;

	out_response(sa, &o, exchange);
	build_notify(&o.b, PROTO_NONE, 0, 0, type, data);
	out_send_response(sa, &o, 0);
}

void req_done(struct ike_sa *sa)
{
	timer_stop(sa->e->ts, &sa->rtx);
	blob_free(&v2(sa)->req);
	v2(sa)->next_out++;
	v2(sa)->hint_gone = false;
}

void out_stranger(struct engine *e, const struct input *in, uint16_t type,
		  struct slice data)
{
	const struct ike_hdr *q = &in->m->hdr;
	struct ike_hdr h = {
		.spi_i = q->spi_i, .spi_r = q->spi_r, .exchange = q->exchange,
		.msg_id = q->msg_id, .flags = IKE_FLAG_RESPONSE |
			(ike_hdr_from_initiator(q) ? 0 : IKE_FLAG_INITIATOR),
	};
	struct err err = { 0 };
	uint8_t buf[256];
	struct build b;
	unsigned held;
	size_t len;

	/* A cookie answers for itself; all else to strangers is rationed. */
	if (type != N_COOKIE && !log_limit_pass(&e->stranger_reply, &held))
		return;
	build_begin(&b, buf, sizeof(buf), &h);
	build_notify(&b, PROTO_NONE, 0, 0, type, data);
	if (build_end(&b, &len, &err) == 0)
		e->env.send(e->env.arg, in->local, in->remote, buf, len);
}
