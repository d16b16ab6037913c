/* afalg_mac: hash sockets answer at once or not at all: AIO would change nothing here. */
#include "dataplane/engine/afalg_mac.h"

#include "core/base/secret.h"
#include "core/crypto/alg.h"
#include "core/crypto/crypto.h"
#include "dataplane/engine/afalg_sys.h"

#include <errno.h>
#include <linux/if_alg.h>
#include <string.h>

#define PARTS_MAX 4

static uint16_t prf_of(uint16_t integ)
{
	switch (integ) {
	case INTEG_HMAC_MD5_96: return PRF_HMAC_MD5;
	case INTEG_HMAC_SHA1_96: return PRF_HMAC_SHA1;
	case INTEG_HMAC_SHA2_256_128: return PRF_HMAC_SHA2_256;
	case INTEG_HMAC_SHA2_384_192: return PRF_HMAC_SHA2_384;
	case INTEG_HMAC_SHA2_512_256: return PRF_HMAC_SHA2_512;
	}
	return 0;
}

int afalg_mac_init(struct afalg_mac *m, int fd, uint16_t integ, struct slice key, struct err *e)
{
	uint16_t id = prf_of(integ);
	const struct alg *a = id ? alg_get(ALG_PRF, id, 0) : NULL;

	*m = (struct afalg_mac){ .bound = -1, .op = -1, .prf = id };
	if (!a)
		return err_set(e, "no hash for this integrity algorithm");
	m->out_len = a->out_len;
	if (fd >= 0) {
		m->bound = afalg_sys->dup(fd);
		if (m->bound < 0)
			return err_errno(e, "AF_ALG socket");
		if (afalg_sys->setsockopt(m->bound, ALG_SET_KEY, key.p, (socklen_t)key.len) == 0 ||
		    errno == EBUSY)
			return 0;	/* or another worker's key has set it */
		/* A driver that does not take it: then this part is software. */
		afalg_sys->close(m->bound);
		m->bound = -1;
	}
	m->key = secret_new(key.len);
	if (!m->key)
		return err_set(e, "out of memory");
	memcpy(m->key, key.p, key.len);
	m->key_len = (uint8_t)key.len;
	return 0;
}

static void drop_op(struct afalg_mac *m)
{
	if (m->op >= 0)
		afalg_sys->close(m->op);
	m->op = -1;
}

void afalg_mac_fini(struct afalg_mac *m)
{
	drop_op(m);
	if (m->bound >= 0)
		afalg_sys->close(m->bound);
	m->bound = -1;
	secret_free(m->key);
	m->key = NULL;
}

static int by_core(struct afalg_mac *m, const struct iovec *iov, size_t n, uint8_t *out)
{
	struct slice part[PARTS_MAX];

	if (n > PARTS_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		part[i] = (struct slice){ iov[i].iov_base, iov[i].iov_len };
	return prf(m->prf, (struct slice){ m->key, m->key_len }, part, n, out);
}

int afalg_mac(struct afalg_mac *m, const struct iovec *iov, size_t n, uint8_t out[AFALG_MAC_MAX])
{
	struct msghdr h = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	size_t len = 0;

	if (m->bound < 0)
		return by_core(m, iov, n, out);
	if (m->op < 0)
		m->op = afalg_sys->accept(m->bound);
	if (m->op < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (afalg_sys->sendmsg(m->op, &h) == (ssize_t)len &&
	    afalg_sys->read(m->op, out, m->out_len) == m->out_len)
		return 0;
	drop_op(m);
	return -1;
}
