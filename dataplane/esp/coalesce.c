/* coalesce: a flow that has begun keeps its first packet as it is until the second joins it:
 * only then are checksums looked at, and a packet that stays alone costs nothing but its
 * place. */
#include "dataplane/esp/coalesce.h"

#include "core/base/be.h"
#include "dataplane/esp/csum.h"
#include "dataplane/esp/segment.h"

#include <netinet/in.h>
#include <string.h>

#define V4_HEADER 20
#define V6_HEADER 40
#define V4_DF 0x40
#define UDP_HEADER 8
#define TCP_HEADER 20
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_CWR 0x80
#define TCP_LAST (TCP_FIN | TCP_PSH)	/* on the last one alone */
#define TOTAL_MAX 65535

/* A packet that may begin a flow or join one. */
struct piece {
	uint8_t *pkt;
	uint32_t key, seq;
	size_t total, len;	/* len: of the payload */
	uint16_t upper_off, header_len;
	uint8_t version, proto, flags;
};

/* Where both addresses lie. */
static size_t hosts_off(uint8_t version)
{
	return version == 4 ? 12 : 8;
}

static size_t hosts_len(uint8_t version)
{
	return version == 4 ? 8 : 32;
}

void coalesce_init(struct coalesce *c, bool uso,
		   void (*write)(void *arg, const struct coalesce_out *out), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->uso = uso;
	c->write = write;
	c->arg = arg;
	for (uint8_t i = 0; i < COALESCE_FLOWS; i++)
		c->order[i] = i;
}

/* The same for all packets of a flow. Others may have it too: it only saves comparisons. */
static uint32_t key_of(const uint8_t *pkt, uint8_t version, uint8_t proto, size_t upper_off)
{
	const uint8_t *a = pkt + hosts_off(version);
	uint32_t key = proto, w;

	for (size_t i = 0; i < hosts_len(version); i += 4) {
		memcpy(&w, a + i, 4);
		key = (key ^ w) * 0x9e3779b1;
	}
	memcpy(&w, pkt + upper_off, 4);
	return (key ^ w) * 0x9e3779b1;
}

static void write_alone(struct coalesce *c, void *to, uint8_t *pkt, size_t len)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = { { &none, sizeof(none) }, { pkt, len } };
	struct coalesce_out out = { .to = to, .iov = iov, .n_iov = 2, .packets = 1, .bytes = len };

	c->write(c->arg, &out);
}

/* The first packet's header now speaks for all of them. The kernel finishes the checksum, or
 * whoever cuts the packet up again. */
static void rewrite(struct coalesce_flow *f)
{
	uint8_t *up = f->pkt + f->upper_off;
	uint16_t upper_len = (uint16_t)(f->total - f->upper_off);
	bool tcp = f->proto == IPPROTO_TCP;
	uint16_t offset = tcp ? 16 : 6, was;

	if (f->version == 4) {
		was = be_get16(f->pkt + 2);
		be_put16(f->pkt + 2, (uint16_t)f->total);
		be_put16(f->pkt + 10, csum_fix(be_get16(f->pkt + 10), was, (uint16_t)f->total));
	} else {
		be_put16(f->pkt + 4, (uint16_t)(f->total - V6_HEADER));
	}
	if (tcp)
		up[13] = f->flags;
	else
		be_put16(up + 4, upper_len);
	be_put16(up + offset, csum_fold(csum_pseudo(f->pkt, f->proto, upper_len)));
	f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->vnet.gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			   f->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	f->vnet.hdr_len = f->header_len;
	f->vnet.gso_size = f->size;
	f->vnet.csum_start = f->upper_off;
	f->vnet.csum_offset = offset;
}

/* Write the flow at order[at] and free its place. */
static void write_flow(struct coalesce *c, unsigned at)
{
	uint8_t slot = c->order[at];
	struct coalesce_flow *f = &c->flow[slot];
	struct coalesce_out out = { .to = f->to, .iov = f->iov, .n_iov = 1 + f->packets,
				    .packets = f->packets, .bytes = f->bytes };

	if (f->packets > 1)
		rewrite(f);
	memmove(c->order + at, c->order + at + 1, c->n - at - 1);
	c->order[--c->n] = slot;
	c->write(c->arg, &out);
}

/* The place in order[] of the flow, or c->n. */
static unsigned find(const struct coalesce *c, const struct piece *p)
{
	size_t off = hosts_off(p->version), len = hosts_len(p->version);

	for (unsigned i = 0; i < c->n; i++) {
		const struct coalesce_flow *f = &c->flow[c->order[i]];

		if (f->key == p->key && f->version == p->version && f->proto == p->proto &&
		    memcmp(f->pkt + off, p->pkt + off, len) == 0 &&
		    memcmp(f->pkt + f->upper_off, p->pkt + p->upper_off, 4) == 0)
			return i;
	}
	return c->n;
}

/* Of a packet whose flow cannot be told, not even one of its hosts may be overtaken. */
static void write_hosts(struct coalesce *c, const uint8_t *pkt, uint8_t version)
{
	size_t off = hosts_off(version), len = hosts_len(version);

	for (unsigned i = 0; i < c->n;) {
		const struct coalesce_flow *f = &c->flow[c->order[i]];

		if (f->version == version && memcmp(f->pkt + off, pkt + off, len) == 0)
			write_flow(c, i);
		else
			i++;
	}
}

