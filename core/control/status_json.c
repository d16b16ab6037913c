/* status as JSON and back. One place knows the keys; adit-control(7) lists them. */
#include "core/control/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 100000	/* more in one answer is nonsense */

/* The drop counters by name, for both ways. */
struct counter {
	const char *key;
	size_t at;
};

static const struct counter drop_keys[] = {
	{ "replay", offsetof(struct status_drops, replay) },
	{ "auth", offsetof(struct status_drops, auth) },
	{ "selector_in", offsetof(struct status_drops, selector_in) },
	{ "selector_out", offsetof(struct status_drops, selector_out) },
	{ "malformed", offsetof(struct status_drops, malformed) },
	{ "expired", offsetof(struct status_drops, expired) },
	{ "mtu", offsetof(struct status_drops, mtu) },
	{ "socket", offsetof(struct status_drops, socket) },
};
#define N_DROPS (sizeof(drop_keys) / sizeof(drop_keys[0]))

static const struct counter stranger_keys[] = {
	{ "malformed", offsetof(struct status_strangers, malformed) },
	{ "bad_version", offsetof(struct status_strangers, bad_version) },
	{ "no_peer", offsetof(struct status_strangers, no_peer) },
	{ "unknown_spi", offsetof(struct status_strangers, unknown_spi) },
	{ "half_open", offsetof(struct status_strangers, half_open) },
	{ "unexpected", offsetof(struct status_strangers, unexpected) },
	{ "bad_id", offsetof(struct status_strangers, bad_id) },
	{ "bad_icv", offsetof(struct status_strangers, bad_icv) },
};
#define N_STRANGERS (sizeof(stranger_keys) / sizeof(stranger_keys[0]))

static void put_counters(struct json_object *obj, const struct counter *c, size_t n,
			 const void *from)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < n; i++)
		json_put_u64(o, c[i].key, *(const uint64_t *)((const char *)from + c[i].at));
	json_put(obj, "drops", o);
}

static void get_counters(struct json_object *obj, const struct counter *c, size_t n,
			 void *to)
{
	struct json_object *o = json_get_object(obj, "drops");

	for (size_t i = 0; i < n; i++)
		*(uint64_t *)((char *)to + c[i].at) = json_get_u64(o, c[i].key, UINT64_MAX, 0);
}

static void put_list(struct json_object *obj, const char *key, char **list, size_t n)
{
	struct json_object *a = json_put_array(obj, key);

	for (size_t i = 0; i < n; i++)
		json_add_str(a, list[i]);
}

static void put_spi(struct json_object *obj, const char *key, uint32_t spi)
{
	char buf[16] = "";

	if (spi)
		snprintf(buf, sizeof(buf), "0x%08x", spi);
	json_put_str(obj, key, buf);
}

static struct json_object *child_to_json(const struct status_child *c)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "name", c->name);
	json_put_str(o, "state", status_state_name(c->state));
	put_list(o, "local_networks", c->local_networks, c->n_local);
	put_list(o, "remote_networks", c->remote_networks, c->n_remote);
	json_put_str(o, "mode", c->mode);
	json_put_str(o, "protocol", c->protocol);
	json_put_str(o, "esp", c->esp);
	json_put_bool(o, "ipcomp", c->ipcomp);
	json_put_str(o, "engine", c->engine);
	json_put_bool(o, "hardware", c->hardware);
	json_put_str(o, "offload", c->offload);
	json_put_u64(o, "fallbacks", c->fallbacks);
	put_spi(o, "spi_in", c->spi_in);
	put_spi(o, "spi_out", c->spi_out);
	json_put_u64(o, "rx_bytes", c->rx_bytes);
	json_put_u64(o, "tx_bytes", c->tx_bytes);
	json_put_u64(o, "rx_packets", c->rx_packets);
	json_put_u64(o, "tx_packets", c->tx_packets);
	put_counters(o, drop_keys, N_DROPS, &c->drops);
	json_put_u64(o, "rekey_in_s", c->rekey_in_s);
	json_put_u64(o, "life_s", c->life_s);
	return o;
}

struct json_object *status_peer_to_json(const struct status_peer *p)
{
	struct json_object *o = json_object_new_object(), *children;

