/* rooms: dataplane/esp dataplane/engine core/daemon core/crypto core/base */
/* esp_coalesce: whatever is given to coalesce, cutting up what it writes as a network card
 * would gives the same packets, those of one flow in the same order. */
#include "dataplane/esp/coalesce.h"
#include "dataplane/esp/segment.h"
#include "tests/unit/esp_help.h"
#include "tests/unit/esp_slow.h"

#define FLOWS 20
#define STREAM 150000		/* bytes of each flow in a property run */
#define KEPT 2048		/* bytes of a packet that is compared whole */

static struct coalesce c;
static int iface;		/* an address, nothing more */

/* What was written, cut up again. */
static struct {
	uint8_t b[KEPT];
	size_t len;
} out[4096];
static size_t n_out, n_writes, n_packets, n_bytes;
static uint8_t flat[70000];

/* The IPv4 identification of what has DF says nothing (RFC 6864 §4.1). */
static void forget_id(uint8_t *p)
{
	if (p[0] >> 4 == 4 && (p[6] & 0x40)) {
		slow_put(p + 4, 2, 0);
		slow_put(p + 10, 2, 0);
	}
}

static void keep(const uint8_t *p, size_t len)
{
	CHECK(n_out < sizeof(out) / sizeof(out[0]) && len <= KEPT);
	memcpy(out[n_out].b, p, len);
	forget_id(out[n_out].b);
	out[n_out++].len = len;
}

static void written(void *arg, const struct coalesce_out *o)
{
	struct virtio_net_hdr vnet;
	struct slow big, small;
	uint8_t packet[KEPT];
	size_t len = 0, i;

	CHECK(arg == &c && o->to == &iface);
	CHECK(o->n_iov >= 2 && o->n_iov <= COALESCE_IOV);
	CHECK_INT(o->n_iov, 1 + o->packets);
	CHECK_INT(o->iov[0].iov_len, sizeof(vnet));
	memcpy(&vnet, o->iov[0].iov_base, sizeof(vnet));
	for (i = 1; i < o->n_iov; i++) {
		CHECK(len + o->iov[i].iov_len <= 65535);
		memcpy(flat + len, o->iov[i].iov_base, o->iov[i].iov_len);
		len += o->iov[i].iov_len;
	}
	n_writes++;
	n_packets += o->packets;
	n_bytes += o->bytes;
	if (o->packets == 1) {
		static const struct virtio_net_hdr none;

		CHECK_MEM(&vnet, &none, sizeof(none));
		CHECK_INT(o->bytes, len);
		keep(flat, len);
		return;
	}
	CHECK(slow_parse(flat, len, vnet.csum_offset == 16 ? 6 : 17, vnet.csum_start, true, &big));
	CHECK(slow_gso_ok(&vnet, &big));
	for (i = 0; slow_piece(&big, vnet.gso_size, i, &small); i++)
		keep(packet, slow_build(&small, packet));
	CHECK_INT(i, o->packets);
	CHECK_INT(o->bytes, len + (i - 1) * slow_header(&big));
}

static void fresh(bool uso)
{
	coalesce_init(&c, uso, written, &c);
	n_out = n_writes = n_packets = n_bytes = 0;
}

/* ---- packets by hand */

static uint8_t mem[512][KEPT];
static size_t n_mem;
static struct slow s;
static uint8_t bytes[200000];

static void flow4(void)
{
	memset(&s, 0, sizeof(s));
	s.version = 4;
	s.proto = IPPROTO_TCP;
	s.ttl = 63;
	s.df = true;
	memcpy(s.addrs, "\x0a\x01\0\x05\x0a\x02\0\x09", 8);
	memcpy(s.ports, "\x13\x88\xc0\x01", 4);
	s.flags = SLOW_ACK;
	s.seq = 0xfffffe00;		/* goes over the end on the way */
	s.window = 501;
	s.options_len = 12;
	memcpy(s.options, "\1\1\x08\x0a\0\0\0\1\0\0\0\2", 12);
	s.payload = bytes;
	s.len = 1000;
}

static void flow6(void)
{
	flow4();
	s.version = 6;
	s.df = false;
	s.flow_label = 0x12345;
	for (size_t i = 0; i < 32; i++)
		s.addrs[i] = (uint8_t)(0x20 + i);
}

