/* negotiation: the words of its enums, as the control protocol spells them. */
#include "core/ipc/negotiation.h"

#include "core/ipc/msg.h"

#include <stddef.h>
#include <stdio.h>

#define NAME_OF(names, i) ((size_t)(i) < sizeof(names) / sizeof(*(names)) ? (names)[i] : "")

const char *neg_step_name(enum neg_step s)
{
	static const char *const names[NEG_STEP_N] = {
		[NEG_STEP_INIT] = "init", [NEG_STEP_AUTH] = "auth",
		[NEG_STEP_CHILD] = "child", [NEG_STEP_REKEY_CHILD] = "rekey_child",
		[NEG_STEP_REKEY_IKE] = "rekey_ike", [NEG_STEP_LIVE] = "live",
	};

	return NAME_OF(names, s);
}

const char *neg_end_name(enum neg_end e)
{
	static const char *const names[NEG_END_N] = {
		[NEG_NO_ANSWER] = "no_answer", [NEG_REFUSED] = "refused",
		[NEG_PROPOSAL] = "proposal", [NEG_GROUP] = "group",
		[NEG_SELECTORS] = "selectors", [NEG_ID_PEER] = "peer_id",
		[NEG_ID_OWN] = "local_id", [NEG_PSK] = "psk", [NEG_NO_SECRET] = "no_secret",
		[NEG_METHOD] = "method", [NEG_CERT] = "certificate",
		[NEG_SIGNATURE] = "signature", [NEG_VERSION] = "version",
		[NEG_EXCHANGE] = "exchange", [NEG_MODE] = "mode",
		[NEG_LIFETIME] = "lifetime", [NEG_MALFORMED] = "malformed",
		[NEG_LOCAL] = "local",
	};

	return NAME_OF(names, e);
}

const char *neg_unreachable_name(enum neg_unreachable u)
{
	static const char *const names[NEG_UNREACH_N] = {
		[NEG_REACHED] = "", [NEG_UNREACH_HOST] = "host",
		[NEG_UNREACH_PORT] = "port", [NEG_UNREACH_FILTER] = "filter",
	};

	return NAME_OF(names, u);
}

const char *neg_auth_name(enum neg_auth a)
{
	static const char *const names[NEG_AUTH_N] = {
		[NEG_AUTH_UNKNOWN] = "", [NEG_AUTH_PSK] = "psk",
		[NEG_AUTH_CERT] = "certificate", [NEG_AUTH_EAP] = "eap",
		[NEG_AUTH_OTHER] = "other",
	};

	return NAME_OF(names, a);
}

const char *neg_hint_name(unsigned psk_hint)
{
	static const char *const names[] = {
		[PSK_HINT_NONE] = "", [PSK_HINT_BLANK_END] = "blank_end",
		[PSK_HINT_BLANK_START] = "blank_start", [PSK_HINT_CR] = "cr",
		[PSK_HINT_QUOTES] = "quotes", [PSK_HINT_HEX_AS_TEXT] = "hex_as_text",
		[PSK_HINT_TEXT_AS_HEX] = "text_as_hex", [PSK_HINT_BASE64] = "base64",
		[PSK_HINT_CASE] = "case",
	};

	/* neg_hint_words() counts on it. */
	_Static_assert(PSK_HINT_BLANK_END == 1 && PSK_HINT_HEX_AS_TEXT == 5 && PSK_HINT_CASE == 8,
		       "the words of the hints are in another order");
	return NAME_OF(names, psk_hint);
}

const char *neg_transform_label(const struct neg_transform *t, char *buf, size_t cap)
{
	if (t->type >= ALG_ENCR && t->type <= ALG_ESN)
		return alg_label((enum alg_type)t->type, t->id, t->key_bits, buf, cap);
	snprintf(buf, cap, "transform type %u, %u", t->type, t->id);
	return buf;
}
