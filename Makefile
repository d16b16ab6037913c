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

# Curve25519 by libsodium, many times as fast as by mbedTLS, where its headers are; SODIUM=
# builds without it.
ifeq ($(origin SODIUM),undefined)
SODIUM := $(shell echo '\#include <sodium/core.h>' | $(CC) -E - >/dev/null 2>&1 && echo 1)
endif
CRYPTO_LIBS := -lmbedcrypto $(if $(SODIUM),-lsodium)
# Many packets at once by libipsec-mb, on x86-64 where its header is; IPSEC_MB= builds without it.
ifeq ($(origin IPSEC_MB),undefined)
IPSEC_MB := $(shell printf '\#include <intel-ipsec-mb.h>\n\#ifndef __x86_64__\n\#error\n\#endif\n' | \
	$(CC) -E - >/dev/null 2>&1 && echo 1)
endif
ENGINE_LIBS := $(if $(IPSEC_MB),-lIPSec_MB)
# Numbers of 64 bits that threads share: by a library where the processor has none (32-bit MIPS).
ATOMIC_LIBS := $(shell printf 'int main(void) { _Atomic long long v = 0; v += 1; return (int)v; }\n' | \
	$(CC) -x c -o /dev/null - >/dev/null 2>&1 || echo -latomic)

# Text is cut to its buffer on purpose; clang does not know this gcc warning.
cc_flag = $(if $(findstring clang,$(CC)),,$(1))
WARN     = -Wall -Wextra -Wshadow $(call cc_flag,-Wno-format-truncation) -Wstrict-prototypes -Wmissing-prototypes -Werror=implicit
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -Wformat -Werror=format-security
comma   := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPPFLAGS += -I. -D_GNU_SOURCE -DADIT_VERSION='"$(VERSION)"' \
	-DADIT_LIBEXECDIR='"$(LIBEXECDIR)"' -DADIT_DATADIR='"$(DATADIR)"' \
	-DADIT_CONFIG_DIR='"$(SYSCONFDIR)/adit"' -DADIT_RUN_DIR='"$(RUNDIR)"' $(if $(SODIUM),-DADIT_SODIUM) \
	$(if $(IPSEC_MB),-DADIT_IPSEC_MB)
CFLAGS  += -std=gnu11 $(OPT) $(WARN) $(if $(SAN),,$(HARDEN)) $(SANFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed $(SANFLAGS)

# Rooms: one archive each; each third-party library is linked where its one door is.
ROOMS := core/base core/crypto core/settings core/pki core/net core/ipc core/control core/front core/daemon \
	ike/wire ike/engine ike/v1 ike/v2 ike/auth ike/main ike/probe dataplane/bench dataplane/xfrm dataplane/esp dataplane/engine dataplane/fake cli tui
MAINS := $(wildcard ike/iked.c ike/vaultd.c ike/ike-probe.c dataplane/aditd.c dataplane/espd.c dataplane/engine-bench.c cli/adit.c)
room_src = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))
ar = $(B)/lib/$(subst /,_,$(1)).a

PROGRAMS := $(B)/adit $(B)/aditd $(B)/libexec/iked $(B)/libexec/vaultd $(B)/libexec/espd \
	$(B)/libexec/ike-probe $(B)/libexec/engine-bench

all: $(B)/.deps $(PROGRAMS)

$(B)/.deps: tests/deps
	@mkdir -p $(@D)
	@CC="$(CC)" tests/deps check build && touch $@

# stamp(text): a file that is written when it says something else than before. What hangs on it
# is made again then: with another PREFIX, other flags, or a source file fewer.
stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.new; \
	cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@
$(B)/.flags: force
	$(call stamp,$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(SBINDIR) $(MANDIR))
$(B)/.sources: force
	$(call stamp,$(foreach r,$(ROOMS),$(call room_src,$(r))))
force:

include tests/tests.mk

$(foreach r,$(ROOMS),$(eval $(call ar,$(r)): $(call obj,$(call room_src,$(r)))))
$(B)/lib/%.a: $(B)/.sources
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/%.o: %.c $(B)/.flags | $(B)/.deps
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)