static void datagrams(void)
{
	flow4();
	s.proto = IPPROTO_UDP;
	s.flags = 0;
	s.options_len = 0;
}

static uint8_t *add_raw(const uint8_t *p, size_t len)
{
	uint8_t *m = mem[n_mem++ % 512];
	struct inner in;

	memcpy(m, p, len);
	CHECK(inner_parse(m, len, &in) == 0);
	coalesce_add(&c, &iface, m, &in);
	return m;
}

/* Give s, and go on to the next of its flow. */
static void add(void)
{
	uint8_t p[KEPT];
	size_t len = slow_build(&s, p);

	add_raw(p, len);
	if (s.proto == IPPROTO_TCP)
		s.seq += (uint32_t)s.len;
	s.id++;
}

static void three_are_one(void (*flow)(void))
{
	flow();
	fresh(true);
	add();
	add();
	add();
	CHECK_INT(n_writes, 0);
	coalesce_flush(&c);
	CHECK_INT(n_writes, 1);
	CHECK_INT(n_packets, 3);
	CHECK_INT(n_out, 3);
	coalesce_flush(&c);
	CHECK_INT(n_writes, 1);
}

static void one_write_for_many(void)
{
	three_are_one(flow4);
	three_are_one(flow6);
	three_are_one(datagrams);
	/* A shorter one ends it, a longer one begins anew. */
	flow4();
	fresh(false);
	add();
	s.len = 999;
	add();
	CHECK_INT(n_writes, 1);
	CHECK_INT(n_packets, 2);
	add();
	s.len = 1000;
	add();
	CHECK_INT(n_writes, 2);
	coalesce_flush(&c);
	CHECK_INT(n_writes, 3);
}

static void limits(void)
{
	flow4();		/* 64 packets */
	fresh(false);
	s.len = 500;
	for (int i = 0; i < 65; i++)
		add();
	CHECK_INT(n_writes, 1);
	CHECK_INT(n_packets, 64);
	coalesce_flush(&c);
	CHECK_INT(n_writes, 2);

	flow4();		/* 64 KB: 52 + 45 * 1448 */
	fresh(false);
	s.len = 1448;
	for (int i = 0; i < 46; i++)
		add();
	CHECK_INT(n_writes, 1);
	CHECK_INT(n_packets, 45);
	coalesce_flush(&c);
	CHECK_INT(n_out, 46);

	for (int f = 0; f < COALESCE_FLOWS + 1; f++) {	/* the oldest makes room */
		if (!f)
			fresh(false);
		flow4();
		slow_put(s.ports, 2, (uint32_t)(1000 + f));
		add();
		add();
	}
	CHECK_INT(n_writes, 1);
	CHECK_INT(slow_get(out[0].b + 20, 2), 1000);
	coalesce_flush(&c);
	CHECK_INT(n_writes, COALESCE_FLOWS + 1);
	for (int f = 0; f < COALESCE_FLOWS + 1; f++)	/* and so on, in order of age */
		CHECK_INT(slow_get(out[2 * f].b + 20, 2), 1000 + f);
}

/* One thing is different in the second packet: nothing is joined, and the order is kept. */
static uint8_t first[KEPT];
static size_t first_len;

static void begin_pair(void (*flow)(void))
{
	flow();
	fresh(true);
	first_len = slow_build(&s, first);
	add();
}

static void kept_apart(const char *what)
{
	uint8_t second[KEPT];
	size_t len = slow_build(&s, second);

	add();
	coalesce_flush(&c);
	if (n_writes != 2)
		printf("    joined in spite of %s\n", what);
	CHECK_INT(n_writes, 2);
	forget_id(first);
	forget_id(second);
	CHECK_INT(out[0].len, first_len);
	CHECK_MEM(out[0].b, first, first_len);
	CHECK_INT(out[1].len, len);
	CHECK_MEM(out[1].b, second, len);
}

#define APART(flow, what) do { begin_pair(flow); what; kept_apart(#what); } while (0)

