#include "daemon/keeper/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/key.h"
#include "tests/test.h"

/* One target in a directory of its own, and a store whose files say which version they are of. */
struct place {
	char dir[64];
	int fd; /* of the parent of DIR/GROUP/SERVICE/... */
	struct target_conf target;
	struct cert_conf cert;
};

#define HERE "example.com/web"

static void place_init(struct place *place)
{
	memset(place, 0, sizeof(*place));
	/* In memory where that can be had: the sweeps sync some ten thousand times. */
	snprintf(place->dir, sizeof(place->dir), "%s/copy-test-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(place->dir));
	place->fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->target = (struct target_conf){ .name = "web",
		.dir = place->dir,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.key_mode = 0640,
		.formats = FORMAT_PEM };
	place->cert.name = HERE;
	place->cert.service = place->cert.name + strlen("example.com/");
}

static void place_done(struct place *place)
{
	struct err err = ERR_INIT;

	close(place->fd);
	CHECK_INT(file_remove_tree(AT_FDCWD, place->dir, &err), 0);
}

static int read_made(void *data, const char *file, struct buf *out, struct err *err)
{
	(void)err;
	buf_printf(out, "%s of version %d\n", file, *(const int *)data);
	return 0;
}

static void copy_begin(
	struct copy *copy, const struct place *place, int version, bool use_links)
{
	struct version_id id = { { 1700000000 + version }, 1 };
	struct err err = ERR_INIT;

	*copy = (struct copy){ .n_files = 0 };
	CHECK_INT(copy_init(copy, &place->target, &place->cert, &id, read_made, &version, &err),
		0);
	copy->use_links = use_links;
}

static void do_switch(const struct place *place, int version, bool use_links, bool want_change)
{
	struct err err = ERR_INIT;
	struct copy copy;
	bool changed;

	copy_begin(&copy, place, version, use_links);
	CHECK_INT(copy_switch(&copy, &changed, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(changed, want_change);
	copy_done(&copy);
}

static int do_step(const struct place *place, int step(struct copy *copy, struct err *err))
{
	struct copy copy = { .n_files = 0 };
	struct err err = ERR_INIT;
	int r;

	copy_init_place(&copy, &place->target, &place->cert);
	r = step(&copy, &err);
	copy_done(&copy);
	return r == 0 ? ERR_NONE : (int)err.code;
}

/* Which version lies in `name`, whole: 0 for nothing there, -1 for anything else. */
static int version_in(const struct place *place, const char *name)
{
	static const char *const files[] = { "privkey.pem", "cert.pem", "chain.pem",
		"fullchain.pem", "bundle.pem" };
	int found = 0;

	if (!file_exists(place->fd, name))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[300], text[100] = "", of[100];
		struct buf data AUTO_BUF = BUF_INIT;
		struct err err = ERR_INIT;
		int version;

		snprintf(path, sizeof(path), "%s/%s", name, files[i]);
		if (file_read(place->fd, path, 1000, &data, &err) < 0)
			return -1;
		snprintf(text, sizeof(text), "%s", buf_text(&data));
		if (sscanf(text, "%99s of version %d\n", of, &version) != 2 ||
			!str_is(of, files[i]) || (found && found != version))
			return -1;
		found = version;
	}
	return found;
}

static size_t entries_in(const struct place *place, const char *name)
{
	int fd = openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n < 2 ? 0 : n - 2;
}

static mode_t mode_of(const struct place *place, const char *path)
{
	struct stat st;

	return fstatat(place->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & 07777;
}

/* Everything here holds whether or not the file system can exchange. */
static void life(bool use_links)
{
	size_t links = use_links ? 1 : 0;
	struct place place;

	place_init(&place);
	/* The first copy failed its check: there is nothing again. */
	do_switch(&place, 1, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 0);
	CHECK_INT(do_step(&place, copy_restore), ERR_NOT_FOUND);

	do_switch(&place, 1, use_links, true);
	do_switch(&place, 1, use_links, false);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 1 + links);
	CHECK_INT(do_step(&place, copy_restore), ERR_NOT_FOUND);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);

	/* Two that were never checked: what comes back is the one that was. */
	do_switch(&place, 2, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 2);
	do_switch(&place, 3, use_links, true);
	CHECK_INT(version_in(&place, HERE "/curr"), 3);
	CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	CHECK_INT(entries_in(&place, HERE), 1 + links);

	do_switch(&place, 4, use_links, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(version_in(&place, HERE "/curr"), 4);
	CHECK_INT(entries_in(&place, HERE), 1 + links);
	if (use_links)
		CHECK_INT(entries_in(&place, HERE "/.versions"), 1);
	CHECK_INT(mode_of(&place, HERE), 0755);
	CHECK_INT(mode_of(&place, "example.com"), 0755);
	place_done(&place);
}

TEST(exchange)
{
	life(false);
}

TEST(links)
{
	life(true);
}

/* The same directory may move between file systems that can and cannot. */
TEST(between_exchange_and_links)
{
	struct place place;
	int version = 0;

	place_init(&place);
	for (int i = 0; i < 8; i++) {
		bool use_links = i & 1, fails = i & 2;

		do_switch(&place, i + 1, use_links, true);
		CHECK_INT(do_step(&place, fails ? copy_restore : copy_settle), ERR_NONE);
		version = fails ? version : i + 1;
		CHECK_INT(version_in(&place, HERE "/curr"), version);
		CHECK(!file_exists(place.fd, HERE "/.certd-old"));
	}
	place_done(&place);
}

TEST(modes_are_final)
{
	struct place place;

	umask(077);
	place_init(&place);
	place.target.dir = mem_printf("%s/a/b", place.dir);
	do_switch(&place, 1, false, true);
	CHECK_INT(mode_of(&place, "a"), 0755);
	CHECK_INT(mode_of(&place, "a/b/" HERE), 0755);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr"), 0750);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/privkey.pem"), 0640);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/bundle.pem"), 0640);
	CHECK_INT(mode_of(&place, "a/b/" HERE "/curr/fullchain.pem"), 0644);
	free((char *)(uintptr_t)place.target.dir);
	place_done(&place);
	umask(022);
}

