/* negotiation_json: there and back. Numbers go with the name that people know them by, which
 * is for readers alone and not read back. */
#include "core/control/negotiation_json.h"

#include <stdio.h>
#include <string.h>

/* ---- out ---- */

static void put_endpoint(struct json_object *o, const char *key, const struct endpoint *ep)
{
	char buf[ADDR_TEXT_MAX], port[16];

	json_put_str(o, key, addr_str(&ep->addr, buf));
	snprintf(port, sizeof(port), "%s_port", key);
	json_put_u64(o, port, ep->port);
}

static void put_offer(struct json_object *o, const char *key, const struct neg_offer *of)
{
	struct json_object *list;
	char label[48];

	if (!of->n)
		return;
	list = json_put_array(o, key);
	for (size_t i = 0; list && i < of->n; i++) {
		const struct neg_transform *t = &of->t[i];
		struct json_object *x = json_object_new_object();

		json_put_u64(x, "proposal", t->proposal);
		json_put_u64(x, "type", t->type);
		json_put_u64(x, "id", t->id);
		json_put_u64(x, "bits", t->key_bits);
		json_put_str(x, "name", neg_transform_label(t, label, sizeof(label)));
		if (x)
			json_object_array_add(list, x);
	}
	if (of->more) {
		char more[32];

		snprintf(more, sizeof(more), "%s_more", key);
		json_put_bool(o, more, true);
	}
}

static void put_selectors(struct json_object *o, const char *key, const struct neg_selectors *ts)
{
	struct json_object *list;
	char buf[ADDR_TEXT_MAX];

	if (!ts->n)
		return;
	list = json_put_array(o, key);
	for (size_t i = 0; list && i < ts->n; i++) {
		const struct selector *s = &ts->s[i];
		struct json_object *x = json_object_new_object();
		char text[SELECTOR_TEXT_MAX];

		json_put_str(x, "from", addr_str(&s->from, buf));
		json_put_str(x, "to", addr_str(&s->to, buf));
		json_put_u64(x, "protocol", s->proto);
		json_put_u64(x, "port_from", s->port_from);
		json_put_u64(x, "port_to", s->port_to);
		json_put_str(x, "text", selector_str(s, text));
		if (x)
			json_object_array_add(list, x);
	}
	if (ts->more) {
		char more[32];

		snprintf(more, sizeof(more), "%s_more", key);
		json_put_bool(o, more, true);
	}
}

/* Keys that would say nothing are left out. */
static void put_word(struct json_object *o, const char *key, const char *word)
{
	if (word[0])
		json_put_str(o, key, word);
}

struct json_object *negotiation_to_json(const struct negotiation *n)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "time", n->wall_s > 0 ? (uint64_t)n->wall_s : 0);
	json_put_u64(o, "count", n->count);
	json_put_u64(o, "version", n->version);
	if (n->peer_version)
		json_put_u64(o, "peer_version", n->peer_version);
	json_put_str(o, "step", neg_step_name((enum neg_step)n->step));
	json_put_str(o, "end", neg_end_name((enum neg_end)n->end));
	json_put_bool(o, "initiator", n->initiator);
	put_endpoint(o, "local", &n->local);
	put_endpoint(o, "remote", &n->remote);
	if (n->notify) {
		json_put_u64(o, "notify", n->notify);
		json_put_str(o, "notify_name", n->notify_name);
	}
	if (n->group)
		json_put_u64(o, "group", n->group);
	json_put_u64(o, "sent", n->sent);
	json_put_bool(o, "answered", n->answered);
	put_word(o, "unreachable",
		 neg_unreachable_name((enum neg_unreachable)n->unreachable));
	json_put_bool(o, "nat_local", n->nat_local);
	json_put_bool(o, "nat_remote", n->nat_remote);
	json_put_bool(o, "natt", n->natt);
	put_word(o, "psk_hint", neg_hint_name(n->psk_hint));
	put_word(o, "auth_ours", neg_auth_name((enum neg_auth)n->auth_ours));
	put_word(o, "auth_theirs", neg_auth_name((enum neg_auth)n->auth_theirs));
	put_word(o, "auth_wanted", neg_auth_name((enum neg_auth)n->auth_wanted));
	put_word(o, "id_ours", n->id_ours);
	put_word(o, "id_theirs", n->id_theirs);
	put_word(o, "id_wanted", n->id_wanted);
	put_word(o, "id_asked", n->id_asked);
	put_word(o, "child", n->child);
	put_offer(o, "ike_ours", &n->ike_ours);
	put_offer(o, "ike_theirs", &n->ike_theirs);
	put_offer(o, "esp_ours", &n->esp_ours);
	put_offer(o, "esp_theirs", &n->esp_theirs);
	if (n->theirs_wall_s > 0)
		json_put_u64(o, "theirs_time", (uint64_t)n->theirs_wall_s);
	put_selectors(o, "local_ours", &n->ts_ours_local);
	put_selectors(o, "remote_ours", &n->ts_ours_remote);
	put_selectors(o, "local_theirs", &n->ts_theirs_local);
	put_selectors(o, "remote_theirs", &n->ts_theirs_remote);
	put_word(o, "certificate", n->cert);
	put_word(o, "text", n->words);
	return o;
}

