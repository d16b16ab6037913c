/* tx: from the interface to sealed packets.
 *
 * A segment of 64 KB becomes some forty packets. readv() puts the payload of each where it will
 * be encrypted, if the segment is cut as the one before was (struct esp_guess); else it is put
 * together in one piece and copied into place. The SA is looked for once per segment, for all
 * its pieces are of one flow.
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/be.h"
#include "dataplane/esp/frag.h"
#include "dataplane/esp/icmp.h"
#include "dataplane/esp/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define IPV6_MTU_MIN 1280
/* One turn of the loop: so many reads, or packets in the arena. Then what comes from the network
 * has its turn, and whoever wants the lane. */
#define ROUNDS 256
#define TURN (4 * BATCH)
#define SINGLES 32		/* so many in a row: no segments are expected */
#define FLUSH_AT (BATCH / 2)	/* packets of a segment that do not wait for more */
#define PENDING_MOST (BATCH / 4)	/* with so many waiting a segment would not fit in one batch */
#define SEGMENT_ROOM (96 * 1024)
#define IOV (2 + BATCH + 1)	/* virtio-net header, pieces, the rest */

/* ---- to whoever sent it ---- */

static void icmp_back(struct esp_iface *i, enum icmp_why why, uint32_t mtu,
		      const struct inner *in, const uint8_t *pkt, size_t len)
{
	struct virtio_net_hdr vnet = { 0 };
	uint8_t out[ICMP_MAX];
	size_t n = icmp_build(why, mtu, in, pkt, len, out);
	struct iovec iov[2] = { { &vnet, VNET_LEN }, { out, n } };

	if (!n || !log_limit_pass(&i->icmp, NULL))
		return;
	/* Should the interface be down there is nobody to tell. */
	if (writev(i->fd, iov, 2) < 0)
		return;
}

enum tx_fit tx_fit(const struct inner *in, unsigned mtu)
{
	if (in->total_len <= mtu)
		return TX_FITS;
	if (!in->df)
		return TX_CUT;
	return in->version == 6 && in->total_len <= IPV6_MTU_MIN ? TX_UNCUT : TX_TOO_BIG;
}

void tx_too_big(struct esp_iface *i, struct esp_sa *sa, unsigned mtu, const struct inner *in,
		const uint8_t *pkt)
{
	/* An IPv6 host may not be told less than 1280 (RFC 8200 §5). */
	if (in->version == 6 && mtu < IPV6_MTU_MIN)
		mtu = IPV6_MTU_MIN;
	esp_count(sa->sad, sa, ESP_DROP_MTU, 1);
	icmp_back(i, ICMP_TOO_BIG, mtu, in, pkt, in->total_len);
}

/* ---- the arena ---- */

/* Room for one more packet of so many bytes: where to write it; NULL when blocked. */
static uint8_t *place(struct worker *w, size_t len)
{
	size_t need = ESP_HEADROOM + len + ESP_TAILROOM;

	if (w->n_tx == BATCH || w->pos + need > TX_ARENA)
		wire_flush(w);
	if (w->blocked || w->n_tx == BATCH || w->pos + need > TX_ARENA)
		return NULL;
	/* In the clear, even if it does not go out. */
	if (w->pos + ESP_HEADROOM + len > w->used)
		w->used = w->pos + ESP_HEADROOM + len;
	return w->arena + w->pos + ESP_HEADROOM;
}

static void advance(struct worker *w, const uint8_t *end)
{
	w->pos = (size_t)(end - w->arena);
	if (w->pos > w->used)
		w->used = w->pos;
}

/* The inner packet lies at `inner` in the arena, alone behind pos: it goes out by sa. */
static void enqueue(struct worker *w, struct esp_sa *sa, uint8_t *inner, const struct inner *in,
		    bool may_frag, uint64_t now)
{
	size_t lead = esp_lead(&sa->sizes), wire_len = esp_wire_len(&sa->sizes, in->total_len);
	uint8_t *first = w->arena + w->pos + lead;
	uint64_t seq = esp_numbers(sa, 1);

	if (!seq) {
		esp_count(w->sad, sa, ESP_DROP_NUMBERS, 1);
		return;
	}
	if (inner < first) {	/* it was read with another SA in mind */
		memmove(first, inner, in->total_len);
		inner = first;
	}
	esp_wrap(sa, inner, in->total_len, in->version, seq, &w->ops[w->n_tx]);
	w->turn++;
	w->tx[w->n_tx++] = (struct tx_pkt){
		.sa = sa, .len = (uint32_t)wire_len, .inner_len = (uint32_t)in->total_len,
		.tos = in->tos,		/* RFC 4301 §5.1.2.1: DSCP and ECN are copied */
		.may_frag = may_frag,
	};
	advance(w, inner - lead + wire_len);
	esp_sent(sa, 1, in->total_len, now);
}

