/* firewall: why: one function makes the kernel's rules what they should be, whatever is there
 * now; applying, repairing and cleaning are the same with another wish. */
#include "core/net/firewall.h"

#include "core/net/fwnft.h"
#include "core/net/fwplan.h"
#include "core/net/fwscan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another firewall may reload between our look and our change; then look again. */
#define TRIES 4

struct firewall {
	/* A copy of what is wanted; n_peers 0: nothing. */
	struct view view;
	struct firewall_peer *peers;
	size_t n_peers;
	uint16_t ike_port, natt_port;
	uint8_t esp;			/* enum firewall_esp */
	struct firewall_shunt *shunts;
	size_t n_shunts;
	char *text;			/* of the table that was put in; NULL: none yet */
	bool no_xt;			/* this kernel has no nft_compat */
	bool no_nat;			/* … no NAT for nftables */
	struct sbuf notes;
};

struct firewall *firewall_new(void)
{
	return calloc(1, sizeof(struct firewall));
}

static void forget(struct firewall *f)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		free((void *)f->peers[i].name);
		free((void *)f->peers[i].interface);
		free((void *)f->peers[i].local);
		free((void *)f->peers[i].remote);
		free((void *)f->peers[i].gateways);
	}
	free(f->peers);
	f->peers = NULL;
	f->n_peers = 0;
}

static void forget_shunts(struct firewall *f)
{
	for (size_t i = 0; i < f->n_shunts; i++) {
		free((void *)f->shunts[i].local);
		free((void *)f->shunts[i].remote);
	}
	free(f->shunts);
	f->shunts = NULL;
	f->n_shunts = 0;
}

void firewall_free(struct firewall *f)
{
	if (!f)
		return;
	forget(f);
	forget_shunts(f);
	free(f->text);
	sbuf_fini(&f->notes);
	free(f);
}

static struct prefix *copy_nets(const struct prefix *v, size_t n)
{
	struct prefix *c = malloc((n ? n : 1) * sizeof(*c));

	if (c && n)
		memcpy(c, v, n * sizeof(*c));
	return c;
}

static int remember_shunts(struct firewall *f, const struct firewall_want *w, struct err *e)
{
	struct firewall_shunt *v = calloc(w->n_shunts ? w->n_shunts : 1, sizeof(*v));

	if (!v)
		return err_set(e, "out of memory");
	forget_shunts(f);
	f->shunts = v;
	for (size_t i = 0; i < w->n_shunts; i++) {
		v[i] = w->shunts[i];
		v[i].local = copy_nets(w->shunts[i].local, w->shunts[i].n_local);
		v[i].remote = copy_nets(w->shunts[i].remote, w->shunts[i].n_remote);
		f->n_shunts = i + 1;
		if (!v[i].local || !v[i].remote) {
			forget_shunts(f);
			return err_set(e, "out of memory");
		}
	}
	return 0;
}

static int remember(struct firewall *f, const struct firewall_want *w, struct err *e)
{
	struct firewall_peer *v = calloc(w->n_peers ? w->n_peers : 1, sizeof(*v));

	if (!v || remember_shunts(f, w, e) < 0) {
		free(v);
		return err_set(e, "out of memory");
	}
	forget(f);
	f->view = *w->view;
	f->ike_port = fwplan_ike_port(w);
	f->natt_port = fwplan_natt_port(w);
	f->esp = w->esp;
	f->peers = v;
	for (size_t i = 0; i < w->n_peers; i++) {
		v[i] = w->peers[i];
		v[i].name = strdup(w->peers[i].name);
		v[i].interface = strdup(w->peers[i].interface);
		v[i].local = copy_nets(w->peers[i].local, w->peers[i].n_local);
		v[i].remote = copy_nets(w->peers[i].remote, w->peers[i].n_remote);
		v[i].gateways = copy_nets(w->peers[i].gateways, w->peers[i].n_gateways);
		f->n_peers = i + 1;
		if (!v[i].name || !v[i].interface || !v[i].local || !v[i].remote ||
		    !v[i].gateways) {
			forget(f);
			return err_set(e, "out of memory");
		}
	}
	return 0;
}

static struct fw_need need_of(const struct firewall *f)
{
	struct fw_need need = { 0 };

	for (size_t i = 0; i < f->n_peers; i++) {
		const struct firewall_peer *p = &f->peers[i];

		need.outer_v4 |= p->anywhere || p->roams;
		need.outer_v6 |= p->anywhere || p->roams;
		for (size_t j = 0; j < p->n_gateways; j++) {
			need.outer_v4 |= p->gateways[j].addr.family == AF_INET;
			need.outer_v6 |= p->gateways[j].addr.family == AF_INET6;
		}
		need.forward |= p->forward_lan || p->forward_wan;
		for (size_t j = 0; j < p->n_remote; j++) {
			need.inner_v4 |= p->remote[j].addr.family == AF_INET;
			need.inner_v6 |= p->remote[j].addr.family == AF_INET6;
		}
	}
	return need;
}

