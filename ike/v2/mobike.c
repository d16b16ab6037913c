/* mobike: the ends of an IKE SA move (RFC 4555). Whoever called first, the caller, decides
 * which pair of addresses is used: when its own address or route changes, when a NAT on the way
 * gives it another, or when the peer is silent at one address and answers at another. The other
 * side only says which addresses it has. Until the caller's UPDATE_SA_ADDRESSES comes nothing
 * that is received changes anything (§3.8), so that a path can be tried without harm.
 *
 * A change is a wish (update, tell, check) on struct mobike; when the window is free one
 * INFORMATIONAL carries all of them. A request that is under way then goes on from the new
 * address, and after some tries on every other path there is, too.
 */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "ike/v2/fragment.h"

#include <stdlib.h>
#include <string.h>

#define COOKIE2_LEN 16
#define COOKIE2_MIN 8		/* §4.2.5 */
#define COOKIE2_MAX 64
#define PROBE_AT 3		/* sendings: from this one on by every path */

struct mobike {
	bool caller;
	bool update;			/* owed: UPDATE_SA_ADDRESSES */
	bool tell;			/* owed: our other addresses */
	bool check;			/* owed: is the peer really there? (§3.7) */
	bool updating;			/* the request under way has UPDATE_SA_ADDRESSES */
	uint8_t cookie[COOKIE2_LEN];	/* of the request under way */
	uint8_t n_told, n_theirs;
	struct ip_addr told[OWN_ADDRS_MAX];	/* what we announced */
	struct ip_addr theirs[PEER_ADDRS_MAX];	/* what IKE_AUTH said, until it is believed */
};

static bool forced(const struct ike_sa *sa)
{
	return peer_encap(sa->peer) != CAN_ENCAP_ANY;
}

bool mobike_wanted(const struct ike_sa *sa)
{
	return sa->peer->conf.mobike && v2(sa)->peer_natt;
}

void mobike_free(struct ike_sa *sa)
{
	free(v2(sa)->mobike);
	v2(sa)->mobike = NULL;
}

void mobike_inherit(const struct ike_sa *from, struct ike_sa *to)
{
	struct mobike *m;

	if (!from->roams || !v2(from)->mobike)
		return;
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	*m = *v2(from)->mobike;
	m->updating = false;
	v2(to)->mobike = m;
	to->roams = true;
}

/* ---- addresses in payloads ---- */

static bool has(const struct ip_addr *v, size_t n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&v[i], a))
			return true;
	return false;
}

static bool usable(const struct ip_addr *a)
{
	return !addr_is_any(a) && !addr_is_loopback(a) && !addr_is_multicast(a) &&
	       !addr_is_link_local(a);
}

/* The addresses of ADDITIONAL_* in m; false when it has none of these notifies. */
static bool read_additional(const struct ike_msg *m, struct ip_addr *v, uint8_t *n)
{
	const struct payload *p = NULL;
	struct notify nt;
	bool any = false;

	*n = 0;
	while ((p = ike_msg_next(m, PAYLOAD_NOTIFY, p))) {
		size_t want;
		struct ip_addr a;

		if (payload_notify(p->body, &nt, NULL) < 0)
			continue;
		any |= nt.type == N_NO_ADDITIONAL_ADDRESSES;
		if (nt.type != N_ADDITIONAL_IP4_ADDRESS && nt.type != N_ADDITIONAL_IP6_ADDRESS)
			continue;
		any = true;
		want = nt.type == N_ADDITIONAL_IP4_ADDRESS ? 4 : 16;
		if (nt.data.len != want)
			continue;
		a = addr_from_bytes(want == 4 ? AF_INET : AF_INET6, nt.data.p);
		if (usable(&a) && *n < PEER_ADDRS_MAX - 4 && !has(v, *n, &a))
			v[(*n)++] = a;
	}
	return any;
}

/* Ours but the one in use, and remember that these were told. */
static void write_additional(struct ike_sa *sa, struct build *b)
{
	const struct where *w = sa->peer->where;
	struct mobike *m = v2(sa)->mobike;
	uint8_t n = 0;

	for (uint8_t i = 0; w && i < w->paths.n_public; i++) {
		const struct ip_addr *a = &w->paths.own[i];

		if (m)
			m->told[i] = *a;
		if (addr_equal(a, &sa->local.addr) || addr_is_set(&sa->peer->conf.local_ip))
			continue;
		build_notify(b, PROTO_NONE, 0, 0, a->family == AF_INET ?
			     N_ADDITIONAL_IP4_ADDRESS : N_ADDITIONAL_IP6_ADDRESS,
			     (struct slice){ a->b, addr_len(a) });
		n++;
	}
	if (m)
		m->n_told = w ? w->paths.n_public : 0;
	if (!n)
		build_notify_plain(b, N_NO_ADDITIONAL_ADDRESSES);
}

