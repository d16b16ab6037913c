/* rooms: ike/auth core/ipc core/crypto core/base */
/* vault_variants: keys that differ by what nobody sees: VERIFY says no, and by what. */
#include "ike/auth/psk.h"
#include "ike/auth/vault.h"
#include "tests/unit/t.h"

static struct msg_auth m;
static struct msg_auth_done done;

/* We have ours; the peer made AUTH with theirs. */
static unsigned hint_len(const char *ours, size_t ours_len, const char *theirs, size_t len)
{
	struct vault *v = vault_new();
	struct err e = { 0 };
	size_t auth_len;

	memset(&m, 0, sizeof(m));
	strcpy(m.peer, "branch");
	m.kind = VAULT_PSK;
	m.prf = PRF_HMAC_SHA2_256;
	m.octets_len = 100;
	memset(m.octets, 7, 100);
	if (psk_auth(m.prf, (struct slice){ (const uint8_t *)theirs, len },
		     (struct slice){ m.octets, m.octets_len }, m.auth, &auth_len) < 0 ||
	    vault_set(v, "branch", ours, ours_len, &e) < 0)
		abort();
	m.auth_len = (uint16_t)auth_len;
	vault_answer(v, &m, true, &done);
	vault_free(v);
	return done.ok ? 99 : done.hint;
}

static unsigned hint(const char *ours, const char *theirs)
{
	return hint_len(ours, strlen(ours), theirs, strlen(theirs));
}

static void variants(void)
{
	static const struct {
		const char *ours, *theirs;
		unsigned hint;
	} t[] = {
		{ "secret-key", "secret-key", 99 },
		{ "secret-key", "another", PSK_HINT_NONE },
		{ "secret-key", "secret-key ", PSK_HINT_BLANK_END },
		{ "secret-key ", "secret-key", PSK_HINT_BLANK_END },
		{ "secret-key", "secret-key\n", PSK_HINT_BLANK_END },
		{ "secret-key", " secret-key", PSK_HINT_BLANK_START },
		{ "\tsecret-key", "secret-key", PSK_HINT_BLANK_START },
		{ "secret-key", "secret-key\r", PSK_HINT_CR },
		{ "secret-key", "secret-key\r\n", PSK_HINT_CR },
		{ "secret-key\r\n", "secret-key", PSK_HINT_CR },
		{ "secret-key", "\"secret-key\"", PSK_HINT_QUOTES },
		{ "'secret-key'", "secret-key", PSK_HINT_QUOTES },
		{ "abcdefg", "0x61626364656667", PSK_HINT_HEX_AS_TEXT },
		{ "\xab\xcd\xef\x01", "0xABCDEF01", PSK_HINT_HEX_AS_TEXT },
		{ "\xab\xcd\xef\x01", "abcdef01", PSK_HINT_HEX_AS_TEXT },
		{ "0xabcdef01", "\xab\xcd\xef\x01", PSK_HINT_TEXT_AS_HEX },
		{ "ABCDEF01", "\xab\xcd\xef\x01", PSK_HINT_TEXT_AS_HEX },
		{ "0sc2VjcmV0LWtleQ==", "secret-key", PSK_HINT_BASE64 },
		{ "c2VjcmV0LWtleQ", "secret-key", PSK_HINT_BASE64 },
		{ "secret-key", "c2VjcmV0LWtleQ==", PSK_HINT_BASE64 },
		{ "secret-key", "0sc2VjcmV0LWtleQ==", PSK_HINT_BASE64 },
		{ "Secret-Key", "sECRET-kEY", PSK_HINT_CASE },
		{ " ", "x", PSK_HINT_NONE },
		{ "\"", "x", PSK_HINT_NONE },
		{ "=", "x", PSK_HINT_NONE },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned got = hint(t[i].ours, t[i].theirs);

		if (got != t[i].hint)
			printf("    case %zu: %s, %s\n", i, t[i].ours, t[i].theirs);
		CHECK_INT(got, t[i].hint);
	}
}

/* The longest key, and bytes of every kind. */
static void bounds(void)
{
	char big[PSK_MAX], other[PSK_MAX + 1];

	for (int i = 0; i < PSK_MAX; i++)
		big[i] = (char)i;
	memcpy(other, big, PSK_MAX);
	other[PSK_MAX] = ' ';
	CHECK_INT(hint_len(big, PSK_MAX, other, PSK_MAX + 1), PSK_HINT_BLANK_END);
	CHECK_INT(hint_len(big, PSK_MAX, "x", 1), PSK_HINT_NONE);
	CHECK_INT(hint_len(big, 1, "x", 1), PSK_HINT_NONE);
	memset(big, ' ', PSK_MAX);
	CHECK_INT(hint_len(big, PSK_MAX, "x", 1), PSK_HINT_NONE);
	memset(big, 'a', PSK_MAX);
	CHECK_INT(hint_len(big, PSK_MAX, "x", 1), PSK_HINT_NONE);
}

int main(void)
{
	T_RUN(variants);
	T_RUN(bounds);
	return t_done();
}
