/* fwtext: why: the admin reads our rules in the language he knows, without nft installed. */
#include "core/net/fwplan.h"

#include "core/net/route.h"

#include <stdio.h>
#include <string.h>

const char *fwtext_hook(uint8_t hook)
{
	static const char *const names[] = {
		[NF_INET_PRE_ROUTING] = "prerouting", [NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward", [NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting",
	};

	return hook < sizeof(names) / sizeof(*names) ? names[hook] : "?";
}

static void set_text(const struct fw_set *s, struct sbuf *out)
{
	static const char *const types[] = {
		[FW_IFNAMES] = "ifname", [FW_V4] = "ipv4_addr", [FW_V6] = "ipv6_addr",
	};
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX], net[SELECTOR_TEXT_MAX];

	sbuf_addf(out, "\tset %s {\n\t\ttype %s\n", s->name, types[s->kind]);
	if (s->kind != FW_IFNAMES)
		sbuf_add(out, "\t\tflags interval\n");
	sbuf_add(out, "\t\telements = { ");
	for (size_t i = 0; i < s->n; i++) {
		if (i)
			sbuf_add(out, ",\n\t\t\t     ");
		if (s->kind == FW_IFNAMES) {
			sbuf_addf(out, "\"%s\"", s->names[i]);
			continue;
		}
		struct selector all = { .from = s->ranges[i].from, .to = s->ranges[i].to,
					.port_to = 65535 };
		struct prefix p[2];

		/* One network as such; else first-last. */
		if (addr_equal(&all.from, &all.to))
			sbuf_add(out, addr_str(&all.from, from));
		else if (selector_prefixes(&all, p, 2) == 1)
			sbuf_add(out, prefix_str(&p[0], net));
		else
			sbuf_addf(out, "%s-%s", addr_str(&all.from, from), addr_str(&all.to, to));
	}
	sbuf_add(out, " }\n\t}\n\n");
}

static void ct_state(uint32_t v, struct sbuf *out)
{
	static const struct { uint32_t bit; const char *name; } names[] = {
		{ FW_CT_ESTABLISHED, "established" }, { FW_CT_RELATED, "related" },
		{ FW_CT_NEW, "new" },
	};
	const char *sep = "ct state ";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (v & names[i].bit) {
			sbuf_addf(out, "%s%s", sep, names[i].name);
			sep = ",";
		}
	}
}

static const char *proto_name(uint32_t v)
{
	static _Thread_local char number[8];

	snprintf(number, sizeof(number), "%u", v);
	return v == IPPROTO_ESP ? "esp" : v == IPPROTO_TCP ? "tcp" :
	       v == IPPROTO_UDP ? "udp" : number;
}

