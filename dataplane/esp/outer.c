/* outer: control messages, filled by hand: CMSG_NXTHDR wants to know the end first. */
#include "dataplane/esp/outer.h"

#include <netinet/udp.h>
#include <string.h>

static size_t put(char *at, int level, int type, const void *data, size_t len)
{
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	memcpy(at, &c, sizeof(c));
	memcpy(at + CMSG_LEN(0), data, len);
	return CMSG_SPACE(len);
}

void outer_init(struct outer *o, const struct endpoint *local, const struct endpoint *remote,
		bool udp)
{
	struct endpoint to = *remote;

	memset(o, 0, sizeof(*o));
	if (!udp)
		to.port = 0;
	o->to_len = endpoint_to_sockaddr(&to, &o->to);
	o->family = remote->addr.family;
	if (!addr_is_set(&local->addr))
		return;
	if (o->family == AF_INET) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, local->addr.b, 4);
		o->from_len = (uint8_t)put(o->from, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	} else {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, local->addr.b, 16);
		o->from_len = (uint8_t)put(o->from, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	}
}

void outer_msg(const struct outer *o, uint8_t tos, uint16_t gso, struct msghdr *m, char *ctl)
{
	size_t n = o->from_len;
	int value = tos;

	m->msg_name = (void *)(uintptr_t)&o->to;
	m->msg_namelen = o->to_len;
	memcpy(ctl, o->from, n);
	if (tos && o->family == AF_INET)
		n += put(ctl + n, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else if (tos)
		n += put(ctl + n, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	if (gso)
		n += put(ctl + n, IPPROTO_UDP, UDP_SEGMENT, &gso, sizeof(gso));
	m->msg_control = n ? ctl : NULL;
	m->msg_controllen = n;
}
