/* rooms: dataplane/esp dataplane/engine core/daemon core/ipc core/net core/settings core/crypto core/base */
/* espd has no descriptor left: what it is asked for fails with an answer, and espd goes on. */
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"
#include "dataplane/esp/ctl.h"
#include "tests/unit/t.h"

#include <sys/resource.h>
#include <unistd.h>

static struct ctl *ctl;
static unsigned closed;
static char line[LOG_TEXT_MAX];

static void on_msg(void *arg, struct ipc_msg *m)
{
	(void)arg;
	ctl_msg(ctl, m);
}

static void on_cut(void *arg, const struct ipc_msg *m)
{
	(void)arg;
	ctl_cut(ctl, m);
}

static void on_closed(void *arg, const struct err *why)
{
	(void)arg;
	(void)why;
	closed++;
}

static void keep_line(void *arg, const struct log_line *l)
{
	(void)arg;
	snprintf(line, sizeof(line), "%s", l->text);
}

/* Sent while one descriptor more may be made. */
static void send_cut(struct ipc *monitor, struct loop *l, uint16_t type, uint32_t id,
		     const void *body, size_t len)
{
	const int pass[3] = { 0, 0, 0 };
	struct rlimit was, r;
	int fd = dup(0);

	CHECK(fd >= 0 && getrlimit(RLIMIT_NOFILE, &was) == 0);
	close(fd);
	r = was;
	r.rlim_cur = (rlim_t)fd + 1;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &r), 0);
	CHECK_INT(ipc_send(monitor, type, id, body, len, pass, 3), 0);
	loop_once(l, 100);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void fails_with_an_answer(void)
{
	static struct msg_espd_sa sa;
	struct msg_tun tun = { .name = "adit-x", .mtu = 1400 };
	struct msg_espd_sockets sockets = { .worker = 0 };
	const struct msg_result *r;
	struct err e = { 0 };
	struct loop *l = loop_new(&e);
	struct ipc *monitor, *espd;
	struct ipc_msg m;
	int fds[2];

	CHECK(l && ipc_pair(fds, &e) == 0);
	monitor = ipc_new(fds[0], ROLE_MONITOR, ROLE_ESPD, &e);
	espd = ipc_new(fds[1], ROLE_ESPD, ROLE_MONITOR, &e);
	ctl = ctl_new(l, espd, &e);
	CHECK(monitor && espd && ctl);
	CHECK_INT(ipc_attach(espd, l, on_msg, on_closed, NULL, &e), 0);
	ipc_on_cut(espd, on_cut);
	log_sink_set(keep_line, NULL);

	send_cut(monitor, l, MSG_ESPD_SA_ADD, 77, &sa, sizeof(sa));
	CHECK_INT(ipc_recv_wait(monitor, &m, 1000, &e), 1);
	CHECK_INT(m.type, MSG_ESPD_SA_ADDED);
	CHECK_INT(m.id, 77);
	r = m.body;
	CHECK_INT(r->code, EXIT_FAILED);
	CHECK_STR(r->text, "SA not added: espd is out of descriptors");

	send_cut(monitor, l, MSG_TUN_ADD, 0, &tun, sizeof(tun));
	CHECK_HAS(line, "adit-x: espd is out of descriptors");
	send_cut(monitor, l, MSG_ESPD_SOCKETS, 0, &sockets, sizeof(sockets));
	CHECK_HAS(line, "what came with MSG_ESPD_SOCKETS is lost");

	/* The link is there, and what is asked next is answered as ever. */
	CHECK_INT(closed, 0);
	CHECK_INT(ipc_send(monitor, MSG_ESPD_SA_ADD, 78, &sa, sizeof(sa), NULL, 0), 0);
	loop_once(l, 100);
	CHECK_INT(ipc_recv_wait(monitor, &m, 1000, &e), 1);
	CHECK_INT(m.id, 78);
	CHECK_HAS(((const struct msg_result *)m.body)->text, "espd has not begun");
	CHECK_INT(ipc_refused(espd), 3);
	ctl_free(ctl);
	ipc_free(monitor);
	ipc_free(espd);
	loop_free(l);
	log_sink_set(NULL, NULL);
}

int main(void)
{
	T_RUN(fails_with_an_answer);
	return t_done();
}
