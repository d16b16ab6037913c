/* afalg_fake: a kernel with AF_ALG, made up. It computes by core/crypto what Linux's rfc4106,
 * rfc7539esp, authenc, authencesn, cbc and hmac do with the associated data and IV they are
 * given, and is as strict: wrong lengths, a second request in a socket that has one, reads
 * longer than the result are errors. Its requests fail, stall, and end late, short and out of
 * order as the test wants; a request that ends writes into the buffer that it was given, then
 * and not before. */
#ifndef ADIT_TESTS_AFALG_FAKE_H
#define ADIT_TESTS_AFALG_FAKE_H

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/crypto/cbc.h"
#include "core/crypto/crypto.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/engine/afalg_sys.h"
#include "tests/unit/t.h"

#include <errno.h>
#include <linux/if_alg.h>

#define FAKE_FD 1000
#define FAKE_SOCKS 512
#define FAKE_REQS 1024
#define FAKE_BUF (PKT_MAX + 64)

enum { TYPE_FREE, TYPE_AEAD, TYPE_CIPHER, TYPE_HASH };

struct fake_sock {
	int type;
	bool op;			/* accepted */
	struct afalg_ids ids;
	uint8_t encr_key[64], integ_key[64], icv_len;
	size_t encr_len, integ_len;
	bool has, seal;			/* a request waits to be read */
	uint8_t iv[16], data[FAKE_BUF];
	size_t iv_len, assoc, len;
};

struct fake_req {
	bool used;
	aio_context_t ctx;
	uint64_t at_ms;			/* when it ends; UINT64_MAX: never */
	uint64_t data;
	uint8_t *buf, out[FAKE_BUF];
	size_t n;			/* bytes to write */
	int64_t res;
};

/* What goes wrong, in percent of the calls. */
static struct {
	int setkey, hash_setkey;	/* errno of it, always */
	int setup, events;		/* errno of io_setup(), io_getevents(), always */
	int err;			/* errno of the requests below */
	unsigned bad_req, bad_send, bad_accept, bad_submit, bad_hash, shorter, stall, late;
	uint64_t late_ms;
	unsigned max_ms;		/* good ones take up to that long */
	bool no_shuffle;
} fault;

static struct fake_sock sock_of[FAKE_SOCKS];
static struct fake_req req_of[FAKE_REQS];
static aio_context_t fake_ring_id;
static unsigned fake_calls, fake_requests, fake_reads, fake_open, fake_rings, fake_most;

static bool chance(unsigned percent)
{
	return percent && rng_below(100) < percent;
}

static struct fake_sock *fake_at(int fd)
{
	CHECK(fd >= FAKE_FD && fd < FAKE_FD + FAKE_SOCKS && sock_of[fd - FAKE_FD].type);
	return &sock_of[fd - FAKE_FD];
}

static int fake_new(const struct fake_sock *from)
{
	for (int i = 0; i < FAKE_SOCKS; i++)
		if (!sock_of[i].type) {
			sock_of[i] = *from;
			fake_open++;
			return FAKE_FD + i;
		}
	errno = EMFILE;
	return -1;
}

static int fake_bind(int type, const struct afalg_ids *ids)
{
	struct fake_sock s = { .type = type, .ids = *ids };

	return fake_new(&s);
}

static int fake_dup(int fd)
{
	return fake_new(fake_at(fd));
}

static int fake_close(int fd)
{
	fake_at(fd)->type = TYPE_FREE;
	fake_open--;
	return 0;
}

static int refuse(int err)
{
	errno = err;
	return -1;
}

