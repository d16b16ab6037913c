/* gen: the generated parts of the manual. gen router|peer|child prints the options of that
 * scope as mdoc list items, for adit.conf(5); gen json the schema. */
#include "core/settings/docs.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct sbuf out = { 0 };
	int r = 0;

	for (enum setting_scope s = SCOPE_ROUTER; argc == 2 && s <= SCOPE_CHILD; s++)
		if (strcmp(argv[1], setting_scope_name(s)) == 0)
			settings_mdoc(&out, s);
	if (argc == 2 && strcmp(argv[1], "json") == 0)
		settings_schema_json(&out);
	if (!out.len) {
		fprintf(stderr, "usage: gen router|peer|child|json\n");
		return 2;
	}
	if (!sbuf_ok(&out) || fwrite(out.s, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		r = 1;
	sbuf_fini(&out);
	return r;
}
