/*
 * Verifies a delivery with MACs that mbedTLS computes, in software or by whatever hardware it was built for:
 * parsing, comparison and freshness are the library's, SHA-256 and the keys are not.
 *
 *     cc -o mbedtls mbedtls.c $(pkg-config --cflags --libs nextapi_webhook) -lmbedcrypto
 *     NEXTAPI_WEBHOOK_SECRET=whsec_anything ./mbedtls "$SIGNATURE" <body
 *
 * SIGNATURE is the value of the header X-NextAPI-Signature. It prints `ok` or why the delivery is refused.
 */

#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>
#include <nextapi_webhook.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BODY_BYTES 262144

/* HMAC-SHA256 of a message in parts. Returns 0, or an error of mbedTLS. */
static int compute_mac(const nextapi_webhook_secret *secret, const nextapi_webhook_part *parts, unsigned char *mac) {
    mbedtls_md_context_t hmac;
    int error, part;
    mbedtls_md_init(&hmac);
    error = mbedtls_md_setup(&hmac, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
    if (error == 0)
        error = mbedtls_md_hmac_starts(&hmac, (const unsigned char *)secret->data, secret->length);
    for (part = 0; part < NEXTAPI_WEBHOOK_MESSAGE_PARTS && error == 0; part++)
        error = mbedtls_md_hmac_update(&hmac, (const unsigned char *)parts[part].data, parts[part].length);
    if (error == 0)
        error = mbedtls_md_hmac_finish(&hmac, mac);
    mbedtls_md_free(&hmac);
    return error;
}

/* Verifies a delivery against several secrets, newest first. Returns 0 and sets the result, or an error of mbedTLS:
 * then nothing is known about the delivery, and a server answers so that the provider tries again. */
static int verify_with_mbedtls(const nextapi_webhook_secret *secrets, size_t count, const char *header,
                               size_t header_length, const void *body, size_t body_length, uint64_t now,
                               nextapi_webhook_result *result, nextapi_webhook_verified *verified) {
    nextapi_webhook_pending pending;
    nextapi_webhook_part message[NEXTAPI_WEBHOOK_MESSAGE_PARTS];
    unsigned char mac[NEXTAPI_WEBHOOK_MAC_SIZE];
    size_t index;
    int error = 0;
    memset(verified, 0, sizeof *verified);
    *result = nextapi_webhook_pending_begin(&pending, header, header_length);
    if (*result == NEXTAPI_WEBHOOK_RESULT_OK)
        *result = nextapi_webhook_pending_message(&pending, body, body_length, message);
    if (*result != NEXTAPI_WEBHOOK_RESULT_OK)
        return 0;
    /* Every secret, even after one has matched: so the time does not tell which it was. */
    for (index = 0; index < count && error == 0; index++) {
        error = compute_mac(&secrets[index], message, mac);
        if (error == 0)
            nextapi_webhook_pending_offer(&pending, (uint32_t)index, mac);
        mbedtls_platform_zeroize(mac, sizeof mac);
    }
    if (error != 0) {
        nextapi_webhook_pending_wipe(&pending);
        return error;
    }
    *result = nextapi_webhook_pending_finish(&pending, NEXTAPI_WEBHOOK_TOLERANCE_SECONDS,
                                             NEXTAPI_WEBHOOK_TOLERANCE_SECONDS, now, verified);
    if (*result == NEXTAPI_WEBHOOK_RESULT_OK)
        *result = nextapi_webhook_verified_set_body(verified, body, body_length);
    return 0;
}

int main(int argc, char **argv) {
    static char body[MAX_BODY_BYTES];
    const char *secret = getenv("NEXTAPI_WEBHOOK_SECRET");
    nextapi_webhook_secret only;
    nextapi_webhook_verified verified;
    nextapi_webhook_result result;
    size_t length;
    /* An unset variable must not become a key that everybody knows. */
    if (argc != 2 || secret == NULL || *secret == '\0') {
        fprintf(stderr, "usage: NEXTAPI_WEBHOOK_SECRET=... mbedtls SIGNATURE <body\n");
        return 2;
    }
    only.data = secret;
    only.length = strlen(secret);
    length = fread(body, 1, sizeof body, stdin);
    if (verify_with_mbedtls(&only, 1, argv[1], strlen(argv[1]), body, length, (uint64_t)time(NULL), &result,
                            &verified) != 0) {
        fprintf(stderr, "mbedTLS could not compute the MAC\n");
        return 2;
    }
    puts(nextapi_webhook_result_code(result));
    return result != NEXTAPI_WEBHOOK_RESULT_OK;
}
