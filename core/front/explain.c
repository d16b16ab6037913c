/* explain: from what was kept of a failure to sentences that name the side, the setting and
 * the edit. One function for each way to fail; the table and the history follow. */
#include "core/front/explain.h"

#include "core/front/explain_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Notify types that are judged here (RFC 7296 §3.10.1; IKEv1's of RFC 2408 §3.14.1 have the
 * same numbers where they mean the same). */
enum {
	NOTIFY_INVALID_MAJOR_VERSION = 5, NOTIFY_INVALID_SYNTAX = 7,
	NOTIFY_NO_PROPOSAL_CHOSEN = 14, NOTIFY_INVALID_KE = 17, NOTIFY_INVALID_ID = 18,
	NOTIFY_AUTHENTICATION_FAILED = 24, NOTIFY_SINGLE_PAIR_REQUIRED = 34,
	NOTIFY_NO_ADDITIONAL_SAS = 35, NOTIFY_FAILED_CP_REQUIRED = 37,
	NOTIFY_TS_UNACCEPTABLE = 38, NOTIFY_TEMPORARY_FAILURE = 43,
};

/* ---- lines ---- */

static struct explain_line *add(struct explain *x, enum explain_kind kind, enum fmt_tone tone)
{
	struct explain_line *more;

	if ((x->n & (x->n - 1)) == 0 || x->n == 0) {
		more = realloc(x->line, (x->n ? 2 * x->n : 1) * sizeof(*more));
		if (!more) {
			x->bad = true;
			return NULL;
		}
		x->line = more;
	}
	x->line[x->n] = (struct explain_line){ .kind = kind, .tone = tone };
	return &x->line[x->n];
}

void explain_say(struct explain *x, enum explain_kind kind, enum fmt_tone tone,
		 const char *fmt, ...)
{
	struct explain_line *l = add(x, kind, tone);
	struct sbuf b = { 0 };
	va_list ap;

	if (!l)
		return;
	va_start(ap, fmt);
	sbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	l->text = strdup(sbuf_str(&b));
	sbuf_fini(&b);
	if (l->text)
		x->n++;
	else
		x->bad = true;
}

static void blank(struct explain *x)
{
	if (x->n && x->line[x->n - 1].kind != EXPLAIN_BLANK)
		explain_say(x, EXPLAIN_BLANK, TONE_PLAIN, "%s", "");
}

void explain_cells(struct explain *x, enum fmt_tone tone, const char *name, const char *ours,
		   const char *theirs)
{
	struct explain_line *l = add(x, EXPLAIN_ROW, tone);

	if (!l)
		return;
	l->text = strdup(name);
	l->ours = strdup(ours);
	l->theirs = strdup(theirs);
	if (l->text && l->ours && l->theirs) {
		x->n++;
		return;
	}
	free(l->text);
	free(l->ours);
	free(l->theirs);
	x->bad = true;
}

void explain_fini(struct explain *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->line[i].text);
		free(x->line[i].ours);
		free(x->line[i].theirs);
	}
	free(x->line);
	*x = (struct explain){ 0 };
}

const struct front explain_front = { .config_dir = ADIT_CONFIG_DIR, .run_dir = ADIT_RUN_DIR };

static void command(struct explain *x, const struct explain_input *in, const char *verb,
		    const struct front_pair *pairs, size_t n)
{
	struct sbuf b = { 0 };

	front_command(&b, in->front ? in->front : &explain_front, verb, in->peer, pairs, n);
	explain_say(x, EXPLAIN_COMMAND, TONE_PLAIN, "%s", sbuf_str(&b));
	sbuf_fini(&b);
}

void explain_set(struct explain *x, const struct explain_input *in, const char *key,
		 const char *value, const char *key2, const char *value2)
{
	struct front_pair pairs[2] = { { key, value }, { key2, value2 } };

	command(x, in, "peer set", pairs, key2 ? 2 : 1);
}

const char *explain_where(const struct explain_input *in, char *buf, size_t cap)
{
	char text[ADDR_TEXT_MAX] = "";

	if (in->neg && addr_is_set(&in->neg->remote.addr))
		addr_str(&in->neg->remote.addr, text);
	else if (in->conf && addr_is_set(&in->conf->remote_gateway))
		addr_str(&in->conf->remote_gateway, text);
	snprintf(buf, cap, "%s", text[0] ? text : "the peer");
	return buf;
}

