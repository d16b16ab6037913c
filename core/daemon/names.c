/* names: the two files, and sockets to the servers they name. */
#include "core/daemon/names.h"

#include "core/net/route.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE 512
#define LINES_MAX 20000
#define DNS_PORT 53

/* The next line without its comment; what is too long for a line is passed over. */
static bool next_line(FILE *f, char line[LINE])
{
	for (int c; fgets(line, LINE, f); ) {
		if (!strchr(line, '\n') && !feof(f)) {
			while ((c = getc(f)) != EOF && c != '\n')
				;
			continue;
		}
		line[strcspn(line, "#;\n")] = '\0';
		return true;
	}
	return false;
}

static bool same_host(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	la -= la && a[la - 1] == '.';
	lb -= lb && b[lb - 1] == '.';
	return la == lb && strncasecmp(a, b, la) == 0;
}

size_t names_hosts(const char *path, const char *name, struct ip_addr *out, size_t max)
{
	FILE *f = fopen(path, "re");
	char line[LINE], *word, *save;
	size_t n = 0;

	for (int i = 0; f && i < LINES_MAX && n < max && next_line(f, line); i++) {
		word = strtok_r(line, " \t\r", &save);
		if (!word || addr_parse(word, &out[n], NULL) < 0)
			continue;
		while ((word = strtok_r(NULL, " \t\r", &save)))
			if (same_host(word, name)) {
				n++;
				break;
			}
	}
	if (f)
		fclose(f);
	return n;
}

static bool server_parse(char *text, struct name_server *s)
{
	char *scope = strchr(text, '%');

	s->scope = 0;
	if (scope) {
		*scope++ = '\0';
		s->scope = if_nametoindex(scope);
	}
	return addr_parse(text, &s->addr, NULL) == 0;
}

size_t names_servers(const char *path, struct name_server *out, size_t max)
{
	FILE *f = fopen(path, "re");
	char line[LINE], *word, *save;
	size_t n = 0;

	for (int i = 0; f && i < LINES_MAX && n < max && next_line(f, line); i++) {
		word = strtok_r(line, " \t\r", &save);
		if (!word || strcmp(word, "nameserver") != 0)
			continue;
		word = strtok_r(NULL, " \t\r", &save);
		if (word && server_parse(word, &out[n]))
			n++;
	}
	if (f)
		fclose(f);
	if (!n && max)
		out[n++] = (struct name_server){ .addr = addr_v4(0x7f000001) };
	return n;
}

/* -1 with errno. */
static int open_to(const struct name_server *s)
{
	struct endpoint to = { .addr = s->addr, .port = DNS_PORT };
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&to, &ss);
	int mark = (int)ROUTE_MARK, error;
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (ss.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&ss)->sin6_scope_id = s->scope;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 &&
	    connect(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void names_look(const char *name, struct msg_dns_sockets *out, int fds[DNS_SERVERS_MAX])
{
	struct name_server s[DNS_SERVERS_MAX];
	char text[ADDR_TEXT_MAX];
	size_t n;

	memset(out, 0, sizeof(*out));
	out->n_hosts = (uint8_t)names_hosts("/etc/hosts", name, out->host, DNS_HOSTS_MAX);
	if (out->n_hosts)
		return;
	n = names_servers("/etc/resolv.conf", s, DNS_SERVERS_MAX);
	for (size_t i = 0; i < n; i++) {
		int fd = open_to(&s[i]);

		if (fd < 0) {
			snprintf(out->why, sizeof(out->why), "name server %s: %s",
				 addr_str(&s[i].addr, text), strerror(errno));
			continue;
		}
		out->server[out->n_servers] = s[i].addr;
		fds[out->n_servers++] = fd;
	}
}
