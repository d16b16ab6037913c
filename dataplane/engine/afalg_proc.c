/* afalg_proc: /proc/crypto is a list of entries, "key : value" lines, parted by empty lines. */
#include "dataplane/engine/afalg_proc.h"

#include <stdlib.h>
#include <string.h>

/* What software and the processor's own instructions are called in Linux's crypto/ and
 * arch/: whole words of a driver's name, which are parted by '-', '_', '(', ')' and ','. */
static const char *const software[] = {
	"generic", "lib", "aesni", "vaes", "avx", "avx2", "avx512", "avx10", "ssse3", "sse2", "sse4",
	"asm", "i586", "x86", "ni", "pclmulqdqni", "clmulni", "neon", "neonbs", "ce", "arm64",
	"arm", "bs", "simd", "p8", "ppc", "spe", "s390", "octeon", "mips", "riscv64", "zvkned", "zvkb",
	"sparc64", "lasx", "padlock", "fixed", "time", "ti", "cipher_null", "digest_null", "null",
};

static bool word_in(const char *driver, const char *word)
{
	static const char parts[] = "-_(), ";
	size_t len = strlen(word);

	for (const char *p = driver; (p = strstr(p, word)); p++) {
		char before = p == driver ? '-' : p[-1], after = p[len] ? p[len] : '-';

		if (strchr(parts, before) && strchr(parts, after))
			return true;
	}
	return false;
}

bool afalg_is_device(const char *driver, bool async)
{
	/* Devices work beside the processor, all but a few old ones on its bus. */
	if (word_in(driver, "geode"))
		return true;
	if (!async || word_in(driver, "cryptd") || word_in(driver, "pcrypt"))
		return false;
	for (size_t i = 0; i < sizeof(software) / sizeof(software[0]); i++)
		if (word_in(driver, software[i]))
			return false;
	return true;
}

struct entry {
	char name[128], driver[128], type[32];
	int priority;
	bool async;
};

/* The next entry; false at the end. */
static bool next(FILE *f, struct entry *en)
{
	char line[320];
	bool any = false;

	memset(en, 0, sizeof(*en));
	while (fgets(line, sizeof(line), f)) {
		char *colon = strstr(line, ": ");

		if (!colon) {
			if (any)
				return true;
			continue;
		}
		any = true;
		colon[2 + strcspn(colon + 2, "\n")] = '\0';
		if (strncmp(line, "name ", 5) == 0)
			snprintf(en->name, sizeof(en->name), "%s", colon + 2);
		else if (strncmp(line, "driver ", 7) == 0)
			snprintf(en->driver, sizeof(en->driver), "%s", colon + 2);
		else if (strncmp(line, "type ", 5) == 0)
			snprintf(en->type, sizeof(en->type), "%s", colon + 2);
		else if (strncmp(line, "priority ", 9) == 0)
			en->priority = atoi(colon + 2);
		else if (strncmp(line, "async ", 6) == 0)
			en->async = strcmp(colon + 2, "yes") == 0;
	}
	return any;
}

static bool type_fits(const char *listed, const char *wanted)
{
	if (strcmp(wanted, "hash") == 0)
		return strcmp(listed, "ahash") == 0 || strcmp(listed, "shash") == 0;
	return strcmp(listed, wanted) == 0;
}

/* A template's driver is named by its parts: "authenc(hmac(sha1-generic),mv-cbc-aes)". Is one
 * of them, listed on its own, a device? */
static bool part_is_device(FILE *f, const char *driver)
{
	struct entry en;

	if (!strpbrk(driver, "(,"))
		return false;
	rewind(f);
	while (next(f, &en))
		if (en.driver[0] && strcmp(en.driver, driver) != 0 && !strchr(en.driver, '(') &&
		    strstr(driver, en.driver) && afalg_is_device(en.driver, en.async))
			return true;
	return false;
}

bool afalg_proc_find(FILE *f, const char *name, const char *type, struct afalg_driver *out)
{
	struct entry en;
	bool found = false;

	memset(out, 0, sizeof(*out));
	rewind(f);
	while (next(f, &en)) {
		if (strcmp(en.name, name) != 0 || !type_fits(en.type, type) ||
		    (found && en.priority <= out->priority))
			continue;
		found = true;
		out->priority = en.priority;
		out->async = en.async;
		memcpy(out->driver, en.driver, sizeof(out->driver));
	}
	if (!found)
		return false;
	/* A template takes the name of its parts, software words included: those are asked. */
	out->hardware = strpbrk(out->driver, "(,") ? part_is_device(f, out->driver) :
			afalg_is_device(out->driver, out->async);
	return true;
}
