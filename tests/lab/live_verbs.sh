#!/bin/bash
# live_verbs: the verbs beside running daemons: what they say, and their exit status.
# shellcheck disable=SC2015
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_start gw-a
adit_start gw-b
# A peer that may move opens port 4500, which only the daemon knows.
pair_peers keying_tries=0 mobike=no || bad "peers are added"

# says NAME CODE TEXT VERB...: on gw-a, with this exit status, and TEXT somewhere.
says() {
	local name=$1 want=$2 text=$3 out rc; shift 3
	out=$(adit gw-a "$@" 2>&1 </dev/null); rc=$?
	if [ $rc = "$want" ] && [[ $out == *"$text"* ]]; then ok "$name"; else bad "$name" "exit $rc: $out"; fi
}

says "up" 0 "branch is up: AES-256-GCM" up branch
says "up again" 0 "is up" up branch
says "status" 0 "+ up" status
says "status PEER" 0 "ESP travels" status branch
says "status, quiet" 0 "" status branch --quiet
says "nobody" 4 "did you mean branch?" up brunch
says "nobody, down" 4 "did you mean branch?" down brunch
says "nobody, status" 4 "did you mean branch?" status brunch
says "nobody's log" 4 "" log brunch
says "interfaces" 0 "tunnel branch" interfaces
says "routes" 0 "adit-branch" routes
says "firewall" 0 "table inet adit" firewall
# Without nft(8) the table is shown as the settings make it: the same chains and rules.
mkdir "$LAB_DIR/no-nft"
out=$(PATH=$LAB_DIR/no-nft "$(command -v ip)" netns exec "$(ns gw-a)" "$LAB_B/adit" --config-dir "$(adit_dir gw-a)/etc" \
	--run-dir "$(adit_dir gw-a)/run" firewall 2>&1)
[[ $out == *"nft(8) is not installed"* ]] && ok "firewall without nft says so" || bad "firewall without nft says so" "$out"
shape() { sed -n '/^table inet adit/,/^}/p' | grep -oE 'chain [a-z_]+|accept$|drop$|maxseg size set .*|"adit-branch"|198\.51\.100\.2|10\.2\.0\.0/24'; }
want=$(adit gw-a firewall | shape) got=$(shape <<<"$out")
[ -n "$want" ] && [ "$want" = "$got" ] && ok "and shows the table as nft would" ||
	bad "and shows the table as nft would" "$(diff <(echo "$want") <(echo "$got")); $out"
says "version" 0 "adit " version
says "log" 0 "established" log
says "log of a peer" 0 "established" log branch -n 50
out=$(adit gw-a log -n 1 --json)
[ "$(jq '.v == 1 and (.lines | length) == 1' <<<"$out")" = true ] && ok "log -n 1 --json" || bad "log -n 1 --json" "$out"
out=$(adit gw-a interfaces --json)
[ "$(jq -r '.interfaces[] | select(.name == "adit-branch") | .peer + " " + .role' <<<"$out")" = "branch tunnel" ] &&
	ok "interfaces --json" || bad "interfaces --json" "$out"
out=$(adit gw-a routes --json)
[ "$(jq -r '.routes[] | select(.network == "10.2.0.0/24") | .peer + " " + .protocol' <<<"$out")" = "branch adit" ] &&
	ok "routes --json" || bad "routes --json" "$out"
out=$(adit gw-a up branch --json 2>/dev/null)
[ "$(jq -r '.peers[0].state' <<<"$out")" = up ] && ok "up --json" || bad "up --json" "$out"

# --- log -f goes on over a restart
adit gw-a log -f -n 0 >"$LAB_DIR/follow" 2>&1 &
LAB_PIDS+=($!)
follow=$!
sleep 0.3
says "down" 0 "branch is down" down branch
says "down is not up" 3 "taken down" status branch
says "up once more" 0 "is up" up branch
says "restart" 0 "Restarted" restart
until_ok 50 is_up gw-a branch && ok "the tunnel comes back" || bad "the tunnel comes back" "$(pair_logs)"
says "a change to log" 0 "applied" peer set branch description=followed
until_ok 30 grep -q "settings changed" "$LAB_DIR/follow" && ok "log -f shows it" || bad "log -f shows it" "$(cat "$LAB_DIR/follow")"
grep -q "waiting for it" "$LAB_DIR/follow" && ok "and said that the daemon went" || bad "and said that the daemon went" "$(cat "$LAB_DIR/follow")"
kill $follow

