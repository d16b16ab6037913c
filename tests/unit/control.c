/* rooms: core/control core/crypto core/base */
/* The text of the control protocol: lines, requests, the status both ways. */
#include "core/control/proto.h"
#include "core/control/status.h"
#include "tests/unit/t.h"

static int parse(const char *line, struct proto_request *r, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return proto_parse(line, strlen(line), r, e);
}

static void good_requests(void)
{
	struct proto_request r;
	struct err e;

	CHECK_INT(parse("{\"v\":1,\"id\":7,\"cmd\":\"status\"}", &r, &e), 0);
	CHECK_INT(r.id, 7);
	CHECK_STR(r.cmd, "status");
	CHECK_STR(r.peer, "");
	proto_request_fini(&r);
	CHECK_INT(parse(" {\"cmd\":\"up\",\"peer\":\"branch-2.x_y\",\"id\":4294967295,\"v\":1,"
			"\"timeout_s\":5,\"other\":{\"a\":[1,2]}} \r", &r, &e), 0);
	CHECK_INT(r.id, 4294967295LL);
	CHECK_STR(r.peer, "branch-2.x_y");
	CHECK_INT(json_get_u64(r.args, "timeout_s", 100, 0), 5);
	proto_request_fini(&r);
	/* null counts as not given */
	CHECK_INT(parse("{\"v\":1,\"id\":1,\"cmd\":\"log\",\"peer\":null}", &r, &e), 0);
	CHECK_STR(r.peer, "");
	proto_request_fini(&r);
}

static void bad_requests(void)
{
	static const struct { const char *line, *why; int code; uint32_t id; } bad[] = {
		{ "", "not JSON", 2, 0 },
		{ "status", "not JSON", 2, 0 },
		{ "{", "ends too early", 2, 0 },
		{ "{\"v\":1,\"id\":1,\"cmd\":\"status\"", "ends too early", 2, 0 },
		{ "{\"v\":1,\"id\":1,\"cmd\":\"status\"}{}", "not JSON", 2, 0 },
		{ "{\"v\":1,\"id\":1,\"cmd\":\"status\"} x", "not JSON", 2, 0 },
		{ "{\"v\":1,\"id\":1,\"cmd\":\"status\",}", "not JSON", 2, 0 },
		{ "{\"v\":1,\"id\":1,\"cmd\":\"st\xffus\"}", "not JSON", 2, 0 },
		{ "[1,2]", "not a JSON object", 2, 0 },
		{ "\"x\"", "not a JSON object", 2, 0 },
		{ "{\"a\":[[[[[[[[[[1]]]]]]]]]]}", "not JSON", 2, 0 },
		{ "{}", "version 1", 2, 0 },
		{ "{\"v\":2,\"id\":3,\"cmd\":\"status\"}", "version 1", 2, 3 },
		{ "{\"v\":\"1\",\"id\":3,\"cmd\":\"status\"}", "version 1", 2, 3 },
		{ "{\"v\":1,\"cmd\":\"status\"}", "\"id\"", 2, 0 },
		{ "{\"v\":1,\"id\":0,\"cmd\":\"status\"}", "\"id\"", 2, 0 },
		{ "{\"v\":1,\"id\":-1,\"cmd\":\"status\"}", "\"id\"", 2, 0 },
		{ "{\"v\":1,\"id\":4294967296,\"cmd\":\"status\"}", "\"id\"", 2, 0 },
		{ "{\"v\":1,\"id\":1.5,\"cmd\":\"status\"}", "\"id\"", 2, 0 },
		{ "{\"v\":1,\"id\":9}", "no \"cmd\"", 2, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":5}", "no \"cmd\"", 2, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"Status\"}", "unknown command", 2, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		  "unknown command", 2, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":\"\"}", "no name", 4, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":\"../x\"}", "no name", 4, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":\"a b\"}", "no name", 4, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":\"a\\u0000b\"}", "", 0, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":7}", "no name", 4, 9 },
		{ "{\"v\":1,\"id\":9,\"cmd\":\"up\",\"peer\":"
		  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "no name", 4, 9 },
	};
	struct proto_request r;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int how = parse(bad[i].line, &r, &e);

		if (how != (bad[i].code ? -1 : 0) || (int)e.code != bad[i].code ||
		    r.id != bad[i].id || !strstr(e.msg, bad[i].why))
			printf("    case %zu: %s: %d, code %d, id %u, \"%s\"\n", i, bad[i].line,
			       how, e.code, r.id, e.msg);
		CHECK_INT(how, bad[i].code ? -1 : 0);
		CHECK_INT(e.code, bad[i].code);
		CHECK_INT(r.id, bad[i].id);
		CHECK_HAS(e.msg, bad[i].why);
		proto_request_fini(&r);
	}
	/* a zero byte ends no line early */
	CHECK_INT(proto_parse("{\"v\":1,\"id\":1,\"cmd\":\"status\"}\0{", 32, &r, &e), -1);
	proto_request_fini(&r);
}

