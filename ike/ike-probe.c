/* ike-probe: what `adit probe` runs: it opens its sockets, gives up everything else, asks, and
 * prints what it found. It needs no right but to send UDP.
 *
 *	ike-probe ADDRESS PORT
 */
#include "core/base/addr.h"
#include "core/daemon/sandbox.h"
#include "ike/probe/probe.h"
#include "ike/wire/ike.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_to(const struct endpoint *remote, struct endpoint *local, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(remote, &ss);
	int fd = socket(remote->addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, "cannot open a socket");
	if (connect(fd, (struct sockaddr *)&ss, len) < 0) {
		err_errno(e, "no way to that address");
		close(fd);
		return -1;
	}
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    endpoint_from_sockaddr(&ss, local) < 0) {
		close(fd);
		return err_set(e, "the socket has no address");
	}
	return fd;
}

/* Root asks as nobody. */
static int give_up(struct err *e)
{
	const struct passwd *pw = getuid() == 0 ? getpwnam("nobody") : NULL;

	return sandbox_tool(pw ? pw->pw_uid : 65534, pw ? pw->pw_gid : 65534, e);
}

static int fail(const struct err *e)
{
	fprintf(stderr, "ike-probe: %s\n", e->msg);
	return e->code ? (int)e->code : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static struct probe p;
	struct endpoint natt;
	struct err e = { 0 };
	unsigned long port;
	char *end;

	if (argc != 3 || addr_parse(argv[1], &p.remote.addr, &e) < 0) {
		fprintf(stderr, "usage: ike-probe ADDRESS PORT\n");
		return EXIT_USAGE;
	}
	port = strtoul(argv[2], &end, 10);
	if (*end || port < 1 || port > 65535) {
		fprintf(stderr, "ike-probe: a port is 1 to 65535\n");
		return EXIT_USAGE;
	}
	p.remote.port = (uint16_t)port;
	p.fd = open_to(&p.remote, &p.local, &e);
	if (p.fd < 0)
		return fail(&e);
	natt = (struct endpoint){ p.remote.addr, IKE_NATT_PORT };
	p.fd_natt = port == IKE_PORT ? open_to(&natt, &natt, &e) : -1;
	if (give_up(&e) < 0)
		return fail(&e);
	probe_run(&p);
	/* Nothing is buffered; and what else runs at an exit (a sanitizer's search for leaks)
	 * would not get far in here. */
	_exit(probe_print(&p) < 0 ? EXIT_FAILED : EXIT_DONE);
}
