/* rooms: ike/wire core/base */
/* dns: what a name server, or somebody in its name, answers. Byte 0 picks the question. */
#include "ike/wire/dns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = { "vpn.example.net", "a.b", "x" };
	uint8_t query[DNS_QUERY_MAX], *copy;
	struct dns_answer a;
	enum dns_verdict v;
	size_t qlen = 0;
	struct err e;
	uint16_t type;
	const char *name;

	if (!len)
		return 0;
	name = names[data[0] % 3];
	type = data[0] & 4 ? DNS_TYPE_AAAA : DNS_TYPE_A;
	if (dns_query(name, type, 0x1234, query, &qlen, &e) < 0 || qlen > sizeof(query))
		abort();
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, data + 1, len - 1);
	/* Most inputs would fail on the ID alone. */
	if (len > 2 && (data[0] & 8)) {
		copy[0] = 0x12;
		copy[1] = 0x34;
	}
	v = dns_answer(copy, len - 1, name, type, 0x1234, &a);
	if (a.n > DNS_ADDRS_MAX || (v == DNS_FOUND && !a.n))
		abort();
	for (uint8_t i = 0; i < a.n; i++)
		if (a.addr[i].family != (type == DNS_TYPE_A ? AF_INET : AF_INET6))
			abort();
	dns_rcode_name(a.rcode, (char[16]){ 0 });
	free(copy);
	return 0;
}