static int fake_setsockopt(int fd, int opt, const void *val, socklen_t len)
{
	struct fake_sock *s = fake_at(fd);
	const uint8_t *p = val;
	int v;

	CHECK(!s->op);
	if (opt == ALG_SET_AEAD_AUTHSIZE) {
		CHECK(s->type == TYPE_AEAD && !val);
		s->icv_len = (uint8_t)len;
		return fault.setkey == EBUSY ? refuse(EBUSY) : 0;
	}
	CHECK_INT(opt, ALG_SET_KEY);
	v = s->type == TYPE_HASH ? fault.hash_setkey : fault.setkey;
	if (v && v != EBUSY)
		return refuse(v);
	if (s->type == TYPE_HASH) {
		memcpy(s->integ_key, p, s->integ_len = len);
	} else if (s->type == TYPE_CIPHER || s->ids.integ == INTEG_NONE) {
		memcpy(s->encr_key, p, s->encr_len = len);
	} else {	/* authenc: the rtattr */
		uint16_t attr[2];

		memcpy(attr, p, 4);
		if (attr[0] != 8 || attr[1] != 1 || len < 8)
			return refuse(EINVAL);
		s->encr_len = (size_t)p[4] << 24 | (size_t)p[5] << 16 | (size_t)p[6] << 8 | p[7];
		s->integ_len = len - 8 - s->encr_len;
		memcpy(s->integ_key, p + 8, s->integ_len);
		memcpy(s->encr_key, p + 8 + s->integ_len, s->encr_len);
	}
	return v ? refuse(v) : 0;	/* EBUSY: it had that key, and is in use */
}

static int fake_accept(int fd)
{
	struct fake_sock s = *fake_at(fd);

	CHECK(!s.op && (s.encr_len || s.integ_len));
	if (chance(fault.bad_accept))
		return refuse(EMFILE);
	s.op = true;
	return fake_new(&s);
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *m)
{
	struct fake_sock *s = fake_at(fd);
	struct msghdr h = *m;
	uint32_t v;

	CHECK(s->op);
	fake_calls++;
	if (chance(s->type == TYPE_HASH ? fault.bad_hash : fault.bad_send))
		return refuse(fault.err);
	if (s->has)
		return refuse(EINVAL);
	s->len = s->assoc = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		CHECK_INT(c->cmsg_level, 279);
		memcpy(&v, CMSG_DATA(c), 4);
		if (c->cmsg_type == ALG_SET_OP) {
			s->seal = v == ALG_OP_ENCRYPT;
		} else if (c->cmsg_type == ALG_SET_IV) {
			CHECK(v <= 16 && c->cmsg_len == CMSG_LEN(4 + v));
			s->iv_len = v;
			memcpy(s->iv, CMSG_DATA(c) + 4, v);
		} else {
			CHECK_INT(c->cmsg_type, ALG_SET_AEAD_ASSOCLEN);
			CHECK_INT(s->type, TYPE_AEAD);
			s->assoc = v;
		}
	}
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		CHECK(s->len + m->msg_iov[i].iov_len <= sizeof(s->data));
		memcpy(s->data + s->len, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
		s->len += m->msg_iov[i].iov_len;
	}
	s->has = true;
	return (ssize_t)s->len;
}

/* rfc4106 and rfc7539esp: the last 8 bytes of the associated data are the IV once more, and no
 * part of what is authenticated. authenc: all of it is; authencesn: the high half of the number
 * stands between SPI and low half and is authenticated last. */
static int64_t do_aead(struct fake_sock *s, uint8_t *out, size_t cap)
{
	const struct alg *a = alg_get(ALG_ENCR, s->ids.encr, s->ids.encr_bits);
	const struct alg *g = s->ids.integ ? alg_get(ALG_INTEG, s->ids.integ, 0) : NULL;
	size_t head = s->ids.esn ? 12 : 8, tag = s->icv_len, len;
	struct err e = { 0 };
	struct aead *x;
	uint8_t aad[12], *p = s->data;
	struct aead_job j = { .aad = aad, .aad_len = head };
	int r;

	if (s->assoc != head + a->iv_len || s->iv_len != a->iv_len ||
	    tag != (g ? g->icv_len : 16) || s->len < s->assoc + (s->seal ? 0 : tag))
		return -EINVAL;
	CHECK_MEM(s->iv, p + head, a->iv_len);
	len = s->len - s->assoc - (s->seal ? 0 : tag);
	if (cap != s->assoc + len + (s->seal ? tag : 0))
		return -EINVAL;	/* Linux would wait for more */
	memcpy(aad, p, head);
	if (g && s->ids.esn) {
		memcpy(aad + 4, p + 8, 4);
		j.aad_len = 8;
		j.tail = p + 4;
		j.tail_len = 4;
	}
	x = aead_new(a, (struct slice){ s->encr_key, s->encr_len }, g,
		     (struct slice){ s->integ_key, s->integ_len }, &e);
	CHECK(x);
	memcpy(out, p, s->len);
	/* An HMAC covers header, IV and data as they lie; then the number's high half is out. */
	j.iv = out + head;
	j.data = out + s->assoc;
	j.len = len;
	j.icv = out + s->assoc + len;
	r = s->seal ? aead_seal(x, &j) : aead_open(x, &j);
	aead_free(x);
	return r < 0 ? (s->seal ? -EINVAL : -EBADMSG) : (int64_t)cap;
}

