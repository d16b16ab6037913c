#!/bin/bash
# live: the screen beside running daemons: a tunnel made by filling in the form, brought up,
# watched, restarted, its daemon killed and back, its peer deleted; at 80x24 and 132x43.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] && command -v tmux >/dev/null ||
	{ echo "skip live: it needs root, /dev/net/tun and tmux"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
export LC_ALL=C.UTF-8
N=0

live_end() { [ -z "${SOCK:-}" ] || tmux -S "$SOCK" kill-server 2>/dev/null; lab_end; }
trap live_end EXIT

# open_screen COLSxROWS: adit on gw-a, in a terminal of that size.
open_screen() {
	N=$((N + 1)); SOCK=$LAB_DIR/tmux$N; rm -f "$LAB_DIR/rc"
	tmux -S "$SOCK" -f /dev/null new-session -d -x "${1%x*}" -y "${1#*x}" \
		"ADIT_THEME_DIR=themes ip netns exec $(ns gw-a) $LAB_B/adit --config-dir $(adit_dir gw-a)/etc --run-dir $(adit_dir gw-a)/run tui; echo \$? >$LAB_DIR/rc; sleep 30"
	tmux -S "$SOCK" set -g status off
	tmux -S "$SOCK" resize-window -x "${1%x*}" -y "${1#*x}"
}
keys() { local k; for k; do tmux -S "$SOCK" send-keys "$k"; sleep 0.15; done; }
typed() { tmux -S "$SOCK" send-keys -l -- "$1"; sleep 0.15; }
screen() { tmux -S "$SOCK" capture-pane -p; }
# seen TENTHS REGEX
seen() { local i; for ((i = 0; i < $1; i++)); do screen | grep -qE -- "$2" && return 0; sleep 0.1; done; return 1; }
gone() { local i; for ((i = 0; i < $1; i++)); do screen | grep -qE -- "$2" || return 0; sleep 0.1; done; return 1; }
# sees NAME REGEX [TENTHS]
sees() { if seen "${3:-40}" "$2"; then ok "$1"; else bad "$1 (no /$2/)" "$(screen)"; fi; }
sees_not() { if gone "${3:-40}" "$2"; then ok "$1"; else bad "$1 (/$2/ is there)" "$(screen)"; fi; }
left() { until_ok 30 test -s "$LAB_DIR/rc"; expect "$1" grep -qx 0 "$LAB_DIR/rc"; }
# fill KEY VALUE: to that field of this page, and into it. Its key stands in the rule above the help.
fill() {
	local i
	for ((i = 0; i < 12; i++)); do screen | grep -qE "^─+ $1 " && break; keys Down; done
	screen | grep -qE "^─+ $1 " || bad "the form has $1" "$(screen)"
	keys C-u; typed "$2"
}

lab_offices
adit_start gw-a && ok "gw-a's daemon starts" || bad "gw-a's daemon starts"
adit_start gw-b && ok "gw-b's daemon starts" || bad "gw-b's daemon starts"
adit gw-b peer add main local_ip=198.51.100.2 remote_gateway=203.0.113.1 local_network=10.2.0.0/24 \
	remote_network=10.1.0.0/24 start=responder ike=aes256-sha256-modp2048 esp=aes256-sha256 \
	--psk-file "$LAB_DIR/psk" >/dev/null

for size in 80x24 132x43; do
	echo "-- $size"
	open_screen $size
	sees "an empty list says what to do" "Press a to add one"
	sees "the top line names the dataplane" "userspace"

	# --- the form
	keys a; sees "the form opens" "Peer name"
	typed branch; fill description "the branch office"
	keys NPage; sees "the second page" "Remote gateway"
	fill local_ip 203.0.113.1; fill remote_gateway 198.51.100.2
	fill local_network ""; keys Enter
	sees "this router's networks are offered" "10.1.0.0/24 +a network of this router"
	keys Enter; fill remote_network 10.2.0.0/24
	# Encryption, hash and group, by choosing: what the other side has, and no more.
	keys NPage Enter; sees "the proposals in a box" "another one"
	keys o Enter; sees "first the encryption" "Proposal 1: encryption"
	typed aes256; seen 10 AES-256-CBC; keys Home Down Down Down Down Enter
	sees "then the hash" "Proposal 1: hash"
	keys Home Enter; sees "then the group" "Proposal 1: group"
	keys Home Down Down Down Down Enter
	sees "the proposal is in words" "AES-256-CBC, SHA2-256, MODP 2048"
	keys a; sees "a second one" "Proposal 2: encryption"
	keys Home Enter Enter End Enter
	sees "a weak group asks" "Add modp768 to allow_weak"
	keys Escape Escape Escape Escape; sees "no, and back out: one is left" "\+ another one"
	keys Escape Down Enter; sees "the ones of ESP" "ESP algorithms"
	keys o Enter Home Down Down Down Down Enter Home Enter End Enter
	sees "ESP without a group" "AES-256-CBC, SHA2-256, no PFS"
	keys Escape NPage; sees "the key's page" "Pre-shared key"
	fill psk a-long-enough-key-for-both
	sees_not "the key is masked" "a-long-enough"
	keys F6; sees "the command that does the same" "ike=aes256-sha256-modp2048"
	keys Escape F2
	sees "saving shows what will come" "esp: .*aes256-sha256"
	keys s; sees "saved and applied" "branch saved"
	expect "its settings are what was filled in" test "$(adit gw-a peer show branch --json | jq -r '.peer|(.ike|join(","))+" "+(.esp|join(","))+" "+(.remote_gateway|join(","))')" = \
		"aes256-sha256-modp2048 aes256-sha256 198.51.100.2"

	# --- the tunnel
	sees "it comes up by itself" "branch +\+ up" 100
	keys s; sees "s on a peer that is up asks" "Take branch down"
	keys y; sees "and takes it down" "branch +! down" 60
	keys s; sees "s brings it up" "branch is up" 100
	ping_ok host-a 10.2.0.10 20 1; ping_ok host-a 10.2.0.10 20 1
	sees "the traffic is counted" "in [0-9.]+ kB, out [0-9.]+ kB" 60
	sees "with what was negotiated" "AES-256-CBC"
	if [ $size = 132x43 ]; then sees "wide: the columns too" "IKE +ESP +TRAFFIC"; fi
	keys Enter; sees "Enter shows everything" "adit status branch"
	keys q l; sees "the log" "established, AES-256-CBC"
	adit gw-a down branch >/dev/null; sees "and what comes is there at once" "taken down|down|closed|deleted" 30
	adit gw-a up branch >/dev/null 2>&1
	if [ $size = 80x24 ]; then
		bg host-a ping -n -i 0.1 10.2.0.10 >/dev/null 2>&1
		sent=$(in_ns gw-a python3 tests/tui/idle.py 2 5 "$LAB_B/adit" --config-dir "$(adit_dir gw-a)/etc" --run-dir "$(adit_dir gw-a)/run" tui)
		kill "$BG"; wait "$BG" 2>/dev/null
		sent=$(grep -oE '[0-9]+(\.[0-9]+)?' <<<"$sent" | head -1); sent=${sent%.*}
		expect "untouched, under traffic, it sends ${sent:-?} bytes a second: some, and under 500" \
			test "${sent:-0}" -gt 2 -a "${sent:-9999}" -lt 500
	fi
	keys q m; sees "the quick actions" "Try both sides' credentials"
	typed t; keys Enter; sees "the credentials are tried" "branch: .*(accept|proven|prove)" 100
	keys x; sees "x explains a peer that is up, too" "adit explain branch"
	sees "it says so" "branch.* is up"
	keys q I; sees "interfaces" "adit-branch"
	keys q T; sees "routes" "10.2.0.0/24 .*adit-branch"
	keys q

	# --- restart, and a daemon that dies
	keys R; sees "restart asks" "Every tunnel is interrupted"
	keys y; sees "and is done" "adit restarts|daemon is back" 60
	sees "the tunnel comes back" "branch +\+ up" 150
	keys e; sees "a form is open meanwhile" "Peer name"
	adit_stop gw-a
	sees "the daemon gone: it says so" "not running: settings only" 80
	keys Escape; sees "and knows the settings" "branch +! down +198.51.100.2 +adit is not running"
	keys s; sees "what needs the daemon says how to start it" "adit is not running; start it"
	adit_start gw-a
	sees "the daemon back: it says so" "daemon is back" 80
	sees "and so is the tunnel" "branch +\+ up" 150

	# --- gone
	keys d; sees "deleting asks, with the command" "adit peer delete branch"
	keys y; sees "the peer is deleted" "branch is deleted"
	sees "the list is empty" "Press a to add one"
	expect_not "its file is gone" test -e "$(adit_dir gw-a)/etc/peers/branch.conf"
	expect_not "and its interface" in_ns gw-a ip link show adit-branch
	keys q; left "q leaves"
done
lab_done
