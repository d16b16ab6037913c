/* notify: one datagram per state, as systemd reads them. */
#include "core/daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void send_state(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if ((path && path[0] != '/' && path[0] != '@') || !len || len >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';	/* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A manager that does not listen is its own problem. */
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void notify_ready(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld%s%s", (long)getpid(),
		 status ? "\nSTATUS=" : "", status ? status : "");
	send_state(text);
}

void notify_reloading(void)
{
	struct timespec ts;
	char text[80];

	/* systemd wants to know when it began (Type=notify-reload). */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	send_state(text);
}

void notify_stopping(void)
{
	send_state("STOPPING=1");
}
