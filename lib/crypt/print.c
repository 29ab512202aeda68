#include <string.h>

#include "lib/base/buf.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/ssl.h"

/* The column where values begin, and where long lists of names break. */
#define VALUE_COLUMN 12
#define LINE_WIDTH 76

/* Names and subjects are other people's bytes: no escape sequence reaches a terminal. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)*text);
		else
			buf_add_char(out, *text);
}

static void line(struct buf *out, const char *indent, const char *key, const char *value)
{
	buf_printf(out, "%s%-*s ", indent, VALUE_COLUMN, key);
	add_plain(out, value);
	buf_add_char(out, '\n');
}

static void line_names(struct buf *out, const char *indent, char *const *names, size_t n)
{
	size_t column = VALUE_COLUMN;

	if (n == 0)
		return;
	buf_printf(out, "%s%-*s", indent, VALUE_COLUMN, "names");
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]) + 1;

		if (column > VALUE_COLUMN && column + len > LINE_WIDTH) {
			buf_printf(out, "\n%s%*s", indent, VALUE_COLUMN, "");
			column = VALUE_COLUMN;
		}
		buf_add_char(out, ' ');
		add_plain(out, names[i]);
		column += len;
	}
	buf_add_char(out, '\n');
}

static void line_name(
	struct buf *out, const char *indent, const char *key, const X509_NAME *name)
{
	struct buf text AUTO_BUF = BUF_INIT;

	ssl_name_text(name, &text);
	line(out, indent, key, text.len ? buf_text(&text) : "(empty)");
}

static void line_hash(
	struct buf *out, const char *indent, const char *key, const uint8_t hash[SHA256_LEN])
{
	struct buf text AUTO_BUF = BUF_INIT;

	buf_add_hex(&text, hash, SHA256_LEN);
	line(out, indent, key, buf_text(&text));
}

static void line_dates(
	struct buf *out, const char *indent, const struct cert *cert, struct instant now)
{
	char from[INSTANT_TEXT_LEN], to[INSTANT_TEXT_LEN], life[DURATION_TEXT_LEN];
	char left[DURATION_TEXT_LEN];

	instant_text(cert->not_before, from);
	instant_text(cert->not_after, to);
	buf_printf(out, "%s%-*s %s%s\n", indent, VALUE_COLUMN, "not before", from,
		instant_before(now, cert->not_before) ? " (not yet valid)" : "");
	duration_brief(instant_since(cert->not_after, cert->not_before), life);
	if (instant_before(now, cert->not_after))
		buf_printf(out, "%s%-*s %s (%s left of %s)\n", indent, VALUE_COLUMN,
			"not after", to,
			duration_brief(instant_since(cert->not_after, now), left), life);
	else
		buf_printf(out, "%s%-*s %s (expired %s ago)\n", indent, VALUE_COLUMN,
			"not after", to,
			duration_brief(instant_since(now, cert->not_after), left));
}

static void line_ca(struct buf *out, const char *indent, const struct cert *cert)
{
	int length = cert_path_length(cert);

	if (!cert_is_ca(cert))
		return;
	if (length < 0)
		line(out, indent, "ca", "yes");
	else
		buf_printf(out, "%s%-*s yes, path length %d\n", indent, VALUE_COLUMN, "ca",
			length);
}

void cert_print(
	const struct cert *cert, struct instant now, const char *indent, struct buf *out)
{
	struct buf serial AUTO_BUF = BUF_INIT;
	char text[KEY_TYPE_LEN];
	uint8_t hash[SHA256_LEN];

	line_name(out, indent, "subject", X509_get_subject_name(cert->x509));
	line_name(out, indent, "issuer", X509_get_issuer_name(cert->x509));
	line_names(out, indent, cert->names, cert->n_names);
	line_dates(out, indent, cert, now);
	line(out, indent, "key", cert_key_type(cert, text));
	line(out, indent, "signature", cert_signature(cert, text));
	line_ca(out, indent, cert);
	cert_serial(cert, &serial);
	line(out, indent, "serial", buf_text(&serial));
	cert_sha256(cert, hash);
	line_hash(out, indent, "sha256", hash);
	cert_spki_sha256(cert, hash);
	line_hash(out, indent, "spki sha256", hash);
}

void csr_print(const struct csr *csr, const char *indent, struct buf *out)
{
	char text[KEY_TYPE_LEN];

	line_name(out, indent, "subject", X509_REQ_get_subject_name(csr->req));
	line_names(out, indent, csr->names, csr->n_names);
	line(out, indent, "key",
		ssl_key_type(X509_REQ_get0_pubkey(csr->req), text, sizeof(text)));
	line(out, indent, "signature", OBJ_nid2ln(X509_REQ_get_signature_nid(csr->req)));
}
