/* hw_facts: what stands above the table: what is built in, what runs and why. */
#include "core/front/hw.h"

#include <stdio.h>
#include <string.h>

static struct hw_fact *fact(struct hw_fact *out, size_t *n, const char *label)
{
	out[*n] = (struct hw_fact){ .label = label, .tone = TONE_PLAIN };
	return &out[(*n)++];
}

static size_t add(struct hw_fact *f, size_t len, const char *sep, const char *text)
{
	if (len < sizeof(f->text))
		len += (size_t)snprintf(f->text + len, sizeof(f->text) - len, "%s%s", len ? sep : "",
					text);
	return len;
}

static void processor(const struct hw_machine *m, struct hw_fact *f)
{
	snprintf(f->text, sizeof(f->text), "%s, %u %s; %s", m->cpu[0] ? m->cpu : "of an unknown kind",
		 m->cores, m->cores == 1 ? "core" : "cores",
		 m->features[0] ? m->features : "no instructions for cryptography");
}

static void kernel(const struct hw_machine *m, struct hw_fact *f)
{
	snprintf(f->text, sizeof(f->text), "%s; ESP: %s, for IPv6: %s; xfrm interfaces: %s; AF_ALG: %s",
		 m->release, hw_has_str(m->esp4), hw_has_str(m->esp6), hw_has_str(m->xfrm_interface),
		 hw_has_str(m->af_alg));
}

static void devices(const struct hw_bench *b, struct hw_fact *f)
{
	char more[40];
	size_t len = 0;

	for (size_t i = 0; i < b->n_devices && i < 5; i++)
		len = add(f, len, ", ", b->device[i].driver);
	snprintf(more, sizeof(more), " and %zu more", b->n_devices - 5);
	if (b->n_devices > 5)
		add(f, len, "", more);
	f->tone = b->n_devices ? TONE_GOOD : TONE_PLAIN;
	if (!b->n_devices)
		add(f, 0, "", "no driver of such hardware is registered with the kernel "
			      "(/proc/crypto)");
}

static void card(const struct hw_machine *m, struct hw_fact *f)
{
	const char *what = strcmp(m->nic_offload, "on") == 0 ? "the card takes ESP off the processor" :
			   strcmp(m->nic_offload, "off") == 0 ? "the card could do ESP; switched off "
			   "(ethtool -K)" : m->nic_offload[0] ? "the card cannot do ESP" :
			   "not known whether the card can do ESP";

	snprintf(f->text, sizeof(f->text), "%s: %s", m->nic, what);
}

/* "userspace, for the kernel has no ESP; no AH". */
static void dataplane(const struct status *s, const struct router_conf *conf, struct hw_fact *f)
{
	static const char *const words[] = { "auto", "kernel", "userspace" };

	if (s && s->running)
		snprintf(f->text, sizeof(f->text), "%s%s%s%s%s%s", s->dataplane,
			 s->dataplane_why[0] ? " (" : "", s->dataplane_why,
			 s->dataplane_why[0] ? ")" : "", s->dataplane_note[0] ? "; " : "",
			 s->dataplane_note);
	else
		snprintf(f->text, sizeof(f->text), "none: adit is not running; the settings say %s",
			 conf ? words[conf->dataplane % 3] : "nothing that could be read");
}

static void choice(const struct router_conf *conf, bool profile, struct hw_fact *f)
{
	static const char *const words[] = { "auto", "mbedtls", "ipsec_mb", "afalg" };

	if (conf && conf->engine != ENGINE_CHOICE_AUTO)
		snprintf(f->text, sizeof(f->text), "%s, by the settings, and mbedtls for what it cannot",
			 words[conf->engine % 4]);
	else if (profile)
		add(f, 0, "", "auto: for each algorithm and packet size what adit bench found to be "
			      "fastest");
	else
		add(f, 0, "", "auto: nothing was measured yet, so a safe guess; `adit bench` measures");
}

/* "ipsec_mb (hq, shop), mv-cesa-cbc-aes, a device (branch)". */
static void in_use(const struct status *s, struct hw_fact *f)
{
	char seen[8][24];
	size_t n = 0, len = 0;

	for (size_t i = 0; i < s->n_peers; i++)
		for (size_t k = 0; k < s->peers[i].n_children; k++) {
			const struct status_child *c = &s->peers[i].children[k];
			char text[80];
			size_t at = 0;

			while (at < n && strcmp(seen[at], c->engine) != 0)
				at++;
			if (!c->engine[0] || at < n || n == 8)
				continue;
			snprintf(seen[n++], sizeof(seen[0]), "%s", c->engine);
			snprintf(text, sizeof(text), "%s%s", c->engine, c->hardware ? " (a device)" : "");
			len = add(f, len, ", ", text);
		}
}

size_t hw_facts(const struct hw_machine *m, const struct hw_bench *b, const struct status *status,
		const struct router_conf *conf, bool profile, int64_t now_s,
		struct hw_fact out[HW_FACTS])
{
	size_t n = 0;

	processor(m, fact(out, &n, "Processor"));
	kernel(m, fact(out, &n, "Kernel"));
	devices(b, fact(out, &n, "Crypto devices"));
	if (m->nic[0])
		card(m, fact(out, &n, "WAN"));
	dataplane(status, conf, fact(out, &n, "Dataplane"));
	choice(conf, profile, fact(out, &n, "Engine"));
	if (status && status->running) {
		in_use(status, fact(out, &n, "In use"));
		/* Without a tunnel nobody is. */
		n -= !out[n - 1].text[0];
	}
	for (unsigned w = 0; w < HW_WAYS && n < HW_FACTS - 1; w++) {
		struct hw_fact *f;

		if (!b->unable[w][0])
			continue;
		f = fact(out, &n, hw_way_name(w));
		f->tone = TONE_DIM;
		snprintf(f->text, sizeof(f->text), "not here: %s", b->unable[w]);
	}
	hw_when(b, now_s, fact(out, &n, "Speeds")->text, sizeof(out[0].text));
	return n;
}

const char *hw_child_str(const struct status_child *c, char *buf, size_t cap)
{
	char count[FMT_MAX];
	size_t n;

	n = (size_t)snprintf(buf, cap, "%s%s%s%s", c->engine,
			     c->hardware && c->engine[0] ? ", a device" : "",
			     !c->offload[0] ? "" : c->engine[0] ? "; " : "",
			     strcmp(c->offload, "packet") == 0 ? "the network card does all of ESP" :
			     c->offload[0] ? "the network card does the cryptography" : "");
	if (c->fallbacks && n < cap)
		snprintf(buf + n, cap - n, "; %s packet%s by software in its place",
			 fmt_count(c->fallbacks, count, sizeof(count)), c->fallbacks == 1 ? "" : "s");
	return buf;
}
