/* fake: a dataplane that is memory only, for tests of the monitor: it remembers what it was
 * given and answers at once. One per process. */
#ifndef ADIT_DATAPLANE_FAKE_H
#define ADIT_DATAPLANE_FAKE_H

#include "core/daemon/backend.h"

extern const struct backend backend_fake;

#define FAKE_SAS_MAX 64
#define FAKE_IFACES_MAX 64

struct fake_state {
	size_t n_sas, n_ifaces;
	struct {
		struct sa_child sa;
		char iface[IFNAME_MAX];
		bool active;
	} sas[FAKE_SAS_MAX];
	struct backend_iface ifaces[FAKE_IFACES_MAX];
	unsigned added, deleted, queried;	/* how often */
	uint32_t last_linger_ms;
	bool started;
};

/* What it holds now. */
const struct fake_state *fake_state(void);
void fake_reset(void);
/* The next sa_add is refused with this text; borrowed until then. */
void fake_refuse_next(const char *why);
/* As if the dataplane had noticed; the SA stays. */
void fake_event(uint32_t id, enum sa_event ev);
/* As if an IKE message had come in its socket. */
void fake_ike(const struct endpoint *local, const struct endpoint *remote, const uint8_t *msg,
	      size_t len);
/* As if the kernel had been flushed. */
void fake_lose_all(void);

#endif