	json_put_str(o, "name", p->name);
	json_put_str(o, "description", p->description);
	json_put_str(o, "state", status_state_name(p->state));
	json_put_str(o, "reason", p->reason);
	json_put_u64(o, "version", p->version);
	json_put_str(o, "local", p->local);
	json_put_str(o, "remote", p->remote);
	json_put_str(o, "local_id", p->local_id);
	json_put_str(o, "peer_id", p->peer_id);
	json_put_str(o, "interface", p->interface);
	json_put_str(o, "ike", p->ike);
	json_put_bool(o, "initiator", p->initiator);
	json_put_bool(o, "udp_encap", p->udp_encap);
	json_put_str(o, "nat", p->nat);
	json_put_u64(o, "uptime_s", p->uptime_s);
	json_put_u64(o, "rekey_in_s", p->rekey_in_s);
	put_list(o, "weak", p->weak, p->n_weak);
	json_put_u64(o, "tries", p->tries);
	json_put_u64(o, "retry_in_s", p->retry_in_s);
	children = json_put_array(o, "children");
	for (size_t i = 0; i < p->n_children && children; i++) {
		struct json_object *c = child_to_json(&p->children[i]);

		if (c && json_object_array_add(children, c) != 0)
			json_object_put(c);
	}
	return o;
}

struct json_object *status_to_json(const struct status *s)
{
	struct json_object *o = json_object_new_object(), *dp, *peers;

	if (!o)
		return NULL;
	json_put_u64(o, "v", STATUS_JSON_V);
	json_put_bool(o, "running", s->running);
	json_put_str(o, "version", s->version);
	json_put_u64(o, "uptime_s", s->uptime_s);
	dp = json_object_new_object();
	json_put_str(dp, "name", s->dataplane);
	json_put_str(dp, "why", s->dataplane_why);
	json_put_str(dp, "note", s->dataplane_note);
	json_put(o, "dataplane", dp);
	json_put_str(o, "firewall", s->firewall);
	json_put_str(o, "warning", s->warning);
	put_counters(o, stranger_keys, N_STRANGERS, &s->drops);
	peers = json_put_array(o, "peers");
	for (size_t i = 0; i < s->n_peers && peers; i++) {
		struct json_object *p = status_peer_to_json(&s->peers[i]);

		if (p && json_object_array_add(peers, p) != 0)
			json_object_put(p);
	}
	return o;
}

static enum status_state get_state(struct json_object *o)
{
	const char *name = json_get_str(o, "state", "");

	for (enum status_state s = STATUS_UP; s <= STATUS_DISABLED; s++)
		if (strcmp(status_state_name(s), name) == 0)
			return s;
	return STATUS_DOWN;
}

static void get_name(struct json_object *o, const char *key, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", json_get_str(o, key, ""));
}

static void get_list(struct json_object *o, const char *key, char ***list, size_t *n)
{
	size_t have;
	struct json_object *a = json_get_array(o, key, &have);

	for (size_t i = 0; i < have; i++) {
		struct json_object *v = json_object_array_get_idx(a, i);

		if (json_object_is_type(v, json_type_string))
			status_list_add(list, n, json_object_get_string(v));
	}
}

static uint64_t get_n(struct json_object *o, const char *key)
{
	return json_get_u64(o, key, UINT64_MAX, 0);
}

static void child_from_json(struct status_child *c, struct json_object *o)
{
	get_name(o, "name", c->name, sizeof(c->name));
	c->state = get_state(o);
	get_list(o, "local_networks", &c->local_networks, &c->n_local);
	get_list(o, "remote_networks", &c->remote_networks, &c->n_remote);
	get_name(o, "mode", c->mode, sizeof(c->mode));
	get_name(o, "protocol", c->protocol, sizeof(c->protocol));
	status_set(&c->esp, json_get_str(o, "esp", ""));
	c->ipcomp = json_get_bool(o, "ipcomp", false);
	get_name(o, "engine", c->engine, sizeof(c->engine));
	c->hardware = json_get_bool(o, "hardware", false);
	get_name(o, "offload", c->offload, sizeof(c->offload));
	c->fallbacks = get_n(o, "fallbacks");
	c->spi_in = (uint32_t)strtoul(json_get_str(o, "spi_in", "0"), NULL, 16);
	c->spi_out = (uint32_t)strtoul(json_get_str(o, "spi_out", "0"), NULL, 16);
	c->rx_bytes = get_n(o, "rx_bytes");
	c->tx_bytes = get_n(o, "tx_bytes");
	c->rx_packets = get_n(o, "rx_packets");
	c->tx_packets = get_n(o, "tx_packets");
	get_counters(o, drop_keys, N_DROPS, &c->drops);
	c->rekey_in_s = get_n(o, "rekey_in_s");
	c->life_s = get_n(o, "life_s");
}

