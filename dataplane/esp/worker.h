/* worker: moves packets between the peers' interfaces and the ESP sockets, in batches. It
 * wakes up for packets alone. When the network takes no more, it stops reading the
 * interfaces, so that the queue (and its management) is the kernel's.
 *
 * The interfaces are TUN devices with a virtio-net header (struct virtio_net_hdr, 10 bytes,
 * this machine's byte order) that hand over segments whole and checksums unfinished.
 */
#ifndef ADIT_ESP_WORKER_H
#define ADIT_ESP_WORKER_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "dataplane/esp/sad.h"

struct worker;

/* IP protocol 50 without UDP needs raw sockets. */
enum worker_socket { WORKER_UDP4, WORKER_UDP6, WORKER_RAW4, WORKER_RAW6, WORKER_SOCKETS };

/* Borrows both. Takes the sad's gone(). */
struct worker *worker_new(struct loop *l, struct sad *s, struct err *e) MUST_USE;
/* Wipes the packet buffers. Interfaces must be gone or never used again. */
void worker_free(struct worker *w);

/* It runs in a thread of its own: these are called around what other threads' timers begin. */
void worker_guard(struct worker *w, void (*enter)(void *arg), void (*leave)(void *arg), void *arg);

/* Takes a socket, made ready by backend_esp; a second one of the kind replaces the first. */
int worker_socket(struct worker *w, enum worker_socket kind, int fd, struct err *e) MUST_USE;
/* The interfaces take UDP segments, too (VIRTIO_NET_HDR_GSO_UDP_L4). */
void worker_uso(struct worker *w, bool uso);
/* Begin and end reading an interface of the sad. */
int worker_iface_add(struct worker *w, struct esp_iface *i, struct err *e) MUST_USE;
void worker_iface_del(struct worker *w, struct esp_iface *i);
/* An SA of this interface may send now, or a packet waits for one: soon it is looked at. Called
 * where the sad's timers are. */
void worker_release(struct worker *w, struct esp_iface *i);
/* Wipe all packet buffers: after an SA was deleted. */
void worker_wipe(struct worker *w);

#endif
