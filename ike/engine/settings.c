/* settings: peers come, change and go while the others run: what changed decides what it
 * costs. And the admin's verbs. */
#include "ike/engine/parts.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "ike/wire/id.h"

#include <stdlib.h>
#include <string.h>

/* ---- what differs ---- */

static bool same_id(const struct ike_id *a, const struct ike_id *b)
{
	return a->type == b->type && a->len == b->len &&
	       memcmp(a->data, b->data, a->len) == 0;
}

static bool same_suites(enum suite_use use, const struct suite_list *a,
			const struct suite_list *b)
{
	char ta[512], tb[512];

	return strcmp(suite_list_str(use, a, ta, sizeof(ta)),
		      suite_list_str(use, b, tb, sizeof(tb))) == 0;
}

static bool same_networks(const struct prefix *a, uint8_t n, const struct prefix *b,
			  uint8_t m)
{
	if (n != m)
		return false;
	for (uint8_t i = 0; i < n; i++)
		if (!prefix_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_child(const struct child_conf *a, const struct child_conf *b)
{
	return same_networks(a->local_network, a->n_local, b->local_network,
			     b->n_local) &&
	       same_networks(a->remote_network, a->n_remote, b->remote_network,
			     b->n_remote) &&
	       a->protocol == b->protocol && a->mode == b->mode && a->ah == b->ah &&
	       a->ipcomp == b->ipcomp &&
	       a->local_port_lo == b->local_port_lo && a->local_port_hi == b->local_port_hi &&
	       a->remote_port_lo == b->remote_port_lo &&
	       a->remote_port_hi == b->remote_port_hi &&
	       same_suites(SUITE_ESP, &a->esp, &b->esp);
}

static bool same_gateways(const struct peer_conf *a, const struct peer_conf *b)
{
	if (a->n_gateways != b->n_gateways || a->remote_any != b->remote_any ||
	    !addr_equal(&a->remote_gateway, &b->remote_gateway))
		return false;
	for (size_t i = 0; i < a->n_gateways; i++)
		if (a->gateways[i].kind != b->gateways[i].kind ||
		    !prefix_equal(&a->gateways[i].net, &b->gateways[i].net) ||
		    strcmp(a->gateways[i].name, b->gateways[i].name) != 0)
			return false;
	return true;
}

/* By what both sides prove who they are. */
static bool same_proof(const struct peer_conf *a, const struct peer_conf *b)
{
	return a->auth == b->auth && a->peer_auth == b->peer_auth &&
	       strcmp(a->cert, b->cert) == 0 && strcmp(a->peer_cert, b->peer_cert) == 0 &&
	       a->n_ca == b->n_ca && memcmp(a->ca, b->ca, a->n_ca * sizeof(a->ca[0])) == 0 &&
	       a->crl == b->crl && strcmp(a->ppk_id, b->ppk_id) == 0 &&
	       a->ppk_required == b->ppk_required && a->fragmentation == b->fragmentation;
}

/* What an IKE SA was made of: any other value needs a new one. */
static bool same_ike(const struct peer_conf *a, const struct peer_conf *b)
{
	return a->version == b->version && same_id(&a->local_id, &b->local_id) &&
	       same_id(&a->peer_id, &b->peer_id) &&
	       addr_equal(&a->local_ip, &b->local_ip) &&
	       same_gateways(a, b) && a->remote_port == b->remote_port &&
	       a->encap == b->encap && same_proof(a, b) &&
	       same_suites(SUITE_IKE, &a->ike, &b->ike);
}

/* ---- doing it ---- */

static void close_all(struct peer *p, const char *why)
{
	struct ike_sa *sa;

again:
	for (sa = p->sas; sa; sa = sa->peer_next) {
		if (sa->over)
			continue;
		sa->admin = true;
		if (!sa->why && why)
			sa_why(sa, false, "%s", why);
		sa_close(sa);
		goto again;
	}
}

static void restart(struct peer *p, const char *why)
{
	p->tested = false;
	timer_stop(p->e->ts, &p->timer);
	close_all(p, why);
	timer_stop(p->e->ts, &p->timer);
	p->tries = p->fails = 0;
	p->gave_up = p->on_hold = p->moving = false;
	p->turn = 0;
	p->ke_hint = 0;
	peer_kick(p);
}

static int copy_conf(struct peer_conf *to, const struct peer_conf *from,
		     struct slot **slots, struct err *e)
{
	struct child_conf *children = calloc(from->n_children, sizeof(*children));

	*slots = calloc(from->n_children, sizeof(**slots));
	if (!children || !*slots) {
		free(children);
		free(*slots);
		return err_set(e, "%s: out of memory", from->name);
	}
	memcpy(children, from->children, from->n_children * sizeof(*children));
	*to = *from;
	to->children = children;
	return 0;
}

/* Slots find their children again by name. A child whose networks or algorithms changed
 * stays until its successor stands, or is refused: the old one is against the settings.
 */
static void move_slots(struct peer *p, struct peer_conf *conf, struct slot *slots)
{
	uint8_t to[CHILDREN_MAX];

	memset(to, SLOT_NONE, sizeof(to));
	for (uint8_t i = 0; i < p->conf.n_children; i++)
		for (uint8_t j = 0; j < conf->n_children; j++)
			if (strcmp(p->conf.children[i].name, conf->children[j].name) == 0)
				to[i] = j;
	for (struct child *c = p->children; c; c = c->next) {
		uint8_t i = c->slot;

		c->slot = i < p->conf.n_children ? to[i] : SLOT_NONE;
		if (c->slot == SLOT_NONE || child_is_plain(&conf->children[c->slot]))
			c->del_want = true;
		else if (!same_child(&p->conf.children[i], &conf->children[c->slot]) ||
			 p->conf.child_per_pair != conf->child_per_pair)
			c->stale = true;
		if (c->stale)
			p->tested = false;
	}
	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		sa->ops->slots_moved(sa, to, p->conf.n_children);
	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		if (to[i] == SLOT_NONE) {
			free(p->slots[i].reason);
			continue;
		}
		slots[to[i]] = p->slots[i];
		if (!same_child(&p->conf.children[i], &conf->children[to[i]])) {
			slots[to[i]].next_ms = 0;
			slots[to[i]].fails = 0;
			slots[to[i]].by_pair = false;
		}
	}
}

/* Whoever does not see to the children deletes what is stale: the other side makes it
 * anew. */
static void renew_children(struct peer *p)
{
	uint16_t pair;

	for (struct child *c = p->children; c; c = c->next)
		if (c->stale && (!c->sa->owner && p->conf.start != START_START))
			c->del_want = true;
	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next) {
		if (!sa_is_up(sa))
			continue;
		/* Stale and new ones do not wait for the other side. */
		if (!sa->owner && p->conf.start == START_START) {
			for (struct child *c = p->children; c; c = c->next)
				sa->owner |= c->stale;
			for (uint8_t i = 0; i < p->conf.n_children; i++)
				sa->owner |= slot_missing(p, i, slot_by_pair(p, i), &pair);
		}
	}
}

