/* esp: the ESP packet itself. */
#include "dataplane/esp/esp.h"

#include "core/base/rd.h"
#include "core/base/be.h"
#include "dataplane/esp/ts.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define TRAILER 2		/* pad length and next header */
#define NEXT_IPV4 4
#define NEXT_IPV6 41
#define NEXT_DUMMY 59		/* RFC 4303 §2.6 */
#define IKE_LEAST (4 + 28)	/* the marker and a header, RFC 7296 §3.1 */

_Static_assert(ESP_HEADROOM >= ENGINE_ESP_HEADER + 16, "header and the longest IV fit");

#define STAT(field) (1 + offsetof(struct sa_stats, field))

/* What a verdict adds to. The kernel's counters name a few things that it sees otherwise: an
 * inner packet that is not the SA's is a "state mismatch" there. */
static const struct {
	enum counter counter;	/* COUNTERS_N: none */
	size_t stat;		/* 0: none */
} kept[ESP_VERDICTS] = {
	[ESP_OK] = { COUNTERS_N, 0 },
	[ESP_IGNORE] = { COUNTERS_N, 0 },
	[ESP_IKE] = { COUNTERS_N, 0 },
	[ESP_DROP_IKE] = { COUNTER_IN_ERROR, 0 },
	[ESP_DROP_NO_SA] = { COUNTER_IN_NO_STATES, 0 },
	[ESP_DROP_REPLAY] = { COUNTER_IN_STATE_SEQ_ERROR, STAT(drop_replay) },
	[ESP_DROP_AUTH] = { COUNTER_IN_STATE_PROTO_ERROR, STAT(drop_auth) },
	[ESP_DROP_SELECTOR_IN] = { COUNTER_IN_STATE_MISMATCH, STAT(drop_selector_in) },
	[ESP_DROP_MALFORMED] = { COUNTER_IN_HDR_ERROR, STAT(drop_malformed) },
	[ESP_DROP_EXPIRED] = { COUNTER_IN_STATE_EXPIRED, STAT(drop_expired) },
	[ESP_DROP_TUN] = { COUNTER_IN_BUFFER_ERROR, STAT(drop_socket) },
	[ESP_DROP_NO_TUNNEL] = { COUNTER_OUT_NO_STATES, STAT(drop_selector_out) },
	[ESP_DROP_QUEUE] = { COUNTER_OUT_NO_QUEUE_SPACE, 0 },
	[ESP_DROP_SELECTOR_OUT] = { COUNTER_OUT_POL_BLOCK, STAT(drop_selector_out) },
	[ESP_DROP_MALFORMED_OUT] = { COUNTER_FWD_HDR_ERROR, STAT(drop_malformed) },
	[ESP_DROP_EXPIRED_OUT] = { COUNTER_OUT_STATE_EXPIRED, STAT(drop_expired) },
	[ESP_DROP_NUMBERS] = { COUNTER_OUT_STATE_SEQ_ERROR, STAT(drop_expired) },
	[ESP_DROP_MTU] = { COUNTER_OUT_STATE_PROTO_ERROR, STAT(drop_mtu) },
	[ESP_DROP_SOCKET] = { COUNTER_OUT_ERROR, STAT(drop_socket) },
};

void esp_count(struct sad *s, struct esp_sa *sa, enum esp_verdict v, unsigned n)
{
	uint64_t sum;
	char *at;

	if (kept[v].counter < COUNTERS_N)
		s->counters[kept[v].counter] += n;
	if (!sa || !kept[v].stat)
		return;
	at = (char *)&sa->stats + kept[v].stat - 1;
	memcpy(&sum, at, sizeof(sum));
	sum += n;
	memcpy(at, &sum, sizeof(sum));
}

bool esp_counts(enum counter c)
{
	for (int v = 0; v < ESP_VERDICTS; v++)
		if (kept[v].counter == c)
			return true;
	return false;
}

/* It needs a successor. */
static void soon(struct esp_sa *sa)
{
	if (!atomic_exchange(&sa->common->soft_told, true))
		sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_SOFT);
}

