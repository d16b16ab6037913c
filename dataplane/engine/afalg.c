/* afalg: the engine whose work the kernel's crypto API does, and so the crypto hardware of a
 * router. What one key has in flight is afalg_dev.c; here is how an ESP packet becomes a
 * request, and what is done when there is no answer: software does that packet, as it lies
 * untouched where it was until an answer is whole. */
#include "dataplane/engine/engine.h"

#include "core/base/be.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/alg.h"
#include "dataplane/engine/afalg_dev.h"
#include "dataplane/engine/afalg_health.h"
#include "dataplane/engine/afalg_mac.h"
#include "dataplane/engine/afalg_open.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IV_MAX AFALG_IV_MAX
#define KEY_BLOB_MAX 256

struct engine_key {
	struct engine_key *next;	/* in parked */
	struct engine_sizes sizes;
	bool aead;			/* one request does all: AFALG_AEAD */
	bool counter_iv;
	bool esn;
	bool listed;			/* in this batch's list */
	size_t assoc_len;
	uint64_t fallbacks;
	struct engine_key *soft;	/* engine_mbedtls's */
	struct afalg_health *health;
	struct afalg_note note;
	struct afalg_mac mac;		/* AFALG_SPLIT */
	struct afalg_dev dev;
};

/* ---- keys ---- */

/* Freed while a device still held requests of theirs. */
static struct engine_key *parked;
static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;

static void sweep(struct engine_key *k)
{
	pthread_mutex_lock(&parked_lock);
	if (k) {
		k->next = parked;
		parked = k;
	}
	for (struct engine_key **p = &parked; *p;) {
		struct engine_key *q = *p;

		if (afalg_dev_fini(&q->dev)) {
			*p = q->next;
			free(q);
		} else {
			p = &q->next;
		}
	}
	pthread_mutex_unlock(&parked_lock);
}

static void key_free(struct engine_key *k)
{
	if (!k)
		return;
	engine_mbedtls.key_free(k->soft);
	k->soft = NULL;
	if (!k->aead)
		afalg_mac_fini(&k->mac);
	sweep(k);
}

/* Linux's include/crypto/authenc.h: an rtattr of the machine's byte order that holds the
 * cipher's key length in network byte order, then both keys. */
static size_t authenc_blob(const struct engine_suite *s, uint8_t out[KEY_BLOB_MAX])
{
	const uint16_t attr_len = 8, attr_type = 1;

	if (8 + s->integ_key.len + s->encr_key.len > KEY_BLOB_MAX)
		return 0;
	memcpy(out, &attr_len, 2);
	memcpy(out + 2, &attr_type, 2);
	be_put32(out + 4, (uint32_t)s->encr_key.len);
	memcpy(out + 8, s->integ_key.p, s->integ_key.len);
	memcpy(out + 8 + s->integ_key.len, s->encr_key.p, s->encr_key.len);
	return 8 + s->integ_key.len + s->encr_key.len;
}

static int read_note(struct engine_key *k, const struct engine_suite *s, struct err *e)
{
	const struct afalg_note *n = &k->note;

	if (s->n_fds < 2 || s->n_fds > AFALG_FDS_MAX)
		return err_set(e, "afalg: no AF_ALG sockets came with this SA");
	if (afalg_note_read(s->fds[0], &k->note, e) < 0)
		return -1;
	if (n->encr != s->encr || n->encr_bits != s->encr_bits || n->integ != s->integ ||
	    n->esn != s->esn || (n->kind == AFALG_AEAD && n->hash) || s->n_fds != 2u + n->hash)
		return err_set(e, "afalg: these AF_ALG sockets are for another suite");
	return 0;
}

static int dev_new(struct engine_key *k, const struct engine_suite *s, struct err *e)
{
	uint8_t blob[KEY_BLOB_MAX];
	struct afalg_dev_conf c = {
		.fd = s->fds[1], .aead = k->aead, .async = k->note.async,
		.iv_len = k->sizes.iv_len, .icv_len = k->sizes.icv_len,
		.assoc_len = (uint32_t)k->assoc_len, .others = k->note.hash ? 2 : 0,
		.key = s->encr_key,
	};
	int r;

	if (k->aead && s->integ != INTEG_NONE) {
		c.key = (struct slice){ blob, authenc_blob(s, blob) };
		if (!c.key.len)
			return err_set(e, "afalg: the keys are too long");
	}
	r = afalg_dev_init(&k->dev, &c, e);
	secret_wipe(blob, sizeof(blob));
	return r;
}

