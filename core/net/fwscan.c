/* fwscan: why: an accept in our table does not undo a drop in another, so the other tables
 * are read: without libnftnl, which gives up on a rule with one expression it does not know,
 * and somebody else's rules may have any. */
#include "core/net/fwscan.h"

#include "core/net/link.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_IFNAME 41		/* nft's number of the set key type */
#define UDATA_COMMENT 0

/* A set of interface names with one of ours in it. */
struct name_set {
	uint8_t family;
	char *table, *name;
	bool ours;
};

struct scan {
	struct fwscan *out;
	size_t cap;
	size_t n_sets;
	struct name_set *sets;
	struct name_set *filling;
	size_t last;			/* the chain of the last rule: they come in order */
	bool nomem;
};

const char *fwscan_help_name(enum fw_help k)
{
	static const char *const names[] = {
		[HELP_IKE] = "ike", [HELP_NATT] = "nat-t", [HELP_ESP] = "esp",
		[HELP_IKE_OUT] = "ike-out", [HELP_NATT_OUT] = "nat-t-out",
		[HELP_ESP_OUT] = "esp-out", [HELP_FROM_TUNNEL] = "from-tunnel",
		[HELP_TO_TUNNEL] = "to-tunnel", [HELP_STALE] = "stale",
	};

	return names[k];
}

const char *fwscan_family(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_IPV6: return "ip6";
	case NFPROTO_INET: return "inet";
	case NFPROTO_BRIDGE: return "bridge";
	case NFPROTO_ARP: return "arp";
	case NFPROTO_NETDEV: return "netdev";
	}
	return "?";
}

static const char *attr_str(const struct nlattr *a)
{
	return a && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(a) : "";
}

static uint32_t attr_be32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a && mnl_attr_get_payload_len(a) >= 4)
		memcpy(&v, mnl_attr_get_payload(a), 4);
	return ntohl(v);
}

static uint64_t attr_be64(const struct nlattr *a)
{
	uint8_t b[8] = { 0 };
	uint64_t v = 0;

	if (a && mnl_attr_get_payload_len(a) >= 8)
		memcpy(b, mnl_attr_get_payload(a), 8);
	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

static void nested(const struct nlattr *in, const struct nlattr **tb, unsigned max)
{
	const struct nlattr *a;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	if (!in)
		return;
	mnl_attr_for_each_nested(a, in)
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
}

static bool top(const struct nlmsghdr *h, const struct nlattr **tb, unsigned max)
{
	const struct nlattr *a;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	if (mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
		return false;
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
	return true;
}

static uint8_t family_of(const struct nlmsghdr *h)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(h))->nfgen_family;
}

static bool is_own(uint8_t family, const char *table)
{
	return family == NFPROTO_INET && !strcmp(table, FIREWALL_TABLE);
}

static bool can_matter(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
}

static void reset(void *arg)
{
	struct scan *s = arg;

	fwscan_fini(s->out);
	s->cap = 0;
}

static int on_chain(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NFTA_CHAIN_TYPE + 1], *hook[NFTA_HOOK_PRIORITY + 1];
	struct scan *s = arg;
	struct fwscan_chain *c;
	const char *table;

	if (!top(h, tb, NFTA_CHAIN_TYPE))
		return MNL_CB_ERROR;
	table = attr_str(tb[NFTA_CHAIN_TABLE]);
	if (is_own(family_of(h), table)) {
		s->out->own_chains++;
		return MNL_CB_OK;
	}
	if (!can_matter(family_of(h)))
		return MNL_CB_OK;
	if (s->out->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct fwscan_chain *v = realloc(s->out->v, cap * sizeof(*v));

		if (!v) {
			s->nomem = true;
			return MNL_CB_ERROR;
		}
		s->out->v = v;
		s->cap = cap;
	}
	c = &s->out->v[s->out->n++];
	memset(c, 0, sizeof(*c));
	c->family = family_of(h);
	c->table = strdup(table);
	c->name = strdup(attr_str(tb[NFTA_CHAIN_NAME]));
	if (!c->table || !c->name) {
		s->nomem = true;
		return MNL_CB_ERROR;
	}
	if (tb[NFTA_CHAIN_HOOK]) {
		nested(tb[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_PRIORITY);
		c->base = true;
		c->hook = (uint8_t)attr_be32(hook[NFTA_HOOK_HOOKNUM]);
		c->prio = (int)attr_be32(hook[NFTA_HOOK_PRIORITY]);
		c->policy_drop = tb[NFTA_CHAIN_POLICY] &&
				 attr_be32(tb[NFTA_CHAIN_POLICY]) == NF_DROP;
		strncpy(c->type, attr_str(tb[NFTA_CHAIN_TYPE]), sizeof(c->type) - 1);
	}
	return MNL_CB_OK;
}