static void write_nat(const struct ike_sa *sa, struct build *b, const struct endpoint *local,
		      const struct endpoint *remote)
{
	uint8_t hash[20];

	keymat_nat_hash(sa->spi_i, sa->spi_r, local, hash);
	if (forced(sa))
		rng_bytes(hash, sizeof(hash));
	build_notify(b, PROTO_NONE, 0, 0, N_NAT_DETECTION_SOURCE_IP,
		     (struct slice){ hash, sizeof(hash) });
	keymat_nat_hash(sa->spi_i, sa->spi_r, remote, hash);
	build_notify(b, PROTO_NONE, 0, 0, N_NAT_DETECTION_DESTINATION_IP,
		     (struct slice){ hash, sizeof(hash) });
}

/* RFC 4555 §3.5: a NAT is between now, which plain ESP does not pass. An SA is in UDP or is not:
 * who moved makes new ones at once. */
static void into_udp(struct ike_sa *sa)
{
	sa->encap = true;
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->state == CH_LIVE && v2(sa)->mobike &&
		    v2(sa)->mobike->caller)
			c->rekey_at = clock_ms();
}

/* Which side is behind a NAT now. A NAT that is gone does not take the UDP away. */
static void read_nat(struct ike_sa *sa, const struct input *in)
{
	struct notify src, dst;
	uint8_t hash[20];

	if (!ike_msg_notify(in->m, N_NAT_DETECTION_SOURCE_IP, &src) ||
	    !ike_msg_notify(in->m, N_NAT_DETECTION_DESTINATION_IP, &dst) ||
	    src.data.len != sizeof(hash) || dst.data.len != sizeof(hash))
		return;
	keymat_nat_hash(sa->spi_i, sa->spi_r, in->remote, hash);
	sa->nat_remote = memcmp(src.data.p, hash, sizeof(hash)) != 0;
	keymat_nat_hash(sa->spi_i, sa->spi_r, in->local, hash);
	sa->nat_local = memcmp(dst.data.p, hash, sizeof(hash)) != 0;
	sa_keepalive_start(sa);
	if ((sa->nat_local || sa->nat_remote) && !sa->encap)
		into_udp(sa);
}

/* ---- IKE_AUTH, §3.1, §3.4 ---- */

void mobike_offer(struct ike_sa *sa, struct build *b)
{
	if (!mobike_wanted(sa) || (!sa->initiator && !v2(sa)->mobike))
		return;
	build_notify_plain(b, N_MOBIKE_SUPPORTED);
	write_additional(sa, b);
}

void mobike_note(struct ike_sa *sa, const struct ike_msg *m)
{
	struct mobike *mo;
	struct notify n;

	if (!ike_msg_notify(m, N_MOBIKE_SUPPORTED, &n) || v2(sa)->mobike)
		return;
	mo = calloc(1, sizeof(*mo));
	if (!mo)
		return;
	mo->caller = sa->initiator;
	read_additional(m, mo->theirs, &mo->n_theirs);
	v2(sa)->mobike = mo;
}

static void announced(struct ike_sa *sa, const struct ip_addr *v, uint8_t n,
		      const struct ip_addr *at)
{
	struct where *w = where_get(sa->peer);

	if (!w)
		return;
	memcpy(w->announced, v, n * sizeof(*v));
	w->n_announced = n;
	if (!has(w->announced, n, at))
		w->announced[w->n_announced++] = *at;
	where_tell(sa->peer);
}

void mobike_begin(struct ike_sa *sa)
{
	struct mobike *m = v2(sa)->mobike;

	if (!m || !mobike_wanted(sa)) {
		mobike_free(sa);
		return;
	}
	sa->roams = true;
	announced(sa, m->theirs, m->n_theirs, &sa->remote.addr);
	log_debug(sa->peer->conf.name, "MOBIKE: %u more %s of the peer", m->n_theirs,
		  m->n_theirs == 1 ? "address" : "addresses");
}

/* ---- what we owe ---- */

bool mobike_due(const struct ike_sa *sa)
{
	const struct mobike *m = v2(sa)->mobike;

	return sa->roams && m && (m->update || m->tell || m->check);
}

