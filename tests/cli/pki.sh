#!/bin/bash
# pki: the verbs of `adit pki` against the openssl command, both ways: what one makes the other
# takes. No daemon.
cd "$(dirname "$0")/../.." || exit 1
ADIT=$(cd "$1" && pwd)/adit
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ADIT_CONFIG_DIR=$T/etc ADIT_RUN_DIR=$T/run LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR CLICOLOR_FORCE PAGER LESS COLUMNS
passed=0 failed=0
command -v openssl >/dev/null || { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
cd "$T" || exit 1
P=$ADIT_CONFIG_DIR/pki

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; sed 's/^/     | /' out err 2>/dev/null; }
# run NAME CODE WORD...: adit pki WORD... ends with CODE.
run() {
	local name=$1 want=$2 got; shift 2
	"$ADIT" pki "$@" >out 2>err </dev/null
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit pki $*"; bad "$name"; fi
}
run_in() {
	local name=$1 want=$2 input=$3 got; shift 3
	printf '%s\n' "$input" | "$ADIT" pki "$@" >out 2>err
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit pki $*"; bad "$name"; fi
}
out_has() { if grep -qF -- "$1" out; then ok "  says: $1"; else bad "  stdout says: $1"; fi; }
err_has() { if grep -qF -- "$1" err; then ok "  complains: $1"; else bad "  stderr says: $1"; fi; }
json() { if jq -e "$1" out >/dev/null 2>&1; then ok "  json: $1"; else bad "  json: $1"; fi; }
# is NAME COMMAND...: it succeeds.
is() { local name=$1; shift; if "$@" >out 2>err; then ok "$name"; else bad "$name"; fi; }
isnt() { local name=$1; shift; if "$@" >out 2>err; then bad "$name"; else ok "$name"; fi; }
has() { eval "$1" >out 2>&1; if grep -qF -- "$2" out; then ok "  $1: $2"; else bad "  $1: $2"; fi; }
text() { openssl x509 -in "$P/$1.crt" -noout -text; }

# --- nothing yet
run "nothing yet" 0; out_has "There are no certificates yet"
run "nothing yet as JSON" 0 list --json; json '.v == 1 and .pki == []'
run "show what is not there" 1 show gw; err_has 'nothing is called "gw"'
"$ADIT" help pki >out 2>err; out_has "pki issue"

# --- a CA
run "a CA" 0 ca acme subject="C=CH, O=Acme, CN=Acme VPN CA" days=3000
out_has "C=CH, O=Acme, CN=Acme VPN CA"
is "openssl takes it as a CA" openssl verify -x509_strict -CAfile "$P/acme.crt" "$P/acme.crt"
has "text acme" "CA:TRUE"
has "text acme" "Certificate Sign, CRL Sign"
has "openssl x509 -in $P/acme.crt -noout -subject" "C = CH, O = Acme, CN = Acme VPN CA"
is "mode of the key" test "$(stat -c %a "$P/acme.key")" = 600
is "mode of the certificate" test "$(stat -c %a "$P/acme.crt")" = 644
is "openssl reads the key" openssl pkey -in "$P/acme.key" -noout -check
run "the name is taken" 1 ca acme subject=x; err_has "already"
run "an intermediate CA" 0 ca site ca=acme subject="CN=Site CA" type=rsa2048
is "openssl follows it" openssl verify -x509_strict -CAfile "$P/acme.crt" "$P/site.crt"

# --- certificates
run "a certificate" 0 issue gw ca=acme san=gw.example,192.0.2.1,2001:db8::1,noc@gw.example \
	crl_url=http://crl.example/acme.crl days=100
is "openssl verifies it" openssl verify -x509_strict -purpose sslserver -CAfile "$P/acme.crt" "$P/gw.crt"
for t in DNS:gw.example "IP Address:192.0.2.1" "2001:DB8:0:0:0:0:0:1" email:noc@gw.example \
	URI:http://crl.example/acme.crl "TLS Web Server Authentication" "Digital Signature"; do
	has "text gw" "$t"
