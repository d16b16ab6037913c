# Tests that are programs: tests/unit/NAME.c and tests/exchange/NAME.c each become one, linked
# with whatever of the rooms they use. NAME_ROOMS would say which; by default all that exist.
#
#   make B=DIR DIR/tests/unit/NAME        build one
#   make B=DIR unit-NAME                  build and run one

TEST_LIBS := -lconfuse -ljson-c -lmnl -lnftnl -lmbedcrypto -lseccomp -lncursesw -ltinfo
# The rooms a unit test is linked with; a test that needs fewer builds sooner.
UNIT_ROOMS ?= core/settings core/net core/ipc core/control core/daemon ike/wire ike/v2 ike/auth \
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