TEST(owners_are_final)
{
	static const char *const paths[] = { "example.com", HERE, HERE "/curr",
		HERE "/curr/privkey.pem", HERE "/curr/cert.pem" };
	struct place place;
	struct stat st;

	if (geteuid() != 0)
		return;
	place_init(&place);
	place.target.uid = 65533;
	place.target.gid = 65532;
	do_switch(&place, 1, false, true);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		REQUIRE(fstatat(place.fd, paths[i], &st, AT_SYMLINK_NOFOLLOW) == 0);
		CHECK_INT(st.st_uid, 65533);
		CHECK_INT(st.st_gid, 65532);
	}
	do_switch(&place, 1, false, false);
	place.target.gid = 65531;
	do_switch(&place, 1, false, true);
	place_done(&place);
}

static void tamper(const struct place *place, int how)
{
	switch (how) {
	case 0:
		CHECK_INT(fchmodat(place->fd, HERE "/curr/privkey.pem", 0644, 0), 0);
		break;
	case 1:
		CHECK_INT(unlinkat(place->fd, HERE "/curr/chain.pem", 0), 0);
		break;
	case 2:
		CHECK_INT(symlinkat("x", place->fd, HERE "/curr/more"), 0);
		break;
	case 3: {
		int fd = openat(place->fd, HERE "/curr/cert.pem", O_WRONLY | O_CLOEXEC);

		CHECK_INT(write(fd, "X", 1), 1);
		close(fd);
		break;
	}
	case 4:
		CHECK_INT(unlinkat(place->fd, HERE "/curr/cert.pem", 0), 0);
		CHECK_INT(symlinkat("fullchain.pem", place->fd, HERE "/curr/cert.pem"), 0);
		break;
	case 5:
		CHECK_INT(fchmodat(place->fd, HERE "/curr", 0777, 0), 0);
		break;
	case 6:
		CHECK_INT(renameat(place->fd, HERE "/curr", place->fd, HERE "/gone"), 0);
		break;
	}
}

TEST(changes_from_outside_are_seen_and_put_right)
{
	struct err err = ERR_INIT;
	struct place place;

	place_init(&place);
	do_switch(&place, 1, false, true);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	for (int how = 0; how <= 6; how++) {
		struct copy copy;
		bool is_there;

		copy_begin(&copy, &place, 1, false);
		CHECK_INT(copy_is_there(&copy, &is_there, &err), 0);
		CHECK(is_there);
		tamper(&place, how);
		CHECK_INT(copy_is_there(&copy, &is_there, &err), 0);
		CHECK(!is_there);
		copy_done(&copy);
		do_switch(&place, 1, false, true);
		CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		CHECK_INT(version_in(&place, HERE "/curr"), 1);
	}
	place_done(&place);
}

