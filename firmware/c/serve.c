#include "judge.h"
#include "uart.h"

static struct secret secrets[KEYS];
static struct delivery delivery;
static uint64_t now;
/* How many bytes of a body are left of the part that is arriving. */
static uint8_t left_in_part;

uint64_t clock_now(void)
{
    return now;
}

/* Waits for the next byte of a body. The clock is set on the way. */
static uint8_t read_body(void)
{
    while (left_in_part == 0) {
        left_in_part = uart_read();
        if (left_in_part == 0)
            now = uart_read_number(8);
    }
    left_in_part--;
    return uart_read();
}

/* Takes in so many bytes, and keeps as many as there is room for. Gives the number of those. */
static size_t receive(uint64_t length, uint8_t *room, size_t size)
{
    size_t kept = length < size ? (size_t)length : size;
    uart_read_exact(room, kept);
    uart_skip(length - kept);
    return kept;
}

static void receive_settings(void)
{
    uint64_t past = uart_read_number(8);
    uint64_t future = uart_read_number(8);
    size_t count = uart_read();
    for (size_t index = 0; index < count; index++) {
        uint64_t length = uart_read();
        if (index < KEYS)
            secrets[index].length = receive(length, secrets[index].bytes, SECRET_BYTES);
        else
            uart_skip(length);
    }
    uart_write(judge_set(secrets, count, past, future));
    /* The key is made; a volatile write is not left out. */
    for (volatile uint8_t *byte = (volatile uint8_t *)secrets; byte < (volatile uint8_t *)&secrets[KEYS]; byte++)
        *byte = 0;
}

static void receive_delivery(void)
{
    delivery.header_length = receive(uart_read_number(2), (uint8_t *)delivery.header, HEADER_BYTES);
    uint64_t length = uart_read_number(4);
    left_in_part = 0;
    if (length > BODY_BYTES) {
        while (length-- > 0)
            (void)read_body();
        uart_write("reject body_too_large");
        return;
    }
    delivery.body_length = (size_t)length;
    delivery.received = 0;
    judge(&delivery);
}

size_t next_piece(struct delivery *from, const uint8_t **piece)
{
    size_t left = from->body_length - from->received;
    size_t length = left < PIECE_BYTES ? left : PIECE_BYTES;
    uint8_t *at = &from->body[from->received];
    for (size_t index = 0; index < length; index++)
        at[index] = read_body();
    from->received += length;
    *piece = at;
    return length;
}

void serve(void)
{
    uart_start();
    uart_write("ready\n");
    for (;;) {
        switch (uart_read()) {
        case 'S':
            receive_settings();
            break;
        case 'T':
            now = uart_read_number(8);
            uart_write("set");
            break;
        case 'D':
            receive_delivery();
            break;
        default:
            uart_write("reject frame_unknown");
        }
        uart_write("\n");
    }
}