static void insert_help(const struct firewall *f, struct fwnft *b, const struct fwscan_chain *c,
			enum fw_help k, bool xt)
{
	const struct fw_match what[HELP_KINDS] = {
		[HELP_IKE] = { .kind = FW_UDP_DPORT, .v = f->ike_port },
		[HELP_NATT] = { .kind = FW_UDP_DPORT, .v = f->natt_port },
		[HELP_ESP] = { .kind = FW_L4PROTO, .v = IPPROTO_ESP },
		[HELP_IKE_OUT] = { .kind = FW_UDP_SPORT, .v = f->ike_port },
		[HELP_NATT_OUT] = { .kind = FW_UDP_SPORT, .v = f->natt_port },
		[HELP_ESP_OUT] = { .kind = FW_L4PROTO, .v = IPPROTO_ESP },
		[HELP_FROM_TUNNEL] = { .kind = f->esp == FIREWALL_PLAIN ? FW_IN_ESP : FW_IIF_OURS },
		[HELP_TO_TUNNEL] = { .kind = f->esp == FIREWALL_PLAIN ? FW_OUT_ESP : FW_OIF_OURS },
	};
	char comment[64];

	snprintf(comment, sizeof(comment), FIREWALL_TAG " %s", fwscan_help_name(k));
	fwnft_insert_rule(b, c->family, c->table, c->name, &what[k], 1, xt, comment);
}

/* What is missing in one chain goes in, what is not wanted out. Returns how many. */
static unsigned fix_chain(const struct firewall *f, struct fwnft *b,
			  const struct fwscan_chain *c, unsigned want, bool xt)
{
	unsigned have = 0, changed = 0;

	for (size_t i = 0; i < c->n_ours; i++) {
		unsigned bit = 1u << c->ours[i].kind;

		if (c->ours[i].kind == HELP_STALE || !(want & bit) || (have & bit)) {
			fwnft_delete_rule(b, c->family, c->table, c->name, c->ours[i].handle);
			changed++;
		}
		have |= bit;
	}
	for (int k = HELP_KINDS; k-- > 0;) {
		if ((want & ~have) & 1u << k) {
			insert_help(f, b, c, (enum fw_help)k, xt);
			changed++;
		}
	}
	return changed;
}

/* One transaction a chain: one that is gone meanwhile does not hold up the others. */
static int fix_others(struct firewall *f, struct nl *n, const struct fwscan *s,
		      const struct fw_need *need, unsigned *changed, struct err *e)
{
	struct err got = { 0 };
	int ret = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct fwscan_chain *c = &s->v[i];
		unsigned want = need ? fwscan_wanted(s, c, need) : 0, count;
		struct fwnft b;

		fwnft_begin(&b);
		count = fix_chain(f, &b, c, want, fwscan_is_iptables(c) && f && !f->no_xt);
		if (fwnft_commit(&b, n, &got)) {
			if (f && fwscan_is_iptables(c) && want)
				f->no_xt = true;	/* the next try goes without */
			if (!ret && e)
				*e = got;
			ret = err_wrap(ret ? NULL : e, "change %s %s %s", fwscan_family(c->family),
				       c->table, c->name);
			memset(&got, 0, sizeof(got));
			continue;
		}
		*changed += count;
	}
	return ret;
}

static int fix_own(struct firewall *f, struct nl *n, const struct fwscan *s, unsigned *changed,
		   struct err *e)
{
	struct firewall_want w = { .view = &f->view, .peers = f->peers, .n_peers = f->n_peers,
				   .ike_port = f->ike_port, .natt_port = f->natt_port,
				   .esp = f->esp, .shunts = f->shunts,
				   .n_shunts = f->n_shunts };
	struct fw_plan *p = fwplan_new(&w, !f->no_nat && !fwscan_nat_is_theirs(s));
	struct sbuf text = { 0 };
	struct fwnft b;
	int ret = -1;

	if (!p)
		return err_set(e, "out of memory for the firewall's rules");
	fwtext_plan(p, &text);
	if (!sbuf_ok(&text)) {
		err_set(e, "out of memory");
		goto out;
	}
	if (f->text && !strcmp(f->text, sbuf_str(&text)) && s->own_chains == p->n_chains &&
	    s->own_rules == p->n_rules) {
		ret = 0;
		goto out;
	}
	fwnft_begin(&b);
	fwnft_put_table(&b, p);
	if (fwnft_commit(&b, n, e)) {
		/* An expression or a chain's type is missing: better without than nothing. */
		if (errno == ENOENT || errno == EOPNOTSUPP)
			f->no_nat = true;
		err_wrap(e, "put in the table inet " FIREWALL_TABLE);
		goto out;
	}
	(*changed)++;
	free(f->text);
	f->text = sbuf_take(&text);
	ret = 0;
out:
	sbuf_fini(&text);
	fwplan_free(p);
	return ret;
}

/* The module of old iptables, or of ip6tables, holds tables. */
static bool legacy_is_used(void)
{
	static const char *const files[] = { "/proc/net/ip_tables_names",
					     "/proc/net/ip6_tables_names" };
	bool used = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		FILE *in = fopen(files[i], "re");
		char line[64];

		if (!in)
			continue;
		used |= fgets(line, sizeof(line), in) != NULL;
		fclose(in);
	}
	return used;
}

