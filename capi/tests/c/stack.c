/* What calls leave on the stack: 64 KiB of it are painted, a function of the library is called on them, and they
 * are searched for what would help a forger: secrets, what they are made into, and MACs that would be right. */

#include "check.h"
#include "sha256.h"
#include <ucontext.h>

#define STACK_BYTES 65536
#define KEYS 3
#define PAINT 0x5a

/* Secrets of which no part occurs elsewhere: of a usual length, of a whole block, and longer than a block, which
 * is hashed. */
static const char *const secrets[KEYS] = {
    "whsec_Zq8vTn2LrKdW5yHcXb7GfJ0mPsAeUi4o", "whsec_1Rk9uBxQe3VtYwMa6NzCj8hDpSgLf5iO2lKvXnTqE7rUyHbWd0JmZoPc4T",
    "whsec_Hs6DkWq0ZtRyUb3NvXe8CmJg1LpAi7oFfTzKx4QnVd2BrYw9GhMj5SuPlEcOa0IqTbRkXvZyNsWu8HmDeCg3fLJp6"};

/* Bytes that must not be found, cut into what is searched for. */
struct needle {
    const char *name;
    unsigned char bytes[128];
    size_t length;
    /* Bytes of one part, and the number of parts that is no chance any more. */
    size_t part;
    size_t enough;
};

static struct needle needles[64];
static size_t needle_count;

static unsigned char *stack;
static const char *call_name;
static unsigned findings;

static struct needle *add(const char *name, const void *bytes, size_t length, size_t part, size_t enough) {
    struct needle *needle = &needles[needle_count++];
    CHECK(needle_count < sizeof needles / sizeof *needles && length <= sizeof needle->bytes);
    needle->name = name;
    memcpy(needle->bytes, bytes, length);
    needle->length = length;
    needle->part = part;
    needle->enough = enough;
    return needle;
}

/* Bytes as they are, and as the big-endian words that SHA-256 takes them for. */
static void add_block(const char *name, const void *bytes, size_t length) {
    unsigned char swapped[128];
    size_t at;
    add(name, bytes, length, 8, 1);
    for (at = 0; at < length / 4 * 4; at++)
        swapped[at] = ((const unsigned char *)bytes)[at ^ 3];
    add(name, swapped, length / 4 * 4, 8, 1);
}

/* The words of a hash: as words, and as the bytes that they are written as. Vector units put them in any order, so
 * they are searched for one by one. */
static void add_hash(const char *name, const uint32_t words[8]) {
    unsigned char bytes[32];
    int at;
    for (at = 0; at < 32; at++)
        bytes[at] = (unsigned char)(words[at / 4] >> (24 - 8 * (at % 4)));
    add(name, words, 32, 4, 2);
    add(name, bytes, 32, 4, 2);
}

static void add_secret(const char *secret) {
    unsigned char inner[64], outer[64];
    const size_t length = strlen(secret), key = length > 64 ? 32 : length;
    struct sha256 hash;
    hmac_blocks(secret, length, inner, outer);
    add_block("the secret", secret, length);
    /* Behind the key the blocks are the same for everybody. */
    add_block("the inner key block", inner, key);
    add_block("the outer key block", outer, key);
    sha256_begin(&hash);
    sha256_compress(hash.state, inner);
    add_hash("the inner hash state", hash.state);
    sha256_begin(&hash);
    sha256_compress(hash.state, outer);
    add_hash("the outer hash state", hash.state);
    if (length > 64) {
        unsigned char digest[32];
        sha256_begin(&hash);
        sha256_update(&hash, secret, length);
        sha256_end(&hash, digest);
        add_hash("the hash of the secret", hash.state);
    }
}

/* The MAC of a message under a key, unless the header that is verified has it. */
static void add_mac(const char *secret, const char *head, const void *body, size_t length) {
    unsigned char mac[32];
    uint32_t words[8];
    int at;
    hmac_sha256(secret, strlen(secret), head, body, length, mac);
    for (at = 0; at < 8; at++)
        words[at] = (uint32_t)mac[4 * at] << 24 | (uint32_t)mac[4 * at + 1] << 16 | (uint32_t)mac[4 * at + 2] << 8 |
                    mac[4 * at + 3];
    add_hash("the right MAC", words);
}

