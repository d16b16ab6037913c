/* kinds: values with a syntax of their own: gateways, protocols, ports, amounts. */
#ifndef ADIT_SETTINGS_KINDS_H
#define ADIT_SETTINGS_KINDS_H

#include "core/settings/conf.h"

#define KIND_BYTES_TEXT 24
#define KIND_PROTO_TEXT 12
#define KIND_PORTS_TEXT 16
#define KIND_GATEWAY_TEXT (HOST_NAME_LEN + 1)
#define KIND_PACKETS_MIN 1000u
#define KIND_BYTES_MIN (1u << 20)	/* of a limit: less is a rekey a second */

/* "198.51.100.2", "vpn.example.net", "203.0.113.0/24", "any" ("%any", "0.0.0.0/0"). A
 * name is letters, digits and hyphens between dots (RFC 1123 §2.1), kept in small letters
 * without a last dot; international ones only in their xn-- form (RFC 5890 §2.3.2.1). */
int kind_gateway_parse(const char *text, struct gateway *g, struct err *e) MUST_USE;
/* buf >= KIND_GATEWAY_TEXT; returns it. */
const char *kind_gateway_str(const struct gateway *g, char *buf);
bool kind_gateway_equal(const struct gateway *a, const struct gateway *b);
/* NET, ANY: nobody there can be called. */
bool kind_gateway_waits(const struct gateway *g);
/* Several with commas between; cap >= GATEWAYS_MAX * KIND_GATEWAY_TEXT for all of them. */
const char *kind_gateways_str(const struct gateway *g, size_t n, char *buf, size_t cap);

/* "any" is 0; a name or a number. */
int kind_proto_parse(const char *text, uint8_t *protocol, struct err *e) MUST_USE;
/* buf >= KIND_PROTO_TEXT; returns it or a constant. */
const char *kind_proto_str(uint8_t protocol, char *buf);
/* What selects by port numbers: tcp, udp, sctp, udplite, dccp. */
bool kind_proto_has_ports(uint8_t protocol);
/* The i-th name known, NULL behind the last. */
const char *kind_proto_name(size_t i);

/* "any" (0 to 65535), "443", "1000-2000". */
int kind_ports_parse(const char *text, uint16_t *lo, uint16_t *hi, struct err *e) MUST_USE;
/* buf >= KIND_PORTS_TEXT; returns it. */
const char *kind_ports_str(uint16_t lo, uint16_t hi, char *buf);

/* "10G", "500M", "1T", powers of 1024, or plain bytes; "0" and "never" are no limit. */
int kind_bytes_parse(const char *text, uint64_t *bytes, struct err *e) MUST_USE;
/* The largest unit without a remainder. buf >= KIND_BYTES_TEXT; returns it. */
const char *kind_bytes_str(uint64_t bytes, char *buf);
/* "500K", "2G", powers of 1000, or plain numbers; as with bytes. */
int kind_packets_parse(const char *text, uint64_t *packets, struct err *e) MUST_USE;
const char *kind_packets_str(uint64_t packets, char *buf);

#endif
