/* ipsec_mb: Intel's library of the same name, on x86-64. AES-GCM goes packet by packet, which
 * fills the processor as it is; what needs an HMAC goes through the library's queue of jobs,
 * that computes up to sixteen of them side by side in vector registers. So CBC with HMAC gains
 * by every packet in a batch.
 *
 * There are two queues. The wide one has sixteen lanes with AVX-512, eight with AVX2, and costs
 * the same however few of them are filled. Where the processor has instructions for SHA-1 and
 * SHA-256 a second one, of SSE, computes two at a time by those: four times as fast for a single
 * packet. Queues (IMB_MGR) belong to a thread and are empty between calls. The order in which
 * jobs end does not matter: each knows its operation. */
#ifdef ADIT_IPSEC_MB
#include "core/base/secret.h"
#include "dataplane/engine/op.h"

#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#define ICV_MAX 32
#define TAG_MAX 64
#define HASH_STATE 64			/* an HMAC's half, SHA-512's at most */
#define AES_SCHEDULE (15 * 16)
#define BLOCK_MAX 128			/* of a hash */
/* The library counts bytes of a job in 16 bits; no ESP packet is longer. */
#define DATA_MAX (65535 - ENGINE_ESP_HEADER - 16 - ICV_MAX)

struct cipher {
	uint16_t id;
	IMB_CIPHER_MODE mode;
};

static const struct cipher ciphers[] = {
	{ ENCR_AES_GCM_16, IMB_CIPHER_GCM },
	{ ENCR_CHACHA20_POLY1305, IMB_CIPHER_CHACHA20_POLY1305 },
	{ ENCR_AES_CBC, IMB_CIPHER_CBC },
	{ ENCR_AES_CTR, IMB_CIPHER_CNTR },
	{ ENCR_3DES, IMB_CIPHER_DES3 },
	{ ENCR_DES, IMB_CIPHER_DES },
	{ ENCR_NULL, IMB_CIPHER_NULL },
};

/* The queue with SHA instructions is the faster one for batches of fewer packets than few_n, and
 * for packets shorter than few_len (measured on a Zen 4, AVX-512 against SHA instructions). */
static const struct hash {
	uint16_t id;
	IMB_HASH_ALG alg;
	uint8_t few_n;
	uint16_t few_len;
} hashes[] = {
	{ INTEG_HMAC_MD5_96, IMB_AUTH_MD5, 0, 0 },
	{ INTEG_HMAC_SHA1_96, IMB_AUTH_HMAC_SHA_1, 12, 0 },
	{ INTEG_HMAC_SHA2_256_128, IMB_AUTH_HMAC_SHA_256, 24, 512 },
	{ INTEG_HMAC_SHA2_384_192, IMB_AUTH_HMAC_SHA_384, 0, 0 },
	{ INTEG_HMAC_SHA2_512_256, IMB_AUTH_HMAC_SHA_512, 0, 0 },
};

struct aes {
	alignas(16) uint8_t enc[AES_SCHEDULE];
	alignas(16) uint8_t dec[AES_SCHEDULE];
};

struct des {
	uint64_t ks[3][IMB_DES_KEY_SCHED_SIZE / 8];
	const void *of[3];		/* what a job points to */
};

struct engine_key {
	void *at;			/* where its memory begins */
	struct engine_sizes sizes;
	IMB_CIPHER_MODE mode;
	const struct hash *hash;	/* NULL with an AEAD */
	aes_gcm_enc_dec_t gcm_seal, gcm_open;
	bool counts;			/* op_counts() */
	bool esn;
	uint8_t key_len;		/* bytes, without the salt */
	uint8_t salt[4];
	alignas(16) uint8_t inner[HASH_STATE];
	alignas(16) uint8_t outer[HASH_STATE];
	struct iv *iv;			/* NULL where the IV counts, or there is none */
	alignas(64) union {
		struct gcm_key_data gcm;
		struct aes aes;
		struct des des;
		uint8_t chacha[32];
	} c;
};

/* ---- the queues of a thread ---- */

