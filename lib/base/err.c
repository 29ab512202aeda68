/* SPDX-License-Identifier: MIT */
#include "lib/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

static const struct {
	const char *name;
	enum err_class class;
	int exit;
} codes[] = {
	[ERR_NONE] = { "none", CLASS_NONE, 0 },
#define CODE(id, name, class, exit, help) [ERR_##id] = { name, CLASS_##class, exit },
#include "proto/codes.def"
#undef CODE
};

static const char *const classes[] = {
	[CLASS_NONE] = "none",
	[CLASS_TRANSIENT] = "transient",
	[CLASS_QUOTA] = "quota",
	[CLASS_REFUSED] = "refused",
	[CLASS_CONFIG] = "config",
	[CLASS_LOCAL] = "local",
	[CLASS_CANCELLED] = "cancelled",
};

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	*err = (struct err){ .code = code };
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	text_show_here(err->text, sizeof(err->text));
	return -1;
}

int err_sys(struct err *err, enum err_code code, int sys, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	*err = (struct err){ .code = code, .sys = sys };
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(sys));
	text_show_here(err->text, sizeof(err->text));
	return -1;
}

int err_add(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	size_t len;
	va_list ap;

	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", inner);
	text_show_here(err->text, sizeof(err->text));
	return -1;
}

const char *err_code_text(enum err_code code)
{
	return code < ERR_COUNT ? codes[code].name : "unknown";
}

enum err_code err_code_parse(const char *text)
{
	enum err_code code = ERR_NONE;

	while (code < ERR_COUNT && strcmp(codes[code].name, text) != 0)
		code++;
	return code;
}

enum err_class err_code_class(enum err_code code)
{
	return code < ERR_COUNT ? codes[code].class : CLASS_TRANSIENT;
}

const char *err_class_text(enum err_class class)
{
	return classes[class];
}

int err_code_exit(enum err_code code)
{
	return code < ERR_COUNT ? codes[code].exit : 1;
}

enum err_code err_code_of_errno(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return ERR_DISK_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_NO_RIGHTS;
	default:
		return ERR_IO;
	}
}
