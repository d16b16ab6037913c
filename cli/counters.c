/* counters: why packets were lost, by the kernel's names, with what to look at. */
#include "cli/cli.h"

#include "cli/out.h"

#include <stdio.h>
#include <stdlib.h>

static void one(struct cli *c, const struct client_counter *k)
{
	char count[FMT_MAX];

	out_tone(c, k->value ? TONE_WAIT : TONE_DIM, k->name);
	sbuf_addf(&c->out, ": %s\n", fmt_count(k->value, count, sizeof(count)));
	if (k->meaning[0])
		out_wrap(c, 4, k->meaning);
	if (k->look[0] && k->value)
		out_wrap(c, 4, k->look);
}

static void show(struct cli *c, const struct client_counter *k, size_t n, const char *dataplane)
{
	bool plain = cli_has(c, OPT_PLAIN), all = cli_has(c, OPT_ALL);
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		if (!k[i].value && !all)
			continue;
		shown++;
		if (plain)
			sbuf_addf(&c->out, "%s\t%llu\n", k[i].name, (unsigned long long)k[i].value);
		else
			one(c, &k[i]);
	}
	if (!shown && !plain)
		out_say(c, "No packet was lost: all %zu counters of the %s dataplane are 0.", n, dataplane);
	else if (!all && !plain)
		out_say(c, "\nThe other %zu are 0; --all shows them.", n - shown);
}

int counters_counters(struct cli *c, struct err *e)
{
	struct client *cl = client_open(c->front.run_dir, e);
	struct client_counter *k = NULL;
	struct json_object *raw = NULL;
	char dataplane[16];
	size_t n = 0;
	int rc;

	if (!cl) {
		struct err why = *e;

		if (why.code == EXIT_NOT_RUNNING)
			err_code(e, why.code, "%s\n      start it: %s", why.msg, front_start_command());
		return -1;
	}
	client_limit(cl, c->front.timeout_ms);
	rc = client_counters(cl, dataplane, &k, &n, cli_has(c, OPT_JSON) ? &raw : NULL, e);
	client_close(cl);
	if (rc)
		return -1;
	if (raw)
		out_json(c, raw);
	else
		show(c, k, n, dataplane);
	free(k);
	return 0;
}
