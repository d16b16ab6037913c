/* rooms: dataplane/esp core/base */
/* segment: a virtio-net header and a packet, both as an injector would write them. What is cut
 * has right checksums and is, put together, the payload that came. */
#include "dataplane/esp/segment.h"
#include "tests/unit/esp_slow.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		abort(); \
	} } while (0)

/* A routing header hides the last address, so that the sum cannot be judged here. */
static bool routed(const uint8_t *pkt, size_t upto)
{
	uint8_t next = pkt[6];

	if (pkt[0] >> 4 != 6)
		return false;
	for (size_t at = 40; at < upto; at += 8 + pkt[at + 1] * 8u) {
		if (next == 43)
			return true;
		next = pkt[at];
	}
	return false;
}

static void pieces(const struct segment *s, const uint8_t *pkt, size_t len)
{
	uint8_t *out = malloc(s->header_len + s->size);	/* to the byte, for the sanitizer */
	uint8_t proto = s->kind == SEGMENT_TCP ? 6 : 17;
	size_t sum = 0;
	struct slow got;

	MUST(s->count && s->header_len + s->payload_len == len && s->size);
	for (unsigned i = 0; i < s->count; i++) {
		size_t n = segment_len(s, i);

		MUST(n && n <= s->size && segment_at(s, i) == sum);
		memcpy(out + s->header_len, pkt + s->header_len + sum, n);
		segment_header(s, i, out, out + s->header_len);
		if (!routed(pkt, s->upper_off))
			MUST(slow_parse(out, s->header_len + n, proto, s->upper_off, false, &got) &&
			     got.len == n && got.version == s->version);
		sum += n;
	}
	MUST(sum == s->payload_len);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct virtio_net_hdr v;
	struct segment s;
	struct iovec iov[2];
	size_t cut;
	uint8_t *pkt;

	if (len < sizeof(v) + 1 || len > 70000)
		return 0;
	memcpy(&v, data, sizeof(v));
	cut = data[sizeof(v)];
	data += sizeof(v) + 1;
	len -= sizeof(v) + 1;
	pkt = malloc(len ? len : 1);
	memcpy(pkt, data, len);
	/* Most inputs fail at the length: half of the time it is what the packet says. */
	if (len >= 40 && (cut & 1) && pkt[0] >> 4 == 4)
		slow_put(pkt + 2, 2, (uint32_t)len);
	if (len >= 40 && (cut & 1) && pkt[0] >> 4 == 6)
		slow_put(pkt + 4, 2, (uint32_t)(len - 40));
	if (cut > len)
		cut = len;
	iov[0] = (struct iovec){ pkt, cut };
	iov[1] = (struct iovec){ pkt + cut, len - cut };
	if (segment_begin(&s, &v, iov, 2, len) == 0) {
		if (s.kind == SEGMENT_WHOLE)
			segment_finish(&s, pkt, len);
		else
			pieces(&s, pkt, len);
	}
	free(pkt);
	return 0;
}
