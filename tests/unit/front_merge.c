/* rooms: core/front core/control core/net core/settings core/crypto core/base */
/* front_merge: peers that the daemon does not list. */
#include "core/front/actions.h"
#include "core/front/merge.h"

#include "tests/unit/t.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD "remote_gateway = 198.51.100.%d\nlocal_network = 10.1.0.0/24\n" \
	"remote_network = 10.%d.0.0/24\n"

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/peers", dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/peers/%s.conf", dir, name);
	f = fopen(path, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static void put_good(const char *name, int n, const char *more)
{
	char text[300];

	snprintf(text, sizeof(text), GOOD "%s", n, n, more);
	put(name, text);
}

static void gone(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/peers/%s.conf", dir, name);
	unlink(path);
}

/* The daemon lists "mid" alone. */
static struct status *daemons(void)
{
	struct status *s = status_new(1);

	CHECK(s);
	s->running = true;
	strcpy(s->peers[0].name, "mid");
	s->peers[0].state = STATUS_UP;
	return s;
}

static void what_the_daemon_lacks_is_added(void)
{
	struct status *s = daemons();

	put_good("mid", 2, "");
	CHECK(!front_merge(s, dir));
	put_good("zoo", 3, "");
	put_good("bad", 4, "description = \"the yard\"\nmtu = 3\n");
	put_good("off", 5, "enabled = no\nmtu = 3\n");
	put("nonsense", "{");
	CHECK(front_merge(s, dir));
	CHECK_INT(s->n_peers, 5);
	CHECK_STR(s->peers[0].name, "bad");
	CHECK_INT(s->peers[0].state, STATUS_DOWN);
	CHECK_HAS(s->peers[0].reason, "its settings have an error: peers/bad.conf:5:");
	CHECK_HAS(s->peers[0].reason, "mtu: ");
	CHECK_STR(s->peers[0].description, "the yard");
	CHECK_STR(s->peers[0].remote, "198.51.100.4");
	CHECK_STR(s->peers[1].name, "mid");
	CHECK_INT(s->peers[1].state, STATUS_UP);
	CHECK_STR(s->peers[2].name, "nonsense");
	CHECK_HAS(s->peers[2].reason, "its settings have an error: peers/nonsense.conf:1:");
	CHECK_STR(s->peers[3].name, "off");
	CHECK_INT(s->peers[3].state, STATUS_DISABLED);
	CHECK_STR(s->peers[4].name, "zoo");
	CHECK_STR(s->peers[4].reason, FRONT_REASON_UNREAD);
	CHECK_STR(s->warning, "");
	/* All are there now. */
	CHECK_INT(s->n_peers, 5);
	status_free(s);
	gone("zoo");
	gone("bad");
	gone("off");
	gone("nonsense");
}

static void one_that_goes_on_is_not_down(void)
{
	struct status *s = daemons();

	put_good("mid", 2, "mtu = 3\n");
	CHECK(front_merge(s, dir));
	CHECK_INT(s->n_peers, 1);
	CHECK_INT(s->peers[0].state, STATUS_UP);
	CHECK_HAS(s->warning, "peers/mid.conf:4:");
	CHECK_HAS(s->warning, "mid stays as it was before");
	status_free(s);
}

/* Whoever may ask the daemon may not for that read the files. */
static void an_unreadable_file_is_not_wrong(void)
{
	struct findings fs = { 0 };
	struct settings none = { 0 };
	struct status *s = daemons();
	struct finding *f = findings_add(&fs, FINDING_ERROR, "mid", "",
					 "cannot be read: Permission denied");

	CHECK(f);
	f->error = EACCES;
	CHECK(!front_merge_settings(s, dir, &none, &fs));
	CHECK_STR(s->warning, "");
	f->error = 0;
	CHECK(front_merge_settings(s, dir, &none, &fs));
	CHECK_HAS(s->warning, "mid stays as it was before");
	findings_fini(&fs);
	status_free(s);
}

static void advice_fits(void)
{
	struct status_peer p = { .name = "mid", .state = STATUS_DOWN };
	char buf[320], reason[] = FRONT_REASON_ERROR "local_network: …",
			unread[] = FRONT_REASON_UNREAD,
			refused[] = "the peer accepts none of our IKE proposals "
				    "(NO_PROPOSAL_CHOSEN); ours: aes128-sha256-modp2048, by "
				    "pre-shared key",
			unnamed[] = "hq.exmple does not resolve: no answer from 192.0.2.1",
			taken[] = "taken down by the admin (adit up mid)";

	p.reason = reason;
	CHECK_HAS(front_advice(&p, false, buf, sizeof(buf)), "adit check");
	CHECK_HAS(front_advice(&p, true, buf, sizeof(buf)), "adit peer set mid");
	p.reason = unread;
	CHECK_HAS(front_advice(&p, true, buf, sizeof(buf)), "adit reload");
	p.reason = refused;
	CHECK_HAS(front_advice(&p, true, buf, sizeof(buf)), "one suite in common");
	p.reason = unnamed;
	CHECK_HAS(front_advice(&p, true, buf, sizeof(buf)), "name servers");
	p.reason = taken;
	CHECK_STR(front_advice(&p, true, buf, sizeof(buf)), "adit up mid brings it up");
}

static void an_empty_dir_changes_nothing(void)
{
	struct status *s = daemons();

	CHECK(!front_merge(s, "/nonexistent/adit"));
	CHECK_INT(s->n_peers, 1);
	status_free(s);
}

int main(void)
{
	char peers[80];

	strcpy(dir, "/tmp/adit-merge-XXXXXX");
	CHECK(mkdtemp(dir));
	T_RUN(what_the_daemon_lacks_is_added);
	T_RUN(one_that_goes_on_is_not_down);
	T_RUN(an_unreadable_file_is_not_wrong);
	T_RUN(advice_fits);
	T_RUN(an_empty_dir_changes_nothing);
	gone("mid");
	snprintf(peers, sizeof(peers), "%s/peers", dir);
	rmdir(peers);
	rmdir(dir);
	return t_done();
}
