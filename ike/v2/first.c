/* first: the child that is agreed on in IKE_AUTH (RFC 7296 §1.2), with the nonces of IKE_SA_INIT
 * and without a key exchange of its own. */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

static struct child_asked first_asked(const struct handshake *hs)
{
	return (struct child_asked){ .slot = hs->child_slot, .pair = hs->child_pair,
				     .spi = hs->child_spi, .cpi = hs->child_cpi };
}

void first_child_ask(struct ike_sa *sa, struct build *b)
{
	struct handshake *hs = v2(sa)->hs;
	struct child_asked a;

	hs->child_protocol = child_want(sa, hs->child_slot, false, 0).protocol;
	hs->child_cpi = child_cpi(sa, hs->child_slot);
	a = first_asked(hs);
	child_write_offer(sa, b, &a, NULL);
}

struct child_offer first_child_offer(const struct ike_sa *sa)
{
	const struct handshake *hs = v2(sa)->hs;
	struct slice mine = { hs->nonce, NONCE_LEN },
		     theirs = blob_slice(&hs->peer_nonce);

	return (struct child_offer){
		.sa = blob_slice(&hs->in.sa), .tsi = blob_slice(&hs->in.tsi),
		.tsr = blob_slice(&hs->in.tsr), .ni = sa->initiator ? mine : theirs,
		.nr = sa->initiator ? theirs : mine, .transport = hs->in.transport,
		.cpi = hs->in.cpi,
	};
}

/* §2.21.2: a child that fails leaves the IKE SA standing; it is tried again later. */
void first_child_answered(struct ike_sa *sa)
{
	struct auth_kept *k = &v2(sa)->hs->in;
	uint8_t slot = v2(sa)->hs->child_slot;
	struct child_offer of = first_child_offer(sa);
	struct child_asked a;
	struct err err = { 0 };

	if (!k->sa.p || !k->tsi.p || !k->tsr.p) {
		uint16_t type = k->child_error ? k->child_error : N_NO_PROPOSAL_CHOSEN;

		if ((type == N_TS_UNACCEPTABLE || type == N_SINGLE_PAIR_REQUIRED) &&
		    slot_try_pairs(sa->peer, slot, v2(sa)->hs->child_pair))
			return;
		negotiation_child_refused(sa, slot, false, type);
		slot_fail(sa->peer, slot, "the peer refuses the child: %s (%s)",
			  ike_notify_words(type), ike_notify_name(type));
		return;
	}
	a = first_asked(v2(sa)->hs);
	if (!child_complete(sa, &of, &a, &err)) {
		slot_fail(sa->peer, slot, "%s", err.msg);
		v2(sa)->orphan_spi = v2(sa)->hs->child_spi;
		v2(sa)->orphan_protocol = v2(sa)->hs->child_protocol;
	}
}
