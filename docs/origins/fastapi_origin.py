import hashlib
import hmac
import os
import re
import time

from fastapi import FastAPI, Request, Response
from store import store

SECRET = os.environ["EDGE_SIGNING_SECRET"].encode()
app = FastAPI()


def is_signed(header: str, body: bytes) -> bool:
    match = re.fullmatch(r"t=([0-9]+),v=([0-9a-f]{64})", header)
    if not match or abs(time.time() - int(match[1])) >= 300:
        return False
    mac = hmac.new(SECRET, match[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(mac, match[2])


@app.post("/events")
async def receive(request: Request) -> Response:
    body = await request.body()  # the raw bytes: a model as a parameter would parse them first
    key = request.headers.get("Idempotency-Key")
    if not key or not is_signed(request.headers.get("X-Edge-Signature", ""), body):
        return Response(status_code=401)
    await store(key, body)  # if it raises, FastAPI answers 500, and the event comes again
    return Response(status_code=200)
