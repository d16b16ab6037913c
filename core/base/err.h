/* err: what went wrong, in words a person can act on.
 *
 * A function that can fail returns 0, or -1 with *e filled by the one who noticed.
 * Callers add context with err_wrap() or handle it; nobody logs and returns.
 */
#ifndef ADIT_BASE_ERR_H
#define ADIT_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The exit codes of every program (adit(8), EXIT STATUS); err.code holds one of them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3,	/* daemon not running, or peer not up */
	EXIT_NO_PEER = 4,
	EXIT_NOT_PERMITTED = 6,
	EXIT_SETTINGS = 7,	/* settings invalid */
	EXIT_TIMEOUT = 9,
};

#define ERR_MSG_MAX 512

/* Zero-initialised means "no error". msg is one sentence, no newline at its end; it may
 * hold a few lines where a settings error shows the line it is about. */
struct err {
	enum exit_code code;
	char msg[ERR_MSG_MAX];
};

/* Fill *e (code EXIT_FAILED) and return -1. e may be NULL. */
int err_set(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same with a code of its own. */
int err_code(struct err *e, enum exit_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same, with ": " and strerror(errno) behind the text. EACCES and EPERM set
 * EXIT_NOT_PERMITTED. */
int err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Put "text: " before what *e already says; the code stays. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#ifdef __clang_analyzer__	/* it looks into one file at a time: let it see the -1 */
#define err_set(...) ((void)(err_set)(__VA_ARGS__), -1)
#define err_code(...) ((void)(err_code)(__VA_ARGS__), -1)
#define err_errno(...) ((void)(err_errno)(__VA_ARGS__), -1)
#define err_wrap(...) ((void)(err_wrap)(__VA_ARGS__), -1)
#endif

#endif