static void depth_is_capped(void)
{
	char line[256] = "{\"v\":1,\"id\":1,\"cmd\":\"status\",\"x\":";
	struct proto_request r;
	size_t n = strlen(line);
	struct err e;

	/* the object itself is one level */
	for (int d = 0; d < JSON_DEPTH_MAX - 2; d++)
		line[n++] = '[';
	for (int d = 0; d < JSON_DEPTH_MAX - 2; d++)
		line[n++] = ']';
	strcpy(line + n, "}");
	CHECK_INT(parse(line, &r, &e), 0);
	proto_request_fini(&r);
	line[n] = '\0';
	n = strlen("{\"v\":1,\"id\":1,\"cmd\":\"status\",\"x\":");
	for (int d = 0; d < JSON_DEPTH_MAX + 1; d++)
		line[n++] = '[';
	for (int d = 0; d < JSON_DEPTH_MAX + 1; d++)
		line[n++] = ']';
	strcpy(line + n, "}");
	CHECK_INT(parse(line, &r, &e), -1);
	proto_request_fini(&r);
}

static void answers(void)
{
	struct json_object *data = json_object_new_object();
	struct err e = { 0 };
	size_t len;
	char *line;

	json_put_u64(data, "n", UINT64_MAX);
	line = proto_ok(5, data, &len);
	CHECK_STR(line, "{\"v\":1,\"id\":5,\"ok\":true,\"data\":{\"n\":18446744073709551615}}\n");
	CHECK_INT(len, strlen(line));
	free(line);
	line = proto_ok(6, NULL, &len);
	CHECK_STR(line, "{\"v\":1,\"id\":6,\"ok\":true}\n");
	free(line);
	err_code(&e, EXIT_NO_PEER, "there is no \"x\"\n10.0.0.0/8");
	line = proto_error(7, &e, &len);
	CHECK_STR(line, "{\"v\":1,\"id\":7,\"ok\":false,\"code\":4,\"error\":"
		  "\"there is no \\\"x\\\"\\n10.0.0.0/8\"}\n");
	free(line);
	/* an error without a code is still one */
	memset(&e, 0, sizeof(e));
	line = proto_error(8, &e, &len);
	CHECK_HAS(line, "\"code\":1");
	free(line);
}

