#!/bin/bash
# screen: the list, the form, the questions and the looks, driven in tmux, without a daemon.
cd "$(dirname "$0")/../.." || exit 1
TUI_B=${1:-build}
# shellcheck source=tests/tui/tmux.bash
. tests/tui/tmux.bash
command -v tmux >/dev/null || { echo "skip screen: tmux is missing"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

# --- an empty router, then a peer from the form
tui_start 80x24
sees "an empty list says what to do" "Press a to add one"
sees "it says that the daemon is down" "not running"
keys a
sees "the form opens" "General"
sees "all its tabs fit" "Advanced"
sees "and asks for a name" "Name"
typed "branch"; keys Tab
sees "the top line marks unsaved work" "adit*"
keys PPage PPage PPage PPage PPage PPage
keys Escape; sees "leaving asks" "not saved yet"
keys Escape
sees_not "and Esc stays" "not saved yet"
go_field() {	# KEY: down to the field on this page, or up to it
	local i way
	for way in Down Up; do
		for ((i = 0; i < 14; i++)); do
			# The focused field's key stands in the rule above its help.
			screen | grep -qE "^(─|-)+ $1 " && return 0
			keys $way; sleep 0.12
		done
	done
	return 1
}
set_field() {	# KEY VALUE: fill it
	go_field "$1"; keys C-u; typed "$2"
}
page_to() {	# a field that this page has
	local i
	for ((i = 0; i < 8; i++)); do
		screen | grep -qF -- "$1" && return 0
		keys NPage; sleep 0.2
	done
	return 1
}
page_to "Remote gateway"; set_field remote_gateway 198.51.100.2
page_to "Local IP"; set_field local_ip 203.0.113.1
page_to "Remote network"; set_field local_network 192.168.1.10/24
keys Tab
sees "a wrong network is refused in place, with what would be right" "192.168.1.0/24?"
keys Up; sleep 0.2; keys C-u; typed "192.168.1.0/24"
set_field remote_network 10.2.0.0/24
page_to "Pre-shared key"; set_field psk abc
sees_not "the key is masked" "abc"
keys F4; sleep 0.3
keys F2
sees "saving shows what will change" "remote_network"
sees "and does not show the key" "psk"
keys s
sees "the peer is in the list" "branch"
sees "and said to be saved" "saved"
[ -s "$TUI_DIR/etc/peers/branch.conf" ] && ok "its file is there" || bad "its file is there"
[ -s "$TUI_DIR/etc/secrets/branch" ] && ok "its key is there" || bad "its key is there"
[ "$(stat -c %a "$TUI_DIR/etc/secrets/branch" 2>/dev/null)" = 600 ] && ok "for root alone" || bad "for root alone"
[ "$(adit peer show branch --json | jq -r .remote_gateway 2>/dev/null)" = 198.51.100.2 ] ||
	adit peer show branch | grep -q 198.51.100.2 && ok "the verbs see it" || bad "the verbs see it"

# --- edit, the command, discard
keys e; sees "e opens its form" "branch"
page_to "Description"; set_field description "the branch office"; keys Tab
keys F6; sees "F6 shows the command" "adit"
sees "with the changed setting" "description="
keys Escape; sleep 0.2; keys Escape; sees "Esc asks again" "not saved yet"
keys d; sees "d discards" "branch"
adit peer show branch | grep -q "the branch office" && bad "nothing was written" || ok "nothing was written"

# --- what has no effect is left out, until it has
keys e; shows "Peer name"
sees_not "IKEv2: no IKEv1 exchange" "IKEv1 exchange"
go_field version; keys Space
sees "IKEv1: its exchange is there" "IKEv1 exchange"
sees "and the focus stays" "── version"
go_field exchange; keys Space
sees "switched" "< aggressive >"
keys F2; sees "saving says that it is weak" "what is weak: aggressive"
keys Escape; sees_not "and Esc leaves it" "what is weak"
go_field exchange; keys Space; go_field version; keys Space
sees "version auto knows both" "< auto >"
page_to "Pre-shared key"
sees_not "a key: no certificate" "Certificate  "
go_field auth; keys Space
sees "certificates: the fields of theirs" "Trusted CAs"
sees_not "and no pre-shared key" "Pre-shared key"
sees "the peer's way is ours" "< the same as auth >"
keys F2; sees "without one it is not saved" "is missing: auth = cert needs"
go_field peer_auth; keys Space
sees "the peer by key: it is back" "Pre-shared key"
sees_not "and no CA" "Trusted CAs"
go_field cert; typed gw
go_field ppk_id; typed 2026; keys Down
sees "a post-quantum key has a name: its secret is asked for" "Post-quantum key"
go_field ppk; keys F4
sees "F4 makes that one" "A new key"
keys F2; sees "saving shows all of it" "ppk"
keys Escape; sleep 0.2; keys Escape; sees "Esc asks" "not saved yet"; keys d
sees "the list" "branch"
keys m; sees "the quick actions explain too" "Explain"; keys Escape
keys x; sees "x says why it is not up" "adit explain branch"
sees "as far as it is known" "is not running"
keys e; sees "e leads to the form" "Peer name"; keys Escape; sleep 0.2; keys q
sees_not "and q back" "adit explain"

# --- keys that arrive in pieces, and pastes
keys e; shows "Peer name"
typed $'\e[1;5D'; sleep 0.2; typed $'\e[<0;3;3M'; sleep 0.3
sees_not "an unknown sequence is no Esc" "not saved yet"
page_to "Description"; set_field description ""; typed $'\e[200~pas\nted\ttext\e[201~'
sees "a paste loses its newlines and tabs" "pastedtext"
keys Escape; sees "Esc asks" "not saved yet"; keys d; sees_not "and d discards" "pastedtext"
typed $'\e[200~dye\e[201~'
sees_not "what is pasted into the list is no command" "Delete branch"

# --- proposals by choosing
keys e; shows "Peer name"; page_to "IKE algorithms"; keys Enter
sees "Enter opens the proposals" "another one"
keys o; sees_not "o leaves one" "AES-256-CBC"
keys a; sees "a asks for encryption" "Proposal 2: encryption"
keys Enter; sees "then the hash, which only makes keys" "hash, which makes keys"
keys Enter; sees "then the group" "group of the key exchange"
keys Escape; sees_not "Esc goes a step back" "group of the key exchange"
keys Enter; shows "group of the key"; keys End; keys Enter
sees "a weak one asks" "Add modp768 to allow_weak"
keys y; sees "and is marked" "weak: modp768"
keys Escape; sleep 0.2; keys NPage; sleep 0.2; keys PPage
sees "allow_weak names it" "Allow weak                modp768"
keys F2; sees "the preview has both" "allow_weak: none -> modp768"
keys Escape; sleep 0.2; keys Escape; shows "not saved yet"; keys d; sees_not "nothing is saved" "not saved"

# --- the keys of the list
keys '?'; sees "? is help" "Keys here"
keys q; sees "q goes back" "branch"
keys m; sees "m offers the quick actions" "Interfaces"
keys Escape
keys I; sees "I shows interfaces" "adit interfaces"
sees "lo is among them" "lo"
keys q
keys T; sees "T shows routes" "adit routes"
keys q
keys n; sees "n asks before it disables" "Disable branch?"
keys y; sees "and does" "disabled"
keys d; sees "d asks" "Delete branch"
keys Escape; sees "Esc keeps it" "branch"
keys y; sees "y shows the command" "status branch"
for i in 1 2 3; do adit peer copy branch "site$i" >/dev/null 2>&1; done
keys r; sees "r refreshes" "site3"
keys /; sees "/ filters" "Filter"
typed "site2"; sees "as it is typed" "1 of 1"
keys Enter; sees_not "what does not match goes" "site3"
keys Escape; sees "Esc shows all" "site3"
keys q
exited "q leaves" 0

# --- sizes
for size in 80x24 132x43 40x12; do
	tui_start $size
	sees "$size: the list" "branch"
	[ "$(screen | wc -L)" -le "${size%x*}" ] && ok "$size: nothing is wider" || bad "$size: nothing is wider"
	keys e; sees "$size: the form" "General"
	keys Escape; sees "$size: and back" "site1"
done
tmux -S "$TUI_SOCK" resize-window -x 39 -y 11; sees "39x11 is too small, and says so" "too small"
tmux -S "$TUI_SOCK" resize-window -x 80 -y 24; sees "and comes back" "branch"
keys q; exited "it did not exit meanwhile" 0

# --- looks
tui_start 80x24 LC_ALL=C; sees "ASCII: the list" "branch"
screen | LC_ALL=C grep -q '[^ -~]' && bad "ASCII: only ASCII" || ok "ASCII: only ASCII"
keys q
for term in vt100 linux xterm xterm-256color screen; do
	tui_start 80x24 TERM=$term; sees "TERM=$term" "branch"; keys q; exited "TERM=$term: leaves" 0
done
color() { tmux -S "$TUI_SOCK" capture-pane -pe | grep -qE $'\033\\[[0-9;]*(3[0-7]|4[0-7]|38|48)'; }
tui_start 80x24 TERM=screen-256color; shows branch; color && ok "colours" || bad "colours"; keys q
tui_start 80x24 TERM=screen-256color NO_COLOR=1; shows branch; color && bad "NO_COLOR" || ok "NO_COLOR"; keys q
for theme in default light mono high-contrast; do
	tui_start 80x24 TERM=screen-256color -- --theme $theme
	sees "theme $theme" "branch"; keys q
done
tui_start 80x24 -- --theme nosuch; sees "an unknown theme says which there are" "high-contrast"; keys q
tui_start 80x24 -- --readonly; sees "read only says so" "read only"
keys d; sees "and refuses" "nothing is changed here"; keys q
tui_start 80x24; shows branch
pid=$(pgrep -f "config-dir $TUI_DIR/etc .*tui" | tail -1); kill -TERM "$pid"
exited "SIGTERM restores and ends" 1
tui_start 80x24 TERM=nosuchterm; exited "an unknown terminal is refused" 1
tui_done
