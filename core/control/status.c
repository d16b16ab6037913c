/* status: the structs behind `adit status`: made, filled from settings, freed. The JSON form
 * is in status_json.c. */
#include "core/control/status.h"

#include "core/crypto/x509.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *status_state_name(enum status_state s)
{
	switch (s) {
	case STATUS_UP:
		return "up";
	case STATUS_CONNECTING:
		return "connecting";
	case STATUS_DOWN:
		return "down";
	case STATUS_DISABLED:
		return "disabled";
	}
	return "down";
}

/* All strings of a struct point here until they are set, so that none is ever NULL and a
 * peer without a description costs nothing. */
static char nothing[1] = "";

void status_set(char **field, const char *text)
{
	char *copy;

	if (!text || !*text) {
		copy = nothing;
	} else {
		copy = strdup(text);
		if (!copy)
			return;
	}
	if (*field != nothing)
		free(*field);
	*field = copy;
}

static void drop(char **field)
{
	if (*field != nothing)
		free(*field);
	*field = NULL;
}

void status_list_add(char ***list, size_t *n, const char *text)
{
	char **grown, *copy = strdup(text ? text : "");

	if (!copy)
		return;
	grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown) {
		free(copy);
		return;
	}
	grown[(*n)++] = copy;
	*list = grown;
}

static void list_fini(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void peer_init(struct status_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->state = STATUS_DOWN;
	p->description = p->reason = p->local = p->remote = p->local_id = p->peer_id =
		p->ike = p->nat = nothing;
}

int status_peer_children(struct status_peer *p, size_t n)
{
	if (!n)
		return 0;
	p->children = calloc(n, sizeof(*p->children));
	if (!p->children)
		return -1;
	p->n_children = n;
	for (size_t i = 0; i < n; i++) {
		p->children[i].state = STATUS_DOWN;
		p->children[i].esp = nothing;
	}
	return 0;
}

void status_peer_fini(struct status_peer *p)
{
	for (size_t i = 0; i < p->n_children; i++) {
		struct status_child *c = &p->children[i];

		list_fini(c->local_networks, c->n_local);
		list_fini(c->remote_networks, c->n_remote);
		drop(&c->esp);
	}
	free(p->children);
	list_fini(p->weak, p->n_weak);
	drop(&p->description);
	drop(&p->reason);
	drop(&p->local);
	drop(&p->remote);
	drop(&p->local_id);
	drop(&p->peer_id);
	drop(&p->ike);
	drop(&p->nat);
	memset(p, 0, sizeof(*p));
}

struct status *status_new(size_t n_peers)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->dataplane_why = s->dataplane_note = s->firewall = s->warning = nothing;
	if (n_peers) {
		s->peers = calloc(n_peers, sizeof(*s->peers));
		if (!s->peers) {
			free(s);
			return NULL;
		}
	}
	s->n_peers = n_peers;
	for (size_t i = 0; i < n_peers; i++)
		peer_init(&s->peers[i]);
	return s;
}

void status_free(struct status *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_peers; i++)
		status_peer_fini(&s->peers[i]);
	free(s->peers);
	drop(&s->dataplane_why);
	drop(&s->dataplane_note);
	drop(&s->firewall);
	drop(&s->warning);
	free(s);
}

struct status_peer *status_find(const struct status *s, const char *name)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (strcmp(s->peers[i].name, name) == 0)
			return &s->peers[i];
	return NULL;
}

/* Bytes of an identity are shown as they are where that is safe in a terminal. */
static bool printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return len > 0;
}

static void hex(char *buf, const char *prefix, const uint8_t *p, size_t len)
{
	size_t at = (size_t)sprintf(buf, "%s", prefix);

	for (size_t i = 0; i < len; i++)
		at += (size_t)sprintf(buf + at, "%02x", p[i]);
}

const char *status_id_str(const struct ike_id *id, char *buf)
{
	size_t len = id->len <= ID_MAX ? id->len : ID_MAX;
	struct ip_addr a;

	buf[0] = '\0';
	switch (id->type) {
	case ID_NONE:
		break;
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (len != (id->type == ID_IPV4_ADDR ? 4 : 16))
			break;
		a = addr_from_bytes(id->type == ID_IPV4_ADDR ? AF_INET : AF_INET6, id->data);
		addr_str(&a, buf);
		break;
	case ID_FQDN:
	case ID_RFC822_ADDR:
		if (printable(id->data, len))
			sprintf(buf, "%.*s", (int)len, (const char *)id->data);
		else
			hex(buf, "0x", id->data, len);
		break;
	case ID_KEY_ID:
		if (printable(id->data, len))
			sprintf(buf, "keyid:%.*s", (int)len, (const char *)id->data);
		else
			hex(buf, "keyid:", id->data, len);
		break;
	case ID_DER_ASN1_DN:
		x509_dn_str((struct slice){ id->data, len }, buf, STATUS_ID_TEXT_MAX);
		break;
	}
	return buf;
}

