/* json: the only door to json-c. Reading with checks that name the key, building that does
 * not care about running out of memory one key at a time, and lines within bounds.
 *
 * Building: every json_put_* is a no-op when obj is NULL, and a key that could not be added
 * for want of memory is simply missing; objects are owned as json-c says (adding takes).
 */
#ifndef ADIT_CONTROL_JSON_H
#define ADIT_CONTROL_JSON_H

#include "core/base/err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 8	/* nested objects and arrays in one line */

void json_put_str(struct json_object *obj, const char *key, const char *value);
void json_put_u64(struct json_object *obj, const char *key, uint64_t value);
void json_put_bool(struct json_object *obj, const char *key, bool value);
/* Takes value, also when obj is NULL. */
void json_put(struct json_object *obj, const char *key, struct json_object *value);
/* A new array under key, borrowed from obj; NULL when out of memory. */
struct json_object *json_put_array(struct json_object *obj, const char *key);
/* Append a string; to a NULL array nothing happens. */
void json_add_str(struct json_object *array, const char *value);

/* Borrowed; fallback when the key is missing or of another type. Numbers below 0 or above
 * max count as missing. */
const char *json_get_str(struct json_object *obj, const char *key, const char *fallback);
uint64_t json_get_u64(struct json_object *obj, const char *key, uint64_t max,
		      uint64_t fallback);
bool json_get_bool(struct json_object *obj, const char *key, bool fallback);
struct json_object *json_get_object(struct json_object *obj, const char *key);
/* NULL unless it is an array; *n gets its length (0 with NULL). */
struct json_object *json_get_array(struct json_object *obj, const char *key, size_t *n);

/* One line of text, len bytes without its newline, as one JSON object: nothing after it,
 * json-c's strict mode, valid UTF-8, at most JSON_DEPTH_MAX deep. Anything else: -1, with
 * why. The object is the caller's to json_object_put(). */
int json_parse_line(const char *text, size_t len, struct json_object **out, struct err *e)
	MUST_USE;
/* The object on one line, newline included; malloc'd, *len without the NUL. NULL when out of
 * memory. Does not take obj. */
char *json_line(struct json_object *obj, size_t *len);

#endif
