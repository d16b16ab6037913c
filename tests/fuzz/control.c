/* rooms: core/control core/crypto core/base */
/* What a client may send to the daemon, and what the daemon may answer: each line of the
 * input is taken for both. */
#include "core/control/proto.h"
#include "core/control/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_request(const char *line, size_t len)
{
	struct proto_request r;
	struct err e = { 0 };

	if (proto_parse(line, len, &r, &e) < 0) {
		/* an error says something, and its answer can be made */
		size_t n;
		char *answer;

		if (!e.msg[0] || !e.code)
			abort();
		answer = proto_error(r.id, &e, &n);
		if (answer && (n < 3 || memchr(answer, '\n', n) != answer + n - 1))
			abort();
		free(answer);
	} else if (!r.id || !r.cmd[0] || (r.peer[0] && !proto_peer_ok(r.peer))) {
		abort();
	} else {
		json_get_u64(r.args, "n", 1000, 0);
		json_get_bool(r.args, "follow", false);
		json_get_str(r.args, "level", "");
	}
	proto_request_fini(&r);
}

/* What was read once comes out the same when it is written and read again. */
static void as_status(struct json_object *o)
{
	struct status *s, *t;
	struct err e = { 0 };
	struct json_object *one, *two, *parsed;
	char *a, *b;
	size_t n, m;

	if (status_from_json(o, &s, &e) < 0)
		return;
	one = status_to_json(s);
	a = json_line(one, &n);
	if (!a || json_parse_line(a, n - 1, &parsed, &e) < 0 ||
	    status_from_json(parsed, &t, &e) < 0)
		abort();
	two = status_to_json(t);
	b = json_line(two, &m);
	if (!b || n != m || memcmp(a, b, n) != 0)
		abort();
	free(a);
	free(b);
	json_object_put(one);
	json_object_put(two);
	json_object_put(parsed);
	status_free(s);
	status_free(t);
}

static void as_answer(const char *line, size_t len)
{
	struct json_object *o, *lines;
	struct log_line l;
	size_t n;

	if (json_parse_line(line, len, &o, NULL) < 0)
		return;
	as_status(o);
	as_status(json_get_object(o, "data"));
	lines = json_get_array(json_get_object(o, "data"), "lines", &n);
	for (size_t i = 0; i < n; i++)
		if (proto_log_from_json(json_object_array_get_idx(lines, i), &l) == 0)
			json_object_put(proto_log_to_json(&l));
	json_object_put(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	while (size) {
		const char *nl = memchr(p, '\n', size);
		size_t len = nl ? (size_t)(nl - p) : size;

		as_request(p, len);
		as_answer(p, len);
		size -= len + (nl ? 1 : 0);
		p += len + (nl ? 1 : 0);
	}
	return 0;
}
