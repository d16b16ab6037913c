/* conf: settings as the programs use them: parsed, checked, plain. core/settings/schema.h
 * says what each key means, its range and default; the names here are the keys. */
#ifndef ADIT_SETTINGS_CONF_H
#define ADIT_SETTINGS_CONF_H

#include "core/base/addr.h"
#include "core/base/log.h"
#include "core/crypto/alg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_NAME_MAX 32	/* bytes, without the NUL: letters, digits, . _ - */
#define CHILD_NAME_MAX 32
#define NETWORKS_MAX 16		/* per side of one child */
#define CHILDREN_MAX 16		/* per peer */
#define IFNAME_MAX 16		/* IFNAMSIZ */
#define LAN_MAX 8
#define ID_MAX 240		/* the DER of a DN needs most */
#define DESCRIPTION_MAX 128
#define PSK_MAX 256		/* bytes */
#define GATEWAYS_MAX 4
#define HOST_NAME_LEN 127	/* bytes of a gateway's name */
#define PKI_NAME_MAX 32		/* of a certificate or key in pki/ */
#define CA_MAX 4		/* per peer */
#define PPK_ID_MAX 64

/* Identification types, RFC 7296 §3.5; ID_NONE: take the address. */
enum id_type {
	ID_NONE = 0, ID_IPV4_ADDR = 1, ID_FQDN = 2, ID_RFC822_ADDR = 3, ID_IPV6_ADDR = 5,
	ID_DER_ASN1_DN = 9, ID_KEY_ID = 11,
};

struct ike_id {
	uint8_t type;		/* enum id_type */
	uint8_t len;
	uint8_t data[ID_MAX];	/* as on the wire; DN as DER */
};

enum start_action { START_START, START_RESPONDER, START_ON_DEMAND };
enum dpd_action { DPD_RESTART, DPD_CLEAR, DPD_HOLD };	/* hold: on the next packet */
enum encap { ENCAP_AUTO, ENCAP_FORCE, ENCAP_NEVER };	/* never: unless there is a NAT */
enum ike_version { IKE_V1 = 1, IKE_V2 = 2, IKE_AUTO = 3 };	/* auto: answers either,
								 * begins with IKEv2 */
enum exchange { EXCHANGE_MAIN, EXCHANGE_AGGRESSIVE };	/* IKEv1 phase 1 */
enum auth_by { AUTH_BY_PSK, AUTH_BY_CERT };
enum crl_policy { CRL_OFF, CRL_LENIENT, CRL_STRICT };	/* lenient: where there is one */
enum unique { UNIQUE_REPLACE, UNIQUE_KEEP, UNIQUE_NEVER };
enum fragmentation { FRAGMENT_YES, FRAGMENT_NO, FRAGMENT_FORCE };
enum proposal_check { CHECK_OBEY, CHECK_STRICT, CHECK_CLAIM, CHECK_EXACT };
enum per_pair { PER_PAIR_AUTO, PER_PAIR_YES, PER_PAIR_NO };	/* auto: after
								 * TS_UNACCEPTABLE */
/* BYPASS, DISCARD: never of a peer's first child. */
enum mode { MODE_TUNNEL, MODE_TRANSPORT, MODE_BYPASS, MODE_DISCARD };	/* the last two need no
									 * SA (RFC 4301 §4.4.1) */

/* Where a peer is: tried in this order. NET and ANY only answer. */
enum gateway_kind { GATEWAY_ADDR, GATEWAY_NAME, GATEWAY_NET, GATEWAY_ANY };
struct gateway {
	uint8_t kind;			/* enum gateway_kind */
	struct prefix net;		/* NET; ADDR: its address, full length */
	char name[HOST_NAME_LEN + 1];	/* NAME; else "" */
};
enum dataplane { DATAPLANE_AUTO, DATAPLANE_KERNEL, DATAPLANE_USERSPACE };
enum engine_choice { ENGINE_CHOICE_AUTO, ENGINE_CHOICE_MBEDTLS, ENGINE_CHOICE_IPSEC_MB,
		     ENGINE_CHOICE_AFALG };
enum offload { OFFLOAD_AUTO, OFFLOAD_NO, OFFLOAD_CRYPTO, OFFLOAD_PACKET };
#define WORKERS_MAX 16

