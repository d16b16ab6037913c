/* counters: what each of them means, in the words of who has to find the cause. */
#include "core/ipc/counters.h"

#include <string.h>

const struct counter_info counter_infos[COUNTERS_N] = {
	[COUNTER_IN_ERROR] = { "XfrmInError", "", "" },
	[COUNTER_IN_BUFFER_ERROR] = { "XfrmInBufferError", "", "" },
	[COUNTER_IN_HDR_ERROR] = { "XfrmInHdrError", "", "" },
	[COUNTER_IN_NO_STATES] = { "XfrmInNoStates", "", "" },
	[COUNTER_IN_STATE_PROTO_ERROR] = { "XfrmInStateProtoError", "", "" },
	[COUNTER_IN_STATE_MODE_ERROR] = { "XfrmInStateModeError", "", "" },
	[COUNTER_IN_STATE_SEQ_ERROR] = { "XfrmInStateSeqError", "", "" },
	[COUNTER_IN_STATE_EXPIRED] = { "XfrmInStateExpired", "", "" },
	[COUNTER_IN_STATE_MISMATCH] = { "XfrmInStateMismatch", "", "" },
	[COUNTER_IN_STATE_INVALID] = { "XfrmInStateInvalid", "", "" },
	[COUNTER_IN_TMPL_MISMATCH] = { "XfrmInTmplMismatch", "", "" },
	[COUNTER_IN_NO_POLS] = { "XfrmInNoPols", "", "" },
	[COUNTER_IN_POL_BLOCK] = { "XfrmInPolBlock", "", "" },
	[COUNTER_IN_POL_ERROR] = { "XfrmInPolError", "", "" },
	[COUNTER_OUT_ERROR] = { "XfrmOutError", "", "" },
	[COUNTER_OUT_BUNDLE_GEN_ERROR] = { "XfrmOutBundleGenError", "", "" },
	[COUNTER_OUT_BUNDLE_CHECK_ERROR] = { "XfrmOutBundleCheckError", "", "" },
	[COUNTER_OUT_NO_STATES] = { "XfrmOutNoStates", "", "" },
	[COUNTER_OUT_STATE_PROTO_ERROR] = { "XfrmOutStateProtoError", "", "" },
	[COUNTER_OUT_STATE_MODE_ERROR] = { "XfrmOutStateModeError", "", "" },
	[COUNTER_OUT_STATE_SEQ_ERROR] = { "XfrmOutStateSeqError", "", "" },
	[COUNTER_OUT_STATE_EXPIRED] = { "XfrmOutStateExpired", "", "" },
	[COUNTER_OUT_POL_BLOCK] = { "XfrmOutPolBlock", "", "" },
	[COUNTER_OUT_POL_DEAD] = { "XfrmOutPolDead", "", "" },
	[COUNTER_OUT_POL_ERROR] = { "XfrmOutPolError", "", "" },
	[COUNTER_FWD_HDR_ERROR] = { "XfrmFwdHdrError", "", "" },
	[COUNTER_OUT_STATE_INVALID] = { "XfrmOutStateInvalid", "", "" },
	[COUNTER_ACQUIRE_ERROR] = { "XfrmAcquireError", "", "" },
	[COUNTER_OUT_STATE_DIR_ERROR] = { "XfrmOutStateDirError", "", "" },
	[COUNTER_IN_STATE_DIR_ERROR] = { "XfrmInStateDirError", "", "" },
	[COUNTER_IN_IPTFS_ERROR] = { "XfrmInIptfsError", "", "" },
	[COUNTER_OUT_NO_QUEUE_SPACE] = { "XfrmOutNoQueueSpace", "", "" },
};

enum counter counter_by_name(const char *name, size_t len)
{
	for (int i = 0; i < COUNTERS_N; i++)
		if (strlen(counter_infos[i].name) == len &&
		    memcmp(counter_infos[i].name, name, len) == 0)
			return (enum counter)i;
	return COUNTERS_N;
}
