#!/usr/bin/python3
"""Writes the vectors of this folder with python3-cryptography, after the layouts of the Datagram Specification and Common
Structures, without any code of the project: see PROVENANCE."""
import hashlib, struct
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, utils

DSA_P = int("9C05B2AA960D9B97B8931963C9CC9E8C3026E9B8ED92FAD0A69CC886D5BF8015FCADAE31A0AD18FAB3F01B00A358DE237655C4964AFAA2B3"
            "37E96AD316B9FB1CC564B5AEC5B69A9FF6C3E4548707FEF8503D91DD8602E867E6D35D2235C1869CE2479C3B9D5401DE04E0727FB33D6511"
            "285D4CF29538D9E3B6051F5B22CC1C93", 16)
DSA_Q = int("A5DFC28FEF4CA1E286744CD8EED9D29D684046B7", 16)
DSA_G = int("0C1F4D27D40093B429E962D7223824E0BBC47E7C832A39236FC683AF84889581075FF9082ED32353D4374D7301CDA1D23C431F4698599DDA"
            "02451824FF369752593647CC3DDC197DE985E43D136CDCFC6BD5409CD2F450821142A5E6F8EB1C3AB5D0484B8129FCF17BCE4F7F33321C3C"
            "B3DBB14A905E7B2B3E93BE4708CBCC82", 16)


def raw(signature, n):
    r, s = utils.decode_dss_signature(signature)
    return r.to_bytes(n, "big") + s.to_bytes(n, "big")


class Ed25519:
    number, siglen = 7, 64
    def __init__(self, seed):
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())
        self.public = self.key.public_key().public_bytes_raw()
    def sign(self, msg): return self.key.sign(msg)


class ECDSA:
    def __init__(self, number, curve, digest, n, seed):
        self.number, self.n, self.digest, self.siglen = number, n, digest, 2 * n
        self.key = ec.derive_private_key(int.from_bytes(hashlib.sha256(seed).digest(), "big") % 2**250 + 1, curve)
        p = self.key.public_key().public_numbers()
        self.public = p.x.to_bytes(n, "big") + p.y.to_bytes(n, "big")
    def sign(self, msg): return raw(self.key.sign(msg, ec.ECDSA(self.digest)), self.n)


class DSA:
    number, siglen = 0, 40
    def __init__(self, seed):
        x = int.from_bytes(hashlib.sha256(seed).digest(), "big") % DSA_Q
        y = pow(DSA_G, x, DSA_P)
        params = dsa.DSAParameterNumbers(DSA_P, DSA_Q, DSA_G)
        self.x, self.public, self.params = x, y.to_bytes(128, "big"), params
        self.seed = seed
    def sign(self, msg):  # FIPS 186-4 by hand: libraries refuse SHA-1 with these parameters
        h = int.from_bytes(hashlib.sha1(msg).digest(), "big")
        k = int.from_bytes(hashlib.sha256(self.seed + msg).digest(), "big") % DSA_Q
        r = pow(DSA_G, k, DSA_P) % DSA_Q
        s = pow(k, -1, DSA_Q) * (h + self.x * r) % DSA_Q
        return r.to_bytes(20, "big") + s.to_bytes(20, "big")


TYPES = {
    "dsa": lambda s: DSA(s),
    "p256": lambda s: ECDSA(1, ec.SECP256R1(), hashes.SHA256(), 32, s),
    "p384": lambda s: ECDSA(2, ec.SECP384R1(), hashes.SHA384(), 48, s),
    "p521": lambda s: ECDSA(3, ec.SECP521R1(), hashes.SHA512(), 66, s),
    "ed25519": lambda s: Ed25519(s),
}


def destination(key, seed):
    fill = hashlib.shake_256(seed).digest(384)
    if key.number == 0:  # NULL certificate
        return fill[:256] + key.public + bytes(3)
    field, excess = key.public[:128], key.public[128:]
    return fill[: 384 - len(field)] + field + struct.pack(">BHHH", 5, 4 + len(excess), key.number, 0) + excess


def mapping(m):
    b = b"".join(bytes([len(k)]) + k + b"=" + bytes([len(v)]) + v + b";" for k, v in sorted(m.items()))
    return struct.pack(">H", len(b)) + b


def datagram1(key, dest, payload):
    return dest + key.sign(hashlib.sha256(payload).digest() if key.number == 0 else payload) + payload


def datagram2(key, dest, to, payload, options=None, offline=None):
    flags = 2 | (0x10 if options is not None else 0) | (0x20 if offline else 0)
    body = struct.pack(">H", flags) + (mapping(options) if options is not None else b"")
    if offline:
        expires, transient = offline
        block = struct.pack(">IH", expires, transient.number) + transient.public
        body += block + key.sign(block)
        key = transient
    body += payload
    return dest + body + key.sign(to + body)


def main():
    to = hashlib.sha256(b"the receiver").digest()
    out = {"to": to}
    for name, make in TYPES.items():
        key, dest = make(name.encode()), None
        dest = destination(key, name.encode())
        out[f"hash_{name}"] = hashlib.sha256(dest).digest()
        out[f"datagram1_{name}"] = datagram1(key, dest, b"hello, " + name.encode())
        out[f"datagram2_{name}"] = datagram2(key, dest, to, b"hello, " + name.encode())
        out[f"datagram2_options_{name}"] = datagram2(key, dest, to, b"hello, " + name.encode(), {b"seqn": b"7", b"acked": b"6"})
        for other, transient in TYPES.items():
            if other != "dsa":
                out[f"datagram2_offline_{name}_{other}"] = datagram2(
                    key, dest, to, b"hello, " + name.encode(), None if other != "p256" else {b"k": b"v"},
                    (2_000_000_000, transient(b"transient")))
    key = TYPES["ed25519"](b"ed25519")
    out["datagram2_expired"] = datagram2(key, destination(key, b"ed25519"), to, b"old", None, (900_000_000, TYPES["ed25519"](b"transient")))
    sender = hashlib.sha256(b"the sender").digest()
    out["datagram3"] = sender + b"\x00\x03" + b"hello"
    out["datagram3_options"] = sender + b"\x00\x13" + mapping({b"flags": b"2", b"seqn": b"1"}) + b"hello"
    with open("vectors.txt", "w") as f:
        for name, b in out.items():
            f.write(f"{name} {b.hex()}\n")


main()