/* Lifetimes in bytes and packets, RFC 4301 §4.4.2.1. */
static void volume(struct esp_sa *sa, unsigned packets, size_t bytes)
{
	uint64_t p = atomic_fetch_add(&sa->common->packets, packets) + packets;
	uint64_t b = atomic_fetch_add(&sa->common->bytes, bytes) + bytes;

	if ((sa->soft_bytes && b >= sa->soft_bytes) ||
	    (sa->soft_packets && p >= sa->soft_packets))
		soon(sa);
	if ((sa->hard_bytes && b >= sa->hard_bytes) ||
	    (sa->hard_packets && p >= sa->hard_packets))
		sad_expire(sa);
}

uint64_t esp_numbers(struct esp_sa *sa, unsigned n)
{
	uint64_t last = atomic_load(&sa->common->seq_out);

	do {
		if (sa->seq_limit - last < n)
			return 0;
	} while (!atomic_compare_exchange_weak(&sa->common->seq_out, &last, last + n));
	if (last + n >= sa->seq_limit / 4 * 3)
		soon(sa);
	return last + 1;
}

void esp_wrap(const struct esp_sa *sa, uint8_t *inner, size_t len, uint8_t version, uint64_t seq,
	      struct engine_op *op)
{
	size_t data_len = esp_data_len(&sa->sizes, len), pad = data_len - len - TRAILER;
	uint8_t *at = inner + len, *esp = inner - esp_lead(&sa->sizes);

	for (size_t i = 1; i <= pad; i++)
		*at++ = (uint8_t)i;
	*at++ = (uint8_t)pad;
	*at = version == 4 ? NEXT_IPV4 : NEXT_IPV6;
	be_put32(esp, sa->spi_out);
	be_put32(esp + 4, (uint32_t)seq);
	*op = (struct engine_op){
		.key = sa->key_out, .esp = esp, .data_len = data_len, .seq = seq,
	};
}

void esp_sent(struct esp_sa *sa, unsigned packets, size_t bytes, uint64_t now_ms)
{
	sa->stats.tx_packets += packets;
	sa->stats.tx_bytes += bytes;
	sa->stats.last_tx_ms = now_ms;
	volume(sa, packets, bytes);
}

void esp_unsent(struct esp_sa *sa, unsigned packets, size_t bytes)
{
	sa->stats.tx_packets -= packets;
	sa->stats.tx_bytes -= bytes;
	atomic_fetch_sub(&sa->common->packets, packets);
	atomic_fetch_sub(&sa->common->bytes, bytes);
}

enum esp_verdict esp_take(struct sad *s, uint8_t *pkt, size_t len, struct esp_sa **sa_out,
			  struct engine_op *op)
{
	struct rd r = rd_init(pkt, len);
	uint32_t spi = rd_u32(&r), low = rd_u32(&r);
	struct esp_sa *sa = *sa_out;
	size_t extra;
	uint64_t seq;

	if (!rd_ok(&r) || spi == 0) {	/* 0 marks IKE, RFC 3948 §2.2 */
		*sa_out = NULL;
		if (len == 1 && *pkt == ESP_ANTI_KEEPALIVE)
			return ESP_IGNORE;
		return len >= IKE_LEAST ? ESP_IKE : ESP_DROP_MALFORMED;
	}
	if (!sa || sa->spi_in != spi)
		sa = *sa_out = sad_by_spi(s, spi);
	if (!sa)
		return ESP_DROP_NO_SA;
	if (atomic_load_explicit(&sa->common->expired, memory_order_relaxed))
		return ESP_DROP_EXPIRED;
	extra = (size_t)sa->sizes.iv_len + sa->sizes.icv_len;
	if (r.left < extra + sa->sizes.block || (r.left - extra) % sa->sizes.block)
		return ESP_DROP_MALFORMED;
	if (!replay_whole(&sa->replay, low, &seq) || !replay_fresh(&sa->replay, seq))
		return ESP_DROP_REPLAY;
	*op = (struct engine_op){
		.key = sa->key_in, .esp = pkt, .data_len = r.left - extra, .seq = seq,
	};
	return ESP_OK;
}

