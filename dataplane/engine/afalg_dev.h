/* afalg_dev: requests to one algorithm of the kernel's crypto API with one key: operation
 * sockets that are kept, several requests in flight, results by kernel AIO.
 *
 * The kernel keeps one IV an operation socket, which a request that is under way goes on
 * reading: so a socket has one request at a time, and what is in flight at once are slots,
 * each with a socket and a buffer of its own. The packet is handed in as a scatter list where it
 * lies; the result comes into the slot's buffer, which is mapped pages and never anything
 * else: a device that ends a request long after it was given up writes into those, whatever
 * became of the packet (and of the slot: pages that are written to stay until that is over).
 *
 * One thing the kernel leaves to nobody: a process that ends waits for its requests. Where a
 * device never ends one, espd's end waits as long.
 *
 * Descriptors are few, and interfaces want them, too: see struct afalg_limits.
 *
 * Used by one thread at a time.
 */
#ifndef ADIT_ENGINE_AFALG_DEV_H
#define ADIT_ENGINE_AFALG_DEV_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define AFALG_SLOTS 16
#define AFALG_IV_MAX 16
#define AFALG_CMSG_LEN 128

enum afalg_state {
	AFALG_FREE,
	AFALG_STAGED,		/* handed to the kernel, not begun */
	AFALG_FLYING,
	AFALG_DONE,		/* res says how; until afalg_dev_release() */
	AFALG_STALLED,		/* given up; the kernel may still write into buf */
};

struct afalg_slot {
	enum afalg_state state;
	int fd;			/* operation socket; -1: none yet */
	uint8_t *buf;		/* cap bytes of mapped pages */
	size_t cap;
	size_t want;		/* bytes of a whole result */
	int64_t res;		/* bytes, or -errno; short results are -EIO */
	size_t tag;		/* the caller's */
	struct iocb cb;
};

struct afalg_dev {
	int bound;		/* the socket that has the key */
	unsigned least;		/* sockets that it is counted with, whatever it has */
	unsigned ops;		/* operation sockets it has */
	bool aead, async;
	uint8_t iv_len;
	uint32_t assoc_len;
	bool aio;
	aio_context_t ctx;
	unsigned staged, flying, done, stalled;
	struct afalg_slot slot[AFALG_SLOTS];
};

struct afalg_dev_conf {
	int fd;			/* bound; duplicated */
	bool aead;		/* else a skcipher */
	bool async;		/* see struct afalg_note */
	uint8_t iv_len;		/* at most AFALG_IV_MAX */
	uint8_t icv_len;	/* aead */
	uint32_t assoc_len;	/* aead */
	unsigned others;	/* sockets that the caller keeps beside, for this key */
	struct slice key;
};

/* Sockets of the whole process. Each key is counted with the bound one, one operation socket and
 * the caller's others; what it has beyond that is one more each. A test may set them. */
extern struct afalg_limits {
	unsigned easy;		/* beyond, a key keeps AFALG_KEEP when its batch is done */
	unsigned more;		/* beyond, a key makes do with the operation sockets it has */
	unsigned keys;		/* beyond, there are no keys: software does their work */
} afalg_limits;
#define AFALG_KEEP 2

/* Sets key and ICV length; d needs no fini when it fails: the driver refuses the key, it is no
 * socket of that kind, or too many have sockets. */
int afalg_dev_init(struct afalg_dev *d, const struct afalg_dev_conf *c, struct err *e) MUST_USE;
/* False while requests that were given up are not over: then d must stay, and it is called
 * again later. */
bool afalg_dev_fini(struct afalg_dev *d) MUST_USE;

struct afalg_ask {
	bool seal;
	const struct iovec *iov;	/* copied from before the call returns */
	size_t n_iov;
	const uint8_t *iv;
	size_t want;			/* bytes that the result will have */
	size_t tag;
};
/* Hand a request over, not begun yet. 0; -1 when no slot is free, or there are sockets for no
 * more (try after a release); -2 when the kernel refuses it. */
int afalg_dev_stage(struct afalg_dev *d, const struct afalg_ask *a) MUST_USE;
/* Begin all that is staged. */
void afalg_dev_submit(struct afalg_dev *d);
/* Wait until at least min (at most those flying) have ended, or ms have passed. */
void afalg_dev_wait(struct afalg_dev *d, unsigned min, uint64_t ms);
/* One that ended, or NULL. */
struct afalg_slot *afalg_dev_done(struct afalg_dev *d);
void afalg_dev_release(struct afalg_dev *d, struct afalg_slot *s);
/* Give up a request in flight: one after the other until NULL. Its slot is of no use until
 * the kernel ends the request (looked for by afalg_dev_wait()). */
struct afalg_slot *afalg_dev_give_up(struct afalg_dev *d);
/* A batch is done: where sockets are scarce, those that are idle go back. */
void afalg_dev_idle(struct afalg_dev *d);

#endif
