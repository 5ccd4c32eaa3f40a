/* What the two programs share: frames come in, a judge decides, answers go out. The frames are those of
 * device/src/receiver.rs. */

#ifndef JUDGE_H
#define JUDGE_H

#include <stddef.h>
#include <stdint.h>

/* Keys that there is room for: two, while a secret is rotated. */
#define KEYS 2
/* Bytes that a secret may have. */
#define SECRET_BYTES 255
/* One more than a header may have, so that one which is too long is seen to be. */
#define HEADER_BYTES 1025
/* Bytes that a body may have. */
#define BODY_BYTES 4096
/* Bytes that are handed on at a time: a block of SHA-256. */
#define PIECE_BYTES 64

struct secret {
    uint8_t bytes[SECRET_BYTES];
    size_t length;
};

struct delivery {
    char header[HEADER_BYTES];
    size_t header_length;
    uint8_t body[BODY_BYTES];
    size_t body_length;
    /* How much of the body has arrived. */
    size_t received;
};

/* The device's clock, in seconds since 1970: see device/src/clock.rs. */
uint64_t clock_now(void);

/* Answers frames for ever. */
void serve(void);

/* Waits for the next piece of the body. Gives its length, and 0 after the last one. */
size_t next_piece(struct delivery *delivery, const uint8_t **piece);

/* The judge: begins anew with these secrets, newest first, and this tolerance. Gives the answer. */
const char *judge_set(const struct secret *secrets, size_t count, uint64_t past, uint64_t future);

/* The judge: decides about a delivery whose body is still arriving, and writes the answer. */
void judge(struct delivery *delivery);

#endif