/* The admin asked, so what was refused before is tried now, by us. */
static void retry_children(struct peer *p)
{
	uint16_t pair;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		if (!slot_missing(p, i, slot_by_pair(p, i), &pair))
			continue;
		p->slots[i].next_ms = 0;
		p->slots[i].fails = 0;
		p->main->owner = true;
	}
	sa_next(p->main);
}

/* Times are drawn anew only where they changed: a rekey that is due stays due. */
static void renew_times(struct peer *p, uint32_t was_ike_s, uint32_t was_margin_s,
			const uint32_t was_esp_s[CHILDREN_MAX])
{
	bool margin = p->conf.rekey_margin_s != was_margin_s;
	uint64_t now = clock_ms();

	for (struct child *c = p->children; c; c = c->next)
		if (c->slot != SLOT_NONE && now < c->rekey_at &&
		    (margin ||
		     was_esp_s[c->slot] != p->conf.children[c->slot].esp_life_s))
			child_lifetimes(c);
	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa_is_up(sa) && now < sa->rekey_at &&
		    (margin || p->conf.ike_life_s != was_ike_s))
			sa_lifetimes(sa);
}

static void old_times(const struct peer *p, const struct peer_conf *conf,
		      uint32_t esp_s[CHILDREN_MAX])
{
	for (uint8_t j = 0; j < conf->n_children; j++) {
		esp_s[j] = 0;
		for (uint8_t i = 0; i < p->conf.n_children; i++)
			if (strcmp(p->conf.children[i].name, conf->children[j].name) == 0)
				esp_s[j] = p->conf.children[i].esp_life_s;
	}
}

