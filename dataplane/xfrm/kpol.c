/* kpol: why: several SAs of one child want the same policies while one takes over from the
 * other; the kernel holds one of each. So users are kept here, and the kernel is only told
 * when what it should hold changes: no moment without a policy. */
#include "dataplane/xfrm/kernel.h"

#include "core/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct use {
	uint32_t owner;
	uint8_t rank;
	struct xfrm_pol want;
};

struct kpol {
	struct kpol *next;
	size_t n;
	struct use *uses;	/* in the order they came */
	struct xfrm_pol told;	/* what the kernel holds */
};

static bool same_place(const struct xfrm_pol *a, const struct xfrm_pol *b)
{
	return a->dir == b->dir && a->if_id == b->if_id && xfrm_sel_equal(&a->sel, &b->sel);
}

static bool same_tmpl(const struct xfrm_tmpl *a, const struct xfrm_tmpl *b)
{
	return addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst) &&
	       a->family == b->family && a->proto == b->proto && a->tunnel == b->tunnel &&
	       a->optional == b->optional && a->reqid == b->reqid && a->spi == b->spi;
}

static bool same(const struct xfrm_pol *a, const struct xfrm_pol *b)
{
	if (a->block != b->block || a->priority != b->priority || a->n_tmpl != b->n_tmpl)
		return false;
	for (size_t i = 0; i < a->n_tmpl; i++)
		if (!same_tmpl(&a->tmpl[i], &b->tmpl[i]))
			return false;
	return true;
}

static size_t head_of(const struct xfrm_pol *p)
{
	const uint8_t *v[] = { p->sel.src.addr.b, p->sel.dst.addr.b };
	uint32_t h = 2166136261u ^ p->if_id;	/* FNV-1a */

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < sizeof(p->sel.src.addr.b); i++)
			h = (h ^ v[k][i]) * 16777619u;
	return (h ^ h >> 16) % KPOL_HEADS;
}

static struct kpol **find(struct kpol_table *t, const struct xfrm_pol *p)
{
	struct kpol **at = &t->heads[head_of(p)];

	while (*at && !same_place(&(*at)->told, p))
		at = &(*at)->next;
	return at;
}

bool kpol_has(const struct kpol_table *t, const struct xfrm_pol *p)
{
	const struct kpol *k = t->heads[head_of(p)];

	while (k && !same_place(&k->told, p))
		k = k->next;
	return k != NULL;
}

static const struct use *top(const struct kpol *k)
{
	const struct use *best = &k->uses[0];

	for (size_t i = 1; i < k->n; i++)
		if (k->uses[i].rank >= best->rank)
			best = &k->uses[i];
	return best;
}

static void complain(const struct err *e)
{
	log_error(NULL, "a policy of the kernel: %s", e->msg);
}

/* After a use went: tell the kernel what it should hold now. */
static void settle(struct kpol_table *t, struct kpol **at)
{
	struct kpol *k = *at;
	struct err e = { 0 };

	if (!k->n) {
		if (xfrm_pol_del(t->x, &k->told, &e) < 0)
			complain(&e);
		*at = k->next;
		free(k->uses);
		free(k);
	} else if (!same(&top(k)->want, &k->told)) {
		k->told = top(k)->want;
		if (xfrm_pol_set(t->x, &k->told, &e) < 0)
			complain(&e);
	}
}

int kpol_use(struct kpol_table *t, uint32_t owner, enum kpol_rank rank,
	     const struct xfrm_pol *p, struct err *e)
{
	struct kpol **at = find(t, p), *k = *at;
	struct use *u;
	bool fresh = !k;
	size_t i = 0;

	if (fresh) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return err_set(e, "out of memory");
		k->told = *p;
	}
	while (i < k->n && k->uses[i].owner != owner)
		i++;
	if (i == k->n) {
		u = realloc(k->uses, (k->n + 1) * sizeof(*u));
		if (!u) {
			if (fresh)
				free(k);
			return err_set(e, "out of memory");
		}
		k->uses = u;
		k->n++;
	}
	k->uses[i] = (struct use){ .owner = owner, .rank = (uint8_t)rank, .want = *p };
	if (fresh)
		*at = k;
	if (!fresh && same(&top(k)->want, &k->told))
		return 0;
	k->told = top(k)->want;
	if (xfrm_pol_set(t->x, &k->told, e) < 0)
		return err_wrap(e, "the kernel refuses the policy");
	return 0;
}