static int64_t do_cipher(struct fake_sock *s, uint8_t *out, size_t cap)
{
	const struct alg *a = alg_get(ALG_ENCR, s->ids.encr, s->ids.encr_bits);
	uint8_t nothing[32] = { 0 }, aad[8] = { 0 }, iv[16], icv[32];
	struct err e = { 0 };
	int r;

	if (s->iv_len != a->iv_len || cap != s->len || s->assoc)
		return -EINVAL;
	memcpy(out, s->data, s->len);
	memcpy(iv, s->iv, sizeof(iv));
	if (a->id == ENCR_AES_CTR) {	/* it is its own inverse */
		struct aead_job j = { .aad = aad, .aad_len = 8, .iv = iv, .data = out,
				      .len = s->len, .icv = icv };
		struct aead *x = aead_new(a, (struct slice){ s->encr_key, s->encr_len },
					  alg_get(ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0),
					  (struct slice){ nothing, 32 }, &e);
		static uint8_t line[FAKE_BUF];

		CHECK(x);
		memcpy(line, iv, a->iv_len);	/* IV and data lie side by side */
		memcpy(line + a->iv_len, out, s->len);
		j.iv = line;
		j.data = line + a->iv_len;
		r = aead_seal(x, &j);
		memcpy(out, j.data, s->len);
		aead_free(x);
	} else {
		struct cbc *x = cbc_new(a, (struct slice){ s->encr_key, s->encr_len }, &e);

		CHECK(x);
		r = s->seal ? cbc_encrypt(x, iv, out, s->len) : cbc_decrypt(x, iv, out, s->len);
		cbc_free(x);
	}
	return r < 0 ? -EINVAL : (int64_t)cap;
}

static int64_t fake_run(struct fake_sock *s, uint8_t *out, size_t cap)
{
	int64_t r;

	CHECK(s->op && cap <= FAKE_BUF);
	if (!s->has)
		return -EAGAIN;
	fake_requests++;
	if (chance(fault.bad_req)) {
		/* Some leave the data in the socket, some do not. */
		s->has = chance(50);
		memset(out, 0xee, cap);
		return -fault.err;
	}
	r = s->type == TYPE_AEAD ? do_aead(s, out, cap) : do_cipher(s, out, cap);
	s->has = r == -EINVAL;
	return r;
}

static ssize_t fake_read(int fd, void *buf, size_t len)
{
	struct fake_sock *s = fake_at(fd);
	static uint8_t out[FAKE_BUF];
	int64_t r;

	fake_reads++;
	if (s->type == TYPE_HASH) {
		static const uint16_t prf_of[] = {
			[INTEG_HMAC_MD5_96] = PRF_HMAC_MD5, [INTEG_HMAC_SHA1_96] = PRF_HMAC_SHA1,
			[INTEG_HMAC_SHA2_256_128] = PRF_HMAC_SHA2_256,
			[INTEG_HMAC_SHA2_384_192] = PRF_HMAC_SHA2_384,
			[INTEG_HMAC_SHA2_512_256] = PRF_HMAC_SHA2_512,
		};
		struct slice part = { s->data, s->len };

		CHECK(s->has);
		s->has = false;
		CHECK(prf(prf_of[s->ids.integ], (struct slice){ s->integ_key, s->integ_len },
			  &part, 1, buf) == 0);
		return (ssize_t)len;
	}
	r = fake_run(s, out, len);
	if (r < 0)
		return refuse((int)-r);
	if (chance(fault.shorter))
		r = rng_below((uint32_t)r);
	memcpy(buf, out, (size_t)r);
	return (ssize_t)r;
}

