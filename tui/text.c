/* text: a page of text to scroll and search; what a verb prints, run as the very command that
 * the admin could type. */
#include "tui/tui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 7
#define OUTPUT_MAX (1 << 20)

struct text {
	struct view v;
	char *title, *body;
	char **lines;
	size_t n;
	size_t first;
	int rows;
	size_t shift;		/* columns to the right */
	char find[80];
	char *args[ARGS_MAX];	/* the command, for r; args[0] NULL: none */
};

static void split(struct text *t)
{
	size_t cap = 0;
	char *s = t->body;

	free(t->lines);
	t->lines = NULL;
	t->n = 0;
	while (s && *s) {
		char *end = strchr(s, '\n');

		if (t->n == cap) {
			char **grown = realloc(t->lines, (cap = cap ? cap * 2 : 64) * sizeof(*grown));

			if (!grown)
				return;
			t->lines = grown;
		}
		t->lines[t->n++] = s;
		if (end)
			*end = '\0';
		s = end ? end + 1 : NULL;
	}
}

static void text_free(struct view *v)
{
	struct text *t = (struct text *)v;

	for (size_t i = 0; i < ARGS_MAX; i++)
		free(t->args[i]);
	free(t->lines);
	free(t->body);
	free(t->title);
	free(t);
}

static void clamp(struct text *t)
{
	size_t rows = t->rows > 0 ? (size_t)t->rows : 1;

	if (t->first + rows > t->n)
		t->first = t->n > rows ? t->n - rows : 0;
}

/* Skip columns of a line without splitting a character. */
static const char *shifted(const char *s, size_t cols)
{
	for (; cols && *s; cols--)
		do
			s++;
		while (((unsigned char)*s & 0xc0) == 0x80);
	return s;
}

static bool has(const char *line, const char *find)
{
	size_t n = strlen(find);

	for (; *line; line++)
		if (strncasecmp(line, find, n) == 0)
			return true;
	return false;
}

static void text_draw(struct view *v, int top, int rows)
{
	struct text *t = (struct text *)v;

	t->rows = rows - 1;
	clamp(t);
	term_rule(top, 0, term_cols(), t->title);
	if (t->n > (size_t)t->rows)
		term_putf(top, term_cols() - 16, 0, EL_DIM, " %zu-%zu of %zu ", t->first + 1,
			  t->first + (size_t)t->rows > t->n ? t->n : t->first + (size_t)t->rows, t->n);
	for (int r = 0; r < t->rows; r++) {
		size_t i = t->first + (size_t)r;
		const char *line = i < t->n ? t->lines[i] : "";

		term_clip(top + 1 + r, 0, term_cols(),
			  t->find[0] && has(line, t->find) ? EL_SELECT : EL_TEXT,
			  shifted(line, t->shift));
	}
}

static void find_next(struct text *t, int dir)
{
	for (size_t i = 1; i <= t->n; i++) {
		size_t k = (t->first + (dir > 0 ? i : t->n - i)) % t->n;

		if (has(t->lines[k], t->find)) {
			t->first = k;
			return;
		}
	}
	tui_say(t->v.tui, EL_ERROR, "\"%s\" is not here", t->find);
}

static void found(void *arg, const char *what)
{
	struct text *t = arg;

	if (!what || !*what)
		return;
	snprintf(t->find, sizeof(t->find), "%s", what);
	if (t->n)
		find_next(t, 1);
}

/* Blanks for tabs, which no cell of the screen can hold. Takes text. */
static char *untabbed(char *text)
{
	struct sbuf b = { 0 };

	if (!strchr(text, '\t'))
		return text;
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\t");

		sbuf_addn(&b, s, n);
		s += n;
		if (*s)
			sbuf_add(&b, "    ");
		s += *s != '\0';
	}
	free(text);
	return sbuf_take(&b);
}

