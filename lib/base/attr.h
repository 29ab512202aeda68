/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_ATTR_H
#define CERTD_LIB_BASE_ATTR_H

/*
 * A compiler attribute has one short name here, so that declarations stay readable and another
 * compiler needs one file changed.
 *
 * CLEANUP(fn) calls fn(&variable) when the variable leaves its scope. It must not stand in a
 * task body (lib/task/task.h) across a wait.
 */

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define NORETURN __attribute__((noreturn))
#define MUST_USE __attribute__((warn_unused_result))
#define FALLTHROUGH __attribute__((fallthrough))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that embeds `member`, of which `ptr` is the address. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
