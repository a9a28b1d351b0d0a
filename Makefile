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
COMPILER_OBJECTS := $(COMPILER:%.c=$(BUILD)/%.o) $(BUILD)/lexer.o $(BUILD)/parser.o $(BUILD)/spliced.o
RUNTIME_OBJECTS  := $(RUNTIME:%.c=$(BUILD)/%.o)
UNIT_OBJECTS     := $(UNIT:%.c=$(BUILD)/%.o)

.PHONY: all test clean
all: $(BUILD)/cnnc $(BUILD)/libcnnc_runtime.a $(BUILD)/include/runtime.h

$(BUILD)/cnnc: $(BUILD)/compiler/main.o $(COMPILER_OBJECTS) $(BUILD)/libcnnc_runtime.a
	$(CC) $(CFLAGS) -o $@ $^ -lcjson -lz -lm

$(BUILD)/include/runtime.h: runtime/runtime.h
	@mkdir -p $(@D)
	cp $< $@

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
# The parts of the runtime that cnnc copies into emitted files, as strings.
$(BUILD)/spliced.c: runtime/vector.h runtime/winograd.h runtime/random.h runtime/packing.h
	@mkdir -p $(@D)
	for part in vector winograd random packing; do \
	    echo "extern const char $${part}_text[]; const char $${part}_text[] ="; \
	    sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' runtime/$$part.h; echo ';'; \
	done > $@
$(BUILD)/lexer.o $(BUILD)/parser.o $(BUILD)/spliced.o: $(BUILD)/%.o: $(BUILD)/%.c
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
