/* engine: IKE for every peer of this router, initiator and responder; IKEv2 (RFC 7296) is
 * in ike/v2, IKEv1 in ike/v1.
 *
 * It owns no socket, no clock and no key of a person: time comes from core/base/clock and
 * the timers handed in, packets and answers come through the functions below, and
 * whatever it wants done it asks for through struct engine_env. So iked, a test with two
 * engines in one process and a fuzzer drive the same code.
 *
 * The rule of calls: an env function never calls back into the engine before it returned;
 * answers (engine_sa_added, engine_vault_done) come later, from the loop. Pointers handed
 * to env functions are borrowed for the call.
 */
#ifndef ADIT_IKE_ENGINE_ENGINE_H
#define ADIT_IKE_ENGINE_ENGINE_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/base/timer.h"
#include "core/ipc/msg.h"
#include "core/ipc/negotiation.h"
#include "core/ipc/sa.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_PORT 500		/* ours too, until engine_ports() says otherwise */
#define IKE_NATT_PORT 4500
#define ENGINE_LINGER_MS 5000	/* how long a replaced inbound SA still receives */

/* What became of a peer, for who waits for `up` or `down`, and for an event stream. */
enum engine_event {
	ENGINE_TRYING,		/* a try began: "try 2, to 198.51.100.2" */
	ENGINE_ESTABLISHED,	/* the IKE SA stands; children follow */
	ENGINE_UP,		/* a child came up while none was: the peer is up */
	ENGINE_CHILD_UP,	/* one more child came up */
	ENGINE_REKEYED,		/* an IKE SA or child was replaced, nothing lost */
	ENGINE_FAILED,		/* this try failed, text says why; another follows */
	ENGINE_GAVE_UP,		/* keying_tries are spent, or the failure is for good */
	ENGINE_DOWN,		/* the last child is gone; text says why */
	ENGINE_DISABLED,	/* by settings, by removal, or by the admin's `down` */
	ENGINE_TEST_PASSED,	/* of engine_peer_test(): text says what was proven */
	ENGINE_TEST_FAILED,	/* … or why not */
};
const char *engine_event_name(enum engine_event ev);	/* "trying", "up", … */

/* As struct msg_auth (core/ipc/msg.h) carries it. */
struct vault_query {
	const char *peer;
	uint8_t kind;			/* enum vault_kind */
	uint8_t scheme;			/* enum pk_scheme, of VAULT_SIGNATURE */
	uint16_t prf;
	struct slice octets;
	struct slice auth;		/* VERIFY: what the peer sent */
};

struct trust;

/* A message of a peer without its encryption, for a capture; borrowed for the call. */
struct tap_packet {
	const char *peer;
	bool out;			/* we sent it */
	const struct endpoint *local, *remote;
	struct slice msg;		/* header, payloads */
};
/* The keys of an IKE SA; secrets: borrowed for the call. */
struct tap_keys {
	const char *peer;
	uint8_t version;		/* enum ike_version */
	uint64_t spi_i, spi_r;
	uint16_t encr, encr_bits, integ;	/* transform IDs */
	struct slice ei, er, ai, ar;
};

/* What the dataplane wants of UDP encapsulation; the numbers of enum backend_encap. */
enum can_encap {
	CAN_ENCAP_ANY,		/* as NATs and settings demand */
	CAN_ENCAP_RATHER,	/* wherever the peer knows NAT traversal; else plain ESP */
	CAN_ENCAP_ONLY,		/* plain ESP cannot be sent */
};

/* What the dataplane can. */
struct engine_can {
	uint8_t encap;			/* enum can_encap */
	bool esn, transport, ah, ipcomp;
};

struct engine_env {
	void *arg;
	/* Certificates and CRLs (ike/auth/trust.h), borrowed; NULL: there are none. */
	struct trust *trust;
	/* Put one IKE message on the wire, from local to remote. Where local.port is 4500
	 * (engine_ports()) the callee writes the four zero bytes of the non-ESP marker before it (RFC 7296
	 * §2.23, RFC 3948 §2.2); engine_receive() gets messages without it. */
	void (*send)(void *arg, const struct endpoint *local,
		     const struct endpoint *remote, const uint8_t *msg, size_t len);
	/* Send the single byte 0xff, without a marker (RFC 3948 §2.3). */
	void (*keepalive)(void *arg, const struct endpoint *local,
			  const struct endpoint *remote);

