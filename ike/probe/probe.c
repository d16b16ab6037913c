/* probe: the network's side: one question at a time, paced, and what ICMP says. */
#include "ike/probe/probe.h"

#include "core/base/clock.h"
#include "ike/probe/vendor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool probe_may(const struct probe *p)
{
	return p->sent < PROBE_PACKETS_MAX;
}

void probe_vendor(struct probe *p, struct slice id)
{
	char buf[48];
	const char *name = vendor_name(id, buf, sizeof(buf));

	for (size_t i = 0; i < p->n_vendors; i++)
		if (strcmp(p->vendors[i], name) == 0)
			return;
	if (p->n_vendors < PROBE_VENDORS_MAX)
		snprintf(p->vendors[p->n_vendors++], sizeof(p->vendors[0]), "%s", name);
}

static void wait_until(uint64_t at)
{
	uint64_t now = clock_ms();

	if (at > now)
		poll(NULL, 0, (int)(at - now));
}

static void icmp(struct probe *p, int error)
{
	if (error == ECONNREFUSED)
		p->unreachable = PROBE_PORT;
	else if (error == EHOSTUNREACH || error == ENETUNREACH || error == ENETDOWN)
		p->unreachable = PROBE_HOST;
	else if (error == EACCES || error == EPERM)
		p->unreachable = PROBE_FILTERED;
}

/* 0 when nothing that fits came until then. */
static size_t listen_until(struct probe *p, int fd, bool natt, const uint8_t *msg, uint64_t until,
			   uint8_t buf[PROBE_MSG_MAX])
{
	const size_t skip = natt ? 4 : 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= until || poll(&pfd, 1, (int)(until - now)) <= 0)
			return 0;
		n = recv(fd, buf, PROBE_MSG_MAX, 0);
		if (n < 0) {
			icmp(p, errno);
			return 0;
		}
		/* The non-ESP marker off, and only what answers this very question. */
		if ((size_t)n < skip + 28 || memcmp(buf + skip, msg, 8) != 0)
			continue;
		memmove(buf, buf + skip, (size_t)n - skip);
		p->answered++;
		return (size_t)n - skip;
	}
}

size_t probe_ask(struct probe *p, bool natt, const uint8_t *msg, size_t len, unsigned tries,
		 uint8_t buf[PROBE_MSG_MAX])
{
	uint8_t out[PROBE_MSG_MAX + 4] = { 0 };
	int fd = natt ? p->fd_natt : p->fd;
	size_t skip = natt ? 4 : 0, n;

	if (fd < 0 || len > PROBE_MSG_MAX)
		return 0;
	memcpy(out + skip, msg, len);
	for (unsigned i = 0; i < tries && probe_may(p); i++) {
		wait_until(p->last_ms + PROBE_PACE_MS);
		p->last_ms = clock_ms();
		p->sent++;
		if (send(fd, out, len + skip, 0) < 0) {
			icmp(p, errno);
			continue;
		}
		n = listen_until(p, fd, natt, msg, p->last_ms + (PROBE_FIRST_MS << i), buf);
		if (n)
			return n;
	}
	return 0;
}

void probe_run(struct probe *p)
{
	probe_v2(p);
	probe_v1(p);
	/* An ICMP message about a packet between answers means nothing. */
	if (p->v2.answers || p->v1.answers)
		p->unreachable = PROBE_OK;
}
