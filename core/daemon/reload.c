/* reload: the config dir in, messages out. The parser's trees are gone before this returns;
 * what stays is plain structs. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/base/sbuf.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* The router's own networks, to check remote ones against. */
static size_t own_networks(const struct view *v, struct prefix *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_addrs && n < cap; i++)
		if (v->addrs[i].lan)
			out[n++] = v->addrs[i].net;
	return n;
}

/* adit.conf comes first, for it says what is LAN and what is WAN. */
static void read_router(const char *dir, struct router_conf *out)
{
	struct draft *d = NULL;
	struct err e = { 0 };

	*out = (struct router_conf){ 0 };
	/* What is wrong with it is found again, and told, by settings_load(). */
	if (settings_router_draft(dir, &d, NULL, &e) < 0 || draft_to_router(d, out, &e) < 0)
		*out = (struct router_conf){ 0 };
	draft_free(d);
}

void reload_router(const struct monitor *m, struct router_conf *out)
{
	long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	read_router(m->opt.config_dir, out);
	if (!out->workers)
		out->workers = (uint8_t)(half < 1 ? 1 : half > WORKERS_MAX ? WORKERS_MAX : half);
}

static int read_all(const char *dir, struct view *view, struct settings *out,
		    struct findings *fs, struct err *e)
{
	struct prefix lan[VIEW_ADDR_MAX];
	struct router_conf router;
	struct err why = { 0 };
	size_t n_lan = 0;

	read_router(dir, &router);
	if (view_take(&router, view, &why) < 0)
		log_warning(NULL, "the interfaces cannot be listed: %s", why.msg);
	else
		n_lan = own_networks(view, lan, VIEW_ADDR_MAX);
	return settings_load(dir, lan, n_lan, out, fs, e);
}

/* A line each; the source line under it is for --check. */
static void log_findings(const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->f[i];
		struct sbuf b = { 0 };
		char *text;

		finding_print(&b, f);
		text = sbuf_take(&b);
		if (!text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		log_at(f->level == FINDING_ERROR ? LL_ERROR : LL_WARNING, NULL, "%s", text);
		free(text);
	}
}

/* The parser's heap goes back to the kernel. */
static void trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

int reload_first(struct monitor *m, struct err *e)
{
	struct findings fs = { 0 };

	if (read_all(m->opt.config_dir, &m->view, &m->settings, &fs, e) < 0) {
		findings_fini(&fs);
		return -1;
	}
	log_level_set(m->settings.router.log_level);
	log_findings(&fs);
	findings_fini(&fs);
	trim();
	return 0;
}

int reload_check(const struct options *o)
{
	static struct view view;
	struct settings s = { 0 };
	struct findings fs = { 0 };
	struct sbuf b = { 0 };
	struct err e = { 0 };
	size_t errors;

	if (read_all(o->config_dir, &view, &s, &fs, &e) < 0) {
		fprintf(stderr, "aditd: %s\n", e.msg);
		findings_fini(&fs);
		return EXIT_SETTINGS;
	}
	findings_print(&b, &fs);
	fputs(sbuf_str(&b), stdout);
	errors = fs.errors;
	if (!errors)
		printf("%s: %zu %s, no errors\n", o->config_dir, s.n_peers,
		       s.n_peers == 1 ? "peer" : "peers");
	sbuf_fini(&b);
	findings_fini(&fs);
	settings_fini(&s);
	return errors ? EXIT_SETTINGS : EXIT_DONE;
}

/* ---- telling ---- */

/* What settings may be under way to iked at once: each peer, its children and what is logged
 * of it. */
static void make_room(struct monitor *m)
{
	size_t bytes = 0;

	for (size_t i = 0; i < m->settings.n_peers; i++)
		bytes += sizeof(struct msg_peer) + sizeof(struct msg_name) +
			 m->settings.peers[i].n_children * sizeof(struct msg_child) + 4096;
	ipc_expect(m->procs[PROC_IKED].link, bytes);
}

static void send_peer(struct monitor *m, const struct peer_conf *p)
{
	const struct tunnel *t = tunnel_get(m, p->name);
	struct msg_peer peer;
	struct msg_child child;
	struct msg_name name = { 0 };

	diff_peer_msg(p, &peer);
	peer.local_addr = t ? t->local : p->local_ip;
	(void)procs_send(m, PROC_IKED, MSG_PEER_SET, 0, &peer, sizeof(peer));
	for (size_t i = 0; i < p->n_children; i++) {
		diff_child_msg(p, i, &child);
		(void)procs_send(m, PROC_IKED, MSG_CHILD_SET, 0, &child, sizeof(child));
	}
	snprintf(name.name, sizeof(name.name), "%s", p->name);
	(void)procs_send(m, PROC_IKED, MSG_PEER_APPLY, 0, &name, sizeof(name));
}

static void send_name(struct monitor *m, uint16_t type, const char *peer)
{
	struct msg_name name = { 0 };

	snprintf(name.name, sizeof(name.name), "%s", peer);
	(void)procs_send(m, PROC_IKED, type, 0, &name, sizeof(name));
}

void reload_tell_iked(struct monitor *m)
{
	struct msg_result done = { .code = EXIT_DONE };

	make_room(m);
	pki_tell_iked(m);
	for (size_t i = 0; i < m->settings.n_peers; i++)
		send_peer(m, &m->settings.peers[i]);
	(void)procs_send(m, PROC_IKED, MSG_SETTINGS_DONE, 0, &done, sizeof(done));
}

