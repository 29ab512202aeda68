/* SPDX-License-Identifier: MIT */
#include "lib/log/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/text.h"
#include "lib/log/relay.h"

static const char *identifier = "certd";
static bool is_journal;

/* sd_journal_sendv() keeps its own socket, which reconnects when journald restarts. */
static void send_fields(const struct iovec *fields, int n)
{
	sd_journal_sendv(fields, n);
}

void log_to_journal(const struct log_entry *entry, void *data)
{
	const char *message_id = event_message_id(entry->event);
	struct iovec iov[RELAY_FIELDS_MAX];
	int n = 0;

	(void)data;
#define FIELD(...)                                                                             \
	do {                                                                                   \
		char *text = mem_printf(__VA_ARGS__);                                          \
		iov[n++] = (struct iovec){ text, strlen(text) };                               \
	} while (0)
	FIELD("MESSAGE=%s", entry->text);
	FIELD("PRIORITY=%d", entry->priority);
	FIELD("SYSLOG_IDENTIFIER=%s", identifier);
	if (message_id) {
		FIELD("MESSAGE_ID=%s", message_id);
		FIELD("CERTD_EVENT=%s", event_name(entry->event));
	}
	for (const struct log_field *f = entry->fields; f && n < RELAY_FIELDS_MAX; f = f->up)
		if (f->value) {
			struct buf shown AUTO_BUF = BUF_INIT;

			text_show(&shown, f->value, strlen(f->value));
			FIELD("CERTD_%s=%s", f->name, buf_text(&shown));
		}
#undef FIELD
	if (!relay_is_running())
		send_fields(iov, n);
	else if (!relay_send(iov, n))
		log_to_stderr(entry, NULL);
	while (n > 0)
		free(iov[--n].iov_base);
}

/* Is this descriptor the stream that journald connected (systemd.exec(5), $JOURNAL_STREAM)? */
static bool is_journal_stream(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

void log_open(const char *name)
{
	identifier = name;
	is_journal = is_journal_stream(STDERR_FILENO);
	if (is_journal)
		log_to(log_to_journal, NULL);
	else
		log_to(log_to_stderr, NULL);
}

bool log_is_journal(void)
{
	return is_journal;
}

int log_relay_start(void (*lock_in)(void), struct err *err)
{
	struct relay_work work = { lock_in, send_fields };

	if (!is_journal || relay_start(&work, err) == 0)
		return 0;
	log_to(log_to_stderr, NULL);
	return -1;
}

void log_relay_end(void)
{
	if (!relay_is_running())
		return;
	relay_end();
	log_to(log_to_stderr, NULL);
}
