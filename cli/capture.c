/* capture: a peer's IKE messages into a file that Wireshark opens.
 *
 * pcapng has a place for the keys of TLS, SSH and WireGuard, but none for those of IKE. So by
 * default the messages are written as they are inside of their encryption: any Wireshark shows
 * them, and no key leaves the daemon. With --with-keys the encrypted ones are there too, and
 * beside the file the table that Wireshark decrypts them by.
 */
#include "cli/cli.h"

#include "cli/edit.h"
#include "cli/out.h"
#include "cli/pcapng.h"
#include "core/base/secret.h"
#include "core/control/client.h"
#include "core/crypto/alg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARKER_LEN 4
#define MSG_MAX 65000

enum { IF_INNER, IF_WIRE };

struct capture {
	struct cli *cli;
	FILE *file, *keys;		/* keys: NULL without --with-keys */
	uint8_t buf[MARKER_LEN + MSG_MAX];
	unsigned long n, n_keys, count;
	bool failed, gone;
	struct err why;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Into buf; its length, 0 when it is no hexadecimal text. */
static size_t unhex(const char *text, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	for (; text[0] && text[1]; text += 2) {
		int hi = nibble(text[0]), lo = nibble(text[1]);

		if (hi < 0 || lo < 0 || n == cap)
			return 0;
		buf[n++] = (uint8_t)(hi << 4 | lo);
	}
	return n;
}

static bool endpoint_of(struct json_object *o, const char *key, struct endpoint *ep)
{
	char port[16];

	snprintf(port, sizeof(port), "%s_port", key);
	ep->port = (uint16_t)json_get_u64(o, port, UINT16_MAX, 0);
	return addr_parse(json_get_str(o, key, ""), &ep->addr, NULL) == 0;
}

static void write_packet(struct capture *c, unsigned interface, const struct pcapng_packet *of)
{
	struct pcapng_packet p = *of;

	p.interface = interface;
	if (pcapng_packet(c->file, &p) < 0)
		c->failed = true;
}

static void take_packet(struct capture *c, struct json_object *o)
{
	struct pcapng_packet p = { .out = json_get_bool(o, "out", false) };
	bool plain = json_get_bool(o, "plain", false), readable;
	struct endpoint local, remote;
	struct timespec now;
	size_t n, skip;

	if (!endpoint_of(o, "local", &local) || !endpoint_of(o, "remote", &remote))
		return;
	/* On the NAT traversal port four zero bytes say that it is IKE (RFC 3948 §2.2). */
	skip = local.port == 4500 || remote.port == 4500 ? MARKER_LEN : 0;
	memset(c->buf, 0, MARKER_LEN);
	n = unhex(json_get_str(o, "data", ""), c->buf + skip, MSG_MAX);
	if (n < 28)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	p.time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	p.from = p.out ? local : remote;
	p.to = p.out ? remote : local;
	p.data = (struct slice){ c->buf, n + skip };
	/* What needs no key belongs to both. */
	readable = c->buf[skip + 17] >> 4 == 1 ? !(c->buf[skip + 19] & 1) :
		   c->buf[skip + 18] == 34;
	if (plain || readable) {
		write_packet(c, IF_INNER, &p);
		c->n++;
	}
	if (!plain && c->keys)
		write_packet(c, IF_WIRE, &p);
	if (c->count && c->n >= c->count)
		stop = 1;
}

/* Nobody else may read it; what is there is written over, but no link is followed. */
static FILE *make(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *f;

	if (fd >= 0 && fchmod(fd, 0600) == 0 && (f = fdopen(fd, "w")))
		return f;
	err_errno(e, "cannot write %s", path);
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* Wireshark's names, as its table wants them; NULL: it cannot decrypt that. */
static const char *encryption_name(uint16_t id, uint16_t bits)
{
	switch (id) {
	case ENCR_3DES:
		return "3DES [RFC2451]";
	case ENCR_AES_CBC:
		return bits == 128 ? "AES-CBC-128 [RFC3602]" : bits == 192 ?
		       "AES-CBC-192 [RFC3602]" : "AES-CBC-256 [RFC3602]";
	case ENCR_AES_GCM_16:
		return bits == 128 ? "AES-GCM-128 with 16 octet ICV [RFC5282]" : bits == 192 ?
		       "AES-GCM-192 with 16 octet ICV [RFC5282]" :
		       "AES-GCM-256 with 16 octet ICV [RFC5282]";
	}
	return NULL;
}

static const char *integrity_name(uint16_t id)
{
	switch (id) {
	case INTEG_NONE:
		return "NONE [RFC4306]";
	case INTEG_HMAC_MD5_96:
		return "HMAC_MD5_96 [RFC2403]";
	case INTEG_HMAC_SHA1_96:
		return "HMAC_SHA1_96 [RFC2404]";
	case INTEG_HMAC_SHA2_256_128:
		return "HMAC_SHA2_256_128 [RFC4868]";
	case INTEG_HMAC_SHA2_384_192:
		return "HMAC_SHA2_384_192 [RFC4868]";
	case INTEG_HMAC_SHA2_512_256:
		return "HMAC_SHA2_512_256 [RFC4868]";
	}
	return NULL;
}

static void take_keys(struct capture *c, struct json_object *o)
{
	const char *encr = encryption_name((uint16_t)json_get_u64(o, "encryption", UINT16_MAX, 0),
					   (uint16_t)json_get_u64(o, "bits", UINT16_MAX, 0));
	const char *integ = integrity_name((uint16_t)json_get_u64(o, "integrity", UINT16_MAX, 0));

	if (!c->keys)
		return;
	if (!encr || !integ) {
		out_note(c->cli, "%s is nothing that Wireshark could decrypt; it is in the file as "
			 "it was inside", json_get_str(o, "name", "?"));
		return;
	}
	if (fprintf(c->keys, "%s,%s,%s,%s,\"%s\",%s,%s,\"%s\"\n", json_get_str(o, "spi_i", ""),
		    json_get_str(o, "spi_r", ""), json_get_str(o, "sk_ei", ""),
		    json_get_str(o, "sk_er", ""), encr, json_get_str(o, "sk_ai", ""),
		    json_get_str(o, "sk_ar", ""), integ) < 0 || fflush(c->keys))
		c->failed = true;
	c->n_keys++;
}

static void on_event(void *arg, const struct client_event *ev)
{
	struct capture *c = arg;

	if (ev->kind == CLIENT_GONE) {
		c->gone = true;
		c->why = *ev->err;
	}
	if (ev->kind != CLIENT_PACKET)
		return;
	if (strcmp(json_get_str(ev->raw, "event", ""), "keys") == 0)
		take_keys(c, ev->raw);
	else
		take_packet(c, ev->raw);
}

static int open_files(struct capture *c, const char *path, bool with_keys, struct err *e)
{
	char keys[PATH_MAX];

	c->file = make(path, e);
	if (!c->file)
		return -1;
	if (with_keys) {
		snprintf(keys, sizeof(keys), "%s.ikev2_decryption_table", path);
		c->keys = make(keys, e);
		if (!c->keys)
			return -1;
	}
	if (pcapng_begin(c->file, with_keys ? "IKE of one peer: interface 0 has the messages "
			 "without their encryption, interface 1 as they were; the keys are in the "
			 "file beside this one" : "IKE of one peer, without its encryption") < 0 ||
	    pcapng_interface(c->file, "ike-inside", "IKE messages, decrypted by adit") < 0 ||
	    (with_keys && pcapng_interface(c->file, "ike-wire", "IKE messages as sent") < 0))
		return err_errno(e, "cannot write %s", path);
	return 0;
}

/* What it means, and whose keys: by typing the name once more, and by a yes. */
static int allow_keys(struct cli *c, const char *peer, struct err *e)
{
	char question[256];

	if (strcmp(c->opt[OPT_WITH_KEYS], peer) != 0)
		return err_code(e, EXIT_USAGE, "--with-keys is followed by the peer's name once more, "
				"so that its keys are not written by mistake: --with-keys %s", peer);
	snprintf(question, sizeof(question), "The keys of %s's IKE connection go to a file. Who has "
		 "it can read, and forge, what the two routers tell each other until the next "
		 "rekey. Write them?", peer);
	return out_confirm(c, question, e);
}

static void wait_for_it(struct capture *c, struct client *cl, unsigned long seconds)
{
	time_t end = seconds ? time(NULL) + (time_t)seconds : 0;
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	while (!stop && !c->failed && !c->gone && (!end || time(NULL) < end)) {
		struct pollfd p = { .fd = client_fd(cl), .events = POLLIN };

		if (poll(&p, 1, 200) > 0 && client_dispatch(cl, &c->why) < 0)
			c->gone = true;
	}
}

static void tell(struct cli *c, const struct capture *cap, const char *path)
{
	out_say(c, "%lu message%s in %s: open it with Wireshark, or: tshark -r %s -V", cap->n,
		cap->n == 1 ? "" : "s", path, path);
	if (cap->keys && cap->n_keys)
		out_note(c, "The keys are in %s.ikev2_decryption_table, for your eyes alone; delete it "
			 "when done. To decrypt by them:\n"
			 "    while read -r k; do set -- \"$@\" -o \"uat:ikev2_decryption_table:$k\"; "
			 "done <%s.ikev2_decryption_table; tshark -r %s \"$@\" -V", path, path, path);
	else if (cap->keys)
		out_note(c, "There were no keys of IKEv2, and of IKEv1 none are written; its messages "
			 "are in the file without their encryption.");
}

int capture_capture(struct cli *c, struct err *e)
{
	const char *peer = c->argv[0], *path = c->argv[1];
	unsigned long seconds = 0;
	struct json_object *args;
	struct capture *cap;
	struct client *cl;
	int rc = -1;

	if (edit_require_peer(c, peer, e) ||
	    (cli_has(c, OPT_SECONDS) &&
	     args_number("--seconds", c->opt[OPT_SECONDS], 86400, &seconds, e)) ||
	    (cli_has(c, OPT_WITH_KEYS) && allow_keys(c, peer, e)))
		return -1;
	cap = calloc(1, sizeof(*cap));
	if (!cap)
		return err_set(e, "out of memory");
	cap->cli = c;
	if (cli_has(c, OPT_COUNT) &&
	    args_number("--count", c->opt[OPT_COUNT], 1000000, &cap->count, e)) {
		free(cap);
		return -1;
	}
	cl = client_open(c->front.run_dir, e);
	if (cl && open_files(cap, path, cli_has(c, OPT_WITH_KEYS), e) == 0) {
		client_limit(cl, c->front.timeout_ms);
		client_on_event(cl, on_event, cap);
		args = json_object_new_object();
		json_put_str(args, "peer", peer);
		json_put_bool(args, "keys", cap->keys != NULL);
		rc = client_request(cl, "capture", args, 0, NULL, e);
		if (rc == 0) {
			out_note(c, "capturing; Ctrl-C ends it");
			wait_for_it(cap, cl, seconds);
		}
		if (rc == 0 && cap->failed)
			rc = err_errno(e, "cannot write %s", path);
		else if (rc == 0 && cap->gone && !stop)
			rc = err_code(e, cap->why.code, "%s", cap->why.msg);
		if (rc == 0)
			tell(c, cap, path);
	}
	client_close(cl);
	if (cap->file)
		fclose(cap->file);
	if (cap->keys)
		fclose(cap->keys);
	secret_wipe(cap, sizeof(*cap));
	free(cap);
	return rc;
}