/* May it begin a flow, or join one? Fills what is still missing in p. */
static bool joinable(struct piece *p, const struct inner *in)
{
	const uint8_t *up = p->pkt + p->upper_off;
	size_t upper_len = p->total - p->upper_off, header = UDP_HEADER;

	if (p->upper_off != (p->version == 4 ? V4_HEADER : V6_HEADER) || in->fragment)
		return false;
	if (p->proto == IPPROTO_UDP) {
		if (upper_len <= UDP_HEADER || be_get16(up + 4) != upper_len || !be_get16(up + 6))
			return false;
	} else {
		if (upper_len < TCP_HEADER)
			return false;
		header = (up[12] >> 4) * 4u;
		p->flags = up[13];
		p->seq = be_get32(up + 4);
		if (header < TCP_HEADER || upper_len <= header || !(p->flags & TCP_ACK) ||
		    (p->flags & (TCP_SYN | TCP_RST | TCP_URG | TCP_CWR)))
			return false;
	}
	p->header_len = (uint16_t)(p->upper_off + header);
	p->len = p->total - p->header_len;
	return true;
}

static bool checksums_right(const uint8_t *pkt, uint8_t version, uint8_t proto, size_t total)
{
	size_t off = version == 4 ? V4_HEADER : V6_HEADER;
	uint32_t sum = csum_pseudo(pkt, proto, (uint32_t)(total - off));

	if (version == 4 && csum_done(csum_add(0, pkt, V4_HEADER)))
		return false;
	return csum_done(csum_add(sum, pkt + off, total - off)) == 0;
}

static bool same_ip(const struct coalesce_flow *f, const struct piece *p)
{
	const uint8_t *a = f->pkt, *b = p->pkt;

	if (f->version == 6)	/* version, traffic class, flow label; hop limit */
		return memcmp(a, b, 4) == 0 && a[7] == b[7];
	if (memcmp(a, b, 2) != 0 || memcmp(a + 6, b + 6, 3) != 0)	/* TOS; DF; TTL */
		return false;
	return (a[6] & V4_DF) || be_get16(b + 4) == (uint16_t)(be_get16(a + 4) + f->packets);
}

static bool same_tcp(const struct coalesce_flow *f, const struct piece *p)
{
	const uint8_t *a = f->pkt + f->upper_off, *b = p->pkt + p->upper_off;

	return p->seq == f->next_seq && p->header_len == f->header_len &&
	       memcmp(a + 8, b + 8, 5) == 0 &&		/* acknowledgement, header length */
	       !((a[13] ^ b[13]) & ~TCP_LAST) &&
	       memcmp(a + 14, b + 14, 2) == 0 &&	/* window */
	       memcmp(a + 18, b + 18, (size_t)(f->header_len - f->upper_off - 18)) == 0;
}

static bool follows(struct coalesce_flow *f, void *to, const struct piece *p)
{
	if (f->to != to || p->len > f->size || f->total + p->len > TOTAL_MAX)
		return false;
	if (!same_ip(f, p) || (p->proto == IPPROTO_TCP && !same_tcp(f, p)))
		return false;
	if (!f->verified && !checksums_right(f->pkt, f->version, f->proto, f->total))
		return false;
	f->verified = true;
	return checksums_right(p->pkt, p->version, p->proto, p->total);
}

static bool complete(const struct coalesce_flow *f, const struct piece *p)
{
	return (p->flags & TCP_LAST) || p->len < f->size || f->packets == COALESCE_PACKETS ||
	       f->total + f->size > TOTAL_MAX;
}

static void begin(struct coalesce *c, void *to, const struct piece *p)
{
	struct coalesce_flow *f;

	if (c->n == COALESCE_FLOWS)
		write_flow(c, 0);
	f = &c->flow[c->order[c->n++]];
	f->to = to;
	f->key = p->key;
	f->pkt = p->pkt;
	f->packets = 1;
	f->bytes = f->total = p->total;
	f->next_seq = p->seq + (uint32_t)p->len;
	f->size = (uint16_t)p->len;
	f->upper_off = p->upper_off;
	f->header_len = p->header_len;
	f->version = p->version;
	f->proto = p->proto;
	f->flags = p->flags;
	f->verified = false;
	memset(&f->vnet, 0, sizeof(f->vnet));
	f->iov[0] = (struct iovec){ &f->vnet, sizeof(f->vnet) };
	f->iov[1] = (struct iovec){ p->pkt, p->total };
}

static void join(struct coalesce_flow *f, const struct piece *p)
{
	f->iov[1 + f->packets++] = (struct iovec){ p->pkt + p->header_len, p->len };
	f->bytes += p->total;
	f->total += p->len;
	f->next_seq += (uint32_t)p->len;
	f->flags = p->flags;
}

void coalesce_add(struct coalesce *c, void *to, uint8_t *pkt, const struct inner *in)
{
	struct piece p = { .pkt = pkt, .total = in->total_len, .upper_off = in->upper_off,
			   .version = in->version, .proto = in->proto };
	bool tcp = in->proto == IPPROTO_TCP, may;
	unsigned at;

	if (!in->proto_known || tcp || (in->proto == IPPROTO_UDP && c->uso)) {
		if (!in->proto_known || !in->ports_known) {
			write_hosts(c, pkt, in->version);
			write_alone(c, to, pkt, p.total);
			return;
		}
	} else {
		write_alone(c, to, pkt, p.total);
		return;
	}
	p.key = key_of(pkt, p.version, p.proto, p.upper_off);
	at = find(c, &p);
	may = joinable(&p, in);
	if (at < c->n) {
		struct coalesce_flow *f = &c->flow[c->order[at]];

		if (may && follows(f, to, &p)) {
			join(f, &p);
			if (complete(f, &p))
				write_flow(c, at);
			return;
		}
		write_flow(c, at);
	}
	/* A last one may come first: nothing will join it. */
	if (may && !(p.flags & TCP_LAST))
		begin(c, to, &p);
	else
		write_alone(c, to, pkt, p.total);
}

void coalesce_flush(struct coalesce *c)
{
	while (c->n)
		write_flow(c, 0);
}
