/* adit: the program. The one place that knows both faces, by core/base/front.h alone. */
#include "core/base/front.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv, tui_main);
}
