/* ipc: the table of messages and the links that obey it. Both ends check, so that neither a
 * bug of ours nor a subverted child gets a message of another shape through. */
#include "core/ipc/ipc.h"

#include "core/base/loop.h"
#include "core/base/secret.h"
#include "core/ipc/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define M (1u << ROLE_MONITOR)
#define I (1u << ROLE_IKED)
#define V (1u << ROLE_VAULTD)
#define E (1u << ROLE_ESPD)

/* from -> to, and for the types that go both ways from2 -> to2. */
struct row {
	const char *name;
	uint16_t len;		/* of the body … */
	uint16_t least;		/* … which may be as short as this; 0: it may not */
	uint8_t fds_min, fds_max;
	uint8_t from, to, from2, to2;
};

#define ROW(t, size, lo, hi, f, d) \
	[t] = { .name = #t, .len = (size), .fds_min = (lo), .fds_max = (hi), .from = (f), .to = (d) }
#define BODY(t, type, f, d) ROW(t, sizeof(struct type), 0, 0, f, d)
#define BARE(t, f, d) ROW(t, 0, 0, 0, f, d)
/* Its last member is an array that is not sent whole. */
#define UP_TO(t, type, last, f, d) \
	[t] = { .name = #t, .len = sizeof(struct type), \
		.least = offsetof(struct type, last), .from = (f), .to = (d) }

static const struct row rows[] = {
	BARE(MSG_READY, I | V | E, M),
	BODY(MSG_LOG, log_line, I | V | E, M),
	BODY(MSG_CHILD_START, msg_child_start, M, I | V | E),

	BODY(MSG_IKED_START, msg_iked_start, M, I),
	ROW(MSG_IKED_SOCKETS, sizeof(struct msg_iked_sockets), 0, 5, M, I),
	ROW(MSG_VAULT_LINK, 0, 1, 1, M, I),
	BODY(MSG_PEER_SET, msg_peer, M, I),
	BODY(MSG_CHILD_SET, msg_child, M, I),
	BODY(MSG_PEER_APPLY, msg_name, M, I),
	BODY(MSG_PEER_REMOVE, msg_name, M, I),
	BODY(MSG_LOCAL_ADDR, msg_local_addr, M, I),
	BODY(MSG_SETTINGS_DONE, msg_result, M, I),
	BODY(MSG_DATAPLANE, msg_dataplane, M, I),
	BARE(MSG_DATAPLANE_LOST, M, I),
	BODY(MSG_SA_ADDED, msg_result, M, I),
	BODY(MSG_SA_STATS, sa_stats, M, I),
	BODY(MSG_SA_EVENT, msg_sa_event, M, I),
	BODY(MSG_LOG_LINE, log_line, M, I),
	BODY(MSG_SYSTEM, msg_system, M, I),
	BARE(MSG_STOP, M, I),
	BODY(MSG_SECRET_CHANGED, msg_name, M, I),
	BODY(MSG_PEER_PATHS, msg_peer_paths, M, I),
	BODY(MSG_PEER_WANTED, msg_name, M, I),
	ROW(MSG_DNS_SOCKETS, sizeof(struct msg_dns_sockets), 0, DNS_SERVERS_MAX, M, I),
	ROW(MSG_PKI, sizeof(struct msg_pki), 0, 1, M, I | V),

	BODY(MSG_SA_ADD, sa_child, I, M),
	BODY(MSG_SA_ACTIVATE, msg_sa_ref, I, M),
	BODY(MSG_SA_UPDATE, msg_sa_update, I, M),
	BODY(MSG_SA_DEL, msg_sa_ref, I, M),
	BODY(MSG_SA_QUERY, msg_sa_ref, I, M),
	BODY(MSG_PEER_UP, msg_peer_state, I, M),
	BODY(MSG_PEER_DOWN, msg_peer_state, I, M),
	BARE(MSG_RELOAD, I, M),
	BARE(MSG_RESTART, I, M),
	[MSG_LOG_LEVEL] = { .name = "MSG_LOG_LEVEL", .len = sizeof(struct msg_number),
			    .from = I, .to = M, .from2 = M, .to2 = I | V | E },
	BARE(MSG_STOPPED, I, M),
	BODY(MSG_PEER_ADDRS, msg_peer_addrs, I, M),
	BODY(MSG_DNS_WANT, msg_dns_want, I, M),
	BARE(MSG_COUNTERS_QUERY, I, M),
	BODY(MSG_COUNTERS, msg_counters, M, I),
	BODY(MSG_SA_MOVED, msg_sa_update, M, I),
	UP_TO(MSG_IKE_DATAGRAM, msg_ike_datagram, bytes, M, I),

	BODY(MSG_SECRET_SET, msg_secret, M, V),
	BODY(MSG_SECRET_REMOVE, msg_name, M, V),
	ROW(MSG_IKE_LINK, 0, 1, 1, M, V),

	BODY(MSG_AUTH_SIGN, msg_auth, I, V),
	BODY(MSG_AUTH_VERIFY, msg_auth, I, V),
	BODY(MSG_AUTH_DONE, msg_auth_done, V, I),

	BODY(MSG_ESPD_START, msg_espd_start, M, E),
	ROW(MSG_ESPD_SOCKETS, sizeof(struct msg_espd_sockets), 0, 4, M, E),
	ROW(MSG_TUN_ADD, sizeof(struct msg_tun), 1, WORKERS_MAX, M, E),
	BODY(MSG_TUN_DEL, msg_tun, M, E),
	ROW(MSG_ESPD_SA_ADD, sizeof(struct msg_espd_sa), 0, 8, M, E),
	BODY(MSG_ESPD_SA_ACTIVATE, msg_sa_ref, M, E),
	BODY(MSG_ESPD_SA_UPDATE, msg_sa_update, M, E),
	BODY(MSG_ESPD_SA_DEL, msg_sa_ref, M, E),
	BODY(MSG_ESPD_SA_QUERY, msg_sa_ref, M, E),
	BODY(MSG_ESPD_SA_ADDED, msg_result, E, M),
	BODY(MSG_ESPD_SA_STATS, sa_stats, E, M),
	BODY(MSG_ESPD_SA_EVENT, msg_sa_event, E, M),
	BODY(MSG_ESPD_WANTED, msg_tun, E, M),
	BARE(MSG_ESPD_COUNTERS_QUERY, M, E),
	BODY(MSG_ESPD_COUNTERS, msg_counters, E, M),
	UP_TO(MSG_ESPD_IKE, msg_ike_datagram, bytes, E, M),
};

_Static_assert(sizeof(struct msg_auth) <= IPC_BODY_MAX, "msg_auth fits");
_Static_assert(sizeof(struct msg_peer) <= IPC_BODY_MAX, "msg_peer fits");
_Static_assert(sizeof(struct msg_child) <= IPC_BODY_MAX, "msg_child fits");
_Static_assert(sizeof(struct msg_espd_sa) <= IPC_BODY_MAX, "msg_espd_sa fits");
_Static_assert(sizeof(struct msg_ike_datagram) <= IPC_BODY_MAX, "msg_ike_datagram fits");

#undef M
#undef I
#undef V
#undef E

/* A hundred peers are some 300 kB at once; a link that holds this much has a reader that
 * does not read. */
#define QUEUE_BYTES (8u * 1024 * 1024)
/* Messages handled in one turn of the loop, so that one busy link starves no other. */
#define TURN 64

static const char *const role_names[] = {
	[ROLE_MONITOR] = "aditd", [ROLE_IKED] = "iked", [ROLE_VAULTD] = "vaultd",
	[ROLE_ESPD] = "espd",
};

struct queued {
	struct queued *next;
	size_t size;		/* of hdr and body */
	size_t n_fds;
	int fds[IPC_FDS_MAX];	/* our own copies */
	struct ipc_hdr hdr;
	uint8_t body[];
};

struct ipc {
	int fd;
	enum ipc_role self, peer;
	struct loop *loop;
	void (*on_msg)(void *arg, struct ipc_msg *m);
	void (*on_closed)(void *arg, const struct err *why);
	void (*on_cut)(void *arg, const struct ipc_msg *m);
	void *arg;
	struct queued *head, **tail;
	size_t queued_bytes, expected_bytes;
	unsigned depth;		/* handlers running; ipc_free() waits for them */
	bool freed, down;
	unsigned refused;
	struct err why;		/* of down */
	size_t body_len;	/* bytes to wipe */
	_Alignas(16) uint8_t body[IPC_BODY_MAX];
};

const char *ipc_role_name(enum ipc_role role)
{
	return role_names[role];
}

const char *ipc_type_name(uint16_t type)
{
	if (type >= sizeof(rows) / sizeof(rows[0]) || !rows[type].name)
		return "unknown message";
	return rows[type].name;
}

static bool goes(const struct row *r, enum ipc_role from, enum ipc_role to)
{
	return ((r->from >> from & 1) && (r->to >> to & 1)) ||
	       ((r->from2 >> from & 1) && (r->to2 >> to & 1));
}

/* The one check for both directions. */
static int check(uint16_t type, enum ipc_role from, enum ipc_role to, size_t len, size_t n_fds,
		 struct err *e)
{
	const struct row *r = &rows[type < sizeof(rows) / sizeof(rows[0]) ? type : 0];

	if (!r->name)
		return err_set(e, "message type %u is unknown", type);
	if (!goes(r, from, to))
		return err_set(e, "%s may not send %s to %s", role_names[from], r->name,
			       role_names[to]);
	if (r->least && (len < r->least || len > r->len))
		return err_set(e, "%s has %zu bytes, not %u to %u", r->name, len, r->least,
			       r->len);
	if (!r->least && len != r->len)
		return err_set(e, "%s has %zu bytes, not %u", r->name, len, r->len);
	if (n_fds < r->fds_min || n_fds > r->fds_max)
		return err_set(e, "%s came with %zu descriptors", r->name, n_fds);
	return 0;
}

int ipc_pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return err_errno(e, "socketpair");
	return 0;
}

