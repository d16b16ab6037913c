/* sysctl: why: switches of the whole router are changed only with a note of what they were,
 * written first, so that not even a crash leaves them changed for good. */
#include "core/net/sysctl.h"

#include "core/net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN 128
#define CHANGES_MAX 64
#define HOLD "net/core/xfrm_larval_drop"

struct change {
	char path[PATH_LEN];
	int old, new;
};

struct sysctl {
	char *state_path;
	size_t n;
	struct change v[CHANGES_MAX];
};

int sysctl_read(const char *path, int *value, struct err *e)
{
	char full[PATH_LEN + 16], text[32], *end;
	ssize_t got;
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "read %s", full);
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return err_errno(e, "read %s", full);
	text[got] = '\0';
	*value = (int)strtol(text, &end, 10);
	if (end == text)
		return err_set(e, "%s is not a number", full);
	return 0;
}

int sysctl_write(const char *path, int value, struct err *e)
{
	char full[PATH_LEN + 16], text[32];
	int n = snprintf(text, sizeof(text), "%d\n", value), fd;
	ssize_t put;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "write %s", full);
	put = write(fd, text, (size_t)n);
	if (put != n) {
		err_errno(e, "set %s to %d", full, value);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

/* Whole-file: a temporary one, then rename; no file when there is nothing to remember. */
static int save(const struct sysctl *s, struct err *e)
{
	char temp[512];
	FILE *f;

	if (!s->n) {
		if (unlink(s->state_path) && errno != ENOENT)
			return err_errno(e, "remove %s", s->state_path);
		return 0;
	}
	snprintf(temp, sizeof(temp), "%s.new", s->state_path);
	f = fopen(temp, "we");
	if (!f)
		return err_errno(e, "write %s", temp);
	for (size_t i = 0; i < s->n; i++)
		fprintf(f, "%s %d %d\n", s->v[i].path, s->v[i].old, s->v[i].new);
	if (fflush(f) || fclose(f) || rename(temp, s->state_path))
		return err_errno(e, "write %s", s->state_path);
	return 0;
}

static void load(struct sysctl *s)
{
	FILE *f = fopen(s->state_path, "re");
	char line[PATH_LEN + 64];

	if (!f)
		return;
	while (s->n < CHANGES_MAX && fgets(line, sizeof(line), f)) {
		struct change *c = &s->v[s->n];

		/* Only what we would have written: never a path that leads elsewhere. */
		if (sscanf(line, "%127s %d %d", c->path, &c->old, &c->new) == 3 &&
		    (!strncmp(c->path, "net/ipv", 7) || !strcmp(c->path, HOLD)) && !strstr(c->path, ".."))
			s->n++;
	}
	fclose(f);
}

struct sysctl *sysctl_new(const char *state_path, struct err *e)
{
	struct sysctl *s = calloc(1, sizeof(*s));

	if (!s || !(s->state_path = strdup(state_path))) {
		free(s);
		err_set(e, "out of memory");
		return NULL;
	}
	load(s);
	return s;
}

void sysctl_free(struct sysctl *s)
{
	if (s)
		free(s->state_path);
	free(s);
}

static struct change *find(struct sysctl *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].path, path))
			return &s->v[i];
	return NULL;
}

/* Set path to value and remember what it was; nothing when it has that value. */
static int hold(struct sysctl *s, const char *path, int value, struct err *e)
{
	struct change *c = find(s, path);
	int now;

	if (sysctl_read(path, &now, e))
		return -1;
	if (now == value)
		return 0;
	if (!c) {
		if (s->n == CHANGES_MAX)
			return err_set(e, "too many kernel settings to remember");
		c = &s->v[s->n++];
		snprintf(c->path, sizeof(c->path), "%s", path);
		c->old = now;
		c->new = value;
		if (save(s, e)) {
			s->n--;
			return -1;
		}
	}
	return sysctl_write(path, value, e);
}

/* Put one back, unless somebody else changed it since, and forget it. */
static int release(struct sysctl *s, struct change *c, struct err *e)
{
	int now, ret = 0;

	if (sysctl_read(c->path, &now, NULL) == 0 && now == c->new)
		ret = sysctl_write(c->path, c->old, e);
	memmove(c, c + 1, (size_t)(&s->v[--s->n] - c) * sizeof(*c));
	if (save(s, e))
		ret = -1;
	return ret;
}

static int release_path(struct sysctl *s, const char *path, struct err *e)
{
	struct change *c = find(s, path);

	return c ? release(s, c, e) : 0;
}

static bool is_accept_ra(const char *path)
{
	size_t n = strlen(path);

	return n > 10 && !strcmp(path + n - 10, "/accept_ra");
}

