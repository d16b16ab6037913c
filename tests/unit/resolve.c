/* rooms: ike/main ike/wire core/base */
/* The stub resolver between real sockets, on a virtual clock: the test is aditd, which hands
 * out connected sockets, and the name servers at their other ends. */
#include "core/base/clock.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "ike/main/resolve.h"
#include "ike/wire/dns.h"
#include "tests/unit/t.h"

#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct resolve *r;
static int server[2];		/* two name servers, 127.0.0.1 and 127.0.0.2 */
static struct endpoint at[2];
static unsigned wanted, found;
static uint32_t want_id;
static char want_name[HOST_NAME_LEN + 1], why[200];
static struct ip_addr got[RESOLVE_ADDRS_MAX];
static size_t n_got;

static void on_want(void *arg, uint32_t id, const char *name)
{
	(void)arg;
	wanted++;
	want_id = id;
	snprintf(want_name, sizeof(want_name), "%s", name);
}

static void on_found(void *arg, const char *name, const struct ip_addr *v, size_t n,
		     const char *reason)
{
	(void)arg;
	(void)name;
	found++;
	n_got = n;
	if (n)
		memcpy(got, v, n * sizeof(*v));
	snprintf(why, sizeof(why), "%s", reason);
}

static void pump(void)
{
	for (int i = 0; i < 5; i++)
		loop_once(loop, 0);
}

static void later(uint64_t ms)
{
	clock_virtual_set(clock_ms() + ms);
	pump();
}

static void start(void)
{
	const struct resolve_env env = { .want = on_want, .found = on_found };
	struct gateway g = { .kind = GATEWAY_NAME, .name = "vpn.example.net" };
	struct err e = { 0 };

	clock_virtual_set(1000000);
	loop = loop_new(&e);
	r = resolve_new(loop, &env);
	CHECK(loop && r);
	wanted = found = 0;
	n_got = 0;
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage ss;
		socklen_t len;

		at[i] = (struct endpoint){ .addr = addr_v4(0x7f000001 + (uint32_t)i) };
		len = endpoint_to_sockaddr(&at[i], &ss);
		server[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		CHECK(bind(server[i], (void *)&ss, len) == 0);
		len = sizeof(ss);
		CHECK(getsockname(server[i], (void *)&ss, &len) == 0);
		CHECK(endpoint_from_sockaddr(&ss, &at[i]) == 0);
	}
	CHECK_INT(resolve_use(r, "branch", &g, 1, &e), 0);
	CHECK_INT(wanted, 1);
	CHECK_STR(want_name, "vpn.example.net");
}

static void stop(void)
{
	resolve_free(r);
	loop_free(loop);
	close(server[0]);
	close(server[1]);
	clock_virtual_off();
}

/* aditd's answer: sockets to n servers. */
static void hand_out(size_t n)
{
	struct msg_dns_sockets m = { .n_servers = (uint8_t)n };
	int fds[2];

	for (size_t i = 0; i < n; i++) {
		struct sockaddr_storage ss;
		socklen_t len = endpoint_to_sockaddr(&at[i], &ss);

		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		CHECK(connect(fds[i], (void *)&ss, len) == 0);
		m.server[i] = at[i].addr;
	}
	resolve_sockets(r, want_id, &m, fds, n);
	pump();
}

/* Answer one question: rcode, and with rcode 0 an address of what was asked for. v4 last byte;
 * 0: no address. Returns the type that was asked, 0 when nothing was. */
static uint16_t answer(int i, uint16_t flags, uint8_t last, uint32_t ttl)
{
	uint8_t buf[600], from_buf[sizeof(struct sockaddr_storage)];
	socklen_t len = sizeof(from_buf);
	ssize_t n = recvfrom(server[i], buf, 500, MSG_DONTWAIT, (void *)from_buf, &len);
	struct wr w;
	uint16_t type;

	if (n < 16)
		return 0;
	type = (uint16_t)(buf[n - 4] << 8 | buf[n - 3]);
	w = wr_init(buf, sizeof(buf));
	w.len = (size_t)n;
	wr_patch_u16(&w, 2, 0x8180 | flags);
	if (last && type == DNS_TYPE_A) {
		wr_patch_u16(&w, 6, 1);
		wr_u16(&w, 0xc00c);
		wr_u16(&w, 1);
		wr_u16(&w, 1);
		wr_u32(&w, ttl);
		wr_u16(&w, 4);
		wr_u32(&w, 0xc6336400 | last);
	}
	CHECK(sendto(server[i], buf, w.len, 0, (void *)from_buf, len) == (ssize_t)w.len);
	pump();
	return type;
}

static void found_and_again_by_its_ttl(void)
{
	start();
	hand_out(2);
	CHECK_INT(answer(0, 0, 7, 60), DNS_TYPE_A);
	CHECK_INT(found, 0);			/* AAAA is not answered yet */
	CHECK_INT(answer(0, 0, 7, 60), DNS_TYPE_AAAA);
	CHECK_INT(found, 1);
	CHECK_INT(n_got, 1);
	CHECK_INT(got[0].b[3], 7);
	CHECK_INT(answer(1, 0, 7, 60), 0);	/* the other server was not asked */
	later(55000);
	CHECK_INT(wanted, 1);
	later(7000);
	CHECK_INT(wanted, 2);
	/* The same answer is no news. */
	hand_out(1);
	answer(0, 0, 7, 60);
	answer(0, 0, 7, 60);
	CHECK_INT(found, 1);
	later(62000);
	hand_out(1);
	answer(0, 0, 9, 60);
	answer(0, 0, 9, 60);
	CHECK_INT(found, 2);
	CHECK_INT(got[0].b[3], 9);
	stop();
}

