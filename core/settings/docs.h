/* docs: the schema printed: for adit.conf(5) and for --json. */
#ifndef ADIT_SETTINGS_DOCS_H
#define ADIT_SETTINGS_DOCS_H

#include "core/base/sbuf.h"
#include "core/settings/schema.h"

/* The rows of one scope as mdoc list items (.It Ic key …), without .Bl and .El. */
void settings_mdoc(struct sbuf *out, enum setting_scope scope);
/* {"version":1,"settings":[{"key":…,"scope":…,"type":…,"default":…,…},…]} and a newline.
 */
void settings_schema_json(struct sbuf *out);

#endif
