/* front: how adit's main() reaches its two faces without one knowing the other: cli/ and tui/
 * each define their entry, cli/adit.c (main alone) includes only this. */
#ifndef ADIT_BASE_FRONT_H
#define ADIT_BASE_FRONT_H

#include <stdbool.h>

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What `adit tui` was told; strings live as long as the program. */
struct screen_args {
	const char *config_dir, *run_dir;	/* never NULL */
	const char *theme;		/* --theme; NULL: what adit.conf says */
	const char *peer;		/* `adit tui PEER`: open at this peer; NULL: none */
	enum color_mode color;		/* AUTO: NO_COLOR, TERM decide */
	bool ascii;			/* --ascii: draw with +-| */
	bool no_mouse;			/* --no-mouse */
	bool readonly;			/* --readonly, or not root */
	int timeout_ms;			/* for requests to the daemon */
};

/* tui/: run the screen until the admin leaves; returns the exit code (core/base/err.h). Both
 * stdin and stdout are terminals, checked by the caller. */
int tui_main(const struct screen_args *args);

/* cli/: run one verb, or the screen. Returns the exit code. */
int cli_main(int argc, char **argv, int (*screen)(const struct screen_args *args));

#endif
