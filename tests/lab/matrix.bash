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
check_delete_theirs() {
	swan gw-b --terminate --ike site --timeout 3 >/dev/null 2>&1
	expect "$1: a Delete of the peer takes it down" until_ok 30 not_up
}
not_up() { ! is_up gw-a site; }
