/* xfrm: why: states as netlink messages and back. The kernel's structs are filled and read
 * here and in xfrmpol.c and xfrmwatch.c alone. */
#include "core/net/xfrmmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WORD_BITS 32
#define KEY_MAX 128
/* More than this cannot be told in the old attribute. */
#define OLD_WINDOW_MAX 32

struct xfrm *xfrm_open(struct err *e)
{
	struct xfrm *x = calloc(1, sizeof(*x));

	if (!x) {
		err_set(e, "out of memory");
		return NULL;
	}
	if (nl_open(&x->nl, NETLINK_XFRM, e) < 0) {
		free(x);
		return NULL;
	}
	return x;
}

void xfrm_close(struct xfrm *x)
{
	if (!x)
		return;
	nl_close(&x->nl);
	free(x);
}

uint32_t xfrm_portid(const struct xfrm *x)
{
	return x ? x->nl.portid : 0;
}

/* ---- pieces ---- */

void xfrmmsg_put_addr(xfrm_address_t *to, const struct ip_addr *a)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, a->b, addr_len(a));
}

struct ip_addr xfrmmsg_addr(const xfrm_address_t *a, uint16_t family)
{
	if (family != AF_INET && family != AF_INET6)
		return (struct ip_addr){ 0 };
	return addr_from_bytes(family, (const uint8_t *)a);
}

struct ip_addr xfrmmsg_addr_or_none(const xfrm_address_t *a, uint16_t family)
{
	struct ip_addr r = xfrmmsg_addr(a, family);

	if (addr_is_any(&r))
		memset(&r, 0, sizeof(r));
	return r;
}

bool xfrmmsg_attrs(const struct nlmsghdr *h, size_t off, const struct nlattr *tb[XFRMA_MAX + 1])
{
	const struct nlattr *a;

	memset(tb, 0, sizeof(*tb) * (XFRMA_MAX + 1));
	if (mnl_nlmsg_get_payload_len(h) < off)
		return false;
	mnl_attr_for_each(a, h, off)
		if (mnl_attr_get_type(a) <= XFRMA_MAX)
			tb[mnl_attr_get_type(a)] = a;
	return true;
}

uint32_t xfrmmsg_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a && mnl_attr_get_payload_len(a) >= sizeof(v))
		memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

const void *xfrmmsg_payload(const struct nlattr *a, size_t least)
{
	return a && mnl_attr_get_payload_len(a) >= least ? mnl_attr_get_payload(a) : NULL;
}

static void put_id(struct xfrm_usersa_id *to, const struct xfrm_ref *id)
{
	memset(to, 0, sizeof(*to));
	xfrmmsg_put_addr(&to->daddr, &id->dst);
	to->spi = htonl(id->spi);
	to->family = id->dst.family;
	to->proto = id->proto;
}

/* A zero would end the state at once; nobody means that. */
static uint64_t limit(uint64_t v)
{
	return v ? v : XFRM_NO_LIMIT;
}

static void put_limits(struct xfrm_lifetime_cfg *to, const struct xfrm_limits *l)
{
	memset(to, 0, sizeof(*to));
	to->soft_byte_limit = limit(l->soft_bytes);
	to->hard_byte_limit = limit(l->hard_bytes);
	to->soft_packet_limit = limit(l->soft_packets);
	to->hard_packet_limit = limit(l->hard_packets);
	to->soft_add_expires_seconds = l->soft_s;
	to->hard_add_expires_seconds = l->hard_s;
}

static void put_key(char *to, const struct xfrm_alg *a)
{
	if (a->key_len)
		memcpy(to, a->key, a->key_len);
}

