/* findings: what is wrong, or worth a word, in the settings: each with where it is and
 * what would be right. */
#ifndef ADIT_SETTINGS_FINDINGS_H
#define ADIT_SETTINGS_FINDINGS_H

#include "core/base/err.h"
#include "core/base/sbuf.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>

enum finding_level { FINDING_WARNING, FINDING_ERROR };

struct finding {
	enum finding_level level;
	char file[64]; /* below the config dir: "peers/branch.conf"; "" no file */
	unsigned line, column;	/* from 1; 0: not known */
	unsigned width;		/* bytes to underline; 0 as 1 */
	char peer[PEER_NAME_MAX + 1];	/* "" for adit.conf */
	char other[PEER_NAME_MAX + 1];	/* the other peer it is about; "" none */
	char key[64];		/* "ike", "child.voice.esp", "defaults.ike"; "" none */
	char msg[ERR_MSG_MAX];	/* one sentence, without file and key */
	char *source;		/* the line of the file; NULL when not known */
	int error;		/* errno, when the file could not be read; else 0 */
};

/* Zero-initialised is empty. Bounded: past FINDINGS_MAX they are only counted. */
#define FINDINGS_MAX 500
struct findings {
	struct finding *f;
	size_t n, cap;
	size_t errors, warnings;	/* all, those left out included */
};

void findings_fini(struct findings *fs);
/* Append one; the fields not given are empty. Never fails: without memory it is counted.
 * The result may be filled further until the next append; NULL when there was no room. */
struct finding *findings_add(struct findings *fs, enum finding_level level,
			     const char *peer, const char *key, const char *fmt, ...)
	PRINTF_LIKE(5, 6);
/* Is there an error about this peer ("" for the router)? */
bool findings_has_error(const struct findings *fs, const char *peer);
/* The first error about the key of this peer, or else the first warning; NULL when none.
 * For a form's inline errors. */
const struct finding *findings_for(const struct findings *fs, const char *peer,
				   const char *key);

/* "peers/branch.conf:4:18: error: local_network: 192.168.1.10/24 has host bits set:
 * 192.168.1.0/24?" and, where it is known, the line with a caret below. Ends in a
 * newline. */
void finding_print(struct sbuf *b, const struct finding *f);
void findings_print(struct sbuf *b, const struct findings *fs);

#endif
