#include "core/base/libexec.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *libexec_dir(const char *program, char *dir, size_t cap)
{
	char exe[PATH_MAX], probe[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	snprintf(dir, cap, "%s", ADIT_LIBEXECDIR);
	if (n <= 0)
		return dir;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return dir;
	*slash = '\0';
	snprintf(probe, sizeof(probe), "%s/libexec/%s", exe, program);
	if (access(probe, X_OK) == 0 && strlen(exe) + sizeof("/libexec") <= cap)
		sprintf(dir, "%s/libexec", exe);
	return dir;
}