	/* The dataplane. sa_add is answered by engine_sa_added(sa->id); sa holds keys and
	 * is wiped after the call. sa_query is answered by engine_sa_stats(), or not. */
	void (*sa_add)(void *arg, const struct sa_child *sa);
	void (*sa_activate)(void *arg, uint32_t sa_id);
	void (*sa_update)(void *arg, uint32_t sa_id, const struct endpoint *local,
			  const struct endpoint *remote);
	void (*sa_del)(void *arg, uint32_t sa_id, uint32_t linger_ms);
	void (*sa_query)(void *arg, uint32_t sa_id);

	/* The vault: what is asked of it by VAULT_*'s kind, see core/ipc/msg.h; each answered
	 * by engine_vault_done(id). q->octets.len <= AUTH_OCTETS_MAX. */
	void (*vault_sign)(void *arg, uint32_t id, const struct vault_query *q);
	void (*vault_verify)(void *arg, uint32_t id, const struct vault_query *q);

	/* Routes and firewall: peer_up when the first child stands and when the remote
	 * endpoint changed; peer_down when the last is gone. */
	void (*peer_up)(void *arg, const char *peer, const struct endpoint *remote);
	void (*peer_down)(void *arg, const char *peer, const struct endpoint *remote);

	/* All addresses the peer is known by, when they change; answered by engine_paths().
	 * May be NULL: then a peer has one address, remote_gateway. */
	void (*addrs)(void *arg, const struct msg_peer_addrs *m);
	/* Look a gateway's name up anew: nobody answers there. May be NULL. */
	void (*resolve)(void *arg, const char *host);

	void (*event)(void *arg, const char *peer, enum engine_event ev,
		      const char *text);

	/* While engine_tap() is on; may be NULL. */
	void (*tap)(void *arg, const struct tap_packet *p);
	void (*tap_keys)(void *arg, const struct tap_keys *k);
};

struct engine;

/* env is copied; ts is borrowed and outlives the engine. NULL when out of memory. */
struct engine *engine_new(const struct engine_env *env, struct timers *ts);
/* Forgets everything at once: no Delete is sent, no SA taken out. engine_stop() first. */
void engine_free(struct engine *e);

/* ---- what came ---- */

/* A datagram for port 500, or for 4500 with its non-ESP marker taken off. remote is where
 * it came from. Never fails: what is wrong is answered or dropped, and counted. */
void engine_receive(struct engine *e, const struct endpoint *local,
		    const struct endpoint *remote, const uint8_t *msg, size_t len);
/* why is "" or NULL when ok. Unknown ids are ignored. */
void engine_sa_added(struct engine *e, uint32_t sa_id, bool ok, const char *why);
void engine_sa_event(struct engine *e, uint32_t sa_id, enum sa_event ev);
void engine_sa_stats(struct engine *e, const struct sa_stats *st);
/* auth: what SIGN made; empty for VERIFY. no_secret: nothing of that kind is stored for the
 * peer. hint: enum psk_hint, of a VERIFY that failed. */
void engine_vault_done(struct engine *e, uint32_t id, bool ok, bool no_secret,
		       uint8_t hint, struct slice auth);
/* An ICMP message says that a datagram of ours did not get to remote: enum neg_unreachable.
 * Remembered for who asks why nobody answers, and not believed otherwise. */
void engine_unreachable(struct engine *e, const struct endpoint *remote, uint8_t how);
/* The peer of this SA was seen elsewhere, by a packet that the dataplane found authentic: its
 * NAT moved (RFC 7296 §2.23). */
void engine_sa_moved(struct engine *e, uint32_t sa_id, const struct endpoint *remote);
/* What the dataplane can do. Until the first call nothing is initiated and nothing
 * answered: an IKE SA without a place for its child helps nobody. */
void engine_dataplane(struct engine *e, const struct engine_can *can);
/* Every SA is gone from the dataplane: each is rekeyed, none is put back. */
void engine_dataplane_lost(struct engine *e);
/* The link to the vault broke: requests under way are asked again on the next call of
 * engine_vault_back(). */
