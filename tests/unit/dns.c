/* rooms: ike/wire core/base */
/* Questions and answers of the DNS, good ones and such as a liar would send. */
#include "core/base/rng.h"
#include "core/base/wr.h"
#include "ike/wire/dns.h"
#include "tests/unit/t.h"

static uint8_t buf[DNS_ANSWER_MAX];
static struct wr w;
static struct dns_answer got;

#define NAME "vpn.example.net"
#define ID 0x1234

static void put_name(const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		wr_u8(&w, (uint8_t)n);
		wr_bytes(&w, name, n);
		name += n + (name[n] == '.');
	}
	wr_u8(&w, 0);
}

static void begin(uint16_t flags, uint16_t type, uint16_t answers)
{
	w = wr_init(buf, sizeof(buf));
	wr_u16(&w, ID);
	wr_u16(&w, flags);
	wr_u16(&w, 1);
	wr_u16(&w, answers);
	wr_zero(&w, 4);
	put_name(NAME);
	wr_u16(&w, type);
	wr_u16(&w, 1);
}

static void record(uint16_t type, uint32_t ttl, size_t len)
{
	wr_u16(&w, type);
	wr_u16(&w, 1);
	wr_u32(&w, ttl);
	wr_u16(&w, (uint16_t)len);
}

/* The question's own name, as a pointer. */
static void same_name(void)
{
	wr_u16(&w, 0xc00c);
}

static enum dns_verdict look(uint16_t type)
{
	return dns_answer(buf, w.len, NAME, type, ID, &got);
}

static void a_question_is_as_rfc_1035_has_it(void)
{
	static const uint8_t want[] = {
		0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'v', 'p', 'n', 7, 'e', 'x', 'a',
		'm', 'p', 'l', 'e', 3, 'n', 'e', 't', 0, 0, 28, 0, 1,
	};
	uint8_t q[DNS_QUERY_MAX];
	struct err e = { 0 };
	size_t len;

	CHECK_INT(dns_query("VPN.example.net.", DNS_TYPE_AAAA, ID, q, &len, &e), 0);
	CHECK_INT(len, sizeof(want));
	CHECK_MEM(q, want, len);
	CHECK_INT(dns_query("", DNS_TYPE_A, ID, q, &len, &e), -1);
	CHECK_INT(dns_query("a..b", DNS_TYPE_A, ID, q, &len, &e), -1);
	CHECK_INT(dns_query("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.x",
			    DNS_TYPE_A, ID, q, &len, &e), -1);
}

static void addresses_and_the_least_ttl(void)
{
	begin(0x8180, DNS_TYPE_A, 3);
	same_name();
	record(1, 300, 4);
	wr_u32(&w, 0xc6336402);
	put_name("vpn.EXAMPLE.net");
	record(1, 60, 4);
	wr_u32(&w, 0xc6336403);
	same_name();
	record(1, 600, 4);
	wr_u32(&w, 0xc6336402);	/* twice */
	CHECK_INT(look(DNS_TYPE_A), DNS_FOUND);
	CHECK_INT(got.n, 2);
	CHECK_INT(got.ttl_s, 60);
	CHECK_INT(got.addr[1].b[3], 3);
}

static void aliases_are_followed(void)
{
	begin(0x8180, DNS_TYPE_AAAA, 3);
	/* Out of order on purpose. */
	put_name("host.dyn.example");
	record(28, 500, 16);
	wr_u64(&w, 0x20010db800000000);
	wr_u64(&w, 9);
	same_name();
	record(5, 30, 17);
	put_name("alias.example");
	wr_zero(&w, 17 - 15);
	CHECK(wr_ok(&w));
	/* A CNAME shorter than its length says is fine; one that is longer is not. */
	put_name("alias.example");
	record(5, 500, 18);
	put_name("host.dyn.example");
	CHECK_INT(look(DNS_TYPE_AAAA), DNS_FOUND);
	CHECK_INT(got.n, 1);
	CHECK_INT(got.addr[0].family, AF_INET6);
	CHECK_INT(got.ttl_s, 30);
}

static void aliases_in_a_circle_end(void)
{
	begin(0x8180, DNS_TYPE_A, 2);
	same_name();
	record(5, 30, 7);
	put_name("a.com");
	put_name("a.com");
	record(5, 30, 2);
	same_name();
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
}

static void an_alias_alone_is_no_address(void)
{
	begin(0x8180, DNS_TYPE_A, 1);
	same_name();
	record(5, 30, 7);
	put_name("a.com");
	CHECK_INT(look(DNS_TYPE_A), DNS_EMPTY);
	CHECK_INT(got.n, 0);
}

static void refusals_have_their_words(void)
{
	char text[16];

	begin(0x8183, DNS_TYPE_A, 0);
	CHECK_INT(look(DNS_TYPE_A), DNS_NO_NAME);
	begin(0x8182, DNS_TYPE_A, 0);
	CHECK_INT(look(DNS_TYPE_A), DNS_FAILED);
	CHECK_STR(dns_rcode_name(got.rcode, text), "SERVFAIL");
	CHECK_STR(dns_rcode_name(9, text), "error 9");
	begin(0x8380, DNS_TYPE_A, 0);
	CHECK_INT(look(DNS_TYPE_A), DNS_TRUNCATED);
	begin(0x8180, DNS_TYPE_A, 0);
	CHECK_INT(look(DNS_TYPE_A), DNS_EMPTY);
}