static void change(struct peer *p, struct peer_conf *conf, struct slot *slots,
		   const struct ip_addr *local_addr)
{
	bool ike = same_ike(&p->conf, conf) && addr_equal(&p->local_addr, local_addr);
	bool was_enabled = p->conf.enabled;
	uint32_t ike_s = p->conf.ike_life_s, margin_s = p->conf.rekey_margin_s;
	struct child_conf *old = p->conf.children;
	struct peer_conf was = p->conf;
	uint32_t esp_s[CHILDREN_MAX];

	old_times(p, conf, esp_s);
	move_slots(p, conf, slots);
	free(p->slots);
	p->slots = slots;
	p->conf = *conf;
	p->local_addr = *local_addr;
	where_settings(p, &was);
	index_peer(p);
	free(old);
	if (!conf->enabled) {
		timer_stop(p->e->ts, &p->timer);
		close_all(p, "disabled in the settings");
		timer_stop(p->e->ts, &p->timer);
		if (was_enabled)
			peer_event(p, ENGINE_DISABLED, "disabled in the settings");
		return;
	}
	if (!ike || !was_enabled) {
		if (!was_enabled)
			p->admin_down = false;
		restart(p, "its settings changed");
		return;
	}
	renew_children(p);
	renew_times(p, ike_s, margin_s, esp_s);
	peer_children_changed(p, "its settings changed");
	for (struct ike_sa *sa = p->sas, *next; sa; sa = next) {
		next = sa->peer_next;
		sa_next(sa);
	}
	if (!p->main) {
		/* Perhaps this is what was missing. */
		p->gave_up = p->on_hold = false;
		p->tries = p->fails = 0;
		timer_stop(p->e->ts, &p->timer);
		peer_kick(p);
	}
}

static void on_try(void *arg)
{
	struct peer *p = arg;
	struct engine *e = p->e;

	peer_kick(p);
	engine_reap(e);
}

int engine_peer_set(struct engine *e, const struct peer_conf *conf,
		    const struct ip_addr *local_addr, struct err *err)
{
	struct peer *p = engine_peer(e, conf->name);
	struct peer_conf copy;
	struct slot *slots;

	if (conf->n_children < 1 || conf->n_children > CHILDREN_MAX)
		return err_set(err, "%s: it has no networks", conf->name);
	if (copy_conf(&copy, conf, &slots, err) < 0)
		return -1;
	if (p) {
		change(p, &copy, slots, local_addr);
		engine_reap(e);
		return 0;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		free(copy.children);
		free(slots);
		return err_set(err, "%s: out of memory", conf->name);
	}
	p->e = e;
	p->conf = copy;
	p->slots = slots;
	p->local_addr = *local_addr;
	p->spi_byte = (uint8_t)rng_u32();
	timer_init(&p->timer, on_try, p);
	*e->peers_end = p;
	e->peers_end = &p->next;
	e->n_peers++;
	index_peer(p);
	where_settings(p, NULL);
	peer_kick(p);
	engine_reap(e);
	return 0;
}

void engine_peer_remove(struct engine *e, const char *name)
{
	struct peer *p = engine_peer(e, name), **at = &e->peers;

	if (!p)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (!p->next)
		e->peers_end = at;
	e->n_peers--;
	index_peer_drop(p);
	timer_stop(e->ts, &p->timer);
	p->gone = true;
	peer_event(p, ENGINE_DISABLED, "removed");
	p->next = e->zombies;
	e->zombies = p;
	close_all(p, "removed");
	engine_reap(e);
}

void engine_peer_names(struct engine *e, void (*fn)(void *arg, const char *name),
		       void *arg)
{
	struct peer *next;

	for (struct peer *p = e->peers; p; p = next) {
		next = p->next;
		fn(arg, p->conf.name);
	}
}