static struct engine_key *key_new(const struct engine_suite *s, struct err *e)
{
	const struct alg *a = alg_get(ALG_ENCR, s->encr, s->encr_bits);
	struct engine_key *k = calloc(1, sizeof(*k));

	sweep(NULL);
	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	if (engine_sizes(s->encr, s->encr_bits, s->integ, &k->sizes, e) < 0 ||
	    read_note(k, s, e) < 0)
		goto out;
	k->aead = k->note.kind == AFALG_AEAD;
	k->counter_iv = a->aead || s->encr == ENCR_AES_CTR;
	k->esn = s->esn;
	/* The kernel's ESP templates count the IV as associated data, behind the (extended)
	 * sequence number: rfc4106 and rfc7539esp leave it out again, authenc covers it. */
	k->assoc_len = ENGINE_ESP_HEADER + (s->esn ? 4 : 0) + k->sizes.iv_len;
	k->health = afalg_health_of(&k->note);
	k->soft = engine_mbedtls.key_new(s, e);
	if (!k->soft)
		goto out;
	if (!k->aead && afalg_mac_init(&k->mac, k->note.hash ? s->fds[2] : -1, s->integ,
				       s->integ_key, e) < 0)
		goto out_soft;
	if (dev_new(k, s, e) == 0)
		return k;
	err_wrap(e, "afalg");
	if (!k->aead)
		afalg_mac_fini(&k->mac);
out_soft:
	engine_mbedtls.key_free(k->soft);
out:
	free(k);
	return NULL;
}

/* ---- a batch ---- */

enum { TODO, FLYING, SOFT, DONE };

struct batch {
	struct engine_op *op;
	size_t n, n_keys, todo;
	bool seal;
	uint8_t st[ENGINE_BATCH];
	bool failed[ENGINE_BATCH];	/* a request for it did */
	struct engine_key *key[ENGINE_BATCH];
};

static void move(struct batch *b, size_t i, uint8_t to)
{
	if (b->st[i] == TODO)
		b->todo--;
	b->st[i] = to;
}

static void fail(struct batch *b, size_t i)
{
	b->failed[i] = true;
	move(b, i, SOFT);
}

static uint8_t *iv_of(const struct engine_op *op)
{
	return op->esp + ENGINE_ESP_HEADER;
}

static uint8_t *data_of(const struct engine_op *op)
{
	return iv_of(op) + op->key->sizes.iv_len;
}

/* Where the cipher alone is the kernel's: the HMAC of header, IV, data and with ESN the high
 * half of the number (RFC 4303 §2.2.1, §2.8). */
static int mac(const struct engine_op *op, const uint8_t *data, uint8_t out[AFALG_MAC_MAX])
{
	uint8_t high[4];
	struct iovec iov[3] = {
		{ op->esp, ENGINE_ESP_HEADER + op->key->sizes.iv_len },
		{ (void *)data, op->data_len },
		{ high, sizeof(high) },
	};

	be_put32(high, (uint32_t)(op->seq >> 32));
	return afalg_mac(&op->key->mac, iov, op->key->esn ? 3 : 2, out);
}

static void check_mac(struct batch *b, size_t i)
{
	const struct engine_op *op = &b->op[i];
	uint8_t want[AFALG_MAC_MAX];

	if (mac(op, data_of(op), want) < 0)
		fail(b, i);
	else if (!secret_equal(want, data_of(op) + op->data_len, op->key->sizes.icv_len))
		move(b, i, DONE);
}

/* Random for CBC (RFC 3602 §3), unique as the number is for the others (RFC 4106 §3.1, RFC
 * 7634 §2, RFC 3686 §2.1): the kernel's IV generators stay out of it. */
