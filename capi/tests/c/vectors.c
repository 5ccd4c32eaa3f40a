/* The deliveries that every build of the verifier is held to, in one call, in pieces of every kind, and with MACs
 * from elsewhere.
 * The argument is the table; its head says what the fields are. */

#include "check.h"
#include "sha256.h"

/* With MBEDTLS, the MACs from elsewhere are those of the example. */
#ifdef MBEDTLS
#define main main_of_the_example
#include "../../examples/mbedtls.c"
#undef main
#endif

#define MAX_LINE 32768
#define FIELDS 10

struct bytes {
    unsigned char *data;
    size_t length;
};

/* Decodes hexadecimal digits into memory that has not a byte more; a dash is nothing. */
static struct bytes decode(const char *digits, size_t count) {
    struct bytes bytes = {NULL, 0};
    if (count == 1 && *digits == '-')
        count = 0;
    bytes.data = (unsigned char *)malloc(count > 0 ? count / 2 : 1);
    CHECK(bytes.data != NULL && count % 2 == 0);
    while (bytes.length < count / 2) {
        unsigned value = 0;
        CHECK(sscanf(digits + 2 * bytes.length, "%2x", &value) == 1);
        bytes.data[bytes.length++] = (unsigned char)value;
    }
    return bytes;
}

/* The number of a result, by its name in the table. */
static int32_t number(const char *name) {
    static const struct {
        const char *name;
        int32_t result;
    } names[] = {
        {"ok", NEXTAPI_WEBHOOK_RESULT_OK},
        {"header_too_long", NEXTAPI_WEBHOOK_RESULT_HEADER_TOO_LONG},
        {"timestamp_missing", NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_MISSING},
        {"timestamp_repeated", NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_REPEATED},
        {"timestamp_invalid", NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_INVALID},
        {"signature_missing", NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISSING},
        {"too_many_signatures", NEXTAPI_WEBHOOK_RESULT_TOO_MANY_SIGNATURES},
        {"signature_mismatch", NEXTAPI_WEBHOOK_RESULT_SIGNATURE_MISMATCH},
        {"timestamp_expired", NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_EXPIRED},
        {"timestamp_ahead", NEXTAPI_WEBHOOK_RESULT_TIMESTAMP_AHEAD},
    };
    size_t at;
    for (at = 0; at < sizeof names / sizeof *names; at++)
        if (strcmp(names[at].name, name) == 0)
            return names[at].result;
    fprintf(stderr, "no result has the name %s\n", name);
    exit(1);
}

static nextapi_webhook_result in_pieces(const nextapi_webhook_verifier *verifier, struct bytes header,
                                        struct bytes body, uint64_t now, size_t size,
                                        nextapi_webhook_verified *verified) {
    nextapi_webhook_stream stream;
    size_t at;
    nextapi_webhook_result result = nextapi_webhook_stream_begin(
        &stream, verifier, (const char *)header.data, header.length);
    if (result != NEXTAPI_WEBHOOK_RESULT_OK)
        return result;
    for (at = 0; at < body.length; at += size) {
        const size_t left = body.length - at;
        GIVES(nextapi_webhook_stream_update(&stream, body.data + at, left < size ? left : size), OK);
    }
    return nextapi_webhook_stream_finish(&stream, now, verified);
}

/* Verifies with MACs that the library has not computed. */
static nextapi_webhook_result with_macs(const nextapi_webhook_secret *secrets, size_t count, uint64_t past,
                                        uint64_t future, struct bytes header, struct bytes body, uint64_t now,
                                        nextapi_webhook_verified *verified) {
#ifdef MBEDTLS
    if (past == NEXTAPI_WEBHOOK_TOLERANCE_SECONDS && future == NEXTAPI_WEBHOOK_TOLERANCE_SECONDS) {
        nextapi_webhook_result result;
        CHECK(verify_with_mbedtls(secrets, count, (const char *)header.data, header.length, body.data, body.length,
                                  now, &result, verified) == 0);
        return result;
    }
#endif
    {
        nextapi_webhook_pending pending;
        nextapi_webhook_part parts[NEXTAPI_WEBHOOK_MESSAGE_PARTS];
        unsigned char mac[NEXTAPI_WEBHOOK_MAC_SIZE];
        char head[32];
        size_t index;
        const nextapi_webhook_result begun =
            nextapi_webhook_pending_begin(&pending, (const char *)header.data, header.length);
        if (begun != NEXTAPI_WEBHOOK_RESULT_OK)
            return begun;
        GIVES(nextapi_webhook_pending_message(&pending, body.data, body.length, parts), OK);
        CHECK(parts[0].length + parts[1].length < sizeof head && parts[2].length == body.length);
        memcpy(head, parts[0].data, parts[0].length);
        memcpy(head + parts[0].length, parts[1].data, parts[1].length);
        head[parts[0].length + parts[1].length] = '\0';
        /* The newest last, which is as good as any other order. */
        for (index = count; index-- > 0;) {
            hmac_sha256(secrets[index].data, secrets[index].length, head, parts[2].data, parts[2].length, mac);
            GIVES(nextapi_webhook_pending_offer(&pending, (uint32_t)index, mac), OK);
        }
        return nextapi_webhook_pending_finish(&pending, past, future, now, verified);
    }
}

