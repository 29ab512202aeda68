/* SPDX-License-Identifier: MIT */
#include "lib/wire/url.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/buf.h"

/* RFC 3986, 5.2; `at` is NULL for an absent part, which differs from an empty one. */
struct span {
	const char *at;
	size_t len;
};

struct parts {
	struct span scheme, authority, path, query, fragment;
};

static struct span take(const char **p, const char *stop)
{
	struct span span = { *p, strcspn(*p, stop) };

	*p += span.len;
	return span;
}

static void split(const char *p, struct parts *out)
{
	size_t n = strcspn(p, ":/?#");

	*out = (struct parts){ { 0 } };
	if (p[n] == ':' && isalpha((unsigned char)*p)) {
		out->scheme = (struct span){ p, n };
		p += n + 1;
	}
	if (p[0] == '/' && p[1] == '/') {
		p += 2;
		out->authority = take(&p, "/?#");
	}
	out->path = take(&p, "?#");
	if (*p == '?') {
		p++;
		out->query = take(&p, "#");
	}
	if (*p == '#') {
		p++;
		out->fragment = take(&p, "");
	}
}

/* Removes the part behind the last slash of the output, and that slash. */
static void drop_segment(struct buf *out, size_t from)
{
	while (out->len > from && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > from)
		out->len--;
	if (out->data)
		out->data[out->len] = 0;
}

/* Appends a path without its "." and ".." segments (5.2.4). */
static void add_path(struct buf *out, const char *path)
{
	size_t from = out->len;

	while (*path) {
		size_t n = strcspn(path + 1, "/") + 1;

		if (*path != '/') {
			n = strcspn(path, "/");
			if (!(n == 1 && path[0] == '.') && !(n == 2 && !memcmp(path, "..", 2)))
				buf_add(out, path, n);
			else if (path[n])
				n++;
		} else if (n == 2 && path[1] == '.') {
			if (!path[n])
				buf_add_char(out, '/');
		} else if (n == 3 && path[1] == '.' && path[2] == '.') {
			drop_segment(out, from);
			if (!path[n])
				buf_add_char(out, '/');
		} else {
			buf_add(out, path, n);
		}
		path += n;
	}
}

/* Appends a relative reference's path behind the base's folder (5.2.3). */
static void merge(const struct parts *base, struct span path, struct buf *out)
{
	size_t n = base->path.len;

	if (base->authority.at && n == 0) {
		buf_add_char(out, '/');
	} else {
		while (n > 0 && base->path.at[n - 1] != '/')
			n--;
		buf_add(out, base->path.at, n);
	}
	buf_add(out, path.at, path.len);
}

static void add_part(struct buf *out, const char *before, struct span span, const char *behind)
{
	if (!span.at)
		return;
	buf_add_text(out, before);
	buf_add(out, span.at, span.len);
	buf_add_text(out, behind);
}

void url_resolve(const char *base, const char *reference, struct buf *out)
{
	struct buf path AUTO_BUF = BUF_INIT;
	struct parts b, r;

	split(base, &b);
	split(reference, &r);
	if (!r.scheme.at) {
		r.scheme = b.scheme;
		if (!r.authority.at) {
			r.authority = b.authority;
			if (r.path.len == 0) {
				r.path = b.path;
				if (!r.query.at)
					r.query = b.query;
				buf_add(&path, r.path.at, r.path.len);
			} else if (*r.path.at != '/') {
				merge(&b, r.path, &path);
			}
		}
	}
	if (path.len == 0)
		buf_add(&path, r.path.at, r.path.len);
	add_part(out, "", r.scheme, ":");
	add_part(out, "//", r.authority, "");
	add_path(out, buf_text(&path));
	add_part(out, "?", r.query, "");
	add_part(out, "#", r.fragment, "");
}