/* How many parts of a needle are on the stack. */
static size_t count(const struct needle *needle) {
    size_t at, place, found = 0;
    for (at = 0; at + needle->part <= needle->length; at += needle->part)
        for (place = 0; place + needle->part <= STACK_BYTES; place++)
            if (stack[place] == needle->bytes[at] && memcmp(stack + place, needle->bytes + at, needle->part) == 0) {
                found++;
                break;
            }
    return found;
}

/* Bytes of the stack that are not as they were painted. */
static size_t used(void) {
    size_t untouched = 0;
    while (untouched < STACK_BYTES && stack[untouched] == PAINT)
        untouched++;
    return STACK_BYTES - untouched;
}

static ucontext_t here, there;

/* Runs a function on the painted stack. */
static void on_stack(void (*function)(void)) {
    memset(stack, PAINT, STACK_BYTES);
    CHECK(getcontext(&there) == 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_BYTES;
    there.uc_link = &here;
    makecontext(&there, function, 0);
    CHECK(swapcontext(&here, &there) == 0);
    CHECK(used() < STACK_BYTES);
}

static void search(const char *name, void (*function)(void)) {
    size_t at;
    on_stack(function);
    call_name = name;
    for (at = 0; at < needle_count; at++) {
        const size_t found = count(&needles[at]);
        if (found >= needles[at].enough) {
            printf("  %s leaves %u of %u bytes of %s\n", name, (unsigned)(found * needles[at].part),
                   (unsigned)needles[at].length, needles[at].name);
            findings++;
        }
    }
}

/* What is called, and with what. All of it lies outside of the stack that is searched. */

#define HEAD "1700000000."
static const char SHORT[] = "{}";
/* Fills the block that the timestamp begins, and no other. */
static const char BLOCK[] = "{\"id\":\"evt_1234567890\",\"type\":\"job.succeeded\",\"data\":{}}";
static char LONG[300];

static nextapi_webhook_verifier verifier;
static nextapi_webhook_stream stream;
static nextapi_webhook_pending pending;
static nextapi_webhook_verified verified;
static nextapi_webhook_secret given[KEYS];
static size_t given_count;
static const char *header, *body;
static size_t header_length, body_length;
static char signature[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
static unsigned char mac[NEXTAPI_WEBHOOK_MAC_SIZE];
static nextapi_webhook_part parts[NEXTAPI_WEBHOOK_MESSAGE_PARTS];
static nextapi_webhook_event event;
static nextapi_webhook_event_key key;
static nextapi_webhook_result result;

static void call_init(void) {
    result = nextapi_webhook_verifier_init(&verifier, given, given_count, 300, 300);
}
static void call_verify(void) {
    result = nextapi_webhook_verify(&verifier, header, header_length, body, body_length, NOW, &verified);
}
static void call_begin(void) {
    result = nextapi_webhook_stream_begin(&stream, &verifier, header, header_length);
}
static void call_update(void) {
    result = nextapi_webhook_stream_update(&stream, body, body_length);
}
static void call_finish(void) {
    result = nextapi_webhook_stream_finish(&stream, NOW, &verified);
}
static void call_stream_wipe(void) {
    nextapi_webhook_stream_wipe(&stream);
}
static void call_pending_begin(void) {
    result = nextapi_webhook_pending_begin(&pending, header, header_length);
}
static void call_message(void) {
    result = nextapi_webhook_pending_message(&pending, body, body_length, parts);
}
static void call_offer(void) {
    result = nextapi_webhook_pending_offer(&pending, 0, mac);
}
static void call_pending_finish(void) {
    result = nextapi_webhook_pending_finish(&pending, 300, 300, NOW, &verified);
}
static void call_sign(void) {
    result = nextapi_webhook_sign(given[0].data, given[0].length, body, body_length, NOW, signature, sizeof signature,
                                  NULL);
}
static void call_wipe(void) {
    nextapi_webhook_verifier_wipe(&verifier);
}
static void call_event(void) {
    result = nextapi_webhook_event_read(&verified, &event);
    result = nextapi_webhook_event_key_of(&verified, &key);
}

static void expect(nextapi_webhook_result expected) {
    if (result != expected) {
        fprintf(stderr, "%s gave %s\n", call_name, nextapi_webhook_result_code(result));
        exit(1);
    }
}

/* With these keys, a body of this length, and the key that has signed, or none. */
static void calls(size_t keys, const char *text, size_t length, size_t signer) {
    const nextapi_webhook_result verdict =
        signer < keys ? NEXTAPI_WEBHOOK_RESULT_OK : NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISMATCH;
    size_t at;
    body = text;
    body_length = length;
    given_count = keys;
    needle_count = 0;
    for (at = 0; at < keys; at++) {
        given[at] = secret(secrets[at]);
        add_secret(secrets[at]);
        if (at != signer)
            add_mac(secrets[at], HEAD, body, body_length);
    }
    {
        const char *with = signer < keys ? secrets[signer] : "whsec_nobody";
        static char text_of_header[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
        GIVES(nextapi_webhook_sign(with, strlen(with), body, body_length, NOW, text_of_header, sizeof text_of_header,
                                   &header_length),
              OK);
        header = text_of_header;
    }
    search("verifier_init", call_init);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    search("verify", call_verify);
    expect(verdict);
    if (signer < keys)
        search("event_read, event_key_of", call_event);
    search("stream_begin", call_begin);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    search("stream_update", call_update);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    search("stream_finish", call_finish);
    expect(verdict);
    search("stream_begin", call_begin);
    search("stream_finish, without a piece", call_finish);
    expect(NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISMATCH);
    search("stream_begin", call_begin);
    search("stream_update", call_update);
    search("stream_wipe", call_stream_wipe);
    search("pending_begin", call_pending_begin);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    search("pending_message", call_message);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    hmac_sha256(secrets[0], strlen(secrets[0]), HEAD, body, body_length, mac);
    search("pending_offer", call_offer);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
    search("pending_finish", call_pending_finish);
    expect(signer == 0 ? NEXTAPI_WEBHOOK_RESULT_OK : NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISMATCH);
    search("verifier_wipe", call_wipe);
    /* What is signed is given out, so its MAC is no secret. */
    needle_count = 0;
    add_secret(secrets[keys - 1]);
    given[0] = secret(secrets[keys - 1]);
    search("sign", call_sign);
    expect(NEXTAPI_WEBHOOK_RESULT_OK);
}

/* A leak that was planted: the needle of that place lies on the stack. */
static size_t planted;

static void call_planted(void) {
    volatile unsigned char left[128];
    size_t at;
    for (at = 0; at < needles[planted].length; at++)
        left[at] = needles[planted].bytes[at];
    (void)left;
}

static void nothing(void) {
}

/* Everything that is searched for is found if it is there, and only then. */
static void plant(void) {
    size_t at;
    for (at = 0; at < KEYS; at++) {
        add_secret(secrets[at]);
        add_mac(secrets[at], HEAD, SHORT, 2);
    }
    for (planted = 0; planted < needle_count; planted++) {
        on_stack(call_planted);
        CHECK(count(&needles[planted]) == needles[planted].length / needles[planted].part);
        on_stack(nothing);
        CHECK(count(&needles[planted]) == 0);
    }
}

int main(void) {
    size_t keys, signer;
    stack = (unsigned char *)malloc(STACK_BYTES);
    CHECK(stack != NULL);
    memset(LONG, 'x', sizeof LONG);
    plant();
    for (keys = 1; keys <= KEYS; keys++)
        for (signer = 0; signer <= keys; signer++) {
            calls(keys, SHORT, sizeof SHORT - 1, signer);
            calls(keys, BLOCK, sizeof BLOCK - 1, signer);
            calls(keys, LONG, sizeof LONG, signer);
        }
    free(stack);
    if (findings > 0)
        return 1;
    puts("nothing of a key, and no right MAC, is left on the stack");
    return 0;
}
