/* esp: RFC 4303 tunnel mode on packets in memory. Encapsulation and decapsulation each come
 * in two halves with the engine's batch between them:
 *
 *	esp_numbers, esp_wrap …  engine->seal(ops)  …          send, esp_sent
 *	esp_take …  engine->open(ops)  … esp_unwrap …          write to the interface, esp_received
 *
 * Nothing here copies payload; packets are worked on where they lie.
 */
#ifndef ADIT_ESP_ESP_H
#define ADIT_ESP_ESP_H

#include "dataplane/engine/engine.h"
#include "dataplane/esp/inner.h"
#include "dataplane/esp/sad.h"

#define ESP_PKT_CAP 65536
#define ESP_HEADROOM 64		/* room enough before an inner packet: ESP header and IV … */
#define ESP_TAILROOM 72		/* … and behind it: padding, trailer and ICV */
#define ESP_INNER_MAX (ESP_PKT_CAP - ESP_HEADROOM - ESP_TAILROOM)
#define ESP_ANTI_KEEPALIVE 0xff	/* RFC 3948 §2.3 */

enum esp_verdict {
	ESP_OK,
	ESP_IGNORE,		/* dummy packets, keepalives */
	ESP_IKE,		/* no ESP: it has the marker of RFC 3948 §2.2 */
	/* from the network */
	ESP_DROP_IKE,		/* more of these than iked is given */
	ESP_DROP_NO_SA,
	ESP_DROP_REPLAY,
	ESP_DROP_AUTH,
	ESP_DROP_SELECTOR_IN,
	ESP_DROP_MALFORMED,
	ESP_DROP_EXPIRED,
	ESP_DROP_TUN,		/* the interface did not take it */
	/* to the network */
	ESP_DROP_NO_TUNNEL,	/* no SA can send */
	ESP_DROP_QUEUE,		/* it waited for one, but was pushed out */
	ESP_DROP_SELECTOR_OUT,
	ESP_DROP_MALFORMED_OUT,
	ESP_DROP_EXPIRED_OUT,
	ESP_DROP_NUMBERS,	/* sequence numbers are used up */
	ESP_DROP_MTU,
	ESP_DROP_SOCKET,
	ESP_VERDICTS
};
/* Add n packets to the counters the verdict stands for: the sad's, and the SA's (may be NULL). */
void esp_count(struct sad *s, struct esp_sa *sa, enum esp_verdict v, unsigned n);

/* Does any verdict add to it? */
bool esp_counts(enum counter c);

/* Bytes before the inner packet, and of the whole ESP packet. */
static inline size_t esp_lead(const struct engine_sizes *z)
{
	return ENGINE_ESP_HEADER + (size_t)z->iv_len;
}

static inline size_t esp_data_len(const struct engine_sizes *z, size_t inner_len)
{
	return (inner_len + 2 + z->block - 1) / z->block * z->block;
}

static inline size_t esp_wire_len(const struct engine_sizes *z, size_t inner_len)
{
	return esp_lead(z) + esp_data_len(z, inner_len) + z->icv_len;
}

/* Take n sequence numbers in a row: the first, or 0 when so many are not left: they never wrap
 * (RFC 4303 §3.3.3). Tells when a successor is needed. */
uint64_t esp_numbers(struct esp_sa *sa, unsigned n) MUST_USE;
/* Write header, padding and trailer around the inner packet (of this IP version), which has
 * esp_lead() bytes before it and room for the rest behind, and fill *op. op->esp is then a
 * packet of esp_wire_len() as the engine will leave it. */
void esp_wrap(const struct esp_sa *sa, uint8_t *inner, size_t len, uint8_t version, uint64_t seq,
	      struct engine_op *op);
/* Count what goes out, and watch over the SA's limits. esp_unsent: it did not after all. */
void esp_sent(struct esp_sa *sa, unsigned packets, size_t bytes, uint64_t now_ms);
void esp_unsent(struct esp_sa *sa, unsigned packets, size_t bytes);

/* pkt is an ESP packet from the network, or as large as an IKE message with its marker
 * (ESP_IKE; *sa is NULL then). Finds the SA (borrowed, also where the verdict is a
 * drop that has one) and fills *op. *sa is looked at first: it may be that of the packet before;
 * NULL otherwise. */
enum esp_verdict esp_take(struct sad *s, uint8_t *pkt, size_t len, struct esp_sa **sa,
			  struct engine_op *op) MUST_USE;
/* After the engine: on ESP_OK the inner packet, checked, lies at *at, described by *in. ecn:
 * the outer header's, for RFC 6040. */
enum esp_verdict esp_unwrap(struct esp_sa *sa, const struct engine_op *op, uint8_t ecn,
			    uint64_t now_ms, struct inner *in, uint8_t **at) MUST_USE;
/* Count what was taken in, and watch over the SA's limits. */
void esp_received(struct esp_sa *sa, unsigned packets, size_t bytes);
void esp_unreceived(struct esp_sa *sa, unsigned packets, size_t bytes);

#endif