/* Run this very program, its output into a string; never a shell. */
static char *run(char *const *args)
{
	char *argv[ARGS_MAX + 4], *out = malloc(OUTPUT_MAX), cols[16];
	size_t n = 0, len = 0;
	int fds[2], rc;
	pid_t pid;

	if (!out || pipe2(fds, O_CLOEXEC) < 0) {
		free(out);
		return NULL;
	}
	argv[n++] = (char *)"adit";
	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	snprintf(cols, sizeof(cols), "%d", term_cols());
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		setenv("ADIT_COLUMNS", cols, 1);
		setenv("NO_COLOR", "1", 1);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && len < OUTPUT_MAX - 1) {
		ssize_t got = read(fds[0], out + len, OUTPUT_MAX - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &rc, 0) < 0 && errno == EINTR)
		;
	out[len] = '\0';
	return untabbed(out);
}

static void again(struct text *t)
{
	char *out;

	if (!t->args[0])
		return;
	out = run(t->args);
	if (!out)
		return;
	free(t->body);
	t->body = out;
	split(t);
}

static enum handled text_key(struct view *v, int key)
{
	struct text *t = (struct text *)v;
	size_t page = t->rows > 1 ? (size_t)t->rows - 1 : 1;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		t->first -= t->first > 0;
		break;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		t->first++;
		break;
	case K_PGUP:
		t->first -= t->first < page ? t->first : page;
		break;
	case K_PGDN:
	case ' ':
		t->first += page;
		break;
	case K_HOME:
	case 'g':
		t->first = 0;
		break;
	case K_END:
	case 'G':
		t->first = t->n;
		break;
	case K_LEFT:
		t->shift -= t->shift < 8 ? t->shift : 8;
		break;
	case K_RIGHT:
		t->shift += 8;
		break;
	case '/':
		pop_input(v->tui, "Search", "Text to look for:", t->find, false, found, t);
		break;
	case 'n':
	case 'N':
		if (t->find[0] && t->n)
			find_next(t, key == 'n' ? 1 : -1);
		break;
	case 'r':
	case K_F0 + 5:
		again(t);
		break;
	default:
		return IGNORED;
	}
	clamp(t);
	return HANDLED;
}

static const struct key_help text_keys[] = {
	{ "/", "search", "look for a text; n and N go on" },
	{ "Arrows", NULL, "scroll; Left and Right shift wide lines" },
	{ "PgUp/PgDn", NULL, "a page up, down; Home and End" },
	{ "r", "again", "run the command again" },
	{ NULL, NULL, NULL },
};

static const struct view_ops text_ops = {
	.title = "text", .keys = text_keys, .draw = text_draw, .key = text_key, .free = text_free,
};

struct view *text_view(struct tui *tui, const char *title, char *body)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t || !body) {
		free(t);
		free(body);
		return NULL;
	}
	t->v = (struct view){ .ops = &text_ops, .tui = tui };
	t->title = strdup(title);
	t->body = body;
	split(t);
	return &t->v;
}

struct view *text_command_view(struct tui *tui, const char *const *args)
{
	struct sbuf title = { 0 };
	char *copy[ARGS_MAX] = { 0 }, dirs[2][300];
	const char *all[ARGS_MAX] = { "--timeout=5" };
	struct view *v;
	struct text *t;
	size_t n = 1;

	/* Options first: the run must look at the same daemon and settings as the screen. */
	snprintf(dirs[0], sizeof(dirs[0]), "--config-dir=%s", tui->front.config_dir);
	snprintf(dirs[1], sizeof(dirs[1]), "--run-dir=%s", tui->front.run_dir);
	all[n++] = dirs[0];
	all[n++] = dirs[1];
	sbuf_add(&title, "adit");
	for (; *args && n < ARGS_MAX; args++) {
		all[n++] = *args;
		sbuf_addf(&title, " %s", *args);
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = strdup(all[i]);
	v = text_view(tui, sbuf_str(&title), run(copy));
	t = (struct text *)v;
	for (size_t i = 0; i < ARGS_MAX; i++) {
		if (t)
			t->args[i] = copy[i];
		else
			free(copy[i]);
	}
	sbuf_fini(&title);
	return v;
}
