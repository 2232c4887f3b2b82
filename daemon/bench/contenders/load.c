/* SPDX-License-Identifier: Apache-2.0 */
// The caller that all services are measured with. It speaks D-Bus at the socket,
// as cheaply as can be: whatever time a caller's library took would be added to
// all services alike and hide how they differ.
//
//     load SOCKET call CONNECTIONS MILLISECONDS PID
//     load SOCKET turns CONNECTIONS MILLISECONDS PID
//     load SOCKET listen CONNECTIONS MEMBER
//
// Standard input has two messages, as they travel: Hello and what each connection
// sends after it. "00000000" in the second is replaced by a number that grows.
//
// call sends that once on each connection and then again and again, one call at a
// time on each, and prints how many were answered, the nanoseconds of the median
// call, those in all, and those of processor time that the process PID used
// meanwhile. turns does the same with one call at a time on all of them.
//
// listen prints "ready" when all connections are answered, waits until each has
// got a signal of that name, and prints when, on the monotonic clock, the first
// and the last came, in nanoseconds.
#define _GNU_SOURCE
#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { METHOD_RETURN = 2, ERROR = 3, SIGNAL = 4, LONGEST = 8192 };

struct connection {
	int fd;
	int64_t sent;
	size_t length; // of what has been read
	char in[LONGEST];
};

static char messages[2 * LONGEST];
static char *counter; // eight digits in the second message, or NULL

static int64_t now(clockid_t clock) {
	struct timespec t;
	if (clock_gettime(clock, &t) < 0)
		err(1, "reading a clock");
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static uint32_t number(const char *at) {
	uint32_t n;
	memcpy(&n, at, sizeof n);
	return n;
}

// size gives the length of a message of which the first 16 bytes are there.
static size_t size(const char *m) { return 16 + ((number(m + 12) + 7) & ~7u) + number(m + 4); }

static void send_message(struct connection *c, const char *m) {
	c->sent = now(CLOCK_MONOTONIC);
	if (write(c->fd, m, size(m)) != (ssize_t)size(m))
		err(1, "sending");
}

// call_once sends the second message, which is another one each time if it has a
// counter.
static void call_once(struct connection *c) {
	static unsigned calls;
	char digits[16];
	if (counter) {
		snprintf(digits, sizeof digits, "%08u", ++calls % 100000000);
		memcpy(counter, digits, 8);
	}
	send_message(c, messages + size(messages));
}

// receive reads once and reports whether the next message is there.
static bool receive(struct connection *c) {
	ssize_t n = read(c->fd, c->in + c->length, sizeof c->in - c->length);
	if (n <= 0)
		err(1, "reading");
	c->length += n;
	return c->length >= 16 && c->length >= size(c->in);
}

// is tells whether the message at hand is of that kind, and has that text in it.
static bool is(struct connection *c, int kind, const char *text) {
	if (c->in[1] == ERROR)
		errx(1, "a call was answered with an error");
	return c->in[1] == kind && memmem(c->in, size(c->in), text, strlen(text));
}

// drop forgets the message at hand and reports whether another one is there.
static bool drop(struct connection *c) {
	size_t n = size(c->in);
	memmove(c->in, c->in + n, c->length -= n);
	return c->length >= 16 && c->length >= size(c->in);
}

static void await_return(struct connection *c) {
	for (;;)
		for (bool there = receive(c); there; there = drop(c))
			if (is(c, METHOD_RETURN, "")) {
				drop(c);
				return;
			}
}

static void open_connection(struct connection *c, const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
		err(1, "connecting to %s", path);
	char user[16], line[64] = "", *end = stpcpy(line + 1, "AUTH EXTERNAL ") ;
	snprintf(user, sizeof user, "%u", getuid());
	for (char *digit = user; *digit; digit++)
		end += sprintf(end, "%02x", *digit);
	end = stpcpy(end, "\r\n");
	if (write(c->fd, line, end - line) < 0 || read(c->fd, c->in, sizeof c->in) < 3 || memcmp(c->in, "OK ", 3))
		errx(1, "the bus does not know us");
	if (write(c->fd, "BEGIN\r\n", 7) < 0)
		err(1, "sending");
	send_message(c, messages);
	await_return(c);
}

static int compare(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

// wait_for_any waits until there is something to read. A single connection is
// simply read.
static void wait_for_any(struct connection *all, struct pollfd *polled, int connections) {
	for (int i = 0; i < connections; i++)
		polled[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN, .revents = POLLIN};
	if (connections > 1 && poll(polled, connections, -1) < 0)
		err(1, "waiting");
}

enum { KEPT = 1 << 20 };

// measurement is of calls to a process.
struct measurement {
	clockid_t processor;
	int64_t began, used, ended, answered;
	int64_t times[KEPT];
};

// begin starts one, after each connection has called twice: a service may ask the
// bus who that is, and forget others meanwhile.
static void begin(struct measurement *m, struct connection *all, int connections, pid_t pid) {
	if (clock_getcpuclockid(pid, &m->processor))
		errx(1, "process %d has no clock", pid);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < connections; i++)
			call_once(&all[i]);
		for (int i = 0; i < connections; i++)
			await_return(&all[i]);
	}
	m->began = m->ended = now(CLOCK_MONOTONIC);
	m->used = now(m->processor);
}

