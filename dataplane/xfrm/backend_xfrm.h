/* backend_xfrm: the kernel's own ESP as the monitor sees it (core/daemon/backend.h). It needs
 * no child: the kernel works by itself, and goes on when aditd is killed. */
#ifndef ADIT_XFRM_BACKEND_XFRM_H
#define ADIT_XFRM_BACKEND_XFRM_H

#include "core/daemon/backend.h"

extern const struct backend backend_xfrm;

#endif