struct queues {
	IMB_MGR *wide;
	IMB_MGR *few;		/* NULL: no SHA instructions */
};

static pthread_key_t queues_key;
static pthread_once_t queues_once = PTHREAD_ONCE_INIT;
static pthread_once_t arch_once = PTHREAD_ONCE_INIT;
static bool queues_freed;	/* at a thread's end */
static __thread struct queues *mine;
static const char *arch;	/* which of the library's code runs here; "": none fits */

static void queues_free(void *arg)
{
	struct queues *q = arg;

	if (!q)
		return;
	if (q->wide)
		free_mb_mgr(q->wide);
	if (q->few)
		free_mb_mgr(q->few);
	free(q);
}

static void queues_setup(void)
{
	queues_freed = pthread_key_create(&queues_key, queues_free) == 0;
}

static const char *arch_name(const IMB_MGR *q)
{
	switch ((IMB_ARCH)q->used_arch) {
	case IMB_ARCH_SSE:
		return "sse";
	case IMB_ARCH_AVX:
		return "avx";
	case IMB_ARCH_AVX2:
		return q->features & IMB_FEATURE_VAES ? "avx2 vaes" : "avx2";
	case IMB_ARCH_AVX512:
		return q->features & IMB_FEATURE_VAES ? "avx512 vaes" : "avx512";
	case IMB_ARCH_NONE: case IMB_ARCH_NOAESNI: case IMB_ARCH_NUM:
		break;
	}
	return "";
}

static IMB_MGR *queue_new(bool few)
{
	IMB_MGR *q = alloc_mb_mgr(0);

	if (!q)
		return NULL;
	if (few)
		init_mb_mgr_sse(q);
	else
		init_mb_mgr_auto(q, NULL);
	if (imb_get_errno(q)) {
		free_mb_mgr(q);
		return NULL;
	}
	return q;
}

static struct queues *queues_new(void)
{
	struct queues *q = calloc(1, sizeof(*q));

	if (!q || !(q->wide = queue_new(false))) {
		queues_free(q);
		return NULL;
	}
	if (q->wide->features & IMB_FEATURE_SHANI)
		q->few = queue_new(true);
	pthread_once(&queues_once, queues_setup);
	if (queues_freed)
		pthread_setspecific(queues_key, q);
	return q;
}

/* The same in every thread: the first to have queues says it for all. */
static void arch_setup(void)
{
	arch = arch_name(mine->wide);
}

/* NULL when there is no memory for them. */
static struct queues *my_queues(void)
{
	if (mine)
		return mine;
	mine = queues_new();
	if (mine)
		pthread_once(&arch_once, arch_setup);
	return mine;
}

static int probe(struct err *e)
{
	if (!my_queues())
		return err_set(e, "ipsec_mb: out of memory, or this processor is none for it");
	if (!*arch)
		return err_set(e, "ipsec_mb: this processor has no AES instructions");
	return 0;
}

/* ---- keys ---- */

static void key_free(struct engine_key *k)
{
	if (!k)
		return;
	iv_free(k->iv);
	secret_free(k->at);
}

/* Its hash keys want whole cache lines. */
static struct engine_key *key_alloc(void)
{
	uint8_t *m = secret_new(sizeof(struct engine_key) + 64);
	struct engine_key *k;

	if (!m)
		return NULL;
	k = (struct engine_key *)(void *)(m + (-(uintptr_t)m & 63));
	k->at = m;
	return k;
}

