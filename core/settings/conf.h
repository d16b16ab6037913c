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
#define ID_MAX 128
#define DESCRIPTION_MAX 128
#define PSK_MAX 256		/* bytes */

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

enum start_action { START_START, START_RESPONDER };
enum dpd_action { DPD_RESTART, DPD_CLEAR };
enum encap { ENCAP_AUTO, ENCAP_FORCE };
enum dataplane { DATAPLANE_AUTO, DATAPLANE_KERNEL, DATAPLANE_USERSPACE };

/* One pair of network lists that becomes one CHILD_SA. */
struct child_conf {
	char name[CHILD_NAME_MAX + 1];
	uint8_t n_local, n_remote;	/* 1..NETWORKS_MAX */
	struct prefix local_network[NETWORKS_MAX];
	struct prefix remote_network[NETWORKS_MAX];
	struct suite_list esp;
	uint32_t esp_life_s;
};

struct peer_conf {
	char name[PEER_NAME_MAX + 1];
	char description[DESCRIPTION_MAX + 1];
	char interface[IFNAME_MAX];	/* adit-NAME, unique; filled by settings_load */
	bool enabled;
	uint8_t start;			/* enum start_action */
	uint8_t version;		/* 2; 1 is refused until IKEv1 is there */
	struct ike_id local_id, peer_id;	/* ID_NONE: the address; a responder with
						 * remote_any and ID_NONE takes any */
	struct ip_addr local_ip;	/* none: the one the kernel would use */
	struct ip_addr remote_gateway;	/* none with remote_any */
	bool remote_any;		/* "any": answers whoever has the right ID and PSK */
	struct suite_list ike;
	uint32_t ike_life_s;
	uint32_t rekey_margin_s;	/* how long before the end a rekey starts, jittered */
	uint32_t keying_tries;		/* 0: for ever */
	uint32_t dpd_delay_s;		/* 0: off */
	uint8_t dpd_action;		/* enum dpd_action */
	uint8_t encap;			/* enum encap */
	uint16_t mtu;			/* 0: computed */
	unsigned allow_weak;		/* enum weak bits */
	bool forward_wan, forward_lan;
	uint8_t n_children;		/* 1..CHILDREN_MAX; the first has the peer's name */
	struct child_conf *children;
};

struct router_conf {
	char wan[IFNAME_MAX];		/* "": the interface of the default route */
	uint8_t n_lan;			/* 0: every other interface that has an address */
	char lan[LAN_MAX][IFNAME_MAX];
	uint8_t dataplane;		/* enum dataplane */
	enum log_level log_level;
	char theme[32];
};

struct settings {
	struct router_conf router;
	size_t n_peers;
	struct peer_conf *peers;	/* sorted by name */
};

#endif