static void put_algorithms(struct nlmsghdr *h, const struct xfrm_sa *sa)
{
	union {
		struct xfrm_algo a;
		struct xfrm_algo_auth auth;
		struct xfrm_algo_aead aead;
		char room[sizeof(struct xfrm_algo_aead) + KEY_MAX];
	} u;

	if (sa->aead.name) {
		memset(&u, 0, sizeof(u));
		strncpy(u.aead.alg_name, sa->aead.name, XFRM_NAME_MAX - 1);
		u.aead.alg_key_len = sa->aead.key_len * 8;
		u.aead.alg_icv_len = sa->aead.icv_bits;
		put_key(u.aead.alg_key, &sa->aead);
		mnl_attr_put(h, XFRMA_ALG_AEAD, sizeof(u.aead) + sa->aead.key_len, &u);
	}
	if (sa->auth.name) {
		memset(&u, 0, sizeof(u));
		strncpy(u.auth.alg_name, sa->auth.name, XFRM_NAME_MAX - 1);
		u.auth.alg_key_len = sa->auth.key_len * 8;
		u.auth.alg_trunc_len = sa->auth.icv_bits;
		put_key(u.auth.alg_key, &sa->auth);
		mnl_attr_put(h, XFRMA_ALG_AUTH_TRUNC, sizeof(u.auth) + sa->auth.key_len, &u);
	}
	if (sa->encr.name) {
		memset(&u, 0, sizeof(u));
		strncpy(u.a.alg_name, sa->encr.name, XFRM_NAME_MAX - 1);
		u.a.alg_key_len = sa->encr.key_len * 8;
		put_key(u.a.alg_key, &sa->encr);
		mnl_attr_put(h, XFRMA_ALG_CRYPT, sizeof(u.a) + sa->encr.key_len, &u);
	}
	if (sa->comp.name) {
		memset(&u, 0, sizeof(u));
		strncpy(u.a.alg_name, sa->comp.name, XFRM_NAME_MAX - 1);
		mnl_attr_put(h, XFRMA_ALG_COMP, sizeof(u.a), &u);
	}
	explicit_bzero(&u, sizeof(u));
}

static void put_encap(struct nlmsghdr *h, uint16_t sport, uint16_t dport)
{
	struct xfrm_encap_tmpl t = { .encap_type = UDP_ENCAP_ESPINUDP,
				     .encap_sport = htons(sport), .encap_dport = htons(dport) };

	mnl_attr_put(h, XFRMA_ENCAP, sizeof(t), &t);
}

/* Windows up to 32 fit the old form; wider ones and ESN need the new (RFC 4303 §2.2.1). The
 * kernel keeps no ESN without a window. */
static void put_window(struct nlmsghdr *h, struct xfrm_usersa_info *p, const struct xfrm_sa *sa)
{
	union {
		struct xfrm_replay_state_esn r;
		char room[sizeof(struct xfrm_replay_state_esn) + XFRMA_REPLAY_ESN_MAX / 8];
	} w;
	uint32_t window = sa->window;

	if (sa->id.proto == IPPROTO_COMP)
		return;
	if (!sa->esn && window <= OLD_WINDOW_MAX) {
		p->replay_window = (uint8_t)window;
		return;
	}
	if (window < OLD_WINDOW_MAX)
		window = OLD_WINDOW_MAX;
	if (window > XFRMA_REPLAY_ESN_MAX)
		window = XFRMA_REPLAY_ESN_MAX;
	memset(&w, 0, sizeof(w));
	w.r.replay_window = window;
	w.r.bmp_len = (window + WORD_BITS - 1) / WORD_BITS;
	if (sa->esn)
		p->flags |= XFRM_STATE_ESN;
	mnl_attr_put(h, XFRMA_REPLAY_ESN_VAL, sizeof(w.r) + w.r.bmp_len * sizeof(uint32_t), &w);
}

