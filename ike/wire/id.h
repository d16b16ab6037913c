/* id: identities (RFC 7296 §3.5; struct ike_id is in core/settings/conf.h). */
#ifndef ADIT_WIRE_ID_H
#define ADIT_WIRE_ID_H

#include "core/base/addr.h"
#include "core/base/wr.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>

#define ID_TEXT_MAX 1024		/* holds any id_str(), escapes included */

/* Same type and value. FQDN and RFC822 without regard to case (RFC 4945 §3.1); DNs as
 * x509_dn_equal() has it; the others byte for byte. ID_NONE equals nothing. */
bool id_equal(const struct ike_id *a, const struct ike_id *b);
/* As in settings and logs: "203.0.113.1", "branch.example", "user@example",
 * "CN=branch, O=Example" (a DN as far as it can be read, else "DN:" and hex), "keyid:text" or
 * "keyid:0x…". Bytes that do not print are \xNN. "" for ID_NONE. Cut to cap; returns buf. */
const char *id_str(const struct ike_id *id, char *buf, size_t cap);
/* ID_IPV4_ADDR or ID_IPV6_ADDR; ID_NONE for no address. */
struct ike_id id_from_addr(const struct ip_addr *a);
/* The payload's body: type, three zero bytes, data. This is RestOfID of §2.15. */
void id_write(struct wr *w, const struct ike_id *id);

#endif