static void sets_reset(void *arg)
{
	struct scan *s = arg;

	for (size_t i = 0; i < s->n_sets; i++) {
		free(s->sets[i].table);
		free(s->sets[i].name);
	}
	free(s->sets);
	s->sets = NULL;
	s->n_sets = 0;
}

static int on_set(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NFTA_SET_KEY_TYPE + 1];
	struct scan *s = arg;
	struct name_set *v;

	if (!top(h, tb, NFTA_SET_KEY_TYPE))
		return MNL_CB_ERROR;
	if (!can_matter(family_of(h)) || attr_be32(tb[NFTA_SET_KEY_TYPE]) != TYPE_IFNAME ||
	    is_own(family_of(h), attr_str(tb[NFTA_SET_TABLE])))
		return MNL_CB_OK;
	v = realloc(s->sets, (s->n_sets + 1) * sizeof(*v));
	if (!v) {
		s->nomem = true;
		return MNL_CB_ERROR;
	}
	s->sets = v;
	v += s->n_sets++;
	*v = (struct name_set){ .family = family_of(h) };
	v->table = strdup(attr_str(tb[NFTA_SET_TABLE]));
	v->name = strdup(attr_str(tb[NFTA_SET_NAME]));
	if (!v->table || !v->name) {
		s->nomem = true;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* NFTA_DATA_VALUE begins with our prefix. */
static bool is_our_name(const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_DATA_VALUE + 1];
	size_t n = sizeof(LINK_OURS) - 1;

	nested(data, tb, NFTA_DATA_VALUE);
	return tb[NFTA_DATA_VALUE] && mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) >= n &&
	       !memcmp(mnl_attr_get_payload(tb[NFTA_DATA_VALUE]), LINK_OURS, n);
}

