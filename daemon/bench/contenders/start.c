/* SPDX-License-Identifier: Apache-2.0 */
// Prints the nanoseconds from the exec of a program to its READY=1, and kills it.
//
//     start PROGRAM [ARGUMENT]...
#include <err.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

// manager gives the socket of a service manager, and tells children of it.
static int manager(void) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "plexauthd-bench-%d", getpid());
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + length) < 0)
		err(1, "opening the notification socket");
	struct timeval patience = {.tv_sec = 20};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	address.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

int main(int argc, char **argv) {
	if (argc < 2)
		errx(2, "wrong use");
	int fd = manager();
	int64_t *began = mmap(NULL, sizeof *began, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (began == MAP_FAILED)
		err(1, "mmap");
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		*began = now();
		execv(argv[1], argv + 1);
		_exit(127);
	}
	char note[4096] = "";
	ssize_t n;
	do
		n = recv(fd, note, sizeof note - 1, 0);
	while (n >= 0 && strncmp(note, "READY=1", 7));
	int64_t ended = now();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (n < 0)
		errx(1, "%s does not get ready", argv[1]);
	printf("%" PRId64 "\n", ended - *began);
}
