/* probe: what the IPsec box at the other end takes, in words, and as settings. The asking is
 * done by libexec/ike-probe, which parses what strangers send and may do nothing else. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/base/libexec.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define WAIT_MS 60000

static int resolve(const char *host, char addr[ADDR_TEXT_MAX], struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list = NULL;
	struct sockaddr_storage ss = { 0 };
	struct endpoint ep;
	struct ip_addr whole;
	char clean[80];
	int rc;

	fmt_fit(host, 60, false, clean, sizeof(clean));
	/* getaddrinfo(3) takes 1.2.3 for 1.2.0.3: not what anybody means. */
	if (host[0] && !host[strspn(host, "0123456789.")] && addr_parse(host, &whole, NULL) < 0)
		return err_code(e, EXIT_USAGE, "\"%s\" is not a complete IP address", clean);
	rc = getaddrinfo(host, NULL, &hints, &list);
	if (rc)
		return err_set(e, "%s: %s", clean, gai_strerror(rc));
	memcpy(&ss, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	if (endpoint_from_sockaddr(&ss, &ep) < 0)
		return err_set(e, "%s has no IP address", clean);
	addr_str(&ep.addr, addr);
	return 0;
}

/* Everything it prints, until it ends. */
static int read_all(int fd, char *buf, size_t *len, struct err *e)
{
	*len = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;
		int rc = poll(&p, 1, WAIT_MS);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return err_code(e, EXIT_TIMEOUT, "ike-probe does not end");
		n = read(fd, buf + *len, ANSWER_MAX - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading from ike-probe");
		if (n == 0 || (*len += (size_t)n) >= ANSWER_MAX)
			return 0;
	}
}

static int run(const char *addr, const char *port, char *buf, size_t *len, struct err *e)
{
	char dir[PATH_MAX - 16], path[PATH_MAX];
	int fds[2], status = 0, rc;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/ike-probe",
		 libexec_dir("ike-probe", dir, sizeof(dir)));
	if (pipe(fds) < 0)
		return err_errno(e, "pipe");
	pid = fork();
	if (pid < 0)
		return err_errno(e, "fork");
	if (pid == 0) {
		char *const env[] = { NULL };

		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execle(path, "ike-probe", addr, port, (char *)NULL, env);
		_exit(127);
	}
	close(fds[1]);
	rc = read_all(fds[0], buf, len, e);
	close(fds[0]);
	if (rc)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc)
		return rc;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, "cannot run %s", path);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, "the probe ended without a result");
	return 0;
}

/* ---- in words ---- */

static void join(struct json_object *o, const char *key, struct sbuf *b)
{
	size_t n;
	struct json_object *list = json_get_array(o, key, &n);

	for (size_t i = 0; i < n; i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(list, i));

		sbuf_addf(b, "%s%s", i ? ", " : "", s ? s : "");
	}
}

static void field(struct cli *c, struct json_object *o, const char *label, const char *key)
{
	struct sbuf b = { 0 };

	join(o, key, &b);
	if (b.len)
		out_labelled(c, 14, label, TONE_PLAIN, sbuf_str(&b));
	sbuf_fini(&b);
}

static void tell_v2(struct cli *c, struct json_object *v)
{
	bool here = json_get_bool(v, "nat_here", false), there = json_get_bool(v, "nat_there", false);
	const char *refusal = json_get_str(v, "refusal", "");
	size_t n;

	if (!json_get_bool(v, "answers", false)) {
		out_labelled(c, 14, "IKEv2", TONE_BAD, refusal[0] ? refusal : "no answer");
		return;
	}
	if (!json_get_array(v, "groups", &n) || !n) {
		out_labelled(c, 14, "IKEv2", TONE_WAIT, "answers, but takes nothing that was "
			     "offered: it may not expect this router's address, or have "
			     "IKEv1 alone");
		return;
	}
	out_labelled(c, 14, "IKEv2", TONE_GOOD, json_get_bool(v, "complete", false) ? "yes" :
		     "yes; not every algorithm could be asked for");
	field(c, v, "  encryption", "encryption");
	field(c, v, "  integrity", "integrity");
	field(c, v, "  PRF", "prf");
	field(c, v, "  groups", "groups");
	if (here || there)
		out_labelled(c, 14, "  NAT", TONE_PLAIN, here && there ? "on both sides" : here ?
			     "in front of this host" : "in front of the peer, or it says so to have "
			     "ESP in UDP");
	if (json_get_bool(v, "fragmentation", false))
		out_labelled(c, 14, "  fragments", TONE_PLAIN, "yes (RFC 7383)");
}

