/* json: json-c with bounds and names. json-c reports a missing key, a wrong type and a failed
 * allocation each in another way; here they are one fallback, so callers stay straight. */
#include "core/control/json.h"

#include <stdlib.h>
#include <string.h>

void json_put(struct json_object *obj, const char *key, struct json_object *value)
{
	if (!obj || json_object_object_add(obj, key, value) != 0)
		json_object_put(value);
}

/* Bytes of the UTF-8 sequence at p (RFC 3629 §4), 0 when it is none or a C1 control. */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
		   (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xc2 && p[1] < 0xa0) ||			/* C1 */
	    (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Text that strangers had a hand in (an ID, a log line cut in the middle of a letter) must
 * not make the whole line invalid, nor carry a terminal's control codes. */
static struct json_object *new_string(const char *value)
{
	size_t len = value ? strlen(value) : 0;
	struct json_object *v;
	char *clean;

	clean = malloc(len + 1);
	if (!clean)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((const unsigned char *)value + i);

		if (n)
			memcpy(clean + i, value + i, n);
		else
			clean[i] = '?';
		i += n ? n : 1;
	}
	v = json_object_new_string_len(clean, (int)len);
	free(clean);
	return v;
}

void json_put_str(struct json_object *obj, const char *key, const char *value)
{
	struct json_object *v = new_string(value);

	if (v)
		json_put(obj, key, v);
}

void json_put_u64(struct json_object *obj, const char *key, uint64_t value)
{
	struct json_object *v = json_object_new_uint64(value);

	if (v)
		json_put(obj, key, v);
}

void json_put_bool(struct json_object *obj, const char *key, bool value)
{
	struct json_object *v = json_object_new_boolean(value);

	if (v)
		json_put(obj, key, v);
}

struct json_object *json_put_array(struct json_object *obj, const char *key)
{
	struct json_object *v = json_object_new_array();

	if (!v)
		return NULL;
	if (!obj || json_object_object_add(obj, key, v) != 0) {
		json_object_put(v);
		return NULL;
	}
	return v;
}

void json_add_str(struct json_object *array, const char *value)
{
	struct json_object *v = new_string(value);

	if (v && (!array || json_object_array_add(array, v) != 0))
		json_object_put(v);
}

/* NULL unless obj is an object that has the key with that type. */
static struct json_object *get(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

const char *json_get_str(struct json_object *obj, const char *key, const char *fallback)
{
	struct json_object *v = get(obj, key, json_type_string);

	return v ? json_object_get_string(v) : fallback;
}

uint64_t json_get_u64(struct json_object *obj, const char *key, uint64_t max,
		      uint64_t fallback)
{
	struct json_object *v = get(obj, key, json_type_int);
	uint64_t n;

	if (!v || json_object_get_int64(v) < 0)
		return fallback;
	n = json_object_get_uint64(v);
	return n <= max ? n : fallback;
}

bool json_get_bool(struct json_object *obj, const char *key, bool fallback)
{
	struct json_object *v = get(obj, key, json_type_boolean);

	return v ? json_object_get_boolean(v) : fallback;
}

struct json_object *json_get_object(struct json_object *obj, const char *key)
{
	return get(obj, key, json_type_object);
}

struct json_object *json_get_array(struct json_object *obj, const char *key, size_t *n)
{
	struct json_object *v = get(obj, key, json_type_array);

	*n = v ? json_object_array_length(v) : 0;
	return v;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int json_parse_line(const char *text, size_t len, struct json_object **out, struct err *e)
{
	struct json_tokener *tok;
	struct json_object *obj;
	enum json_tokener_error how;
	size_t end;

	*out = NULL;
	while (len && blank(text[len - 1]))
		len--;
	/* json-c takes a NUL for the end of its input. */
	if (len > INT32_MAX || memchr(text, '\0', len))
		return err_code(e, EXIT_USAGE, "not JSON: a zero byte in the line");
	tok = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (!tok)
		return err_set(e, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	how = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (how == json_tokener_continue) {
		err_code(e, EXIT_USAGE, "not JSON: the line ends too early");
	} else if (how != json_tokener_success) {
		err_code(e, EXIT_USAGE, "not JSON: %s at byte %zu",
			 json_tokener_error_desc(how), end + 1);
	} else if (end != len) {
		err_code(e, EXIT_USAGE, "more than one JSON value on the line");
	} else if (!json_object_is_type(obj, json_type_object)) {
		err_code(e, EXIT_USAGE, "not a JSON object");
	} else {
		*out = obj;
		return 0;
	}
	json_object_put(obj);
	return -1;
}

char *json_line(struct json_object *obj, size_t *len)
{
	const char *text;
	char *line;
	size_t n;

	text = json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	if (!text)
		return NULL;
	line = malloc(n + 2);
	if (!line)
		return NULL;
	memcpy(line, text, n);
	line[n] = '\n';
	line[n + 1] = '\0';
	*len = n + 1;
	return line;
}
