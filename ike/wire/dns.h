/* dns: the questions and answers of the DNS (RFC 1035 §4) that a gateway's name needs: A and
 * AAAA over UDP. Pure: no socket, no clock; who asks is ike/main/resolve.h. */
#ifndef ADIT_WIRE_DNS_H
#define ADIT_WIRE_DNS_H

#include "core/base/addr.h"
#include "core/base/err.h"

#include <stdint.h>

#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28
#define DNS_QUERY_MAX 272	/* bytes: header, the longest name, type and class */
#define DNS_ANSWER_MAX 1500	/* no longer answer is read; without EDNS they have 512 */
#define DNS_ADDRS_MAX 8		/* of one answer; more are passed over */
#define DNS_CNAMES_MAX 8

/* Write a recursive question. name: ASCII labels of 1..63 bytes, 253 in all, a dot at its end
 * is fine. *len gets the bytes. */
int dns_query(const char *name, uint16_t type, uint16_t id, uint8_t buf[DNS_QUERY_MAX],
	      size_t *len, struct err *e) MUST_USE;

enum dns_verdict {
	DNS_FOUND,	/* out has at least one address */
	DNS_EMPTY,	/* the name exists, without an address of this type */
	DNS_NO_NAME,	/* NXDOMAIN */
	DNS_TRUNCATED,	/* it does not fit in a datagram: ask another server */
	DNS_FAILED,	/* SERVFAIL, REFUSED, …: rcode says which */
	DNS_BROKEN,	/* does not parse, or its CNAMEs lead nowhere */
	DNS_NOT_OURS,	/* an answer to another question: go on waiting */
};

struct dns_answer {
	uint8_t n;
	uint8_t rcode;
	struct ip_addr addr[DNS_ADDRS_MAX];
	uint32_t ttl_s;		/* the least of all records on the way; 0 where none was used */
};

/* msg is a datagram of the server asked. Addresses that no gateway can have (0.0.0.0, loopback,
 * multicast, broadcast) are passed over. out is filled in any case. */
enum dns_verdict dns_answer(const uint8_t *msg, size_t len, const char *name, uint16_t type,
			    uint16_t id, struct dns_answer *out);

/* "NXDOMAIN", "SERVFAIL", "REFUSED", … ; "error 9" in buf. */
const char *dns_rcode_name(uint8_t rcode, char buf[16]);

#endif
