/* id: IKE identities (RFC 7296 §3.5) as text. Needs nothing but core/base, so programs
 * that read no settings use it too. */
#ifndef ADIT_SETTINGS_ID_H
#define ADIT_SETTINGS_ID_H

#include "core/settings/conf.h"

/* "" gives ID_NONE; "192.0.2.1" and "2001:db8::1" ID_IPV4_ADDR, ID_IPV6_ADDR;
 * "a@b.example" ID_RFC822_ADDR; "keyid:text" and "keyid:0x0102" ID_KEY_ID; "C=CH, O=Acme,
 * CN=gw" ID_DER_ASN1_DN, encoded in the order written (as strongSwan does); anything else
 * that is a host name, also "@gw.example", ID_FQDN. Case of names is kept: RFC 7296
 * compares octets. */
int ike_id_parse(const char *text, struct ike_id *out, struct err *e) MUST_USE;

/* As ike_id_parse() reads it, where it could have come from there; bytes that cannot be
 * printed are escaped as \xNN, unknown types are "type 7:0x…". ID_NONE is "". Safe on
 * what came from the wire. buf >= ID_TEXT_MAX; returns it. */
#define ID_TEXT_MAX 1024
const char *ike_id_str(const struct ike_id *id, char *buf, size_t cap);

/* Equal as RFC 7296 §3.5 compares them: type and octets. */
bool ike_id_equal(const struct ike_id *a, const struct ike_id *b);
/* The ID of an address. */
struct ike_id ike_id_of_addr(const struct ip_addr *a);

#endif
