/* schema: the one table of settings. From its rows come the grammar of the files, what
 * `key=value` accepts, completion, the forms, the JSON of the schema and the option list
 * of adit.conf(5). A new setting is one row here and the code that obeys it.
 */
#ifndef ADIT_SETTINGS_SCHEMA_H
#define ADIT_SETTINGS_SCHEMA_H

#include "core/base/nearest.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a key may stand: adit.conf, peers/NAME.conf, or a child section of the latter. */
enum setting_scope { SCOPE_ROUTER, SCOPE_PEER, SCOPE_CHILD };

enum setting_type {
	ST_TEXT,	/* printable UTF-8, min..max bytes */
	ST_NAME,	/* a peer's name */
	ST_WORD,	/* letters, digits, . _ - ; max bytes */
	ST_BOOL,	/* yes, no (also true/false, on/off, 1/0) */
	ST_CHOICE,	/* one of choices */
	ST_VERSION,	/* IKE version: 2, 1, auto */
	ST_UINT,	/* min..max */
	ST_DURATION,	/* min..max seconds; "4h", "90m", "1d", "1h30m", "3600" */
	ST_BYTES,	/* an amount: "500M", "10G", powers of 1024; 0: no limit */
	ST_PACKETS,	/* an amount: "500K", "10M", "1G", powers of 1000; 0: no limit */
	ST_INTEG,	/* an integrity algorithm, or "no" */
	ST_ADDR,	/* an IP address */
	ST_GATEWAYS,	/* 1..GATEWAYS_MAX of IP address, host name, network, "any" */
	ST_NETWORKS,	/* 1..NETWORKS_MAX networks */
	ST_PROTO,	/* "any", "tcp", "udp", … or an IP protocol's number */
	ST_PORTS,	/* "any", "443", "1000-2000" */
	ST_CERT,	/* the name of a certificate in pki/ */
	ST_CERTS,	/* 1..CA_MAX such names */
	ST_ID,		/* an IKE identity (core/settings/id.h) */
	ST_IKE, ST_ESP,	/* suites, best first */
	ST_WEAK,	/* names of weak algorithms */
	ST_IFACE,	/* an interface */
	ST_IFACES,	/* up to LAN_MAX interfaces */
	ST_SECRET,	/* text or 0x… hex; kept in secrets/NAME, never in a listing */
};

/* What changing it does to the peer (to every peer, for router settings). */
enum setting_cost { COST_NOTHING, COST_REKEY, COST_RESTART };

/* The pages of a peer's form, in this order. PAGE_ROUTER: the router's own form. */
enum setting_page {
	PAGE_GENERAL, PAGE_NETWORKS, PAGE_ALGORITHMS, PAGE_AUTH, PAGE_LIFE, PAGE_FIREWALL,
	PAGE_ADVANCED, PAGE_ROUTER, PAGE_N,
};

/* Which struct of conf.h a value is stored in. HOME_CHILD in a row of SCOPE_PEER is the
 * peer's first child. */
enum setting_home { HOME_NONE, HOME_ROUTER, HOME_PEER, HOME_CHILD };

struct setting {
	const char *key;
	enum setting_scope scope;
	enum setting_type type;
	enum setting_page page;
	enum setting_cost cost;
	bool required;		/* must be set, in this row's scope */
	bool sensitive;		/* never shown, never in argv */
	bool defaultable;	/* may stand in adit.conf's defaults section */
	bool inherits;		/* a child's row: left out, the peer's value counts */
	bool hides;		/* forms leave it out while it has no effect and is not set */
	uint32_t min, max;	/* numbers and seconds; bytes for text */
	const char *def;	/* as written; "" when there is none */
	const char *
		empty; /* what "" means ("the address of the gateway"); "" when nothing */
	const char *unit;	/* "", "seconds", "bytes" */
	const char *label;	/* for forms: "Remote gateway" */
	const char *help;	/* one line */
	const char *more;	/* the long help: whole sentences; may be "" */
	const char *example;	/* a value one could type */
	const char *when; /* when it applies, "" always: "while dpd_delay is not 0" */
	const char *
		when_key; /* the condition itself: applies unless when_key is when_not; */
	const char *when_not;	/* NULL: always */
	const char *like;	/* left out, the value of this key counts; NULL: none */
	const char *aka;	/* "strongSwan: …; RouterOS: …"; "" when nobody has it */
	const char *const *choices; /* NULL-terminated, for ST_CHOICE and ST_VERSION */
	enum setting_home home;
	uint16_t offset, width;	/* of the field in home; width of numbers in bytes */
	uint16_t count_offset;	/* of the uint8_t that counts a list */
};

/* All rows: router, peer, child; within a scope in the order of files and forms. */
extern const struct setting settings_table[];
extern const size_t settings_table_n;
#define SETTINGS_TABLE_MAX 96	/* for arrays indexed by row */

/* NULL when there is no such key in that scope. */
const struct setting *setting_find(enum setting_scope scope, const char *key);
/* The same, failing with the nearest key: "unknown setting "ikee": ike?" (EXIT_SETTINGS).
 * A key of another scope is named as such. */
const struct setting *setting_require(enum setting_scope scope, const char *key,
				      struct err *e);
/* Its index in settings_table. */
size_t setting_index(const struct setting *s);
/* A list whose values are separated by commas. */
bool setting_is_list(const struct setting *s);

const char *setting_scope_name(enum setting_scope scope); /* "router", "peer", "child" */
const char *setting_type_name(enum setting_type type);		/* "duration", … */
const char *setting_page_name(enum setting_page page); /* "Lifetimes", … */
const char *setting_cost_name(enum setting_cost cost); /* "nothing", "rekey", "restart" */
/* What values look like, for help lines: "yes or no", "10s to 30d", "start, responder".
 */
const char *setting_range(const struct setting *s, char *buf, size_t cap);

/* Values worth offering. typed is what stands there so far ("" for all): lists and suites
 * are completed behind their last comma or dash. Each goes to fn whole (typed's head
 * included), with a few words about it ("" when there is nothing to say) and true when it
 * is weak. */
typedef void setting_suggest_fn(void *arg, const char *value, const char *about,
				bool weak);
void setting_suggest(const struct setting *s, const char *typed, setting_suggest_fn *fn,
		     void *arg);

#endif
