#!/bin/bash
# ikescan: ike-scan, a gentle stranger, finds us polite: it is answered where there is a peer and
# told what is wrong, gets nothing to guess a key with, and never more bytes than it sent.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
command -v ike-scan >/dev/null || { skip ike-scan "it is not installed"; lab_done; exit; }
lab_offices
adit_conf gw-a
adit_start gw-a || { bad "aditd starts" "$(adit_log gw-a)"; lab_done; exit; }

# scan NAME FROM ARGUMENTS...: OUT is what ike-scan says, ASKED and TOLD are packets, IN and SENT
# bytes of IKE there and back; the answers went nowhere but to who asked.
scan() {
	local name=$1 from=$2 pcap=$LAB_DIR/scan.pcap dump; shift 2
	rm -f "$pcap"
	bg gw-a tcpdump --immediate-mode -U -ni wan0 -w "$pcap" 'udp port 500' 2>/dev/null; dump=$BG
	until_ok 30 test -s "$pcap"
	OUT=$(in_ns "$from" timeout 20 ike-scan --sport=0 --retry=3 --timeout=200 --backoff=1.2 --nodns "$@" $A4 2>&1)
	sleep 1.2
	kill "$dump"; wait "$dump" 2>/dev/null
	read -r ASKED IN < <(tshark -r "$pcap" -Y "ip.dst==$A4" -T fields -e udp.length 2>/dev/null | awk '{n++; s+=$1} END {print n+0, s+0}')
	read -r TOLD SENT < <(tshark -r "$pcap" -Y "ip.src==$A4" -T fields -e udp.length 2>/dev/null | awk '{n++; s+=$1} END {print n+0, s+0}')
	[ "$ASKED" -ge 1 ] && [ "$TOLD" -le "$ASKED" ] && ok "$name: one answer for a question at most ($TOLD of $ASKED)" ||
		bad "$name: $TOLD answers to $ASKED questions" "$OUT"
	[ "$SENT" -le $((IN * ${MOST:-100} / 100)) ] && ok "$name: $SENT bytes for $IN" || bad "$name: $SENT bytes for $IN" "$OUT"
	out=$(tshark -r "$pcap" -Y "ip.src==$A4 && isakmp && (_ws.malformed || _ws.expert.severity>=0x600000)" -T fields -e _ws.expert.message 2>/dev/null)
	[ -z "$out" ] && ok "$name: well formed" || bad "$name: tshark complains" "$out"
}
says() { if [[ $OUT == *"$2"* ]]; then ok "$1"; else bad "$1" "$OUT
$(adit_log gw-a 6)"; fi; }
says_not() { if [[ $OUT == *"$2"* ]]; then bad "$1" "$OUT"; else ok "$1"; fi; }

GOOD='(1=7,14=256,2=4,3=1,4=14)'
NATT=--vendor=4a131c81070358455c5728f20e95452f	# RFC 3947; userspace ESP needs it
V1="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048"

# Nobody is configured: we say nothing at all, whatever is asked.
for how in "--ikev2" "--trans=$GOOD" "-A --id=a --trans=$GOOD --dhgroup=14"; do
	# shellcheck disable=SC2086
	scan "no peer, $how" gw-b $how
	[ "$TOLD" = 0 ] && ok "no peer, $how: silence" || bad "no peer, $how: $TOLD answers" "$OUT"
done

# IKEv2: ike-scan's own proposals are none of ours, and that is what it hears.
adit_peer start=responder
scan "IKEv2" gw-b --ikev2
says "IKEv2: it is told that no proposal fits" "NO_PROPOSAL_CHOSEN"
scan "IKEv2, a stranger's address" inet --ikev2
[ "$TOLD" = 0 ] && ok "IKEv2: who is no peer hears nothing" || bad "IKEv2: a stranger hears $TOLD answers" "$OUT"
scan "IKEv1 where IKEv2 is spoken" gw-b --trans="$GOOD"
says_not "IKEv1 where IKEv2 is spoken: no handshake" "Handshake returned"

# IKEv1 Main mode.
# shellcheck disable=SC2086
adit_peer $V1 start=responder
MOST=250 scan "Main" gw-b $NATT --trans="$GOOD"
says "Main: a handshake" "Main Mode Handshake returned"
scan "Main, DES and MD5" gw-b $NATT --trans='(1=1,2=1,3=1,4=1)'
says_not "Main, DES and MD5: no handshake" "Handshake returned"

# Aggressive mode gives a hash of the PSK away: nothing comes unless it is allowed.
scan "Aggressive, not allowed" gw-b $NATT -A --id=b.example --trans="$GOOD" --dhgroup=14
says_not "Aggressive, not allowed: no handshake, no hash" "Handshake returned"
# shellcheck disable=SC2086
adit_peer $V1 exchange=aggressive allow_weak=aggressive local_id=a.example peer_id=b.example start=responder
MOST=150 scan "Aggressive, allowed" gw-b $NATT -A --id=b.example --idtype=2 --trans="$GOOD" --dhgroup=14
says "Aggressive, allowed: a handshake" "Aggressive Mode Handshake returned"
scan "Aggressive, another ID" gw-b $NATT -A --id=x.example --idtype=2 --trans="$GOOD" --dhgroup=14
says_not "Aggressive, another ID: no handshake, no hash" "Handshake returned"
expect "and adit is well" adit gw-a status
lab_done
