/* afalg_proc: which of the kernel's crypto drivers does an algorithm, as /proc/crypto tells.
 * An algorithm that is a template ("authenc(hmac(sha256),cbc(aes))") is listed once it was
 * used or bound. */
#ifndef ADIT_ENGINE_AFALG_PROC_H
#define ADIT_ENGINE_AFALG_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define AFALG_PROC "/proc/crypto"

struct afalg_driver {
	char driver[128];	/* "rfc4106-gcm-aesni", "authenc(hmac(sha1-generic),mv-cbc-aes)" */
	int priority;
	bool async;		/* it, or a part of it, ends requests later */
	bool hardware;		/* it, or a part of it, is a device and not the processor */
};

/* The driver that the kernel takes for the algorithm of this name and type ("aead", "skcipher",
 * "shash"; "hash" finds ahash and shash): of several the one of the highest priority. f is
 * /proc/crypto, read from its start. False when it is not listed. */
bool afalg_proc_find(FILE *f, const char *name, const char *type, struct afalg_driver *out);

/* Whether a driver of that name, asynchronous or not, is a device. The processor's own
 * instructions are none, nor are templates or the daemons that make software asynchronous. */
bool afalg_is_device(const char *driver, bool async);

#endif