/* ---- nobody there ---- */

static bool is_v1(const struct negotiation *n)
{
	return n->version == 1;
}

/* Somebody calls who could be this peer at another address. */
static void perhaps_stranger(const struct explain_input *in, struct explain *x)
{
	char from[ADDR_TEXT_MAX];

	for (size_t i = 0; i < in->n_strangers; i++) {
		addr_str(&in->strangers[i].remote.addr, from);
		if (in->conf && addr_equal(&in->conf->remote_gateway,
					   &in->strangers[i].remote.addr)) {
			explain_text(x, "Meanwhile it calls here with IKEv%u, and version here does "
				     "not allow that:", in->strangers[i].version);
			explain_set(x, in, "version", "auto", NULL, NULL);
			return;
		}
		explain_text(x, "Meanwhile %s calls here, which no peer is set for. If that is the "
			     "other office:", from);
		explain_set(x, in, "remote_gateway", from, NULL, NULL);
		return;
	}
}

static void silent_at_all(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	char host[ADDR_TEXT_MAX], own[ADDR_TEXT_MAX];
	unsigned port = n->remote.port ? n->remote.port : 500;

	explain_where(in, host, sizeof(host));
	addr_str(&n->local.addr, own);
	switch ((enum neg_unreachable)n->unreachable) {
	case NEG_UNREACH_PORT:
		explain_text(x, "%s is there, but nothing listens on its UDP port %u (it answers "
			     "\"port unreachable\"): IPsec is not running there, or it is the wrong "
			     "box (remote_gateway).", host, port);
		perhaps_stranger(in, x);
		return;
	case NEG_UNREACH_HOST:
		explain_text(x, "%s cannot be reached: a router on the way, or this one, says there "
			     "is no such host or network. Check the Internet line and "
			     "remote_gateway.", host);
		perhaps_stranger(in, x);
		return;
	case NEG_UNREACH_FILTER:
		explain_text(x, "A firewall on the way to %s refuses UDP port %u and says so.", host,
			     port);
		return;
	case NEG_REACHED:
	case NEG_UNREACH_N:
		break;
	}
	if (n->sent)
		explain_text(x, "Nothing came back from %s, port %u, to %u message%s. One of these:",
			     host, port, n->sent, n->sent == 1 ? "" : "s");
	else
		explain_text(x, "Nothing came back from %s, port %u, so far. One of these:", host,
			     port);
	explain_text(x, "1. remote_gateway is not the other side's address (any more).");
	explain_text(x, "2. A firewall there, or on the way, drops UDP port %u. Ports 500 and 4500 "
		     "are both needed; behind a NAT both must be forwarded to the IPsec router.",
		     port);
	explain_text(x, "3. The peer is off, or ignores callers it does not expect: it must know "
		     "%s as its remote gateway.", own);
	explain_text(x, "4. It speaks only IKEv%u and ignores IKEv%u.", is_v1(n) ? 2 : 1,
		     is_v1(n) ? 1 : 2);
	explain_text(x, "To see whether, and what, it answers:");
	explain_say(x, EXPLAIN_COMMAND, TONE_PLAIN, "adit probe %s", host);
	perhaps_stranger(in, x);
}

static void no_answer(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	char host[ADDR_TEXT_MAX];

	explain_where(in, host, sizeof(host));
	if (n->step == NEG_STEP_LIVE) {
		explain_text(x, "The tunnel stood, then %s answered no more. It is off, its line is "
			     "down, or its address changed.", host);
		return;
	}
	if (n->step == NEG_STEP_INIT && !n->answered) {
		silent_at_all(in, x);
		return;
	}
	explain_text(x, "%s answered at first, but not the message with the identities (%s).", host,
		     is_v1(n) ? "the third of phase 1" : "IKE_AUTH");
	/* RFC 2409 5.4: the key is in SKEYID, and so the first thing that IKEv1 trips over. */
	if (is_v1(n) && n->auth_ours != NEG_AUTH_CERT)
		explain_text(x, "With IKEv1 this is most often a pre-shared key that differs: the "
			     "peer cannot decrypt that message and drops it. Set the same key on "
			     "both sides.");
	if (n->natt)
		explain_text(x, "From that message on UDP port 4500 is used: %s port 4500 is "
			     "closed, or not forwarded, while 500 is open.",
			     is_v1(n) && n->auth_ours != NEG_AUTH_CERT ? "or perhaps" :
			     "the likeliest cause is that");
	if (!is_v1(n))
		explain_text(x, "%s does not know this router as %s, some products then say "
			     "nothing; its log would.", n->natt ? "Or the peer" : "If the peer",
			     n->id_ours);
	if (n->auth_ours == NEG_AUTH_CERT)
		explain_text(x, "A message with a certificate is large: if the network on the way "
			     "drops fragments, fragmentation = force helps.");
}

