/* explain_alg: two lists of proposals that do not meet: per type what each side has, and the
 * shortest edit: the one of theirs that needs least of what we do not have yet. */
#include "core/front/explain_priv.h"

#include <stdio.h>
#include <string.h>

static const char *use_key(enum suite_use use)
{
	return use == SUITE_IKE ? "ike" : "esp";
}

static const struct neg_offer *offer_ours(const struct negotiation *n, enum suite_use use)
{
	return use == SUITE_IKE ? &n->ike_ours : &n->esp_ours;
}

static const struct neg_offer *offer_theirs(const struct negotiation *n, enum suite_use use)
{
	return use == SUITE_IKE ? &n->ike_theirs : &n->esp_theirs;
}

static bool same(const struct neg_transform *a, const struct neg_transform *b)
{
	return a->type == b->type && a->id == b->id && a->key_bits == b->key_bits;
}

static bool has(const struct neg_offer *of, const struct neg_transform *t)
{
	for (size_t i = 0; i < of->n; i++)
		if (same(&of->t[i], t))
			return true;
	return false;
}

static bool has_type(const struct neg_offer *of, uint8_t type)
{
	for (size_t i = 0; i < of->n; i++)
		if (of->t[i].type == type && (type != ALG_KE || of->t[i].id != KE_NONE))
			return true;
	return false;
}

static bool meets(const struct neg_offer *a, const struct neg_offer *b, uint8_t type)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->t[i].type == type && has(b, &a->t[i]))
			return true;
	return false;
}

/* AH (RFC 4302): integrity, and nothing that encrypts. */
static bool is_ah(const struct neg_offer *of)
{
	return has_type(of, ALG_INTEG) && !has_type(of, ALG_ENCR);
}

/* ---- the side by side ---- */

static void join_type(const struct neg_offer *of, uint8_t type, struct sbuf *b)
{
	char label[48];

	for (size_t i = 0; i < of->n; i++) {
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before |= same(&of->t[k], &of->t[i]);
		if (of->t[i].type != type || before)
			continue;
		sbuf_addf(b, "%s%s", b->len ? ", " : "",
			  neg_transform_label(&of->t[i], label, sizeof(label)));
	}
}

void explain_alg_rows(const struct explain_input *in, enum suite_use use, struct explain *x)
{
	static const struct {
		uint8_t type;
		const char *ike, *esp;
	} rows[] = {
		{ ALG_ENCR, "IKE encryption", "ESP encryption" },
		{ ALG_INTEG, "IKE integrity", "ESP integrity" },
		{ ALG_PRF, "IKE PRF", NULL },
		{ ALG_KE, "IKE group", "PFS group" },
	};
	const struct neg_offer *ours = offer_ours(in->neg, use);
	const struct neg_offer *theirs = offer_theirs(in->neg, use);

	bool ah = use == SUITE_ESP && (is_ah(ours) || is_ah(theirs));

	if (!ours->n && !theirs->n)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = use == SUITE_IKE ? rows[i].ike :
				   ah && rows[i].type == ALG_INTEG ? "AH integrity" :
				   rows[i].esp;
		struct sbuf a = { 0 }, b = { 0 };
		bool known = theirs->n > 0;

		if (!name)
			continue;
		join_type(ours, rows[i].type, &a);
		join_type(theirs, rows[i].type, &b);
		if (a.len || b.len)
			explain_cells(x,
				      !known || meets(ours, theirs, rows[i].type) ? TONE_PLAIN :
				      TONE_BAD, name, a.len ? sbuf_str(&a) : "none",
				      b.len ? sbuf_str(&b) : known ? "none" : "?");
		sbuf_fini(&a);
		sbuf_fini(&b);
	}
}

/* ---- the edit ---- */

/* How gladly: what we have already, then what is not weak, then by the table. */
static const struct alg *best_of(enum suite_use use, const struct neg_offer *theirs,
				 uint8_t proposal, uint8_t type,
				 const struct neg_offer *ours)
{
	const struct alg *best = NULL;
	int most = 0;

	for (size_t i = 0; i < theirs->n; i++) {
		const struct neg_transform *t = &theirs->t[i];
		const struct alg *a;
		int score;

		if (t->proposal != proposal || t->type != type)
			continue;
		a = alg_get((enum alg_type)type, t->id, t->key_bits);
		if (!a || (use == SUITE_IKE && a->esp_only))
			continue;
		score = 1 + (a->weak ? 0 : 2) + (has(ours, t) ? 4 : 0);
		if (score > most || (score == most && a < best)) {
			best = a;
			most = score;
		}
	}
	return best;
}

