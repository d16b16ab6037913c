# adit: one plain GNU Makefile. `make help` lists what it does.
#
# B=DIR builds elsewhere; V=1 shows the commands; SAN=1 builds with ASan and UBSan.

VERSION := 0.1.0
PREFIX  ?= /usr
SYSCONFDIR ?= /etc
RUNDIR  ?= /run/adit
LIBEXECDIR ?= $(PREFIX)/libexec/adit
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/adit
B       ?= build
CC      ?= cc
CLANG   ?= clang
OPT     ?= -O2 -g
Q       := $(if $(V),,@)

ifeq ($(filter default undefined,$(origin CC)),$(origin CC))
CC := gcc
endif

WARN    := -Wall -Wextra -Wshadow -Wno-format-truncation -Wstrict-prototypes -Wmissing-prototypes -Werror=implicit
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -Wformat -Werror=format-security
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
comma   := ,
CPPFLAGS += -I. -D_GNU_SOURCE -DADIT_VERSION='"$(VERSION)"' \
	-DADIT_LIBEXECDIR='"$(LIBEXECDIR)"' -DADIT_DATADIR='"$(DATADIR)"' \
	-DADIT_CONFIG_DIR='"$(SYSCONFDIR)/adit"' -DADIT_RUN_DIR='"$(RUNDIR)"'
CFLAGS  += -std=gnu11 $(OPT) $(WARN) $(if $(SAN),,$(HARDEN)) $(SANFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed $(SANFLAGS)

# Rooms: one archive each; each third-party library is linked where its one door is.
ROOMS := core/base core/crypto core/settings core/net core/ipc core/control core/front core/daemon \
	ike/wire ike/v2 ike/auth ike/main dataplane/esp dataplane/engine dataplane/fake cli tui
MAINS := $(wildcard ike/iked.c ike/vaultd.c dataplane/aditd.c dataplane/espd.c cli/adit.c)
room_src = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))
ar = $(B)/lib/$(subst /,_,$(1)).a

PROGRAMS := $(B)/adit $(B)/aditd $(B)/libexec/iked $(B)/libexec/vaultd $(B)/libexec/espd

all: $(PROGRAMS)

include tests/tests.mk

$(foreach r,$(ROOMS),$(eval $(call ar,$(r)): $(call obj,$(call room_src,$(r)))))
$(B)/lib/%.a:
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# link(rooms, libs)
link = $(Q)echo "  LINK  $@"; mkdir -p $(@D); \
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(foreach r,$(1),$(call ar,$(r))) -Wl,--end-group $(2)

ADIT_ROOMS   := cli tui core/front core/control core/settings core/net core/ipc core/crypto core/base
ADITD_ROOMS  := dataplane/esp dataplane/fake core/daemon core/settings core/net core/ipc core/crypto core/base
IKED_ROOMS   := ike/main ike/v2 ike/wire core/control core/daemon core/ipc core/crypto core/base
VAULTD_ROOMS := ike/auth core/daemon core/ipc core/crypto core/base
ESPD_ROOMS   := dataplane/esp dataplane/engine core/daemon core/ipc core/crypto core/base

$(B)/adit: $(B)/cli/adit.o $(foreach r,$(ADIT_ROOMS),$(call ar,$(r)))
	$(call link,$(ADIT_ROOMS),-lncursesw -ltinfo -lconfuse -ljson-c -lmnl -lnftnl -lmbedcrypto)
$(B)/aditd: $(B)/dataplane/aditd.o $(foreach r,$(ADITD_ROOMS),$(call ar,$(r)))
	$(call link,$(ADITD_ROOMS),-lconfuse -lmnl -lnftnl -lmbedcrypto -lseccomp)
$(B)/libexec/iked: $(B)/ike/iked.o $(foreach r,$(IKED_ROOMS),$(call ar,$(r)))
	$(call link,$(IKED_ROOMS),-ljson-c -lmbedcrypto -lseccomp)
$(B)/libexec/vaultd: $(B)/ike/vaultd.o $(foreach r,$(VAULTD_ROOMS),$(call ar,$(r)))
	$(call link,$(VAULTD_ROOMS),-lmbedcrypto -lseccomp)
$(B)/libexec/espd: $(B)/dataplane/espd.o $(foreach r,$(ESPD_ROOMS),$(call ar,$(r)))
	$(call link,$(ESPD_ROOMS),-lmbedcrypto -lseccomp)

clean:
	rm -rf $(B)

.PHONY: all clean