static void tell_v1(struct cli *c, struct json_object *v)
{
	struct sbuf b = { 0 };
	size_t n;
	struct json_object *list = json_get_array(v, "transforms", &n);

	if (!json_get_bool(v, "answers", false)) {
		out_labelled(c, 14, "IKEv1", TONE_OFF, "no answer");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *t = json_object_array_get_idx(list, i);

		sbuf_addf(&b, "%s%s (%s)", i ? ", " : "", json_get_str(t, "suite", ""),
			  json_get_str(t, "auth", ""));
	}
	if (n)
		out_labelled(c, 14, "IKEv1", TONE_GOOD, sbuf_str(&b));
	else
		out_labelled(c, 14, "IKEv1", TONE_WAIT, "answers, but takes nothing that was "
			     "offered, or does not expect this router's address");
	if (json_get_bool(v, "aggressive", false))
		out_labelled(c, 14, "  Aggressive", TONE_WEAK, "yes: whoever asks gets what is "
			     "needed to guess its key at leisure");
	sbuf_fini(&b);
}

/* ---- as settings ---- */

/* "ike=…", "version=…", "allow_weak=…" into words. How many; 0: nothing was found. */
static size_t settings_of(struct json_object *o, struct sbuf words[3])
{
	struct json_object *v1 = json_get_object(o, "ikev1"), *v2 = json_get_object(o, "ikev2");
	const char *suite = v2 ? json_get_str(v2, "agreed", "") : "";
	struct suite_list l;
	char weak[96];
	size_t n = 0, len = 0;
	struct json_object *list = v1 ? json_get_array(v1, "transforms", &len) : NULL;
	bool old = !suite[0] && len;

	if (old)
		suite = json_get_str(json_object_array_get_idx(list, 0), "suite", "");
	if (!suite[0] || suite_parse(SUITE_IKE, suite, &l, NULL) < 0)
		return 0;
	sbuf_addf(&words[n++], "ike=%s", suite);
	if (old)
		sbuf_add(&words[n++], "version=1");
	if (suite_weak(&l))
		sbuf_addf(&words[n++], "allow_weak+=%s",
			  weak_str(suite_weak(&l), weak, sizeof(weak)));
	return n;
}

static void offer(struct cli *c, const char *addr, struct sbuf *words, size_t n)
{
	struct sbuf all = { 0 };

	for (size_t i = 0; i < n; i++) {
		sbuf_add(&all, " ");
		front_quote(&all, sbuf_str(&words[i]));
	}
	sbuf_add(&c->out, "\nFor a peer that is there already:\n");
	sbuf_addf(&c->out, "      adit peer set PEER%s\n", sbuf_str(&all));
	sbuf_add(&c->out, "For a new one:\n");
	sbuf_addf(&c->out, "      adit peer add NAME remote_gateway=%s \\\n"
		  "          local_network=... remote_network=...%s\n", addr, sbuf_str(&all));
	sbuf_fini(&all);
}

