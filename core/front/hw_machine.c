/* hw_machine: what the processor, the kernel and the WAN's card bring along. Nothing is loaded
 * or set up for it: what is a module and not loaded is found by its file. */
#include "core/front/hw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *hw_has_str(uint8_t has)
{
	switch ((enum hw_has)has) {
	case HW_NO: return "no";
	case HW_YES: return "yes";
	case HW_MODULE: return "yes, a module";
	}
	return "no";
}

/* ---- the processor ---- */

/* What ciphers and hashes are made of, on x86, ARM and others. */
static const char *const features[] = {
	"aes", "vaes", "pclmulqdq", "vpclmulqdq", "sha_ni", "gfni", "ssse3", "avx2", "avx512f",
	"avx512_vaes", "neon", "asimd", "pmull", "sha1", "sha2", "sha3", "sha512", "sve", "altivec",
	"zkn", "zvkned", "msa", "dsp", NULL
};

static bool is_word_of(const char *word, const char *list)
{
	size_t n = strlen(word);

	for (const char *s = strstr(list, word); s; s = strstr(s + 1, word))
		if ((s == list || s[-1] == ' ' || s[-1] == '\t') &&
		    (!s[n] || s[n] == ' ' || s[n] == '\n'))
			return true;
	return false;
}

/* "key	: value"; NULL when the line is another one. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);
	const char *colon = line + n;

	if (strncasecmp(line, key, n) != 0)
		return NULL;
	colon += strspn(colon, " \t");
	return *colon == ':' ? colon + 1 + strspn(colon + 1, " \t") : NULL;
}

static void take(char *out, size_t cap, const char *value)
{
	snprintf(out, cap, "%.*s", (int)strcspn(value, "\n"), value);
}

static void read_cpu(struct hw_machine *m, const char *root)
{
	static const char *const names[] = { "model name", "cpu model", "system type", "cpu",
					     "Hardware", "uarch", "CPU architecture" };
	static const char *const lists[] = { "flags", "Features", "ASEs implemented", "isa" };
	char path[PATH_MAX], *line = NULL;
	size_t cap = 0, len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		const char *v;

		m->cores += value_of(line, "processor") && *value_of(line, "processor") >= '0' &&
			    *value_of(line, "processor") <= '9';
		for (size_t i = 0; !m->cpu[0] && i < sizeof(names) / sizeof(names[0]); i++)
			if ((v = value_of(line, names[i])))
				take(m->cpu, sizeof(m->cpu), v);
		for (size_t i = 0; !len && i < sizeof(lists) / sizeof(lists[0]); i++)
			for (size_t k = 0; (v = value_of(line, lists[i])) && features[k]; k++)
				if (is_word_of(features[k], v) && len < sizeof(m->features))
					len += (size_t)snprintf(m->features + len,
								sizeof(m->features) - len, "%s%s",
								len ? ", " : "", features[k]);
	}
	free(line);
	fclose(f);
}

/* ---- modules ---- */

struct module {
	const char *file;	/* as modules.builtin and modules.dep end a path */
	const char *loaded;	/* as /proc/modules begins a line */
	const char *symbol;	/* of it, where it is built in and nothing else says so */
	uint8_t *has;
};

static void mark(const struct module *m, size_t n, const char *path, const char *what, int by)
{
	char *line = NULL, want[80];
	size_t cap = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		for (size_t i = 0; i < n; i++) {
			const char *s = by == 0 ? m[i].file : by == 1 ? m[i].loaded : m[i].symbol;

			if (*m[i].has == HW_YES)
				continue;
			snprintf(want, sizeof(want), by == 0 ? "/%s.ko" : by == 1 ? "%s " : " %s", s);
			if (by == 1 ? strncmp(line, want, strlen(want)) != 0 : !strstr(line, want))
				continue;
			/* modules.dep names a file before its colon, what it needs behind. */
			if (by == 0 && strchr(line, ':') && strstr(line, want) > strchr(line, ':'))
				continue;
			*m[i].has = strcmp(what, "module") == 0 ? HW_MODULE : HW_YES;
		}
	}
	free(line);
	fclose(f);
}

