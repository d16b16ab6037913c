/* frag: IPv4 fragmentation. The first fragment keeps all options, the others those whose
 * copied flag is set (RFC 791 §3.1). */
#include "dataplane/esp/frag.h"

#include "dataplane/esp/csum.h"

#include <string.h>

int frag_init(struct frag *f, const uint8_t *pkt, const struct inner *in, size_t mtu)
{
	if (in->version != 4 || mtu < in->header_len + 8u)
		return -1;
	*f = (struct frag){ .pkt = pkt, .header_len = in->header_len,
			    .total_len = in->total_len, .mtu = mtu };
	return 0;
}

/* Options for a fragment that is not the first; returns their length, padded. A list that
 * makes no sense is cut where it stops making sense. */
static size_t copied_options(const uint8_t *opt, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t l = 1;

		if (opt[i] == 0)	/* end of list */
			break;
		if (opt[i] != 1) {	/* not a no-operation: has a length */
			if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
				break;
			l = opt[i + 1];
		}
		if (opt[i] & 0x80) {
			memcpy(out + n, opt + i, l);
			n += l;
		}
		i += l;
	}
	while (n % 4)
		out[n++] = 0;
	return n;
}

size_t frag_next(struct frag *f, uint8_t *out)
{
	size_t payload = f->total_len - f->header_len, header = f->header_len, n, total;
	unsigned word = (unsigned)(f->pkt[6] << 8 | f->pkt[7]);
	unsigned place = (word & 0x1fff) + (unsigned)(f->at / 8);
	bool more = word & 0x2000;
	uint16_t sum;

	if (f->at >= payload)
		return 0;
	memcpy(out, f->pkt, 20);
	if (f->at == 0)
		memcpy(out + 20, f->pkt + 20, header - 20);
	else
		header = 20 + copied_options(f->pkt + 20, header - 20, out + 20);
	n = payload - f->at;
	if (n > f->mtu - header) {
		n = (f->mtu - header) & ~(size_t)7;
		more = true;
	}
	total = header + n;
	memcpy(out + header, f->pkt + f->header_len + f->at, n);
	out[0] = (uint8_t)(0x40 | header / 4);
	out[2] = (uint8_t)(total >> 8);
	out[3] = (uint8_t)total;
	word = (word & 0xc000) | (more ? 0x2000u : 0) | place;
	out[6] = (uint8_t)(word >> 8);
	out[7] = (uint8_t)word;
	out[10] = out[11] = 0;
	sum = csum_done(csum_add(0, out, header));
	out[10] = (uint8_t)(sum >> 8);
	out[11] = (uint8_t)sum;
	f->at += n;
	return total;
}
