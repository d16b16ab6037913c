# swan: adit on gw-a against strongSwan on gw-b. Sourced by the strongswan_*.sh tests.
# shellcheck shell=bash
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash

A4=203.0.113.1 B4=198.51.100.2 A6=2001:db8:a::1 B6=2001:db8:b::2
PSK='a-long-enough-key-for-both'

# swan_peer KEY=VALUE...: write and load the other side. Keys: local remote ike esp local_id
# remote_id version local_ts remote_ts psk conn (more lines of the connection) child (of the child)
swan_peer() {
	local local=$B4 remote=$A4 ike=aes256gcm16-prfsha384-ecp384 esp=aes256gcm16-ecp384
	local local_id='' remote_id='' version=2 local_ts=10.2.0.0/24 remote_ts=10.1.0.0/24 conn='' child='' psk="\"$PSK\""
	local kv
	for kv; do local "${kv%%=*}"; printf -v "${kv%%=*}" %s "${kv#*=}"; done
	swan gw-b --terminate --ike site --force --timeout 1 >/dev/null 2>&1
	swan_conf gw-b <<-END
	connections {
		site {
			version = $version
			local_addrs = $local
			remote_addrs = $remote
			proposals = $ike
			$conn
			local {
				auth = psk
				${local_id:+id = "$local_id"}
			}
			remote {
				auth = psk
				${remote_id:+id = "$remote_id"}
			}
			children {
				net {
					local_ts = $local_ts
					remote_ts = $remote_ts
					esp_proposals = $esp
					$child
				}
			}
		}
	}
	secrets {
		ike-site {
			secret = $psk
		}
	}
	END
}

# adit_peer KEY=VALUE...: the peer "site" on gw-a, made anew. psk=… (none: without) and ppk=… go
# by files.
adit_peer() {
	local args=() psk=$PSK ppk='' start=start kv
	local base=(local_ip="$A4" remote_gateway="$B4" local_network=10.1.0.0/24
		remote_network=10.2.0.0/24 ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384)
	for kv; do
		case $kv in
		psk=*) psk=${kv#psk=} ;;
		ppk=*) ppk=${kv#ppk=} ;;
		start=*) start=${kv#start=} ;;
		*) args+=("$kv") ;;
		esac
	done
	printf %s "$psk" >"$LAB_DIR/psk"; chmod 600 "$LAB_DIR/psk"
	printf %s "$ppk" >"$LAB_DIR/ppk"; chmod 600 "$LAB_DIR/ppk"
	[ "$psk" = none ] || args+=(--psk-file "$LAB_DIR/psk")
	[ -z "$ppk" ] || args+=(--ppk-file "$LAB_DIR/ppk")
	adit gw-a peer delete site --yes >/dev/null 2>&1
	adit gw-a peer add site "${base[@]}" "${args[@]}" start="$start" >"$LAB_DIR/add" 2>&1 || { cat "$LAB_DIR/add"; return 1; }
}

# What both logs say, when something failed.
both_logs() {
	echo "--- adit:"; adit_log gw-a 25
	echo "--- strongSwan:"; tail -25 "$(adit_dir gw-b)/log"
}

# The tunnel is up and a host reaches the other host. across NAME [FROM TO]
across() {
	local i
	for ((i = 0; i < 25; i++)); do
		ping_ok "${2:-host-a}" "${3:-10.2.0.10}" 1 1 && { ok "$1"; return 0; }
		sleep 0.1
	done
	bad "$1" "$(both_logs)"
	return 1
}

start_both() {
	lab_offices
	lab_addr gw-a lan0 10.11.0.1/24; lab_addr gw-b lan0 10.22.0.1/24
	lab_addr host-a eth0 10.11.0.10/24; lab_addr host-b eth0 10.22.0.10/24
	adit_conf gw-a
	charon_start gw-b "$@" || { echo "charon does not start"; cat "$(adit_dir gw-b)/out"; }
	adit_start gw-a || { echo "aditd does not start"; adit_log gw-a; }
}

