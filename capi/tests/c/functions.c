/* Every function, every result, and what the header's conventions say about NULL and lengths. */

#include "check.h"

/* Under memcheck, it tells which bytes were never written. */
#ifdef MEMCHECK
#include <valgrind/memcheck.h>
#else
#define VALGRIND_CHECK_MEM_IS_DEFINED(bytes, length) 0
#endif

#define PAST NEXTAPI_WEBHOOK_TOLERANCE_SECONDS
#define FUTURE NEXTAPI_WEBHOOK_TOLERANCE_SECONDS

static const char BODY[] = "{\"id\":\"evt_1\",\"type\":\"job.succeeded\",\"data\":{\"job\":{\"id\":\"job_1\"}}}";
#define BODY_LENGTH (sizeof BODY - 1)

/* The stated sizes, checked when this is compiled. Who has to change a number here has changed what
 * programs were compiled with, and has to raise C_ABI in capi.mk. */
#define HOLDS(name, condition) typedef char name[(condition) ? 1 : -1]
HOLDS(verifier_size, sizeof(nextapi_webhook_verifier) == 384 && NEXTAPI_WEBHOOK_VERIFIER_SIZE == 384);
HOLDS(stream_size, sizeof(nextapi_webhook_stream) == 640 && NEXTAPI_WEBHOOK_STREAM_SIZE == 640);
HOLDS(pending_size, sizeof(nextapi_webhook_pending) == 384 && NEXTAPI_WEBHOOK_PENDING_SIZE == 384);
HOLDS(part_size, sizeof(nextapi_webhook_part) == 2 * sizeof(void *) && NEXTAPI_WEBHOOK_MESSAGE_PARTS == 3);
HOLDS(key_size, sizeof(nextapi_webhook_event_key) == 33 && NEXTAPI_WEBHOOK_EVENT_KEY_SIZE == 33);
HOLDS(event_size, sizeof(nextapi_webhook_event) == 129 + 65 + 33 + 129 + 33);
HOLDS(event_places, offsetof(nextapi_webhook_event, status) == 129 + 65);
HOLDS(verified_size, sizeof(nextapi_webhook_verified) == (sizeof(void *) == 8 ? 48 : 40));
HOLDS(verified_places, offsetof(nextapi_webhook_verified, body) == 16 + sizeof(size_t));
HOLDS(secret_size, sizeof(nextapi_webhook_secret) == 2 * sizeof(void *));
HOLDS(text_sizes, NEXTAPI_WEBHOOK_SIGNATURE_SIZE == 129 && NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE == 71);
HOLDS(result_size, sizeof(nextapi_webhook_result) == 4);

static nextapi_webhook_verifier verifier_of(const char *text) {
    nextapi_webhook_verifier verifier;
    const nextapi_webhook_secret only = secret(text);
    GIVES(nextapi_webhook_verifier_init(&verifier, &only, 1, PAST, FUTURE), OK);
    return verifier;
}