/* Links that the owner of the directory might put there: nothing outside is ever touched. */
TEST(hostile_links)
{
	static const char *const names[] = { "example.com", HERE, HERE "/curr",
		HERE "/.certd-new", HERE "/.certd-swap", HERE "/.certd-old", HERE "/.versions",
		HERE "/next", HERE "/.certd-next" };

	for (size_t i = 0; i < ARRAY_LEN(names) * 2; i++) {
		const char *name = names[i / 2];
		struct place place, victim;
		struct err err = ERR_INIT;
		struct copy copy;
		bool changed;

		place_init(&place);
		place_init(&victim);
		do_switch(&victim, 9, false, true);
		CHECK_INT(do_step(&victim, copy_settle), ERR_NONE);
		if (strchr(name, '/'))
			CHECK_INT(mkdirat(place.fd, "example.com", 0755), 0);
		if (strchr(name, '/') != strrchr(name, '/'))
			CHECK_INT(mkdirat(place.fd, HERE, 0755), 0);
		CHECK_INT(symlinkat(victim.dir, place.fd, name), 0);
		copy_begin(&copy, &place, 1, i & 1);
		if (copy_switch(&copy, &changed, &err) == 0) {
			CHECK_INT(version_in(&place, HERE "/curr"), 1);
			(void)copy_put_next(&copy, &err);
			(void)copy_drop_next(&copy, &err);
			(void)(i & 2 ? copy_restore : copy_settle)(&copy, &err);
		} else {
			CHECK(i / 2 < 2 || str_ends(name, ".versions"));
		}
		copy_done(&copy);
		CHECK_INT(version_in(&victim, HERE "/curr"), 9);
		CHECK_INT(entries_in(&victim, "."), 1);
		CHECK_INT(entries_in(&victim, HERE), 1);
		place_done(&place);
		place_done(&victim);
	}
}

/* A real key and certificate, for the formats that are not copies of files. */
struct material {
	struct secret key, bundle;
	struct buf cert;
};

static int read_real(void *data, const char *file, struct buf *out, struct err *err)
{
	const struct material *from = data;

	(void)err;
	if (str_is(file, "privkey.pem"))
		buf_add(out, from->key.data, from->key.len);
	else if (str_is(file, "bundle.pem"))
		buf_add(out, from->bundle.data, from->bundle.len);
	else if (!str_is(file, "chain.pem"))
		buf_add(out, from->cert.data, from->cert.len);
	return 0;
}

static void make_material(struct material *out)
{
	const char *const names[] = { "example.com" };
	const struct dn_field subject = { "CN", "example.com" };
	const struct cert_wish wish = { .subject = &subject,
		.n_subject = 1,
		.names = names,
		.n_names = 1,
		.path_length = -1 };
	struct key *key AUTO_KEY = NULL;
	struct cert *cert AUTO_CERT = NULL;
	struct err err = ERR_INIT;
	struct cert_issue order = { .wish = &wish,
		.digest = "sha256",
		.not_before = { 1700000000 },
		.not_after = { 1900000000 } };

	memset(out, 0, sizeof(*out));
	REQUIRE(key_make("ec:P-256", &key, &err) == 0);
	order.key = key;
	REQUIRE(cert_issue(&order, &cert, &err) == 0);
	REQUIRE(key_write(key, &out->key, &err) == 0);
	cert_write(cert, &out->cert);
	secret_add(&out->bundle, out->key.data, out->key.len);
	secret_add(&out->bundle, out->cert.data, out->cert.len);
}

static void material_done(struct material *material)
{
	secret_done(&material->key);
	secret_done(&material->bundle);
	buf_done(&material->cert);
}

static int switch_real(
	const struct place *place, struct material *from, bool *changed, struct err *err)
{
	struct version_id id = { { 1700000000 }, 1 };
	struct copy copy = { .n_files = 0 };
	int r = copy_init(&copy, &place->target, &place->cert, &id, read_real, from, err);

	if (r == 0)
		r = copy_switch(&copy, changed, err);
	copy_done(&copy);
	return r;
}

TEST(formats)
{
	struct material material;
	struct err err = ERR_INIT;
	struct place place;
	char password[100];
	bool changed;

	make_material(&material);
	place_init(&place);
	place.target.formats = FORMAT_DER | FORMAT_COMBINED | FORMAT_PKCS12 | FORMAT_ANCHOR;
	CHECK_INT(switch_real(&place, &material, &changed, &err), -1);
	CHECK_INT(err.code, ERR_BAD_CONFIG);
	snprintf(password, sizeof(password), "%s/password", place.dir);
	place.target.password_file = password;
	CHECK_INT(file_replace(place.fd, "password", "secret\n", 7, FILE_SECRET, &err), 0);
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(changed);
	CHECK_INT(entries_in(&place, HERE "/curr"), 5);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.p12"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/privkey.der"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/combined.pem"), 0640);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.der"), 0644);
	CHECK_INT(mode_of(&place, HERE "/curr/cert.pem"), 0644);
	/* PKCS#12 is salted anew each time; that alone is no reason to copy again. */
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(!changed);
	CHECK_INT(file_replace(place.fd, "password", "other\n", 6, FILE_SECRET, &err), 0);
	CHECK_INT(switch_real(&place, &material, &changed, &err), 0);
	CHECK(changed);
	place_done(&place);
	material_done(&material);
}

