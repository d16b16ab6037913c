/* state: the verbs that ask or tell the running daemon: status, up, down, restart,
 * reload. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/front/hw.h"
#include "core/front/merge.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTART_WAIT_MS 15000
#define GONE_WAIT_MS 5000

/* A connection, or what to type to have one. */
static struct client *daemon(struct cli *c, struct err *e)
{
	struct client *cl = client_open(c->front.run_dir, e);

	if (cl)
		client_limit(cl, c->front.timeout_ms);
	if (!cl && e->code == EXIT_NOT_RUNNING) {
		struct err told = *e;

		err_code(e, told.code, "%s\n      start it: %s", told.msg,
			 front_start_command());
	}
	return cl;
}

/* --- status of all --- */

struct drop_kind {
	uint64_t n;
	const char *what;
};

static void drop_list(const struct drop_kind *k, size_t n, struct sbuf *b)
{
	char count[FMT_MAX];
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (!k[i].n)
			continue;
		sbuf_addf(b, "%s%s %s", first ? "" : ", ",
			  fmt_count(k[i].n, count, sizeof(count)), k[i].what);
		first = false;
	}
}

/* What comes in from the Internet at large; a word when there is any. */
static void strangers(struct cli *c, const struct status_strangers *d)
{
	const struct drop_kind kinds[] = {
		{ d->malformed, "malformed" },
		{ d->bad_version, "of another IKE version" },
		{ d->no_peer, "from no peer's address" },
		{ d->unknown_spi, "about no SA there is" },
		{ d->half_open, "over the limit of handshakes" },
		{ d->unexpected, "out of place" },
		{ d->bad_id, "with a wrong message ID" },
		{ d->bad_icv, "that failed authentication" },
	};
	const size_t n = sizeof(kinds) / sizeof(kinds[0]);
	struct sbuf b = { 0 };
	char count[FMT_MAX];
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += kinds[i].n;
	if (!sum)
		return;
	sbuf_addf(&b, "%s %s of strangers: ", fmt_count(sum, count, sizeof(count)),
		  sum == 1 ? "IKE message" : "IKE messages");
	drop_list(kinds, n, &b);
	out_field(c, "Dropped", TONE_PLAIN, sbuf_str(&b));
	sbuf_fini(&b);
}

static void head(struct cli *c, const struct status *s)
{
	char span[FMT_MAX], line[400];

	if (!s->running) {
		out_tone(c, TONE_BAD, "! not running");
		sbuf_addf(&c->out,
			  ": nobody listens in %s; what follows is from the settings.\n",
			  c->front.run_dir);
	} else {
		sbuf_addf(&c->out, "adit %s, running for %s", s->version,
			  fmt_span(s->uptime_s, span, sizeof(span)));
		sbuf_add(&c->out, ".\n");
		snprintf(line, sizeof(line), "%s%s%s%s%s%s", s->dataplane,
			 s->dataplane_why[0] ? " (" : "", s->dataplane_why,
			 s->dataplane_why[0] ? ")" : "", s->dataplane_note[0] ? "; " : "",
			 s->dataplane_note);
		out_field(c, "Dataplane", TONE_PLAIN, line);
		if (s->firewall[0])
			out_field(c, "Firewall", TONE_PLAIN, s->firewall);
		strangers(c, &s->drops);
	}
	if (s->warning[0])
		out_field(c, "Warning", TONE_WAIT, s->warning);
}

static void networks(struct cli *c, const struct status_child *ch, struct sbuf *b)
{
	for (size_t i = 0; i < ch->n_local; i++)
		sbuf_addf(b, "%s%s", i ? ", " : "", ch->local_networks[i]);
	sbuf_add(b, c->utf8 ? " ↔ " : " <-> ");
	for (size_t i = 0; i < ch->n_remote; i++)
		sbuf_addf(b, "%s%s", i ? ", " : "", ch->remote_networks[i]);
}

static void networks_short(struct cli *c, const struct status_peer *p, struct sbuf *b)
{
	if (!p->n_children)
		return;
	networks(c, &p->children[0], b);
	if (p->n_children > 1)
		sbuf_addf(b, " (+%zu)", p->n_children - 1);
}

static void traffic(const struct status_peer *p, uint64_t *rx, uint64_t *tx)
{
	*rx = *tx = 0;
	for (size_t i = 0; i < p->n_children; i++) {
		*rx += p->children[i].rx_bytes;
		*tx += p->children[i].tx_bytes;
	}
}