void mobike_send(struct ike_sa *sa)
{
	struct mobike *m = v2(sa)->mobike;
	struct out o;

	out_request(sa, &o, INFORMATIONAL);
	m->updating = m->update;
	if (m->update) {
		build_notify_plain(&o.b, N_UPDATE_SA_ADDRESSES);
		write_nat(sa, &o.b, &sa->local, &sa->remote);
	}
	if (m->tell || m->update)
		write_additional(sa, &o.b);
	rng_bytes(m->cookie, sizeof(m->cookie));
	build_notify(&o.b, PROTO_NONE, 0, 0, N_COOKIE2,
		     (struct slice){ m->cookie, sizeof(m->cookie) });
	m->update = m->tell = m->check = false;
	out_send_request(sa, &o, TASK_MOBIKE);
}

/* §3.8: silence may be a NAT that forgot us, and gave us another address. The peer does not
 * follow by itself. */
void mobike_write_liveness(struct ike_sa *sa, struct build *b)
{
	if (!sa->roams || !v2(sa)->mobike || !v2(sa)->mobike->caller || !sa->nat_local)
		return;
	build_notify_plain(b, N_UPDATE_SA_ADDRESSES);
	write_nat(sa, b, &sa->local, &sa->remote);
}

bool mobike_answered(struct ike_sa *sa, const struct input *in)
{
	struct mobike *m = v2(sa)->mobike;
	struct notify n;

	if (!sa->roams || !m)
		return true;
	if (v2(sa)->task != TASK_MOBIKE)
		return true;
	/* §3.7: whoever answered did not see the request. */
	if (!ike_msg_notify(in->m, N_COOKIE2, &n) || n.data.len != sizeof(m->cookie) ||
	    memcmp(n.data.p, m->cookie, sizeof(m->cookie)) != 0) {
		sa_why(sa, false, "the peer's answer to a change of addresses is not one "
		       "(COOKIE2 differs)");
		return false;
	}
	if (m->updating && ike_msg_error(in->m, &n)) {
		sa_why(sa, false, "the peer does not follow to %s: %s",
		       n.type == N_UNEXPECTED_NAT_DETECTED ? "an address behind a NAT" :
		       "this address", ike_notify_name(n.type));
		return false;
	}
	if (m->updating)
		read_nat(sa, in);
	m->updating = false;
	return true;
}

/* ---- our side moves ---- */

static void go_on_from(struct ike_sa *sa, const struct endpoint *local,
		       const struct endpoint *remote)
{
	char pair[128];

	sa->local = *local;
	sa->remote = *remote;
	log_info(sa->peer->conf.name, "moved: %s", sa_pair_str(sa, pair, sizeof(pair)));
	sa_moved(sa);
	/* What is under way goes on from there, and now. */
	if (req_out(sa))
		timer_set(sa->e->ts, &sa->rtx, 1);
}

/* The one in use is known without a word. */
static bool told_differs(const struct ike_sa *sa, const struct msg_peer_paths *paths)
{
	const struct mobike *m = v2(sa)->mobike;

	for (uint8_t i = 0; i < m->n_told; i++)
		if (!addr_equal(&m->told[i], &sa->local.addr) &&
		    !has(paths->own, paths->n_public, &m->told[i]))
			return true;
	for (uint8_t i = 0; i < paths->n_public; i++)
		if (!addr_equal(&paths->own[i], &sa->local.addr) &&
		    !has(m->told, m->n_told, &paths->own[i]))
			return true;
	return false;
}

void mobike_paths(struct ike_sa *sa)
{
	const struct where *w = sa->peer->where;
	struct mobike *m = v2(sa)->mobike;
	struct endpoint local = sa->local;
	bool gone;

	if (!sa->roams || !m || !w || sa->state != SA_ESTABLISHED)
		return;
	if (told_differs(sa, &w->paths) && !addr_is_set(&sa->peer->conf.local_ip))
		m->tell = true;
	local.addr = where_local(sa->peer, &sa->remote.addr);
	/* Who was called keeps the address it was called at as long as it has it. */
	gone = !has(w->paths.own, w->paths.n_own, &sa->local.addr);
	if (addr_is_set(&local.addr) && !addr_equal(&local.addr, &sa->local.addr) &&
	    (m->caller || gone)) {
		m->update = m->caller;
		m->tell = true;
		go_on_from(sa, &local, &sa->remote);
	}
	sa_next(sa);
}

/* The same request on every other path: the answer says which one works (§3.10). */
void mobike_probe(struct ike_sa *sa)
{
	const struct where *w = sa->peer->where;

	if (!sa->roams || !w || !v2(sa)->mobike || !v2(sa)->mobike->caller ||
	    v2(sa)->req_sent < PROBE_AT || sa->state != SA_ESTABLISHED)
		return;
	for (uint8_t i = 0; i < w->told.n; i++) {
		struct endpoint remote = { w->told.addr[i], sa->remote.port };
		struct endpoint local = { where_local(sa->peer, &remote.addr), sa->local.port };

		if (!addr_is_set(&local.addr) ||
		    (endpoint_equal(&local, &sa->local) && endpoint_equal(&remote, &sa->remote)))
			continue;
		fragment_send(sa, &local, &remote, &v2(sa)->req);
	}
}