/* Check the trailer (RFC 4303 §2.4, §2.5) and cut the data to what is before it. */
static int cut_trailer(const uint8_t *d, size_t *len, uint8_t *next)
{
	size_t pad;

	if (*len < TRAILER)
		return -1;
	*next = d[*len - 1];
	pad = d[*len - 2];
	if (*len - TRAILER < pad)
		return -1;
	*len -= TRAILER + pad;
	for (size_t i = 0; i < pad; i++)
		if (d[*len + i] != (uint8_t)(i + 1))
			return -1;
	return 0;
}

/* RFC 6040 §4.2, figure 4. -1 where congestion was marked on a packet whose sender would not
 * understand it. */
static int merge_ecn(uint8_t *pkt, struct inner *in, uint8_t outer)
{
	uint8_t inner = in->tos & 3;

	outer &= 3;
	if (outer == 3 && inner == 0)
		return -1;
	if (outer == 3 || (outer == 1 && inner == 2))
		inner_set_ecn(pkt, in, outer);
	return 0;
}

/* Parse the inner packet, and check that it belongs to the SA: what was our remote side is the
 * source now (RFC 4301 §5.2). Mostly it is of the flow of the packet before. */
static enum esp_verdict examine(struct esp_sa *sa, const uint8_t *d, size_t len, uint8_t version,
				uint64_t now_ms, struct inner *in)
{
	bool again = inner_again(d, len, &sa->passed, in);

	if ((!again && inner_parse(d, len, in) < 0) || in->version != version)
		return ESP_DROP_MALFORMED;
	if (again)
		return ESP_OK;
	if (!ts_pass(sa->ts + sa->n_local, sa->n_remote, sa->ts, sa->n_local, in, &sa->frags_in,
		     now_ms))
		return ESP_DROP_SELECTOR_IN;
	if (!in->fragment)
		sa->passed = *in;
	return ESP_OK;
}

enum esp_verdict esp_unwrap(struct esp_sa *sa, const struct engine_op *op, uint8_t ecn,
			    uint64_t now_ms, struct inner *in, uint8_t **at)
{
	uint8_t *d = op->esp + esp_lead(&sa->sizes), next;
	size_t len = op->data_len;
	enum esp_verdict v;

	if (!op->ok)
		return ESP_DROP_AUTH;
	/* Again: an earlier packet of this batch may have been the same one. */
	if (!replay_fresh(&sa->replay, op->seq))
		return ESP_DROP_REPLAY;
	replay_mark(&sa->replay, op->seq);
	sa->stats.last_rx_ms = now_ms;
	/* The peer has it in use, so it can receive on it too (RFC 7296 §2.8). */
	if (atomic_load_explicit(&sa->common->out_held, memory_order_relaxed) &&
	    atomic_exchange(&sa->common->out_held, false))
		sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_ACTIVE);
	if (cut_trailer(d, &len, &next) < 0)
		return ESP_DROP_MALFORMED;
	if (next == NEXT_DUMMY)
		return ESP_IGNORE;
	/* Behind the inner packet there may be TFC padding, RFC 4303 §2.7. */
	if (next != NEXT_IPV4 && next != NEXT_IPV6)
		return ESP_DROP_MALFORMED;
	v = examine(sa, d, len, next == NEXT_IPV4 ? 4 : 6, now_ms, in);
	if (v != ESP_OK)
		return v;
	if (merge_ecn(d, in, ecn) < 0)
		return ESP_DROP_MALFORMED;
	*at = d;
	return ESP_OK;
}

void esp_received(struct esp_sa *sa, unsigned packets, size_t bytes)
{
	sa->stats.rx_packets += packets;
	sa->stats.rx_bytes += bytes;
	volume(sa, packets, bytes);
}

void esp_unreceived(struct esp_sa *sa, unsigned packets, size_t bytes)
{
	sa->stats.rx_packets -= packets;
	sa->stats.rx_bytes -= bytes;
}
