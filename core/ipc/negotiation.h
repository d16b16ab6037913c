/* negotiation: an attempt at IKE that failed, with what both sides showed of themselves, so
 * that `adit explain` can set them side by side. Plain and of a fixed size (about 5 kB): one
 * free(), or none. The engine makes one when something fails and keeps the last of a peer;
 * of a peer that is up it keeps none (ike/engine/negotiation.h).
 *
 * IKEv1's attributes are written as the IKEv2 transforms they mean (core/crypto/alg.h), so
 * nobody behind this header asks for the version to read a proposal.
 */
#ifndef ADIT_IPC_NEGOTIATION_H
#define ADIT_IPC_NEGOTIATION_H

#include "core/base/addr.h"
#include "core/crypto/alg.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEG_TRANSFORMS_MAX 80
#define NEG_SELECTORS_MAX 8
#define NEG_TEXT_MAX 300
#define NEG_ID_TEXT_MAX 160
#define NEG_STRANGERS_MAX 8

/* What was under way. */
enum neg_step {
	NEG_STEP_INIT,		/* IKE_SA_INIT; IKEv1: the proposals and keys of phase 1 */
	NEG_STEP_AUTH,		/* IKE_AUTH; IKEv1: identities and hashes of phase 1 */
	NEG_STEP_CHILD,		/* a child, in IKE_AUTH, CREATE_CHILD_SA or Quick Mode */
	NEG_STEP_REKEY_CHILD,	/* … in place of one that stood */
	NEG_STEP_REKEY_IKE,
	NEG_STEP_LIVE,		/* the tunnel stood */
	NEG_STEP_N
};
const char *neg_step_name(enum neg_step s);	/* "init", "auth", "child", … */

/* What it failed of. "we": this router refused; "they": the peer did. */
enum neg_end {
	NEG_NO_ANSWER,		/* nothing came back; .sent, .unreachable */
	NEG_REFUSED,		/* they: .notify says of what */
	NEG_PROPOSAL,		/* we: nothing in common; *_theirs is filled */
	NEG_GROUP,		/* they want .group for the key exchange, which we do not offer */
	NEG_SELECTORS,		/* we: no network in common */
	NEG_ID_PEER,		/* we: it is another than we expect (.id_theirs, .id_wanted) */
	NEG_ID_OWN,		/* we: it asks for another than we are (.id_asked, .id_ours) */
	NEG_PSK,		/* we: its AUTH does not verify by our key; .psk_hint */
	NEG_NO_SECRET,		/* there is no PSK or private key for this peer */
	NEG_METHOD,		/* we: it authenticates by .auth_theirs, .auth_wanted is set */
	NEG_CERT,		/* we: its certificate will not do, .cert says why */
	NEG_SIGNATURE,		/* we: its signature does not verify */
	NEG_VERSION,		/* they do not speak .version; .peer_version is what they do, or 0 */
	NEG_EXCHANGE,		/* we: Main Mode where Aggressive is set, or the other way */
	NEG_MODE,		/* tunnel or transport: one side has the other */
	NEG_LIFETIME,		/* IKEv1's proposal_check: lifetimes differ */
	NEG_MALFORMED,		/* what came cannot be read, or broke a rule; .words */
	NEG_LOCAL,		/* something here; .words */
	NEG_END_N
};
const char *neg_end_name(enum neg_end e);	/* "no_answer", "refused", … */

enum neg_unreachable { NEG_REACHED, NEG_UNREACH_HOST, NEG_UNREACH_PORT, NEG_UNREACH_FILTER,
	NEG_UNREACH_N };
const char *neg_unreachable_name(enum neg_unreachable u);	/* "", "host", "port", "filter" */

enum neg_auth { NEG_AUTH_UNKNOWN, NEG_AUTH_PSK, NEG_AUTH_CERT, NEG_AUTH_EAP, NEG_AUTH_OTHER,
	NEG_AUTH_N };
const char *neg_auth_name(enum neg_auth a);	/* "", "psk", "certificate", "eap", "other" */