/* ---- one packet ---- */

static void fragment(struct worker *w, const uint8_t *pkt, struct inner in, struct esp_sa *sa,
		     unsigned mtu, uint64_t now)
{
	struct frag f;
	uint8_t *at;
	size_t n;

	if (frag_init(&f, w->cut.b, &in, mtu) < 0) {
		esp_count(w->sad, sa, ESP_DROP_MTU, 1);
		return;
	}
	memcpy(w->cut.b, pkt, in.total_len);
	if (in.total_len > w->cut.used)
		w->cut.used = in.total_len;
	while ((at = place(w, mtu))) {
		n = frag_next(&f, at);
		if (!n)
			return;
		if (inner_parse(at, n, &in) < 0)
			break;
		enqueue(w, sa, at, &in, false, now);
	}
	esp_count(w->sad, sa, at ? ESP_DROP_MALFORMED_OUT : ESP_DROP_SOCKET, 1);
}

/* Link-scope chatter of the kernel (multicast listeners and the like) is not traffic. */
static bool link_noise(const struct inner *in)
{
	if (in->version == 6)
		return addr_is_multicast(&in->dst) && (in->dst.b[1] & 15) <= 2;
	return in->dst.b[0] == 224 && in->dst.b[1] == 0 && in->dst.b[2] == 0;
}

/* On demand: the packet waits for the tunnel that it is the reason for. */
static bool wait_for_sa(struct worker *w, struct esp_iface *i, const uint8_t *pkt, size_t len,
			uint64_t now)
{
	unsigned waiting = i->trap.n;
	bool kept, tell;

	if (!i->trapping)
		return false;
	kept = trap_keep(&i->trap, pkt, len, now, &tell);
	if (kept && i->trap.n <= waiting)
		esp_count(w->sad, NULL, ESP_DROP_QUEUE, waiting + 1 - i->trap.n);
	if (w->sad->waits && (tell || (kept && i->trap.n == 1)))
		w->sad->waits(w->sad->arg, i, tell);
	if (!w->sad->waits && kept && !timer_running(&i->trap_timer))
		timer_set(w->sad->timers, &i->trap_timer, TRAP_WAIT_MS);
	return kept;
}

static enum esp_verdict why_none(bool any_usable, const struct esp_sa *blame)
{
	if (any_usable)
		return ESP_DROP_SELECTOR_OUT;
	return blame && atomic_load(&blame->common->expired) ? ESP_DROP_EXPIRED_OUT
							     : ESP_DROP_NO_TUNNEL;
}

static void no_sa(struct worker *w, struct esp_iface *i, const uint8_t *pkt,
		  const struct inner *in, bool any_usable, struct esp_sa *blame, uint64_t now)
{
	if (link_noise(in) ||
	    (!any_usable && wait_for_sa(w, i, pkt, in->total_len, now)))
		return;
	esp_count(w->sad, blame, why_none(any_usable, blame), 1);
	icmp_back(i, any_usable ? ICMP_PROHIBITED : ICMP_NO_TUNNEL, 0, in, pkt, in->total_len);
}

/* A packet that a host sent into the tunnel lies in the arena behind pos. */
static void outbound(struct worker *w, struct esp_iface *i, uint8_t *pkt, size_t len,
		     uint64_t now)
{
	struct esp_sa *sa, *blame;
	struct inner in;
	unsigned mtu;
	bool any;

	/* The kernel made it, so that this cannot fail but for packets injected raw. */
	if (inner_parse(pkt, len, &in) < 0) {
		esp_count(w->sad, NULL, ESP_DROP_MALFORMED_OUT, 1);
		return;
	}
	sa = sad_outbound(i, &in, &any, &blame, now);
	if (!sa) {
		no_sa(w, i, pkt, &in, any, blame, now);
		return;
	}
	i->guess.sizes = sa->sizes;
	mtu = sad_inner_mtu(sa, now);
	switch (tx_fit(&in, mtu)) {
	case TX_FITS:
		enqueue(w, sa, pkt, &in, false, now);
		break;
	case TX_CUT:
		fragment(w, pkt, in, sa, mtu, now);
		break;
	case TX_UNCUT:
		enqueue(w, sa, pkt, &in, true, now);
		break;
	case TX_TOO_BIG:
		tx_too_big(i, sa, mtu, &in, pkt);
		break;
	}
}