static const struct table_col status_cols[] = {
	{ "PEER", false, 10, 0 },
	{ "STATE", false, 0, 0 },
	{ "GATEWAY", false, 15, 0 },
	{ "NETWORKS", false, 21, 1 },
	{ "IKE", false, 14, 5 },
	{ "ESP", false, 14, 4 },
	{ "IN", true, 0, 3 },
	{ "OUT", true, 0, 3 },
	{ "UP FOR", true, 0, 2 },
};

static void weak_list(const struct status_peer *p, struct sbuf *b)
{
	for (size_t i = 0; i < p->n_weak; i++)
		sbuf_addf(b, "%s%s", i ? ", " : "", p->weak[i]);
}

static void status_notes(struct table *t, const struct status_peer *p, bool running)
{
	struct sbuf b = { 0 };

	if (p->reason[0] && p->state != STATUS_DISABLED &&
	    (running || strcmp(p->reason, FRONT_REASON_OFF) != 0)) {
		char span[FMT_MAX];

		sbuf_add(&b, p->reason);
		if (p->retry_in_s)
			sbuf_addf(&b, "; next try in %s",
				  fmt_span(p->retry_in_s, span, sizeof(span)));
		table_note(t, fmt_state(status_state_name(p->state))->tone, sbuf_str(&b));
	}
	for (size_t i = 0; p->state == STATUS_UP && i < p->n_children; i++) {
		if (p->children[i].state == STATUS_UP)
			continue;
		sbuf_reset(&b);
		sbuf_addf(&b, "its child %s is %s", p->children[i].name,
			  status_state_name(p->children[i].state));
		table_note(t, TONE_BAD, sbuf_str(&b));
	}
	if (p->n_weak) {
		sbuf_reset(&b);
		sbuf_add(&b, "weak: ");
		weak_list(p, &b);
		table_note(t, TONE_WEAK, sbuf_str(&b));
	}
	sbuf_fini(&b);
}

/* What was negotiated; or the first of what would be proposed. */
static void add_suites(struct table *t, const char *text, bool whole)
{
	struct sbuf b = { 0 };

	if (whole)
		sbuf_add(&b, text);
	else
		out_first(&b, text);
	table_add(t, TONE_PLAIN, sbuf_str(&b));
	sbuf_fini(&b);
}

static void spread_field(struct cli *c, const char *label, const char *list)
{
	struct sbuf b = { 0 };

	out_spread(&b, list);
	out_field(c, label, TONE_PLAIN, sbuf_str(&b));
	sbuf_fini(&b);
}

static void status_row(struct cli *c, struct table *t, const struct status_peer *p,
		       bool running)
{
	const struct fmt_state *st = fmt_state(status_state_name(p->state));
	char text[FMT_MAX];
	struct sbuf nets = { 0 };
	uint64_t rx, tx;
	bool plain = cli_has(c, OPT_PLAIN);

	networks_short(c, p, &nets);
	traffic(p, &rx, &tx);
	table_add(t, TONE_PLAIN, p->name);
	if (plain)
		table_add(t, st->tone, st->word);
	else
		table_addf(t, st->tone, "%c %s", st->symbol, st->word);
	table_add(t, TONE_PLAIN, p->remote);
	table_add(t, TONE_PLAIN, sbuf_str(&nets));
	add_suites(t, p->ike, p->state == STATUS_UP || plain);
	add_suites(t, p->n_children ? p->children[0].esp : "",
		   p->state == STATUS_UP || plain);
	if (plain) {
		table_addf(t, TONE_PLAIN, "%llu", (unsigned long long)rx);
		table_addf(t, TONE_PLAIN, "%llu", (unsigned long long)tx);
		table_addf(t, TONE_PLAIN, "%llu", (unsigned long long)p->uptime_s);
	} else if (p->state == STATUS_UP) {
		table_add(t, TONE_PLAIN, fmt_bytes(rx, text, sizeof(text)));
		table_add(t, TONE_PLAIN, fmt_bytes(tx, text, sizeof(text)));
		table_add(t, TONE_PLAIN, fmt_span_short(p->uptime_s, text, sizeof(text)));
	} else {
		for (int i = 0; i < 3; i++)
			table_add(t, TONE_PLAIN, "");
	}
	sbuf_fini(&nets);
	status_notes(t, p, running);
}

