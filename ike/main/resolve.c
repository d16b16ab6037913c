/* resolve: one look-up is two questions to one server after the other; every way it can end
 * leads to ended(), which sets the time of the next. */
#include "ike/main/resolve.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rng.h"
#include "ike/wire/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WHY_MAX 160
#define SOCKETS_WAIT_MS 10000	/* for aditd */
#define FAIL_FIRST_S 5
#define FAIL_MAX_S 300
#define TURN 16			/* datagrams read in one turn of the loop */

enum { Q_A, Q_AAAA, QUESTIONS };
enum look { LOOK_IDLE, LOOK_QUEUED, LOOK_SOCKETS, LOOK_ASKING };

struct entry {
	struct entry *next;
	struct resolve *r;
	char name[HOST_NAME_LEN + 1];
	uint8_t look;			/* enum look */
	bool again;			/* look up once more when this is over */
	uint32_t id;			/* of want() */
	struct timer timer;		/* the next look-up; while one runs: its patience */
	uint64_t looked_ms;		/* when the last one began; 0 never */
	unsigned fails;
	/* known now */
	size_t n;
	struct ip_addr addr[RESOLVE_ADDRS_MAX];
	/* the look-up under way */
	int fds[DNS_SERVERS_MAX];
	struct ip_addr server[DNS_SERVERS_MAX];
	size_t n_servers, at;		/* at counts on over the rounds */
	uint16_t ids[QUESTIONS];
	bool done[QUESTIONS];
	struct dns_answer got[QUESTIONS];
	char why[WHY_MAX];
};

struct user {
	struct user *next;
	char peer[PEER_NAME_MAX + 1];
	size_t n;
	char names[GATEWAYS_MAX][HOST_NAME_LEN + 1];
};

struct resolve {
	struct loop *loop;
	struct resolve_env env;
	struct entry *entries;
	struct user *users;
	uint32_t last_id;
	unsigned under_way;
};

static void begin(struct entry *x);
static void ask_next(struct entry *x);

struct resolve *resolve_new(struct loop *l, const struct resolve_env *env)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = l;
	r->env = *env;
	return r;
}

static void close_all(struct entry *x)
{
	for (size_t i = 0; i < x->n_servers; i++) {
		if (x->fds[i] < 0)
			continue;
		loop_del(x->r->loop, x->fds[i]);
		close(x->fds[i]);
		x->fds[i] = -1;
	}
	x->n_servers = 0;
}

/* ---- ends ---- */

static void next_in_line(struct resolve *r)
{
	for (struct entry *x = r->entries; x && r->under_way < RESOLVE_AT_ONCE; x = x->next)
		if (x->look == LOOK_QUEUED)
			begin(x);
}

static void stop(struct entry *x)
{
	if (x->look > LOOK_QUEUED)
		x->r->under_way--;
	x->look = LOOK_IDLE;
	timer_stop(loop_timers(x->r->loop), &x->timer);
	close_all(x);
}

static bool same_addrs(const struct entry *x, const struct ip_addr *v, size_t n)
{
	size_t same = 0;

	if (n != x->n)
		return false;
	/* Servers like to turn them round: the order means nothing. */
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			same += addr_equal(&x->addr[i], &v[k]);
	return same == n;
}

static void ended(struct entry *x, const struct ip_addr *v, size_t n, uint32_t ttl_s)
{
	struct resolve *r = x->r;
	char name[HOST_NAME_LEN + 1], why[WHY_MAX];
	bool told = n ? same_addrs(x, v, n) : false;
	uint64_t wait_s = ttl_s;

	stop(x);
	if (n) {
		x->fails = 0;
		x->n = n;
		memcpy(x->addr, v, n * sizeof(*v));
		if (wait_s < RESOLVE_TTL_MIN_S)
			wait_s = RESOLVE_TTL_MIN_S;
		if (wait_s > RESOLVE_TTL_MAX_S)
			wait_s = RESOLVE_TTL_MAX_S;
	} else {
		wait_s = (uint64_t)FAIL_FIRST_S << (x->fails < 7 ? x->fails : 7);
		if (wait_s > FAIL_MAX_S)
			wait_s = FAIL_MAX_S;
		x->fails++;
	}
	if (x->again)
		wait_s = RESOLVE_TTL_MIN_S;
	x->again = false;
	timer_set(loop_timers(r->loop), &x->timer, rng_jitter(wait_s * 1000, n ? 2 : 20));
	memcpy(name, x->name, sizeof(name));
	memcpy(why, x->why, sizeof(why));
	if (!told)
		r->env.found(r->env.arg, name, v, n, n ? "" : why);
	next_in_line(r);
}

