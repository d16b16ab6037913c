/* rooms: core/ipc core/base */
/* What goes through a link, and what does not: wrong sizes, directions, descriptors. */
#include "core/ipc/ipc.h"

#include "core/base/loop.h"
#include "core/ipc/msg.h"
#include "tests/unit/t.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A monitor's end and a raw socket in place of the other. */
static struct ipc *half(enum ipc_role peer, int *raw)
{
	struct err e = { 0 };
	int fds[2];
	struct ipc *c;

	CHECK_INT(ipc_pair(fds, &e), 0);
	c = ipc_new(fds[0], ROLE_MONITOR, peer, &e);
	CHECK(c);
	*raw = fds[1];
	return c;
}

static void raw_send(int fd, uint16_t version, uint16_t type, uint32_t len, size_t body,
		     const int *pass, size_t n_pass)
{
	static uint8_t zeros[IPC_BODY_MAX + 64];
	struct ipc_hdr h = { .version = version, .type = type, .len = len };
	struct iovec iov[2] = { { &h, sizeof(h) }, { zeros, body } };
	union {
		struct cmsghdr cm;
		char buf[CMSG_SPACE(sizeof(int) * (IPC_FDS_MAX + 8))];
	} ctl = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (n_pass) {
		ctl.cm.cmsg_level = SOL_SOCKET;
		ctl.cm.cmsg_type = SCM_RIGHTS;
		ctl.cm.cmsg_len = CMSG_LEN(sizeof(int) * n_pass);
		memcpy(CMSG_DATA(&ctl.cm), pass, sizeof(int) * n_pass);
		m.msg_control = &ctl;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_pass);
	}
	CHECK(sendmsg(fd, &m, MSG_NOSIGNAL) >= 0);
}

static void passes_a_message(void)
{
	struct err e = { 0 };
	struct msg_name n = { .name = "branch" };
	struct ipc_msg m;
	struct ipc *a, *b;
	int fds[2];

	CHECK_INT(ipc_pair(fds, &e), 0);
	a = ipc_new(fds[0], ROLE_MONITOR, ROLE_IKED, &e);
	b = ipc_new(fds[1], ROLE_IKED, ROLE_MONITOR, &e);
	CHECK(a && b);
	CHECK_INT(ipc_send(a, MSG_PEER_APPLY, 7, &n, sizeof(n), NULL, 0), 0);
	CHECK_INT(ipc_recv_wait(b, &m, 1000, &e), 1);
	CHECK_INT(m.type, MSG_PEER_APPLY);
	CHECK_INT(m.id, 7);
	CHECK_INT(m.len, sizeof(n));
	CHECK_STR(((const struct msg_name *)m.body)->name, "branch");
	CHECK_INT((uintptr_t)m.body % 16, 0);
	CHECK_INT(ipc_recv_wait(b, &m, 0, &e), 0);
	ipc_free(a);
	CHECK_INT(ipc_recv_wait(b, &m, 1000, &e), -1);
	CHECK_HAS(e.msg, "aditd is gone");
	ipc_free(b);
}

