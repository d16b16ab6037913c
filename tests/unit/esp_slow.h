/* esp_slow: TCP and UDP packets, built and judged without a line of what is under test. For
 * the tests and fuzz targets of segmenting and coalescing. */
#ifndef ADIT_TESTS_ESP_SLOW_H
#define ADIT_TESTS_ESP_SLOW_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLOW_FIN 0x01
#define SLOW_SYN 0x02
#define SLOW_RST 0x04
#define SLOW_PSH 0x08
#define SLOW_ACK 0x10
#define SLOW_URG 0x20
#define SLOW_ECE 0x40
#define SLOW_CWR 0x80
#define SLOW_UDP_L4 5		/* VIRTIO_NET_HDR_GSO_UDP_L4 */

struct slow {
	uint8_t version, tos, ttl, proto;
	uint32_t flow_label;
	bool df, evil;			/* evil: the reserved flag */
	uint16_t id;
	uint8_t addrs[32];		/* both, 8 or 32 bytes */
	uint8_t between[240];		/* IPv4 options, IPv6 extension headers */
	size_t between_len;
	uint8_t between_next;		/* IPv6: type of the first of them */
	uint8_t ports[4];
	uint32_t seq, ack;
	uint8_t flags, reserved;	/* reserved: the low half of TCP's byte 12 */
	uint16_t window, urgent;
	uint8_t options[40];
	size_t options_len;		/* a multiple of 4 */
	const uint8_t *payload;
	size_t len;
};

static inline uint16_t slow_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline void slow_put(uint8_t *p, size_t bytes, uint32_t v)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

