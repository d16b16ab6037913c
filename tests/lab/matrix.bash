# matrix: the other side of tests/lab/rows.bash as strongSwan. Sourced by tests/lab/matrix*.sh.
# shellcheck shell=bash
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
# shellcheck source=tests/lab/rows.bash
. tests/lab/rows.bash
# shellcheck disable=SC2034  # read by rows.bash
PEER="strongSwan 5.9.8"

# peer_set KEY=VALUE...: write and load the other side. Keys: version local remote ike esp local_id
# remote_id auth remote_auth local_ts remote_ts psk cert (file in x509) cacert (file in x509ca), and
# more lines: conn (of the connection) lines_l (of local{}) lines_r (of remote{}) child (of the
# child) kids (more children) secrets
peer_set() {
	local version=2 local=$B4 remote=$A4 ike=aes256gcm16-prfsha384-ecp384 esp=aes256gcm16-ecp384
	local local_id='' remote_id='' auth=psk remote_auth='' local_ts=10.2.0.0/24 remote_ts=10.1.0.0/24
	local conn='' child='' kids='' secrets='' lines_l='' lines_r='' psk="\"$PSK\"" cert='' cacert='' kv
	for kv; do local "${kv%%=*}"; printf -v "${kv%%=*}" %s "${kv#*=}"; done
	swan gw-b --terminate --ike site --force --timeout 1 >/dev/null 2>&1
	swan_conf gw-b <<-EOF
	connections {
		site {
			version = $version
			local_addrs = $local
			remote_addrs = $remote
			proposals = $ike
			$conn
			local {
				auth = $auth
				${local_id:+id = "$local_id"}
				${cert:+certs = $cert}
				$lines_l
			}
			remote {
				auth = ${remote_auth:-$auth}
				${remote_id:+id = "$remote_id"}
				${cacert:+cacerts = $cacert}
				$lines_r
			}
			children {
				net {
					local_ts = $local_ts
					remote_ts = $remote_ts
					esp_proposals = $esp
					$child
				}
				$kids
			}
		}
	}
	secrets {
		ike-site {
			secret = $psk
		}
		$secrets
	}
	EOF
	grep -q 'loaded connection .site.' "$(adit_dir gw-b)/load" || { cat "$(adit_dir gw-b)/load"; return 1; }
}
peer_up() { swan gw-b --initiate --child net --timeout 15; }

# The SPIs that are there; of an IKEv1 SA the old one stays for a while.
ike_spi() { swan gw-b --list-sas --raw | grep -oE 'initiator-spi=[0-9a-f]+' | sort; }
esp_spi() { swan gw-b --list-sas --raw | grep -oE 'spi-in=[0-9a-f]+' | sort; }
# changed WHICH BEFORE: is there one that was not?
changed() { [ -n "$(comm -13 <(printf '%s\n' "$2") <("$1"))" ]; }
one_of_each() {
	[ "$(swan gw-b --list-sas | grep -c ESTABLISHED)" = 1 ] &&
		[ "$(swan gw-b --list-sas | grep -c INSTALLED)" = "${1:-1}" ]
}

# ---- checks

check_rekey_theirs() {
	local before
	before=$(esp_spi); swan gw-b --rekey --child net >/dev/null
	expect "$1: strongSwan rekeys the child" until_ok 50 changed esp_spi "$before"
	across "$1: after that"
	before=$(ike_spi); swan gw-b --rekey --ike site >/dev/null
	expect "$1: strongSwan rekeys the IKE SA" until_ok 50 changed ike_spi "$before"
	across "$1: after that too"
	expect "$1: one of each is left" until_ok 80 one_of_each
}
# By short lifetimes, which the row sets (esp_life=16s rekey_margin=8s, or ike_life).
check_rekey_child_ours() {
	local before; before=$(esp_spi)
	expect "$1: adit rekeys the child" until_ok 200 changed esp_spi "$before"
	across "$1: after that"
}
check_rekey_ike_ours() {
	local before; before=$(ike_spi)
	expect "$1: adit rekeys the IKE SA" until_ok 200 changed ike_spi "$before"
	across "$1: after that"
}
# Theirs are gone, and so is our end of them; what comes up anew has other SPIs.
check_delete_theirs() {
	local before ours; before=$(ike_spi) ours=$(our_spi)
	swan gw-b --terminate --ike site --timeout 3 >/dev/null 2>&1
	# shellcheck disable=SC2317  # by until_ok
	other() { [ "$(our_spi)" != "$ours" ]; }
	expect "$1: a Delete of the peer takes our end down" until_ok 30 other
	[ -n "$ours" ] && [[ $(ike_spi) != *"$before"* ]] && ok "$1: and theirs" || bad "$1: theirs stays" "$(both_logs)"
}

# ---- addresses that change (RFC 4555): the IKE SA stays, and the traffic goes on

move() {	# NS FROM TO [SECONDS with both], with /24, on wan0
	in_ns "$1" sysctl -qw net.ipv4.conf.wan0.promote_secondaries=1
	in_ns "$1" ip addr add "$3" dev wan0
	sleep "${4:-0}"
	in_ns "$1" ip addr del "$2" dev wan0
}
moved() {	# NAME WHO SPIS-BEFORE
	[ "$(ike_spi)" = "$3" ] && ok "$1: $2 moved, and the IKE SA is the same" || bad "$1: another IKE SA" "$(both_logs)"
}
check_move_ours() {
	local before; before=$(ike_spi)
	move gw-a $A4/24 203.0.113.7/24
	across "$1: we are at another address" && across "$1: and are reached there" host-b 10.1.0.10
	moved "$1" we "$before"
	move gw-a 203.0.113.7/24 $A4/24
	across "$1: and back again"
}
check_move_theirs() {
	local before; before=$(ike_spi)
	move gw-b $B4/24 198.51.100.7/24
	across "$1: the peer is at another address" host-b 10.1.0.10 && across "$1: and is reached there"
	moved "$1" "the peer" "$before"
	move gw-b 198.51.100.7/24 $B4/24
	across "$1: and back again" host-b 10.1.0.10
}
# The one who called is told of a further address, and goes there when the first is gone.
check_second_address() {
	local before; before=$(ike_spi)
	move gw-b $B4/24 198.51.100.7/24 2
	expect "$1: the second address is taken when the first is gone" until_ok 200 ping_ok host-a 10.2.0.10
	moved "$1" "the peer" "$before"
	move gw-b 198.51.100.7/24 $B4/24
}
