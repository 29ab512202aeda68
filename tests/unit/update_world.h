/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_UPDATE_WORLD_H
#define CERTD_TESTS_UNIT_UPDATE_WORLD_H

#include "lib/base/clock.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_tsig.h"
#include "lib/wire/dns_update.h"
#include "tests/unit/challenge_world.h"

/*
 * A zone of dynamic updates in a world of challenges: the test is the engine, and the server as well, which
 * holds the key, and signs.  use_update() first, finish_update() last.
 */

#define SECRET "0123456789abcdef0123456789abcdef"
#define SERVER "192.0.2.53:53"

enum { MAC_LEN = 32, BEHIND_MAC = 6 };

static size_t n_wanted, n_served;
static struct buf wire;
static int64_t number;

static inline void wanted(void *data, const char *zone)
{
	(void)data;
	CHECK_STR(zone, APEX);
	n_wanted++;
}

static inline void use_update(void)
{
	begin();
	n_wanted = n_served = 0;
	REQUIRE(run("printf " SECRET " | base64 > secret") == 0);
	w.zone.publish.type = PUBLISH_UPDATE;
	w.zone.publish.tsig_name = "key";
	w.zone.publish.tsig_algorithm = "hmac-sha256";
	w.zone.publish.tsig_secret_file = arena_printf(&w.conf->arena, "%s/secret", w.dir);
	challenges_use(w.challenges, w.conf);
	challenges_use_engine(w.challenges, wanted, NULL);
	settle();
}

static inline void finish_update(void)
{
	buf_done(&wire);
	end();
}

/* Runs the loop until there is an update, and has it signed. */
static inline void sign(void)
{
	struct err err = ERR_INIT;
	const char *server = NULL;

	while (n_wanted == n_served)
		loop_step(w.loop);
	n_served = n_wanted;
	buf_clear(&wire);
	CHECK_INT(challenges_sign_update(
			  w.challenges, APEX, SERVER, &wire, &number, &server, &err),
		0);
	CHECK_STR(server, SERVER);
}

/* 1: the message adds the value, -1: it removes it, 0: it does neither. */
static inline int found(const char *value)
{
	const uint8_t *at = memmem(wire.data, wire.len, value, strlen(value));

	/* Behind type, class, TTL and both lengths. */
	return !at ? 0 : at[-8] == 1 && at[-9] == 0 ? 1 : at[-8] == 254 ? -1 : 0;
}

/* What the server answers to the message that was signed last. */
static inline void answer(struct dns_update_answer *out, enum dns_rcode rcode)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	const struct tsig_key key = { "key", "hmac-sha256", &secret };
	struct dns_update_sent sent = { .mac_len = MAC_LEN };
	struct dns_tsig tsig = { .time_s = (uint64_t)clock_now().s, .fudge_s = TSIG_FUDGE_S };
	char header[12] = { wire.data[0], wire.data[1], (char)0xa8, (char)rcode };
	struct err err;

	memcpy(sent.mac, wire.data + wire.len - BEHIND_MAC - MAC_LEN, MAC_LEN);
	secret_add(&secret, SECRET, strlen(SECRET));
	*out = (struct dns_update_answer){ .rcode = (uint16_t)rcode, .is_signed = true };
	buf_add(&out->input, header, sizeof(header));
	out->signed_at = clock_now();
	out->fudge_s = TSIG_FUDGE_S;
	snprintf(out->key_name, sizeof(out->key_name), "key");
	snprintf(out->algorithm, sizeof(out->algorithm), "hmac-sha256");
	REQUIRE(dns_tsig_mac(&key, &sent, &out->input, &tsig, out->mac, &out->mac_len, &err) ==
		0);
}

static inline int judge(const struct dns_update_answer *told_us, struct err *err)
{
	*err = (struct err)ERR_INIT;
	return challenges_judge_update(w.challenges, APEX, number, told_us, err);
}

static inline void carry_out(void)
{
	struct dns_update_answer ours;
	struct err err;

	answer(&ours, DNS_NOERROR);
	CHECK_INT(judge(&ours, &err), 0);
	dns_update_answer_done(&ours);
}

static inline void refuse(enum dns_rcode rcode)
{
	struct dns_update_answer ours;
	struct err err;

	answer(&ours, rcode);
	CHECK_INT(judge(&ours, &err), -1);
	CHECK_INT(err.code, ERR_ZONE_REFUSED);
	dns_update_answer_done(&ours);
}

/* The engine and the server at their best. */
static inline void serve(void)
{
	sign();
	carry_out();
}

#endif