static void passes_descriptors(void)
{
	struct err e = { 0 };
	struct msg_tun t = { .name = "adit-x", .mtu = 1400 };
	struct ipc_msg m;
	struct ipc *a, *b;
	int fds[2], p[2], before = count_fds();
	char c = 0;

	CHECK_INT(ipc_pair(fds, &e), 0);
	a = ipc_new(fds[0], ROLE_MONITOR, ROLE_ESPD, &e);
	b = ipc_new(fds[1], ROLE_ESPD, ROLE_MONITOR, &e);
	CHECK_INT(pipe(p), 0);
	CHECK_INT(ipc_send(a, MSG_TUN_ADD, 0, &t, sizeof(t), &p[1], 1), 0);
	CHECK_INT(ipc_recv_wait(b, &m, 1000, &e), 1);
	CHECK_INT(m.n_fds, 1);
	CHECK(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	CHECK_INT(write(m.fds[0], "x", 1), 1);
	CHECK_INT(read(p[0], &c, 1), 1);
	CHECK_INT(c, 'x');
	close(m.fds[0]);
	close(p[0]);
	close(p[1]);
	ipc_free(a);
	ipc_free(b);
	CHECK_INT(count_fds(), before);
}

/* Sent by someone who does not check: our end must. */
static void refuse(enum ipc_role peer, uint16_t version, uint16_t type, uint32_t len,
		   size_t body, size_t n_pass, const char *why)
{
	int before = count_fds(), raw, pass[IPC_FDS_MAX + 8];
	struct err e = { 0 };
	struct ipc *c = half(peer, &raw);
	struct ipc_msg m;

	for (size_t i = 0; i < IPC_FDS_MAX + 8; i++)
		pass[i] = 0;
	raw_send(raw, version, type, len, body, pass, n_pass);
	CHECK_INT(ipc_recv_wait(c, &m, 1000, &e), -1);
	CHECK_HAS(e.msg, why);
	CHECK_INT(ipc_refused(c), 1);
	/* The link is of no more use. */
	CHECK_INT(ipc_send(c, MSG_STOP, 0, NULL, 0, NULL, 0), -1);
	ipc_free(c);
	close(raw);
	CHECK_INT(count_fds(), before);
}

static void refuses_wrong_shapes(void)
{
	const uint32_t ref = sizeof(struct msg_sa_ref);

	refuse(ROLE_IKED, IPC_VERSION, MSG_SA_DEL, ref - 1, ref - 1, 0, "bytes, not");
	refuse(ROLE_IKED, IPC_VERSION, MSG_SA_DEL, ref + 1, ref + 1, 0, "bytes, not");
	refuse(ROLE_IKED, IPC_VERSION, MSG_SA_DEL, ref, ref - 4, 0, "wrong length");
	refuse(ROLE_IKED, IPC_VERSION, MSG_SA_DEL, ref, ref + 4, 0, "wrong length");
	refuse(ROLE_IKED, IPC_VERSION, MSG_SA_DEL, UINT32_MAX, ref, 0, "wrong length");
	refuse(ROLE_IKED, IPC_VERSION + 1, MSG_SA_DEL, ref, ref, 0, "speaks version");
	refuse(ROLE_IKED, IPC_VERSION, 0, 0, 0, 0, "is unknown");
	refuse(ROLE_IKED, IPC_VERSION, 4711, 0, 0, 0, "is unknown");
	refuse(ROLE_IKED, IPC_VERSION, MSG_LOG, IPC_BODY_MAX + 1, IPC_BODY_MAX + 1, 0,
	       "too long");
}

/* One whose end may be left out: as much as is there, and no more. */
static void takes_what_is_used(void)
{
	const uint32_t least = offsetof(struct msg_ike_datagram, bytes);
	static struct msg_ike_datagram d;
	struct err e = { 0 };
	struct ipc_msg m;
	struct ipc *c;
	int raw;

	_Static_assert(IKE_DATAGRAM_MAX > 9000 + 28, "as large as a large frame");
	refuse(ROLE_ESPD, IPC_VERSION, MSG_ESPD_IKE, least - 1, least - 1, 0, "bytes, not");
	refuse(ROLE_ESPD, IPC_VERSION, MSG_ESPD_IKE, sizeof(d) + 1, sizeof(d) + 1, 0, "bytes, not");
	refuse(ROLE_IKED, IPC_VERSION, MSG_ESPD_IKE, least, least, 0, "iked may not send");
	c = half(ROLE_ESPD, &raw);
	for (uint32_t len = least; len <= sizeof(d); len += sizeof(d) - least) {
		raw_send(raw, IPC_VERSION, MSG_ESPD_IKE, len, len, NULL, 0);
		CHECK_INT(ipc_recv_wait(c, &m, 1000, &e), 1);
		CHECK_INT(m.len, len);
	}
	ipc_free(c);
	close(raw);
	c = half(ROLE_IKED, &raw);
	CHECK_INT(ipc_send(c, MSG_IKE_DATAGRAM, 0, &d, least + 5, NULL, 0), 0);
	CHECK_INT(ipc_send(c, MSG_IKE_DATAGRAM, 0, &d, least - 1, NULL, 0), -1);
	ipc_free(c);
	close(raw);
}

static void refuses_wrong_directions(void)
{
	/* What only the monitor may say, what another child may say, what vaultd may. */
	refuse(ROLE_IKED, IPC_VERSION, MSG_STOP, 0, 0, 0, "iked may not send MSG_STOP");
	refuse(ROLE_ESPD, IPC_VERSION, MSG_RELOAD, 0, 0, 0, "espd may not send MSG_RELOAD");
	refuse(ROLE_VAULTD, IPC_VERSION, MSG_SA_ADD, sizeof(struct sa_child),
	       sizeof(struct sa_child), 0, "vaultd may not send MSG_SA_ADD");
	refuse(ROLE_VAULTD, IPC_VERSION, MSG_AUTH_DONE, sizeof(struct msg_auth_done),
	       sizeof(struct msg_auth_done), 0, "may not send MSG_AUTH_DONE to aditd");
	refuse(ROLE_ESPD, IPC_VERSION, MSG_LOG_LEVEL, 4, 4, 0, "may not send MSG_LOG_LEVEL");
}

static void refuses_descriptors_and_leaks_none(void)
{
	refuse(ROLE_IKED, IPC_VERSION, MSG_RELOAD, 0, 0, 1, "with 1 descriptors");
	refuse(ROLE_IKED, IPC_VERSION, MSG_RELOAD, 0, 0, IPC_FDS_MAX, "descriptors");
	refuse(ROLE_IKED, IPC_VERSION, MSG_RELOAD, 0, 0, IPC_FDS_MAX + 4, "too long");
}

struct cut {
	unsigned n, msgs, closed;
	uint32_t id;
	uint16_t type;
	size_t n_fds;
};

static void cut_on_msg(void *arg, struct ipc_msg *m)
{
	(void)m;
	((struct cut *)arg)->msgs++;
}

static void cut_on_closed(void *arg, const struct err *why)
{
	(void)why;
	((struct cut *)arg)->closed++;
}

static void cut_on_cut(void *arg, const struct ipc_msg *m)
{
	struct cut *c = arg;

	c->n++;
	c->id = m->id;
	c->type = m->type;
	c->n_fds = m->n_fds;
}

/* So many more descriptors may be made. */
static struct rlimit leave_room(unsigned n)
{
	struct rlimit was, r;
	int fd = dup(0);

	CHECK(fd >= 0 && getrlimit(RLIMIT_NOFILE, &was) == 0);
	close(fd);
	r = was;
	r.rlim_cur = (rlim_t)fd + n;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &r), 0);
	return was;
}

