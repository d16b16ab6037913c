# certs: certificates for tests, made by openssl where they are needed. Sourced.
# shellcheck shell=bash

CERTS=$LAB_DIR/certs
mkdir -p "$CERTS"

certs_key() {	# NAME TYPE: rsa2048 rsa3072 p256 p384 p521
	case $2 in
	rsa*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$CERTS/$1.key" ;;
	p*)	openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${2#p}" -out "$CERTS/$1.key" ;;
	esac 2>/dev/null
	chmod 600 "$CERTS/$1.key"
}
# certs_ca NAME TYPE [SIGNER]: a CA; with SIGNER an intermediate.
certs_ca() {
	certs_key "$1" "$2"
	printf '%s\n' 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,cRLSign' \
		'subjectKeyIdentifier=hash' >"$CERTS/$1.ext"
	certs_sign "$1" "/O=Lab/CN=$1" "${3:-$1}"
}
# certs_end NAME TYPE SIGNER SAN: an end entity; its DN is O=Lab,CN=NAME.
certs_end() {
	certs_key "$1" "$2"
	printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature' \
		"subjectAltName=$4" >"$CERTS/$1.ext"
	certs_sign "$1" "/O=Lab/CN=$1" "$3"
}
certs_sign() {	# NAME SUBJECT SIGNER
	openssl req -new -key "$CERTS/$1.key" -subj "$2" -out "$CERTS/$1.csr" 2>/dev/null
	if [ "$1" = "$3" ]; then
		openssl x509 -req -in "$CERTS/$1.csr" -signkey "$CERTS/$1.key" -days 30 -sha256 \
			-extfile "$CERTS/$1.ext" -out "$CERTS/$1.crt"
	else
		openssl x509 -req -in "$CERTS/$1.csr" -CA "$CERTS/$3.crt" -CAkey "$CERTS/$3.key" -days 30 -sha256 \
			-set_serial "0x$(openssl rand -hex 8)" -extfile "$CERTS/$1.ext" -out "$CERTS/$1.crt"
	fi 2>/dev/null || bad "openssl signs $1"
}
# certs_crl CA SERIAL-OF...: the CA's CRL, with the certificates of these names revoked.
certs_crl() {
	local ca=$1 n; shift
	: >"$CERTS/$ca.index"; echo 01 >"$CERTS/$ca.crlnumber"
	for n; do
		printf 'R\t491231235959Z\t200101000000Z\t%s\tunknown\t/CN=%s\n' \
			"$(openssl x509 -in "$CERTS/$n.crt" -noout -serial | cut -d= -f2)" "$n" >>"$CERTS/$ca.index"
	done
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s\ncrlnumber=%s\ndefault_md=sha256\ndefault_crl_days=7\ncrl_extensions=x\n[x]\nauthorityKeyIdentifier=keyid\n' \
		"$CERTS/$ca.index" "$CERTS/$ca.crlnumber" >"$CERTS/$ca.cnf"
	openssl ca -config "$CERTS/$ca.cnf" -gencrl -cert "$CERTS/$ca.crt" -keyfile "$CERTS/$ca.key" \
		-out "$CERTS/$ca.crl" 2>"$CERTS/$ca.err" || bad "openssl makes a CRL of $ca" "$(cat "$CERTS/$ca.err")"
}

# certs_ours NAME...: into adit's pki/ on gw-a, a key where NAME is an end entity of ours (a-…).
certs_ours() {
	local n d; d=$(adit_dir gw-a)/etc/pki
	mkdir -p "$d"; chmod 700 "$d"
	for n; do
		cp "$CERTS/$n.crt" "$d/$n.crt"; chmod 644 "$d/$n.crt"
		case $n in a-*) cp "$CERTS/$n.key" "$d/$n.key"; chmod 600 "$d/$n.key" ;; esac
		[ ! -e "$CERTS/$n.crl" ] || { cp "$CERTS/$n.crl" "$d/$n.crl"; chmod 644 "$d/$n.crl"; }
	done
}
# certs_swan NAME...: into strongSwan's folders on gw-b; b-… with its key, ca… as CA.
certs_swan() {
	local n d; d=$(adit_dir gw-b)/swanctl
	mkdir -p "$d/x509" "$d/x509ca" "$d/private"
	for n; do
		case $n in
		*ca*) cp "$CERTS/$n.crt" "$d/x509ca/" ;;
		*) cp "$CERTS/$n.crt" "$d/x509/" ;;
		esac
		case $n in b-*) cp "$CERTS/$n.key" "$d/private/" ;; esac
	done
}
