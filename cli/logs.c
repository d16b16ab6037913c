/* logs: the daemon's log, once or as it grows. A restart of the daemon does not end `log
 * -f`: it is when somebody watches. */
#include "cli/cli.h"

#include "cli/edit.h"
#include "cli/out.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 1000000
#define RECONNECT_MS 30000

static void put_line(struct cli *c, const struct log_line *l)
{
	static const enum fmt_tone tones[] = {
		[LL_ERROR] = TONE_BAD, [LL_WARNING] = TONE_WAIT,
		[LL_INFO] = TONE_PLAIN, [LL_DEBUG] = TONE_DIM,
	};
	enum fmt_tone tone = l->level <= LL_DEBUG ? tones[l->level] : TONE_PLAIN;
	char when[FMT_MAX], text[LOG_TEXT_MAX + LOG_PEER_MAX + 16];

	fmt_time(l->wall_s, when, sizeof(when));
	if (cli_has(c, OPT_PLAIN)) {
		sbuf_addf(&c->out, "%lld\t%s\t%s\t", (long long)l->wall_s,
			  log_level_name(l->level), l->peer);
		out_tone(c, TONE_PLAIN, l->text);
		sbuf_add(&c->out, "\n");
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s%s%s",
		 l->level <= LL_WARNING ? log_level_name(l->level) : "",
		 l->level <= LL_WARNING ? ": " : "", l->peer, l->peer[0] ? ": " : "",
		 l->text);
	out_tone(c, TONE_DIM, when);
	sbuf_add(&c->out, " ");
	out_tone(c, tone, text);
	sbuf_add(&c->out, "\n");
}

static struct json_object *line_json(const struct log_line *l)
{
	struct json_object *o = json_object_new_object();

	json_put(o, "time", json_object_new_int64(l->wall_s));
	json_put_u64(o, "seq", l->seq);
	json_put_str(o, "level", log_level_name(l->level));
	json_put_str(o, "peer", l->peer);
	json_put_str(o, "text", l->text);
	return o;
}

struct follow {
	struct cli *c;
	int64_t last_s;		/* of the newest line shown */
	bool gone;
};

static void show(struct follow *f, const struct log_line *l)
{
	if (cli_has(f->c, OPT_JSON))
		out_json(f->c, line_json(l));
	else
		put_line(f->c, l);
	f->last_s = l->wall_s;
}

/* Past the pager: a line is of use when it comes. -1 once nobody reads. */
static int push(struct cli *c)
{
	const char *text = sbuf_str(&c->out);
	bool failed = c->out.len && (fputs(text, stdout) == EOF || fflush(stdout) != 0);

	sbuf_reset(&c->out);
	return failed ? -1 : 0;
}

static void on_line(void *arg, const struct client_event *ev)
{
	struct follow *f = arg;

	if (ev->kind == CLIENT_LOG)
		show(f, ev->log);
	else if (ev->kind == CLIENT_GONE)
		f->gone = true;
}

/* After a restart: what was logged since, then what comes. */
static struct client *again(struct follow *f, const char *peer, struct err *e)
{
	struct log_line *lines = NULL;
	struct client *cl;
	int64_t since_s = f->last_s;
	size_t n = 0;

	out_note(f->c, "adit: the daemon went away, waiting for it ...");
	if (client_wait_running(f->c->front.run_dir, RECONNECT_MS, e))
		return NULL;
	cl = client_open(f->c->front.run_dir, e);
	if (!cl)
		return NULL;
	f->gone = false;
	client_on_event(cl, on_line, f);
	if (client_log(cl, 0, peer, true, &lines, &n, e)) {
		client_close(cl);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (lines[i].wall_s > since_s)
			show(f, &lines[i]);
	free(lines);
	return cl;
}

static int follow(struct follow *f, struct client **cl, const char *peer, struct err *e)
{
	while (push(f->c) == 0) {
		struct pollfd p[2] = {
			{ .fd = client_fd(*cl), .events = POLLIN },
			/* `adit log -f | head` must end when head does. */
			{ .fd = 1, .events = 0 },
		};
		struct err lost;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents & (POLLERR | POLLNVAL))
			return 0;
		if (client_dispatch(*cl, &lost) == 0 && !f->gone)
			continue;
		if (push(f->c))
			return 0;
		client_close(*cl);
		*cl = again(f, peer, e);
		if (!*cl)
			return -1;
	}
	return 0;
}

static void show_all(struct follow *f, const struct log_line *lines, size_t n, bool json)
{
	struct json_object *o, *a;

	if (!json) {
		for (size_t i = 0; i < n; i++)
			show(f, &lines[i]);
		return;
	}
	o = json_object_new_object();
	a = json_put_array(o, "lines");
	for (size_t i = 0; a && i < n; i++)
		json_object_array_add(a, line_json(&lines[i]));
	out_json(f->c, o);
}

int logs_log(struct cli *c, struct err *e)
{
	struct follow f = { .c = c };
	const char *peer = c->argc ? c->argv[0] : NULL;
	bool on = cli_has(c, OPT_FOLLOW);
	struct log_line *lines = NULL;
	unsigned long want = on ? 10 : 0;
	struct client *cl;
	size_t n = 0;
	int rc;

	if (cli_has(c, OPT_LINES) &&
	    args_number("the number of lines", c->opt[OPT_LINES], LINES_MAX, &want, e))
		return -1;
	cl = client_open(c->front.run_dir, e);
	if (!cl && e->code == EXIT_NOT_RUNNING)
		return err_wrap(e, "the log is kept by the daemon; syslog may have more");
	if (!cl)
		return -1;
	client_limit(cl, c->front.timeout_ms);
	client_on_event(cl, on_line, &f);
	rc = client_log(cl, (unsigned)want, peer, on, &lines, &n, e);
	/* A peer that was deleted may have lines; a name that never was has none. */
	if (rc == 0 && peer && !n)
		rc = edit_require_peer(c, peer, e);
	if (rc == 0 && cli_has(c, OPT_LINES) && want == 0)
		n = 0;	/* 0 asks the daemon for all, the person for none */
	if (rc == 0)
		show_all(&f, lines, n, cli_has(c, OPT_JSON) && !on);
	free(lines);
	if (rc == 0 && on)
		rc = follow(&f, &cl, peer, e);
	client_close(cl);
	return rc;
}