/* Both questions are answered. */
static void answered(struct entry *x)
{
	struct ip_addr v[RESOLVE_ADDRS_MAX];
	const struct dns_answer *a = &x->got[Q_A], *aaaa = &x->got[Q_AAAA];
	uint32_t ttl_s = RESOLVE_TTL_MAX_S;
	size_t n = 0;

	/* Some of each, when there are many. */
	for (uint8_t i = 0; i < DNS_ADDRS_MAX; i++) {
		if (i < a->n && n < RESOLVE_ADDRS_MAX)
			v[n++] = a->addr[i];
		if (i < aaaa->n && n < RESOLVE_ADDRS_MAX)
			v[n++] = aaaa->addr[i];
	}
	if (a->n)
		ttl_s = a->ttl_s;
	if (aaaa->n && aaaa->ttl_s < ttl_s)
		ttl_s = aaaa->ttl_s;
	ended(x, v, n, ttl_s);
}

/* ---- one server ---- */

static const struct ip_addr *server_of(const struct entry *x)
{
	return &x->server[x->at % x->n_servers];
}

static void because(struct entry *x, const char *what)
{
	char from[ADDR_TEXT_MAX];

	snprintf(x->why, sizeof(x->why), "%s from %s", what, addr_str(server_of(x), from));
}

static bool all_done(const struct entry *x)
{
	return x->done[Q_A] && x->done[Q_AAAA];
}

/* One datagram. True when this server is through, for good or bad. */
static bool take(struct entry *x, const uint8_t *msg, size_t len)
{
	static const uint16_t types[QUESTIONS] = { DNS_TYPE_A, DNS_TYPE_AAAA };
	char code[16];

	for (int q = 0; q < QUESTIONS; q++) {
		struct dns_answer got;
		enum dns_verdict v;

		if (x->done[q])
			continue;
		v = dns_answer(msg, len, x->name, types[q], x->ids[q], &got);
		switch (v) {
		case DNS_NOT_OURS:
			continue;
		case DNS_FOUND: case DNS_EMPTY:
			x->got[q] = got;
			x->done[q] = true;
			if (!got.n && !x->got[!q].n)
				because(x, "no address");
			if (!all_done(x))
				return false;
			answered(x);
			return true;
		case DNS_NO_NAME:
			/* It is the name that does not exist, whatever the type. */
			memset(x->got, 0, sizeof(x->got));
			because(x, "NXDOMAIN");
			answered(x);
			return true;
		case DNS_TRUNCATED:
			because(x, "an answer too long for UDP");
			break;
		case DNS_FAILED:
			because(x, dns_rcode_name(got.rcode, code));
			break;
		case DNS_BROKEN:
			because(x, "a malformed answer");
			break;
		}
		x->at++;
		ask_next(x);
		return true;
	}
	return false;
}

static void on_answer(void *arg, uint32_t events)
{
	struct entry *x = arg;
	uint8_t buf[DNS_ANSWER_MAX];

	(void)events;
	for (int i = 0; i < TURN && x->look == LOOK_ASKING; i++) {
		int fd = x->fds[x->at % x->n_servers];
		ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got < 0) {
			because(x, errno == ECONNREFUSED ? "port 53 closed: refused" :
				strerror(errno));
			x->at++;
			ask_next(x);
			return;
		}
		if ((size_t)got <= sizeof(buf) && take(x, buf, (size_t)got))
			return;
	}
}