static int save(struct cli *c, struct sbuf *words, size_t n, struct err *e)
{
	char *args[4] = { (char *)c->opt[OPT_SAVE] }, **argv = c->argv;
	int argc = c->argc, rc;

	if (!n)
		return err_set(e, "nothing was found that could be saved");
	for (size_t i = 0; i < n; i++)
		args[1 + i] = (char *)sbuf_str(&words[i]);
	c->argc = (int)n + 1;
	c->argv = args;
	rc = peer_set(c, e);
	c->argc = argc;
	c->argv = argv;
	return rc;
}

/* To either version. */
static bool answers(struct json_object *o)
{
	struct json_object *v1 = json_get_object(o, "ikev1"), *v2 = json_get_object(o, "ikev2");

	return (v1 && json_get_bool(v1, "answers", false)) ||
	       (v2 && json_get_bool(v2, "answers", false));
}

static void tell(struct cli *c, struct json_object *o, const char *addr)
{
	const char *why = json_get_str(o, "unreachable", "");
	struct json_object *v1 = json_get_object(o, "ikev1"), *v2 = json_get_object(o, "ikev2");
	unsigned port = (unsigned)json_get_u64(o, "port", 65535, 500);

	sbuf_addf(&c->out, "%s, port %u, asked with %u packets:\n", addr, port,
		  (unsigned)json_get_u64(o, "sent", 1000, 0));
	if (strcmp(why, "port") == 0)
		out_wrap(c, 2, "It is there, but nothing listens on that port: IPsec is not running "
			       "there (\"port unreachable\").");
	else if (strcmp(why, "host") == 0)
		out_wrap(c, 2, "It cannot be reached: no such host or network.");
	else if (strcmp(why, "filter") == 0)
		out_wrap(c, 2, "A firewall refuses it, and says so.");
	if (!v1 || !v2)
		return;
	tell_v2(c, v2);
	tell_v1(c, v1);
	field(c, o, "Known as", "vendors");
	if (json_get_bool(v2, "answers", false) && port == 500)
		out_labelled(c, 14, "UDP 4500", json_get_bool(o, "natt_answers", false) ? TONE_GOOD :
			     TONE_WAIT, json_get_bool(o, "natt_answers", false) ? "open" :
			     "no answer: closed, or not asked");
	if (!why[0] && !answers(o))
		out_wrap(c, 2, "No answer at all: nobody there, UDP blocked, or a box that ignores "
			       "callers it does not expect.");
}

int probe_probe(struct cli *c, struct err *e)
{
	const char *port = cli_has(c, OPT_PORT) ? c->opt[OPT_PORT] : "500";
	char addr[ADDR_TEXT_MAX], *buf;
	struct json_object *o = NULL;
	struct sbuf words[3] = { 0 };
	unsigned long number;
	size_t len = 0, n;
	int rc = -1;

	if (args_number("--port", port, 65535, &number, e) || resolve(c->argv[0], addr, e))
		return -1;
	if (number == 0)
		return err_code(e, EXIT_USAGE, "--port is 1 to 65535");
	buf = malloc(ANSWER_MAX);
	if (!buf)
		return err_set(e, "out of memory");
	out_note(c, "asking %s, some ten seconds ...", addr);
	if (run(addr, port, buf, &len, e) == 0) {
		while (len && buf[len - 1] == '\n')
			len--;
		rc = json_parse_line(buf, len, &o, e);
	}
	free(buf);
	if (rc)
		return rc;
	n = settings_of(o, words);
	if (cli_has(c, OPT_SAVE)) {
		if (!cli_has(c, OPT_JSON))
			tell(c, o, addr);
		rc = save(c, words, n, e);
	} else if (cli_has(c, OPT_JSON)) {
		out_json(c, json_object_get(o));
	} else {
		tell(c, o, addr);
		if (n)
			offer(c, addr, words, n);
	}
	if (rc == 0 && !answers(o))
		rc = err_set(e, "%s does not answer", addr);
	for (size_t i = 0; i < 3; i++)
		sbuf_fini(&words[i]);
	json_object_put(o);
	return rc;
}
