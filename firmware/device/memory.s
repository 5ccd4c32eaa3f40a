@ Memory functions of a few instructions each, for every Cortex-M.
@
@ Those that come with the compiler are written for speed, and take 1.5 KB. These go byte by byte, which
@ costs little where hashing dominates. The names are those that compilers call: C's, and those of Arm's
@ run-time ABI (IHI 0043, section 4.3.4). In assembly, because a compiler turns such a loop into a call
@ of the very function.

    .syntax unified
    .thumb

@ memcpy: r0 to, r1 from, r2 bytes. Gives r0.
    .global memcpy, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8
    .section .text.memcpy, "ax", %progbits
    .thumb_func
memcpy:
    .thumb_func
__aeabi_memcpy:
    .thumb_func
__aeabi_memcpy4:
    .thumb_func
__aeabi_memcpy8:
    push {r4, lr}
    movs r3, #0
1:  cmp r3, r2
    beq 2f
    ldrb r4, [r1, r3]
    strb r4, [r0, r3]
    adds r3, #1
    b 1b
2:  pop {r4, pc}

@ memset: r0 to, r1 the byte, r2 bytes. Gives r0. In the other names, r1 and r2 have changed places, or
@ the byte is zero.
    .global memset, __aeabi_memset, __aeabi_memset4, __aeabi_memset8
    .global __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8
    .section .text.memset, "ax", %progbits
    .thumb_func
memset:
    mov r3, r1
    mov r1, r2
    mov r2, r3
    b 3f
    .thumb_func
__aeabi_memclr:
    .thumb_func
__aeabi_memclr4:
    .thumb_func
__aeabi_memclr8:
    movs r2, #0
    .thumb_func
__aeabi_memset:
    .thumb_func
__aeabi_memset4:
    .thumb_func
__aeabi_memset8:
3:  cmp r1, #0
    beq 5f
4:  subs r1, #1
    strb r2, [r0, r1]
    bne 4b
5:  bx lr

@ memcmp: r0 and r1 what to compare, r2 bytes. Gives the first difference.
    .global memcmp
    .section .text.memcmp, "ax", %progbits
    .thumb_func
memcmp:
    push {r4, r5, lr}
    movs r3, #0
6:  cmp r3, r2
    beq 7f
    ldrb r4, [r0, r3]
    ldrb r5, [r1, r3]
    adds r3, #1
    subs r4, r4, r5
    beq 6b
    mov r0, r4
    pop {r4, r5, pc}
7:  movs r0, #0
    pop {r4, r5, pc}

    .text