TEST(keys_of_a_ca_never_leave)
{
	struct place place;

	place_init(&place);
	place.cert.name = "ca/my-root";
	place.cert.service = place.cert.name + 3;
	place.cert.is_ca = true;
	place.target.formats = FORMAT_PEM | FORMAT_DER | FORMAT_COMBINED | FORMAT_PKCS12;
	do_switch(&place, 1, false, true);
	CHECK_INT(entries_in(&place, "ca/my-root/curr"), 1);
	CHECK_INT(mode_of(&place, "ca/my-root/curr/cert.pem"), 0644);
	CHECK_INT(mode_of(&place, "ca/my-root/curr"), 0755);
	place_done(&place);
}

TEST(next_comes_and_goes)
{
	struct err err = ERR_INIT;
	struct place place;
	struct copy copy;

	place_init(&place);
	CHECK_INT(do_step(&place, copy_drop_next), ERR_NONE);
	do_switch(&place, 1, false, true);
	for (int version = 2; version < 4; version++) {
		copy_begin(&copy, &place, version, false);
		CHECK_INT(copy_put_next(&copy, &err), 0);
		CHECK_INT(copy_put_next(&copy, &err), 0);
		CHECK_INT(version_in(&place, HERE "/next"), version);
		copy_done(&copy);
	}
	CHECK_INT(do_step(&place, copy_drop_next), ERR_NONE);
	CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
	CHECK_INT(entries_in(&place, HERE), 1);
	CHECK_INT(version_in(&place, HERE "/curr"), 1);
	place_done(&place);
}

/*
 * Runs `act` in a child that is killed at its k-th system call.  False when it came to its end
 * before that.
 */
static bool killed_at(int k, void act(const struct place *place), const struct place *place)
{
	pid_t pid = fork();
	int status, n = 0;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		act(place);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (n++ == k) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return true;
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	return false;
}

static bool crash_links; /* for the child, which inherits it */

static void act_switch(const struct place *place)
{
	do_switch(place, 2, crash_links, true);
	(void)do_step(place, copy_settle);
}

static void act_restore(const struct place *place)
{
	do_switch(place, 2, crash_links, true);
	(void)do_step(place, copy_restore);
}

/*
 * However far it came: curr is whole at every instant, and doing it again ends well.  Each call
 * is seen twice, when it begins and when it ends, so a stride of two meets all of them.
 */
static void crash_sweep(void act(const struct place *place), bool has_curr, int stride)
{
	bool goes_on = true;

	for (int k = 1; goes_on; k += stride) {
		struct place place;
		int version;

		place_init(&place);
		if (has_curr) {
			do_switch(&place, 1, crash_links, true);
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		}
		goes_on = killed_at(k, act, &place);
		version = version_in(&place, HERE "/curr");
		CHECK(version == 1 || version == 2 || (version == 0 && !has_curr));
		if (act == act_restore) {
			struct copy copy;
			struct err err = ERR_INIT;
			bool changed;

			/* The engine asks again: copy, check, put back. */
			copy_begin(&copy, &place, 2, crash_links);
			CHECK_INT(copy_switch(&copy, &changed, &err), 0);
			copy_done(&copy);
			CHECK_INT(do_step(&place, copy_restore), ERR_NONE);
			CHECK_INT(version_in(&place, HERE "/curr"), has_curr ? 1 : 0);
		} else {
			struct copy copy;
			struct err err = ERR_INIT;
			bool changed;

			copy_begin(&copy, &place, 3, crash_links);
			CHECK_INT(copy_switch(&copy, &changed, &err), 0);
			copy_done(&copy);
			CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
			CHECK_INT(version_in(&place, HERE "/curr"), 3);
		}
		CHECK_INT(do_step(&place, copy_settle), ERR_NONE);
		CHECK(!file_exists(place.fd, HERE "/.certd-new"));
		CHECK(entries_in(&place, HERE) <= 1 + (size_t)crash_links);
		place_done(&place);
	}
}

TEST(killed_at_every_system_call_of_a_switch)
{
	crash_links = false;
	crash_sweep(act_switch, true, 2);
	crash_sweep(act_switch, false, 10);
	crash_links = true;
	crash_sweep(act_switch, true, 10);
}

TEST(killed_at_every_system_call_of_a_restore)
{
	crash_links = false;
	crash_sweep(act_restore, true, 2);
	crash_sweep(act_restore, false, 10);
	crash_links = true;
	crash_sweep(act_restore, true, 10);
}
