/* afalg_open: which of the kernel's algorithms a suite is, and sockets bound to them. */
#include "dataplane/engine/afalg_open.h"

#include "core/crypto/alg.h"
#include "core/settings/conf.h"
#include "dataplane/engine/afalg_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_ALG
#define AF_ALG 38
#endif

static const char *cipher_name(uint16_t encr)
{
	switch (encr) {
	case ENCR_AES_CBC: return "cbc(aes)";
	case ENCR_AES_CTR: return "rfc3686(ctr(aes))";
	case ENCR_CAMELLIA_CBC: return "cbc(camellia)";
	case ENCR_BLOWFISH: return "cbc(blowfish)";
	case ENCR_3DES: return "cbc(des3_ede)";
	case ENCR_DES: return "cbc(des)";
	}
	return NULL;
}

static const char *hash_name(uint16_t integ)
{
	switch (integ) {
	case INTEG_HMAC_MD5_96: return "hmac(md5)";
	case INTEG_HMAC_SHA1_96: return "hmac(sha1)";
	case INTEG_HMAC_SHA2_256_128: return "hmac(sha256)";
	case INTEG_HMAC_SHA2_384_192: return "hmac(sha384)";
	case INTEG_HMAC_SHA2_512_256: return "hmac(sha512)";
	}
	return NULL;
}

int afalg_names(const struct afalg_ids *ids, struct afalg_names *out, struct err *e)
{
	const char *cipher = cipher_name(ids->encr), *h = hash_name(ids->integ);
	char buf[48];

	memset(out, 0, sizeof(*out));
	if (ids->encr == ENCR_AES_GCM_16)
		strcpy(out->aead, "rfc4106(gcm(aes))");
	else if (ids->encr == ENCR_CHACHA20_POLY1305)
		strcpy(out->aead, "rfc7539esp(chacha20,poly1305)");
	if (out->aead[0])
		return 0;
	if (!cipher || !h)
		return err_set(e, "the kernel's crypto API has no %s here",
			       cipher ? alg_label(ALG_INTEG, ids->integ, 0, buf, sizeof(buf)) :
			       alg_label(ALG_ENCR, ids->encr, ids->encr_bits, buf, sizeof(buf)));
	snprintf(out->aead, sizeof(out->aead), "authenc%s(%s,%s)", ids->esn ? "esn" : "", h, cipher);
	snprintf(out->cipher, sizeof(out->cipher), "%s", cipher);
	snprintf(out->hash, sizeof(out->hash), "%s", h);
	return 0;
}

/* Kernels before 4.12 take no name of more than 63 letters. */
static int bind_alg(const char *type, const char *name, struct err *e)
{
	struct sockaddr_alg sa = { .salg_family = AF_ALG };
	int fd, err;

	fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == ENOENT))
		return err_set(e, "the kernel has no AF_ALG (modprobe af_alg; on OpenWrt: opkg "
				  "install kmod-crypto-user)");
	if (fd < 0)
		return err_errno(e, "AF_ALG");
	if (strlen(name) >= sizeof(sa.salg_name)) {
		close(fd);
		return err_set(e, "%s is too long a name", name);
	}
	memcpy(sa.salg_type, type, strlen(type));
	memcpy(sa.salg_name, name, strlen(name));
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	if (err == ENOENT)
		return err_set(e, "the kernel has no %s (modprobe algif_%s; on OpenWrt: opkg install "
				  "kmod-crypto-user)", name, type);
	return err_errno(e, "AF_ALG %s", name);
}

static void look_up(struct afalg_note *note, const char *name, const char *type)
{
	FILE *f = fopen(AFALG_PROC, "re");
	struct afalg_driver d;

	if (!f)
		return;
	if (afalg_proc_find(f, name, type, &d)) {
		snprintf(note->driver, sizeof(note->driver), "%s", d.driver);
		note->async = d.async;
		note->hardware = d.hardware;
	} else {
		note->async = 1;	/* not known: a device may be behind it */
	}
	fclose(f);
}

/* Authenticated as one algorithm where the kernel has it so: then one request does all, and
 * a device that only ciphers is used by the template all the same. */
static int bind_suite(const struct afalg_ids *ids, struct afalg_note *note,
		      int fds[AFALG_FDS_MAX], size_t *n, struct err *e)
{
	struct afalg_names names;
	struct err no_cipher = { 0 };

	if (afalg_names(ids, &names, e) < 0)
		return -1;
	fds[1] = bind_alg("aead", names.aead, e);
	if (fds[1] >= 0) {
		note->kind = AFALG_AEAD;
		look_up(note, names.aead, "aead");
		*n = 2;
		return 0;
	}
	if (!names.cipher[0])
		return -1;
	fds[1] = bind_alg("skcipher", names.cipher, &no_cipher);
	if (fds[1] < 0)
		return err_set(e, "%s", no_cipher.msg);
	note->kind = AFALG_SPLIT;
	look_up(note, names.cipher, "skcipher");
	*n = 2;
	fds[2] = bind_alg("hash", names.hash, NULL);
	if (fds[2] >= 0) {
		note->hash = 1;
		*n = 3;
	}
	return 0;
}

int afalg_open(const struct afalg_ids *ids, int fds[AFALG_FDS_MAX], size_t *n, struct err *e)
{
	struct afalg_note note = {
		.magic = AFALG_MAGIC,
		.encr = ids->encr, .encr_bits = ids->encr_bits, .integ = ids->integ,
		.esn = ids->esn,
	};

	*n = 0;
	if (bind_suite(ids, &note, fds, n, e) < 0)
		return -1;
	fds[0] = afalg_note_write(&note, e);
	if (fds[0] >= 0)
		return 0;
	afalg_close(fds + 1, *n - 1);
	*n = 0;
	return -1;
}

int afalg_open_pair(const struct afalg_ids *ids, int fds[ENGINE_FDS_MAX], size_t *n,
		    struct err *e)
{
	int in[AFALG_FDS_MAX], out[AFALG_FDS_MAX];
	size_t n_in, n_out;

	*n = 0;
	if (afalg_open(ids, in, &n_in, e) < 0)
		return -1;
	if (afalg_open(ids, out, &n_out, e) < 0) {
		afalg_close(in, n_in);
		return -1;
	}
	if (n_in != n_out) {	/* a module came or went in between */
		afalg_close(in, n_in);
		afalg_close(out, n_out);
		return err_set(e, "the kernel's algorithms change at this moment");
	}
	memcpy(fds, in, n_in * sizeof(int));
	memcpy(fds + n_in, out, n_out * sizeof(int));
	*n = n_in + n_out;
	return 0;
}

void afalg_close(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

bool afalg_wanted(uint8_t choice, const struct profile *p, uint16_t encr, uint16_t encr_bits,
		  uint16_t integ)
{
	if (choice != ENGINE_CHOICE_AUTO)
		return choice == ENGINE_CHOICE_AFALG;
	for (size_t i = 0; i < p->n && i < PROFILE_ROWS; i++)
		if (p->row[i].engine == ENGINE_AFALG && p->row[i].encr == encr &&
		    p->row[i].encr_bits == encr_bits && p->row[i].integ == integ)
			return true;
	return false;
}

int afalg_note_write(const struct afalg_note *note, struct err *e)
{
	int fd = memfd_create("adit-afalg", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_errno(e, "memfd_create");
	if (pwrite(fd, note, sizeof(*note), 0) == sizeof(*note) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	err_errno(e, "the note of the AF_ALG sockets");
	close(fd);
	return -1;
}
