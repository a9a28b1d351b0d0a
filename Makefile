# make            the compiler, build/cnnc, and the runtime that trainers link
# make test       every test (Criterion)
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Wstrict-prototypes -Wmissing-prototypes
ALL     := $(CFLAGS) -std=gnu11 $(WARN) -MMD -MP -Icompiler -Iruntime -I$(BUILD)

COMPILER := $(filter-out compiler/main.c,$(wildcard compiler/*.c compiler/*/*.c))
RUNTIME  := $(wildcard runtime/*.c)
UNIT     := $(wildcard tests/unit/*.c)
COMPILER_OBJECTS := $(COMPILER:%.c=$(BUILD)/%.o) $(BUILD)/lexer.o $(BUILD)/parser.o
RUNTIME_OBJECTS  := $(RUNTIME:%.c=$(BUILD)/%.o)
UNIT_OBJECTS     := $(UNIT:%.c=$(BUILD)/%.o)

.PHONY: all test clean
all: $(BUILD)/cnnc $(BUILD)/libcnnc_runtime.a

$(BUILD)/cnnc: $(BUILD)/compiler/main.o $(COMPILER_OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ -lm

$(BUILD)/libcnnc_runtime.a: $(RUNTIME_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(BUILD)/parser.h
	@mkdir -p $(@D)
	$(CC) $(ALL) -c -o $@ $<

$(BUILD)/parser.c $(BUILD)/parser.h &: compiler/parser.y
	@mkdir -p $(@D)
	bison -Wall -Werror --defines=$(BUILD)/parser.h -o $(BUILD)/parser.c $<
$(BUILD)/lexer.c: compiler/lexer.l
	flex -o $@ $<
$(BUILD)/lexer.o $(BUILD)/parser.o: $(BUILD)/%.o: $(BUILD)/%.c
	$(CC) $(ALL) -c -o $@ $<

$(BUILD)/unit: $(UNIT_OBJECTS) $(COMPILER_OBJECTS) $(RUNTIME_OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ -lcriterion -lcjson -lpng -lz -lm

# The front end alone, with tables of its own: what the cases of tests/language are run through.
FRONT := arguments callbacks diagnostics dump evaluate expand memory names parse scope statements
$(BUILD)/front_end: $(FRONT:%=$(BUILD)/compiler/%.o) $(BUILD)/tests/language/front_end.o $(BUILD)/lexer.o $(BUILD)/parser.o
	$(CC) $(CFLAGS) -o $@ $^ -lm

# The tests run from the root of the checkout and find the build in $BUILD.
test: all $(BUILD)/unit $(BUILD)/front_end
	BUILD=$(BUILD) $(BUILD)/unit

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
