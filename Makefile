# `make help` lists the targets. All that is made goes into $(BUILD); CC, CFLAGS and BUILD can be given.
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
EPOCHS  ?= 4
SEED    ?= 0
WARN    := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Wstrict-prototypes -Wmissing-prototypes
COMPILE  = $(CC) $(CFLAGS) -std=gnu11 $(WARN) -MMD -MP -Icompiler -Iruntime -I$(BUILD)

COMPILER := $(filter-out compiler/main.c,$(wildcard compiler/*.c compiler/*/*.c))
HARNESSES := $(filter-out %/fuzzer.c %/mutate.c,$(wildcard tests/fuzz/*.c))
RUNTIME  := $(wildcard runtime/*.c runtime/*/*.c)
UNIT     := $(wildcard tests/unit/*.c tests/random/*.c) $(HARNESSES)
MADE     := $(BUILD)/lexer.o $(BUILD)/parser.o $(BUILD)/spliced.o
COMPILER_OBJECTS := $(COMPILER:%.c=$(BUILD)/%.o) $(MADE)
RUNTIME_OBJECTS  := $(RUNTIME:%.c=$(BUILD)/%.o)
UNIT_OBJECTS     := $(UNIT:%.c=$(BUILD)/%.o)
CNNC             := $(BUILD)/cnnc $(BUILD)/libcnnc_runtime.a $(BUILD)/include/runtime.h

# ---- cnnc -------------------------------------------------------------------------------------------

# make            the compiler, build/cnnc, and beside it the runtime that its trainers link
all: $(CNNC)

$(BUILD)/cnnc: $(BUILD)/compiler/main.o $(COMPILER_OBJECTS) $(BUILD)/libcnnc_runtime.a
	$(CC) $(CFLAGS) -o $@ $^ -lcjson -lz -lm

$(BUILD)/libcnnc_runtime.a: $(RUNTIME_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/include/runtime.h: runtime/runtime.h | $(BUILD)/packages
	@mkdir -p $(@D)
	cp $< $@

$(BUILD)/%.o: %.c $(BUILD)/flags | $(BUILD)/parser.h
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(MADE): %.o: %.c $(BUILD)/flags | $(BUILD)/parser.h
	$(COMPILE) -c -o $@ $<

$(BUILD)/parser.c $(BUILD)/parser.h &: compiler/language/parser.y $(BUILD)/flags
	bison -Wall -Werror --defines=$(BUILD)/parser.h -o $(BUILD)/parser.c $<

$(BUILD)/lexer.c: compiler/language/lexer.l $(BUILD)/flags
	flex -o $@ $<

# The parts of the runtime that cnnc copies into emitted files, as strings.
SPLICED := vector winograd winograd_tiles random transform packing timing selftest blob
$(BUILD)/spliced.c: $(SPLICED:%=runtime/%.h) $(BUILD)/flags
	for part in $(SPLICED); do \
	    echo "extern const char $${part}_text[]; const char $${part}_text[] ="; \
	    sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' runtime/$$part.h; echo ';'; \
	done > $@

# Changes when the command that compiles does, and then all is compiled anew.
$(BUILD)/flags: $(BUILD)/packages always
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@

# The first thing that is made: what the goals need and this machine lacks is installed, once.
NEEDED := build $(if $(filter test test-faults %/unit,$(MAKECMDGOALS)),test data) \
    $(if $(filter bench bench-quick mnist mlp data,$(MAKECMDGOALS)),$(if $(MNIST_DIR)$(wildcard data/mnist),,data))
$(BUILD)/packages: tools/packages.sh $(if $(filter-out $(file < $(BUILD)/packages),$(NEEDED)),always)
	@mkdir -p $(@D)
	@CC='$(CC)' tools/packages.sh $(NEEDED)
	@echo $(sort $(NEEDED) $(file < $(BUILD)/packages)) > $@

# ---- the examples -----------------------------------------------------------------------------------

# Where they are trained, and on what.
MNIST_CNN := $(BUILD)/examples/mnist_cnn
MLP       := $(BUILD)/examples/mlp
DATA      := $(abspath $(if $(MNIST_DIR),$(MNIST_DIR),data/mnist))

$(MNIST_CNN)/mnist_cnn: examples/mnist_cnn/mnist_cnn.net $(CNNC)
$(MLP)/mlp: examples/mlp/mlp.net $(CNNC)
$(MNIST_CNN)/mnist_cnn $(MLP)/mlp:
	@mkdir -p $(@D)
	$(BUILD)/cnnc $< -o $@

# make data       MNIST in data/mnist, or what MNIST_DIR names
data: $(BUILD)/packages
	@tools/get_mnist.sh $(if $(filter data,$(MAKECMDGOALS)),--say)

# make mnist      trains the lecture's CNN for EPOCHS epochs on the whole training set, and scores the last weights
mnist: $(MNIST_CNN)/mnist_cnn data
	cd $(<D) && ./$(<F) fit --data '$(DATA)' --epochs $(EPOCHS) --seed $(SEED) --validation-split 0 --callbacks none --output weights.safetensors
	@tools/get_mnist.sh --name
	cd $(<D) && ./$(<F) evaluate --data '$(DATA)' --weights weights.safetensors

# make mlp        trains the lecture's dense network until it improves no more on the test set, and scores its best weights
mlp: $(MLP)/mlp data
	cd $(<D) && ./$(<F) fit --data '$(DATA)' --seed $(SEED) --validation-data test --history history.csv
	@tools/get_mnist.sh --name
	@tools/best_epoch.sh $(<D)/history.csv
	cd $(<D) && ./$(<F) evaluate --data '$(DATA)' --weights best.safetensors

# make demo       a page in which one draws a digit and sees what each layer makes of it, build/demo/index.html; NETWORK=FILE.net WEIGHTS=FILE.safetensors for others
demo: $(CNNC) $(if $(WEIGHTS)$(if $(NETWORK),$(wildcard $(NETWORK:.net=.safetensors)),none),,data)
	@tools/packages.sh demo
	@$(MAKE) -C examples/demo OUT='$(abspath $(BUILD))/demo' CNNC='$(abspath $(BUILD))/cnnc' DATA='$(DATA)' \
	    $(if $(NETWORK),NETWORK='$(abspath $(NETWORK))') $(if $(WEIGHTS),WEIGHTS='$(abspath $(WEIGHTS))')
	@echo 'open $(BUILD)/demo/index.html'

# make generated  the emitted C of the examples anew; it is committed, to be read and compared
generated: $(CNNC)
	@mkdir -p generated
	for name in mnist_cnn mlp; do $(BUILD)/cnnc examples/$$name/$$name.net -o generated/$$name.c || exit 1; done

# make reference  docs/reference.md and the syntax files in editors/ anew, from the tables; they are committed, and checked by the tests
reference: $(CNNC)
	$(BUILD)/cnnc --manual > docs/reference.md
	$(BUILD)/cnnc --manual=vim > editors/vim/syntax/cnnc.vim
	$(BUILD)/cnnc --manual=vscode > editors/vscode/syntaxes/cnnc.tmLanguage.json

# ---- checks -----------------------------------------------------------------------------------------

$(BUILD)/unit: $(UNIT_OBJECTS) $(COMPILER_OBJECTS) $(RUNTIME_OBJECTS) | $(BUILD)/allocations.so
	$(CC) $(CFLAGS) -o $@ $^ -lcriterion -lcjson -lpng -lz -lm

# Loaded before a program's libraries it lets an allocation fail (tests/unit/faults_memory.c).
$(BUILD)/allocations.so: tests/faults/allocations.c $(BUILD)/flags
	$(CC) -O1 -std=gnu11 $(WARN) -fno-builtin -fPIC -shared -o $@ $<

# The front end alone, with tables of its own: what the cases of tests/language are run through.
FRONT := language/arguments callbacks diagnostics language/dump language/evaluate language/expand language/habits memory names language/parse language/scope statements
$(BUILD)/front_end: $(FRONT:%=$(BUILD)/compiler/%.o) $(BUILD)/runtime/memory_left.o $(BUILD)/runtime/failure.o $(BUILD)/tests/language/front_end.o $(BUILD)/lexer.o $(BUILD)/parser.o
	$(CC) $(CFLAGS) -o $@ $^ -lm

# make test       every test; they run from here and find what was built in $BUILD
test: $(CNNC) $(BUILD)/unit $(BUILD)/front_end
	BUILD=$(BUILD) $(BUILD)/unit

# make test-demo  the page of make demo in headless Chromium: digits drawn by mouse and finger; SHOTS=FOLDER receives screenshots
test-demo: demo
	@tools/packages.sh browser
	node tests/demo/page.mjs $(BUILD)/demo/index.html $(SHOTS)

# make test-report  the trainer's report in headless Chromium, on a desk and on a phone
test-report: $(CNNC) data
	@tools/packages.sh browser
	@mkdir -p $(BUILD)/report
	$(BUILD)/cnnc examples/lenet5/lenet5.net -o $(BUILD)/report/lenet5
	cd $(BUILD)/report && ./lenet5 fit --data '$(DATA)' --epochs 2 --steps-per-epoch 50 --validation-split 0.1 --validation-steps 10 --history history.csv --verbose 0
	cd $(BUILD)/report && ./lenet5 report --data '$(DATA)' --weights '$(abspath examples/lenet5/lenet5.safetensors)' --history history.csv -o report.html
	node tests/report/page.mjs $(BUILD)/report/report.html $(SHOTS)

# make test-faults   the whole of what make test does a part of: kills, disks that fail, memory that runs out, damaged files; ten minutes
test-faults: $(CNNC) $(BUILD)/unit
	FAULTS=whole BUILD=$(BUILD) $(BUILD)/unit --filter 'faults_*/*'

# make test-python   the converter from Keras and PyTorch (docs/converting.md): PYTHON has tensorflow, keras, h5py and torch
PYTHON ?= python3
test-python: $(CNNC) data
	for file in tests/python/test_*.py; do MNIST_DIR='$(DATA)' CNNC='$(abspath $(BUILD)/cnnc)' $(PYTHON) $$file || exit 1; done

# make sanitize   the same with the sanitizers in everything: the tests, cnnc, the runtime and the emitted C
# (-g1: functions and lines, which is what a sanitizer says; all of -g makes gcc take half as long again for emitted C)
SANITIZED := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all
sanitize:
	ASAN_OPTIONS=detect_leaks=0 EMITTED_CFLAGS='$(SANITIZED)' $(MAKE) BUILD=$(BUILD)/sanitized CFLAGS='$(SANITIZED)' test

# make test-random   COUNT networks drawn at random from SEED on, each compiled in one way of many, against the reference (tests/random)
COUNT ?= 100
test-random: $(CNNC) $(BUILD)/unit
	RANDOM_COUNT=$(COUNT) RANDOM_SEED=$(SEED) BUILD=$(BUILD) $(BUILD)/unit -j2 --filter 'random/networks'

# make fuzz       libFuzzer on each harness of tests/fuzz for SECONDS/their number each; finds go into $(BUILD)/fuzz, and it counts executions
SECONDS ?= 110
FUZZING := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzz:
	@tools/packages.sh fuzz
	@$(MAKE) BUILD=$(BUILD)/fuzz CC=clang CFLAGS='$(FUZZING)' $(BUILD)/fuzz/fuzzer
	tests/fuzz/run.sh $(BUILD)/fuzz $(SECONDS)

$(BUILD)/fuzzer: $(HARNESSES:%.c=$(BUILD)/%.o) $(BUILD)/tests/fuzz/fuzzer.o $(BUILD)/tests/fuzz/mutate.o $(BUILD)/tests/random/draw.o \
    $(BUILD)/tests/unit/toy.o $(COMPILER_OBJECTS) $(RUNTIME_OBJECTS)
	$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ -lcjson -lpng -lz -lm

# make soak       an hour of training under the sanitizers, or SECONDS=N, whose memory may not grow
soak:
	$(MAKE) BUILD=$(BUILD)/sanitized CFLAGS='$(SANITIZED)' all
	BUILD=$(BUILD)/sanitized tools/soak.sh $(if $(findstring command,$(origin SECONDS)),$(SECONDS),3600)

# make valgrind   cnnc, a trainer and files of --selftest under valgrind: some minutes
valgrind: $(CNNC)
	@tools/packages.sh valgrind
	BUILD=$(BUILD) tools/valgrind.sh

# make coverage   which lines and branches the tests run: the whole suite without optimisation, half an hour
coverage:
	$(MAKE) BUILD=$(BUILD)/coverage CFLAGS='-O0 -g --coverage -fprofile-update=atomic' all $(BUILD)/coverage/unit $(BUILD)/coverage/front_end
	BUILD=$(BUILD)/coverage tools/coverage.sh

# make analyze    clang-tidy, cppcheck and gcc -fanalyzer on cnnc and the runtime: some minutes
analyze: all
	@tools/packages.sh analyze
	BUILD=$(BUILD) tools/analyze.sh

# make bench      the speed beside other frameworks, which it installs into $(BUILD)/bench/venv: an hour; BENCH="--long" and others of bench.py
# make bench-quick   the same of cnnc alone: a minute
bench bench-quick: $(CNNC) data
	@tools/get_mnist.sh --name
	bench/install.sh $(BUILD)/bench/venv $(if $(filter bench-quick,$@),numpy,$$(cat bench/requirements.txt))
	$(BUILD)/bench/venv/bin/python bench/bench.py $(BUILD) '$(DATA)' $(if $(filter bench-quick,$@),--quick --seconds 0.5) $(BENCH)

# make format     every C file in the project's style
format:
	tools/packages.sh format
	clang-format -i $(wildcard compiler/*.[ch] compiler/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch] tests/*/*.[ch] examples/*/*.[ch] bench/*.c)

# make install    cnnc, its runtime, files for CMake and pkg-config, man pages, completion, examples: under $(DESTDIR)$(PREFIX)
install: $(CNNC)
	@packaging/install.sh install $(BUILD) '$(DESTDIR)$(PREFIX)'

# make uninstall  removes what make install put there
uninstall:
	@packaging/install.sh uninstall $(BUILD) '$(DESTDIR)$(PREFIX)'

# make deb        a Debian package, build/cnnc_VERSION_ARCHITECTURE.deb
deb: $(CNNC)
	@tools/packages.sh deb
	@packaging/make_deb.sh $(BUILD)

# make test-deb   installs it in a clean Debian (debootstrap: as root, some minutes) and does there what the README says
test-deb: deb data
	@tools/packages.sh debootstrap
	@packaging/test_deb.sh $(BUILD) '$(DATA)'

# make clean      removes what was built; the data stay
clean:
	rm -rf $(BUILD)

# make help       this list
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

always:
.PHONY: all always analyze bench bench-quick clean coverage data deb demo format fuzz generated help install mlp mnist reference sanitize soak test test-deb test-demo test-faults test-python test-random test-report uninstall valgrind
.DELETE_ON_ERROR:

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
