/* secret: a small first-fit arena over locked pages. It favours being easy to check: every
 * block has a header, neighbours merge when they are looked at. With ten thousand tunnels there
 * are a thousand chunks; those found full are set aside until something in them is freed. */
#include "core/base/secret.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* LeakSanitizer does not look into mappings by itself. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
void __lsan_register_root_region(const void *p, size_t size);
#define SEEN_BY_LSAN(p, size) __lsan_register_root_region(p, size)
#else
#define SEEN_BY_LSAN(p, size) ((void)(p))
#endif

#define CHUNK (16 * 1024)
#define ALIGN 16

struct block {
	size_t size;	/* with this header */
	size_t used;	/* 0 when free, else the length asked for */
};

struct chunk {
	struct chunk *next, **at;	/* among the open ones; at: who points here */
	size_t full;			/* set aside */
	size_t pad;
	/* blocks follow up to CHUNK; chunks lie at multiples of CHUNK */
};

/* A chunk that has no room for so much is full. */
#define FULL_BELOW 512

_Static_assert(sizeof(struct block) % ALIGN == 0 || sizeof(size_t) == 4, "headers keep alignment");

static struct chunk *open_chunks;
static bool lock_failed;

#define CHUNK_HEAD ((sizeof(struct chunk) + ALIGN - 1) / ALIGN * ALIGN)
#define BLOCK_HEAD ((sizeof(struct block) + ALIGN - 1) / ALIGN * ALIGN)

static struct block *first_block(struct chunk *c)
{
	return (struct block *)((uint8_t *)c + CHUNK_HEAD);
}

static struct block *next_block(struct chunk *c, struct block *b)
{
	uint8_t *p = (uint8_t *)b + b->size;

	return p < (uint8_t *)c + CHUNK ? (struct block *)p : NULL;
}

static void chunk_open(struct chunk *c)
{
	c->full = 0;
	c->next = open_chunks;
	c->at = &open_chunks;
	if (c->next)
		c->next->at = &c->next;
	open_chunks = c;
}

static void chunk_close(struct chunk *c)
{
	if (c->next)
		c->next->at = c->at;
	*c->at = c->next;
	c->full = 1;
}

static struct chunk *chunk_new(void)
{
	uint8_t *m = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t before;
	struct chunk *c;

	if (m == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)m % CHUNK;
	if (before)
		munmap(m, before);
	munmap(m + before + CHUNK, CHUNK - before);
	c = (struct chunk *)(m + before);
	madvise(c, CHUNK, MADV_DONTDUMP);
	madvise(c, CHUNK, MADV_WIPEONFORK);
	if (mlock(c, CHUNK) < 0)
		lock_failed = true;
	SEEN_BY_LSAN(c, CHUNK);
	first_block(c)->size = CHUNK - CHUNK_HEAD;
	first_block(c)->used = 0;
	chunk_open(c);
	return c;
}

static void merge_free(struct chunk *c, struct block *b)
{
	struct block *n;

	while ((n = next_block(c, b)) && !n->used) {
		b->size += n->size;
		memset(n, 0, sizeof(*n));
	}
}

static void *take(struct chunk *c, size_t len)
{
	size_t need = BLOCK_HEAD + (len + ALIGN - 1) / ALIGN * ALIGN;

	/* In a child after fork() the chunk is all zeros: all free. */
	if (first_block(c)->size == 0)
		first_block(c)->size = CHUNK - CHUNK_HEAD;
	for (struct block *b = first_block(c); b; b = next_block(c, b)) {
		if (b->used)
			continue;
		merge_free(c, b);
		if (b->size < need)
			continue;
		if (b->size - need > BLOCK_HEAD) {
			struct block *rest = (struct block *)((uint8_t *)b + need);

			rest->size = b->size - need;
			rest->used = 0;
			b->size = need;
		}
		b->used = len;
		return (uint8_t *)b + BLOCK_HEAD;
	}
	return NULL;
}

void *secret_new(size_t len)
{
	struct chunk *c, *next;
	void *p;

	assert(len > 0 && len <= SECRET_MAX);
	for (c = open_chunks; c; c = next) {
		next = c->next;
		if ((p = take(c, len)))
			return p;
		if (len <= FULL_BELOW && c->at)
			chunk_close(c);
	}
	c = chunk_new();
	return c ? take(c, len) : NULL;
}

void secret_free(void *p)
{
	struct chunk *c;
	struct block *b;

	if (!p)
		return;
	b = (struct block *)((uint8_t *)p - BLOCK_HEAD);
	assert(b->used);
	secret_wipe(p, b->used);
	b->used = 0;
	c = (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK - 1));
	if (c->full)
		chunk_open(c);
}

void secret_wipe(void *p, size_t len)
{
	if (len)
		explicit_bzero(p, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}

bool secret_locked(void)
{
	return !lock_failed;
}

void secret_harden_process(void)
{
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
}
