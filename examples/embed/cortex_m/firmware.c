/* A whole program for a Cortex-M4 without an operating system: LeNet-5 reads a digit, and feeds a watchdog between layers. Code and
 * weights lie in flash, each in a region of its own; so do the arena and the rest (picture, stack) in RAM: mps2.ld. What it prints goes to
 * the debugger (semihosting), or to QEMU in its place. */
#include "../picture.h"
#include "lenet5.h"

extern unsigned data_in_flash[], data_begin[], data_end[], bss_begin[], bss_end[], stack_begin[], stack_end[]; /* mps2.ld */
void reset(void);
static void fault(void);
static void unfed(void);

/* What the processor reads first: the stack pointer, and where to begin; then where faults go. */
__attribute__((section(".vectors"), used)) static const struct {
    unsigned *stack;
    void (*handlers[15])(void);
} vectors = {stack_end, {reset, unfed, fault, fault, fault, fault}};

/* ---- what the debugger does for us ---- */

enum { SEMIHOSTING_WRITE0 = 0x04, SEMIHOSTING_EXIT = 0x18, STOPPED_APPLICATION_EXIT = 0x20026, STOPPED_ERROR = 0x20023 };

static void semihosting(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text)
{
    semihosting(SEMIHOSTING_WRITE0, text);
}

static void print_number(unsigned number)
{
    char digits[12], *digit = digits + sizeof digits;
    *--digit = '\0';
    do *--digit = (char)('0' + number % 10);
    while (number /= 10);
    print(digit);
}

static void stop(unsigned reason)
{
    semihosting(SEMIHOSTING_EXIT, (const void *)reason);
    for (;;) {}
}

static void fault(void)
{
    print("fault\n");
    stop(STOPPED_ERROR);
}

/* ---- the watchdog: interrupts when it is not fed for so many ticks of its clock, 25 MHz (a product would let it reset the chip) ---- */

#ifndef FED
#define FED 1 /* make FIRMWARE=-DFED=0: what happens otherwise */
#endif
#ifndef WATCHDOG_TICKS
#define WATCHDOG_TICKS 1000000u /* 40 ms: enough for each piece, not for all of them */
#endif
static volatile struct { unsigned load, value, control, clear; } *const watchdog = (void *)0x40008000;

static void unfed(void)
{
    print("the watchdog was not fed in time\n");
    stop(STOPPED_ERROR);
}

static void feed(void)
{
    watchdog->load = WATCHDOG_TICKS; /* it counts down from there */
}

/* ---- the program ---- */

static const char three[] =
#include "three.inc"
    ;

static const unsigned UNTOUCHED = 0xdeadbeef; /* what the stack is filled with, to see how much of it was used */

/* Not inlined: it saves floating-point registers at its beginning, before which reset must have switched them on. */
__attribute__((noinline)) static void run(void)
{
    static LENET5_ARENA unsigned char arena[LENET5_ARENA_BYTES];
    static float picture[LENET5_INPUT_SIZE];
    float probability[LENET5_OUTPUT_SIZE];

    if (!picture_read(three, picture)) stop(STOPPED_ERROR);
    lenet5_progress progress;
    unsigned pieces = 0, longest = 0, all = 0, ticks;
    int more;
    feed();
    watchdog->control = 1;
    lenet5_predict_begin(&progress, lenet5_trained, picture, probability, arena);
    do {
        more = lenet5_predict_next(&progress);
        ticks = WATCHDOG_TICKS - watchdog->value;
        all += ticks;
        pieces++;
        if (ticks > longest) longest = ticks;
        if (FED) feed();
    } while (more);
    watchdog->control = 0;
    int best = largest(probability, LENET5_OUTPUT_SIZE);
    unsigned permille = (unsigned)(1000.0f * probability[best] + 0.5f);
    print_number((unsigned)best);
    print(" (");
    print_number(permille / 10);
    print(".");
    print_number(permille % 10);
    print(" %)\n");
    print("pieces: ");
    print_number(pieces);
    print(", the longest took ");
    print_number(longest);
    print(" ticks of ");
    print_number(all);
    print("\n");

    const unsigned *word = stack_begin;
    while (*word == UNTOUCHED) word++;
    print("stack: ");
    print_number((unsigned)(stack_end - word) * sizeof *word);
    print(" of ");
    print_number((unsigned)(stack_end - stack_begin) * sizeof *word);
    print(" bytes used, arena: ");
    print_number(LENET5_ARENA_BYTES);
    print(" bytes\n");
}

void reset(void)
{
    *(volatile unsigned *)0xe000ed88 |= 0xfu << 20; /* CPACR: the floating-point unit is on for everybody */
    __asm__ volatile("dsb\n isb");
    for (unsigned *to = data_begin, *from = data_in_flash; to < data_end;) *to++ = *from++;
    for (unsigned *to = bss_begin; to < bss_end;) *to++ = 0;
    unsigned *here;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    for (unsigned *word = stack_begin; word < here - 16; word++) *word = UNTOUCHED;
    run();
    stop(STOPPED_APPLICATION_EXIT);
}
