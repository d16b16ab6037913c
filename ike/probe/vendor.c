/* vendor: a table of well-known ones; most are hashes of some text, so they are compared as
 * bytes, by their beginning. */
#include "ike/probe/vendor.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *hex, *name;
} known[] = {
	{ "882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan" },
	{ "4f452d4c69627265737761", "Libreswan" },		/* "OE-Libreswan-…" */
	{ "4f454e", "Openswan or Libreswan" },
	{ "4f5357", "Openswan" },
	{ "12f5f28c457168a9702d9fe274cc", "Cisco Unity" },
	{ "1f07f70eaa6514d3b0fa96542a50", "Cisco VPN 3000" },
	{ "434953434f", "Cisco" },				/* "CISCO…" */
	{ "464c455856504e", "Cisco FlexVPN" },
	{ "1e2b516905991c7d7c96fcbfb587e461", "Windows" },
	{ "26244d38eddb61b3172a36e3d0cfb819", "Windows (Initial-Contact)" },
	{ "fb1de3cdf341b7ea16b7e5be0855f120", "Windows (negotiation discovery)" },
	{ "e3a5966a76379fe707228231e5ce8652", "Windows (CGA)" },
	{ "214ca4faffa7f32d6748e5303395ae83", "Windows (AuthIP)" },
	{ "1d6e178f6c2c0be284985465450fe9d4", "FortiGate" },
	{ "f4ed19e0c114eb516faaac0ee37daf2807b4381f", "Check Point" },
	{ "7003cbc1097dbe9c2600ba6983bc8b35", "racoon" },
	{ "5b362bc820f6", "SonicWall" },
	{ "5b362bc820f7", "SonicWall" },
	{ "166f932d55eb64d8e4df4fd37e2313f0d0fd8451", "NetScreen" },
	{ "699369228741c6d4ca094c93e242c9de19e7b7c6", "NetScreen or Juniper" },
	{ "b858d1addd08c1e8adafea150608aa4497aa6cc8", "ZyXEL" },
	{ "625027749d5ab97f5616c1602765cf480a3b7d0b", "ZyXEL" },
	{ "afcad71368a1f1c96b8696fc7757", "DPD (RFC 3706)" },
	{ "09002689dfd6b712", "XAUTH" },
	{ "4048b7d56ebce88525e7de7f00d6c2d3", "fragmentation (IKEv1)" },
	{ "4a131c81070358455c5728f20e95452f", "NAT-T (RFC 3947)" },
	{ "90cb80913ebb696e086381b5ec427b1f", "NAT-T (draft 02)" },
	{ "cd60464335df21f87cfdb2fc68b6a448", "NAT-T (draft 02)" },
	{ "7d9419a65310ca6f2c179d9215529d56", "NAT-T (draft 03)" },
	{ "4485152d18b6bbcd0be8a8469579ddcc", "NAT-T (draft 00)" },
	{ "8f8d83826d246b6fc7a8a6a428c11de8", "NAT-T (draft 08)" },
};

static bool begins(struct slice id, const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (id.len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1 || byte != id.p[i])
			return false;
	}
	return true;
}

const char *vendor_name(struct slice id, char *buf, size_t cap)
{
	size_t printable = 0;
	int at = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (begins(id, known[i].hex))
			return known[i].name;
	while (printable < id.len && id.p[printable] >= ' ' && id.p[printable] < 127)
		printable++;
	if (printable == id.len && id.len >= 4) {
		snprintf(buf, cap, "%.*s", (int)(id.len < 40 ? id.len : 40), (const char *)id.p);
		return buf;
	}
	at = snprintf(buf, cap, "0x");
	for (size_t i = 0; i < id.len && i < 12 && (size_t)at + 3 < cap; i++)
		at += snprintf(buf + at, cap - (size_t)at, "%02x", id.p[i]);
	return buf;
}