/* Fails the program unless the verdict is that of the table. */
static void same(char *fields[FIELDS], const char *how, nextapi_webhook_result result,
                 const nextapi_webhook_verified *verified) {
    if (result != number(fields[7])) {
        fprintf(stderr, "%s, %s: %s, not %s\n", fields[0], how, nextapi_webhook_result_code(result), fields[7]);
        exit(1);
    }
    if (result == NEXTAPI_WEBHOOK_RESULT_OK) {
        CHECK(verified->key_index == strtoull(fields[8], NULL, 10));
        CHECK(verified->age_seconds == strtoll(fields[9], NULL, 10));
    }
}

static void check(char *fields[FIELDS]) {
    nextapi_webhook_secret secrets[NEXTAPI_WEBHOOK_MAX_KEYS];
    nextapi_webhook_verifier verifier;
    nextapi_webhook_verified verified;
    const struct bytes header = decode(fields[5], strlen(fields[5]));
    const struct bytes body = decode(fields[6], strlen(fields[6]));
    const uint64_t past = strtoull(fields[2], NULL, 10), future = strtoull(fields[3], NULL, 10);
    const uint64_t now = strtoull(fields[4], NULL, 10);
    size_t count = 0;
    size_t size;
    const char *rest = fields[1];
    for (;;) {
        const size_t digits = strcspn(rest, ",");
        struct bytes secret = decode(rest, digits);
        CHECK(count < NEXTAPI_WEBHOOK_MAX_KEYS);
        secrets[count].data = secret.data;
        secrets[count].length = secret.length;
        count++;
        if (rest[digits] == '\0')
            break;
        rest += digits + 1;
    }
    GIVES(nextapi_webhook_verifier_init(&verifier, secrets, count, past, future), OK);

    same(fields, "as a whole",
         nextapi_webhook_verify(&verifier, (const char *)header.data, header.length, body.data, body.length, now,
                                &verified),
         &verified);
    for (size = 1; size <= 64; size = size < 4 ? size + 1 : 2 * size)
        same(fields, "in pieces", in_pieces(&verifier, header, body, now, size, &verified), &verified);
    same(fields, "with MACs from elsewhere",
         with_macs(secrets, count, past, future, header, body, now, &verified), &verified);
    while (count > 0)
        free((void *)(uintptr_t)secrets[--count].data);
    nextapi_webhook_verifier_wipe(&verifier);
    free(header.data);
    free(body.data);
}

int main(int argc, char **argv) {
    static char line[MAX_LINE];
    unsigned rows = 0;
    FILE *table = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (table == NULL) {
        fprintf(stderr, "usage: vectors TABLE, which can be read\n");
        return 1;
    }
    while (fgets(line, sizeof line, table) != NULL) {
        char *fields[FIELDS];
        char *rest = line;
        size_t at;
        if (*line == '#')
            continue;
        CHECK(strchr(line, '\n') != NULL);
        *strchr(line, '\n') = '\0';
        for (at = 0; at < FIELDS; at++) {
            CHECK(rest != NULL);
            fields[at] = rest;
            rest = strchr(rest, '\t');
            if (rest != NULL)
                *rest++ = '\0';
        }
        CHECK(rest == NULL);
        check(fields);
        rows++;
    }
    fclose(table);
    CHECK(rows > 50);
    printf("%u deliveries\n", rows);
    return 0;
}
