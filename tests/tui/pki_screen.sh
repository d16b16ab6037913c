#!/bin/bash
# certs: certificates on the screen: a CA, a certificate, a request, a signature for somebody,
# import, export, revocation, deletion; without a daemon.
cd "$(dirname "$0")/../.." || exit 1
TUI_B=${1:-build}
# shellcheck source=tests/tui/tmux.bash
. tests/tui/tmux.bash
command -v tmux >/dev/null || { echo "skip certs: tmux is missing"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
P=$TUI_DIR/etc/pki
press() { local k; for k; do keys "$k"; sleep 0.15; done; }
fill() { press C-u; typed "$1"; sleep 0.1; }
there() { if [ -s "$P/$2" ]; then ok "$1"; else bad "$1 (no $2)"; fi; }
# go LABEL: down to that field.
go() {
	local i
	for ((i = 0; i < 9; i++)); do screen | grep -qE "^(─|-)+ $1 " && return 0; press Down; done
	bad "the form has $1"
}

tui_start 80x24
sees "the list of peers" "Press a to add one"
press C; sees "C lists the certificates" "No certificates yet"
press a; sees "a asks what" "signs certificates for both sides"
press Down Enter; sees "without a CA there is nothing to sign with" "make one first"

# --- a CA
press a; press Enter; sees "the form of a CA" "A new CA"
press F2; sees "it needs a name" "name"
fill "a/b"; press F2; sees "a name that is none" "a/b"
fill office-ca; go Subject; fill "C=CH, O=Acme, CN=Acme CA"; go Days; fill never
press F2; sees "days that are none are refused at their field" "is not a number of days"
fill 3650; press F2; sees "the CA is in the list" "CA own"
sees "as who it is" "CN=Acme CA"
there "its certificate" office-ca.crt; there "its key" office-ca.key
[ "$(stat -c %a "$P/office-ca.key")" = 600 ] && ok "for root alone" || bad "for root alone"

# --- a certificate by it
press a; press Enter; sees "then a certificate is what comes first" "A new certificate"
fill gw; go "Other names"; fill "gw.example.org,192.0.2.1"; press F2
sees "it is made" "gw: the certificate is made"
there "its certificate is there" gw.crt; there "with a key" gw.key
press Enter; sees "Enter shows everything" "DNS:gw.example.org"
sees "how long it is good for" "days left"
sees_not "but not the key" "PRIVATE"
press q; sees "and back" "SUBJECT"
press a; press Enter; fill gw; press F2; sees "a name that is taken is refused" "there is a certificate"
press Escape d; sees_not "Esc and d leave it" "A new certificate"

# --- a request, as if for another CA; and signed here
press a; press Down Enter; sees "the form of a request" "A request for a certificate"
fill branch; go Subject; fill "CN=branch.example.org"; press F2
sees "the request is shown, to be sent" "BEGIN CERTIFICATE REQUEST"
there "and kept" branch.csr
press q; sees "it waits in the list" "waits"
cp "$P/branch.csr" "$TUI_DIR/theirs.csr"
press s; sees "s signs somebody's request" "Sign a request"
press F2; sees "without a file it asks which" "which file"
fill "$TUI_DIR"; press F2; sees "a folder is no file" "is no file"
fill "$TUI_DIR/theirs.csr"; go Name; fill shop; press F2
sees "the certificate is shown, to be sent back" "BEGIN CERTIFICATE"
there "and kept too" shop.crt
press q; sees "as a peer's" "shop"

# --- back it comes: the certificate for the request
cp "$P/shop.crt" "$TUI_DIR/back.crt"
press i; sees "i imports" "Import"
fill "$TUI_DIR/back.crt"; press F2
sees "it finds the request that it answers" "branch: imported"

# --- out and in again
has_pem() { [ "$(grep -c BEGIN "$1" 2>/dev/null)" -ge 1 ]; }
find_row() {	# NAME: select it, by its details
	local i
	press Home
	for ((i = 0; i < 8; i++)); do
		press Enter; sleep 0.1
		if screen | grep -q "^── $1 "; then press q; return 0; fi
		press q; press Down
	done
	bad "the list has $1"
}
find_row gw
press w; sees "w exports" "Export"
go File; fill "$TUI_DIR/gw.pem"; press F2; sees "the certificate is written" "written to"
has_pem "$TUI_DIR/gw.pem" && ok "as PEM" || bad "as PEM"
press w; go File; fill "$TUI_DIR/gw.pem"; press F2; sees "nothing is written over" "exists"
go What; press Space Space; go File; fill "$TUI_DIR/gw.p12"; press F2
sees "PKCS#12 needs a password" "needs a password"
fill secret; go "The same again"; fill secrets
sees_not "which is masked" "secrets"
press F2; sees "typed twice" "not the same"
fill secret; press F2; sees "then it is written" "gw: written to"
[ "$(stat -c %a "$TUI_DIR/gw.p12")" = 600 ] && ok "for its owner alone" || bad "for its owner alone"
press i; fill "$TUI_DIR/gw.p12"; go Name; fill copy; press F2
sees "an encrypted file asks for the password" "password"
fill wrong; press F2; sees "a wrong one is told" "password"
press Escape; sees "what was typed is not lost without a word" "filled in here"; press d
sees_not "and d leaves" "Import"

# --- in use
adit peer add branch remote_gateway=198.51.100.2 local_network=10.1.0.0/24 remote_network=10.2.0.0/24 \
	auth=cert cert=gw ca=office-ca >/dev/null && ok "a peer uses it" || bad "a peer uses it"
press r; find_row gw
press d; sees "deleting asks" "There is no way back"
press y; sees "what a peer uses stays" "branch"
there "its file too" gw.crt
press q; sees "the list of peers" "branch"
press e; press NPage NPage NPage; sees "the peer's form has it" "Certificate "
for ((i = 0; i < 12; i++)); do screen | grep -qE "^(─|-)+ cert " && break; press Down; done
press C-u; press Enter; sees "and offers the certificates there are" "office-ca"
press Escape; press Escape; press d

# --- revoked
press C; find_row shop
press v; sees "v revokes" "is refused from then on"
press F2; sees "it is on the list" "shop is revoked"
sees "and marked" "! revoked"
there "the list is kept" office-ca.crl
press u; sees "a list is of a CA" "is no CA"
find_row office-ca
press u; sees "u makes a fresh list" "fresh revocation list"
go File; fill "$TUI_DIR/office.crl"; press F2; sees "for others too" "office.crl"
[ -s "$TUI_DIR/office.crl" ] && ok "it is written" || bad "it is written"
find_row shop
press d; press y; sees "deleted" "shop is deleted"
[ -e "$P/shop.crt" ] && bad "its file is gone" || ok "its file is gone"

# --- sizes, and who may not
tmux -S "$TUI_SOCK" resize-window -x 132 -y 43; sees "132x43: who uses it" "USED BY"
sees "132x43: the peer" "branch"
tmux -S "$TUI_SOCK" resize-window -x 40 -y 12; sees "40x12: the names" "office-ca"
[ "$(screen | wc -L)" -le 40 ] && ok "40x12: nothing is wider" || bad "40x12: nothing is wider"
press a; press Enter; sees "40x12: the form" "Name"; press Escape
press q q
tui_start 80x24 -- --readonly
press C; sees "read only: the list" "office-ca"
press d; sees "and no more" "nothing is changed here"
press q q
tui_done
