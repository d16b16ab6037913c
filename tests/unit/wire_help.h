/* What the wire tests share. */
#ifndef ADIT_TESTS_WIRE_HELP_H
#define ADIT_TESTS_WIRE_HELP_H

#include "core/base/rd.h"
#include "core/crypto/alg.h"
#include "ike/wire/ike.h"

#include <stddef.h>
#include <stdint.h>

static inline struct slice sl(const void *p, size_t len)
{
	return (struct slice){ .p = p, .len = len };
}

static inline struct slice str_sl(const char *s)
{
	return sl(s, __builtin_strlen(s));
}

static inline struct suite_list suites(enum suite_use use, const char *text)
{
	struct suite_list l;
	struct err e = { 0 };

	if (suite_parse(use, text, &l, &e) < 0) {
		printf("    suite %s: %s\n", text, e.msg);
		abort();
	}
	return l;
}

static inline struct prefix net(const char *text)
{
	struct prefix p;
	struct err e = { 0 };

	if (prefix_parse(text, &p, &e) < 0) {
		printf("    %s\n", e.msg);
		abort();
	}
	return p;
}

static inline struct ip_addr ip(const char *text)
{
	return net(text).addr;
}

static inline struct ike_hdr hdr_of(uint8_t exchange, uint8_t flags, uint32_t msg_id)
{
	return (struct ike_hdr){ .spi_i = 0x1122334455667788u, .spi_r = 0x99aabbccddeeff00u,
				 .exchange = exchange, .flags = flags, .msg_id = msg_id };
}

#endif
