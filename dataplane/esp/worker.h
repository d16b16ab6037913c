/* worker: moves packets between the peers' interfaces and the ESP sockets, in batches. It
 * wakes up for packets alone. When the network takes no more, it stops reading the
 * interfaces, so that the queue (and its management) is the kernel's. */
#ifndef ADIT_ESP_WORKER_H
#define ADIT_ESP_WORKER_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "dataplane/esp/sad.h"

struct worker;

/* Borrows both. */
struct worker *worker_new(struct loop *l, struct sad *s, struct err *e) MUST_USE;
/* Wipes the packet buffers. Interfaces must be gone or never used again. */
void worker_free(struct worker *w);

/* Takes a UDP socket of family AF_INET or AF_INET6, made ready by backend_esp; one per
 * family, a second replaces the first. */
int worker_socket(struct worker *w, int family, int fd, struct err *e) MUST_USE;
/* Begin and end reading an interface of the sad. */
int worker_iface_add(struct worker *w, struct esp_iface *i, struct err *e) MUST_USE;
void worker_iface_del(struct worker *w, struct esp_iface *i);
/* An SA of this interface may send now: what waits for one goes, soon. */
void worker_release(struct worker *w, struct esp_iface *i);
/* Wipe all packet buffers: after an SA was deleted. */
void worker_wipe(struct worker *w);

#endif