/* A suite we could write for one proposal of theirs. False when something in it is unknown
 * here. */
static bool suite_for(enum suite_use use, const struct neg_offer *theirs, uint8_t proposal,
		      const struct neg_offer *ours, struct suite *s, unsigned *weak)
{
	const struct alg *encr = best_of(use, theirs, proposal, ALG_ENCR, ours);
	const struct alg *integ = best_of(use, theirs, proposal, ALG_INTEG, ours);
	const struct alg *prf = best_of(use, theirs, proposal, ALG_PRF, ours);
	const struct alg *ke = best_of(use, theirs, proposal, ALG_KE, ours);
	bool wants_ke = false;

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < theirs->n; i++)
		wants_ke |= theirs->t[i].proposal == proposal && theirs->t[i].type == ALG_KE &&
			    theirs->t[i].id != KE_NONE;
	if (!encr || (!encr->aead && !integ) || (wants_ke && !ke))
		return false;
	if (use == SUITE_IKE && !prf && integ)
		prf = alg_by_name(ALG_PRF, integ->name);
	if (use == SUITE_IKE && (!prf || !ke))
		return false;
	s->encr[s->n_encr++] = (struct transform){ encr->id, encr->key_bits };
	*weak = encr->weak;
	if (!encr->aead) {
		s->integ[s->n_integ++] = integ->id;
		*weak |= integ->weak;
	}
	if (use == SUITE_IKE) {
		s->prf[s->n_prf++] = prf->id;
		*weak |= prf->weak;
	}
	if (ke) {
		s->ke[s->n_ke++] = ke->id;
		*weak |= ke->weak;
	}
	return true;
}