// note adds a call that has been answered.
static void note(struct measurement *m, struct connection *c) {
	m->ended = now(CLOCK_MONOTONIC);
	m->times[m->answered++ % KEPT] = m->ended - c->sent;
}

static void end(struct measurement *m) { m->used = now(m->processor) - m->used; }

static void print(struct measurement *m) {
	size_t kept = m->answered < KEPT ? m->answered : KEPT;
	qsort(m->times, kept, sizeof *m->times, compare);
	printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", m->answered, m->times[kept / 2], m->ended - m->began, m->used);
}

// call leaves no call unanswered, which would disturb what is measured next.
static void call(struct measurement *m, struct connection *all, struct pollfd *polled, int connections, int64_t nanoseconds) {
	for (int i = 0; i < connections; i++)
		call_once(&all[i]);
	while (m->ended - m->began < nanoseconds) {
		wait_for_any(all, polled, connections);
		for (int i = 0; i < connections; i++) {
			struct connection *c = &all[i];
			for (bool there = polled[i].revents && receive(c); there; there = drop(c))
				if (is(c, METHOD_RETURN, "")) {
					note(m, c);
					call_once(c);
				}
		}
	}
	end(m);
	for (int i = 0; i < connections; i++)
		await_return(&all[i]);
}

static void take_turns(struct measurement *m, struct connection *all, int connections, int64_t nanoseconds) {
	for (int i = 0; m->ended - m->began < nanoseconds; i = (i + 1) % connections) {
		call_once(&all[i]);
		await_return(&all[i]);
		note(m, &all[i]);
	}
	end(m);
}

static void listen_for(struct connection *all, struct pollfd *polled, int connections, const char *member) {
	for (int i = 0; i < connections; i++) {
		call_once(&all[i]);
		await_return(&all[i]);
	}
	puts("ready");
	fflush(stdout);
	int64_t first = 0, last = 0;
	for (int heard = 0; heard < connections;) {
		wait_for_any(all, polled, connections);
		last = now(CLOCK_MONOTONIC);
		for (int i = 0; i < connections; i++)
			for (bool there = polled[i].revents && receive(&all[i]); there; there = drop(&all[i]))
				if (is(&all[i], SIGNAL, member)) {
					heard++;
					first = first ? first : last;
				}
	}
	printf("%" PRId64 " %" PRId64 "\n", first, last);
}

// allow_many lets the process have as many connections as it may.
static void allow_many(void) {
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		err(1, "reading the limit of open files");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		err(1, "raising the limit of open files");
}

int main(int argc, char **argv) {
	if (argc < 5 || !fread(messages, 1, sizeof messages, stdin))
		errx(2, "wrong use");
	char *second = messages + size(messages);
	counter = memmem(second, size(second), "00000000", 8);
	int connections = atoi(argv[3]);
	struct connection *all = calloc(connections, sizeof *all);
	struct pollfd *polled = calloc(connections, sizeof *polled);
	allow_many();
	for (int i = 0; i < connections; i++)
		open_connection(&all[i], argv[1]);
	if (!strcmp(argv[2], "listen")) {
		listen_for(all, polled, connections, argv[4]);
		return 0;
	}
	static struct measurement m;
	int64_t nanoseconds = atoll(argv[4]) * 1000000;
	begin(&m, all, connections, atoi(argv[5]));
	if (!strcmp(argv[2], "turns"))
		take_turns(&m, all, connections, nanoseconds);
	else
		call(&m, all, polled, connections, nanoseconds);
	print(&m);
}
