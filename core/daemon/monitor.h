/* monitor: what the files of aditd share; for core/daemon only.
 *
 *	monitor.c	start, signals, stop		options.c	command line
 *	rundir.c	run dir, pid file, control socket
 *	procs.c		the children: run, watch, restart, end
 *	requests.c	what they ask for		permit.c	whether they may
 *	satab.c		the SAs that live, by iked's generation
 *	reload.c	settings in, changes out	secrets.c	which PSK changed
 *	pki.c		certificates and keys to the children
 *	tunnel.c	interfaces, MTU			paths.c		addresses of peers
 *	sync.c		routes, firewall, sysctl	names.c		hosts and name servers
 *	dataplane.c	the backend
 */
#ifndef ADIT_DAEMON_MONITOR_H
#define ADIT_DAEMON_MONITOR_H

#include "core/base/loop.h"
#include "core/daemon/backend.h"
#include "core/daemon/diff.h"
#include "core/daemon/permit.h"
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"
#include "core/net/firewall.h"
#include "core/net/sock.h"
#include "core/net/sysctl.h"
#include "core/net/view.h"
#include "core/net/watch.h"
#include "core/settings/settings.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct monitor;

/* ---- options.c ---- */

struct options {
	char config_dir[PATH_MAX];
	char run_dir[PATH_MAX];
	char libexec_dir[PATH_MAX];
	char user[33];			/* "": adit, or else nobody */
	bool foreground, check;
};
/* 1: all is said (--help, --version); 0: go on; -1: the text says what is wrong. */
int options_parse(struct options *o, int argc, char **argv, struct err *e) MUST_USE;
/* Who the children become, and which group may read the control socket (0: root's). */
int options_user(const struct options *o, uid_t *uid, gid_t *gid, gid_t *control,
		 struct err *e) MUST_USE;

/* ---- rundir.c ---- */

struct rundir {
	char path[PATH_MAX];
	int lock;			/* of the pid file; held as long as we live; -1 none */
	int control;			/* listening; -1 none */
	bool killed;			/* the instance before did not end by itself */
};
/* Make the dir and take the lock; an instance that runs there is named by its pid. */
int rundir_open(struct rundir *r, const char *path, struct err *e) MUST_USE;
/* Write our pid; after the last fork. */
int rundir_pid(struct rundir *r, struct err *e) MUST_USE;
/* control.sock, 0660, root and this group. */
int rundir_control(struct rundir *r, gid_t group, struct err *e) MUST_USE;
/* Remove what was made. */
void rundir_close(struct rundir *r);

/* ---- procs.c ---- */

enum proc_id { PROC_VAULTD, PROC_IKED, PROC_DATAPLANE, PROC_N };

struct proc {
	struct monitor *m;
	enum ipc_role role;
	const char *program;		/* NULL: this dataplane needs none */
	pid_t pid;			/* 0: does not run */
	struct ipc *link;		/* NULL: broken, or ended */
	enum permit_phase phase;
	unsigned starts;
	uint64_t started_ms;
	unsigned backoff_ms;
	bool missing;			/* its program could not be run */
	bool held;			/* not to be started again now */
	struct timer restart, kill;
};

void procs_init(struct monitor *m);
/* Run it, if it does not run. */
void procs_start(struct monitor *m, enum proc_id id);
bool procs_running(const struct monitor *m, enum proc_id id);	/* and said MSG_READY */
int procs_send(struct monitor *m, enum proc_id id, uint16_t type, uint32_t msg_id,
	       const void *body, size_t len);
int procs_send_fds(struct monitor *m, enum proc_id id, uint16_t type, uint32_t msg_id,
		   const void *body, size_t len, const int *fds, size_t n_fds);
/* Close its link, so that it ends by itself, and kill it soon if it does not; no restart until
 * procs_start(). */
void procs_end(struct monitor *m, enum proc_id id);
/* SIGCHLD: collect who ended. */
void procs_reap(struct monitor *m);
/* None of them runs. */
bool procs_all_gone(const struct monitor *m);
/* Kill and collect all that are left, at once. */
void procs_kill_all(struct monitor *m);

/* ---- satab.c ---- */

struct sa {
	uint32_t id;			/* ours: what the dataplane knows it by */
	uint32_t iked_id;		/* iked's, unique in its generation */
	unsigned generation;		/* of iked; 0: of an earlier aditd's */
	char peer[PEER_NAME_MAX + 1];
	char child[CHILD_NAME_MAX + 1];
	bool live;			/* the dataplane took it */
	bool held;			/* not yet used for sending */
	bool udp_encap;
	uint16_t encr, encr_bits, integ;
	struct endpoint remote;
	uint32_t next[3];		/* satab's own: by enum satab_way */
};

enum satab_way { SATAB_ID, SATAB_IKED, SATAB_PEER };
#define SATAB_WAYS 3

struct satab {
	size_t n, cap;
	struct sa *v;
	uint32_t *heads;
	uint32_t last_id;
};