static inline uint32_t slow_get(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* Of a packet whose upper layer begins at up. */
static inline uint16_t slow_pseudo(const uint8_t *pkt, uint8_t proto, size_t up, size_t total)
{
	uint8_t tail[4] = { 0, proto };
	uint32_t sum = pkt[0] >> 4 == 4 ? slow_sum(pkt + 12, 8, 0) : slow_sum(pkt + 8, 32, 0);

	slow_put(tail + 2, 2, (uint32_t)(total - up));
	return slow_sum(tail, 4, sum);
}

static inline size_t slow_upper(const struct slow *s)
{
	return (s->version == 4 ? 20u : 40u) + s->between_len;
}

static inline size_t slow_header(const struct slow *s)
{
	return slow_upper(s) + (s->proto == 6 ? 20 + s->options_len : 8);
}

/* The whole packet with right checksums; its length. */
static inline size_t slow_build(const struct slow *s, uint8_t *out)
{
	size_t up = slow_upper(s), head = slow_header(s), total = head + s->len;
	size_t at = s->proto == 6 ? up + 16 : up + 6;
	uint16_t check;

	memset(out, 0, head);
	if (s->version == 4) {
		out[0] = (uint8_t)(0x40 | up / 4);
		out[1] = s->tos;
		slow_put(out + 2, 2, (uint32_t)total);
		slow_put(out + 4, 2, s->id);
		out[6] = (uint8_t)((s->df ? 0x40 : 0) | (s->evil ? 0x80 : 0));
		out[8] = s->ttl;
		out[9] = s->proto;
		memcpy(out + 12, s->addrs, 8);
		memcpy(out + 20, s->between, s->between_len);
		slow_put(out + 10, 2, (uint16_t)~slow_sum(out, up, 0));
	} else {
		slow_put(out, 4, 6u << 28 | (uint32_t)s->tos << 20 | s->flow_label);
		slow_put(out + 4, 2, (uint32_t)(total - 40));
		out[6] = s->between_len ? s->between_next : s->proto;
		out[7] = s->ttl;
		memcpy(out + 8, s->addrs, 32);
		memcpy(out + 40, s->between, s->between_len);
	}
	memcpy(out + up, s->ports, 4);
	if (s->proto == 6) {
		slow_put(out + up + 4, 4, s->seq);
		slow_put(out + up + 8, 4, s->ack);
		out[up + 12] = (uint8_t)((5 + s->options_len / 4) << 4 | s->reserved);
		out[up + 13] = s->flags;
		slow_put(out + up + 14, 2, s->window);
		slow_put(out + up + 18, 2, s->urgent);
		memcpy(out + up + 20, s->options, s->options_len);
	} else {
		slow_put(out + up + 4, 2, (uint32_t)(total - up));
	}
	memcpy(out + head, s->payload, s->len);
	check = (uint16_t)~slow_sum(out + up, total - up, slow_pseudo(out, s->proto, up, total));
	slow_put(out + at, 2, check || s->proto == 6 ? check : 0xffff);
	return total;
}

/* All fields of a packet whose upper layer, of protocol proto, begins at up; false when a
 * length or a checksum is wrong. partial: the upper checksum is that of the pseudo-header. */
static inline bool slow_parse(const uint8_t *p, size_t len, uint8_t proto, size_t up, bool partial,
			      struct slow *s)
{
	size_t fixed = p[0] >> 4 == 4 ? 20 : 40, at = proto == 6 ? 16 : 6, head = 8;
	uint16_t pseudo, sum;

	memset(s, 0, sizeof(*s));
	if (len < up + 8 || up < fixed || up - fixed > sizeof(s->between) ||
	    (proto == 6 && len < up + 20))
		return false;
	s->version = p[0] >> 4;
	s->proto = proto;
	s->between_len = up - fixed;
	memcpy(s->between, p + fixed, up - fixed);
	if (s->version == 4) {
		if ((p[0] & 15) * 4u != up || slow_get(p + 2, 2) != len || p[9] != proto ||
		    slow_sum(p, up, 0) != 0xffff || (slow_get(p + 6, 2) & 0x3fff))
			return false;
		s->tos = p[1];
		s->id = (uint16_t)slow_get(p + 4, 2);
		s->df = p[6] & 0x40;
		s->evil = p[6] & 0x80;
		s->ttl = p[8];
		memcpy(s->addrs, p + 12, 8);
	} else {
		if (s->version != 6 || slow_get(p + 4, 2) + 40 != len)
			return false;
		s->tos = (uint8_t)(slow_get(p, 2) >> 4);
		s->flow_label = slow_get(p, 4) & 0xfffff;
		s->ttl = p[7];
		s->between_next = s->between_len ? p[6] : 0;
		memcpy(s->addrs, p + 8, 32);
	}
	memcpy(s->ports, p + up, 4);
	if (proto == 6) {
		head = (p[up + 12] >> 4) * 4u;
		if (head < 20 || up + head > len)
			return false;
		s->seq = slow_get(p + up + 4, 4);
		s->ack = slow_get(p + up + 8, 4);
		s->reserved = p[up + 12] & 15;
		s->flags = p[up + 13];
		s->window = (uint16_t)slow_get(p + up + 14, 2);
		s->urgent = (uint16_t)slow_get(p + up + 18, 2);
		s->options_len = head - 20;
		memcpy(s->options, p + up + 20, head - 20);
	} else if (slow_get(p + up + 4, 2) != len - up || !slow_get(p + up + 6, 2)) {
		return false;
	}
	s->payload = p + up + head;
	s->len = len - up - head;
	pseudo = slow_pseudo(p, proto, up, len);
	if (partial)
		return slow_get(p + up + at, 2) % 0xffff == pseudo % 0xffff;
	sum = slow_sum(p + up, len - up, pseudo);
	return sum == 0xffff;
}

/* Piece i of a big packet, as a card would cut it; false when there is none. */
static inline bool slow_piece(const struct slow *big, size_t size, size_t i, struct slow *out)
{
	size_t at = i * size;

	if (at >= big->len)
		return false;
	*out = *big;
	out->payload = big->payload + at;
	out->len = big->len - at < size ? big->len - at : size;
	if (big->version == 4)
		out->id = (uint16_t)(big->id + i);
	if (big->proto == 6)
		out->seq = big->seq + (uint32_t)at;
	if (at + size < big->len)
		out->flags &= (uint8_t)~(SLOW_FIN | SLOW_PSH);
	if (i)
		out->flags &= (uint8_t)~SLOW_CWR;
	return true;
}

static inline bool slow_gso_ok(const struct virtio_net_hdr *v, const struct slow *s)
{
	uint8_t want = s->proto == 17 ? SLOW_UDP_L4 :
		s->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;

	return v->gso_type == want && v->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	       v->hdr_len == slow_header(s) && v->csum_start == slow_upper(s) &&
	       v->csum_offset == (s->proto == 6 ? 16 : 6) && v->gso_size;
}

#endif
