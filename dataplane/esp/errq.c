/* errq: only what the kernel itself found out about the route is believed. */
#include "dataplane/esp/errq.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>

#define ROUNDS 256		/* errors taken at once */

static void learn(struct sad *s, struct msghdr *m)
{
	struct sockaddr_storage *ss = m->msg_name;
	struct sock_extended_err ee;
	struct endpoint to;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (!(c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(ee)))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_errno == EMSGSIZE && ee.ee_origin == SO_EE_ORIGIN_LOCAL &&
		    endpoint_from_sockaddr(ss, &to) == 0)
			sad_pmtu(s, &to.addr, ee.ee_info);
	}
}

void errq_drain(struct sad *s, int fd)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct sockaddr_storage ss = { 0 };
		_Alignas(struct cmsghdr) char ctl[512];
		struct msghdr m = { .msg_name = &ss, .msg_namelen = sizeof(ss),
				    .msg_control = ctl, .msg_controllen = sizeof(ctl) };

		if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		learn(s, &m);
	}
}