/* ---- many in one ---- */

/* What was read, without its virtio-net header, in one piece from w->whole.b on. */
static void put_together(struct worker *w, const struct iovec *iov, unsigned n_iov, size_t len)
{
	size_t got = 0;

	for (unsigned k = 0; k < n_iov && got < len; k++) {
		size_t n = iov[k].iov_len < len - got ? iov[k].iov_len : len - got;

		memcpy(w->whole.b + got, iov[k].iov_base, n);
		got += n;
	}
	if (got > w->whole.used)
		w->whole.used = got;
}

/* What its pieces have in common, with the length of the first. */
static int inner_of(const struct segment *s, struct inner *in)
{
	uint8_t head[SEGMENT_HEADER_MAX];

	memcpy(head, s->head, s->header_len);
	if (s->version == 4)
		be_put16(head + 2, s->header_len);
	else
		be_put16(head + 4, (uint16_t)(s->header_len - 40));
	if (inner_parse(head, s->header_len, in) < 0)
		return -1;
	in->total_len = s->header_len + segment_len(s, 0);
	return 0;
}

/* Pieces from .. from + n - 1 go out by sa. Their payload lies in place (from is 0 then), or is
 * copied from payload, that of the whole segment. */
static void enqueue_pieces(struct worker *w, struct esp_sa *sa, unsigned from, unsigned n,
			   const uint8_t *payload, uint8_t tos, uint64_t now)
{
	const struct segment *s = &w->segment;
	size_t lead = esp_lead(&sa->sizes), bytes = 0;
	size_t stride = esp_wire_len(&sa->sizes, s->header_len + s->size);
	uint8_t *at = w->arena + w->pos + lead;
	uint64_t seq = esp_numbers(sa, n);

	if (!seq) {
		esp_count(w->sad, sa, ESP_DROP_NUMBERS, n);
		return;
	}
	for (unsigned k = 0; k < n; k++, at += stride) {
		size_t len = segment_len(s, from + k);
		uint8_t *data = at + s->header_len;

		if (payload)
			memcpy(data, payload + segment_at(s, from + k), len);
		segment_header(s, from + k, at, data);
		len += s->header_len;
		esp_wrap(sa, at, len, s->version, seq + k, &w->ops[w->n_tx]);
		w->tx[w->n_tx++] = (struct tx_pkt){
			.sa = sa, .len = (uint32_t)esp_wire_len(&sa->sizes, len),
			.inner_len = (uint32_t)len, .tos = tos,
		};
		bytes += len;
	}
	w->turn += n;
	advance(w, at - lead);
	esp_sent(sa, n, bytes, now);
}

/* How many pieces the batch and the arena still take. */
static unsigned pieces_that_fit(const struct worker *w, size_t stride)
{
	size_t n = (TX_ARENA - w->pos) / stride;

	return n < BATCH - w->n_tx ? (unsigned)n : BATCH - w->n_tx;
}

/* The segment was put together in w->whole. */
static void copy_pieces(struct worker *w, struct esp_sa *sa, uint8_t tos, uint64_t now)
{
	const struct segment *s = &w->segment;
	size_t stride = esp_wire_len(&sa->sizes, s->header_len + s->size);

	for (unsigned at = 0, n; at < s->count; at += n) {
		n = pieces_that_fit(w, stride);
		if (n < s->count - at && w->n_tx) {
			wire_flush(w);
			n = w->blocked ? 0 : pieces_that_fit(w, stride);
		}
		if (!n) {
			esp_count(w->sad, sa, ESP_DROP_SOCKET, s->count - at);
			return;
		}
		if (n > s->count - at)
			n = s->count - at;
		enqueue_pieces(w, sa, at, n, w->whole.b + s->header_len, tos, now);
	}
}

/* Each piece goes its own way: into the trap, cut into fragments. Of those that cannot go the
 * first is answered, and the others are counted as why. */
static void one_by_one(struct worker *w, struct esp_iface *i, struct esp_sa *blame,
		       enum esp_verdict why, uint64_t now)
{
	const struct segment *s = &w->segment;
	const uint8_t *payload = w->whole.b + s->header_len;
	unsigned n = why == ESP_OK ? s->count : 1;
	uint8_t *at;