struct json_object *stranger_to_json(const struct neg_stranger *s)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "time", s->wall_s > 0 ? (uint64_t)s->wall_s : 0);
	json_put_u64(o, "count", s->count);
	json_put_u64(o, "version", s->version);
	put_endpoint(o, "local", &s->local);
	put_endpoint(o, "remote", &s->remote);
	put_word(o, "id", s->id);
	return o;
}

/* ---- in ---- */

/* The place of a name in an enum, 0 when there is none. */
#define FIND_NAME(fn, n, word) __extension__ ({ \
	const char *w_ = (word); \
	unsigned f_ = 0; \
	for (unsigned i_ = 0; i_ < (unsigned)(n); i_++) \
		if (strcmp(fn(i_), w_) == 0) \
			f_ = i_; \
	f_; })

static void get_endpoint(struct json_object *o, const char *key, struct endpoint *ep)
{
	char port[16];

	if (addr_parse(json_get_str(o, key, ""), &ep->addr, NULL) < 0)
		ep->addr = (struct ip_addr){ 0 };
	snprintf(port, sizeof(port), "%s_port", key);
	ep->port = (uint16_t)json_get_u64(o, port, UINT16_MAX, 0);
}

static bool get_more(struct json_object *o, const char *key)
{
	char more[32];

	snprintf(more, sizeof(more), "%s_more", key);
	return json_get_bool(o, more, false);
}

static void get_offer(struct json_object *o, const char *key, struct neg_offer *of)
{
	size_t n;
	struct json_object *list = json_get_array(o, key, &n);

	of->more = n > NEG_TRANSFORMS_MAX || get_more(o, key);
	for (size_t i = 0; i < n && of->n < NEG_TRANSFORMS_MAX; i++) {
		struct json_object *x = json_object_array_get_idx(list, i);

		of->t[of->n++] = (struct neg_transform){
			.proposal = (uint8_t)json_get_u64(x, "proposal", UINT8_MAX, 0),
			.type = (uint8_t)json_get_u64(x, "type", UINT8_MAX, 0),
			.id = (uint16_t)json_get_u64(x, "id", UINT16_MAX, 0),
			.key_bits = (uint16_t)json_get_u64(x, "bits", UINT16_MAX, 0),
		};
	}
}

static void get_selectors(struct json_object *o, const char *key, struct neg_selectors *ts)
{
	size_t n;
	struct json_object *list = json_get_array(o, key, &n);

	ts->more = n > NEG_SELECTORS_MAX || get_more(o, key);
	for (size_t i = 0; i < n && ts->n < NEG_SELECTORS_MAX; i++) {
		struct json_object *x = json_object_array_get_idx(list, i);
		struct selector *s = &ts->s[ts->n];

		if (addr_parse(json_get_str(x, "from", ""), &s->from, NULL) < 0 ||
		    addr_parse(json_get_str(x, "to", ""), &s->to, NULL) < 0 ||
		    s->from.family != s->to.family)
			continue;
		s->proto = (uint8_t)json_get_u64(x, "protocol", UINT8_MAX, 0);
		s->port_from = (uint16_t)json_get_u64(x, "port_from", UINT16_MAX, 0);
		s->port_to = (uint16_t)json_get_u64(x, "port_to", UINT16_MAX, UINT16_MAX);
		ts->n++;
	}
}

