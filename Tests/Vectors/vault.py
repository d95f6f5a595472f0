"""Known answers for Sources/Vault, made without a line of its code: `python3 Tests/Vectors/vault.py` prints the Swift
table that stands in Tests/VaultTests/EnvelopeVectors.swift. Needs the package `cryptography`."""

import hashlib
import hmac
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
T0_MILLISECONDS = 1_767_225_600_000


def workspace(number: int) -> str:
    """As `WorkspaceID.numbered` writes it."""
    value = T0_MILLISECONDS << 80 | number
    return "wsp_" + "".join(CROCKFORD[value >> 5 * place & 31] for place in range(25, -1, -1))


def hkdf(key: bytes, salt: bytes | None, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info.encode()).derive(key)


def key_id(key: bytes) -> bytes:
    return hkdf(key, None, "patchbay key id", 8)


def associated(place: tuple[str, str, str, int, list[str]]) -> bytes:
    owner, record, field, generation, origins = place
    parts = [owner, record, field, str(generation), str(len(origins)), *origins]
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def seal(key: bytes, salt: bytes, plaintext: bytes, place: tuple[str, str, str, int, list[str]]) -> bytes:
    header = b"\x01" + key_id(key) + salt
    derived = hkdf(key, salt, "patchbay seal v1", 44)
    return header + AESGCM(derived[:32]).encrypt(derived[32:], plaintext, header + associated(place))


def numbers(start: int, count: int) -> bytes:
    return bytes((start + index) & 0xFF for index in range(count))


MASTER = hashlib.sha256(b"patchbay test master key").digest()
DATA_KEY = hashlib.sha256(b"patchbay test data key").digest()
RECORD_KEY = hashlib.sha256(b"patchbay test record key").digest()

WORKSPACE_PLACE = (workspace(1), workspace(1), "data_key", 0, [])
WRAPPED = seal(MASTER, numbers(0x00, 32), DATA_KEY, WORKSPACE_PLACE)

# name, key, salt, plaintext, record, field, generation, origins
VECTORS = [
    ("credential data", "record", numbers(0x20, 32), b'{"bot_token":"xoxb-1"}', "cred_1", "data", 1, []),
    ("record key for keeping", "workspace", numbers(0x40, 32), RECORD_KEY, "cred_1", "record_key", 1, []),
    (
        "record key bound to two origins", "workspace", numbers(0x60, 32), RECORD_KEY, "conn_1", "record_key/cred_1", 0,
        ["https://a.example", "https://b.example:8443"],
    ),
    ("empty", "record", numbers(0x80, 32), b"", "cred_1", "data", 2, []),
    ("empty place", "workspace", bytes(32), b"x", "", "", 0, []),
    ("every byte", "workspace", b"\xff" * 32, bytes(range(256)), "conn_1", "config", 9_223_372_036_854_775_807, [""]),
    (
        "beyond ASCII", "record", numbers(0xA0, 32), "pässword \U0001f511".encode(), "cred_é", "feld/\U0001f600", -1,
        ["host=\"münchen\""],
    ),
]


def literal(text: str) -> str:
    escaped = "".join(c if " " <= c < "\x7f" else f"\\u{{{ord(c):X}}}" for c in text.replace('"', '\\"'))
    return f'"{escaped}"'


def digits(data: bytes, indent: int) -> str:
    """Hexadecimal as a Swift literal of short lines."""
    text = data.hex()
    if len(text) <= 64:
        return f'"{text}"'
    space = " " * indent
    lines = [text[start : start + 96] for start in range(0, len(text), 96)]
    return '"""\n' + "\\\n".join(space + line for line in lines) + f'\n{space}"""'


def main() -> None:
    print("    static let masterKeyText = " + literal(b64encode(MASTER).decode()))
    print("    static let masterKeyID = " + literal(key_id(MASTER).hex()))
    check = hmac.new(MASTER, b"patchbay master key check v1", "sha256").digest()[:16]
    print("    static let masterKeyCheck = " + literal(check.hex()))
    print(f'    static let dataKey = [UInt8](hex: "{DATA_KEY.hex()}")')
    print(f'    static let recordKey = [UInt8](hex: "{RECORD_KEY.hex()}")')
    print(f'    static let workspaceText = "{workspace(1)}"')
    print("    static let wrappedDataKey = [UInt8](\n        hex: " + digits(WRAPPED, 12) + ")\n")
    print("    static let all: [EnvelopeVector] = [")
    for name, key, salt, plaintext, record, field, generation, origins in VECTORS:
        secret = RECORD_KEY if key == "record" else DATA_KEY
        sealed = seal(secret, salt, plaintext, (workspace(1), record, field, generation, origins))
        number = f"{generation:_}"
        places = ", ".join(literal(origin) for origin in origins)
        print("        EnvelopeVector(")
        print(f"            name: {literal(name)}, isUnderRecordKey: {str(key == 'record').lower()},")
        print("            place: SealedPlace(")
        print(f"                workspace: .numbered(1), record: {literal(record)}, field: {literal(field)},")
        print(f"                generation: {number}, origins: [{places}]),")
        print(f"            plaintext: {digits(plaintext, 16)},")
        print(f"            sealed: {digits(sealed, 16)}),")
    print("    ]")


if __name__ == "__main__":
    main()
