/* errq: what the kernel says of outer packets that did not fit the path (IP_RECVERR). */
#ifndef ADIT_ESP_ERRQ_H
#define ADIT_ESP_ERRQ_H

#include "dataplane/esp/sad.h"

/* Empty a socket's error queue: one left there would wake us for ever. Path MTUs go to the
 * sad. */
void errq_drain(struct sad *s, int fd);

#endif
