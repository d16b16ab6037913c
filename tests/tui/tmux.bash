# tmux: drive the screen with real keys, and read it. Sourced by tests/tui/*.sh.
# shellcheck shell=bash

TUI_DIR=$(mktemp -d /tmp/adit-tui.XXXXXX)
TUI_SOCK=$TUI_DIR/tmux
TUI_B=${TUI_B:-build}
export LC_ALL=C.UTF-8
passed=0 failed=0 skipped=0

tui_end() {
	local rc=$?
	trap - EXIT
	tmux -S "$TUI_SOCK" kill-server 2>/dev/null
	rm -rf "$TUI_DIR"
	exit $rc
}
trap tui_end EXIT
trap 'exit 1' INT TERM

mkdir -p "$TUI_DIR/etc/peers" "$TUI_DIR/etc/secrets" "$TUI_DIR/run"
chmod 700 "$TUI_DIR/etc/secrets"

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() {
	failed=$((failed + 1)); echo "FAIL $1"
	echo "     --- the screen:"; screen | sed 's/^/     |/'
}
tui_done() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

adit() { "$TUI_B/adit" --config-dir "$TUI_DIR/etc" --run-dir "$TUI_DIR/run" "$@"; }

# tui_start COLSxROWS [ENV=VALUE...] [-- more arguments of adit tui]
tui_start() {
	local size=$1 env=(); shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do env+=("$1"); shift; done
	[ "${1:-}" = -- ] && shift
	tmux -S "$TUI_SOCK" kill-server 2>/dev/null
	# A server that is still ending would take the new session with it.
	TUI_N=$((${TUI_N:-0} + 1)); TUI_SOCK=$TUI_DIR/tmux$TUI_N
	rm -f "$TUI_DIR/rc"
	# aggressive-resize off and a fixed window: the pane has exactly this size.
	tmux -S "$TUI_SOCK" -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" \
		"env ADIT_THEME_DIR=themes ${env[*]} $TUI_B/adit --config-dir $TUI_DIR/etc --run-dir ${TUI_RUN:-$TUI_DIR/run} tui $*; echo \$? >$TUI_DIR/rc; sleep 30"
	tmux -S "$TUI_SOCK" set -g status off 2>/dev/null
	tmux -S "$TUI_SOCK" resize-window -x "${size%x*}" -y "${size#*x}" 2>/dev/null
}
keys() { tmux -S "$TUI_SOCK" send-keys "$@"; }
# Type text letter by letter as it is.
typed() { tmux -S "$TUI_SOCK" send-keys -l -- "$1"; }
screen() { tmux -S "$TUI_SOCK" capture-pane -p; }
# shows TEXT: within three seconds the screen has it.
shows() {
	local i
	for ((i = 0; i < 30; i++)); do
		screen | grep -qF -- "$1" && return 0
		sleep 0.1
	done
	return 1
}
sees() { if shows "$2"; then ok "$1"; else bad "$1 (no \"$2\")"; fi; }
sees_not() {
	local i
	for ((i = 0; i < 20; i++)); do
		screen | grep -qF -- "$2" || { ok "$1"; return; }
		sleep 0.1
	done
	bad "$1 (\"$2\" is there)"
}
exited() {
	local i
	for ((i = 0; i < 30; i++)); do
		[ -s "$TUI_DIR/rc" ] && break
		sleep 0.1
	done
	if [ "$(cat "$TUI_DIR/rc" 2>/dev/null)" = "$2" ]; then ok "$1"; else bad "$1 (exit $(cat "$TUI_DIR/rc" 2>/dev/null))"; fi
}
