/* term: ncursesw, and nothing of it outside this file. */
#include "tui/term.h"

#include "core/base/clock.h"
#include "core/base/secret.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define KEY_PASTE_ON (KEY_MAX + 1)
#define KEY_PASTE_OFF (KEY_MAX + 2)
#define ESC_DELAY_MS 100
#define DOUBLE_MS 400

static struct {
	bool running, utf8, color, mouse;
	const struct theme *theme;
	int mouse_row, mouse_col;
	uint64_t clicked_ms;
	int clicked_row;
	int cursor_row, cursor_col;
	int held;		/* a key read too far, K_NONE when none */
} t = { .held = K_NONE };

/* Eight-colour terminals show a bright colour as its base in bold; what no palette has is the
 * terminal's own. */
static short fit_color(short c, unsigned *attrs)
{
	if (c < COLORS || c < 0)
		return c;
	if (c < 16 && COLORS >= 8) {
		*attrs |= AT_BOLD;
		return (short)(c - 8);
	}
	return -1;
}

static attr_t look_attr(unsigned bits)
{
	attr_t a = A_NORMAL;

	if (bits & AT_BOLD)
		a |= A_BOLD;
	if (bits & AT_DIM)
		a |= A_DIM;
	if (bits & AT_UNDERLINE)
		a |= A_UNDERLINE;
	if (bits & AT_REVERSE)
		a |= A_REVERSE;
	return a;
}

static attr_t attrs_of[EL_N];

void term_theme(const struct theme *theme)
{
	t.theme = theme;
	for (int i = 0; i < EL_N; i++) {
		const struct look *l = &theme->look[i];
		unsigned bits = l->attrs;
		short fg, bg;

		if (!t.color) {
			attrs_of[i] = look_attr(l->mono);
			continue;
		}
		fg = fit_color(l->fg, &bits);
		bg = fit_color(l->bg, &bits);
		/* A pair that the palette cannot show must not become text on its own colour. */
		if ((fg != l->fg && l->fg >= 16) || (bg != l->bg && l->bg >= 16)) {
			attrs_of[i] = look_attr(l->mono);
			continue;
		}
		init_pair((short)(i + 1), fg, bg);
		attrs_of[i] = look_attr(bits) | (attr_t)COLOR_PAIR(i + 1);
	}
	if (t.running) {
		bkgd(attrs_of[EL_TEXT] | ' ');
		clearok(stdscr, TRUE);
	}
}

static bool want_color(enum color_mode mode)
{
	const char *no = getenv("NO_COLOR");

	if (mode == COLOR_NEVER || !has_colors())
		return false;
	return mode == COLOR_ALWAYS || !(no && *no);
}

static void paste_mode(bool on)
{
	const char *term = getenv("TERM");

	/* Terminals that do not know the sequence would print it. */
	if (!term || strncmp(term, "vt1", 3) == 0 || strncmp(term, "vt2", 3) == 0 ||
	    strcmp(term, "linux") == 0 || strcmp(term, "dumb") == 0)
		return;
	fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
	fflush(stdout);
}

int term_start(const struct term_options *o, struct err *e)
{
	setlocale(LC_CTYPE, "");
	t.utf8 = !o->ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!newterm(NULL, stdout, stdin))
		return err_set(e, "the terminal \"%s\" is not known here (TERM); use `adit status` and "
			       "the other verbs", getenv("TERM") ? getenv("TERM") : "");
	t.running = true;
	if (!getenv("ESCDELAY"))
		set_escdelay(ESC_DELAY_MS);
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	if (has_colors()) {
		start_color();
		use_default_colors();
	}
	t.color = want_color(o->color);
	define_key("\033[200~", KEY_PASTE_ON);
	define_key("\033[201~", KEY_PASTE_OFF);
	paste_mode(true);
	t.mouse = !o->no_mouse;
	if (t.mouse) {
		mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED |
			  BUTTON1_TRIPLE_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
		mouseinterval(0);
	}
	term_theme(o->theme);
	return 0;
}