void engine_vault_back(struct engine *e);

/* ---- peers ---- */

/* Add a peer, or change it. conf and its children are copied. What changed decides what
 * it costs: nothing (description, lifetimes, tries, dpd), rekeying children (networks,
 * esp), or a restart of this peer (gateway, ids, ike, local_ip, encap, version). Another
 * peer is never touched. local_addr: conf->local_ip, or what the kernel would use; family
 * 0 when not known yet (the peer waits for engine_local_addr). A disabled peer is kept,
 * and shown. -1: memory. */
int engine_peer_set(struct engine *e, const struct peer_conf *conf,
		    const struct ip_addr *local_addr, struct err *err) MUST_USE;
/* Deletes are sent; the peer is forgotten at once. Unknown names are fine. */
void engine_peer_remove(struct engine *e, const char *name);
/* Calls fn for each name; fn may call engine_peer_remove for that very name. */
void engine_peer_names(struct engine *e, void (*fn)(void *arg, const char *name),
		       void *arg);
/* The admin's `up`: begin (also for start = responder with a known gateway; also after
 * `down` or after giving up), tries counted anew. 0 when it is being tried or up already.
 * -1: EXIT_NO_PEER; EXIT_FAILED when it is disabled, or there is no address to call. */
int engine_peer_up(struct engine *e, const char *name, struct err *err) MUST_USE;
/* The admin's `down`: Delete is sent; it neither starts nor answers until `up`. -1:
 * EXIT_NO_PEER. */
int engine_peer_down(struct engine *e, const char *name, struct err *err) MUST_USE;
/* Try whether both sides take each other's credentials, without a child (RFC 6023), beside
 * whatever stands. 0: ENGINE_TEST_PASSED or ENGINE_TEST_FAILED follows. -1: EXIT_NO_PEER;
 * EXIT_FAILED when it is disabled, cannot be called, or is being tested. IKEv2 only. */
int engine_peer_test(struct engine *e, const char *name, struct err *err) MUST_USE;
/* The address the kernel would use changed (or is known now); another one restarts it. */
void engine_local_addr(struct engine *e, const char *name, const struct ip_addr *addr);
/* What a gateway's name means now. A peer that is up stays up as long as the address it is at
 * is among them; else it is called at a new one, and moves when that call went through. n 0:
 * nothing is known, why says so in words; what was known before stays. */
void engine_resolved(struct engine *e, const char *host, const struct ip_addr *v, size_t n,
		     const char *why);
/* The way to each address of env->addrs(), and our own; also later, when they change. */
void engine_paths(struct engine *e, const struct msg_peer_paths *m);
/* The ports our sockets have; before anything else. 0: 500, 4500. */
void engine_ports(struct engine *e, uint16_t ike_port, uint16_t natt_port);
/* A packet waits for this peer's tunnel (start = on_demand, dpd_action = hold): as
 * engine_peer_up(), unless the admin took it down. */
void engine_peer_wanted(struct engine *e, const char *name);
/* A certificate or CRL of pki/ is another now, or gone: whoever proved himself by what it is
 * about proves it anew, within a minute, without losing a packet where he still can. */
void engine_pki_changed(struct engine *e, const char *name, enum pki_kind kind, bool gone);
/* Another PSK: the peer is restarted. */
void engine_secret_changed(struct engine *e, const char *name);

/* Delete every IKE SA with its peer. done is called once, from a timer, when all are
 * answered or after 2 s. Nothing starts any more. */
void engine_stop(struct engine *e, void (*done)(void *arg), void *arg);

/* ---- status ---- */

enum peer_state { PEER_DISABLED, PEER_DOWN, PEER_CONNECTING, PEER_UP };
const char *peer_state_name(enum peer_state s);		/* "up", "connecting", … */

enum child_state { CHILD_DOWN, CHILD_CONNECTING, CHILD_UP };
const char *child_state_name(enum child_state s);

#define STATUS_REASON_MAX 400
#define STATUS_ALG_MAX 96
#define STATUS_ID_MAX 160