done
run "below the intermediate, RSA" 0 issue branch ca=site type=rsa3072 \
	subject="/C=DE/O=Acme, Inc./CN=branch.example" san=DNS:branch.example eku=ipsecIKE
is "the chain is in the file" test "$(grep -c BEGIN "$P/branch.crt")" = 2
is "openssl verifies the chain" openssl verify -x509_strict -CAfile "$P/acme.crt" -untrusted "$P/branch.crt" "$P/branch.crt"
has "openssl x509 -in $P/branch.crt -noout -subject -nameopt RFC2253" 'CN=branch.example,O=Acme\, Inc.,C=DE'
has "text branch" "ipsec Internet Key Exchange"
for t in rsa2048 rsa4096 ecdsa256 ecdsa384 ecdsa521; do
	run "type=$t" 0 issue "k-$t" ca=acme type=$t san=k.example
	is "  openssl verifies it" openssl verify -x509_strict -CAfile "$P/acme.crt" "$P/k-$t.crt"
	is "  and its key" openssl pkey -in "$P/k-$t.key" -noout -check
	run "  gone" 0 delete "k-$t" --yes
done
run "signed by itself" 0 issue alone ca=alone san=alone.example
has "text alone" "CA:FALSE"; has "text alone" "Digital Signature"
is "  openssl takes it" openssl verify -x509_strict -partial_chain -trusted "$P/alone.crt" "$P/alone.crt"
run "  it is own, not a CA" 0 show alone --json; json '.entry.kind == "own" and .entry.self_signed'
run "no longer than its CA" 0 issue long ca=acme days=30000
is "  it ends with the CA" test "$(openssl x509 -in "$P/long.crt" -noout -enddate)" = \
	"$(openssl x509 -in "$P/acme.crt" -noout -enddate)"
run "a key first" 0 key later type=ecdsa384
run "a certificate for it" 0 issue later ca=acme san=later.example
is "  of that key" test "$(openssl x509 -in "$P/later.crt" -noout -pubkey)" = "$(openssl pkey -in "$P/later.key" -pubout)"

# --- mistakes
run "which CA" 2 issue x san=a.example; err_has "which CA signs it?"
run "no CA of that name" 1 issue x ca=acne san=a.example; err_has "acme?"
run "no CA at all" 1 issue x ca=gw san=a.example; err_has "not a CA"
run "an unknown word" 2 issue x ca=acme sans=a.example; err_has "did you mean san?"
run "a word of another verb" 2 issue x ca=acme reason=superseded; err_has "nothing for"
run "no pair" 2 issue x acme; err_has "KEY=VALUE"
run "an unknown type" 2 issue x ca=acme type=dsa; err_has "rsa3072"
run "a mistyped address is no host name" 2 issue x ca=acme san=999.1.1.1; err_has "999.1.1.1"
run "a bad address" 2 issue x ca=acme san=IP:300.1.1.1
run "a bad name in san" 2 issue x ca=acme "san=DNS:a b!"; err_has "san"
run "a bad subject" 1 issue x ca=acme subject="XX=1"; err_has "subject"
run "a bad URL" 2 issue x ca=acme crl_url=ftp://x; err_has "http://"
run "no days" 2 issue x ca=acme days=0
run "a bad name" 2 issue ../x ca=acme; err_has "cannot be a name"
run "a bad name" 2 issue .x ca=acme
is "nothing was left of them" test ! -e "$P/x.crt" -a ! -e "$P/x.key"
run "eku of a CA" 2 ca y subject=y eku=any; err_has "nothing for"

