/* counters: why packets were lost between an interface and the network, under the names that
 * the kernel gives them in /proc/net/xfrm_stat. The userspace dataplane keeps the same, so
 * that an admin learns them once. */
#ifndef ADIT_IPC_COUNTERS_H
#define ADIT_IPC_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* In the kernel's order (linux/snmp.h); new ones are added at the end there, too. */
enum counter {
	COUNTER_IN_ERROR, COUNTER_IN_BUFFER_ERROR, COUNTER_IN_HDR_ERROR, COUNTER_IN_NO_STATES,
	COUNTER_IN_STATE_PROTO_ERROR, COUNTER_IN_STATE_MODE_ERROR, COUNTER_IN_STATE_SEQ_ERROR,
	COUNTER_IN_STATE_EXPIRED, COUNTER_IN_STATE_MISMATCH, COUNTER_IN_STATE_INVALID,
	COUNTER_IN_TMPL_MISMATCH, COUNTER_IN_NO_POLS, COUNTER_IN_POL_BLOCK, COUNTER_IN_POL_ERROR,
	COUNTER_OUT_ERROR, COUNTER_OUT_BUNDLE_GEN_ERROR, COUNTER_OUT_BUNDLE_CHECK_ERROR,
	COUNTER_OUT_NO_STATES, COUNTER_OUT_STATE_PROTO_ERROR, COUNTER_OUT_STATE_MODE_ERROR,
	COUNTER_OUT_STATE_SEQ_ERROR, COUNTER_OUT_STATE_EXPIRED, COUNTER_OUT_POL_BLOCK,
	COUNTER_OUT_POL_DEAD, COUNTER_OUT_POL_ERROR, COUNTER_FWD_HDR_ERROR,
	COUNTER_OUT_STATE_INVALID, COUNTER_ACQUIRE_ERROR, COUNTER_OUT_STATE_DIR_ERROR,
	COUNTER_IN_STATE_DIR_ERROR, COUNTER_IN_IPTFS_ERROR, COUNTER_OUT_NO_QUEUE_SPACE,
	COUNTERS_N
};

#define COUNTER_ABSENT UINT64_MAX	/* this kernel has no such counter */

struct counter_info {
	const char *name;	/* "XfrmInNoStates" */
	const char *meaning;	/* one sentence: what happened to the packet */
	const char *look;	/* one sentence: what to look at */
};
extern const struct counter_info counter_infos[COUNTERS_N];

/* By name; COUNTERS_N when there is none (a newer kernel's). */
enum counter counter_by_name(const char *name, size_t len);

#endif
