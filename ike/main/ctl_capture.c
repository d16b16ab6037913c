/* ctl_capture: IKE messages and keys as they pass, for who may see them. */
#include "ike/main/ctl_priv.h"

#include "core/base/secret.h"

#include <stdio.h>
#include <stdlib.h>

#define UNTAP_MS 2000

static void put_hex(struct json_object *o, const char *key, struct slice s)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * s.len + 1);

	if (!text)
		return;
	for (size_t i = 0; i < s.len; i++) {
		text[2 * i] = digits[s.p[i] >> 4];
		text[2 * i + 1] = digits[s.p[i] & 15];
	}
	text[2 * s.len] = '\0';
	json_put_str(o, key, text);
	secret_wipe(text, 2 * s.len);
	free(text);
}

/* IKE_SA_INIT, and IKEv1's messages before there are keys, are readable as they are. */
static bool readable(struct slice msg)
{
	if (msg.len < 20)
		return true;
	return msg.p[17] >> 4 == 1 ? !(msg.p[19] & 1) : msg.p[18] == 34;
}

void ctl_on_packet(struct ctl *c, const struct tap_packet *p, bool plain)
{
	char addr[ADDR_TEXT_MAX];
	struct json_object *o;
	unsigned topic;

	if (!c->server)
		return;
	topic = plain || readable(p->msg) ? SERVER_TOPIC_PACKET : SERVER_TOPIC_KEYS;
	if (!server_wanted(c->server, topic))
		return;
	o = proto_event("packet");
	json_put_str(o, "peer", p->peer);
	json_put_bool(o, "plain", plain);
	json_put_bool(o, "out", p->out);
	json_put_str(o, "local", addr_str(&p->local->addr, addr));
	json_put_u64(o, "local_port", p->local->port);
	json_put_str(o, "remote", addr_str(&p->remote->addr, addr));
	json_put_u64(o, "remote_port", p->remote->port);
	put_hex(o, "data", p->msg);
	server_event(c->server, topic, p->peer, o);
}

void ctl_on_keys(struct ctl *c, const struct tap_keys *k)
{
	struct json_object *o;
	char spi[20], label[48];

	if (!c->server || !server_wanted(c->server, SERVER_TOPIC_KEYS))
		return;
	o = proto_event("keys");
	json_put_str(o, "peer", k->peer);
	json_put_u64(o, "version", k->version);
	snprintf(spi, sizeof(spi), "%016llx", (unsigned long long)k->spi_i);
	json_put_str(o, "spi_i", spi);
	snprintf(spi, sizeof(spi), "%016llx", (unsigned long long)k->spi_r);
	json_put_str(o, "spi_r", spi);
	json_put_u64(o, "encryption", k->encr);
	json_put_u64(o, "bits", k->encr_bits);
	json_put_u64(o, "integrity", k->integ);
	json_put_str(o, "name", alg_label(ALG_ENCR, k->encr, k->encr_bits, label, sizeof(label)));
	put_hex(o, "sk_ei", k->ei);
	put_hex(o, "sk_er", k->er);
	put_hex(o, "sk_ai", k->ai);
	put_hex(o, "sk_ar", k->ar);
	server_event(c->server, SERVER_TOPIC_KEYS, k->peer, o);
}

void ctl_untap(void *arg)
{
	struct ctl *c = arg;
	struct err ignored;

	if (server_wanted(c->server, SERVER_TOPIC_PACKET))
		timer_set(ctl_timers(c), &c->untap, UNTAP_MS);
	else if (engine_tap(c->k->engine, NULL, false, false, &ignored) == 0)
		log_info(NULL, "nobody captures any more");
}

void ctl_cmd_capture(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	const char *peer = server_request(r)->peer;
	bool keys = json_get_bool(server_request(r)->args, "keys", false);
	struct err e = { 0 };

	/* Who listens first misses nothing; a wrong name ends it again. */
	server_subscribe(r, SERVER_TOPIC_PACKET | (keys ? SERVER_TOPIC_KEYS : 0), peer);
	if (engine_tap(c->k->engine, peer, true, keys, &e) < 0) {
		server_fail(r, e.code, "%s", e.msg);
		return;
	}
	log_warning(peer, "its IKE messages are captured%s", keys ? ", with the keys" : "");
	timer_set(ctl_timers(c), &c->untap, UNTAP_MS);
	server_done(r, NULL);
}