static void write_notes(struct firewall *f, const struct fwscan *s, const struct fw_need *need)
{
	const char *sep = "accept rules in ";

	sbuf_reset(&f->notes);
	for (size_t i = 0; i < s->n; i++) {
		const struct fwscan_chain *c = &s->v[i];

		if (!fwscan_wanted(s, c, need))
			continue;
		sbuf_addf(&f->notes, "%s%s %s %s", sep, fwscan_family(c->family), c->table, c->name);
		sep = ", ";
	}
	if (f->no_nat) {
		sbuf_addf(&f->notes, "%sthis kernel has no NAT for nftables: a masquerade rule "
			  "without an interface would change tunnel traffic",
			  f->notes.len ? "; " : "");
	}
	if (legacy_is_used())
		sbuf_addf(&f->notes, "%srules of legacy iptables cannot be seen: check that they let "
			  "UDP 500, 4500, ESP and adit-* pass", f->notes.len ? "; " : "");
}

static int clean(struct firewall *f, struct nl *n, unsigned *changed, struct err *e)
{
	struct fwscan s;
	int ret = 0;

	for (int try = 0; try < TRIES; try++) {
		struct fwnft b;

		if (fwscan_take(n, &s, e))
			return errno == EOPNOTSUPP ? 0 : -1;
		fwnft_begin(&b);
		if (s.own_chains) {
			fwnft_delete_table(&b);
			(*changed)++;
		}
		ret = fwnft_commit(&b, n, e);
		if (ret)
			err_wrap(e, "remove the table inet " FIREWALL_TABLE);
		if (fix_others(f, n, &s, NULL, changed, ret ? NULL : e))
			ret = -1;
		fwscan_fini(&s);
		if (!ret)
			break;
	}
	return ret;
}

static int make_so(struct firewall *f, unsigned *changed, struct err *e)
{
	struct fw_need need = need_of(f);
	struct err got = { 0 };
	struct fwscan s;
	struct nl n;
	int ret = -1;

	if (nl_open(&n, NETLINK_NETFILTER, e))
		return -1;
	if (!f->n_peers) {
		ret = clean(f, &n, changed, e);
		free(f->text);
		f->text = NULL;
		sbuf_reset(&f->notes);
		nl_close(&n);
		return ret;
	}
	for (int try = 0; try < TRIES && ret; try++) {
		memset(&got, 0, sizeof(got));
		if (fwscan_take(&n, &s, &got))
			break;
		ret = fix_own(f, &n, &s, changed, &got);
		if (fix_others(f, &n, &s, &need, changed, ret ? NULL : &got))
			ret = -1;
		write_notes(f, &s, &need);
		fwscan_fini(&s);
	}
	if (ret && e)
		*e = got;
	nl_close(&n);
	return ret;
}

int firewall_apply(struct firewall *f, const struct firewall_want *w, struct err *e)
{
	unsigned changed = 0;

	if (remember(f, w, e))
		return -1;
	return make_so(f, &changed, e);
}

int firewall_check(struct firewall *f, unsigned *changed, struct err *e)
{
	unsigned count = 0;
	int ret = 0;

	/* Nothing is wanted and nothing of ours is in. */
	if (f->n_peers)
		ret = make_so(f, &count, e);
	if (changed)
		*changed = count;
	return ret;
}

int firewall_clean(struct err *e)
{
	unsigned changed = 0;
	struct nl n;
	int ret;

	if (nl_open(&n, NETLINK_NETFILTER, e))
		return errno == EPROTONOSUPPORT ? 0 : -1;
	ret = clean(NULL, &n, &changed, e);
	nl_close(&n);
	return ret;
}

const char *firewall_notes(const struct firewall *f)
{
	return sbuf_str(&f->notes);
}

void firewall_text(const struct firewall_want *w, struct sbuf *out)
{
	struct fw_plan *p;

	if (!w->n_peers)
		return;
	p = fwplan_new(w, true);
	if (p)
		fwtext_plan(p, out);
	else
		out->bad = true;
	fwplan_free(p);
}

int firewall_installed(struct sbuf *out, struct err *e)
{
	struct fwscan s;
	struct nl n;

	if (nl_open(&n, NETLINK_NETFILTER, e))
		return -1;
	if (fwscan_take(&n, &s, e)) {
		nl_close(&n);
		return -1;
	}
	nl_close(&n);
	if (s.own_chains)
		sbuf_addf(out, "table inet " FIREWALL_TABLE ": %zu chains, %zu rules\n",
			  s.own_chains, s.own_rules);
	else
		sbuf_add(out, "table inet " FIREWALL_TABLE ": not there\n");
	for (size_t i = 0; i < s.n; i++)
		for (size_t j = 0; j < s.v[i].n_ours; j++)
			sbuf_addf(out, "%s %s %s: accept %s (handle %llu)\n",
				  fwscan_family(s.v[i].family), s.v[i].table, s.v[i].name,
				  fwscan_help_name(s.v[i].ours[j].kind),
				  (unsigned long long)s.v[i].ours[j].handle);
	fwscan_fini(&s);
	return 0;
}
