/* aditd: the monitor with the dataplanes it is built with; the preferred one first. */
#include "dataplane/backend.h"

int main(int argc, char **argv)
{
	static const struct backend *const backends[] = { &backend_xfrm, &backend_esp, NULL };

	return monitor_main(argc, argv, backends);
}
