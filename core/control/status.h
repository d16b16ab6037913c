/* status: what `adit status` shows, as plain structs, and the same as JSON and back. iked fills
 * one and sends it as JSON; the CLI and the screen get it back; with the daemon down it is
 * made from the settings alone.
 *
 * Strings are never NULL once status_new()/status_from_* made the struct ("" is "none");
 * everything inside belongs to the struct and goes with status_free().
 */
#ifndef ADIT_CONTROL_STATUS_H
#define ADIT_CONTROL_STATUS_H

#include "core/base/err.h"
#include "core/control/json.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_JSON_V 1		/* the "v" of `adit status --json` */

enum status_state { STATUS_UP, STATUS_CONNECTING, STATUS_DOWN, STATUS_DISABLED };

/* "up", "connecting", "down", "disabled". */
const char *status_state_name(enum status_state s);

struct status_drops {
	uint64_t replay, auth, selector_in, selector_out, malformed, expired, mtu, socket;
};

/* IKE messages of strangers, by why they were dropped. */
struct status_strangers {
	uint64_t malformed;	/* no IKE message, or one that does not parse */
	uint64_t bad_version;	/* of IKE */
	uint64_t no_peer;	/* nobody is configured at that address */
	uint64_t unknown_spi;	/* about an IKE SA there is not */
	uint64_t half_open;	/* too many unfinished handshakes */
	uint64_t unexpected;	/* not at that point of the exchange */
	uint64_t bad_id;	/* message ID outside the window */
	uint64_t bad_icv;	/* failed authentication */
};

struct status_child {
	char name[CHILD_NAME_MAX + 1];
	enum status_state state;	/* never STATUS_DISABLED */
	size_t n_local, n_remote;
	char **local_networks;		/* "10.1.0.0/24"; negotiated when up, else as set */
	char **remote_networks;
	char *esp;			/* negotiated when up: "AES-256-GCM, no PFS"; else as set;
					 * of AH its integrity; "" for bypass and discard */
	char mode[12];			/* "tunnel", "transport"; "bypass", "discard": no SA, its
					 * packets pass as they are, or go nowhere */
	char protocol[8];		/* "ESP", "AH"; "" for bypass and discard */
	bool ipcomp;			/* compressed; as negotiated when up, else as set */
	char engine[24];		/* who does its cryptography: "ipsec_mb", or the kernel's
					 * driver: "rfc4106-gcm-aesni"; "" not known or not up */
	bool hardware;			/* that is a device, not the processor */
	char offload[8];		/* what the network card does of it: "crypto", "packet"; "" */
	uint64_t fallbacks;		/* packets that software did in the engine's place */
	uint32_t spi_in, spi_out;	/* 0 when not up; "0xc1a2b3c4" in JSON */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
	struct status_drops drops;
	uint64_t rekey_in_s;		/* 0 when not up */
	uint64_t life_s;		/* until the SA ends; 0 when not up */
};

struct status_peer {
	char name[PEER_NAME_MAX + 1];
	char *description;
	enum status_state state;
	char *reason;			/* why it is not up, one sentence; "" when up */
	unsigned version;		/* 2 or 1; before it is up what this side begins with */
	char *local, *remote;		/* address; "address:port" where a NAT changed it; before
					 * it is up the gateways as set */
	char *local_id, *peer_id;
	char interface[IFNAME_MAX];
	char *ike;			/* negotiated: "AES-256-GCM, PRF-HMAC-SHA2-384, …"; else
					 * as set */
	bool initiator;
	bool udp_encap;			/* ESP travels in UDP */
	char *nat;			/* "", "local", "remote", "both": who is behind one */
	uint64_t uptime_s;		/* since it came up; 0 when not up */
	uint64_t rekey_in_s;		/* of the IKE SA */
	size_t n_weak;
	char **weak;			/* labels of weak algorithms in use */
	unsigned tries;			/* attempts since it was last up */
	uint64_t retry_in_s;		/* 0: no attempt is planned */
	size_t n_children;
	struct status_child *children;
};

struct status {
	bool running;			/* false: made from settings, the daemon is down */
	char version[32];		/* the daemon's, or this program's when down */
	uint64_t uptime_s;		/* of aditd */
	char dataplane[16];		/* "userspace", "kernel"; "" not known */
	char *dataplane_why;
	char *dataplane_note;		/* what it cannot do here: "no xfrm interfaces: plain
					 * policies"; "" nothing */
	char *firewall;			/* what was done to whose chain; "" nothing */
	char *warning;			/* "" none */
	struct status_strangers drops;
	size_t n_peers;
	struct status_peer *peers;	/* sorted by name */
};

/* Empty, with room for n_peers zeroed peers (all strings ""); NULL when out of memory. */
struct status *status_new(size_t n_peers);
/* Give p->children n zeroed entries. -1 when out of memory. */
int status_peer_children(struct status_peer *p, size_t n) MUST_USE;
/* NULL is fine. */
void status_free(struct status *s);
/* Replace a string of the struct; out of memory keeps the old one. */
void status_set(char **field, const char *text);
/* Append to a list of strings of the struct. */
void status_list_add(char ***list, size_t *n, const char *text);

/* NULL when there is no peer of that name. Borrowed. */
struct status_peer *status_find(const struct status *s, const char *name);

/* The data object of the status answer, `adit status --json` prints it: see adit-control(7).
 * The caller puts it. NULL when out of memory. */
struct json_object *status_to_json(const struct status *s);
struct json_object *status_peer_to_json(const struct status_peer *p);
/* Unknown keys are ignored, missing ones are empty; -1 for what is no status at all. *out is
 * the caller's to status_free(). */
int status_from_json(struct json_object *data, struct status **out, struct err *e) MUST_USE;
/* One peer into *p, which status_peer_fini() empties. */
int status_peer_from_json(struct json_object *data, struct status_peer *p, struct err *e)
	MUST_USE;
void status_peer_fini(struct status_peer *p);

/* The daemon is down: every peer "down" ("adit is not running") or "disabled", with what its
 * settings say. The caller's to status_free(); NULL when out of memory. */
struct status *status_from_settings(const struct settings *s);
/* Fill p, zeroed, from a peer's settings: names, networks, IDs and algorithms as set, state
 * down or disabled. -1 when out of memory. */
int status_peer_from_conf(struct status_peer *p, const struct peer_conf *c) MUST_USE;

/* An identity as text: "10.0.0.1", "branch.example", "keyid:6162", "C=CH, CN=gw"; "" for
 * ID_NONE. Returns
 * buf, which holds STATUS_ID_TEXT_MAX. */
#define STATUS_ID_TEXT_MAX 600
const char *status_id_str(const struct ike_id *id, char *buf);

#endif
