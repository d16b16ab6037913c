/* null: no cryptography at all: what a dataplane costs without it. Packets go out as they came,
 * with an ICV of zeros, and come in whatever their ICV says. Tests and benches alone: neither
 * the settings nor the profile of a router can name it. */
#include "dataplane/engine/op.h"

#include <stdlib.h>

struct engine_key {
	struct engine_sizes sizes;
};

static struct engine_key *key_new(const struct engine_suite *s, struct err *e)
{
	struct engine_key *k = calloc(1, sizeof(*k));

	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	if (engine_sizes(s->encr, s->encr_bits, s->integ, &k->sizes, e) < 0) {
		free(k);
		return NULL;
	}
	return k;
}

static void key_free(struct engine_key *k)
{
	free(k);
}

static void seal(struct engine_op *op, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct engine_sizes *z = &op[i].key->sizes;

		memset(op_iv(&op[i]), 0, z->iv_len);
		memset(op_data(&op[i], z->iv_len) + op[i].data_len, 0, z->icv_len);
		op[i].ok = true;
	}
}

static void open_batch(struct engine_op *op, size_t n)
{
	for (size_t i = 0; i < n; i++)
		op[i].ok = true;
}

static void info(const struct engine_key *k, struct engine_info *out)
{
	(void)k;
	*out = (struct engine_info){ .name = "null", .driver = "" };
}

const struct engine engine_null = {
	.name = "null",
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_batch,
	.info = info,
};