static void id_or_addr(char **field, const struct ike_id *id, const struct ip_addr *a)
{
	char buf[STATUS_ID_TEXT_MAX];

	if (id->type == ID_NONE)
		status_set(field, addr_str(a, buf));
	else
		status_set(field, status_id_str(id, buf));
}

static void child_from_conf(struct status_child *c, const struct child_conf *conf)
{
	static const char *const modes[] = { "tunnel", "transport", "bypass", "discard" };
	char buf[512];

	memcpy(c->name, conf->name, sizeof(c->name));
	for (size_t i = 0; i < conf->n_local; i++)
		status_list_add(&c->local_networks, &c->n_local,
				prefix_str(&conf->local_network[i], buf));
	for (size_t i = 0; i < conf->n_remote; i++)
		status_list_add(&c->remote_networks, &c->n_remote,
				prefix_str(&conf->remote_network[i], buf));
	snprintf(c->mode, sizeof(c->mode), "%s", modes[conf->mode]);
	if (child_is_plain(conf))
		return;
	snprintf(c->protocol, sizeof(c->protocol), "%s", conf->ah ? "AH" : "ESP");
	c->ipcomp = conf->ipcomp;
	status_set(&c->esp, conf->ah ? alg_label(ALG_INTEG, conf->ah, 0, buf, sizeof(buf)) :
		   suite_list_str(SUITE_ESP, &conf->esp, buf, sizeof(buf)));
}

/* As they were written: "vpn.example.net, 198.51.100.0/24". */
static void gateways(char **field, const struct peer_conf *c)
{
	char buf[GATEWAYS_MAX * (HOST_NAME_LEN + 3)] = "", one[PREFIX_TEXT_MAX];
	size_t n = 0;

	for (int i = 0; i < c->n_gateways; i++) {
		const struct gateway *g = &c->gateways[i];
		const char *text = "any";

		switch ((enum gateway_kind)g->kind) {
		case GATEWAY_ADDR:
			text = addr_str(&g->net.addr, one);
			break;
		case GATEWAY_NAME:
			text = g->name;
			break;
		case GATEWAY_NET:
			text = prefix_str(&g->net, one);
			break;
		case GATEWAY_ANY:
			break;
		}
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", i ? ", " : "", text);
	}
	status_set(field, buf);
}

int status_peer_from_conf(struct status_peer *p, const struct peer_conf *c)
{
	char buf[512];

	peer_init(p);
	memcpy(p->name, c->name, sizeof(p->name));
	memcpy(p->interface, c->interface, sizeof(p->interface));
	status_set(&p->description, c->description);
	p->state = c->enabled ? STATUS_DOWN : STATUS_DISABLED;
	p->version = c->version == IKE_V1 ? 1 : 2;
	status_set(&p->local, addr_str(&c->local_ip, buf));
	gateways(&p->remote, c);
	id_or_addr(&p->local_id, &c->local_id, &c->local_ip);
	id_or_addr(&p->peer_id, &c->peer_id, &c->remote_gateway);
	status_set(&p->ike, suite_list_str(SUITE_IKE, &c->ike, buf, sizeof(buf)));
	if (!c->children)
		return 0;
	if (status_peer_children(p, c->n_children) < 0)
		return -1;
	for (size_t i = 0; i < c->n_children; i++)
		child_from_conf(&p->children[i], &c->children[i]);
	return 0;
}

struct status *status_from_settings(const struct settings *s)
{
	struct status *st = status_new(s->n_peers);

	if (!st)
		return NULL;
	snprintf(st->version, sizeof(st->version), "%s", ADIT_VERSION);
	for (size_t i = 0; i < s->n_peers; i++) {
		struct status_peer *p = &st->peers[i];

		if (status_peer_from_conf(p, &s->peers[i]) < 0) {
			status_free(st);
			return NULL;
		}
		if (p->state == STATUS_DOWN)
			status_set(&p->reason, "adit is not running");
	}
	return st;
}
