/* rooms: ike/probe ike/wire core/control core/ipc core/crypto core/base */
/* probe_answers: what a host that is probed may answer, as IKEv1 and as IKEv2. */
#include "ike/probe/probe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct probe p;
	struct suite s;
	bool rsa;
	uint16_t group;
	uint8_t *buf;

	if (len > PROBE_MSG_MAX || !(buf = malloc(len ? len : 1)))
		return 0;
	memcpy(buf, data, len);
	memset(&p, 0, sizeof(p));
	(void)probe_v1_parse(&p, buf, len, &s, &rsa);
	(void)probe_v2_parse(&p, buf, len, &group);
	if (p.n_vendors > PROBE_VENDORS_MAX)
		abort();
	free(buf);
	return 0;
}