static void put_ivs(struct batch *b)
{
	uint8_t random[ENGINE_BATCH * IV_MAX];
	size_t need = 0, used = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!b->op[i].key->counter_iv)
			need += b->op[i].key->sizes.iv_len;
	if (need)
		rng_bytes(random, need);
	for (size_t i = 0; i < b->n; i++) {
		struct engine_op *op = &b->op[i];

		if (op->key->counter_iv) {
			be_put32(iv_of(op), (uint32_t)(op->seq >> 32));
			be_put32(iv_of(op) + 4, (uint32_t)op->seq);
		} else {
			memcpy(iv_of(op), random + used, op->key->sizes.iv_len);
			used += op->key->sizes.iv_len;
		}
	}
}

static void prepare(struct batch *b)
{
	uint64_t now = clock_ms();

	b->todo = b->n;
	if (b->seal)
		put_ivs(b);
	for (size_t i = 0; i < b->n; i++) {
		struct engine_key *k = b->op[i].key;

		b->op[i].ok = false;
		if (!k->listed) {
			k->listed = true;
			b->key[b->n_keys++] = k;
			afalg_dev_wait(&k->dev, 0, 0);	/* what was given up may be over */
		}
		if (afalg_health_rests(k->health, now))
			move(b, i, SOFT);
		else if (!b->seal && !k->aead)
			check_mac(b, i);
	}
}

/* The packet as the kernel's algorithm wants it, where it lies; the high half of an extended
 * number goes between SPI and its low half. */
static int stage(struct batch *b, size_t i)
{
	const struct engine_op *op = &b->op[i];
	struct engine_key *k = op->key;
	size_t icv = k->sizes.icv_len, iv_len = k->sizes.iv_len;
	uint8_t head[12];
	struct iovec iov[2];
	struct afalg_ask a = { .seal = b->seal, .iov = iov, .iv = iv_of(op), .tag = i };

	if (!k->aead) {
		iov[a.n_iov++] = (struct iovec){ data_of(op), op->data_len };
		a.want = op->data_len;
		return afalg_dev_stage(&k->dev, &a);
	}
	if (k->esn) {
		memcpy(head, op->esp, 4);
		be_put32(head + 4, (uint32_t)(op->seq >> 32));
		memcpy(head + 8, op->esp + 4, 4);
		iov[a.n_iov++] = (struct iovec){ head, sizeof(head) };
		iov[a.n_iov++] = (struct iovec){ iv_of(op), iv_len + op->data_len };
	} else {
		iov[a.n_iov++] = (struct iovec){ op->esp, ENGINE_ESP_HEADER + iv_len +
						 op->data_len };
	}
	if (!b->seal)
		iov[a.n_iov - 1].iov_len += icv;
	a.want = k->assoc_len + op->data_len + (b->seal ? icv : 0);
	return afalg_dev_stage(&k->dev, &a);
}

static void stage_all(struct batch *b)
{
	for (size_t i = 0; b->todo && i < b->n; i++) {
		struct afalg_dev *d = &b->op[i].key->dev;
		int r;

		if (b->st[i] != TODO)
			continue;
		r = stage(b, i);
		if (r == 0)
			move(b, i, FLYING);
		else if (r == -2)
			fail(b, i);
		else if (!d->staged && !d->flying && !d->done)
			move(b, i, SOFT);	/* all that it may have, a stalled device holds */
	}
}

/* An answer is whole: only now the packet is touched. */
static int take_split(const struct batch *b, struct engine_op *op, const struct afalg_slot *s)
{
	uint8_t icv[AFALG_MAC_MAX];

	if (b->seal && mac(op, s->buf, icv) < 0)
		return -1;
	memcpy(data_of(op), s->buf, op->data_len);
	if (b->seal)
		memcpy(data_of(op) + op->data_len, icv, op->key->sizes.icv_len);
	return 0;
}