/* An interface that takes router advertisements goes on doing so while it forwards. */
static int forward_v6(struct sysctl *s, bool on, struct err *e)
{
	struct link_list links = { 0 };
	char path[PATH_LEN];
	int ret = 0, value;

	if (!on) {
		ret = release_path(s, "net/ipv6/conf/all/forwarding", e);
		for (size_t i = s->n; i-- > 0;)
			if (is_accept_ra(s->v[i].path) && release(s, &s->v[i], e))
				ret = -1;
		return ret;
	}
	if (sysctl_read("net/ipv6/conf/all/forwarding", &value, NULL))
		return 0;	/* no IPv6 in this kernel */
	if (value == 1)
		return 0;
	if (link_list(&links, e))
		return -1;
	for (size_t i = 0; i < links.n && ret == 0; i++) {
		if (links.v[i].loopback || links.v[i].ours)
			continue;
		snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_ra", links.v[i].name);
		if (sysctl_read(path, &value, NULL) == 0 && value == 1)
			ret = hold(s, path, 2, e);
	}
	link_list_fini(&links);
	return ret ? ret : hold(s, "net/ipv6/conf/all/forwarding", 1, e);
}

int sysctl_apply(struct sysctl *s, const struct sysctl_want *w, const struct view *v,
		 struct err *e)
{
	char path[PATH_LEN] = "";
	int ret;

	ret = w->forward_v4 ? hold(s, "net/ipv4/ip_forward", 1, e) :
			      release_path(s, "net/ipv4/ip_forward", e);
	if (forward_v6(s, w->forward_v6, e))
		ret = -1;
	if (w->hold ? hold(s, HOLD, 0, e) : release_path(s, HOLD, e))
		ret = -1;
	if (v->wan[0] && w->wan_mark)
		snprintf(path, sizeof(path), "net/ipv4/conf/%s/src_valid_mark", v->wan);
	for (size_t i = s->n; i-- > 0;)
		if (strstr(s->v[i].path, "/src_valid_mark") && strcmp(s->v[i].path, path) &&
		    release(s, &s->v[i], e))
			ret = -1;
	if (path[0] && hold(s, path, 1, e))
		ret = -1;
	return ret;
}

int sysctl_restore(struct sysctl *s, struct err *e)
{
	int ret = 0;

	while (s->n)
		if (release(s, &s->v[s->n - 1], e))
			ret = -1;
	return ret;
}

int sysctl_interface(const char *name, struct err *e)
{
	static const struct { const char *path; int value; } want[] = {
		/* The larger of this and "all" counts, so loose here is loose. */
		{ "net/ipv4/conf/%s/rp_filter", 2 },
		{ "net/ipv4/conf/%s/send_redirects", 0 },
		{ "net/ipv4/conf/%s/accept_redirects", 0 },
		{ "net/ipv6/conf/%s/accept_redirects", 0 },
		{ "net/ipv6/conf/%s/accept_ra", 0 },
	};
	char path[PATH_LEN];

	if (!link_name_is_ours(name) || !link_name_ok(name))
		return err_set(e, "%s is not an interface of adit", name);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		snprintf(path, sizeof(path), "net/ipv%c/conf/%s/%s", want[i].path[7], name,
			 strrchr(want[i].path, '/') + 1);
		if (sysctl_write(path, want[i].value, e) && errno != ENOENT)
			return -1;
	}
	if (e)
		memset(e, 0, sizeof(*e));
	return 0;
}

static void say(struct sbuf *out, const char *text)
{
	if (out->len)
		sbuf_add(out, "; ");
	sbuf_add(out, text);
}

void sysctl_findings(const struct sysctl_want *w, const struct view *v, struct sbuf *out)
{
	char path[PATH_LEN], text[256];
	int all = 0, wan = 0, n;

	if (w->forward_v4 && sysctl_read("net/ipv4/ip_forward", &n, NULL) == 0 && !n)
		say(out, "IPv4 forwarding is off (net.ipv4.ip_forward=0): no traffic between LAN "
		    "and tunnels");
	if (w->forward_v6 && sysctl_read("net/ipv6/conf/all/forwarding", &n, NULL) == 0 && !n)
		say(out, "IPv6 forwarding is off (net.ipv6.conf.all.forwarding=0): no traffic "
		    "between LAN and tunnels");
	if (!v->wan[0]) {
		say(out, "no WAN interface: no default route, and wan is not set in adit.conf");
		return;
	}
	if (!w->wan_mark)
		return;
	snprintf(path, sizeof(path), "net/ipv4/conf/%s/rp_filter", v->wan);
	if (sysctl_read(path, &wan, NULL) || sysctl_read("net/ipv4/conf/all/rp_filter", &all, NULL))
		return;
	snprintf(path, sizeof(path), "net/ipv4/conf/%s/src_valid_mark", v->wan);
	if ((wan > all ? wan : all) == 1 && sysctl_read(path, &n, NULL) == 0 && !n) {
		snprintf(text, sizeof(text), "reverse path filter is strict on %s and "
			 "src_valid_mark is off: ports forwarded to a LAN whose default route is "
			 "a tunnel do not answer", v->wan);
		say(out, text);
	}
}