/* p holds only empty strings. */
static int fill_peer(struct status_peer *p, struct json_object *o, struct err *e)
{
	struct json_object *children;
	size_t n;

	get_name(o, "name", p->name, sizeof(p->name));
	if (!p->name[0])
		return err_set(e, "a peer without a name in the status");
	status_set(&p->description, json_get_str(o, "description", ""));
	p->state = get_state(o);
	status_set(&p->reason, json_get_str(o, "reason", ""));
	p->version = (unsigned)json_get_u64(o, "version", 255, 0);
	status_set(&p->local, json_get_str(o, "local", ""));
	status_set(&p->remote, json_get_str(o, "remote", ""));
	status_set(&p->local_id, json_get_str(o, "local_id", ""));
	status_set(&p->peer_id, json_get_str(o, "peer_id", ""));
	get_name(o, "interface", p->interface, sizeof(p->interface));
	status_set(&p->ike, json_get_str(o, "ike", ""));
	p->initiator = json_get_bool(o, "initiator", false);
	p->udp_encap = json_get_bool(o, "udp_encap", false);
	status_set(&p->nat, json_get_str(o, "nat", ""));
	p->uptime_s = get_n(o, "uptime_s");
	p->rekey_in_s = get_n(o, "rekey_in_s");
	get_list(o, "weak", &p->weak, &p->n_weak);
	p->tries = (unsigned)json_get_u64(o, "tries", UINT32_MAX, 0);
	p->retry_in_s = get_n(o, "retry_in_s");
	children = json_get_array(o, "children", &n);
	if (status_peer_children(p, n) < 0)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < n; i++)
		child_from_json(&p->children[i], json_object_array_get_idx(children, i));
	return 0;
}

int status_peer_from_json(struct json_object *data, struct status_peer *p, struct err *e)
{
	static const struct peer_conf none;

	if (status_peer_from_conf(p, &none) < 0)
		return err_set(e, "out of memory");
	if (fill_peer(p, data, e) < 0) {
		status_peer_fini(p);
		return -1;
	}
	return 0;
}

int status_from_json(struct json_object *data, struct status **out, struct err *e)
{
	struct json_object *peers, *dp;
	struct status *s;
	size_t n;

	*out = NULL;
	peers = json_get_array(data, "peers", &n);
	if (!peers || n > PEERS_MAX)
		return err_set(e, "the daemon's answer is no status");
	s = status_new(n);
	if (!s)
		return err_set(e, "out of memory");
	s->running = json_get_bool(data, "running", true);
	get_name(data, "version", s->version, sizeof(s->version));
	s->uptime_s = get_n(data, "uptime_s");
	dp = json_get_object(data, "dataplane");
	get_name(dp, "name", s->dataplane, sizeof(s->dataplane));
	status_set(&s->dataplane_why, json_get_str(dp, "why", ""));
	status_set(&s->dataplane_note, json_get_str(dp, "note", ""));
	status_set(&s->firewall, json_get_str(data, "firewall", ""));
	status_set(&s->warning, json_get_str(data, "warning", ""));
	get_counters(data, stranger_keys, N_STRANGERS, &s->drops);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(peers, i);

		if (!json_object_is_type(o, json_type_object) ||
		    fill_peer(&s->peers[i], o, e) < 0) {
			if (e && !e->msg[0])
				err_set(e, "a peer in the status is no object");
			status_free(s);
			return -1;
		}
	}
	*out = s;
	return 0;
}
