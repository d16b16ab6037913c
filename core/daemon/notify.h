/* notify: tells the service manager how we are (sd_notify(3), without libsystemd). Where no
 * NOTIFY_SOCKET is in the environment every call does nothing. */
#ifndef ADIT_DAEMON_NOTIFY_H
#define ADIT_DAEMON_NOTIFY_H

/* status: one line for `systemctl status`, or NULL. */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