static void read_modules(struct hw_machine *m, const char *root)
{
	const struct module list[] = {
		{ "esp4", "esp4", "esp_input\n", &m->esp4 },
		{ "esp6", "esp6", "esp6_input\n", &m->esp6 },
		{ "xfrm_interface", "xfrm_interface", "xfrmi_xmit\n", &m->xfrm_interface },
		{ "algif_aead", "algif_aead", "aead_recvmsg\n", &m->af_alg },
	};
	const size_t n = sizeof(list) / sizeof(list[0]);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.dep", root, m->release);
	mark(list, n, path, "module", 0);
	snprintf(path, sizeof(path), "%s/proc/modules", root);
	mark(list, n, path, "loaded", 1);
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.builtin", root, m->release);
	if (access(path, R_OK) == 0) {
		mark(list, n, path, "built in", 0);
		return;
	}
	/* Without the kernel's list what is built in still has its names. */
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	mark(list, n, path, "built in", 2);
}

/* ---- the card ---- */

static int ethtool(int fd, const char *nic, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic);
	return ioctl(fd, SIOCETHTOOL, &ifr);
}

/* Which bit of the features is this one; -1. */
static int feature_bit(int fd, const char *nic, const char *name, unsigned *n)
{
	struct {
		struct ethtool_sset_info head;
		uint32_t len;
	} count = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct ethtool_gstrings *s;
	int bit = -1;

	if (ethtool(fd, nic, &count) < 0 || !count.head.sset_mask || !count.len || count.len > 1024)
		return -1;
	*n = count.len;
	s = calloc(1, sizeof(*s) + (size_t)count.len * ETH_GSTRING_LEN);
	if (!s)
		return -1;
	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = ETH_SS_FEATURES;
	s->len = count.len;
	if (ethtool(fd, nic, s) == 0)
		for (unsigned i = 0; bit < 0 && i < count.len; i++)
			if (strncmp((const char *)s->data + (size_t)i * ETH_GSTRING_LEN, name,
				    ETH_GSTRING_LEN) == 0)
				bit = (int)i;
	free(s);
	return bit;
}

static void read_nic(struct hw_machine *m, const char *nic)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bit;
	struct ethtool_gfeatures *f;
	unsigned n = 0, blocks;

	snprintf(m->nic, sizeof(m->nic), "%s", nic);
	bit = fd < 0 ? -1 : feature_bit(fd, nic, "esp-hw-offload", &n);
	blocks = (n + 31) / 32;
	f = bit < 0 ? NULL : calloc(1, sizeof(*f) + blocks * sizeof(f->features[0]));
	if (f) {
		const struct ethtool_get_features_block *b = &f->features[bit / 32];
		uint32_t mask = 1u << (bit % 32);

		f->cmd = ETHTOOL_GFEATURES;
		f->size = blocks;
		if (ethtool(fd, nic, f) == 0)
			snprintf(m->nic_offload, sizeof(m->nic_offload), "%s", b->active & mask ? "on" :
				 (b->available & mask) && !(b->never_changed & mask) ? "off" : "fixed");
	}
	free(f);
	if (fd >= 0)
		close(fd);
}

/* ---- together ---- */

void hw_machine_read(struct hw_machine *m, const char *root, const char *wan)
{
	struct utsname u;

	*m = (struct hw_machine){ 0 };
	if (uname(&u) == 0)
		snprintf(m->release, sizeof(m->release), "%s", u.release);
	read_cpu(m, root);
	if (!m->cores)
		m->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	read_modules(m, root);
	if (!root[0] && m->af_alg == HW_NO) {
		/* The family alone is there where a build has no AEAD of it; rare, and of use. */
		int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		m->af_alg = fd >= 0 ? HW_YES : HW_NO;
		if (fd >= 0)
			close(fd);
	}
	if (wan[0])
		read_nic(m, wan);
}

void hw_machine_json(const struct hw_machine *m, struct json_object *o)
{
	static const char *const has[] = { "no", "yes", "module" };
	struct json_object *cpu = json_object_new_object(), *k = json_object_new_object(), *a, *nic;

	json_put_str(cpu, "model", m->cpu);
	json_put_u64(cpu, "cores", m->cores);
	a = json_put_array(cpu, "features");
	for (const char *s = m->features; a && *s; s += strspn(s, ", ")) {
		size_t n = strcspn(s, ",");

		json_object_array_add(a, json_object_new_string_len(s, (int)n));
		s += n;
	}
	json_put(o, "processor", cpu);
	json_put_str(k, "release", m->release);
	json_put_str(k, "esp4", has[m->esp4]);
	json_put_str(k, "esp6", has[m->esp6]);
	json_put_str(k, "xfrm_interface", has[m->xfrm_interface]);
	json_put_str(k, "af_alg", has[m->af_alg]);
	json_put(o, "kernel", k);
	nic = json_object_new_object();
	json_put_str(nic, "interface", m->nic);
	json_put_str(nic, "esp_offload", m->nic_offload);
	json_put(o, "wan", nic);
}
