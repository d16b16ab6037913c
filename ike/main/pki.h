/* pki: the files of pki/ as they come from aditd, into ike/auth/trust. */
#ifndef ADIT_IKE_MAIN_PKI_H
#define ADIT_IKE_MAIN_PKI_H

#include "core/ipc/ipc.h"
#include "ike/auth/trust.h"

/* MSG_PKI. What cannot be read is logged; the file of that name then counts as absent. */
void pki_take(struct trust *t, struct ipc_msg *m);

#endif
