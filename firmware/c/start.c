/* The start of the program on a Cortex-M4, without a C library. */

#include <stdint.h>

#include "judge.h"
#include "uart.h"

extern uint32_t data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];
extern const uint32_t data_stored[];

/* The co-processor access control register, Armv7-M ARM, section B3.2.20. */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

static void fault(void)
{
    uart_write("fault\n");
    for (;;) {
    }
}

void reset(void)
{
    /* The library is built for the floating point unit, and may keep values in its registers. */
    CPACR |= 0xFu << 20;
    __asm volatile("dsb\n\tisb");

    for (uint32_t *to = data_begin; to < data_end; to++)
        *to = data_stored[to - data_begin];
    for (uint32_t *to = bss_begin; to < bss_end; to++)
        *to = 0;
    serve();
}

/* The stack, the start, and the exceptions up to the hard fault: the others are never enabled. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
};