static void status_all(struct cli *c, const struct status *s)
{
	struct table t;

	if (!cli_has(c, OPT_PLAIN)) {
		head(c, s);
		sbuf_add(&c->out, "\n");
		if (!s->n_peers)
			sbuf_add(
				&c->out,
				"There are no peers yet. `adit peer add` adds one, `adit "
				"help peer add` shows how.\n");
	}
	table_init(&t, status_cols, sizeof(status_cols) / sizeof(status_cols[0]));
	for (size_t i = 0; i < s->n_peers; i++)
		status_row(c, &t, &s->peers[i], s->running);
	table_print(c, &t);
	table_fini(&t);
}

/* --- status of one --- */

static void drops(const struct status_drops *d, struct sbuf *b)
{
	const struct drop_kind kinds[] = {
		{ d->replay, "replayed or too late" },
		{ d->auth, "failed authentication" },
		{ d->selector_in, "from outside the networks" },
		{ d->selector_out, "to outside the networks" },
		{ d->malformed, "malformed" },
		{ d->expired, "after the keys' end" },
		{ d->mtu, "too big for the tunnel" },
		{ d->socket, "not taken by the network" },
	};

	drop_list(kinds, sizeof(kinds) / sizeof(kinds[0]), b);
}

static void child_page(struct cli *c, const struct status_child *ch)
{
	const struct fmt_state *st = fmt_state(status_state_name(ch->state));
	char bytes[FMT_MAX], packets[FMT_MAX], line[160];
	struct sbuf b = { 0 };

	sbuf_addf(&c->out, "\nChild %s: ", ch->name);
	snprintf(line, sizeof(line), "%c %s", st->symbol, st->word);
	out_tone(c, st->tone, line);
	sbuf_add(&c->out, "\n");
	networks(c, ch, &b);
	out_field(c, "Networks", TONE_PLAIN, sbuf_str(&b));
	spread_field(c, "ESP", ch->esp);
	sbuf_reset(&b);
	if (ch->state == STATUS_UP) {
		snprintf(line, sizeof(line), "in %08x, out %08x", ch->spi_in,
			 ch->spi_out);
		out_field(c, "SPIs", TONE_PLAIN, line);
		out_field(c, "Done by", ch->hardware ? TONE_GOOD : TONE_PLAIN,
			  hw_child_str(ch, line, sizeof(line)));
		snprintf(line, sizeof(line), "in %s",
			 fmt_span(ch->rekey_in_s, bytes, sizeof(bytes)));
		if (ch->rekey_in_s)
			out_field(c, "Rekey", TONE_PLAIN, line);
		snprintf(line, sizeof(line), "%s in %s packet%s",
			 fmt_bytes(ch->rx_bytes, bytes, sizeof(bytes)),
			 fmt_count(ch->rx_packets, packets, sizeof(packets)),
			 ch->rx_packets == 1 ? "" : "s");
		out_field(c, "Received", TONE_PLAIN, line);
		snprintf(line, sizeof(line), "%s in %s packet%s",
			 fmt_bytes(ch->tx_bytes, bytes, sizeof(bytes)),
			 fmt_count(ch->tx_packets, packets, sizeof(packets)),
			 ch->tx_packets == 1 ? "" : "s");
		out_field(c, "Sent", TONE_PLAIN, line);
	}
	drops(&ch->drops, &b);
	out_field(c, "Dropped", TONE_WAIT, sbuf_str(&b));
	sbuf_fini(&b);
}

static void end_field(struct cli *c, const char *label, const char *addr,
		      const char *none, const char *id, bool behind_nat)
{
	struct sbuf b = { 0 };

	sbuf_add(&b, addr[0] ? addr : none);
	if (id[0] && strcmp(id, addr) != 0)
		sbuf_addf(&b, ", ID %s", id);
	if (behind_nat)
		sbuf_add(&b, ", behind NAT or asking for UDP");
	out_field(c, label, TONE_PLAIN, sbuf_str(&b));
	sbuf_fini(&b);
}

static void title_line(struct cli *c, const struct status_peer *p)
{
	const struct fmt_state *st = fmt_state(status_state_name(p->state));
	char line[64], span[FMT_MAX];

	out_tone(c, TONE_HEAD, p->name);
	sbuf_add(&c->out, ": ");
	snprintf(line, sizeof(line), "%c %s", st->symbol, st->word);
	out_tone(c, st->tone, line);
	if (p->state == STATUS_UP)
		sbuf_addf(&c->out, " for %s", fmt_span(p->uptime_s, span, sizeof(span)));
	else if (p->tries > 1)
		sbuf_addf(&c->out, ", attempt %u", p->tries);
	sbuf_add(&c->out, "\n");
}