static void what_must_be_the_same(void)
{
	APART(flow4, s.tos = 1);
	APART(flow4, s.tos = 0x20);
	APART(flow4, s.ttl--);
	APART(flow4, s.df = false);
	APART(flow4, s.seq++);
	APART(flow4, s.seq -= 1000);
	APART(flow4, s.ack++);
	APART(flow4, s.window++);
	APART(flow4, s.len++);
	APART(flow4, s.len = 0);
	APART(flow4, s.options[7]++);
	APART(flow4, s.options_len = 8);
	APART(flow4, s.reserved = 1);
	APART(flow4, s.urgent = 1);
	APART(flow4, s.flags |= SLOW_SYN);
	APART(flow4, s.flags |= SLOW_RST);
	APART(flow4, s.flags |= SLOW_URG);
	APART(flow4, s.flags |= SLOW_CWR);
	APART(flow4, s.flags |= SLOW_ECE);
	APART(flow4, s.flags &= (uint8_t)~SLOW_ACK);
	APART(flow4, s.ports[1]++);
	APART(flow4, s.ports[3]++);
	APART(flow4, s.addrs[3]++);
	APART(flow4, s.addrs[7]++);
	APART(flow4, (s.between_len = 4, memset(s.between, 1, 4)));
	APART(flow6, s.tos = 2);
	APART(flow6, s.flow_label++);
	APART(flow6, s.ttl--);
	APART(flow6, s.addrs[31]++);
	APART(flow6, (s.between_len = 8, s.between_next = IPPROTO_DSTOPTS,
		      memcpy(s.between, "\6\0\1\4\0\0\0", 8)));
	APART(datagrams, s.tos = 3);
	APART(datagrams, s.ports[0]++);
	APART(datagrams, s.len++);
	APART(datagrams, s.len = 0);
	APART(datagrams, (s.proto = IPPROTO_TCP, s.flags = SLOW_ACK));
}

static void no_df(void)
{
	flow4();
	s.df = false;
}

static void identification(void)
{
	three_are_one(no_df);
	APART(no_df, s.id += 5);
	fresh(false);
	flow4();		/* with DF it says nothing */
	add();
	s.id += 5;
	add();
	coalesce_flush(&c);
	CHECK_INT(n_writes, 1);
}

static void last_flags(void)
{
	for (int fin = 0; fin < 2; fin++) {
		flow4();
		fresh(false);
		add();
		s.flags |= fin ? SLOW_FIN | SLOW_PSH : SLOW_PSH;
		add();
		CHECK_INT(n_writes, 1);		/* nothing may follow it */
		CHECK_INT(n_packets, 2);
		CHECK(!(out[0].b[33] & (SLOW_PSH | SLOW_FIN)));
		CHECK_INT(out[1].b[33], s.flags);
		add();				/* it comes first: nothing may join it */
		CHECK_INT(n_writes, 2);
	}
}

static void datagrams_only_where_taken(void)
{
	datagrams();
	fresh(false);
	add();
	add();
	CHECK_INT(n_writes, 2);
}

static void other_interface(void)
{
	uint8_t p[2][KEPT];
	struct inner in;
	size_t l;

	flow4();
	fresh(false);
	l = slow_build(&s, p[0]);
	CHECK(inner_parse(p[0], l, &in) == 0);
	coalesce_add(&c, &iface, p[0], &in);
	s.seq += (uint32_t)s.len;
	l = slow_build(&s, p[1]);
	coalesce_add(&c, &c, p[1], &in);
	CHECK_INT(n_writes, 1);		/* the first; the second would go elsewhere */
	CHECK_INT(n_packets, 1);
}

/* Wrong checksums pass as they are, one by one, whichever of the packets has it. */
static void checksums_are_looked_at(void)
{
	static const size_t at[] = { 10, 36, 60 };	/* IP header's, TCP's, payload */
	uint8_t p[3][KEPT];
	size_t l = 0;

	for (int bad_one = 0; bad_one < 3; bad_one++) {
		for (size_t k = 0; k < 3; k++) {
			flow4();
			fresh(false);
			for (int i = 0; i < 3; i++) {
				l = slow_build(&s, p[i]);
				if (i == bad_one)
					p[i][at[k]] ^= 0x10;
				add_raw(p[i], l);
				s.seq += (uint32_t)s.len;
			}
			coalesce_flush(&c);
			CHECK_INT(n_out, 3);
			CHECK_INT(n_writes, bad_one == 1 ? 3 : 2);
			for (int i = 0; i < 3; i++) {
				forget_id(p[i]);
				CHECK_MEM(out[i].b, p[i], l);
			}
		}
	}
	datagrams();		/* UDP without a checksum stays without */
	fresh(true);
	for (int i = 0; i < 2; i++) {
		l = slow_build(&s, p[0]);
		slow_put(p[0] + 26, 2, 0);
		add_raw(p[0], l);
	}
	CHECK_INT(n_writes, 2);
}

