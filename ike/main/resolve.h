/* resolve: the addresses of gateways that are given by name, looked up again when the TTL of
 * their answer is over: a small stub resolver (RFC 1034 §5.3.1). It opens nothing: aditd
 * hands in connected UDP sockets to the name servers, new ones for each look-up, so that the
 * source port is the kernel's random one.
 *
 * Of each name A and AAAA are asked for at once, of the first server; one that does not answer
 * in time, or answers without helping (SERVFAIL, REFUSED, truncated), is passed over for the
 * next, RESOLVE_ROUNDS times in all. A look-up that fails is repeated after 5, 10, 20 … 300 s;
 * what was found before stays true until another answer comes.
 */
#ifndef ADIT_IKE_MAIN_RESOLVE_H
#define ADIT_IKE_MAIN_RESOLVE_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/ipc/msg.h"

#include <stdint.h>

#define RESOLVE_WAIT_MS 2000	/* for one server */
#define RESOLVE_ROUNDS 2
#define RESOLVE_AT_ONCE 8	/* look-ups under way; the others wait */
#define RESOLVE_TTL_MIN_S 10	/* shorter ones are stretched, longer ones cut */
#define RESOLVE_TTL_MAX_S 86400
#define RESOLVE_ADDRS_MAX 8	/* of one name, both families together */

struct resolve_env {
	void *arg;
	/* Ask aditd for sockets; answered by resolve_sockets(id). */
	void (*want)(void *arg, uint32_t id, const char *name);
	/* What a name means now: after each look-up that found something else than before or
	 * nothing. n 0: why says what went wrong ("NXDOMAIN from 192.0.2.53"). May call
	 * resolve_use() and resolve_again(). */
	void (*found)(void *arg, const char *name, const struct ip_addr *v, size_t n,
		      const char *why);
};

struct resolve;

/* env is copied. NULL: out of memory. */
struct resolve *resolve_new(struct loop *l, const struct resolve_env *env);
void resolve_free(struct resolve *r);

/* The names this peer needs, instead of those it needed before; n 0: none any more. Names no
 * other peer needs are forgotten; new ones are looked up; of one that is known already found()
 * tells at once. */
int resolve_use(struct resolve *r, const char *peer, const struct gateway *v, size_t n,
		struct err *e) MUST_USE;
/* Look it up now: whoever it named does not answer. Not more often than every
 * RESOLVE_TTL_MIN_S; unknown names are fine. */
void resolve_again(struct resolve *r, const char *name);
/* The answer to want(). The descriptors are taken: closed, or set to -1 by the caller after. */
void resolve_sockets(struct resolve *r, uint32_t id, const struct msg_dns_sockets *m,
		     const int *fds, size_t n_fds);

#endif
