/* rooms: ike/auth core/ipc core/crypto core/base */
/* vault_keys: private keys and PPKs in the vault: what is answered, to whom, and what never. */
#include "core/crypto/crypto.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkmake.h"
#include "core/ipc/fdfile.h"
#include "core/base/secret.h"
#include "ike/auth/keys.h"
#include "tests/unit/t.h"

#include <unistd.h>

static struct keys *k;
static struct msg_auth q;
static struct msg_auth_done a;

static struct slice pem(const char *kind, struct pk **pub)
{
	static uint8_t der[PK_DER_MAX];
	static struct sbuf b;
	struct err e = { 0 };
	enum pk_type t;
	unsigned bits;
	struct pk *key;
	size_t n;

	CHECK(pk_kind_parse(kind, &t, &bits, &e) == 0);
	key = pk_generate(t, bits, &e);
	CHECK(key && pk_write_private(key, der, &n, &e) == 0);
	sbuf_reset(&b);
	pem_write(&b, "PRIVATE KEY", (struct slice){ der, n });
	CHECK(pk_write_public(key, der, &n, &e) == 0);
	*pub = pk_public((struct slice){ der, n }, &e);
	CHECK(*pub);
	pk_free(key);
	return (struct slice){ (const uint8_t *)sbuf_str(&b), b.len };
}

static void ask(const char *peer, enum vault_kind kind, uint8_t scheme, size_t len)
{
	memset(&q, 0, sizeof(q));
	snprintf(q.peer, sizeof(q.peer), "%s", peer);
	q.kind = (uint8_t)kind;
	q.scheme = scheme;
	q.prf = PRF_HMAC_SHA2_256;
	q.octets_len = (uint16_t)len;
	memset(q.octets, 0x5a, sizeof(q.octets));
	CHECK(keys_asked(&q));
	keys_answer(k, &q, &a);
}

static void signs(void)
{
	struct err e = { 0 };
	struct pk *rsa, *ec;
	struct slice octets = { q.octets, 100 }, file;

	keys_free(k);
	k = keys_new();
	file = pem("rsa2048", &rsa);
	CHECK(keys_set(k, "branch", file, &e) == 0);
	CHECK(keys_set(k, "other", file, &e) == 0);
	CHECK_INT(keys_count(k), 1);
	ask("branch", VAULT_SIGNATURE, PK_RSA_PSS_SHA256, 100);
	CHECK(a.ok && !a.no_secret);
	CHECK_INT(a.auth_len, 256);
	CHECK(pk_verify(rsa, PK_RSA_PSS_SHA256, octets, (struct slice){ a.auth, a.auth_len }, &e) == 0);
	ask("branch", VAULT_SIGNATURE, PK_ECDSA_SHA256, 100);
	CHECK(!a.ok && !a.no_secret);
	ask("nobody", VAULT_SIGNATURE, PK_RSA_PSS_SHA256, 100);
	CHECK(!a.ok && a.no_secret);
	/* another key in its place; the first one stays with the other peer */
	CHECK(keys_set(k, "branch", pem("ecdsa256", &ec), &e) == 0);
	CHECK_INT(keys_count(k), 2);
	ask("branch", VAULT_SIGNATURE, PK_ECDSA_P256, 100);
	CHECK(a.ok && pk_verify(ec, PK_ECDSA_P256, octets, (struct slice){ a.auth, a.auth_len }, &e) == 0);
	ask("other", VAULT_SIGNATURE, PK_RSA_RAW, 20);
	CHECK(a.ok);
	keys_remove(k, "other");
	keys_remove(k, "other");
	CHECK_INT(keys_count(k), 1);
	ask("other", VAULT_SIGNATURE, PK_RSA_RAW, 20);
	CHECK(a.no_secret);
	/* a bad file takes the old key away */
	CHECK(keys_set(k, "branch", (struct slice){ (const uint8_t *)"junk", 4 }, &e) == -1);
	CHECK_INT(keys_count(k), 0);
	ask("branch", VAULT_SIGNATURE, PK_ECDSA_P256, 100);
	CHECK(a.no_secret);
	pk_free(rsa);
	pk_free(ec);
}