# --- requests
run "a request" 0 csr req subject="C=CH, O=Acme, CN=req.example" san=req.example,192.0.2.9 type=rsa2048
cp out req.csr
is "openssl takes it" openssl req -in req.csr -noout -verify
has "openssl req -in req.csr -noout -text" "DNS:req.example, IP Address:192.0.2.9"
run "it waits" 0 list --json; json '.pki[] | select(.name == "req") | .kind == "request" and .has_key'
openssl req -x509 -newkey rsa:2048 -nodes -keyout oca.key -out oca.crt -subj "/CN=Other CA" -days 99 2>/dev/null
openssl x509 -req -in req.csr -CA oca.crt -CAkey oca.key -CAcreateserial -copy_extensions copy -out req.crt -days 9 2>/dev/null
run "what came back finds its place" 0 import req.crt; out_has "The certificate req is stored with the key"
run "it is ours now" 0 show req --json; json '.entry.kind == "own" and .entry.days_left < 10 and (.entry.has_request | not)'
run "for another key" 1 import oca.crt req; err_has "another key"
openssl req -new -newkey rsa:2048 -nodes -keyout peer.key -out peer.csr -subj "/CN=peer" \
	-addext subjectAltName=DNS:peer.example -addext basicConstraints=CA:TRUE 2>/dev/null
run "a peer's request" 0 sign peer.csr peer ca=acme days=50
out_has "adit pki export peer FILE"; out_has "adit pki export acme FILE"
is "openssl verifies it" openssl verify -x509_strict -CAfile "$P/acme.crt" "$P/peer.crt"
has "text peer" "DNS:peer.example"
has "text peer" "CA:FALSE"
run "it has no key here" 0 show peer --json; json '.entry.kind == "peer"'
run "with another name" 0 sign peer.csr peer2 ca=acme subject="CN=changed" san=changed.example
has "text peer2" "DNS:changed.example"
openssl req -in peer.csr -outform DER -out peer.der 2>/dev/null
run "DER" 0 sign peer.der peer3 ca=acme
sed '3s/^..../AAAA/' peer.csr >broken.csr
run "a damaged one" 1 sign broken.csr peer4 ca=acme
run "no request" 1 sign oca.crt peer4 ca=acme; err_has "no certificate request"

# --- out and in
run "export" 0 export branch b.pem; is "  both certificates" test "$(grep -c CERTIFICATE b.pem)" = 4
run "not over a file" 2 export branch b.pem; err_has "Write over it?"
run "over it" 0 export branch b.pem --yes
run "the key" 0 export branch b.key --key; is "  mode" test "$(stat -c %a b.key)" = 600
is "  openssl reads it" openssl pkey -in b.key -noout -check
run "to stdout" 0 export gw -; out_has "BEGIN CERTIFICATE"
for legacy in "" --legacy; do
	run_in "PKCS#12 $legacy" 0 "open sesame" export branch "b$legacy.p12" --p12 --password-stdin $legacy
	is "  mode" test "$(stat -c %a "b$legacy.p12")" = 600
	is "  openssl reads it" openssl pkcs12 ${legacy:+-legacy} -in "b$legacy.p12" -passin "pass:open sesame" -nodes -out b.all
	is "  with the CA above" test "$(grep -c "BEGIN CERT" b.all)" = 3
	is "  and the key" sh -c "openssl pkey -in b.all | cmp - b.key"
	isnt "  not with another password" openssl pkcs12 -legacy -in "b$legacy.p12" -passin pass:x -nodes
	rm -rf there; mkdir there
	ADIT_CONFIG_DIR=$T/there/etc run_in "  back in, elsewhere" 0 "open sesame" import "b$legacy.p12" --password-stdin
	out_has "The certificate branch and its key are stored; its CA is branch-ca"
	is "  the same key" sh -c "openssl pkey -in there/etc/pki/branch.key | cmp - b.key"
	is "  the root is on its own" test "$(grep -c BEGIN there/etc/pki/branch.crt)" = 2
	is "  openssl verifies it" openssl verify -CAfile there/etc/pki/branch-ca.crt -untrusted there/etc/pki/branch.crt there/etc/pki/branch.crt
done
run_in "an empty password" 2 "" export branch e.p12 --p12 --password-stdin; err_has "empty"
run "no password, no terminal" 2 export branch e.p12 --p12; err_has "--password-stdin"
run "two formats" 2 export branch e --p12 --pem; err_has "only one"
run_in "a password for PEM" 2 x export branch e --pem --password-stdin; err_has "--p12"