static void one_block(IMB_MGR *q, IMB_HASH_ALG alg, const uint8_t *block, uint8_t *state)
{
	switch ((int)alg) {
	case IMB_AUTH_MD5:
		IMB_MD5_ONE_BLOCK(q, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_1:
		IMB_SHA1_ONE_BLOCK(q, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_256:
		IMB_SHA256_ONE_BLOCK(q, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_384:
		IMB_SHA384_ONE_BLOCK(q, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_512:
		IMB_SHA512_ONE_BLOCK(q, block, state);
		break;
	}
}

/* The two halves of HMAC with this key, hashed once for all (RFC 2104 §4). */
static void hash_key(struct engine_key *k, IMB_MGR *q, const struct hash *h, struct slice key)
{
	uint8_t block[BLOCK_MAX];

	for (int outer = 0; outer < 2; outer++) {
		memset(block, outer ? 0x5c : 0x36, sizeof(block));
		for (size_t i = 0; i < key.len; i++)
			block[i] ^= key.p[i];
		one_block(q, h->alg, block, outer ? k->outer : k->inner);
	}
	secret_wipe(block, sizeof(block));
	k->hash = h;
}

static void gcm_key(struct engine_key *k, IMB_MGR *q, const uint8_t *key)
{
	switch (k->key_len) {
	case 16:
		IMB_AES128_GCM_PRE(q, key, &k->c.gcm);
		k->gcm_seal = q->gcm128_enc;
		k->gcm_open = q->gcm128_dec;
		break;
	case 24:
		IMB_AES192_GCM_PRE(q, key, &k->c.gcm);
		k->gcm_seal = q->gcm192_enc;
		k->gcm_open = q->gcm192_dec;
		break;
	case 32:
		IMB_AES256_GCM_PRE(q, key, &k->c.gcm);
		k->gcm_seal = q->gcm256_enc;
		k->gcm_open = q->gcm256_dec;
		break;
	}
}

static void aes_key(struct engine_key *k, IMB_MGR *q, const uint8_t *key)
{
	struct aes *a = &k->c.aes;

	switch (k->key_len) {
	case 16:
		IMB_AES_KEYEXP_128(q, key, a->enc, a->dec);
		break;
	case 24:
		IMB_AES_KEYEXP_192(q, key, a->enc, a->dec);
		break;
	case 32:
		IMB_AES_KEYEXP_256(q, key, a->enc, a->dec);
		break;
	}
}

static void cipher_key(struct engine_key *k, IMB_MGR *q, const uint8_t *key)
{
	switch ((int)k->mode) {
	case IMB_CIPHER_GCM:
		gcm_key(k, q, key);
		break;
	case IMB_CIPHER_CHACHA20_POLY1305:
		memcpy(k->c.chacha, key, sizeof(k->c.chacha));
		break;
	case IMB_CIPHER_CBC:
	case IMB_CIPHER_CNTR:
		aes_key(k, q, key);
		break;
	case IMB_CIPHER_DES:
	case IMB_CIPHER_DES3:
		for (int i = 0; i < k->key_len / 8; i++) {
			IMB_DES_KEYSCHED(q, k->c.des.ks[i], key + (size_t)i * 8);
			k->c.des.of[i] = k->c.des.ks[i];
		}
		break;
	}
}

static const struct cipher *cipher_of(uint16_t id)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].id == id)
			return &ciphers[i];
	return NULL;
}

/* The library has fast code for DES with AVX-512 alone; the rest is a hundredth of mbedTLS's. */
static bool is_des(IMB_CIPHER_MODE mode)
{
	return mode == IMB_CIPHER_DES || mode == IMB_CIPHER_DES3;
}

static const struct hash *hash_of(uint16_t id)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].id == id)
			return &hashes[i];
	return NULL;
}

static struct engine_key *key_new(const struct engine_suite *s, struct err *e)
{
	const struct cipher *cipher = cipher_of(s->encr);
	const struct hash *hash = hash_of(s->integ);
	struct engine_sizes sizes;
	const struct alg *encr, *integ;
	struct engine_key *k = NULL;

