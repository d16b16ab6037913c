/* docs: the table as mdoc and as JSON. */
#include "core/settings/docs.h"

#include <stdio.h>
#include <string.h>

/* --- mdoc --- */

#define MDOC_LINE 76

static void mdoc_word(struct sbuf *out, const char *p, size_t n, bool line_start)
{
	/* A macro or a text line is told by its first character. */
	if (line_start && (*p == '.' || *p == '\''))
		sbuf_add(out, "\\&");
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\')
			sbuf_add(out, "\\e");
		else if (n - i >= 3 && memcmp(p + i, "…", 3) == 0) {
			sbuf_add(out, "...");
			i += 2;
		} else
			sbuf_addn(out, p + i, 1);
	}
}

/* Words in lines, behind what stands on the line already; a new sentence begins a new
 * line, as mdoc wants it. A full stop at the end. */
static void mdoc_sentence(struct sbuf *out, const char *lead, const char *s)
{
	size_t column = strlen(lead);
	bool ended = false, dot = true;

	if (!*s)
		return;
	sbuf_add(out, lead);
	while (*s) {
		size_t n = strcspn(s, " ");
		bool fresh = ended && *s >= 'A' && *s <= 'Z';

		if (column && (fresh || column + 1 + n > MDOC_LINE)) {
			sbuf_add(out, "\n");
			column = 0;
		} else if (column) {
			sbuf_add(out, " ");
			column++;
		}
		mdoc_word(out, s, n, column == 0);
		column += n;
		dot = ended = s[n - 1] == '.';
		s += n;
		s += strspn(s, " ");
	}
	sbuf_add(out, dot ? "\n" : ".\n");
}

static void mdoc_default(struct sbuf *out, const struct setting *s)
{
	const char *p = s->def;

	if (s->required) {
		sbuf_add(out, "It must be set.\n");
		return;
	}
	if (!*p) {
		if (*s->empty) {
			mdoc_sentence(out, "Default:", s->empty);
		}
		return;
	}
	if (strlen(p) < 60) {
		sbuf_addf(out, "Default:\n.Ql %s .\n", p);
		return;
	}
	sbuf_add(out, "Default:\n.Bd -literal -offset indent -compact\n");
	while (*p) {
		size_t n = strcspn(p, ",");

		sbuf_addf(out, "%.*s%s\n", (int)n, p, p[n] ? "," : "");
		p += n + (p[n] == ',');
	}
	sbuf_add(out, ".Ed\n");
}

static void mdoc_row(struct sbuf *out, const struct setting *s)
{
	char range[160];

	sbuf_addf(out, ".It Ic %s\n", s->key);
	mdoc_sentence(out, "", s->help);
	mdoc_sentence(out, "", s->more);
	mdoc_sentence(out, "Value:", setting_range(s, range, sizeof(range)));
	mdoc_default(out, s);
	mdoc_sentence(out, "It counts", s->when);
	switch (s->cost) {
	case COST_NOTHING:
		break;
	case COST_REKEY:
		sbuf_add(out, "A change negotiates the traffic's keys anew.\n");
		break;
	case COST_RESTART:
		sbuf_add(out, s->scope == SCOPE_ROUTER
				      ? "A change restarts every tunnel.\n"
				      : "A change restarts this peer's tunnel.\n");
		break;
	}
	mdoc_sentence(out, "Elsewhere:", s->aka);
}

void settings_mdoc(struct sbuf *out, enum setting_scope scope)
{
	for (size_t i = 0; i < settings_table_n; i++)
		if (settings_table[i].scope == scope)
			mdoc_row(out, &settings_table[i]);
}

/* --- JSON --- */

static void json_string(struct sbuf *out, const char *s)
{
	sbuf_add(out, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			sbuf_addf(out, "\\%c", c);
		else if (c < 0x20)
			sbuf_addf(out, "\\u%04x", c);
		else
			sbuf_addn(out, s, 1);
	}
	sbuf_add(out, "\"");
}

static void json_text(struct sbuf *out, const char *name, const char *s)
{
	if (!*s)
		return;
	sbuf_addf(out, ",\"%s\":", name);
	json_string(out, s);
}

static void json_row(struct sbuf *out, const struct setting *s)
{
	sbuf_add(out, "{\"key\":");
	json_string(out, s->key);
	json_text(out, "scope", setting_scope_name(s->scope));
	json_text(out, "type", setting_type_name(s->type));
	json_text(out, "page", setting_page_name(s->page));
	json_text(out, "label", s->label);
	json_text(out, "help", s->help);
	json_text(out, "more", s->more);
	json_text(out, "default", s->def);
	json_text(out, "empty", s->empty);
	json_text(out, "unit", s->unit);
	json_text(out, "example", s->example);
	json_text(out, "when", s->when);
	json_text(out, "cost", setting_cost_name(s->cost));
	json_text(out, "aka", s->aka);
	if (s->type == ST_UINT || s->type == ST_DURATION)
		sbuf_addf(out, ",\"min\":%u,\"max\":%u", s->min, s->max);
	if (s->choices) {
		sbuf_add(out, ",\"choices\":[");
		for (size_t i = 0; s->choices[i]; i++) {
			sbuf_add(out, i ? "," : "");
			json_string(out, s->choices[i]);
		}
		sbuf_add(out, "]");
	}
	sbuf_addf(out,
		  ",\"list\":%s,\"required\":%s,\"sensitive\":%s,\"defaultable\":%s}",
		  setting_is_list(s) ? "true" : "false", s->required ? "true" : "false",
		  s->sensitive ? "true" : "false", s->defaultable ? "true" : "false");
}

void settings_schema_json(struct sbuf *out)
{
	sbuf_add(out, "{\"version\":1,\"settings\":[");
	for (size_t i = 0; i < settings_table_n; i++) {
		sbuf_add(out, i ? "," : "");
		json_row(out, &settings_table[i]);
	}
	sbuf_add(out, "]}\n");
}