/* ---- refused ---- */

static void refused_child(const struct explain_input *in, struct explain *x);

static void other_version(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	unsigned v = n->peer_version ? n->peer_version : is_v1(n) ? 2 : 1;

	explain_text(x, "The peer does not speak IKEv%u (version); it takes IKEv%u. Here:",
		     n->version, v);
	explain_set(x, in, "version", v == 1 ? "1" : "2", NULL, NULL);
	explain_text(x, "Or on the other side: set it to IKEv%u.", n->version);
}

static void refused_raw(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	if (n->notify_name[0])
		explain_text(x, "The peer refused with %s.", n->notify_name);
	if (n->words[0])
		explain_text(x, "%s", n->words);
}

static void group_wanted(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	const struct alg *a = alg_get(ALG_KE, n->group, 0);
	const char *key = n->step == NEG_STEP_INIT || n->step == NEG_STEP_REKEY_IKE ? "ike" : "esp";
	char label[48];

	explain_text(x, "The peer wants the key exchange group %s, which %s= here does not have.",
		     alg_label(ALG_KE, n->group, 0, label, sizeof(label)), key);
	if (!a) {
		explain_text(x, "That group is not known here: choose another on the other side.");
		return;
	}
	explain_text(x, "Add -%s to %s= here, or choose one of ours on the other side. Now:", a->name,
		     key);
	if (in->conf) {
		const struct suite_list *l = strcmp(key, "ike") == 0 ? &in->conf->ike :
					     &in->conf->children[0].esp;
		char text[256], words[64];
		struct suite s = l->s[0];
		unsigned lack = a->weak & ~in->conf->allow_weak;

		s.n_ke = 1;
		s.ke[0] = a->id;
		explain_set(x, in, strcmp(key, "ike") == 0 ? "ike+" : "esp+",
			    suite_str(strcmp(key, "ike") == 0 ? SUITE_IKE : SUITE_ESP, &s, text,
				      sizeof(text)), lack ? "allow_weak+" : NULL,
			    weak_str(lack, words, sizeof(words)));
	}
}

static void refused_child(const struct explain_input *in, struct explain *x)
{
	switch (in->neg->notify) {
	case NOTIFY_NO_PROPOSAL_CHOSEN:
		explain_algorithms(in, SUITE_ESP, x);
		return;
	case NOTIFY_INVALID_ID:
	case NOTIFY_TS_UNACCEPTABLE:
		explain_networks(in, x);
		return;
	case NOTIFY_SINGLE_PAIR_REQUIRED:
		explain_text(x, "The peer takes one pair of networks per tunnel only. Here:");
		explain_set(x, in, "child_per_pair", "yes", NULL, NULL);
		return;
	case NOTIFY_FAILED_CP_REQUIRED:
		explain_text(x, "The peer is set up to give addresses to single users (a road "
			     "warrior server); it must be set up for a site-to-site tunnel.");
		return;
	case NOTIFY_NO_ADDITIONAL_SAS:
		explain_text(x, "The peer takes no more tunnels over this connection: put all "
			     "networks into one child, or allow it more over there.");
		return;
	case NOTIFY_TEMPORARY_FAILURE:
		explain_text(x, "The peer is busy with something else; it is tried again soon by "
			     "itself.");
		return;
	default:	/* an open list of numbers */
		refused_raw(in, x);
	}
}

