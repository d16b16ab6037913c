/* pane: what is known of the selected peer, below the list. */
#ifndef ADIT_TUI_PANE_H
#define ADIT_TUI_PANE_H

#include "tui/tui.h"

/* Into the rows [top, top + rows), rows >= 2, the first of them a rule with the peer's name;
 * where stands at its right end ("3/100"; "" none). What matters most comes first. */
void pane_draw(const struct tui *t, const struct status_peer *p, const char *where, int top,
	       int rows);
/* Algorithms in a few cells: of a list as it is set the first proposal and how many more there
 * are ("aes256gcm16-sha384-ecp384 +4"), of what was negotiated the names without their
 * families ("AES-256-GCM, SHA2-384, ECP 384"). Returns buf. */
const char *pane_algorithms(const char *text, char *buf, size_t cap);

#endif
