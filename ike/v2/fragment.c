/* fragment: cut and joined. Nothing of a message is kept beside its sealed form: to cut it
 * anew it is opened with our own key. What is being put together is bounded per IKE SA, and
 * for those that did not authenticate yet all together. */
#include "ike/v2/fragment.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "ike/engine/tap.h"
#include "ike/v2/v2.h"
#include "ike/wire/skf.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_USUAL 1280		/* IPv6 carries that everywhere, and so does nearly all of IPv4 */
#define SIZE_SMALL 576		/* IPv4 carries that everywhere */
#define HALF_OPEN_BYTES (4u << 20)	/* of all that did not authenticate yet */
#define WAIT_MS 70000		/* longer than any peer repeats a request */

struct fragment_in {
	struct ike_sa *sa;
	struct skf *skf;
	struct timer timer;
};

/* ---- out ---- */

/* How long a message may be, IKE header included, so that its packet keeps to size. */
static size_t room(const struct ike_sa *sa, size_t size)
{
	size_t around = (sa->remote.addr.family == AF_INET6 ? 40 : 20) + 8 +
			(sa->local.port == sa->e->natt_port ? 4 : 0);

	return size > around ? size - around : 0;
}

/* 0: never cut. */
static size_t limit(const struct ike_sa *sa)
{
	const struct peer_conf *c = &sa->peer->conf;
	bool v4 = sa->remote.addr.family == AF_INET;

	if (!v2(sa)->fragments)
		return 0;
	if (c->fragment_size)
		return room(sa, c->fragment_size);
	if (v4 && (v2(sa)->path_small || c->fragmentation == FRAGMENT_FORCE))
		return room(sa, SIZE_SMALL);
	return room(sa, SIZE_USUAL);
}

static int seal(struct ike_sa *sa, struct build *b, size_t most, struct blob *to,
		struct err *e)
{
	struct blob cut = { 0 };
	size_t len;

	if (!most || !wr_ok(&b->w) || sk_whole_len(v2(sa)->seal, b) <= most) {
		if (sk_end(v2(sa)->seal, b, &len, e) < 0)
			return -1;
		return blob_set(to, (struct slice){ b->w.buf, len }) < 0 ?
			err_set(e, "out of memory") : 0;
	}
	if (skf_end(v2(sa)->seal, b, most, &cut.p, &cut.len, e) < 0)
		return -1;
	blob_free(to);
	*to = cut;
	return 0;
}

static void tap_sealed(struct ike_sa *sa, struct build *b)
{
	struct rd r = rd_init(b->w.buf, IKE_HDR_LEN);
	struct ike_hdr h = { .spi_i = rd_u64(&r), .spi_r = rd_u64(&r) };
	struct slice inner;
	uint8_t first;

	rd_skip(&r, 1);
	h.version = rd_u8(&r);
	h.exchange = rd_u8(&r);
	h.flags = rd_u8(&r);
	h.msg_id = rd_u32(&r);
	inner = sk_inner(v2(sa)->seal, b, &first);
	tap_inner(sa, true, &h, first, inner);
}

int fragment_seal(struct ike_sa *sa, struct out *o, struct blob *to, struct err *e)
{
	build_close(&o->b);
	if (tap_wanted(sa) && wr_ok(&o->b.w))
		tap_sealed(sa, &o->b);
	return seal(sa, &o->b, limit(sa), to, e);
}

void fragment_send(const struct ike_sa *sa, const struct endpoint *local,
		   const struct endpoint *remote, const struct blob *b)
{
	struct slice left = blob_slice(b), one;

	while ((one = skf_next(&left)).len)
		sa->e->env.send(sa->e->env.arg, local, remote, one.p, one.len);
}

/* Our own messages, opened: the inner payloads into buf. *len 0: they cannot be. */
static uint8_t reopen(const struct ike_sa *sa, const struct blob *b, uint8_t *buf, size_t *len,
		      struct ike_hdr *h)
{
	struct err err = { 0 };
	struct sk *s = sa_sk(sa, sa->initiator, &err);
	struct skf *f = skf_new(0, MSG_CAP);
	struct slice left = blob_slice(b), one, in = { 0 };
	struct ike_msg m = { 0 };
	enum skf_got got = SKF_MORE;
	uint8_t first = 0;

	*len = 0;
	while (s && f && (one = skf_next(&left)).len) {
		uint8_t *at = (uint8_t *)(uintptr_t)one.p;

		/* In place: b is sealed anew, or given up, after this. */
		if (ike_msg_parse(at, one.len, &m, &err) < 0)
			break;
		*h = m.hdr;
		if (!m.frags) {
			if (sk_decrypt(s, &m, &in, &err) == 0)
				first = m.sk_next;
			break;
		}
		if (skf_add(f, s, &m, &got, &err) < 0)
			break;
	}
	if (got == SKF_WHOLE)
		in = skf_inner(f, &first);
	if (in.len && in.len <= MSG_CAP) {
		memcpy(buf, in.p, in.len);
		*len = in.len;
	}
	skf_free(f);
	sk_free(s);
	return first;
}