static void watch(struct entry *x, size_t server)
{
	struct err e = { 0 };

	for (size_t i = 0; i < x->n_servers; i++)
		loop_del(x->r->loop, x->fds[i]);
	if (loop_add(x->r->loop, x->fds[server], EPOLLIN, on_answer, x, &e) < 0)
		log_debug(NULL, "DNS: %s", e.msg);
}

static void ask(struct entry *x, int fd, uint16_t type, uint16_t id)
{
	uint8_t buf[DNS_QUERY_MAX];
	struct err e = { 0 };
	size_t len;

	if (dns_query(x->name, type, id, buf, &len, &e) < 0)
		log_error(NULL, "%s", e.msg);
	else if (send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug(NULL, "DNS: the question for %s was not sent: %s", x->name,
			  strerror(errno));
}

/* x->at says which server, and so in which round we are. */
static void ask_next(struct entry *x)
{
	size_t server;

	if (x->at >= x->n_servers * RESOLVE_ROUNDS) {
		ended(x, NULL, 0, 0);
		return;
	}
	server = x->at % x->n_servers;
	memset(x->got, 0, sizeof(x->got));
	memset(x->done, 0, sizeof(x->done));
	rng_bytes(x->ids, sizeof(x->ids));
	if (x->ids[Q_A] == x->ids[Q_AAAA])
		x->ids[Q_AAAA] ^= 1;
	watch(x, server);
	ask(x, x->fds[server], DNS_TYPE_A, x->ids[Q_A]);
	ask(x, x->fds[server], DNS_TYPE_AAAA, x->ids[Q_AAAA]);
	timer_set(loop_timers(x->r->loop), &x->timer, RESOLVE_WAIT_MS);
}

/* ---- begun ---- */

static void begin(struct entry *x)
{
	struct resolve *r = x->r;

	if (r->under_way >= RESOLVE_AT_ONCE) {
		x->look = LOOK_QUEUED;
		return;
	}
	r->under_way++;
	x->look = LOOK_SOCKETS;
	x->looked_ms = clock_ms();
	x->id = ++r->last_id;
	x->why[0] = '\0';
	timer_set(loop_timers(r->loop), &x->timer, SOCKETS_WAIT_MS);
	r->env.want(r->env.arg, x->id, x->name);
}

/* The server's time is over; or the next look-up is due. */
static void on_timer(void *arg)
{
	struct entry *x = arg;

	switch ((enum look)x->look) {
	case LOOK_IDLE: case LOOK_QUEUED:
		begin(x);
		break;
	case LOOK_SOCKETS:
		snprintf(x->why, sizeof(x->why), "no socket to ask with");
		ended(x, NULL, 0, 0);
		break;
	case LOOK_ASKING:
		/* Half an answer is one: some servers never answer for AAAA. */
		if (x->got[Q_A].n || x->got[Q_AAAA].n) {
			answered(x);
			break;
		}
		because(x, "no answer");
		x->at++;
		ask_next(x);
		break;
	}
}

void resolve_sockets(struct resolve *r, uint32_t id, const struct msg_dns_sockets *m,
		     const int *fds, size_t n_fds)
{
	struct entry *x = r->entries;

	while (x && (x->look != LOOK_SOCKETS || x->id != id))
		x = x->next;
	for (size_t i = !x || m->n_hosts ? 0 : DNS_SERVERS_MAX; i < n_fds; i++)
		close(fds[i]);
	if (!x)
		return;
	if (m->n_hosts) {
		/* A file that the admin edits: looked at again before long. */
		ended(x, m->host, m->n_hosts < DNS_HOSTS_MAX ? m->n_hosts : DNS_HOSTS_MAX, 60);
		return;
	}
	x->n_servers = n_fds < m->n_servers ? n_fds : m->n_servers;
	if (x->n_servers > DNS_SERVERS_MAX)
		x->n_servers = DNS_SERVERS_MAX;
	for (size_t i = x->n_servers; i < n_fds && i < DNS_SERVERS_MAX; i++)
		close(fds[i]);
	if (!x->n_servers) {
		snprintf(x->why, sizeof(x->why), "%.*s", (int)sizeof(m->why) - 1,
			 m->why[0] ? m->why : "no name server is known");
		ended(x, NULL, 0, 0);
		return;
	}
	memcpy(x->fds, fds, x->n_servers * sizeof(*fds));
	memcpy(x->server, m->server, x->n_servers * sizeof(*x->server));
	x->at = 0;
	x->look = LOOK_ASKING;
	ask_next(x);
}

void resolve_again(struct resolve *r, const char *name)
{
	for (struct entry *x = r->entries; x; x = x->next) {
		uint64_t now = clock_ms(), from = x->looked_ms + RESOLVE_TTL_MIN_S * 1000;

		if (strcmp(x->name, name) != 0)
			continue;
		if (x->look != LOOK_IDLE)
			x->again = x->look == LOOK_ASKING;
		else if (now >= from)
			begin(x);
		else if (timer_left(&x->timer) > from - now)
			timer_set(loop_timers(r->loop), &x->timer, from - now);
		return;
	}
}

/* ---- who needs what ---- */

static struct entry *find(struct resolve *r, const char *name)
{
	struct entry *x = r->entries;

	while (x && strcmp(x->name, name) != 0)
		x = x->next;
	return x;
}

static bool needed(const struct resolve *r, const char *name)
{
	for (const struct user *u = r->users; u; u = u->next)
		for (size_t i = 0; i < u->n; i++)
			if (strcmp(u->names[i], name) == 0)
				return true;
	return false;
}

static void entry_free(struct entry *x)
{
	stop(x);
	free(x);
}

static void forget_unneeded(struct resolve *r)
{
	for (struct entry **at = &r->entries, *x; (x = *at); ) {
		if (needed(r, x->name)) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		entry_free(x);
	}
	next_in_line(r);
}

static void drop_user(struct resolve *r, const char *peer)
{
	for (struct user **at = &r->users, *u; (u = *at); at = &u->next)
		if (strcmp(u->peer, peer) == 0) {
			*at = u->next;
			free(u);
			return;
		}
}

static int look_up(struct resolve *r, const char *name, struct err *e)
{
	struct entry *x = find(r, name);
	struct ip_addr v[RESOLVE_ADDRS_MAX];
	size_t n;

	if (x) {
		n = x->n;
		memcpy(v, x->addr, sizeof(v));
		if (n)
			r->env.found(r->env.arg, name, v, n, "");
		return 0;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return err_set(e, "out of memory");
	x->r = r;
	snprintf(x->name, sizeof(x->name), "%s", name);
	timer_init(&x->timer, on_timer, x);
	x->next = r->entries;
	r->entries = x;
	begin(x);
	return 0;
}

int resolve_use(struct resolve *r, const char *peer, const struct gateway *v, size_t n,
		struct err *e)
{
	char names[GATEWAYS_MAX][HOST_NAME_LEN + 1] = { 0 };
	struct user *u;
	size_t k = 0;

	drop_user(r, peer);
	for (size_t i = 0; i < n && i < GATEWAYS_MAX; i++)
		if (v[i].kind == GATEWAY_NAME)
			snprintf(names[k++], sizeof(names[0]), "%s", v[i].name);
	if (k) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return err_set(e, "out of memory");
		snprintf(u->peer, sizeof(u->peer), "%s", peer);
		u->n = k;
		memcpy(u->names, names, sizeof(names));
		u->next = r->users;
		r->users = u;
	}
	forget_unneeded(r);
	for (size_t i = 0; i < k; i++)
		if (look_up(r, names[i], e) < 0)
			return -1;
	return 0;
}

void resolve_free(struct resolve *r)
{
	if (!r)
		return;
	while (r->users)
		drop_user(r, r->users->peer);
	for (struct entry *x; (x = r->entries); ) {
		r->entries = x->next;
		entry_free(x);
	}
	free(r);
}