# link(rooms, libs)
link = $(Q)echo "  LINK  $@"; mkdir -p $(@D); \
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(foreach r,$(1),$(call ar,$(r))) -Wl,--end-group $(2)

ADIT_ROOMS   := cli tui core/front core/control core/pki core/settings core/net core/ipc core/crypto core/base
ADITD_ROOMS  := dataplane/xfrm dataplane/esp dataplane/engine dataplane/fake core/daemon core/settings core/net core/ipc core/crypto core/base
IKED_ROOMS   := ike/main ike/engine ike/v1 ike/v2 ike/auth ike/wire core/control core/daemon core/ipc core/crypto core/base
VAULTD_ROOMS := ike/auth core/daemon core/ipc core/crypto core/base
PROBE_ROOMS  := ike/probe ike/wire core/daemon core/control core/ipc core/crypto core/base
BENCH_ROOMS  := dataplane/bench dataplane/engine core/control core/daemon core/settings core/ipc core/crypto core/base
ESPD_ROOMS   := dataplane/esp dataplane/engine core/daemon core/settings core/ipc core/crypto core/base

$(B)/adit: $(B)/cli/adit.o $(foreach r,$(ADIT_ROOMS),$(call ar,$(r)))
	$(call link,$(ADIT_ROOMS),-lncursesw -ltinfo -lconfuse -ljson-c -lmnl -lnftnl $(CRYPTO_LIBS))
$(B)/aditd: $(B)/dataplane/aditd.o $(foreach r,$(ADITD_ROOMS),$(call ar,$(r)))
	$(call link,$(ADITD_ROOMS),-lconfuse -lmnl -lnftnl $(CRYPTO_LIBS) -lseccomp)
$(B)/libexec/iked: $(B)/ike/iked.o $(foreach r,$(IKED_ROOMS),$(call ar,$(r)))
	$(call link,$(IKED_ROOMS),-ljson-c $(CRYPTO_LIBS) -lseccomp)
$(B)/libexec/vaultd: $(B)/ike/vaultd.o $(foreach r,$(VAULTD_ROOMS),$(call ar,$(r)))
	$(call link,$(VAULTD_ROOMS),$(CRYPTO_LIBS) -lseccomp)
$(B)/libexec/ike-probe: $(B)/ike/ike-probe.o $(foreach r,$(PROBE_ROOMS),$(call ar,$(r)))
	$(call link,$(PROBE_ROOMS),-ljson-c $(CRYPTO_LIBS) -lseccomp)
$(B)/libexec/espd: $(B)/dataplane/espd.o $(foreach r,$(ESPD_ROOMS),$(call ar,$(r)))
	$(call link,$(ESPD_ROOMS),$(ENGINE_LIBS) $(CRYPTO_LIBS) $(ATOMIC_LIBS) -lseccomp)

$(B)/libexec/engine-bench: $(B)/dataplane/engine-bench.o $(foreach r,$(BENCH_ROOMS),$(call ar,$(r)))
	$(call link,$(BENCH_ROOMS),-lconfuse -ljson-c $(ENGINE_LIBS) $(CRYPTO_LIBS))

# ---- what is made from the sources: the option list of adit.conf(5), completions, dist files

# The sources of the manual name the usual places; the built pages the real ones.
PLACES = -e 's|/etc/adit|$(SYSCONFDIR)/adit|g' -e 's|/run/adit|$(RUNDIR)|g' \
	-e 's|/usr/libexec/adit|$(LIBEXECDIR)|g' -e 's|/usr/share/adit|$(DATADIR)|g'
MAN8 := adit.8 aditd.8 adit-tui.8
MAN5 := adit.conf.5
MAN7 := adit-control.7
MANPAGES := $(MAN8:%=$(B)/man/%) $(MAN5:%=$(B)/man/%) $(MAN7:%=$(B)/man/%)
DIST := $(B)/dist/adit.service $(B)/dist/adit.init
COMPLETIONS := $(B)/completions/adit.bash $(B)/completions/_adit $(B)/completions/adit.fish

