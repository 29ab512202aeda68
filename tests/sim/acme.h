/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_ACME_H
#define CERTD_TESTS_SIM_ACME_H

/* Configurations of the scenarios with ACME CAs: the CAs a and b, at https://a.test/ and https://b.test/. */

#define A_TEST "https://a.test/"
#define B_TEST "https://b.test/"

#define ACME_CA(name, challenge)                                                               \
	"  " name ": {type: acme, directory: 'https://" name                                   \
	".test/dir', terms_agreed: true, "                                                     \
	"challenge: " challenge "}\n"

#define ACME_DAEMON                                                                            \
	"state_dir: /sim/state\ncontrol: {socket: /sim/socket}\n"                              \
	"http: {listen: ['[::]:80']}\ntls_alpn: {listen: ['[::]:443']}\n"                      \
	"defaults: {key: 'ec:P-256', roll: {min_age: 5s}}\n"

#define ONE_CA ACME_DAEMON "cas:\n" ACME_CA("a", "http-01")
#define TWO_CAS ONE_CA ACME_CA("b", "tls-alpn-01")

#define FRONT "targets:\n  front: {dir: /srv/front, reload: {command: [reload-front]}}\n"

#define WEB "example.com/web"
#define MAIL "example.com/mail"

#define WEB_OF(cas)                                                                            \
	"groups:\n  example.com:\n"                                                            \
	"    web: {ca: " cas ", names: [example.com, www.example.com], deploy: [front]}\n"
#define ONE_CERT WEB_OF("a") FRONT
#define TWO_CERTS                                                                              \
	WEB_OF("a") "    mail: {ca: a, names: [mail.example.com], deploy: [front]}\n" FRONT

/* What is published by command, in zones with two name servers each (tests/sim/wires.h). */
#define DNS_PUBLISH "{publish: {type: command, add: [add], remove: [remove]}}"
#define DNS_OF(rest, zones) "dns: {resolver: [198.51.100.53], " rest ", zones: {" zones "}}\n"
#define DNS_ZONES "example.com: " DNS_PUBLISH

#endif