	if (engine_sizes(s->encr, s->encr_bits, s->integ, &sizes, e) < 0 || probe(e) < 0)
		return NULL;
	encr = alg_get(ALG_ENCR, s->encr, s->encr_bits);
	integ = s->integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, s->integ, 0);
	if (!cipher || (integ && !hash))
		err_set(e, "ipsec_mb has no %s", !cipher ? encr->label : integ->label);
	else if (is_des(cipher->mode) && mine->wide->used_arch != IMB_ARCH_AVX512)
		err_set(e, "ipsec_mb is slow with %s on this processor", encr->label);
	else if (s->encr_key.len != encr->key_len ||
		 (integ && s->integ_key.len != integ->key_len))
		err_set(e, "%s: wrong key length", encr->label);
	else if (!(k = key_alloc()))
		err_errno(e, "out of memory");
	if (!k)
		return NULL;
	k->sizes = sizes;
	k->mode = cipher->mode;
	k->counts = op_counts(encr);
	k->esn = s->esn;
	k->key_len = (uint8_t)(encr->key_len - encr->salt_len);
	if (encr->salt_len)
		memcpy(k->salt, s->encr_key.p + k->key_len, encr->salt_len);
	cipher_key(k, mine->wide, s->encr_key.p);
	if (integ)
		hash_key(k, mine->wide, hash, s->integ_key);
	if (!k->counts && sizes.iv_len && !(k->iv = iv_new(e))) {
		key_free(k);
		return NULL;
	}
	return k;
}

/* ---- packets ---- */

/* What a job needs to live until it ends. */
struct lane {
	uint8_t tag[TAG_MAX];
	uint8_t icv[ICV_MAX];		/* the one that came */
	uint8_t iv[16];
	uint8_t aad[OP_AAD_MAX];
};

static void nonce(const struct engine_op *op, uint8_t out[12])
{
	memcpy(out, op->key->salt, 4);
	memcpy(out + 4, op_iv(op), 8);
}

static void gcm_one(struct engine_op *op, bool sealing, struct gcm_context_data *ctx)
{
	const struct engine_key *k = op->key;
	uint8_t *data = op_data(op, k->sizes.iv_len), *icv = data + op->data_len;
	uint8_t iv[12], aad[OP_AAD_MAX], tag[16];
	size_t aad_len = op_aad(op, k->esn, aad);

	if (sealing) {
		op_put_iv(op, NULL, k->sizes.iv_len);
		nonce(op, iv);
		k->gcm_seal(&k->c.gcm, ctx, data, data, op->data_len, iv, aad, aad_len, icv,
			    sizeof(tag));
		op->ok = true;
		return;
	}
	nonce(op, iv);
	k->gcm_open(&k->c.gcm, ctx, data, data, op->data_len, iv, aad, aad_len, tag,
		    sizeof(tag));
	op->ok = secret_equal(tag, icv, sizeof(tag));
}

/* A job's result: the ICV is written, or compared with the one that came. */
static void finish(const IMB_JOB *j)
{
	struct engine_op *op = j->user_data;
	struct lane *l = j->user_data2;
	const struct engine_sizes *z = &op->key->sizes;

	op->ok = j->status == IMB_STATUS_COMPLETED;
	if (j->cipher_direction == IMB_DIR_ENCRYPT)
		memcpy(op_data(op, z->iv_len) + op->data_len, l->tag, z->icv_len);
	else
		op->ok = secret_equal(l->tag, l->icv, z->icv_len) && op->ok;
}

/* The cipher's part of a job. */
static void set_cipher(IMB_JOB *j, const struct engine_op *op, struct lane *l)
{
	const struct engine_key *k = op->key;

	j->cipher_mode = k->mode;
	j->key_len_in_bytes = k->key_len;
	j->cipher_start_src_offset_in_bytes = ENGINE_ESP_HEADER + k->sizes.iv_len;
	j->msg_len_to_cipher_in_bytes = op->data_len;
	j->iv = op_iv(op);
	j->iv_len_in_bytes = k->sizes.iv_len;
	switch ((int)k->mode) {
	case IMB_CIPHER_CHACHA20_POLY1305:
		j->enc_keys = j->dec_keys = k->c.chacha;
		break;
	case IMB_CIPHER_DES:
		j->enc_keys = j->dec_keys = k->c.des.ks[0];
		break;
	case IMB_CIPHER_DES3:
		j->enc_keys = j->dec_keys = k->c.des.of;
		break;
	case IMB_CIPHER_CBC:
	case IMB_CIPHER_CNTR:
		j->enc_keys = k->c.aes.enc;
		j->dec_keys = k->c.aes.dec;
		break;
	}
	if (k->counts) {
		/* Of twelve bytes the library makes the first counter block (RFC 3686 §4). */
		nonce(op, l->iv);
		j->iv = l->iv;
		j->iv_len_in_bytes = 12;
	}
}