/* One configured child and the SA that serves it now. */
struct child_status {
	const char *name;
	enum child_state state;
	const char *reason;		/* why it is not up; "" when it is */
	uint32_t sa_id, spi_in, spi_out;	/* 0 when not up */
	uint8_t n_local, n_remote; /* what was agreed; what is configured when not up */
	struct selector local[SA_SELECTORS_MAX], remote[SA_SELECTORS_MAX];
	bool narrowed;			/* less than configured was agreed */
	char esp[STATUS_ALG_MAX];	/* "AES-256-GCM, ECP 384"; "" when not up */
	unsigned weak;			/* enum weak bits of what was agreed */
	bool esn, udp_encap;
	bool ipcomp;			/* packets are compressed, both ways or one */
	uint64_t uptime_s;		/* of the child, across rekeys */
	uint64_t rekey_in_s, expires_in_s;
	uint32_t rekeys;		/* since it came up */
	/* Since it came up, across rekeys; as of the last engine_sa_stats(). */
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
	const struct sa_stats *stats;	/* of the SA now; NULL before the first answer */
};

/* Messages that led to nothing, by reason. */
struct drop_counts {
	uint32_t malformed;	/* header or payloads do not parse */
	uint32_t unexpected;	/* no row in the table for it */
	uint32_t bad_id;	/* message ID outside the window */
	uint32_t bad_icv;	/* does not decrypt */
	uint32_t unknown_spi;
	uint32_t half_open;	/* too many unfinished handshakes */
	uint32_t no_peer;	/* nobody configured at that address */
	uint32_t bad_version;
};

struct peer_status {
	const struct peer_conf *conf;
	enum peer_state state;
	const char *reason;		/* why it is not up, in plain words; "" when up */
	const char *last_failure;	/* kept when it came up again; "" none */
	int64_t last_failure_wall_s;
	struct endpoint local, remote;	/* in use, or to be used; family 0 unknown */
	char local_id[STATUS_ID_MAX], remote_id[STATUS_ID_MAX];	/* as used */
	char ike[STATUS_ALG_MAX]; /* "AES-256-GCM, PRF-HMAC-SHA2-384, ECP 384" or "" */
	unsigned weak;			/* enum weak bits of what was agreed */
	uint8_t version;		/* enum ike_version of the IKE SA now; 0 none */
	bool initiator;			/* of it */
	bool nat_local, nat_remote, udp_encap;	/* which side is behind a NAT */
	uint64_t spi_i, spi_r;		/* 0 when down */
	uint64_t uptime_s;		/* since it came up, across rekeys */
	uint64_t rekey_in_s;
	uint32_t tries;			/* of this attempt */
	uint64_t next_try_s;		/* 0: none is waiting */
	uint32_t rekeys;
	uint32_t retransmits;
	struct drop_counts drops;
	size_t n_children;
	const struct child_status *children;
};

/* What came from nobody we know, and the engine as a whole. */
struct engine_counts {
	size_t peers, peers_up, ike_sas, half_open, child_sas;
	uint32_t cookies_sent;
	struct drop_counts drops;
};

/* One peer, or all in the order they were set when name is NULL; fn's pointers are
 * borrowed for the call. Returns how many were visited. */
size_t engine_status(struct engine *e, const char *name,
		     void (*fn)(void *arg, const struct peer_status *st), void *arg);
void engine_counts(const struct engine *e, struct engine_counts *out);
/* Captures: from now on env->tap gets what is inside of this peer's messages, and with keys
 * env->tap_keys the keys of its IKE SAs, those that stand first. name NULL: every peer. -1: EXIT_NO_PEER. */
int engine_tap(struct engine *e, const char *name, bool packets, bool keys, struct err *err)
	MUST_USE;
/* Is a datagram between these two of a peer that is captured? *name: of which; borrowed. */
bool engine_tapped(const struct engine *e, const struct endpoint *local,
		   const struct endpoint *remote, const char **name);
/* The last failure of a peer, or of each, NULL where none is kept; borrowed for the call.
 * Returns how many were visited. */
size_t engine_failures(const struct engine *e, const char *name,
		       void (*fn)(void *arg, const char *peer,
				  const struct negotiation *failed), void *arg);
/* Who called and is nobody we know; returns how many. */
size_t engine_strangers(const struct engine *e, struct neg_stranger out[NEG_STRANGERS_MAX]);

#endif