static void out_of_descriptors(bool hook)
{
	const int pass[4] = { 0, 0, 0, 0 };
	struct msg_tun t = { .name = "adit-x" };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	struct cut got = { 0 };
	struct ipc *a, *b;
	struct rlimit was;
	int fds[2], before;

	CHECK(l && ipc_pair(fds, &e) == 0);
	a = ipc_new(fds[0], ROLE_MONITOR, ROLE_ESPD, &e);
	b = ipc_new(fds[1], ROLE_ESPD, ROLE_MONITOR, &e);
	CHECK(a && b && ipc_attach(b, l, cut_on_msg, cut_on_closed, &got, &e) == 0);
	if (hook)
		ipc_on_cut(b, cut_on_cut);
	before = count_fds();
	was = leave_room(2);
	CHECK_INT(ipc_send(a, MSG_TUN_ADD, 9, &t, sizeof(t), pass, 4), 0);
	loop_once(l, 100);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), 0);
	CHECK_INT(got.n, hook);
	CHECK_INT(got.closed, !hook);
	CHECK_INT(got.msgs, 0);
	CHECK_INT(ipc_refused(b), 1);
	CHECK_INT(count_fds(), before);		/* the two that came are closed */
	if (hook) {
		CHECK_INT(got.type, MSG_TUN_ADD);
		CHECK_INT(got.id, 9);
		CHECK_INT(got.n_fds, 0);
		/* The link is as it was. */
		CHECK_INT(ipc_send(a, MSG_TUN_ADD, 10, &t, sizeof(t), pass, 4), 0);
		loop_once(l, 100);
		CHECK_INT(got.msgs, 1);
		CHECK_INT(got.closed, 0);
	}
	ipc_free(a);
	ipc_free(b);
	loop_free(l);
}

static void out_of_descriptors_is_told(void)
{
	out_of_descriptors(true);
	out_of_descriptors(false);
}