struct ipc *ipc_new(int fd, enum ipc_role self, enum ipc_role peer, struct err *e)
{
	struct ipc *c = calloc(1, sizeof(*c));

	if (!c) {
		err_errno(e, "out of memory");
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->tail = &c->head;
	return c;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void queued_free(struct queued *q)
{
	close_all(q->fds, q->n_fds);
	secret_wipe(q, sizeof(*q) + q->size - sizeof(q->hdr));
	free(q);
}

static void drop_queue(struct ipc *c)
{
	while (c->head) {
		struct queued *q = c->head;

		c->head = q->next;
		queued_free(q);
	}
	c->tail = &c->head;
	c->queued_bytes = 0;
}

static void wipe_body(struct ipc *c)
{
	secret_wipe(c->body, c->body_len);
	c->body_len = 0;
}

static void destroy(struct ipc *c)
{
	wipe_body(c);
	free(c);
}

void ipc_free(struct ipc *c)
{
	if (!c)
		return;
	if (c->loop)
		loop_del(c->loop, c->fd);
	close(c->fd);
	c->fd = -1;
	c->loop = NULL;
	c->down = c->freed = true;
	drop_queue(c);
	if (!c->depth)
		destroy(c);
}

int ipc_fd(const struct ipc *c)
{
	return c->fd;
}

unsigned ipc_refused(const struct ipc *c)
{
	return c->refused;
}

/* 0 sent, 1 the socket is full, -1 the link is down (errno). */
static int send_now(struct ipc *c, const struct ipc_hdr *h, const void *body,
		    const int *fds, size_t n_fds)
{
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)h, .iov_len = sizeof(*h) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = h->len },
	};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} ctl;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = h->len ? 2 : 1 };
	ssize_t n;

	if (n_fds) {
		struct cmsghdr *cm = &ctl.align;

		memset(&ctl, 0, sizeof(ctl));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cm), fds, sizeof(int) * n_fds);
		m.msg_control = &ctl;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* ETOOMANYREFS: too many descriptors in flight; it passes as the reader reads. */
	return errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS ? 1 : -1;
}