# The proposals, IDs and keys that both tests go through:
# NAME|adit's settings|strongSwan's
COMBOS=(
"gcm ecp384|ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384|ike=aes256gcm16-prfsha384-ecp384 esp=aes256gcm16-ecp384"
"cbc modp2048, fqdn|ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 local_id=a.example peer_id=b.example|ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 local_id=b.example remote_id=a.example"
"x25519, user@fqdn|ike=aes128-sha256-x25519 esp=aes128gcm16-x25519 local_id=gw@a.example peer_id=gw@b.example|ike=aes128-sha256-x25519 esp=aes128gcm16-x25519 local_id=gw@b.example remote_id=gw@a.example"
"chacha20, key id, hex key|ike=chacha20poly1305-sha256-x25519 esp=chacha20poly1305 local_id=keyid:office-a peer_id=keyid:office-b psk=0x00112233445566778899aabbccddeeff0011223344556677|ike=chacha20poly1305-prfsha256-x25519 esp=chacha20poly1305 local_id=keyid:office-b remote_id=keyid:office-a psk=0x00112233445566778899aabbccddeeff0011223344556677"
"gcm128 ecp256, DN|ike=aes128gcm16-sha256-ecp256 esp=aes128-sha256-ecp256 local_id=C=DE,O=Example,CN=gw-a peer_id=C=DE,O=Example,CN=gw-b|ike=aes128gcm16-prfsha256-ecp256 esp=aes128-sha256-ecp256 local_id=C=DE,O=Example,CN=gw-b remote_id=C=DE,O=Example,CN=gw-a"
"sha512 ecp521|ike=aes256-sha512-ecp521 esp=aes256-sha512-ecp521|ike=aes256-sha512-ecp521 esp=aes256-sha512-ecp521"
"192 bit, sha384, modp3072, mixed IDs|ike=aes192-sha384-modp3072 esp=aes192-sha384 peer_id=b.example|ike=aes192-sha384-modp3072 esp=aes192-sha384 local_id=b.example"
"modp4096|ike=aes256-sha256-modp4096 esp=aes256gcm16-modp4096|ike=aes256-sha256-modp4096 esp=aes256gcm16-modp4096"
"weak: 3des sha1 modp1024|ike=3des-sha1-modp1024 esp=3des-sha1 allow_weak=3des,sha1,modp1024|ike=3des-sha1-modp1024 esp=3des-sha1"
"weak: sha1 modp1536|ike=aes128-sha1-modp1536 esp=aes128-sha1-modp1536 allow_weak=sha1,modp1536|ike=aes128-sha1-modp1536 esp=aes128-sha1-modp1536"
"weak: camellia|ike=camellia256-sha256-modp2048 esp=camellia128-sha256 allow_weak=camellia|ike=camellia256-sha256-modp2048 esp=camellia128-sha256"
"weak: md5|ike=aes256-md5-modp2048 esp=aes256-md5 allow_weak=md5|ike=aes256-md5-modp2048 esp=aes256-md5"
"ctr in ESP|ike=aes256-sha256-modp2048 esp=aes256ctr-sha256-ecp256|ike=aes256-sha256-modp2048 esp=aes256ctr-sha256-ecp256"
"weak: no encryption in ESP|ike=aes128-sha256-x25519 esp=null-sha256 allow_weak=null|ike=aes128-sha256-x25519 esp=null-sha256"
"second of two proposals|ike=aes256gcm16-sha512-ecp256,aes128-sha256-x25519 esp=chacha20poly1305-ecp256,aes256-sha256-x25519|ike=aes128-sha256-x25519 esp=aes256-sha256-x25519"
"another group than first (INVALID_KE)|ike=aes256-sha256-ecp256-modp2048 esp=aes256gcm16-ecp256-modp2048|ike=aes256-sha256-modp2048 esp=aes256gcm16-modp2048"
"several networks|local_network=10.1.0.0/24,10.11.0.0/24 remote_network=10.2.0.0/24,10.22.0.0/24|local_ts=10.2.0.0/24,10.22.0.0/24 remote_ts=10.1.0.0/24,10.11.0.0/24|10.22.0.10"
"narrowed by the other side|local_network=10.1.0.0/16 remote_network=10.2.0.0/16|local_ts=10.2.0.0/24 remote_ts=10.1.0.0/24"
"IPv4 in IPv6|local_ip=$A6 remote_gateway=$B6|local=$B6 remote=$A6"
"IPv6 in IPv4|local_network=fd01::/64 remote_network=fd02::/64|local_ts=fd02::/64 remote_ts=fd01::/64|fd02::10"
)