/* A fragment, whose flow cannot be told, overtakes nothing between the same hosts. */
static void fragments_keep_their_place(void)
{
	uint8_t p[KEPT];
	size_t l;

	flow4();
	fresh(false);
	add();
	l = slow_build(&s, p);
	slow_put(p + 6, 2, 100);
	slow_put(p + 10, 2, 0);
	slow_put(p + 10, 2, (uint16_t)~slow_sum(p, 20, 0));
	add_raw(p, l);
	CHECK_INT(n_writes, 2);
	CHECK_MEM(out[1].b, p, l);
	flow4();		/* the first of them has ports */
	add();
	l = slow_build(&s, p);
	slow_put(p + 6, 2, 0x2000);
	slow_put(p + 10, 2, 0);
	slow_put(p + 10, 2, (uint16_t)~slow_sum(p, 20, 0));
	add_raw(p, l);
	CHECK_INT(n_writes, 4);
	CHECK_MEM(out[3].b, p, l);
	flow4();		/* too short for its ports */
	add();
	l = slow_build(&s, p);
	slow_put(p + 2, 2, 22);
	add_raw(p, 22);
	CHECK_INT(n_writes, 6);
	flow4();		/* of others: passes by */
	s.addrs[0]++;
	add();
	l = make_v4(p, "10.1.0.5", "10.2.0.9", 1, 0, 100);
	add_raw(p, l);
	CHECK_INT(n_writes, 7);
	CHECK_INT(c.n, 1);
}

/* ---- the property: byte streams */

static struct flow {
	struct slow s;
	uint32_t isn;
	size_t at;			/* bytes sent so far */
	uint16_t mss;
	uint8_t got[STREAM];
	bool have[STREAM];
	size_t n_sent, n_seen;		/* packets given to coalesce, and come out again */
	struct {
		uint8_t b[KEPT];
		size_t len;
	} sent[600];
} flows[FLOWS];

static uint8_t stream_byte(const struct flow *f, size_t at)
{
	return (uint8_t)((at * 2654435761u) >> 13 ^ (size_t)(f - flows) * 37);
}

static void invent(struct flow *f)
{
	static uint8_t n;

	memset(f, 0, sizeof(*f));
	if (rng_below(2))
		flow4();
	else
		flow6();
	if (s.version == 4)
		s.df = rng_below(4);
	slow_put(s.ports + 2, 2, 5000u + n++);
	s.tos = (uint8_t)rng_below(4);
	s.options_len = rng_below(2) ? 12 : 4 * rng_below(11);
	s.id = (uint16_t)rng_u32();
	s.seq = f->isn = rng_u32();
	f->s = s;
	f->mss = (uint16_t)(rng_below(4) ? 1200 + rng_below(300) : 1 + rng_below(1460));
}

/* A whole TSO packet of f, cut by what is under test as well. It fills seg, big and vnet. */
static uint8_t big[70000];
static struct segment seg;

static void send_big(struct flow *f, size_t from, size_t n)
{
	struct virtio_net_hdr v = { .gso_size = f->mss,
				    .gso_type = f->s.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
								  : VIRTIO_NET_HDR_GSO_TCPV6 };
	static uint8_t payload[66000];
	struct iovec iov = { big, 0 };

	for (size_t i = 0; i < n; i++)
		payload[i] = stream_byte(f, from + i);
	f->s.payload = payload;
	f->s.len = n;
	f->s.seq = f->isn + (uint32_t)from;
	f->s.flags = SLOW_ACK | (rng_below(8) ? 0 : SLOW_CWR) | (rng_below(16) ? 0 : SLOW_ECE);
	f->s.flags |= from + n == STREAM ? SLOW_FIN | SLOW_PSH : rng_below(2) ? SLOW_PSH : 0;
	if (rng_below(3) == 0)
		slow_put(f->s.options + 4, 4, rng_u32());	/* the clock ticks */
	iov.iov_len = slow_build(&f->s, big);
	CHECK(segment_begin(&seg, &v, &iov, 1, iov.iov_len) == 0);
	if (f->s.version == 4)
		f->s.id = (uint16_t)(f->s.id + seg.count);
}