# --- asked for on a terminal, without echo
prompt() {	# NAME CODE ANSWERS WORD...
	local name=$1 want=$2 answers=$3 got; shift 3
	# shellcheck disable=SC2086 # one answer a word
	(sleep 0.4; for a in $answers; do printf '%s\n' "$a"; sleep 0.4; done) |
		script -qec "$ADIT --no-pager pki $*" typescript >out 2>err
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want"; bad "$name"; fi
}
if command -v script >/dev/null; then
	prompt "a new password is asked for twice" 0 "ask-me ask-me" export branch asked.p12 --p12
	if grep -q ask-me out; then bad "  without echo"; else ok "  without echo"; fi
	is "  openssl takes it" openssl pkcs12 -in asked.p12 -passin pass:ask-me -nodes
	prompt "two that differ" 1 "one two" export branch differ.p12 --p12; out_has "not the same"
	is "  nothing is written" test ! -e differ.p12
	mkdir -p there/etc; rm -rf there/etc/pki
	export ADIT_CONFIG_DIR=$T/there/etc
	prompt "an import asks until it is right, three times" 0 "wrong again ask-me" import asked.p12 mine
	out_has "the password is wrong"; out_has "The certificate mine and its key"
	prompt "and then no more" 1 "a b c d" import asked.p12 mine2
	is "  nothing is stored" test ! -e there/etc/pki/mine2.crt
	export ADIT_CONFIG_DIR=$T/etc
fi

for args in "" "-legacy" "-legacy -descert" "-keypbe AES-128-CBC -certpbe AES-128-CBC -macalg sha512"; do
	# shellcheck disable=SC2086 # words
	openssl pkcs12 -export $args -inkey peer.key -in "$P/peer.crt" -certfile "$P/acme.crt" \
		-name "Windows Büro" -passout pass:geheim -out w.p12 2>/dev/null
	rm -rf there; mkdir there
	ADIT_CONFIG_DIR=$T/there/etc run_in "openssl's PKCS#12 $args" 0 geheim import w.p12 --password-stdin
	out_has "The certificate Windows-B-ro and its key"
	is "  the same key" sh -c "openssl pkey -in peer.key -out pk; cmp pk there/etc/pki/Windows-B-ro.key"
done
ADIT_CONFIG_DIR=$T/there/etc run_in "a wrong password" 1 falsch import w.p12 --password-stdin; err_has "the password is wrong"
openssl pkcs8 -topk8 -in peer.key -passout pass:k -out enc.key 2>/dev/null
cat enc.key "$P/peer.crt" >both.pem
rm -rf there; mkdir there
ADIT_CONFIG_DIR=$T/there/etc run_in "PEM with an encrypted key" 0 k import both.pem --password-stdin; out_has "The certificate both and its key"
openssl rsa -in peer.key -aes128 -passout pass:k -traditional -out old.key 2>/dev/null
ADIT_CONFIG_DIR=$T/there/etc run "OpenSSL's old encryption" 1 import old.key; err_has "openssl pkcs8 -topk8"
openssl x509 -in oca.crt -outform DER -out oca.der
run "a CA in DER" 0 import oca.der provider; out_has "The CA provider is stored"
run "again is fine" 0 import oca.crt; out_has "provider"
cat peer.key oca.crt >mixed.pem
run "a key that does not belong" 1 import mixed.pem; err_has "not that of its first certificate"
run "nothing in it" 1 import /etc/hostname; err_has "no certificate"
run "no such file" 1 import nothere.p12; err_has "nothere.p12"
head -c 10485760 /dev/urandom >big.p12
run "ten megabytes" 1 import big.p12; err_has "larger than"
head -c 300 w.p12 >cut.p12
run_in "cut off" 1 geheim import cut.p12 --password-stdin
: >empty.pem
run "empty" 1 import empty.pem; err_has "empty"
run "a device is no file" 1 import /dev/zero; err_has "larger than"

