# libre: adit on gw-a (userspace ESP) against libreswan on gw-b (the kernel's ESP), inside a
# guest. Sourced by tests/kernel/libreswan*.sh after uml_self.
# shellcheck shell=bash
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
# shellcheck source=tests/lab/rows.bash
. tests/lab/rows.bash
PEER="libreswan 4.10"

# over FOLDER UNPACKED: the guest sees the package's files in FOLDER beside the host's. What is
# written there goes to the guest's memory.
over() {
	local w=/run/over$1
	mkdir -p "$w/upper" "$w/work"
	mount -t overlay overlay -o "lowerdir=$2$1:$1,upperdir=$w/upper,workdir=$w/work" "$1"
}
libre_install() {	# UNPACKED
	over /usr "$1" && over /etc "$1" && mkdir -p /run/pluto /run/nss && certutil -N -d sql:/run/nss --empty-password
}

# libre_cert NAME...: certificates of certs.bash into libreswan's store: …ca… as CA, else with key.
libre_cert() {
	local n
	for n; do
		case $n in
		*ca-*) certutil -A -d sql:/run/nss -n "$n" -t CT,, -i "$CERTS/$n.crt" ;;
		*)	openssl pkcs12 -export -in "$CERTS/$n.crt" -inkey "$CERTS/$n.key" -name "$n" \
				-passout pass: -out "$CERTS/$n.p12" &&
				pk12util -i "$CERTS/$n.p12" -d sql:/run/nss -W '' -K '' >/dev/null ;;
		esac || bad "libreswan takes the certificate $n"
	done
}

whack() { in_ns gw-b /usr/libexec/ipsec/whack --rundir /run/pluto "$@"; }
PLUTO_LOG=/run/pluto/log
pluto_start() {
	printf 'config setup\n\tikev1-policy=accept\n\tuniqueids=yes\n' >/etc/ipsec.conf
	ip netns exec "$(ns gw-b)" /usr/libexec/ipsec/pluto --config /etc/ipsec.conf --nofork \
		--rundir /run/pluto --nssdir /run/nss --secretsfile /etc/ipsec.secrets --no-dnssec \
		--logfile $PLUTO_LOG --nhelpers 0 --uniqueids >/run/pluto/out 2>&1 &
	PLUTO_PID=$!
	LAB_PIDS+=("$PLUTO_PID")
	until_ok 100 test -S /run/pluto/pluto.ctl && until_ok 50 whack --status
}
pluto_stop() {
	kill -9 "$PLUTO_PID" 2>/dev/null; wait "$PLUTO_PID" 2>/dev/null
	rm -f /run/pluto/pluto.*
	# The kernel's SAs are what a killed pluto leaves behind.
	in_ns gw-b ip xfrm state flush; in_ns gw-b ip xfrm policy flush
}

