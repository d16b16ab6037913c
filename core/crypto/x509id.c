/* x509id: does a certificate belong to an identity (RFC 4945 §3.1, RFC 7296 §4). */
#include "core/base/sbuf.h"
#include "core/crypto/x509priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool same_text(struct slice a, const uint8_t *p, size_t n)
{
	/* A NUL inside is compared like any byte: a name cannot end early. */
	if (a.len != n || n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t x = a.p[i], y = p[i];

		x = x >= 'A' && x <= 'Z' ? x + 32 : x;
		y = y >= 'A' && y <= 'Z' ? y + 32 : y;
		if (x != y)
			return false;
	}
	return true;
}

/* Is one of the subject's attributes of this kind that text? */
static bool subject_has(const struct x509 *c, struct slice oid, const struct ike_id *id)
{
	struct rd r = rd_slice(c->subject), name = der_take(&r, DER_SEQUENCE),
		  set = { 0 };
	struct x509_attr a;

	while (x509_attr_next(&name, &set, &a)) {
		char text[X509_VALUE_MAX];
		size_t n = x509_attr_utf8(&a, text, sizeof(text));

		if (slice_is(a.oid, oid) &&
		    same_text((struct slice){ (uint8_t *)text, n }, id->data, id->len))
			return true;
	}
	return false;
}

static bool has_san(const struct x509 *c, enum x509_san_type type)
{
	for (size_t i = 0; i < c->n_sans; i++)
		if (c->sans[i].type == type)
			return true;
	return false;
}

static bool san_is(const struct x509_san *s, enum x509_san_type type,
		   const struct ike_id *id)
{
	struct slice data = { id->data, id->len };

	if (s->type != type)
		return false;
	switch (type) {
	case X509_SAN_IP:
		return slice_is(s->value, data);
	case X509_SAN_DIRECTORY:
		return slice_is(s->value, data) || x509_dn_equal(s->value, data);
	case X509_SAN_EMAIL:
	case X509_SAN_DNS:
		return same_text(s->value, id->data, id->len);
	case X509_SAN_URI:
		break;
	}
	return false;
}

static bool any_san(const struct x509 *c, enum x509_san_type type,
		    const struct ike_id *id)
{
	for (size_t i = 0; i < c->n_sans; i++)
		if (san_is(&c->sans[i], type, id))
			return true;
	return false;
}

static bool matches(const struct x509 *c, const struct ike_id *id)
{
	struct slice data = { id->data, id->len };

	switch (id->type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		return id->len == (id->type == ID_IPV4_ADDR ? 4 : 16) &&
		       any_san(c, X509_SAN_IP, id);
	case ID_FQDN:
		return any_san(c, X509_SAN_DNS, id) ||
		       (!has_san(c, X509_SAN_DNS) && subject_has(c, x509_oid_cn, id));
	case ID_RFC822_ADDR:
		return any_san(c, X509_SAN_EMAIL, id) ||
		       (!has_san(c, X509_SAN_EMAIL) &&
			subject_has(c, x509_oid_email, id));
	case ID_DER_ASN1_DN:
		return slice_is(c->subject, data) || x509_dn_equal(c->subject, data) ||
		       any_san(c, X509_SAN_DIRECTORY, id);
	}
	return false;
}

/* "CN=gw, DNS:gw.example, IP:192.0.2.1 and 3 more" */
static void made_out_to(const struct x509 *c, struct sbuf *b)
{
	char text[X509_DN_TEXT_MAX];
	size_t shown = 0;

	sbuf_add(b, x509_dn_str(c->subject, text, sizeof(text)));
	for (size_t i = 0; i < c->n_sans && b->len < 250; i++, shown++)
		sbuf_addf(b, ", %s", x509_san_str(&c->sans[i], text, sizeof(text)));
	if (shown < c->n_sans)
		sbuf_addf(b, " and %zu more", c->n_sans - shown);
}

int x509_check_id(const struct x509 *c, const struct ike_id *id, struct err *e)
{
	struct sbuf b = { 0 };

	if (matches(c, id))
		return 0;
	if (id->type == ID_KEY_ID)
		return err_set(
			e,
			"a key ID is never in a certificate: the peer needs an ID that "
			"is");
	made_out_to(c, &b);
	err_set(e, "its certificate is made out to %.380s", sbuf_str(&b));
	sbuf_fini(&b);
	return -1;
}

struct ike_id x509_own_id(const struct x509 *c)
{
	static const struct {
		uint8_t san, id;
	} order[] = {
		{ X509_SAN_DNS, ID_FQDN },
		{ X509_SAN_IP, 0 },
		{ X509_SAN_EMAIL, ID_RFC822_ADDR },
	};
	struct ike_id id = { 0 };

	/* An empty Name is 30 00. */
	if (c->subject.len > 2 && c->subject.len <= ID_MAX) {
		id.type = ID_DER_ASN1_DN;
		id.len = (uint8_t)c->subject.len;
		memcpy(id.data, c->subject.p, c->subject.len);
		return id;
	}
	for (size_t o = 0; o < 3; o++)
		for (size_t i = 0; i < c->n_sans; i++) {
			const struct x509_san *s = &c->sans[i];

			if (s->type != order[o].san || s->value.len == 0 ||
			    s->value.len > ID_MAX)
				continue;
			id.type = order[o].id ? order[o].id :
				  s->value.len == 4 ? ID_IPV4_ADDR : ID_IPV6_ADDR;
			id.len = (uint8_t)s->value.len;
			memcpy(id.data, s->value.p, s->value.len);
			return id;
		}
	return id;
}