static void watch(struct ipc *c)
{
	if (c->loop)
		loop_mod(c->loop, c->fd, EPOLLIN | (c->head ? (uint32_t)EPOLLOUT : 0));
}

/* Something broke: from now on nothing goes either way. on_closed is called from the loop
 * alone, never from within ipc_send(), whose caller would not expect it. */
static void fail(struct ipc *c)
{
	if (c->down)
		return;
	c->down = true;
	drop_queue(c);
	/* Makes the loop call us, and the other end notice. */
	shutdown(c->fd, SHUT_RDWR);
	watch(c);
}

void ipc_expect(struct ipc *c, size_t bytes)
{
	if (c)
		c->expected_bytes = bytes;
}

static int enqueue(struct ipc *c, const struct ipc_hdr *h, const void *body, const int *fds,
		   size_t n_fds)
{
	size_t size = sizeof(*h) + h->len;
	struct queued *q;

	if (c->queued_bytes + size > QUEUE_BYTES + c->expected_bytes) {
		err_set(&c->why, "%s does not read its messages", role_names[c->peer]);
		fail(c);
		return -1;
	}
	q = calloc(1, sizeof(*q) + h->len);
	if (!q) {
		err_set(&c->why, "out of memory");
		fail(c);
		return -1;
	}
	q->size = size;
	q->hdr = *h;
	if (h->len)
		memcpy(q->body, body, h->len);
	for (; q->n_fds < n_fds; q->n_fds++) {
		q->fds[q->n_fds] = fcntl(fds[q->n_fds], F_DUPFD_CLOEXEC, 0);
		if (q->fds[q->n_fds] < 0) {
			err_errno(&c->why, "cannot keep a descriptor");
			queued_free(q);
			fail(c);
			return -1;
		}
	}
	*c->tail = q;
	c->tail = &q->next;
	c->queued_bytes += size;
	watch(c);
	return 0;
}

