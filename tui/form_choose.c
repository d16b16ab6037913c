/* form_choose: what Enter offers in a field: proposals put together part by part, the words of a
 * choice, what this router has. */
#include "core/crypto/alg.h"
#include "core/front/actions.h"
#include "tui/form.h"
#include "tui/suites.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool form_is_suites(const struct setting *s)
{
	return s->type == ST_IKE || s->type == ST_ESP;
}

/* ---- weak algorithms ---- */

static unsigned allowed(const struct form *f)
{
	const char *text = f->router ? NULL : draft_get(f->draft, "allow_weak");
	unsigned bits = 0;
	struct err e = { 0 };

	return text && weak_parse(text, &bits, &e) == 0 ? bits : 0;
}

unsigned form_weak_in(const struct form *f, const struct setting *s, const char *text)
{
	struct suite_list list;
	struct err e = { 0 };

	if (!form_is_suites(s) || !*text ||
	    suite_parse(s->type == ST_IKE ? SUITE_IKE : SUITE_ESP, text, &list, &e) < 0)
		return 0;
	return suite_weak(&list) & ~allowed(f);
}

struct weak_sum {
	const struct form *f;
	unsigned bits;
};

static bool add_weak(void *arg, const char *key, const struct setting *s, const char *text,
		     bool set)
{
	struct weak_sum *sum = arg;

	(void)key;
	(void)set;
	sum->bits |= form_weak_in(sum->f, s, text);
	return true;
}

unsigned form_weak(const struct form *f)
{
	struct weak_sum sum = { .f = f };

	if (!f->router)
		draft_each(f->draft, add_weak, &sum);
	if (!f->router && strcmp(draft_get(f->draft, "exchange"), "aggressive") == 0 &&
	    !draft_idle(f->draft, "exchange"))
		sum.bits |= WEAK_AGGRESSIVE & ~allowed(f);
	return sum.bits;
}

bool form_allow(struct form *f, unsigned bits)
{
	char words[120];
	struct err e = { 0 };

	if (draft_set(f->draft, "allow_weak", weak_str(allowed(f) | bits, words, sizeof(words)),
		      &e) < 0) {
		tui_say(f->v.tui, EL_ERROR, "%s", e.msg);
		return false;
	}
	return true;
}

/* ---- proposals ---- */

static bool suites_get(void *arg, struct suite_list *out)
{
	const struct form *f = arg;
	const struct field *fl = &f->fields[f->at];
	struct err e = { 0 };

	return suite_parse(fl->s->type == ST_IKE ? SUITE_IKE : SUITE_ESP, draft_get(f->draft, fl->key),
			   out, &e) == 0;
}

static void suites_set(void *arg, const char *text, unsigned weak)
{
	struct form *f = arg;

	if (weak && !form_allow(f, weak))
		return;
	form_set(f, f->at, text);
}

static unsigned suites_allowed(void *arg)
{
	return allowed(arg);
}

/* ---- offers ---- */

struct offers {
	struct pop_choice *list;
	size_t n;
};

static void offer(void *arg, const char *value, const char *about, bool weak)
{
	struct offers *o = arg;
	struct pop_choice *grown;

	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->list[i].value, value) == 0)
			return;
	grown = realloc(o->list, (o->n + 1) * sizeof(*grown));
	if (!grown)
		return;
	o->list = grown;
	grown[o->n++] = (struct pop_choice){ strdup(value), strdup(about), weak };
}

/* Behind what is typed of a list already, if anything is. */
static void offer_more(struct offers *o, const char *typed, const char *value, const char *about)
{
	char whole[EDIT_MAX];

	snprintf(whole, sizeof(whole), "%s%s%s", typed, *typed ? "," : "", value);
	offer(o, whole, about, false);
}

static void offer_networks(struct form *f, struct offers *o)
{
	struct prefix lan[FRONT_LAN_MAX];
	size_t n = front_lan(&f->v.tui->front, lan, FRONT_LAN_MAX);

	for (size_t i = 0; i < n; i++) {
		char text[PREFIX_TEXT_MAX];

		prefix_str(&lan[i], text);
		if (!strstr(f->edit.text, text))
			offer_more(o, f->edit.text, text, "a network of this router");
	}
}