void term_end(void)
{
	if (!t.running)
		return;
	t.running = false;
	paste_mode(false);
	endwin();
}

void term_suspend(void)
{
	paste_mode(false);
	endwin();
	/* Discarded where no shell could continue us, unlike SIGSTOP. */
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	paste_mode(true);
	clearok(stdscr, TRUE);
	refresh();
}

int term_rows(void)
{
	return LINES;
}

int term_cols(void)
{
	return COLS;
}

bool term_utf8(void)
{
	return t.utf8;
}

static int mouse_key(void)
{
	MEVENT ev;

	if (getmouse(&ev) != OK)
		return K_OTHER;
	t.mouse_row = ev.y;
	t.mouse_col = ev.x;
	if (ev.bstate & BUTTON4_PRESSED)
		return K_WHEEL_UP;
	if (ev.bstate & BUTTON5_PRESSED)
		return K_WHEEL_DOWN;
	/* What arrives at once ncurses makes clicks of, interval or not. */
	if (ev.bstate & (BUTTON1_DOUBLE_CLICKED | BUTTON1_TRIPLE_CLICKED))
		return K_DOUBLE;
	if (ev.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED)) {
		uint64_t now = clock_ms();
		bool twice = now - t.clicked_ms < DOUBLE_MS && ev.y == t.clicked_row;

		t.clicked_ms = now;
		t.clicked_row = ev.y;
		return twice ? K_DOUBLE : K_CLICK;
	}
	return K_OTHER;
}

static int function_key(wint_t c)
{
	static const struct {
		int curses, ours;
	} map[] = {
		{ KEY_UP, K_UP }, { KEY_DOWN, K_DOWN }, { KEY_LEFT, K_LEFT }, { KEY_RIGHT, K_RIGHT },
		{ KEY_HOME, K_HOME }, { KEY_END, K_END }, { KEY_PPAGE, K_PGUP },
		{ KEY_NPAGE, K_PGDN }, { KEY_BTAB, K_BACKTAB }, { KEY_DC, K_DELETE },
		{ KEY_IC, K_INSERT }, { KEY_RESIZE, K_RESIZE }, { KEY_ENTER, K_ENTER },
		{ KEY_BACKSPACE, K_BACKSPACE }, { KEY_A1, K_HOME }, { KEY_C1, K_END },
		{ KEY_A3, K_PGUP }, { KEY_C3, K_PGDN }, { KEY_FIND, K_HOME }, { KEY_SELECT, K_END },
		{ KEY_PASTE_ON, K_PASTE }, { KEY_PASTE_OFF, K_PASTE_END },
	};

	if (c == KEY_MOUSE)
		return mouse_key();
	if (c >= (wint_t)KEY_F(1) && c <= (wint_t)KEY_F(12))
		return K_F0 + (int)(c - (wint_t)KEY_F(0));
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if ((wint_t)map[i].curses == c)
			return map[i].ours;
	return K_OTHER;
}

static int plain_key(wint_t c)
{
	if (c == '\r')
		return K_ENTER;
	if (c == 8)
		return K_BACKSPACE;
	return (int)c;
}

/* "Esc [ 5 ~", "Esc [ 1 ; 5 D", "Esc O P": sequences that the terminal's entry does not have,
 * so that ncurses hands them out in pieces. What is not known either is no key at all, and
 * least of all an Esc and letters that do things. */
