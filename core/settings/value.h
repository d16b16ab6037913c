/* value: one value of one setting: its text parsed, its canonical text, its place in a
 * struct of conf.h. Used by drafts and files; others go through core/settings/draft.h. */
#ifndef ADIT_SETTINGS_VALUE_H
#define ADIT_SETTINGS_VALUE_H

#include "core/settings/schema.h"

#define VALUE_TEXT_MAX 2048	/* canonical text of any value, NUL included */
#define VALUE_DURATION_TEXT 16

/* A parsed value; which member counts follows from the setting's type. */
struct value {
	bool empty; /* the text was "" (or a word for it): the default counts */
	union {
		char text[ID_MAX * 2 + 64];	/* TEXT, NAME, WORD, IFACE, CERT */
		bool yes;
		uint32_t number; /* UINT, DURATION, CHOICE (index), VERSION, PROTO,
				   INTEG (0: no) */
		uint64_t bytes;			/* BYTES, PACKETS */
		struct ip_addr addr;
		struct {			/* GATEWAYS */
			uint8_t n_gateway;
			struct gateway gateway[GATEWAYS_MAX];
		};
		struct {			/* PORTS; both ends count */
			uint16_t lo, hi;
		};
		struct {			/* CERTS */
			uint8_t n_cert;
			char cert[CA_MAX][PKI_NAME_MAX + 1];
		};
		struct {
			uint8_t n;
			struct prefix net[NETWORKS_MAX];
		};
		struct {
			uint8_t n_iface;
			char iface[LAN_MAX][IFNAME_MAX];
		};
		struct ike_id id;
		struct suite_list suites;
		unsigned weak;
	};
};

/* The error says what would be right, without the key; not for ST_SECRET. */
int value_parse(const struct setting *s, const char *text, struct value *v, struct err *e)
	MUST_USE;
/* Canonical: parsing it gives v again. buf >= VALUE_TEXT_MAX; returns it. */
const char *value_str(const struct setting *s, const struct value *v, char *buf,
		      size_t cap);
/* Into the struct that is the setting's home; an empty value leaves it alone. */
void value_store(const struct setting *s, const struct value *v, void *home);

/* "90m", "1h", "0". buf >= VALUE_DURATION_TEXT; returns it. */
const char *value_duration_str(uint32_t seconds, char *buf);
/* Peers' and children's names: letters, digits, . _ -, beginning with a letter or digit.
 */
int value_name_check(const char *what, const char *name, size_t max,
		     struct err *e) MUST_USE;

#endif