/* What is authenticated. The high half of an extended number is hashed behind the data, where
 * the ICV lies (RFC 4303 §2.2.1, §2.8). */
static void set_hash(IMB_JOB *j, const struct engine_op *op, struct lane *l)
{
	const struct engine_key *k = op->key;
	size_t head = ENGINE_ESP_HEADER + k->sizes.iv_len;

	j->auth_tag_output = l->tag;
	j->auth_tag_output_len_in_bytes = k->sizes.icv_len;
	if (!k->hash) {
		j->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
		j->hash_start_src_offset_in_bytes = head;
		j->msg_len_to_hash_in_bytes = op->data_len;
		j->u.CHACHA20_POLY1305.aad = l->aad;
		j->u.CHACHA20_POLY1305.aad_len_in_bytes = op_aad(op, k->esn, l->aad);
		return;
	}
	j->hash_alg = k->hash->alg;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = head + op->data_len + (k->esn ? 4 : 0);
	j->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
	j->u.HMAC._hashed_auth_key_xor_opad = k->outer;
	if (k->esn)
		be_put32(op->esp + head + op->data_len, (uint32_t)(op->seq >> 32));
}

static void submit(IMB_MGR *q, struct engine_op *op, struct lane *l, bool sealing)
{
	const struct engine_key *k = op->key;
	IMB_JOB *j = IMB_GET_NEXT_JOB(q);

	if (sealing)
		op_put_iv(op, k->iv, k->sizes.iv_len);
	else
		memcpy(l->icv, op_data(op, k->sizes.iv_len) + op->data_len, k->sizes.icv_len);
	j->cipher_direction = sealing ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	j->chain_order = sealing ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	j->src = op->esp;
	j->dst = op_data(op, k->sizes.iv_len);
	j->user_data = op;
	j->user_data2 = l;
	set_cipher(j, op, l);
	set_hash(j, op, l);
	j = IMB_SUBMIT_JOB_NOCHECK(q);
	for (; j; j = IMB_GET_COMPLETED_JOB(q))
		finish(j);
}

static IMB_MGR *queue_for(const struct queues *q, const struct engine_op *op, size_t n)
{
	const struct hash *h = op->key->hash;

	if (q->few && h && !is_des(op->key->mode) && (n < h->few_n || op->data_len < h->few_len))
		return q->few;
	return q->wide;
}

static void drain(IMB_MGR *q)
{
	const IMB_JOB *j;

	while (q && (j = IMB_FLUSH_JOB(q)))
		finish(j);
}

static void work(struct engine_op *op, size_t n, bool sealing)
{
	struct lane lanes[ENGINE_BATCH];
	struct gcm_context_data ctx;
	const struct queues *q = my_queues();
	bool gcm = false, queued = false;

	for (size_t i = 0; i < n; i++) {
		op[i].ok = false;
		if (!q || op[i].data_len > DATA_MAX)
			continue;
		if (op[i].key->mode == IMB_CIPHER_GCM) {
			gcm_one(&op[i], sealing, &ctx);
			gcm = true;
		} else {
			submit(queue_for(q, &op[i], n), &op[i], &lanes[i], sealing);
			queued = true;
		}
	}
	if (queued) {
		drain(q->wide);
		drain(q->few);
	}
	if (gcm)
		secret_wipe(&ctx, sizeof(ctx));
}

static void seal(struct engine_op *op, size_t n)
{
	work(op, n, true);
}

static void open_batch(struct engine_op *op, size_t n)
{
	work(op, n, false);
}

static void info(const struct engine_key *k, struct engine_info *out)
{
	(void)k;
	*out = (struct engine_info){ .name = "ipsec_mb", .driver = arch };
}

const struct engine engine_ipsec_mb = {
	.name = "ipsec_mb",
	.probe = probe,
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_batch,
	.info = info,
};
#endif
