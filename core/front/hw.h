/* hw: how fast this router's cryptography is, and by which way: the engines of the userspace
 * dataplane and the kernel's own ESP. Measured by libexec/engine-bench, kept beside the
 * settings, shown by `adit hw`, `adit bench` and the screen.
 *
 * A measurement is a list of rows, one for a suite and a way, all rows of a suite next to each
 * other, in the order in which the program measures: what is good first, what is weak last.
 */
#ifndef ADIT_FRONT_HW_H
#define ADIT_FRONT_HW_H

#include "core/base/err.h"
#include "core/base/sbuf.h"
#include "core/control/json.h"
#include "core/control/status.h"
#include "core/front/fmt.h"
#include "core/settings/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HW_FILE "engine.bench"	/* the measurement, in the config dir: a JSON object a line */
#define HW_ROWS 1024		/* most rows of one measurement */
#define HW_SUITE_TEXT 48
#define HW_SHORT_MS 1800	/* a look: `adit hw` where nothing was measured yet */
#define HW_LOOK_MS 500		/* at one suite */
#define HW_SUITE_MS 2000	/* one suite measured */
#define HW_QUICK_MS 5000
#define HW_BENCH_MS 25000

/* The ways: enum engine_id, and the kernel's ESP. */
enum { HW_KERNEL = ENGINE_IDS, HW_WAYS };
/* "mbedtls", …, "kernel". */
const char *hw_way_name(unsigned way);

struct hw_row {
	uint16_t encr, encr_bits, integ;	/* transform IDs */
	uint8_t way;
	bool hardware;				/* by a device */
	char driver[64];			/* the kernel's name of who did it; "" */
	uint32_t mbit[PROFILE_SIZES];		/* of data, one core; 0: not measured */
	uint8_t batch[PROFILE_SIZES];		/* packets at a time; 0 for the kernel */
	char why[96];				/* it cannot do this suite; "" it can */
};

#define HW_DEVICES 32

struct hw_device {			/* a driver of crypto hardware */
	char name[64], driver[64];	/* "cbc(aes)", "mv-cbc-aes" */
};

struct hw_bench {
	struct hw_row *row;
	size_t n, cap;
	char unable[HW_WAYS][160];	/* why a way is not here at all; "" it is, or unknown */
	struct hw_device device[HW_DEVICES];	/* that the kernel has registered now */
	size_t n_devices;		/* the first HW_DEVICES are kept */
	int64_t when_s;			/* wall clock of the end; 0: under way */
	unsigned ms;			/* how long it was to take: HW_SHORT_MS is a look */
	unsigned done, total;		/* measurements, while it runs */
};

/* Zeroed is empty. */
void hw_bench_fini(struct hw_bench *b);
/* One line of the program, or of the file. What is no such line is an error. */
int hw_bench_line(struct hw_bench *b, const char *text, size_t len, struct err *e) MUST_USE;
/* HW_FILE of this folder. 1: here it is; 0: there is none (b is empty); -1: a line is none
 * (FILE:LINE). */
int hw_bench_load(struct hw_bench *b, const char *config_dir, struct err *e) MUST_USE;
/* HW_FILE and the profile (core/settings/profile.h) that follows from it, each whole-file. What
 * an earlier measurement knew of other suites stays. The settings' lock is not taken: these
 * are no settings. */
int hw_bench_save(struct hw_bench *b, const char *config_dir, struct err *e) MUST_USE;
/* By which espd picks: for each suite and size the fastest engine (the kernel is none), with the
 * smallest batch that is as good. A weak suite whose sizes agree is one row. */
void hw_profile(const struct hw_bench *b, struct profile *out);

