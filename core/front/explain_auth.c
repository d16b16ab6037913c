/* explain_auth: who is who, and by what they prove it: keys, names, methods. */
#include "core/front/explain_priv.h"

#include <string.h>

/* ---- keys ---- */

static void set_psk(const struct explain_input *in, struct explain *x)
{
	struct sbuf b = { 0 };

	front_command(&b, in->front ? in->front : &explain_front, "peer set", in->peer, NULL, 0);
	sbuf_add(&b, " --ask-psk");
	explain_say(x, EXPLAIN_COMMAND, TONE_PLAIN, "%s", sbuf_str(&b));
	sbuf_fini(&b);
}

void explain_psk(const struct explain_input *in, struct explain *x)
{
	const char *hint = neg_hint_words(in->neg->psk_hint);

	if (hint)
		explain_text(x, "The pre-shared keys differ, but only by a slip: the peer's key is "
			     "ours but for %s.", hint);
	else if (in->neg->id_theirs[0])
		explain_text(x, "The pre-shared keys differ. Its identity %s is right, so it is the "
			     "key alone.", in->neg->id_theirs);
	else
		explain_text(x, "Most probably the pre-shared keys differ: what the other side sends "
			     "cannot be decrypted, or it falls silent once it should decrypt what "
			     "this router sent. It may also expect another local_id than %s.",
			     in->neg->id_ours);
	explain_text(x, "Set the same key on both sides; here:");
	set_psk(in, x);
}

void explain_no_secret(const struct explain_input *in, struct explain *x)
{
	if (in->neg->auth_ours == NEG_AUTH_CERT) {
		explain_text(x, "There is no private key for this router's certificate: `adit pki "
			     "list` shows what there is.");
		return;
	}
	explain_text(x, "No pre-shared key is stored for this peer. Set the one that the other side "
		     "has:");
	set_psk(in, x);
}

/* They said AUTHENTICATION_FAILED, which never says why. */
void explain_auth_refused(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	bool cert = n->auth_ours == NEG_AUTH_CERT;

	explain_text(x, "The peer refuses this router and, for safety, does not say why. One of "
		     "these, the likeliest first:");
	if (cert)
		explain_text(x, "1. It does not trust this router's certificate: its issuer is not "
			     "known there, it is expired, or its name is not %s.", n->id_ours);
	else
		explain_text(x, "1. The pre-shared keys differ. Set the same one on both sides.");
	explain_text(x, "2. It knows this router by another name: here local_id is %s, which must "
		     "be its remote (peer) ID.", n->id_ours);
	if (n->id_wanted[0])
		explain_text(x, "3. It is not who it is asked to be: here peer_id is %s, which must "
			     "be its local (own) ID.", n->id_wanted);
	explain_text(x, "The other side's log says which. Or let it call this router (start = "
		     "responder here): as the one who is called, adit can tell a wrong key from a "
		     "wrong name.");
	if (n->nat_local && n->id_ours[0] && strcspn(n->id_ours, ".:") < strlen(n->id_ours) &&
	    strspn(n->id_ours, "0123456789.") == strlen(n->id_ours)) {
		explain_text(x, "This router is behind a NAT, so the address it names is not the one "
			     "that the peer sees. A name is better, set on both sides:");
		explain_set(x, in, "local_id", "gw.example", NULL, NULL);
	}
}

/* ---- identities ---- */

static bool is_address(const char *id)
{
	struct ip_addr a;

	return addr_parse(id, &a, NULL) == 0;
}

/* Another peer of ours is the one who calls. */
static const struct peer_conf *peer_of_id(const struct explain_input *in, const char *id)
{
	char text[STATUS_ID_TEXT_MAX];

	for (size_t i = 0; in->settings && i < in->settings->n_peers; i++) {
		const struct peer_conf *p = &in->settings->peers[i];

		if (strcmp(p->name, in->peer) != 0 && p->peer_id.type &&
		    strcmp(status_id_str(&p->peer_id, text), id) == 0)
			return p;
	}
	return NULL;
}

void explain_peer_id(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	bool set = in->conf && in->conf->peer_id.type;
	const struct peer_conf *other = peer_of_id(in, n->id_theirs);

	explain_text(x, "The peer says it is %s; here it is expected to be %s (%s).", n->id_theirs,
		     n->id_wanted, set ? "peer_id" : "peer_id is not set: its gateway's address");
	if (n->nat_remote && is_address(n->id_theirs))
		explain_text(x, "The peer is behind a NAT and names its inner address; that may "
			     "change. A name as its own ID, set on both sides, is better.");
	explain_text(x, "Here:");
	explain_set(x, in, "peer_id", n->id_theirs, NULL, NULL);
	explain_text(x, "Or on the other side: set its local (own) ID to %s.", n->id_wanted);
	if (other)
		explain_text(x, "The peer %s here has that ID: perhaps its remote_gateway is what is "
			     "wrong.", other->name);
}

void explain_own_id(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;

	explain_text(x, "The peer, %s, asks for %s; this router is %s (%s).", n->id_theirs,
		     n->id_asked, n->id_ours, in->conf && in->conf->local_id.type ? "local_id" :
		     "local_id is not set: its address");
	explain_text(x, "Here:");
	explain_set(x, in, "local_id", n->id_asked, NULL, NULL);
	explain_text(x, "Or on the other side: set its remote (peer) ID to %s.", n->id_ours);
}

static const char *auth_words(uint8_t a)
{
	switch ((enum neg_auth)a) {
	case NEG_AUTH_PSK:
		return "a pre-shared key";
	case NEG_AUTH_CERT:
		return "a certificate";
	case NEG_AUTH_EAP:
		return "EAP (user name and password)";
	case NEG_AUTH_UNKNOWN:
	case NEG_AUTH_OTHER:
	case NEG_AUTH_N:
		break;
	}
	return "another method";
}

void explain_method(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	bool can = n->auth_theirs == NEG_AUTH_PSK || n->auth_theirs == NEG_AUTH_CERT;

	explain_text(x, "The peer authenticates itself by %s; here %s is expected of it "
		     "(peer_auth).", auth_words(n->auth_theirs), auth_words(n->auth_wanted));
	if (can) {
		explain_text(x, "Here:");
		explain_set(x, in, "peer_auth", n->auth_theirs == NEG_AUTH_PSK ? "psk" : "cert",
			    NULL, NULL);
	}
	explain_text(x, "%s on the other side: set its authentication to %s.", can ? "Or" : "So,",
		     auth_words(n->auth_wanted));
}