static int sequence(wint_t lead)
{
	static const struct {
		int number, key;
	} tilde[] = {
		{ 1, K_HOME }, { 2, K_INSERT }, { 3, K_DELETE }, { 4, K_END }, { 5, K_PGUP },
		{ 6, K_PGDN }, { 7, K_HOME }, { 8, K_END }, { 11, K_F0 + 1 }, { 12, K_F0 + 2 },
		{ 13, K_F0 + 3 }, { 14, K_F0 + 4 }, { 15, K_F0 + 5 }, { 17, K_F0 + 6 },
		{ 18, K_F0 + 7 }, { 19, K_F0 + 8 }, { 20, K_F0 + 9 }, { 21, K_F0 + 10 },
		{ 200, K_PASTE }, { 201, K_PASTE_END },
	};
	static const char finals[] = "ABCDHFZPQRS";
	static const int keys[] = {
		K_UP, K_DOWN, K_RIGHT, K_LEFT, K_HOME, K_END, K_BACKTAB, K_F0 + 1, K_F0 + 2,
		K_F0 + 3, K_F0 + 4,
	};
	const char *at;
	int number = 0;
	wint_t c;

	for (int i = 0; i < 32; i++) {
		if (get_wch(&c) != OK)
			return K_OTHER;
		if (c >= '0' && c <= '9' && number < 1000)
			number = number * 10 + (int)(c - '0');
		else if (c == ';')
			break;
		else if (c >= 0x40 || lead == 'O')
			goto final;
	}
	while (get_wch(&c) == OK && c < 0x40)
		;
final:
	for (size_t i = 0; c == '~' && i < sizeof(tilde) / sizeof(tilde[0]); i++)
		if (tilde[i].number == number)
			return tilde[i].key;
	at = c && c < 0x80 ? strchr(finals, (int)c) : NULL;
	return at ? keys[at - finals] : K_OTHER;
}

int term_key(void)
{
	wint_t c, next;
	int how, key;

	if (t.held != K_NONE) {
		key = t.held;
		t.held = K_NONE;
		return key;
	}
	how = get_wch(&c);
	if (how == ERR)
		return K_NONE;
	if (how == KEY_CODE_YES)
		return function_key(c);
	if (c != K_ESC)
		return plain_key(c);
	wtimeout(stdscr, ESC_DELAY_MS / 2);
	how = get_wch(&next);
	key = how == OK && (next == '[' || next == 'O') ? sequence(next) : K_NONE;
	nodelay(stdscr, TRUE);
	if (how == ERR)
		return K_ESC;
	if (key != K_NONE)
		return key;
	/* Esc and a digit is a function key, as mc has it: F-keys fail in many terminals. */
	if (how == OK && next >= '0' && next <= '9')
		return K_F0 + (next == '0' ? 10 : (int)(next - '0'));
	t.held = how == KEY_CODE_YES ? function_key(next) : plain_key(next);
	return K_ESC;
}

void term_mouse(int *row, int *col)
{
	*row = t.mouse_row;
	*col = t.mouse_col;
}

void term_clear(void)
{
	erase();
	t.cursor_row = -1;
}

void term_put(int row, int col, int width, enum element el, const char *text)
{
	char buf[2048];
	int left = COLS - col;
	size_t used;

	if (row < 0 || row >= LINES || col < 0 || left <= 0)
		return;
	if (width <= 0 || width > left) {
		size_t w = fmt_width(text);

		width = width > left || w > (size_t)left ? left : width <= 0 ? (int)w : width;
	}
	fmt_fit(text, (size_t)width, t.utf8, buf, sizeof(buf));
	used = fmt_width(buf);
	attrset((attr_t)attrs_of[el]);
	mvaddstr(row, col, buf);
	for (size_t i = used; i < (size_t)width; i++)
		addch(' ');
	attrset(attrs_of[EL_TEXT]);
	/* It may have been a key that was asked for. */
	secret_wipe(buf, strlen(buf));
}

