/* check: what no single value shows: what is missing and what contradicts, in one peer
 * and between peers. */
#include "core/settings/check_priv.h"

#include "core/settings/id.h"
#include "core/settings/settings.h"
#include "core/settings/snap.h"
#include "core/settings/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finding *check_say(const struct check *c, enum finding_level level,
			  const char *key, const char *fmt, ...)
{
	char full[80], msg[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s%s", c->prefix, key);
	return findings_add(c->fs, level, c->d->name, full, "%s", msg);
}

/* --- networks --- */

/* A default route as remote network (or as ours, on the other side of such a tunnel)
 * means "everything else": dataplane and routes keep the router's own traffic out of it.
 */
static bool is_everything(const struct prefix *p)
{
	return p->len == 0;
}

/* The way to the peer, and what comes to the router's own address: where the network is a
 * wider one, core/net keeps both out of the tunnel (route.h), so it can be meant. */
static void check_ends(const struct check *c, const struct prefix *r, const char *rt)
{
	const struct peer_conf *p = c->p;
	char at[ADDR_TEXT_MAX];

	if (addr_is_set(&p->remote_gateway) && prefix_contains(r, &p->remote_gateway)) {
		addr_str(&p->remote_gateway, at);
		if (r->len == addr_bits(&r->addr))
			check_say(c, FINDING_ERROR, "remote_network",
				  "%s is the remote gateway: the way to the peer would "
				  "lead through its own tunnel; name the networks behind "
				  "it, or 0.0.0.0/0",
				  at);
		else
			check_say(c, FINDING_WARNING, "remote_network",
				  "%s contains the remote gateway %s: the gateway itself "
				  "is not reached through the tunnel",
				  rt, at);
	} else if (addr_is_set(&p->local_ip) && prefix_contains(r, &p->local_ip)) {
		check_say(c,
			  r->len == addr_bits(&r->addr) ? FINDING_ERROR : FINDING_WARNING,
			  "remote_network", "%s contains this router's own address %s",
			  rt, addr_str(&p->local_ip, at));
	}
}

/* A wider network around the LAN is how an office names all the others: the kernel's own
 * route to the LAN is the more specific one. */
static void check_lan(const struct check *c, const struct child_conf *ch,
		      const struct prefix *r, const char *rt)
{
	char lt[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < c->n_lan; i++) {
		const struct prefix *lan = &c->lan[i];
		bool named = false;

		if (is_everything(lan) || !prefix_overlaps(r, lan))
			continue;
		prefix_str(lan, lt);
		if (prefix_covers(lan, r)) {
			check_say(c, FINDING_ERROR, "remote_network",
				  "%s %s this router's LAN %s: both sides need networks "
				  "of their own",
				  rt, prefix_equal(r, lan) ? "is" : "is part of", lt);
			return;
		}
		/* check_overlap() has the word for those. */
		for (int k = 0; k < ch->n_local; k++)
			named = named || prefix_overlaps(r, &ch->local_network[k]);
		if (!named)
			check_say(c, FINDING_WARNING, "remote_network",
				  "%s contains this router's LAN %s: what is for the LAN "
				  "stays here",
				  rt, lt);
	}
}

static void check_remote(const struct check *c, const struct child_conf *ch,
			 const struct prefix *r)
{
	char rt[PREFIX_TEXT_MAX];

	prefix_str(r, rt);
	if (is_everything(r))
		return;
	if (addr_is_loopback(&r->addr) || addr_is_link_local(&r->addr) ||
	    addr_is_multicast(&r->addr)) {
		check_say(c, FINDING_ERROR, "remote_network",
			  "%s is %s, which never goes through a "
			  "tunnel",
			  rt,
			  addr_is_loopback(&r->addr)  ? "the loopback network" :
			  addr_is_multicast(&r->addr) ? "multicast" :
							"link-local");
		return;
	}
	check_ends(c, r, rt);
	check_lan(c, ch, r, rt);
}

/* One inside the other is how a hub and its spokes are set: 10.1.0.0/24 here, all of
 * 10.0.0.0/8 there, and on the hub the other way round. */
static void overlap(const struct check *c, const struct prefix *l, const struct prefix *r)
{
	char lt[PREFIX_TEXT_MAX], rt[PREFIX_TEXT_MAX];

	prefix_str(l, lt);
	prefix_str(r, rt);
	if (prefix_equal(l, r))
		check_say(
			c, FINDING_ERROR, "remote_network",
			"%s is the local network too: both sides need networks of their "
			"own",
			rt);
	else if (prefix_covers(r, l))
		check_say(
			c, FINDING_WARNING, "remote_network",
			"%s contains the local network %s: what is for that stays here, "
			"the rest goes through the tunnel",
			rt, lt);
	else
		check_say(c, FINDING_WARNING, "remote_network",
			  "%s lies within the local network %s: right on the hub of "
			  "several offices, wrong where such addresses are in use here",
			  rt, lt);
}

static void check_overlap(const struct check *c, const struct child_conf *ch)
{
	const struct prefix *wl = NULL, *wr = NULL;

	for (int i = 0; i < ch->n_local; i++)
		for (int k = 0; k < ch->n_remote; k++) {
			const struct prefix *l = &ch->local_network[i],
					    *r = &ch->remote_network[k];

			if (is_everything(l) || is_everything(r) ||
			    !prefix_overlaps(l, r))
				continue;
			if (!wl || prefix_equal(l, r)) {
				wl = l;
				wr = r;
			}
		}
	if (wl)
		overlap(c, wl, wr);
}

static bool has_family(const struct prefix *p, int n, int family)
{
	for (int i = 0; i < n; i++)
		if (p[i].addr.family == family)
			return true;
	return false;
}

/* Every network needs a partner of its family on the other side, or it can carry nothing.
 */
static void check_families(const struct check *c, const struct child_conf *ch)
{
	static const struct {
		int family;
		const char *name;
	} f[] = {
		{ AF_INET, "IPv4" },
		{ AF_INET6, "IPv6" },
	};

	for (int i = 0; i < 2; i++) {
		bool l = has_family(ch->local_network, ch->n_local, f[i].family);
		bool r = has_family(ch->remote_network, ch->n_remote, f[i].family);

		if (l != r && ch->n_local && ch->n_remote)
			check_say(c, FINDING_ERROR,
				  l ? "local_network" : "remote_network",
				  "there is an "
				  "%s network on this side of the tunnel only: name one "
				  "for the %s side too",
				  f[i].name, l ? "remote" : "local");
	}
	if (c->p->mtu && c->p->mtu < 1280 &&
	    has_family(ch->local_network, ch->n_local, AF_INET6))
		check_say(c, FINDING_ERROR, "local_network",
			  "IPv6 needs an mtu of 1280 at least "
			  "(RFC 8200), not %u",
			  c->p->mtu);
}

static void check_weak(const struct check *c, const char *key, const struct suite_list *l)
{
	unsigned missing = suite_weak(l) & ~c->p->allow_weak;
	char names[80], all[80];

	if (!missing)
		return;
	check_say(c, FINDING_ERROR, key,
		  "%s %s weak: take a stronger one, or for an old peer that has "
		  "nothing better set allow_weak = %s",
		  weak_str(missing, names, sizeof(names)),
		  missing & (missing - 1) ? "are" : "is",
		  weak_str(missing | c->p->allow_weak, all, sizeof(all)));
}

/* Of AH the groups of esp count, its ciphers do not. */
static void check_weak_ah(const struct check *c, const struct child_conf *ch)
{
	struct suite_list l = ch->esp;

	for (int i = 0; i < l.n; i++) {
		l.s[i].n_encr = 0;
		l.s[i].n_integ = 1;
		l.s[i].integ[0] = ch->ah;
	}
	check_weak(c, "ah", &l);
}

static void check_child(struct check *c, const struct section *sec,
			const struct child_conf *ch)
{
	enum setting_scope scope = sec == &c->d->main ? SCOPE_PEER : SCOPE_CHILD;

	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope == scope && s->required && s->type == ST_NETWORKS &&
		    !sec->v[i] && !((const uint8_t *)ch)[s->count_offset])
			check_say(c, FINDING_ERROR, s->key, "is missing: %s (like %s)",
				  s->help, s->example);
	}
	check_traffic(c, ch);
	check_families(c, ch);
	/* An exception from what the others carry may be any network. */
	if (child_is_plain(ch))
		return;
	/* Transport mode goes to the gateway itself, and is no route. */
	for (int i = 0; ch->mode == MODE_TUNNEL && i < ch->n_remote; i++)
		check_remote(c, ch, &ch->remote_network[i]);
	check_overlap(c, ch);
	if (ch->ah) {
		check_weak_ah(c, ch);
		return;
	}
	/* A child that takes the peer's esp says so there. */
	if (scope == SCOPE_PEER ||
	    sec->v[setting_index(setting_find(SCOPE_CHILD, "esp"))])
		check_weak(c, "esp", &ch->esp);
}

