#!/bin/bash
# verbs: the program as an admin uses it, with settings in a folder of its own and no daemon.
# shellcheck disable=SC2016 # jq programs and expected texts are in single quotes
cd "$(dirname "$0")/../.." || exit 1
ADIT=$(cd "$1" && pwd)/adit
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ADIT_CONFIG_DIR=$T/etc ADIT_RUN_DIR=$T/run LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR CLICOLOR_FORCE PAGER LESS COLUMNS
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; sed 's/^/     | /' "$T/out" "$T/err"; }
skip() { skipped=$((skipped + 1)); echo "skip $1"; }

# run NAME CODE WORD...: its exit status is CODE. Output stays in $T/out and $T/err.
run() {
	local name=$1 want=$2 got; shift 2
	"$ADIT" "$@" >"$T/out" 2>"$T/err" </dev/null
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit $*"; bad "$name"; fi
}
# The same with something on stdin.
run_in() {
	local name=$1 want=$2 input=$3 got; shift 3
	printf '%s' "$input" | "$ADIT" "$@" >"$T/out" 2>"$T/err"
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit $*"; bad "$name"; fi
}
out_has() { if grep -qF -- "$1" "$T/out"; then ok "  says: $1"; else bad "  stdout says: $1"; fi; }
err_has() { if grep -qF -- "$1" "$T/err"; then ok "  complains: $1"; else bad "  stderr says: $1"; fi; }
out_hasnt() { if grep -qF -- "$1" "$T/out" "$T/err"; then bad "  does not say: $1"; else ok "  does not say: $1"; fi; }
quiet() { if [ -s "$T/$1" ]; then bad "  nothing on std$1"; else ok "  nothing on std$1"; fi; }
json() { if [ -s "$T/out" ] && jq -e "$1" "$T/out" >/dev/null 2>"$T/jq"; then ok "  json: $1"; else cat "$T/jq"; bad "  json: $1"; fi; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else printf '     | %s\n     | %s\n' "$2" "$3"; failed=$((failed + 1)); echo "FAIL $1"; fi; }

KEY=correct-horse-battery-staple-1
GOOD=(remote_gateway=198.51.100.2 local_network=10.1.0.0/24 remote_network=10.2.0.0/24)

# --- help, version, mistakes
run "help" 0 help; out_has "peer add"; quiet err
run "-h anywhere" 0 peer set x -h; out_has "KEY+=VALUE"
run "help VERB" 0 help peer add; out_has "--psk-file"
run "help NOUN" 0 help peer; out_has "copy"
run "version" 0 version; out_has "adit "
run "--version" 0 --version; out_has "adit "
run "version as JSON" 0 version --json; json '.v == 1 and .daemon_version == ""'
run "a typo is not run" 2 stauts; err_has 'did you mean `adit status`?'; quiet out
run "a typo behind a noun" 2 peer delte branch; err_has 'adit peer delete'
run "an unknown option" 2 status --jsno; err_has "--json"
run "an option of another verb" 2 routes --follow; err_has "no option --follow"
run "too many words" 2 status a b; err_has '"b"'
run "--color" 2 status --color=blue; err_has "always"
run "--timeout" 2 status --timeout soon; err_has "number"
run "--json and --plain" 2 status --json --plain; err_has "only one"
run "the screen needs a terminal" 2 tui; err_has "terminal"
"$ADIT" help --list-verbs >"$T/verbs"
while read -ra v; do
	"$ADIT" help "${v[@]}" >"$T/out" 2>"$T/err"
	if grep -q '^Examples' "$T/out"; then ok "help ${v[*]}"; else bad "help ${v[*]}"; fi
done <"$T/verbs"

# --- nothing is there yet
run "status without settings and daemon" 3 status; out_has "not running"; out_has "no peers yet"
run "adit alone, no terminal, is status" 3; out_has "not running"
run "no peers" 0 peer list; out_has "no peers yet"
run "no peers, as JSON" 0 peer list --json; json '.v == 1 and .peers == []'
run "no peers, plain" 0 peer list --plain; quiet out
run "check of nothing" 0 check; out_has "0 peers"
run "diff of nothing" 0 diff; out_has "Nothing was committed"
run "rollback of nothing" 1 rollback --yes; err_has "no older state"
run "the log needs the daemon" 3 log; err_has "not running"
run "up needs the daemon" 3 up branch; err_has "start it"
run "reload needs the daemon" 3 reload; err_has "start it"
run "restart needs the daemon" 3 restart; err_has "start it"