static void answers_to_others_are_not_ours(void)
{
	begin(0x8180, DNS_TYPE_A, 0);
	CHECK_INT(dns_answer(buf, w.len, NAME, DNS_TYPE_A, ID + 1, &got), DNS_NOT_OURS);
	CHECK_INT(dns_answer(buf, w.len, NAME, DNS_TYPE_AAAA, ID, &got), DNS_NOT_OURS);
	CHECK_INT(dns_answer(buf, w.len, "other.example.net", DNS_TYPE_A, ID, &got),
		  DNS_NOT_OURS);
	begin(0x0180, DNS_TYPE_A, 0);	/* a question */
	CHECK_INT(look(DNS_TYPE_A), DNS_NOT_OURS);
	CHECK_INT(dns_answer(buf, 5, NAME, DNS_TYPE_A, ID, &got), DNS_NOT_OURS);
}

static void a_name_that_points_at_itself_ends(void)
{
	size_t at;

	begin(0x8180, DNS_TYPE_A, 1);
	at = w.len;
	wr_u16(&w, (uint16_t)(0xc000 | at));
	record(1, 300, 4);
	wr_u32(&w, 0xc6336402);
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
	/* Forward, too. */
	wr_patch_u16(&w, at, (uint16_t)(0xc000 | (at + 4)));
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
	/* And into the header. */
	wr_patch_u16(&w, at, 0xc004);
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
}

static void addresses_no_gateway_has_are_passed_over(void)
{
	static const uint32_t bad[] = { 0, 0x7f000001, 0xe0000001, 0xffffffff };

	begin(0x8180, DNS_TYPE_A, 5);
	for (int i = 0; i < 4; i++) {
		same_name();
		record(1, 300, 4);
		wr_u32(&w, bad[i]);
	}
	same_name();
	record(1, 300, 4);
	wr_u32(&w, 0xc0000201);
	CHECK_INT(look(DNS_TYPE_A), DNS_FOUND);
	CHECK_INT(got.n, 1);
	CHECK_INT(got.addr[0].b[0], 192);
}

static void too_many_addresses_are_cut(void)
{
	begin(0x8180, DNS_TYPE_A, 40);
	for (uint32_t i = 0; i < 40; i++) {
		same_name();
		record(1, 300, 4);
		wr_u32(&w, 0xc6336400 + i);
	}
	CHECK_INT(look(DNS_TYPE_A), DNS_FOUND);
	CHECK_INT(got.n, DNS_ADDRS_MAX);
}

static void a_length_that_lies_is_broken(void)
{
	begin(0x8180, DNS_TYPE_A, 1);
	same_name();
	record(1, 300, 16);
	wr_u32(&w, 0xc6336402);
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
	begin(0x8180, DNS_TYPE_A, 1);
	same_name();
	record(1, 300, 5);
	wr_u32(&w, 0xc6336402);
	wr_u8(&w, 1);
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
	/* More records announced than there are. */
	begin(0x8180, DNS_TYPE_A, 2);
	same_name();
	record(1, 300, 4);
	wr_u32(&w, 0xc6336402);
	CHECK_INT(look(DNS_TYPE_A), DNS_BROKEN);
}

/* Any prefix, and any byte changed: no crash, no endless loop; the sanitizer watches. */
static void garbage_is_survived(void)
{
	uint8_t copy[DNS_ANSWER_MAX];
	size_t len;

	begin(0x8180, DNS_TYPE_A, 3);
	same_name();
	record(5, 30, 7);
	put_name("a.com");
	put_name("a.com");
	record(1, 300, 4);
	wr_u32(&w, 0xc6336402);
	same_name();
	record(28, 1, 16);
	wr_zero(&w, 16);
	len = w.len;
	CHECK_INT(look(DNS_TYPE_A), DNS_FOUND);
	for (size_t n = 0; n < len; n++)
		CHECK(dns_answer(buf, n, NAME, DNS_TYPE_A, ID, &got) != DNS_FOUND);
	rng_virtual_seed(7);
	for (int i = 0; i < 200000; i++) {
		memcpy(copy, buf, len);
		for (int k = 0; k < 3; k++)
			copy[12 + rng_below((uint32_t)len - 12)] = (uint8_t)rng_u32();
		dns_answer(copy, len, NAME, DNS_TYPE_A, ID, &got);
		CHECK(got.n <= DNS_ADDRS_MAX);
	}
	rng_virtual_seed(0);
}

int main(void)
{
	T_RUN(a_question_is_as_rfc_1035_has_it);
	T_RUN(addresses_and_the_least_ttl);
	T_RUN(aliases_are_followed);
	T_RUN(aliases_in_a_circle_end);
	T_RUN(an_alias_alone_is_no_address);
	T_RUN(refusals_have_their_words);
	T_RUN(answers_to_others_are_not_ours);
	T_RUN(a_name_that_points_at_itself_ends);
	T_RUN(addresses_no_gateway_has_are_passed_over);
	T_RUN(too_many_addresses_are_cut);
	T_RUN(a_length_that_lies_is_broken);
	T_RUN(garbage_is_survived);
	return t_done();
}
