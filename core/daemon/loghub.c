/* loghub: numbers the lines, keeps the last ones, passes them on. */
#include "core/daemon/loghub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* A line in the ring; peer and text follow, without NULs. */
struct record {
	int64_t wall_s;
	uint64_t seq;
	uint16_t text_len;
	uint8_t peer_len;
	uint8_t level;
};

static struct {
	bool foreground, journal, detached;
	uint64_t seq;
	loghub_fn *fn;
	void *arg;
	size_t len;
	uint8_t ring[LOGHUB_BYTES];
} hub;

static const int priorities[] = {
	[LL_ERROR] = LOG_ERR, [LL_WARNING] = LOG_WARNING, [LL_INFO] = LOG_INFO,
	[LL_DEBUG] = LOG_DEBUG,
};

static size_t record_at(size_t off, struct record *r)
{
	memcpy(r, hub.ring + off, sizeof(*r));
	return sizeof(*r) + r->peer_len + r->text_len;
}

/* A quarter at a time, so that a full ring is not moved for every line. */
static void make_room(size_t need)
{
	size_t off = 0, enough = need > LOGHUB_BYTES / 4 ? need : LOGHUB_BYTES / 4;
	struct record r;

	if (hub.len + need <= LOGHUB_BYTES)
		return;
	while (off < hub.len && off < enough)
		off += record_at(off, &r);
	hub.len -= off;
	memmove(hub.ring, hub.ring + off, hub.len);
}

static void keep(const struct log_line *l)
{
	struct record r = { .wall_s = l->wall_s, .seq = l->seq, .level = (uint8_t)l->level,
			    .peer_len = (uint8_t)strlen(l->peer),
			    .text_len = (uint16_t)strlen(l->text) };
	size_t need = sizeof(r) + r.peer_len + r.text_len;

	make_room(need);
	memcpy(hub.ring + hub.len, &r, sizeof(r));
	memcpy(hub.ring + hub.len + sizeof(r), l->peer, r.peer_len);
	memcpy(hub.ring + hub.len + sizeof(r) + r.peer_len, l->text, r.text_len);
	hub.len += need;
}

static void print(const struct log_line *l)
{
	const char *sep = l->peer[0] ? ": " : "";

	if (!hub.foreground) {
		syslog(priorities[l->level], "%s%s%s", l->peer, sep, l->text);
		if (!hub.detached && l->level <= LL_WARNING)
			fprintf(stderr, "aditd: %s%s%s\n", l->peer, sep, l->text);
		return;
	}
	if (hub.journal)
		fprintf(stderr, "<%d>%s%s%s\n", priorities[l->level], l->peer, sep, l->text);
	else
		fprintf(stderr, "%s%s%s%s%s\n",
			l->level == LL_INFO ? "" : log_level_name(l->level),
			l->level == LL_INFO ? "" : ": ", l->peer, sep, l->text);
}

static void take(void *arg, const struct log_line *line)
{
	struct log_line l = *line;

	(void)arg;
	l.seq = ++hub.seq;
	keep(&l);
	print(&l);
	if (hub.fn)
		hub.fn(hub.arg, &l);
}

void loghub_detach(void)
{
	hub.detached = true;
}

/* systemd.exec(5): the device and inode of the stream that is the journal. */
static bool stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s && sscanf(s, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

void loghub_start(bool foreground)
{
	hub.foreground = foreground;
	hub.journal = foreground && stderr_is_journal();
	if (!foreground)
		openlog("adit", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	log_sink_set(take, NULL);
}

/* The child's escape() may be another's by now: nothing but printable bytes. */
static void clean(char *s, size_t cap)
{
	s[cap - 1] = '\0';
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void loghub_line(const struct log_line *from_child)
{
	struct log_line l = *from_child;

	if (l.level > log_level_get())
		return;
	clean(l.peer, sizeof(l.peer));
	clean(l.text, sizeof(l.text));
	take(NULL, &l);
}

void loghub_replay(loghub_fn *fn, void *arg)
{
	struct record r;

	for (size_t off = 0; off < hub.len; ) {
		struct log_line l = { 0 };
		const uint8_t *p = hub.ring + off + sizeof(r);

		off += record_at(off, &r);
		l.wall_s = r.wall_s;
		l.seq = r.seq;
		l.level = (enum log_level)r.level;
		memcpy(l.peer, p, r.peer_len);
		memcpy(l.text, p + r.peer_len, r.text_len);
		fn(arg, &l);
	}
}

void loghub_forward(loghub_fn *fn, void *arg)
{
	hub.fn = fn;
	hub.arg = arg;
}