static size_t get_piece(unsigned i, uint8_t *at)
{
	size_t n = segment_len(&seg, i);

	memcpy(at + seg.header_len, big + seg.header_len + segment_at(&seg, i), n);
	segment_header(&seg, i, at, at + seg.header_len);
	return seg.header_len + n;
}

/* What is on its way, in an order of its own. */
static struct {
	struct flow *f;
	uint8_t b[KEPT];
	size_t len;
} wire[300];
static size_t n_wire;

static struct end near, far;
static bool through_esp;

static void to_coalesce(size_t at)
{
	struct flow *f = wire[at].f;
	static struct esp_pkt p;
	struct inner in;

	if (through_esp) {
		p.off = ESP_HEADROOM;
		p.len = wire[at].len;
		memcpy(esp_pkt_data(&p), wire[at].b, p.len);
		CHECK_INT(seal_one(sad_by_id(&near.sad, near.conf.id), &p), ESP_OK);
		CHECK_INT(open_one(&far, &p, &in), ESP_OK);
		wire[at].len = p.len;
		memcpy(wire[at].b, esp_pkt_data(&p), p.len);
	}
	CHECK(f->n_sent < 600);
	f->sent[f->n_sent].len = wire[at].len;
	memcpy(f->sent[f->n_sent].b, wire[at].b, wire[at].len);
	forget_id(f->sent[f->n_sent++].b);
	CHECK(inner_parse(wire[at].b, wire[at].len, &in) == 0);
	coalesce_add(&c, &iface, wire[at].b, &in);
}

/* The receiving host: what was written is what was given, in order, and it takes the bytes. */
static void take(void)
{
	struct slow t;

	for (size_t i = 0; i < n_out; i++) {
		size_t up = out[i].b[0] >> 4 == 4 ? 20 : 40, k;
		struct flow *f = NULL;
		size_t at;

		for (k = 0; k < FLOWS && !f; k++)
			if (flows[k].s.version == out[i].b[0] >> 4 &&
			    memcmp(flows[k].s.ports, out[i].b + up, 4) == 0)
				f = &flows[k];
		CHECK(f != NULL && f->n_seen < f->n_sent);
		CHECK_INT(out[i].len, f->sent[f->n_seen].len);
		CHECK_MEM(out[i].b, f->sent[f->n_seen].b, out[i].len);
		f->n_seen++;
		if (f->s.df)	/* what forget_id() took */
			slow_put(out[i].b + 10, 2, (uint16_t)~slow_sum(out[i].b, 20, 0));
		if (!slow_parse(out[i].b, out[i].len, 6, up, false, &t))
			continue;	/* spoiled on the way: TCP does not take it */
		at = t.seq - f->isn;
		CHECK(at + t.len <= STREAM);
		memcpy(f->got + at, t.payload, t.len);
		memset(f->have + at, 1, t.len);
	}
	n_out = 0;
}

/* One batch through loss, spoiling and reordering. */
static void deliver(unsigned trouble)
{
	for (size_t i = 0; i < n_wire; i++) {
		unsigned fate = trouble ? rng_below(100) : 100;

		if (fate < trouble)
			continue;
		if (fate < 2 * trouble && i + 1 < n_wire) {
			typeof(wire[0]) t = wire[i];

			wire[i] = wire[i + 1];
			wire[i + 1] = t;
		} else if (fate < 3 * trouble) {
			wire[i].b[20 + rng_below((uint32_t)wire[i].len - 20)] ^= 1;
			/* Not in what the test knows a flow by. */
			memcpy(wire[i].b + (wire[i].f->s.version == 4 ? 20 : 40),
			       wire[i].f->s.ports, 4);
			if (wire[i].f->s.version == 6)
				memcpy(wire[i].b + 8, wire[i].f->s.addrs, 32);
		}
		to_coalesce(i);
	}
	coalesce_flush(&c);
	take();
	n_wire = 0;
}