void reload_tell_vaultd(struct monitor *m)
{
	for (size_t i = 0; i < m->settings.n_peers; i++)
		(void)secrets_send(m, m->settings.peers[i].name, true);
	pki_tell_vaultd(m);
}

/* ---- again ---- */

static bool is_bad(void *arg, const char *name)
{
	return findings_has_error(arg, name);
}

static void one_change(void *arg, const struct peer_conf *before, const struct peer_conf *after)
{
	struct monitor *m = arg;

	if (!after) {
		log_info(before->name, "removed");
		send_name(m, MSG_PEER_REMOVE, before->name);
		secrets_forget(m, before->name);
		return;
	}
	log_info(after->name, before ? "settings changed" : "added");
	/* vaultd first: iked may ask for AUTH as soon as it hears of the peer. */
	if (!before)
		(void)secrets_send(m, after->name, true);
	send_peer(m, after);
}

/* True when anything in adit.conf did. */
static bool change_router(struct monitor *m, const struct router_conf *before)
{
	const struct router_conf *now = &m->settings.router;
	struct msg_number level = { .value = now->log_level };

	if (now->dataplane != before->dataplane)
		log_warning(NULL, "adit.conf: dataplane: takes effect when aditd is started "
			    "anew");
	if (now->ike_port != before->ike_port || now->natt_port != before->natt_port)
		log_warning(NULL, "adit.conf: ike_port and natt_port: take effect when aditd is "
			    "started anew");
	/* Only then: a level set with `adit log` stays until the setting changes. */
	if (now->log_level != before->log_level) {
		log_level_set(now->log_level);
		for (int i = 0; i < PROC_N; i++)
			(void)procs_send(m, (enum proc_id)i, MSG_LOG_LEVEL, 0, &level,
					 sizeof(level));
	}
	return memcmp(now, before, sizeof(*now)) != 0;
}

static unsigned changed_secrets(struct monitor *m)
{
	unsigned n = 0;

	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const char *peer = m->settings.peers[i].name;

		if (!secrets_send(m, peer, false))
			continue;
		log_info(peer, "its PSK changed");
		send_name(m, MSG_SECRET_CHANGED, peer);
		n++;
	}
	return n;
}

/* What the admin reads: the changes, and what is wrong. */
static enum exit_code summary(const struct diff_count *c, bool router, unsigned secrets,
			      unsigned pki, int kept, const struct findings *fs, char *text)
{
	char more[100] = "";
	size_t n;

	if (router)
		snprintf(more, sizeof(more), "adit.conf changed");
	n = strlen(more);
	if (secrets)
		snprintf(more + n, sizeof(more) - n, "%s%u %s changed", n ? ", " : "", secrets,
			 secrets == 1 ? "PSK" : "PSKs");
	n = strlen(more);
	if (pki)
		snprintf(more + n, sizeof(more) - n, "%s%u %s changed", n ? ", " : "", pki,
			 pki == 1 ? "certificate or key" : "certificates or keys");
	if (c->changed + c->added + c->removed) {
		diff_text(c, text, ERR_MSG_MAX);
		n = strlen(text);
		snprintf(text + n, ERR_MSG_MAX - n, "%s%s", more[0] ? ", " : "", more);
	} else {
		snprintf(text, ERR_MSG_MAX, "%s", more[0] ? more : "no change");
	}
	if (!fs->errors)
		return EXIT_DONE;
	n = strlen(text);
	snprintf(text + n, ERR_MSG_MAX - n, "; %zu %s in the settings%s: adit check shows them",
		 fs->errors, fs->errors == 1 ? "error" : "errors",
		 kept ? ", the peers concerned stay as they were" : "");
	return EXIT_SETTINGS;
}

enum exit_code reload_again(struct monitor *m, char *text)
{
	struct settings before = m->settings, fresh = { 0 };
	struct findings fs = { 0 };
	struct diff_count count;
	struct err e = { 0 };
	enum exit_code code;
	unsigned secrets, pki;
	bool router;
	int kept;

	if (read_all(m->opt.config_dir, &m->view, &fresh, &fs, &e) < 0) {
		log_error(NULL, "reload: %s; nothing was changed", e.msg);
		snprintf(text, ERR_MSG_MAX, "%s", e.msg);
		findings_fini(&fs);
		return EXIT_SETTINGS;
	}
	log_findings(&fs);
	kept = diff_keep_bad(&before, &fresh, is_bad, &fs);
	/* A router's file that went bad does not switch the router over to defaults. */
	if (findings_has_error(&fs, ""))
		fresh.router = before.router;
	m->settings = fresh;
	make_room(m);
	router = change_router(m, &before.router);
	dataplane_again(m);
	/* First the ways of those that are gone, and of those that are new. */
	tunnel_settings(m);
	/* Before the peers that use them. */
	pki = pki_again(m);
	count = diff_walk(&before, &m->settings, one_change, m);
	secrets = changed_secrets(m);
	if (kept > 0)
		log_warning(NULL, "reload: %d %s as before, for the new settings are wrong",
			    kept, kept == 1 ? "peer stays" : "peers stay");
	code = summary(&count, router, secrets, pki, kept, &fs, text);
	log_info(NULL, "reload: %s", text);
	settings_fini(&before);
	findings_fini(&fs);
	trim();
	return code;
}
