# bench: what the figures of `make bench` share. Sourced by tests/bench/NAME.sh, each of which
# also runs alone: tests/bench/NAME.sh BUILD_DIR.
#
# adit and strongSwan's charon are measured in the same run, in turns, each in a lab of its own,
# with the same proposals and both at their usual log level. A figure is a line in BENCH_OUT:
# name, unit, adit, charon, aim, runs, with tabs between. Aims: "<0.5" and ">2" are ratios,
# "<2048abs" is of our figure alone, "-" only informs.
# shellcheck shell=bash
LAB_B=$(cd "${LAB_B:-build}" 2>/dev/null && pwd) || { echo "bench: no such build dir" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "bench: network namespaces need root: sudo make bench" >&2; exit 1; }
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash

STOPWATCH=$LAB_B/tests/bench/stopwatch
BENCH_TOP=$LAB_DIR
BENCH_LAB=$LAB
BENCH_IKE=aes256gcm16-sha256-x25519		# adit's first default, in adit's words
BENCH_ESP=aes256gcm16-x25519
BENCH_SWAN_IKE=aes256gcm16-prfsha256-x25519	# and in strongSwan's
BENCH_SWAN_ESP=aes256gcm16-x25519
BENCH_ALONE=
[ -n "${BENCH_OUT:-}" ] || { BENCH_ALONE=1; BENCH_OUT=$BENCH_TOP/figures; }

bench_end() {
	local rc=$?
	LAB_DIR=$BENCH_TOP
	[ -z "$BENCH_ALONE" ] || tests/bench/table.awk "$BENCH_OUT"
	(exit $rc)
	lab_end
}
trap bench_end EXIT

# side adit|charon|NAME: which lab the functions of lab.bash mean from here on.
side() {
	LAB=$BENCH_LAB${1:0:1}
	LAB_DIR=$BENCH_TOP/$1
	mkdir -p "$LAB_DIR"
}

die() {
	echo "bench: $1" >&2
	tail -n 5 "$LAB_DIR"/gw-*/log >&2 2>/dev/null
	exit 1
}

