/* msg: every message between adit's processes, on one page. M monitor, I iked, V vaultd,
 * E espd. Bodies are plain structs, zeroed before they are filled; the sender's and the
 * receiver's build are the same, checked by IPC_VERSION at start.
 */
#ifndef ADIT_IPC_MSG_H
#define ADIT_IPC_MSG_H

#include "core/base/addr.h"
#include "core/base/log.h"
#include "core/ipc/counters.h"
#include "core/ipc/sa.h"
#include "core/settings/conf.h"
#include "core/settings/profile.h"

#include <stdint.h>

enum msg_type {
	/* any child -> M */
	MSG_READY = 1,		/* no body: sandboxed, in its loop */
	MSG_LOG,		/* struct log_line */
	/* M -> any child */
	MSG_CHILD_START,	/* struct msg_child_start: the first on every link */

	/* M -> I */
	MSG_IKED_START = 16,	/* struct msg_iked_start */
	MSG_IKED_SOCKETS,	/* struct msg_iked_sockets + fds in the order of its flags */
	MSG_VAULT_LINK,		/* no body, 1 fd: iked's end of a pair with vaultd */
	MSG_PEER_SET,		/* struct msg_peer: add or replace; its children follow */
	MSG_CHILD_SET,		/* struct msg_child */
	MSG_PEER_APPLY,		/* struct msg_name: all children sent, act on it now */
	MSG_PEER_REMOVE,	/* struct msg_name */
	MSG_LOCAL_ADDR,		/* struct msg_local_addr: what the kernel would use to reach it */
	MSG_SETTINGS_DONE,	/* struct msg_result: a full set was sent; answers MSG_RELOAD */
	MSG_DATAPLANE,		/* struct msg_dataplane: what was taken and why */
	MSG_DATAPLANE_LOST,	/* no body: every SA is gone, make new ones */
	MSG_SA_ADDED,		/* struct msg_result, id = the request's */
	MSG_SA_STATS,		/* struct sa_stats */
	MSG_SA_EVENT,		/* struct msg_sa_event */
	MSG_LOG_LINE,		/* struct log_line: for the ring, from every process */
	MSG_SYSTEM,		/* struct msg_system: interfaces, firewall state for status */
	MSG_STOP,		/* no body: delete all SAs with the peers, then MSG_STOPPED */
	MSG_SECRET_CHANGED,	/* struct msg_name: vaultd has a new secret for this peer */
	MSG_PKI,		/* struct msg_pki, 1 fd or none; M -> I and M -> V */
	MSG_PEER_PATHS,		/* struct msg_peer_paths: after MSG_PEER_ADDRS, and on change */
	MSG_PEER_WANTED,	/* struct msg_name: a packet for a tunnel that is down */
	MSG_DNS_SOCKETS,	/* struct msg_dns_sockets + a connected UDP socket each; id */
	MSG_COUNTERS,		/* struct msg_counters; answers MSG_COUNTERS_QUERY */
	MSG_SA_MOVED,		/* struct msg_sa_update: the dataplane saw its peer elsewhere */
	MSG_IKE_DATAGRAM,	/* struct msg_ike_datagram: it came to the dataplane's socket */

	/* I -> M */
	MSG_SA_ADD = 64,	/* struct sa_child, id for MSG_SA_ADDED */
	MSG_SA_ACTIVATE,	/* struct msg_sa_ref */
	MSG_SA_UPDATE,		/* struct msg_sa_update */
	MSG_SA_DEL,		/* struct msg_sa_ref */
	MSG_SA_QUERY,		/* struct msg_sa_ref; id 0: all */
	MSG_PEER_UP,		/* struct msg_peer_state: routes and firewall follow */
	MSG_PEER_DOWN,		/* struct msg_peer_state */
	MSG_RELOAD,		/* no body, id; answered by MSG_SETTINGS_DONE with that id */
	MSG_RESTART,		/* no body: the monitor restarts all children */
	MSG_LOG_LEVEL,		/* struct msg_number; M -> any child too */
	MSG_STOPPED,		/* no body */
	MSG_PEER_ADDRS,		/* struct msg_peer_addrs: answered by MSG_PEER_PATHS */
	MSG_DNS_WANT,		/* struct msg_dns_want, id: answered by MSG_DNS_SOCKETS */
	MSG_COUNTERS_QUERY,	/* no body, id */