# --- add
run "no key, no terminal" 2 peer add branch "${GOOD[@]}"; err_has "--psk-file"
run "a key in argv" 2 peer add branch "${GOOD[@]}" psk=$KEY; err_has "every user"; out_hasnt "$KEY"
run "a key as an option" 2 peer add branch "${GOOD[@]}" --psk $KEY; out_hasnt "$KEY"
run "a key as an option, with =" 2 peer add branch "${GOOD[@]}" --psk=$KEY; err_has "--psk-stdin"; out_hasnt "$KEY"
run_in "nothing on stdin" 2 "" peer add branch "${GOOD[@]}" --psk-stdin; err_has "empty"
run_in "two sources" 2 "$KEY" peer add branch "${GOOD[@]}" --psk-stdin --generate-psk; err_has "only one"
run_in "an unknown key" 7 "$KEY" peer add branch "${GOOD[@]}" keying_trys=3 --psk-stdin; err_has "keying_tries"
run_in "no pair" 2 "$KEY" peer add branch "${GOOD[@]}" keying_tries --psk-stdin; err_has "KEY=VALUE"
run_in "host bits" 7 "$KEY" peer add branch remote_gateway=198.51.100.2 local_network=10.1.0.5/24 --psk-stdin
err_has "10.1.0.0/24"
run_in "a network is missing" 7 "$KEY" peer add branch remote_gateway=198.51.100.2 local_network=10.1.0.0/24 --psk-stdin
err_has "remote_network"
run_in "weak and not allowed" 7 "$KEY" peer add branch "${GOOD[@]}" esp=3des-sha1 --psk-stdin; err_has "allow_weak"
run_in "a bad name" 7 "$KEY" peer add 'a/b' "${GOOD[@]}" --psk-stdin
same "nothing was written so far" "$(find "$T/etc" -type f 2>/dev/null | grep -v lock)" ""
run_in "add" 0 "$KEY
" peer add branch "${GOOD[@]}" local_ip=203.0.113.1 ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384 --psk-stdin
out_has "branch is added"; out_has "not running"
same "the key is stored without its newline" "$(cat "$T/etc/secrets/branch")" "$KEY"
same "and for root alone" "$(stat -c %a "$T/etc/secrets/branch")" 600
same "not in the peer's file" "$(grep -c "$KEY" "$T/etc/peers/branch.conf")" 0
run_in "twice the same name" 1 "$KEY" peer add branch "${GOOD[@]}" --psk-stdin; err_has "branch"
printf '%s\n' "$KEY" >"$T/key"; chmod 644 "$T/key"
run "add --psk-file" 0 peer add hq remote_gateway=198.51.100.7 local_network=10.1.0.0/24 remote_network=10.7.0.0/24 --psk-file "$T/key"
err_has "chmod 600"
run "a key file that is not there" 1 peer set hq --psk-file "$T/none"; err_has "$T/none"
head -c 3000 /dev/zero | tr '\0' x >"$T/long"
run "a key that is too long" 2 peer set hq --psk-file "$T/long"; err_has "too long"
printf 'a\0b' >"$T/nul"; run "a binary key" 2 peer set hq --psk-file "$T/nul"; err_has "0x"
printf 'one\ntwo\n' >"$T/two"; run "a key of two lines" 2 peer set hq --psk-file "$T/two"; err_has "several lines"
run "--generate-psk" 0 peer add shop remote_gateway=any start=responder peer_id=shop.example.org local_network=10.1.0.0/24 remote_network=10.8.0.0/24 --generate-psk
same "  stdout is the key alone" "$(cat "$T/out")" "$(cat "$T/etc/secrets/shop")"
same "  of 43 letters" "$(wc -c <"$T/out" | tr -d ' ')" 44
err_has "shop is added"
run "two children" 0 peer set hq child.voice.local_network=10.1.9.0/24 child.voice.remote_network=10.7.9.0/24
out_has "child.voice"
run_in "a short key is warned of" 0 "abc" peer set hq --psk-stdin; err_has "warning"
run_in "0x... is a key" 0 "0x00112233445566778899aabbccddeeff" peer set hq --psk-stdin

