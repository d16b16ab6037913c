/* merge: the settings' view beside the daemon's, so that every peer that has a file is in
 * the status, whatever is wrong with that file.
 */
#ifndef ADIT_FRONT_MERGE_H
#define ADIT_FRONT_MERGE_H

#include "core/control/status.h"
#include "core/settings/settings.h"

#include <stdbool.h>

/* What reasons given here say, or begin with. */
#define FRONT_REASON_OFF "adit is not running"
#define FRONT_REASON_UNREAD "the daemon has not read its settings yet"
#define FRONT_REASON_ERROR "its settings have an error: "

/* Is it about a peer's file that cannot be used? */
bool front_reason_is_error(const char *reason);

/* Add to s, which is sorted by name and stays so, the peers of the config dir that it lacks:
 * those whose file has an error, "down" (or "disabled") with FRONT_REASON_ERROR and
 * FILE:LINE:COLUMN: KEY: what is wrong; and those the daemon has not read yet. A peer that
 * s has although its file is wrong by now is told of in s->warning. True when s changed.
 * Settings that this user cannot read change nothing. It reads the whole folder (20 ms for
 * 500 peers). Used by front_status(); for who asks the daemon by other ways. */
bool front_merge(struct status *s, const char *config_dir);
/* The same with what settings_load() gave for that dir. */
bool front_merge_settings(struct status *s, const char *config_dir,
			  const struct settings *settings, const struct findings *fs);

#endif
