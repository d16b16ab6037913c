#!/usr/bin/env python3
"""convert: a part of the Wycheproof vectors as text for tests/vectors/wycheproof.c.

  tests/vectors/convert.py ../shared/data/wycheproof     writes tests/vectors/data/wycheproof-*.txt

Of each file it takes what this project can be asked: every case with a flag of its own, and of
those that share their flags the first few. A key that many cases share is a record of its own."""
import json
import os
import sys

SAME = 4        # cases with the same flags and result
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")

FILES = {
    "aes_gcm": ("key", "iv", "aad", "msg", "ct", "tag"),
    "chacha20_poly1305": ("key", "iv", "aad", "msg", "ct", "tag"),
    "hmac_sha1": ("key", "msg", "tag"),
    "hmac_sha256": ("key", "msg", "tag"),
    "hmac_sha384": ("key", "msg", "tag"),
    "hmac_sha512": ("key", "msg", "tag"),
    "x25519": ("private", "public", "shared"),
    "ecdh_secp256r1_ecpoint": ("private", "public", "shared"),
    "ecdh_secp384r1_ecpoint": ("private", "public", "shared"),
    "ecdh_secp521r1_ecpoint": ("private", "public", "shared"),
    "ecdsa_secp256r1_sha256": ("publicKeyDer", "msg", "sig"),
    "rsa_pss_2048_sha256_mgf1_32": ("publicKeyDer", "msg", "sig"),
    "rsa_signature_2048_sha256": ("publicKeyDer", "msg", "sig"),
}


def fits(name, group, test):
    if name in ("aes_gcm", "chacha20_poly1305"):
        return group["ivSize"] == 96 and group["tagSize"] == 128
    if name.startswith("ecdh"):
        return test["public"].startswith("04")
    return True


def key_of(keys):
    return "publicKeyDer" in keys


def convert(folder, name, keys):
    with open(os.path.join(folder, name + "_test.json")) as f:
        root = json.load(f)
    seen = {}
    lines = []
    for n, group in enumerate(root["testGroups"]):
        key = []
        if key_of(keys):
            key = ["key-%d publicKeyDer=%s" % (n, group["publicKeyDer"])]
        for test in group["tests"]:
            if not fits(name, group, test):
                continue
            kind = (group.get("keySize"), test["result"], tuple(test.get("flags", [])),
                    test["comment"] if test["result"] != "valid" and not key_of(keys) else "")
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] > (SAME if test["result"] == "valid" or key_of(keys) else 1):
                continue
            lines += key
            key = []
            words = ["%s=%s" % (k, test[k]) for k in keys if k in test]
            lines.append("%d result=%s %s" % (test["tcId"], test["result"], " ".join(words)))
    with open(os.path.join(HERE, "wycheproof-%s.txt" % name), "w") as f:
        f.write("# %s_test.json of C2SP/wycheproof, in part; Apache-2.0. Made by convert.py.\n" % name)
        f.writelines(line + "\n" for line in lines)
    return len(lines)


if len(sys.argv) != 2:
    sys.exit(__doc__)
for name, keys in FILES.items():
    print("%4d of %s" % (convert(sys.argv[1], name, keys), name))