#define GET_TEXT(o, key, field) \
	snprintf(field, sizeof(field), "%s", json_get_str(o, key, ""))

void negotiation_from_json(struct json_object *o, struct negotiation *n)
{
	memset(n, 0, sizeof(*n));
	n->end = NEG_LOCAL;
	if (!o)
		return;
	n->wall_s = (int64_t)json_get_u64(o, "time", INT64_MAX, 0);
	n->count = (uint32_t)json_get_u64(o, "count", UINT32_MAX, 0);
	n->version = (uint8_t)json_get_u64(o, "version", UINT8_MAX, 2);
	n->peer_version = (uint8_t)json_get_u64(o, "peer_version", UINT8_MAX, 0);
	n->step = (uint8_t)FIND_NAME(neg_step_name, NEG_STEP_N, json_get_str(o, "step", ""));
	n->end = (uint8_t)FIND_NAME(neg_end_name, NEG_END_N, json_get_str(o, "end", "local"));
	n->initiator = json_get_bool(o, "initiator", false);
	get_endpoint(o, "local", &n->local);
	get_endpoint(o, "remote", &n->remote);
	n->notify = (uint16_t)json_get_u64(o, "notify", UINT16_MAX, 0);
	GET_TEXT(o, "notify_name", n->notify_name);
	n->group = (uint16_t)json_get_u64(o, "group", UINT16_MAX, 0);
	n->sent = (uint8_t)json_get_u64(o, "sent", UINT8_MAX, 0);
	n->answered = json_get_bool(o, "answered", false);
	n->unreachable = (uint8_t)FIND_NAME(neg_unreachable_name, NEG_UNREACH_N,
					    json_get_str(o, "unreachable", ""));
	n->nat_local = json_get_bool(o, "nat_local", false);
	n->nat_remote = json_get_bool(o, "nat_remote", false);
	n->natt = json_get_bool(o, "natt", false);
	n->psk_hint = (uint8_t)FIND_NAME(neg_hint_name, 9, json_get_str(o, "psk_hint", ""));
	n->auth_ours = (uint8_t)FIND_NAME(neg_auth_name, NEG_AUTH_N,
					  json_get_str(o, "auth_ours", ""));
	n->auth_theirs = (uint8_t)FIND_NAME(neg_auth_name, NEG_AUTH_N,
					    json_get_str(o, "auth_theirs", ""));
	n->auth_wanted = (uint8_t)FIND_NAME(neg_auth_name, NEG_AUTH_N,
					    json_get_str(o, "auth_wanted", ""));
	GET_TEXT(o, "id_ours", n->id_ours);
	GET_TEXT(o, "id_theirs", n->id_theirs);
	GET_TEXT(o, "id_wanted", n->id_wanted);
	GET_TEXT(o, "id_asked", n->id_asked);
	GET_TEXT(o, "child", n->child);
	get_offer(o, "ike_ours", &n->ike_ours);
	get_offer(o, "ike_theirs", &n->ike_theirs);
	get_offer(o, "esp_ours", &n->esp_ours);
	get_offer(o, "esp_theirs", &n->esp_theirs);
	n->theirs_wall_s = (int64_t)json_get_u64(o, "theirs_time", INT64_MAX, 0);
	get_selectors(o, "local_ours", &n->ts_ours_local);
	get_selectors(o, "remote_ours", &n->ts_ours_remote);
	get_selectors(o, "local_theirs", &n->ts_theirs_local);
	get_selectors(o, "remote_theirs", &n->ts_theirs_remote);
	GET_TEXT(o, "certificate", n->cert);
	GET_TEXT(o, "text", n->words);
}

void stranger_from_json(struct json_object *o, struct neg_stranger *s)
{
	memset(s, 0, sizeof(*s));
	if (!o)
		return;
	s->wall_s = (int64_t)json_get_u64(o, "time", INT64_MAX, 0);
	s->count = (uint32_t)json_get_u64(o, "count", UINT32_MAX, 0);
	s->version = (uint8_t)json_get_u64(o, "version", UINT8_MAX, 0);
	get_endpoint(o, "local", &s->local);
	get_endpoint(o, "remote", &s->remote);
	GET_TEXT(o, "id", s->id);
}
