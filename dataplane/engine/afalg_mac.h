/* afalg_mac: the HMAC of a suite whose cipher alone is the kernel's: by a hash socket, or where
 * there is none by core/crypto. Used by one thread at a time. */
#ifndef ADIT_ENGINE_AFALG_MAC_H
#define ADIT_ENGINE_AFALG_MAC_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define AFALG_MAC_MAX 64

struct afalg_mac {
	int bound, op;		/* -1: none */
	uint16_t prf;		/* the PRF_HMAC_* with the same hash */
	uint8_t out_len;	/* of the whole digest */
	uint8_t key_len;
	uint8_t *key;		/* core/base/secret; NULL with a socket */
};

/* fd: bound hash socket, duplicated, or -1. */
int afalg_mac_init(struct afalg_mac *m, int fd, uint16_t integ, struct slice key, struct err *e)
	MUST_USE;
void afalg_mac_fini(struct afalg_mac *m);
/* out gets out_len bytes. -1 when the kernel errs; the next call tries again. */
int afalg_mac(struct afalg_mac *m, const struct iovec *iov, size_t n, uint8_t out[AFALG_MAC_MAX])
	MUST_USE;

#endif