/* What strangers wrote must not break the line for those who read it. */
static void text_is_cleaned(void)
{
	static const struct { const char *in, *out; } t[] = {
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x86\x94 \xf0\x9f\x98\x80", "\xe2\x86\x94 \xf0\x9f\x98\x80" },
		{ "a\xff" "b", "a?b" },
		{ "cut \xe2\x86", "cut ??" },
		{ "over \xc0\xaf", "over ??" },
		{ "sur \xed\xa0\x80", "sur ???" },
		{ "csi \xc2\x9b" "31m", "csi ??31m" },
		{ "high \xf4\x90\x80\x80", "high ????" },
		{ "\xe0\x80\x80", "???" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct json_object *o = json_object_new_object(), *back;
		struct err e = { 0 };
		size_t len;
		char *line;

		json_put_str(o, "t", t[i].in);
		line = json_line(o, &len);
		CHECK(line);
		CHECK_INT(json_parse_line(line, len - 1, &back, &e), 0);
		CHECK_STR(json_get_str(back, "t", ""), t[i].out);
		json_object_put(back);
		json_object_put(o);
		free(line);
	}
}

static void log_lines(void)
{
	struct log_line l = { .wall_s = 1700000000, .seq = 9, .level = LL_WARNING }, back;
	struct json_object *o;

	strcpy(l.peer, "branch");
	strcpy(l.text, "no answer");
	o = proto_log_to_json(&l);
	CHECK_INT(proto_log_from_json(o, &back), 0);
	CHECK_INT(back.wall_s, l.wall_s);
	CHECK_INT(back.seq, 9);
	CHECK_INT(back.level, LL_WARNING);
	CHECK_STR(back.peer, "branch");
	CHECK_STR(back.text, "no answer");
	json_put_str(o, "level", "loud");
	CHECK_INT(proto_log_from_json(o, &back), -1);
	json_object_put(o);
}

/* Every field set to something of its own, so that a mix-up shows. */
static void fill(struct status *s)
{
	struct status_peer *p = &s->peers[0];
	struct status_child *c;

	s->running = true;
	strcpy(s->version, "9.8");
	s->uptime_s = 11;
	strcpy(s->dataplane, "userspace");
	status_set(&s->dataplane_why, "no kernel ESP");
	status_set(&s->dataplane_note, "no AH");
	status_set(&s->firewall, "fw4: 2 rules");
	status_set(&s->warning, "ip_forward is off");
	s->drops = (struct status_strangers){ 31, 32, 33, 34, 35, 36, 37, 38 };
	strcpy(p->name, "branch");
	status_set(&p->description, "the mill");
	p->state = STATUS_CONNECTING;
	status_set(&p->reason, "no answer");
	p->version = 2;
	status_set(&p->local, "203.0.113.1");
	status_set(&p->remote, "198.51.100.2:1024");
	status_set(&p->local_id, "a.example");
	status_set(&p->peer_id, "b.example");
	strcpy(p->interface, "adit-branch");
	status_set(&p->ike, "AES-256-GCM");
	p->initiator = true;
	p->udp_encap = true;
	status_set(&p->nat, "remote");
	p->uptime_s = 12;
	p->rekey_in_s = 13;
	status_list_add(&p->weak, &p->n_weak, "sha1");
	p->tries = 14;
	p->retry_in_s = 15;
	CHECK_INT(status_peer_children(p, 1), 0);
	c = &p->children[0];
	strcpy(c->name, "branch");
	c->state = STATUS_UP;
	status_list_add(&c->local_networks, &c->n_local, "10.1.0.0/24");
	status_list_add(&c->local_networks, &c->n_local, "10.3.0.0/24");
	status_list_add(&c->remote_networks, &c->n_remote, "10.2.0.0/24");
	status_set(&c->esp, "AES-128-CBC");
	strcpy(c->mode, "transport");
	strcpy(c->protocol, "AH");
	c->ipcomp = true;
	strcpy(c->engine, "rfc4106-gcm-aesni");
	c->hardware = true;
	strcpy(c->offload, "crypto");
	c->fallbacks = 39;
	c->spi_in = 0xc1a2b3c4;
	c->spi_out = 0x00000100;
	c->rx_bytes = 0xffffffff00ull;
	c->tx_bytes = 17;
	c->rx_packets = 18;
	c->tx_packets = 19;
	c->drops = (struct status_drops){ 21, 22, 23, 24, 25, 26, 27, 28 };
	c->rekey_in_s = 29;
	c->life_s = 30;
	strcpy(s->peers[1].name, "other");
	s->peers[1].state = STATUS_DISABLED;
}

static void status_there_and_back(void)
{
	struct status *s = status_new(2), *b;
	struct json_object *o, *again;
	struct status_peer *p;
	struct err e = { 0 };
	char *one, *two;
	size_t len;

	CHECK(s);
	fill(s);
	o = status_to_json(s);
	CHECK(o);
	CHECK_INT(status_from_json(o, &b, &e), 0);
	p = status_find(b, "branch");
	CHECK(p && !status_find(b, "none"));
	CHECK_INT(p->state, STATUS_CONNECTING);
	CHECK_STR(p->remote, "198.51.100.2:1024");
	CHECK_INT(p->n_weak, 1);
	CHECK_INT(p->n_children, 1);
	CHECK_INT(p->children[0].spi_in, 0xc1a2b3c4);
	CHECK_INT(p->children[0].rx_bytes, 0xffffffff00ull);
	CHECK_INT(p->children[0].drops.socket, 28);
	CHECK_STR(p->children[0].mode, "transport");
	CHECK_STR(p->children[0].protocol, "AH");
	CHECK_STR(p->children[0].engine, "rfc4106-gcm-aesni");
	CHECK_STR(p->children[0].offload, "crypto");
	CHECK(p->children[0].hardware && p->children[0].ipcomp);
	CHECK_INT(p->children[0].fallbacks, 39);
	CHECK_STR(b->dataplane_note, "no AH");
	CHECK_INT(b->drops.malformed, 31);
	CHECK_INT(b->drops.no_peer, 33);
	CHECK_INT(b->drops.bad_icv, 38);
	CHECK_STR(p->children[0].local_networks[1], "10.3.0.0/24");
	CHECK_INT(status_find(b, "other")->state, STATUS_DISABLED);
	again = status_to_json(b);
	one = json_line(o, &len);
	two = json_line(again, &len);
	CHECK_STR(two, one);
	CHECK_HAS(one, "\"v\":1");
	CHECK_HAS(one, "\"spi_in\":\"0xc1a2b3c4\",\"spi_out\":\"0x00000100\"");
	CHECK_HAS(one, "\"dataplane\":{\"name\":\"userspace\",\"why\":\"no kernel ESP\","
		       "\"note\":\"no AH\"}");
	free(one);
	free(two);
	json_object_put(o);
	json_object_put(again);
	status_free(s);
	status_free(b);
}

static void status_of_nonsense(void)
{
	static const char *const bad[] = {
		"{}", "{\"peers\":5}", "{\"peers\":[5]}", "{\"peers\":[{}]}", "{\"peers\":[null]}",
		"{\"peers\":[{\"name\":\"a\"},{\"name\":\"\"}]}",
	};
	static const char ok[] = "{\"peers\":[{\"name\":\"a\",\"state\":5,\"children\":[7,{}],"
		"\"weak\":[1,\"x\"],\"uptime_s\":-4}]}";
	struct json_object *o;
	struct status *s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		CHECK_INT(json_parse_line(bad[i], strlen(bad[i]), &o, &e), 0);
		CHECK_INT(status_from_json(o, &s, &e), -1);
		CHECK(e.msg[0] && !s);
		json_object_put(o);
	}
	CHECK_INT(json_parse_line(ok, strlen(ok), &o, NULL), 0);
	CHECK_INT(status_from_json(o, &s, NULL), 0);
	CHECK_INT(s->peers[0].state, STATUS_DOWN);
	CHECK_INT(s->peers[0].n_children, 2);
	CHECK_STR(s->peers[0].children[0].esp, "");
	CHECK_INT(s->peers[0].n_weak, 1);
	CHECK_INT(s->peers[0].uptime_s, 0);
	json_object_put(o);
	status_free(s);
}