/* dir -1: all. */
static void drop(struct kpol_table *t, uint32_t owner, int dir)
{
	for (size_t h = 0; h < KPOL_HEADS; h++) {
		for (struct kpol **at = &t->heads[h]; *at; ) {
			struct kpol *k = *at;
			size_t i = 0;

			while (i < k->n && k->uses[i].owner != owner)
				i++;
			if (i == k->n || (dir >= 0 && k->told.dir != dir)) {
				at = &k->next;
				continue;
			}
			memmove(&k->uses[i], &k->uses[i + 1], (k->n - i - 1) * sizeof(*k->uses));
			k->n--;
			settle(t, at);
			if (*at == k)
				at = &k->next;
		}
	}
}

void kpol_drop(struct kpol_table *t, uint32_t owner)
{
	drop(t, owner, -1);
}

void kpol_drop_dir(struct kpol_table *t, uint32_t owner, enum xfrm_dir dir)
{
	drop(t, owner, (int)dir);
}

void kpol_again(struct kpol_table *t)
{
	struct err e = { 0 };

	for (size_t h = 0; h < KPOL_HEADS; h++)
		for (struct kpol *k = t->heads[h]; k; k = k->next)
			if (xfrm_pol_set(t->x, &k->told, &e) < 0)
				complain(&e);
}

void kpol_fini(struct kpol_table *t)
{
	for (size_t h = 0; h < KPOL_HEADS; h++) {
		while (t->heads[h]) {
			t->heads[h]->n = 0;
			settle(t, &t->heads[h]);
		}
	}
}

/* ---- selectors ---- */

#define NETS_MAX 128	/* of one range: two for each bit at most, but for the outermost */
#define PORTS_MAX 32

struct ports {
	size_t n;
	uint16_t port[PORTS_MAX], mask[PORTS_MAX];
};

/* Aligned blocks, largest first: 1024-65535 are six. */
static void blocks(uint32_t from, uint32_t to, struct ports *out)
{
	out->n = 0;
	while (from <= to && out->n < PORTS_MAX) {
		uint32_t size = 1;

		while (!(from & size) && size < 65536 && from + 2 * size - 1 <= to)
			size *= 2;
		out->port[out->n] = (uint16_t)from;
		out->mask[out->n++] = (uint16_t)~(size - 1);
		from += size;
	}
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* RFC 7296 §3.13.1: type and code share the port; the kernel has them in sport and dport. */
static void icmp(const struct selector *s, struct ports *type, struct ports *code)
{
	*type = *code = (struct ports){ .n = 1 };
	if (s->port_from == 0 && s->port_to == 65535)
		return;
	blocks(s->port_from >> 8, s->port_to >> 8, type);
	if (s->port_from >> 8 == s->port_to >> 8)
		blocks(s->port_from & 0xff, s->port_to & 0xff, code);
}

bool kpol_selectors(const struct selector *src, const struct selector *dst,
		    bool (*fn)(void *arg, const struct xfrm_sel *s), void *arg)
{
	struct prefix from[NETS_MAX], to[NETS_MAX];
	size_t n_from = selector_prefixes(src, from, NETS_MAX);
	size_t n_to = selector_prefixes(dst, to, NETS_MAX);
	struct ports sp = { .n = 1 }, dp = { .n = 1 };
	struct xfrm_sel s = { .proto = src->proto ? src->proto : dst->proto };

	/* An SA's local and remote networks pair up within a family. */
	if (src->from.family != dst->from.family || n_from > NETS_MAX || n_to > NETS_MAX)
		return true;
	if (is_icmp(s.proto)) {
		icmp(src, &sp, &dp);
	} else if (s.proto) {
		blocks(src->port_from, src->port_to, &sp);
		blocks(dst->port_from, dst->port_to, &dp);
	}
	for (size_t a = 0; a < n_from; a++)
		for (size_t b = 0; b < n_to; b++)
			for (size_t i = 0; i < sp.n; i++)
				for (size_t j = 0; j < dp.n; j++) {
					s.src = from[a];
					s.dst = to[b];
					s.sport = sp.port[i];
					s.sport_mask = sp.mask[i];
					s.dport = dp.port[j];
					s.dport_mask = dp.mask[j];
					if (!fn(arg, &s))
						return false;
				}
	return true;
}

#define PRIORITY (XFRM_PRIORITY + 0x80000u)
#define PRIORITY_SHUNT (XFRM_PRIORITY + 0x40000u)

uint32_t kpol_priority(const struct xfrm_sel *s, bool shunt)
{
	return (shunt ? PRIORITY_SHUNT : PRIORITY) - 64u * (s->src.len + s->dst.len) -
		(s->proto ? 32u : 0) - (s->sport_mask ? 8u : 0) - (s->dport_mask ? 8u : 0);
}
