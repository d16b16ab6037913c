/* backend: what a dataplane is to the monitor. One table of functions per implementation
 * (dataplane/): `esp` (espd, userspace), `xfrm` (the kernel), `fake` (tests). The structs of
 * core/ are all they share, so core/ includes nothing of dataplane/: aditd's main(), in
 * dataplane/aditd.c, hands the list in.
 *
 * Answers come through the callbacks, at once or later, always from the loop.
 */
#ifndef ADIT_DAEMON_BACKEND_H
#define ADIT_DAEMON_BACKEND_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/ipc/counters.h"
#include "core/ipc/ipc.h"
#include "core/ipc/sa.h"
#include "core/net/sock.h"
#include "core/settings/profile.h"

#include <stdbool.h>

/* What the monitor offers a backend; outlives it. */
struct backend_env {
	struct loop *loop;
	void *arg;
	/* The answer to sa_add: text is "" when it is in, else why not. */
	void (*sa_added)(void *arg, uint32_t id, const char *error);
	/* One per SA asked for with sa_query. */
	void (*sa_stats)(void *arg, const struct sa_stats *st);
	void (*sa_event)(void *arg, uint32_t id, enum sa_event ev);
	/* The answer to counters(): since the dataplane began, COUNTER_ABSENT where it keeps
	 * none of that kind. */
	void (*counters)(void *arg, const uint64_t v[COUNTERS_N]);
	/* The peer of this SA moved to another port of its NAT (kernel: XFRM_MSG_MAPPING). */
	void (*moved)(void *arg, uint32_t id, const struct endpoint *remote);
	/* An IKE message, marker and all, that came in the dataplane's own socket: iked takes it
	 * as one that came in its own. */
	void (*ike)(void *arg, const struct endpoint *local, const struct endpoint *remote,
		    const uint8_t *msg, size_t len);
	/* A packet waits on this interface for an SA (struct backend_iface.trap). */
	void (*wanted)(void *arg, const char *iface);
	/* All SAs are gone (the child died, the kernel was flushed): iked must make new ones,
	 * never put old keys in again (their sequence numbers would start over). */
	void (*lost)(void *arg);
	/* Send to the backend's own child process; -1 while it is not running. fds borrowed. */
	int (*child_send)(void *arg, uint16_t type, uint32_t id, const void *body, size_t len,
			  const int *fds, size_t n_fds);
};

struct backend_iface {
	char name[IFNAME_MAX];
	char peer[PEER_NAME_MAX + 1];
	uint16_t mtu;
	bool trap;		/* while there is no SA: keep a few packets, and call wanted() */
	struct ip_addr local, remote;	/* outer addresses as far as they are known, or none */
	const struct peer_conf *conf;	/* its settings, for the call alone: children that
					 * bypass or discard need no SA */
};

/* UDP encapsulation: what the dataplane wants of iked. */
enum backend_encap {
	BACKEND_ENCAP_ANY,	/* as NATs and settings demand */
	BACKEND_ENCAP_RATHER,	/* always where the peer can: it is faster so */
	BACKEND_ENCAP_ONLY,	/* IP protocol 50 cannot be sent here */
};

/* What it can, here and now; valid after start(). */
struct backend_can {
	uint8_t encap;		/* enum backend_encap */
	bool esn, transport, ah, ipcomp;
	bool plain;		/* decrypted packets come in by the WAN's interface: no
				 * interface of the peer's own */
	char note[120];		/* for `adit status`: "no xfrm interfaces: plain policies"; "" */
};

struct backend {
	const char *name;		/* "userspace", "kernel", "fake" */
	const char *child;		/* program in libexec it wants run ("espd"), or NULL */
	/* Can it run here? 0, or -1 with why not, in words for `adit status`. */
	int (*probe)(struct err *e);
	/* *ctx is the backend's own. socks is borrowed, open for as long as the backend lives;
	 * conf and profile for the call alone. */
	int (*start)(void **ctx, const struct backend_env *env, const struct sock_set *socks,
		     const struct router_conf *conf, const struct profile *profile,
		     struct err *e);
	void (*can)(void *ctx, struct backend_can *out);
	/* The settings, and what adit bench measured, were read again: for the child's next start.
	 * NULL: it takes nothing of them later. */
	void (*again)(void *ctx, const struct router_conf *conf, const struct profile *profile);
	/* NULL: an instance that was killed leaves nothing that lives on. Else: found() is
	 * called, before this returns, for each pair of SAs of ours that an earlier instance
	 * left and that still flows (sa without keys; id given by the backend, unique); it is
	 * this one's from now on. What is ours and of no use goes. */
	void (*adopt)(void *ctx,
		      void (*found)(void *arg, const struct sa_child *sa, const char *iface),
		      void *arg);
	/* Takes away all it made. */
	void (*stop)(void *ctx);
	/* The child runs (again) / ended / sent a message. */
	void (*child_up)(void *ctx);
	void (*child_down)(void *ctx);
	void (*child_msg)(void *ctx, const struct ipc_msg *m);
	/* Make the peer's interface, up, with this MTU; again with other values changes it. */
	int (*iface_add)(void *ctx, const struct backend_iface *i, struct err *e);
	void (*iface_del)(void *ctx, const char *name);
	/* Answered through sa_added. */
	void (*sa_add)(void *ctx, const struct sa_child *sa, const char *iface);
	void (*sa_activate)(void *ctx, uint32_t id);
	/* New outer endpoints (NAT rebinding, RFC 7296 §2.23). */
	void (*sa_update)(void *ctx, uint32_t id, const struct endpoint *local,
			  const struct endpoint *remote);
	/* The outbound half goes at once, the inbound after linger_ms. */
	void (*sa_del)(void *ctx, uint32_t id, uint32_t linger_ms);
	/* id 0: all. */
	void (*sa_query)(void *ctx, uint32_t id);
	/* Answered through counters. */
	void (*counters)(void *ctx);
};

/* NULL-terminated, in the order of preference for dataplane = auto. */
int monitor_main(int argc, char **argv, const struct backend *const *backends);

#endif
