/* form_secret: the pre-shared key and the post-quantum one: shown when asked, made at random. */
#include "core/base/secret.h"
#include "tui/form.h"

#include <stdio.h>
#include <string.h>

/* There is nothing to answer to a key that was read. */
static void was_read(void *arg, int letter)
{
	(void)arg;
	(void)letter;
}

/* Which of the two the keys are about: the focused one, else the pre-shared key. */
static const char *secret_key(const struct form *f)
{
	const struct setting *s = f->at < f->n ? f->fields[f->at].s : NULL;

	return s && s->type == ST_SECRET ? s->key : "psk";
}

static int stored_secret(const struct form *f, const char *key, uint8_t *out, size_t *len,
			 struct err *e)
{
	const char *dir = f->v.tui->front.config_dir;

	return strcmp(key, "ppk") == 0 ? settings_ppk(dir, draft_name(f->base), out, len, e)
				       : settings_secret(dir, draft_name(f->base), out, len, e);
}

void form_reveal(struct form *f)
{
	char text[PSK_MAX * 2 + 80], key[8];
	struct err e = { 0 };
	uint8_t *psk;
	size_t len, n;
	bool plain = true;

	if (f->router)
		return;
	f->reveal = !f->reveal;
	snprintf(key, sizeof(key), "%s", secret_key(f));
	/* What was typed here is shown where it stands. */
	if (f->reveal && *draft_get(f->draft, key) && f->page != PAGE_AUTH && form_page_clean(f))
		form_show_field(f, key);
	if (!f->reveal || !f->base || f->router || *draft_get(f->draft, key) ||
	    (f->fields[f->at].s && f->fields[f->at].s->type == ST_SECRET && f->edit.len))
		return;
	psk = secret_new(PSK_MAX);
	if (!psk || stored_secret(f, key, psk, &len, &e) < 0) {
		tui_say(f->v.tui, EL_ERROR, "%s", e.msg);
		secret_free(psk);
		return;
	}
	for (size_t i = 0; i < len; i++)
		plain &= psk[i] >= 0x20 && psk[i] < 0x7f;
	n = (size_t)snprintf(text, sizeof(text), "%s", plain ? "" : "0x");
	for (size_t i = 0; i < len; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, plain ? "%c" : "%02x", psk[i]);
	f->reveal = false;
	pop_ask(f->v.tui, setting_find(SCOPE_PEER, key)->label, text, "o", was_read, f);
	secret_wipe(text, sizeof(text));
	secret_free(psk);
}

void form_generate(struct form *f)
{
	char key[FRONT_PSK_TEXT], which[8];

	snprintf(which, sizeof(which), "%s", secret_key(f));
	if (f->router || !form_page_clean(f))
		return;
	if (strcmp(which, "psk") == 0 && !draft_needs_psk(f->draft)) {
		tui_say(f->v.tui, EL_ERROR, "Both sides show certificates: no pre-shared key is used");
		return;
	}
	front_psk_generate(key);
	form_show_field(f, which);
	form_set_value(f, &f->fields[f->at], key);
	form_focus(f, f->at);
	f->reveal = true;
	secret_wipe(key, sizeof(key));
	tui_say(f->v.tui, EL_TEXT, "A new key: enter the same at the other side");
}