static int fake_io_setup(unsigned n, aio_context_t *ctx)
{
	CHECK(n && !*ctx);
	if (fault.setup)
		return refuse(fault.setup);
	*ctx = ++fake_ring_id;
	fake_rings++;
	return 0;
}

static unsigned fake_flying(void)
{
	unsigned n = 0;

	for (int i = 0; i < FAKE_REQS; i++)
		n += req_of[i].used;
	return n;
}

static int fake_io_submit(aio_context_t ctx, long n, struct iocb **cbs)
{
	CHECK(ctx && n > 0);
	for (long i = 0; i < n; i++) {
		struct fake_req *r = req_of;

		if (chance(fault.bad_submit))
			return i ? (int)i : refuse(fault.err);
		while (r->used)
			r++;
		CHECK(r < req_of + FAKE_REQS);
		CHECK_INT(cbs[i]->aio_lio_opcode, IOCB_CMD_PREAD);
		r->used = true;
		r->ctx = ctx;
		r->data = cbs[i]->aio_data;
		r->buf = (uint8_t *)(uintptr_t)cbs[i]->aio_buf;
		r->res = fake_run(fake_at((int)cbs[i]->aio_fildes), r->out, cbs[i]->aio_nbytes);
		r->n = cbs[i]->aio_nbytes;
		r->at_ms = clock_ms() + (fault.max_ms ? rng_below(fault.max_ms + 1) : 0);
		if (r->res > 0 && chance(fault.shorter))
			r->res = rng_below((uint32_t)r->res);
		if (chance(fault.late))
			r->at_ms = clock_ms() + fault.late_ms;
		if (chance(fault.stall))
			r->at_ms = UINT64_MAX;
	}
	if (fake_flying() > fake_most)
		fake_most = fake_flying();
	return (int)n;
}

/* Of those that are over, any. */
static struct fake_req *fake_over(aio_context_t ctx)
{
	unsigned from = fault.no_shuffle ? 0 : rng_below(FAKE_REQS);

	for (unsigned i = 0; i < FAKE_REQS; i++) {
		struct fake_req *r = &req_of[(from + i) % FAKE_REQS];

		if (r->used && r->ctx == ctx && r->at_ms <= clock_ms())
			return r;
	}
	return NULL;
}

static int fake_io_getevents(aio_context_t ctx, long min, long n, struct io_event *ev,
			     uint64_t timeout_ms)
{
	uint64_t until = clock_ms() + timeout_ms;
	long got = 0;

	CHECK(ctx);
	if (fault.events)
		return refuse(fault.events);
	for (;;) {
		uint64_t soonest = UINT64_MAX;
		struct fake_req *r;

		while (got < n && (r = fake_over(ctx))) {
			memcpy(r->buf, r->out, r->n);	/* the device writes now */
			ev[got++] = (struct io_event){ .data = r->data, .res = r->res };
			r->used = false;
		}
		if (got >= min)
			return (int)got;
		for (int i = 0; i < FAKE_REQS; i++)
			if (req_of[i].used && req_of[i].ctx == ctx && req_of[i].at_ms < soonest)
				soonest = req_of[i].at_ms;
		if (soonest > until) {
			clock_virtual_set(until);
			return (int)got;
		}
		clock_virtual_set(soonest);
	}
}

static int fake_io_destroy(aio_context_t ctx)
{
	CHECK(ctx && fake_rings);
	for (int i = 0; i < FAKE_REQS; i++)	/* the kernel would wait here */
		CHECK(!req_of[i].used || req_of[i].ctx != ctx);
	fake_rings--;
	return 0;
}

static const struct afalg_sys fake_kernel = {
	.dup = fake_dup, .close = fake_close, .setsockopt = fake_setsockopt,
	.accept = fake_accept, .sendmsg = fake_sendmsg, .read = fake_read,
	.io_setup = fake_io_setup, .io_submit = fake_io_submit,
	.io_getevents = fake_io_getevents, .io_destroy = fake_io_destroy,
};

#endif
