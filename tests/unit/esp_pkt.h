/* esp_pkt: an ESP packet in a buffer of its own, for tests: the calls of dataplane/esp/esp.h
 * for one packet at a time. */
#ifndef ADIT_TESTS_ESP_PKT_H
#define ADIT_TESTS_ESP_PKT_H

#include "dataplane/esp/esp.h"

/* A buffer and where in it the packet of the moment lies. */
struct esp_pkt {
	size_t off, len;
	uint8_t buf[ESP_PKT_CAP];
};

static inline uint8_t *esp_pkt_data(struct esp_pkt *p)
{
	return p->buf + p->off;
}

/* p holds an inner packet at offset >= ESP_HEADROOM, parsed as in. */
static inline enum esp_verdict esp_seal_begin(struct esp_sa *sa, struct esp_pkt *p,
					      const struct inner *in, uint64_t now_ms,
					      struct engine_op *op)
{
	uint64_t seq = esp_numbers(sa, 1);

	if (!seq)
		return ESP_DROP_NUMBERS;
	esp_wrap(sa, esp_pkt_data(p), in->total_len, in->version, seq, op);
	p->off -= esp_lead(&sa->sizes);
	p->len = esp_wire_len(&sa->sizes, in->total_len);
	esp_sent(sa, 1, in->total_len, now_ms);
	return ESP_OK;
}

static inline enum esp_verdict esp_open_begin(struct sad *s, struct esp_pkt *p,
					      struct esp_sa **sa, struct engine_op *op)
{
	*sa = NULL;
	return esp_take(s, esp_pkt_data(p), p->len, sa, op);
}

static inline enum esp_verdict esp_open_end(struct esp_sa *sa, struct esp_pkt *p,
					    const struct engine_op *op, uint8_t ecn,
					    uint64_t now_ms, struct inner *in)
{
	uint8_t *at;
	enum esp_verdict v = esp_unwrap(sa, op, ecn, now_ms, in, &at);

	if (v != ESP_OK)
		return v;
	p->off = (size_t)(at - p->buf);
	p->len = in->total_len;
	esp_received(sa, 1, in->total_len);
	return ESP_OK;
}

#endif