# median COLUMN FILE
median() {
	awk -v c="$1" 'NF >= c { print $c }' "$2" | sort -g | awk '
		{ v[NR] = $1 }
		END { if (!NR) { print "-"; exit 1 }
		      printf "%.2f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# figure NAME UNIT ADIT CHARON AIM RUNS
figure() { (IFS=$'\t'; printf '%s\n' "$*") >>"$BENCH_OUT"; }

# ---- charon, quieter than in the tests: both daemons log as they would for a user

# bench_charon NS trimmed|debian: start charon. BENCH_CHARON says who it is.
bench_charon() {
	local d; d=$(adit_dir "$1")
	bench_charon_conf "$1" "$2"
	STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl ip netns exec "$(ns "$1")" \
		unshare -m sh -c 'mount -t tmpfs tmpfs /run && exec /usr/lib/ipsec/charon' >"$d/out" 2>&1 &
	BENCH_CHARON=$!
	LAB_PIDS+=("$BENCH_CHARON")
	eval "CHARON_PID_${1//-/_}=$BENCH_CHARON"
	until_ok 80 swan "$1" --version || die "charon does not start"
	until_ok 80 swan "$1" --stats || die "charon does not answer"
}

# trimmed: PEERS.md's list of what these tunnels need. debian: whatever the packages switch on,
# and kernel-libipsec, without which no packet would flow here.
bench_charon_conf() {
	local d load; d=$(adit_dir "$1")
	# swanctl complains of each folder that is not there.
	mkdir -p "$d"/swanctl/{x509,x509ca,x509ocsp,x509aa,x509ac,x509crl,pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
	if [ "$2" = trimmed ]; then
		load='load_modular = no
		load = random nonce openssl aes sha1 sha2 md5 mgf1 hmac kdf gcm chapoly curve25519 xcbc cmac ctr ccm pem pkcs1 pkcs8 x509 pubkey constraints revocation kernel-libipsec kernel-netlink socket-default vici updown counters'
	else
		load='load_modular = yes'
	fi
	cat >"$d/strongswan.conf" <<-END
	charon {
		$load
		install_virtual_ip = no
		# A hundred peers at one address are no attack here.
		dos_protection = no
		plugins {
			$([ "$2" = trimmed ] || echo "include /etc/strongswan.d/charon/*.conf")
			vici { socket = unix://$d/vici }
			kernel-libipsec {
				load = yes
				allow_peer_ts = yes
			}
			socket-default { fwmark = 0x42 }
			kernel-netlink { fwmark = !0x42 }
		}
		filelog {
			log {
				path = $d/log
				append = no
				flush_line = yes
				default = 1
			}
		}
	}
	swanctl { load = pem pkcs1 pkcs8 x509 pubkey openssl }
	END
}

# ---- two routers with one tunnel: "branch" at gw-a, to be begun by hand

bench_offices_adit() {
	side adit; lab_offices
	adit_conf gw-a; adit_conf gw-b
	bench_peer gw-a branch 203.0.113.1 198.51.100.2 10.1.0.0/24 10.2.0.0/24
	bench_peer gw-b main 198.51.100.2 203.0.113.1 10.2.0.0/24 10.1.0.0/24
	adit_start gw-a || die "aditd does not start"
	adit_start gw-b || die "aditd does not start"
}

bench_offices_charon() {
	side charon; lab_offices
	bench_charon gw-a trimmed; bench_charon gw-b trimmed
	bench_conn branch 203.0.113.1 198.51.100.2 10.1.0.0/24 10.2.0.0/24 none | swan_conf gw-a || die "swanctl.conf"
	bench_conn main 198.51.100.2 203.0.113.1 10.2.0.0/24 10.1.0.0/24 none | swan_conf gw-b || die "swanctl.conf"
}

# bench_peer NS NAME LOCAL REMOTE LOCAL-NET REMOTE-NET [start]: the files that `adit peer add` writes
bench_peer() {
	local d; d=$(adit_dir "$1")/etc
	cat >"$d/peers/$2.conf" <<-END
	start = ${7:-responder}
	local_ip = $3
	remote_gateway = $4
	local_network = $5
	remote_network = $6
	ike = $BENCH_IKE
	esp = $BENCH_ESP
	END
	(umask 077; echo "a-long-enough-key-for-both" >"$d/secrets/$2")
}

# bench_conn NAME LOCAL REMOTE LOCAL-NET REMOTE-NET none|start: the same for swanctl.conf
bench_conn() {
	cat <<-END
	connections { $1 {
		version = 2
		local_addrs = $2
		remote_addrs = $3
		proposals = $BENCH_SWAN_IKE
		local { auth = psk }
		remote { auth = psk }
		children { $1 {
			local_ts = $4
			remote_ts = $5
			esp_proposals = $BENCH_SWAN_ESP
			start_action = $6
		} }
	} }
	secrets { ike-$1 {
		id-a = $2
		id-b = $3
		secret = a-long-enough-key-for-both
	} }
	END
}

# ---- two routers with up to a hundred tunnels: gw-b has an address for each
#
#   gw-a 203.0.113.1 ═══ 198.18.0.N gw-b      10.98.N.0/24 === 10.99.N.0/24

bench_many_lab() {
	local i
	side "$1"
	lab_ns gw-a gw-b
	lab_link gw-a wan0 gw-b wan0
	lab_addr gw-a wan0 203.0.113.1/24
	in_ns gw-a ip route add 198.18.0.0/24 dev wan0
	{
		echo "addr add 203.0.113.2/24 dev wan0"
		for ((i = 1; i <= 100; i++)); do echo "addr add 198.18.0.$i/32 dev wan0"; done
		for ((i = 1; i <= 100; i++)); do echo "addr add 10.99.$i.1/32 dev lo"; done
	} | ip -n "$(ns gw-b)" -batch - || die "addresses"
	for ((i = 1; i <= 100; i++)); do echo "addr add 10.98.$i.1/32 dev lo"; done |
		ip -n "$(ns gw-a)" -batch - || die "addresses"
	case $1 in
	adit*) adit_start gw-a || die "aditd does not start"
		adit_start gw-b || die "aditd does not start" ;;
	*) bench_charon gw-a "${2:-trimmed}"; bench_charon gw-b "${2:-trimmed}" ;;
	esac
}

# bench_many_up adit|charon FROM TO: tunnels FROM to TO come up; prints how long that took, from
# the moment gw-a is told of them.
bench_many_up() {
	local i d n=$(($3 - $2 + 1)) took
	if [[ $1 = adit* ]]; then
		for ((i = $2; i <= $3; i++)); do
			bench_peer gw-a "p$i" 203.0.113.1 "198.18.0.$i" "10.98.$i.0/24" "10.99.$i.0/24" start
			bench_peer gw-b "p$i" "198.18.0.$i" 203.0.113.1 "10.99.$i.0/24" "10.98.$i.0/24"
		done
		adit gw-b reload >/dev/null || die "reload"
		d=$(adit_dir gw-a)
		took=$(ip netns exec "$(ns gw-a)" "$STOPWATCH" lines "$d/log" ": established, " $n \
			"$LAB_B/adit" --config-dir "$d/etc" --run-dir "$d/run" reload) ||
			die "$n tunnels do not come up"
	else
		# All of them in the file: what is there already stays as it is.
		for ((i = 1; i <= $3; i++)); do bench_conn "p$i" "198.18.0.$i" 203.0.113.1 \
			"10.99.$i.0/24" "10.98.$i.0/24" none; done | swan_conf gw-b || die "swanctl.conf"
		d=$(adit_dir gw-a)
		for ((i = 1; i <= $3; i++)); do bench_conn "p$i" 203.0.113.1 "198.18.0.$i" \
			"10.98.$i.0/24" "10.99.$i.0/24" start
		done >"$d/swanctl/swanctl.conf"
		took=$(STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl \
			ip netns exec "$(ns gw-a)" "$STOPWATCH" lines "$d/log" "} established with SPIs" $n \
			swanctl --load-all --uri "unix://$d/vici") || die "$n tunnels do not come up"
	fi
	# They carry packets, not only names.
	in_ns gw-a ping -n -c 2 -i 0.2 -W 2 -I "10.98.$3.1" "10.99.$3.1" >/dev/null ||
		die "no packet through tunnel $3"
	echo "$took"
}

# bench_pids adit|charon NS: the processes of the daemon there
bench_pids() {
	local v
	case $1 in
	adit*) v="ADITD_PID_${2//-/_}"; echo "${!v}"; pgrep -P "${!v}" ;;
	*) v="CHARON_PID_${2//-/_}"; echo "${!v}" ;;
	esac
}

# End what runs in this side's lab, and the lab itself: the next round starts from nothing.
bench_many_end() {
	local n p pids
	for n in gw-a gw-b; do
		pids=$(bench_pids "$1" $n)
		for p in $pids; do kill "$p" 2>/dev/null; break; done
		for p in $pids; do lab_gone "$p" 60 || kill -9 "$p" 2>/dev/null; done
	done
	for n in gw-a gw-b; do ip netns del "$(ns $n)"; done
	rm -rf "$LAB_DIR"
}