const char *neg_hint_name(unsigned psk_hint);	/* enum psk_hint: "", "blank_end", … */
/* "a blank at its end": the peer's key is ours but for that; NULL for PSK_HINT_NONE. */
static inline const char *neg_hint_words(unsigned psk_hint)
{
	static const char *const words[] = {
		[1] = "a blank at its end", [2] = "a blank at its beginning",
		[3] = "a carriage return at its end, as files from Windows have it",
		[4] = "quotes around it",
		[5] = "that the peer took the text 0x... for the key, not the bytes it spells",
		[6] = "that the peer took it for hexadecimal digits, this router for text",
		[7] = "that one side decoded it from base64 (0s...) and the other did not",
		[8] = "upper and lower case, as with Caps Lock on",
	};

	return psk_hint < sizeof(words) / sizeof(*words) ? words[psk_hint] : NULL;
}

/* A transform of a proposal, known to core/crypto/alg.h or not. */
struct neg_transform {
	uint8_t proposal;	/* its number, from 1: transforms of one belong together */
	uint8_t type;		/* enum alg_type, or another */
	uint16_t id, key_bits;
};

/* "AES-256-CBC", "group 24", "transform type 9, 3"; buf >= 48; returns it or a constant. */
const char *neg_transform_label(const struct neg_transform *t, char *buf, size_t cap);

struct neg_offer {
	uint8_t n;
	bool more;		/* what did not fit was left out */
	struct neg_transform t[NEG_TRANSFORMS_MAX];
};

struct neg_selectors {
	uint8_t n;
	bool more;
	struct selector s[NEG_SELECTORS_MAX];
};

struct negotiation {
	int64_t wall_s;			/* when it failed */
	uint32_t count;			/* how often in a row with the same step and end */
	uint8_t version;		/* 1 or 2 */
	uint8_t peer_version;		/* NEG_VERSION */
	uint8_t step, end;		/* enum neg_step, enum neg_end */
	bool initiator;			/* we began the exchange that failed */
	struct endpoint local, remote;	/* of the last message */
	uint16_t notify;		/* NEG_REFUSED: the type, as on the wire; 0 none */
	char notify_name[40];		/* "NO_PROPOSAL_CHOSEN" */
	uint16_t group;			/* NEG_GROUP: KE_* */
	uint8_t sent;			/* how often the unanswered message went out */
	bool answered;			/* something of it was answered before */
	uint8_t unreachable;		/* enum neg_unreachable: an ICMP message said so */
	bool nat_local, nat_remote;	/* who is behind a NAT, as far as it was seen */
	bool natt;			/* the messages were on the NAT traversal port */
	uint8_t psk_hint;		/* enum psk_hint */
	uint8_t auth_ours, auth_theirs, auth_wanted;	/* enum neg_auth */
	char id_ours[NEG_ID_TEXT_MAX];		/* as said, or to be said, to the peer */
	char id_theirs[NEG_ID_TEXT_MAX];	/* "": it has not said yet */
	char id_wanted[NEG_ID_TEXT_MAX];	/* who we expect; "": anyone */
	char id_asked[NEG_ID_TEXT_MAX];		/* who it expects here; "": did not say */
	char child[CHILD_NAME_MAX + 1];		/* from NEG_STEP_CHILD on */
	struct neg_offer ike_ours, ike_theirs, esp_ours, esp_theirs;
	/* ike_theirs, esp_theirs and ts_theirs_* may be of an earlier call of the peer: the
	 * peer that refuses never says what it would take, the one that calls does. 0: of
	 * this attempt. */
	int64_t theirs_wall_s;
	/* Both as seen from here: local is behind this router. */
	struct neg_selectors ts_ours_local, ts_ours_remote, ts_theirs_local, ts_theirs_remote;
	char cert[NEG_TEXT_MAX];	/* what is wrong with their certificate, or "" */
	char words[NEG_TEXT_MAX];	/* the log's sentence */
};

/* Who called and is nobody we know: the last few, by address. */
struct neg_stranger {
	int64_t wall_s;			/* last seen */
	uint32_t count;
	uint8_t version;		/* 1 or 2 */
	struct endpoint local, remote;
	char id[NEG_ID_TEXT_MAX];	/* "": not said (only IKEv1's Aggressive Mode does) */
};

#endif