/* The rows of the suite that begins at from end before this. */
size_t hw_suite_end(const struct hw_bench *b, size_t from);
/* Row from..to-1 that is fastest at size (index of profile_sizes); NULL: none was measured. */
const struct hw_row *hw_best(const struct hw_bench *b, size_t from, size_t to, unsigned size);
/* NULL when it has no speeds. */
const struct hw_row *hw_find(const struct hw_bench *b, const struct hw_row *suite, unsigned way);
bool hw_weak(const struct hw_row *r);
/* "aes256-sha256"; returns buf. */
const char *hw_suite_str(const struct hw_row *r, char buf[HW_SUITE_TEXT]);
/* One suite from a word as settings spell it; errors name the nearest. */
int hw_suite_parse(const char *word, struct hw_row *out, struct err *e) MUST_USE;
/* What engine = auto does otherwise once now is its profile and no more before (empty: the safe
 * guess of dataplane/engine/engine.h): a line for each suite that gets another engine
 * ("aes256-sha256: ipsec_mb in the place of mbedtls, at 64 and 256 bytes"), at most max of them.
 * Returns how many there are. */
size_t hw_changes(const struct hw_bench *b, const struct profile *before,
		  const struct profile *now, size_t max, struct sbuf *out);
/* {"sizes": …, "suites": …}: into o. */
void hw_bench_json(const struct hw_bench *b, struct json_object *o);
/* "measured by adit bench 2 d ago", "a short look just now". Returns buf. */
const char *hw_when(const struct hw_bench *b, int64_t now_s, char *buf, size_t cap);

/* --- hw_run.c: measuring --- */

struct hw_run {
	pid_t pid;		/* 0: none runs */
	int fd;			/* to poll for reading; -1 */
	unsigned ms;
	char line[1024];
	size_t len;
	char error[200];	/* what the program said it died of */
};

/* Start engine-bench for about ms, on a very slow machine twice that; all: weak suites too; suite: this one alone (NULL: none in
 * particular). fd does not block. */
int hw_run_start(struct hw_run *r, unsigned ms, bool all, const char *suite, struct err *e)
	MUST_USE;
/* Take what is there. 1: more will come; 0: it ended well, b->when_s is set; -1 with why. After
 * 0 and -1 r is empty. */
int hw_run_read(struct hw_run *r, struct hw_bench *b, struct err *e) MUST_USE;
/* Only which devices and ways there are: devices and unable of b, from a run that measures
 * nothing and takes some milliseconds. */
int hw_run_ways(struct hw_bench *b, struct err *e) MUST_USE;
/* End it now; an empty one is fine. */
void hw_run_stop(struct hw_run *r);

/* --- hw_machine.c: what is built in --- */

enum hw_has { HW_NO, HW_YES, HW_MODULE };	/* module: there, loaded when it is wanted */

struct hw_machine {
	char cpu[96];		/* "" not known */
	unsigned cores;
	char features[200];	/* that matter to cryptography: "aes, vaes, avx2" */
	char release[66];	/* of the kernel */
	uint8_t esp4, esp6, xfrm_interface, af_alg;	/* enum hw_has */
	char nic[16];		/* the WAN interface; "" not set */
	char nic_offload[8];	/* "on", "off", "fixed" (off, cannot be on); "" not known */
};

/* root: "" or, in tests, a folder that has proc/ and lib/. wan may be "". */
void hw_machine_read(struct hw_machine *m, const char *root, const char *wan);
/* "yes", "yes, a module", "no". */
const char *hw_has_str(uint8_t has);
void hw_machine_json(const struct hw_machine *m, struct json_object *o);

/* --- hw_facts.c: in words --- */

#define HW_FACTS 12

struct hw_fact {
	const char *label;	/* "Processor" */
	enum fmt_tone tone;
	char text[400];
};

/* What is to be said above the table. status: of the daemon, or NULL; its running says whether
 * there is one. conf: of the router, or NULL when it cannot be read. profile: whether espd has
 * one to pick by. Returns how many. */
size_t hw_facts(const struct hw_machine *m, const struct hw_bench *b, const struct status *status,
		const struct router_conf *conf, bool profile, int64_t now_s,
		struct hw_fact out[HW_FACTS]);
/* Who does the cryptography of a child: "ipsec_mb"; "mv-cbc-aes, a device; 12 packets by software
 * in its place"; "" not known. Returns buf. */
const char *hw_child_str(const struct status_child *c, char *buf, size_t cap);

#endif