# --- changes
says "set is applied" 0 "applied" peer set branch dpd_delay=20s
says "--no-apply" 0 "not applied" peer set branch dpd_delay=25s --no-apply
says "until reload" 0 "Applied" reload
says "a rekey is announced" 0 "new keys" peer set branch esp=aes256gcm16-ecp384
says "disable" 0 "is disabled" peer disable branch
says "a disabled peer does not come up" 3 "peer enable" up branch
says "enable" 0 "is enabled" peer enable branch
says "up" 0 "is up" up branch
says "rename" 0 "applied" peer rename branch office
until_ok 50 is_up gw-a office && ok "it is up under its new name" || bad "it is up under its new name" "$(pair_logs)"
says "rollback" 0 "applied" rollback --yes
says "up again" 0 "is up" up branch

# --- a file with an error: its peer is not lost from sight
conf=$(adit_dir gw-a)/etc
cp "$conf/peers/branch.conf" "$LAB_DIR/good.conf"
sed 's/10\.2\.0\.0\/24/10.66.0.0\/24/; s/198\.51\.100\.2/198.51.100.77/; s/^local_network.*/local_network = 10.1.0.1\/24/' \
	"$LAB_DIR/good.conf" >"$conf/peers/wrong.conf"
says "reload tells of it" 7 "adit check" reload
says "the peer is in the status" 0 "its settings have an error: peers/wrong.conf:" status
says "and by itself" 3 "adit check" status wrong
says "up says what is wrong" 7 "its settings have an error" up wrong
[ "$(adit gw-a status --json | jq -r '[.peers[].name] | join(" ")')" = "branch wrong" ] &&
	ok "sorted, as JSON" || bad "sorted, as JSON" "$(adit gw-a status --json)"
rm "$conf/peers/wrong.conf"
echo "mtu = 7" >>"$conf/peers/branch.conf"
says "a peer whose file went bad is up as before" 0 "branch stays as it was before" status
sed 's/198\.51\.100\.2/198.51.100.78/; s/10\.2\.0\.0/10.78.0.0/' "$LAB_DIR/good.conf" >"$conf/peers/later.conf"
cp "$LAB_DIR/good.conf" "$conf/peers/branch.conf"
says "a peer not read yet" 0 "has not read its settings yet" status
says "and what to do" 4 "adit reload" up later
rm "$conf/peers/later.conf"
says "all is well again" 0 "" reload

# --- strangers
[[ $(adit gw-a status) != *strangers* ]] && ok "no word of strangers while there are none" ||
	bad "no word of strangers while there are none" "$(adit gw-a status)"
# From the peer's address: the firewall keeps all others away.
for _ in 1 2 3; do in_ns gw-b bash -c 'echo no IKE message at all, just noise >/dev/udp/203.0.113.1/500'; done
until_ok 20 eval 'adit gw-a status --json | jq -e ".drops.malformed == 3 and .drops.no_peer == 0"' &&
	ok "their messages are counted" || bad "their messages are counted" "$(adit gw-a status --json)"
says "and told" 0 "3 IKE messages of strangers: 3 malformed" status

# --- the interface is deleted by somebody
adit gw-b peer set main start=responder >/dev/null
says "up, from here" 0 "is up" up branch
sleep 0.2
in_ns gw-a ip link del adit-branch
sleep 0.1
until_ok 15 ping_ok host-a 10.2.0.10 && ok "a deleted interface is back within two seconds" ||
	bad "a deleted interface is back within two seconds" "$(pair_logs)"
says "the log says what happened" 0 "branch down: its interface was deleted" log branch -n 10
[[ $(adit gw-a log branch -n 10) != *lifetime* ]] && ok "and blames no lifetime" ||
	bad "and blames no lifetime" "$(adit gw-a log branch -n 10)"