# --- revoking
run "a question without a terminal" 2 revoke peer; err_has "--yes"
run "revoke" 0 revoke peer reason=superseded --yes; out_has "peer is revoked"
run "twice" 1 revoke peer --yes; err_has "already"
run "listed" 0 list --json; json '.pki[] | select(.name == "peer") | .revoked'
serial=$(openssl x509 -in "$P/peer2.crt" -noout -serial | cut -d= -f2)
run "by its serial number" 0 revoke "$serial" ca=acme --yes
run "without its CA" 2 revoke "$serial" --yes; err_has "ca=NAME"
run "another CA's" 1 revoke req --yes; err_has "is not one of ours"
run "itself" 1 revoke acme --yes; err_has "signed itself"
run "a bad reason" 2 revoke gw reason=dunno --yes; err_has "keyCompromise"
run "a CRL" 0 crl acme acme.crl days=60
is "openssl takes it" openssl crl -in acme.crl -inform DER -CAfile "$P/acme.crt" -noout
has "openssl crl -in acme.crl -inform DER -noout -text" "Superseded"
is "  both are on it" test "$(openssl crl -in acme.crl -inform DER -noout -text | grep -c Serial)" = 2
is "as PEM" "$ADIT" pki crl acme acme.pem --yes
isnt "openssl refuses the revoked one" openssl verify -crl_check -CAfile "$P/acme.crt" -CRLfile acme.pem "$P/peer.crt"
is "and takes the other" openssl verify -crl_check -CAfile "$P/acme.crt" -CRLfile acme.pem "$P/gw.crt"
is "  its number grows" test "$(openssl crl -in acme.pem -noout -crlnumber)" = "crlNumber=0x04"
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=num\ndefault_md=sha256\n' >ca.cnf
: >index; echo 01 >num
openssl ca -config ca.cnf -gencrl -cert oca.crt -keyfile oca.key -crldays 9 -out oca.crl 2>/dev/null
run "another CA's list" 0 import oca.crl; out_has "The CRL of provider is stored"
run "of nobody" 1 import acme.pem provider; err_has "of the CA"
run "we cannot make that one's" 0 crl provider p.crl
is "  it is what was imported" sh -c "openssl crl -in oca.crl -outform DER | cmp - p.crl"
run "nor sign with it" 1 issue q ca=provider; err_has "is not here"

# --- the rest
run "list" 0 list; out_has "CA, ours"; out_has "revoked"
run "plain" 0 list --plain; is "  nine columns" test "$("$ADIT" pki list --plain | awk -F'\t' 'NF != 9' | wc -l)" = 0
run "show" 0 show gw; out_has "IP:192.0.2.1"; out_has "(100 d left)"
"$ADIT" peer add hq remote_gateway=198.51.100.7 local_network=10.1.0.0/24 remote_network=10.2.0.0/24 \
	auth=cert peer_auth=cert cert=gw ca=acme local_id=gw.example peer_id=peer.example >out 2>err || bad "a peer"
run "used by" 0 show gw; out_has "hq"
run "not while it is used" 1 delete gw --yes; err_has "used by hq"
run "delete" 0 delete later --yes; is "  its key too" test ! -e "$P/later.key"
run "delete asks" 2 delete long; err_has "--yes"
chmod 644 "$P/gw.key"
run "a key that others may read" 0 show gw; out_has "chmod 600"
chmod 600 "$P/gw.key"
cp "$P/long.key" "$P/gw.key"
run "a key of another certificate" 0 show gw; out_has "not the certificate's"
echo junk >"$P/junk.crt"
run "a damaged file is listed" 0 list; out_has "junk.crt"
: >"$P/half.crt.adit-tmp"
run "what a killed one left" 0 key fresh; is "  is gone" test ! -e "$P/half.crt.adit-tmp"
run "in nobody's way" 0 list --json; json '.pki | length > 5'
exec 9>>"$ADIT_CONFIG_DIR/lock"; flock 9
run "one at a time" 1 key busy; err_has "changing the settings"
exec 9>&-

# --- completion
comp() { "$ADIT" __complete "$@" >out 2>err; }
comp pki ''; out_has "import"
comp pki show ''; out_has "gw"
comp pki issue new ''; out_has "san="
comp pki issue new ca=; out_has "ca=acme"; if grep -q ca=provider out; then bad "a CA without a key"; else ok "  only CAs that can sign"; fi

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