/* The header that signs BODY, in a static buffer. */
static const char *signed_at(uint64_t timestamp, const char *text) {
    static char header[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
    size_t length = 0;
    GIVES(nextapi_webhook_sign(text, strlen(text), BODY, BODY_LENGTH, timestamp, header, sizeof header,
                               &length),
          OK);
    CHECK(length == strlen(header));
    return header;
}

/* The header that signs an empty body, in a static buffer. */
static const char *signed_empty(const char *text) {
    static char header[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
    GIVES(nextapi_webhook_sign(text, strlen(text), NULL, 0, NOW, header, sizeof header, NULL), OK);
    return header;
}

static nextapi_webhook_result verify(const nextapi_webhook_verifier *verifier, const char *header,
                                     nextapi_webhook_verified *verified) {
    return nextapi_webhook_verify(verifier, header, strlen(header), BODY, BODY_LENGTH, NOW, verified);
}

static void versions(void) {
    CHECK(strcmp(nextapi_webhook_version(), NEXTAPI_WEBHOOK_VERSION) == 0);
}

static void results(void) {
    /* The numbers are part of the interface: they stay. */
    static const struct {
        int32_t result;
        int32_t number;
        const char *code;
    } all[] = {
        {NEXTAPI_WEBHOOK_RESULT_OK, 0, "ok"},
        {NEXTAPI_WEBHOOK_RESULT_DUPLICATE, 1, "duplicate"},
        {NEXTAPI_WEBHOOK_RESULT_ARGUMENT_INVALID, 10, "argument_invalid"},
        {NEXTAPI_WEBHOOK_RESULT_NOT_INITIALISED, 11, "not_initialised"},
        {NEXTAPI_WEBHOOK_RESULT_BUFFER_TOO_SMALL, 12, "buffer_too_small"},
        {NEXTAPI_WEBHOOK_RESULT_NOT_VERIFIED, 13, "not_verified"},
        {NEXTAPI_WEBHOOK_RESULT_KEY_EMPTY, 20, "key_empty"},
        {NEXTAPI_WEBHOOK_RESULT_KEY_NONE, 21, "key_none"},
        {NEXTAPI_WEBHOOK_RESULT_KEY_TOO_MANY, 22, "key_too_many"},
        {NEXTAPI_WEBHOOK_RESULT_HEADER_TOO_LONG, 30, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_MISSING, 31, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_REPEATED, 32, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_INVALID, 33, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISSING, 34, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_TOO_MANY_SIGNATURES, 35, "signature_malformed"},
        {NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISMATCH, 40, "signature_mismatch"},
        {NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_EXPIRED, 41, "timestamp_expired"},
        {NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_AHEAD, 42, "timestamp_ahead"},
        {NEXTAPI_WEBHOOK_RESULT_REFUSED, 43, "refused"},
        {NEXTAPI_WEBHOOK_RESULT_EVENT_UNREADABLE, 50, "event_unreadable"},
        {NEXTAPI_WEBHOOK_RESULT_EVENT_TOO_DEEP, 51, "event_too_deep"},
        {NEXTAPI_WEBHOOK_RESULT_EVENT_FIELD_TOO_LONG, 52, "event_field_too_long"},
        {NEXTAPI_WEBHOOK_RESULT_EVENT_FIELD_INVALID, 53, "event_field_invalid"},
        {NEXTAPI_WEBHOOK_RESULT_EVENT_KEY_INVALID, 54, "event_key_invalid"},
    };
    const size_t count = sizeof all / sizeof *all;
    size_t known = 0;
    int32_t number;
    size_t at;
    for (at = 0; at < count; at++) {
        CHECK(all[at].result == all[at].number);
        CHECK(strcmp(nextapi_webhook_result_code(all[at].result), all[at].code) == 0);
    }
    for (number = -1000; number <= 1000; number++) {
        CHECK(strlen(nextapi_webhook_result_text(number)) > 5);
        if (strcmp(nextapi_webhook_result_code(number), "unknown") != 0)
            known++;
    }
    CHECK(known == count);
    CHECK(strcmp(nextapi_webhook_result_code(INT32_MIN), "unknown") == 0);
    CHECK(strcmp(nextapi_webhook_result_code(INT32_MAX), "unknown") == 0);
}

static void verifiers(void) {
    nextapi_webhook_verifier verifier;
    nextapi_webhook_secret secrets[NEXTAPI_WEBHOOK_MAX_KEYS + 1];
    nextapi_webhook_verified verified;
    char storage[sizeof verifier + 8];
    char *misaligned = storage + ((uintptr_t)storage % 2 == 0 ? 1 : 0);
    size_t at;
    for (at = 0; at <= NEXTAPI_WEBHOOK_MAX_KEYS; at++)
        secrets[at] = secret(at == 0 ? "one" : at == 1 ? "two" : at == 2 ? "three" : "more");

    for (at = 1; at <= NEXTAPI_WEBHOOK_MAX_KEYS; at++) {
        memset(&verifier, 0xa5, sizeof verifier);
        GIVES(nextapi_webhook_verifier_init(&verifier, secrets, at, PAST, FUTURE), OK);
        GIVES(verify(&verifier, signed_at(NOW, "one"), &verified), OK);
        CHECK(verified.key_index == 0);
    }
    GIVES(verify(&verifier, signed_at(NOW, "three"), &verified), OK);
    CHECK(verified.key_index == 2);

    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, NEXTAPI_WEBHOOK_MAX_KEYS + 1, PAST, FUTURE),
          KEY_TOO_MANY);
    /* A verifier that could not be made refuses everything, and nothing is left of the one before. */
    CHECK(is_zero(&verifier, sizeof verifier));
    GIVES(verify(&verifier, signed_at(NOW, "one"), &verified), NOT_INITIALISED);
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, 0, PAST, FUTURE), KEY_NONE);
    GIVES(nextapi_webhook_verifier_init(&verifier, NULL, 0, PAST, FUTURE), KEY_NONE);
    GIVES(nextapi_webhook_verifier_init(&verifier, NULL, 1, PAST, FUTURE), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verifier_init(NULL, secrets, 1, PAST, FUTURE), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, SIZE_MAX / 2, PAST, FUTURE), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verifier_init((nextapi_webhook_verifier *)(void *)misaligned, secrets, 1, PAST,
                                        FUTURE),
          ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verifier_init(
              &verifier, (const nextapi_webhook_secret *)(const void *)misaligned, 1, PAST, FUTURE),
          ARGUMENT_INVALID);
    secrets[1].length = 0;
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, 2, PAST, FUTURE), KEY_EMPTY);
    secrets[1].data = NULL;
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, 2, PAST, FUTURE), KEY_EMPTY);
    secrets[1].length = 1;
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, 2, PAST, FUTURE), ARGUMENT_INVALID);
    secrets[0].length = SIZE_MAX;
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, 1, PAST, FUTURE), ARGUMENT_INVALID);
    CHECK(is_zero(&verifier, sizeof verifier));

    verifier = verifier_of("one");
    CHECK(!is_zero(&verifier, sizeof verifier));
    nextapi_webhook_verifier_wipe(&verifier);
    CHECK(is_zero(&verifier, sizeof verifier));
    nextapi_webhook_verifier_wipe(&verifier);
    nextapi_webhook_verifier_wipe(NULL);
}