static void status_without_daemon(void)
{
	struct child_conf child = { .name = "branch", .n_local = 1, .n_remote = 1 };
	struct peer_conf peers[2] = {
		{ .name = "branch", .description = "the mill", .interface = "adit-branch",
		  .enabled = true, .version = 2, .n_children = 1, .children = &child },
		{ .name = "old", .version = 2, .n_children = 1, .children = &child },
	};
	struct settings set = { .n_peers = 2, .peers = peers };
	struct json_object *o;
	struct status *s;
	char *line;
	size_t len;

	CHECK_INT(prefix_parse("10.1.0.0/24", &child.local_network[0], NULL), 0);
	CHECK_INT(prefix_parse("10.2.0.0/24", &child.remote_network[0], NULL), 0);
	CHECK_INT(suite_parse(SUITE_ESP, "aes256gcm16-ecp384", &child.esp, NULL), 0);
	CHECK_INT(suite_parse(SUITE_IKE, "aes256gcm16-sha384-ecp384", &peers[0].ike, NULL), 0);
	peers[0].n_gateways = 2;
	CHECK_INT(addr_parse("198.51.100.2", &peers[0].remote_gateway, NULL), 0);
	peers[0].gateways[0].net.addr = peers[0].remote_gateway;
	peers[0].gateways[1] = (struct gateway){ .kind = GATEWAY_NAME, .name = "vpn.example" };
	peers[0].local_id.type = ID_KEY_ID;
	peers[0].local_id.len = 2;
	memcpy(peers[0].local_id.data, "\x01\x02", 2);
	s = status_from_settings(&set);
	CHECK(s);
	CHECK(!s->running);
	CHECK_INT(s->peers[0].state, STATUS_DOWN);
	CHECK_STR(s->peers[0].reason, "adit is not running");
	CHECK_STR(s->peers[0].remote, "198.51.100.2, vpn.example");
	CHECK_STR(s->peers[0].peer_id, "198.51.100.2");
	CHECK_STR(s->peers[0].local_id, "keyid:0102");
	CHECK_STR(s->peers[0].ike, "aes256gcm16-sha384-ecp384");
	CHECK_STR(s->peers[0].children[0].remote_networks[0], "10.2.0.0/24");
	CHECK_STR(s->peers[0].children[0].esp, "aes256gcm16-ecp384");
	CHECK_INT(s->peers[1].state, STATUS_DISABLED);
	CHECK_STR(s->peers[1].reason, "");
	o = status_to_json(s);
	line = json_line(o, &len);
	CHECK_HAS(line, "\"running\":false");
	CHECK_HAS(line, "\"state\":\"disabled\"");
	free(line);
	json_object_put(o);
	status_free(s);
}

int main(void)
{
	T_RUN(good_requests);
	T_RUN(bad_requests);
	T_RUN(depth_is_capped);
	T_RUN(answers);
	T_RUN(text_is_cleaned);
	T_RUN(log_lines);
	T_RUN(status_there_and_back);
	T_RUN(status_of_nonsense);
	T_RUN(status_without_daemon);
	return t_done();
}
