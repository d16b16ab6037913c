/* esp: the ESP packet itself. */
#include "dataplane/esp/esp.h"

#include "core/base/rd.h"
#include "core/base/wr.h"
#include "dataplane/esp/ts.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define TRAILER 2		/* pad length and next header */
#define NEXT_IPV4 4
#define NEXT_IPV6 41
#define NEXT_DUMMY 59		/* RFC 4303 §2.6 */

_Static_assert(ESP_HEADROOM >= ENGINE_ESP_HEADER + 16, "header and the longest IV fit");

void esp_count(struct esp_sa *sa, enum esp_verdict v)
{
	if (!sa)
		return;
	switch (v) {
	case ESP_OK:
	case ESP_IGNORE:
		break;
	case ESP_DROP_NO_SA:
		break;
	case ESP_DROP_REPLAY:
		sa->stats.drop_replay++;
		break;
	case ESP_DROP_AUTH:
		sa->stats.drop_auth++;
		break;
	case ESP_DROP_SELECTOR_IN:
		sa->stats.drop_selector_in++;
		break;
	case ESP_DROP_SELECTOR_OUT:
		sa->stats.drop_selector_out++;
		break;
	case ESP_DROP_MALFORMED:
		sa->stats.drop_malformed++;
		break;
	case ESP_DROP_EXPIRED:
		sa->stats.drop_expired++;
		break;
	case ESP_DROP_MTU:
		sa->stats.drop_mtu++;
		break;
	case ESP_DROP_SOCKET:
		sa->stats.drop_socket++;
		break;
	}
}

/* It needs a successor. */
static void soon(struct esp_sa *sa)
{
	if (sa->soft_told)
		return;
	sa->soft_told = true;
	sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_SOFT);
}

/* Lifetimes in bytes, RFC 4301 §4.4.2.1. */
static void volume(struct esp_sa *sa)
{
	uint64_t through = sa->stats.rx_bytes + sa->stats.tx_bytes;

	if (sa->soft_bytes && through >= sa->soft_bytes)
		soon(sa);
	if (sa->hard_bytes && through >= sa->hard_bytes)
		sad_expire(sa);
}

enum esp_verdict esp_seal_begin(struct esp_sa *sa, struct esp_pkt *p, const struct inner *in,
				uint64_t now_ms, struct engine_op *op)
{
	size_t head = ENGINE_ESP_HEADER + sa->sizes.iv_len;
	size_t block = sa->sizes.block;
	size_t pad = (block - (in->total_len + TRAILER) % block) % block;
	struct wr w;

	assert(p->off >= head && p->len >= in->total_len && in->total_len <= ESP_INNER_MAX);
	if (sa->seq_out >= sa->seq_limit)
		return ESP_DROP_EXPIRED;
	sa->seq_out++;
	if (sa->seq_out >= sa->seq_limit / 4 * 3)
		soon(sa);
	w = wr_init(esp_pkt_data(p) + in->total_len, pad + TRAILER);
	for (size_t i = 1; i <= pad; i++)
		wr_u8(&w, (uint8_t)i);
	wr_u8(&w, (uint8_t)pad);
	wr_u8(&w, in->version == 4 ? NEXT_IPV4 : NEXT_IPV6);
	p->off -= head;
	w = wr_init(esp_pkt_data(p), ENGINE_ESP_HEADER);
	wr_u32(&w, sa->spi_out);
	wr_u32(&w, (uint32_t)sa->seq_out);
	*op = (struct engine_op){
		.key = sa->key_out,
		.esp = esp_pkt_data(p),
		.data_len = in->total_len + pad + TRAILER,
		.seq = sa->seq_out,
	};
	p->len = head + op->data_len + sa->sizes.icv_len;
	sa->stats.tx_packets++;
	sa->stats.tx_bytes += in->total_len;
	sa->stats.last_tx_ms = now_ms;
	volume(sa);
	return ESP_OK;
}