$(B)/man-gen: $(B)/man/gen.o $(foreach r,core/settings core/crypto core/base,$(call ar,$(r)))
	$(call link,core/settings core/crypto core/base,-lconfuse $(CRYPTO_LIBS))
$(B)/man/adit.conf.5: man/adit.conf.5.in $(B)/man-gen $(B)/.flags
	@mkdir -p $(@D)
	$(Q)for s in router peer child; do $(B)/man-gen $$s >$(B)/man/$$s.inc || exit 1; done
	$(Q)cd $(B)/man && sed $(PLACES) -e '/^@router@$$/{r router.inc' -e 'd}' -e '/^@peer@$$/{r peer.inc' \
		-e 'd}' -e '/^@child@$$/{r child.inc' -e 'd}' $(abspath $<) >$(@F).tmp && \
		mv $(@F).tmp $(@F) && rm -f router.inc peer.inc child.inc
$(B)/man/%: man/% $(B)/.flags
	@mkdir -p $(@D)
	$(Q)sed $(PLACES) $< >$@
$(B)/dist/%: core/daemon/dist/%.in $(B)/.flags
	@mkdir -p $(@D)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@RUNDIR@|$(RUNDIR)|g' \
		-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $< >$@
$(B)/completions/adit.bash $(B)/completions/_adit $(B)/completions/adit.fish &: $(B)/adit
	@mkdir -p $(@D)
	$(Q)$(B)/adit completion bash >$(B)/completions/adit.bash
	$(Q)$(B)/adit completion zsh >$(B)/completions/_adit
	$(Q)$(B)/adit completion fish >$(B)/completions/adit.fish

man: $(MANPAGES)
extras: $(MANPAGES) $(DIST) $(COMPLETIONS)
all: extras

# ---- install

INSTALL := install
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/vendor-completions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
D = $(DESTDIR)