static int bits_set(unsigned bits)
{
	int n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* The one of theirs that costs least. False when there is none that we know whole. */
static bool best_suite(enum suite_use use, const struct neg_offer *theirs,
		       const struct neg_offer *ours, struct suite *best, unsigned *weak)
{
	bool found = false;

	for (unsigned p = 0; p <= UINT8_MAX; p++) {
		struct suite s;
		unsigned w;

		if (!suite_for(use, theirs, (uint8_t)p, ours, &s, &w) ||
		    (found && bits_set(w) >= bits_set(*weak)))
			continue;
		*best = s;
		*weak = w;
		found = true;
	}
	return found;
}

static const struct child_conf *child_conf_of(const struct explain_input *in)
{
	if (!in->conf || !in->conf->children)
		return NULL;
	for (size_t i = 0; i < in->conf->n_children; i++)
		if (in->neg && strcmp(in->conf->children[i].name, in->neg->child) == 0)
			return &in->conf->children[i];
	return &in->conf->children[0];
}

/* "esp+", or "child.voice.esp+"; without the plus when the list is full. */
static const char *list_key(const struct explain_input *in, enum suite_use use, char *buf,
			    size_t cap)
{
	const struct child_conf *cc = child_conf_of(in);
	bool further = use == SUITE_ESP && cc && cc != &in->conf->children[0];
	const struct suite_list *l = !in->conf ? NULL :
				     use == SUITE_IKE ? &in->conf->ike : cc ? &cc->esp : NULL;

	snprintf(buf, cap, "%s%s%s%s%s", further ? "child." : "", further ? cc->name : "",
		 further ? "." : "", use_key(use), l && l->n >= SUITE_MAX ? "" : "+");
	return buf;
}

static void labels(const struct suite *s, enum suite_use use, struct sbuf *b)
{
	char label[48];

	sbuf_add(b, alg_label(ALG_ENCR, s->encr[0].id, s->encr[0].key_bits, label, sizeof(label)));
	if (s->n_integ)
		sbuf_addf(b, " with %s", alg_label(ALG_INTEG, s->integ[0], 0, label, sizeof(label)));
	else if (use == SUITE_IKE && s->n_prf)
		sbuf_addf(b, " with %s", alg_label(ALG_PRF, s->prf[0], 0, label, sizeof(label)));
	if (s->n_ke)
		sbuf_addf(b, " and %s", alg_label(ALG_KE, s->ke[0], 0, label, sizeof(label)));
	else if (use == SUITE_ESP)
		sbuf_add(b, " without PFS");
}

/* Our first suite, rebuilt from what was offered. */
static bool our_suite(enum suite_use use, const struct negotiation *n, struct suite *s)
{
	const struct neg_offer *ours = offer_ours(n, use);
	unsigned weak;

	return ours->n && suite_for(use, ours, ours->t[0].proposal, ours, s, &weak);
}

static void edit_there(const struct explain_input *in, enum suite_use use, struct explain *x)
{
	struct sbuf b = { 0 };
	struct suite s;

	if (our_suite(use, in->neg, &s)) {
		labels(&s, use, &b);
		explain_text(x, "Or on the other side: set its %s to %s.",
			     use == SUITE_IKE ? "phase 1 (IKE)" : "phase 2 (ESP)", sbuf_str(&b));
	}
	sbuf_fini(&b);
}

static void edit_here(const struct explain_input *in, enum suite_use use,
		      const struct suite *s, unsigned weak, struct explain *x)
{
	char key[64], text[256], words[96];
	unsigned lacking = weak & ~(in->conf ? in->conf->allow_weak : 0);

	explain_text(x, "To meet it, here:");
	explain_set(x, in, list_key(in, use, key, sizeof(key)),
		    suite_str(use, s, text, sizeof(text)), lacking ? "allow_weak+" : NULL,
		    weak_str(lacking, words, sizeof(words)));
	if (weak)
		explain_say(x, EXPLAIN_TEXT, TONE_WEAK, "That is weak (%s); better change the "
			    "other side.", weak_str(weak, words, sizeof(words)));
}

/* "encryption and group" that no proposal shares. */
static void missing(const struct neg_offer *ours, const struct neg_offer *theirs,
		    enum suite_use use, struct sbuf *b)
{
	static const struct {
		uint8_t type;
		const char *word;
	} types[] = { { ALG_ENCR, "encryption" }, { ALG_INTEG, "integrity" }, { ALG_PRF, "PRF" },
		      { ALG_KE, "key exchange group" } };
	const char *words[4];
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		if (meets(ours, theirs, types[i].type) ||
		    (!has_type(ours, types[i].type) && !has_type(theirs, types[i].type)))
			continue;
		/* An AEAD cipher on one side is why there is no integrity in common. */
		if (types[i].type == ALG_INTEG && n)
			continue;
		if (types[i].type == ALG_PRF && use == SUITE_ESP)
			continue;
		words[n++] = types[i].word;
	}
	for (size_t i = 0; i < n; i++)
		sbuf_addf(b, "%s%s", i == 0 ? "" : i + 1 == n ? " and no " : ", no ", words[i]);
}

/* Theirs are known: because it called us. */
static void compared(const struct explain_input *in, enum suite_use use, struct explain *x)
{
	const struct neg_offer *ours = offer_ours(in->neg, use);
	const struct neg_offer *theirs = offer_theirs(in->neg, use);
	bool pfs_here = has_type(ours, ALG_KE), pfs_there = has_type(theirs, ALG_KE);
	struct sbuf what = { 0 }, have = { 0 }, lack = { 0 };
	struct suite s, first;
	unsigned weak = 0;
	bool usable = best_suite(use, theirs, ours, &s, &weak);

	missing(ours, theirs, use, &lack);
	if (usable)
		labels(&s, use, &what);
	if (our_suite(use, in->neg, &first))
		labels(&first, use, &have);
	if (use == SUITE_ESP && pfs_here != pfs_there && has_type(ours, ALG_ENCR) &&
	    meets(ours, theirs, ALG_ENCR))
		explain_text(x, "The peer %s PFS for ESP, this router %s: one side has a group in "
			     "its ESP proposals and the other none.",
			     pfs_there ? "asks for" : "offers no",
			     pfs_there ? "has none" : "asks for it");
	else if (usable)
		explain_text(x, "The peer %s %s; here %s= has only %s.",
			     in->neg->theirs_wall_s ? "offered, when it called," : "offers",
			     sbuf_str(&what), use_key(use), sbuf_str(&have));
	else
		explain_text(x, "Nothing that the peer offers is known here as a whole.");
	if (lack.len)
		explain_text(x, "There is no %s in common.", sbuf_str(&lack));
	else
		explain_text(x, "Each algorithm alone is known to both, but no proposal of one "
			     "side is a proposal of the other.");
	if (usable)
		edit_here(in, use, &s, weak, x);
	edit_there(in, use, x);
	sbuf_fini(&what);
	sbuf_fini(&have);
	sbuf_fini(&lack);
}

