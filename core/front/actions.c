/* actions: what both faces do with the daemon and the settings, written once. */
#include "core/front/actions.h"

#include "core/base/rng.h"
#include "core/front/fmt.h"
#include "core/front/merge.h"
#include "core/net/view.h"
#include "core/settings/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- status --- */

static int no_such_peer(const struct front *f, const char *peer, struct err *e)
{
	char near[PEER_NAME_MAX + 2], clean[4 * PEER_NAME_MAX + 4];

	settings_nearest_peer(f->config_dir, peer, near, sizeof(near));
	fmt_fit(peer, PEER_NAME_MAX, false, clean, sizeof(clean));
	if (strcmp(near, peer) == 0)
		return err_code(e, EXIT_NO_PEER, "the daemon does not know %s yet; "
				"`adit reload` makes it read the settings", clean);
	if (near[0])
		return err_code(e, EXIT_NO_PEER,
				"there is no peer \"%s\"; did you mean %s?", clean, near);
	return err_code(e, EXIT_NO_PEER,
			"there is no peer \"%s\"; `adit peer list` shows them", clean);
}

/* Every peer but the one asked for leaves the status. */
static int keep_only(struct status *s, const char *peer)
{
	struct status_peer *p = status_find(s, peer), keep;
	size_t at;

	if (!p)
		return -1;
	at = (size_t)(p - s->peers);
	keep = s->peers[0];
	s->peers[0] = s->peers[at];
	s->peers[at] = keep;
	for (size_t i = 1; i < s->n_peers; i++)
		status_peer_fini(&s->peers[i]);
	s->n_peers = 1;
	return 0;
}

static int offline_status(const struct front *f, const char *peer, struct status **out,
			  struct err *e)
{
	struct prefix lan[FRONT_LAN_MAX];
	struct settings settings;
	struct findings fs = { 0 };
	size_t n_lan = front_lan(f, lan, FRONT_LAN_MAX);

	if (settings_load(f->config_dir, lan, n_lan, &settings, &fs, e))
		return -1;
	*out = status_from_settings(&settings);
	if (*out)
		front_merge_settings(*out, f->config_dir, &settings, &fs);
	settings_fini(&settings);
	if (*out && fs.errors)
		status_set(&(*out)->warning,
			   "some settings are wrong: `adit check` says which");
	findings_fini(&fs);
	if (!*out)
		return err_set(e, "out of memory");
	if (peer && keep_only(*out, peer)) {
		status_free(*out);
		*out = NULL;
		return no_such_peer(f, peer, e);
	}
	return 0;
}

/* The daemon has a peer only as long as it could use its file once; a peer it has not got
 * may still be in the settings. */
static int running_status(const struct front *f, struct client *c, const char *peer,
			  struct status **out, struct json_object **raw, struct err *e)
{
	bool all = !peer;

	if (client_status(c, peer, out, raw, e)) {
		if (!peer || e->code != EXIT_NO_PEER)
			return -1;
		*e = (struct err){ 0 };
		all = true;
		if (client_status(c, NULL, out, raw, e))
			return -1;
	}
	if (!all || (!front_merge(*out, f->config_dir) && !peer))
		return 0;
	if (raw) {
		json_object_put(*raw);
		*raw = NULL;
	}
	if (peer && keep_only(*out, peer)) {
		status_free(*out);
		*out = NULL;
		return no_such_peer(f, peer, e);
	}
	if (raw)
		*raw = status_to_json(*out);
	return 0;
}

int front_status(const struct front *f, const char *peer, struct status **out,
		 struct json_object **raw, struct err *e)
{
	struct client *c = client_open(f->run_dir, e);

	if (c) {
		int rc;

		client_limit(c, f->timeout_ms);
		rc = running_status(f, c, peer, out, raw, e);
		client_close(c);
		if (rc == 0)
			return 0;
	}
	if (e->code != EXIT_NOT_RUNNING)
		return -1;
	*e = (struct err){ 0 };
	if (offline_status(f, peer, out, e))
		return -1;
	if (raw)
		*raw = status_to_json(*out);
	return 0;
}

