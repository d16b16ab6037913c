/* variants: the ways in which a pre-shared key is mistyped without anybody noticing. */
#ifndef ADIT_IKE_AUTH_VARIANTS_H
#define ADIT_IKE_AUTH_VARIANTS_H

#include "core/base/rd.h"
#include "core/ipc/msg.h"

#include <stdbool.h>

/* Try each harmless variant of psk (1..PSK_MAX bytes): matches() says whether it is the key
 * that the peer has. The first that is gives its hint; PSK_HINT_NONE when none is. About 20
 * calls. The variants live in wiped memory on the stack and are borrowed for the call. */
enum psk_hint variants_try(struct slice psk, bool (*matches)(void *arg, struct slice variant),
			   void *arg);

#endif