int ipc_send(struct ipc *c, uint16_t type, uint32_t id, const void *body, size_t len,
	     const int *fds, size_t n_fds)
{
	struct ipc_hdr h = { .version = IPC_VERSION, .type = type, .id = id,
			     .len = (uint32_t)len };

	if (!c || c->down)
		return -1;
	if (check(type, c->self, c->peer, len, n_fds, NULL) < 0) {
		c->refused++;
		return -1;
	}
	if (!c->head) {
		int r = send_now(c, &h, body, fds, n_fds);

		if (r == 0)
			return 0;
		if (r < 0) {
			err_errno(&c->why, "%s is gone", role_names[c->peer]);
			fail(c);
			return -1;
		}
	}
	return enqueue(c, &h, body, fds, n_fds);
}

static void flush(struct ipc *c)
{
	while (c->head && !c->down) {
		struct queued *q = c->head;
		int r = send_now(c, &q->hdr, q->body, q->fds, q->n_fds);

		if (r > 0)
			return;
		if (r < 0) {
			err_errno(&c->why, "%s is gone", role_names[c->peer]);
			fail(c);
			return;
		}
		c->head = q->next;
		if (!c->head)
			c->tail = &c->head;
		c->queued_bytes -= q->size;
		queued_free(q);
	}
	if (!c->head)
		watch(c);
}

