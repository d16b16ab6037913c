/* afalg_dev: the kernel's side of afalg.c. How requests are made is in Linux's
 * Documentation/crypto/userspace-if.rst: bind, set the key, accept an operation socket; then
 * sendmsg() with operation and IV as control messages and the data, and read the result.
 *
 * Kernel AIO and not io_uring: io_uring would save the sendmsg() of each request, but what is
 * done through a ring passes by the system call filter that espd lives under (it could open
 * files and sockets), a ring that aditd restricts first cannot be handed over (kernels refuse
 * rings in SCM_RIGHTS since 6.7, and in their stable branches), and it is switched off on many
 * systems (kernel.io_uring_disabled, small OpenWrt images). With AIO the reads of all slots
 * are one call and as asynchronous to the driver: it keeps a device as busy. */
#include "dataplane/engine/afalg_dev.h"

#include "core/base/secret.h"
#include "dataplane/engine/afalg_sys.h"

#include <errno.h>
#include <linux/if_alg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef SOL_ALG
#define SOL_ALG 279
#endif

#define PAGE 4096

/* Of the 4,096 descriptors that espd may have (core/daemon/sandbox.c) a quarter at least stays
 * for interfaces. Thirty keys that are busy at once never give a socket back. */
struct afalg_limits afalg_limits = { .easy = 512, .more = 2048, .keys = 3072 };
static unsigned sockets;	/* of all threads */

static bool take_sockets(unsigned n, unsigned most)
{
	if (__atomic_add_fetch(&sockets, n, __ATOMIC_RELAXED) <= most)
		return true;
	__atomic_sub_fetch(&sockets, n, __ATOMIC_RELAXED);
	return false;
}

static void give_sockets(unsigned n)
{
	__atomic_sub_fetch(&sockets, n, __ATOMIC_RELAXED);
}

static void io_begin(struct afalg_dev *d)
{
	d->ctx = 0;
	d->aio = afalg_sys->io_setup(AFALG_SLOTS, &d->ctx) == 0;
}

/* EBUSY: another worker's key of the same SA has set it, and works with it. */
static int set_option(const struct afalg_dev *d, int opt, const void *val, socklen_t len)
{
	return afalg_sys->setsockopt(d->bound, opt, val, len) < 0 && errno != EBUSY ? -1 : 0;
}

int afalg_dev_init(struct afalg_dev *d, const struct afalg_dev_conf *c, struct err *e)
{
	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < AFALG_SLOTS; i++)
		d->slot[i].fd = -1;
	d->aead = c->aead;
	d->async = c->async;
	d->iv_len = c->iv_len;
	d->assoc_len = c->assoc_len;
	d->least = 2 + c->others;
	if (!take_sockets(d->least, afalg_limits.keys))
		return err_set(e, "too many AF_ALG sockets are in use");
	d->bound = afalg_sys->dup(c->fd);
	if (d->bound < 0) {
		err_errno(e, "AF_ALG socket");
		give_sockets(d->least);
		return -1;
	}
	if (set_option(d, ALG_SET_KEY, c->key.p, (socklen_t)c->key.len) < 0)
		err_errno(e, "the kernel's driver refuses a key of this size");
	else if (c->aead && set_option(d, ALG_SET_AEAD_AUTHSIZE, NULL, c->icv_len) < 0)
		err_errno(e, "the kernel's driver refuses an ICV of %u bytes", c->icv_len);
	else {
		io_begin(d);
		return 0;
	}
	afalg_sys->close(d->bound);
	give_sockets(d->least);
	return -1;
}

/* ---- slots ---- */

static void close_slot(struct afalg_dev *d, struct afalg_slot *s)
{
	if (s->fd < 0)
		return;
	afalg_sys->close(s->fd);
	s->fd = -1;
	if (--d->ops)
		give_sockets(1);
}

/* False: there are too many already. An error leaves the slot without. */
static bool open_slot(struct afalg_dev *d, struct afalg_slot *s)
{
	if (d->ops && !take_sockets(1, afalg_limits.more))
		return false;
	s->fd = afalg_sys->accept(d->bound);
	if (s->fd >= 0)
		d->ops++;
	else if (d->ops)
		give_sockets(1);
	return true;
}

/* Only when nobody writes into it any more. */
static void unmap_slot(struct afalg_slot *s)
{
	if (s->buf) {
		secret_wipe(s->buf, s->cap);
		munmap(s->buf, s->cap);
	}
	s->buf = NULL;
	s->cap = 0;
}