enum esp_verdict esp_open_begin(struct sad *s, struct esp_pkt *p, struct esp_sa **sa_out,
				struct engine_op *op)
{
	struct rd r = rd_init(esp_pkt_data(p), p->len);
	uint32_t spi = rd_u32(&r), low = rd_u32(&r);
	struct esp_sa *sa;
	size_t extra;
	uint64_t seq;

	*sa_out = NULL;
	if (p->len == 1 && *esp_pkt_data(p) == ESP_ANTI_KEEPALIVE)
		return ESP_IGNORE;
	if (!rd_ok(&r) || spi == 0)	/* 0 marks IKE, RFC 3948 §2.2 */
		return ESP_DROP_MALFORMED;
	sa = sad_by_spi(s, spi);
	if (!sa) {
		s->drop_no_sa++;
		return ESP_DROP_NO_SA;
	}
	*sa_out = sa;
	if (sa->expired)
		return ESP_DROP_EXPIRED;
	extra = sa->sizes.iv_len + sa->sizes.icv_len;
	if (r.left < extra + sa->sizes.block || (r.left - extra) % sa->sizes.block)
		return ESP_DROP_MALFORMED;
	if (!replay_whole(&sa->replay, low, &seq) || !replay_fresh(&sa->replay, seq))
		return ESP_DROP_REPLAY;
	*op = (struct engine_op){
		.key = sa->key_in,
		.esp = esp_pkt_data(p),
		.data_len = r.left - extra,
		.seq = seq,
	};
	return ESP_OK;
}

/* Check the trailer (RFC 4303 §2.4, §2.5) and cut p to what is before it. */
static int cut_trailer(struct esp_pkt *p, uint8_t *next)
{
	const uint8_t *d = esp_pkt_data(p);
	size_t pad;

	if (p->len < TRAILER)
		return -1;
	*next = d[p->len - 1];
	pad = d[p->len - 2];
	if (p->len - TRAILER < pad)
		return -1;
	p->len -= TRAILER + pad;
	for (size_t i = 0; i < pad; i++)
		if (d[p->len + i] != (uint8_t)(i + 1))
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

enum esp_verdict esp_open_end(struct esp_sa *sa, struct esp_pkt *p, const struct engine_op *op,
			      uint8_t ecn, uint64_t now_ms, struct inner *in)
{
	size_t head = ENGINE_ESP_HEADER + sa->sizes.iv_len;
	uint8_t next;

	if (!op->ok)
		return ESP_DROP_AUTH;
	/* Again: an earlier packet of this batch may have been the same one. */
	if (!replay_fresh(&sa->replay, op->seq))
		return ESP_DROP_REPLAY;
	replay_mark(&sa->replay, op->seq);
	sa->stats.last_rx_ms = now_ms;
	if (sa->out_held) {
		/* The peer has it in use, so it can receive on it too (RFC 7296 §2.8). */
		sa->out_held = false;
		sa->sad->event(sa->sad->arg, sa->id, SA_EVENT_ACTIVE);
	}
	p->off += head;
	p->len = op->data_len;
	if (cut_trailer(p, &next) < 0)
		return ESP_DROP_MALFORMED;
	if (next == NEXT_DUMMY)
		return ESP_IGNORE;
	if ((next != NEXT_IPV4 && next != NEXT_IPV6) ||
	    inner_parse(esp_pkt_data(p), p->len, in) < 0 ||
	    in->version != (next == NEXT_IPV4 ? 4 : 6))
		return ESP_DROP_MALFORMED;
	p->len = in->total_len;		/* TFC padding goes, RFC 4303 §2.7 */
	/* What was our remote side is the source now, RFC 4301 §5.2. */
	if (!ts_pass(sa->ts + sa->n_local, sa->n_remote, sa->ts, sa->n_local, in, &sa->frags_in,
		     now_ms))
		return ESP_DROP_SELECTOR_IN;
	if (merge_ecn(esp_pkt_data(p), in, ecn) < 0)
		return ESP_DROP_MALFORMED;
	sa->stats.rx_packets++;
	sa->stats.rx_bytes += in->total_len;
	volume(sa);
	return ESP_OK;
}
