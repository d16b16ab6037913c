/* fdfile: read(2) alone, for a sandboxed process has little else. */
#include "core/ipc/fdfile.h"

#include "core/base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fill(int fd, uint8_t *buf, size_t cap, size_t *len, struct err *e)
{
	*len = 0;
	while (*len < cap) {
		ssize_t n = read(fd, buf + *len, cap - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "it cannot be read");
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return *len ? 0 : err_set(e, "it is empty");
}

int fdfile_read(int fd, size_t max, uint8_t **out, size_t *len, struct err *e)
{
	struct stat st;
	size_t cap;

	*out = NULL;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "it cannot be read");
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return err_set(e, "it is larger than %zu KB", max / 1024);
	cap = (size_t)st.st_size + 1;
	*out = malloc(cap);
	if (!*out)
		return err_set(e, "out of memory");
	if (fill(fd, *out, cap, len, e) == 0 && *len < cap)
		return 0;
	if (*len == cap)
		err_set(e, "it changes while it is read");
	free(*out);
	*out = NULL;
	return -1;
}

int fdfile_read_secret(int fd, size_t max, uint8_t **out, size_t *len, struct err *e)
{
	uint8_t more;

	*out = max <= SECRET_MAX ? secret_new(max) : NULL;
	if (!*out)
		return err_set(e, "out of memory");
	if (fill(fd, *out, max, len, e) == 0) {
		if (*len < max || read(fd, &more, 1) == 0)
			return 0;
		err_set(e, "it is larger than %zu bytes", max);
	}
	secret_free(*out);
	*out = NULL;
	return -1;
}