	/* M -> V */
	MSG_SECRET_SET = 96,	/* struct msg_secret */
	MSG_SECRET_REMOVE,	/* struct msg_name */
	MSG_IKE_LINK,		/* no body, 1 fd: vaultd's end of a pair with iked */

	/* I -> V, answered with the same id */
	MSG_AUTH_SIGN = 112,	/* struct msg_auth */
	MSG_AUTH_VERIFY,	/* struct msg_auth; of VAULT_PSK alone */
	/* V -> I */
	MSG_AUTH_DONE,		/* struct msg_auth_done */

	/* M -> E */
	MSG_ESPD_START = 128,	/* struct msg_espd_start: before all others */
	MSG_ESPD_SOCKETS,	/* struct msg_espd_sockets + fds: one per worker */
	MSG_TUN_ADD,		/* struct msg_tun + a queue per worker, 1..WORKERS_MAX fds */
	MSG_TUN_DEL,		/* struct msg_tun */
	MSG_ESPD_SA_ADD,	/* struct msg_espd_sa + AF_ALG sockets, 0..ENGINE_FDS_MAX (see
				 * dataplane/engine/engine.h); answered by MSG_ESPD_SA_ADDED */
	MSG_ESPD_SA_ACTIVATE,	/* struct msg_sa_ref */
	MSG_ESPD_SA_UPDATE,	/* struct msg_sa_update */
	MSG_ESPD_SA_DEL,	/* struct msg_sa_ref */
	MSG_ESPD_SA_QUERY,	/* struct msg_sa_ref */
	MSG_ESPD_COUNTERS_QUERY, /* no body */
	/* E -> M */
	MSG_ESPD_SA_ADDED,	/* struct msg_result */
	MSG_ESPD_SA_STATS,	/* struct sa_stats */
	MSG_ESPD_SA_EVENT,	/* struct msg_sa_event */
	MSG_ESPD_WANTED,	/* struct msg_tun: a packet waits for an SA */
	MSG_ESPD_COUNTERS,	/* struct msg_counters */
	MSG_ESPD_IKE,		/* struct msg_ike_datagram: becomes MSG_IKE_DATAGRAM */
};

struct msg_name {
	char name[PEER_NAME_MAX + 1];
};

struct msg_number {
	uint32_t value;
};

struct msg_result {
	uint32_t code;			/* enum exit_code */
	char text[ERR_MSG_MAX];		/* "" when done; else why not */
};

/* What the start of every child needs (core/daemon/child.h handles it). */
struct msg_child_start {
	uint32_t uid, gid;		/* to become; never 0 */
	uint32_t log_level;
	char version[32];		/* of the monitor; a child of another one ends */
};

struct msg_iked_start {
	uint32_t generation;		/* how often iked was started; SAs remember it */
	uint32_t log_level;
	uint64_t started_wall_s;	/* when aditd began */
	uint32_t control_group;		/* gid that may read the control socket */
	char version[32];
};

enum {
	SOCK_IKE500_V4 = 1 << 0, SOCK_IKE4500_V4 = 1 << 1,
	SOCK_IKE500_V6 = 1 << 2, SOCK_IKE4500_V6 = 1 << 3,
	SOCK_CONTROL = 1 << 4,		/* listening control.sock */
};
struct msg_iked_sockets {
	uint32_t present;		/* fds come in the order of the bits */
	uint16_t ike_port, natt_port;	/* what they are bound to */
};

