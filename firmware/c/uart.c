#include "uart.h"

/* The registers of the CMSDK APB UART, Arm DDI 0479, table 4-5, at UART 0 of the board. */
#define DATA (*(volatile uint32_t *)0x40004000u)
#define STATE (*(volatile uint32_t *)0x40004004u)
#define CTRL (*(volatile uint32_t *)0x40004008u)
#define BAUDDIV (*(volatile uint32_t *)0x40004010u)

#define TRANSMITTER_FULL 1u
#define RECEIVER_FULL 2u
#define ENABLE_BOTH 3u
/* 25 MHz by 217 is 115,200 baud. */
#define DIVIDER 217u

void uart_start(void)
{
    BAUDDIV = DIVIDER;
    CTRL = ENABLE_BOTH;
}

uint8_t uart_read(void)
{
    while (!(STATE & RECEIVER_FULL)) {
    }
    return (uint8_t)DATA;
}

uint64_t uart_read_number(unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned place = 0; place < bytes; place++)
        number |= (uint64_t)uart_read() << (8 * place);
    return number;
}

void uart_read_exact(uint8_t *buffer, size_t length)
{
    for (size_t at = 0; at < length; at++)
        buffer[at] = uart_read();
}

void uart_skip(uint64_t length)
{
    while (length-- > 0)
        (void)uart_read();
}

void uart_write(const char *text)
{
    for (; *text != '\0'; text++) {
        while (STATE & TRANSMITTER_FULL) {
        }
        DATA = (uint8_t)*text;
    }
}