static void a_silent_server_is_passed_over(void)
{
	start();
	hand_out(2);
	later(RESOLVE_WAIT_MS + 1);
	CHECK_INT(answer(1, 0, 5, 60), DNS_TYPE_A);
	CHECK_INT(answer(1, 0, 5, 60), DNS_TYPE_AAAA);
	CHECK_INT(n_got, 1);
	CHECK_INT(got[0].b[3], 5);
	stop();
}

static void so_is_one_that_fails_or_truncates(void)
{
	start();
	hand_out(2);
	answer(0, 2, 0, 0);			/* SERVFAIL */
	CHECK_INT(answer(1, 0x0200, 5, 60), DNS_TYPE_A);	/* TC */
	/* The second round. */
	CHECK_INT(found, 0);
	while (answer(0, 0, 5, 60))
		;
	CHECK_INT(found, 1);
	CHECK_INT(n_got, 1);
	stop();
}

static void failures_have_words_and_are_repeated(void)
{
	start();
	hand_out(1);
	answer(0, 3, 0, 0);
	CHECK_INT(found, 1);
	CHECK_INT(n_got, 0);
	CHECK_STR(why, "NXDOMAIN from 127.0.0.1");
	later(7000);
	CHECK_INT(wanted, 2);
	hand_out(1);
	later(RESOLVE_WAIT_MS + 1);
	later(RESOLVE_WAIT_MS + 1);
	CHECK_STR(why, "no answer from 127.0.0.1");
	later(13000);
	CHECK_INT(wanted, 3);
	hand_out(1);
	for (int k = 0; k < 2; k++) {	/* the questions of the round that timed out, too */
		while (answer(0, 5, 0, 0))
			;
	}
	CHECK_STR(why, "REFUSED from 127.0.0.1");
	later(25000);
	hand_out(0);
	CHECK_STR(why, "no name server is known");
	/* aditd itself is silent. */
	later(60000);
	CHECK_INT(wanted, 5);
	later(11000);
	CHECK_STR(why, "no socket to ask with");
	stop();
}

static void half_an_answer_is_one(void)
{
	start();
	hand_out(2);
	CHECK_INT(answer(0, 0, 8, 60), DNS_TYPE_A);
	later(RESOLVE_WAIT_MS + 1);
	CHECK_INT(n_got, 1);
	stop();
}

static void hosts_need_no_server(void)
{
	struct msg_dns_sockets m = { .n_hosts = 2 };

	start();
	m.host[0] = addr_v4(0xc6336401);
	m.host[1] = addr_v4(0xc6336402);
	resolve_sockets(r, want_id, &m, NULL, 0);
	CHECK_INT(n_got, 2);
	stop();
}

static void forged_answers_are_waited_out(void)
{
	uint8_t buf[600], from_buf[sizeof(struct sockaddr_storage)];
	socklen_t len = sizeof(from_buf);
	ssize_t n;

	start();
	hand_out(1);
	n = recvfrom(server[0], buf, 500, MSG_DONTWAIT, (void *)from_buf, &len);
	CHECK(n > 16);
	buf[0] ^= 1;			/* another ID */
	buf[2] = 0x81;
	buf[3] = 0x83;
	CHECK(sendto(server[0], buf, (size_t)n, 0, (void *)from_buf, len) == n);
	pump();
	CHECK_INT(found, 0);
	stop();
}

static void asked_again_but_not_at_once(void)
{
	struct err e = { 0 };

	start();
	hand_out(1);
	answer(0, 0, 7, 3600);
	answer(0, 0, 7, 3600);
	resolve_again(r, "vpn.example.net");
	CHECK_INT(wanted, 1);
	later(RESOLVE_TTL_MIN_S * 1000 + 10);
	CHECK_INT(wanted, 2);
	resolve_again(r, "other.example.net");
	/* Two who need it are one look-up; the last who leaves ends it. */
	hand_out(1);
	answer(0, 0, 7, 60);
	answer(0, 0, 7, 60);
	found = 0;
	CHECK_INT(resolve_use(r, "two", &(struct gateway){ .kind = GATEWAY_NAME,
			      .name = "vpn.example.net" }, 1, &e), 0);
	CHECK_INT(found, 1);
	CHECK_INT(wanted, 2);
	CHECK_INT(resolve_use(r, "branch", NULL, 0, &e), 0);
	later(70000);
	CHECK_INT(wanted, 3);
	CHECK_INT(resolve_use(r, "two", NULL, 0, &e), 0);
	later(700000);
	CHECK_INT(wanted, 3);
	stop();
}

int main(void)
{
	T_RUN(found_and_again_by_its_ttl);
	T_RUN(a_silent_server_is_passed_over);
	T_RUN(so_is_one_that_fails_or_truncates);
	T_RUN(failures_have_words_and_are_repeated);
	T_RUN(half_an_answer_is_one);
	T_RUN(hosts_need_no_server);
	T_RUN(forged_answers_are_waited_out);
	T_RUN(asked_again_but_not_at_once);
	return t_done();
}