# peer_set KEY=VALUE...: the connection "site" of libreswan, made anew. psk=… is the key; a slash
# in ike= and esp= stands for libreswan's semicolon.
peer_set() {
	local kv psk=\"$PSK\"
	local -A set=([ikev2]=insist [authby]=secret [left]=$B4 [leftsubnet]=10.2.0.0/24 [right]=$A4
		[rightsubnet]=10.1.0.0/24 [ike]="aes_gcm256-sha2_384;dh20" [esp]="aes_gcm256;dh20"
		[encapsulation]=yes [rekey]=yes [auto]=ignore)
	for kv; do
		case $kv in
		psk=*) psk=${kv#psk=} ;;
		*=) unset "set[${kv%%=*}]" ;;
		ike=*|esp=*) set[${kv%%=*}]=$(tr / ';' <<<"${kv#*=}") ;;
		*) set[${kv%%=*}]=${kv#*=} ;;
		esac
	done
	whack --name site --delete >/dev/null 2>&1
	printf ': PSK %s\n' "$psk" >/etc/ipsec.secrets; chmod 600 /etc/ipsec.secrets
	{
		printf 'conn site\n'
		for kv in "${!set[@]}"; do printf '\t%s=%s\n' "$kv" "${set[$kv]}"; done
	} >/run/site.conf
	whack --rereadsecrets >/dev/null 2>&1
	in_ns gw-b /usr/libexec/ipsec/addconn --config /run/site.conf --ctlsocket /run/pluto/pluto.ctl site \
		>/run/addconn 2>&1
	whack --status | grep -q '"site' || { cat /run/addconn; tail -3 $PLUTO_LOG; return 1; }
	whack --listen >/dev/null 2>&1
}
peer_up() { timeout 25 ip netns exec "$(ns gw-b)" /usr/libexec/ipsec/whack --rundir /run/pluto --name site --initiate; }
both_logs() {
	echo "--- adit:"; adit_log gw-a 25
	echo "--- libreswan:"; tail -25 $PLUTO_LOG
	in_ns gw-b ip -s xfrm state | grep -vE 'enc|auth-trunc|aead' | head -40
}
libre_start() {
	lab_offices
	adit_conf gw-a
	printf 'dataplane = %s\n' "${LIBRE_DATAPLANE:-userspace}" >"$(adit_dir gw-a)/etc/adit.conf"
	pluto_start || { bad "pluto starts" "$(cat /run/pluto/out $PLUTO_LOG)"; lab_done; exit; }
	adit_start gw-a || { bad "aditd starts" "$(adit_log gw-a)"; lab_done; exit; }
}
# newest ike|ipsec: the number of libreswan's newest SA of that kind; #0 when there is none.
newest() {
	local kind=$1
	[ "$kind" != ike ] || kind='(IKE|ISAKMP)'
	whack --status | grep -ioE "newest $kind SA: #[0-9]+" | head -1 | grep -oE '[0-9]+$'
}
is_newer() { [ "$(newest "$1")" -gt "$2" ]; }
one_child() { [ "$(whack --status | grep -cE 'STATE_(V2_ESTABLISHED_CHILD_SA|QUICK_[IR]2)')" = 1 ]; }

check_rekey_theirs() {
	local before
	before=$(newest ipsec); whack --rekey-ipsec --name site >/dev/null 2>&1
	expect "$1: libreswan rekeys the child" until_ok 50 is_newer ipsec "$before"
	across "$1: after that"
	before=$(newest ike); whack --rekey-ike --name site >/dev/null 2>&1
	expect "$1: libreswan rekeys the IKE SA" until_ok 50 is_newer ike "$before"
	across "$1: after that too"
	expect "$1: one child is left" until_ok 80 one_child
}
# By short lifetimes, which the row sets.
check_rekey_child_ours() {
	local before; before=$(newest ipsec)
	expect "$1: adit rekeys the child" until_ok 200 is_newer ipsec "$before"
	across "$1: after that"
}
check_rekey_ike_ours() {
	local before; before=$(newest ike)
	expect "$1: adit rekeys the IKE SA" until_ok 200 is_newer ike "$before"
	across "$1: after that"
}
check_delete_theirs() {
	local ours; ours=$(our_spi)
	whack --name site --terminate >/dev/null 2>&1
	# shellcheck disable=SC2317  # by until_ok
	other() { [ "$(our_spi)" != "$ours" ]; }
	expect "$1: a Delete of the peer takes our end down" until_ok 30 other
	[ -n "$ours" ] || bad "$1: status names no SPI"
}
check_delete_ours() {
	local before; before=$(newest ipsec)
	adit gw-a down site >/dev/null
	# shellcheck disable=SC2317  # by until_ok
	gone() { [ "$(newest ipsec)" != "$before" ]; }
	expect "$1: our Delete takes it down there" until_ok 30 gone
	expect_not "$1: and its kernel has no SA of it" in_ns gw-b sh -c 'ip xfrm state | grep -q "proto esp"'
}
# The peer dies without a word and is there again: the new tunnel takes the place of the old.
check_peer_restarts() {
	pluto_stop
	pluto_start && peer_set || { bad "$1: pluto starts again"; return; }
	if out=$(peer_up 2>&1); then ok "$1: the peer was killed, and calls again"; else bad "$1: the peer calls again" "$out
$(both_logs)"; fi
	across "$1: traffic after that" host-b 10.1.0.10
}
check_we_restart() {
	adit_stop gw-a; adit_start gw-a
	if out=$(adit gw-a --timeout 20 up site 2>&1); then ok "$1: aditd was stopped and started"; else bad "$1: aditd was started again" "$out
$(both_logs)"; fi
	across "$1: traffic after that"
}