install: all
	$(INSTALL) -d $(D)$(SBINDIR) $(D)$(LIBEXECDIR) $(D)$(DATADIR)/themes $(D)$(MANDIR)/man5 \
		$(D)$(MANDIR)/man7 $(D)$(MANDIR)/man8 $(D)$(BASHCOMPDIR) $(D)$(ZSHCOMPDIR) \
		$(D)$(FISHCOMPDIR) $(D)$(UNITDIR) $(D)$(SYSUSERSDIR) $(D)$(DATADIR)/openwrt
	$(INSTALL) -d -m 750 $(D)$(SYSCONFDIR)/adit $(D)$(SYSCONFDIR)/adit/peers
	$(INSTALL) -d -m 700 $(D)$(SYSCONFDIR)/adit/secrets
	$(INSTALL) -m 755 -s $(B)/adit $(B)/aditd $(D)$(SBINDIR)
	$(INSTALL) -m 755 -s $(B)/libexec/iked $(B)/libexec/vaultd $(B)/libexec/espd \
		$(B)/libexec/ike-probe $(B)/libexec/engine-bench $(D)$(LIBEXECDIR)
	$(INSTALL) -m 644 themes/* $(D)$(DATADIR)/themes
	$(INSTALL) -m 644 $(MAN8:%=$(B)/man/%) $(D)$(MANDIR)/man8
	$(INSTALL) -m 644 $(MAN7:%=$(B)/man/%) $(D)$(MANDIR)/man7
	$(INSTALL) -m 644 $(MAN5:%=$(B)/man/%) $(D)$(MANDIR)/man5
	$(INSTALL) -m 644 $(B)/completions/adit.bash $(D)$(BASHCOMPDIR)/adit
	$(INSTALL) -m 644 $(B)/completions/_adit $(D)$(ZSHCOMPDIR)/_adit
	$(INSTALL) -m 644 $(B)/completions/adit.fish $(D)$(FISHCOMPDIR)/adit.fish
	$(INSTALL) -m 644 $(B)/dist/adit.service $(D)$(UNITDIR)/adit.service
	$(INSTALL) -m 644 core/daemon/dist/adit.sysusers $(D)$(SYSUSERSDIR)/adit.conf
	$(INSTALL) -m 755 $(B)/dist/adit.init $(D)$(DATADIR)/openwrt/adit.init
	@$(if $(DESTDIR),true,command -v systemd-sysusers >/dev/null && systemd-sysusers $(SYSUSERSDIR)/adit.conf || true)
	@getent passwd adit >/dev/null || echo "adit: make the user it runs as: useradd --system --home / --shell /usr/sbin/nologin adit"

# Settings in $(SYSCONFDIR)/adit stay.
uninstall:
	rm -f $(D)$(SBINDIR)/adit $(D)$(SBINDIR)/aditd
	rm -rf $(D)$(LIBEXECDIR) $(D)$(DATADIR)
	rm -f $(MAN8:%=$(D)$(MANDIR)/man8/%) $(MAN7:%=$(D)$(MANDIR)/man7/%) $(MAN5:%=$(D)$(MANDIR)/man5/%)
	rm -f $(D)$(BASHCOMPDIR)/adit $(D)$(ZSHCOMPDIR)/_adit $(D)$(FISHCOMPDIR)/adit.fish
	rm -f $(D)$(UNITDIR)/adit.service $(D)$(SYSUSERSDIR)/adit.conf
	-rmdir $(D)$(SYSCONFDIR)/adit/secrets $(D)$(SYSCONFDIR)/adit/peers $(D)$(SYSCONFDIR)/adit 2>/dev/null

# ---- the two commands, and what developers use

demo:
	@tests/deps install build faster demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/lab/demo $(B)

check:
	@tests/deps install build faster demo test
	@$(MAKE) --no-print-directory check-all

# Only the lines that differ from BASE: tables and trailing comments elsewhere stay as they are.
BASE ?= HEAD
format:
	@tests/deps check lint
	git clang-format --force --extensions c,h $(BASE)

# Each tool alone, too: make lint-sh lint-c lint-tidy lint-man.
TIDY_SRC = $(shell git ls-files '*.c' | grep -v '^tests/')
lint: lint-sh lint-c lint-man lint-tidy
lint-deps:
	@tests/deps check lint
lint-sh: lint-deps $(COMPLETIONS)
	shellcheck $$(git ls-files tests .ci | xargs grep -lE '^#!/bin/(ba)?sh') core/daemon/dist/adit.init.in
	shellcheck -s bash -e SC2034 $$(git ls-files 'tests/*.bash') $(B)/completions/adit.bash
lint-c: lint-deps
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance --inline-suppr \
		--suppressions-list=.cppcheck -I. core ike dataplane cli tui
# A change of one header or source checks again what includes it.
$(B)/tidy/%.ok: %.c $(B)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) -std=gnu11 >$@ 2>/dev/null || { cat $@; rm -f $@; exit 1; }
lint-tidy: lint-deps $(TIDY_SRC:%.c=$(B)/tidy/%.ok)
lint-man: lint-deps man
	mandoc -Tlint -Wwarning $(MANPAGES)

help:
	@echo "make                 build into $(B)/ (SAN=1: with ASan and UBSan; SODIUM= IPSEC_MB=: without libsodium, libipsec-mb)"
	@echo "make demo            two routers in namespaces, a tunnel, a ping, the screen (root)"
	@echo "make check           every test (root); make check-fast: no root, under a minute"
	@echo "make soak            simulated lives for an hour (SOAK_S=seconds)"
	@echo "make bench           figures against strongSwan and wireguard-go, as ratios (root)"
	@echo "make install         DESTDIR, PREFIX, SYSCONFDIR as usual; make uninstall"
	@echo "make format lint fuzz clean"

clean:
	rm -rf $(B) $(B)-san $(B)-fuzz

.PHONY: all man extras install uninstall demo check format lint lint-deps lint-sh lint-c lint-tidy \
	lint-man help clean force