/* ---- AH ---- */

/* "ah", or "child.voice.ah". */
static const char *ah_key(const struct explain_input *in, char *buf, size_t cap)
{
	const struct child_conf *cc = child_conf_of(in);
	bool further = cc && cc != &in->conf->children[0];

	snprintf(buf, cap, "%s%s%sah", further ? "child." : "", further ? cc->name : "",
		 further ? "." : "");
	return buf;
}

static const struct alg *first_hash(const struct neg_offer *of)
{
	for (size_t i = 0; i < of->n; i++)
		if (of->t[i].type == ALG_INTEG && alg_get(ALG_INTEG, of->t[i].id, 0))
			return alg_get(ALG_INTEG, of->t[i].id, 0);
	return NULL;
}

static void set_ah(const struct explain_input *in, const struct alg *hash, struct explain *x)
{
	unsigned lacking = hash ? hash->weak & ~(in->conf ? in->conf->allow_weak : 0) : 0;
	char key[64], words[96];

	explain_set(x, in, ah_key(in, key, sizeof(key)), hash ? hash->name : "no",
		    lacking ? "allow_weak+" : NULL, weak_str(lacking, words, sizeof(words)));
}

/* One side has AH, or both and another hash. False: it is about something else. */
static bool explain_ah(const struct explain_input *in, struct explain *x)
{
	const struct neg_offer *ours = &in->neg->esp_ours, *theirs = &in->neg->esp_theirs;
	const struct alg *mine = first_hash(ours), *hash = first_hash(theirs);

	if (!is_ah(ours) && !is_ah(theirs))
		return false;
	if (!theirs->n) {
		explain_text(x, "This router asks for AH by %s (ah), and the peer refuses: most take "
			     "ESP alone, and the others have to name the same hash and group.",
			     mine ? mine->label : "a hash");
		explain_text(x, "ESP, which encrypts too, is the better choice where both can:");
		set_ah(in, NULL, x);
	} else if (!is_ah(theirs)) {
		explain_text(x, "This router asks for AH (ah), which signs packets and does not "
			     "encrypt them; the peer wants ESP. To meet it, here:");
		set_ah(in, NULL, x);
	} else if (!is_ah(ours)) {
		explain_text(x, "The peer offers AH, which signs packets and does not encrypt them; "
			     "this router wants ESP. Better change the other side.");
		explain_text(x, "To meet it, here:");
		set_ah(in, hash, x);
	} else if (!meets(ours, theirs, ALG_INTEG)) {
		explain_text(x, "Both want AH; the peer by %s, this router by %s. To meet it, here:",
			     hash ? hash->label : "a hash that is unknown here",
			     mine ? mine->label : "another");
		if (hash)
			set_ah(in, hash, x);
	} else {
		explain_text(x, "Both want AH by the same hash, and differ in the group for fresh "
			     "keys: on this side it is that of esp.");
	}
	return true;
}

void explain_algorithms(const struct explain_input *in, enum suite_use use, struct explain *x)
{
	char host[ADDR_TEXT_MAX];
	struct sbuf b = { 0 };

	if (use == SUITE_ESP && explain_ah(in, x))
		return;
	if (offer_theirs(in->neg, use)->n) {
		compared(in, use, x);
		return;
	}
	explain_text(x, "The peer takes none of what %s= offers here, and who refuses does not say "
		     "what it would take.", use_key(use));
	if (use == SUITE_IKE) {
		explain_text(x, "Some products say the same when they do not know %s at all, or only "
			     "with IKEv%u.", addr_str(&in->neg->local.addr, host),
			     in->neg->version == 1 ? 2 : 1);
		explain_text(x, "To ask it, gently:");
		sbuf_addf(&b, "adit probe %s", explain_where(in, host, sizeof(host)));
		explain_say(x, EXPLAIN_COMMAND, TONE_PLAIN, "%s", sbuf_str(&b));
	} else {
		explain_text(x, "Compare with the other side's phase 2, the PFS group too; or let "
			     "it call: what it then offers is shown here.");
	}
	edit_there(in, use, x);
	sbuf_fini(&b);
}