static void match_text(const struct fw_match *m, struct sbuf *out)
{
	const char *not = m->not ? "!= " : "";
	const char *ip = m->set && m->set->kind == FW_V6 ? "ip6" : "ip";

	switch ((enum fw_match_kind)m->kind) {
	case FW_IIF_OURS:
		sbuf_addf(out, "iifname %s\"" LINK_OURS "*\"", not);
		break;
	case FW_OIF_OURS:
		sbuf_addf(out, "oifname %s\"" LINK_OURS "*\"", not);
		break;
	case FW_IIF:
		sbuf_addf(out, "iifname %s\"%s\"", not, m->name);
		break;
	case FW_OIF:
		sbuf_addf(out, "oifname %s\"%s\"", not, m->name);
		break;
	case FW_IIF_SET:
		sbuf_addf(out, "iifname %s@%s", not, m->set->name);
		break;
	case FW_OIF_SET:
		sbuf_addf(out, "oifname %s@%s", not, m->set->name);
		break;
	case FW_SADDR_SET:
		sbuf_addf(out, "%s saddr @%s", ip, m->set->name);
		break;
	case FW_DADDR_SET:
		sbuf_addf(out, "%s daddr @%s", ip, m->set->name);
		break;
	case FW_NFPROTO:
		sbuf_addf(out, "meta nfproto %s", m->v == NFPROTO_IPV4 ? "ipv4" : "ipv6");
		break;
	case FW_L4PROTO:
		sbuf_addf(out, "meta l4proto %s%s", not, proto_name(m->v));
		break;
	case FW_UDP_SPORT:
		sbuf_addf(out, "udp sport %u", m->v);
		break;
	case FW_UDP_DPORT:
		sbuf_addf(out, "udp dport %u", m->v);
		break;
	case FW_TCP_SYN:
		sbuf_addf(out, "tcp flags & (syn | rst) %s syn", m->not ? "!=" : "==");
		break;
	case FW_ECHO_V4:
		sbuf_add(out, "icmp type echo-request");
		break;
	case FW_ECHO_V6:
		sbuf_add(out, "icmpv6 type echo-request");
		break;
	case FW_CT_STATE:
		ct_state(m->v, out);
		break;
	case FW_CT_DNAT:
		sbuf_add(out, "ct status dnat");
		break;
	case FW_MARKED:
		sbuf_addf(out, "meta mark & 0x%08x == 0x%08x", ROUTE_MARK, ROUTE_MARK);
		break;
	case FW_SPORT_RANGE:
		sbuf_addf(out, "th sport %u-%u", m->v >> 16, m->v & 0xffff);
		break;
	case FW_DPORT_RANGE:
		sbuf_addf(out, "th dport %u-%u", m->v >> 16, m->v & 0xffff);
		break;
	case FW_IN_ESP:
		sbuf_addf(out, "meta secpath %s", m->not ? "missing" : "exists");
		break;
	case FW_OUT_ESP:
		sbuf_addf(out, "rt ipsec %s", m->not ? "missing" : "exists");
		break;
	case FW_CT_MARKED:
		sbuf_addf(out, "ct mark & 0x%08x == 0x%08x", ROUTE_MARK, ROUTE_MARK);
		break;
	}
	sbuf_add(out, " ");
}

static void action_text(const struct fw_rule *r, struct sbuf *out)
{
	switch ((enum fw_action)r->action) {
	case FW_ACCEPT:
		sbuf_add(out, "accept");
		break;
	case FW_DROP:
		sbuf_add(out, "counter drop");
		break;
	case FW_MASQUERADE:
		sbuf_add(out, "masquerade");
		break;
	case FW_KEEP_SOURCE_V4:
		sbuf_add(out, "snat ip to ip saddr");
		break;
	case FW_KEEP_SOURCE_V6:
		sbuf_add(out, "snat ip6 to ip6 saddr");
		break;
	case FW_MSS:
		sbuf_addf(out, "tcp option maxseg size set %u", r->v);
		break;
	case FW_SET_MARK:
		sbuf_addf(out, "meta mark set meta mark | 0x%08x", ROUTE_MARK);
		break;
	case FW_SET_CT_MARK:
		sbuf_addf(out, "ct mark set ct mark | 0x%08x", ROUTE_MARK);
		break;
	}
}

void fwtext_plan(const struct fw_plan *p, struct sbuf *out)
{
	sbuf_add(out, "table inet " FIREWALL_TABLE " {\n");
	for (size_t i = 0; i < p->n_sets; i++)
		if (p->sets[i].used)
			set_text(&p->sets[i], out);
	for (size_t c = 0; c < p->n_chains; c++) {
		const struct fw_chain *k = &p->chains[c];

		sbuf_addf(out, "\tchain %s {\n\t\ttype %s hook %s priority %d; policy accept;\n",
			  k->name, k->type, fwtext_hook(k->hook), k->prio);
		for (size_t i = 0; i < p->n_rules; i++) {
			const struct fw_rule *r = &p->rules[i];

			if (r->chain != c)
				continue;
			sbuf_add(out, "\t\t");
			for (size_t j = 0; j < r->n; j++)
				match_text(&r->m[j], out);
			action_text(r, out);
			sbuf_add(out, "\n");
		}
		sbuf_add(out, c + 1 < p->n_chains ? "\t}\n\n" : "\t}\n");
	}
	sbuf_add(out, "}\n");
}
