/* rooms: core/daemon core/net core/ipc core/base */
/* /etc/hosts and /etc/resolv.conf as people write them. */
#include "core/daemon/names.h"
#include "tests/unit/t.h"

#include <unistd.h>

static char path[] = "/tmp/adit-names-XXXXXX";
static struct ip_addr a[4];
static struct name_server s[3];

static void file(const char *text)
{
	static int fd = -1;

	if (fd < 0)
		fd = mkstemp(path);
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	CHECK(pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static const char *addr(const struct ip_addr *x)
{
	static char buf[ADDR_TEXT_MAX];

	return addr_str(x, buf);
}

static void hosts_by_name_and_alias(void)
{
	file("# the usual\n127.0.0.1 localhost\n198.51.100.2\tOffice.example.net office # b\n"
	     "2001:db8::2 office.example.net.\nnonsense office\n198.51.100.3 offices\n"
	     "198.51.100.4 x office");
	CHECK_INT(names_hosts(path, "office.example.net", a, 4), 2);
	CHECK_STR(addr(&a[0]), "198.51.100.2");
	CHECK_STR(addr(&a[1]), "2001:db8::2");
	CHECK_INT(names_hosts(path, "OFFICE", a, 4), 2);
	CHECK_STR(addr(&a[1]), "198.51.100.4");
	CHECK_INT(names_hosts(path, "office", a, 1), 1);
	CHECK_INT(names_hosts(path, "b", a, 4), 0);	/* a comment */
	CHECK_INT(names_hosts(path, "offic", a, 4), 0);
	CHECK_INT(names_hosts("/nowhere/hosts", "office", a, 4), 0);
}

static void the_first_three_servers(void)
{
	file("search example.net\n; one\nnameserver 192.0.2.53\nnameserver\t2001:db8::53\n"
	     "nameserver bad\nnameserver fe80::1%lo\noptions edns0\nnameserver 192.0.2.54\n");
	CHECK_INT(names_servers(path, s, 3), 3);
	CHECK_STR(addr(&s[0].addr), "192.0.2.53");
	CHECK_STR(addr(&s[1].addr), "2001:db8::53");
	CHECK_STR(addr(&s[2].addr), "fe80::1");
	CHECK(s[2].scope > 0);
	CHECK_INT(s[0].scope, 0);
}

static void without_servers_it_is_this_machine(void)
{
	file("search example.net\n");
	CHECK_INT(names_servers(path, s, 3), 1);
	CHECK_STR(addr(&s[0].addr), "127.0.0.1");
	CHECK_INT(names_servers("/nowhere/resolv.conf", s, 3), 1);
}

static void long_lines_do_no_harm(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	memcpy(text, "198.51.100.9 ", 13);
	memcpy(text + 4950, " office\n198.51.100.8 office\n", 28);
	text[4978] = '\0';
	file(text);
	CHECK_INT(names_hosts(path, "office", a, 4), 1);
	CHECK_STR(addr(&a[0]), "198.51.100.8");
}

int main(void)
{
	T_RUN(hosts_by_name_and_alias);
	T_RUN(the_first_three_servers);
	T_RUN(without_servers_it_is_this_machine);
	T_RUN(long_lines_do_no_harm);
	unlink(path);
	return t_done();
}
