/* counters: what each of them means, in the words of who has to find the cause. */
#include "core/ipc/counters.h"

#include <string.h>

const struct counter_info counter_infos[COUNTERS_N] = {
	[COUNTER_IN_ERROR] = {
		"XfrmInError",
		"A packet that arrived for a tunnel was dropped for a reason that "
		"has no counter of its own.",
		"If it keeps growing, look at the kernel's log (dmesg) and at "
		"whether the router is short of memory.",
	},
	[COUNTER_IN_BUFFER_ERROR] = {
		"XfrmInBufferError",
		"A packet arrived and there was no memory to unpack it.",
		"Free memory on the router (free, adit status); a flood of packets "
		"can do this too.",
	},
	[COUNTER_IN_HDR_ERROR] = {
		"XfrmInHdrError",
		"A packet looked like ESP or AH and its header was too short or "
		"made no sense.",
		"Something on the way cuts or changes packets: capture on the WAN "
		"side, and suspect the MTU, or a stranger who sends rubbish.",
	},
	[COUNTER_IN_NO_STATES] = {
		"XfrmInNoStates",
		"An encrypted packet came for which there is no SA: its SPI, "
		"address or protocol is not known here.",
		"A few after a restart or rekey are normal; if it grows, the peer "
		"still uses keys that this side has dropped: adit down and adit up "
		"of that peer.",
	},
	[COUNTER_IN_STATE_PROTO_ERROR] = {
		"XfrmInStateProtoError",
		"A packet failed its integrity check: it was changed on the way, or "
		"sealed with other keys.",
		"If every packet fails, the two sides have different keys or "
		"algorithms (ESP truncation of SHA-256 is the classic); if a few "
		"do, a bad line or a forger.",
	},
	[COUNTER_IN_STATE_MODE_ERROR] = {
		"XfrmInStateModeError",
		"A packet was decrypted and what was inside does not fit the SA's "
		"mode, tunnel or transport.",
		"Compare mode on both sides: one has tunnel and the other "
		"transport.",
	},
	[COUNTER_IN_STATE_SEQ_ERROR] = {
		"XfrmInStateSeqError",
		"A packet's sequence number was seen before or is too old: a "
		"repetition, or it came very late.",
		"Strong reordering on the way (several lines, QoS inside of the "
		"tunnel) or somebody replaying packets; some while the line is busy "
		"do no harm.",
	},
	[COUNTER_IN_STATE_EXPIRED] = {
		"XfrmInStateExpired",
		"A packet came on an SA whose lifetime is over.",
		"Rekeying is late or fails: adit log and adit explain of the peer; "
		"lifetimes of both sides, and the clock.",
	},
	[COUNTER_IN_STATE_MISMATCH] = {
		"XfrmInStateMismatch",
		"A packet came in another wrapping than agreed: in UDP where plain "
		"ESP was agreed, or the other way round.",
		"A NAT appeared or went between the two routers, or encap differs: "
		"adit down and adit up of that peer makes both look again.",
	},
	[COUNTER_IN_STATE_INVALID] = {
		"XfrmInStateInvalid",
		"A packet came on an SA that is not ready, or that is being taken "
		"away.",
		"A few around a rekey or an adit down are normal; if it grows, look "
		"at adit log for SAs that are refused.",
	},
	[COUNTER_IN_TMPL_MISMATCH] = {
		"XfrmInTmplMismatch",
		"A packet was decrypted and its SA is not the one that the policy "
		"wants for such traffic; or it came in clear where it must come "
		"encrypted.",
		"The remote side sends these networks around the tunnel, or another "
		"program wrote policies: ip xfrm policy.",
	},
	[COUNTER_IN_NO_POLS] = {
		"XfrmInNoPols",
		"A packet was decrypted and no policy lets such traffic in: its "
		"addresses are outside of the agreed networks.",
		"local_network and remote_network on both sides, and NAT rules of "
		"the peer that change addresses before the tunnel.",
	},
	[COUNTER_IN_POL_BLOCK] = {
		"XfrmInPolBlock",
		"A packet came that a policy says to drop.",
		"That is what mode = discard is for; if it hits too much, look at "
		"the networks of such children, and at ip xfrm policy.",
	},
	[COUNTER_IN_POL_ERROR] = {
		"XfrmInPolError",
		"A packet came and looking for its policy failed.",
		"Seldom, and mostly for lack of memory: the kernel's log (dmesg).",
	},
	[COUNTER_OUT_ERROR] = {
		"XfrmOutError",
		"A packet for a tunnel could not be sent, for a reason that has no "
		"counter of its own.",
		"If it keeps growing, the kernel's log (dmesg); whether the WAN "
		"interface is up; whether a crypto device errs (adit hw).",
	},
	[COUNTER_OUT_BUNDLE_GEN_ERROR] = {
		"XfrmOutBundleGenError",
		"A packet for a tunnel found no way: the SA's outer addresses have "
		"no route.",
		"Is there a route to the remote gateway (ip route get), and does "
		"this router still have its local_ip?",
	},
	[COUNTER_OUT_BUNDLE_CHECK_ERROR] = {
		"XfrmOutBundleCheckError",
		"A packet's way through the tunnel was not valid any more when it "
		"was to be sent.",
		"Routes or addresses are changing all the time: ip monitor, a WAN "
		"line that goes up and down.",
	},
	[COUNTER_OUT_NO_STATES] = {
		"XfrmOutNoStates",
		"A packet had to be encrypted and there was no SA for it.",
		"Is the peer up (adit status)? If it is, the packet's addresses lie "
		"outside of what the peer agreed to: adit explain.",
	},
	[COUNTER_OUT_STATE_PROTO_ERROR] = {
		"XfrmOutStateProtoError",
		"Sealing a packet failed.",
		"The cipher or the crypto device erred: the kernel's log (dmesg), "
		"adit hw; try offload = no.",
	},
	[COUNTER_OUT_STATE_MODE_ERROR] = {
		"XfrmOutStateModeError",
		"A packet does not fit the SA's mode, or is too large for the "
		"tunnel and must not be cut (DF).",
		"A few make the sender lower its packet size; if it grows, ICMP is "
		"being filtered in your LAN, or mtu of the peer is set too high.",
	},
	[COUNTER_OUT_STATE_SEQ_ERROR] = {
		"XfrmOutStateSeqError",
		"An SA has used up its sequence numbers and sends no more.",
		"It should have been rekeyed long before: adit log of that peer; "
		"ESN (which adit offers) makes room, an old peer without it needs "
		"esp_life_packets.",
	},
	[COUNTER_OUT_STATE_EXPIRED] = {
		"XfrmOutStateExpired",
		"A packet was for an SA whose lifetime is over.",
		"Rekeying is late or fails: adit log and adit explain of the peer.",
	},
	[COUNTER_OUT_POL_BLOCK] = {
		"XfrmOutPolBlock",
		"A packet was to leave that a policy says to drop.",
		"mode = discard children do that, and a peer that is down, whose "
		"networks must not leave in clear: adit status.",
	},
	[COUNTER_OUT_POL_DEAD] = {
		"XfrmOutPolDead",
		"A packet was for a policy that was just taken away.",
		"A few while settings change are normal; if it grows, something "
		"rewrites policies all the time: adit log.",
	},
	[COUNTER_OUT_POL_ERROR] = {
		"XfrmOutPolError",
		"A packet was to leave and looking for its policy failed.",
		"Seldom, and mostly for lack of memory: the kernel's log (dmesg).",
	},
	[COUNTER_FWD_HDR_ERROR] = {
		"XfrmFwdHdrError",
		"A packet was to be routed on and its header could not be read.",
		"Broken packets from the LAN or out of the tunnel: capture on the "
		"interface they come from.",
	},
	[COUNTER_OUT_STATE_INVALID] = {
		"XfrmOutStateInvalid",
		"A packet was for an SA that is not ready, or that is being taken "
		"away.",
		"A few around a rekey are normal; if it grows, look at adit log for "
		"SAs that are refused.",
	},
	[COUNTER_ACQUIRE_ERROR] = {
		"XfrmAcquireError",
		"A packet wanted an SA that is still being negotiated, and could "
		"not wait.",
		"The first packets of an on_demand tunnel; if it grows, the "
		"negotiation does not come to an end: adit explain of the peer.",
	},
	[COUNTER_OUT_STATE_DIR_ERROR] = {
		"XfrmOutStateDirError",
		"A packet was about to be sent on an SA that is for receiving only.",
		"Another program has put SAs or policies in: ip xfrm state, ip xfrm "
		"policy.",
	},
	[COUNTER_IN_STATE_DIR_ERROR] = {
		"XfrmInStateDirError",
		"A packet came on an SA that is for sending only.",
		"The peer sends with an SPI that was its to receive on, or two SAs "
		"got the same SPI: adit down and adit up of that peer.",
	},
	[COUNTER_IN_IPTFS_ERROR] = {
		"XfrmInIptfsError",
		"A packet of an aggregating tunnel (IP-TFS) could not be taken "
		"apart.",
		"adit does not negotiate IP-TFS: another program on this router "
		"does, look there.",
	},
	[COUNTER_OUT_NO_QUEUE_SPACE] = {
		"XfrmOutNoQueueSpace",
		"A packet found the queue of an aggregating tunnel (IP-TFS) or of a "
		"crypto device full.",
		"More is to be sent than the line or the device can do: shape the "
		"traffic, or try offload = no.",
	},
};

enum counter counter_by_name(const char *name, size_t len)
{
	for (int i = 0; i < COUNTERS_N; i++)
		if (strlen(counter_infos[i].name) == len &&
		    memcmp(counter_infos[i].name, name, len) == 0)
			return (enum counter)i;
	return COUNTERS_N;
}
