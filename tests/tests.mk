# Tests that are programs: tests/unit/NAME.c and tests/exchange/NAME.c each become one, linked
# with whatever of the rooms they use. NAME_ROOMS would say which; by default all that exist.
#
#   make B=DIR DIR/tests/unit/NAME        build one
#   make B=DIR unit-NAME                  build and run one

TEST_LIBS = $(ATOMIC_LIBS) -lconfuse -ljson-c -lmnl -lnftnl $(ENGINE_LIBS) $(CRYPTO_LIBS) -lseccomp -lncursesw -ltinfo
# The rooms a unit test is linked with; a test that needs fewer builds sooner.
UNIT_ROOMS ?= core/settings core/net core/ipc core/control core/daemon ike/wire ike/engine ike/v1 ike/v2 ike/auth \
	dataplane/esp dataplane/engine dataplane/fake core/crypto core/base

UNIT_SRC := $(wildcard tests/unit/*.c tests/vectors/*.c tests/exchange/*.c)
UNIT_BIN := $(patsubst %.c,$(B)/%,$(UNIT_SRC))

# A line "/* rooms: core/base core/crypto */" in a test names the rooms it wants.
rooms_of = $(or $(shell sed -n 's|^/\* rooms: \(.*\) \*/$$|\1|p' $(1)),$(UNIT_ROOMS))
define unit_rule
$(B)/$(1): $(B)/$(1).o $(foreach r,$(call rooms_of,$(1).c),$(call ar,$(r)))
	$$(call link,$(call rooms_of,$(1).c),$(TEST_LIBS))
unit-$(notdir $(1)): $(B)/$(1)
	$$(Q)$$<
endef
$(foreach t,$(patsubst %.c,%,$(UNIT_SRC)),$(eval $(call unit_rule,$(t))))

# ---- programs that shell tests drive: tests/netns/NAME.c, tests/bench/NAME.c

TOOL_SRC := $(wildcard tests/netns/*.c tests/bench/*.c tests/lab/*.c)
TOOL_BIN := $(patsubst %.c,$(B)/%,$(TOOL_SRC))
define tool_rule
$(B)/$(1): $(B)/$(1).o $(foreach r,$(call rooms_of,$(1).c),$(call ar,$(r)))
	$$(call link,$(call rooms_of,$(1).c),$(TEST_LIBS))
endef
$(foreach t,$(patsubst %.c,%,$(TOOL_SRC)),$(eval $(call tool_rule,$(t))))

# ---- fuzz targets: tests/fuzz/NAME.c has LLVMFuzzerTestOneInput, tests/fuzz/corpus/NAME/ seeds
#
# `make fuzz` runs each with libFuzzer for FUZZ_S seconds; the corpora are replayed under ASan
# and UBSan by every check.

FUZZ_S ?= 30
FUZZ_SRC := $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
FUZZ_NAMES := $(notdir $(FUZZ_SRC:.c=))
FUZZ_BIN := $(FUZZ_NAMES:%=$(B)/fuzz/%)
define fuzz_rule
$(B)/fuzz/$(1): $(B)/tests/fuzz/$(1).o $(if $(FUZZ),,$(B)/tests/fuzz/replay.o) $(foreach r,$(call rooms_of,tests/fuzz/$(1).c),$(call ar,$(r)))
	$$(call link,$(call rooms_of,tests/fuzz/$(1).c),$(TEST_LIBS) $(if $(FUZZ),-fsanitize=fuzzer))
endef
$(foreach t,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(t))))

fuzz-build:
	@$(MAKE) --no-print-directory B=$(B)-fuzz CC=$(CLANG) FUZZ=1 HARDEN=-fPIE OPT="-O1 -g" \
		SANFLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" fuzz-bin
fuzz-bin: $(FUZZ_BIN)
fuzz: fuzz-build
	@for n in $(FUZZ_NAMES); do tests/fuzz/run $(B)-fuzz/fuzz/$$n $(FUZZ_S) || exit 1; done

# ---- check

# Programs that need no root and little time.
FAST_TESTS = $(UNIT_BIN) tests/doors.sh tests/tui/themes.py \
	"fuzz-replay=tests/fuzz/replay.sh $(B)/fuzz" \
	$(foreach t,$(wildcard tests/cli/*.sh),"$(notdir $(t:.sh=))=$(t) $(B)")
# Namespaces, real peers, the screen, the sanitized build, half a minute of each fuzz target.
# Those that count every lost ping run with nothing beside them.
ALONE := tests/lab/strongswan_life.sh tests/lab/crashes.sh tests/lab/abuse.sh tests/lab/mobike.sh \
	tests/lab/gateways.sh
# Those that run in both emulated kernels are two jobs each.
BOTH := $(shell grep -lE '^guest_self "uml qemu"' tests/kernel/*.sh)
SLOW_TESTS = $(foreach t,$(filter-out $(ALONE) $(BOTH),$(wildcard tests/netns/*.sh tests/lab/*.sh tests/tui/*.sh tests/kernel/*.sh)),"lab:$(notdir $(t:.sh=))=$(t) $(B)") \
	$(foreach t,$(BOTH),$(foreach k,uml qemu,"lab:$(k)-$(notdir $(t:.sh=))=GUEST=$(k) $(t) $(B)")) \
	$(foreach t,$(ALONE),"alone:$(notdir $(t:.sh=))=$(t) $(B)") \
	$(foreach t,$(UNIT_SRC:.c=),"san-$(notdir $(t))=$(B)-san/$(t)") \
	"san-fuzz-replay=tests/fuzz/replay.sh $(B)-san/fuzz" \
	$(foreach n,$(FUZZ_NAMES),"fuzz-$(n)=tests/fuzz/run $(B)-fuzz/fuzz/$(n) $(FUZZ_S)") \
	"monkey=tests/tui/monkey.py $(B)" "man=tests/man.sh $(B)"

check-build: all $(UNIT_BIN) $(TOOL_BIN) $(FUZZ_BIN)
check-fast: check-build
	@tests/run -j 2 -t 120 $(B)/log $(FAST_TESTS)
check-san-build: $(PROGRAMS) $(UNIT_BIN) $(FUZZ_BIN)
JOBS ?= $(shell nproc)
check-all:
	@$(MAKE) --no-print-directory -j$(JOBS) check-build
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)-san SAN=1 check-san-build
	@$(MAKE) --no-print-directory -j$(JOBS) fuzz-build
	@tests/run -j 3 $(B)/log $(FAST_TESTS) $(SLOW_TESTS)

bench: all $(TOOL_BIN)
	@tests/deps install build demo test bench
	@tests/bench/run $(B)

# Hours of simulated lives; a seed that goes wrong is printed: SEED=n build/tests/exchange/lives
SOAK_S ?= 3600
SOAK_SEED ?= $(shell date +%s)
soak: $(B)/tests/exchange/lives
	SEED=$(SOAK_SEED)000 SOAK=$(SOAK_S) $(B)/tests/exchange/lives

# Ten minutes of mixed traffic with new keys all the time on each dataplane.
soak-dataplane: all
	@tests/deps install test
	SOAK_S=600 tests/kernel/mixed.sh $(B)
	SOAK_S=600 tests/kernel/mixed_kernel.sh $(B)

.PHONY: soak-dataplane check-build check-fast check-san-build check-all fuzz fuzz-build fuzz-bin bench soak