static size_t take_fds(struct msghdr *mh, int *fds)
{
	size_t n = 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t got;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		got = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < got; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(fd));
			if (n < IPC_FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static size_t fds_most(uint16_t type)
{
	return type < sizeof(rows) / sizeof(rows[0]) ? rows[type].fds_max : 0;
}

/* cut: descriptors came, and this process had no room for them. */
static int judge(struct ipc *c, const struct ipc_hdr *h, size_t n, int flags, bool cut,
		 const struct ipc_msg *m)
{
	size_t n_fds = m->n_fds;

	if (flags & MSG_TRUNC || (flags & MSG_CTRUNC && !cut))
		return err_set(&c->why, "%s sent too long a message", role_names[c->peer]);
	if (n < sizeof(*h) || h->len != n - sizeof(*h))
		return err_set(&c->why, "%s sent a message of wrong length", role_names[c->peer]);
	if (h->version != IPC_VERSION)
		return err_set(&c->why, "%s speaks version %u, not %u", role_names[c->peer],
			       h->version, IPC_VERSION);
	/* How many there were nobody knows; one at least. */
	if (cut)
		n_fds = fds_most(h->type) ? fds_most(h->type) : 1;
	if (check(h->type, c->peer, c->self, h->len, n_fds, &c->why) < 0)
		return -1;
	if (cut && !c->on_cut)
		return err_set(&c->why, "%s has no descriptors left for %s",
			       role_names[c->self], ipc_type_name(h->type));
	return 0;
}

/* 1 got one, 2 one whose descriptors were cut off, 0 nothing there, -1 down with c->why. */
static int receive(struct ipc *c, struct ipc_msg *m)
{
	struct ipc_hdr h = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = &h, .iov_len = sizeof(h) },
		{ .iov_base = c->body, .iov_len = sizeof(c->body) },
	};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} ctl;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = &ctl,
			     .msg_controllen = sizeof(ctl) };
	bool cut;
	ssize_t n;

	memset(m, 0, sizeof(*m));
	wipe_body(c);
	do
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		if (!c->why.msg[0])
			err_set(&c->why, "%s is gone", role_names[c->peer]);
		c->down = true;
		return -1;
	}
	c->body_len = n > (ssize_t)sizeof(h) ? (size_t)n - sizeof(h) : 0;
	m->n_fds = take_fds(&mh, m->fds);
	/* More than fit would have been too many, room or not. */
	cut = mh.msg_flags & MSG_CTRUNC && m->n_fds < IPC_FDS_MAX;
	if (judge(c, &h, (size_t)n, mh.msg_flags, cut, m) < 0) {
		close_all(m->fds, m->n_fds);
		c->refused++;
		c->down = true;
		return -1;
	}
	if (cut) {
		close_all(m->fds, m->n_fds);
		m->n_fds = 0;
		c->refused++;
	}
	m->type = h.type;
	m->id = h.id;
	m->len = h.len;
	m->body = c->body;
	return cut ? 2 : 1;
}

static void closed(struct ipc *c)
{
	struct err why = c->why;

	loop_del(c->loop, c->fd);
	c->loop = NULL;
	shutdown(c->fd, SHUT_RDWR);
	drop_queue(c);
	if (c->on_closed)
		c->on_closed(c->arg, &why);
}

static void ready(void *arg, uint32_t events)
{
	struct ipc *c = arg;
	struct ipc_msg m;
	int r = 0;

	c->depth++;
	if (events & EPOLLOUT)
		flush(c);
	/* What came before the other end went away is still handled. */
	for (int i = 0; i < TURN && !c->freed; i++) {
		r = receive(c, &m);
		if (r <= 0)
			break;
		if (r == 2)
			c->on_cut(c->arg, &m);
		else
			c->on_msg(c->arg, &m);
		close_all(m.fds, m.n_fds);
		wipe_body(c);
	}
	if (!c->freed && r < 0)
		closed(c);
	c->depth--;
	if (c->freed && !c->depth)
		destroy(c);
}

int ipc_attach(struct ipc *c, struct loop *l, void (*on_msg)(void *arg, struct ipc_msg *m),
	       void (*on_closed)(void *arg, const struct err *why), void *arg, struct err *e)
{
	c->on_msg = on_msg;
	c->on_closed = on_closed;
	c->arg = arg;
	if (loop_add(l, c->fd, EPOLLIN | (c->head ? (uint32_t)EPOLLOUT : 0), ready, c, e) < 0)
		return -1;
	c->loop = l;
	return 0;
}

void ipc_on_cut(struct ipc *c, void (*on_cut)(void *arg, const struct ipc_msg *m))
{
	c->on_cut = on_cut;
}

int ipc_recv_wait(struct ipc *c, struct ipc_msg *m, int timeout_ms, struct err *e)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int r = receive(c, m);

		if (r == 1)
			return 1;
		if (r == 2) {
			c->on_cut(c->arg, m);
			continue;
		}
		if (r < 0) {
			if (e)
				*e = c->why;
			return -1;
		}
		if (c->head) {
			flush(c);
			p.events |= POLLOUT;
		}
		r = poll(&p, 1, timeout_ms);
		if (r == 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return err_errno(e, "poll");
	}
}
