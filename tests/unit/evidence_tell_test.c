#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "tests/unit/evidence_test.h"

/* What is said, made of a row per witness. */
static const struct telling {
	struct {
		enum server_role role;
		int first, then; /* enum sight, at 0 s and at 60 s */
		uint32_t serial; /* 0: none */
		const char *said;
	} witnesses[5];
	size_t n;
	const char *want;
} tellings[] = {
	{ { { 0 } }, 0, "nobody was asked" },
	{ { { ROLE_AUTHORITATIVE, U, U, 0, "" } }, 1, "nobody was asked yet" },
	{ { { ROLE_AUTHORITATIVE, M, M, 7, "" } }, 1, "the one that was asked shows it" },
	{ { { ROLE_AUTHORITATIVE, M, M, 7, "" }, { ROLE_PRIMARY, N, M, 7, "" },
		  { ROLE_EXTRA, U, U, 0, "" } },
		3, "all 2 show it, 1 not asked yet" },
	{ { { ROLE_AUTHORITATIVE, X, N, 41, "" }, { ROLE_AUTHORITATIVE, T, T, 0, "" },
		  { ROLE_AUTHORITATIVE, M, M, 42, "" }, { ROLE_PRIMARY, M, M, 42, "" } },
		4,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 1; 192.0.2.2 is silent since 10:15:07Z; 2 of 4 show it" },
	/* over the wrap */
	{ { { ROLE_AUTHORITATIVE, N, N, UINT32_MAX, "" }, { ROLE_AUTHORITATIVE, M, M, 1, "" } },
		2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 2; 1 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, O, 9, "\"abc\"" }, { ROLE_AUTHORITATIVE, M, M, 9, "" } },
		2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, it "
		"shows "
		"\"abc\", with the serial of those that show it; 1 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, N, 10, "" }, { ROLE_AUTHORITATIVE, M, M, 9, "" } }, 2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, "
		"although "
		"its serial is ahead; 1 of 2 show it" },
	/* nobody shows it: the newest is the measure, and it is not told of itself */
	{ { { ROLE_AUTHORITATIVE, N, N, 10, "" }, { ROLE_PRIMARY, N, N, 12, "" } }, 2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 2; the primary 192.0.2.2 answers without the record since "
		"10:15:07Z; "
		"0 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, T, 0, "" }, { ROLE_EXTRA, X, X, 99, "" } }, 2,
		"192.0.2.1 (ns1.example.net) is silent since 10:16:07Z and was without the "
		"record "
		"before; the extra 192.0.2.2 answers without the record since 10:15:07Z; 0 of "
		"2 "
		"show it" },
	/* the most telling first, and three at most */
	{ { { ROLE_EXTRA, T, T, 0, "" }, { ROLE_AUTHORITATIVE, R, R, 0, "" },
		  { ROLE_AUTHORITATIVE, L, L, 0, "" }, { ROLE_AUTHORITATIVE, M, M, 0, "" },
		  { ROLE_AUTHORITATIVE, N, N, 0, "" } },
		5,
		"192.0.2.5 answers without the record since 10:15:07Z; 192.0.2.2 refuses to "
		"answer us "
		"since 10:15:07Z; 192.0.2.3 does not have the zone since 10:15:07Z; 1 of 5 "
		"show it" },
};

TEST(evidence_is_told)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
		"192.0.2.4", "192.0.2.5" };

	for (size_t i = 0; i < ARRAY_LEN(tellings); i++) {
		const struct telling *t = &tellings[i];
		struct witness w[5] = { { .address = "" } };
		struct buf out AUTO_BUF = BUF_INIT;

		for (size_t k = 0; k < t->n; k++) {
			w[k].address = addresses[k];
			w[k].server = k == 0 ? "ns1.example.net" : k == 1 ? "" : NULL;
			w[k].role = t->witnesses[k].role;
			w[k].has_serial = t->witnesses[k].serial != 0;
			w[k].serial = t->witnesses[k].serial;
			snprintf(w[k].said, sizeof(w[k].said), "%s",
				t->witnesses[k].said ? t->witnesses[k].said : "");
			if (t->witnesses[k].first != U)
				witness_note(&w[k], (enum sight)t->witnesses[k].first, at(0));
			if (t->witnesses[k].then != U)
				witness_note(&w[k], (enum sight)t->witnesses[k].then, at(60));
		}
		evidence_tell(w, t->n, at(61), &out);
		CHECK_STR(buf_text(&out), t->want);
	}
}

/* However long the names are, the count at the end is not cut off. */
TEST(a_sentence_fits)
{
	static char address[200], server[300];
	struct witness w[9] = { { .address = "" } };
	struct buf out AUTO_BUF = BUF_INIT;

	memset(address, 'a', sizeof(address) - 1);
	memset(server, 's', sizeof(server) - 1);
	for (size_t k = 0; k < ARRAY_LEN(w); k++) {
		w[k].address = address;
		w[k].server = server;
		memset(w[k].said, '"', sizeof(w[k].said) - 1);
		w[k].has_serial = true;
		w[k].serial = (uint32_t)k * 100000000;
		witness_note(&w[k], SIGHT_OTHER, at(0));
	}
	evidence_tell(w, ARRAY_LEN(w), at(1000000), &out);
	CHECK(out.len < 360);
	CHECK(strstr(buf_text(&out), "; 0 of 9 show it"));
}

TEST(serials_explain)
{
	struct witness w[4] = {
		{ .address = "1", .role = ROLE_AUTHORITATIVE, .has_serial = true, .serial = 4 },
		{ .address = "2", .role = ROLE_AUTHORITATIVE, .has_serial = true, .serial = 5 },
		{ .address = "3", .role = ROLE_EXTRA, .has_serial = true, .serial = 3 },
		{ .address = "4", .role = ROLE_AUTHORITATIVE },
	};

	witness_note(&w[0], SIGHT_NXDOMAIN, at(0));
	witness_note(&w[1], SIGHT_MATCH, at(0));
	witness_note(&w[2], SIGHT_NODATA, at(0));
	witness_note(&w[3], SIGHT_NODATA, at(0));
	CHECK_INT(evidence_sight(w, 4, 0), SIGHT_OLDER);
	CHECK_INT(evidence_sight(w, 4, 1), SIGHT_MATCH);
	CHECK_INT(evidence_sight(w, 4, 2), SIGHT_NODATA);
	CHECK_INT(evidence_sight(w, 4, 3), SIGHT_NODATA);
	w[0].serial = 5;
	CHECK_INT(evidence_sight(w, 4, 0), SIGHT_NXDOMAIN);
	CHECK_STR(sight_text(SIGHT_NXDOMAIN), "nxdomain");
	CHECK_STR(server_role_text(ROLE_EXTRA), "extra");
}