static void refused(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	switch (n->notify) {
	case NOTIFY_INVALID_MAJOR_VERSION:
		other_version(in, x);
		return;
	case NOTIFY_AUTHENTICATION_FAILED:
		explain_auth_refused(in, x);
		return;
	default:	/* an open list of numbers */
		break;
	}
	if (n->step == NEG_STEP_CHILD || n->step == NEG_STEP_REKEY_CHILD)
		refused_child(in, x);
	else if (n->notify == NOTIFY_NO_PROPOSAL_CHOSEN)
		explain_algorithms(in, SUITE_IKE, x);
	else if (n->notify == NOTIFY_INVALID_SYNTAX && n->step == NEG_STEP_AUTH)
		explain_text(x, "The peer could not read our message with the identities: with a "
			     "pre-shared key that mostly means that the keys differ.");
	else
		refused_raw(in, x);
}

static void other_exchange(const struct explain_input *in, struct explain *x)
{
	bool main_here = !in->conf || in->conf->exchange == EXCHANGE_MAIN;

	explain_text(x, "The peer calls in %s Mode, here exchange = %s.",
		     main_here ? "Aggressive" : "Main", main_here ? "main" : "aggressive");
	explain_text(x, "On the other side, choose %s Mode%s. Or here:",
		     main_here ? "Main" : "Aggressive",
		     main_here ? ", which does not let anybody guess the key from outside" : "");
	explain_set(x, in, "exchange", main_here ? "aggressive" : "main",
		    main_here ? "allow_weak+" : NULL, "aggressive");
}

static void certificate(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	explain_text(x, "The peer's certificate will not do: %s.", n->cert[0] ? n->cert : n->words);
	if (strstr(n->cert, "expired") || strstr(n->cert, "not valid yet"))
		explain_text(x, "The other side needs a new one; if its dates are in order, compare "
			     "the clocks of the two routers.");
	else if (strstr(n->cert, "revoked"))
		explain_text(x, "Its CA took it back: the other side needs a new one.");
	else if (strstr(n->cert, "unknown issuer") || strstr(n->cert, "no CA"))
		explain_text(x, "Import the CA that issued it (`adit pki import`) and name it in ca=, "
			     "or pin that very certificate (peer_cert).");
	else if (strstr(n->cert, "peer_cert"))
		explain_text(x, "If the other side has a new certificate, import it and pin that one, "
			     "or trust its CA instead (ca, without peer_cert).");
	else if (strstr(n->cert, "made out to"))
		explain_text(x, "It has to carry the ID that the peer names, %s, as a name "
			     "(subjectAltName). Either the other side's certificate or its local "
			     "ID is wrong.", n->id_theirs[0] ? n->id_theirs : n->id_wanted);
}

static void signature(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	if (strstr(n->cert, "peer_cert") || strstr(n->words, "peer_cert")) {
		explain_text(x, "The peer does not prove itself by the certificate that is pinned "
			     "here (peer_cert). If it has a new one, import it and pin that one, or "
			     "trust its CA instead (ca, without peer_cert).");
		return;
	}
	explain_text(x, "The peer's signature does not fit the certificate it sent: it uses another "
		     "private key than the certificate's, or another way to sign.");
	if (n->cert[0])
		explain_text(x, "%s.", n->cert);
}

/* One per way to fail. */
static void sentences(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	bool child = n->step == NEG_STEP_CHILD || n->step == NEG_STEP_REKEY_CHILD;

	switch ((enum neg_end)n->end) {
	case NEG_NO_ANSWER:
		no_answer(in, x);
		return;
	case NEG_REFUSED:
		refused(in, x);
		return;
	case NEG_PROPOSAL:
		explain_algorithms(in, child ? SUITE_ESP : SUITE_IKE, x);
		return;
	case NEG_GROUP:
		group_wanted(in, x);
		return;
	case NEG_SELECTORS:
		explain_networks(in, x);
		return;
	case NEG_ID_PEER:
		explain_peer_id(in, x);
		return;
	case NEG_ID_OWN:
		explain_own_id(in, x);
		return;
	case NEG_PSK:
		explain_psk(in, x);
		return;
	case NEG_NO_SECRET:
		explain_no_secret(in, x);
		return;
	case NEG_METHOD:
		explain_method(in, x);
		return;
	case NEG_CERT:
		certificate(in, x);
		return;
	case NEG_SIGNATURE:
		signature(in, x);
		return;
	case NEG_VERSION:
		other_version(in, x);
		return;
	case NEG_EXCHANGE:
		other_exchange(in, x);
		return;
	case NEG_MODE:
		explain_text(x, "One side asks for transport mode, the other for tunnel mode "
			     "(mode). Between networks it is tunnel on both.");
		return;
	case NEG_LIFETIME:
		explain_text(x, "The lifetimes differ and proposal_check here does not let that "
			     "pass: set the same on both sides, or proposal_check = obey.");
		return;
	case NEG_MALFORMED:
		explain_text(x, "What the peer sent breaks the protocol, which no setting here "
			     "changes: %s.", n->words);
		return;
	case NEG_LOCAL:
	case NEG_END_N:
		explain_text(x, "%s.", n->words[0] ? n->words : "It failed on this router");
		return;
	}
}

