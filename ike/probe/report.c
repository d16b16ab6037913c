/* report: what was found, as one line of JSON. */
#include "ike/probe/probe.h"

#include "core/control/json.h"

#include <stdlib.h>
#include <unistd.h>

static void put_algs(struct json_object *o, const char *key, const struct alg *const *a, size_t n)
{
	struct json_object *list = json_put_array(o, key);

	for (size_t i = 0; i < n; i++)
		json_add_str(list, a[i]->name);
}

static struct json_object *v2_json(const struct probe_v2 *v)
{
	struct json_object *o = json_object_new_object();
	char text[256];

	json_put_bool(o, "answers", v->answers);
	if (v->refusal[0])
		json_put_str(o, "refusal", v->refusal);
	if (!v->answers)
		return o;
	json_put_bool(o, "complete", v->complete);
	put_algs(o, "encryption", v->encr, v->n_encr);
	put_algs(o, "integrity", v->integ, v->n_integ);
	put_algs(o, "prf", v->prf, v->n_prf);
	put_algs(o, "groups", v->ke, v->n_ke);
	if (v->agreed)
		json_put_str(o, "agreed", suite_str(SUITE_IKE, &v->suite, text, sizeof(text)));
	if (v->has_nat) {
		json_put_bool(o, "nat_here", v->nat_here);
		json_put_bool(o, "nat_there", v->nat_there);
	}
	json_put_bool(o, "cookies", v->cookie);
	json_put_bool(o, "fragmentation", v->fragmentation);
	json_put_bool(o, "signature_hashes", v->signature_hashes);
	json_put_bool(o, "childless", v->childless);
	json_put_bool(o, "ppk", v->ppk);
	return o;
}

static struct json_object *v1_json(const struct probe_v1 *v)
{
	struct json_object *o = json_object_new_object(), *list;
	char text[256];

	json_put_bool(o, "answers", v->answers);
	if (v->refusal[0])
		json_put_str(o, "refusal", v->refusal);
	if (!v->answers)
		return o;
	list = json_put_array(o, "transforms");
	for (size_t i = 0; i < v->n; i++) {
		struct json_object *t = json_object_new_object();

		json_put_str(t, "suite", suite_str(SUITE_IKE, &v->suite[i], text, sizeof(text)));
		json_put_str(t, "auth", v->rsa[i] ? "rsa" : "psk");
		if (t)
			json_object_array_add(list, t);
	}
	json_put_bool(o, "aggressive", v->aggressive);
	return o;
}

int probe_print(const struct probe *p)
{
	static const char *const unreachable[] = { "", "port", "host", "filter" };
	struct json_object *o = json_object_new_object(), *list;
	char addr[ADDR_TEXT_MAX], *line;
	size_t len, done = 0;

	json_put_u64(o, "v", 1);
	json_put_str(o, "host", addr_str(&p->remote.addr, addr));
	json_put_u64(o, "port", p->remote.port);
	json_put_str(o, "from", addr_str(&p->local.addr, addr));
	json_put_u64(o, "sent", p->sent);
	json_put_u64(o, "answered", p->answered);
	json_put_str(o, "unreachable", unreachable[p->unreachable]);
	json_put_bool(o, "natt_answers", p->natt_answers);
	json_put(o, "ikev2", v2_json(&p->v2));
	json_put(o, "ikev1", v1_json(&p->v1));
	list = json_put_array(o, "vendors");
	for (size_t i = 0; i < p->n_vendors; i++)
		json_add_str(list, p->vendors[i]);
	line = json_line(o, &len);
	json_object_put(o);
	if (!line)
		return -1;
	/* Not by stdio, which would look at what stdout is: the sandbox has no place for it. */
	while (done < len) {
		ssize_t n = write(STDOUT_FILENO, line + done, len - done);

		if (n < 0)
			break;
		done += (size_t)n;
	}
	free(line);
	return done == len ? 0 : -1;
}