static bool same_networks(const struct child_conf *a, const struct child_conf *b)
{
	return a->protocol == b->protocol &&
	       (a->mode == b->mode || child_is_plain(a) || child_is_plain(b)) &&
	       a->local_port_lo == b->local_port_lo &&
	       a->local_port_hi == b->local_port_hi &&
	       a->remote_port_lo == b->remote_port_lo &&
	       a->remote_port_hi == b->remote_port_hi && a->n_local == b->n_local &&
	       a->n_remote == b->n_remote && a->n_local && a->n_remote &&
	       memcmp(a->local_network, b->local_network, sizeof(a->local_network)) ==
		       0 &&
	       memcmp(a->remote_network, b->remote_network, sizeof(a->remote_network)) ==
		       0;
}

static void check_children(struct check *c)
{
	const struct draft *d = c->d;

	check_child(c, &d->main, &c->p->children[0]);
	for (size_t i = 0; i < d->n_child; i++) {
		struct err e;

		snprintf(c->prefix, sizeof(c->prefix), "child.%s.", d->child[i].name);
		if (value_name_check("the child's name", d->child[i].name, CHILD_NAME_MAX,
				     &e) < 0)
			check_say(c, FINDING_ERROR, "local_network", "%s", e.msg);
		else if (strcmp(d->child[i].name, d->name) == 0)
			check_say(c, FINDING_ERROR, "local_network",
				  "a child cannot have the peer's own "
				  "name: the peer's networks are that child");
		check_child(c, &d->child[i], &c->p->children[1 + i]);
		for (size_t k = 0; k <= i; k++)
			if (same_networks(&c->p->children[k], &c->p->children[1 + i]))
				check_say(c, FINDING_ERROR, "remote_network",
					  "the networks are the same "
					  "as those of %s",
					  k ? d->child[k - 1].name : "the peer itself");
	}
	c->prefix[0] = '\0';
}

