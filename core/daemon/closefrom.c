/* closefrom: apart from the rest of sandbox.h, because aditd needs it without libseccomp. */
#include "core/daemon/sandbox.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void sandbox_close_from(int first)
{
	DIR *d;
	struct dirent *de;

	/* Kernel 5.9; older ones are asked by way of /proc. */
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
		return;
	d = opendir("/proc/self/fd");
	if (!d) {
		for (int fd = first; fd < 4096; fd++)
			close(fd);
		return;
	}
	while ((de = readdir(d))) {
		int fd = atoi(de->d_name);

		if (fd >= first && fd != dirfd(d))
			close(fd);
	}
	closedir(d);
}
