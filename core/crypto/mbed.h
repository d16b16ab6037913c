/* mbed: what the files of core/crypto share about mbedTLS, 2.28 and 3.6. */
#ifndef ADIT_CRYPTO_MBED_H
#define ADIT_CRYPTO_MBED_H

#include <mbedtls/md.h>
#include <stddef.h>
#include <stdint.h>

/* The digest behind a PRF or an INTEG transform; NULL for others. */
const mbedtls_md_info_t *mbed_md(int alg_type, uint16_t id);
/* core/base/rng in the shape mbedTLS wants. */
int mbed_rng(void *arg, unsigned char *out, size_t len);

#endif
