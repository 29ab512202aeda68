/* SPDX-License-Identifier: MIT */
#include "daemon/engine/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/engine/landlock.h"
#include "daemon/engine/syscalls.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/* The files that a TLS and DNS client reads, on known distributions. */
static const char *const always_readable[] = {
	/* authorities, and the directories that their links point into */
	"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/tls",
	"/etc/pki/ca-trust", "/etc/ca-certificates", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/usr/share/pki", "/var/lib/ca-certificates",
	/* names of hosts; resolv.conf is often a link into one of the directories */
	"/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	"/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf", "/etc/services",
	/* local time, for windows */
	"/etc/localtime", "/usr/share/zoneinfo", NULL
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
/*
 * LeakSanitizer stops the process with ptrace at its end, which is one of the calls that kill.  A
 * program with a sandbox therefore looks for leaks in its unit tests and simulations.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

void __sanitizer_symbolize_pc(void *pc, const char *format, char *out, size_t size);

/* A report names functions only if the program was opened while it could be. */
static void open_symbols(void)
{
	char name[64];

	__sanitizer_symbolize_pc(__builtin_return_address(0), "%f", name, sizeof(name));
}
#else
static void open_symbols(void)
{
}
#endif

static bool report(struct buf *out, const char *name, bool holds, const struct err *err)
{
	if (out->len > 0)
		buf_add_text(out, " ");
	if (holds)
		buf_add_text(out, name);
	else
		buf_printf(out, "(no %s: %s)", name, err->text);
	return holds;
}

static bool forbid_privileges(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return true;
	err_sys(err, ERR_NO_RIGHTS, errno, "the kernel refuses");
	return false;
}

/* The bounding set needs a right that we seldom have; without it no-new-privs makes it idle. */
static bool drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) == 0)
		return true;
	err_sys(err, ERR_NO_RIGHTS, errno, "they cannot be given up");
	return false;
}

/* An old kernel protects less and is not refused, so the log says what it leaves open. */
static void report_lacks(int abi, struct buf *out)
{
	struct buf lacks AUTO_BUF = BUF_INIT;

	landlock_lacks(abi, &lacks);
	if (lacks.len)
		buf_printf(out, " (landlock lacks: %s)", buf_text(&lacks));
}

static bool enter(const char *const *const *lists, size_t n_lists,
	int (*forbid_calls)(struct err *err), struct buf *out)
{
	char name[32] = "landlock";
	struct err err = ERR_INIT;
	bool all;
	int abi;

	open_symbols();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	all = report(out, "no-new-privs", forbid_privileges(&err), &err);
	all &= report(out, "no-caps", drop_capabilities(&err), &err);
	abi = landlock_enter(lists, n_lists, &err);
	if (abi > 0)
		snprintf(name, sizeof(name), "landlock(%d)", abi);
	all &= report(out, name, abi > 0, &err);
	if (abi > 0)
		report_lacks(abi, out);
	all &= report(out, "seccomp", forbid_calls(&err) == 0, &err);
	return all;
}

bool sandbox_enter(const char *const *readable, struct buf *out)
{
	const char *const *const lists[] = { always_readable, readable };

	/* The keeper's end takes us with it even if we are too busy to see the socket close. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return enter(lists, ARRAY_LEN(lists), syscalls_enter, out);
}

bool sandbox_enter_relay(struct buf *out)
{
	return enter(NULL, 0, syscalls_enter_relay, out);
}
