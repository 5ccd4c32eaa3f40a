/* The filter with nothing to decide: what it is compared with, to see what the library takes. It accepts
 * everything, and is of no other use. */

#include "judge.h"
#include "uart.h"

const char *judge_set(const struct secret *secrets, size_t count, uint64_t past, uint64_t future)
{
    (void)secrets, (void)count, (void)past, (void)future;
    return "set";
}

void judge(struct delivery *delivery)
{
    const uint8_t *piece;
    while (next_piece(delivery, &piece) > 0) {
    }
    uart_write("accept 0");
}