static void to_wire(struct flow *f, unsigned trouble)
{
	for (unsigned i = 0; i < seg.count; i++) {
		unsigned copies = trouble && rng_below(50) == 0 ? 2 : 1;

		for (; copies; copies--) {
			if (n_wire == 256)
				deliver(trouble);
			wire[n_wire].f = f;
			wire[n_wire].len = get_piece(i, wire[n_wire].b);
			n_wire++;
		}
	}
}

static void streams(unsigned n_flows, unsigned trouble)
{
	unsigned left = n_flows;

	fresh(false);
	n_wire = 0;
	memset(flows, 0, sizeof(flows));
	for (unsigned i = 0; i < n_flows; i++)
		invent(&flows[i]);
	while (left) {
		struct flow *f = &flows[rng_below(n_flows)];
		size_t n = 1 + rng_below(rng_below(2) ? 60000 : 3000);

		if (f->at == STREAM)
			continue;
		if (n > f->mss * 40u)
			n = f->mss * 40u;
		if (n > STREAM - f->at)
			n = STREAM - f->at;
		/* Tiny segments: enough of them were seen, the rest is larger. */
		if (f->n_sent > 150 && f->mss < 1000)
			f->mss = 1460;
		send_big(f, f->at, n);
		to_wire(f, trouble);
		f->at += n;
		left -= f->at == STREAM;
	}
	deliver(trouble);
	for (unsigned i = 0; i < n_flows; i++) {	/* what was lost is sent again */
		struct flow *f = &flows[i];

		for (size_t at = 0; at < STREAM; at++) {
			size_t n = 0;

			while (at + n < STREAM && n < f->mss && !f->have[at + n])
				n++;
			if (!n)
				continue;
			send_big(f, at, n);
			to_wire(f, 0);
			deliver(0);
		}
		for (size_t at = 0; at < STREAM; at++)
			CHECK(f->have[at] && f->got[at] == stream_byte(f, at));
		CHECK_INT(f->n_seen, f->n_sent);
	}
	CHECK_INT(c.n, 0);
}

static void streams_undisturbed(void)
{
	through_esp = false;
	for (int i = 0; i < 6; i++)
		streams(1 + rng_below(FLOWS), 0);
	streams(1, 0);
}

static void streams_in_trouble(void)
{
	through_esp = false;
	for (unsigned i = 0; i < 20; i++)
		streams(1 + rng_below(FLOWS), 1 + i % 10);
}

static void streams_through_esp(void)
{
	end_conf(&near, &far, ENCR_AES_GCM_16, 128, INTEG_NONE, true);
	near.conf.local_ts[0] = far.conf.remote_ts[0] = net("0.0.0.0/0");
	near.conf.remote_ts[0] = far.conf.local_ts[0] = net("0.0.0.0/0");
	near.conf.local_ts[1] = far.conf.remote_ts[1] = net("::/0");
	near.conf.remote_ts[1] = far.conf.local_ts[1] = net("::/0");
	end_up(&near);
	end_up(&far);
	through_esp = true;
	streams(8, 0);
	end_down(&near);
	end_down(&far);
	through_esp = false;
}

/* One undisturbed flow of full segments: as few writes as 64 KB allow. */
static void few_writes(void)
{
	flow4();
	s.len = 1348;
	fresh(false);
	for (int i = 0; i < 256; i++)
		add();
	coalesce_flush(&c);
	CHECK_INT(n_packets, 256);
	CHECK_INT(n_writes, 6);		/* 48 of them are 64 KB */
	CHECK_INT(n_bytes, 256 * 1400);
}

int main(void)
{
	log_level_set(LL_ERROR);
	rng_virtual_seed(5);
	rng_bytes(bytes, sizeof(bytes));
	T_RUN(one_write_for_many);
	T_RUN(limits);
	T_RUN(what_must_be_the_same);
	T_RUN(identification);
	T_RUN(last_flags);
	T_RUN(datagrams_only_where_taken);
	T_RUN(other_interface);
	T_RUN(checksums_are_looked_at);
	T_RUN(fragments_keep_their_place);
	T_RUN(few_writes);
	T_RUN(streams_undisturbed);
	T_RUN(streams_in_trouble);
	T_RUN(streams_through_esp);
	return t_done();
}
