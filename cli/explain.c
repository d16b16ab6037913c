/* explain: why a peer is not up, in words, with both sides beside each other. What is said is
 * made in core/front/explain.h; here it is written to the terminal. */
#include "core/front/explain.h"

#include "cli/cli.h"
#include "cli/out.h"

#include <string.h>

/* A command must stay on one line, to be copied. */
static void line(struct cli *c, const struct explain_line *l)
{
	struct sbuf row = { 0 };

	switch ((enum explain_kind)l->kind) {
	case EXPLAIN_HEAD:
		out_tone(c, (enum fmt_tone)l->tone, l->text);
		sbuf_add(&c->out, "\n");
		return;
	case EXPLAIN_TEXT:
		out_wrap(c, 2, l->text);
		return;
	case EXPLAIN_COMMAND:
		sbuf_addf(&c->out, "      %s\n", l->text);
		return;
	case EXPLAIN_BLANK:
		sbuf_add(&c->out, "\n");
		return;
	case EXPLAIN_ROW:
		break;
	}
	explain_row(l, (c->width && c->width < 120 ? c->width : 100) - 2, &row);
	for (const char *p = sbuf_str(&row); *p;) {
		size_t n = strcspn(p, "\n");
		struct sbuf one = { 0 };

		sbuf_addn(&one, p, n);
		sbuf_add(&c->out, "  ");
		out_tone(c, (enum fmt_tone)l->tone, sbuf_str(&one));
		sbuf_add(&c->out, "\n");
		sbuf_fini(&one);
		p += n + (p[n] == '\n');
	}
	sbuf_fini(&row);
}

/* For scripts: what, ours, theirs; or the sentence. */
static void plain_line(struct cli *c, const struct explain_line *l)
{
	if (l->kind == EXPLAIN_BLANK)
		return;
	out_tone(c, TONE_PLAIN, l->text);
	if (l->kind == EXPLAIN_ROW) {
		sbuf_add(&c->out, "\t");
		out_tone(c, TONE_PLAIN, l->ours);
		sbuf_add(&c->out, "\t");
		out_tone(c, TONE_PLAIN, l->theirs);
	}
	sbuf_add(&c->out, "\n");
}

int explain_explain(struct cli *c, struct err *e)
{
	const char *peer = c->argc ? c->argv[0] : NULL;
	struct json_object *raw = NULL;
	struct explain x = { 0 };
	int rc = explain_ask(&c->front, peer, c->utf8, &x,
			     cli_has(c, OPT_JSON) ? &raw : NULL, e);

	if (rc == 0 && raw)
		out_json(c, raw);
	else if (rc == 0 && !x.n)
		out_say(c, "No peer is down: there is nothing to explain.");
	for (size_t i = 0; rc == 0 && !raw && i < x.n; i++) {
		if (cli_has(c, OPT_PLAIN))
			plain_line(c, &x.line[i]);
		else
			line(c, &x.line[i]);
	}
	explain_fini(&x);
	return rc;
}
