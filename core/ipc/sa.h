/* sa: a child SA as it travels from iked through aditd to a dataplane. Plain, fixed-size;
 * whoever holds one wipes it after use, for it holds keys. */
#ifndef ADIT_IPC_SA_H
#define ADIT_IPC_SA_H

#include "core/base/addr.h"
#include "core/settings/conf.h"

#include <stdint.h>

#define SA_KEY_MAX 56		/* Blowfish 448; AES-256-GCM has 36, salt included */
#define SA_INTEG_KEY_MAX 64
#define SA_SELECTORS_MAX NETWORKS_MAX

struct sa_key {
	uint8_t encr_len, integ_len;
	uint8_t encr[SA_KEY_MAX];
	uint8_t integ[SA_INTEG_KEY_MAX];
};

enum { SA_ESP = 50, SA_AH = 51 };	/* IP protocols, RFC 4303, RFC 4302 */

/* A pair of SAs, one each way. */
struct sa_child {
	uint32_t id;			/* given by iked, never reused while it lives */
	uint32_t spi_in, spi_out;	/* host byte order; > 255 (RFC 4303 §2.1) */
	char peer[PEER_NAME_MAX + 1];
	char child[CHILD_NAME_MAX + 1];
	struct endpoint local, remote;	/* outer; port 4500 (or the NAT's) with udp_encap */
	uint8_t udp_encap;
	uint8_t esn;
	uint8_t mode;			/* enum mode (core/settings/conf.h) */
	uint8_t follow;			/* the peer is behind a NAT, we are not: send to the port that
					 * its newest authentic packet came from (RFC 7296 §2.23) */
	uint8_t hold_out;		/* do not send on it until sa_activate, or until a
					 * packet was received on it (RFC 7296 §2.8) */
	uint8_t n_local, n_remote;
	uint8_t proto;			/* SA_ESP or SA_AH; with AH encr is 0 and has no key */
	uint16_t encr, encr_bits, integ;	/* transform IDs */
	uint16_t cpi_in, cpi_out;	/* IPComp with DEFLATE (RFC 3173, 2394); 0: none */
	uint32_t replay_window;		/* packets; 0: off */
	uint32_t hard_life_s;		/* from now; 0: none. The dataplane stops using it
					 * then and tells (SA_EVENT_HARD) */
	uint64_t soft_bytes, hard_bytes; /* inner bytes, both ways together; 0: no limit */
	uint64_t soft_packets, hard_packets;	/* likewise; 0: no limit */
	struct sa_key in, out;
	struct selector local_ts[SA_SELECTORS_MAX];
	struct selector remote_ts[SA_SELECTORS_MAX];
};

struct sa_stats {
	uint32_t id;
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;	/* inner packets, inner bytes */
	uint64_t last_rx_ms, last_tx_ms;	/* how long ago; UINT64_MAX: never */
	/* dropped, by reason */
	uint64_t drop_replay, drop_auth, drop_selector_in, drop_selector_out, drop_malformed,
		 drop_expired, drop_mtu, drop_socket;
	char engine[20];		/* who does its cryptography: "ipsec_mb", "afalg", or the
					 * kernel's driver: "rfc4106-gcm-aesni"; "": not known */
	uint8_t hardware;		/* that is a device, not the processor */
	uint8_t offload;		/* enum sa_offload: what the NIC took */
	uint64_t fallbacks;		/* packets that software did in the engine's place */
};

enum sa_offload { SA_OFFLOAD_NONE, SA_OFFLOAD_CRYPTO, SA_OFFLOAD_PACKET };

enum sa_event {
	SA_EVENT_HARD,		/* hard_life_s is over, or hard_bytes are through */
	SA_EVENT_SOFT,		/* sequence numbers run out, or soft_bytes are through */
	SA_EVENT_ACTIVE,	/* hold_out ended: a packet came */
	SA_EVENT_GONE,		/* its interface was deleted by somebody */
};

#endif
