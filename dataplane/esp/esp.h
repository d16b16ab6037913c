/* esp: RFC 4303 tunnel mode on packets in memory. Encapsulation and decapsulation each come
 * in two halves with the engine's batch between them:
 *
 *	esp_seal_begin  …  engine->seal(ops)  …                 send
 *	esp_open_begin  …  engine->open(ops)  …  esp_open_end  …  write to the interface
 */
#ifndef ADIT_ESP_ESP_H
#define ADIT_ESP_ESP_H

#include "dataplane/engine/engine.h"
#include "dataplane/esp/inner.h"
#include "dataplane/esp/sad.h"

#define ESP_PKT_CAP 65536
#define ESP_HEADROOM 64		/* before an inner packet: ESP header and IV */
#define ESP_INNER_MAX (ESP_PKT_CAP - ESP_HEADROOM - 72)	/* trailer and ICV behind it */
#define ESP_ANTI_KEEPALIVE 0xff	/* RFC 3948 §2.3 */

/* A buffer and where in it the packet of the moment lies. */
struct esp_pkt {
	size_t off, len;
	size_t used;		/* bytes of buf that hold something to wipe one day */
	uint8_t buf[ESP_PKT_CAP];
};

static inline uint8_t *esp_pkt_data(struct esp_pkt *p)
{
	return p->buf + p->off;
}

enum esp_verdict {
	ESP_OK,
	ESP_IGNORE,		/* dummy packets, keepalives */
	ESP_DROP_NO_SA,
	ESP_DROP_REPLAY,
	ESP_DROP_AUTH,
	ESP_DROP_SELECTOR_IN,
	ESP_DROP_SELECTOR_OUT,
	ESP_DROP_MALFORMED,
	ESP_DROP_EXPIRED,
	ESP_DROP_MTU,
	ESP_DROP_SOCKET,
};
/* Add one to the counter the verdict stands for. sa may be NULL. */
void esp_count(struct esp_sa *sa, enum esp_verdict v);

/* p holds an inner packet at offset >= ESP_HEADROOM, parsed as in. Takes the next sequence
 * number, adds padding, trailer and header, and fills *op; on ESP_OK p is the ESP packet as
 * the engine will leave it. ESP_DROP_EXPIRED once the numbers are used up: they never wrap
 * (RFC 4303 §3.3.3). Counts what it lets out. */
enum esp_verdict esp_seal_begin(struct esp_sa *sa, struct esp_pkt *p, const struct inner *in,
				uint64_t now_ms, struct engine_op *op) MUST_USE;

/* p is what came in a UDP datagram. Finds the SA (borrowed, also where the verdict is a drop
 * that has one) and fills *op. */
enum esp_verdict esp_open_begin(struct sad *s, struct esp_pkt *p, struct esp_sa **sa,
				struct engine_op *op) MUST_USE;
/* After the engine: on ESP_OK p is the inner packet, checked and cut to its length, and *in
 * describes it. ecn: the outer header's, for RFC 6040. */
enum esp_verdict esp_open_end(struct esp_sa *sa, struct esp_pkt *p, const struct engine_op *op,
			      uint8_t ecn, uint64_t now_ms, struct inner *in) MUST_USE;

#endif