adit gw-b peer set main start=start >/dev/null
says "up as before" 0 "is up" up branch

# --- the way out goes and comes back
in_ns gw-a ip -6 route del default
in_ns gw-a ip route del default
until_ok 30 grep -q "no WAN interface" "$(adit_dir gw-a)/log" && ok "the default route goes: the log says so" ||
	bad "the default route goes: the log says so" "$(adit_log gw-a)"
says "and the status" 0 "no WAN interface" status
in_ns gw-a ip route add default via 203.0.113.254
until_ok 30 grep -q "the WAN is there: wan0" "$(adit_dir gw-a)/log" && ok "it comes back: the log says so" ||
	bad "it comes back: the log says so" "$(adit_log gw-a)"
says "up after that" 0 "is up" up branch
# A burst of six, then one a minute.
for _ in $(seq 8); do
	in_ns gw-a ip route del default; sleep 0.3; in_ns gw-a ip route add default via 203.0.113.254; sleep 0.3
done
n=$(grep -cE "no WAN interface|the WAN is there" "$(adit_dir gw-a)/log")
[ "$n" -le 8 ] && ok "one that flaps is told of $n times" || bad "one that flaps is told of $n times"
says "and all is well after it" 0 "is up" up branch

# --- a peer that only answers
says "a peer with any address" 0 "is added" peer add roam remote_gateway=any start=responder peer_id=roam.example \
	local_network=10.1.0.0/24 remote_network=10.44.0.0/24 --psk-file "$LAB_DIR/psk"
says "it cannot be called" 3 "has no remote_gateway to call: it waits for the peer" up roam
says "what to do is on the other side" 3 "Bring it up on the other side" up roam
says "and the status has it too" 3 "Bring it up on the other side" status roam
says "with an address it can be called" 0 "applied" peer set roam remote_gateway=198.51.100.66
says "and says so" 3 "adit up roam calls it now" status roam
says "gone again" 0 "" peer delete roam --yes

# --- failures say why
says "another gateway" 0 "restarts" peer set branch remote_gateway=198.51.100.99
says "nobody answers: 9, and what to check" 9 "UDP 500" up branch --timeout 2
says "back" 0 "applied" rollback -y
adit gw-a genpsk >"$LAB_DIR/other"; chmod 600 "$LAB_DIR/other"
says "another key" 0 "psk" peer set branch --psk-file "$LAB_DIR/other"
says "a wrong key: 3, and what to compare" 3 "Compare the key" up branch
says "status says it too" 3 "What to do" status branch
says "the right key" 0 "applied" peer set branch --psk-file "$LAB_DIR/psk"
says "up" 0 "is up" up branch
says "another network" 0 "applied" peer set branch remote_network=10.77.0.0/24
says "no common network: 3" 3 "the other way round" up branch --timeout 5
says "delete" 0 "deleted" peer delete branch --yes
says "and it is gone" 4 "no peer" status branch

# --- a daemon that does not answer, and none
iked=$(child_of gw-a iked)
kill -STOP "$iked"
start=$SECONDS
says "--timeout ends the wait" 9 "no answer" status --timeout 1
[ $((SECONDS - start)) -le 3 ] && ok "in time" || bad "in time" "$((SECONDS - start)) s"
kill -CONT "$iked"
if command -v setpriv >/dev/null; then
	chmod 755 "$(adit_dir gw-a)" "$(adit_dir gw-a)/run"
	out=$(in_ns gw-a setpriv --reuid 65534 --clear-groups "$LAB_B/adit" --config-dir "$(adit_dir gw-a)/etc" \
		--run-dir "$(adit_dir gw-a)/run" restart 2>&1); rc=$?
	[ $rc = 6 ] && [[ $out == *sudo* ]] && ok "not for everybody" || bad "not for everybody" "exit $rc: $out"
else
	skip "not for everybody" "no setpriv"
fi
adit_stop gw-a
says "stopped" 3 "not running" status
says "up without a daemon" 3 "start it" up branch
lab_done
