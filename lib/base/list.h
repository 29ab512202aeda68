/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_LIST_H
#define CERTD_LIB_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

/*
 * A list links structs that embed a struct list; its head is a struct list too. A zeroed link
 * is in no list and may be passed to list_remove(), and a removed link is zeroed. The list owns
 * nothing.
 */

struct list {
	struct list *prev, *next;
};

#define LIST_OF(link, type, member) CONTAINER_OF(link, type, member)

static inline void list_init(struct list *head)
{
	head->prev = head->next = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return !head->next || head->next == head;
}

static inline bool list_is_linked(const struct list *link)
{
	return link->next != NULL;
}

static inline void list_insert(struct list *before, struct list *link)
{
	link->prev = before->prev;
	link->next = before;
	before->prev->next = link;
	before->prev = link;
}

static inline void list_append(struct list *head, struct list *link)
{
	list_insert(head, link);
}

static inline void list_remove(struct list *link)
{
	if (!link->next)
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->prev = link->next = NULL;
}

static inline struct list *list_first(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

/* Loops over all links; the _safe form allows removal of the current one. */
#define list_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)
#define list_each_safe(at, head)                                                               \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head);              \
		at = at##_next, at##_next = at->next)

#endif
