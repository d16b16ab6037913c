/* iv: IVs that nobody can foresee, for CBC (RFC 3602 §3), without a system call for each: a
 * number never used before, encrypted with a random key of its own (NIST SP 800-38A Appendix C).
 */
#ifndef ADIT_CRYPTO_IV_H
#define ADIT_CRYPTO_IV_H

#include "core/base/err.h"

#include <stdint.h>

#define IV_LEN 16	/* a cipher of shorter blocks takes the first 8 of them */

struct iv;

/* One for each key that is encrypted with, used by one thread at a time. NULL with e when memory
 * is short. */
struct iv *iv_new(struct err *e) MUST_USE;
void iv_free(struct iv *v);
void iv_next(struct iv *v, uint8_t out[IV_LEN]);

#endif