struct nlmsghdr *xfrm_sa_message(void *buf, const struct xfrm_sa *sa)
{
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);
	struct xfrm_usersa_info *p = mnl_nlmsg_put_extra_header(h, sizeof(*p));
	const struct xfrm_alg *all[] = { &sa->encr, &sa->auth, &sa->aead };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i]->name && (all[i]->key_len > KEY_MAX ||
				     strlen(all[i]->name) >= XFRM_NAME_MAX))
			return NULL;
	xfrmmsg_put_addr(&p->id.daddr, &sa->id.dst);
	xfrmmsg_put_addr(&p->saddr, &sa->id.src);
	p->id.spi = htonl(sa->id.spi);
	p->id.proto = sa->id.proto;
	p->family = sa->id.dst.family;
	p->reqid = sa->reqid;
	p->seq = sa->pair;
	p->mode = sa->tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
	/* IPv4 in IPv6 and the other way round. */
	if (sa->tunnel)
		p->flags |= XFRM_STATE_AF_UNSPEC;
	/* RFC 4302 §3.3.3.2.1: over IPv4 its header is aligned to 4 bytes; the kernel's own way
	 * is 8. */
	if (sa->id.proto == IPPROTO_AH && sa->id.dst.family == AF_INET)
		p->flags |= XFRM_STATE_ALIGN4;
	put_limits(&p->lft, &sa->limits);
	put_window(h, p, sa);
	put_algorithms(h, sa);
	if (sa->encap)
		put_encap(h, sa->encap_sport, sa->encap_dport);
	if (sa->mark) {
		mnl_attr_put_u32(h, XFRMA_SET_MARK, sa->mark);
		mnl_attr_put_u32(h, XFRMA_SET_MARK_MASK, sa->mark);
	}
	if (sa->if_id)
		mnl_attr_put_u32(h, XFRMA_IF_ID, sa->if_id);
	if (sa->offload != XFRM_OFF_NONE) {
		struct xfrm_user_offload o = { .ifindex = sa->offload_if };

		if (sa->inbound)
			o.flags |= XFRM_OFFLOAD_INBOUND;
		if (sa->offload == XFRM_OFF_WHOLE)
			o.flags |= XFRM_OFFLOAD_PACKET;
		mnl_attr_put(h, XFRMA_OFFLOAD_DEV, sizeof(o), &o);
	}
	return h;
}

int xfrm_sa_add(struct xfrm *x, const struct xfrm_sa *sa, struct err *e)
{
	char buf[XFRM_BUF];
	struct nlmsghdr *h = xfrm_sa_message(buf, sa);
	int ret = h ? nl_talk(&x->nl, h, e) : err_set(e, "a key or name is too long");

	explicit_bzero(buf, sizeof(buf));
	return ret;
}

int xfrm_sa_del(struct xfrm *x, const struct xfrm_ref *id, struct err *e)
{
	char buf[NL_BUF];
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_DELSA, 0);

	put_id(mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_usersa_id)), id);
	if (nl_talk(&x->nl, h, e) < 0 && errno != ESRCH)
		return -1;
	return 0;
}

/* ---- reading ---- */

static void read_name(char *to, const char *from)
{
	memcpy(to, from, XFRM_NAME_MAX - 1);
	to[XFRM_NAME_MAX - 1] = '\0';
}

static void read_algorithms(const struct nlattr **tb, struct xfrm_seen *out)
{
	const struct xfrm_algo_aead *aead = xfrmmsg_payload(tb[XFRMA_ALG_AEAD], sizeof(*aead));
	const struct xfrm_algo_auth *auth = xfrmmsg_payload(tb[XFRMA_ALG_AUTH_TRUNC],
							    sizeof(*auth));
	const struct xfrm_algo *crypt = xfrmmsg_payload(tb[XFRMA_ALG_CRYPT], sizeof(*crypt));
	const struct xfrm_algo *comp = xfrmmsg_payload(tb[XFRMA_ALG_COMP], sizeof(*comp));

	if (aead) {
		read_name(out->aead, aead->alg_name);
		out->aead_bits = aead->alg_key_len;
	}
	if (auth) {
		read_name(out->auth, auth->alg_name);
		out->auth_bits = auth->alg_key_len;
	}
	if (crypt) {
		read_name(out->encr, crypt->alg_name);
		out->encr_bits = crypt->alg_key_len;
	}
	if (comp)
		read_name(out->comp, comp->alg_name);
}