static void status_one(struct cli *c, const struct status *s)
{
	const struct status_peer *p = &s->peers[0];
	bool both = strcmp(p->nat, "both") == 0;
	char text[320], span[FMT_MAX];
	struct sbuf b = { 0 };

	title_line(c, p);
	if (p->state != STATUS_DISABLED)
		out_field(c, "Why", TONE_BAD, p->reason);
	out_field(c, "What to do", TONE_PLAIN,
		  front_advice(p, s->running, text, sizeof(text)));
	if (p->retry_in_s)
		out_field(c, "Next try", TONE_PLAIN,
			  fmt_span(p->retry_in_s, span, sizeof(span)));
	out_field(c, "Description", TONE_PLAIN, p->description);
	end_field(c, "Here", p->local, "the address the kernel takes", p->local_id,
		  both || strcmp(p->nat, "local") == 0);
	end_field(c, "There", p->remote, "any address", p->peer_id,
		  both || strcmp(p->nat, "remote") == 0);
	out_field(c, "Interface", TONE_PLAIN, p->interface);
	snprintf(text, sizeof(text), "version %u%s", p->version,
		 p->state != STATUS_UP ? "" :
		 p->initiator          ? ", begun here" :
					 ", begun there");
	out_field(c, "IKE", TONE_PLAIN, text);
	spread_field(c, "", p->ike);
	if (p->state == STATUS_UP)
		out_field(c, "ESP travels", TONE_PLAIN,
			  p->udp_encap ? "in UDP" : "by itself");
	snprintf(text, sizeof(text), "in %s",
		 fmt_span(p->rekey_in_s, span, sizeof(span)));
	if (p->rekey_in_s)
		out_field(c, "Rekey", TONE_PLAIN, text);
	weak_list(p, &b);
	out_field(c, "Weak", TONE_WEAK, sbuf_str(&b));
	sbuf_fini(&b);
	for (size_t i = 0; i < p->n_children; i++)
		child_page(c, &p->children[i]);
	if (s->warning[0])
		sbuf_add(&c->out, "\n");
	out_field(c, "Warning", TONE_WAIT, s->warning);
}

int state_status(struct cli *c, struct err *e)
{
	const char *peer = c->argc ? c->argv[0] : NULL;
	bool json = cli_has(c, OPT_JSON);
	struct json_object *raw = NULL;
	struct status *s = NULL;

	if (front_status(&c->front, peer, &s, json ? &raw : NULL, e))
		return -1;
	if (!s->running || (peer && s->n_peers && s->peers[0].state != STATUS_UP))
		c->exit = EXIT_NOT_RUNNING;
	if (json)
		out_json(c, raw);
	else if (cli_has(c, OPT_QUIET))
		;	/* the exit status says it */
	else if (peer && s->n_peers && !cli_has(c, OPT_PLAIN))
		status_one(c, s);
	else
		status_all(c, s);
	status_free(s);
	return 0;
}

/* --- up, down --- */

static void on_progress(void *arg, const struct client_event *ev)
{
	struct cli *c = arg;
	char clean[1024];

	if (ev->kind == CLIENT_PROGRESS)
		out_note(c, "%s: %s", ev->name,
			 fmt_fit(ev->text, 0, c->utf8, clean, sizeof(clean)));
}

/* One sentence of what is up now. */
static void say_up(struct cli *c, struct client *cl, const char *peer)
{
	struct json_object *raw = NULL;
	struct status *s = NULL;
	struct sbuf b = { 0 };
	struct err ignored;

	if (client_status(cl, peer, &s, cli_has(c, OPT_JSON) ? &raw : NULL, &ignored)) {
		out_say(c, "%s is up.", peer);
		return;
	}
	if (raw) {
		out_json(c, raw);
	} else if (s->n_peers) {
		const struct status_peer *p = &s->peers[0];

		for (size_t i = 0; i < p->n_children; i++) {
			sbuf_add(&b, i ? "; " : "");
			networks(c, &p->children[i], &b);
		}
		out_say(c, "%s is up: %s, %s.", p->name, p->ike, sbuf_str(&b));
	}
	sbuf_fini(&b);
	status_free(s);
}