void fragment_smaller(struct ike_sa *sa, struct blob *b)
{
	struct slice left = blob_slice(b);
	struct blob copy = { 0 };
	struct err err = { 0 };
	uint8_t *plain = NULL;
	struct out *o = NULL;
	struct ike_hdr h;
	uint8_t first;
	size_t len;

	if (!v2(sa)->fragments || sa->peer->conf.fragment_size ||
	    sa->remote.addr.family != AF_INET ||
	    skf_next(&left).len <= room(sa, SIZE_SMALL))
		return;
	if (blob_set(&copy, blob_slice(b)) < 0)
		return;
	plain = malloc(MSG_CAP);
	o = malloc(sizeof(*o));
	if (!plain || !o)
		goto out;
	first = reopen(sa, &copy, plain, &len, &h);
	if (!len)
		goto out;
	build_begin(&o->b, o->buf, sizeof(o->buf), &h);
	sk_begin(v2(sa)->seal, &o->b);
	wr_patch_u8(&o->b.w, o->b.sk_at, first);
	wr_bytes(&o->b.w, plain, len);
	v2(sa)->path_small = true;
	if (seal(sa, &o->b, room(sa, SIZE_SMALL), b, &err) < 0)
		log_debug(sa->peer->conf.name, "in smaller pieces: %s", err.msg);
	else
		log_debug(sa->peer->conf.name,
			  "no answer: the IKE message is sent in pieces of %d bytes",
			  SIZE_SMALL);
out:
	if (plain)
		secret_wipe(plain, MSG_CAP);
	if (o)
		secret_wipe(o, sizeof(*o));
	free(plain);
	free(o);
	blob_free(&copy);
}

/* ---- in ---- */

static void drop(struct fragment_in *in)
{
	struct engine *e = in->sa->e;

	if (in->skf)
		e->fragment_bytes -= skf_bytes(in->skf);
	skf_free(in->skf);
	in->skf = NULL;
}

void fragment_forget(struct ike_sa *sa)
{
	struct fragment_in *in = v2(sa)->fragment_in;

	if (!in)
		return;
	drop(in);
	timer_stop(sa->e->ts, &in->timer);
	free(in);
	v2(sa)->fragment_in = NULL;
}

static void on_timer(void *arg)
{
	struct fragment_in *in = arg;

	fragment_forget(in->sa);
}

static int begin(struct ike_sa *sa, uint32_t msg_id)
{
	struct fragment_in *in = v2(sa)->fragment_in;

	if (in && in->skf && skf_msg_id(in->skf) == msg_id)
		return 0;
	if (!in) {
		in = calloc(1, sizeof(*in));
		if (!in)
			return -1;
		in->sa = sa;
		timer_init(&in->timer, on_timer, in);
		v2(sa)->fragment_in = in;
	}
	drop(in);
	in->skf = skf_new(msg_id, MSG_CAP);
	return in->skf ? 0 : -1;
}

struct skf *fragment_open(struct ike_sa *sa, struct ike_msg *m, struct err *e)
{
	struct engine *en = sa->e;
	struct fragment_in *in;
	struct skf *whole = NULL;
	enum skf_got got = SKF_MORE;
	struct sk *s;
	size_t had;
	int rc;

	m->error = 0;
	if (!v2(sa)->fragments) {
		err_set(e, "a fragment came, which was not negotiated");
		return NULL;
	}
	if (!sa->established_ms && en->fragment_bytes > HALF_OPEN_BYTES) {
		err_set(e, "too many unfinished messages");
		return NULL;
	}
	s = sa_sk(sa, !sa->initiator, e);
	if (!s)
		return NULL;
	/* A response and a request never are put together at once: with a window of one each
	 * way the peer does not send both in pieces but when they cross, and repeats then. */
	if (begin(sa, m->hdr.msg_id << 1 | ike_hdr_is_response(&m->hdr)) < 0) {
		err_set(e, "out of memory");
		sk_free(s);
		return NULL;
	}
	in = v2(sa)->fragment_in;
	had = skf_bytes(in->skf);
	rc = skf_add(in->skf, s, m, &got, e);
	en->fragment_bytes += skf_bytes(in->skf) - had;
	sk_free(s);
	if (rc == 0 && got == SKF_WHOLE) {
		whole = in->skf;
		en->fragment_bytes -= skf_bytes(whole);
		in->skf = NULL;
	}
	/* Done, or nothing authentic yet, or authentic and broken. */
	if (!in->skf || !skf_bytes(in->skf) || m->error)
		fragment_forget(sa);
	else if (got == SKF_MORE)
		timer_set(en->ts, &in->timer, WAIT_MS);
	if (rc == 0)
		*e = (struct err){ 0 };
	return whole;
}

bool fragment_asks_again(struct ike_sa *sa, struct ike_msg *m)
{
	struct err err = { 0 };
	struct slice plain;
	struct sk *s;
	bool ok;

	if (m->frag != 1)
		return false;
	s = sa_sk(sa, !sa->initiator, &err);
	if (!s)
		return false;
	ok = sk_decrypt(s, m, &plain, &err) == 0;
	sk_free(s);
	return ok;
}