static int on_elems(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *a;
	struct scan *s = arg;

	if (!top(h, tb, NFTA_SET_ELEM_LIST_ELEMENTS) || !tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(a, tb[NFTA_SET_ELEM_LIST_ELEMENTS]) {
		const struct nlattr *el[NFTA_SET_ELEM_KEY + 1];

		nested(a, el, NFTA_SET_ELEM_KEY);
		if (el[NFTA_SET_ELEM_KEY] && is_our_name(el[NFTA_SET_ELEM_KEY]))
			s->filling->ours = true;
	}
	return MNL_CB_OK;
}

static bool set_names_us(const struct scan *s, const struct fwscan_chain *c, const char *set)
{
	for (size_t i = 0; i < s->n_sets; i++)
		if (s->sets[i].ours && s->sets[i].family == c->family &&
		    !strcmp(s->sets[i].table, c->table) && !strcmp(s->sets[i].name, set))
			return true;
	return false;
}

/* What one rule does, as far as it concerns us. */
struct about {
	bool ours;
	enum fw_help kind;
	bool by_interface;		/* looks at an interface name */
	bool names_us, decides, drops, nats;
	const char *jump;		/* borrowed from the message */
};

static void read_tag(const char *text, size_t len, struct about *r)
{
	size_t n = sizeof(FIREWALL_TAG) - 1;

	len = strnlen(text, len);
	if (len < n || memcmp(text, FIREWALL_TAG, n) || (len > n && text[n] != ' '))
		return;
	r->ours = true;
	r->kind = HELP_STALE;
	for (int k = 0; k < HELP_KINDS && len > n; k++) {
		const char *word = fwscan_help_name((enum fw_help)k);

		if (strlen(word) == len - n - 1 && !memcmp(text + n + 1, word, len - n - 1))
			r->kind = (enum fw_help)k;
	}
}

/* TLVs of one byte type, one byte length: nft's and iptables' comments. */
static void read_userdata(const struct nlattr *a, struct about *r)
{
	const uint8_t *p = mnl_attr_get_payload(a);
	size_t left = mnl_attr_get_payload_len(a);

	while (left >= 2 && p[1] <= left - 2) {
		if (p[0] == UDATA_COMMENT)
			read_tag((const char *)p + 2, p[1], r);
		left -= 2u + p[1];
		p += 2u + p[1];
	}
}

static void read_verdict(const struct nlattr *data, struct about *r)
{
	const struct nlattr *d[NFTA_DATA_VERDICT + 1], *v[NFTA_VERDICT_CHAIN + 1];
	int32_t code;

	nested(data, d, NFTA_DATA_VERDICT);
	if (!d[NFTA_DATA_VERDICT])
		return;
	nested(d[NFTA_DATA_VERDICT], v, NFTA_VERDICT_CHAIN);
	code = (int32_t)attr_be32(v[NFTA_VERDICT_CODE]);
	if (code == NFT_CONTINUE)
		return;
	r->decides = true;
	if (code == NF_DROP)
		r->drops = true;
	if (code == NFT_JUMP || code == NFT_GOTO)
		r->jump = attr_str(v[NFTA_VERDICT_CHAIN]);
}

static void read_target(const char *name, struct about *r)
{
	static const char *const drops[] = { "REJECT", "DROP", "TARPIT" };
	static const char *const nats[] = { "MASQUERADE", "SNAT", "NETMAP", "DNAT", "REDIRECT" };

	for (size_t i = 0; i < sizeof(drops) / sizeof(*drops); i++)
		if (!strcmp(name, drops[i]))
			r->drops = r->decides = true;
	for (size_t i = 0; i < sizeof(nats) / sizeof(*nats); i++)
		if (!strcmp(name, nats[i]))
			r->nats = r->decides = true;
}

static void read_lookup(const struct scan *s, const struct fwscan_chain *c,
			const struct nlattr *data, struct about *r)
{
	const struct nlattr *tb[NFTA_LOOKUP_FLAGS + 1];

	nested(data, tb, NFTA_LOOKUP_FLAGS);
	if (set_names_us(s, c, attr_str(tb[NFTA_LOOKUP_SET])))
		r->names_us = true;
	/* A verdict map: any of its chains may drop. Better one rule of ours too many. */
	if (tb[NFTA_LOOKUP_DREG] && attr_be32(tb[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT)
		r->decides = r->drops = true;
}

static void read_expr(const struct scan *s, const struct fwscan_chain *c,
		      const struct nlattr *expr, struct about *r)
{
	const struct nlattr *tb[NFTA_EXPR_DATA + 1], *d[8];
	const char *name;

	nested(expr, tb, NFTA_EXPR_DATA);
	name = attr_str(tb[NFTA_EXPR_NAME]);
	nested(tb[NFTA_EXPR_DATA], d, 7);
	if (!strcmp(name, "immediate")) {
		read_verdict(d[NFTA_IMMEDIATE_DATA], r);
	} else if (!strcmp(name, "reject")) {
		r->drops = r->decides = true;
	} else if (!strcmp(name, "nat") || !strcmp(name, "masq") || !strcmp(name, "redir")) {
		r->nats = r->decides = true;
	} else if (!strcmp(name, "target")) {
		read_target(attr_str(d[NFTA_TARGET_NAME]), r);
	} else if (!strcmp(name, "match")) {
		if (!strcmp(attr_str(d[NFTA_MATCH_NAME]), "comment") && d[NFTA_MATCH_INFO])
			read_tag(mnl_attr_get_payload(d[NFTA_MATCH_INFO]),
				 mnl_attr_get_payload_len(d[NFTA_MATCH_INFO]), r);
	} else if (!strcmp(name, "meta")) {
		uint32_t key = attr_be32(d[NFTA_META_KEY]);

		r->by_interface |= key == NFT_META_IIFNAME || key == NFT_META_OIFNAME;
	} else if (!strcmp(name, "cmp")) {
		r->names_us |= r->by_interface && is_our_name(d[NFTA_CMP_DATA]);
	} else if (!strcmp(name, "lookup")) {
		read_lookup(s, c, tb[NFTA_EXPR_DATA], r);
	}
}

static struct fwscan_chain *find_chain(struct scan *s, uint8_t family, const char *table,
				       const char *name)
{
	for (size_t i = 0; i < s->out->n; i++) {
		size_t at = (s->last + i) % s->out->n;
		struct fwscan_chain *c = &s->out->v[at];

		if (c->family == family && !strcmp(c->name, name) && !strcmp(c->table, table)) {
			s->last = at;
			return c;
		}
	}
	return NULL;
}

static bool keep(struct fwscan_chain *c, const struct about *r, uint64_t handle)
{
	if (r->ours) {
		struct fwscan_ours *v = realloc(c->ours, (c->n_ours + 1) * sizeof(*v));

		if (!v)
			return false;
		c->ours = v;
		v[c->n_ours++] = (struct fwscan_ours){ .handle = handle, .kind = r->kind };
		return true;
	}
	c->drops |= r->drops;
	c->names_us |= r->names_us && r->decides;
	c->nats_us |= r->names_us && r->nats;
	if (r->jump) {
		char **v = realloc(c->jumps, (c->n_jumps + 1) * sizeof(*v));

		if (!v)
			return false;
		c->jumps = v;
		v[c->n_jumps] = strdup(r->jump);
		if (!v[c->n_jumps])
			return false;
		c->n_jumps++;
	}
	return true;
}

static void rules_reset(void *arg)
{
	struct scan *s = arg;

	s->out->own_rules = 0;
	for (size_t i = 0; i < s->out->n; i++) {
		struct fwscan_chain *c = &s->out->v[i];

		for (size_t j = 0; j < c->n_jumps; j++)
			free(c->jumps[j]);
		c->n_jumps = c->n_ours = 0;
		c->drops = c->names_us = c->nats_us = false;
	}
}

static int on_rule(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NFTA_RULE_USERDATA + 1], *a;
	struct scan *s = arg;
	struct fwscan_chain *c;
	struct about r = { 0 };
	const char *table;

	if (!top(h, tb, NFTA_RULE_USERDATA))
		return MNL_CB_ERROR;
	table = attr_str(tb[NFTA_RULE_TABLE]);
	if (is_own(family_of(h), table)) {
		s->out->own_rules++;
		return MNL_CB_OK;
	}
	c = find_chain(s, family_of(h), table, attr_str(tb[NFTA_RULE_CHAIN]));
	if (!c)
		return MNL_CB_OK;
	if (tb[NFTA_RULE_USERDATA])
		read_userdata(tb[NFTA_RULE_USERDATA], &r);
	if (tb[NFTA_RULE_EXPRESSIONS])
		mnl_attr_for_each_nested(a, tb[NFTA_RULE_EXPRESSIONS])
			read_expr(s, c, a, &r);
	if (!keep(c, &r, attr_be64(tb[NFTA_RULE_HANDLE]))) {
		s->nomem = true;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *get(void *buf, uint16_t what, uint8_t family)
{
	struct nlmsghdr *h = nl_start(buf, NFNL_SUBSYS_NFTABLES << 8 | what, 0);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return h;
}

static int fill_sets(struct nl *n, struct scan *s, struct err *e)
{
	char buf[NL_BUF];

	if (nl_dump(n, get(buf, NFT_MSG_GETSET, NFPROTO_UNSPEC), on_set, sets_reset, s, e))
		return -1;
	for (size_t i = 0; i < s->n_sets; i++) {
		struct nlmsghdr *h = get(buf, NFT_MSG_GETSETELEM, s->sets[i].family);

		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, s->sets[i].table);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, s->sets[i].name);
		s->filling = &s->sets[i];
		/* Gone since: then the rule that looked it up is gone too. */
		if (nl_dump(n, h, on_elems, NULL, s, e) && errno != ENOENT)
			return -1;
	}
	return 0;
}

int fwscan_take(struct nl *n, struct fwscan *out, struct err *e)
{
	struct scan s = { .out = out };
	char buf[NL_BUF];
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (nl_dump(n, get(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC), on_chain, reset, &s, e)) {
		if (errno == EINVAL || errno == EOPNOTSUPP || errno == EPROTONOSUPPORT) {
			err_set(e, "this kernel has no nftables");
			errno = EOPNOTSUPP;
		}
		goto out;
	}
	if (fill_sets(n, &s, e))
		goto out;
	ret = nl_dump(n, get(buf, NFT_MSG_GETRULE, NFPROTO_UNSPEC), on_rule, rules_reset, &s, e);
out:
	sets_reset(&s);
	if (ret) {
		int keep_errno = errno;

		fwscan_fini(out);
		if (s.nomem)
			err_set(e, "out of memory");
		err_wrap(e, "read the firewall");
		errno = keep_errno;
	}
	return ret;
}

void fwscan_fini(struct fwscan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct fwscan_chain *c = &s->v[i];

		for (size_t j = 0; j < c->n_jumps; j++)
			free(c->jumps[j]);
		free(c->jumps);
		free(c->ours);
		free(c->table);
		free(c->name);
	}
	free(s->v);
	memset(s, 0, sizeof(*s));
}

struct reach {
	bool drops, names_us, nats_us;
};

static void walk(const struct fwscan *s, const struct fwscan_chain *c, bool *seen,
		 struct reach *r)
{
	if (seen[c - s->v])
		return;
	seen[c - s->v] = true;
	r->drops |= c->drops;
	r->names_us |= c->names_us;
	r->nats_us |= c->nats_us;
	for (size_t j = 0; j < c->n_jumps; j++)
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].family == c->family && !strcmp(s->v[i].table, c->table) &&
			    !strcmp(s->v[i].name, c->jumps[j]))
				walk(s, &s->v[i], seen, r);
}