/* ---- around it ---- */

static const char *step_words(const struct negotiation *n)
{
	switch ((enum neg_step)n->step) {
	case NEG_STEP_INIT:
		return "while the algorithms of IKE were agreed on";
	case NEG_STEP_AUTH:
		return "while the two identified themselves";
	case NEG_STEP_CHILD:
		return "while the networks and algorithms of the tunnel were agreed on";
	case NEG_STEP_REKEY_CHILD:
		return "while the tunnel was given new keys";
	case NEG_STEP_REKEY_IKE:
		return "while the IKE connection was given new keys";
	case NEG_STEP_LIVE:
	case NEG_STEP_N:
		break;
	}
	return "while the tunnel stood";
}

static void history(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	char host[ADDR_TEXT_MAX], span[FMT_MAX], when[FMT_MAX + 16] = "", often[48] = "";

	explain_where(in, host, sizeof(host));
	if (in->now_s && n->wall_s && in->now_s >= n->wall_s)
		snprintf(when, sizeof(when), "%s ago, ",
			 fmt_span((uint64_t)(in->now_s - n->wall_s), span, sizeof(span)));
	if (n->count > 1)
		snprintf(often, sizeof(often), ", the same %u times in a row", n->count);
	explain_text(x, "%s%s%s called %s with IKEv%u, and it failed %s%s.", when,
		     n->initiator ? "" : host, n->initiator ? "this router" : "",
		     n->initiator ? host : "this router", n->version, step_words(n), often);
}

static void row_if(struct explain *x, const char *name, const char *ours, const char *theirs,
		   bool bad)
{
	if (ours[0] || theirs[0])
		explain_cells(x, bad ? TONE_BAD : TONE_PLAIN, name, ours[0] ? ours : "-",
			      theirs[0] ? theirs : "?");
}

static void table(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	char a[ADDR_TEXT_MAX + 16], b[ADDR_TEXT_MAX + 16], text[ADDR_TEXT_MAX], span[FMT_MAX];
	bool child = n->step == NEG_STEP_CHILD || n->step == NEG_STEP_REKEY_CHILD;

	blank(x);
	explain_cells(x, TONE_HEAD, "", "this router", "the peer");
	snprintf(a, sizeof(a), "%s%s", addr_str(&n->local.addr, text),
		 n->nat_local ? " (behind NAT)" : "");
	snprintf(b, sizeof(b), "%s%s", addr_str(&n->remote.addr, text),
		 n->nat_remote ? " (behind NAT)" : "");
	row_if(x, "Address", a, b, false);
	if (n->step == NEG_STEP_AUTH || n->id_theirs[0]) {
		row_if(x, "Is", n->id_ours, n->id_theirs, false);
		row_if(x, "Expects", n->id_wanted[0] ? n->id_wanted : "anyone", n->id_asked,
		       n->end == NEG_ID_PEER || n->end == NEG_ID_OWN);
	}
	if (!child)
		explain_alg_rows(in, SUITE_IKE, x);
	if (child) {
		explain_alg_rows(in, SUITE_ESP, x);
		explain_net_rows(in, x);
	}
	if (n->theirs_wall_s && in->now_s > n->theirs_wall_s)
		explain_say(x, EXPLAIN_TEXT, TONE_DIM, "The peer's side is of its own call %s ago.",
			    fmt_span((uint64_t)(in->now_s - n->theirs_wall_s), span, sizeof(span)));
}