/* NULL when out of memory. Borrowed until the next add or drop. */
struct sa *satab_add(struct satab *t, const struct sa_child *c, unsigned generation);
/* The same for one that the dataplane had before this aditd: id is its own. */
struct sa *satab_adopt(struct satab *t, const struct sa_child *c);
struct sa *satab_by_id(struct satab *t, uint32_t id);
struct sa *satab_by_iked(struct satab *t, uint32_t iked_id, unsigned generation);
void satab_drop(struct satab *t, struct sa *s);
void satab_clear(struct satab *t);
/* Those of a peer, one after the other: after NULL is the first. */
const struct sa *satab_of(const struct satab *t, const char *peer, const struct sa *after);
/* How many of the peer's are live. */
unsigned satab_live(const struct satab *t, const char *peer);
/* All of a peer, live or not. */
unsigned satab_count(const struct satab *t, const char *peer);
/* The next one from *at on that an earlier generation made for this peer (and child, unless
 * NULL); NULL when there is none. */
struct sa *satab_older(struct satab *t, const char *peer, const char *child,
		       unsigned generation, size_t *at);
void satab_fini(struct satab *t);

/* ---- secrets.c ---- */

/* What each peer's PSK was when vaultd last heard of it, as a keyed hash. */
struct secrets {
	uint64_t key[2];
	size_t n;
	struct secret_mark *v;
};
void secrets_init(struct secrets *s);
void secrets_fini(struct secrets *s);
/* Read the peer's PSK and send it to vaultd: always, or only when it is another than before.
 * 1 it was another, 0 the same (or none both times). Logs what is wrong with a file. */
int secrets_send(struct monitor *m, const char *peer, bool always);
void secrets_forget(struct monitor *m, const char *peer);

/* ---- pki.c ---- */

/* What iked has of certificates and CRLs, vaultd of keys and PPKs. */
struct pki {
	uint64_t key[2];
	size_t n, n_ppks;
	struct pki_file *v;
	struct ppk_mark *ppks;
};
void pki_init(struct pki *k);
void pki_fini(struct pki *k);
/* Everything, to a child that was just started. */
void pki_tell_iked(struct monitor *m);
void pki_tell_vaultd(struct monitor *m);
/* Look again and pass on what changed: files, and which peers use them. Returns how many
 * certificates, CRLs, keys and PPKs are others than before, or gone. */
unsigned pki_again(struct monitor *m);

/* ---- reload.c ---- */

/* Read the settings for the first time. Prints findings to the log. */
int reload_first(struct monitor *m, struct err *e) MUST_USE;
/* Read them again and pass on what changed. text (ERR_MSG_MAX) gets one in words. */
enum exit_code reload_again(struct monitor *m, char *text);
/* adit.conf as it is now, ports 0 where it has none: what is wrong with it comes later.
 * workers is their number. */
void reload_router(const struct monitor *m, struct router_conf *out);
/* All peers to an iked, all secrets to a vaultd that was just started. */
void reload_tell_iked(struct monitor *m);
void reload_tell_vaultd(struct monitor *m);
/* --check: findings to stdout; the exit code. */
int reload_check(const struct options *o);

/* ---- tunnel.c ---- */

struct tunnel {
	char peer[PEER_NAME_MAX + 1];
	char interface[IFNAME_MAX];
	bool made;			/* the interface exists */
	bool up;
	bool trap;			/* its routes stand while it is down, packets wait */
	bool flush;			/* connections from before are to be forgotten */
	uint16_t mtu;
	struct ip_addr local;		/* what iked was told */
	struct endpoint remote;		/* where the peer is now; none: not known */
	struct ip_addr shown_local, shown_remote;	/* what the backend was told */
	bool roams;			/* the rest is iked's, for paths.c */
	uint8_t n_addrs;
	struct ip_addr addrs[PEER_ADDRS_MAX];
	struct msg_peer_paths told;
};

/* Make the router's state of the settings: interfaces, routes, firewall, sysctl. */
void tunnel_settings(struct monitor *m);
/* Links, addresses, routes or firewall changed outside (WATCH_*). */
void tunnel_outside(void *arg, unsigned what);
/* An SA of the peer came, changed or went. */
void tunnel_sa(struct monitor *m, const char *peer, const struct sa *newest);
/* The remote end is elsewhere now. */
void tunnel_remote(struct monitor *m, const char *peer, const struct endpoint *remote);
/* A packet for a tunnel that is down: iked is to bring it up. */
void tunnel_wanted(struct monitor *m, const char *interface);
struct tunnel *tunnel_get(struct monitor *m, const char *peer);
/* All interfaces go, with what the dataplane has. */
void tunnel_fini(struct monitor *m);

/* ---- paths.c: where a peer may be, and how it is reached ---- */

