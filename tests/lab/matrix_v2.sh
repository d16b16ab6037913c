#!/bin/bash
# matrix_v2: what a site-to-site peer may ask of IKEv2, against strongSwan, both roles.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
PEER="strongSwan 5.9.8, IKEv2"
start_both

IDS_O="local_id=a.example peer_id=b.example"
IDS_T="local_id=b.example remote_id=a.example"
IKE6_O="local_ip=$A6 remote_gateway=$B6" IKE6_T="local=$B6 remote=$A6"
T=""
PPK="'secrets=ppk-office {
id = office
secret = \"a-post-quantum-key-of-many-bytes\"
}'"
KID="two {
local_ts = 10.22.0.0/24
remote_ts = 10.11.0.0/24
esp_proposals = aes256gcm16-ecp384
}"
KID2="two {
local_ts = 10.2.0.0/24
remote_ts = 10.11.0.0/24
esp_proposals = aes256gcm16-ecp384
}"
ROWS=(
"PSK, nothing in clear|||both_ways hidden delete_theirs"
"PSK, behind our NAT|$IDS_O|$IDS_T remote=198.51.100.254|path=nat_ours both_ways nat_said"
"PSK, behind their NAT|$IDS_O remote_gateway=203.0.113.254|$IDS_T|path=nat_theirs both_ways nat_said"
"PSK, NAT on both sides|$IDS_O remote_gateway=203.0.113.254|$IDS_T remote=198.51.100.254|path=nat_both both_ways nat_said"
"PSK, rekeys behind NAT|$IDS_O|$IDS_T remote=198.51.100.254|path=nat_ours rekey_theirs"
"PSK, they rekey both||| rekey_theirs"
"PSK, we rekey the child|esp_life=16s rekey_margin=8s|| only=adit rekey_child_ours"
"PSK, we rekey the IKE SA|ike_life=16s rekey_margin=8s|| only=peer rekey_ike_ours"
"IPv4 in IPv6|$IKE6_O|$IKE6_T|both_ways"
"IPv6 in IPv4|local_network=fd01::/64 remote_network=fd02::/64|local_ts=fd02::/64 remote_ts=fd01::/64|to=fd02::10 back=fd01::10"
"IPv6 in IPv6|$IKE6_O local_network=fd01::/64 remote_network=fd02::/64|$IKE6_T local_ts=fd02::/64 remote_ts=fd01::/64|to=fd02::10 back=fd01::10"
"IPv4 and IPv6 in one child|local_network=10.1.0.0/24,fd01::/64 remote_network=10.2.0.0/24,fd02::/64|local_ts=10.2.0.0/24,fd02::/64 remote_ts=10.1.0.0/24,fd01::/64|both_ways to=fd02::10 back=fd01::10"
"many selectors in one child|local_network=10.1.0.0/24,10.11.0.0/24 remote_network=10.2.0.0/24,10.22.0.0/24|local_ts=10.2.0.0/24,10.22.0.0/24 remote_ts=10.1.0.0/24,10.11.0.0/24|both_ways more_networks"
"PPK|ppk_id=office ppk=a-post-quantum-key-of-many-bytes ppk_required=yes|'conn=ppk_id = office
ppk_required = yes' $PPK|both_ways"
"PPK here alone, not required|ppk_id=office ppk=a-post-quantum-key-of-many-bytes|$T|both_ways"
"two children|child.two.local_network=10.11.0.0/24 child.two.remote_network=10.22.0.0/24|'kids=$KID'|only=adit both_ways second_child"
"two networks, a child for each pair|local_network=10.1.0.0/24,10.11.0.0/24 remote_network=10.2.0.0/24 child_per_pair=yes|'kids=$KID2'|only=adit both_ways second_pair"
"one port of TCP|protocol=tcp remote_ports=5000|'local_ts=10.2.0.0/24[tcp/5000]' 'remote_ts=10.1.0.0/24[tcp]'|only=adit bare tcp_alone"
"their IKE on another port|remote_port=4500||only=adit both_ways"
"we move (MOBIKE)|local_ip= $IDS_O|$IDS_T remote=$A4,%any|only=adit both_ways move_ours"
"they move (MOBIKE)|remote_gateway=$B4 $IDS_O|$IDS_T local=%any|only=peer both_ways move_theirs"
"they have a second address (MOBIKE)|remote_gateway=$B4 dpd_delay=2 $IDS_O|$IDS_T local=%any|only=adit second_address"
)
rows_run "${ROWS[@]}"
lab_done