static bool says(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

const char *front_start_command(void)
{
	/* As sd_booted(3) finds out. */
	if (access("/run/systemd/system", F_OK) == 0)
		return "systemctl start adit";
	if (access("/etc/init.d/adit", X_OK) == 0)
		return "/etc/init.d/adit start";
	return "aditd";
}

/* The IKE notify's name or its plain words, whichever the reason uses. */
static bool advise_cause(const struct status_peer *p, char *buf, size_t cap)
{
	const char *r = p->reason;

	if (says(r, "waiting for the peer to call") && strcmp(p->remote, "any") == 0)
		snprintf(buf, cap,
			 "Bring it up on the other side: its address is not known here "
			 "(remote_gateway is any). adit log %s shows whether it calls",
			 p->name);
	else if (says(r, "waiting for the peer to call"))
		snprintf(buf, cap,
			 "The other side begins (start is responder); adit up %s calls it "
			 "now",
			 p->name);
	else if (says(r, "does not resolve"))
		snprintf(buf, cap,
			 "Is the name right in remote_gateway, and do this router's name "
			 "servers (/etc/resolv.conf) know it?");
	else if (says(r, "taken down by the admin"))
		snprintf(buf, cap, "adit up %s brings it up", p->name);
	else if (says(r, "NO_PROPOSAL") || says(r, "proposal"))
		/* Before the keys: what is offered names how IKEv1 authenticates. */
		snprintf(buf, cap,
			 "Both sides need one suite in common: adit explain %s sets them "
			 "beside each other, and says what to change.",
			 p->name);
	else if (says(r, "AUTHENTICATION_FAILED") || says(r, "authenticat") ||
		 says(r, "pre-shared"))
		snprintf(buf, cap,
			 "Compare the key and the IDs with the other side's: here "
			 "local_id is %s and peer_id %s. adit explain %s says more.",
			 p->local_id[0] ? p->local_id : "the local address",
			 p->peer_id[0] ? p->peer_id : "the gateway's address", p->name);
	else if (says(r, "TS_UNACCEPTABLE") || says(r, "selector") || says(r, "network"))
		snprintf(buf, cap,
			 "The other side must have the same networks, the other way "
			 "round: adit explain %s shows both.",
			 p->name);
	else if (says(r, "no answer") || says(r, "timed out") || says(r, "not answer") ||
		 says(r, "calling"))
		snprintf(buf, cap,
			 "Check that %s can be reached, and that UDP 500 and 4500 get "
			 "through both firewalls; adit explain %s says how far it came",
			 p->remote[0] ? p->remote : "the gateway", p->name);
	else
		return false;
	return true;
}

const char *front_advice(const struct status_peer *p, bool running, char *buf, size_t cap)
{
	buf[0] = '\0';
	if (p->state == STATUS_UP)
		return buf;
	if (front_reason_is_error(p->reason))
		snprintf(buf, cap,
			 "Put it right in the file, or: adit peer set %s KEY=VALUE; adit "
			 "check shows all that is wrong",
			 p->name);
	else if (p->state == STATUS_DISABLED)
		snprintf(buf, cap, "adit peer enable %s", p->name);
	else if (!running)
		snprintf(buf, cap, "Start the daemon: %s", front_start_command());
	else if (strcmp(p->reason, FRONT_REASON_UNREAD) == 0)
		snprintf(buf, cap, "adit reload makes the daemon read the settings");
	else if (!advise_cause(p, buf, cap))
		snprintf(buf, cap,
			 "adit explain %s says why, and what to change; adit up %s tries "
			 "now",
			 p->name, p->name);
	return buf;
}

size_t front_lan(const struct front *f, struct prefix *out, size_t max)
{
	struct router_conf conf;
	struct draft *d = NULL;
	struct view *v = NULL;
	struct err ignored;
	size_t n = 0;
	bool ok;

	ok = settings_router_draft(f->config_dir, &d, NULL, &ignored) == 0 &&
	     draft_to_router(d, &conf, &ignored) == 0 && (v = malloc(sizeof(*v))) &&
	     view_take(&conf, v, &ignored) == 0;
	for (size_t i = 0; ok && i < v->n_addrs && n < max; i++)
		if (v->addrs[i].lan)
			out[n++] = v->addrs[i].net;
	free(v);
	draft_free(d);
	return n;
}

/* --- apply --- */

int front_apply(const struct front *f, enum front_applied *how, char *text, struct err *e)
{
	char said[FRONT_TEXT_MAX - 32] = "";
	struct client *c;
	int rc;

	if (f->no_apply) {
		*how = FRONT_NOT_ASKED;
		snprintf(text, FRONT_TEXT_MAX,
			 "Saved, not applied: `adit reload` does that.");
		return 0;
	}
	c = client_open(f->run_dir, e);
	if (c)
		client_limit(c, f->timeout_ms);
	rc = c ? client_reload(c, said, sizeof(said), e) : -1;
	client_close(c);
	if (rc && e->code == EXIT_NOT_RUNNING) {
		*e = (struct err){ 0 };
		*how = FRONT_NOT_RUNNING;
		snprintf(text, FRONT_TEXT_MAX,
			 "Saved. The daemon is not running: it is used at its next "
			 "start.");
		return 0;
	}
	if (rc)
		return err_wrap(e, "saved, but the daemon did not apply it");
	*how = FRONT_APPLIED;
	snprintf(text, FRONT_TEXT_MAX,
		 said[0] ? "Saved and applied: %s." : "Saved and applied.", said);
	return 0;
}

/* --- quick actions --- */

const struct front_action front_actions[ACTION_N] = {
	[ACTION_RESTART] = { ACTION_RESTART, "Restart", "restart",
			     "Restart the daemon's processes; every tunnel is made anew.",
			     "Restart? Every tunnel is interrupted for some seconds.",
			     false, true, true },
	[ACTION_STATUS] = { ACTION_STATUS, "Status", "status",
			    "Every peer and its tunnels.", NULL, false, false, false },
	[ACTION_INTERFACES] = { ACTION_INTERFACES, "Interfaces", "interfaces",
				"The interfaces with their addresses, tunnels marked.",
				NULL, false, false, false },
	[ACTION_ROUTES] = { ACTION_ROUTES, "Routes", "routes",
			    "The routes, those into tunnels marked.", NULL, false, false,
			    false },
	[ACTION_FIREWALL] = { ACTION_FIREWALL, "Firewall", "firewall",
			      "adit's firewall rules, and those it put into other "
			      "tables.",
			      NULL, false, false, false },
	[ACTION_RELOAD] = { ACTION_RELOAD, "Reload", "reload",
			    "Read the settings again and apply what changed.", NULL,
			    false, true, true },
	[ACTION_LOG] = { ACTION_LOG, "Log", "log", "What happened, newest last.", NULL,
			 false, true, false },
	[ACTION_CHECK] = { ACTION_CHECK, "Check", "check",
			   "Check all settings and say what is wrong.", NULL, false,
			   false, false },
	[ACTION_CERTS] = { ACTION_CERTS, "Certificates", "pki list",
			   "Certificates, keys, requests, revocation lists.", NULL, false,
			   false, false },
	[ACTION_HW] = { ACTION_HW, "Hardware", "hw",
			"By what, and how fast, the cryptography is done; measure it.", NULL, false,
			false, false },
	[ACTION_COUNTERS] = { ACTION_COUNTERS, "Counters", "counters",
			      "Why packets were lost, and what to look at.", NULL, false, true,
			      false },
	[ACTION_EXPLAIN] = { ACTION_EXPLAIN, "Explain", "explain",
			     "Why it is not up, and which side has to change what.", NULL,
			     true, false, false },
	[ACTION_TEST] = { ACTION_TEST, "Test", "test",
			  "Try both sides' credentials, without a tunnel.", NULL, true,
			  true, true },
	[ACTION_UP] = { ACTION_UP, "Up", "up", "Bring it up now.", NULL, true, true,
			true },
	[ACTION_DOWN] = { ACTION_DOWN, "Down", "down",
			  "Take it down until it is brought up again.",
			  "Take %s down? Its traffic stops until somebody brings it up.",
			  true, true, true },
	[ACTION_ENABLE] = { ACTION_ENABLE, "Enable", "peer enable", "Use it again.", NULL,
			    true, false, true },
	[ACTION_DISABLE] = { ACTION_DISABLE, "Disable", "peer disable",
			     "Take it down and keep it down, without deleting it.",
			     "Disable %s? Its traffic stops until it is enabled.", true,
			     false, true },
	[ACTION_DELETE] = { ACTION_DELETE, "Delete", "peer delete",
			    "Delete it, its key included.",
			    "Delete %s, its key included?", true, false, true },
};

/* --- the same as a command --- */

void front_quote(struct sbuf *b, const char *word)
{
	const char *p;

	for (p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-./:,@%+=^", *p))
			break;
	if (*word && !*p) {
		sbuf_add(b, word);
		return;
	}
	sbuf_add(b, "'");
	for (p = word; *p; p++) {
		if (*p == '\'')
			sbuf_add(b, "'\\''");
		else
			sbuf_addn(b, p, 1);
	}
	sbuf_add(b, "'");
}

void front_command(struct sbuf *b, const struct front *f, const char *verb,
		   const char *name, const struct front_pair *pairs, size_t n)
{
	sbuf_add(b, "adit");
	if (strcmp(f->config_dir, ADIT_CONFIG_DIR) != 0) {
		sbuf_add(b, " --config-dir ");
		front_quote(b, f->config_dir);
	}
	if (strcmp(f->run_dir, ADIT_RUN_DIR) != 0) {
		sbuf_add(b, " --run-dir ");
		front_quote(b, f->run_dir);
	}
	sbuf_addf(b, " %s", verb);
	if (name) {
		sbuf_add(b, " ");
		front_quote(b, name);
	}
	for (size_t i = 0; i < n; i++) {
		struct sbuf pair = { 0 };

		sbuf_addf(&pair, "%s=%s", pairs[i].key,
			  pairs[i].value ? pairs[i].value : "");
		sbuf_add(b, " ");
		front_quote(b, sbuf_str(&pair));
		sbuf_fini(&pair);
	}
}

/* --- pre-shared keys --- */

void front_psk_generate(char buf[FRONT_PSK_TEXT])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < FRONT_PSK_TEXT - 1; i++)
		buf[i] = letters[rng_below(sizeof(letters) - 1)];
	buf[FRONT_PSK_TEXT - 1] = '\0';
}

size_t front_psk_trim(char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	text[len] = '\0';
	return len;
}