static void read_numbers(const struct nlattr **tb, struct xfrm_seen *out)
{
	const struct xfrm_replay_state_esn *esn = xfrmmsg_payload(tb[XFRMA_REPLAY_ESN_VAL],
								  sizeof(*esn));
	const struct xfrm_replay_state *old = xfrmmsg_payload(tb[XFRMA_REPLAY_VAL], sizeof(*old));

	if (esn)
		out->seq = esn->oseq || esn->oseq_hi ? (uint64_t)esn->oseq_hi << 32 | esn->oseq :
						       (uint64_t)esn->seq_hi << 32 | esn->seq;
	else if (old)
		out->seq = old->oseq ? old->oseq : old->seq;
}

static void read_info(const struct xfrm_usersa_info *p, struct xfrm_seen *out)
{
	memset(out, 0, sizeof(*out));
	out->id.dst = xfrmmsg_addr(&p->id.daddr, p->family);
	out->id.src = xfrmmsg_addr(&p->saddr, p->family);
	out->id.spi = ntohl(p->id.spi);
	out->id.proto = p->id.proto;
	out->tunnel = p->mode == XFRM_MODE_TUNNEL;
	out->larval = p->id.spi == 0;
	out->esn = p->flags & XFRM_STATE_ESN;
	out->reqid = p->reqid;
	out->pair = p->seq;
	out->limits = (struct xfrm_limits){
		.soft_bytes = p->lft.soft_byte_limit, .hard_bytes = p->lft.hard_byte_limit,
		.soft_packets = p->lft.soft_packet_limit,
		.hard_packets = p->lft.hard_packet_limit,
		.soft_s = p->lft.soft_add_expires_seconds,
		.hard_s = p->lft.hard_add_expires_seconds,
	};
	out->bytes = p->curlft.bytes;
	out->packets = p->curlft.packets;
	out->add_s = p->curlft.add_time;
	out->last_s = p->curlft.use_time;
	out->drop_replay = (uint64_t)p->stats.replay + p->stats.replay_window;
	out->drop_auth = p->stats.integrity_failed;
}

int xfrm_sa_read(const struct nlmsghdr *h, struct xfrm_seen *out)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct xfrm_encap_tmpl *encap;
	const struct xfrm_user_offload *off;
	const uint64_t *last;

	if (!xfrmmsg_attrs(h, sizeof(struct xfrm_usersa_info), tb))
		return -1;
	read_info(mnl_nlmsg_get_payload(h), out);
	read_algorithms(tb, out);
	read_numbers(tb, out);
	encap = xfrmmsg_payload(tb[XFRMA_ENCAP], sizeof(*encap));
	if (encap) {
		out->encap = true;
		out->encap_sport = ntohs(encap->encap_sport);
		out->encap_dport = ntohs(encap->encap_dport);
	}
	out->if_id = xfrmmsg_u32(tb[XFRMA_IF_ID]);
	out->mark = xfrmmsg_u32(tb[XFRMA_SET_MARK]);
	last = xfrmmsg_payload(tb[XFRMA_LASTUSED], sizeof(*last));
	if (last)
		memcpy(&out->last_s, last, sizeof(*last));
	off = xfrmmsg_payload(tb[XFRMA_OFFLOAD_DEV], sizeof(*off));
	if (off && off->ifindex)
		out->offload = off->flags & XFRM_OFFLOAD_PACKET ? XFRM_OFF_WHOLE : XFRM_OFF_CRYPTO;
	return 0;
}

static struct nlmsghdr *get_message(void *buf, const struct xfrm_ref *id)
{
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_GETSA, 0);

	put_id(mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_usersa_id)), id);
	return h;
}