static void offer_addresses(struct offers *o)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct sockaddr_storage ss = { 0 };
		struct endpoint ep;
		char text[ADDR_TEXT_MAX];

		if (!a->ifa_addr || (a->ifa_flags & IFF_LOOPBACK))
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			memcpy(&ss, a->ifa_addr, sizeof(struct sockaddr_in));
		else if (a->ifa_addr->sa_family == AF_INET6)
			memcpy(&ss, a->ifa_addr, sizeof(struct sockaddr_in6));
		if (endpoint_from_sockaddr(&ss, &ep) == 0 && !addr_is_link_local(&ep.addr))
			offer(o, addr_str(&ep.addr, text), a->ifa_name, false);
	}
	freeifaddrs(all);
}

static void offer_interfaces(struct form *f, struct offers *o)
{
	struct if_nameindex *all = if_nameindex();
	bool list = f->fields[f->at].s->type == ST_IFACES;

	for (struct if_nameindex *i = all; i && i->if_name; i++)
		if (strcmp(i->if_name, "lo") != 0 && strncmp(i->if_name, "adit-", 5) != 0 &&
		    !(list && strstr(f->edit.text, i->if_name)))
			offer_more(o, list ? f->edit.text : "", i->if_name, "");
	if_freenameindex(all);
}

static void offer_certs(struct form *f, struct offers *o)
{
	bool list = f->fields[f->at].s->type == ST_CERTS;
	char **names = NULL;
	struct err e = { 0 };
	size_t n = 0;

	if (settings_cert_names(f->v.tui->front.config_dir, &names, &n, &e) < 0)
		tui_say(f->v.tui, EL_ERROR, "%s", e.msg);
	else if (!n)
		tui_say(f->v.tui, EL_TEXT, "There are no certificates yet: adit pki makes them, or C "
			"in the list of peers");
	for (size_t i = 0; i < n; i++)
		if (!(list && strstr(f->edit.text, names[i])))
			offer_more(o, list ? f->edit.text : "", names[i], "");
	settings_names_free(names, n);
}

static void offer_all(struct form *f, const struct setting *s, struct offers *o)
{
	setting_suggest(s, f->edit.text, offer, o);
	/* A complete value: offer to begin anew. */
	if (!o->n)
		setting_suggest(s, "", offer, o);
	if (strcmp(s->key, "local_network") == 0)
		offer_networks(f, o);
	else if (strcmp(s->key, "local_ip") == 0)
		offer_addresses(o);
	else if (s->type == ST_IFACE || s->type == ST_IFACES)
		offer_interfaces(f, o);
	else if (s->type == ST_CERT || s->type == ST_CERTS)
		offer_certs(f, o);
	else if (s->type == ST_WEAK && *f->edit.text)
		for (size_t i = 0; i < WEAK_N; i++)
			if (!strstr(f->edit.text, weak_names[i]))
				offer_more(o, f->edit.text, weak_names[i], "and what is there");
}

static void chosen(void *arg, const char *value)
{
	struct form *f = arg;

	if (value)
		form_set(f, f->at, value);
}

void form_choose(struct form *f)
{
	const struct setting *s = f->fields[f->at].s;
	struct offers o = { 0 };
	size_t sel = 0;

	if (form_is_suites(s)) {
		struct suites_how how = {
			.use = s->type == ST_IKE ? SUITE_IKE : SUITE_ESP, .title = s->label,
			.weak = !f->router, .get = suites_get, .set = suites_set,
			.allowed = suites_allowed, .arg = f,
		};

		/* What was typed and is no proposal is corrected where it stands. */
		if (form_take(f))
			suites_edit(f->v.tui, &how);
		return;
	}
	if (form_is_text(s)) {
		offer_all(f, s, &o);
	} else {
		for (size_t i = 0; s->choices && s->choices[i]; i++) {
			if (strcmp(s->choices[i], form_value(f, &f->fields[f->at])) == 0)
				sel = i;
			offer(&o, s->choices[i], "", false);
		}
		if (!*s->def) {
			if (!*form_value(f, &f->fields[f->at]))
				sel = o.n;
			offer(&o, "", s->empty, false);
		}
	}
	if (o.n)
		pop_choose(f->v.tui, s->label, o.list, o.n, sel, chosen, f);
	else
		form_go(f, 1);
}
