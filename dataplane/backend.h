/* backend: the dataplanes aditd is built with; core/daemon/backend.h says what they do. */
#ifndef ADIT_DATAPLANE_BACKEND_H
#define ADIT_DATAPLANE_BACKEND_H

#include "core/daemon/backend.h"

extern const struct backend backend_xfrm;	/* dataplane/xfrm: the kernel's own ESP */
extern const struct backend backend_esp;	/* dataplane/esp: espd, userspace */
extern const struct backend backend_fake;	/* dataplane/fake: memory only, for tests */

#endif
