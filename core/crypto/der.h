/* der: the little of X.690 that keys, certificates and PKCS#12 need: a strict reader on
 * core/base/rd and a writer that fills a buffer from its end.
 */
#ifndef ADIT_CRYPTO_DER_H
#define ADIT_CRYPTO_DER_H

#include "core/base/rd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DER_BOOLEAN = 0x01, DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05, DER_OID = 0x06, DER_ENUMERATED = 0x0a, DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13, DER_T61_STRING = 0x14, DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17, DER_GENERALIZED_TIME = 0x18, DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30, DER_SET = 0x31,
	DER_CONTEXT = 0x80, DER_CONTEXT_CONS = 0xa0,	/* | number */
};

/* The next element: a cursor over its contents, its tag in *tag. Fails the parent on an
 * indefinite or needlessly long length, and on tags of more than one byte. */
struct rd der_any(struct rd *r, uint8_t *tag);
/* The same, of this tag and no other. */
struct rd der_take(struct rd *r, uint8_t tag);
/* The next element with its head, whatever (tag 0) or of this tag. */
struct slice der_whole(struct rd *r, uint8_t tag);
/* Is the next element of this tag? Changes nothing. */
bool der_next_is(const struct rd *r, uint8_t tag);
/* The contents of an element. */
struct slice der_bytes(struct rd *r, uint8_t tag);
/* A positive INTEGER without its sign byte; a negative or padded one fails. Zero is one byte. */
struct slice der_uint(struct rd *r);
/* An INTEGER of 0 to 2^31-1. */
uint32_t der_small(struct rd *r);
bool der_bool(struct rd *r);
/* A BIT STRING of whole bytes. */
struct slice der_bits(struct rd *r);
/* UTCTime or GeneralizedTime with seconds and Z (RFC 5280 §4.1.2.5), seconds since 1970. */
int64_t der_time(struct rd *r);
bool slice_is(struct slice a, struct slice b);
#define SLICE_LIT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

/* Writes backwards: the contents first, then der_head() around what came since the mark.
 * Sticky failure when the buffer is full. */
struct der_out {
	uint8_t *buf;
	size_t cap, at;		/* written: buf[at .. cap) */
	bool bad;
};
static inline struct der_out der_out(void *buf, size_t cap)
{
	return (struct der_out){ .buf = buf, .cap = cap, .at = cap };
}
static inline size_t der_mark(const struct der_out *o)
{
	return o->at;
}
/* What stands, empty after a failure. */
struct slice der_done(const struct der_out *o);
void der_put(struct der_out *o, const void *p, size_t len);
void der_put_byte(struct der_out *o, uint8_t b);
/* Tag and length for all that was written since mark. */
void der_head(struct der_out *o, uint8_t tag, size_t mark);
/* An element with these contents. */
void der_put_tlv(struct der_out *o, uint8_t tag, struct slice contents);
/* Big-endian bytes as a positive INTEGER: leading zeros go, a sign byte comes. */
void der_put_uint(struct der_out *o, struct slice big_endian);
void der_put_small(struct der_out *o, uint32_t v);
/* UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5). */
void der_put_time(struct der_out *o, int64_t wall_s);

#endif