static struct reach reach(const struct fwscan *s, const struct fwscan_chain *c)
{
	bool *seen = calloc(s->n, sizeof(*seen));
	struct reach r = { 0 };

	if (!seen)
		return (struct reach){ .drops = true };
	walk(s, c, seen, &r);
	free(seen);
	return r;
}

bool fwscan_is_iptables(const struct fwscan_chain *c)
{
	static const char *const tables[] = { "filter", "mangle", "nat", "raw", "security" };

	if (c->family == NFPROTO_INET)
		return false;
	for (const char *p = c->name; *p; p++)
		if (islower((unsigned char)*p))
			return false;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (!strcmp(c->table, tables[i]))
			return true;
	return false;
}

bool fwscan_nat_is_theirs(const struct fwscan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct fwscan_chain *c = &s->v[i];

		if (c->base && !strcmp(c->type, "nat") && c->hook == NF_INET_POST_ROUTING &&
		    reach(s, c).nats_us)
			return true;
	}
	return false;
}

unsigned fwscan_wanted(const struct fwscan *s, const struct fwscan_chain *c,
		       const struct fw_need *need)
{
	static const unsigned in = 1 << HELP_IKE | 1 << HELP_NATT | 1 << HELP_ESP |
				   1 << HELP_FROM_TUNNEL;
	static const unsigned out = 1 << HELP_IKE_OUT | 1 << HELP_NATT_OUT | 1 << HELP_ESP_OUT |
				    1 << HELP_TO_TUNNEL;
	static const unsigned tunnel = 1 << HELP_FROM_TUNNEL | 1 << HELP_TO_TUNNEL;
	bool v4 = c->family != NFPROTO_IPV6, v6 = c->family != NFPROTO_IPV4;
	struct reach r;
	unsigned want = 0;

	if (!c->base || (strcmp(c->type, "filter") && strcmp(c->type, "route")))
		return 0;
	r = reach(s, c);
	switch (c->hook) {
	case NF_INET_LOCAL_IN:
		want = c->policy_drop || r.drops ? in : 0;
		break;
	case NF_INET_LOCAL_OUT:
		want = c->policy_drop || r.drops ? out : 0;
		break;
	case NF_INET_FORWARD:
		want = need->forward && (c->policy_drop || r.drops) ? tunnel : 0;
		break;
	case NF_INET_PRE_ROUTING:
		want = c->policy_drop ? in : 0;
		break;
	case NF_INET_POST_ROUTING:
		want = c->policy_drop ? out : 0;
		break;
	}
	if (!(need->inner_v4 && v4) && !(need->inner_v6 && v6))
		want &= ~tunnel;
	if (!(need->outer_v4 && v4) && !(need->outer_v6 && v6))
		want &= tunnel;
	if (r.names_us)
		want &= ~tunnel;
	return want;
}