	for (unsigned k = 0; k < n; k++) {
		size_t len = segment_len(s, k);

		at = place(w, s->header_len + len);
		if (!at) {
			esp_count(w->sad, blame, ESP_DROP_SOCKET, s->count - k);
			return;
		}
		memcpy(at + s->header_len, payload + segment_at(s, k), len);
		segment_header(s, k, at, at + s->header_len);
		outbound(w, i, at, s->header_len + len, now);
	}
	if (n < s->count)
		esp_count(w->sad, blame, why, s->count - n);
}

static void segment(struct worker *w, struct esp_iface *i, const struct iovec *iov,
		    unsigned n_iov, size_t len, unsigned pieces, uint64_t now)
{
	const struct segment *s = &w->segment;
	struct esp_guess *g = &i->guess;
	struct esp_sa *sa, *blame;
	struct inner in;
	enum tx_fit fit = TX_FITS;
	bool any, in_place;

	if (inner_of(s, &in) < 0) {
		esp_count(w->sad, NULL, ESP_DROP_MALFORMED_OUT, s->count);
		return;
	}
	sa = sad_outbound(i, &in, &any, &blame, now);
	if (sa)
		fit = tx_fit(&in, sad_inner_mtu(sa, now));
	in_place = sa && fit == TX_FITS && s->header_len == g->header_len &&
		   s->size == g->size && s->count <= pieces &&
		   memcmp(&sa->sizes, &g->sizes, sizeof(g->sizes)) == 0;
	g->header_len = s->header_len;
	g->size = (uint16_t)s->size;
	g->singles = 0;
	if (in_place) {
		enqueue_pieces(w, sa, 0, s->count, NULL, in.tos, now);
	} else {
		put_together(w, iov, n_iov, len);
		if (!sa)
			one_by_one(w, i, blame, !any && i->trapping ? ESP_OK :
				   why_none(any, blame), now);
		else if (fit != TX_FITS)
			one_by_one(w, i, sa, fit == TX_TOO_BIG ? ESP_DROP_MTU : ESP_OK, now);
		else
			copy_pieces(w, sa, in.tos, now);
		if (sa)
			g->sizes = sa->sizes;
	}
	if (w->n_tx >= FLUSH_AT)
		wire_flush(w);
}

/* ---- reading ---- */

/* Where the next packet is read to: iov[0] is the virtio-net header's. Returns how many. */
static unsigned lay_out(struct worker *w, const struct esp_iface *i, struct iovec *iov,
			unsigned *pieces)
{
	const struct esp_guess *g = &i->guess;
	size_t room = i->mtu, stride;
	uint8_t *at = w->arena + w->pos + esp_lead(&g->sizes);
	unsigned n = 1;

	if (g->size)
		room = (size_t)g->header_len + g->size;
	stride = esp_wire_len(&g->sizes, room);
	*pieces = g->size ? pieces_that_fit(w, stride) : 1;
	iov[n++] = (struct iovec){ at, room };
	for (unsigned k = 1; k < *pieces; k++)
		iov[n++] = (struct iovec){ at + k * stride + g->header_len, g->size };
	iov[n++] = (struct iovec){ w->spill.b, sizeof(w->spill.b) };
	return n;
}

/* Is there room to read one more packet? */
static bool ready_to_read(struct worker *w, const struct esp_iface *i)
{
	size_t left = TX_ARENA - w->pos;

	if (w->n_tx == BATCH || left < ESP_HEADROOM + (size_t)i->mtu + ESP_TAILROOM ||
	    (i->guess.size && (w->n_tx > PENDING_MOST || left < SEGMENT_ROOM)))
		wire_flush(w);
	return !w->blocked;
}

static void single(struct worker *w, struct esp_iface *i, const struct iovec *iov,
		   unsigned n_iov, size_t len, uint64_t now)
{
	struct esp_guess *g = &i->guess;
	uint8_t *at = iov[0].iov_base;

	if (g->size && ++g->singles == SINGLES)
		g->size = 0;
	if (len > iov[0].iov_len) {
		g->size = 0;
		put_together(w, iov, n_iov, len);
		at = place(w, len);
		if (!at) {
			esp_count(w->sad, NULL, ESP_DROP_SOCKET, 1);
			return;
		}
		memcpy(at, w->whole.b, len);
	}
	segment_finish(&w->segment, at, len);
	outbound(w, i, at, len, now);
}