void mobike_path_answers(struct ike_sa *sa, const struct input *in)
{
	struct mobike *m = v2(sa)->mobike;

	if (!sa->roams || !m || !m->caller || v2(sa)->req_sent < PROBE_AT ||
	    sa->state != SA_ESTABLISHED ||
	    (endpoint_equal(in->local, &sa->local) && endpoint_equal(in->remote, &sa->remote)))
		return;
	m->update = true;
	go_on_from(sa, in->local, in->remote);
}

/* ---- the peer's requests ---- */

/* §3.9: the addresses and ports as the sender has them. */
static bool nat_between(const struct input *in, struct slice data)
{
	const struct endpoint *ends[2] = { in->remote, in->local };
	struct rd r = rd_slice(data);
	bool same = true;

	for (int i = 0; i < 2; i++) {
		const uint8_t *p = rd_bytes(&r, addr_len(&ends[i]->addr));

		same &= p && memcmp(p, ends[i]->addr.b, addr_len(&ends[i]->addr)) == 0;
	}
	for (int i = 0; i < 2; i++)
		same &= rd_u16(&r) == ends[i]->port;
	return !same || !rd_done(&r);
}

/* 0: it may move there. */
static uint16_t refuses(const struct ike_sa *sa, const struct input *in)
{
	const struct ip_addr *own = &sa->peer->conf.local_ip;
	struct notify n;

	if (ike_msg_notify(in->m, N_NO_NATS_ALLOWED, &n) && nat_between(in, n.data))
		return N_UNEXPECTED_NAT_DETECTED;
	if (!usable(&in->remote->addr) ||
	    (addr_is_set(own) && !addr_equal(own, &in->local->addr)))
		return N_UNACCEPTABLE_ADDRESSES;
	return 0;
}

void mobike_answer(struct ike_sa *sa, const struct input *in, struct build *b)
{
	bool update = ike_msg_notify(in->m, N_UPDATE_SA_ADDRESSES, &(struct notify){ 0 });
	uint16_t error;
	struct notify n;

	if (!sa->roams || !v2(sa)->mobike)
		return;
	if (update && !v2(sa)->mobike->caller) {
		error = refuses(sa, in);
		if (error)
			build_notify_plain(b, error);
	}
	if (ike_msg_notify(in->m, N_NAT_DETECTION_SOURCE_IP, &n))
		write_nat(sa, b, in->local, in->remote);
	if (ike_msg_notify(in->m, N_COOKIE2, &n) && n.data.len >= COOKIE2_MIN &&
	    n.data.len <= COOKIE2_MAX)
		build_notify(b, PROTO_NONE, 0, 0, N_COOKIE2, n.data);
}

static void peer_moved(struct ike_sa *sa, const struct input *in)
{
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	log_info(sa->peer->conf.name, "the peer moved from %s to %s",
		 endpoint_str(&sa->remote, was), endpoint_str(in->remote, is));
	sa->local = *in->local;
	sa->remote = *in->remote;
	read_nat(sa, in);
	v2(sa)->mobike->check = true;
	sa_moved(sa);
}

void mobike_requested(struct ike_sa *sa, const struct input *in)
{
	struct mobike *m = v2(sa)->mobike;
	struct ip_addr theirs[PEER_ADDRS_MAX];
	struct notify n;
	uint8_t n_theirs;
	bool listed;

	if (!sa->roams || !m || sa->state != SA_ESTABLISHED)
		return;
	listed = read_additional(in->m, theirs, &n_theirs);
	if (!m->caller && ike_msg_notify(in->m, N_UPDATE_SA_ADDRESSES, &n) &&
	    !refuses(sa, in) &&
	    !(endpoint_equal(&sa->remote, in->remote) && endpoint_equal(&sa->local, in->local)))
		peer_moved(sa, in);
	/* The one that was called cannot move us; but where it is no more nobody answers. */
	if (listed && m->caller && !addr_equal(&in->remote->addr, &sa->remote.addr) &&
	    !has(theirs, n_theirs, &sa->remote.addr)) {
		m->update = true;
		go_on_from(sa, in->local, in->remote);
	}
	if (listed)
		announced(sa, theirs, n_theirs, &in->remote->addr);
}
