#!/bin/bash
# hw: the page of the hardware: the short look, measuring with the screen going on, what is kept,
# sizes, weak suites, details; narrow, wide, in ASCII and without colours; without a daemon.
cd "$(dirname "$0")/../.." || exit 1
TUI_B=${1:-build}
# shellcheck source=tests/tui/tmux.bash
. tests/tui/tmux.bash
command -v tmux >/dev/null || { echo "skip hw: tmux is missing"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
E=$TUI_DIR/etc
press() { local k; for k; do keys "$k"; sleep 0.15; done; }
# by TENTHS TEXT: the screen has it by then.
by() { local i; for ((i = 0; i < $1; i++)); do screen | grep -qF -- "$2" && return 0; sleep 0.1; done; return 1; }
waits() { if by "$2" "$3"; then ok "$1"; else bad "$1 (no \"$3\")"; fi; }
is() { local name=$1; shift; if "$@"; then ok "$name"; else bad "$name"; fi; }
# running: the engine-bench that this screen started.
running() { local p; for p in $(pgrep -x engine-bench); do tr '\0' ' ' <"/proc/$(awk '{print $4}' "/proc/$p/stat")/cmdline" | grep -qF "$E" && return 0; done 2>/dev/null; return 1; }

tui_start 80x24
sees "the list of peers" "Press a to add one"
press H; waits "H takes a short look" 100 "a short look; b measures"
waits "at every good suite" 100 "aes256-sha384"
sees "who does it" "mbedtls"
sees "what this router is" "Processor"
sees "what runs" "none: adit is not running"
sees "which size is shown" "AT 1400 BYTES"
is "a bar has as many cells as the screen has room" grep -qE '█{20}' <<<"$(screen)"
press Right; sees "Right is a larger size" "AT 8192 BYTES"
press Left Left; sees "Left a smaller one" "AT 576 BYTES"
press Left Left Left Left; sees "to the smallest" "AT 64 BYTES"
press Right Right Right
sees_not "weak ones are not shown" "aes256-md5"
press w; press End; sees "w shows no more where they were not measured" "aes128ctr-sha512"
press w Home
is "nothing is kept of a look" test ! -e "$E/engine.profile"

# --- details
press Down Down
sees "every way of the selected one" "─ aes128gcm16 ─"
press Enter; sees "Enter says more" "at a time"; sees "and which is fastest" "(the fastest)"
press q; press i; sees "i says what is built in" "Crypto devices"; sees "and why a way is not here" "not here:"
press q; press x; sees "x counts what was lost; that needs the daemon" "adit is not running"
press q; sees "and back" "AT 1400 BYTES"
press '?'; sees "help" "weak algorithms too, or not"; press q

# --- measuring
press b; sees "b asks first" "It takes half a minute"; press Escape
sees_not "Esc leaves it" "half a minute"
press b y; sees "y measures" "being measured"
is "beside the screen" running
press b; sees "a second time it says so" "It is being measured"
press Down; sees "the screen goes on meanwhile" "─ chacha20poly1305 ─"
press q; sees "leaving the page" "Press a to add one"
sleep 0.3
is "ends it" eval '! running'
is "and keeps nothing" test ! -e "$E/engine.profile"
press H; waits "again" 100 "a short look; b measures"
press b y; waits "measured whole" 600 "Measured and saved"
sees "and shown" "measured just now"
is "the profile is kept" grep -q '^aes256gcm16 1400 ' "$E/engine.profile"
is "with the weak ones" grep -q '^3des-sha1 ' "$E/engine.profile"
press w; press End; sees "w shows them" "null-"
press q H; sees "it is there at once the next time" "measured "
sees "and the engine says so" "what adit bench found"
press q q; exited "q leaves" 0

# --- other screens
tui_start 132x43; sees "wide" "Press a to add one"
press H; sees "a wide screen has the drivers" "DRIVER"
sees "and whole sentences" "found to be fastest"
press q q; exited "q leaves the wide one" 0
tui_start 40x12; press H; sees "a narrow one has what matters" "MBIT/S"; sees "each suite" "chacha20poly1305"
press End; sees "and scrolls" "aes128ctr-sha512"
tui_start 80x24 LC_ALL=C; press H; sees "in ASCII" "##########"
is "without other characters" eval '! screen | LC_ALL=C grep -q "[^ -~]"'
tui_start 80x24 TERM=vt100; press H; sees "without colours" "aes256gcm16"
tui_start 80x24 -- --readonly; press H; sees "read only" "measured "
was=$(cat "$E/engine.profile")
press b y; waits "it measures" 600 "not kept"
is "and keeps nothing" test "$(cat "$E/engine.profile")" = "$was"
echo 'x' >>"$E/engine.bench"
tui_start 80x24; press H; sees "a file that is broken is told" "engine.bench:"; waits "a file that is broken: a look" 100 "a short look; b measures"
press m; sees "m is no key here" "a short look"
press q m; sees "the quick actions have it" "Hardware"
tui_done
