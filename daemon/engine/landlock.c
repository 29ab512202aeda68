/* SPDX-License-Identifier: MIT */
#include "daemon/engine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

/*
 * The installed header may be older than the running kernel, so what came after ABI 1 is
 * written down here, with the names of landlock(7).
 */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define FS_ABI_1 ((UINT64_C(1) << 13) - 1) /* execute up to make_sym */
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define RULE_NET_PORT 2

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct net_port_attr {
	uint64_t access, port;
};

/* A kernel refuses a longer struct than its own unless the rest is zero, so cut it to its ABI. */
static size_t ruleset_size(int abi)
{
	if (abi >= ABI_SCOPE)
		return sizeof(struct ruleset_attr);
	return abi >= ABI_NET ? offsetof(struct ruleset_attr, scoped)
			      : offsetof(struct ruleset_attr, net);
}

static struct ruleset_attr rights_of(int abi)
{
	struct ruleset_attr attr = { .fs = FS_ABI_1 };

	if (abi >= ABI_REFER)
		attr.fs |= FS_REFER;
	if (abi >= ABI_TRUNCATE)
		attr.fs |= FS_TRUNCATE;
	if (abi >= ABI_NET)
		attr.net |= NET_BIND_TCP;
	if (abi >= ABI_IOCTL)
		attr.fs |= FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE)
		attr.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return attr;
}

static int allow_reading(int ruleset, const char *path, struct err *err)
{
	int fd AUTO_CLOSE = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd
	};
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : err_sys(err, ERR_IO, errno, "%s cannot be opened", path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) !=
		0)
		return err_sys(err, ERR_IO, errno, "%s cannot be kept readable", path);
	return 0;
}

void landlock_lacks(int abi, struct buf *out)
{
	static const struct {
		int since;
		const char *what;
	} rights[] = {
		{ ABI_TRUNCATE, "truncation" },
		{ ABI_NET, "TCP ports" },
		{ ABI_IOCTL, "ioctl of devices" },
		{ ABI_SCOPE, "signals" },
		{ ABI_SCOPE, "abstract sockets" },
	};
	bool has = false;

	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		if (abi >= rights[i].since)
			continue;
		buf_printf(out, "%s%s", has ? ", " : "", rights[i].what);
		has = true;
	}
}

int landlock_enter(const char *const *const *lists, size_t n_lists, struct err *err)
{
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset_attr attr = rights_of((int)abi);
	struct net_port_attr ephemeral = { NET_BIND_TCP, 0 };

	if (abi < 1)
		return err_sys(err, ERR_NOT_FOUND, errno, "the kernel has none");

	int ruleset AUTO_CLOSE =
		(int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_size((int)abi), 0);

	if (ruleset < 0)
		return err_sys(err, ERR_IO, errno, "it refuses its own rights");
	for (size_t i = 0; i < n_lists; i++)
		for (const char *const *path = lists[i]; path && *path; path++)
			if (allow_reading(ruleset, *path, err) < 0)
				return -1;
	if (abi >= ABI_NET &&
		syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &ephemeral, 0) != 0)
		return err_sys(err, ERR_IO, errno, "ephemeral ports cannot be allowed");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return err_sys(err, ERR_IO, errno, "it cannot be entered");
	return (int)abi;
}