# --- a prompt
prompt() {	# NAME CODE ANSWERS WORD...
	local name=$1 want=$2 answers=$3; shift 3
	(sleep 0.4; for a in $answers; do printf '%s\n' "$a"; sleep 0.4; done) |
		script -qec "$ADIT --no-pager $*" "$T/typescript" >"$T/out" 2>"$T/err"
	local got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want"; bad "$name"; fi
}
if command -v script >/dev/null; then
	prompt "the key is asked for on a terminal" 0 "$KEY-2 $KEY-2" peer set hq --ask-psk
	out_hasnt "$KEY-2"
	same "  and stored" "$(cat "$T/etc/secrets/hq")" "$KEY-2"
	prompt "two that differ" 1 "$KEY-3 $KEY-4" peer set hq --ask-psk
	out_has "not the same"
	same "  the old one stays" "$(cat "$T/etc/secrets/hq")" "$KEY-2"
	prompt "peer add asks by itself" 0 "$KEY-5 $KEY-5" peer add asked remote_gateway=198.51.100.9 local_network=10.1.0.0/24 remote_network=10.9.0.0/24
	same "  and stores it" "$(cat "$T/etc/secrets/asked" 2>/dev/null)" "$KEY-5"
	prompt "delete asks, no is no" 1 n peer delete asked; out_has "nothing was changed"
	prompt "delete asks, yes is yes" 0 y peer delete asked; out_has "is deleted"
	prompt "Ctrl-C at the prompt" 130 $'\003' peer set hq --ask-psk
	prompt "colour on a terminal" 0 "" peer list; out_has $'\033['
	(NO_COLOR=1; export NO_COLOR; script -qec "$ADIT peer list" /dev/null >"$T/out" </dev/null)
	if grep -q $'\033' "$T/out"; then bad "NO_COLOR"; else ok "NO_COLOR"; fi
	for w in 40 60 80 132; do
		script -qec "stty cols $w rows 50; $ADIT --no-pager status; $ADIT --no-pager peer list; $ADIT --no-pager routes; $ADIT --no-pager interfaces; $ADIT --color=never status hq" /dev/null </dev/null |
			tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' >"$T/out"
		wide=$(while IFS= read -r l; do [ ${#l} -le $w ] || echo "$l"; done <"$T/out" | grep -v 'not running' | head -3)
		same "tables fit $w columns" "$wide" ""
	done
	PAGER='sed s/^/PAGED:/' script -qec "stty rows 5 cols 80; $ADIT help" /dev/null >"$T/out" </dev/null
	out_has "PAGED:"
	PAGER='sed s/^/PAGED:/' script -qec "stty rows 5 cols 80; $ADIT help --no-pager" /dev/null >"$T/out" </dev/null
	out_hasnt "PAGED:"
	PAGER='no-such-pager' script -qec "stty rows 5 cols 80; $ADIT help 2>/dev/null" /dev/null >"$T/out" </dev/null
	out_has "genpsk"
else
	skip "prompts: script(1) is not installed"
fi
run "colour when asked for" 0 peer list --color=always; out_has $'\033['
run "no colour in a pipe" 0 peer list; out_hasnt $'\033'

# --- show, set, list
run "show" 0 peer show branch; out_has "198.51.100.2"; out_has "stored (never shown)"; out_hasnt "$KEY"; out_hasnt "dpd_delay"
run "show --all" 0 peer show branch --all; out_has "dpd_delay"; out_has "(default)"
run "show --json" 0 peer show branch --json; out_hasnt "$KEY"
json '.v == 1 and .peer.name == "branch" and .peer.remote_network == ["10.2.0.0/24"] and .peer.enabled == true and .peer.keying_tries == 0 and .peer.psk_stored == true'
run "children in JSON" 0 peer show hq --json; json '.peer.child.voice.remote_network == ["10.7.9.0/24"]'
run "show nobody" 4 peer show brnch; err_has "did you mean branch?"
run "status of nobody" 4 status brnch; err_has "did you mean branch?"
run "set nobody" 4 peer set zzzzzz mtu=1400; err_has "adit peer list"
run "set" 0 peer set branch keying_tries=3; out_has "keying_tries"; out_has "3"
run "set the same again" 0 peer set branch keying_tries=3; out_has "Nothing to change"
run "set says what it costs" 0 peer set branch remote_gateway=198.51.100.3; out_has "restarts"
run "a list grows" 0 peer set branch remote_network+=10.4.0.0/24
run "a list shrinks" 0 peer set branch remote_network-=10.2.0.0/24
run "as it should" 0 peer show branch --json; json '.peer.remote_network == ["10.4.0.0/24"]'
run "what is not in a list" 7 peer set branch remote_network-=10.5.0.0/24; err_has "not in it"
run "set a name" 2 peer set branch name=other; err_has "peer rename"
run "set nothing" 2 peer set branch; err_has "KEY=VALUE"
run "a wrong value changes nothing" 7 peer set branch mtu=1400 dpd_delay=soon; err_has "dpd_delay"
run "nothing at all" 0 peer show branch --json; json '.peer.mtu == null'
run "back to the default" 0 peer set branch keying_tries=; out_has "keying_tries"
run "--quiet" 0 peer set branch mtu=1400 --quiet; quiet out; quiet err
run "--no-apply" 0 peer set branch mtu=1410 --no-apply; out_has "adit reload"
run "weak, allowed" 0 peer set hq esp=3des-sha1 allow_weak=3des,sha1
run "list" 0 peer list; out_has "198.51.100.3"; out_has "PEER"
run "list, plain" 0 peer list --plain; out_hasnt "PEER"
same "  one line each" "$(wc -l <"$T/out" | tr -d ' ')" 3
same "  nine fields" "$(awk -F'\t' 'NR == 1 { print NF }' "$T/out")" 9
run "list as JSON" 0 peer list --json; json '[.peers[].name] == ["branch", "hq", "shop"]'

# --- rename, copy, enable, delete
run "rename" 0 peer rename shop store; out_has "store"
same "  the key goes along" "$(ls "$T/etc/secrets")" "branch
hq
store"
run "rename onto another" 1 peer rename store hq
run "copy" 0 peer copy branch branch2; out_has "disabled"
run "the copy" 0 peer show branch2 --json; json '.peer.enabled == false and .peer.psk_stored == true and .peer.mtu == 1410'
run "a copy with changes" 0 peer copy branch b3 remote_gateway=198.51.100.33 remote_network=10.33.0.0/24 enabled=yes --generate-psk
same "  stdout is the key alone" "$(cat "$T/out")" "$(cat "$T/etc/secrets/b3")"
run "disable" 0 peer disable b3; out_has "disabled"
run "disable twice" 0 peer disable b3; out_has "already"
run "enable" 0 peer enable b3; out_has "enabled"
run "delete without a terminal" 2 peer delete b3; err_has "--yes"
run "delete" 0 peer delete b3 --yes; out_has "rollback"
run "delete nobody" 4 peer delete b3 --yes
run "delete the copy" 0 peer delete branch2 -y

# --- status without the daemon
run "status" 3 status; out_has "not running"; out_has "! down"; out_has "hq"
run "status as JSON" 3 status --json
json '.v == 1 and .running == false and (.peers | length) == 3'
json '.peers[] | select(.name == "branch") | .state == "down" and (.reason | length) > 0 and .remote == "198.51.100.3" and .version == 2 and .uptime_s == 0'
json '.peers[0].children[0] | .local_networks == ["10.1.0.0/24"] and .rx_bytes == 0 and .tx_packets == 0 and .rekey_in_s == 0 and has("esp")'
run "status PEER" 3 status hq; out_has "What to do"; out_has "Child voice"
run "status, plain" 3 status --plain; same "  a line each" "$(wc -l <"$T/out" | tr -d ' ')" 3
run "status, quiet" 3 status --quiet; quiet out
run "a disabled peer" 0 peer disable hq; run "is shown as that" 3 status; out_has "- disabled"
run "enable it" 0 peer enable hq
run "unicode is not needed" 3 status; out_has "↔"
LC_ALL=C run "with LC_ALL=C" 3 status; out_has "<->"

run "how the daemon is started on this system" 3 restart
if [ -d /run/systemd/system ]; then err_has "systemctl start adit"
elif [ -x /etc/init.d/adit ]; then err_has "/etc/init.d/adit start"
else err_has "start it: aditd"; fi

# --- interfaces, routes
run "interfaces" 0 interfaces; out_has "lo"; out_has "127.0.0.1/8"
run "interfaces as JSON" 0 interfaces --json; json '.v == 1 and (.interfaces[] | select(.name == "lo") | .addresses | index("127.0.0.1/8") != null)'
run "routes" 0 routes
run "routes as JSON" 0 routes --json; json '.v == 1 and (.routes | type) == "array"'
same "as many IPv4 routes as ip shows" "$(jq '[.routes[] | select(.table == 254 and (.network | contains(":") | not))] | length' "$T/out")" \
	"$(ip -4 route show table main 2>/dev/null | grep -c .)"

# --- check, diff, rollback
run "check" 0 check; out_has "3 peers"
run "check as JSON" 0 check --json; json '.v == 1 and .errors == 0 and (.findings | type) == "array"'
run "no difference" 0 diff; out_has "No difference"
sed -i 's/10\.4\.0\.0/10.6.0.0/' "$T/etc/peers/branch.conf"
run "a file changed by hand" 0 diff; out_has "10.6.0.0/24"
run "as JSON" 0 diff --json; json '.v == 1 and (.changes | join(" ") | contains("10.6.0.0/24"))'
run "back in the history" 0 rollback --list; out_has "peer enable hq"; out_hasnt "$KEY"
run "as JSON" 0 rollback --list --json; json '.generations[0].generation > 3 and (.generations[0].what | contains("peer enable hq"))'
gen=$(jq '.generations[0].generation' "$T/out")
run "rollback needs a yes" 2 rollback "$gen"; err_has "--yes"
run "rollback" 0 rollback "$gen" --yes; out_has "10.4.0.0/24"
run "it is back" 0 peer show branch --json; json '.peer.remote_network == ["10.4.0.0/24"]'
run "rollback of a delete" 0 peer delete hq --yes; run "brings it back" 0 rollback --yes
run "with its key" 0 peer show hq --json; json '.peer.psk_stored == true'
run "no such generation" 1 rollback 99999 --yes; err_has "99999"
run "no number" 2 rollback latest --yes; err_has "number"
echo 'remote_gatway = "198.51.100.99"' >>"$T/etc/peers/branch.conf"
run "check finds it" 7 check; out_has "peers/branch.conf:"; out_has "remote_gateway"; out_has "^"
run "check finds it, JSON" 7 check --json; json '.errors == 1 and .findings[0].file == "peers/branch.conf" and .findings[0].line > 1'
sed -i '$d' "$T/etc/peers/branch.conf"
printf 'this is no setting' >"$T/etc/peers/broken.conf"
run "a file that is no settings file" 7 check; out_has "broken.conf"
run "is still listed" 0 peer list; out_has "! wrong"
run "is in the status, and why" 3 status; out_has "broken"; out_has "its settings have an error: peers/broken.conf:1:"
run "as JSON" 3 status --json
json '.peers[] | select(.name == "broken") | .state == "down" and (.reason | startswith("its settings have an error: peers/broken.conf:1:"))'
run "and alone" 3 status broken; out_has "its settings have an error"; out_has "adit check"
run "and can be deleted" 0 peer delete broken --yes
# Five hundred are listed from one look at the folder (20 ms; a look for each took 1.2 s).
mkdir -p "$T/many/peers"
for i in $(seq 500); do
	printf 'remote_gateway = 198.51.%d.%d\nlocal_network = 10.1.0.0/24\nremote_network = 10.%d.%d.0/24\n' \
		$((i / 250)) $((i % 250)) $((10 + i / 250)) $((i % 250)) >"$T/many/peers/p$i.conf"
done
started=$(date +%s%N)
run "500 peers" 0 peer list --plain --config-dir "$T/many"
took=$((($(date +%s%N) - started) / 1000000))
same "  a line each" "$(wc -l <"$T/out" | tr -d ' ')" 500
if [ $took -lt 500 ]; then ok "  in $took ms"; else bad "  in $took ms"; fi

# --- router
run "router show" 0 router show; out_has "default"
run "router show --all" 0 router show --all; out_has "log_level"
run "router set" 0 router set log_level=debug lan=br-lan,lan1; out_has "debug"
run "router as JSON" 0 router --json; json '.router.log_level == "debug" and .router.lan == ["br-lan", "lan1"]'
run "lists here too" 0 router set lan-=lan1; run "shorter" 0 router show --json; json '.router.lan == ["br-lan"]'
run "a wrong word" 7 router set log_level=loud; err_has "debug"
run "defaults for new peers" 0 router set defaults.ike_life=8h
run "which they get" 0 peer add p9 remote_gateway=198.51.100.90 local_network=10.1.0.0/24 remote_network=10.90.0.0/24 --generate-psk
run "8 h" 0 peer show p9 --json; json '.peer.ike_life == "8h"'

# --- keys
run "genpsk" 0 genpsk; a=$(cat "$T/out"); run "again" 0 genpsk
if [ "$a" != "$(cat "$T/out")" ] && [ ${#a} = 43 ]; then ok "  two keys differ"; else bad "  two keys differ"; fi
run "genpsk as JSON" 0 genpsk --json; json '(.psk | length) == 43'
run "no key in any listing" 0 peer list --json
{ "$ADIT" status --json; "$ADIT" rollback --list; "$ADIT" diff 1; } >>"$T/out" 2>&1
out_hasnt "$KEY"

# --- completion
for sh in bash zsh fish; do
	run "completion $sh" 0 completion $sh
	command -v $sh >/dev/null || { skip "$sh is not installed"; continue; }
	cp "$T/out" "$T/complete.$sh"
	if $sh -n "$T/complete.$sh" 2>"$T/err"; then ok "$sh reads it"; else bad "$sh reads it"; fi
done
run "completion of an unknown shell" 2 completion bsh; err_has "bash"
complete() { "$ADIT" __complete "$@" | cut -f1 | sed '/^$/d'; }
same "verbs" "$(complete stat)" status
same "nouns" "$(complete pee)" peer
same "verbs behind a noun" "$(complete peer de)" delete
same "peers" "$(complete status b)" branch
same "peers of another folder" "$(complete --config-dir /nonexistent status b)" ""
same "keys" "$(complete peer set branch dpd_a)" "dpd_action="
same "values" "$(complete peer set branch dpd_action=c)" "dpd_action=clear"
same "a key once" "$(complete peer set branch dpd_action=clear dpd_)" "dpd_delay="
same "router keys" "$(complete router set log)" "log_level="
same "children" "$(complete peer set hq child.v)" "child.voice."
same "keys of a child" "$(complete peer set hq child.voice.esp_)" "child.voice.esp_life=
child.voice.esp_life_bytes=
child.voice.esp_life_packets="
mkdir -p "$T/certs/pki"; touch "$T/certs/pki/gw.crt" "$T/certs/pki/gw.key" "$T/certs/pki/office.crt"
same "certificates" "$(complete --config-dir "$T/certs" peer add x cert=)" "cert=gw
cert=office"
same "and more of them" "$(complete --config-dir "$T/certs" peer add x ca=gw,o)" "ca=gw,office"
run "a certificate that is not there" 7 peer add x --config-dir "$T/certs" remote_gateway=198.51.100.2 \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 auth=cert cert=gv; err_has "no certificate \"gv\""
run "a certificate without its key" 7 peer add x --config-dir "$T/certs" remote_gateway=198.51.100.2 \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 auth=cert cert=office; err_has "without its private key"
run "a peer by certificate needs no key" 0 peer add x --config-dir "$T/certs" remote_gateway=198.51.100.2 \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 auth=cert cert=gw ca=office
same "options" "$(complete status --jso)" "--json"
same "options of the verb alone" "$(complete routes --foll)" ""
same "files" "$(complete peer add x --psk-file '')" ":files"
same "algorithms" "$(complete peer set branch ike=aes256gcm16-sha384-ecp3)" "ike=aes256gcm16-sha384-ecp384"
same "no key of a secret" "$(complete peer set branch ps)" ""
if command -v bash >/dev/null; then
	cat >"$T/drive.bash" <<-'DRIVE'
		adit() { command "$ADIT" "$@"; }
		source "$1"; shift
		COMP_LINE=$1 COMP_POINT=${#1}
		# As readline splits it: = and : are words of their own.
		read -ra COMP_WORDS <<<"$(sed 's/\([=:]\)/ \1 /g' <<<"$1")"
		case $1 in *' ') COMP_WORDS+=("") ;; esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		compopt() { :; }
		_adit adit
		printf '%s\n' "${COMPREPLY[@]}"
	DRIVE
	drive() { ADIT=$ADIT bash "$T/drive.bash" "$T/complete.bash" "$1"; }
	same "bash: a verb" "$(drive 'adit stat')" status
	same "bash: behind =" "$(drive 'adit peer set branch dpd_action=')" "restart
clear
hold"
	same "bash: half a value" "$(drive 'adit peer set branch dpd_action=re')" restart
	same "bash: a peer" "$(drive 'adit up br')" branch
fi
if command -v fish >/dev/null; then
	same "fish: half a value" "$(PATH=$(dirname "$ADIT"):$PATH HOME=$T fish -c "source $T/complete.fish; complete -C 'adit peer set branch dpd_action=re'" | cut -f1)" "dpd_action=restart"
fi

if command -v zsh >/dev/null; then
	cat >"$T/drive.zsh" <<-'DRIVE'
		zmodload zsh/zpty || exit 1
		zpty z zsh -f -i
		zpty -w z "PS1=; autoload -U compinit; compinit -u -d $1/zcd; source $1/complete.zsh; PATH=$2:\$PATH; stty -echo"
		zpty -w z "print rea''dy"
		zpty -r -m z x "*ready*"
		zpty -w -n z $'adit peer set branch dpd_action=re\t'
		zpty -r -m z x "*dpd_action=restart*" && print dpd_action=restart
		zpty -d z
	DRIVE
	same "zsh: half a value" "$(timeout 20 zsh -f "$T/drive.zsh" "$T" "$(dirname "$ADIT")")" "dpd_action=restart"
fi

# --- the manual
if man/update --check "$1" >"$T/out" 2>"$T/err"; then ok "adit(8) has the verbs of the table"; else bad "adit(8): run man/update BUILD"; fi

# Post-quantum keys, in settings of their own: the examples above are compared.
E2=$T/etc2
run_in "a peer to play with" 0 "$KEY" peer add q --config-dir "$E2" "${GOOD[@]}" --psk-stdin
run "a PPK is no word of the command line" 2 peer set q --config-dir "$E2" ppk=$KEY; err_has "--ppk-file"; out_hasnt "$KEY"
run "nor an option's value" 2 peer set q --config-dir "$E2" --ppk=$KEY; err_has "--ppk-stdin"; out_hasnt "$KEY"
(umask 077; printf '%s\n' "$KEY-and-some-more" >"$T/ppk")
run "it has a name first" 0 peer set q --config-dir "$E2" ppk_id=2026; err_has "no post-quantum key is stored"
run "a PPK from a file" 0 peer set q --config-dir "$E2" --ppk-file "$T/ppk"; out_hasnt "$KEY"
same "it is stored apart" "$(cat "$E2/secrets/q.ppk")" "$KEY-and-some-more"
same "beside the other key" "$(cat "$E2/secrets/q")" "$KEY"
run "show says so" 0 peer show q --config-dir "$E2" --json; json '.peer.ppk_stored and .peer.psk_stored and .peer.ppk_id == "2026"'
run "in words too" 0 peer show q --config-dir "$E2"; out_has "ppk "
run_in "standard input holds one key" 2 "$KEY" peer set q --config-dir "$E2" --ppk-stdin --psk-stdin; err_has "one key"
run "IKEv1 has none" 7 peer set q --config-dir "$E2" version=1; err_has "knows no post-quantum"
run "several gateways" 0 peer set q --config-dir "$E2" remote_gateway+=vpn.example.net,any; out_has "vpn.example.net"
run "in JSON as a list" 0 peer show q --config-dir "$E2" --json; json '.peer.remote_gateway == ["198.51.100.2","vpn.example.net","any"]'
run "IKEv1 without it" 0 peer set q --config-dir "$E2" version=1 ppk_id= exchange=aggressive allow_weak=aggressive
run "the list says which version" 0 peer list --config-dir "$E2" --plain; out_has "v1"
run "both versions" 0 peer set q --config-dir "$E2" version=auto; run "say so" 0 peer list --config-dir "$E2" --plain; out_has "auto"

# Certificates that end soon.
run "a certificate of a few days" 0 pki ca short subject=CN=short days=9 --config-dir "$T/soon"
run "check warns of it" 0 check --config-dir "$T/soon"; out_has "warning: CA short: "
run "in JSON too" 0 check --json --config-dir "$T/soon"; json '.warnings == 1 and (.findings[0].text|test("short"))'

# The examples of adit.conf(5) are settings that are taken.
mkdir -p "$T/man/peers"
awk -v dir="$T/man/peers" '/^\.Bd -literal/ { n++; next } /^\.Ed/ { on = 0; next }
	/^remote_gateway|^description/ { on = 1 } on { print > (dir "/ex" n ".conf") }' man/adit.conf.5.in
for f in "$T"/man/peers/*.conf; do
	mkdir -p "$T/one/peers" "$T/one/pki"; cp "$f" "$T/one/peers/"
	touch "$T/one/pki/gw.crt" "$T/one/pki/gw.key" "$T/one/pki/office-ca.crt"
	run "example $(basename "$f" .conf) of adit.conf(5)" 0 check --config-dir "$T/one"; out_has "1 peer"
	rm -r "$T/one"
done
same "there are seven" "$(find "$T/man/peers" -type f | wc -l | tr -d ' ')" 7

# --- robustness
"$ADIT" help >/dev/full 2>"$T/err"; same "a full disk is said" "$?" 1
"$ADIT" help | head -1 >/dev/null; same "a closed pipe is none of our business" "${PIPESTATUS[0]}" 0
# Somebody who may not: another user when this is root, else a file nobody may read.
as_nobody() {
	local name=$1 want=$2 got; shift 2
	setpriv --reuid 65534 --clear-groups "$ADIT" "$@" >"$T/out" 2>"$T/err" </dev/null
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit $*"; bad "$name"; fi
}
if [ "$(id -u)" != 0 ]; then
	chmod 000 "$T/etc/peers/hq.conf"
	run "not permitted" 6 peer show hq; err_has "sudo"
elif setpriv --reuid 65534 --clear-groups test -x "$ADIT" 2>/dev/null; then
	chmod 755 "$T" "$T/etc" "$T/etc/peers"
	as_nobody "anybody may look, where the folder lets him" 0 peer list; out_has "hq"
	chmod 600 "$T/etc/peers/hq.conf"
	as_nobody "but for what its mode hides" 6 peer show hq; err_has "sudo"
	chmod 644 "$T/etc/peers/hq.conf"
	as_nobody "but not change" 6 peer set hq mtu=1400; err_has "sudo"
	as_nobody "nor add" 6 peer add nob "${GOOD[@]}" --generate-psk; err_has "sudo"; quiet out
	as_nobody "nor go back" 6 rollback --yes; err_has "sudo"
	as_nobody "nor read keys" 0 peer show hq; out_hasnt "$KEY"
	chmod 700 "$T/etc"
	as_nobody "nor look, where it does not" 6 peer list; err_has "sudo"
	as_nobody "status neither" 6 status; err_has "sudo"
	as_nobody "help for all" 0 help
else
	skip "not permitted: nobody else may run $ADIT"
fi
run "probe: half an address" 2 probe 1.2.3; err_has '"1.2.3" is not a complete IP address'
run "a run dir that is too long" 2 reload --run-dir "/$(head -c 200 /dev/zero | tr '\0' r)"

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