/* --- the rest of one peer --- */

static void check_margin(const struct check *c)
{
	const struct peer_conf *p = c->p;
	char m[VALUE_DURATION_TEXT], l[VALUE_DURATION_TEXT];

	if (p->ike_life_s && p->rekey_margin_s > p->ike_life_s / 2) {
		check_say(c, FINDING_ERROR, "rekey_margin",
			  "%s is more than half of ike_life (%s)",
			  value_duration_str(p->rekey_margin_s, m),
			  value_duration_str(p->ike_life_s, l));
		return;
	}
	for (int i = 0; i < p->n_children; i++)
		if (!child_is_plain(&p->children[i]) && p->children[i].esp_life_s &&
		    p->rekey_margin_s > p->children[i].esp_life_s / 2) {
			check_say(c, FINDING_ERROR, "rekey_margin",
				  "%s is more than half of esp_life (%s)",
				  value_duration_str(p->rekey_margin_s, m),
				  value_duration_str(p->children[i].esp_life_s, l));
			return;
		}
}

static bool ends_in_ppk(const char *name)
{
	size_t n = strlen(name), tail = sizeof(SNAP_PPK) - 1;

	return n >= tail && strcmp(name + n - tail, SNAP_PPK) == 0;
}

long check_peer(const struct draft *d, const struct prefix *lan, size_t n_lan,
		struct peer_conf *out, struct findings *fs)
{
	struct check c = { .d = d, .p = out, .lan = lan, .n_lan = n_lan, .fs = fs };
	size_t before = fs->errors;
	bool bad[SETTINGS_TABLE_MAX];
	const char *weakness;
	struct err e;

	if (conf_fill_peer(d, out, bad, fs) < 0)
		return -1;
	if (value_name_check("the peer's name", d->name, PEER_NAME_MAX, &e) < 0)
		check_say(&c, FINDING_ERROR, "name", "%s", e.msg);
	else if (ends_in_ppk(d->name))
		check_say(&c, FINDING_ERROR, "name",
			  "cannot end in .ppk: secrets/%s is another peer's "
			  "post-quantum key",
			  d->name);
	check_gateway(&c, bad[setting_index(setting_find(SCOPE_PEER, "remote_gateway"))]);
	check_children(&c);
	check_weak(&c, "ike", &out->ike);
	check_proof(&c);
	check_version(&c);
	check_margin(&c);
	weakness = d->psk ? psk_weakness(d->psk) : NULL;
	if (weakness)
		check_say(&c, FINDING_WARNING, "psk", "the pre-shared key %s", weakness);
	return (long)(fs->errors - before);
}