/* What was read is in the clear, wherever it ends. */
static void touched(struct worker *w, const struct iovec *iov, unsigned n_iov, size_t len)
{
	unsigned last = len > iov[1].iov_len ? n_iov - 2 : 1;
	size_t upto = (size_t)((uint8_t *)iov[last].iov_base - w->arena);

	upto += last == 1 && len < iov[1].iov_len ? len : iov[last].iov_len;
	if (upto > w->used)
		w->used = upto;
	for (unsigned k = 1; k <= last && len; k++)
		len -= len < iov[k].iov_len ? len : iov[k].iov_len;
	if (len > w->spill.used)
		w->spill.used = len;
}

uint32_t tx_events(const struct esp_iface *i)
{
	const struct worker *w = i->user;

	if (w->blocked)
		return 0;
	/* Should it fail for ever, it is heard again when it has something new. */
	return EPOLLIN | (i->failing ? (uint32_t)EPOLLET : 0);
}

static void set_failing(struct worker *w, struct esp_iface *i, bool on)
{
	if (i->failing == on)
		return;
	i->failing = on;
	loop_mod(w->loop, i->fd, tx_events(i));
}

static void went_away(struct worker *w, const struct esp_iface *i, const char *why)
{
	log_warning(NULL, "%s: the interface went away: %s", i->name, why);
	loop_del(w->loop, i->fd);
}

/* Nothing was read; false when there is no use in asking again now. Some errors are about one
 * packet, which is gone then: the next may be better. */
static bool not_read(struct worker *w, struct esp_iface *i, int error)
{
	if (error == EINTR)
		return true;
	if (error == EAGAIN)
		return false;
	if (error == EBADFD || error == EBADF || error == EIO) {
		went_away(w, i, strerror(error));
		return false;
	}
	esp_count(w->sad, NULL, ESP_DROP_TUN, 1);
	set_failing(w, i, true);
	return true;
}

/* One packet; false when there was none. */
static bool read_one(struct worker *w, struct esp_iface *i, uint64_t now)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[IOV];
	unsigned pieces, n_iov = lay_out(w, i, iov, &pieces);
	ssize_t n;
	size_t len;

	iov[0] = (struct iovec){ &vnet, VNET_LEN };
	n = readv(i->fd, iov, (int)n_iov);
	if (n < (ssize_t)VNET_LEN)
		return not_read(w, i, n < 0 ? errno : EPROTO);
	set_failing(w, i, false);
	len = (size_t)n - VNET_LEN;
	touched(w, iov, n_iov, len);
	if (segment_begin(&w->segment, &vnet, iov + 1, n_iov - 1, len) < 0 ||
	    (w->segment.kind == SEGMENT_WHOLE && len > ESP_INNER_MAX)) {
		esp_count(w->sad, NULL, ESP_DROP_MALFORMED_OUT, 1);
		return true;
	}
	if (w->segment.kind == SEGMENT_WHOLE)
		single(w, i, iov + 1, n_iov - 1, len, now);
	else
		segment(w, i, iov + 1, n_iov - 1, len, pieces, now);
	return true;
}

void tx_ready(void *arg, uint32_t events)
{
	struct esp_iface *i = arg;
	struct worker *w = i->user;
	uint64_t now = clock_ms();

	if (events & EPOLLERR) {	/* told even while nothing is read */
		went_away(w, i, "unregistered");
		return;
	}
	w->turn = 0;
	for (int k = 0; k < ROUNDS && w->turn < TURN; k++)
		if (!ready_to_read(w, i) || !read_one(w, i, now))
			break;
	wire_flush(w);
}

/* ---- packets that wait ---- */

static bool can_send(const struct esp_iface *i)
{
	for (const struct esp_sa *sa = i->sas; sa; sa = sa->next_iface)
		if (sad_can_send(sa))
			return true;
	return false;
}

/* What waited goes, or is told that it waited in vain. */
void tx_trap_due(struct esp_iface *i)
{
	struct worker *w = i->user;
	uint64_t now = clock_ms();
	bool send = can_send(i);
	struct trapped *p;
	struct inner in;
	uint8_t *at;

	while ((at = place(w, TRAP_BYTES)) &&
	       (p = send ? trap_take(&i->trap) : trap_expired(&i->trap, now))) {
		if (send) {
			memcpy(at, p->b, p->len);
			outbound(w, i, at, p->len, now);
		} else if (inner_parse(p->b, p->len, &in) == 0) {
			esp_count(w->sad, NULL, ESP_DROP_NO_TUNNEL, 1);
			icmp_back(i, ICMP_NO_TUNNEL, 0, &in, p->b, p->len);
		}
		trapped_free(p);
	}
	wire_flush(w);
	if (i->trap.first)
		timer_set(w->sad->timers, &i->trap_timer, send ? 20 : 1000);
}
