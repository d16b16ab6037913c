/* auto: several engines behind one. A key has a key of each engine that is taken for some packet
 * size; a batch is parted by engine, and each part handed over in runs of the length that
 * measured best. Operations are copied (they are a few words); packets stay where they are. */
#include "core/settings/conf.h"
#include "dataplane/engine/engine.h"

#include <stdlib.h>
#include <string.h>

/* What is taken for packets about as long as one of profile_sizes. */
struct pick {
	uint8_t engine;		/* enum engine_id */
	uint8_t batch;
	bool instead;		/* mbedtls, though the admin or the profile says another */
};

struct engine_key {
	struct engine_key *of[ENGINE_IDS];	/* that engine's key; NULL: not in use */
	struct pick pick[PROFILE_SIZES];
	uint8_t last;				/* enum engine_id: who worked last */
	uint64_t instead;			/* operations */
};

static struct {
	uint8_t choice;			/* enum engine_choice */
	bool can[ENGINE_IDS];		/* its probe said so */
	struct profile profile;
} conf = { .can = { [ENGINE_MBEDTLS] = true } };

static enum engine_id chosen(uint8_t choice)
{
	switch ((enum engine_choice)choice) {
	case ENGINE_CHOICE_MBEDTLS:
		return ENGINE_MBEDTLS;
	case ENGINE_CHOICE_IPSEC_MB:
		return ENGINE_IPSEC_MB;
	case ENGINE_CHOICE_AFALG:
		return ENGINE_AFALG;
	case ENGINE_CHOICE_AUTO:
		break;
	}
	return ENGINE_IDS;
}

static int try_engine(enum engine_id id, struct err *e)
{
	const struct engine *en = engine_get(id);

	if (!en)
		return err_set(e, "%s: this build has no such engine", engine_names[id]);
	return en->probe ? en->probe(e) : 0;
}

int engine_auto_setup(uint8_t choice, const struct profile *p, struct err *e)
{
	enum engine_id only = chosen(choice);
	int rc = 0;

	conf.choice = choice;
	memset(&conf.profile, 0, sizeof(conf.profile));
	if (p)
		conf.profile = *p;
	for (enum engine_id id = 0; id < ENGINE_IDS; id++) {
		struct err why = { 0 };

		conf.can[id] = id != ENGINE_NULL && try_engine(id, &why) == 0;
		if (!conf.can[id] && id == only) {
			err_set(e, "%s", why.msg);
			rc = -1;
		}
	}
	return rc;
}

/* What is wanted at this size, and whether by more than a guess; the batch is the longest where
 * nothing was measured. */
static struct pick wanted(const struct engine_suite *s, uint16_t size, bool *asked)
{
	const struct profile_row *r = profile_find(&conf.profile, s->encr, s->encr_bits,
						   s->integ, size);
	enum engine_id only = chosen(conf.choice);
	struct pick p = { .engine = ENGINE_IPSEC_MB, .batch = ENGINE_BATCH };

	*asked = only != ENGINE_IDS || r;
	if (only != ENGINE_IDS)
		p.engine = (uint8_t)only;
	else if (r)
		p.engine = r->engine;
	if (r && r->engine == p.engine && r->batch && r->batch <= ENGINE_BATCH)
		p.batch = r->batch;
	return p;
}

static void key_free(struct engine_key *k)
{
	if (!k)
		return;
	for (enum engine_id id = 0; id < ENGINE_IDS; id++)
		if (k->of[id])
			engine_get(id)->key_free(k->of[id]);
	free(k);
}

/* Is there a key of this engine, or can one be made? tried: engines that said no. */
static bool have(struct engine_key *k, enum engine_id id, const struct engine_suite *s,
		 bool tried[ENGINE_IDS], struct err *e)
{
	if (!k->of[id] && !tried[id] && conf.can[id])
		k->of[id] = engine_get(id)->key_new(s, e);
	tried[id] = true;
	return k->of[id];
}

static struct engine_key *key_new(const struct engine_suite *s, struct err *e)
{
	struct engine_key *k = calloc(1, sizeof(*k));
	bool tried[ENGINE_IDS] = { false };
	struct err why = { 0 };

	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	for (int i = 0; i < PROFILE_SIZES; i++) {
		bool asked;
		struct pick p = wanted(s, profile_sizes[i], &asked);

		if (p.engine != ENGINE_MBEDTLS && !have(k, p.engine, s, tried, &why))
			p = (struct pick){ ENGINE_MBEDTLS, ENGINE_BATCH, asked };
		if (!have(k, p.engine, s, tried, e)) {
			key_free(k);
			return NULL;
		}
		k->pick[i] = p;
	}
	k->last = k->pick[PROFILE_SIZES - 2].engine;	/* until there was a packet: 1400 bytes */
	return k;
}

/* The nearest of profile_sizes, as profile_find() has it. */
static const struct pick *pick(const struct engine_key *k, size_t len)
{
	int i = 0;

	while (i + 1 < PROFILE_SIZES &&
	       len * 2 > (size_t)profile_sizes[i] + profile_sizes[i + 1])
		i++;
	return &k->pick[i];
}

struct run {
	struct engine_op op[ENGINE_BATCH];
	uint8_t at[ENGINE_BATCH];	/* where each stands in the batch */
	size_t n;
};

static void flush(enum engine_id id, struct run *r, struct engine_op *op, bool sealing)
{
	const struct engine *en = engine_get(id);

	if (!r->n)
		return;
	(sealing ? en->seal : en->open)(r->op, r->n);
	for (size_t i = 0; i < r->n; i++)
		op[r->at[i]].ok = r->op[i].ok;
	r->n = 0;
}

static void work(struct engine_op *op, size_t n, bool sealing)
{
	uint8_t who[ENGINE_BATCH];
	unsigned all = 0;
	struct run r;

	for (size_t i = 0; i < n; i++) {
		who[i] = pick(op[i].key, op[i].data_len)->engine;
		all |= 1u << who[i];
	}
	r.n = 0;
	for (enum engine_id id = 0; id < ENGINE_IDS; id++) {
		for (size_t i = 0; all & 1u << id && i < n; i++) {
			struct engine_key *k = op[i].key;
			const struct pick *p = pick(k, op[i].data_len);

			if (who[i] != id)
				continue;
			r.op[r.n] = op[i];
			r.op[r.n].key = k->of[id];
			r.at[r.n++] = (uint8_t)i;
			k->last = id;
			k->instead += p->instead;
			if (r.n >= p->batch)
				flush(id, &r, op, sealing);
		}
		flush(id, &r, op, sealing);
	}
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
	uint64_t others = 0;

	for (enum engine_id id = 0; id < ENGINE_IDS; id++) {
		if (!k->of[id] || id == k->last)
			continue;
		engine_get(id)->info(k->of[id], out);
		others += out->fallbacks;
	}
	engine_get(k->last)->info(k->of[k->last], out);
	out->fallbacks += others + k->instead;
}

const struct engine engine_auto = {
	.name = "auto",
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_batch,
	.info = info,
};
