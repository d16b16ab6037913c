/* term: the terminal: ncursesw's one door. Starts and ends it, maps elements of the screen to
 * attributes by the theme, puts text, reads keys. Everything else in tui/ speaks of elements
 * and cells, so it works the same with 256 colours, 8, none, UTF-8 and ASCII.
 */
#ifndef ADIT_TUI_TERM_H
#define ADIT_TUI_TERM_H

#include "core/base/err.h"
#include "core/base/front.h"
#include "core/front/fmt.h"
#include "tui/theme.h"

#include <stdbool.h>
#include <stddef.h>

/* Keys beyond plain characters. Function keys also come as Esc and a digit. */
enum term_key {
	K_NONE = -1, K_ENTER = 10, K_TAB = 9, K_ESC = 27, K_BACKSPACE = 127,
	K_UP = 0x200000,	/* beyond Unicode */
	 K_DOWN, K_LEFT, K_RIGHT, K_HOME, K_END, K_PGUP, K_PGDN, K_BACKTAB,
	K_DELETE, K_INSERT, K_RESIZE, K_PASTE, K_PASTE_END, K_CLICK, K_DOUBLE, K_WHEEL_UP,
	K_WHEEL_DOWN,
	K_OTHER,	/* a key nobody knows: of no effect */
	K_F0 = 0x200100,		/* K_F0 + n is Fn, n 1..12 */
};
#define K_CTRL(c) ((c) & 0x1f)

/* The smallest screen that is drawn. */
#define TERM_MIN_COLS 40
#define TERM_MIN_ROWS 12

struct term_options {
	enum color_mode color;
	bool ascii, no_mouse;
	const struct theme *theme;	/* borrowed for as long as the terminal runs */
};

int term_start(const struct term_options *o, struct err *e) MUST_USE;
/* Back to what the shell had; safe to call twice. */
void term_end(void);
/* Ctrl-Z: give the terminal back, stop, and come back. */
void term_suspend(void);
/* Another theme, at once. */
void term_theme(const struct theme *t);

int term_rows(void);
int term_cols(void);
bool term_utf8(void);

/* A key, or K_NONE when none is waiting. Characters above ASCII come as code points. */
int term_key(void);
/* Where the mouse was at the last K_CLICK. */
void term_mouse(int *row, int *col);

void term_clear(void);
/* text in width columns at (row, col), cut in the middle or padded with blanks; width 0: as
 * long as it is, to the right edge. Anything outside the screen is left out. */
void term_put(int row, int col, int width, enum element el, const char *text);
void term_putf(int row, int col, int width, enum element el, const char *fmt, ...)
	PRINTF_LIKE(5, 6);
/* The same, cut at its end instead of its middle: for running text. */
void term_clip(int row, int col, int width, enum element el, const char *text);
/* A horizontal line, with a title in it when title is not NULL. */
void term_rule(int row, int col, int width, const char *title);
/* An empty box with a border. */
void term_box(int row, int col, int height, int width, const char *title);
/* n values (0..peak) as one line of cells. */
void term_graph(int row, int col, const unsigned *v, size_t n, unsigned peak, bool selected);
/* Where the cursor stands when the screen is shown; row -1: hidden. */
void term_cursor(int row, int col);
void term_show(void);
/* Draw everything anew at the next term_show(). */
void term_redraw(void);

#endif
