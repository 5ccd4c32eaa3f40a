/* The clocks of the receiver under test: two numbers in the file that CLOCKS_FILE, in the environment, names.
 * Compiled in front of the example, with `-include`. */
#ifndef CLOCKS
#define CLOCKS

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t clock_of_test(int which) {
    unsigned long long clocks[2];
    FILE *file = fopen(getenv("CLOCKS_FILE"), "r");
    if (file == NULL || fscanf(file, "%llu %llu", &clocks[0], &clocks[1]) != 2)
        abort();
    fclose(file);
    return clocks[which];
}

static uint64_t now(void) {
    return clock_of_test(0);
}

static uint64_t uptime(void) {
    return clock_of_test(1);
}

#endif
