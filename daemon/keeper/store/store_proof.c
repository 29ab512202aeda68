/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store_private.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypt/der_peek.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"

/*
 * The proof of a version: its key, certificate and info file were found to belong together.
 * Comparing them costs more than all else that is done with a certificate's facts, and one
 * renewal reads the facts several times; so a comparison is remembered by the state of the
 * files when it was made.
 *
 * No user can set a ctime.  A foreign write within the same tick of the clock as ours would go
 * unnoticed here; where the pair matters, at a roll and when a key leaves the store, it is
 * compared each time.
 */

/*
 * The digest in the info file proves the certificate to be the one that was checked when the file
 * was made, byte for byte, and so saves making an object of it.
 */
bool proof_compare(const struct buf *cert, const struct secret *privkey, const char *info,
	const struct version_facts *said)
{
	uint8_t sha256[SHA256_LEN], spki[SHA256_LEN];
	struct buf value AUTO_BUF = BUF_INIT;
	struct key *key AUTO_KEY = NULL;
	struct cert_peek peek;
	struct err ignored;

	if (!info_value(info, "sha256", &value) ||
		!str_unhex(buf_text(&value), sha256, sizeof(sha256)) ||
		!der_peek_cert(cert->data, cert->len, &peek) ||
		memcmp(peek.sha256, sha256, sizeof(sha256)) != 0 ||
		memcmp(peek.spki, said->spki, sizeof(peek.spki)) != 0 ||
		peek.not_after.s != said->not_after.s)
		return false;
	if (!der_peek_key(privkey->data, privkey->len, spki)) {
		if (key_read(privkey->data, privkey->len, &key, &ignored) < 0)
			return false;
		key_spki_sha256(key, spki);
	}
	return memcmp(peek.spki, spki, sizeof(spki)) == 0;
}

static const char *const proven[] = { "privkey.pem", "cert.pem", "info" };

_Static_assert(ARRAY_LEN(proven) == PROOF_FILES, "one stamp a file");

bool proof_take(int fd, struct proof *out)
{
	struct stat st;

	*out = (struct proof){ .files[0].inode = 0 };
	for (size_t i = 0; i < PROOF_FILES; i++) {
		if (fstatat(fd, proven[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
		out->files[i] = (struct stamp){ st.st_ino, st.st_ctim.tv_sec,
			st.st_ctim.tv_nsec, st.st_size };
	}
	return true;
}

static struct proof *place_of(struct store *store, const struct proof *proof)
{
	/* The info file is never shared between versions, not even by hard links. */
	return &store->proofs[proof->files[PROOF_FILES - 1].inode % PROOFS];
}

void proof_keep(struct store *store, const struct proof *proof)
{
	*place_of(store, proof) = *proof;
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->inode == b->inode && a->changed == b->changed && a->ns == b->ns &&
	       a->size == b->size;
}

bool proof_holds(struct store *store, const struct proof *proof)
{
	const struct proof *known = place_of(store, proof);

	for (size_t i = 0; i < PROOF_FILES; i++)
		if (!proof->files[i].inode || !stamp_equal(&known->files[i], &proof->files[i]))
			return false;
	return true;
}