static bool room(struct afalg_slot *s, size_t want)
{
	size_t cap = (want + PAGE - 1) / PAGE * PAGE;
	void *p;

	if (s->cap >= want)
		return true;
	p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return false;
	unmap_slot(s);
	s->buf = p;
	s->cap = cap;
	return true;
}

static void ended(struct afalg_dev *d, struct afalg_slot *s, int64_t res)
{
	if (s->state == AFALG_STALLED) {
		/* Long given up. Its socket may be anything: another takes its place. */
		close_slot(d, s);
		s->state = AFALG_FREE;
		d->stalled--;
		return;
	}
	if (s->state == AFALG_FLYING)
		d->flying--;
	else
		d->staged--;
	s->res = res >= 0 && (size_t)res != s->want ? -EIO : res;
	s->state = AFALG_DONE;
	d->done++;
}

static void reap(struct afalg_dev *d, unsigned min, uint64_t ms)
{
	struct io_event ev[AFALG_SLOTS];
	int n = afalg_sys->io_getevents(d->ctx, min, AFALG_SLOTS, ev, ms);

	for (int i = 0; i < n; i++) {
		if (ev[i].data >= AFALG_SLOTS)
			continue;
		struct afalg_slot *s = &d->slot[ev[i].data];

		if (s->state == AFALG_FLYING || s->state == AFALG_STALLED)
			ended(d, s, ev[i].res);
	}
}

bool afalg_dev_fini(struct afalg_dev *d)
{
	for (size_t i = 0; i < AFALG_SLOTS; i++)
		if (d->slot[i].state == AFALG_FLYING)
			(void)afalg_dev_give_up(d);
	if (d->stalled)
		reap(d, 0, 0);
	for (size_t i = 0; i < AFALG_SLOTS; i++) {
		struct afalg_slot *s = &d->slot[i];

		if (s->state == AFALG_STALLED)
			continue;
		close_slot(d, s);
		unmap_slot(s);
	}
	/* The kernel waits in io_destroy() for what is in flight, however long. */
	if (d->stalled)
		return false;
	if (d->aio)
		(void)afalg_sys->io_destroy(d->ctx);
	d->aio = false;
	afalg_sys->close(d->bound);
	d->bound = -1;
	give_sockets(d->least);
	return true;
}

/* ---- requests ---- */

static struct afalg_slot *free_slot(struct afalg_dev *d)
{
	struct afalg_slot *fresh = NULL;

	for (size_t i = 0; i < AFALG_SLOTS; i++) {
		struct afalg_slot *s = &d->slot[i];

		if (s->state != AFALG_FREE)
			continue;
		if (s->fd >= 0)
			return s;
		if (!fresh)
			fresh = s;
	}
	return fresh && open_slot(d, fresh) ? fresh : NULL;
}

static struct cmsghdr *put_cmsg(struct msghdr *m, struct cmsghdr *c, int type, size_t len)
{
	c->cmsg_level = SOL_ALG;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	m->msg_controllen += CMSG_SPACE(len);
	return (struct cmsghdr *)((char *)c + CMSG_SPACE(len));
}

static void control(const struct afalg_dev *d, struct msghdr *m, const struct afalg_ask *a)
{
	uint32_t op = a->seal ? ALG_OP_ENCRYPT : ALG_OP_DECRYPT, iv_len = d->iv_len;
	struct cmsghdr *c = m->msg_control;

	memcpy(CMSG_DATA(c), &op, sizeof(op));
	c = put_cmsg(m, c, ALG_SET_OP, sizeof(op));
	memcpy(CMSG_DATA(c), &iv_len, sizeof(iv_len));
	memcpy(CMSG_DATA(c) + sizeof(iv_len), a->iv, iv_len);
	c = put_cmsg(m, c, ALG_SET_IV, sizeof(iv_len) + iv_len);
	if (!d->aead)
		return;
	memcpy(CMSG_DATA(c), &d->assoc_len, sizeof(d->assoc_len));
	(void)put_cmsg(m, c, ALG_SET_AEAD_ASSOCLEN, sizeof(d->assoc_len));
}

