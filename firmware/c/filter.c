/* A webhook filter in C: verifies every delivery while it arrives, and lets each event through once. */

#include "judge.h"
#include "nextapi_webhook.h"
#include "uart.h"

/* Events that are remembered. */
#define REMEMBERED 16

static nextapi_webhook_verifier verifier;
static nextapi_webhook_stream stream;
static nextapi_webhook_event_key window[REMEMBERED];

static const char *refused(nextapi_webhook_result result)
{
    /* Without keys there is no verifier. */
    return result == NEXTAPI_WEBHOOK_RESULT_NOT_INITIALISED ? "key_none"
                                                            : nextapi_webhook_result_code(result);
}

const char *judge_set(const struct secret *secrets, size_t count, uint64_t past, uint64_t future)
{
    nextapi_webhook_secret keys[KEYS];
    nextapi_webhook_verifier_wipe(&verifier);
    for (size_t place = 0; place < REMEMBERED; place++)
        window[place] = (nextapi_webhook_event_key){{0}};
    if (count > KEYS)
        return "reject key_too_many";
    for (size_t index = 0; index < count; index++)
        keys[index] = (nextapi_webhook_secret){secrets[index].bytes, secrets[index].length};
    switch (nextapi_webhook_verifier_init(&verifier, keys, count, past, future)) {
    case NEXTAPI_WEBHOOK_RESULT_OK:
        return "set";
    case NEXTAPI_WEBHOOK_RESULT_KEY_NONE:
        return "reject key_none";
    case NEXTAPI_WEBHOOK_RESULT_KEY_EMPTY:
        return "reject key_empty";
    default:
        return "reject key";
    }
}

static nextapi_webhook_result verify(struct delivery *delivery, nextapi_webhook_verified *verified)
{
    const uint8_t *piece;
    size_t length;
    nextapi_webhook_result result = nextapi_webhook_stream_begin(
        &stream, &verifier, delivery->header, delivery->header_length);
    while ((length = next_piece(delivery, &piece)) > 0)
        if (result == NEXTAPI_WEBHOOK_RESULT_OK)
            result = nextapi_webhook_stream_update(&stream, piece, length);
    /* The time is read when the whole body is there: a sender may have held back its end. */
    if (result == NEXTAPI_WEBHOOK_RESULT_OK)
        result = nextapi_webhook_stream_finish(&stream, clock_now(), verified);
    return result;
}

void judge(struct delivery *delivery)
{
    nextapi_webhook_verified verified;
    nextapi_webhook_event_key key;
    nextapi_webhook_result result = verify(delivery, &verified);
    if (result == NEXTAPI_WEBHOOK_RESULT_OK)
        result = nextapi_webhook_verified_set_body(&verified, delivery->body, delivery->body_length);
    if (result == NEXTAPI_WEBHOOK_RESULT_OK)
        result = nextapi_webhook_event_key_of(&verified, &key);
    /* Here a device does what the event is for, and remembers it only if that has succeeded. */
    if (result == NEXTAPI_WEBHOOK_RESULT_OK)
        result = nextapi_webhook_replay_window_insert(window, REMEMBERED, &key);

    if (result == NEXTAPI_WEBHOOK_RESULT_OK) {
        uart_write(verified.key_index == 0 ? "accept 0" : "accept 1");
    } else if (result == NEXTAPI_WEBHOOK_RESULT_DUPLICATE) {
        uart_write("duplicate");
    } else {
        uart_write("reject ");
        uart_write(refused(result));
    }
}