static void take(struct batch *b, const struct afalg_slot *s)
{
	size_t i = s->tag;
	struct engine_op *op = &b->op[i];
	struct engine_key *k = op->key;

	if (s->res == -EBADMSG && !b->seal && k->aead) {
		move(b, i, DONE);
		return;
	}
	if (s->res < 0 || (!k->aead && take_split(b, op, s) < 0)) {
		fail(b, i);
		return;
	}
	if (k->aead)
		memcpy(data_of(op), s->buf + k->assoc_len,
		       op->data_len + (b->seal ? k->sizes.icv_len : 0));
	op->ok = true;
	move(b, i, DONE);
	afalg_health_good(k->health);
}

static unsigned collect(struct batch *b)
{
	struct afalg_slot *s;
	unsigned flying = 0;

	for (size_t j = 0; j < b->n_keys; j++) {
		while ((s = afalg_dev_done(&b->key[j]->dev))) {
			take(b, s);
			afalg_dev_release(&b->key[j]->dev, s);
		}
		flying += b->key[j]->dev.flying;
	}
	return flying;
}

/* While there is more to hand over, the device is not let run empty. Returns what is left of
 * ms: only sleep is taken off, not what a driver computes on this processor. */
static uint64_t wait_for_some(struct batch *b, uint64_t ms)
{
	for (size_t j = 0; j < b->n_keys; j++) {
		struct afalg_dev *d = &b->key[j]->dev;
		uint64_t from = clock_ms(), took;
		unsigned flying = d->flying;

		if (!flying)
			continue;
		afalg_dev_wait(d, b->todo ? (d->flying + 1) / 2 : d->flying, ms);
		took = clock_ms() - from;
		if (!took && d->flying == flying)
			took = 1;	/* a wait that fails at once has an end, too */
		ms -= took < ms ? took : ms;
	}
	return ms;
}

static void give_up(struct batch *b)
{
	for (size_t j = 0; j < b->n_keys; j++) {
		struct engine_key *k = b->key[j];
		struct afalg_slot *s;

		if (k->dev.flying)
			afalg_health_bad(k->health, true, clock_ms());
		while ((s = afalg_dev_give_up(&k->dev)))
			move(b, s->tag, SOFT);
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->st[i] == TODO)
			move(b, i, SOFT);
}

static void by_software(struct batch *b)
{
	struct engine_op op[ENGINE_BATCH];
	size_t of[ENGINE_BATCH], n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->st[i] != SOFT)
			continue;
		op[n] = b->op[i];
		op[n].key = b->op[i].key->soft;
		of[n++] = i;
	}
	if (!n)
		return;
	if (b->seal)
		engine_mbedtls.seal(op, n);
	else
		engine_mbedtls.open(op, n);
	for (size_t j = 0; j < n; j++) {
		struct engine_op *o = &b->op[of[j]];

		o->ok = op[j].ok;
		o->key->fallbacks++;
		/* A stranger's packet that some driver stumbles over is not the driver's fault. */
		if (b->failed[of[j]] && o->ok)
			afalg_health_bad(o->key->health, false, clock_ms());
	}
}

static void run(struct engine_op *op, size_t n, bool seal)
{
	uint64_t left = ENGINE_STALL_MS;
	struct batch b = { .op = op, .n = n, .seal = seal };
	unsigned flying = 0;

	prepare(&b);
	while (b.todo || flying) {
		stage_all(&b);
		for (size_t j = 0; j < b.n_keys; j++)
			afalg_dev_submit(&b.key[j]->dev);
		flying = collect(&b);
		if (flying && !left) {
			give_up(&b);
			break;
		}
		if (flying)
			left = wait_for_some(&b, left);
	}
	by_software(&b);
	for (size_t j = 0; j < b.n_keys; j++) {
		afalg_dev_idle(&b.key[j]->dev);
		b.key[j]->listed = false;
	}
}

static void seal_batch(struct engine_op *op, size_t n)
{
	run(op, n, true);
}

static void open_batch(struct engine_op *op, size_t n)
{
	run(op, n, false);
}

static void info(const struct engine_key *k, struct engine_info *out)
{
	*out = (struct engine_info){
		.name = "afalg", .driver = k->note.driver, .hardware = k->note.hardware,
		.fallbacks = k->fallbacks,
	};
}

const struct engine engine_afalg = {
	.name = "afalg",
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal_batch,
	.open = open_batch,
	.info = info,
};