/* struct peer_conf without its children. */
struct msg_peer {
	struct peer_conf peer;		/* .children is NULL here */
	struct ip_addr local_addr;	/* local_ip, or what the kernel would use */
	uint32_t n_networks;		/* how many MSG_CHILD_SET follow */
};

struct msg_child {
	char peer[PEER_NAME_MAX + 1];
	struct child_conf child;
};

struct msg_local_addr {
	char peer[PEER_NAME_MAX + 1];
	struct ip_addr addr;
};

/* Where a peer may be found, as iked knows it: the addresses of its gateways' names, those it
 * announced (RFC 4555 §3.6), where it is now. aditd admits them and keeps them out of the
 * tunnel, and says which own address each would be reached from. */
#define PEER_ADDRS_MAX 16
struct msg_peer_addrs {
	char peer[PEER_NAME_MAX + 1];
	uint8_t n;
	uint8_t roams;			/* it may come from elsewhere (MOBIKE): to the NAT-T port */
	struct ip_addr addr[PEER_ADDRS_MAX];
};

/* The way to each of them now; local none: there is no route. own: the router's addresses, the
 * first n_public of them outside of its LANs. */
struct peer_path {
	struct ip_addr remote, local;
};
#define OWN_ADDRS_MAX 16
struct msg_peer_paths {
	char peer[PEER_NAME_MAX + 1];
	uint8_t n, n_own, n_public;
	struct peer_path path[PEER_ADDRS_MAX];
	struct ip_addr own[OWN_ADDRS_MAX];
};

/* A name to be looked up. What /etc/hosts has for it, and the name servers of
 * /etc/resolv.conf, are read by aditd each time anew. */
struct msg_dns_want {
	char name[HOST_NAME_LEN + 1];
};
#define DNS_SERVERS_MAX 3
#define DNS_HOSTS_MAX 4
struct msg_dns_sockets {
	uint8_t n_hosts, n_servers;	/* with hosts there are no servers */
	struct ip_addr host[DNS_HOSTS_MAX];
	struct ip_addr server[DNS_SERVERS_MAX];	/* in the order of the descriptors */
	char why[80];			/* neither: why not */
};

struct msg_dataplane {
	char name[16];			/* "userspace", "kernel" */
	char why[200];
	uint8_t encap;			/* enum backend_encap (core/daemon/backend.h) */
	uint8_t esn, transport, ah, ipcomp;
	char note[120];			/* "no xfrm interfaces: plain policies"; "" */
};

struct msg_counters {
	uint64_t v[COUNTERS_N];		/* enum counter */
};

struct msg_espd_start {
	uint8_t workers;		/* 1..WORKERS_MAX */
	uint8_t engine;			/* enum engine_choice */
	struct profile profile;
};

/* For one worker. */
struct msg_espd_sockets {
	uint8_t worker;			/* 0..workers-1 */
	uint8_t udp4, udp6;		/* of the 4500 group; fds come in this order, */
	uint8_t raw4, raw6;		/* IP protocol 50; where the byte is 1 */
};

struct msg_sa_event {
	uint32_t sa_id;
	uint32_t event;			/* enum sa_event */
};

struct msg_sa_ref {
	uint32_t sa_id;
	uint32_t linger_ms;		/* SA_DEL only */
};

struct msg_sa_update {
	uint32_t sa_id;
	struct endpoint local, remote;
};

/* A datagram that begins with the non-ESP marker (RFC 3948 §2.2) and that the kernel had put
 * behind ESP of the same peer (UDP_GRO looks at no SPI). Sent as far as bytes[] is used: the
 * body's length is that of all before it, and len. */
#define IKE_DATAGRAM_MAX 12000
struct msg_ike_datagram {
	struct endpoint local, remote;
	uint16_t len;			/* marker and all */
	uint8_t bytes[IKE_DATAGRAM_MAX];
};

struct msg_peer_state {
	char peer[PEER_NAME_MAX + 1];
	struct endpoint remote;
};

