/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#include "daemon/ctl/server.h"
#include "lib/base/str.h"
#include "tests/unit/ctl_world.h"

/*
 * The server on a real loop and a real socket: the clients of a test are one child process with
 * ordinary blocking calls, whose failures become its exit status.
 */

static char path[] = "/tmp/certd-server-XXXXXX/s";

struct scene {
	struct ctl_world w;
	struct server *server;
	struct watch child; /* readable when the child has ended */
	struct timer limit;
};

static struct sockaddr_un address(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path, path, sizeof(path));
	return sun;
}

static void end_loop(struct watch *watch, unsigned what)
{
	(void)what;
	loop_stop(watch->loop);
}

static void out_of_time(struct timer *timer)
{
	(void)timer;
	REQUIRE(!"the test took too long");
}

static void scene_begin(struct scene *scene, size_t n)
{
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *slash = strrchr(path, '/');

	memcpy(slash - 6, "XXXXXX", 6);
	*slash = '\0';
	REQUIRE(mkdtemp(path));
	*slash = '/';
	sun = address();
	REQUIRE(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 && listen(fd, 200) == 0);
	memset(scene, 0, sizeof(*scene));
	log_to(NULL, NULL);
	ctl_world_init(&scene->w, loop_new(), n);
	scene->w.ctl.is_own_admin = true;
	scene->w.ctl.own_uid = geteuid();
	scene->server = server_new(&scene->w.ctl, fd);
	scene->limit.fire = out_of_time;
	loop_timer_in(scene->w.loop, &scene->limit, 50 * 1000);
}

/* Serves what the client does until it has ended. */
static void play(struct scene *scene, int (*client)(void))
{
	int fds[2], status;
	pid_t child;

	REQUIRE(pipe(fds) == 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		_exit(client());
	}
	close(fds[1]);
	scene->child = (struct watch){ .fd = fds[0], .ready = end_loop };
	loop_watch(scene->w.loop, &scene->child, LOOP_READ);
	loop_run(scene->w.loop);
	loop_watch_stop(&scene->child);
	close(fds[0]);
	REQUIRE(waitpid(child, &status, 0) == child);
	CHECK_INT(status, 0);
}

static void poll_end(struct timer *timer)
{
	struct scene *scene = CONTAINER_OF(timer, struct scene, limit);

	if (server_clients(scene->server))
		loop_timer_in(scene->w.loop, timer, 1);
	else
		loop_stop(scene->w.loop);
}

/* All clients are gone, and the server has seen it. */
static void scene_end(struct scene *scene)
{
	char *slash = strrchr(path, '/');

	scene->limit.fire = poll_end;
	loop_timer_in(scene->w.loop, &scene->limit, 0);
	loop_run(scene->w.loop);
	server_free(scene->server);
	ctl_world_done(&scene->w);
	log_to(log_to_stderr, NULL);
	unlink(path);
	*slash = '\0';
	rmdir(path);
	*slash = '/';
}

/* For clients. */

static int dial(void)
{
	struct sockaddr_un sun = address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		_exit(100);
	return fd;
}

static void put(int fd, const char *text)
{
	size_t len = strlen(text);

	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(101);
}

/* Reads until the text has come, or the end when it is NULL. */
static char *get(int fd, const char *until)
{
	static char text[1 << 20];
	size_t len = 0;

	text[0] = '\0';
	while (len < sizeof(text) - 1 && !(until && strstr(text, until))) {
		ssize_t n = recv(fd, text + len, 1, 0);

		if (n <= 0)
			break;
		text[++len - 1 + (size_t)n] = '\0';
	}
	return text;
}

#define WANT(cond)                                                                             \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                    \
			return 1;                                                              \
		}                                                                              \
	} while (0)

static int half_closes(void)
{
	int fd = dial();
	const char *text;

	put(fd, "version\nstatus ca/root\nnonsense\nversi");
	shutdown(fd, SHUT_WR);
	text = get(fd, NULL);
	WANT(str_starts(
		text, "hello certd proto=1 version=1.2.3 role=admin\nrow program=certd "));
	WANT(strstr(text, "\nok rows=1\nrow cert=ca/root "));
	WANT(strstr(text, "\nerr unknown-command "));
	return 0;
}

TEST(half_closed)
{
	struct scene scene;

	scene_begin(&scene, 3);
	play(&scene, half_closes);
	scene_end(&scene);
}

static int fills(void)
{
	int most = geteuid() == 0 ? SERVER_CLIENTS_MAX : SERVER_CLIENTS_PER_USER;
	int fds[SERVER_CLIENTS_MAX], one;

	for (int i = 0; i < most; i++) {
		fds[i] = dial();
		WANT(str_starts(get(fds[i], "\n"), "hello "));
	}
	one = dial();
	WANT(str_starts(get(one, NULL), "err busy "));
	close(fds[0]);
	/* Asked on another connection, so the server has seen the end of the first. */
	put(fds[1], "version\n");
	WANT(strstr(get(fds[1], "ok rows=1\n"), "ok"));
	fds[0] = dial();
	WANT(str_starts(get(fds[0], "\n"), "hello "));
	return 0;
}

TEST(limits)
{
	struct scene scene;

	scene_begin(&scene, 3);
	play(&scene, fills);
	scene_end(&scene);
}

/* A connection of another user; root alone can make one. */
static int dial_as(uid_t uid)
{
	int fd;

	if (seteuid(uid) != 0)
		_exit(101);
	fd = dial();
	if (seteuid(0) != 0)
		_exit(102);
	return fd;
}

enum { STRANGER = 5000, USER = 6000, N_USERS = 8 };

static struct scene *scene_of_roles(struct scene *scene)
{
	static struct principal users[N_USERS];
	char *slash = strrchr(path, '/');