/* The daemon knows no near names: ask the settings for one. */
static int explain(struct cli *c, const char *peer, struct err *e)
{
	struct status *s = NULL;
	char advice[320];
	struct err why = *e;

	if (why.code != EXIT_NO_PEER && why.code != EXIT_FAILED &&
	    why.code != EXIT_TIMEOUT)
		return -1;
	if (front_status(&c->front, peer, &s, NULL, e)) {
		if (why.code != EXIT_NO_PEER)
			*e = why;
		return -1;
	}
	*e = why;
	/* The daemon has not got it, the settings have. */
	if (why.code == EXIT_NO_PEER && s->n_peers)
		err_code(e, front_reason_is_error(s->peers[0].reason) ? EXIT_SETTINGS :
			 EXIT_NO_PEER, "%s: %s", peer, s->peers[0].reason);
	/* "Not up" for scripts, whatever the reason was. */
	if (e->code == EXIT_FAILED)
		e->code = EXIT_NOT_RUNNING;
	if (s->n_peers &&
	    front_advice(&s->peers[0], s->running, advice, sizeof(advice))[0]) {
		why = *e;
		err_code(e, why.code, "%s\n      %s", why.msg, advice);
	}
	status_free(s);
	return -1;
}

int state_up(struct cli *c, struct err *e)
{
	struct client *cl = daemon(c, e);
	int rc;

	if (!cl)
		return -1;
	client_on_event(cl, on_progress, c);
	rc = client_up(cl, c->argv[0], (unsigned)c->front.timeout_ms / 1000, e);
	client_on_event(cl, NULL, NULL);
	if (rc == 0)
		say_up(c, cl, c->argv[0]);
	else
		rc = explain(c, c->argv[0], e);
	client_close(cl);
	return rc;
}

int state_test(struct cli *c, struct err *e)
{
	struct client *cl = daemon(c, e);
	char text[ERR_MSG_MAX];
	int rc;

	if (!cl)
		return -1;
	rc = client_test(cl, c->argv[0], text, sizeof(text), e);
	client_close(cl);
	if (rc == 0)
		out_say(c, "%s: %s.", c->argv[0], text);
	return rc;
}

int state_down(struct cli *c, struct err *e)
{
	struct client *cl = daemon(c, e);
	int rc;

	if (!cl)
		return -1;
	rc = client_down(cl, c->argv[0], e);
	client_close(cl);
	if (rc == 0)
		out_say(c, "%s is down. `adit up %s` brings it up.", c->argv[0],
			c->argv[0]);
	else if (e->code == EXIT_NO_PEER)
		rc = explain(c, c->argv[0], e);
	return rc;
}

/* --- the whole daemon --- */

/* The old one must not be the one that answers. */
static void wait_gone(struct client *cl)
{
	struct pollfd p = { .fd = client_fd(cl), .events = POLLIN };
	struct err gone;

	while (poll(&p, 1, GONE_WAIT_MS) > 0)
		if (client_dispatch(cl, &gone))
			return;
}

int state_restart(struct cli *c, struct err *e)
{
	int wait_ms = c->front.timeout_ms ? c->front.timeout_ms : RESTART_WAIT_MS;
	struct client *cl = daemon(c, e);
	int rc;

	if (!cl)
		return -1;
	rc = client_restart(cl, e);
	if (rc == 0)
		wait_gone(cl);
	client_close(cl);
	if (rc)
		return -1;
	if (client_wait_running(c->front.run_dir, wait_ms, e))
		return err_wrap(e, "restarted, but the daemon does not answer again");
	out_say(c, "Restarted. `adit status` shows how the tunnels come back.");
	return 0;
}

int state_reload(struct cli *c, struct err *e)
{
	struct client *cl = daemon(c, e);
	char text[FRONT_TEXT_MAX] = "";
	int rc;

	if (!cl)
		return -1;
	rc = client_reload(cl, text, sizeof(text), e);
	client_close(cl);
	if (rc && e->code == EXIT_SETTINGS) {
		struct err why = *e;

		return err_code(e, why.code, "%s\n      `adit check` shows where",
				why.msg);
	}
	if (rc)
		return -1;
	out_say(c, "%s%s%s", text[0] ? "Applied: " : "Applied.", text,
		text[0] ? "." : "");
	return 0;
}