long check_router(const struct draft *d, struct router_conf *out, struct findings *fs)
{
	size_t before = fs->errors;
	struct value v;
	char key[80];
	struct err e;

	conf_fill_router(d, out, fs);
	for (int i = 0; i < out->n_lan; i++)
		if (out->wan[0] && strcmp(out->lan[i], out->wan) == 0)
			findings_add(fs, FINDING_ERROR, "", "lan",
				     "%s is the WAN interface", out->wan);
	if (out->ike_port && out->ike_port == out->natt_port)
		findings_add(fs, FINDING_ERROR, "", "natt_port",
			     "is the same as ike_port: they must differ");
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (!d->defaults.v[i] || value_parse(s, d->defaults.v[i], &v, &e) == 0)
			continue;
		snprintf(key, sizeof(key), "defaults.%s", s->key);
		findings_add(fs, FINDING_ERROR, "", key, "%s", e.msg);
	}
	return (long)(fs->errors - before);
}

size_t draft_check(const struct draft *d, const struct prefix *lan, size_t n_lan,
		   struct findings *fs)
{
	struct router_conf r;
	struct peer_conf p;
	long n;

	if (d->scope == SCOPE_ROUTER)
		return (size_t)check_router(d, &r, fs);
	n = check_peer(d, lan, n_lan, &p, fs);
	if (n < 0) {
		findings_add(fs, FINDING_ERROR, d->name, "", "out of memory");
		n = 1;
	}
	peer_conf_fini(&p);
	return (size_t)n;
}

/* --- between peers --- */

struct claim {
	const struct prefix *net;
	const struct peer_conf *peer;
	bool own; /* of the peer itself, not of a further child */
};

static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int d = addr_cmp(&x->net->addr, &y->net->addr);

	if (d == 0)
		d = (int)x->net->len - (int)y->net->len;
	return d ? d : strcmp(x->peer->name, y->peer->name);
}

/* Two tunnels to one network: a route has one way. A warning only, for people switch
 * between a main and a spare tunnel by hand. */
static void check_same_remote(const struct settings *s, struct findings *fs)
{
	struct claim *all;
	size_t n = 0;

	for (size_t i = 0; i < s->n_peers; i++)
		for (int c = 0; c < s->peers[i].n_children; c++)
			if (!child_is_plain(&s->peers[i].children[c]))
				n += s->peers[i].children[c].n_remote;
	all = calloc(n ? n : 1, sizeof(*all));
	if (!all)
		return;
	n = 0;
	for (size_t i = 0; i < s->n_peers; i++)
		for (int c = 0; s->peers[i].enabled && c < s->peers[i].n_children; c++)
			for (int k = 0; !child_is_plain(&s->peers[i].children[c]) &&
					k < s->peers[i].children[c].n_remote; k++)
				all[n++] = (struct claim){
					&s->peers[i].children[c].remote_network[k],
					&s->peers[i], c == 0
				};
	qsort(all, n, sizeof(*all), claim_cmp);
	for (size_t i = 1; i < n; i++) {
		const struct peer_conf *p = all[i].peer, *q = all[i - 1].peer;
		char text[PREFIX_TEXT_MAX];
		struct finding *f;

		if (p == q || !prefix_equal(all[i].net, all[i - 1].net))
			continue;
		f = findings_add(fs, FINDING_WARNING, p->name,
				 all[i].own ? "remote_network" : "",
				 "%s is a remote network of %s too: only one of the two "
				 "tunnels can carry "
				 "its traffic at a time",
				 prefix_str(all[i].net, text), q->name);
		if (f)
			memcpy(f->other, q->name, sizeof(f->other));
	}
	free(all);
}

/* What the userspace dataplane has not, where adit.conf says that it is to be taken. */
static void check_dataplane(const struct settings *s, struct findings *fs)
{
	if (s->router.dataplane != DATAPLANE_USERSPACE)
		return;
	for (size_t i = 0; i < s->n_peers; i++) {
		const struct peer_conf *p = &s->peers[i];

		for (int c = 0; p->enabled && c < p->n_children; c++) {
			const struct child_conf *ch = &p->children[c];
			char key[80], prefix[48] = "";

			if (child_is_plain(ch) || (!ch->ah && !ch->ipcomp))
				continue;
			if (c)
				snprintf(prefix, sizeof(prefix), "child.%s.", ch->name);
			snprintf(key, sizeof(key), "%s%s", prefix, ch->ah ? "ah" : "ipcomp");
			findings_add(fs, FINDING_WARNING, p->name, key,
				     ch->ah ? "the userspace dataplane, which adit.conf "
					      "demands, has no AH: this child cannot come up" :
					      "the userspace dataplane, which adit.conf "
					      "demands, does not compress: it has no effect");
		}
	}
}

size_t settings_check(const struct settings *s, struct findings *fs)
{
	size_t before = fs->errors;

	check_dataplane(s, fs);
	check_same_end(s, fs);
	check_same_remote(s, fs);
	return fs->errors - before;
}
