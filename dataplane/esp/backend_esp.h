/* backend_esp: the userspace dataplane as the monitor sees it (core/daemon/backend.h). It
 * makes the TUN interfaces and keeps their descriptors, so that they outlive an espd that
 * died, and speaks to espd in messages. */
#ifndef ADIT_ESP_BACKEND_ESP_H
#define ADIT_ESP_BACKEND_ESP_H

#include "core/daemon/backend.h"

extern const struct backend backend_esp;

#endif