static void verdicts(void) {
    static const nextapi_webhook_verifier never = {{0}};
    nextapi_webhook_verifier verifier = verifier_of("one");
    nextapi_webhook_verifier copy;
    nextapi_webhook_verified verified;
    char storage[sizeof verified + 1];
    char *misaligned = storage + ((uintptr_t)storage % 2 == 0 ? 1 : 0);
    char long_header[1025];
    const char *header = signed_at(NOW - 299, "one");

    GIVES(verify(&verifier, header, &verified), OK);
    CHECK(verified.timestamp == NOW - 299 && verified.age_seconds == 299 && verified.key_index == 0);
    CHECK(verified.body == BODY && verified.body_length == BODY_LENGTH);
    GIVES(verify(&verifier, header, NULL), OK);
    GIVES(verify(&verifier, signed_at(NOW + 299, "one"), &verified), OK);
    CHECK(verified.age_seconds == -299);
    memcpy(&copy, &verifier, sizeof copy);
    GIVES(verify(&copy, header, NULL), OK);

    GIVES(verify(&verifier, signed_at(NOW, "other"), &verified), SIGNATURE_MISMATCH);
    CHECK(is_zero(&verified, sizeof verified));
    GIVES(verify(&verifier, signed_at(NOW - 300, "one"), &verified), TIMESTAMP_EXPIRED);
    GIVES(verify(&verifier, signed_at(NOW + 300, "one"), &verified), TIMESTAMP_AHEAD);
    GIVES(verify(&verifier, signed_at(NOW - 300, "other"), &verified), SIGNATURE_MISMATCH);

    memset(long_header, 'x', sizeof long_header);
    GIVES(nextapi_webhook_verify(&verifier, long_header, sizeof long_header, NULL, 0, NOW, NULL),
          HEADER_TOO_LONG);
    GIVES(verify(&verifier, "v=1", NULL), TIMESTAMP_MISSING);
    GIVES(verify(&verifier, "t=1,t=1", NULL), TIMESTAMP_REPEATED);
    GIVES(verify(&verifier, "t=01", NULL), TIMESTAMP_INVALID);
    GIVES(verify(&verifier, "t=1", NULL), SIGNATURE_MISSING);
    GIVES(verify(&verifier, "t=1,v=,v=,v=,v=,v=,v=,v=,v=,v=", NULL), TOO_MANY_SIGNATURES);

    header = signed_at(NOW, "one");
    GIVES(verify(&never, header, NULL), NOT_INITIALISED);
    GIVES(verify(NULL, header, &verified), ARGUMENT_INVALID);
    CHECK(is_zero(&verified, sizeof verified));
    GIVES(nextapi_webhook_verify(&verifier, NULL, 1, BODY, BODY_LENGTH, NOW, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verify(&verifier, NULL, 0, BODY, BODY_LENGTH, NOW, NULL), TIMESTAMP_MISSING);
    GIVES(nextapi_webhook_verify(&verifier, header, 0, BODY, BODY_LENGTH, NOW, NULL), TIMESTAMP_MISSING);
    GIVES(nextapi_webhook_verify(&verifier, header, SIZE_MAX, BODY, BODY_LENGTH, NOW, NULL),
          ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verify(&verifier, header, strlen(header), NULL, 1, NOW, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_verify(&verifier, header, strlen(header), NULL, 0, NOW, NULL), SIGNATURE_MISMATCH);
    GIVES(verify(&verifier, header, (nextapi_webhook_verified *)(void *)misaligned), ARGUMENT_INVALID);
    GIVES(verify((const nextapi_webhook_verifier *)(const void *)misaligned, header, NULL), ARGUMENT_INVALID);
}

static void streams(void) {
    nextapi_webhook_verifier verifier = verifier_of("one");
    nextapi_webhook_stream stream, moved;
    nextapi_webhook_verified verified;
    const char *header = signed_at(NOW, "one");
    char storage[sizeof stream + 8];
    char *misaligned = storage + ((uintptr_t)storage % 2 == 0 ? 1 : 0);
    size_t cut;

    for (cut = 0; cut <= BODY_LENGTH; cut++) {
        char *front = alone(BODY, cut);
        char *back = alone(BODY + cut, BODY_LENGTH - cut);
        memset(&stream, 0xa5, sizeof stream);
        GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
        GIVES(nextapi_webhook_stream_update(&stream, front, cut), OK);
        GIVES(nextapi_webhook_stream_update(&stream, NULL, 0), OK);
        GIVES(nextapi_webhook_stream_update(&stream, back, BODY_LENGTH - cut), OK);
        GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), OK);
        CHECK(verified.timestamp == NOW && verified.age_seconds == 0 && verified.key_index == 0);
        CHECK(verified.body == NULL && verified.body_length == 0);
        CHECK(is_zero(&stream, sizeof stream));
        free(front);
        free(back);
    }
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), NOT_INITIALISED);
    CHECK(is_zero(&verified, sizeof verified));
    GIVES(nextapi_webhook_stream_update(&stream, BODY, 1), NOT_INITIALISED);

    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH - 1), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, NULL), SIGNATURE_MISMATCH);
    /* The time counts at which the body has arrived, not that at which it began. */
    header = signed_at(NOW, "one");
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW + 299, NULL), OK);
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW + 300, NULL), TIMESTAMP_EXPIRED);
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW - 300, NULL), TIMESTAMP_AHEAD);

    /* A piece that could not be taken in is not passed over. */
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, NULL, 5), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), NOT_INITIALISED);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), NOT_INITIALISED);
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, SIZE_MAX), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), NOT_INITIALISED);

    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, "t=1", 3), SIGNATURE_MISSING);
    CHECK(is_zero(&stream, sizeof stream));
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, NULL, 0), TIMESTAMP_MISSING);
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, NULL, 1), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_begin(&stream, NULL, header, strlen(header)), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_begin(NULL, &verifier, header, strlen(header)), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_begin((nextapi_webhook_stream *)(void *)misaligned, &verifier, header,
                                       strlen(header)),
          ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_update(NULL, BODY, 1), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_update(NULL, NULL, 1), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_stream_finish(NULL, NOW, &verified), ARGUMENT_INVALID);

    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    nextapi_webhook_stream_wipe(&stream);
    CHECK(is_zero(&stream, sizeof stream));
    nextapi_webhook_stream_wipe(NULL);

    /* An empty body needs no piece. */
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, NULL), SIGNATURE_MISMATCH);

    /* A stream may be moved. */
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, 5), OK);
    memcpy(&moved, &stream, sizeof moved);
    nextapi_webhook_stream_wipe(&stream);
    GIVES(nextapi_webhook_stream_update(&moved, BODY + 5, BODY_LENGTH - 5), OK);
    GIVES(nextapi_webhook_stream_finish(&moved, NOW, NULL), OK);

    /* Nothing is verified with the keys of a wiped verifier, which anybody knows. */
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_begin(&moved, &verifier, header, strlen(header)), OK);
    nextapi_webhook_verifier_wipe(&verifier);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), NOT_INITIALISED);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), NOT_INITIALISED);
    GIVES(nextapi_webhook_stream_finish(&moved, NOW, &verified), NOT_INITIALISED);
    CHECK(is_zero(&stream, sizeof stream) && is_zero(&verified, sizeof verified));
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), NOT_INITIALISED);
}