/* One pair of network lists that becomes one CHILD_SA. */
struct child_conf {
	char name[CHILD_NAME_MAX + 1];
	uint8_t n_local, n_remote;	/* 1..NETWORKS_MAX */
	struct prefix local_network[NETWORKS_MAX];
	struct prefix remote_network[NETWORKS_MAX];
	struct suite_list esp;
	uint16_t ah;			/* INTEG_*: AH (RFC 4302) instead of ESP; 0: ESP */
	bool ipcomp;			/* offer and take IPComp (RFC 3173) */
	uint32_t esp_life_s;
	uint64_t esp_life_bytes;	/* both ways together; 0: no limit */
	uint64_t esp_life_packets;	/* likewise */
	uint8_t mode;			/* enum mode */
	uint8_t protocol;		/* IP protocol of the selectors; 0: any */
	uint16_t local_port_lo, local_port_hi;	/* 0, 65535: any */
	uint16_t remote_port_lo, remote_port_hi;
};

/* Its traffic passes as it is, or goes nowhere: nothing is negotiated for it, no SA serves it. */
static inline bool child_is_plain(const struct child_conf *c)
{
	return c->mode == MODE_BYPASS || c->mode == MODE_DISCARD;
}

struct peer_conf {
	char name[PEER_NAME_MAX + 1];
	char description[DESCRIPTION_MAX + 1];
	char interface[IFNAME_MAX];	/* adit-NAME, unique; filled by settings_load */
	bool enabled;
	uint8_t start;			/* enum start_action */
	uint8_t version;		/* enum ike_version */
	uint8_t exchange;		/* enum exchange, IKEv1 alone */
	struct ike_id local_id, peer_id;	/* ID_NONE: the address; a responder with
						 * remote_any and ID_NONE takes any */
	struct ip_addr local_ip;	/* none: the one the kernel would use */
	struct ip_addr remote_gateway;	/* the first of gateways, when that is an address */
	bool remote_any;		/* the first of gateways only answers */
	uint8_t n_gateways;		/* 1..GATEWAYS_MAX */
	struct gateway gateways[GATEWAYS_MAX];
	uint16_t remote_port;		/* 0: 500, then 4500; else always with the marker */
	uint8_t auth, peer_auth;	/* enum auth_by: ours, theirs */
	char cert[PKI_NAME_MAX + 1];	/* ours, of pki/; "" with AUTH_BY_PSK */
	char peer_cert[PKI_NAME_MAX + 1];	/* pinned; "": by a CA */
	uint8_t n_ca;			/* 0: every CA of pki/ */
	char ca[CA_MAX][PKI_NAME_MAX + 1];
	uint8_t crl;			/* enum crl_policy */
	char ppk_id[PPK_ID_MAX + 1];	/* RFC 8784; "": none */
	bool ppk_required;
	struct suite_list ike;
	uint32_t ike_life_s;
	uint32_t rekey_margin_s;	/* how long before the end a rekey starts, jittered */
	uint32_t keying_tries;		/* 0: for ever */
	uint32_t dpd_delay_s;		/* 0: off */
	uint8_t dpd_action;		/* enum dpd_action */
	uint8_t encap;			/* enum encap */
	uint16_t mtu;			/* 0: computed */
	uint32_t reauth_s;		/* make-before-break reauthentication; 0: never */
	uint8_t unique;			/* enum unique */
	uint8_t fragmentation;		/* enum fragmentation (RFC 7383; IKEv1 as Cisco's) */
	uint16_t fragment_size;		/* of the IP packet; 0: 1280, or 576 over IPv4 if lost */
	bool mobike;			/* RFC 4555 */
	uint8_t child_per_pair;		/* enum per_pair */
	uint8_t proposal_check;		/* enum proposal_check, IKEv1 alone */
	bool test_rekey;		/* rekey once soon after a new peer's first child */
	unsigned allow_weak;		/* enum weak bits */
	bool forward_wan, forward_lan;
	uint8_t n_children;		/* 1..CHILDREN_MAX; the first has the peer's name */
	struct child_conf *children;
};

struct router_conf {
	char wan[IFNAME_MAX];		/* "": the interface of the default route */
	uint8_t n_lan;			/* 0: every other interface that has an address */
	char lan[LAN_MAX][IFNAME_MAX];
	uint16_t ike_port, natt_port;	/* where we listen: 500, 4500 */
	uint8_t dataplane;		/* enum dataplane */
	uint8_t engine;			/* enum engine_choice, of the userspace dataplane */
	uint8_t workers;		/* threads of espd, 1..WORKERS_MAX; 0: half of the cores */
	uint8_t offload;		/* enum offload, of the kernel dataplane */
	enum log_level log_level;
	char theme[32];
};

struct settings {
	struct router_conf router;
	size_t n_peers;
	struct peer_conf *peers;	/* sorted by name */
};

#endif