int afalg_dev_stage(struct afalg_dev *d, const struct afalg_ask *a)
{
	_Alignas(struct cmsghdr) char ctl[AFALG_CMSG_LEN] = { 0 };
	struct msghdr m = { .msg_iov = (struct iovec *)a->iov, .msg_iovlen = a->n_iov,
			    .msg_control = ctl };
	struct afalg_slot *s = free_slot(d);
	size_t len = 0;
	ssize_t sent;

	if (!s)
		return -1;
	if (s->fd < 0 || !room(s, a->want))
		return -2;
	for (size_t i = 0; i < a->n_iov; i++)
		len += a->iov[i].iov_len;
	control(d, &m, a);
	sent = afalg_sys->sendmsg(s->fd, &m);
	if (sent < 0 || (size_t)sent != len) {
		/* What is left in the socket would become part of the next request. */
		close_slot(d, s);
		return -2;
	}
	s->want = a->want;
	s->tag = a->tag;
	s->state = AFALG_STAGED;
	d->staged++;
	return 0;
}

static void read_now(struct afalg_dev *d, struct afalg_slot *s)
{
	ssize_t n = afalg_sys->read(s->fd, s->buf, s->want);

	ended(d, s, n < 0 ? -errno : n);
}

static void submit_aio(struct afalg_dev *d)
{
	struct iocb *cbs[AFALG_SLOTS];
	struct afalg_slot *of[AFALG_SLOTS];
	long n = 0, at = 0;

	for (size_t i = 0; i < AFALG_SLOTS; i++) {
		struct afalg_slot *s = &d->slot[i];

		if (s->state != AFALG_STAGED)
			continue;
		memset(&s->cb, 0, sizeof(s->cb));
		s->cb.aio_data = i;
		s->cb.aio_lio_opcode = IOCB_CMD_PREAD;
		s->cb.aio_fildes = (uint32_t)s->fd;
		s->cb.aio_buf = (uintptr_t)s->buf;
		s->cb.aio_nbytes = s->want;
		of[n] = s;
		cbs[n++] = &s->cb;
	}
	while (at < n) {
		int took = afalg_sys->io_submit(d->ctx, n - at, cbs + at);

		/* The first of the rest is refused; those behind it may be taken. */
		if (took <= 0) {
			ended(d, of[at], took < 0 ? -errno : -EAGAIN);
			at++;
			continue;
		}
		for (; took > 0 && at < n; took--) {
			of[at++]->state = AFALG_FLYING;
			d->staged--;
			d->flying++;
		}
	}
}

void afalg_dev_submit(struct afalg_dev *d)
{
	/* One alone that is over when the call returns takes a call less read plainly. */
	bool plain = !d->aio || (!d->async && d->staged == 1 && !d->flying);

	if (!d->staged)
		return;
	if (!plain) {
		submit_aio(d);
		return;
	}
	for (size_t i = 0; i < AFALG_SLOTS; i++)
		if (d->slot[i].state == AFALG_STAGED)
			read_now(d, &d->slot[i]);
}

void afalg_dev_wait(struct afalg_dev *d, unsigned min, uint64_t ms)
{
	if (!d->flying && !d->stalled)
		return;
	if (min > d->flying)
		min = d->flying;
	reap(d, min, min ? ms : 0);
}

struct afalg_slot *afalg_dev_done(struct afalg_dev *d)
{
	for (size_t i = 0; d->done && i < AFALG_SLOTS; i++)
		if (d->slot[i].state == AFALG_DONE)
			return &d->slot[i];
	return NULL;
}

void afalg_dev_release(struct afalg_dev *d, struct afalg_slot *s)
{
	/* After EBADMSG the kernel has used up what was sent; after other errors it may not. */
	if (s->res < 0 && s->res != -EBADMSG)
		close_slot(d, s);
	s->state = AFALG_FREE;
	d->done--;
}

struct afalg_slot *afalg_dev_give_up(struct afalg_dev *d)
{
	for (size_t i = 0; d->flying && i < AFALG_SLOTS; i++) {
		struct afalg_slot *s = &d->slot[i];

		if (s->state != AFALG_FLYING)
			continue;
		s->state = AFALG_STALLED;
		d->flying--;
		d->stalled++;
		return s;
	}
	return NULL;
}

void afalg_dev_idle(struct afalg_dev *d)
{
	unsigned kept = 0;

	if (__atomic_load_n(&sockets, __ATOMIC_RELAXED) <= afalg_limits.easy)
		return;
	for (size_t i = 0; d->ops > AFALG_KEEP && i < AFALG_SLOTS; i++) {
		struct afalg_slot *s = &d->slot[i];

		if (s->state == AFALG_FREE && s->fd >= 0 && ++kept > AFALG_KEEP)
			close_slot(d, s);
	}
}