/* The MAC in what signed_at made. */
static void mac_of(const char *header, unsigned char mac[NEXTAPI_WEBHOOK_MAC_SIZE]) {
    const char *digits = strstr(header, "v=") + 2;
    size_t at;
    for (at = 0; at < NEXTAPI_WEBHOOK_MAC_SIZE; at++) {
        unsigned value = 0;
        CHECK(sscanf(digits + 2 * at, "%2x", &value) == 1);
        mac[at] = (unsigned char)value;
    }
}

static nextapi_webhook_result begin_pending(nextapi_webhook_pending *pending, const char *header) {
    return nextapi_webhook_pending_begin(pending, header, strlen(header));
}

static nextapi_webhook_result finish_pending(nextapi_webhook_pending *pending, uint64_t now,
                                             nextapi_webhook_verified *verified) {
    return nextapi_webhook_pending_finish(pending, PAST, FUTURE, now, verified);
}

static void pendings(void) {
    nextapi_webhook_pending pending;
    nextapi_webhook_part parts[NEXTAPI_WEBHOOK_MESSAGE_PARTS];
    nextapi_webhook_verified verified;
    unsigned char mac[NEXTAPI_WEBHOOK_MAC_SIZE], wrong[NEXTAPI_WEBHOOK_MAC_SIZE], dead[NEXTAPI_WEBHOOK_MAC_SIZE];
    const char *header = signed_at(NOW, "one");
    char storage[sizeof pending + 8];
    char *misaligned = storage + ((uintptr_t)storage % 2 == 0 ? 1 : 0);
    char *exact;
    char zeros[80];
    size_t at;

    mac_of(header, mac);
    memset(&pending, 0xa5, sizeof pending);
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_message(&pending, BODY, BODY_LENGTH, parts), OK);
    CHECK(parts[0].length == 10 && memcmp(parts[0].data, "1700000000", 10) == 0);
    CHECK(parts[1].length == 1 && memcmp(parts[1].data, ".", 1) == 0);
    CHECK(parts[2].length == BODY_LENGTH && parts[2].data == BODY);
    GIVES(nextapi_webhook_pending_message(&pending, NULL, 0, parts), OK);
    CHECK(parts[2].length == 0 && parts[2].data == NULL);
    exact = alone(mac, sizeof mac);
    GIVES(nextapi_webhook_pending_offer(&pending, 3, exact), OK);
    free(exact);
    GIVES(finish_pending(&pending, NOW + 299, &verified), OK);
    CHECK(verified.timestamp == NOW && verified.age_seconds == 299 && verified.key_index == 3);
    CHECK(verified.body == NULL && verified.body_length == 0);
    CHECK(is_zero(&pending, sizeof pending));
    GIVES(finish_pending(&pending, NOW, &verified), NOT_INITIALISED);
    CHECK(is_zero(&verified, sizeof verified));

    /* No MAC, a wrong one, one that is wrong in its last bit. */
    GIVES(begin_pending(&pending, header), OK);
    GIVES(finish_pending(&pending, NOW, &verified), SIGNATURE_MISMATCH);
    memcpy(wrong, mac, sizeof wrong);
    wrong[sizeof wrong - 1] ^= 1;
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 0, wrong), OK);
    GIVES(finish_pending(&pending, NOW, &verified), SIGNATURE_MISMATCH);
    CHECK(is_zero(&verified, sizeof verified));
    /* A wrong one does not undo a right one, and the smallest index is reported. */
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 7, mac), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 1, mac), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 2, mac), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 0, wrong), OK);
    GIVES(finish_pending(&pending, NOW, &verified), OK);
    CHECK(verified.key_index == 1);
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 0, mac), OK);
    GIVES(finish_pending(&pending, NOW + 300, &verified), TIMESTAMP_EXPIRED);
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_offer(&pending, 0, mac), OK);
    GIVES(finish_pending(&pending, NOW - 300, NULL), TIMESTAMP_AHEAD);

    /* What an engine without a clock gives does not match what anybody can write. */
    for (at = 0; at < 2; at++) {
        memset(dead, at == 0 ? 0 : 0xff, sizeof dead);
        strcpy(zeros, "t=1700000000,v=");
        memset(zeros + 15, at == 0 ? '0' : 'f', 64);
        zeros[79] = '\0';
        GIVES(begin_pending(&pending, zeros), OK);
        GIVES(nextapi_webhook_pending_offer(&pending, 0, dead), OK);
        GIVES(finish_pending(&pending, NOW, &verified), SIGNATURE_MISMATCH);
    }

    GIVES(begin_pending(&pending, "t=1"), SIGNATURE_MISSING);
    CHECK(is_zero(&pending, sizeof pending));
    GIVES(nextapi_webhook_pending_begin(&pending, NULL, 0), TIMESTAMP_MISSING);
    GIVES(nextapi_webhook_pending_begin(&pending, NULL, 1), ARGUMENT_INVALID);
    GIVES(begin_pending(NULL, header), ARGUMENT_INVALID);
    GIVES(begin_pending((nextapi_webhook_pending *)(void *)misaligned, header), ARGUMENT_INVALID);
    memset(parts, 0xa5, sizeof parts);
    GIVES(nextapi_webhook_pending_message(&pending, BODY, BODY_LENGTH, parts), NOT_INITIALISED);
    CHECK(is_zero(parts, sizeof parts));
    GIVES(nextapi_webhook_pending_offer(&pending, 0, mac), NOT_INITIALISED);
    GIVES(begin_pending(&pending, header), OK);
    GIVES(nextapi_webhook_pending_message(&pending, NULL, 1, parts), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_pending_message(&pending, BODY, BODY_LENGTH, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_pending_message(NULL, BODY, BODY_LENGTH, parts), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_pending_offer(&pending, 0, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_pending_offer(NULL, 0, mac), ARGUMENT_INVALID);
    GIVES(finish_pending(NULL, NOW, &verified), ARGUMENT_INVALID);
    CHECK(is_zero(&verified, sizeof verified));
    nextapi_webhook_pending_wipe(&pending);
    CHECK(is_zero(&pending, sizeof pending));
    nextapi_webhook_pending_wipe(NULL);
}

/* Leaves a pattern on the stack below the caller. */
static void paint_stack(void) {
    volatile unsigned char paint[65536];
    size_t at;
    for (at = 0; at < sizeof paint; at++)
        paint[at] = 0xa5;
}

/* Whether nothing of the stack was copied into an object of the library. */
static int is_clean(const void *object, size_t size) {
    static const char painted[] = "\xa5\xa5\xa5\xa5";
    size_t at;
    for (at = 0; at + 4 <= size; at++)
        if (memcmp((const char *)object + at, painted, 4) == 0)
            return 0;
    return VALGRIND_CHECK_MEM_IS_DEFINED(object, size) == 0;
}

static void storage(void) {
    nextapi_webhook_verifier verifier;
    nextapi_webhook_stream stream;
    nextapi_webhook_pending pending;
    const nextapi_webhook_secret only = secret("one");
    const char *header = signed_at(NOW, "one");

    memset(&verifier, 0xa5, sizeof verifier);
    memset(&stream, 0xa5, sizeof stream);
    memset(&pending, 0xa5, sizeof pending);
    paint_stack();
    GIVES(nextapi_webhook_verifier_init(&verifier, &only, 1, PAST, FUTURE), OK);
    CHECK(is_clean(&verifier, sizeof verifier));
    paint_stack();
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    CHECK(is_clean(&stream, sizeof stream));
    paint_stack();
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), OK);
    CHECK(is_clean(&stream, sizeof stream));
    paint_stack();
    GIVES(begin_pending(&pending, header), OK);
    CHECK(is_clean(&pending, sizeof pending));
    nextapi_webhook_pending_wipe(&pending);
    nextapi_webhook_stream_wipe(&stream);
    nextapi_webhook_verifier_wipe(&verifier);
}