/* What a subverted iked might send. */
static void nonsense(void)
{
	struct err e = { 0 };
	struct pk *pub;

	keys_free(k);
	k = keys_new();
	CHECK(keys_set(k, "branch", pem("ecdsa384", &pub), &e) == 0);
	for (unsigned scheme = 0; scheme < 256; scheme++) {
		ask("branch", VAULT_SIGNATURE, (uint8_t)scheme, 40);
		CHECK(a.ok == pk_scheme_fits((enum pk_scheme)scheme, PK_ECDSA, 384));
	}
	ask("branch", VAULT_SIGNATURE, PK_ECDSA_P384, 40);
	q.octets_len = sizeof(q.octets) + 1;
	keys_answer(k, &q, &a);
	CHECK(!a.ok);
	memset(q.peer, 'a', sizeof(q.peer));
	q.octets_len = 10;
	keys_answer(k, &q, &a);
	CHECK(!a.ok && !a.no_secret);
	pk_free(pub);
	CHECK(keys_set(k, "", pem("ecdsa384", &pub), &e) == -1);
	q.kind = VAULT_PSK;
	CHECK(!keys_asked(&q));
	pk_free(pub);
}

/* RFC 8784 §3 by its definition: prf+(PPK, SK) of one block is prf(PPK, SK | 1). */
static void ppk(void)
{
	struct slice secret = { (const uint8_t *)"a post-quantum secret", 21 };
	uint8_t want[PRF_MAX], in[33];
	struct slice part = { in, 33 };
	struct err e = { 0 };

	keys_free(k);
	k = keys_new();
	ask("branch", VAULT_PPK, 0, 96);
	CHECK(!a.ok && a.no_secret);
	CHECK(keys_set_ppk(k, "branch", secret, &e) == 0);
	ask("branch", VAULT_PPK, 0, 96);
	CHECK(a.ok);
	CHECK_INT(a.auth_len, 96);
	memset(in, 0x5a, 32);
	in[32] = 1;
	CHECK(prf(PRF_HMAC_SHA2_256, secret, &part, 1, want) == 0);
	for (int i = 0; i < 3; i++)
		CHECK_MEM(a.auth + 32 * i, want, 32);
	ask("branch", VAULT_PPK, 0, 95);
	CHECK(!a.ok && !a.no_secret);
	ask("branch", VAULT_SIGNATURE, PK_RSA_RAW, 20);
	CHECK(a.no_secret);
	keys_remove(k, "branch");
	ask("branch", VAULT_PPK, 0, 96);
	CHECK(a.ok);
	keys_remove_ppk(k, "branch");
	ask("branch", VAULT_PPK, 0, 96);
	CHECK(a.no_secret);
	CHECK(keys_set_ppk(k, "branch", (struct slice){ secret.p, 0 }, &e) == -1);
}

static int temp(const void *bytes, size_t n)
{
	char path[] = "/tmp/adit-keys-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	unlink(path);
	return fd;
}

static void descriptors(void)
{
	static uint8_t big[SECRET_MAX + 1];
	struct err e = { 0 };
	uint8_t *out;
	size_t n;
	int fd = temp("hello", 5);

	CHECK(fdfile_read(fd, 5, &out, &n, &e) == 0);
	CHECK(n == 5 && memcmp(out, "hello", 5) == 0);
	free(out);
	close(fd);
	fd = temp("hello", 5);
	CHECK(fdfile_read(fd, 4, &out, &n, &e) == -1);
	CHECK_HAS(e.msg, "larger");
	CHECK(fdfile_read_secret(fd, 5, &out, &n, &e) == 0);
	CHECK_INT(n, 5);
	secret_free(out);
	CHECK(fdfile_read_secret(fd, 5, &out, &n, &e) == -1);
	CHECK_HAS(e.msg, "empty");
	close(fd);
	fd = temp(big, sizeof(big));
	CHECK(fdfile_read_secret(fd, SECRET_MAX, &out, &n, &e) == -1);
	CHECK_HAS(e.msg, "larger");
	close(fd);
}

int main(void)
{
	T_RUN(signs);
	T_RUN(nonsense);
	T_RUN(ppk);
	T_RUN(descriptors);
	keys_free(k);
	return t_done();
}
