/* theme: the built-in looks and the reader of theme files. */
#include "tui/theme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[EL_N] = {
	[EL_TEXT] = "text", [EL_GOOD] = "good", [EL_WAIT] = "wait", [EL_BAD] = "bad",
	[EL_OFF] = "off", [EL_WEAK] = "weak", [EL_DIM] = "dim", [EL_HEAD] = "head",
	[EL_BAR] = "bar", [EL_KEYS] = "keys", [EL_KEY] = "key", [EL_SELECT] = "select",
	[EL_FIELD] = "field", [EL_FOCUS] = "focus", [EL_ERROR] = "error",
	[EL_BORDER] = "border", [EL_GRAPH] = "graph",
};

static const char *const colors[] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
};

static const struct {
	const char *name;
	unsigned bit;
} attrs[] = {
	{ "bold", AT_BOLD }, { "dim", AT_DIM }, { "underline", AT_UNDERLINE },
	{ "reverse", AT_REVERSE },
};

static const struct look builtin[EL_N] = {
	[EL_TEXT] = { -1, -1, 0, 0 },
	[EL_GOOD] = { 2, -1, AT_BOLD, 0 },
	[EL_WAIT] = { 3, -1, AT_BOLD, 0 },
	[EL_BAD] = { 1, -1, AT_BOLD, AT_BOLD },
	[EL_OFF] = { -1, -1, AT_DIM, 0 },
	[EL_WEAK] = { 3, -1, 0, AT_BOLD },
	[EL_DIM] = { -1, -1, AT_DIM, 0 },
	[EL_HEAD] = { 6, -1, AT_BOLD, AT_BOLD },
	[EL_BAR] = { 0, 6, 0, AT_REVERSE },
	[EL_KEYS] = { 0, 6, 0, AT_REVERSE },
	[EL_KEY] = { -1, -1, AT_BOLD, AT_BOLD },
	[EL_SELECT] = { 0, 7, 0, AT_REVERSE },
	[EL_FIELD] = { -1, -1, AT_UNDERLINE, AT_UNDERLINE },
	[EL_FOCUS] = { 0, 7, 0, AT_REVERSE },
	[EL_ERROR] = { 1, -1, AT_BOLD, AT_BOLD },
	[EL_BORDER] = { 6, -1, 0, 0 },
	[EL_GRAPH] = { 2, -1, 0, 0 },
};

const char *element_name(enum element el)
{
	return names[el];
}

void theme_builtin(struct theme *t)
{
	snprintf(t->name, sizeof(t->name), "default");
	memcpy(t->look, builtin, sizeof(builtin));
}

static int parse_color(const char *word, short *out)
{
	const char *base = word;
	int add = 0;
	char *end;
	long n;

	if (strcmp(word, "default") == 0) {
		*out = -1;
		return 0;
	}
	if (strncmp(word, "bright", 6) == 0) {
		base += 6;
		add = 8;
	}
	for (int i = 0; i < 8; i++) {
		if (strcmp(base, colors[i]) == 0) {
			*out = (short)(i + add);
			return 0;
		}
	}
	n = strtol(word, &end, 10);
	if (end == word || *end || n < 0 || n > 255)
		return -1;
	*out = (short)n;
	return 0;
}

static int parse_attr(const char *word, unsigned *bits)
{
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		if (strcmp(word, attrs[i].name) == 0) {
			*bits |= attrs[i].bit;
			return 0;
		}
	}
	return strcmp(word, "plain") == 0 ? 0 : -1;
}

static int parse_mono(char *list, unsigned *bits)
{
	char *save;

	for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (parse_attr(w, bits) < 0)
			return -1;
	return 0;
}

static int parse_word(char *word, struct look *l)
{
	if (strncmp(word, "fg=", 3) == 0)
		return parse_color(word + 3, &l->fg);
	if (strncmp(word, "bg=", 3) == 0)
		return parse_color(word + 3, &l->bg);
	if (strncmp(word, "mono=", 5) == 0)
		return parse_mono(word + 5, &l->mono);
	return parse_attr(word, &l->attrs);
}

static int parse_line(char *line, struct theme *t, struct err *e)
{
	struct look l = { -1, -1, 0, 0 };
	char *save, *word;
	int el = 0;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, " \t\r", &save);
	if (!word)
		return 0;
	while (el < EL_N && strcmp(word, names[el]) != 0)
		el++;
	if (el == EL_N)
		return err_set(e, "\"%s\" is no element of the screen", word);
	while ((word = strtok_r(NULL, " \t\r", &save)))
		if (parse_word(word, &l) < 0)
			return err_set(e, "\"%s\" is neither a color nor an attribute", word);
	t->look[el] = l;
	return 0;
}

int theme_parse(const char *name, const char *text, struct theme *t, struct err *e)
{
	char line[200];

	theme_builtin(t);
	snprintf(t->name, sizeof(t->name), "%s", name);
	for (unsigned n = 1; *text; n++) {
		size_t len = strcspn(text, "\n");

		if (len >= sizeof(line))
			return err_set(e, "theme %s:%u: the line is too long", name, n);
		memcpy(line, text, len);
		line[len] = '\0';
		if (parse_line(line, t, e) < 0)
			return err_wrap(e, "theme %s:%u", name, n);
		text += len + (text[len] == '\n');
	}
	return 0;
}

static FILE *open_theme(const char *name)
{
	const char *dirs[] = { getenv("ADIT_THEME_DIR"), ADIT_DATADIR "/themes", "themes" };
	char path[300];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		FILE *f;

		if (!dirs[i])
			continue;
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		f = fopen(path, "re");
		if (f)
			return f;
	}
	return NULL;
}

int theme_load(const char *name, struct theme *t, struct err *e)
{
	char text[8192];
	size_t n;
	FILE *f;

	theme_builtin(t);
	if (!*name || strcmp(name, "default") == 0)
		return 0;
	if (strchr(name, '/') || name[0] == '.')
		return err_set(e, "a theme's name is one word, like mono");
	f = open_theme(name);
	if (!f)
		return err_set(e, "there is no theme \"%s\": default, light, mono and high-contrast are "
			       "there, and what lies in " ADIT_DATADIR "/themes", name);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return theme_parse(name, text, t, e);
}