/* ---- the admin's verbs, and what else moves a peer ---- */

static int no_peer(struct err *err, const char *name)
{
	return err_code(err, EXIT_NO_PEER, "no peer is named \"%s\"", name);
}

static bool has_names(const struct peer *p)
{
	for (size_t i = 0; i < p->conf.n_gateways; i++)
		if (p->conf.gateways[i].kind == GATEWAY_NAME)
			return true;
	return false;
}

void engine_peer_wanted(struct engine *e, const char *name)
{
	struct peer *p = engine_peer(e, name);

	/* While a try is under way, or waits its time, packets wait too. */
	if (!p || !peer_answers(p) || timer_running(&p->timer))
		return;
	if (p->main) {
		retry_children(p);
	} else {
		p->asked_up |= p->conf.start == START_ON_DEMAND;
		p->on_hold = p->gave_up = false;
		peer_kick(p);
	}
	engine_reap(e);
}

int engine_peer_up(struct engine *e, const char *name, struct err *err)
{
	struct peer *p = engine_peer(e, name);
	char why[STATUS_REASON_MAX];
	struct ip_addr targets[TARGETS_MAX];

	if (!p)
		return no_peer(err, name);
	if (!p->conf.enabled)
		return err_set(err, "%s is disabled in the settings", name);
	if (peer_hindrance(p))
		return err_set(err, "%s: %s", name, peer_hindrance(p));
	p->admin_down = p->on_hold = false;
	if (p->main) {
		retry_children(p);
		engine_reap(e);
		return 0;
	}
	/* A name may still be found. */
	if (where_why(p, why, sizeof(why))[0] && (where_targets(p, targets) || !has_names(p)))
		return err_set(err, "%s: %s", name, why);
	if (why[0])
		where_doubt(p);
	p->asked_up = true;
	p->gave_up = false;
	p->tries = p->fails = 0;
	timer_stop(e->ts, &p->timer);
	peer_kick(p);
	engine_reap(e);
	return 0;
}

int engine_peer_down(struct engine *e, const char *name, struct err *err)
{
	struct peer *p = engine_peer(e, name);

	if (!p)
		return no_peer(err, name);
	timer_stop(e->ts, &p->timer);
	p->admin_down = true;
	p->asked_up = false;
	p->tries = 0;
	close_all(p, "taken down by the admin");
	timer_stop(e->ts, &p->timer);
	peer_event(p, ENGINE_DISABLED, "taken down by the admin");
	engine_reap(e);
	return 0;
}

void engine_local_addr(struct engine *e, const char *name, const struct ip_addr *addr)
{
	struct peer *p = engine_peer(e, name);

	if (!p || addr_equal(&p->local_addr, addr))
		return;
	p->local_addr = *addr;
	if (p->main && p->main->roams && p->main->ops->paths_changed) {
		p->main->ops->paths_changed(p->main);
		engine_reap(e);
		return;
	}
	/* One that the peer called keeps the address it was called at. */
	if (p->main && (addr_equal(&p->main->local.addr, addr) || !addr_is_set(addr)))
		return;
	if (p->conf.enabled)
		restart(p, "the router's own address changed");
	engine_reap(e);
}

void engine_secret_changed(struct engine *e, const char *name)
{
	struct peer *p = engine_peer(e, name);

	if (!p || !p->conf.enabled)
		return;
	restart(p, "its PSK changed");
	engine_reap(e);
}

void engine_dataplane_lost(struct engine *e)
{
	uint64_t now = clock_ms();

	for (struct peer *p = e->peers; p; p = p->next) {
		struct child *c;

		/* Each may take others, or its IKE SA, with it: begin again after each. */
		do {
			for (c = p->children; c && c->state != CH_ADDING; c = c->next)
				;
			if (c)
				engine_sa_added(e, c->id, true, NULL);
		} while (c);
		for (c = p->children; c; c = c->next)
			if (c->state == CH_LIVE)
				c->rekey_at = now;
		for (struct ike_sa *sa = p->sas, *after; sa; sa = after) {
			after = sa->peer_next;
			sa_next(sa);
		}
	}
	engine_reap(e);
}
