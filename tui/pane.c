/* pane: first why it is down and what to do about it, then who talks to whom, then how. */
#include "tui/pane.h"

#include "core/front/hw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL 10

struct pane {
	int row, end;
};

static void line(struct pane *at, enum element el, const char *text)
{
	if (at->row < at->end)
		term_clip(at->row++, 1, term_cols() - 2, el, text);
}

static void wrapped(struct pane *at, enum element el, const char *text)
{
	size_t width = (size_t)(term_cols() - 2);

	while (text && *text && at->row < at->end) {
		const char *next;
		size_t len = fmt_wrap(text, width, &next);

		term_putf(at->row++, 1, (int)width, el, "%.*s", (int)len, text);
		text = next;
	}
}

/* A label, and beside it the value, over several lines where it has to be. */
static void labelled(struct pane *at, const char *label, enum element el, const char *value)
{
	size_t width = (size_t)(term_cols() - 2 - LABEL);

	while (value && *value && at->row < at->end) {
		const char *next;
		size_t len = fmt_wrap(value, width, &next);

		term_put(at->row, 1, LABEL, EL_DIM, label);
		term_putf(at->row++, 1 + LABEL, (int)width, el, "%.*s", (int)len, value);
		label = "";
		value = next;
	}
}

const char *pane_algorithms(const char *text, char *buf, size_t cap)
{
	static const char *const families[] = { "PRF-HMAC-", "HMAC-" };
	unsigned more = 0;
	size_t n = 0;

	/* Proposals have a comma and no blank between them; what was negotiated has one. */
	for (const char *c = strchr(text, ','); c; c = strchr(c + 1, ','))
		more += c[1] != ' ';
	if (more) {
		snprintf(buf, cap, "%.*s +%u", (int)strcspn(text, ","), text, more);
		return buf;
	}
	while (*text && n + 1 < cap) {
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			if (strncmp(text, families[i], strlen(families[i])) == 0)
				text += strlen(families[i]);
		buf[n++] = *text++;
	}
	buf[n] = '\0';
	return buf;
}

/* "203.0.113.1", "203.0.113.1 as keyid:shop": an ID that is the address says nothing. none: what
 * no address means. */
static const char *party(const char *addr, const char *none, const char *id, char *buf, size_t cap)
{
	bool same = !id[0] || (strncmp(addr, id, strlen(id)) == 0 &&
			       (!addr[strlen(id)] || addr[strlen(id)] == ':'));

	snprintf(buf, cap, "%s%s%s", addr[0] ? addr : none, same ? "" : " as ", same ? "" : id);
	return buf;
}

static void who_line(struct pane *at, const struct status_peer *p)
{
	char here[200], there[200], text[600];
	/* A peer that only wants UDP claims to be behind NAT: of that side it means little. */
	const char *nat = strcmp(p->nat, "local") == 0 || strcmp(p->nat, "both") == 0
			? ", this router is behind NAT" : p->udp_encap ? ", ESP in UDP" : "";

	snprintf(text, sizeof(text), "%s %s %s%s", party(p->local, "this router", p->local_id, here, sizeof(here)),
		 term_utf8() ? "↔" : "<->", party(p->remote, "any", p->peer_id, there, sizeof(there)), nat);
	labelled(at, "Gateways", EL_TEXT, text);
}

static void join(char **list, size_t n, char *buf, size_t cap)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", i ? ", " : "", list[i]);
}

static void child_traffic(const struct status_child *c, char *buf, size_t cap)
{
	char rx[FMT_MAX], tx[FMT_MAX], rekey[FMT_MAX];
	uint64_t drops = c->drops.replay + c->drops.auth + c->drops.selector_in +
			 c->drops.selector_out + c->drops.malformed + c->drops.expired +
			 c->drops.mtu + c->drops.socket;
	size_t n;

	fmt_bytes(c->rx_bytes, rx, sizeof(rx));
	fmt_bytes(c->tx_bytes, tx, sizeof(tx));
	fmt_span(c->rekey_in_s, rekey, sizeof(rekey));
	n = (size_t)snprintf(buf, cap, "in %s, out %s, new keys in %s", rx, tx, rekey);
	if (drops && n < cap)
		snprintf(buf + n, cap - n, ", %llu dropped (Enter says why)", (unsigned long long)drops);
}