static void sender_checks_too(void)
{
	struct msg_sa_ref ref = { 0 };
	int raw;
	struct ipc *c = half(ROLE_IKED, &raw);
	char buf[64];

	CHECK_INT(ipc_send(c, MSG_SA_DEL, 0, &ref, sizeof(ref), NULL, 0), -1);
	CHECK_INT(ipc_send(c, MSG_STOP, 0, &ref, sizeof(ref), NULL, 0), -1);
	CHECK_INT(ipc_send(c, MSG_VAULT_LINK, 0, NULL, 0, NULL, 0), -1);
	CHECK_INT(ipc_send(c, MSG_SECRET_SET, 0, NULL, 0, NULL, 0), -1);
	CHECK_INT(ipc_refused(c), 4);
	CHECK_INT(recv(raw, buf, sizeof(buf), MSG_DONTWAIT), -1);
	CHECK_INT(ipc_send(c, MSG_STOP, 0, NULL, 0, NULL, 0), 0);
	ipc_free(c);
	close(raw);
}

struct seen {
	struct ipc *c;
	struct loop *loop;
	unsigned n, closed;
	uint32_t last;
	bool in_order, free_in_handler;
	int taken;
	char why[ERR_MSG_MAX];
};

static void on_msg(void *arg, struct ipc_msg *m)
{
	struct seen *s = arg;

	s->in_order = s->in_order && m->id == s->last + 1;
	s->last = m->id;
	s->n++;
	if (m->type == MSG_VAULT_LINK) {
		s->taken = m->fds[0];
		m->fds[0] = -1;
	}
	if (s->free_in_handler) {
		ipc_free(s->c);
		s->c = NULL;
	}
}

static void on_closed(void *arg, const struct err *why)
{
	struct seen *s = arg;

	s->closed++;
	snprintf(s->why, sizeof(s->why), "%s", why->msg);
	ipc_free(s->c);
	s->c = NULL;
}

static void rounds(struct loop *l, int n)
{
	while (n--)
		loop_once(l, 1);
}

static void queue_keeps_order_and_descriptors(void)
{
	struct seen got = { .in_order = true };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	struct msg_peer p = { 0 };
	int fds[2], before, pipefd[2];
	struct seen mon = { 0 };

	CHECK(l);
	before = count_fds();
	CHECK_INT(ipc_pair(fds, &e), 0);
	mon.c = ipc_new(fds[0], ROLE_MONITOR, ROLE_IKED, &e);
	got.c = ipc_new(fds[1], ROLE_IKED, ROLE_MONITOR, &e);
	CHECK_INT(ipc_attach(mon.c, l, on_msg, on_closed, &mon, &e), 0);
	/* Far more than a socket takes. */
	for (uint32_t i = 1; i <= 2000; i++)
		CHECK_INT(ipc_send(mon.c, MSG_PEER_SET, i, &p, sizeof(p), NULL, 0), 0);
	CHECK_INT(pipe(pipefd), 0);
	CHECK_INT(ipc_send(mon.c, MSG_VAULT_LINK, 2001, NULL, 0, &pipefd[1], 1), 0);
	close(pipefd[1]);
	CHECK_INT(ipc_attach(got.c, l, on_msg, on_closed, &got, &e), 0);
	for (int i = 0; i < 1000 && got.n < 2001; i++)
		loop_once(l, 1);
	CHECK_INT(got.n, 2001);
	CHECK(got.in_order);
	CHECK_INT(write(got.taken, "y", 1), 1);
	close(got.taken);
	close(pipefd[0]);
	ipc_free(mon.c);
	rounds(l, 3);
	CHECK_INT(got.closed, 1);
	CHECK_HAS(got.why, "aditd is gone");
	CHECK_INT(count_fds(), before);
	loop_free(l);
}

static void full_queue_fails_the_link(void)
{
	struct seen mon = { 0 };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	struct msg_peer p = { 0 };
	int raw, i, before = count_fds();

	mon.c = half(ROLE_IKED, &raw);
	CHECK_INT(ipc_attach(mon.c, l, on_msg, on_closed, &mon, &e), 0);
	for (i = 0; i < 100000; i++)
		if (ipc_send(mon.c, MSG_PEER_SET, 1, &p, sizeof(p), NULL, 0) < 0)
			break;
	CHECK(i > 2000 && i < 100000);
	CHECK_INT(mon.closed, 0);	/* told from the loop, not from within the send */
	rounds(l, 3);
	CHECK_INT(mon.closed, 1);
	CHECK_HAS(mon.why, "iked does not read");
	close(raw);
	CHECK_INT(count_fds(), before);
	loop_free(l);
}