static void heading(const struct explain_input *in, struct explain *x)
{
	const struct status_peer *s = in->status;
	const struct fmt_state *st;
	char span[FMT_MAX];

	if (!in->running) {
		explain_say(x, EXPLAIN_HEAD, TONE_BAD, "%s: adit is not running", in->peer);
		return;
	}
	st = fmt_state(s ? status_state_name(s->state) : "down");
	if (s && s->state == STATUS_UP)
		explain_say(x, EXPLAIN_HEAD, st->tone, "%s is up for %s", in->peer,
			    fmt_span(s->uptime_s, span, sizeof(span)));
	else
		explain_say(x, EXPLAIN_HEAD, st->tone, "%s is %s", in->peer, st->word);
}

/* Nothing failed that is remembered. */
static void without(const struct explain_input *in, struct explain *x)
{
	const struct status_peer *s = in->status;
	char advice[400];

	if (!in->running) {
		explain_text(x, "Why it failed is known to the daemon alone, and it is not running. "
			     "Start it:");
		explain_say(x, EXPLAIN_COMMAND, TONE_PLAIN, "%s", front_start_command());
		return;
	}
	if (s && s->state == STATUS_UP) {
		explain_text(x, "There is nothing to explain: %s, agreed with %s.", s->ike,
			     s->peer_id);
		return;
	}
	if (s && s->reason[0])
		explain_text(x, "%s.", s->reason);
	else
		explain_text(x, "Nothing has failed yet that is remembered.");
	if (in->conf && in->conf->start == START_RESPONDER && s && s->state == STATUS_DOWN) {
		explain_text(x, "It waits to be called (start = responder), and no call of this peer "
			     "came. Is this router's address what the other side calls, and are UDP "
			     "ports 500 and 4500 open here?");
		perhaps_stranger(in, x);
	}
	/* Not to come here: here we are. */
	if (s && !strstr(front_advice(s, true, advice, sizeof(advice)), "adit explain"))
		explain_text(x, "%s", advice);
}

/* The name of the gateway has no address: nobody was called, and there is nothing to compare. */
static bool nobody_to_call(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	if (!n->initiator || n->end != NEG_LOCAL || addr_is_set(&n->remote.addr) ||
	    !strstr(n->words, "does not resolve"))
		return false;
	explain_text(x, "%s.", n->words);
	explain_text(x, "So there was nobody to call. Is the name right in remote_gateway, and do "
		     "this router's name servers (/etc/resolv.conf) know it?");
	return true;
}

void explain_peer(const struct explain_input *in, struct explain *x)
{
	blank(x);
	heading(in, x);
	if (!in->neg || (in->status && in->status->state == STATUS_DISABLED)) {
		without(in, x);
		return;
	}
	if (in->status && in->status->reason &&
	    strncmp(in->status->reason, "taken down", 10) == 0)
		explain_text(x, "It was taken down by the admin; adit up %s brings it up. Before "
			     "that:", in->peer);
	if (nobody_to_call(in, x))
		return;
	history(in, x);
	blank(x);
	sentences(in, x);
	table(in, x);
}

/* ---- strangers ---- */

/* Bits that two addresses share; -1 when the families differ. */
static int nearness(const struct ip_addr *a, const struct ip_addr *b)
{
	int n = 0;

	if (a->family != b->family)
		return -1;
	while (n < (int)addr_bits(a) && !((a->b[n / 8] ^ b->b[n / 8]) & (0x80 >> n % 8)))
		n++;
	return n;
}

static const struct peer_conf *meant_for(const struct neg_stranger *s,
					 const struct settings *settings)
{
	const struct peer_conf *best = NULL;
	char text[STATUS_ID_TEXT_MAX];
	int most = -1;

	for (size_t i = 0; settings && i < settings->n_peers; i++) {
		const struct peer_conf *p = &settings->peers[i];
		int near;

		if (s->id[0] && p->peer_id.type &&
		    strcmp(status_id_str(&p->peer_id, text), s->id) == 0)
			return p;
		if (p->remote_any || !addr_is_set(&p->remote_gateway))
			continue;
		near = nearness(&p->remote_gateway, &s->remote.addr);
		if (near > most) {
			most = near;
			best = p;
		}
	}
	return best;
}