void term_clip(int row, int col, int width, enum element el, const char *text)
{
	char buf[2048];
	int room = COLS - col;
	size_t n = 0, used = 0;

	if (width > room)
		width = room;
	if (fmt_width(text) <= (size_t)width) {
		term_put(row, col, width, el, text);
		return;
	}
	while (text[n] && n < sizeof(buf) - 8) {
		size_t len = 1, w;

		while (len < 4 && ((unsigned char)text[n + len] & 0xc0) == 0x80)
			len++;
		memcpy(buf, text + n, len);
		buf[len] = '\0';
		w = fmt_width(buf);
		if (used + w + 1 > (size_t)width)
			break;
		used += w;
		n += len;
	}
	memcpy(buf, text, n);
	snprintf(buf + n, sizeof(buf) - n, "%s", t.utf8 ? "…" : ">");
	term_put(row, col, width, el, buf);
}

void term_putf(int row, int col, int width, enum element el, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	term_put(row, col, width, el, buf);
	secret_wipe(buf, strlen(buf));
}

/* Wide ACS through the UTF-8 text itself: PuTTY and screen show "lqqqk" for the other kind. */
static const char *line_char(int which)
{
	static const char *const uni[] = { "─", "│", "┌", "┐", "└", "┘" };
	static const char *const plain[] = { "-", "|", "+", "+", "+", "+" };

	return t.utf8 ? uni[which] : plain[which];
}

static void line_at(int row, int col, int width)
{
	attrset((attr_t)attrs_of[EL_BORDER]);
	for (int i = 0; i < width && col + i < COLS; i++)
		mvaddstr(row, col + i, line_char(0));
	attrset(attrs_of[EL_TEXT]);
}

void term_rule(int row, int col, int width, const char *title)
{
	if (row < 0 || row >= LINES)
		return;
	line_at(row, col, width);
	if (title && *title && width > 8) {
		int room = width - 6, w = (int)fmt_width(title);

		mvaddch(row, col + 2, ' ');
		term_put(row, col + 3, w > room ? room : w, EL_HEAD, title);
		addch(' ');
	}
}

void term_box(int row, int col, int height, int width, const char *title)
{
	for (int r = 1; r < height - 1; r++) {
		term_put(row + r, col, width, EL_TEXT, "");
		attrset((attr_t)attrs_of[EL_BORDER]);
		mvaddstr(row + r, col, line_char(1));
		mvaddstr(row + r, col + width - 1, line_char(1));
	}
	line_at(row, col, width);
	line_at(row + height - 1, col, width);
	attrset((attr_t)attrs_of[EL_BORDER]);
	mvaddstr(row, col, line_char(2));
	mvaddstr(row, col + width - 1, line_char(3));
	mvaddstr(row + height - 1, col, line_char(4));
	mvaddstr(row + height - 1, col + width - 1, line_char(5));
	attrset(attrs_of[EL_TEXT]);
	if (title && width > 8) {
		int room = width - 6, w = (int)fmt_width(title);

		mvaddch(row, col + 2, ' ');
		term_put(row, col + 3, w > room ? room : w, EL_HEAD, title);
		addch(' ');
	}
}

void term_graph(int row, int col, const unsigned *v, size_t n, unsigned peak, bool selected)
{
	static const char *const uni[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { " ", "_", "_", ".", ".", "-", "=", "#", "#" };

	if (row < 0 || row >= LINES)
		return;
	attrset((attr_t)attrs_of[selected ? EL_SELECT : EL_GRAPH]);
	for (size_t i = 0; i < n && col + (int)i < COLS; i++) {
		unsigned h = !v[i] || !peak ? 0 : 1 + (unsigned)((uint64_t)v[i] * 7 / peak);

		mvaddstr(row, col + (int)i, t.utf8 ? uni[h] : plain[h]);
	}
	attrset(attrs_of[EL_TEXT]);
}

void term_cursor(int row, int col)
{
	t.cursor_row = row;
	t.cursor_col = col;
}

void term_show(void)
{
	if (t.cursor_row >= 0 && t.cursor_row < LINES && t.cursor_col < COLS) {
		move(t.cursor_row, t.cursor_col);
		curs_set(1);
	} else {
		curs_set(0);
	}
	wnoutrefresh(stdscr);
	doupdate();
}

void term_redraw(void)
{
	clearok(stdscr, TRUE);
}
