/* form_command: a form's changes as the command line that makes the same. */
#include "tui/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pairs {
	struct form *f;
	struct front_pair p[FORM_FIELDS_MAX];
	char keys[FORM_FIELDS_MAX][FORM_KEY_MAX];
	size_t n;
	bool psk, ppk;
};

static bool pair_of(void *arg, const char *key, const struct setting *s, const char *text,
		    bool set)
{
	struct pairs *p = arg;
	const char *was = p->f->base ? draft_get(p->f->base, key) : NULL;
	bool was_set = p->f->base && draft_is_set(p->f->base, key);

	if (s->type == ST_SECRET) {
		*(strcmp(key, "ppk") == 0 ? &p->ppk : &p->psk) = *text != '\0';
		return true;
	}
	if (s->type == ST_NAME || set == was_set ? !set || (was && strcmp(was, text) == 0) : false)
		return true;
	if (s->type == ST_NAME || p->n == FORM_FIELDS_MAX)
		return true;
	snprintf(p->keys[p->n], FORM_KEY_MAX, "%s", key);
	p->p[p->n].key = p->keys[p->n];
	p->p[p->n].value = set ? text : NULL;
	p->n++;
	return true;
}

/* There is nothing to answer to a command that was read. */
static void was_read(void *arg, int letter)
{
	(void)arg;
	(void)letter;
}

void form_show_command(struct form *f)
{
	struct pairs *p = calloc(1, sizeof(*p));
	struct sbuf b = { 0 };

	form_take(f);
	if (!p)
		return;
	p->f = f;
	draft_each(f->draft, pair_of, p);
	front_command(&b, &f->v.tui->front, f->router ? "router set" : f->base ? "peer set" : "peer add",
		      f->router ? NULL : f->named ? draft_name(f->draft) : "NAME", p->p, p->n);
	if (p->psk)
		sbuf_add(&b, " --psk-file FILE");
	if (p->ppk)
		sbuf_add(&b, " --ppk-file FILE");
	if (f->base && !p->n && !p->psk && !p->ppk)
		tui_say(f->v.tui, EL_TEXT, "nothing is changed, so there is no command yet");
	else
		pop_ask(f->v.tui, "The same as a command", sbuf_str(&b), "o", was_read, NULL);
	sbuf_fini(&b);
	free(p);
}
