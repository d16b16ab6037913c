/* rooms: core/settings core/crypto core/base */
/* settings: the texts of settings files, and identities from the wire. The first byte
 *says how the rest is taken:
 *
 *	p	a peer's file; what is read is changed a little, written into the text
 *again and read back r	adit.conf, likewise i	an identity as a peer sends it: type,
 *octets t	an identity as an admin writes it
 */
#include "core/settings/edit.h"
#include "core/settings/id.h"
#include "core/settings/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct draft *parse(char kind, const char *text, size_t len, struct findings *fs)
{
	return kind == 'p' ? settings_parse_peer("peers/x.conf", "x", text, len, fs) :
			     settings_parse_router("adit.conf", text, len, fs);
}

/* What scan.c takes libconfuse must take too, with the same values. */
static void check_findings(const struct findings *fs, const struct draft *d)
{
	struct sbuf b = { 0 };

	for (size_t i = 0; i < fs->n; i++)
		if (strncmp(fs->f[i].msg, "cannot be read", 14) == 0 ||
		    strcmp(fs->f[i].msg, "out of memory") == 0)
			abort();
	if (!d && !fs->errors)
		abort();
	findings_print(&b, fs);
	sbuf_fini(&b);
}

static void write_back(char kind, struct draft *d, const char *text, size_t len)
{
	struct sbuf out = { 0 }, diff = { 0 };
	struct findings fs = { 0 };
	struct draft *again;
	struct err e = { 0 };

	if (kind == 'p') {
		if (draft_set(d, "keying_tries", "42", &e) < 0 ||
		    draft_set(d, "local_network", "10.1.0.0/24,10.2.0.0/24", &e) < 0 ||
		    draft_set(d, "description", "", &e) < 0)
			abort();
		/* Refused when there are sixteen already. */
		if (draft_set(d, "child.fuzz.esp", "aes256gcm16", &e) < 0 && !e.msg[0])
			abort();
	} else if (draft_set(d, "wan", "eth42", &e) < 0 ||
		   draft_set(d, "defaults.mtu", "1400", &e) < 0 ||
		   draft_set(d, "lan", "", &e) < 0)
		abort();
	if (edit_text(d, "x", text, len, &out, &e) < 0)
		abort();
	again = parse(kind, sbuf_str(&out), out.len, &fs);
	if (!again && out.len <= SETTINGS_FILE_MAX)
		abort();
	if (again && draft_diff(d, again, "", &diff, NULL) != 0)
		abort();
	draft_free(again);
	findings_fini(&fs);
	sbuf_fini(&out);
	sbuf_fini(&diff);
}

static void file(char kind, const char *text, size_t len)
{
	struct findings fs = { 0 };
	struct draft *d = parse(kind, text, len, &fs);
	struct peer_conf p;
	struct err e = { 0 };

	check_findings(&fs, d);
	if (d && kind == 'p' && draft_to_peer(d, &p, &e) == 0)
		peer_conf_fini(&p);
	else if (d && kind == 'p' && !fs.errors)
		abort();
	if (d)
		write_back(kind, d, text, len);
	draft_free(d);
	findings_fini(&fs);
}

static void identity(const uint8_t *data, size_t size)
{
	struct ike_id id = { .type = data[0] };
	char text[ID_TEXT_MAX], small[8];

	id.len = (uint8_t)(size - 1 > ID_MAX ? ID_MAX : size - 1);
	memcpy(id.data, data + 1, id.len);
	ike_id_str(&id, text, sizeof(text));
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	ike_id_str(&id, small, sizeof(small));
}

/* What we print of what was written is taken again, and is the same. */
static void identity_text(const char *text, size_t len)
{
	char in[400], out[ID_TEXT_MAX];
	struct ike_id a, b;
	struct err e = { 0 };

	snprintf(in, sizeof(in), "%.*s", (int)(len > 399 ? 399 : len), text);
	for (char *p = in; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '.';
	if (ike_id_parse(in, &a, &e) < 0)
		return;
	if (ike_id_parse(ike_id_str(&a, out, sizeof(out)), &b, &e) < 0 ||
	    !ike_id_equal(&a, &b))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 2)
		return 0;
	/* Exactly as long as it is, so that a byte too far is seen. */
	text = malloc(size - 1);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	switch (data[0]) {
	case 'p': case 'r':
		file((char)data[0], text, size - 1);
		break;
	case 'i':
		identity((const uint8_t *)text, size - 1);
		break;
	case 't':
		identity_text(text, size - 1);
		break;
	}
	free(text);
	return 0;
}