	scene_begin(scene, 3);
	for (unsigned i = 0; i < N_USERS; i++)
		users[i] = (struct principal){ .id = USER + i, .is_known = true };
	scene->w.fleet->conf->observe = (struct principals){ users, N_USERS };
	*slash = '\0';
	CHECK_INT(chmod(path, 0755), 0);
	*slash = '/';
	CHECK_INT(chmod(path, 0666), 0);
	return scene;
}

static bool is_cut_off(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&end, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool is_greeted(int fd)
{
	return str_starts(get(fd, "\n"), "hello ");
}

/* Strangers of many users take nothing from users with a role, and these nothing from root. */
static int crowds(void)
{
	int strangers[40], users[N_USERS * SERVER_CLIENTS_PER_USER];
	size_t n_left = 0, n = 0;

	if (geteuid() != 0)
		return 0;
	for (unsigned i = 0; i < 40; i++)
		strangers[i] = dial_as(STRANGER + i % 20);
	for (unsigned i = 0; i < 40; i++)
		n_left += is_greeted(strangers[i]) && !is_cut_off(strangers[i]);
	WANT(n_left <= SERVER_CLIENTS_WITHOUT_ROLE);
	/* One user after the other takes as many as there are; each finds room in the end. */
	for (unsigned i = 0; i < N_USERS; i++)
		for (unsigned k = 0; k < SERVER_CLIENTS_PER_USER; k++, n++) {
			users[n] = dial_as(USER + i);
			if (k == 0)
				WANT(is_greeted(users[n]));
		}
	for (unsigned i = 0; i < N_USERS; i++) {
		int one;

		/* Another connection of a user that may have its share has ended before. */
		for (unsigned k = 0; k < SERVER_CLIENTS_PER_USER; k++)
			close(users[i * SERVER_CLIENTS_PER_USER + k]);
		one = dial();
		WANT(is_greeted(one));
		put(one, "version\n");
		WANT(strstr(get(one, "ok rows=1\n"), "ok"));
		close(one);
		one = dial_as(USER + i);
		WANT(is_greeted(one));
		put(one, "status\n");
		WANT(strstr(get(one, "ok rows="), "row "));
		users[i * SERVER_CLIENTS_PER_USER] = one;
	}
	return 0;
}

TEST(crowds_without_a_role_take_no_room)
{
	struct scene scene;

	play(scene_of_roles(&scene), crowds);
	scene_end(&scene);
}

/* Silence costs a stranger the connection, and a user with a role nothing. */
static int waits(void)
{
	int stranger, user;

	if (geteuid() != 0)
		return 0;
	user = dial_as(USER);
	stranger = dial_as(STRANGER);
	WANT(is_greeted(user) && is_greeted(stranger));
	WANT(str_is(get(stranger, NULL), ""));
	put(user, "version\n");
	WANT(strstr(get(user, "ok rows=1\n"), "ok"));
	return 0;
}

TEST(strangers_are_cut_off_when_idle)
{
	struct scene scene;

	scene_of_roles(&scene)->w.ctl.idle_ms = 50;
	play(&scene, waits);
	scene_end(&scene);
}

/* One that sends and never reads, one that sends no line at all; a third is served all the same. */
static int floods(void)
{
	int deaf = dial(), endless = dial(), polite = dial();
	static char noise[65536], asks[70000];
	size_t sent = 0;

	get(polite, "\n");
	memset(noise, 'x', sizeof(noise));
	for (size_t i = 0; i + 9 <= sizeof(asks); i += 9)
		memcpy(asks + i, "status *\n", 9);
	while (sent < 64 * sizeof(noise)) {
		ssize_t n = send(endless, noise, sizeof(noise), MSG_NOSIGNAL);

		WANT(n > 0);
		sent += (size_t)n;
	}
	for (int i = 0; i < 100; i++)
		if (send(deaf, asks, sizeof(asks) / 9 * 9, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			WANT(errno == EAGAIN);
	for (int i = 0; i < 20; i++) {
		put(polite, "version\n");
		WANT(str_ends(get(polite, "ok rows=1\n"), "ok rows=1\n"));
	}
	put(endless, "\nversion\n");
	WANT(strstr(get(endless, "ok rows=1\n"), "\nerr bad-line "));
	return 0;
}

TEST(floods)
{
	struct scene scene;

	scene_begin(&scene, 100);
	play(&scene, floods);
	scene_end(&scene);
}

/* Goes away in the middle of everything that takes a while. */
static int vanishes(void)
{
	static const char *const asks[] = { "plan days=3660\n", "versions ca/root\n",
		"reload\n", "watch\n", "metrics\n", "prune\n", "" };

	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		int fd = dial();

		put(fd, asks[i]);
		get(fd, "\n");
		close(fd);
	}
	return 0;
}

TEST(vanishes)
{
	struct scene scene;

	scene_begin(&scene, 50);
	play(&scene, vanishes);
	scene_end(&scene);
	CHECK_INT(scene.w.ctl.n_forecasts, 0);
}

static int sleeps(void)
{
	int fd = dial();
	struct pollfd pollfd = { .fd = fd };

	put(fd, "status\nstatus\nstatus\nstatus\nstatus\n");
	/* Cut off: the hang-up comes although nothing is read. */
	WANT(poll(&pollfd, 1, 30000) == 1);
	return 0;
}

TEST(stalls)
{
	struct scene scene;

	scene_begin(&scene, 2000);
	scene.w.ctl.patience_ms = 50;
	play(&scene, sleeps);
	CHECK_INT(scene.w.ctl.ring.counts[EVENT_CLIENT_DROPPED], 1);
	scene_end(&scene);
}
