/* dir: the folder pki/ and its files, for core/pki alone. */
#ifndef ADIT_PKI_DIR_H
#define ADIT_PKI_DIR_H

#include "core/crypto/pk.h"
#include "core/crypto/x509.h"
#include "core/pki/pki.h"

#include <sys/types.h>

#define DIR_CERTS_MAX 16	/* in one file */

enum dir_kind { DIR_CRT, DIR_KEY, DIR_CSR, DIR_CRL, DIR_KINDS };

struct store;

/* An open pki/. fd -1: there is none (reading). */
struct dir {
	int fd;
	struct store *lock;	/* NULL: reading */
};
int dir_open(struct dir *d, const char *config_dir, struct err *e) MUST_USE;
/* With the lock of the settings, the folder made; what a killed writer left is removed.
 * what: "adit pki issue gw". */
int dir_change(struct dir *d, const char *config_dir, const char *what,
	       struct err *e) MUST_USE;
void dir_close(struct dir *d);

bool dir_has(const struct dir *d, const char *name, enum dir_kind k);
/* The bytes, secret memory for keys (dir_free() either way). -1 with EXIT_FAILED when it is
 * not there: e may be NULL. */
int dir_read(const struct dir *d, const char *name, enum dir_kind k, uint8_t **out,
	     size_t *len, struct err *e) MUST_USE;
void dir_free(uint8_t *p, enum dir_kind k);
int dir_write(const struct dir *d, const char *name, enum dir_kind k, const void *p,
	      size_t len, struct err *e) MUST_USE;
/* Gone is fine. */
int dir_remove(const struct dir *d, const char *name, enum dir_kind k,
	       struct err *e) MUST_USE;

/* The parsed ones. certs holds DIR_CERTS_MAX. */
int dir_certs(const struct dir *d, const char *name, struct x509 **certs, size_t *n,
	      struct err *e) MUST_USE;
void dir_certs_free(struct x509 **certs, size_t n);
struct pk *dir_key(const struct dir *d, const char *name, struct err *e) MUST_USE;
struct x509_crl *dir_crl(const struct dir *d, const char *name, struct err *e) MUST_USE;
int dir_write_certs(const struct dir *d, const char *name, const struct slice *der,
		    size_t n, struct err *e) MUST_USE;
int dir_write_key(const struct dir *d, const char *name, struct slice pkcs8,
		  struct err *e) MUST_USE;

/* All names, sorted; the caller's to free(). */
int dir_names(const struct dir *d, char (**out)[PKI_NAME_MAX + 1], size_t *n,
	      struct err *e) MUST_USE;
int dir_no_such(const struct dir *d, const char *name, struct err *e);	/* -1, with the nearest */

#endif