static int on_get(const struct nlmsghdr *h, void *arg)
{
	return xfrm_sa_read(h, arg) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int xfrm_sa_get(struct xfrm *x, const struct xfrm_ref *id, struct xfrm_seen *out, struct err *e)
{
	char buf[NL_BUF];

	return nl_ask(&x->nl, get_message(buf, id), on_get, out, e);
}

struct list {
	struct xfrm_seen *v;
	size_t n, cap;
};

static void list_reset(void *arg)
{
	((struct list *)arg)->n = 0;
}

static int on_list(const struct nlmsghdr *h, void *arg)
{
	struct list *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct xfrm_seen *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return MNL_CB_ERROR;
		l->v = v;
		l->cap = cap;
	}
	return xfrm_sa_read(h, &l->v[l->n++]) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int xfrm_sa_list(struct xfrm *x, void (*fn)(void *arg, const struct xfrm_seen *s), void *arg,
		 struct err *e)
{
	struct list l = { 0 };
	char buf[NL_BUF];
	int ret = nl_dump(&x->nl, nl_start(buf, XFRM_MSG_GETSA, 0), on_list, list_reset, &l, e);

	for (size_t i = 0; ret == 0 && i < l.n; i++)
		fn(arg, &l.v[i]);
	free(l.v);
	return ret;
}

/* ---- the same state again, with something changed ---- */

/* A message of the kernel's, kept. */
struct kept {
	size_t len;
	char buf[XFRM_BUF];
};

static int on_keep(const struct nlmsghdr *h, void *arg)
{
	struct kept *k = arg;

	if (h->nlmsg_len > sizeof(k->buf))
		return MNL_CB_ERROR;
	memcpy(k->buf, h, h->nlmsg_len);
	k->len = h->nlmsg_len;
	return MNL_CB_OK;
}

/* What the kernel said of the state, as a request: p in place of its fixed part; attributes
 * from off on, but for those that only the kernel writes, the ports when they are new, and
 * (without) one more. */
static struct nlmsghdr *again(void *buf, uint16_t type, const struct kept *k, size_t off,
			      const struct xfrm_usersa_info *p, uint16_t without)
{
	struct nlmsghdr *h = nl_start(buf, type, 0);
	const struct nlattr *a;

	memcpy(mnl_nlmsg_put_extra_header(h, sizeof(*p)), p, sizeof(*p));
	mnl_attr_for_each(a, (const struct nlmsghdr *)(const void *)k->buf, off) {
		uint16_t t = mnl_attr_get_type(a);

		if (t == XFRMA_SA || t == XFRMA_LASTUSED || t == XFRMA_PAD || t == XFRMA_ENCAP ||
		    t == without)
			continue;
		mnl_attr_put(h, t, mnl_attr_get_payload_len(a), mnl_attr_get_payload(a));
	}
	return h;
}

static const struct nlattr *find(const struct kept *k, size_t off, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, (const struct nlmsghdr *)(const void *)k->buf, off)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/* UPDSA: limits and encapsulation ports change, everything else of the old state stays; the
 * rest of the message only has to make sense. */
static int change(struct xfrm *x, const struct xfrm_ref *id, const struct xfrm_limits *l,
		  const uint16_t *ports, struct err *e)
{
	struct xfrm_usersa_info p;
	struct kept k = { 0 };
	const struct nlattr *encap;
	char buf[2 * XFRM_BUF];
	struct nlmsghdr *h;
	int ret = -1;

	if (nl_ask(&x->nl, get_message(buf, id), on_keep, &k, e) < 0)
		goto out;
	if (k.len < NLMSG_HDRLEN + sizeof(p)) {
		err_set(e, "the kernel's answer is cut off");
		goto out;
	}
	memcpy(&p, mnl_nlmsg_get_payload((const struct nlmsghdr *)(const void *)k.buf), sizeof(p));
	if (l)
		put_limits(&p.lft, l);
	encap = find(&k, sizeof(p), XFRMA_ENCAP);
	/* It would be given to the device once more. */
	h = again(buf, XFRM_MSG_UPDSA, &k, sizeof(p), &p, XFRMA_OFFLOAD_DEV);
	if (ports)
		put_encap(h, ports[0], ports[1]);
	else if (encap)
		mnl_attr_put(h, XFRMA_ENCAP, mnl_attr_get_payload_len(encap),
			     mnl_attr_get_payload(encap));
	ret = nl_talk(&x->nl, h, e);
out:
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(buf, sizeof(buf));
	return ret;
}

int xfrm_sa_limit(struct xfrm *x, const struct xfrm_ref *id, const struct xfrm_limits *l,
		  struct err *e)
{
	return change(x, id, l, NULL, e);
}

/* Under lockdown the kernel says zeros in place of keys. */
static bool redacted(const struct kept *k)
{
	static const uint16_t types[] = { XFRMA_ALG_AEAD, XFRMA_ALG_AUTH_TRUNC };
	static const size_t heads[] = { sizeof(struct xfrm_algo_aead),
					sizeof(struct xfrm_algo_auth) };

	for (size_t i = 0; i < 2; i++) {
		const struct nlattr *a = find(k, sizeof(struct xfrm_usersa_id), types[i]);
		const uint8_t *v = xfrmmsg_payload(a, heads[i] + 1);
		uint8_t any = 0;

		for (size_t j = heads[i]; v && j < mnl_attr_get_payload_len(a); j++)
			any |= v[j];
		if (v && !any)
			return true;
	}
	return false;
}

/* Delete it and keep what the kernel says of it at that moment: its last word, after which
 * nothing was sent or received with it. */
static int take_out(const struct xfrm_ref *id, struct kept *k, struct err *e)
{
	int group = XFRMNLGRP_SA, ret;
	char buf[NL_BUF];
	struct nlmsghdr *h;
	struct nl n;

	if (nl_open(&n, NETLINK_XFRM, e) < 0)
		return -1;
	if (mnl_socket_setsockopt(n.s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		ret = err_errno(e, "listen to the kernel's states");
	} else {
		h = nl_start(buf, XFRM_MSG_DELSA, 0);
		put_id(mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_usersa_id)), id);
		ret = nl_ask(&n, h, on_keep, k, e);
	}
	nl_close(&n);
	return ret;
}