static void stranger(const struct front *f, const struct neg_stranger *s,
		     const struct settings *settings, int64_t now_s, struct explain *x)
{
	const struct peer_conf *p = meant_for(s, settings);
	struct explain_input in = { .front = f, .running = true };
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX], has[ADDR_TEXT_MAX], span[FMT_MAX];
	char when[FMT_MAX + 24] = "";

	addr_str(&s->remote.addr, from);
	if (now_s && now_s >= s->wall_s)
		snprintf(when, sizeof(when), ", last %s ago",
			 fmt_span((uint64_t)(now_s - s->wall_s), span, sizeof(span)));
	explain_text(x, "%s calls %s with IKEv%u (%u time%s%s)%s%s, but no enabled peer is set for "
		     "that address.", from, addr_str(&s->local.addr, to), s->version, s->count,
		     s->count == 1 ? "" : "s", when, s->id[0] ? " and says it is " : "", s->id);
	if (!p) {
		explain_text(x, "If it is to be one: adit peer add NAME remote_gateway=%s ...", from);
		return;
	}
	in.peer = p->name;
	if (nearness(&p->remote_gateway, &s->remote.addr) ==
	    (int)addr_bits(&p->remote_gateway) && !p->enabled) {
		explain_text(x, "That is the gateway of %s, which is disabled:", p->name);
		command(x, &in, "peer enable", NULL, 0);
		return;
	}
	if (nearness(&p->remote_gateway, &s->remote.addr) == (int)addr_bits(&p->remote_gateway) &&
	    !(p->version & s->version)) {
		explain_text(x, "That is the gateway of %s, whose version does not allow IKEv%u:",
			     p->name, s->version);
		explain_set(x, &in, "version", "auto", NULL, NULL);
		return;
	}
	if (nearness(&p->remote_gateway, &s->remote.addr) == (int)addr_bits(&p->remote_gateway) &&
	    (!addr_is_set(&p->local_ip) || addr_equal(&p->local_ip, &s->local.addr))) {
		explain_text(x, "That is the gateway of %s, whose settings allow it by now: it "
			     "called before they did.", p->name);
		return;
	}
	if (nearness(&p->remote_gateway, &s->remote.addr) == (int)addr_bits(&p->remote_gateway)) {
		explain_text(x, "That is the gateway of %s, whose local_ip is another than the one "
			     "called. Here:", p->name);
		explain_set(x, &in, "local_ip", to, NULL, NULL);
		return;
	}
	explain_text(x, "The nearest is %s, whose remote_gateway is %s. If it is that one at a new "
		     "address:", p->name, addr_str(&p->remote_gateway, has));
	explain_set(x, &in, "remote_gateway", from, NULL, NULL);
}

void explain_strangers(const struct front *f, const struct neg_stranger *s, size_t n,
		       const struct settings *settings, int64_t now_s, struct explain *x)
{
	if (!n)
		return;
	blank(x);
	explain_say(x, EXPLAIN_HEAD, TONE_HEAD, "Callers that no peer is set for");
	for (size_t i = 0; i < n; i++)
		stranger(f, &s[i], settings, now_s, x);
}

/* ---- as text ---- */

static void cell(const char **text, size_t width, struct sbuf *b)
{
	const char *next = NULL;
	size_t len, cols;
	char part[512];

	if (!*text) {
		sbuf_addf(b, "%*s", (int)width, "");
		return;
	}
	len = fmt_wrap(*text, width, &next);
	snprintf(part, sizeof(part), "%.*s", (int)len, *text);
	cols = fmt_width(part);
	sbuf_add(b, part);
	sbuf_addf(b, "%*s", cols < width ? (int)(width - cols) : 0, "");
	*text = next;
}

void explain_row(const struct explain_line *l, size_t width, struct sbuf *out)
{
	const size_t name = 16, gap = 2;
	size_t each = width > name + 2 * gap + 20 ? (width - name - 2 * gap) / 2 : 10;
	const char *a = l->ours, *b = l->theirs, *head = l->text;

	while (a || b || head) {
		struct sbuf line = { 0 };

		cell(&head, name, &line);
		sbuf_add(&line, "  ");
		cell(&a, each, &line);
		sbuf_add(&line, "  ");
		cell(&b, each, &line);
		while (line.len && line.s[line.len - 1] == ' ')
			line.s[--line.len] = '\0';
		sbuf_addf(out, "%s%s", out->len ? "\n" : "", sbuf_str(&line));
		sbuf_fini(&line);
	}
}