/* What iked knows. */
void tunnel_addrs(struct monitor *m, const struct msg_peer_addrs *a);
/* The ways to these addresses, to iked when they changed, or always. */
void paths_tell(struct monitor *m, struct tunnel *t, bool always);
/* All addresses that packets of the peer's may come from, as networks: from settings, iked,
 * and where it is. Returns how many, at most PATHS_NETS_MAX. *anywhere: it may be anywhere. */
#define PATHS_NETS_MAX (GATEWAYS_MAX + PEER_ADDRS_MAX + 1)
size_t paths_nets(const struct peer_conf *p, const struct tunnel *t, struct prefix *out,
		  bool *anywhere);
/* The same without networks: what must never go into the tunnel. */
size_t paths_hosts(const struct peer_conf *p, const struct tunnel *t, struct ip_addr *out);

/* ---- sync.c ---- */

enum { SYNC_ROUTES = 1 << 0, SYNC_FIREWALL = 1 << 1 };
void sync_init(struct monitor *m);
/* Soon, or at once when the last one is a while ago: a hundred peers that come up together
 * are one change. */
void sync_want(struct monitor *m, unsigned what);
/* In a moment: nothing waits for it, and something that does may follow. */
void sync_later(struct monitor *m, unsigned what);
void sync_now(struct monitor *m, unsigned what);
/* Rules may have been taken away: put them back. */
void sync_check_firewall(struct monitor *m);
/* Tell iked about firewall and findings, when they changed or always. */
void sync_tell(struct monitor *m, bool always);
/* What a crash left; at start, when the sockets are ours and so nobody else runs here. */
void sync_clean(struct monitor *m);
/* All of ours goes. */
void sync_stop(struct monitor *m);

/* ---- dataplane.c ---- */

int dataplane_choose(struct monitor *m, struct err *e) MUST_USE;
int dataplane_start(struct monitor *m, struct err *e) MUST_USE;
void dataplane_stop(struct monitor *m);
/* The settings were read again: what the dataplane starts with the next time. */
void dataplane_again(struct monitor *m);
/* Which one, and what it can, to iked; only when it is ready. */
void dataplane_tell(struct monitor *m);
/* It is used for sending from now on: what it replaces may go. */
void dataplane_in_use(struct monitor *m, uint32_t id);
/* Take over what an earlier instance left and still flows; once the interfaces are there. */
void dataplane_adopt(struct monitor *m);
/* Every SA of the peer, of every generation. */
void dataplane_drop_peer(struct monitor *m, const char *peer);
void dataplane_forget_all(struct monitor *m);

/* ---- requests.c ---- */

/* A message of a child, checked against core/ipc's table already. */
void requests_handle(struct proc *p, struct ipc_msg *m);
/* Called by procs.c. */
void requests_ready(struct proc *p);
void requests_gone(struct proc *p);

/* ---- monitor.c ---- */

enum monitor_state {
	MONITOR_STARTING,	/* not all children are ready */
	MONITOR_RUNNING,
	MONITOR_RESTART_WAIT,	/* iked deletes its SAs */
	MONITOR_RESTART_END,	/* the children end */
	MONITOR_STOP_WAIT,
	MONITOR_STOP_END,
};

struct monitor {
	struct loop *loop;
	struct options opt;
	struct rundir run;
	enum monitor_state state;
	bool once_ready;
	int exit_code;
	uint64_t started_ms;
	uid_t uid;
	gid_t gid, control_gid;
	int64_t started_wall_s;
	int ready_fd;			/* of the parent that waits for us; -1 in foreground */
	struct sock_set sockets;
	struct proc procs[PROC_N];
	struct timer stop_wait;

	const struct backend *const *backends;
	const struct backend *backend;
	void *backend_ctx;
	bool lost;			/* SAs are gone, and iked is to hear once espd is back */
	char backend_why[200];
	uint8_t esp;			/* enum firewall_esp */
	bool adopted;			/* dataplane_adopt() was done */
	struct satab sas;

	struct settings settings;
	struct secrets secrets;
	struct pki pki;

	struct view view;
	struct watch *watch;
	struct firewall *firewall;
	struct sysctl *sysctl;
	size_t n_tunnels;
	struct tunnel *tunnels;		/* one per enabled peer, sorted by name */
	struct timer sync;		/* routes and firewall, soon */
	struct timer flush;		/* old connections, a little later */
	unsigned sync_what;
	uint64_t synced_ms;
	uint64_t sync_cost_ms, flush_cost_ms;	/* what the last one took */
	struct log_limit firewall_log;
	struct log_limit wan_log;
	char wan[IFNAME_MAX];		/* as last told */
	bool wan_told;
	struct msg_system told;		/* what iked heard last */

	uint64_t refused[PROC_N];	/* messages out of phase or not theirs */
	struct log_limit refused_log;
};

/* A child became ready or ended: is the whole ready, is the stop done? */
void monitor_progress(struct monitor *m);
/* MSG_RESTART. */
void monitor_restart(struct monitor *m);
/* iked deleted all it had, or has gone while stopping. */
void monitor_iked_stopped(struct monitor *m);

#endif
