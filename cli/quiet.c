#include "cli/quiet.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;

static void restore(int sig)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
	/* As the shell expects it of a program that was interrupted. */
	if (sig) {
		(void)!write(STDERR_FILENO, "\n", 1);
		_exit(128 + sig);
	}
}

int quiet_begin(void)
{
	struct sigaction sa = { .sa_handler = restore };
	struct termios quiet;

	if (tcgetattr(STDIN_FILENO, &saved))
		return -1;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	quiet = saved;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	return 0;
}

void quiet_end(void)
{
	restore(0);
}
