/* rooms: core/settings core/crypto core/base */
/* ids: identities as an admin writes them, and as they come: text that is read can be written
 * and read again as the same, and any bytes can be shown. Byte 0: a type, or 0 for text. */
#include "core/settings/id.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void as_text(const uint8_t *data, size_t len)
{
	char text[600], out[ID_TEXT_MAX];
	struct ike_id id, again;
	struct err e = { 0 };

	if (len >= sizeof(text))
		return;
	memcpy(text, data, len);
	text[len] = '\0';
	if (ike_id_parse(text, &id, &e) < 0) {
		if (!e.msg[0])
			abort();
		return;
	}
	/* Other bytes are shown escaped. */
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return;
	/* Names of very many parts are shown as their DER. */
	if (strncmp(ike_id_str(&id, out, sizeof(out)), "DN:0x", 5) == 0)
		return;
	if (ike_id_parse(out, &again, &e) < 0 || !ike_id_equal(&id, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ike_id id = { 0 };
	char out[ID_TEXT_MAX];

	if (!len)
		return 0;
	if (!data[0]) {
		as_text(data + 1, len - 1);
		return 0;
	}
	if (len - 1 > ID_MAX)
		return 0;
	id.type = data[0];
	id.len = (uint8_t)(len - 1);
	memcpy(id.data, data + 1, len - 1);
	if (strlen(ike_id_str(&id, out, sizeof(out))) >= sizeof(out))
		abort();
	for (const char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	return 0;
}
