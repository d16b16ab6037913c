/* options: aditd's command line, and who its children become. */
#include "core/daemon/monitor.h"

#include "core/base/libexec.h"

#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: aditd [--foreground | --check] [--config-dir DIR] [--run-dir DIR] [--user NAME]\n"
	"\n"
	"  -f, --foreground       stay in the foreground, log to stderr\n"
	"      --check            say what is wrong with the settings and exit (0 or 7)\n"
	"  -c, --config-dir DIR   settings (" ADIT_CONFIG_DIR "; also ADIT_CONFIG_DIR)\n"
	"  -r, --run-dir DIR      control socket and pid file (" ADIT_RUN_DIR
	"; also ADIT_RUN_DIR)\n"
	"      --user NAME        whom iked, vaultd and espd become (adit, or else nobody)\n"
	"      --libexec-dir DIR  where they are (" ADIT_LIBEXECDIR ")\n"
	"  -h, --help             this text\n"
	"      --version          the version\n"
	"\n"
	"Without --foreground aditd goes to the background once it is ready. adit(8) talks to it.\n";

enum { OPT_CHECK = 256, OPT_USER, OPT_LIBEXEC, OPT_VERSION };

static const struct option longs[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "config-dir", required_argument, NULL, 'c' },
	{ "run-dir", required_argument, NULL, 'r' },
	{ "user", required_argument, NULL, OPT_USER },
	{ "libexec-dir", required_argument, NULL, OPT_LIBEXEC },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static int put(char *to, size_t cap, const char *what, const char *value, struct err *e)
{
	if (!value[0] || strlen(value) >= cap)
		return err_code(e, EXIT_USAGE, "%s is %s", what,
				value[0] ? "too long" : "empty");
	snprintf(to, cap, "%s", value);
	return 0;
}

/* The children run in another directory. */
static int absolute(char *path, struct err *e)
{
	char cwd[PATH_MAX], whole[PATH_MAX];

	if (path[0] == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_errno(e, "the current directory");
	if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", cwd, path) >= sizeof(whole))
		return err_code(e, EXIT_USAGE, "%s: the path is too long", path);
	memcpy(path, whole, sizeof(whole));
	return 0;
}

static void defaults(struct options *o)
{
	const char *config = getenv("ADIT_CONFIG_DIR"), *run = getenv("ADIT_RUN_DIR");

	*o = (struct options){ 0 };
	snprintf(o->config_dir, sizeof(o->config_dir), "%s",
		 config && config[0] ? config : ADIT_CONFIG_DIR);
	snprintf(o->run_dir, sizeof(o->run_dir), "%s", run && run[0] ? run : ADIT_RUN_DIR);
	libexec_dir("iked", o->libexec_dir, sizeof(o->libexec_dir));
}

static int one(struct options *o, int c, const char *word, struct err *e)
{
	switch (c) {
	case 'f':
		o->foreground = true;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case 'c':
		return put(o->config_dir, sizeof(o->config_dir), "--config-dir", optarg, e);
	case 'r':
		return put(o->run_dir, sizeof(o->run_dir), "--run-dir", optarg, e);
	case OPT_USER:
		return put(o->user, sizeof(o->user), "--user", optarg, e);
	case OPT_LIBEXEC:
		return put(o->libexec_dir, sizeof(o->libexec_dir), "--libexec-dir", optarg, e);
	case 'h':
		fputs(usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("aditd " ADIT_VERSION);
		return 1;
	case ':':
		return err_code(e, EXIT_USAGE, "%s wants a value", word);
	}
	return err_code(e, EXIT_USAGE, "%s is no option; aditd --help lists them", word);
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	int c, r;

	defaults(o);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":fc:r:h", longs, NULL)) != -1) {
		r = one(o, c, argv[optind - 1], e);
		if (r)
			return r;
	}
	if (optind < argc)
		return err_code(e, EXIT_USAGE, "%s: aditd takes options only", argv[optind]);
	if (absolute(o->config_dir, e) < 0 || absolute(o->run_dir, e) < 0 ||
	    absolute(o->libexec_dir, e) < 0)
		return -1;
	return 0;
}

/* /etc/passwd and /etc/group are read directly: by way of NSS every module that nsswitch.conf
 * names would be loaded, and stay in memory. */
static bool passwd_find(const char *name, uid_t *uid, gid_t *gid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;
	bool found = false;

	while (f && !found && (pw = fgetpwent(f))) {
		found = strcmp(pw->pw_name, name) == 0;
		if (found) {
			*uid = pw->pw_uid;
			*gid = pw->pw_gid;
		}
	}
	if (f)
		fclose(f);
	return found;
}

static gid_t group_find(const char *name)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *gr;
	gid_t gid = 0;

	while (f && !gid && (gr = fgetgrent(f)))
		if (strcmp(gr->gr_name, name) == 0)
			gid = gr->gr_gid;
	if (f)
		fclose(f);
	return gid;
}

int options_user(const struct options *o, uid_t *uid, gid_t *gid, gid_t *control, struct err *e)
{
	const struct passwd *pw;

	*control = group_find("adit");
	if (o->user[0]) {
		/* Perhaps one of a directory service. */
		if (!passwd_find(o->user, uid, gid)) {
			pw = getpwnam(o->user);
			if (!pw)
				return err_code(e, EXIT_USAGE, "no such user: %s", o->user);
			*uid = pw->pw_uid;
			*gid = pw->pw_gid;
		}
	} else if (!passwd_find("adit", uid, gid) && !passwd_find("nobody", uid, gid)) {
		*uid = *gid = 65534;
	}
	if (!*uid || !*gid)
		return err_code(e, EXIT_USAGE, "the children may not run as root or in its group");
	return 0;
}
