/* What the test programs have in common. Valid as C99 and as C++. */
#ifndef CHECK_H
#define CHECK_H

#include <nextapi_webhook.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fails the program unless it holds. */
#define CHECK(holds)                                                              \
    do {                                                                          \
        if (!(holds)) {                                                           \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);   \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

/* Fails the program unless the call gives that result. */
#define GIVES(call, expected)                                                     \
    do {                                                                          \
        const int32_t result = (call);                                            \
        if (result != NEXTAPI_WEBHOOK_RESULT_##expected) {                        \
            fprintf(stderr, "%s:%d: %s, not %s: %s\n", __FILE__, __LINE__,        \
                    nextapi_webhook_result_code(result), #expected, #call);       \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

static const uint64_t NOW = 1700000000;

static inline nextapi_webhook_secret secret(const char *text) {
    nextapi_webhook_secret secret;
    secret.data = text;
    secret.length = strlen(text);
    return secret;
}

/* A copy without anything behind it, so that a sanitizer sees a byte too many. */
static inline char *alone(const void *bytes, size_t length) {
    char *copy = (char *)malloc(length > 0 ? length : 1);
    CHECK(copy != NULL);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

static inline int is_zero(const void *bytes, size_t length) {
    const unsigned char *byte = (const unsigned char *)bytes;
    while (length-- > 0)
        if (*byte++ != 0)
            return 0;
    return 1;
}

#endif