static void signatures(void) {
    char room[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
    size_t length = 7;
    size_t size;
    /* RFC 2104 over `1700000000.{}`, made with openssl. */
    static const char expected[] =
        "t=1700000000,v=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
    GIVES(nextapi_webhook_sign("whsec_test", 10, "{}", 2, NOW, room, sizeof room, &length), OK);
    CHECK(strcmp(room, expected) == 0 && length == sizeof expected - 1);
    for (size = 0; size <= sizeof expected; size++) {
        char *exact = alone(room, size);
        if (size < sizeof expected) {
            GIVES(nextapi_webhook_sign("whsec_test", 10, "{}", 2, NOW, exact, size, &length),
                  BUFFER_TOO_SMALL);
            CHECK(length == 0 && (size == 0 || *exact == '\0'));
        } else {
            GIVES(nextapi_webhook_sign("whsec_test", 10, "{}", 2, NOW, exact, size, NULL), OK);
            CHECK(strcmp(exact, expected) == 0);
        }
        free(exact);
    }
    GIVES(nextapi_webhook_sign("s", 1, NULL, 0, UINT64_MAX, room, sizeof room, &length), OK);
    CHECK(length < sizeof room);
    GIVES(nextapi_webhook_sign("s", 1, NULL, 0, NOW, NULL, 0, &length), BUFFER_TOO_SMALL);
    GIVES(nextapi_webhook_sign("s", 1, NULL, 0, NOW, NULL, 1, &length), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_sign("s", 1, NULL, 1, NOW, room, sizeof room, &length), ARGUMENT_INVALID);
    CHECK(length == 0 && *room == '\0');
    GIVES(nextapi_webhook_sign(NULL, 1, NULL, 0, NOW, room, sizeof room, &length), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_sign(NULL, 0, NULL, 0, NOW, room, sizeof room, &length), KEY_EMPTY);
    GIVES(nextapi_webhook_sign("s", 1, NULL, 0, NOW, room, sizeof room,
                               (size_t *)(void *)(room + ((uintptr_t)room % 2 == 0 ? 1 : 0))),
          ARGUMENT_INVALID);
}

/* Reads a text as an event. */
static nextapi_webhook_result event_of(const char *body, nextapi_webhook_event *event) {
    return nextapi_webhook_event_read_unverified(body, strlen(body), event);
}

/* The ordinary way: from the body of an accepted delivery, and from nothing else. */
static void verified_bodies(void) {
    static const nextapi_webhook_event_key zeros = {{0}};
    nextapi_webhook_verifier verifier = verifier_of("one");
    nextapi_webhook_stream stream;
    nextapi_webhook_verified verified, copy;
    nextapi_webhook_event event;
    nextapi_webhook_event_key key, same;
    const char *header = signed_at(NOW, "one");

    GIVES(verify(&verifier, header, &verified), OK);
    GIVES(nextapi_webhook_event_read(&verified, &event), OK);
    CHECK(strcmp(event.id, "evt_1") == 0);
    GIVES(nextapi_webhook_event_key_of(&verified, &key), OK);
    GIVES(nextapi_webhook_event_key_of_unverified(BODY, BODY_LENGTH, &same), OK);
    CHECK(memcmp(&key, &same, sizeof key) == 0);
    copy = verified;
    GIVES(nextapi_webhook_event_key_of(&copy, &key), OK);

    /* A refused delivery has no event. */
    GIVES(verify(&verifier, signed_at(NOW, "other"), &verified), SIGNATURE_MISMATCH);
    GIVES(nextapi_webhook_event_read(&verified, &event), NOT_VERIFIED);
    CHECK(is_zero(&event, sizeof event));
    GIVES(nextapi_webhook_event_key_of(&verified, &key), NOT_VERIFIED);
    CHECK(memcmp(&key, &zeros, sizeof key) == 0);
    GIVES(nextapi_webhook_verified_set_body(&verified, BODY, BODY_LENGTH), NOT_VERIFIED);
    CHECK(is_zero(&verified, sizeof verified));

    /* An empty body is a body. */
    header = signed_empty("one");
    GIVES(nextapi_webhook_verify(&verifier, header, strlen(header), NULL, 0, NOW, &verified), OK);
    GIVES(nextapi_webhook_event_read(&verified, &event), EVENT_UNREADABLE);
    GIVES(nextapi_webhook_event_key_of(&verified, &key), OK);

    /* After pieces, the body has to be set. */
    header = signed_at(NOW, "one");
    GIVES(nextapi_webhook_stream_begin(&stream, &verifier, header, strlen(header)), OK);
    GIVES(nextapi_webhook_stream_update(&stream, BODY, BODY_LENGTH), OK);
    GIVES(nextapi_webhook_stream_finish(&stream, NOW, &verified), OK);
    GIVES(nextapi_webhook_event_read(&verified, &event), NOT_VERIFIED);
    GIVES(nextapi_webhook_event_key_of(&verified, &key), NOT_VERIFIED);
    GIVES(nextapi_webhook_verified_set_body(&verified, NULL, 1), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_read(&verified, &event), NOT_VERIFIED);
    GIVES(nextapi_webhook_verified_set_body(&verified, BODY, BODY_LENGTH), OK);
    CHECK(verified.body == BODY && verified.body_length == BODY_LENGTH);
    GIVES(nextapi_webhook_event_read(&verified, &event), OK);
    GIVES(nextapi_webhook_event_key_of(&verified, &key), OK);
    CHECK(memcmp(&key, &same, sizeof key) == 0);

    GIVES(nextapi_webhook_verified_set_body(NULL, BODY, BODY_LENGTH), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_read(NULL, &event), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_read(&verified, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_key_of(NULL, &key), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_key_of(&verified, NULL), ARGUMENT_INVALID);
    nextapi_webhook_verifier_wipe(&verifier);
}

static void events(void) {
    nextapi_webhook_event event;
    char body[1024];
    char id[NEXTAPI_WEBHOOK_ID_SIZE + 1];
    int depth;

    memset(&event, 0xa5, sizeof event);
    GIVES(event_of(BODY, &event), OK);
    CHECK(strcmp(event.id, "evt_1") == 0 && strcmp(event.event_type, "job.succeeded") == 0);
    CHECK(strcmp(event.job_id, "job_1") == 0 && *event.status == '\0' && *event.credits == '\0');
    GIVES(event_of("{\"id\":\"vid_1\",\"job_id\":\"j\\u00e9\",\"status\":\"succeeded\",\"cost_credits\":1.050}",
                   &event),
          OK);
    CHECK(strcmp(event.id, "vid_1") == 0 && *event.event_type == '\0');
    CHECK(strcmp(event.status, "succeeded") == 0 && strcmp(event.job_id, "j\xc3\xa9") == 0);
    CHECK(strcmp(event.credits, "1.050") == 0);
    GIVES(event_of("{}", &event), OK);
    CHECK(is_zero(&event, sizeof event));

    /* The longest that there is room for, and one more. */
    memset(id, 'x', sizeof id);
    id[NEXTAPI_WEBHOOK_ID_SIZE - 1] = '\0';
    snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    GIVES(event_of(body, &event), OK);
    CHECK(strcmp(event.id, id) == 0);
    snprintf(body, sizeof body, "{\"id\":\"%sx\"}", id);
    GIVES(event_of(body, &event), EVENT_FIELD_TOO_LONG);
    CHECK(is_zero(&event, sizeof event));

    GIVES(event_of("no JSON", &event), EVENT_UNREADABLE);
    GIVES(event_of("{\"id\":\"a\\u0000b\"}", &event), EVENT_FIELD_INVALID);
    strcpy(body, "{\"x\":");
    for (depth = 0; depth < 100; depth++)
        strcat(body, "[");
    GIVES(event_of(body, &event), EVENT_TOO_DEEP);
    GIVES(nextapi_webhook_event_read_unverified(NULL, 0, &event), EVENT_UNREADABLE);
    GIVES(nextapi_webhook_event_read_unverified(NULL, 1, &event), ARGUMENT_INVALID);
    CHECK(is_zero(&event, sizeof event));
    GIVES(nextapi_webhook_event_read_unverified(BODY, BODY_LENGTH, NULL), ARGUMENT_INVALID);
}

static void event_keys(void) {
    static const nextapi_webhook_event_key zeros = {{0}};
    nextapi_webhook_event_key key, other;
    char text[NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE];
    size_t length = 7;
    size_t size;
    /* printf 'evt_1\njob.succeeded\n' | sha256sum */
    static const char expected[] = "event-62bbd99d105f73172fe09e5cc90c75a3c525698d9cb395e397000f557cd16dfa";

    GIVES(nextapi_webhook_event_key_of_unverified(BODY, BODY_LENGTH, &key), OK);
    CHECK(key.bytes[0] == 1);
    GIVES(nextapi_webhook_event_key_text(&key, text, sizeof text, &length), OK);
    CHECK(strcmp(text, expected) == 0 && length == sizeof expected - 1);
    for (size = 0; size <= sizeof expected; size++) {
        char *exact = alone(text, size);
        if (size < sizeof expected) {
            GIVES(nextapi_webhook_event_key_text(&key, exact, size, &length), BUFFER_TOO_SMALL);
            CHECK(length == 0 && (size == 0 || *exact == '\0'));
        } else {
            GIVES(nextapi_webhook_event_key_text(&key, exact, size, NULL), OK);
            CHECK(strcmp(exact, expected) == 0);
        }
        free(exact);
    }

    /* Every body has a key. */
    GIVES(nextapi_webhook_event_key_of_unverified(NULL, 0, &other), OK);
    CHECK(other.bytes[0] == 2 && memcmp(&key, &other, sizeof key) != 0);
    GIVES(nextapi_webhook_event_key_text(&other, text, sizeof text, NULL), OK);
    CHECK(strcmp(text, "body-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);

    GIVES(nextapi_webhook_event_key_of_unverified(NULL, 1, &other), ARGUMENT_INVALID);
    CHECK(memcmp(&other, &zeros, sizeof other) == 0);
    GIVES(nextapi_webhook_event_key_of_unverified(BODY, BODY_LENGTH, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_key_text(&zeros, text, sizeof text, &length), EVENT_KEY_INVALID);
    CHECK(length == 0 && *text == '\0');
    other.bytes[0] = 3;
    GIVES(nextapi_webhook_event_key_text(&other, text, sizeof text, NULL), EVENT_KEY_INVALID);
    GIVES(nextapi_webhook_event_key_text(NULL, text, sizeof text, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_key_text(&key, NULL, 10, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_event_key_text(&key, NULL, 0, NULL), BUFFER_TOO_SMALL);
}

static void replay_windows(void) {
    static const nextapi_webhook_event_key zeros = {{0}};
    static nextapi_webhook_event_key window[2];
    nextapi_webhook_event_key keys[3];
    size_t at;
    for (at = 0; at < 3; at++)
        GIVES(nextapi_webhook_event_key_of_unverified(&at, sizeof at, &keys[at]), OK);

    GIVES(nextapi_webhook_replay_window_insert(window, 2, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, &keys[0]), DUPLICATE);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, &keys[1]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[0]), DUPLICATE);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, &keys[2]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[1]), DUPLICATE);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[2]), DUPLICATE);
    GIVES(nextapi_webhook_replay_window_remove(window, 2, &keys[2]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[2]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[1]), DUPLICATE);
    GIVES(nextapi_webhook_replay_window_remove(window, 2, &keys[2]), OK);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &keys[1]), DUPLICATE);

    GIVES(nextapi_webhook_replay_window_insert(NULL, 0, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_insert(NULL, 0, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_contains(NULL, 0, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_remove(NULL, 0, &keys[0]), OK);
    GIVES(nextapi_webhook_replay_window_insert(NULL, 1, &keys[0]), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_contains(NULL, 1, &keys[0]), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_remove(NULL, 1, &keys[0]), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_insert(window, SIZE_MAX, &keys[0]), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_remove(window, 2, NULL), ARGUMENT_INVALID);
    GIVES(nextapi_webhook_replay_window_insert(window, 2, &zeros), EVENT_KEY_INVALID);
    GIVES(nextapi_webhook_replay_window_contains(window, 2, &zeros), EVENT_KEY_INVALID);
    GIVES(nextapi_webhook_replay_window_remove(window, 2, &zeros), EVENT_KEY_INVALID);
}

int main(void) {
    versions();
    results();
    verifiers();
    verdicts();
    streams();
    pendings();
    storage();
    signatures();
    verified_bodies();
    events();
    event_keys();
    replay_windows();
    puts("every function and every result");
    return 0;
}
