/* vendor: what the vendor IDs say that IKE implementations send to be known by. */
#ifndef ADIT_IKE_PROBE_VENDOR_H
#define ADIT_IKE_PROBE_VENDOR_H

#include "core/base/rd.h"

#include <stddef.h>

/* "strongSwan", "DPD (RFC 3706)"; the text itself where it is printable; else its first bytes
 * in hexadecimal. buf >= 48; returns it or a constant. */
const char *vendor_name(struct slice id, char *buf, size_t cap);

#endif