/* One line per finding that `adit status` shows beside the peers. */
struct msg_system {
	char firewall[400];		/* what was done to which foreign chain; "" nothing */
	char warning[200];		/* ip_forward off, rp_filter strict, …; "" none */
};

struct msg_secret {
	char name[PEER_NAME_MAX + 1];
	uint8_t ppk;			/* it is the peer's PPK (RFC 8784); len 0: it has none */
	uint16_t len;
	uint8_t bytes[PSK_MAX];
};

/* What iked asks of the vault. Nothing that comes back gives the secret away. */
enum vault_kind {
	VAULT_PSK,	/* AUTH = prf(prf(PSK, "Key Pad for IKEv2"), octets), RFC 7296 §2.15.
			 * octets: the first message, the other's nonce, prf(SK_p, RestOfID) */
	VAULT_SIGNATURE, /* SIGN: of octets, with the peer's private key, by scheme */
	VAULT_SKEYID,	/* SIGN: IKEv1's SKEYID = prf(PSK, octets), octets = Ni_b | Nr_b
			 * (RFC 2409 §5) */
	VAULT_PPK,	/* SIGN: octets = SK_d | SK_pi | SK_pr, each as long as the PRF's
			 * output; each becomes prf+(PPK, it) (RFC 8784 §3) */
};
/* Of a VERIFY that failed: this harmless variant of the stored PSK would have matched. */
enum psk_hint {
	PSK_HINT_NONE, PSK_HINT_BLANK_END, PSK_HINT_BLANK_START, PSK_HINT_CR, PSK_HINT_QUOTES,
	PSK_HINT_HEX_AS_TEXT,	/* stored from 0x…, the peer has it as text */
	PSK_HINT_TEXT_AS_HEX,	/* stored as text, the peer has the bytes it spells */
	PSK_HINT_BASE64,	/* 0s… or plain base64, as strongSwan writes it */
	PSK_HINT_CASE,		/* Caps Lock */
};
#define AUTH_OCTETS_MAX 8192
#define AUTH_MAX 1024		/* a signature of RSA 8192 */
struct msg_auth {
	char peer[PEER_NAME_MAX + 1];
	uint8_t kind;			/* enum vault_kind */
	uint8_t scheme;			/* enum pk_scheme (core/crypto/pk.h) */
	uint16_t prf;
	uint16_t auth_len;		/* VERIFY: what the peer sent */
	uint16_t octets_len;
	uint8_t auth[AUTH_MAX];
	uint8_t octets[AUTH_OCTETS_MAX];
};
struct msg_auth_done {
	uint8_t ok;			/* SIGN: made; VERIFY: matches */
	uint8_t no_secret;		/* nothing of that kind is stored for this peer */
	uint8_t hint;			/* enum psk_hint */
	uint16_t auth_len;
	uint8_t auth[AUTH_MAX];		/* SIGN only */
};

/* A file of pki/, read-only, as a descriptor beside it: who gets it parses it. Certificates
 * and CRLs go to iked, private keys to vaultd. */
enum pki_kind { PKI_CERT, PKI_CRL, PKI_KEY };
struct msg_pki {
	char name[PKI_NAME_MAX + 1];	/* PKI_KEY: the peer's name */
	uint8_t kind;			/* enum pki_kind */
	uint8_t gone;			/* forget it; no descriptor */
	uint8_t pinned;			/* PKI_CERT: some peer's peer_cert, no CA for others */
	uint8_t used;			/* PKI_CERT: some peer's cert, peer_cert or ca */
};

struct msg_tun {
	char name[IFNAME_MAX];
	uint16_t mtu;
	uint8_t trap;			/* without an SA packets wait, and MSG_ESPD_WANTED says so */
	uint8_t uso;			/* takes UDP segments (core/net/link.h) */
};

struct msg_espd_sa {
	char interface[IFNAME_MAX];
	struct sa_child sa;
};

#endif