static int put_in(struct xfrm *x, const struct kept *k, const struct xfrm_usersa_info *p,
		  bool encap, uint16_t sport, uint16_t dport, uint16_t without, struct err *e)
{
	char buf[2 * XFRM_BUF];
	struct nlmsghdr *h = again(buf, XFRM_MSG_NEWSA, k, sizeof(struct xfrm_usersa_id), p,
				   without);
	int ret;

	h->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	mnl_attr_put(h, XFRMA_LTIME_VAL, sizeof(p->curlft), &p->curlft);
	if (encap)
		put_encap(h, sport, dport);
	ret = nl_talk(&x->nl, h, e);
	explicit_bzero(buf, sizeof(buf));
	return ret;
}

int xfrm_sa_move(struct xfrm *x, const struct xfrm_ref *id, const struct xfrm_ref *to,
		 uint16_t encap_sport, uint16_t encap_dport, struct err *e)
{
	const uint16_t ports[2] = { encap_sport, encap_dport };
	struct xfrm_usersa_info p;
	struct kept k = { 0 };
	struct xfrm_seen now;
	const void *info;
	int ret = -1;

	if (xfrm_sa_get(x, id, &now, e) < 0)
		return -1;
	if (addr_equal(&now.id.src, &to->src) && addr_equal(&now.id.dst, &to->dst)) {
		if (!now.encap || (now.encap_sport == encap_sport && now.encap_dport == encap_dport))
			return 0;
		return change(x, id, NULL, ports, e);
	}
	if (take_out(id, &k, e) < 0)
		goto out;
	info = xfrmmsg_payload(find(&k, sizeof(struct xfrm_usersa_id), XFRMA_SA), sizeof(p));
	if (!info || redacted(&k)) {
		err_set(e, "the kernel does not say its keys");
		goto out;
	}
	memcpy(&p, info, sizeof(p));
	xfrmmsg_put_addr(&p.id.daddr, &to->dst);
	xfrmmsg_put_addr(&p.saddr, &to->src);
	p.family = to->dst.family;
	ret = put_in(x, &k, &p, now.encap, encap_sport, encap_dport, XFRMA_UNSPEC, e);
	/* The new way may lead through a device that takes no states. */
	if (ret < 0 && now.offload)
		ret = put_in(x, &k, &p, now.encap, encap_sport, encap_dport, XFRMA_OFFLOAD_DEV, e);
out:
	explicit_bzero(&k, sizeof(k));
	return ret;
}
