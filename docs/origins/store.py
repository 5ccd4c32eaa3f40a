"""A store for the tests: what it has stored it prints, and it fails when the key says so."""

stored: set[str] = set()


async def store(key: str, body: bytes) -> None:
    if key == "fail":
        raise OSError("the store failed, as it was told to")
    if key in stored:
        return
    stored.add(key)
    print(f"stored {key} {len(body)}", flush=True)