static void child_lines(struct pane *at, const struct status_peer *p, const struct status_child *c)
{
	char local[300], remote[300], text[700], traffic[200];
	const struct fmt_state *st = fmt_state(status_state_name(c->state));
	bool only = p->n_children == 1;

	join(c->local_networks, c->n_local, local, sizeof(local));
	join(c->remote_networks, c->n_remote, remote, sizeof(remote));
	snprintf(text, sizeof(text), "%s%s%s %s %s", only ? "" : c->name, only ? "" : ": ", local,
		 term_utf8() ? "↔" : "<->", remote);
	/* A child's own state is news only where the peer itself is up. */
	if (p->state == STATUS_UP && c->state != STATUS_UP) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "  %c %s", st->symbol, st->word);
	}
	labelled(at, "Networks", p->state == STATUS_UP ? (enum element)st->tone : EL_TEXT, text);
	if (c->state != STATUS_UP)
		return;
	child_traffic(c, traffic, sizeof(traffic));
	labelled(at, "", EL_TEXT, traffic);
	hw_child_str(c, traffic, sizeof(traffic));
	snprintf(text, sizeof(text), "%s%s%s", c->esp, !traffic[0] ? "" : c->engine[0] ? "; by " : "; ",
		 traffic);
	labelled(at, "ESP", EL_TEXT, text);
}

/* Proposals have commas without blanks, which no line can be broken at. */
static void proposals(struct pane *at, const char *label, const char *text)
{
	char buf[700];
	size_t n = 0;

	for (; *text && n + 2 < sizeof(buf); text++) {
		buf[n++] = *text;
		if (*text == ',' && text[1] != ' ')
			buf[n++] = ' ';
	}
	buf[n] = '\0';
	labelled(at, label, EL_TEXT, buf);
}

static void why(struct pane *at, const struct tui *t, const struct status_peer *p)
{
	char advice[400], text[200], span[FMT_MAX];

	if (p->state == STATUS_UP)
		return;
	if (p->state == STATUS_DISABLED) {
		line(at, EL_OFF, "Disabled in its settings; n enables it.");
		return;
	}
	wrapped(at, (enum element)fmt_state(status_state_name(p->state))->tone, p->reason);
	/* The first call may well be answered yet. */
	if (p->state == STATUS_DOWN || p->tries > 1 || p->retry_in_s) {
		front_advice(p, t->status->running, advice, sizeof(advice));
		wrapped(at, EL_TEXT, advice);
	}
	if (!p->retry_in_s)
		return;
	snprintf(text, sizeof(text), "Tried %u time%s; the next try is in %s, s tries at once.",
		 p->tries, p->tries == 1 ? "" : "s", fmt_span(p->retry_in_s, span, sizeof(span)));
	line(at, EL_DIM, text);
}

static void how(struct pane *at, const struct status_peer *p)
{
	char text[400], span[FMT_MAX];

	if (p->state == STATUS_UP) {
		snprintf(text, sizeof(text), "IKEv%u, %s; up for %s", p->version, p->ike,
			 fmt_span(p->uptime_s, span, sizeof(span)));
		labelled(at, "IKE", EL_TEXT, text);
		return;
	}
	proposals(at, "IKE", p->ike);
	if (p->n_children)
		proposals(at, "ESP", p->children[0].esp);
}

void pane_draw(const struct tui *t, const struct status_peer *p, const char *where, int top,
	       int rows)
{
	struct pane at = { top + 1, top + rows };
	char title[300], weak[300];

	snprintf(title, sizeof(title), "%s%s%s", p->name, p->description[0] ? ": " : "",
		 p->description);
	term_rule(top, 0, term_cols(), title);
	if (where[0] && term_cols() > 60)
		term_putf(top, term_cols() - 3 - (int)fmt_width(where), 0, EL_DIM, " %s ", where);
	why(&at, t, p);
	if (p->n_weak) {
		join(p->weak, p->n_weak, weak, sizeof(weak));
		labelled(&at, "Weak", EL_WEAK, weak);
	}
	/* Few rows are for what differs from peer to peer. */
	if (rows > 4 || p->state == STATUS_UP)
		for (size_t i = 0; i < p->n_children; i++)
			child_lines(&at, p, &p->children[i]);
	who_line(&at, p);
	how(&at, p);
	if (p->interface[0] && p->state != STATUS_DISABLED)
		labelled(&at, "Interface", EL_TEXT, p->interface);
}
