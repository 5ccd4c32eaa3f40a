/* The board's first UART, asked in a loop: see device/src/uart.rs. */

#ifndef UART_H
#define UART_H

#include <stddef.h>
#include <stdint.h>

void uart_start(void);
uint8_t uart_read(void);
/* A number of as many bytes, the lowest first. */
uint64_t uart_read_number(unsigned bytes);
void uart_read_exact(uint8_t *buffer, size_t length);
void uart_skip(uint64_t length);
void uart_write(const char *text);

#endif
