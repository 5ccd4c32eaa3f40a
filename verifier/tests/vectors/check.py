#!/usr/bin/env python3
"""The scheme in Python's standard library, written from README.md, and held to deliveries.json.

    python3 verifier/tests/vectors/check.py

It has no part in the verifier: it shows that the page and the vectors are enough to write another one. It reads
whole bodies into memory and compares what is secret in constant time only where Python can.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import sys
import unicodedata

VERSION = 1
MAX_HEADER_BYTES = 1024
MAX_SIGNATURES = 8
MAX_DEPTH = 32
MAX_BYTES = {"id": 128, "type": 64, "status": 32}


class Refused(Exception):
    """The reason has one of the codes of README.md."""


def parse(header):
    """The timestamp as it stands in the header, and the well-formed signatures."""
    if len(header) > MAX_HEADER_BYTES:
        raise Refused("header_too_long")
    timestamp, labelled, signatures = None, 0, []
    for element in header.split(b","):
        name, equals, value = element.strip(b" \t").partition(b"=")
        if not equals:
            continue
        if name == b"t":
            if timestamp is not None:
                raise Refused("timestamp_repeated")
            timestamp = value
        elif name in (b"v", b"v1", b"sha256"):
            labelled += 1
            if labelled > MAX_SIGNATURES:
                raise Refused("too_many_signatures")
            if re.fullmatch(rb"[0-9a-f]{64}", value):
                signatures.append(value)
    if timestamp is None:
        raise Refused("timestamp_missing")
    if not re.fullmatch(rb"0|[1-9][0-9]{0,19}", timestamp) or int(timestamp) >= 2**64:
        raise Refused("timestamp_invalid")
    if not signatures:
        raise Refused("signature_missing")
    return timestamp, signatures


def verify(secrets, header, body, now, past, future):
    """The place of the secret that signed the delivery, and the age of the signature in seconds."""
    timestamp, signatures = parse(header)
    key_index = None
    for index, secret in enumerate(secrets):
        mac = hmac.new(secret, timestamp + b"." + body, hashlib.sha256).hexdigest().encode()
        # A list, so that every signature is compared.
        if any([hmac.compare_digest(mac, signature) for signature in signatures]) and key_index is None:
            key_index = index
    if key_index is None:
        raise Refused("signature_mismatch")
    age = now - int(timestamp)
    if age >= 0 and age >= past:
        raise Refused("timestamp_expired")
    if age < 0 and -age >= future:
        raise Refused("timestamp_ahead")
    return key_index, age


def event_key(body):
    """The key under which duplicates of the event are recognised."""
    texts = identity(body)
    if texts:
        return "event-" + hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return "body-" + hashlib.sha256(body).hexdigest()


def identity(body):
    """Id, type and status, where one that is missing is empty; or nothing, if they name no event."""
    try:
        text = body.decode()
        if depth(text) > MAX_DEPTH:
            return None
        members = json.loads(text, object_pairs_hook=Members, parse_int=float, parse_constant=no_json)
        # Half of a surrogate pair is no character, wherever it stands.
        json.dumps(members, ensure_ascii=False).encode()
    except ValueError:
        return None
    if not isinstance(members, Members):
        return None
    texts = []
    for name, limit in MAX_BYTES.items():
        values = [value for other, value in members if other == name]
        if len(values) > 1 or not all(value is None or isinstance(value, str) for value in values):
            return None
        value = (values[0] if values else None) or ""
        if len(value.encode()) > limit or any(unicodedata.category(character) == "Cc" for character in value):
            return None
        texts.append(value)
    id, type, status = texts
    return texts if id and (type or status) else None


class Members(list):
    """The members of an object, repeated ones included."""


def no_json(name):
    raise ValueError(f"{name} is Python's, not JSON's")


def depth(text):
    """How deep brackets and braces are nested, at most."""
    outside_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)
    level = deepest = 0
    for character in outside_strings:
        level += (character in "[{") - (character in "]}")
        deepest = max(deepest, level)
    return deepest


def octets(value):
    """The bytes of a field: a text in UTF-8, or anything in base64."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"], validate=True)


def judge(vector):
    """What is said of a delivery, in the form of a vector's `expected`."""
    body = octets(vector["body"])
    try:
        key_index, age = verify(
            [octets(secret) for secret in vector["secrets"]],
            octets(vector["header"]),
            body,
            int(vector["now"]),
            vector["tolerance"]["past"],
            vector["tolerance"]["future"],
        )
    except Refused as reason:
        return {"code": str(reason)}
    return {"code": "ok", "key_index": key_index, "age": age, "event_key": event_key(body)}


def main():
    path = pathlib.Path(__file__).with_name("deliveries.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["version"] != VERSION:
        sys.exit(f"{path} has version {document['version']}, not {VERSION}")
    wrong = 0
    for vector in document["vectors"]:
        said = judge(vector)
        if said != vector["expected"]:
            print(f"{vector['name']}: {said}, not {vector['expected']}", file=sys.stderr)
            wrong += 1
    if wrong or len(document["vectors"]) < 100:
        sys.exit(f"{wrong} of {len(document['vectors'])} deliveries are judged wrongly")
    print(f"{len(document['vectors'])} deliveries are judged as expected")


if __name__ == "__main__":
    main()