static void handler_may_free_its_link(void)
{
	struct seen got = { .in_order = true, .free_in_handler = true };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	int raw;

	got.c = half(ROLE_IKED, &raw);
	CHECK_INT(ipc_attach(got.c, l, on_msg, on_closed, &got, &e), 0);
	raw_send(raw, IPC_VERSION, MSG_RELOAD, 0, 0, NULL, 0);
	raw_send(raw, IPC_VERSION, MSG_RELOAD, 0, 0, NULL, 0);
	rounds(l, 3);
	CHECK_INT(got.n, 1);
	CHECK_INT(got.closed, 0);
	CHECK(!got.c);
	close(raw);
	loop_free(l);
}

static void untaken_descriptors_are_closed(void)
{
	struct seen got = { 0 };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	int fds[2], before, zero = 0;
	struct ipc *m;

	CHECK_INT(ipc_pair(fds, &e), 0);
	m = ipc_new(fds[0], ROLE_MONITOR, ROLE_VAULTD, &e);
	got.c = ipc_new(fds[1], ROLE_VAULTD, ROLE_MONITOR, &e);
	CHECK_INT(ipc_attach(got.c, l, on_msg, on_closed, &got, &e), 0);
	before = count_fds();
	CHECK_INT(ipc_send(m, MSG_IKE_LINK, 1, NULL, 0, &zero, 1), 0);
	rounds(l, 2);
	CHECK_INT(got.n, 1);
	CHECK_INT(count_fds(), before);
	ipc_free(m);
	ipc_free(got.c);
	loop_free(l);
}

static void answers_before_the_end_are_heard(void)
{
	struct seen got = { .in_order = true };
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	int raw;

	got.c = half(ROLE_IKED, &raw);
	CHECK_INT(ipc_attach(got.c, l, on_msg, on_closed, &got, &e), 0);
	for (int i = 0; i < 100; i++)
		raw_send(raw, IPC_VERSION, MSG_STOPPED, 0, 0, NULL, 0);
	close(raw);
	rounds(l, 10);
	CHECK_INT(got.n, 100);
	CHECK_INT(got.closed, 1);
	loop_free(l);
}

static void every_type_has_a_row(void)
{
	CHECK_STR(ipc_type_name(MSG_SECRET_CHANGED), "MSG_SECRET_CHANGED");
	CHECK_STR(ipc_type_name(9999), "unknown message");
	for (int i = MSG_READY; i <= MSG_CHILD_START; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
	for (int i = MSG_IKED_START; i <= MSG_SECRET_CHANGED; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
	for (int i = MSG_SA_ADD; i <= MSG_STOPPED; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
	for (int i = MSG_SECRET_SET; i <= MSG_IKE_LINK; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
	for (int i = MSG_AUTH_SIGN; i <= MSG_AUTH_DONE; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
	for (int i = MSG_ESPD_SOCKETS; i <= MSG_ESPD_SA_EVENT; i++)
		CHECK_HAS(ipc_type_name((uint16_t)i), "MSG_");
}

/* Each has two whole sentences, and is found by its name. */
static void counters_are_explained(void)
{
	for (int i = 0; i < COUNTERS_N; i++) {
		const struct counter_info *c = &counter_infos[i];
		size_t m = strlen(c->meaning), l = strlen(c->look);

		CHECK(strncmp(c->name, "Xfrm", 4) == 0);
		CHECK(m > 20 && m < 240 && c->meaning[m - 1] == '.');
		CHECK(l > 20 && l < 240 && (c->look[l - 1] == '.' || c->look[l - 1] == '?'));
		CHECK_INT(counter_by_name(c->name, strlen(c->name)), i);
	}
	CHECK_INT(counter_by_name("XfrmInErro", 10), COUNTERS_N);
	CHECK_INT(counter_by_name("XfrmOfTomorrow", 14), COUNTERS_N);
}

int main(void)
{
	T_RUN(passes_a_message);
	T_RUN(passes_descriptors);
	T_RUN(refuses_wrong_shapes);
	T_RUN(takes_what_is_used);
	T_RUN(refuses_wrong_directions);
	T_RUN(refuses_descriptors_and_leaks_none);
	T_RUN(out_of_descriptors_is_told);
	T_RUN(sender_checks_too);
	T_RUN(queue_keeps_order_and_descriptors);
	T_RUN(full_queue_fails_the_link);
	T_RUN(handler_may_free_its_link);
	T_RUN(untaken_descriptors_are_closed);
	T_RUN(answers_before_the_end_are_heard);
	T_RUN(every_type_has_a_row);
	T_RUN(counters_are_explained);
	return t_done();
}
